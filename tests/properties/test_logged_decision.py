"""What the gateway does with a request is what the log says was decided about it: in every format and scope, however the path is spelled.

The gateway's routes are not always the catalogue's: it has more of them, below or beside the known ones, or lacks some.
"""

import os
from collections import Counter
from random import Random
from typing import Any, cast

import pytest

from authorizer import events
from authorizer.answering import AnswerOptions, Outcome
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.table.cache import PermissionCache
from authorizer.tokens.verifier import TokenVerifier
from tests.properties.worlds import USERS, World
from tests.support.events import Event
from tests.support.gateway_model import IDENTITY_SOURCES, Gateway, Router
from tests.support.http_gateway_model import CONTEXT_VARIABLES, HttpGateway, HttpRouter, Reading
from tests.support.random_apis import random_document, random_request, random_routes

ROUNDS = 300 if os.environ.get("CI") else 120
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
HTTP_IDENTITY = ("$request.header.Authorization", *CONTEXT_VARIABLES)

FORMATS = ("rest token", "rest request", "http 1.0", "http 2.0")


def _reading(random: Random) -> Reading:
    names = ("decodes", "arn_decoded", "path_decoded", "trailing_slash", "collapses", "truncates")
    return Reading(**cast(Any, {name: random.random() < 0.5 for name in names}))


class Api:
    """One deployed API of a format, and the outcome that was logged last."""

    def __init__(self, world: World, routes: list[str], form: str, options: AnswerOptions, random: Random) -> None:
        self.outcome: Outcome | None = None
        verifier, permissions = cast(TokenVerifier, world), cast(PermissionCache, world)
        authorizer = Authorizer(verifier, permissions, options, now=lambda: world.now)

        def invoke(event: Event) -> object:
            request = events.read_request(event)
            self.outcome = authorizer.authorize(request)
            return events.write_response(request, self.outcome.answer)

        flags = [random.random() < 0.5 for _ in range(3)]
        if form.startswith("rest"):
            router = Router(routes, decodes=flags[0], backtracks=flags[1], arn_decoded=flags[2])
            kind = "TOKEN" if form == "rest token" else "REQUEST"
            identity = ("header.Authorization",) if kind == "TOKEN" else IDENTITY_SOURCES
            self._gateway: Gateway | HttpGateway = Gateway(
                router, invoke, kind=cast(Any, kind), identity=identity, ttl=0, clock=lambda: world.now
            )
            self.request = self._rest
        else:
            http_router = HttpRouter([*routes, *(["$default"] if random.random() < 0.2 else [])], _reading(random))
            payload = cast(Any, form.removeprefix("http "))
            self._gateway = HttpGateway(http_router, invoke, payload=payload, identity=HTTP_IDENTITY, ttl=0, clock=lambda: world.now)
            self.request = self._http

    def taken(self) -> Outcome | None:
        """The outcome of the last request, once; None if the authorizer was not asked, or raised."""
        outcome, self.outcome = self.outcome, None
        return outcome

    def _rest(self, verb: str, path: str, token: str) -> Any:
        return cast(Gateway, self._gateway).request(verb, path, token)

    def _http(self, verb: str, path: str, token: str) -> Any:
        return cast(HttpGateway, self._gateway).request(verb, path, [("Authorization", token)])


def deployed(random: Random, catalogue: list[str]) -> list[str]:
    """The gateway's routes: those of the catalogue, fewer, or more, the most of them below known ones."""
    kept = [route for route in catalogue if random.random() < 0.9]
    more = [f"{random.choice(('GET', 'ANY'))} {route.split(' ')[1].rstrip('/')}/new" for route in catalogue if "+}" not in route]
    more = [route for route in more if random.random() < 0.3]
    return list(dict.fromkeys((*kept, *more, *(random_routes(random)[:1] if random.random() < 0.3 else ()))))


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("scope", CacheScope)
@pytest.mark.parametrize("form", FORMATS)
def test_the_gateway_does_what_was_decided(form: str, scope: CacheScope) -> None:
    random = Random(f"{SEED}{form}{scope}")
    seen: Counter[str] = Counter()
    for round_number in range(ROUNDS):
        world = World()
        document = random_document(random)
        world.publish(document)
        options = AnswerOptions(scope, token_scope_guards=random.random() < 0.5, expiry_conditions=random.random() < 0.3)
        routes = deployed(random, document["routes"])
        try:
            api = Api(world, routes, form, options, random)
        except ValueError:
            continue  # API Gateway would not create these side by side
        for _ in range(12):
            token = random.choice(sorted(USERS))
            verb, path, _ = random_request(random, random.choice((routes or document["routes"], document["routes"])))
            response = api.request(verb, path, token)
            outcome = api.taken()
            if outcome is None or response.status == 500:
                seen["not asked" if outcome is None else "trouble"] += 1
                continue
            decision = outcome.ruling.decision
            told = f"{verb} {path} as {token} -> {response.status}, logged {decision} in {outcome.ruling.scope}: {outcome.answer.policy_document}"
            where = f"seed {SEED}, round {round_number}, {document}, deployed {routes}"
            assert (response.status == 200) is decision.allowed, f"{told} ({where})"
            seen["allowed" if decision.allowed else decision.reason.value] += 1
    assert min(seen[what] for what in ("allowed", "implicit_deny", "unsafe_path")) > ROUNDS / 20 or scope is CacheScope.ROUTE, seen
    assert seen["allowed"] > ROUNDS, seen
    assert seen["catalogue_drift"] > ROUNDS / 20 or seen["no_route"] > ROUNDS / 20, seen
