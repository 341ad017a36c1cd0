"""What admins do: see what a change would do, make it, look back and go back. Knows neither HTTP nor how items are stored."""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise, takewhile
from typing import TypeVar

from admin_api.analysis.access_changes import AccessChange, access_changes
from admin_api.analysis.bindings import BindingReport, judge_bindings
from admin_api.analysis.rules import broken_rules, rule_changes
from admin_api.analysis.token_scope import MAX_COMBINATIONS, TokenVerdict, caller_kinds, enforced_verdicts, token_verdicts
from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.publishing import series
from admin_api.publishing.lockout import Actor, check_lock_out, check_own_routes
from admin_api.publishing.time_limit import TimeLimit, no_limit
from admin_api.publishing.verification import Verification, verify_history
from admin_api.table import writer
from admin_api.table.history import History, NotPublishedError, Published
from admin_api.table.version_record import Authorship, Base, SeriesPart, VersionRecord
from admin_api.table.writer import AnswerFor, Change, ChangeTooLargeError, ConflictError, StoredAnswer, TableWriter
from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import PrincipalRef
from authorizer.policy.problems import DocumentError, Problem
from authorizer.table import keys
from authorizer.table.digests import canonical_json
from authorizer.table.reader import PermissionTable
from authorizer.table.records import Head, RoutesRow, SubjectRow

__all__ = [
    "AnswerFor",
    "ChangeTooLargeError",
    "ConflictError",
    "DenylistFullError",
    "Difference",
    "Head",
    "NotPublishedError",
    "PermissionService",
    "Plan",
    "Published",
    "StoredAnswer",
    "VersionRecord",
]

_Outcome = TypeVar("_Outcome")

_LOGGER = logging.getLogger(__name__)

_DENYLIST_ATTEMPTS = 10
"""Attempts to write an entry of the denylist while others publish: the kill switch must not lose the race."""


MAX_DENYLIST = 2000
"""Entries that may be in force on an API's denylist. Authorizers read it whole at cold start, within the time that API Gateway gives them."""

DENYLIST_RESERVE = 100
"""Entries above that for a whole user or client. Programs that refuse token by token must not fill the list up before the one that matters."""

_WHOLE_CALLERS = (DenylistKind.SUB, DenylistKind.CLIENT_ID)


