"""Deployed routes beside the published catalogue, judged under the scope that the function answers for."""

from dataclasses import replace

import pytest

from admin_api.analysis.found_routes import Guard, NotTaken
from admin_api.doctor.catalogue_drift import drifting_catalogue
from admin_api.doctor.deployment import Deployment
from tests.support.deployments import DOCUMENT, published, routes, said, sound_http, sound_rest, sound_token, sound_websocket, with_settings

HEALTH = ("GET /health", Guard.NONE)
ALL = ("GET /pets", "POST /pets", "GET /pets/{petId}", HEALTH)
PHOTOS = routes(*ALL, "GET /pets/{petId}/photos")
DENIED = "`GET /pets/{petId}/photos` is deployed and not in the catalogue: it is denied to everybody"
NARROW = DOCUMENT | {
    "groups": {"guest": {"allow": ["GET /pets"]}, "late": {"allow": [{"route": "GET /pets/{petId}", "until": "2026-12-04T12:00:00Z"}]}}
}


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(),
        sound_websocket(),
        sound_rest(published=None, routes=PHOTOS),
        # Guards are told elsewhere.
        sound_rest(routes=routes(("GET /pets", Guard.NONE), *ALL[1:])),
    ],
)
def test_a_catalogue_of_what_is_deployed_is_no_finding(deployment: Deployment) -> None:
    assert said(drifting_catalogue(deployment)) == []


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(routes=PHOTOS),
        sound_http(routes=PHOTOS),
        # An HTTP API is answered for the requested path in any scope.
        with_settings(sound_http(routes=PHOTOS), CACHE_SCOPE="token"),
        sound_token(routes=PHOTOS, published=published(NARROW), read_at=1_796_385_600.0),
    ],
)
def test_a_route_that_the_catalogue_lacks_is_denied(deployment: Deployment) -> None:
    assert [each for each in said(drifting_catalogue(deployment)) if "photos" in each[1]] == [("warning", DENIED)]


@pytest.mark.parametrize("read_at", [0.0, 1_796_385_599.0])
def test_in_token_scope_what_allows_its_neighbour_lets_it_through(read_at: float) -> None:
    (finding,) = drifting_catalogue(
        sound_token(routes=PHOTOS, published=published(NARROW | {"everyone": {"allow": ["POST /pets"]}}), read_at=read_at)
    )
    assert (finding.severity.value, finding.about) == ("error", "route GET /pets/{petId}/photos")
    assert finding.message == (
        "`GET /pets/{petId}/photos` is deployed and not in the catalogue: whoever may call `GET /pets/{petId}` gets it too, from an answer of `token` scope "
        "that is remembered"
    )
    assert finding.remedy == (
        "list `GET /pets/{petId}/photos` under `routes` of the document, with who may call it, and `gatebook apply`; or take it out of the API"
    )


@pytest.mark.parametrize("route", ["GET /owners", "DELETE /pets/{petId}/photos", "PUT /pets"])
def test_in_token_scope_what_no_allow_takes_in_is_denied(route: str) -> None:
    assert said(drifting_catalogue(sound_token(routes=routes(*ALL, route)))) == [
        ("warning", f"`{route}` is deployed and not in the catalogue: it is denied to everybody")
    ]


def test_verbs_that_the_catalogue_lacks_are_told_of_a_route_that_it_has() -> None:
    assert said(drifting_catalogue(sound_token(routes=routes("GET /pets", "POST /pets", "ANY /pets/{petId}", HEALTH)))) == [
        (
            "warning",
            "`ANY /pets/{petId}` with HEAD OPTIONS POST PUT PATCH DELETE is deployed and not in the catalogue: it is denied to everybody",
        )
    ]


def test_a_route_of_another_guard_is_not_the_authorizers() -> None:
    ((severity, message),) = said(drifting_catalogue(sound_token(routes=routes(*ALL, ("GET /pets/{petId}/photos", Guard.OTHER)))))
    assert severity == "warning"
    assert "something else than a Lambda authorizer guards it" in message


def test_without_the_settings_both_outcomes_are_told() -> None:
    ((severity, message),) = said(drifting_catalogue(sound_rest(routes=PHOTOS, function=None)))
    assert severity == "error"
    assert "in `token` scope it may be let through, in others it is denied" in message


def test_a_websocket_without_connect_in_its_catalogue_lets_nobody_in() -> None:
    document = {"api": "petstore", "routes": ["WS other"], "everyone": {"allow": ["WS other"]}}
    found = said(drifting_catalogue(sound_websocket(published=published(document), routes=routes("WS $connect", "WS more", "WS other"))))
    assert found == [
        ("error", "`WS $connect` is deployed and not in the catalogue: every connection is refused"),
        ("warning", "`WS more` is deployed and not in the catalogue: it is denied to everybody"),
    ]


@pytest.mark.parametrize(
    ("deployment", "severity", "message", "remedy"),
    [
        (
            sound_rest(routes=routes(*ALL[:2], HEALTH)),
            "warning",
            "`GET /pets/{petId}` is in the catalogue and not deployed",
            "take `GET /pets/{petId}` out of the document",
        ),
        (
            sound_rest(routes=routes(*ALL[:2], "GET /pet/{petId}", HEALTH)),
            "error",
            "`GET /pets/{petId}` is not deployed, and `GET /pet/{petId}` is",
            "as it is deployed",
        ),
        (
            sound_rest(routes=routes(*ALL, "GET /pets/export")),
            "error",
            "gives its requests to `GET /pets/{petId}`",
            "list `GET /pets/export`",
        ),
        (
            sound_rest(published=published(NARROW | {"groups": {"guest": {"allow": ["GET /pets", "POST /pets"]}}})),
            "warning",
            "`GET /pets/{petId}` is deployed, and nobody may call it",
            "allow `GET /pets/{petId}` to somebody",
        ),
        (
            sound_rest(routes=replace(routes(*ALL), not_taken=(NotTaken("a1b2c3d4e5/prod GET /{id}.json", "no such segment"),))),
            "warning",
            "no such segment",
            "compare that route by hand",
        ),
    ],
)
def test_other_differences_are_told_as_drift_tells_them(deployment: Deployment, severity: str, message: str, remedy: str) -> None:
    (finding,) = drifting_catalogue(deployment)
    assert finding.severity.value == severity
    assert message in finding.message
    assert remedy in finding.remedy
