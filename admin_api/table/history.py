"""What was published: the newest document, the document of any version, and the records in between, none of them taken on trust."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pynamodb.exceptions import DoesNotExist

from admin_api.table.version_record import Base, SeriesPart, VersionRecord, parse_record, record_hash
from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistKind
from authorizer.policy.document import PermissionDocument, Rule, Subject, parse_rules
from authorizer.policy.permission import PrincipalRef
from authorizer.table import keys
from authorizer.table.digests import item_digest
from authorizer.table.fields import text_of
from authorizer.table.items import RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.reader import PermissionTable, parsed
from authorizer.table.records import Head, RoutesRow, SubjectRow, Touched

PAGE = 50

AT_ONCE = 10
"""Rows that are read at the same time: botocore keeps as many connections. Its clients may be shared by threads (boto3 guide, "Clients")."""

IN_TURN = 4
"""Rows that one connection reads before it pays to make another: that costs a TLS handshake."""


class NotPublishedError(Exception):
    """The API has no document in the table, or no such version of it."""


@dataclass(frozen=True, slots=True)
class Published:
    """One API's document at one version, every subject that ever was, and the record of that version."""

    head: Head
    document: PermissionDocument
    known: frozenset[PrincipalRef]
    record: VersionRecord

    @property
    def base(self) -> Base:
        """What a change starts from that follows this version."""
        return Base(self.head, self.record)


@dataclass(frozen=True, slots=True)
class RulesRow:
    """The rules as written in `version`, none if they have been removed. `sha256` is the digest of their item."""

    version: int
    rules: tuple[Rule, ...]
    sha256: str


class Written:
    """What the whole history says that the table holds: filled record by record, the newest first."""

    def __init__(self) -> None:
        self.items: set[tuple[str, str]] = set()
        self.denials: dict[tuple[DenylistKind, str], VersionRecord] = {}

    def add(self, record: VersionRecord) -> None:
        """Take a record into account."""
        if record.denylist is not None:
            self.denials.setdefault((record.denylist.kind, record.denylist.value), record)
        else:
            self.items |= {(touched.pk, touched.sk) for touched in record.touched}


