"""What the names of identity sources say of the gateway's cache key."""

import pytest

from admin_api.doctor.cache_key import CacheKey, cache_key, demanded, names_of
from admin_api.doctor.deployment import Deployment
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace
from authorizer.policy.cache_scope import KeyPart
from tests.support.deployments import routes, sound_http, sound_rest, sound_token, sound_websocket, with_authorizer

TOKEN, METHOD, ROUTE, PATH, HOST = KeyPart
REST, HTTP = "method.request.header.Authorization", "$request.header.Authorization"


@pytest.mark.parametrize(
    ("sources", "parts", "has_stage"),
    [
        ((REST, "context.httpMethod", "context.resourcePath", "context.stage"), {TOKEN, METHOD, ROUTE}, True),
        (("method.request.header.authorization", "context.path"), {TOKEN, PATH}, False),
        (("method.request.header.AuthorizationX", "context.resourceId"), {ROUTE}, False),
        (("context.domainName", "context.routeKey", "$context.httpMethod"), {HOST}, False),
        ((), set(), False),
    ],
)
def test_of_a_rest_api(sources: tuple[str, ...], parts: set[KeyPart], *, has_stage: bool) -> None:
    key = cache_key(with_authorizer(sound_rest(), sources=sources), AUTHORIZATION_HEADER)
    assert key == CacheKey(True, frozenset(parts), has_stage)


@pytest.mark.parametrize(
    ("deployment", "parts"),
    [
        (sound_http(), {TOKEN, METHOD, ROUTE}),
        (with_authorizer(sound_http(), sources=(HTTP, "$context.routeKey")), {TOKEN, METHOD, ROUTE}),
        (with_authorizer(sound_http(routes=routes("ANY /pets")), sources=(HTTP, "$context.routeKey")), {TOKEN, ROUTE}),
        (with_authorizer(sound_http(), sources=(HTTP, "$context.path", "$context.domainName")), {TOKEN, PATH, HOST}),
    ],
)
def test_of_an_http_api_a_route_key_tells_the_method_unless_it_is_any(deployment: Deployment, parts: set[KeyPart]) -> None:
    assert cache_key(deployment, AUTHORIZATION_HEADER).parts == parts


@pytest.mark.parametrize(
    ("deployment", "remembers"),
    [
        (sound_rest(), True),
        (with_authorizer(sound_rest(), ttl=0), False),
        (sound_token(), True),
        (with_authorizer(sound_token(), ttl=0), False),
        (sound_http(), True),
        (with_authorizer(sound_http(), sources=()), False),
        (with_authorizer(sound_websocket(), ttl=300, sources=("route.request.header.Authorization",)), False),
    ],
)
def test_who_remembers_anything(deployment: Deployment, *, remembers: bool) -> None:
    assert cache_key(deployment, AUTHORIZATION_HEADER).remembers is remembers


def test_a_token_in_several_places_is_in_the_key_if_all_of_them_are() -> None:
    places = (TokenPlace(PlaceKind.COOKIE, "session"), TokenPlace(PlaceKind.QUERY, "Token"))
    sources = names_of(sound_http(), places, ROUTE, stage=True)
    assert sources == ("$request.header.Cookie", "$request.querystring.Token", "$context.routeKey", "$context.stage")
    assert TOKEN in cache_key(with_authorizer(sound_http(), sources=sources), places).parts
    assert TOKEN not in cache_key(with_authorizer(sound_http(), sources=sources[1:]), places).parts
    lower = ("$request.header.cookie", "$request.querystring.token")
    assert TOKEN not in cache_key(with_authorizer(sound_http(), sources=lower), places).parts
    assert demanded(with_authorizer(sound_http(), sources=sources)) == sources[:2]
