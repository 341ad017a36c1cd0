"""Reads all items of an API as of one version, and writes such items into a table so that nobody reads them before all are there."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pynamodb.connection.base import BOTOCORE_EXCEPTIONS
from pynamodb.exceptions import DoesNotExist, PutError, PynamoDBException, TableDoesNotExist, TransactWriteError
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from admin_api.table.copied_history import CopiedHistory, Fields, fields_of, item_of
from admin_api.table.history import PAGE, NotPublishedError
from admin_api.table.version_record import VersionRecord
from admin_api.table.writer import ConflictError, version_fields
from authorizer.errors import TroubleError
from authorizer.policy.permission import PrincipalRef
from authorizer.table import keys
from authorizer.table.items import SCHEMA, ApiItem, DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.reader import PermissionTable, error_code, known_subject, link_fields, parsed
from authorizer.table.records import Head

AT_ONCE = 10
"""Partitions that are read at the same time: botocore keeps as many connections."""

_SNAPSHOTS = 10
"""Attempts to read a denylist that nobody changes meanwhile."""

_BATCH_ITEMS = 25
"""Items that one BatchWriteItem may have (DynamoDB API reference)."""

_BATCH_BYTES = 1_000_000
"""Text of the items of one batch: DynamoDB takes 16 MB, and a slow line must send it within the client's timeout."""

_BATCH_ATTEMPTS = 10
"""Attempts to write what a throttled table left of a batch, after 0.05 s, 0.1 s and so on."""