class History:
    """What was published in one table. Reads only."""

    def __init__(self, table: PermissionTable) -> None:
        self._table = table

    def read_published(self, api: str) -> Published | None:
        """Return the newest document, all of one version, or None if there is none.

        One GetItem, and one Query each for the record, the registry, the routes, the rules and every known subject.
        """
        head = self._table.read_head(api, consistent=True)
        return None if head is None else self._read_at(api, head, next(self.read_records(api, head, page=1)))

    def read_unfinished(self, api: str, head: Head, record: VersionRecord) -> SeriesPart | None:
        """Return the part of a larger change at which the document of a version stopped, if it did. `record` is that version's, and `head` names its hash.

        Free if the version is about the document, else one Query: a change of the denylist names the version that changed the document.
        """
        series = self.document_record(api, head, record).series
        return series if series is not None and series.number < series.total else None

    def document_record(self, api: str, head: Head, record: VersionRecord) -> VersionRecord:
        """Return the record of the newest version up to `record`'s that changed the document."""
        if record.denylist is None:
            return record
        if record.origin is None:
            # Earlier releases did not say: one Query for each 50 changes of the denylist.
            return next((r for r in self.read_records(api, head) if r.denylist is None), record)
        origin = record.origin
        found = self.unverified_records(api, origin.document - 1, origin.document)
        if not found or found[0].hash != origin.document_hash:
            raise TroubleError("broken_chain", f"version {origin.document} of `{api}` is not the one that version {record.version} names")
        _check_hash(api, found[0])
        return found[0]

    def read_version(self, api: str, version: int) -> Published:
        """Return the document of a version. Costs what `read_published` does. Raises `NotPublishedError` if there is no such version."""
        record = self.read_record(api, version)
        return self._read_at(api, Head(version, record.hash), record)

    def read_record(self, api: str, version: int) -> VersionRecord:
        """Return the record of a version. One GetItem and one Query. Raises `NotPublishedError` if there is no such version."""
        head = self.require_head(api)
        records = self.unverified_records(api, version - 1, version) if 0 < version <= head.version else ()
        if not records:
            raise NotPublishedError(f"API `{api}` has no version {version}: its versions are 1 to {head.version}")
        [record] = records
        _check_hash(api, record)
        return record

    def require_head(self, api: str) -> Head:
        """Return the newest version. One GetItem. Raises `NotPublishedError`."""
        head = self._table.read_head(api, consistent=True)
        if head is None:
            raise NotPublishedError(f"API `{api}` has nothing published in this table")
        return head

    def read_base(self, api: str) -> Base:
        """Return the newest version with its record, for a change of the denylist to start from. One GetItem and one Query. Raises `NotPublishedError`.

        The kill switch works whatever is the matter with the history: the record is None if it cannot be trusted.
        """
        head = self.require_head(api)
        try:
            return Base(head, next(self.read_records(api, head, page=1)))
        except TroubleError as error:
            if error.reason in ("broken_chain", "unreadable_row"):
                return Base(head, None)
            raise

    def read_apis(self) -> list[str]:
        """Return the names of all APIs in the table, sorted. One Query."""
        return sorted(self._table.read_apis())

    def read_records(self, api: str, head: Head, page: int = PAGE) -> Iterator[VersionRecord]:
        """Yield the records from `head` down to the first, one Query for each `page` of them as they are asked for.

        Each is held against the hash that the record after it, or the head, names. Raises `TroubleError` where the chain is broken.
        """
        return chained_records(api, head, partial(self.unverified_records, api), page)

    def damaged_items(self, record: VersionRecord) -> Iterator[str]:
        """Yield keys of items that a version wrote and that are gone or hold something else. One GetItem for each item.

        Entries of the denylist may be overwritten and end: `unrecorded_items` looks at those.
        """
        for touched in record.touched if record.denylist is None else ():
            if self._digest_of(touched) != touched.sha256:
                yield f"{touched.pk} {touched.sk}"

    def unrecorded_items(self, api: str, head: Head, written: Written, now: float) -> Iterator[str]:
        """Yield what the table holds of an API and no version wrote: rows of any version, entries of the registry, records beyond the head, entries of the
        denylist that were altered or removed, and a head that does not say when the denylist changed last.

        One Query each for the API's own partition, the denylist, the routes, the rules and every known subject.
        """
        own = keys.api_key(api)
        expected = written.items | {(own, keys.HEAD)} | {(own, keys.VERSION_PREFIX + keys.number(n)) for n in range(1, head.version + 1)}
        subjects = (keys.subject_key(api, ref) for ref in sorted(self._table.read_known_subjects(api)))
        partitions = [own, keys.routes_key(api), keys.rules_key(api), *subjects]
        for partition in partitions:
            found = self._table.query(TableItem, partition, None, attributes=("pk", "sk", "schema"))
            yield from (f"{item.pk} {item.sk}" for item in found if (item.pk, item.sk) not in expected)
        yield from unrecorded_denials(api, head, self._table.read_denylist(api), written, now)

    def _digest_of(self, touched: Touched) -> str | None:
        kind: type[RowItem | RegistryItem] = RegistryItem if touched.sk.startswith(keys.REGISTRY_PREFIX) else RowItem
        with self._table.trouble(touched.pk):
            try:
                return item_digest(self._table.items(kind).get(touched.pk, touched.sk, consistent_read=True))
            except DoesNotExist:
                return None

    def _read_at(self, api: str, head: Head, record: VersionRecord) -> Published:
        routes = self._table.read_routes(api, head.version)
        if routes is None:
            raise TroubleError("unreadable_row", f"API `{api}` has version {head.version} but no catalogue")
        _check_row(record, keys.routes_key(api), routes)
        known = self._table.read_known_subjects(api)
        subjects: dict[PrincipalRef, Subject] = {}
        for ref, row in self._read_subjects(api, sorted(known), head.version):
            _check_row(record, keys.subject_key(api, ref), row)
            if row.subject is not None:
                subjects[ref] = row.subject
        document = PermissionDocument(api, routes.catalog, subjects, routes.enforced, self._read_rules(api, head, record))
        return Published(head, document, known, record)

    def _read_rules(self, api: str, head: Head, record: VersionRecord) -> tuple[Rule, ...]:
        """Return what a document demands of itself, nothing if it never did. One Query."""
        key = keys.rules_key(api)
        found = self._table.query(RowItem, key, RowItem.sk <= keys.number(head.version), newest_first=True, limit=1)
        row = parsed(found[0], rules_row) if found else RulesRow(0, (), "")
        _check_row(record, key, row)
        return row.rules

    def _read_subjects(self, api: str, refs: list[PrincipalRef], at: int) -> Iterable[tuple[PrincipalRef, SubjectRow]]:
        """Return what each subject held at a version, in their order. Rows are never changed, so that it does not matter when each is read."""
        read = partial(self._table.read_subject, api, at=at)
        count = min(AT_ONCE, -(-len(refs) // IN_TURN))
        if count < 2:
            return [(ref, read(ref)) for ref in refs]
        # The first failure in the order of the subjects is raised, and what has not begun by then is not read.
        with ThreadPoolExecutor(count, "permission rows") as readers:
            return list(zip(refs, readers.map(read, refs), strict=True))

    def unverified_records(self, api: str, after: int, upto: int) -> tuple[VersionRecord, ...]:
        """Return the records of versions `after` + 1 to `upto` in order, as they stand there. Some may be missing, or say what nobody wrote. One Query."""
        wanted = VersionItem.sk.between(keys.VERSION_PREFIX + keys.number(after + 1), keys.VERSION_PREFIX + keys.number(upto))
        return tuple(parsed(item, parse_record) for item in self._table.query(VersionItem, keys.api_key(api), wanted))


def chained_records(api: str, head: Head, read: Callable[[int, int], Sequence[VersionRecord]], page: int = PAGE) -> Iterator[VersionRecord]:
    """Yield the records from `head` down to the first. `read(2, 7)` gives those of versions 3 to 7 in order, `page` of them at most.

    Each is held against the hash that the record after it, or the head, names. Raises `TroubleError` where the chain is broken.
    """
    newest, expected = head.version, head.hash
    while newest > 0:
        oldest = max(newest - page, 0)
        records = read(oldest, newest)
        if [r.version for r in records] != list(range(oldest + 1, newest + 1)):
            raise TroubleError("broken_chain", f"records between versions {oldest + 1} and {newest} of `{api}` are missing")
        for record in reversed(records):
            _check_hash(api, record)
            if record.hash != expected:
                raise TroubleError(
                    "broken_chain", f"version {record.version} of `{api}` is not the one that version {record.version + 1} follows"
                )
            expected = record.parent_hash
            yield record
        newest = oldest
    if expected:
        raise TroubleError("broken_chain", f"version 1 of `{api}` names a parent")


def unrecorded_denials(api: str, head: Head, denylist: Denylist, written: Written, now: float) -> Iterator[str]:
    """Yield entries of a denylist that were altered or removed by no version, and a head that does not say when the denylist changed last."""
    stamp = max((record.version for record in written.denials.values()), default=0)
    if stamp != head.denylist_stamp:
        yield (
            f"{keys.api_key(api)} {keys.HEAD}: it says that version {head.denylist_stamp} changed the denylist last, and version {stamp} did"
        )
    for kind, value in sorted({*written.denials, *((entry.kind, entry.value) for entry in denylist.entries())}):
        record, entry = written.denials.get((kind, value)), denylist.get(kind, value)
        change = record.denylist if record else None
        if entry is None:
            # What has ended may be gone.
            as_written = change is None or change.expires_at is None or change.expires_at <= now
        else:
            as_written = record is not None and entry.version == record.version and entry.sha256 in [t.sha256 for t in record.touched]
        if not as_written:
            yield f"{keys.denylist_key(api)} {keys.denylist_sort_key(kind, value)}"


def _check_hash(api: str, record: VersionRecord) -> None:
    if record_hash(api, record) != record.hash:
        raise TroubleError(
            "broken_chain", f"the record of version {record.version} of `{api}` does not hash to what it says: somebody edited it"
        )


def rules_row(item: RowItem) -> RulesRow:
    """Return what the item of an API's rules says."""
    text: object = item.content
    return RulesRow(int(item.sk), () if text is None else parse_rules(json.loads(text_of(text))), item_digest(item))


def _check_row(record: VersionRecord, key: str, row: RoutesRow | RulesRow | SubjectRow) -> None:
    """A row that the record at hand names is the one that it wrote. What older versions wrote is for `verify` to look at."""
    named = next((t for t in record.touched if t.pk == key and record.denylist is None), None)
    if named is not None and (keys.number(row.version), row.sha256) != (named.sk, named.sha256):
        raise TroubleError("altered_row", f"`{key}` does not hold what version {record.version} wrote: somebody edited it")
