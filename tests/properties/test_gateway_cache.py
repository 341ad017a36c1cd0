"""Sequences of requests that share cache entries of the gateway, judged by an oracle of their own.

What a cached answer lets through must be allowed by the version and at the time that the entry was made from; what is allowed there and sent in the
canonical spelling must pass.
"""

import os
from collections import Counter
from random import Random
from typing import Any, cast

import pytest

from authorizer import events
from authorizer.answering import AnswerOptions
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.table.cache import PermissionCache
from authorizer.tokens.verifier import TokenVerifier
from tests.properties.worlds import USERS, World
from tests.support.gateway_model import Gateway, Router
from tests.support.random_apis import START, Oracle, random_document, random_request

ROUNDS = 1500 if os.environ.get("CI") else 120
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))


WIDE = ("header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage")
NARROW = (*WIDE, "context.path")


def _gateway(world: World, router: Router, scope: CacheScope, *, kind: str, ttl: float, conditions: bool = False) -> Gateway:
    verifier, permissions = cast(TokenVerifier, world), cast(PermissionCache, world)
    authorizer = Authorizer(verifier, permissions, AnswerOptions(scope, expiry_conditions=conditions), now=lambda: world.now)

    def invoke(event: dict[str, Any]) -> object:
        request = events.read_request(event)
        outcome = authorizer.authorize(request)
        world.narrowed = outcome.ruling.scope_fallback
        return events.write_response(request, outcome.answer)

    identity = ("header.Authorization",) if kind == "TOKEN" else WIDE if scope is CacheScope.ROUTE else NARROW
    return Gateway(router, invoke, kind=cast(Any, kind), identity=identity, ttl=ttl, clock=lambda: world.now)


CASES = {
    "route": (CacheScope.ROUTE, "REQUEST", 300),
    "route, no cache": (CacheScope.ROUTE, "REQUEST", 0),
    "request": (CacheScope.REQUEST, "REQUEST", 300),
    "token authorizer, no cache": (CacheScope.ROUTE, "TOKEN", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_a_cached_answer_allows_what_its_version_allows_and_nothing_else(case: str) -> None:
    scope, kind, ttl = CASES[case]
    random = Random(f"{SEED}{case}")
    seen: Counter[str] = Counter()
    for round_number in range(ROUNDS):
        world = World()
        first = random_document(random)
        world.publish(first)
        flags = {name: random.random() < 0.5 for name in ("decodes", "backtracks", "arn_decoded")}
        conditions = random.random() < 0.3
        gateway = _gateway(world, Router(first["routes"], **flags), scope, kind=kind, ttl=ttl, conditions=conditions)
        router, told = Router(first["routes"], **flags), Router(first["routes"], backtracks=True)
        made_from: dict[Any, tuple[int, float, str | None]] = {}
        for _ in range(25):
            if random.random() < 0.1:
                world.publish(random_document(random, first["routes"]))
            world.now += random.choice((0, 0, 1, 20))
            token = random.choice(sorted(USERS))
            verb, path, canonical = random_request(random, first["routes"])
            response = gateway.request(verb, path, token)
            routed = router.route(verb, path)
            if routed is None:
                continue
            if response.invoked or response.key is None:
                made_from[response.key] = world.version, world.now, world.narrowed
            version, made_at, narrowed = made_from[response.key]
            groups, claims = USERS[token]
            served = f"{routed.method_template} {routed.template}"
            if _arn_hides_the_route(flags, kind, routed.template):
                # The authorizer is not told more than the ARN, so the ARN is what its answer is held to. A `?` in it is unsafe wherever it leads.
                routed = told.route(verb, router.arn_path(path).replace("?", "%3F")) or routed
            route = f"{routed.method_template} {routed.template}"
            oracle = Oracle(world.documents[version])
            expected = oracle.allows(groups, claims, route, verb, dict(routed.parameters), made_at)
            story = (
                f"seed {SEED}, round {round_number}, {case}, {flags}, {verb} {path} as {token} -> {response}, {world.documents[version]}"
            )
            if response.status == 200:
                assert expected, f"over-grant: {story}"
                if conditions:
                    assert world.now < START + 50, f"outlived its token: {story}"
                seen["allowed"] += 1
            elif narrowed == "binding":
                # No policy can hold a value to its place between free parameters, so that the answer spoke of one request only.
                assert max(each.count("{") for each in (served, route)) > 1, story
                seen["narrowed"] += 1
            elif (
                canonical
                and expected
                and _must_pass(first["routes"], route, scope)
                and (not conditions or (response.invoked and world.now < START + 50))
            ):
                pytest.fail(f"under-grant: {story}")
            else:
                seen["denied, allowed in canonical spelling" if expected else "denied"] += 1
            seen["from cache"] += not response.invoked
    assert min(seen["allowed"], seen["denied"]) > ROUNDS, seen
    assert not ttl or seen["from cache"] > ROUNDS, seen


def _arn_hides_the_route(flags: dict[str, bool], kind: str, template: str) -> bool:
    """Whether this world has the authorizer match a decoded path although routing looked at the encoded one: `/a%2Fb` is told as `/a/b` then.

    Nobody can tell the two apart. Where the gateway names a template that is not greedy, that one decides and this cannot happen.
    """
    return flags["arn_decoded"] and not flags["decodes"] and (kind == "TOKEN" or template.endswith("+}"))


def _must_pass(routes: list[str], route: str, scope: CacheScope) -> bool:
    """Whether this scope can speak of the route: one key of `route` scope cannot tell routes of the catalogue from a greedy one above them."""
    path = route.split(" ", 1)[1]
    if scope is not CacheScope.ROUTE:
        return True
    if not path.endswith("+}"):
        return True
    above = path.split("/")[:-1]
    others = [other.split(" ", 1)[1].split("/") for other in routes]
    return not any(
        len(other) > len(above)
        and "/".join(other) != path
        and all(a == b or a.startswith("{") or b.startswith("{") for a, b in zip(above, other, strict=False))
        for other in others
    )
