"""Publishing for a request: the author is the verified caller, and a dry run gives the same answer without writing."""

from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

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
"""Rows and changes of access that the answer to a write names. It says how many there are in all; the history and `diff` have more.

The answer must never fail for its size: the write is done by then. One that is kept for the same request sent again is an item of 400 KB at most, too.
"""


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
        limit = self._endpoints.limit
        plan = service.plan_from(write.published, write.document, DRY_RUN_COMBINATIONS if write.dry_run else 0, limit)
        status = 201 if write.created and not plan.is_empty else 200
        if write.dry_run:
            service.check_lock_out(plan, actor)
            return answer(_result(plan, None, dry_run=True), status=status)
        reason = write.reason or f"{self._endpoints.event['httpMethod']} {self._endpoints.event['path']}"
        answer_for = replay.answer_for(lambda head: _result(plan, None if plan.is_empty else head, dry_run=False)) if replay else None
        try:
            head = service.apply(plan, author=actor.subject, reason=reason, actor=actor, answer_for=answer_for, limit=limit)
        except ConflictError as error:
            raise lost_race(service, write.api, write.published, error, limit) from error
        now_at = head or plan.base
        headers = {"ETag": entity_tag(now_at)} if now_at else {}
        result = _result(plan, head, dry_run=False)
        if head is not None and self._endpoints.flush_on_publish:
            result.flushed = list(self._endpoints.flush(write.api))
        return answer(result, status=status, headers=headers)


def _result(plan: Plan, head: Head | None, *, dry_run: bool) -> models.WriteResult:
    return presenters.write_result(plan, head, dry_run=dry_run, most=MAX_SHOWN, most_bytes=MAX_SHOWN_BYTES)
