"""What documents cannot express and decisions must still be right about. All else is in `tests/vectors/decisions`."""

import math
from collections.abc import Mapping

import pytest

from authorizer.policy.decision import Grounds, Reason, allowed_values, applicable, bound_values, decide
from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import Target, Unroutable, resolve
from authorizer.policy.route import RouteCatalog, parse_route

CATALOG = RouteCatalog(parse_route(text) for text in ["GET /o/{id}", "POST /o/me", "GET /{a}/{b}/c"])
[OWN] = [route for route in CATALOG.routes if str(route) == "GET /o/{id}"]


def grounds(*permissions: Permission, **claims: str) -> Grounds:
    return Grounds(permissions, CATALOG, claims, 0)


def allow(*where: tuple[str, str]) -> Permission:
    return Permission(EVERYONE, Effect.ALLOW, "GET /o/{id}", tuple(Binding(*pair) for pair in where))


@pytest.mark.parametrize(
    ("where", "claims", "expected"),
    [
        ((), {}, {}),
        ((("id", "sub"),), {"sub": "x"}, {"id": "x"}),
        ((("id", "sub"),), {}, None),
        ((("id", "sub"),), {"sub": "me"}, None),
        ((("id", "sub"),), {"sub": "a/b"}, None),
        ((("id", "sub"), ("id", "username")), {"sub": "x", "username": "x"}, {"id": "x"}),
        ((("id", "sub"), ("id", "username")), {"sub": "x", "username": "y"}, None),
        ((("id", "sub"), ("id", "username")), {"sub": "x"}, None),
        ((("other", "sub"),), {"sub": "x"}, None),
    ],
)
def test_bound_values(where: tuple[tuple[str, str], ...], claims: Mapping[str, str], expected: dict[str, str] | None) -> None:
    assert bound_values(allow(*where), grounds(**claims), OWN) == expected


def test_a_binding_on_a_parameter_that_the_route_lacks_is_never_met() -> None:
    everything = grounds(allow(("other", "sub")), sub="x")
    assert not decide(everything, resolve(CATALOG, "GET", "o/x", None, exact=True)).allowed


def test_a_deny_denies_whatever_its_condition_says() -> None:
    deny = Permission(EVERYONE, Effect.DENY, "GET /o/{id}", (Binding("id", "sub"),))
    decision = decide(grounds(allow(), deny), resolve(CATALOG, "GET", "o/x", None, exact=True))
    assert (decision.reason, decision.determining) == (Reason.EXPLICIT_DENY, (deny,))


def test_a_target_without_route_is_denied_even_if_it_does_not_say_why() -> None:
    decision = decide(grounds(allow()), Target("GET", None))
    assert (decision.allowed, decision.reason, decision.route) == (False, Unroutable.NO_ROUTE, None)


def test_a_target_with_a_problem_is_denied_though_its_route_is_allowed() -> None:
    decision = decide(grounds(allow()), Target("GET", OWN, {"id": "x"}, Unroutable.UNSAFE_PATH))
    assert (decision.allowed, decision.reason, decision.route, decision.determining) == (False, Unroutable.UNSAFE_PATH, OWN, ())


def test_applicable_leaves_conditions_aside_but_not_time() -> None:
    bound, ended = allow(("id", "sub")), Permission(EVERYONE, Effect.ALLOW, "GET /o/{id}", until=0)
    deny = Permission(EVERYONE, Effect.DENY, "* /**")
    assert applicable(grounds(bound, ended, deny), "GET", OWN) == ((deny,), ((bound,),))


def test_reason_codes_are_stable() -> None:
    assert [str(reason) for reason in Reason] == ["allowed", "explicit_deny", "implicit_deny", "not_consented"]


@pytest.mark.parametrize(
    ("own", "consented", "until"),
    [((10, 30, None), (20, 15), 20), ((10, 30), (None,), 30), ((None,), (None, 5), math.inf), ((10,), (20, None), 10)],
)
def test_a_decision_of_two_sides_lasts_as_long_as_the_one_that_ends_first(
    own: tuple[int | None, ...], consented: tuple[int | None, ...], until: float
) -> None:
    sides = [[Permission(EVERYONE, Effect.ALLOW, "GET /o/{id}", until=end) for end in side] for side in (own, consented)]
    held = CallerPermissions.of(*sides)
    decision = decide(Grounds(held, CATALOG, {}, 0), resolve(CATALOG, "GET", "o/x", None, exact=True))
    assert (decision.allowed, decision.until, decision.determining) == (True, until, tuple(sides[0] + sides[1]))


def test_values_of_two_sides_are_those_of_both() -> None:
    """What differs for one parameter is never met; the later of two ways to the same values counts."""

    def bound(until: int | None, **where: str) -> Permission:
        return Permission(EVERYONE, Effect.ALLOW, "GET /{a}/{b}/c", tuple(Binding(*pair) for pair in where.items()), until)

    [route] = [route for route in CATALOG.routes if str(route) == "GET /{a}/{b}/c"]
    asked = Grounds((), CATALOG, {"x": "1", "y": "2", "z": "3"}, 0)
    person = [bound(30, a="x"), bound(40, a="y"), bound(None, a="missing")]
    assert allowed_values([person], asked, route) == {(("a", "1"),): 30, (("a", "2"),): 40}
    assert allowed_values([person, [bound(20, b="z"), bound(35, b="z")]], asked, route) == {
        (("a", "1"), ("b", "3")): 30,
        (("a", "2"), ("b", "3")): 35,
    }
    assert allowed_values([person, [bound(None, a="x")]], asked, route) == {(("a", "1"),): 30}
    assert allowed_values([person, [bound(10), bound(25), bound(99, a="x")]], asked, route) == {(("a", "1"),): 25, (("a", "2"),): 25}
    assert allowed_values([[bound(50)], [bound(60)]], asked, route) == {(): 50}
    assert allowed_values([person, []], asked, route) == allowed_values([[], person], asked, route) == {}
    # Two ways to the same values: `a` of the one side and of the other.
    assert allowed_values([[bound(10, a="x"), bound(20, b="z")], [bound(15, a="x", b="z")]], asked, route) == {(("a", "1"), ("b", "3")): 15}
