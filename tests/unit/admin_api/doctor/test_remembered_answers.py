"""How long the gateway remembers, beside what docs/changing.md promises of changes."""

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.remembered_answers import ill_chosen_ttl
from tests.support.deployments import (
    DOCUMENT,
    published,
    said,
    sound_http,
    sound_rest,
    sound_token,
    sound_websocket,
    with_authorizer,
    with_settings,
)

NOON = 1_796_385_600.0
"""2026-12-04T12:00:00Z."""


def ending(*until: str, read_at: float = NOON) -> Deployment:
    """A document in which a group's permission to delete ends at each of these moments, and a deny a little earlier."""
    allow = [{"route": "DELETE /pets/{petId}", "until": moment} for moment in until]
    deny = [{"route": "GET /pets/{petId}", "until": "2026-12-04T12:00:05Z"}]
    groups = DOCUMENT["groups"] | {"on-call": {"allow": allow, "deny": deny}}
    document = DOCUMENT | {"routes": [*DOCUMENT["routes"], "DELETE /pets/{petId}"], "groups": groups}
    return sound_rest(published=published(document), read_at=read_at)


SOUND = {
    "REST": sound_rest(),
    "HTTP": sound_http(),
    "TOKEN": sound_token(),
    "WebSocket": sound_websocket(),
    "WebSocket in route scope": with_settings(sound_websocket(), CACHE_SCOPE="route"),
    "300 s": with_authorizer(sound_rest(), ttl=300),
    "no memory": with_settings(with_authorizer(sound_rest(), ttl=0), CACHE_SCOPE="request"),
    "no memory, and a bad token denied": with_settings(
        with_authorizer(sound_http(), ttl=0), CACHE_SCOPE="request", HTTP_API_UNAUTHORIZED="deny", GATEWAY_TTL="0"
    ),
    "no memory, and the setting of another gateway": with_settings(
        with_authorizer(sound_rest(), ttl=0), CACHE_SCOPE="request", HTTP_API_UNAUTHORIZED="deny"
    ),
    "a bad token denied": with_settings(sound_http(), HTTP_API_UNAUTHORIZED="deny"),
    "ends after the TTL": ending("2026-12-04T12:01:00Z"),
    "has ended": ending("2026-12-04T12:00:00Z"),
    "ends with its condition": with_settings(ending("2026-12-04T12:00:30Z"), EXPIRY_CONDITIONS="1"),
    "nothing published": sound_rest(published=None),
    "not read": with_authorizer(sound_rest(function=None), ttl=3600),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_ttl_that_keeps_the_promises_is_no_finding(name: str) -> None:
    assert said(ill_chosen_ttl(SOUND[name])) == []


@pytest.mark.parametrize("deployment", [sound_rest(), sound_http(), sound_token()])
def test_a_long_ttl_is_named_with_the_time_that_a_revocation_takes(deployment: Deployment) -> None:
    slow = with_settings(with_authorizer(deployment, ttl=301), POLICY_REFRESH_SECONDS="30")
    assert said(ill_chosen_ttl(slow)) == [
        (
            "warning",
            "answers are remembered for 301 s: a permission that is revoked, or a token that is put on the denylist, may count for 331 s more",
        )
    ]
    assert ["update-authorizer" in each.remedy and "60" in each.remedy for each in ill_chosen_ttl(slow)] == [True]


def test_the_allow_that_ends_first_within_a_ttl_is_named() -> None:
    assert said(ill_chosen_ttl(ending("2026-12-04T12:00:59Z", "2026-12-04T12:00:30Z"))) == [
        (
            "warning",
            (
                "`group/on-call allow DELETE /pets/{petId} until 1796385630` ends at 2026-12-04T12:00:30Z, and an answer that is remembered until then lets "
                "its holders through for up to 60 s more"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("deployment", "command"),
    [
        (ending("2026-12-04T12:00:30Z"), "flush-stage-authorizers-cache --rest-api-id a1b2c3d4e5 --stage-name prod"),
        (
            sound_http(published=ending("2026-12-04T12:00:30Z").published, read_at=NOON),
            "reset-authorizers-cache --api-id a1b2c3d4e5 --stage-name '$default'",
        ),
    ],
)
def test_the_remedy_drops_what_is_remembered(deployment: Deployment, command: str) -> None:
    assert [command in each.remedy for each in ill_chosen_ttl(deployment)] == [True]


@pytest.mark.parametrize(
    ("deployment", "scope"),
    [
        (with_authorizer(sound_rest(), ttl=0), "route"),
        (with_authorizer(sound_token(), ttl=0), "token"),
        (with_authorizer(sound_http(), sources=()), "route"),
    ],
)
def test_a_wide_answer_that_nobody_finds_again_is_a_warning(deployment: Deployment, scope: str) -> None:
    assert said(ill_chosen_ttl(deployment)) == [
        (
            "warning",
            f"`CACHE_SCOPE={scope}` makes answers that are good for more than one request, and the gateway remembers none: each request waits for the function",
        )
    ]


def test_bad_tokens_are_all_denied_only_if_the_function_is_told_of_the_ttl() -> None:
    deployment = with_settings(with_authorizer(sound_http(), sources=()), CACHE_SCOPE="request", HTTP_API_UNAUTHORIZED="deny")
    ((severity, message),) = said(ill_chosen_ttl(deployment))
    assert (severity, message[:60]) == ("warning", "`HTTP_API_UNAUTHORIZED=deny` turns each bad token into a 403")
    assert [each.remedy for each in ill_chosen_ttl(deployment)] == ['`GATEWAY_TTL: "0"` under the function\'s `Environment.Variables`']
