"""What the doctor says of a cache key, held against a model of the gateway with that key, for every choice of identity sources.

It finds an error exactly where some caller's request is answered otherwise than the document says, once another request was made before it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain, combinations
from typing import Any, cast

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.doctor.gateway_ttl import misjudged_ttl
from admin_api.doctor.identity_sources import unfit_identity_sources
from admin_api.doctor.resource_policy import overruling_resource_policy
from admin_api.doctor.simple_responses import unfit_simple_responses
from admin_api.doctor.token_scope import inexpressible_scope
from authorizer import events
from authorizer.answering import AnswerOptions
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.table.cache import PermissionCache
from authorizer.tokens.verifier import TokenVerifier
from tests.properties.worlds import World
from tests.support.deployments import published, routes, sound_authorizer, sound_http, sound_rest, with_settings
from tests.support.gateway_model import Gateway, Router
from tests.support.http_gateway_model import CONTEXT_VARIABLES, HttpGateway, HttpRouter
from tests.support.random_apis import OWNER

CHECKS = (unfit_identity_sources, misjudged_ttl, unfit_simple_responses, inexpressible_scope, overruling_resource_policy)
TTL = 60

ROUTES = ["GET /pets", "POST /pets", "GET /pets/{petId}", "GET /pets/export", "ANY /files/{proxy+}"]
DOCUMENTS: dict[str, list[Any]] = {
    "all in one policy": ["GET /pets", "GET /pets/{petId}", "GET /pets/export", "GET /files/{proxy+}"],
    "no policy for all": ["GET /pets", "GET /pets/{petId}", "DELETE /files/{proxy+}"],
    "bound": [{"route": "GET /pets/{petId}", "where": {"petId": "sub"}}, "ANY /files/{proxy+}"],
}
"""What the group of the first caller may do. The second one may do nothing."""

Call = tuple[str, str, str]
CALLS: list[Call] = [
    *(
        ("t1", "GET", "/pets"),
        ("t1", "POST", "/pets"),
        ("t1", "GET", f"/pets/{OWNER}"),
        ("t1", "GET", "/pets/7"),
        ("t1", "GET", "/pets/export"),
    ),
    *(("t1", "GET", "/files/a"), ("t1", "DELETE", "/files/a"), ("t1", "DELETE", "/files/b")),
    *(("t2", "GET", f"/pets/{OWNER}"), ("t2", "DELETE", "/files/a")),
]
Play = Callable[[Call], int]

REST_SOURCES = ("header.Authorization", "context.httpMethod", "context.resourcePath", "context.path")
HTTP_SOURCES = ("$request.header.Authorization", *(name for name in CONTEXT_VARIABLES if name != "$context.stage"))
"""All but the stage, of which there is one here: what lacks it is warned."""


def subsets(names: Sequence[str]) -> list[tuple[str, ...]]:
    return list(chain.from_iterable(combinations(names, size) for size in range(len(names) + 1)))


def document(allow: list[Any]) -> dict[str, Any]:
    return {"api": "petstore", "routes": ROUTES, "groups": {"g1": {"allow": allow}}}


def invoked(allow: list[Any], options: AnswerOptions) -> tuple[World, Callable[[dict[str, Any]], object]]:
    world = World()
    world.publish(document(allow))
    authorizer = Authorizer(cast(TokenVerifier, world), cast(PermissionCache, world), options, now=lambda: world.now)

    def invoke(event: dict[str, Any]) -> object:
        request = events.read_request(event)
        return events.write_response(request, authorizer.authorize(request).answer)

    return world, invoke


def rest(
    allow: list[Any], options: AnswerOptions, kind: str, sources: tuple[str, ...], ttl: int, *, policy: bool = False
) -> Callable[[], Play]:
    """Return what deploys such an API, each time with nothing remembered."""
    (world, invoke), router = invoked(allow, options), Router(ROUTES)

    def fresh() -> Play:
        gateway = Gateway(
            *(router, invoke),
            kind=cast(Any, kind),
            identity=sources,
            ttl=ttl,
            clock=lambda: world.now,
            resource_policy_allows=policy,
        )
        return lambda call: gateway.request(call[1], call[2], call[0]).status

    return fresh


def http(allow: list[Any], options: AnswerOptions, sources: tuple[str, ...], ttl: int) -> Callable[[], Play]:
    """Return what deploys such an API, each time with nothing remembered."""
    (world, invoke), router = invoked(allow, options), HttpRouter(ROUTES)

    def fresh() -> Play:
        gateway = HttpGateway(
            *(router, invoke),
            payload="2.0",
            identity=sources,
            ttl=ttl,
            clock=lambda: world.now,
            simple=options.simple_responses,
        )
        return lambda call: gateway.request(call[1], call[2], [("Authorization", call[0])]).status

    return fresh


def first_wrong(fresh: Callable[[], Play], expected: dict[Call, int]) -> tuple[Call, Call, int] | None:
    """Return a call that is answered otherwise than the document says, with the one that was made first; None if there is none.

    Each call is the first one once, so that each one's answer is found again by every other that shares its key.
    """
    for first in CALLS:
        play = fresh()
        for call in (first, *CALLS):
            status = play(call)
            if status != expected[call]:
                return first, call, status
    return None


def errors(deployment: Deployment) -> list[str]:
    return [each.message for check in CHECKS for each in check(deployment) if each.severity is Severity.ERROR]


def expected_statuses(allow: list[Any]) -> dict[Call, int]:
    play = rest(allow, AnswerOptions(CacheScope.REQUEST), "REQUEST", (), 0)()
    statuses = {call: play(call) for call in CALLS}
    assert set(statuses.values()) == {200, 403}
    return statuses


@pytest.mark.parametrize("policy", [False, True])
@pytest.mark.parametrize("scope", CacheScope)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_of_every_key_of_a_rest_api(name: str, scope: CacheScope, *, policy: bool) -> None:
    allow = DOCUMENTS[name]
    expected = expected_statuses(allow)
    deployed = sound_rest(routes=routes(*ROUTES), published=published(document(allow)))
    if policy:
        statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*"}
        deployed = replace(deployed, resource_policy={"Statement": [statement]})
    seen = {True: 0, False: 0}
    for kind, sources, ttl in [
        *(("REQUEST", sources, TTL) for sources in subsets(REST_SOURCES) if sources),
        *(("TOKEN", REST_SOURCES[:1], ttl) for ttl in (TTL, 0)),
        *(("REQUEST", sources, 0) for sources in ((), REST_SOURCES[:1])),
    ]:
        written = tuple(f"method.request.{source}" if source.startswith("header") else source for source in sources)
        authorizer = sound_authorizer(kind=kind, sources=written, ttl=ttl)
        told = errors(with_settings(replace(deployed, authorizer=authorizer), CACHE_SCOPE=scope.value))
        found = first_wrong(rest(allow, AnswerOptions(scope), kind, sources, ttl, policy=policy), expected)
        seen[found is None] += 1
        # Beside such a policy what would be a wrong 403 passes, so that not each error shows here.
        assert bool(told) is (found is not None) or (told and policy), (kind, sources, ttl, told, found)
    assert all(seen.values()) or policy, seen


@pytest.mark.parametrize("told_ttl", ["", "0"])
@pytest.mark.parametrize(
    ("scope", "is_simple"), [(CacheScope.REQUEST, False), (CacheScope.REQUEST, True), (CacheScope.ROUTE, False), (CacheScope.TOKEN, False)]
)
@pytest.mark.parametrize("name", ["no policy for all", "bound"])
def test_of_every_key_of_an_http_api(name: str, scope: CacheScope, told_ttl: str, *, is_simple: bool) -> None:
    allow = DOCUMENTS[name]
    expected = expected_statuses(allow)
    deployed = sound_http(routes=routes(*ROUTES, kind="http"), published=published(document(allow)))
    seen = {True: 0, False: 0}
    options = AnswerOptions(scope, simple_responses=is_simple, nothing_cached=told_ttl == "0")
    keys = [
        *((sources, TTL) for sources in subsets(HTTP_SOURCES)),
        *((sources, 0) for sources in ((), HTTP_SOURCES[:1], HTTP_SOURCES[1:], HTTP_SOURCES)),
    ]
    for sources, ttl in keys:
        authorizer = sound_authorizer(sources=sources, ttl=ttl, payload="2.0", simple_responses=is_simple)
        form = "simple" if is_simple else "iam"
        settings = {"CACHE_SCOPE": scope.value, "GATEWAY_TTL": told_ttl, "HTTP_API_RESPONSE": form}
        told = errors(with_settings(replace(deployed, authorizer=authorizer), **settings))
        found = first_wrong(http(allow, options, sources, ttl), expected)
        seen[found is None] += 1
        # A function that is told what is not so is an error, also where the key would do without it.
        is_untrue = told_ttl == "0" and ttl > 0 and bool(sources)
        assert bool(told) is (found is not None) or (told and is_untrue), (sources, ttl, told, found)
    assert all(seen.values()), seen
