"""What a decision costs by itself: by how many permissions and routes there are, and beside Casbin and Cedar.

The peers decide one request by rules of the same meaning, and the answers are compared before anything is timed. None of them verifies a token or writes the
policy that API Gateway wants, and neither is measured here.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

import casbin
import cedarpy
from casbin.model import Model

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteCatalog, parse_route
from tests.benchmarks.ratios import Ratio, again, side_by_side
from tests.support.issuer import NOW

ROUNDS = 300
AT_ONCE = 20
_MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && keyMatch2(r.obj, p.obj) && r.act == p.act
"""


def _path(number: int, value: str) -> str:
    return f"/service{number // 10}/resource{number}/{value}"


def decide_by_us(permissions: int, routes: int) -> Callable[[str], bool]:
    """Return whether a caller with so many permissions may call a path of an API with so many routes: both resolve and decide."""
    catalog = RouteCatalog([parse_route(f"GET {_path(number, '{id}')}") for number in range(routes)])
    held = CallerPermissions.of(Permission(EVERYONE, Effect.ALLOW, f"GET {_path(number, '{id}')}") for number in range(permissions))
    grounds = Grounds(held, catalog, {}, NOW)
    return lambda path: decide(grounds, resolve(catalog, "GET", path[1:], None, exact=True)).allowed


def decide_by_casbin(rules: int) -> Callable[[str], bool]:
    """pycasbin with one `keyMatch2` rule for each route."""
    model = Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies([["guest", _path(number, ":id"), "GET"] for number in range(rules)])
    return lambda path: bool(enforcer.enforce("guest", path, "GET"))


def decide_by_cedar(rules: int) -> Callable[[str], bool]:
    """cedarpy with one policy for each route, parsed beforehand. A path is matched by `like`."""
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal == Group::"guest", action == Action::"GET", resource) when {{ context.path like "{_path(number, "*")}" }};'
            for number in range(rules)
        )
    )
    entities = cedarpy.Entities.from_json_str(json.dumps([]))

    def decided(path: str) -> bool:
        request = {"principal": 'Group::"guest"', "action": 'Action::"GET"', "resource": 'Api::"petstore"', "context": {"path": path}}
        return cedarpy.is_authorized(request, policies, entities).allowed

    return decided


def growth_ratios() -> Iterator[Ratio]:
    """Yield what a decision costs with many permissions and many routes, in decisions with 10 of each."""
    few = decide_by_us(10, 10)
    for permissions, routes in ((1_000, 1_000), (100_000, 10), (10, 10_000)):
        many = decide_by_us(permissions, routes)
        path = _path(3, "7")
        assert many(path)
        assert few(path)
        taken, few_taken = side_by_side([again(partial(many, path), AT_ONCE), again(partial(few, path), AT_ONCE)], ROUNDS)
        yield Ratio.of(
            f"a decision with {permissions:,} permissions of the caller and {routes:,} routes", taken, "one with 10 of each", few_taken
        )


def peer_ratios() -> Iterator[Ratio]:
    """Yield what a decision costs in decisions of the peers, each by as many rules. The rule that is met is the last one."""
    for rules, rounds in ((300, 100), (11_000, 5)):
        ours = decide_by_us(rules, rules)
        for name, peer in (("pycasbin", decide_by_casbin(rules)), ("cedarpy, parsed beforehand", decide_by_cedar(rules))):
            allowed, denied = _path(rules - 1, "7"), "/elsewhere/7"
            assert [ours(allowed), ours(denied)] == [peer(allowed), peer(denied)] == [True, False]
            taken, theirs = side_by_side([again(partial(ours, allowed), AT_ONCE), again(partial(peer, allowed))], rounds)
            yield Ratio.of(f"a decision by {rules:,} rules", taken, name, theirs)
