"""Which permissions speak of a route. That the index finds what looking at each of them finds is in `tests/properties/test_permission_index.py`."""

import math

import pytest

from authorizer.policy import permission_index
from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions, PermissionIndex
from authorizer.policy.route import parse_route

SELECTORS = (
    *("GET /", "* /**", "GET /pets", "ANY /pets", "GET /pets/*", "* /pets/{petId}", "GET /pets/{petId}/**", "DELETE /files/{proxy+}"),
    *("GET /files/*", "GET /files/**", "WS *", "WS pets", "GET /pets"),
)
HELD = CallerPermissions.of(Permission(EVERYONE, Effect.ALLOW, selector) for selector in SELECTORS)


@pytest.mark.parametrize(
    ("verb", "route", "expected"),
    [
        ("GET", "GET /", ["GET /", "* /**"]),
        ("GET", "GET /pets", ["* /**", "GET /pets", "ANY /pets", "GET /pets"]),
        ("PUT", "ANY /pets", ["* /**", "ANY /pets"]),
        ("PUT", "GET /pets", []),
        ("GET", "GET /pets/{petId}", ["* /**", "GET /pets/*", "* /pets/{petId}", "GET /pets/{petId}/**"]),
        ("GET", "GET /pets/{id}", ["* /**", "GET /pets/*"]),
        ("GET", "GET /pets/{petId}/photos/{n}", ["* /**", "GET /pets/{petId}/**"]),
        ("GET", "ANY /files/{proxy+}", ["* /**", "GET /files/**"]),
        ("DELETE", "ANY /files/{proxy+}", ["* /**", "DELETE /files/{proxy+}"]),
        ("GET", "GET /files/list", ["* /**", "GET /files/*", "GET /files/**"]),
        ("WS", "WS pets", ["WS *", "WS pets"]),
        ("WS", "WS $connect", ["WS *"]),
        ("TRACE", "ANY /pets", []),
    ],
)
def test_what_speaks_of_a_route(verb: str, route: str, expected: list[str]) -> None:
    for _ in range(2):
        assert [p.selector for p in HELD.matching(verb, parse_route(route))] == expected


def test_several_subjects_one_after_the_other() -> None:
    first, second = (Permission(EVERYONE, Effect.ALLOW, "GET /a", until=n) for n in (1, 2))
    bound = Permission(EVERYONE, Effect.ALLOW, "GET /{x}", (Binding("x", "sub"), Binding("y", "aud")))
    held = CallerPermissions([PermissionIndex((first,)), PermissionIndex(), PermissionIndex((bound, second))])
    assert held.matching("GET", parse_route("GET /a")) == (first, second)
    assert (tuple(held), len(held)) == ((first, bound, second), 3)
    assert second in held
    assert Permission(EVERYONE, Effect.ALLOW, "GET /b") not in held
    assert held.bound_claims == ("aud", "sub")
    assert not CallerPermissions()


def test_the_next_end_is_after_now() -> None:
    held = CallerPermissions.of(Permission(EVERYONE, Effect.ALLOW, "GET /a", until=until) for until in (20, None, 10, 20))
    assert [held.next_end(now) for now in (0, 9.9, 10, 19, 20, 21)] == [10, 10, 20, 20, math.inf, math.inf]
    assert CallerPermissions().next_end(0) == math.inf


def test_what_is_remembered_of_routes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_index, "MAX_KEPT", 2)
    held = CallerPermissions.of(HELD)
    for route in ("GET /", "GET /pets", "GET /pets/{petId}", "GET /files/list"):
        assert held.matching("GET", parse_route(route)) == HELD.matching("GET", parse_route(route))
    assert len(held._matching) == 2


def test_a_consent_stands_beside_what_is_the_callers_own() -> None:
    """Whatever depends on the permissions depends on those of both sides; what speaks of a route is asked of each."""
    own = Permission(EVERYONE, Effect.ALLOW, "GET /a", until=20)
    consented = Permission(EVERYONE, Effect.ALLOW, "GET /{x}", (Binding("x", "aud"),), until=10)
    held = CallerPermissions.of([own], [consented])
    assert (tuple(held), len(held), held.own) == ((own, consented), 2, (own,))
    assert own in held
    assert consented in held
    assert held.bound_claims == ("aud",)
    assert [held.next_end(now) for now in (0, 10, 20)] == [10, 20, math.inf]
    assert held.matching("GET", parse_route("GET /a")) == (own,)
    assert held.consent is not None
    assert held.consent.matching("GET", parse_route("GET /{x}")) == (consented,)


def test_an_empty_consent_is_one() -> None:
    held = CallerPermissions.of([], [])
    assert held.consent is not None
    assert len(held.consent) == 0
    assert CallerPermissions.of([]).consent is None
