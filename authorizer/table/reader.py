"""The permission table: its items, and consistent reads of one API's state at one version.

PynamoDB items do not leave this module: readers get frozen values, already parsed by the functions that validated them when they were written.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition

from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind
from authorizer.policy.document import parse_routes, parse_subject
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table import keys
from authorizer.table.items import READABLE_SCHEMAS, ApiItem, DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.records import DenylistChange, Head, RoutesRow, SeriesPart, SubjectRow, Touched, VersionRecord

_Item = TypeVar("_Item", bound="TableItem")
_Parsed = TypeVar("_Parsed")


def bind_table(name: str, region: str | None = None, endpoint: str | None = None, access_key: tuple[str, str] | None = None) -> None:
    """Say which table the items live in. What is not given follows the AWS SDK's own environment variables."""
    meta: Any = TableItem.Meta
    meta.table_name, meta.host = name, endpoint
    meta.region = region or meta.region
    meta.aws_access_key_id, meta.aws_secret_access_key = access_key or (None, None)
    TableItem._connection = None
    TableItem._get_connection()  # made on the base class, so that every item class finds the same one


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
