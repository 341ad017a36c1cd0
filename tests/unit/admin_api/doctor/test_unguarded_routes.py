"""Routes without an authorizer beside what the document calls public."""

import pytest

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.unguarded_routes import unguarded_routes
from tests.support.deployments import routes, said, sound_http, sound_rest, sound_token, sound_websocket

OPEN, NONE = Guard.OPEN, Guard.NONE
ALL = ("POST /pets", "GET /pets/{petId}")


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(),
        sound_websocket(),
        sound_rest(published=None, routes=routes("GET /pets", ("OPTIONS /pets", NONE), ("GET /iam", Guard.OTHER))),
        # Another kind of difference is told elsewhere.
        sound_rest(routes=routes("GET /pets", *ALL, "GET /photos", ("GET /health", OPEN))),
    ],
)
def test_guards_as_the_document_has_them_are_no_finding(deployment: Deployment) -> None:
    assert said(unguarded_routes(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "remedy"),
    [
        (
            sound_rest(routes=routes(("GET /pets", NONE), *ALL, ("GET /health", NONE))),
            (
                "`Auth: {Authorizer: gatebook}` for the method in the template, and deploy stage `prod` again; "
                "or `{route: GET /pets, public: true}` in the document"
            ),
        ),
        (
            sound_http(routes=routes(("GET /pets", OPEN), *ALL, ("GET /health", NONE))),
            (
                "`aws apigatewayv2 update-route --api-id a1b2c3d4e5 --route-id ID --authorization-type CUSTOM --authorizer-id z9y8x7`, ID from `aws "
                "apigatewayv2 get-routes --api-id a1b2c3d4e5`; or `{route: GET /pets, public: true}` in the document"
            ),
        ),
    ],
)
def test_an_unguarded_route_is_open_to_anybody(deployment: Deployment, remedy: str) -> None:
    (finding,) = unguarded_routes(deployment)
    assert (finding.severity.value, finding.about) == ("error", "route GET /pets")
    assert finding.message.startswith("`GET /pets` is deployed without an authorizer: anybody may call it, whatever its permissions say")
    assert finding.remedy == remedy


def test_a_route_that_the_catalogue_lacks_and_nobody_guards_is_open_too() -> None:
    deployment = sound_rest(routes=routes("GET /pets", *ALL, ("GET /health", NONE), ("GET /photos", NONE)))
    ((severity, message),) = said(unguarded_routes(deployment))
    assert (severity, message[:50]) == ("error", "`GET /photos` is deployed without an authorizer, a")


def test_a_public_route_that_is_guarded_is_a_warning() -> None:
    (finding,) = unguarded_routes(sound_rest(routes=routes("GET /pets", *ALL, "GET /health")))
    assert (finding.severity.value, finding.about) == ("warning", "route GET /health")
    assert finding.remedy == "`Auth: {Authorizer: NONE}` for that method, or take `public: true` from `GET /health` in the document"


def test_a_guard_of_another_kind_is_a_warning() -> None:
    deployment = sound_rest(routes=routes(("GET /pets", Guard.OTHER), *ALL, ("GET /health", NONE)))
    assert [severity for severity, _ in said(unguarded_routes(deployment))] == ["warning"]


@pytest.mark.parametrize(
    ("deployment", "bare", "remedy"),
    [
        (sound_rest(published=None), "`GET /health`", "`Auth: {Authorizer: gatebook}`"),
        (sound_http(published=None), "`GET /health`", "--authorizer-id z9y8x7`, ID from"),
        (
            sound_websocket(published=None, routes=routes(("WS $connect", NONE), ("WS sendMessage", NONE), kind="websocket")),
            "`WS $connect`, `WS sendMessage`",
            "--authorizer-id z9y8x7`, ID of `$connect` from",
        ),
    ],
)
def test_nothing_is_public_while_nothing_is_published(deployment: Deployment, bare: str, remedy: str) -> None:
    assert said(unguarded_routes(deployment)) == [
        ("warning", f"no authorizer is asked for {bare}, and no document that could be read calls them public: anybody may call them")
    ]
    assert [remedy in each.remedy for each in unguarded_routes(deployment)] == [True]
