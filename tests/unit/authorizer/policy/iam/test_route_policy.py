"""Which values a policy for a whole route can hold in their places, and where a slash ends it. The other policies are in `tests/vectors/compiled`."""

import pytest

from authorizer.policy.cache_scope import can_hold
from authorizer.policy.decision import Grounds
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.route_policy import compile_route, is_too_long
from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission
from authorizer.policy.route import RouteCatalog, parse_route


@pytest.mark.parametrize(
    ("route", "bound", "expected"),
    [
        ("/", {}, True),
        ("/{a}/{b}/{c}", {}, True),
        ("/{a}/{b}/{r+}", {}, True),
        ("/{a}/{b}/{c}", {"a": "v"}, True),
        ("/{a}/{b}/{c}", {"c": "v"}, True),
        ("/{a}/{b}/{c}", {"a": "v", "c": "w"}, True),
        ("/{a}/{b}/{c}", {"a": "v", "b": "w"}, True),
        ("/{a}/{b}/{c}", {"b": "v", "c": "w"}, True),
        ("/{a}/{b}/{c}", {"b": "v"}, False),
        ("/x/{a}/{b}/{c}/y", {"b": "v"}, False),
        ("/x/{a}/y/{b}/{c}", {"b": "v"}, False),
        ("/o/{a}/m/{b}/p/{c}", {"b": "v"}, True),
        ("/o/{a}/m/{b}/p/{c}", {"b": "m"}, False),
        ("/{a}/m/{b}/{c}/{d}", {"b": "v"}, False),
        ("/{a}/m/{b}/m/{c}/m/{d}", {"b": "v", "c": "w"}, True),
        ("/{a}/m/{b}/m/{c}/m/{d}", {"b": "v"}, False),
        ("/{a}/{b}/{r+}", {"a": "v"}, False),
        ("/users/{a}/{r+}", {"a": "v"}, False),
        ("/x/{a}/{b}/{r+}", {"a": "v", "b": "w"}, False),
        ("/{a}/{r+}", {"a": "v", "r": "w"}, False),
        ("/{a}/{b}/{r+}", {"b": "v"}, False),
        ("/{a}/{r+}", {"r": "v"}, False),
        ("/{a}/x/{b}/y/{r+}", {"b": "v"}, False),
        ("/x/{r+}", {"r": "v"}, True),
    ],
)
def test_can_hold(route: str, bound: dict[str, str], expected: bool) -> None:
    assert can_hold(parse_route(f"GET {route}"), bound) is expected


@pytest.mark.parametrize(("length", "expected"), [(512, False), (513, True)])
def test_is_too_long(length: int, expected: bool) -> None:
    prefix = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/"
    assert is_too_long(MethodArn.parse(prefix + "x" * (length - len(prefix)))) is expected


@pytest.mark.parametrize(
    ("route", "where", "paths", "paths_where_slash_counts"),
    [
        ("/pets", "", ["pets", "pets/"], ["pets", "pets/"]),
        ("/o/{id}", "id", ["o/u1", "o/u1/"], ["o/u1"]),
        ("/o/{id}/pets", "id", ["o/u1/pets", "o/u1/pets/"], ["o/u1/pets", "o/u1/pets/"]),
        ("/o/{id}", "", ["o/*"], ["o/*"]),
    ],
)
def test_where_a_slash_at_the_end_may_count_it_ends_no_bound_value(
    route: str, where: str, paths: list[str], paths_where_slash_counts: list[str]
) -> None:
    """On an HTTP API `/o/u1/` may be `/o/u1%2F`, decoded: another value."""
    bindings = (Binding(where, "sub"),) if where else ()
    permission = Permission(EVERYONE, Effect.ALLOW, f"GET {route}", bindings)
    grounds = Grounds((permission,), RouteCatalog([parse_route(f"GET {route}")]), {"sub": "u1"}, 0)
    arn = MethodArn.parse("arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/x")
    for slash_counts, expected in ((False, paths), (True, paths_where_slash_counts)):
        policy = compile_route(arn, grounds, grounds.catalog.routes[0], slash_counts=slash_counts)
        assert policy is not None
        assert policy["Statement"][0]["Resource"] == [arn.method_prefix + path for path in expected]
