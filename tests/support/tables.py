"""A permission table that tests look into and spoil, item by item, without the code under test."""

from dataclasses import dataclass
from typing import Any

import yaml
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from admin_api.publishing.service import PermissionService
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.table.reader import PermissionTable
from authorizer.table.records import Head
from tests.support.clock import Clock

TABLE = "gatebook-test"

Item = dict[str, Any]


def create_table(dynamodb: Any, name: str) -> None:
    """The keys of design section 4, written down a second time: a test of `gatebook init` compares."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
    )


def document(source: str | dict[str, Any]) -> PermissionDocument:
    """A permission document from plain values or from YAML, where every scalar is text."""
    return parse_document(yaml.load(source, yaml.BaseLoader) if isinstance(source, str) else source)  # noqa: S506


_OPEN: list[PermissionTable] = []


def open_table(
    name: str = TABLE, region: str | None = None, endpoint: str | None = None, access_key: tuple[str, str] | None = None
) -> PermissionTable:
    """Open a table, which the helpers here work on until another one is opened."""
    table = PermissionTable(name, region, endpoint, access_key)
    _OPEN[:] = [table]
    return table


def opened() -> PermissionTable:
    """The table that a test opened last: one client for all that it does, since to make one takes longer than most tests do."""
    [table] = _OPEN
    return table


def publish(
    source: str | dict[str, Any], *, clock: Clock | None = None, author: str = "arn:aws:iam::111122223333:user/jane", reason: str = "a test"
) -> Head:
    """Make the opened table hold a document. Fails if it does already."""
    service = PermissionService(opened(), clock or Clock())
    head = service.apply(service.plan(document(source)), author=author, reason=reason)
    assert head is not None
    return head


@dataclass(frozen=True, slots=True)
class Table:
    """The raw items of a table."""

    dynamodb: Any
    name: str = TABLE

    def items(self) -> dict[tuple[str, str], Item]:
        """All items by key."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        return {(item["pk"], item["sk"]): item for page in pages for raw in page["Items"] for item in [_plain(raw)]}

    def get(self, pk: str, sk: str) -> Item:
        """One item, which must be there."""
        return self.items()[pk, sk]

    def raw(self, pk: str, sk: str) -> dict[str, Any]:
        """One item as DynamoDB writes it."""
        item: dict[str, Any] = self.dynamodb.get_item(TableName=self.name, Key=_key(pk, sk), ConsistentRead=True)["Item"]
        return item

    def put(self, item: Item) -> None:
        """Write an item as it is."""
        serializer = TypeSerializer()
        self.dynamodb.put_item(TableName=self.name, Item={name: serializer.serialize(value) for name, value in item.items()})

    def change(self, pk: str, sk: str, **attributes: Any) -> None:
        """Overwrite attributes of an item; None removes one."""
        changed = self.get(pk, sk) | attributes
        self.put({name: value for name, value in changed.items() if value is not None})

    def delete(self, pk: str, sk: str) -> None:
        """Take an item away."""
        self.dynamodb.delete_item(TableName=self.name, Key=_key(pk, sk))


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _plain(raw: dict[str, Any]) -> Item:
    deserializer = TypeDeserializer()
    return {name: deserializer.deserialize(value) for name, value in raw.items()}
