"""CORS headers on refusals, without which a browser shows a page nothing of them."""

from typing import Any

import pytest

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment, RefusalResponse
from admin_api.doctor.refusal_cors import hidden_refusals
from tests.support.deployments import CORS, routes, said, sound_http, sound_rest, sound_token, sound_websocket, with_settings

PREFLIGHTS = routes("GET /pets", ("OPTIONS /pets", Guard.OPEN))
BARE: dict[str, str] = {"gatewayresponse.header.x-frame-options": "'DENY'"}


def refusals(**headers: dict[str, str]) -> dict[str, RefusalResponse]:
    return {name: RefusalResponse(name, "", each) for name, each in headers.items()}


def cors(**changes: Any) -> dict[str, Any]:
    return {"AllowOrigins": ["*"], "AllowHeaders": ["Authorization"]} | changes


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(),
        sound_websocket(),
        sound_rest(refusals=None),
        sound_rest(refusals={}, routes=routes("GET /pets")),
        sound_rest(refusals=refusals(UNAUTHORIZED=CORS, ACCESS_DENIED=CORS, AUTHORIZER_FAILURE=CORS, AUTHORIZER_CONFIGURATION_ERROR=CORS)),
        sound_rest(refusals=refusals(DEFAULT_4XX={"access-control-allow-origin": "'*'"}, DEFAULT_5XX=CORS)),
        sound_http(cors=None),
        sound_http(cors=cors()),
        sound_http(cors=cors(), function=None),
        with_settings(sound_http(cors=cors(AllowHeaders=["*"])), TOKEN_FROM="header:X-Token"),
        with_settings(sound_http(cors=cors(AllowHeaders=[], AllowCredentials=True)), TOKEN_FROM="cookie:session"),
        with_settings(sound_http(cors=cors(AllowHeaders=None)), TOKEN_FROM="query:token"),
    ],
)
def test_an_api_that_tells_browsers_of_its_refusals_is_no_finding(deployment: Deployment) -> None:
    assert said(hidden_refusals(deployment)) == []


@pytest.mark.parametrize(
    ("known", "lacking", "statuses", "places"),
    [
        (
            refusals(),
            "`UNAUTHORIZED`, `ACCESS_DENIED`, `AUTHORIZER_FAILURE`, `AUTHORIZER_CONFIGURATION_ERROR`",
            "401 and 403 and 500",
            "`DEFAULT_4XX`, `DEFAULT_5XX`",
        ),
        (refusals(DEFAULT_4XX=CORS), "`AUTHORIZER_FAILURE`, `AUTHORIZER_CONFIGURATION_ERROR`", "500", "`DEFAULT_5XX`"),
        # One that was changed itself has nothing of the default.
        (refusals(DEFAULT_4XX=CORS, DEFAULT_5XX=CORS, UNAUTHORIZED=BARE), "`UNAUTHORIZED`", "401", "`UNAUTHORIZED`"),
        (refusals(DEFAULT_4XX=BARE, DEFAULT_5XX=CORS, UNAUTHORIZED=CORS), "`ACCESS_DENIED`", "403", "`DEFAULT_4XX`"),
    ],
)
def test_a_rest_api_whose_refusals_lack_the_header(known: dict[str, RefusalResponse], lacking: str, statuses: str, places: str) -> None:
    deployment = sound_rest(refusals=known, routes=PREFLIGHTS)
    assert said(hidden_refusals(deployment)) == [
        ("warning", f"{lacking} lack `Access-Control-Allow-Origin`: a browser shows a page a network error instead of {statuses}")
    ]
    ((remedy),) = (each.remedy for each in hidden_refusals(deployment))
    assert remedy.startswith(
        f"under `GatewayResponses` for {places} `ResponseParameters: {{Headers: {{Access-Control-Allow-Origin: \"'*'\"}}}}`; or `aws "
    )
    assert f"--response-type {places.partition(',')[0].strip('`')} --patch-operations" in remedy


def test_an_http_api_that_answers_preflights_itself_has_no_headers_on_refusals() -> None:
    deployment = sound_http(cors=None, routes=PREFLIGHTS)
    ((severity, message),) = said(hidden_refusals(deployment))
    assert severity == "warning"
    assert message.startswith("there are routes for `OPTIONS` and there is no CORS configuration")


@pytest.mark.parametrize(
    ("configured", "places", "message", "remedy"),
    [
        (cors(AllowHeaders=None), "", "`AllowHeaders` lacks `authorization`, in which tokens come: ", "AllowHeaders=authorization`"),
        (
            cors(AllowHeaders=["Content-Type"]),
            "",
            "`AllowHeaders` lacks `authorization`, in which tokens come: ",
            "AllowHeaders=authorization,content-type`",
        ),
        (
            cors(AllowHeaders=["*"]),
            "",
            "`AllowHeaders` lacks `authorization`, in which tokens come; `*` does not stand for `authorization`: ",
            "AllowHeaders=*,authorization`",
        ),
        (cors(), "header:X-Token", "`AllowHeaders` lacks `x-token`, in which tokens come: ", "AllowHeaders=authorization,x-token`"),
        (cors(), "cookie:session", "tokens come in a cookie and `AllowCredentials` is not set: ", "AllowCredentials=true"),
    ],
)
def test_a_cors_configuration_under_which_no_token_is_sent(configured: dict[str, Any], places: str, message: str, remedy: str) -> None:
    deployment = with_settings(sound_http(cors=configured), TOKEN_FROM=places)
    ((severity, found),) = said(hidden_refusals(deployment))
    assert (severity, found[: len(message)]) == ("warning", message)
    assert [remedy in each.remedy for each in hidden_refusals(deployment)] == [True]
