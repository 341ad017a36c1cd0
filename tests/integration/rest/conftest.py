"""One table for each module of these tests, put back after each test to what the module began with."""

import copy
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer
from moto import mock_aws
from moto.dynamodb.models import dynamodb_backends

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.user_directory import UserDirectory
from tests.conftest import REGION
from tests.integration.rest.client import Client, pets
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.pools import create_pool
from tests.support.tables import TABLE, Item, Table, create_table, open_table, opened

_NUMBERS = itertools.count(1)


class EmulatedTable(Table):
    """Items out of the emulator's memory: a Scan takes a second there, and tests look again and again whether anything was written."""

    def items(self) -> dict[tuple[str, str], Item]:
        """All items by key."""
        read = TypeDeserializer().deserialize
        found = [item.to_json()["Attributes"] for partition in self._partitions().values() for item in partition.values()]
        plain = [{name: read(value) for name, value in attributes.items()} for attributes in found]
        return {(item["pk"], item["sk"]): item for item in plain}

    def save(self) -> Any:
        """Everything, for `restore`."""
        return copy.deepcopy(self._partitions())

    def restore(self, saved: Any) -> None:
        """Make it everything again."""
        partitions = self._partitions()
        partitions.clear()
        partitions.update(saved)

    def _partitions(self) -> Any:
        # An emulated transaction that fails puts another table object into the place of this one.
        return dynamodb_backends["123456789012"][REGION].tables[self.name].items


@dataclass(slots=True)
class Rest:
    """What the tests of a module share. `waits` and `flushed` are what the admin API has waited and which APIs it has flushed."""

    client: Client
    table: EmulatedTable
    wire: AwsCalls
    clock: Clock
    waits: list[float] = field(default_factory=list)
    flushed: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def shared(_one_loader: None) -> Iterator[Rest]:
    """Set up for a module. The API `standing` has `pets` published, as version 1, for tests that change nothing."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        dynamodb = boto3.Session().client("dynamodb", region_name=REGION)
        patch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        with AwsCalls().installed() as wire:
            create_table(dynamodb, TABLE)
            open_table(TABLE, REGION)
            pool = create_pool({"alice": ["owner"]})
            clock = Clock()
            waits: list[float] = []
            flushed: list[str] = []

            def flush(api: str) -> tuple[str, ...]:
                flushed.append(api)
                return (f"{api}1/prod",)

            # The time that a request may take stands still too: how busy a machine is fails no test.
            client = Client(
                AdminApi(PermissionService(opened(), clock, waits.append), now=clock, flush=flush, clock=clock, users=UserDirectory(pool))
            )
            client.publish(pets("standing"))
            yield Rest(client, EmulatedTable(dynamodb), wire, clock, waits, flushed)


@pytest.fixture
def rest(shared: Rest) -> Iterator[Rest]:
    """What the module shares, with nothing left of the test before."""
    saved = shared.table.save()
    shared.clock.now = Clock().now
    shared.waits.clear()
    shared.flushed.clear()
    shared.wire.take()
    yield shared
    shared.wire.rule = None
    shared.table.restore(saved)


@pytest.fixture
def client(rest: Rest) -> Client:
    """The client of the admin API."""
    return rest.client


@pytest.fixture
def table(rest: Rest) -> Table:
    """The table of the module."""
    return rest.table


@pytest.fixture
def wire(rest: Rest) -> AwsCalls:
    """Every AWS call of the admin API."""
    return rest.wire


@pytest.fixture
def clock(rest: Rest) -> Clock:
    """The admin API's clock."""
    return rest.clock


@pytest.fixture
def standing() -> str:
    """The name of an API that the test leaves as it is."""
    return "standing"


@pytest.fixture
def name() -> str:
    """The name of an API that is not there."""
    return f"shop{next(_NUMBERS)}"


@pytest.fixture
def shop(client: Client, name: str) -> str:
    """The name of an API that has `pets` published, as version 1, and may be changed."""
    client.publish(pets(name))
    return name
