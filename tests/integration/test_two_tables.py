"""Two tables in one process never meet: what is made on one neither reads nor writes the other."""

from typing import Any

import pytest

from admin_api.publishing.service import NotPublishedError, PermissionService
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table.cache import PermissionCache
from authorizer.table.reader import PermissionTable
from tests.conftest import REGION
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.tables import Table, create_table, document

OWNER = PrincipalRef(RefKind.GROUP, "owner")
HELD = "{{api: petstore, routes: [GET /pets, POST /pets], groups: {{owner: {{allow: [{route}]}}}}}}"


def published(table: PermissionTable, clock: Clock, route: str) -> None:
    service = PermissionService(table, clock)
    service.apply(service.plan(document(HELD.format(route=route))), author="jane", reason="a test")


@pytest.fixture
def two(dynamodb: Any, wire: AwsCalls) -> tuple[PermissionTable, PermissionTable]:
    for name in ("first", "second"):
        create_table(dynamodb, name)
    return PermissionTable("first", REGION), PermissionTable("second", REGION)


def held(cache: PermissionCache) -> list[str]:
    return [permission.selector for permission in cache.load([OWNER]).permissions]


def test_a_cache_on_one_table_does_not_see_what_is_written_to_another(two: tuple[PermissionTable, PermissionTable], clock: Clock) -> None:
    first, second = two
    published(first, clock, "GET /pets")
    cache = PermissionCache(first, "petstore", now=clock, refresh_seconds=0, max_stale_seconds=0)
    assert held(cache) == ["GET /pets"]
    published(second, clock, "POST /pets")
    clock.advance(1)
    assert held(cache) == ["GET /pets"]
    other = PermissionCache(second, "petstore", now=clock, refresh_seconds=0, max_stale_seconds=0)
    assert held(other) == ["POST /pets"]
    published(first, clock, "POST /pets")
    clock.advance(1)
    assert (held(cache), cache.load([OWNER]).version, other.load([OWNER]).version) == (["POST /pets"], 2, 1)


def test_a_table_that_is_opened_later_binds_nothing_of_an_earlier_one(
    two: tuple[PermissionTable, PermissionTable], clock: Clock, dynamodb: Any
) -> None:
    first, second = two
    writer = PermissionService(first, clock)
    reader = PermissionService(second, clock)
    writer.apply(writer.plan(document(HELD.format(route="GET /pets"))), author="jane", reason="a test")
    assert Table(dynamodb, "second").items() == {}
    with pytest.raises(NotPublishedError):
        reader.published("petstore")
    assert writer.published("petstore").head.version == 1
