"""Publishing for a request: the author is the verified caller, and a dry run gives the same answer without writing."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from admin_api.analysis.access_changes import AccessChange
from admin_api.publishing.service import ConflictError, Head, Plan, Published
from admin_api.rest.endpoints import Endpoints, answer
from admin_api.rest.idempotency import Replay
from admin_api.rest.preconditions import entity_tag, lost_race
from admin_api.schemas import models, presenters
from authorizer.policy.document import PermissionDocument

DRY_RUN_COMBINATIONS = 50
"""Combinations of groups that a dry run judges for `token` scope."""


MAX_SHOWN = 500
MAX_SHOWN_BYTES = 60_000
"""Rows and changes of access that the answer to a write names. It says how many there are in all; the history and `diff` have more."""


@dataclass(frozen=True, slots=True)
class Write:
    """A document to publish in place of `published`. `created`: something new has been put where nothing was."""

    api: str
    published: Published | None
    document: PermissionDocument
    dry_run: bool
    reason: str | None
    created: bool = False


class Writer:
    """Carries writes out for the caller of the request that is being served."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def publish(self, write: Write, replay: Replay | None = None) -> "Response[models.WriteResult]":
        """Publish, or say what publishing would do. With `replay` the answer is kept for the same request sent again."""
        service, actor = self._endpoints.service, self._endpoints.actor
        plan = service.plan(write.document, DRY_RUN_COMBINATIONS if write.dry_run else 0, base=write.published)
        status = 201 if write.created and not plan.is_empty else 200
        if write.dry_run:
            service.check_lock_out(plan, actor)
            return answer(result_of(plan, None, dry_run=True), status=status)
        reason = write.reason or f"{self._endpoints.event['httpMethod']} {self._endpoints.event['path']}"
        answer_for = replay.answer_for(lambda head: result_of(plan, None if plan.is_empty else head, dry_run=False)) if replay else None
        try:
            head = service.apply(plan, author=actor.subject, reason=reason, actor=actor, answer_for=answer_for)
        except ConflictError as error:
            raise lost_race(service, write.api, write.published, error) from error
        now_at = head or plan.base
        headers = {"ETag": entity_tag(now_at)} if now_at else {}
        return answer(result_of(plan, head, dry_run=False), status=status, headers=headers)


def result_of(plan: Plan, head: Head | None, *, dry_run: bool) -> models.WriteResult:
    """Return what a plan did, or would do."""
    base = plan.base.version if plan.base else 0
    return models.WriteResult(
        api=plan.document.api,
        version=head.version if head else base + len(plan.steps),
        hash=head.hash if head else plan.base.hash if plan.base and plan.is_empty else None,
        changed=not plan.is_empty,
        dry_run=dry_run,
        parts=len(plan.steps),
        rows=list(plan.row_changes[:MAX_SHOWN]),
        rows_in_all=len(plan.row_changes),
        access=_as_many_as_fit(plan.access),
        access_in_all=len(plan.access),
        token_scope=[presenters.token_verdict(verdict) for verdict in plan.verdicts] if dry_run else None,
    )


def _as_many_as_fit(changes: Sequence[AccessChange]) -> list[models.AccessChange]:
    """Return as many of the changes as an answer holds. The answer to a write must never fail for its size: the write is done by then.

    An answer that is kept for the same request sent again is an item of 400 KB at most, too.
    """
    shown = []
    size = 0
    for change in changes[:MAX_SHOWN]:
        told = presenters.access_change(change)
        size += len(told.model_dump_json().encode())
        if size > MAX_SHOWN_BYTES:
            break
        shown.append(told)
    return shown
