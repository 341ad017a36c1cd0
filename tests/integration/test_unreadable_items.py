"""An item that cannot be read never decides, not even by being left out: it could be the deny. It fails the request and is named."""

from typing import Any

import pytest
from pynamodb.attributes import TTLAttribute

from admin_api.publishing.service import PermissionService
from authorizer.errors import TroubleError
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table.cache import PermissionCache
from authorizer.table.items import DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from tests.integration.publications import API, GUEST, OWNER, ROUTES, V1
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets]
groups:
  guest: {deny: [POST /pets]}
  owner: {inherits: [guest], allow: ["* /**"]}
"""
HEAD, RECORD, REGISTRY = (API, "head"), (API, f"version#{V1}"), (API, "subject#group/owner")


def load() -> None:
    refs = [PrincipalRef(RefKind.GROUP, "owner")]
    PermissionCache(opened(), "petstore", now=Clock(), refresh_seconds=10, max_stale_seconds=300).load(refs)


SPOILT: list[tuple[tuple[str, str], dict[str, Any]]] = [
    *((key, {"schema": schema}) for key in (HEAD, RECORD, REGISTRY, (ROUTES, V1), (OWNER, V1)) for schema in (None, 0, 2, 99, "1", True)),
    (HEAD, {"version": None}),
    (HEAD, {"version": "1"}),
    (HEAD, {"version": [1]}),
    (HEAD, {"hash": None}),
    (HEAD, {"hash": 7}),
    *((RECORD, {name: None}) for name in ("touched", "parent_hash", "hash")),
    *((RECORD, {"touched": text}) for text in ("", "{", "{}", "null", "7", '"abc"', "[[]]", '[["a"]]', '["abc"]', "[[1, 2, 3]]")),
    (RECORD, {"touched": ["not", "text"]}),
    (REGISTRY, {"kind": None}),
    (REGISTRY, {"kind": "wizard"}),
    (REGISTRY, {"kind": 7}),
    (REGISTRY, {"name": None}),
    (REGISTRY, {"name": {"a": "map"}}),
    *(
        ((ROUTES, V1), {"content": text})
        for text in (None, "", "{", "[]", "{}", '{"routes": []}', '{"routes": ["GOT pets"]}', "[" * 100_000)
    ),
    ((ROUTES, V1), {"content": '{"routes": ["GET /pets"], "more": 1}'}),
    ((ROUTES, V1), {"content": '{"routes": ["GET /pets"], "enforced": ["everything"]}'}),
    ((ROUTES, V1), {"content": 7}),
    *(((OWNER, V1), {"content": text}) for text in ("", "{", "[]", "{}", "null", "7", "\x00", "[" * 100_000)),
    ((OWNER, V1), {"content": 7}),
    ((OWNER, V1), {"content": '{"held": {"allow": ["GET /pets"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"allow": ["GOT pets"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"allow": ["FETCH /pets"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"allow": "GET /pets"}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"refuse": ["GET /pets"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"deny": [{"route": "GET /pets", "where": {"a": "sub"}}]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"allow": [{"route": "GET /pets", "where": {}}]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [], "held": {"allow": [{"route": "GET /pets", "until": "soon"}]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": "guest", "held": {"inherits": ["guest"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": {"guest": 1}, "held": {"inherits": ["guest"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": [7], "held": {"inherits": ["guest"]}}'}),
    ((OWNER, V1), {"content": '{"ancestors": null, "held": {"inherits": ["guest"]}}'}),
]


FOR_PEOPLE: list[dict[str, Any]] = [
    *({name: None} for name in ("author", "reason", "time", "changes")),
    *({name: 7} for name in ("author", "on_behalf_of", "reason", "time", "changes", "series")),
    *({"changes": text} for text in ("", "{", "{}", "null", '"abc"', "[1]")),
    *({"series": text} for text in ("", "{", "[]", "{}")),
]
"""What a record says of who, when and why, spoilt."""


def _id(value: object) -> str:
    return "-".join(map(str, value))[:60] if isinstance(value, tuple) else str(value)[:60]


@pytest.mark.parametrize(("key", "spoilt"), SPOILT, ids=_id)
def test_a_spoilt_item_is_trouble_and_is_named(table: Table, key: tuple[str, str], spoilt: dict[str, Any]) -> None:
    publish(DOCUMENT)
    load()
    table.change(*key, **spoilt)
    with pytest.raises(TroubleError) as caught:
        load()
    assert caught.value.reason == "unreadable_row"
    assert f"`{key[0]}`" in str(caught.value)


@pytest.mark.parametrize("spoilt", FOR_PEOPLE, ids=_id)
def test_a_spoilt_sentence_is_no_trouble_for_traffic(table: Table, spoilt: dict[str, Any]) -> None:
    """Nothing is decided by what the history says to people."""
    publish(DOCUMENT)
    table.change(*RECORD, **spoilt)
    load()


@pytest.mark.parametrize(("key", "spoilt"), [*SPOILT, *((RECORD, spoilt) for spoilt in FOR_PEOPLE)], ids=_id)
def test_a_spoilt_item_stops_the_control_plane_too(table: Table, key: tuple[str, str], spoilt: dict[str, Any]) -> None:
    """What a plan does not understand it must not write over."""
    publish(DOCUMENT)
    table.change(*key, **spoilt)
    service = PermissionService(opened(), Clock())
    with pytest.raises(TroubleError):
        (list(service.history("petstore")) if key == RECORD else service.published("petstore"))


@pytest.mark.parametrize("key", [RECORD, (ROUTES, V1), (OWNER, V1)], ids=_id)
def test_an_item_that_is_gone_is_trouble(table: Table, key: tuple[str, str]) -> None:
    publish(DOCUMENT)
    table.delete(*key)
    with pytest.raises(TroubleError):
        load()


@pytest.mark.parametrize("key", [(GUEST, V1), (API, "subject#group/guest")], ids=_id)
def test_an_ancestor_that_is_gone_is_trouble(table: Table, key: tuple[str, str]) -> None:
    """Otherwise `owner` would lose the deny that it has from `guest`. The version of the ancestor is not the newest, so no record vouches for it."""
    publish(DOCUMENT)
    publish(DOCUMENT.replace("routes: [", "routes: [GET /owners, "))
    load()
    table.delete(*key)
    with pytest.raises(TroubleError, match="guest"):
        load()


def test_only_the_denylist_and_idempotency_may_expire() -> None:
    """If DynamoDB deleted a row, the older and wider one behind it would come back to life."""
    classes = {item_class.__name__: item_class for item_class in _subclasses(TableItem) if not item_class.Meta.table_name}
    assert set(classes) == {"HeadItem", "VersionItem", "RegistryItem", "ApiItem", "RowItem", "DenylistItem", "IdempotencyItem"}
    assert {name for name, item_class in classes.items() if _may_expire(item_class)} == {"DenylistItem", "IdempotencyItem"}


def _may_expire(item_class: type[TableItem]) -> bool:
    attributes = item_class.get_attributes()
    names = {attribute.attr_name for attribute in attributes.values()} | set(attributes)
    return "expires_at" in names or any(isinstance(attribute, TTLAttribute) for attribute in attributes.values())


def _subclasses(base: type[TableItem]) -> list[type[TableItem]]:
    return [c for sub in base.__subclasses__() for c in (sub, *_subclasses(sub))]


def test_no_written_item_expires(table: Table) -> None:
    publish(DOCUMENT)
    assert not [key for key, item in table.items().items() if "expires_at" in item]


def test_every_item_class_of_a_table_shares_its_client(table: Table) -> None:
    """A process makes one client, however many kinds of items it reads."""
    classes = [opened().items(item_class) for item_class in (HeadItem, VersionItem, RegistryItem, RowItem, DenylistItem)]
    assert {id(c._get_connection().connection.client) for c in classes} == {id(opened().connection.client)}
    assert {c._get_connection().table_name for c in classes} == {table.name}
