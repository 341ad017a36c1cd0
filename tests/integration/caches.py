"""What the tests of the permission cache share."""

import pytest

from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table.cache import LoadedPermissions, PermissionCache
from tests.support.aws_calls import AwsCalls, Call
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

REFRESH, STALE = 10, 300

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets, DELETE /pets]
everyone: {allow: [GET /pets]}
groups:
  guest: {}
  owner: {inherits: [guest], allow: [POST /pets]}
  admin: {inherits: [owner], deny: [DELETE /pets]}
  other: {allow: [DELETE /pets]}
"""
GAINED = DOCUMENT.replace("guest: {}", "guest: {allow: [DELETE /pets]}")
REVOKED = DOCUMENT.replace("allow: [POST /pets]", "allow: []")
ROUTED = DOCUMENT.replace("DELETE /pets]\nev", "DELETE /pets, GET /new]\nev")
JOINED = DOCUMENT + "  late: {allow: [POST /pets]}\n"


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


GUEST, OWNER, ADMIN, OTHER, LATE = map(group, ("guest", "owner", "admin", "other", "late"))


class Reader:
    """A cache with what it costs and gives, in a form that is easily written down."""

    def __init__(self, wire: AwsCalls, clock: Clock, refresh: float = REFRESH, stale: float = STALE) -> None:
        self.wire = wire
        self.cache = PermissionCache(opened(), "petstore", now=clock, refresh_seconds=refresh, max_stale_seconds=stale)

    def load(self, *refs: PrincipalRef) -> LoadedPermissions:
        """Load, and forget what was called before."""
        self.wire.take()
        return self.cache.load(refs)

    def held(self, *refs: PrincipalRef) -> list[str]:
        """The permissions in words."""
        return sorted(permission.id for permission in self.load(*refs).permissions)

    def cost(self) -> list[str]:
        """What the last load read, in order. Asserts that only the head is ever read eventually consistent."""
        calls = self.wire.take()
        assert [c for c in calls if not c.is_consistent and c.partition not in {"head api#petstore", "api#petstore head"}] == []
        return [_words(call) for call in calls]


def _words(call: Call) -> str:
    if call.operation == "GetItem":
        return "head, consistent" if call.is_consistent else "head"
    assert call.operation == "Query", call
    values = [next(iter(value.values())) for _, value in sorted(call.body["ExpressionAttributeValues"].items())]
    text = str(values)
    partition = call.partition
    if partition != "api#petstore":
        return partition.removeprefix("api#petstore#")
    return "records" if "version#" in text else "registry"


@pytest.fixture
def published(table: Table) -> Table:
    publish(DOCUMENT)
    return table


@pytest.fixture
def reader(published: Table, wire: AwsCalls, clock: Clock) -> Reader:
    return Reader(wire, clock)
