"""Callers and routes that the scope cannot be answered for."""

from typing import Any

import pytest

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.token_scope import inexpressible_scope
from tests.support.deployments import (
    published,
    routes,
    said,
    sound_http,
    sound_rest,
    sound_token,
    sound_websocket,
    with_authorizer,
    with_settings,
)

NOTES = ["GET /pets", "GET /pets/{petId}", "GET /pets/{petId}/notes"]


def document(**groups: list[Any]) -> dict[str, Any]:
    return {"api": "petstore", "routes": NOTES, "groups": {name: {"allow": allow} for name, allow in groups.items()}}


READERS = document(reader=NOTES[:2], all=NOTES)
PROXY = {"api": "petstore", "routes": ["GET /a/{id}", "GET /b"], "groups": {"guest": {"allow": ["GET /b"]}}}
ONE_PROXY = routes("ANY /{proxy+}")
WHOLE = ("method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.path", "context.stage")


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(),
        sound_websocket(),
        sound_rest(published=published(READERS)),
        sound_token(published=published(document(all=NOTES))),
        with_authorizer(sound_token(published=published(READERS)), ttl=0),
        with_settings(sound_token(published=published(READERS)), CACHE_SCOPE="request"),
        with_settings(sound_token(published=published(READERS)), TOKEN_SCOPE_GUARDS="1"),
        with_settings(with_authorizer(sound_rest(published=published(READERS)), sources=WHOLE), CACHE_SCOPE="token"),
        with_settings(sound_http(published=published(READERS)), CACHE_SCOPE="token"),
        sound_token(published=None),
        sound_token(published=published(READERS), function=None),
        with_authorizer(sound_rest(published=published(PROXY), routes=ONE_PROXY), sources=WHOLE),
        with_settings(sound_token(published=published(PROXY), routes=ONE_PROXY), CACHE_SCOPE="route"),
        sound_rest(published=published(PROXY), routes=routes("ANY /c/{proxy+}", "GET /b")),
        sound_rest(published=published(PROXY), routes=routes(("ANY /{proxy+}", Guard.NONE), "GET /b")),
    ],
)
def test_a_scope_that_can_be_answered_for_is_no_finding(deployment: Deployment) -> None:
    assert said(inexpressible_scope(deployment)) == []


def test_a_caller_of_whom_no_policy_can_be_written_is_named() -> None:
    (finding,) = inexpressible_scope(sound_token(published=published(READERS)))
    assert (finding.severity.value, finding.about) == ("error", "document petstore")
    assert finding.message.startswith("`token` scope cannot say it for group/reader: ")
    assert "GET /pets/{petId}/notes" in finding.message
    assert finding.message.endswith(": the caller's first request decides, and its other routes are 403 for 60 s")
    assert finding.remedy.startswith(
        "`CACHE_SCOPE=route` with a REQUEST authorizer, whose sources are `method.request.header.Authorization`, "
    )


def test_who_holds_what_another_failing_caller_holds_is_not_named_again() -> None:
    # Together with `other` a reader fails for the same reason.
    found = said(inexpressible_scope(sound_token(published=published(document(reader=NOTES[:2], other=["GET /pets"])))))
    assert [message.partition(": ")[0] for _, message in found] == ["`token` scope cannot say it for group/reader"]


def test_of_many_callers_some_are_named() -> None:
    groups: dict[str, list[Any]] = {f"group{number}": NOTES[:2] for number in range(8)}
    found = list(inexpressible_scope(sound_token(published=published(document(**groups)))))
    assert len(found) == 6
    assert found[-1].message == "`token` scope cannot say it for 3 more kinds of callers"
    assert "gatebook check permissions.yaml" in found[-1].remedy


def test_an_allow_that_is_over_is_none() -> None:
    over = [{"route": route, "until": "2026-12-04T12:00:00Z"} for route in NOTES[:2]]
    then = published(document(reader=over))
    assert len(said(inexpressible_scope(sound_token(published=then, read_at=1_796_385_599.0)))) == 1
    assert said(inexpressible_scope(sound_token(published=then, read_at=1_796_385_600.0))) == []


@pytest.mark.parametrize(
    ("deployment", "remedy"),
    [
        (sound_rest(published=published(PROXY), routes=ONE_PROXY), "Context: [httpMethod, resourcePath, path]}`"),
        (sound_http(published=published(PROXY), routes=ONE_PROXY), "'$context.routeKey' '$context.path'`"),
    ],
)
def test_an_application_behind_a_greedy_route_needs_request_scope(deployment: Deployment, remedy: str) -> None:
    ((severity, message),) = said(inexpressible_scope(deployment))
    assert severity == "error"
    assert message == (
        "routes of the catalogue, such as `GET /a/{id}`, lie behind `ANY /{proxy+}`, and with `CACHE_SCOPE=route` an answer for one of their paths is "
        "remembered for all: the caller's other paths are 403 for 60 s"
    )
    (finding,) = inexpressible_scope(deployment)
    assert finding.remedy.startswith('`CACHE_SCOPE: "request"` under the function\'s `Environment.Variables`, and the path in the key: ')
    assert remedy in finding.remedy


def test_in_token_scope_the_application_may_serve_more_than_the_catalogue_knows() -> None:
    ((severity, message),) = said(inexpressible_scope(sound_token(published=published(PROXY), routes=ONE_PROXY)))
    assert severity == "warning"
    assert message.endswith("what the application serves and the catalogue lacks may be let through by what allows its neighbours")
    (finding,) = inexpressible_scope(sound_token(published=published(PROXY), routes=ONE_PROXY))
    assert "/authorizerResultTtlInSeconds" in finding.remedy
