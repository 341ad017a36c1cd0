"""Consistent reads of one API's state at one version, from one table.

PynamoDB items do not leave the two `table` packages: callers get frozen values, parsed by the functions that validated them when they were written.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException
from pynamodb.expressions.condition import Condition

from authorizer.authorities import vouch_for_region
from authorizer.errors import TroubleError
from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind
from authorizer.policy.document import parse_routes, parse_subject
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table import keys
from authorizer.table.digests import item_digest
from authorizer.table.fields import list_of, text_of, texts_of
from authorizer.table.items import READABLE_SCHEMAS, ApiItem, DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.records import DenylistChange, Head, RoutesRow, SubjectRow, Touched, VersionLink

_Item = TypeVar("_Item", bound=TableItem)
_Parsed = TypeVar("_Parsed")

_LINK = ("pk", "sk", "schema", "touched", "parent_hash", "hash", "denylist")
"""The attributes of a version that a reader asks for. What is written for people is not among them, so that no sentence can be a trouble for traffic."""


class PermissionTable:
    """One permission table and the client that reaches it. Tables share nothing: two of them in one process never meet.

    What is not given follows the AWS SDK's own environment variables. `aws_authorities` is a file with those that vouch for DynamoDB in AWS's public regions;
    anywhere else, and once they did not, the SDK's own bundle counts. Every read raises `TroubleError` if the table cannot be read or holds what cannot.
    """

    def __init__(
        self,
        name: str,
        region: str | None = None,
        endpoint: str | None = None,
        access_key: tuple[str, str] | None = None,
        aws_authorities: str | None = None,
    ) -> None:
        self.name = name
        key, secret = access_key or (None, None)
        # PynamoDB keeps a model's table in its class. So each table has classes of its own, and one client for all of them.
        self._meta = type(
            "Meta",
            (TableItem.Meta,),
            {
                "table_name": name,
                "host": endpoint,
                "region": region or getattr(TableItem.Meta, "region", None),
                "aws_access_key_id": key,
                "aws_secret_access_key": secret,
            },
        )
        self._trusting_few: Any = None
        self._bound: dict[type[TableItem], type[TableItem]] = {}
        self._table_connection = self.items(TableItem)._get_connection()
        if aws_authorities and endpoint is None:
            self._trust(aws_authorities)

    def _trust(self, aws_authorities: str) -> None:
        session = self.connection.session
        if vouch_for_region(self.connection.region or session.get_config_variable("region") or ""):
            # The client is made at the first read, of this session.
            session.set_config_variable("ca_bundle", aws_authorities)
            self._trusting_few = session

    def _trust_the_bundle(self) -> None:
        """AWS may have other authorities by now than when the zip was built: the next read asks by a client that takes the AWS SDK's word for it."""
        # Rows are read by several threads, which may all have met them. And PynamoDB has a session for each thread, this one's may be another.
        session, self._trusting_few = self._trusting_few, None
        if session is not None:
            session.set_config_variable("ca_bundle", None)
            self.connection._client = None

    @property
    def connection(self) -> Connection:
        """The client, for transactions."""
        return self._table_connection.connection

    def items(self, item_class: type[_Item]) -> type[_Item]:
        """Return the class of such items in this table: `items(HeadItem)` reads and writes heads here, `HeadItem` itself has no table."""
        bound = self._bound.get(item_class)
        if bound is None:
            attributes = {"Meta": self._meta, "__module__": item_class.__module__, "__doc__": item_class.__doc__}
            if item_class is not TableItem:
                attributes["_connection"] = self._table_connection
            bound = self._bound[item_class] = type(item_class.__name__, (item_class,), attributes)
        return cast("type[_Item]", bound)

    def read_head(self, api: str, *, consistent: bool) -> Head | None:
        """Return the newest version, or None if nothing was ever published. One GetItem."""
        pk = keys.api_key(api)
        with self.trouble(pk):
            try:
                item = self.items(HeadItem).get(pk, keys.HEAD, consistent_read=consistent)
            except DoesNotExist:
                return None
        return parsed(item, lambda i: Head(int(i.version), text_of(i.hash), int(i.denylist_stamp or 0)))

    def read_apis(self) -> tuple[str, ...]:
        """Return the names of all APIs. One Query."""
        return tuple(parsed(item, lambda i: text_of(i.name)) for item in self.query(ApiItem, keys.APIS, None))

    def read_versions(self, api: str, after: int, upto: int) -> tuple[VersionLink, ...]:
        """Return the links of versions `after` + 1 to `upto` in order. Some may be missing: the caller checks. One Query."""
        wanted = VersionItem.sk.between(keys.VERSION_PREFIX + keys.number(after + 1), keys.VERSION_PREFIX + keys.number(upto))
        return tuple(parsed(item, _link) for item in self.query(VersionItem, keys.api_key(api), wanted, attributes=_LINK))

    def read_known_subjects(self, api: str) -> frozenset[PrincipalRef]:
        """Return every subject that has ever been written. One Query."""
        items = self.query(RegistryItem, keys.api_key(api), RegistryItem.sk.startswith(keys.REGISTRY_PREFIX))
        return frozenset(parsed(item, known_subject) for item in items)

    def read_routes(self, api: str, at: int) -> RoutesRow | None:
        """Return the catalogue as it was at a version, or None if there was none. One Query."""
        item = self._newest_row(keys.routes_key(api), at)
        return None if item is None else parsed(item, routes_row)

    def read_subject(self, api: str, ref: PrincipalRef, at: int) -> SubjectRow:
        """Return what a subject held at a version. One Query."""
        item = self._newest_row(keys.subject_key(api, ref), at)
        return SubjectRow(0, None) if item is None else parsed(item, lambda i: subject_row(ref, i))

    def has_rows(self, api: str, ref: PrincipalRef) -> bool:
        """Return whether any version, be it a later one, wrote what a subject holds. One Query."""
        return bool(self.query(RowItem, keys.subject_key(api, ref), None, limit=1))

    def read_denylist(self, api: str, *, in_force_at: float | None = None) -> Denylist:
        """Return the entries that are in force at a moment, or every one that DynamoDB has not deleted yet: it does that days late. One Query."""
        in_force = None if in_force_at is None else DenylistItem.expires_at > in_force_at
        items = self.query(DenylistItem, keys.denylist_key(api), None, fulfilling=in_force)
        return Denylist(parsed(item, denylist_entry) for item in items)

    def _newest_row(self, pk: str, at: int) -> RowItem | None:
        return next(iter(self.query(RowItem, pk, RowItem.sk <= keys.number(at), newest_first=True, limit=1)), None)

    def query(
        self,
        item_class: type[_Item],
        pk: str,
        wanted: Condition | None,
        *,
        fulfilling: Condition | None = None,
        attributes: tuple[str, ...] | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> list[_Item]:
        """Return the items of a partition whose sort keys are `wanted`, consistent, and followed to the last page. One Query for each page.

        What DynamoDB reads and finds not `fulfilling` is not sent.
        """
        with self.trouble(pk):
            found = self.items(item_class).query(
                pk,
                wanted,
                fulfilling,
                consistent_read=True,
                scan_index_forward=not newest_first,
                limit=limit,
                attributes_to_get=list(attributes) if attributes else None,
            )
            return list(found)

    @contextmanager
    def trouble(self, pk: str) -> Iterator[None]:
        """Turn whatever PynamoDB raises inside into a `TroubleError`."""
        try:
            yield
        except PynamoDBException as error:
            code = error_code(error) or type(error.cause).__name__
            if code == "SSLError":
                self._trust_the_bundle()
            raise TroubleError("dynamodb_unavailable", f"table `{self.name}` cannot be read: {code}") from error
        except (TypeError, ValueError, AttributeError, LookupError) as error:
            # PynamoDB's words for an attribute of the wrong type, and for an answer that lacks what every answer has.
            raise TroubleError("unreadable_row", f"an item of `{pk}` cannot be read: {error}") from error


def error_code(error: PynamoDBException) -> str | None:
    """Return what DynamoDB called an error, or None if no answer came. (PynamoDB's own property fails on a timeout, whose `response` is None.)"""
    response = getattr(error.cause, "response", None) or {}
    code: str | None = response.get("Error", {}).get("Code")
    return code


def parsed(item: _Item, parse: Callable[[_Item], _Parsed]) -> _Parsed:
    """Return what `parse` makes of an item. A row that cannot be read never decides, not even by being left out: it could be the deny."""
    if item.schema not in READABLE_SCHEMAS:
        raise TroubleError(
            "unreadable_row", f"item `{item.pk}` `{item.sk}` has schema {item.schema}: this release reads {READABLE_SCHEMAS}"
        )
    try:
        return parse(item)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TroubleError("unreadable_row", f"item `{item.pk}` `{item.sk}` cannot be read: {error}") from error


def link_fields(item: VersionItem) -> dict[str, Any]:
    """Return the fields of a `VersionLink` by name, for whoever reads more of the item than those."""
    change: str | None = item.denylist
    return {
        "version": int(item.sk.removeprefix(keys.VERSION_PREFIX)),
        "touched": tuple(Touched(*texts_of(fields)) for fields in list_of(json.loads(text_of(item.touched)))),
        "parent_hash": text_of(item.parent_hash),
        "hash": text_of(item.hash),
        "denylist": None if change is None else _denylist_change(json.loads(text_of(change))),
    }


def _link(item: VersionItem) -> VersionLink:
    return VersionLink(**link_fields(item))


def known_subject(item: RegistryItem) -> PrincipalRef:
    """Return the subject that an entry of the registry names."""
    ref = PrincipalRef(RefKind(item.kind), text_of(item.name))
    if item.sk != keys.registry_sort_key(ref):
        # It would hide the subject that it stands for, and with it its denies.
        raise ValueError(f"it names `{ref}`")
    return ref


def routes_row(item: RowItem) -> RoutesRow:
    """Return what the item of a catalogue says."""
    return RoutesRow(int(item.sk), *parse_routes(json.loads(text_of(item.content))), item_digest(item))


def subject_row(ref: PrincipalRef, item: RowItem) -> SubjectRow:
    """Return what the item of a subject says."""
    text: object = item.content
    if text is None:
        return SubjectRow(int(item.sk), None, sha256=item_digest(item))
    content = json.loads(text_of(text))
    return SubjectRow(
        int(item.sk), parse_subject(ref, content["held"]), texts_of(content["ancestors"]), len(text_of(text)), item_digest(item)
    )


def _denylist_change(fields: Any) -> DenylistChange:
    ends = fields["expires_at"]
    return DenylistChange(DenylistKind(fields["kind"]), text_of(fields["value"]), None if ends is None else int(ends))


def denylist_entry(item: DenylistItem) -> DenylistEntry:
    """Return what an item of the denylist says."""
    return DenylistEntry(
        kind=DenylistKind(item.kind),
        value=text_of(item.value),
        reason=text_of(item.reason),
        author=text_of(item.author),
        version=int(item.version),
        expires_at=int(item.expires_at),
        issued_before=_optional_number(item.issued_before),
        sha256=item_digest(item),
    )


def _optional_number(value: float | None) -> int | None:
    return None if value is None else int(value)
