"""What the function believes of the gateway's memory."""

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.gateway_ttl import misjudged_ttl
from tests.support.deployments import said, sound_http, sound_rest, sound_token, sound_websocket, with_authorizer, with_settings

UNTRUE = "`GATEWAY_TTL=0` says that nothing is remembered, and the gateway remembers answers for 60 s"


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_token(),
        sound_websocket(),
        with_settings(sound_rest(), GATEWAY_TTL="60"),
        with_settings(with_authorizer(sound_http(), ttl=0), GATEWAY_TTL="0"),
        with_settings(with_authorizer(sound_http(), sources=()), GATEWAY_TTL="0"),
        with_settings(with_authorizer(sound_websocket(), ttl=60), GATEWAY_TTL="10"),
        with_settings(sound_http(function=sound_rest().function), GATEWAY_TTL=""),
        sound_http(parameters=None),
    ],
)
def test_a_true_belief_is_no_finding(deployment: Deployment) -> None:
    assert said(misjudged_ttl(deployment)) == []


def test_an_http_api_that_remembers_is_asked_for_no_key() -> None:
    deployment = with_settings(sound_http(), GATEWAY_TTL="0")
    assert said(misjudged_ttl(deployment)) == [
        (
            "error",
            f"{UNTRUE}: the function asks for no cache key, so that an answer for one request, or one caller, may be given to another",
        )
    ]
    assert [each.remedy for each in misjudged_ttl(deployment)] == [
        (
            "take `GATEWAY_TTL` out of the function's environment; or `aws apigatewayv2 update-authorizer --api-id a1b2c3d4e5 --authorizer-id z9y8x7 "
            "--authorizer-result-ttl-in-seconds 0`; in a template `AuthorizerResultTtlInSeconds: 0`"
        )
    ]


@pytest.mark.parametrize("deployment", [sound_rest(), sound_token()])
def test_a_rest_api_has_no_key_that_is_asked_for(deployment: Deployment) -> None:
    assert said(misjudged_ttl(with_settings(deployment, GATEWAY_TTL="0"))) == [("warning", UNTRUE)]


@pytest.mark.parametrize(
    ("deployment", "real"), [(sound_rest(), 60), (with_authorizer(sound_http(), ttl=0), 0), (with_authorizer(sound_http(), sources=()), 0)]
)
def test_another_number_is_a_warning(deployment: Deployment, real: int) -> None:
    deployment = with_settings(deployment, GATEWAY_TTL="10")
    assert said(misjudged_ttl(deployment)) == [
        ("warning", f"`GATEWAY_TTL` says that the gateway remembers answers for 10 s, and it does so for {real} s")
    ]
    assert [each.remedy for each in misjudged_ttl(deployment)] == [f'`GATEWAY_TTL: "{real}"` under the function\'s `Environment.Variables`']
