"""Permission rows kept between requests: one version of one API, checked against the table's head at intervals.

A reader at version m that sees head n reads the records m+1 to n, and those rows of the caller at hand that they name. It moves to n only when each of
these rows is the one that its record names. Other rows that they name are dropped and read when a caller needs them, so that no request pays for a
change of thousands. What it cannot confirm it does not file under a new version, since that could keep a revoked grant alive. Until it can, version m
serves on within the stale bound, and after that requests fail.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.route import RouteCatalog
from authorizer.table import keys
from authorizer.table.reader import PermissionTable
from authorizer.table.records import Head, RoutesRow, SubjectRow, VersionLink

MAX_VERSIONS_TO_FOLLOW = 100
"""A reader that is further behind starts again instead of following each change."""

MAX_BYTES = 64 * 1024 * 1024
"""What rows may take in memory, as far as that can be told from their text; the least recently used leave first."""

MAX_CALLERS = 500
"""Sets of refs of which it is remembered what they hold together."""

_ROW_BYTES, _BYTES_PER_CHARACTER = 1_500, 20
"""What a row takes in memory by itself and for each character of its text, measured with `tracemalloc` on rows of 1 to 100 permissions."""

AT_ONCE = 10
"""Rows that are read at the same time: botocore keeps as many connections."""

IN_TURN = 3
"""Rows that one connection reads before it pays to make another: that costs a TLS handshake."""


class LoadedPermissions(NamedTuple):
    """What a request is decided by: all of one version, which `hash` names in whichever history. `stale` tells that the table could not confirm it when
    that was due."""

    version: int
    hash: str
    catalog: RouteCatalog
    permissions: CallerPermissions
    cached: bool
    stale: bool
    denylist: Denylist = Denylist()


_LONGEST_TOKEN_SECONDS = 86_400
"""An access token of Cognito lives a day at most. A clock that runs ahead by more verifies none, so that at no reading an entry is lost that is in force."""


class _UnreadError(Exception):
    """Rows of these subjects could not be read."""

    def __init__(self, refs: tuple[PrincipalRef, ...], cause: TroubleError) -> None:
        super().__init__(str(cause))
        self.refs = refs
        self.cause = cause


class _Asked(NamedTuple):
    """Whose permissions are asked for: the refs of a caller, and the client and scopes that may be needed besides, none if no version named the client."""

    refs: tuple[PrincipalRef, ...]
    consent: tuple[PrincipalRef, ...] = ()


class _Held(NamedTuple):
    """The rows of a caller, and those of the consent: the client's and its scopes', None unless the client is delegated."""

    rows: dict[PrincipalRef, SubjectRow]
    consent: dict[PrincipalRef, SubjectRow] | None = None


class _Due(NamedTuple):
    """What a record says of a row: the version that wrote it and the digest of its item."""

    version: int
    sha256: str


@dataclass(slots=True)
class _State:
    """One version, as far as it was read. `due` tells for the key of a touched row what the newest must be; `size` estimates the bytes of all rows.
    `follows` tells that the state before it is of the same history, and not far behind."""

    head: Head
    routes: RoutesRow
    known: frozenset[PrincipalRef]
    due: dict[str, _Due]
    denylist: Denylist
    subjects: OrderedDict[PrincipalRef, SubjectRow] = field(default_factory=OrderedDict)
    callers: OrderedDict[_Asked, tuple[tuple[PrincipalRef, ...], CallerPermissions]] = field(default_factory=OrderedDict)
    size: int = 0
    follows: bool = False

    def remembered(self, asked: _Asked) -> CallerPermissions | None:
        """Return what a caller of these refs holds, if one has asked before."""
        known = self.callers.get(asked)
        if known is None:
            return None
        for ref in known[0]:
            if ref in self.subjects:
                self.subjects.move_to_end(ref)
        self.callers.move_to_end(asked)
        return known[1]

    def remember(self, asked: _Asked, held: tuple[PrincipalRef, ...], permissions: CallerPermissions) -> None:
        """Keep what a caller of these refs holds, by the rows of these subjects."""
        self.callers[asked] = held, permissions
        if len(self.callers) > MAX_CALLERS:
            self.callers.popitem(last=False)

    def keep(self, ref: PrincipalRef, row: SubjectRow) -> None:
        """Keep a row that was just read."""
        self.subjects[ref] = row
        self.size += _bytes_of(row)

    def drop_the_oldest(self) -> None:
        """Keep no more than fits."""
        while self.size > MAX_BYTES and self.subjects:
            self.size -= _bytes_of(self.subjects.popitem(last=False)[1])
            # What was made of a row holds on to it.
            self.callers.clear()


@dataclass(slots=True)
class _Superseded:
    """The version before the one that is served. It serves on, within the bound, for those whose new rows cannot be read.

    `failed` tells when reading a subject's new row failed last, and why.
    """

    state: _State
    confirmed_at: float
    failed: dict[PrincipalRef, tuple[float, TroubleError]] = field(default_factory=dict)


class PermissionCache:
    """The permissions of one API in one table. Not for several threads at once: a Lambda sandbox serves one request at a time."""

    def __init__(
        self, table: PermissionTable, api: str, *, now: Callable[[], float], refresh_seconds: float, max_stale_seconds: float
    ) -> None:
        self._table = table
        self._api = api
        self._now = now
        self._refresh_seconds = refresh_seconds
        self._max_stale_seconds = max_stale_seconds
        self._state: _State | None = None
        self._superseded: _Superseded | None = None
        self._confirmed_at = 0.0
        self._checked_at = 0.0

    def load(self, refs: Iterable[PrincipalRef], consent: tuple[PrincipalRef, ...] = ()) -> LoadedPermissions:
        """Everything that these refs hold, with their ancestors. Refs that no version ever named cost nothing.

        `consent` are the client and the scopes of a person's token. If that client is delegated, what the scopes hold stands beside.
        Raises `TroubleError` if the table cannot tell and what is here is too old or does not hold one of the refs.
        """
        wanted = tuple(refs)
        current, fresh = self._current(_Asked(wanted, consent))
        state, stale, read = current, not self._is_confirmed(), 0
        # Callers through clients that no document names are one and the same.
        asked = _Asked(wanted, consent if consent and consent[0] in current.known else ())
        permissions = current.remembered(asked)
        if permissions is None:
            try:
                held, read = self._held(current, asked)
            except _UnreadError as error:
                state, stale, read = self._before(error), True, 1
                held = self._held_here(state, _Asked(wanted, consent), error.cause)
            permissions = _together(state, asked, held)
            state.drop_the_oldest()
        return LoadedPermissions(
            version=state.head.version,
            hash=state.head.hash,
            catalog=state.routes.catalog,
            permissions=permissions,
            cached=fresh and not read,
            stale=stale,
            # A token that is known to be refused is refused, whichever version its caller's rows are of.
            denylist=current.denylist,
        )

    @property
    def head_age(self) -> float:
        """How many seconds ago the table confirmed what is served: 0 as long as nothing is, and where the clock went back."""
        return max(self._now() - self._confirmed_at, 0.0) if self._state is not None else 0.0

    def _before(self, error: _UnreadError) -> _State:
        """Return the version before, for a caller whose new rows could not be read. Raises the error's cause if it cannot serve them."""
        old = self._superseded
        now = self._now()
        if old is None or not self._is_within_bound(old.confirmed_at, now) or not all(ref in old.state.subjects for ref in error.refs):
            raise error.cause from error
        lately = self._failed_lately(error.refs)
        old.failed |= {ref: (now, error.cause) for ref in error.refs if ref not in lately}
        return old.state

    def _failed_lately(self, refs: Iterable[PrincipalRef]) -> dict[PrincipalRef, TroubleError]:
        """Return which of these rows could not be read less than an interval ago, while the version before serves: otherwise each request would wait for the
        table's timeout."""
        old, now = self._superseded, self._now()
        if old is None or not self._is_within_bound(old.confirmed_at, now):
            return {}
        failed = {ref: old.failed[ref] for ref in refs if ref in old.failed}
        return {ref: cause for ref, (at, cause) in failed.items() if 0 <= now - at < self._refresh_seconds}

    def _current(self, asked: _Asked) -> tuple[_State, bool]:
        """Return the state to serve from, and whether it needed no call."""
        now = self._now()
        if self._state is None:
            self._state = self._start(consistent=False)
        elif 0 <= now - self._checked_at < self._refresh_seconds and (self._is_confirmed() or self._is_usable(now)):
            return self._state, True
        else:
            try:
                followed = self._follow(self._state, asked)
            except TroubleError:
                if not self._is_usable(now):
                    raise
                # Asked again only an interval after this failure, which may have taken long: otherwise each request would wait for the table's timeout.
                self._checked_at = self._now()
                return self._state, False
            if followed is not self._state:
                self._superseded = _Superseded(self._state, self._confirmed_at) if followed.follows else None
                self._state = followed
            elif self._superseded is not None and not self._is_within_bound(self._superseded.confirmed_at, now):
                self._superseded = None
        self._confirmed_at = self._checked_at = now
        return self._state, False

    def _is_confirmed(self) -> bool:
        """Return whether the last attempt to see the table's version was a success."""
        return self._checked_at == self._confirmed_at

    def _is_usable(self, now: float) -> bool:
        """Return whether what is here may serve although the table cannot confirm it."""
        return self._is_within_bound(self._confirmed_at, now)

    def _is_within_bound(self, confirmed_at: float, now: float) -> bool:
        """Return whether what was confirmed then may serve now. A clock that went back tells nothing about its age."""
        return 0 <= now - confirmed_at <= self._max_stale_seconds

    def _start(self, *, consistent: bool) -> _State:
        head = self._table.read_head(self._api, consistent=consistent)
        if head is None:
            raise TroubleError("nothing_published", f"API `{self._api}` has no permissions in the table: publish a document")
        records = self._table.read_versions(self._api, head.version - 1, head.version)
        _check_chain(records, head.version - 1, head)
        known = self._read_known(records)
        due = _due(records)
        denylist = self._read_denylist(records) if head.denylist_stamp else Denylist()
        return _State(head, self._read_routes(due, head.version), known, due, denylist)

    def _follow(self, state: _State, asked: _Asked) -> _State:
        head = self._table.read_head(self._api, consistent=False)
        if head == state.head:
            return state
        if head is None or head.version <= state.head.version or head.version - state.head.version > MAX_VERSIONS_TO_FOLLOW:
            # Lower, or another history under the same number: the table was restored, or this read lagged. The table's own word decides.
            head = self._table.read_head(self._api, consistent=True)
            return state if head == state.head else self._start(consistent=True)
        records = self._table.read_versions(self._api, state.head.version, head.version)
        _check_chain(records, state.head.version, head)
        if records[0].parent_hash != state.head.hash:
            return self._start(consistent=True)
        due = _due(records)
        kept = OrderedDict((ref, row) for ref, row in state.subjects.items() if keys.subject_key(self._api, ref) not in due)
        # Of the rows that were dropped, the caller's are read before the version is taken: without them it stays with the version that it has.
        callers = [ref for ref in _with_ancestors(state, (*asked.refs, *asked.consent)) if ref in state.subjects and ref not in kept]
        read, unread = self._read_subjects(due, callers, head.version)
        if unread is not None:
            raise unread.cause
        new_subjects = any(t.sk.startswith(keys.REGISTRY_PREFIX) for record in records for t in record.touched)
        followed = _State(
            head=head,
            routes=self._read_routes(due, head.version) if keys.routes_key(self._api) in due else state.routes,
            known=self._read_known(records) if new_subjects else state.known,
            due=state.due | due,
            denylist=self._read_denylist(records) if head.denylist_stamp != state.head.denylist_stamp else state.denylist,
            subjects=kept,
            size=sum(map(_bytes_of, kept.values())),
            follows=True,
        )
        for ref, row in read.items():
            followed.keep(ref, row)
        return followed

    def _held(self, state: _State, asked: _Asked) -> tuple[_Held, int]:
        """Return the rows of these subjects and of their ancestors, and how many had to be read. Raises `_UnreadError`, and `TroubleError` for a gap."""
        client, scopes = asked.consent[:1], asked.consent[1:]
        count = self._read_missing(state, (*asked.refs, *client))
        if not client or not self._here(state, client[0], None).is_delegated:
            scopes = ()
        count += self._read_missing(state, (*_with_ancestors(state, asked.refs), *scopes))
        return self._held_here(state, asked), count

    def _held_here(self, state: _State, asked: _Asked, cause: TroubleError | None = None) -> _Held:
        """Return the rows without reading. Raises `cause` for one that would have to be read."""
        held: dict[PrincipalRef, SubjectRow] = {}
        for ref in asked.refs:
            held[ref] = row = self._here(state, ref, cause)
            for parent in _parents(row):
                held[parent] = self._here(state, parent, cause)
                if held[parent].subject is None:
                    # No version has a subject whose ancestor it removed. Its deny must not drop out because its row or its entry did.
                    raise TroubleError("unreadable_row", f"`{ref}` inherits from `{parent}`, of which nothing is in the table")
        # INVARIANT: a client whose row is not here is never taken for one that is not delegated.
        if not asked.consent or not self._here(state, asked.consent[0], cause).is_delegated:
            return _Held(held)
        return _Held(held, {ref: self._here(state, ref, cause) for ref in asked.consent})

    def _here(self, state: _State, ref: PrincipalRef, cause: TroubleError | None) -> SubjectRow:
        row = state.subjects.get(ref)
        if row is None:
            # INVARIANT: a subject that has existed is never taken for one that holds nothing. What it holds may be the deny.
            if ref in state.known:
                raise cause or TroubleError("lagging_row", f"what `{ref}` holds was not read")
            return SubjectRow(0, None)
        state.subjects.move_to_end(ref)
        return row

    def _read_missing(self, state: _State, refs: Iterable[PrincipalRef]) -> int:
        missing = [ref for ref in dict.fromkeys(refs) if ref not in state.subjects and ref in state.known]
        failed = self._failed_lately(missing) if missing else {}
        if failed:
            raise _UnreadError(tuple(failed), next(iter(failed.values())))
        read, unread = self._read_subjects(state.due, missing, state.head.version)
        for ref, row in read.items():
            state.keep(ref, row)
        if unread is not None:
            raise unread
        return len(missing)

    def _read_known(self, records: Iterable[VersionLink]) -> frozenset[PrincipalRef]:
        """Return the registry, which must show every subject that these records say is new: one that is missing would go without its denies."""
        known = self._table.read_known_subjects(self._api)
        shown = {keys.registry_sort_key(ref) for ref in known}
        for record in records:
            for touched in record.touched:
                if touched.sk.startswith(keys.REGISTRY_PREFIX) and touched.sk not in shown:
                    raise TroubleError("lagging_row", f"version {record.version} registered `{touched.sk}`, which the table does not show")
        return known

    def _read_denylist(self, records: Iterable[VersionLink]) -> Denylist:
        """Return the denylist, which must show what the newest of these records says of each entry; what has ended may be gone."""
        denylist = self._table.read_denylist(self._api, in_force_at=self._now() - _LONGEST_TOKEN_SECONDS)
        newest = {(r.denylist.kind, r.denylist.value): (r, r.denylist.expires_at) for r in records if r.denylist is not None}
        for (kind, value), (record, ends) in newest.items():
            entry, version = denylist.get(kind, value), record.version
            shown = 0 if entry is None else entry.version
            # A removal leaves nothing behind, an entry stays at least until its end, and a newer one may have come since.
            if shown < version and (bool(shown) if ends is None else self._now() < ends):
                raise TroubleError("lagging_row", f"denylist entry `{kind}` of version {version} is not what its record names")
            if entry is not None and shown == version and entry.sha256 not in [t.sha256 for t in record.touched]:
                raise TroubleError("altered_row", f"denylist entry `{kind}` does not hold what version {version} wrote: somebody edited it")
        return denylist

    def _read_subjects(
        self, due: Mapping[str, _Due], refs: list[PrincipalRef], at: int
    ) -> tuple[dict[PrincipalRef, SubjectRow], _UnreadError | None]:
        """Return the rows of these subjects, and which of them could not be read. Each is a Query of its own, and a caller may be in a hundred groups."""
        results: dict[PrincipalRef, SubjectRow | Exception] = {}

        def read(some: list[PrincipalRef]) -> None:
            try:
                for ref in some:
                    results[ref] = self._read_subject(due, ref, at)
            except Exception as error:  # noqa: BLE001  # raised again by the thread that answers
                results.update(dict.fromkeys((ref for ref in some if ref not in results), error))

        # By turns, so that none has more than its share. The first share is this thread's.
        count = min(AT_ONCE, -(-len(refs) // IN_TURN))
        threads = [threading.Thread(target=read, args=(refs[number::count],), name="permission rows") for number in range(1, count)]
        for thread in threads:
            thread.start()
        read(refs[:: count or 1])
        for thread in threads:
            thread.join()
        failed = {ref: result for ref in refs if isinstance(result := results[ref], Exception)}
        rows = {ref: row for ref in refs if isinstance(row := results[ref], SubjectRow)}
        for error in failed.values():
            if not isinstance(error, TroubleError):
                raise error
            return rows, _UnreadError(tuple(failed), error)
        return rows, None

    def _read_subject(self, due: Mapping[str, _Due], ref: PrincipalRef, at: int) -> SubjectRow:
        key = keys.subject_key(self._api, ref)
        row = self._table.read_subject(self._api, ref, at)
        _check_row(due, key, row)
        # A subject enters the registry together with its first row, and keeps one when it is removed. A registry that is newer than this version may name one
        # whose rows all come later. Without any, they are lost, and one of them may be the deny.
        if not row.version and not self._table.has_rows(self._api, ref):
            raise TroubleError("lagging_row", f"the registry has `{ref}`, and the table has no row of it")
        return row

    def _read_routes(self, due: Mapping[str, _Due], at: int) -> RoutesRow:
        key = keys.routes_key(self._api)
        row = self._table.read_routes(self._api, at)
        if row is None:
            raise TroubleError("lagging_row", f"`{key}` has no row at version {at}")
        _check_row(due, key, row)
        return row


def _together(state: _State, asked: _Asked, held: _Held) -> CallerPermissions:
    """Return what a caller holds by these rows, and remember it."""
    if held.consent is not None:
        client, *scopes = held.consent.values()
        permissions = CallerPermissions((row.index for row in held.rows.values()), (client.denies, *(row.index for row in scopes)))
        state.remember(asked, (*held.rows, *held.consent), permissions)
        return permissions
    plain = _Asked(asked.refs)
    known = state.remembered(plain)
    permissions = CallerPermissions(row.index for row in held.rows.values()) if known is None else known
    for each in {plain, asked}:
        state.remember(each, (*held.rows, *each.consent[:1]), permissions)
    return permissions


def _parents(row: SubjectRow) -> list[PrincipalRef]:
    return [PrincipalRef(RefKind.GROUP, name) for name in row.ancestors]


def _with_ancestors(state: _State, refs: Iterable[PrincipalRef]) -> list[PrincipalRef]:
    """Return the subjects and all groups that they inherit from, as far as their rows are here."""
    found = dict.fromkeys(refs)
    for ref in tuple(found):
        row = state.subjects.get(ref)
        found |= dict.fromkeys(_parents(row) if row else ())
    return list(found)


def _bytes_of(row: SubjectRow) -> int:
    return _ROW_BYTES + _BYTES_PER_CHARACTER * row.size


def _check_chain(records: tuple[VersionLink, ...], after: int, head: Head) -> None:
    """Every record between two versions must be there, and lead to the hash that the head names."""
    numbers = [record.version for record in records]
    linked = all(child.parent_hash == parent.hash for parent, child in pairwise(records))
    if numbers != list(range(after + 1, head.version + 1)) or not linked or records[-1].hash != head.hash:
        raise TroubleError("lagging_row", f"the records of versions {after + 1} to {head.version} do not lead to the head")


def _due(records: Iterable[VersionLink]) -> dict[str, _Due]:
    return {t.pk: _Due(record.version, t.sha256) for record in records if record.denylist is None for t in record.touched}


def _check_row(due: Mapping[str, _Due], key: str, row: RoutesRow | SubjectRow) -> None:
    """A row that a record names is the one that this version wrote, and holds what it wrote. What an older version wrote is taken as it stands."""
    named = due.get(key)
    if named is None:
        return
    if row.version != named.version:
        raise TroubleError("lagging_row", f"`{key}` shows version {row.version}, but its newest record names {named.version}")
    if row.sha256 != named.sha256:
        raise TroubleError("altered_row", f"`{key}` does not hold what version {row.version} wrote: somebody edited it")
