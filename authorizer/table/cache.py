"""Permission rows kept between requests: one version of one API, checked against the table's head at intervals.

A reader at version m that sees head n reads the records m+1 to n and the rows that they name, and moves to n only when each of these rows is the one that
its record names. What it cannot confirm it does not file under a new version, since that could keep a revoked grant alive. Until it can, version m serves
on within the stale bound, and after that requests fail.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist
from authorizer.policy.permission import Permission, PrincipalRef, RefKind
from authorizer.policy.route import RouteCatalog
from authorizer.table import keys
from authorizer.table.reader import PermissionTable
from authorizer.table.records import Head, RoutesRow, SubjectRow, VersionLink

MAX_VERSIONS_TO_FOLLOW = 100
"""A reader that is further behind starts again instead of following each change."""

MAX_SUBJECTS = 2000
"""Subjects kept at once, the least recently used leave first."""


@dataclass(frozen=True, slots=True)
class LoadedPermissions:
    """What a request is decided by: all of one version, which `hash` names in whichever history. `stale` tells that the table could not confirm it when
    that was due."""

    version: int
    hash: str
    catalog: RouteCatalog
    permissions: tuple[Permission, ...]
    cached: bool
    stale: bool
    denylist: Denylist = field(default_factory=Denylist)


@dataclass(slots=True)
class _State:
    """One version, as far as it was read. `due` names the version that the newest row of a touched key must have."""

    head: Head
    routes: RoutesRow
    known: frozenset[PrincipalRef]
    due: dict[str, int]
    denylist: Denylist
    subjects: OrderedDict[PrincipalRef, SubjectRow] = field(default_factory=OrderedDict)


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
        self._confirmed_at = 0.0
        self._checked_at = 0.0

    def load(self, refs: Iterable[PrincipalRef]) -> LoadedPermissions:
        """Everything that these refs hold, with their ancestors. Refs that no version ever named cost nothing.

        Raises `TroubleError` if the table cannot tell and what is here is too old or does not hold one of the refs.
        """
        state, fresh = self._current()
        known = len(state.subjects)
        held: dict[PrincipalRef, SubjectRow] = {}
        for ref in refs:
            row = self._subject(state, ref)
            held[ref] = row
            for name in row.ancestors:
                parent = PrincipalRef(RefKind.GROUP, name)
                held[parent] = self._subject(state, parent)
                if held[parent].subject is None:
                    # No version has a subject whose ancestor it removed. Its deny must not drop out because its row or its entry did.
                    raise TroubleError("unreadable_row", f"`{ref}` inherits from `{parent}`, of which nothing is in the table")
        permissions = tuple(p for row in held.values() if row.subject is not None for p in row.subject.permissions)
        cached = fresh and len(state.subjects) == known
        while len(state.subjects) > MAX_SUBJECTS:
            state.subjects.popitem(last=False)
        return LoadedPermissions(
            version=state.head.version,
            hash=state.head.hash,
            catalog=state.routes.catalog,
            permissions=permissions,
            cached=cached,
            stale=not self._is_confirmed(),
            denylist=state.denylist,
        )

    def _current(self) -> tuple[_State, bool]:
        """Return the state to serve from, and whether it needed no call."""
        now = self._now()
        if self._state is None:
            self._state = self._start(consistent=False)
        elif 0 <= now - self._checked_at < self._refresh_seconds and (self._is_confirmed() or self._is_usable(now)):
            return self._state, True
        else:
            try:
                self._state = self._follow(self._state)
            except TroubleError:
                if not self._is_usable(now):
                    raise
                # Asked again only an interval after this failure, which may have taken long: otherwise each request would wait for the table's timeout.
                self._checked_at = self._now()
                return self._state, False
        self._confirmed_at = self._checked_at = now
        return self._state, False

    def _is_confirmed(self) -> bool:
        """Return whether the last attempt to see the table's version was a success."""
        return self._checked_at == self._confirmed_at

    def _is_usable(self, now: float) -> bool:
        """Return whether what is here may serve although the table cannot confirm it. A clock that went back tells nothing about its age."""
        return 0 <= now - self._confirmed_at <= self._max_stale_seconds

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

    def _follow(self, state: _State) -> _State:
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
        new_subjects = any(t.sk.startswith(keys.REGISTRY_PREFIX) for record in records for t in record.touched)
        subjects = OrderedDict(
            (ref, self._read_subject(due, ref, head.version) if keys.subject_key(self._api, ref) in due else row)
            for ref, row in state.subjects.items()
        )
        return _State(
            head=head,
            routes=self._read_routes(due, head.version) if keys.routes_key(self._api) in due else state.routes,
            known=self._read_known(records) if new_subjects else state.known,
            due=state.due | due,
            denylist=self._read_denylist(records) if head.denylist_stamp != state.head.denylist_stamp else state.denylist,
            subjects=subjects,
        )

    def _subject(self, state: _State, ref: PrincipalRef) -> SubjectRow:
        row = state.subjects.get(ref)
        if row is None:
            if ref not in state.known:
                return SubjectRow(0, None)
            row = state.subjects[ref] = self._read_subject(state.due, ref, state.head.version)
        state.subjects.move_to_end(ref)
        return row

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
        denylist = self._table.read_denylist(self._api, in_force_at=self._now())
        newest = {(r.denylist.kind, r.denylist.value): (r.version, r.denylist.expires_at) for r in records if r.denylist is not None}
        for (kind, value), (version, ends) in newest.items():
            entry = denylist.get(kind, value)
            shown = 0 if entry is None else entry.version
            # A removal leaves nothing behind, an entry stays at least until its end, and a newer one may have come since.
            if shown < version and (bool(shown) if ends is None else self._now() < ends):
                raise TroubleError("lagging_row", f"denylist entry `{kind}` of version {version} is not what its record names")
        return denylist

    def _read_subject(self, due: Mapping[str, int], ref: PrincipalRef, at: int) -> SubjectRow:
        key = keys.subject_key(self._api, ref)
        row = self._table.read_subject(self._api, ref, at)
        _check_row(due, key, row.version)
        return row

    def _read_routes(self, due: Mapping[str, int], at: int) -> RoutesRow:
        key = keys.routes_key(self._api)
        row = self._table.read_routes(self._api, at)
        if row is None:
            raise TroubleError("lagging_row", f"`{key}` has no row at version {at}")
        _check_row(due, key, row.version)
        return row


def _check_chain(records: tuple[VersionLink, ...], after: int, head: Head) -> None:
    """Every record between two versions must be there, and lead to the hash that the head names."""
    numbers = [record.version for record in records]
    linked = all(child.parent_hash == parent.hash for parent, child in pairwise(records))
    if numbers != list(range(after + 1, head.version + 1)) or not linked or records[-1].hash != head.hash:
        raise TroubleError("lagging_row", f"the records of versions {after + 1} to {head.version} do not lead to the head")


def _due(records: Iterable[VersionLink]) -> dict[str, int]:
    return {touched.pk: record.version for record in records if record.denylist is None for touched in record.touched}


def _check_row(due: Mapping[str, int], key: str, version: int) -> None:
    if version != due.get(key, version):
        raise TroubleError("lagging_row", f"`{key}` shows version {version}, but its newest record names {due[key]}")
