"""The permission table: its items, and consistent reads of one API's state at one version.

PynamoDB items do not leave this module: readers get frozen values, already parsed by the functions that validated them when they were written.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from authorizer import table_keys as keys
from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind
from authorizer.policy.document import Subject, format_routes, format_subject, parse_routes, parse_subject
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.route import RouteCatalog

SCHEMA = 1
"""Format number of the items that are written. Readers take this one and the one before."""

READABLE_SCHEMAS = (SCHEMA,)

_Item = TypeVar("_Item", bound="TableItem")
_Parsed = TypeVar("_Parsed")


class TableItem(Model):
    """What every item has. Subclasses share one connection, so that a process makes one client."""

    class Meta:
        """Timeouts fit inside the 10 s that API Gateway gives an authorizer, retries included."""

        table_name = ""
        connect_timeout_seconds = 1.0
        read_timeout_seconds = 1.5
        max_retry_attempts = 1

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    schema = NumberAttribute()


class HeadItem(TableItem):
    """The one item that authorizers poll. Updated attribute by attribute, never put."""

    version = NumberAttribute()
    hash = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    denylist_stamp = NumberAttribute(null=True)


class VersionItem(TableItem):
    """What one change was: who, when, why, which rows (`touched`, JSON) and which access (`changes`, JSON).

    `series` (JSON) is there if it is a part of a larger change, `denylist` (JSON) if it is about an entry of the denylist.
    """

    author = UnicodeAttribute()
    on_behalf_of = UnicodeAttribute(null=True)
    reason = UnicodeAttribute()
    time = UnicodeAttribute()
    changes = UnicodeAttribute()
    touched = UnicodeAttribute()
    parent_hash = UnicodeAttribute()
    hash = UnicodeAttribute()
    series = UnicodeAttribute(null=True)
    denylist = UnicodeAttribute(null=True)


class RegistryItem(TableItem):
    """A subject has existed. Never removed."""

    kind = UnicodeAttribute()
    name = UnicodeAttribute()


class ApiItem(TableItem):
    """An API has been published. Never removed."""

    name = UnicodeAttribute()


class RowItem(TableItem):
    """What a subject held or what the catalogue was from one version on, as canonical JSON; no content means removed.

    INVARIANT: no row carries `expires_at`. If DynamoDB deleted a row, the older and wider one behind it would come back to life.
    """

    content = UnicodeAttribute(null=True)


class DenylistItem(TableItem):
    """An entry of the denylist. DynamoDB may delete it once it has ended."""

    kind = UnicodeAttribute()
    value = UnicodeAttribute()
    reason = UnicodeAttribute()
    author = UnicodeAttribute()
    version = NumberAttribute()
    issued_before = NumberAttribute(null=True)
    expires_at = NumberAttribute()


class IdempotencyItem(TableItem):
    """The answer to a request that was carried out, written in the same transaction as its change."""

    fingerprint = UnicodeAttribute()
    answer = UnicodeAttribute()
    expires_at = NumberAttribute()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of an API and its hash. `denylist_stamp` is the newest version that changed the denylist, 0 if none did."""

    version: int
    hash: str
    denylist_stamp: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """One item that a version wrote: its key and the SHA-256 of what it held."""

    pk: str
    sk: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """Part `number` of `total` of one change that no single transaction can hold. `base` is the version that the series started from."""

    id: str
    number: int
    total: int
    base: int


@dataclass(frozen=True, slots=True)
class DenylistChange:
    """An entry of the denylist was written, or removed (`expires_at` is None)."""

    kind: DenylistKind
    value: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One entry of the history. `time` is RFC 3339 in UTC; `changes` are sentences."""

    version: int
    author: str
    on_behalf_of: str | None
    reason: str
    time: str
    changes: tuple[str, ...]
    touched: tuple[Touched, ...]
    parent_hash: str
    hash: str
    series: SeriesPart | None = None
    denylist: DenylistChange | None = None


@dataclass(frozen=True, slots=True)
class RoutesRow:
    """The catalogue as written in `version`."""

    version: int
    enforced: tuple[str, ...]
    catalog: RouteCatalog


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """What a subject holds as written in `version` (0: it was never written), and the names of all groups it inherits from.

    `subject` is None if it has been removed.
    """

    version: int
    subject: Subject | None
    ancestors: tuple[str, ...] = ()


def bind_table(name: str, region: str | None = None, endpoint: str | None = None, access_key: tuple[str, str] | None = None) -> None:
    """Say which table the items live in. What is not given follows the AWS SDK's own environment variables."""
    meta: Any = TableItem.Meta
    meta.table_name, meta.host = name, endpoint
    meta.region = region or meta.region
    meta.aws_access_key_id, meta.aws_secret_access_key = access_key or (None, None)
    TableItem._connection = None
    TableItem._get_connection()  # made on the base class, so that every item class finds the same one


