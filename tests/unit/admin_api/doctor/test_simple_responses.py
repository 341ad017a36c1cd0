"""Simple responses: what the function says beside what the gateway expects, and the key under which one word is remembered."""

from typing import Any

import pytest

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.simple_responses import unfit_simple_responses
from tests.support.deployments import routes, said, sound_http, sound_rest, sound_websocket, with_authorizer, with_settings

ALL = ("$request.header.Authorization", "$context.httpMethod", "$context.routeKey", "$context.path")
GREEDY = routes("GET /pets", "ANY /files/{proxy+}")


def simple(*sources: str, deployment: Deployment | None = None, **authorizer: Any) -> Deployment:
    told = with_settings(deployment or sound_http(), CACHE_SCOPE="request", HTTP_API_RESPONSE="simple")
    return with_authorizer(told, **({"sources": sources, "simple_responses": True} | authorizer))


@pytest.mark.parametrize(
    "deployment",
    [
        sound_http(),
        sound_rest(),
        sound_websocket(),
        simple(*ALL),
        simple(),
        with_settings(simple(ALL[0], ttl=0), GATEWAY_TTL="0"),
        simple(*ALL, "$context.domainName", deployment=sound_http(routes=GREEDY)),
        simple(*ALL, deployment=sound_http(routes=routes("GET /pets", ("ANY /files/{proxy+}", Guard.NONE)))),
        with_authorizer(sound_http(), payload="1.0"),
        with_settings(sound_rest(), CACHE_SCOPE="request", HTTP_API_RESPONSE="simple"),
        with_authorizer(sound_http(function=None), simple_responses=True),
    ],
)
def test_an_agreed_form_under_a_whole_key_is_no_finding(deployment: Deployment) -> None:
    assert said(unfit_simple_responses(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "severity", "message", "remedy"),
    [
        (
            simple(*ALL, simple_responses=False),
            "error",
            "the function answers with `isAuthorized`, and the gateway expects a policy: every request is 500",
            '--enable-simple-responses`, or `HTTP_API_RESPONSE: "iam"`',
        ),
        (
            with_authorizer(sound_http(), simple_responses=True),
            "error",
            "the gateway expects `isAuthorized`, and the function answers with a policy: every request is refused",
            '--no-enable-simple-responses`, or `HTTP_API_RESPONSE: "simple"`',
        ),
        (
            simple(*ALL, simple_responses=False, payload="1.0"),
            "warning",
            "`HTTP_API_RESPONSE=simple` is for payload 2.0, and the authorizer's is 1.0: it is answered by policies",
            "--authorizer-payload-format-version 2.0 --enable-simple-responses",
        ),
        (
            simple(*ALL[:3]),
            "error",
            "a simple response speaks of one request, and the key lacks path: every request is 500 (`simple_response_not_keyed`)",
            "--identity-source '$request.header.Authorization' '$context.httpMethod' '$context.routeKey' '$context.path'`",
        ),
        (
            simple(ALL[0], ttl=0),
            "error",
            "a simple response speaks of one request, and the key lacks method and route and path: every request is 500 (`simple_response_not_keyed`)",
            'the gateway\'s TTL is 0, which the function has to be told: `GATEWAY_TTL: "0"`',
        ),
        (
            simple(*ALL, deployment=sound_http(routes=GREEDY)),
            "error",
            "a simple response speaks of one request, and the key lacks host: requests to `ANY /files/{proxy+}` are 500 (`simple_response_not_keyed`)",
            "'$context.path' '$context.domainName'`",
        ),
        (
            simple(*ALL[:3], deployment=sound_http(routes=GREEDY)),
            "error",
            "a simple response speaks of one request, and the key lacks path and host: every request is 500 (`simple_response_not_keyed`)",
            "'$context.path' '$context.domainName'`",
        ),
    ],
)
def test_another_form_or_a_key_that_lacks_something_refuses_everybody(
    deployment: Deployment, severity: str, message: str, remedy: str
) -> None:
    assert said(unfit_simple_responses(deployment)) == [(severity, message)]
    assert [remedy in each.remedy for each in unfit_simple_responses(deployment)] == [True]


def test_the_untold_ttl_is_named_only_where_it_is_0() -> None:
    assert [each.remedy.startswith("`aws") for each in unfit_simple_responses(simple(*ALL[:3]))] == [True]
