"""The items of one API apart from any table, as a backup holds them: checked as the table's own history is, and read as its newest document."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from pynamodb.attributes import NumberAttribute

from admin_api.table.history import Written, chained_records, rules_row, unrecorded_denials
from admin_api.table.version_record import VersionRecord, parse_record
from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistEntry
from authorizer.policy.document import PermissionDocument, Subject
from authorizer.policy.permission import PrincipalRef
from authorizer.table import keys
from authorizer.table.digests import item_digest
from authorizer.table.fields import text_of
from authorizer.table.items import ApiItem, DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.reader import denylist_entry, known_subject, parsed, routes_row, subject_row
from authorizer.table.records import Head

Fields = dict[str, str | int]
"""The attributes of an item by name, as in `{"pk": "api#petstore#routes", "sk": "000000000001", "schema": 1, "content": "..."}`."""


class CopiedItemError(Exception):
    """An item of a copy is none of its API, or holds what no item may."""


def fields_of(item: TableItem) -> Fields:
    """Return what an item holds, its keys first. Numbers are whole ones."""
    values = {name: getattr(item, name) for name in ("pk", "sk", *sorted(item.get_attributes()))}
    return {name: int(value) if isinstance(value, float) else value for name, value in values.items() if value is not None}


def item_of(api: str, fields: Fields) -> TableItem:
    """Return the item of an API that holds this. Raises `CopiedItemError` for what is no item of it, or has an attribute that such an item has not."""
    kind = _kind(api, str(fields.get("pk")), str(fields.get("sk")))
    if kind is None:
        raise CopiedItemError(f"`{fields.get('pk')}` `{fields.get('sk')}` is no item of API `{api}`")
    known = kind.get_attributes()
    for name, value in fields.items():
        wanted = int if isinstance(known.get(name), NumberAttribute) else str
        if name not in known or type(value) is not wanted:
            raise CopiedItemError(f"`{fields['pk']}` `{fields['sk']}` has an attribute `{name}` that no such item has")
    values: dict[str, Any] = dict(fields)
    return kind(**values)


def _kind(api: str, pk: str, sk: str) -> type[TableItem] | None:
    own = keys.api_key(api)
    if (pk, sk) == (keys.APIS, keys.escape(api)):
        return ApiItem
    if pk == own:
        kinds = {keys.VERSION_PREFIX: VersionItem, keys.REGISTRY_PREFIX: RegistryItem}
        return HeadItem if sk == keys.HEAD else next((kind for prefix, kind in kinds.items() if sk.startswith(prefix)), None)
    if pk == keys.denylist_key(api):
        return DenylistItem
    return RowItem if pk in (keys.routes_key(api), keys.rules_key(api)) or pk.startswith(f"{own}#{keys.REGISTRY_PREFIX}") else None


class CopiedHistory:
    """What a copy holds of one API: filled item by item, each with the line that it stands in.

    Of older rows it keeps digests alone: it takes the memory of the newest document and of the records.
    """

    def __init__(self, api: str) -> None:
        self.api = api
        self._lines: dict[tuple[str, str], int] = {}
        self._digests: dict[tuple[str, str], str] = {}
        self._records: dict[int, VersionRecord] = {}
        self._newest: dict[str, RowItem] = {}
        self._known: set[PrincipalRef] = set()
        self._denials: list[DenylistEntry] = []
        self._head: HeadItem | None = None

    def add(self, fields: Fields, line: int) -> TableItem:
        """Take an item. Raises `CopiedItemError` for one that is none of the API or stands here twice, `TroubleError` for one that cannot be read."""
        item = item_of(self.api, fields)
        key = (item.pk, item.sk)
        if key in self._lines:
            raise CopiedItemError(f"`{item.pk}` `{item.sk}` stands in line {self._lines[key]} already")
        self._lines[key] = line
        self._digests[key] = parsed(item, item_digest)
        if isinstance(item, VersionItem):
            record = parsed(item, parse_record)
            self._records[record.version] = record
        elif isinstance(item, RegistryItem):
            self._known.add(parsed(item, known_subject))
        elif isinstance(item, RowItem) and (item.pk not in self._newest or self._newest[item.pk].sk < item.sk):
            self._newest[item.pk] = item
        elif isinstance(item, DenylistItem):
            self._denials.append(parsed(item, denylist_entry))
        elif isinstance(item, HeadItem):
            self._head = item
        return item

    @property
    def keys(self) -> frozenset[tuple[str, str]]:
        """The keys of all items."""
        return frozenset(self._lines)

    @property
    def denylist(self) -> Denylist:
        """All entries of the denylist."""
        return Denylist(self._denials)

    @property
    def known(self) -> frozenset[PrincipalRef]:
        """Every subject that ever was."""
        return frozenset(self._known)

    @property
    def head(self) -> Head:
        """The newest version. Raises `CopiedItemError` if the copy has none."""
        if self._head is None:
            raise CopiedItemError(f"API `{self.api}` has no head")
        return parsed(self._head, lambda i: Head(int(i.version), text_of(i.hash), int(i.denylist_stamp or 0)))

    def record(self, version: int) -> VersionRecord:
        """Return the record of a version, which must be there."""
        return self._records[version]

    def read_records(self, api: str, head: Head) -> Iterator[VersionRecord]:
        """Yield the records from `head` down to the first. Raises `TroubleError` where the chain is broken."""
        return chained_records(api, head, lambda after, upto: [self._records[n] for n in range(after + 1, upto + 1) if n in self._records])

    def damaged_items(self, record: VersionRecord) -> Iterator[str]:
        """Yield keys of items that a version wrote and that are not here or hold something else."""
        for touched in record.touched if record.denylist is None else ():
            key = (touched.pk, touched.sk)
            if self._digests.get(key) != touched.sha256:
                yield self._place(key)

    def unrecorded_items(self, api: str, head: Head, written: Written, now: float) -> Iterator[str]:
        """Yield what is here and no version wrote, as `History.unrecorded_items` does of a table."""
        own = keys.api_key(api)
        expected = written.items | {(own, keys.HEAD), (keys.APIS, keys.escape(api))}
        expected |= {(own, keys.VERSION_PREFIX + keys.number(version)) for version in range(1, head.version + 1)}
        expected |= {(keys.denylist_key(api), keys.denylist_sort_key(entry.kind, entry.value)) for entry in self._denials}
        yield from map(self._place, sorted(self._lines.keys() - expected))
        yield from map(self._place, sorted({(own, keys.HEAD), (keys.APIS, keys.escape(api))} - self._lines.keys()))
        if self._head is not None and self._head.updated_at != self._records[head.version].time:
            yield f"{self._place((own, keys.HEAD))}: it says another time than version {head.version}"
        yield from unrecorded_denials(api, head, self.denylist, written, now)

    def document(self) -> PermissionDocument:
        """Return the newest document. Raises `TroubleError` if it cannot be read."""
        try:
            routes = parsed(self._newest[keys.routes_key(self.api)], routes_row)
        except KeyError:
            raise TroubleError("unreadable_row", f"the copy of API `{self.api}` has no catalogue") from None
        subjects: dict[PrincipalRef, Subject] = {}
        for ref in sorted(self._known):
            item = self._newest.get(keys.subject_key(self.api, ref))
            subject = parsed(item, partial(subject_row, ref)).subject if item is not None else None
            if subject is not None:
                subjects[ref] = subject
        rules = self._newest.get(keys.rules_key(self.api))
        return PermissionDocument(self.api, routes.catalog, subjects, routes.enforced, parsed(rules, rules_row).rules if rules else ())

    def _place(self, key: tuple[str, str]) -> str:
        where = f"line {self._lines[key]}" if key in self._lines else "missing"
        return f"{key[0]} {key[1]} ({where})"