def canonical_json(value: object) -> str:
    """JSON in the one form that a hash can be taken of (RFC 8785), for values without fractions."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        # RFC 8785 section 3.2.3 sorts by UTF-16 code units, which differs from Python's order beyond U+FFFF.
        return {key: _sorted(value[key]) for key in sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value


def digest(item: dict[str, Any]) -> str:
    """SHA-256 of an item's attributes, in hexadecimal."""
    return hashlib.sha256(canonical_json(item).encode()).hexdigest()


def error_code(error: PynamoDBException) -> str | None:
    """What DynamoDB called an error, or None if no answer came. (PynamoDB's own property fails on a timeout, whose `response` is None.)"""
    response = getattr(error.cause, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def read_head(api: str, *, consistent: bool) -> Head | None:
    """The newest version, or None if nothing was ever published. One GetItem."""
    pk = keys.api_key(api)
    with trouble(pk):
        try:
            item = HeadItem.get(pk, keys.HEAD, consistent_read=consistent)
        except HeadItem.DoesNotExist:
            return None
    return _parsed(item, lambda i: Head(int(i.version), _required(i.hash), int(i.denylist_stamp or 0)))


def read_apis() -> tuple[str, ...]:
    """The names of all APIs. One Query."""
    return tuple(_parsed(item, lambda i: _required(i.name)) for item in _query(ApiItem, keys.APIS, None))


def read_versions(api: str, after: int, upto: int) -> tuple[VersionRecord, ...]:
    """The records of versions `after` + 1 to `upto` in order. Some may be missing: the caller checks. One Query."""
    wanted = VersionItem.sk.between(keys.VERSION_PREFIX + keys.number(after + 1), keys.VERSION_PREFIX + keys.number(upto))
    return tuple(_parsed(item, _version) for item in _query(VersionItem, keys.api_key(api), wanted))


def read_known_subjects(api: str) -> frozenset[PrincipalRef]:
    """Every subject that has ever been written. One Query."""
    items = _query(RegistryItem, keys.api_key(api), RegistryItem.sk.startswith(keys.REGISTRY_PREFIX))
    return frozenset(_parsed(item, lambda i: PrincipalRef(RefKind(i.kind), _required(i.name))) for item in items)


def read_routes(api: str, at: int) -> RoutesRow | None:
    """The catalogue as it was at a version, or None if there was none. One Query."""
    item = _newest_row(keys.routes_key(api), at)
    return None if item is None else _parsed(item, _routes)


def read_subject(api: str, ref: PrincipalRef, at: int) -> SubjectRow:
    """What a subject held at a version. One Query."""
    item = _newest_row(keys.subject_key(api, ref), at)
    return SubjectRow(0, None) if item is None else _parsed(item, lambda i: _subject(ref, i))


def read_denylist(api: str) -> Denylist:
    """Every entry that DynamoDB has not deleted yet. One Query."""
    return Denylist(_parsed(item, _denylist_entry) for item in _query(DenylistItem, keys.denylist_key(api), None))


def subject_content(subject: Subject, ancestors: Iterable[str]) -> str:
    """What the row of a subject holds; `read_subject` reads it back."""
    return canonical_json({"held": format_subject(subject), "ancestors": sorted(ancestors)})


def routes_content(enforced: tuple[str, ...], catalog: RouteCatalog) -> str:
    """What the row of a catalogue holds; `read_routes` reads it back."""
    return canonical_json(format_routes(enforced, catalog))


def _newest_row(pk: str, at: int) -> RowItem | None:
    return next(iter(_query(RowItem, pk, RowItem.sk <= keys.number(at), newest_first=True, limit=1)), None)


def _routes(item: RowItem) -> RoutesRow:
    return RoutesRow(int(item.sk), *parse_routes(json.loads(_required(item.content))))


def _subject(ref: PrincipalRef, item: RowItem) -> SubjectRow:
    text: object = item.content
    if text is None:
        return SubjectRow(int(item.sk), None)
    content = json.loads(_required(text))
    return SubjectRow(int(item.sk), parse_subject(ref, content["held"]), _texts(content["ancestors"]))


def _version(item: VersionItem) -> VersionRecord:
    return VersionRecord(
        version=int(item.sk.removeprefix(keys.VERSION_PREFIX)),
        author=_required(item.author),
        on_behalf_of=item.on_behalf_of,
        reason=_required(item.reason),
        time=_required(item.time),
        changes=_texts(json.loads(_required(item.changes))),
        touched=tuple(Touched(*_texts(fields)) for fields in _list(json.loads(_required(item.touched)))),
        parent_hash=_required(item.parent_hash),
        hash=_required(item.hash),
        series=_optional(item.series, _series),
        denylist=_optional(item.denylist, _denylist_change),
    )


def _optional(text: str | None, read: Callable[[Any], _Parsed]) -> _Parsed | None:
    """What an attribute with JSON says, or None where it is not there."""
    return None if text is None else read(json.loads(_required(text)))


def _series(fields: Any) -> SeriesPart:
    return SeriesPart(_required(fields["id"]), int(fields["number"]), int(fields["total"]), int(fields["base"]))


def _denylist_change(fields: Any) -> DenylistChange:
    ends = fields["expires_at"]
    return DenylistChange(DenylistKind(fields["kind"]), _required(fields["value"]), None if ends is None else int(ends))


def _denylist_entry(item: DenylistItem) -> DenylistEntry:
    return DenylistEntry(
        kind=DenylistKind(item.kind),
        value=_required(item.value),
        reason=_required(item.reason),
        author=_required(item.author),
        version=int(item.version),
        expires_at=int(item.expires_at),
        issued_before=_optional_number(item.issued_before),
    )


def _optional_number(value: float | None) -> int | None:
    return None if value is None else int(value)


def _required(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("an attribute is missing or not text")  # noqa: TRY004  # the item is at fault, not the caller
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("an attribute does not hold a list")  # noqa: TRY004  # the item is at fault, not the caller
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_required(item) for item in _list(value))


def _query(
    item_class: type[_Item], pk: str, wanted: Condition | None, *, newest_first: bool = False, limit: int | None = None
) -> list[_Item]:
    """Consistent, and followed to the last page."""
    with trouble(pk):
        found = item_class.query(pk, wanted, consistent_read=True, scan_index_forward=not newest_first, limit=limit)
        return list(found)


@contextmanager
def trouble(pk: str) -> Iterator[None]:
    """Whatever PynamoDB raises inside becomes a `TroubleError`."""
    try:
        yield
    except PynamoDBException as error:
        code = error_code(error) or type(error.cause).__name__
        raise TroubleError("dynamodb_unavailable", f"table `{TableItem.Meta.table_name}` cannot be read: {code}") from error
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        # PynamoDB's words for an attribute of the wrong type, and for an answer that lacks what every answer has.
        raise TroubleError("unreadable_row", f"an item of `{pk}` cannot be read: {error}") from error


def _parsed(item: _Item, parse: Callable[[_Item], _Parsed]) -> _Parsed:
    """What `parse` makes of an item. A row that cannot be read never decides, not even by being left out: it could be the deny."""
    if item.schema not in READABLE_SCHEMAS:
        raise TroubleError(
            "unreadable_row", f"item `{item.pk}` `{item.sk}` has schema {item.schema}: this release reads {READABLE_SCHEMAS}"
        )
    try:
        return parse(item)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TroubleError("unreadable_row", f"item `{item.pk}` `{item.sk}` cannot be read: {error}") from error
