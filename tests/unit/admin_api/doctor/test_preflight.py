"""`OPTIONS` behind the authorizer, by itself or by an `ANY`."""

from dataclasses import replace

import pytest

from admin_api.analysis.found_routes import FoundRoutes, Guard
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.preflight import guarded_preflight
from tests.support.deployments import routes, said, sound_http, sound_rest, sound_token, sound_websocket

OPEN, NONE = Guard.OPEN, Guard.NONE


def default(*texts: str | tuple[str, Guard]) -> FoundRoutes:
    """An HTTP API with the authorizer on `$default`, which stands for two routes, and these routes."""
    both = routes("ANY /", "ANY /{proxy+}", kind="http").routes
    found = routes(*texts, kind="http")
    return replace(found, routes=(*(replace(each, written="ANY $default") for each in both), *found.routes))


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_token(),
        sound_http(),
        sound_websocket(),
        sound_websocket(routes=routes("ANY /pets", "OPTIONS /pets")),
        sound_rest(routes=routes("ANY /pets", ("OPTIONS /pets", OPEN))),
        sound_rest(routes=routes("ANY /pets/{id}", ("OPTIONS /pets/{petId}", NONE))),
        sound_rest(routes=routes(("ANY /pets", NONE), ("OPTIONS /owners", Guard.OTHER))),
        sound_http(routes=default(("OPTIONS /{proxy+}", NONE))),
    ],
)
def test_a_preflight_that_nobody_guards_is_no_finding(deployment: Deployment) -> None:
    assert said(guarded_preflight(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "remedy"),
    [
        (
            sound_rest(routes=routes("GET /pets", "OPTIONS /pets", ("OPTIONS /owners", OPEN))),
            "`AddDefaultAuthorizerToCorsPreflight: false`",
        ),
        (
            sound_http(routes=routes("GET /pets", "OPTIONS /pets")),
            "`aws apigatewayv2 update-route --api-id a1b2c3d4e5 --route-id ID --authorization-type NONE`",
        ),
    ],
)
def test_a_guarded_preflight_is_told(deployment: Deployment, remedy: str) -> None:
    assert said(guarded_preflight(deployment)) == [
        ("error", "the authorizer is asked for `OPTIONS /pets`: browsers get 401 and send no request")
    ]
    assert [remedy in each.remedy for each in guarded_preflight(deployment)] == [True]


@pytest.mark.parametrize(
    ("deployment", "route", "remedy"),
    [
        (sound_rest(routes=routes("ANY /pets", ("OPTIONS /owners", OPEN))), "`ANY /pets`", "OPTIONS /pets"),
        (sound_rest(routes=routes("ANY /{proxy+}", ("OPTIONS /owners", OPEN))), "`ANY /{proxy+}`", "OPTIONS /{proxy+}"),
        # A greedy route does not take the preflights of a more specific one.
        (sound_http(routes=routes("ANY /pets", ("OPTIONS /{proxy+}", OPEN))), "`ANY /pets`", "OPTIONS /pets"),
        # An HTTP API's own answer is for paths that no route has.
        (sound_http(routes=routes("ANY /pets")), "`ANY /pets`", "OPTIONS /pets"),
        (sound_http(routes=default()), "`ANY /`, `ANY /{proxy+}`", "OPTIONS /{proxy+}"),
        (sound_http(routes=default(("OPTIONS /pets", NONE)), cors=None), "`ANY /`, `ANY /{proxy+}`", "OPTIONS /{proxy+}"),
    ],
)
def test_an_any_takes_preflights_in(deployment: Deployment, route: str, remedy: str) -> None:
    assert said(guarded_preflight(deployment)) == [
        ("error", f"{route} takes in `OPTIONS`, for which the authorizer is asked: browsers get 401 and send no request")
    ]
    assert [f"add the route `{remedy}` without an authorizer" in each.remedy for each in guarded_preflight(deployment)] == [True]


@pytest.mark.parametrize("deployment", [sound_rest(routes=routes("ANY /pets")), sound_http(routes=default(), cors=None)])
def test_an_api_that_was_not_made_for_browsers_is_warned(deployment: Deployment) -> None:
    ((severity, message),) = said(guarded_preflight(deployment))
    assert severity == "warning"
    assert message.endswith("for which the authorizer is asked: no browser could call it from a page of another origin")
