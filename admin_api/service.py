"""What admins do: see what a change would do, make it, and look back. Knows neither HTTP nor how items are stored."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from admin_api import store
from admin_api.store import Change, Published
from authorizer import table_keys as keys
from authorizer.permission_table import Head, VersionRecord, read_head
from authorizer.policy.analysis import AccessChange, access_changes
from authorizer.policy.cache_safety import MAX_COMBINATIONS, TokenVerdict, caller_kinds, token_verdicts
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import PrincipalRef
from authorizer.policy.problems import DocumentError, Problem

_LOGGER = logging.getLogger(__name__)


class NotPublishedError(Exception):
    """The API has no document in the table."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing a document would do, and the version that it starts from.

    `rows` are the contents to write by key; `row_changes` the same in words, and `access` what they mean for callers. `verdicts` tell for whom one
    policy could be remembered under the token alone.
    """

    document: PermissionDocument
    base: Head | None
    rows: dict[str, str | None]
    new_subjects: frozenset[PrincipalRef]
    row_changes: tuple[str, ...]
    access: tuple[AccessChange, ...]
    verdicts: tuple[TokenVerdict, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the table already holds this document."""
        return not self.rows


class PermissionService:
    """Works on the table that was bound. `now` gives epoch seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def plan(self, document: PermissionDocument, combinations: int = MAX_COMBINATIONS) -> Plan:
        """Compare a document with what is published. Writes nothing. Judges so many `combinations` of groups for `token` scope.

        Raises `DocumentError` if `token` scope is enforced and cannot express what some subject by itself may do.
        """
        verdicts = tuple(token_verdicts(document, caller_kinds(document, combinations), self._now()))
        problems = [
            Problem("/enforced", f"`token` scope cannot say what is permitted to {verdict}")
            for verdict in verdicts
            if "token" in document.enforced and len(verdict.refs) <= 1 and not verdict.is_expressible
        ]
        if problems:
            raise DocumentError(problems)
        published = store.read_published(document.api)
        before = store.row_contents(published.document) if published else {}
        after = store.row_contents(document)
        rows: dict[str, str | None] = {key: content for key, content in after.items() if before.get(key) != content}
        rows |= dict.fromkeys(before.keys() - after.keys())
        return Plan(
            document=document,
            base=published.head if published else None,
            rows=rows,
            new_subjects=frozenset(document.subjects) - (published.known if published else frozenset()),
            row_changes=_row_changes(document, published, before, rows),
            access=access_changes(published.document if published else None, document),
            verdicts=verdicts,
        )

    def apply(self, plan: Plan, *, author: str, reason: str, on_behalf_of: str | None = None) -> Head | None:
        """Publish what was planned, if the API still is where the plan started. None if there is nothing to do.

        Raises what `store.publish` raises.
        """
        if plan.is_empty:
            return None
        change = Change(
            api=plan.document.api,
            base=plan.base,
            rows=plan.rows,
            new_subjects=plan.new_subjects,
            author=author,
            on_behalf_of=on_behalf_of,
            reason=reason,
            changes=tuple(map(str, plan.access)),
        )
        head = store.publish(change, self._now())
        # The chain of hashes proves something only against a hash that is kept elsewhere: the log is that place.
        _LOGGER.info("published", extra={"api": plan.document.api, "version": head.version, "hash": head.hash})
        return head

    def published(self, api: str) -> Published:
        """The newest document. Raises `NotPublishedError`."""
        published = store.read_published(api)
        if published is None:
            raise NotPublishedError(f"API `{api}` has nothing published in this table")
        return published

    def history(self, api: str) -> Iterator[VersionRecord]:
        """The records of all versions, the newest first. Raises `NotPublishedError`."""
        head = read_head(api, consistent=True)
        if head is None:
            raise NotPublishedError(f"API `{api}` has nothing published in this table")
        return store.read_history(api, head.version)


def _row_changes(
    document: PermissionDocument, published: Published | None, before: dict[str, str], rows: dict[str, str | None]
) -> tuple[str, ...]:
    """The rows in words. A group's row also changes when only its ancestors do."""
    refs = {*document.subjects, *(published.document.subjects if published else ())}
    names = {keys.subject_key(document.api, ref): str(ref) for ref in refs} | {keys.routes_key(document.api): "routes"}
    verbs = {key: "removed" if content is None else "changed" if key in before else "new" for key, content in rows.items()}
    return tuple(sorted(f"{names[key]}: {verb}" for key, verb in verbs.items()))