_MOST_DELETED = 90
"""Entries of the denylist that are removed in the transaction that moves the head; it may have 100 items."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of one API, and what cannot be read later: the head and the denylist that belong to that version."""

    api: str
    head: Head
    known: tuple[PrincipalRef, ...]
    denylist: tuple[Fields, ...]
    head_fields: Fields

    @property
    def parts(self) -> int:
        """How many reads the other items take, at least."""
        return -(-self.head.version // PAGE) + len(self.known) + 2


class BackupReader:
    """Reads whole histories of one table."""

    def __init__(self, table: PermissionTable) -> None:
        self._table = table

    def snapshot(self, api: str) -> Snapshot:
        """Return the newest version with its denylist: the one thing that later versions overwrite. Rows and records are never changed.

        Two GetItems and two Queries; reads again while the denylist is being changed. Raises `NotPublishedError`, and `ConflictError` if that does not end.
        """
        before = self._head(api)
        for _ in range(_SNAPSHOTS):
            denylist = tuple(fields_of(item) for item in self._table.query(DenylistItem, keys.denylist_key(api), None))
            head = self._head(api)
            if before.denylist_stamp == head.denylist_stamp:
                known = tuple(sorted(self._table.read_known_subjects(api)))
                version = parsed(head, lambda i: Head(int(i.version), i.hash, int(i.denylist_stamp or 0)))
                return Snapshot(api, version, known, denylist, fields_of(head))
            before = head
        raise ConflictError(f"the denylist of `{api}` is being changed all the time: try again")

    def _head(self, api: str) -> HeadItem:
        pk = keys.api_key(api)
        with self._table.trouble(pk):
            try:
                return self._table.items(HeadItem).get(pk, keys.HEAD, consistent_read=True)
            except DoesNotExist:
                raise NotPublishedError(f"API `{api}` has nothing published in this table") from None

    def items(self, snapshot: Snapshot, on_part: Callable[[], object] = lambda: None) -> Iterator[Fields]:
        """Yield every item of a version: the API's name, its records, registry, rows and denylist, and the head at the end.

        Answers that are kept for requests with an idempotency key are left out: they are about requests of the last day, not about permissions. So is what
        no version up to this one wrote of the registry. `on_part` is called after each of `snapshot.parts`. Raises `TroubleError`.
        """
        api, own, upto = snapshot.api, keys.api_key(snapshot.api), snapshot.head.version
        yield {"pk": keys.APIS, "sk": keys.escape(api), "schema": SCHEMA, "name": api}
        registered: set[str] = set()
        for after in range(0, upto, PAGE):
            wanted = VersionItem.sk.between(
                keys.VERSION_PREFIX + keys.number(after + 1), keys.VERSION_PREFIX + keys.number(min(after + PAGE, upto))
            )
            for record in self._table.query(VersionItem, own, wanted):
                registered |= {
                    touched.sk for touched in parsed(record, link_fields)["touched"] if touched.sk.startswith(keys.REGISTRY_PREFIX)
                }
                yield fields_of(record)
            on_part()
        refs = []
        for entry in self._table.query(RegistryItem, own, RegistryItem.sk.startswith(keys.REGISTRY_PREFIX)):
            if entry.sk in registered:
                refs.append(parsed(entry, known_subject))
                yield fields_of(entry)
        partitions = [keys.routes_key(api), keys.rules_key(api), *(keys.subject_key(api, ref) for ref in refs)]
        yield from self._rows(partitions, upto, on_part)
        yield from snapshot.denylist
        yield snapshot.head_fields

    def _rows(self, partitions: list[str], upto: int, on_part: Callable[[], object]) -> Iterator[Fields]:
        # The newest first, as they are written again: a partition that is there in part shows no row that a later one has replaced.
        def read(partition: str) -> list[RowItem]:
            return self._table.query(RowItem, partition, RowItem.sk <= keys.number(upto), newest_first=True)

        waiting = iter(partitions)
        with ThreadPoolExecutor(AT_ONCE, "permission rows") as readers:
            # So many at a time that the rows of a large table are never all in memory.
            while some := list(islice(waiting, 5 * AT_ONCE)):
                for rows in readers.map(read, some):
                    yield from map(fields_of, rows)
                    on_part()


class BackupWriter:
    """Writes copies of histories into one table."""

    def __init__(self, table: PermissionTable, wait: Callable[[float], None] = time.sleep) -> None:
        self._table = table
        self._wait = wait

    def foreign_items(self, copy: CopiedHistory) -> Iterator[str]:
        """Yield keys of what the table holds of an API and the copy does not: what another history, or a version that was never published, left there.

        The denylist is looked at only where the table has no head: entries that a later version took away are `finish`'s. One Query each for the API's own
        partition, the routes, the rules, the denylist and every known subject.
        """
        api = copy.api
        own = keys.api_key(api)
        held = copy.keys
        refs = copy.known | self._table.read_known_subjects(api)
        partitions = [own, keys.routes_key(api), keys.rules_key(api), *(keys.subject_key(api, ref) for ref in sorted(refs))]
        if self._table.read_head(api, consistent=True) is None:
            partitions.append(keys.denylist_key(api))

        def read(partition: str) -> list[tuple[str, str]]:
            found = self._table.query(TableItem, partition, None, attributes=("pk", "sk", "schema"))
            return [(item.pk, item.sk) for item in found if (item.pk, item.sk) not in held and item.sk != keys.HEAD]

        with ThreadPoolExecutor(AT_ONCE, "permission rows") as readers:
            for found in readers.map(read, partitions):
                yield from (f"{pk} {sk}" for pk, sk in found)

    def claim(self, copy: CopiedHistory, base: Head | None) -> None:
        """Write the record of the first version after `base`, by which nobody else can publish that version while the rows are being written.

        Raises `ConflictError` if somebody has published since `base` was read, or is restoring another history.
        """
        first = copy.record((base.version if base else 0) + 1)
        self._put_record(copy.api, first)
        # Whoever published before the claim has moved the head.
        if self._table.read_head(copy.api, consistent=True) != base:
            raise ConflictError(
                f"API `{copy.api}` was published by somebody else in the meantime: see what is there before anything is replaced"
            )

    def _put_record(self, api: str, record: VersionRecord) -> None:
        item = self._table.items(VersionItem)(**version_fields(api, record))
        unclaimed = VersionItem.pk.does_not_exist() | (VersionItem.hash == record.hash)
        with self._writing():
            try:
                item.save(condition=unclaimed)
            except PutError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    raise ConflictError(f"version {record.version} of `{api}` is in the table already, and it is another one") from error
                raise

    def put(self, api: str, items: Iterable[Fields], *, denylist: bool, on_item: Callable[[], object] = lambda: None) -> None:
        """Write items of an API as they are, 25 at a time, but for the API's name and its head, and its `denylist` only if that is asked for.

        Writing them again changes nothing. Raises `TroubleError`.
        """
        left_out = (HeadItem, ApiItem) if denylist else (HeadItem, ApiItem, DenylistItem)
        batch: list[dict[str, Any]] = []
        size = 0
        for values in items:
            on_item()
            item = item_of(api, values)
            if isinstance(item, left_out):
                continue
            fields = item.serialize()
            length = sum(len(value) for each in fields.values() for value in each.values())
            if batch and (len(batch) == _BATCH_ITEMS or size + length > _BATCH_BYTES):
                self._write(batch)
                batch, size = [], 0
            batch.append({"PutRequest": {"Item": fields}})
            size += length
        if batch:
            self._write(batch)

    def _write(self, requests: list[dict[str, Any]]) -> None:
        left = requests
        for attempt in range(_BATCH_ATTEMPTS):
            with self._writing():
                try:
                    answer = self._table.connection.dispatch("BatchWriteItem", {"RequestItems": {self._table.name: left}})
                except BOTOCORE_EXCEPTIONS as error:
                    raise PutError("a batch was not written", error) from error
            left = answer.get("UnprocessedItems", {}).get(self._table.name, [])
            if not left:
                return
            self._wait(0.05 * 2**attempt)
        raise TroubleError(
            "dynamodb_unavailable", f"table `{self._table.name}` takes no more: it left {len(left)} items of a batch unwritten"
        )

    def finish(self, copy: CopiedHistory, base: Head | None) -> Head:
        """Move the head from `base` to the copy's, and take away entries of the denylist that its later versions removed. All items must be there.

        INVARIANT: this is the last write. Before it a cold authorizer finds no API, and a warm one stays where it is.
        Raises `ConflictError` if somebody has published since `base` was read.
        """
        api, head = copy.api, copy.head
        kept = copy.denylist
        gone = [entry for entry in self._table.read_denylist(api).entries() if kept.get(entry.kind, entry.value) is None]
        removed = [
            self._table.items(DenylistItem)(pk=keys.denylist_key(api), sk=keys.denylist_sort_key(entry.kind, entry.value)) for entry in gone
        ]
        for item in removed[_MOST_DELETED:]:
            with self._writing():
                item.delete()
        unmoved = HeadItem.version.does_not_exist() if base is None else (HeadItem.version == base.version) & (HeadItem.hash == base.hash)
        actions: list[Action] = [
            HeadItem.schema.set(SCHEMA),
            HeadItem.version.set(head.version),
            HeadItem.hash.set(head.hash),
            HeadItem.updated_at.set(copy.record(head.version).time),
        ]
        if head.denylist_stamp:
            actions.append(HeadItem.denylist_stamp.set(head.denylist_stamp))
        with self._writing():
            try:
                with TransactWrite(connection=self._table.connection) as transaction:
                    for item in removed[:_MOST_DELETED]:
                        transaction.delete(item)
                    transaction.save(self._table.items(ApiItem)(pk=keys.APIS, sk=keys.escape(api), schema=SCHEMA, name=api))
                    transaction.update(self._table.items(HeadItem)(pk=keys.api_key(api), sk=keys.HEAD), actions=actions, condition=unmoved)
            except TransactWriteError as error:
                codes = {None if reason is None else reason.code for reason in error.cancellation_reasons}
                if codes & {"ConditionalCheckFailed", "TransactionConflict"}:
                    raise ConflictError(
                        f"API `{api}` was published by somebody else in the meantime: nothing of this copy is read"
                    ) from error
                raise
        return head

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Turn whatever PynamoDB raises inside into a `TroubleError`."""
        try:
            yield
        except PynamoDBException as error:
            code = error_code(error) or type(error.cause).__name__
            if isinstance(error, TableDoesNotExist) or code == "ResourceNotFoundException":
                raise TroubleError("no_table", f"table `{self._table.name}` does not exist") from error
            raise TroubleError(
                "dynamodb_unavailable", f"table `{self._table.name}` cannot be written to: {code}; run the same again"
            ) from error
