"""The cache key that an authorizer has beside the scope that its function answers for."""

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.identity_sources import unfit_identity_sources
from tests.support.deployments import routes, said, sound_http, sound_rest, sound_token, sound_websocket, with_authorizer, with_settings

REST_TOKEN, HTTP_TOKEN = "method.request.header.Authorization", "$request.header.Authorization"
REST_ALL = (REST_TOKEN, "context.httpMethod", "context.resourcePath", "context.path")
HTTP_ALL = (HTTP_TOKEN, "$context.httpMethod", "$context.routeKey", "$context.path")


def rest(*sources: str, ttl: int = 60, **settings: str) -> Deployment:
    return with_settings(with_authorizer(sound_rest(), sources=sources, ttl=ttl), **settings)


def http(*sources: str, ttl: int = 60, **settings: str) -> Deployment:
    return with_settings(with_authorizer(sound_http(), sources=sources, ttl=ttl), **settings)


SOUND = {
    "REST, route": sound_rest(),
    "REST, request": rest(*REST_ALL, CACHE_SCOPE="request"),
    "REST, request, nothing remembered": rest(REST_TOKEN, ttl=0, CACHE_SCOPE="request"),
    "REST, token": rest(REST_TOKEN, CACHE_SCOPE="token"),
    "TOKEN": sound_token(),
    "TOKEN, request, nothing remembered": with_settings(with_authorizer(sound_token(), ttl=0), CACHE_SCOPE="request"),
    "TOKEN, its own header": with_settings(
        with_authorizer(sound_token(), sources=("method.request.header.X-Token",)), TOKEN_FROM="header:x-token"
    ),
    "HTTP, route": sound_http(),
    "HTTP, the route key tells the method": http(HTTP_TOKEN, "$context.routeKey", "$context.stage"),
    "HTTP, request": http(*HTTP_ALL, CACHE_SCOPE="request"),
    "HTTP, without sources": http(CACHE_SCOPE="request"),
    "HTTP, nothing remembered, and told": http(HTTP_TOKEN, ttl=0, CACHE_SCOPE="request", GATEWAY_TTL="0"),
    "HTTP, simple": http(HTTP_TOKEN, CACHE_SCOPE="request", HTTP_API_RESPONSE="simple"),
    "several places, no memory": rest(ttl=0, CACHE_SCOPE="request", TOKEN_FROM="header:X-Token, cookie:session"),
    "several places of an HTTP API without sources": http(CACHE_SCOPE="request", TOKEN_FROM="header:X-Token, cookie:session"),
    "a cookie": rest(*("method.request.header.Cookie", *REST_ALL[1:], "context.stage"), TOKEN_FROM="cookie:session"),
    "WebSocket": sound_websocket(),
    "the function could not be read": with_authorizer(sound_rest(function=None), sources=()),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_key_that_fits_is_no_finding(name: str) -> None:
    assert said(unfit_identity_sources(SOUND[name])) == []


BROKEN: dict[str, tuple[Deployment, str, str]] = {
    "the classic bug": (
        with_settings(sound_token(), CACHE_SCOPE="request"),
        "error",
        (
            "a TOKEN authorizer's answers are remembered under the token alone, for 60 s, and with `CACHE_SCOPE=request` each names one path: a caller's first "
            "request decides, and its other routes are 403 until that is over, now one and now another"
        ),
    ),
    "the classic bug in route scope": (
        with_settings(sound_token(), CACHE_SCOPE="route"),
        "error",
        "with `CACHE_SCOPE=route` each names one path",
    ),
    "TOKEN, a token where none is taken from": (
        with_settings(sound_token(), TOKEN_FROM="cookie:session"),
        "error",
        "takes tokens from `method.request.header.Authorization` alone, whatever `TOKEN_FROM` says: a token in `cookie:session` is 401",
    ),
    "TOKEN, one of two places": (
        with_settings(sound_token(), TOKEN_FROM="header:Authorization,query:token"),
        "warning",
        "a token in `query:token` is 401",
    ),
    "REST without the token": (
        rest("context.httpMethod", "context.resourcePath", "context.stage"),
        "error",
        "answers are remembered for 60 s under a key without the token: one caller is given another's answer",
    ),
    "REST, the token is elsewhere": (
        rest("context.httpMethod", "context.resourcePath", "context.stage", TOKEN_FROM="header:X-Token"),
        "error",
        "under a key without the token",
    ),
    "HTTP without the token": (
        http("$context.routeKey", "$context.stage"),
        "error",
        "every request is 500 (`token_not_keyed`)",
    ),
    "HTTP without the token, and nothing asked": (
        http("$context.routeKey", "$context.stage", GATEWAY_TTL="0"),
        "error",
        "one caller is given another's answer",
    ),
    "HTTP without memory, not told": (
        http("$context.routeKey", "$context.stage", ttl=0),
        "error",
        "every request is 500 (`token_not_keyed`)",
    ),
    "several places and a memory": (
        rest("context.httpMethod", "context.resourcePath", "context.stage", TOKEN_FROM="header:X-Token, cookie:session"),
        "error",
        "one caller is given another's answer",
    ),
    "several places of which one is demanded": (
        rest("method.request.header.Cookie", ttl=0, CACHE_SCOPE="request", TOKEN_FROM="header:X-Token, cookie:session"),
        "error",
        "the gateway answers 401 to whoever lacks one of `method.request.header.Cookie`",
    ),
    "REST, route, the token alone": (
        rest(REST_TOKEN, "context.stage"),
        "error",
        (
            "with `CACHE_SCOPE=route` an answer speaks of one method of one route, and is remembered for 60 s under a key that does not hold the method and "
            "the route: the caller's other requests are 403 for 60 s, now one and now another; and what allows `GET /pets/{petId}` lets "
            "`GET /pets/export` through"
        ),
    ),
    "REST, route without the method": (rest(REST_TOKEN, "context.resourcePath", "context.stage"), "error", "does not hold the method: "),
    "REST, route by the path": (
        rest(REST_TOKEN, "context.httpMethod", "context.path", "context.stage"),
        "warning",
        "under two custom domains one path may be two routes",
    ),
    "REST, route without the stage": (rest(*REST_ALL[:3]), "warning", "the key does not hold the stage"),
    "REST, request without the path": (
        rest(*REST_ALL[:3], CACHE_SCOPE="request"),
        "error",
        "an answer speaks of one path, and is remembered for 60 s under a key that does not hold the path: ",
    ),
    "HTTP, route, the token alone": (http(HTTP_TOKEN, "$context.stage"), "error", "does not hold the method and the route: "),
    "HTTP, route by an ANY": (
        with_authorizer(sound_http(routes=routes("ANY /pets")), sources=(HTTP_TOKEN, "$context.routeKey", "$context.stage")),
        "error",
        "the caller's other requests are 403 for 60 s, now one and now another; the route key of `ANY /pets` does not tell the method",
    ),
    "HTTP, request by the path": (
        http(HTTP_TOKEN, "$context.httpMethod", "$context.path", CACHE_SCOPE="request"),
        "warning",
        "is 500 (`route_not_keyed`) where a path may be that of two routes",
    ),
    "HTTP, route without the stage": (http(HTTP_TOKEN, "$context.routeKey"), "warning", "the key does not hold the stage"),
    "HTTP, nothing remembered, and not told": (
        http(HTTP_TOKEN, ttl=0, CACHE_SCOPE="request"),
        "warning",
        "nothing is remembered, and the function is not told",
    ),
    "HTTP, token": (
        http(HTTP_TOKEN, CACHE_SCOPE="token"),
        "error",
        "is answered for the requested path alone; it is remembered under less, and the caller's other routes are 403 for 60 s",
    ),
    "HTTP, token, under the path": (
        http(HTTP_TOKEN, "$context.httpMethod", "$context.path", CACHE_SCOPE="token"),
        "warning",
        "answered for the requested path alone",
    ),
    "HTTP, token, under the whole request": (http(*HTTP_ALL, CACHE_SCOPE="token"), "warning", "answered for the requested path alone"),
    "a header that a request may lack": (
        rest(*REST_ALL, "method.request.header.X-Tenant", CACHE_SCOPE="request"),
        "warning",
        "the gateway answers 401 by itself to each request that lacks `method.request.header.X-Tenant`, though it has its token",
    ),
    "WebSocket, a header that browsers cannot send": (
        with_authorizer(sound_websocket(), sources=("route.request.header.Authorization",)),
        "warning",
        "that lacks `route.request.header.Authorization`, also if it has its token in another place: in `TOKEN_FROM`'s, in the query parameter",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_key_that_does_not_fit_is_named_with_what_it_leads_to(name: str) -> None:
    deployment, severity, message = BROKEN[name]
    found = [(found, text) for found, text in said(unfit_identity_sources(deployment)) if message in text]
    assert [found for found, _ in found] == [severity], said(unfit_identity_sources(deployment))


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "several places of which one is demanded"])
def test_one_mistake_is_one_finding(name: str) -> None:
    assert len(said(unfit_identity_sources(BROKEN[name][0]))) == 1


def test_several_places_and_one_of_them_demanded_is_told_with_the_request_that_lacks_it() -> None:
    first, *others = unfit_identity_sources(BROKEN["several places of which one is demanded"][0])
    assert others == []
    assert "--identity-source '[]'" not in first.remedy
    assert '"path": "/authorizerResultTtlInSeconds", "value": "0"' in first.remedy
    assert '`GATEWAY_TTL: "0"`' in first.remedy


@pytest.mark.parametrize(
    ("deployment", "remedy"),
    [
        (
            rest(REST_TOKEN),
            (
                '`aws apigateway update-authorizer --rest-api-id a1b2c3d4e5 --authorizer-id z9y8x7 --patch-operations \'[{"op": "replace", "path": '
                '"/identitySource", "value": "method.request.header.Authorization,context.httpMethod,context.resourcePath,context.stage"}]\'`, then `aws '
                "apigateway create-deployment --rest-api-id a1b2c3d4e5 --stage-name prod`; in a template `Identity: {Headers: [Authorization], Context: ["
                "httpMethod, resourcePath, stage]}`"
            ),
        ),
        (
            http(HTTP_TOKEN, CACHE_SCOPE="request"),
            (
                "`aws apigatewayv2 update-authorizer --api-id a1b2c3d4e5 --authorizer-id z9y8x7 --identity-source '$request.header.Authorization' "
                "'$context.httpMethod' '$context.routeKey' '$context.path'`; in a template `IdentitySource: [$request.header.Authorization, "
                "$context.httpMethod, $context.routeKey, $context.path]`"
            ),
        ),
    ],
)
def test_the_remedy_names_all_sources_that_the_scope_needs(deployment: Deployment, remedy: str) -> None:
    assert [each.remedy for each in unfit_identity_sources(deployment)] == [remedy]
