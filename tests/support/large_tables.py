"""An emulated table that bears many items. The emulator by itself looks through all of them for each Query, and copies all of them for each transaction."""

import copy
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table as EmulatorsTable

from tests.conftest import REGION
from tests.support.aws_calls import Answer, Call, answer
from tests.support.tables import Item

PAGE_BYTES = 1024 * 1024
"""What one Query reads at most (DynamoDB developer guide, "Paginating table query results")."""

_HEAD = DynamoType({"S": "head"})
_ACCOUNT = "123456789012"

_CONDITION = re.compile(r"\(?#0 = :0(?: AND (?P<range>#1 BETWEEN :1 AND :2|#1 <= :1|begins_with \(#1, :1\))\))?")

_LAST = "\U0010ffff"

_RANGES: dict[str | None, Callable[[list[str]], tuple[str, str]]] = {
    None: lambda _: ("", _LAST),
    "#1 BETWEEN :1 AND :2": lambda values: (values[0], values[1]),
    "#1 <= :1": lambda values: ("", values[0]),
    "begins_with (#1, :1)": lambda values: (values[0], values[0] + _LAST),
}
"""The first and the last sort key that a condition can mean."""


class _TableOfMany(EmulatorsTable):
    """Keeps until the next write: a copy for transactions that fail, which the emulator asks for once for each of their items, and sorted partitions."""

    _twin: "_TableOfMany | None" = None
    _sorted: dict[str, tuple[list[str], list[Any]]] | None = None

    def sorted_partition(self, name: str) -> tuple[list[str], list[Any]]:
        """Sort keys in order, and the items of each."""
        known = self._sorted = {} if self._sorted is None else self._sorted
        if name not in known:
            items = sorted((key.value, item) for key, item in self.items.get(DynamoType({"S": name}), {}).items())
            known[name] = [key for key, _ in items], [item for _, item in items]
        return known[name]

    def forget(self) -> None:
        """What was kept is no longer so."""
        self._twin = self._sorted = None

    def __deepcopy__(self, memo: dict[int, Any]) -> "_TableOfMany":
        if self._twin is None:
            twin = copy.copy(self)
            twin.forget()
            twin.items = copied(self.items)
            self._twin = twin
        return self._twin

    def put_item(self, *args: Any, **more: Any) -> Any:
        self.forget()
        return super().put_item(*args, **more)

    def delete_item(self, *args: Any, **more: Any) -> Any:
        self.forget()
        return super().delete_item(*args, **more)


@dataclass(slots=True)
class LargeTable:
    """Answers reads of a table in the emulator's place, if it is made the rule of a `AwsCalls`. `items_read` counts what came back.

    A read of another form is left to the emulator, and so are all writes.
    """

    name: str
    items_read: int = 0

    def __post_init__(self) -> None:
        _emulated(self.name).__class__ = _TableOfMany

    def __call__(self, call: Call) -> Answer:
        """The answer to a Query or a GetItem."""
        if call.operation not in ("GetItem", "Query") or call.body["TableName"] != self.name:
            return None
        found = self._query(call.body) if call.operation == "Query" else self._get(call.body["Key"])
        if found is not None:
            self.items_read += len(found["Items"]) if "Items" in found else 1
        return found if found is None else answer(found)

    def plant(self, items: Iterable[Item]) -> None:
        """Write items as they are, without a call."""
        serialize = TypeSerializer().serialize
        table = _emulated(self.name)
        for item in items:
            table.put_item({name: serialize(value) for name, value in item.items()})

    def item(self, pk: str, sk: str) -> Item:
        """One item, which must be there, without a call."""
        found = _emulated(self.name).items[DynamoType({"S": pk})][DynamoType({"S": sk})]
        deserialize = TypeDeserializer().deserialize
        return {name: deserialize(value) for name, value in found.to_json()["Attributes"].items()}

    def save(self) -> Any:
        """Everything, for `restore`."""
        return copied(_emulated(self.name).items)

    def restore(self, saved: Any) -> None:
        """Make it everything again."""
        table = _emulated(self.name)
        table.items = saved
        table.forget()

    def _get(self, key: dict[str, dict[str, str]]) -> dict[str, Any] | None:
        item = _emulated(self.name).items.get(DynamoType(key["pk"]), {}).get(DynamoType(key["sk"]))
        return {} if item is None else {"Item": item.to_json()["Attributes"]}

    def _query(self, body: dict[str, Any]) -> dict[str, Any] | None:
        condition = _CONDITION.fullmatch(body["KeyConditionExpression"])
        if condition is None or body.keys() & {"FilterExpression", "ProjectionExpression", "IndexName"}:
            return None
        partition, *values = (value["S"] for _, value in sorted(body["ExpressionAttributeValues"].items()))
        keys, items = _emulated(self.name).sorted_partition(partition)
        first, last = _RANGES[condition["range"]](values)
        start, end = bisect_left(keys, first), bisect_right(keys, last)
        forward = body.get("ScanIndexForward", True)
        if "ExclusiveStartKey" in body:
            gone = body["ExclusiveStartKey"]["sk"]["S"]
            start, end = (max(start, bisect_right(keys, gone)), end) if forward else (start, min(end, bisect_left(keys, gone)))
        page: list[dict[str, Any]] = []
        size = 0
        for number in range(start, end) if forward else range(end - 1, start - 1, -1):
            size += items[number].size()
            if page and (size > PAGE_BYTES or len(page) == body.get("Limit")):
                return _page(page) | {"LastEvaluatedKey": {name: page[-1][name] for name in ("pk", "sk")}}
            page.append(items[number].to_json()["Attributes"])
        return _page(page)


def _page(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Items": items, "Count": len(items), "ScannedCount": len(items)}


def _emulated(name: str) -> Any:
    # An emulated transaction that fails puts another table object into the place of the one before.
    return dynamodb_backends[_ACCOUNT][REGION].tables[name]


def copied(partitions: Any) -> Any:
    """Items are put as a whole and may be shared, but for heads: those are updated in place."""
    twin = defaultdict(dict, {partition: items.copy() for partition, items in partitions.items()})
    for items in twin.values():
        if _HEAD in items:
            items[_HEAD] = copy.deepcopy(items[_HEAD])
    return twin