class DenylistFullError(Exception):
    """The denylist has no room. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two versions: the `rules`, in sentences, and the `access`."""

    rules: tuple[str, ...]
    access: tuple[AccessChange, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What publishing a document would do, and what is `published` in its place.

    `rows` are the contents to write by key; `row_changes` the same in words, `rules` which rules come and go, and `access` what it means for callers. `steps`
    are the versions that it takes, more than one where no transaction can hold the change. `unfinished` is the part at which an earlier change stopped.
    `verdicts` tell for whom one policy could be remembered under the token alone; `verdicts_in_all` counts those that were asked for, of which the time may
    not have been enough for all. `bindings` tell what of the document never lets anybody pass, given the issuers.
    """

    document: PermissionDocument
    published: Published | None
    rows: dict[str, str | None]
    row_changes: tuple[str, ...]
    rules: tuple[str, ...]
    access: tuple[AccessChange, ...]
    steps: tuple[series.Step, ...]
    unfinished: SeriesPart | None
    verdicts: tuple[TokenVerdict, ...]
    verdicts_in_all: int
    bindings: BindingReport

    @property
    def base(self) -> Head | None:
        """The version that the plan starts from, None if nothing is published."""
        return self.published.head if self.published else None

    @property
    def is_empty(self) -> bool:
        """Whether the table already holds this document."""
        return not self.rows


class PermissionService:
    """Works on one table. `now` gives epoch seconds, `wait` waits for some. `issuers` are those whose tokens the APIs' authorizers accept.

    `on_document` is called with each document that was read or published as the newest one of its API.
    """

    def __init__(
        self,
        table: PermissionTable,
        now: Callable[[], float],
        wait: Callable[[float], None] = time.sleep,
        issuers: TrustedIssuers = NOT_KNOWN,
        on_document: Callable[[PermissionDocument], object] = lambda _: None,
    ) -> None:
        self.issuers = issuers
        self._table = table
        self._history = History(table)
        self._writer = TableWriter(table)
        self._now = now
        self._wait = wait
        self._on_document = on_document

    def plan(self, document: PermissionDocument, combinations: int = MAX_COMBINATIONS, *, judge_unchanged: bool = True) -> Plan:
        """Compare a document with what is published now, as `plan_from` does."""
        return self.plan_from(self.find_published(document.api), document, combinations, judge_unchanged=judge_unchanged)

    def plan_from(
        self,
        published: Published | None,
        document: PermissionDocument,
        combinations: int = MAX_COMBINATIONS,
        limit: TimeLimit | None = None,
        *,
        judge_unchanged: bool = True,
    ) -> Plan:
        """Compare a document with what was published when `published` was read, None if nothing was. Writes nothing.

        The plan starts from there: whoever looked at `published` to decide whether to write plans from it, and `apply` tells if it is not published any more.
        Judges so many `combinations` of groups for `token` scope, fewer if half of the `limit` is over before. Without `judge_unchanged` a document that the
        table holds already is not judged, unless it enforces `token` scope. Raises `TakesTooLongError` if all of the limit is over, `DocumentError` if the
        document breaks one of its own rules, or if `token` scope is enforced and cannot express what some subject by itself may do, and
        `ChangeTooLargeError` if a row would be larger than an item may be.
        """
        limit = limit or no_limit()
        check_own_routes(document)
        _check_rules(document, limit)
        before = writer.row_contents(published.document) if published else {}
        after = writer.row_contents(document)
        rows: dict[str, str | None] = {key: content for key, content in after.items() if before.get(key) != content}
        rows |= dict.fromkeys(before.keys() - after.keys())
        is_judged = bool(rows) or judge_unchanged or "token" in document.enforced
        kinds = list(caller_kinds(document, combinations)) if is_judged else []
        verdicts = tuple(takewhile(lambda _: not limit.is_half_over(), token_verdicts(document, kinds, self._now())))
        self._check_enforced(document, verdicts, limit)
        steps = self._steps(published, document) if rows else []
        for step in steps:
            writer.check_rows(step.rows)
        return Plan(
            document=document,
            published=published,
            rows=rows,
            row_changes=_row_changes(document, published, before, rows),
            rules=rule_changes(published.document if published else None, document),
            access=access_changes(published.document if published else None, document, limit.check) if rows else (),
            steps=tuple(steps),
            unfinished=self._history.read_unfinished(document.api, published.head, published.record) if published else None,
            verdicts=verdicts,
            verdicts_in_all=len(kinds),
            bindings=judge_bindings(document, self.issuers),
        )

    def apply(
        self,
        plan: Plan,
        *,
        author: str,
        reason: str,
        on_behalf_of: str | None = None,
        from_file: bool = False,
        actor: Actor | None = None,
        force: bool = False,
        answer_for: AnswerFor | None = None,
        on_part: Callable[[], object] = lambda: None,
        limit: TimeLimit | None = None,
    ) -> Head | None:
        """Publish what was planned, if the API still is where the plan started. None if there is nothing to do.

        The answer that `answer_for` makes is stored with the last version, or by itself if there is nothing to do; `on_part` is called after each
        version. Raises `TakesTooLongError` before anything is written, `LockOutError` for a change that would shut out `actor` or everybody, unless `force`
        is given, and what `writer.publish` raises.
        A `ConflictError` in the middle of a series leaves it unfinished: the next plan shows that, and goes on from there.
        """
        if plan.is_empty:
            if answer_for is not None and plan.base is not None:
                self._writer.keep_answer(plan.document.api, answer_for(plan.base), self._now())
            return None
        if not force:
            self.check_lock_out(plan, actor)
        by = Authorship(author, reason, on_behalf_of, from_file)
        # Before the first part is written: once it is, nothing may stop for lack of time.
        meanings = [*(tuple(map(str, access)) for access in _meanings(plan, limit or no_limit())), (*plan.rules, *map(str, plan.access))]
        base = plan.published.base if plan.published else None
        for number, (step, part, changes) in enumerate(zip(plan.steps, _parts(plan), meanings, strict=True), 1):
            last = number == len(plan.steps)
            change = Change(plan.document.api, base, step.rows, step.new_subjects, by, changes, part)
            base = self._publish(change, answer_for if last else None)
            # The chain of hashes proves something only against a hash that is kept elsewhere: the log is that place.
            _LOGGER.info("published", extra={"api": plan.document.api, "version": base.head.version, "hash": base.head.hash})
            on_part()
        self._on_document(plan.document)
        return base.head if base else None

    def check_lock_out(self, plan: Plan, actor: Actor | None) -> None:
        """Raise `LockOutError` if any state that the plan leads through would shut out `actor` or everybody: it may be where the plan stops."""
        for step in plan.steps:
            check_lock_out(step.document, Denylist(), actor, self._now())

    def _publish(self, change: Change, answer_for: AnswerFor | None) -> Base:
        """Publish one part. In the middle of a series, a change of the denylist that came in between is no conflict: it changes no document."""
        while True:
            try:
                return self._writer.publish(change, self._now(), answer_for)
            except ConflictError:
                if change.series is None or change.series.number == 1:
                    raise
                newest = self._history.read_base(change.api)
                if not self._only_denials_since(change.api, change.base, newest):
                    raise
                change = replace(change, base=newest)

    def _only_denials_since(self, api: str, base: Base | None, newest: Base) -> bool:
        """Return whether something was published since `base`, and nothing but changes of the denylist."""
        is_base = base.head.hash.__eq__ if base else (lambda _: False)
        between = list(takewhile(lambda record: not is_base(record.hash), self._history.read_records(api, newest.head)))
        return bool(between) and all(record.denylist is not None for record in between)

    def apis(self) -> list[str]:
        """Return the names of all APIs in the table, sorted. One Query."""
        return self._history.read_apis()

    def head(self, api: str) -> Head:
        """Return the newest version. One GetItem. Raises `NotPublishedError`."""
        return self._history.require_head(api)

    def find_head(self, api: str) -> Head | None:
        """Return the newest version, None if nothing is published. One GetItem."""
        return self._table.read_head(api, consistent=True)

    def newest_record(self, api: str, head: Head) -> VersionRecord:
        """Return the record of a head. One Query."""
        return next(self._history.read_records(api, head, page=1))

    def unfinished(self, api: str, head: Head, record: VersionRecord) -> SeriesPart | None:
        """Return the part at which a larger change stopped, None if none did. `record` is the head's. One Query if that one is about the denylist."""
        return self._history.read_unfinished(api, head, record)

    def document_version(self, published: Published) -> Head:
        """Return the newest version that changed the document, up to this one: the denylist is no part of it. Free, but after a change of the denylist."""
        record = self._history.document_record(published.document.api, published.head, published.record)
        return Head(record.version, record.hash)

    def record(self, api: str, version: int) -> VersionRecord:
        """Return the record of a version. One GetItem and one Query. Raises `NotPublishedError`."""
        return self._history.read_record(api, version)

    def catalogue(self, api: str, head: Head) -> RoutesRow:
        """Return the catalogue at a version. One Query. Raises `TroubleError` if it is gone: a published API has one from its first version on."""
        row = self._table.read_routes(api, head.version)
        if row is None:
            raise TroubleError("unreadable_row", f"API `{api}` has version {head.version} but no catalogue")
        return row

    def subjects(self, api: str) -> list[PrincipalRef]:
        """Return every subject that any version ever had, sorted. One Query."""
        return sorted(self._table.read_known_subjects(api))

    def subject(self, api: str, ref: PrincipalRef, head: Head) -> SubjectRow:
        """Return what a subject holds at a version; its `subject` is None if that is nothing. One Query."""
        return self._table.read_subject(api, ref, head.version)

    def stored_answer(self, api: str, key: str) -> StoredAnswer | None:
        """Return the answer that is kept under an idempotency key, None if there is none. One GetItem."""
        return self._writer.read_answer(api, key, self._now())

    def find_published(self, api: str) -> Published | None:
        """Return the newest document, None if nothing is published."""
        published = self._history.read_published(api)
        if published is not None:
            self._on_document(published.document)
        return published

    def published(self, api: str) -> Published:
        """Return the newest document. Raises `NotPublishedError`."""
        published = self.find_published(api)
        if published is None:
            raise NotPublishedError(f"API `{api}` has nothing published in this table")
        return published

    def version(self, api: str, version: int) -> Published:
        """Return the document of a version. Raises `NotPublishedError`."""
        return self._history.read_version(api, version)

    def diff(self, api: str, old: int, new: int, limit: TimeLimit | None = None) -> Difference:
        """Return what differs between two versions. Raises `NotPublishedError`, `TakesTooLongError`."""
        before, after = self.version(api, old).document, self.version(api, new).document
        return Difference(rule_changes(before, after), access_changes(before, after, (limit or no_limit()).check))

    def rollback_target(self, api: str, version: int) -> Published:
        """Return the document to go back to. Raises `NotPublishedError` if there is none, or if it is a state in the middle of one large change."""
        target = self.version(api, version)
        part = self._history.read_unfinished(api, target.head, target.record)
        if part is not None:
            before = f"version {part.base} before it or to " if part.base else ""
            raise NotPublishedError(
                f"version {version} is part {part.number} of {part.total} of one change of `{api}`: go back to {before}one after it"
            )
        return target

    def plan_rollback(self, api: str, version: int, combinations: int = MAX_COMBINATIONS) -> Plan:
        """Return what publishing an old version's document again would do. Raises what `rollback_target` raises."""
        return self.plan(self.rollback_target(api, version).document, combinations)

    def history(self, api: str, newest: int | None = None) -> Iterator[VersionRecord]:
        """The records of all versions, the newest first, or those up to `newest`. Raises `NotPublishedError`, and `TroubleError` where the chain is broken."""
        head = self._history.require_head(api)
        if newest is not None and newest < head.version:
            head = Head(newest, self._history.read_record(api, newest).hash)
        return self._history.read_records(api, head)

    def verify(self, api: str, head: Head, *, expected: str | None, on_version: Callable[[], object] = lambda: None) -> Verification:
        """Check the whole history up to a head, as `verify_history` does. Raises `TroubleError` where the chain of hashes is broken."""
        return verify_history(self._history, api, head, now=self._now(), expected=expected, on_version=on_version)

    def denylist(self, api: str, head: Head | None = None) -> Denylist:
        """Return all entries. One Query, and one GetItem unless the `head` was just read. Raises `NotPublishedError`."""
        if head is None:
            self._history.require_head(api)
        return self._table.read_denylist(api)

    def add_entry(
        self,
        api: str,
        kind: DenylistKind,
        value: str,
        *,
        author: str,
        reason: str,
        expires_at: int,
        issued_before: int | None = None,
        actor: Actor | None = None,
        force: bool = False,
    ) -> Head:
        """Refuse tokens of this value from now on. Tries again while others publish.

        Raises `NotPublishedError`, `LockOutError`, `DenylistFullError`, `ConflictError`.
        """

        def attempt() -> Head:
            base = self._history.read_base(api)
            entry = DenylistEntry(kind, value, reason, author, base.head.version + 1, expires_at, issued_before)
            self.check_entry(api, entry, None if force else actor)
            return self._writer.add_entry(api, base, entry, Authorship(author, reason), self._now()).head

        return self._persistently(attempt)

    def check_entry(self, api: str, entry: DenylistEntry, actor: Actor | None) -> None:
        """Raise what would keep an entry from being written: `DenylistFullError`, and `LockOutError` if it would shut out `actor`."""
        known, now = self._table.read_denylist(api), self._now()
        replaced = known.get(entry.kind, entry.value)
        count = known.in_force(now)
        room = MAX_DENYLIST + (DENYLIST_RESERVE if entry.kind in _WHOLE_CALLERS else 0)
        if count >= room and (replaced is None or now >= replaced.expires_at):
            raise DenylistFullError(
                f"the denylist of `{api}` has {count} entries in force, and every authorizer reads all of them: remove some first"
                + ("" if room > MAX_DENYLIST else f"; a whole user or client still has {MAX_DENYLIST + DENYLIST_RESERVE - count} places")
            )
        if actor is not None:
            check_lock_out(self.published(api).document, Denylist([entry]), actor, self._now())

    def remove_entry(self, api: str, kind: DenylistKind, value: str, *, author: str, reason: str) -> Head | None:
        """Take an entry off the denylist. None if there is none. Tries again while others publish. Raises `NotPublishedError`, `ConflictError`."""

        def attempt() -> Head | None:
            base = self._history.read_base(api)
            if self._table.read_denylist(api).get(kind, value) is None:
                return None
            return self._writer.remove_entry(api, base, kind, value, Authorship(author, reason), self._now()).head

        return self._persistently(attempt)

    def _persistently(self, attempt: Callable[[], _Outcome]) -> _Outcome:
        for number in range(_DENYLIST_ATTEMPTS):
            try:
                return attempt()
            except ConflictError:
                # Full jitter ("Timeouts, retries, and backoff with jitter", AWS Builders' Library): whoever collided must not collide again.
                self._wait(random.uniform(0, 0.05 * 2 ** min(number, 5)))  # noqa: S311  # spreads retries, keeps no secret
        return attempt()

    def _steps(self, published: Published | None, document: PermissionDocument) -> list[series.Step]:
        return series.steps(
            published.document if published else None,
            document,
            published.known if published else frozenset(),
            max_items=writer.MAX_WRITTEN,
            max_bytes=writer.MAX_CHANGE_BYTES,
        )

    def _check_enforced(self, document: PermissionDocument, verdicts: tuple[TokenVerdict, ...], limit: TimeLimit) -> None:
        problems = [
            Problem("/enforced", f"`token` scope cannot say what is permitted to {verdict}")
            for verdict in enforced_verdicts(document, verdicts, self._now(), limit.check)
            if len(verdict.refs) <= 1
        ]
        if problems:
            raise DocumentError(problems)


def _check_rules(document: PermissionDocument, limit: TimeLimit) -> None:
    """Raise `DocumentError` if a document breaks its own rules. Nothing overrides them: whoever means it takes the rule out, which every diff shows first."""
    problems = list(broken_rules(document, limit.check))
    if problems:
        raise DocumentError(problems)


def _meanings(plan: Plan, limit: TimeLimit) -> Iterator[tuple[AccessChange, ...]]:
    """Yield what each step but the last changes for callers."""
    documents = [None, *(step.document for step in plan.steps[:-1])]
    for before, after in pairwise(documents):
        if after is not None:
            yield access_changes(before, after, limit.check)


def _parts(plan: Plan) -> Iterator[SeriesPart | None]:
    """Yield the parts that the steps of a plan are, None where there is one only."""
    total, base = len(plan.steps), plan.base.version if plan.base else 0
    if total == 1:
        yield None
        return
    name = hashlib.sha256(canonical_json([base, sorted(plan.rows.items())]).encode()).hexdigest()[:12]
    # Whoever goes on with an unfinished series still comes from where that one started.
    start = plan.unfinished.base if plan.unfinished else base
    for number in range(1, total + 1):
        yield SeriesPart(name, number, total, start)


def _row_changes(
    document: PermissionDocument, published: Published | None, before: dict[str, str], rows: dict[str, str | None]
) -> tuple[str, ...]:
    """Return the rows in words. A group's row also changes when only its ancestors do."""
    refs = {*document.subjects, *(published.document.subjects if published else ())}
    names = {keys.subject_key(document.api, ref): str(ref) for ref in refs} | {
        keys.routes_key(document.api): "routes",
        keys.rules_key(document.api): "rules",
    }
    verbs = {key: "removed" if content is None else "changed" if key in before else "new" for key, content in rows.items()}
    return tuple(sorted(f"{names[key]}: {verb}" for key, verb in verbs.items()))
