"""What the failure tests share: an authorizer whose key server and table can fail, with an eye on every call and every pause."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import boto3
import pytest
from moto import mock_aws

from authorizer.table.items import TableItem
from authorizer.tokens.jwks_fetch import fetch_jwks
from tests.conftest import REGION
from tests.integration.faults.hosts import KeyHost, TableHost
from tests.integration.gates import DOCUMENT, Gate, bearer, build_gate, gate, request_event
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.connections import connections
from tests.support.issuer import NOW, Issuer
from tests.support.tables import TABLE, Item, Table, create_table, open_table, opened, publish

__all__ = ["connections", "gate"]

LASTING = {"exp": NOW + 100_000_000}
"""A token that outlives every jump of the clock: what ends is never the token."""

GUEST = request_event(bearer("guest", **LASTING), path="/pets/7")
OWNER = request_event(bearer("owner", **LASTING), verb="POST")
STRANGER = request_event(bearer("guest", **LASTING), verb="POST")
"""A request that is denied by what the table holds."""

READ_SECONDS = 0.5
"""How long a `far_gate` waits for DynamoDB, in place of 1.5 s."""


Cold = Callable[..., Gate]
"""Builds a cold authorizer and turns the clock back to its start, so that one table serves many cases."""


_Case = TypeVar("_Case")


def some(cases: Mapping[str, _Case], few: int) -> dict[str, _Case]:
    """All cases in CI, elsewhere the first few: the others differ from them in a word only."""
    return dict(list(cases.items())[: None if os.environ.get("CI") else few])


@contextmanager
def case(name: str) -> Iterator[None]:
    """A failure within says which case it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the case `{name}`")
        raise


def effect(gate: Gate, event: dict[str, Any]) -> str:
    """`Allow` or `Deny`."""
    answered: str = gate.call(event)["policyDocument"]["Statement"][0]["Effect"]
    return answered


Items = dict[tuple[str, str], Item]


@pytest.fixture(scope="module")
def account() -> Iterator[tuple[Any, Items]]:
    """An account with a published table, and what the table holds. To make one for each test would take longer than the tests do."""
    with mock_aws():
        dynamodb = boto3.Session().client("dynamodb", region_name=REGION)
        create_table(dynamodb, TABLE)
        open_table(TABLE, REGION)
        publish(DOCUMENT)
        yield dynamodb, Table(dynamodb).items()


@pytest.fixture
def dynamodb(account: tuple[Any, Items]) -> Any:
    """A client that no `AwsCalls` sees."""
    return account[0]


def hold(table: Table, items: Items) -> None:
    """What the table holds is now this."""
    held = table.items()
    for key in held.keys() - items.keys():
        table.delete(*key)
    for key, item in items.items():
        if held.get(key) != item:
            table.put(item)


@pytest.fixture
def table(dynamodb: Any, wire: AwsCalls) -> Table:
    """An empty table."""
    open_table(TABLE, REGION)
    table = Table(dynamodb)
    hold(table, {})
    return table


@pytest.fixture
def published(account: tuple[Any, Items], wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table that holds `gates.DOCUMENT`."""
    open_table(TABLE, REGION)
    # One client for all handlers of a test: to make it takes longer than most cases do.
    monkeypatch.setattr("authorizer.wiring.PermissionTable", lambda _, **__: opened())
    table = Table(account[0])
    hold(table, account[1])
    return table


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyHost]:
    """In place of the one of `gates`, which `gate` is built with."""
    with KeyHost(Issuer().jwks()).running() as host:
        monkeypatch.setattr("authorizer.wiring.fetch_jwks", lambda uri: fetch_jwks(uri, seconds=host.patience))
        yield host


@pytest.fixture
def cold(published: Table, keys: KeyHost, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Cold:
    def build(**settings: str) -> Gate:
        clock.now = NOW
        gate = build_gate(keys, clock, capsys, **settings)
        wire.take()
        keys.take()
        return gate

    return build


@pytest.fixture
def pauses(wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long botocore would have paused before each second attempt."""
    taken: list[float] = []
    monkeypatch.setattr("botocore.endpoint.time.sleep", taken.append)
    return taken


@pytest.fixture
def table_host(published: Table, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[TableHost]:
    """The published table behind a real port, for every client that is made from here on."""
    with TableHost(dynamodb).running() as host:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", host.url)
        monkeypatch.setattr(TableItem.Meta, "read_timeout_seconds", READ_SECONDS)
        yield host


@pytest.fixture
def far_gate(table_host: TableHost, keys: KeyHost, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Iterator[Gate]:
    """A cold authorizer that reaches its table over real connections."""
    open_table(TABLE, REGION)
    yield build_gate(keys, clock, capsys)
    client: Any = opened().connection.client
    client.close()
