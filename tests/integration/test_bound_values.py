"""Bound values that URLs may encode: what the ARN holds and what the gateway tells the backend, held against the claim."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.gates import Gate, KeyServer, bearer, build_gate, gate, keys, published
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event
from tests.support.iam_evaluator import evaluate
from tests.support.tables import Table, publish

__all__ = ["gate", "keys", "published"]

BOUND = "{route: 'GET /owners/{ownerId}/pets', where: {ownerId: sub}}"
DOCUMENT = f"{{api: petstore, routes: ['GET /owners/{{ownerId}}/pets', GET /owners/me/pets], groups: {{owner: {{allow: [{BOUND}]}}}}}}"
PLAIN = ["alice@x.com/pets", "alice@x.com/pets/"]
SPELLED = ["alice%40x.com/pets", "alice%40x.com/pets/", *PLAIN]
HTTP = {"http_1": http_1_event, "http_2": http_2_event}


def rest_event(token: str, segment: str, told: str | None) -> Event:
    """A REQUEST event of a REST API."""
    event = rest_request_event("GET", f"/owners/{segment}/pets", "/owners/{ownerId}/pets", headers=[("Authorization", token)])
    return event | {"pathParameters": None if told is None else {"ownerId": told}}


def http_event(
    build: Callable[..., Event], token: str, segment: str, told: str | None, route_key: str = "GET /owners/{ownerId}/pets"
) -> Event:
    """An event of an HTTP API whose key holds the token, the method and the route."""
    parameters = None if told is None else {"ownerId": told}
    path = f"/owners/{segment}/pets"
    return build(
        "GET",
        path,
        route_key,
        path_parameters=parameters,
        arn_path=path,
        headers=[("Authorization", token)],
        identity_source=("GET", route_key, token),
    )


@pytest.fixture(params=["request", "route"])
def bound(request: pytest.FixtureRequest, table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    publish(DOCUMENT)
    return build_gate(keys, clock, capsys, CACHE_SCOPE=request.param)


@pytest.fixture
def route_bound(table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    publish(DOCUMENT)
    return build_gate(keys, clock, capsys, CACHE_SCOPE="route")


def passes(gate: Gate, event: Event) -> bool:
    """Whether the gateway lets the request pass that was asked for, which is what the log line must say too."""
    answer = gate.call(event)
    verdict = evaluate(answer["policyDocument"], "execute-api:Invoke", event.get("methodArn") or event["routeArn"], {})
    assert (gate.line["effect"] == "allow") is (verdict == "Allow")
    return verdict == "Allow"


def allowed_paths(answer: Any) -> list[str]:
    """What an answer allows of what lies below `/owners/`."""
    allows = [statement for statement in answer["policyDocument"]["Statement"] if statement["Effect"] == "Allow"]
    return sorted(resource.partition("/GET/owners/")[2] for statement in allows for resource in statement["Resource"])


@pytest.mark.parametrize(
    ("segment", "told", "expected"),
    [
        ("alice@x.com", "alice@x.com", True),
        ("alice%40x.com", "alice%40x.com", True),
        ("%61lice%40x%2ecom", "%61lice%40x%2ecom", True),
        ("alice%40x.com", None, True),
        # As some say that plain parameters are told.
        ("alice%40x.com", "alice@x.com", True),
        ("alice%2540x.com", "alice%2540x.com", False),
        ("alice%2540x.com", "alice%40x.com", False),
        ("alice%2540x.com", "alice@x.com", False),
        ("alice%2540x.com", None, False),
        ("alice@x.com", "alice%2540x.com", False),
        ("alice@x.com", "bob@x.com", False),
        ("bob@x.com", "alice@x.com", False),
        ("Alice@x.com", "Alice@x.com", False),
        ("alice@x.com;a=b", "alice@x.com;a=b", False),
    ],
)
def test_a_rest_api_hands_on_what_was_sent_and_it_is_decoded_once(bound: Gate, segment: str, told: str | None, expected: bool) -> None:
    assert passes(bound, rest_event(bearer("owner", sub="alice@x.com"), segment, told)) is expected


@pytest.mark.parametrize("build", HTTP.values(), ids=HTTP)
@pytest.mark.parametrize(
    ("segment", "told", "expected"),
    [
        ("alice@x.com", "alice@x.com", True),
        # The ARN has the path as it was sent.
        ("alice%40x.com", "alice@x.com", True),
        ("%61lice%40x%2ecom", "alice@x.com", True),
        # The ARN is decoded, and `alice%2540x.com` was sent; or the parameter is told as it was sent, which nobody has recorded.
        ("alice%40x.com", "alice%40x.com", False),
        ("alice%2540x.com", "alice%40x.com", False),
        ("alice%2540x.com", "alice@x.com", False),
        ("alice@x.com", "alice%40x.com", False),
        ("alice@x.com", "bob@x.com", False),
        ("bob%40x.com", "alice@x.com", False),
        # Nothing is told: a `%` may be what is left of two.
        ("alice@x.com", None, True),
        ("alice%40x.com", None, False),
        ("%61lice@x.com", None, False),
    ],
)
def test_at_an_http_api_the_told_value_settles_what_a_percent_sign_is(
    bound: Gate, build: Callable[..., Event], segment: str, told: str | None, expected: bool
) -> None:
    assert passes(bound, http_event(build, bearer("owner", sub="alice@x.com"), segment, told)) is expected


@pytest.mark.parametrize("build", HTTP.values(), ids=HTTP)
@pytest.mark.parametrize(("segment", "expected"), [("alice@x.com", True), ("alice%40x.com", False)])
def test_behind_a_route_that_takes_all_others_nobody_tells_the_value(
    bound: Gate, build: Callable[..., Event], segment: str, expected: bool
) -> None:
    token = bearer("owner", sub="alice@x.com")
    for route_key, told in (("$default", None), ("ANY /{proxy+}", {"proxy": "owners/alice@x.com/pets"})):
        event = http_event(build, token, segment, None, route_key)
        if told is not None:
            event |= {"pathParameters": told}
        assert passes(bound, event) is expected


@pytest.mark.parametrize("build", HTTP.values(), ids=HTTP)
def test_the_answer_for_a_route_names_spellings_where_the_event_shows_arns_to_be_as_sent(
    route_bound: Gate, build: Callable[..., Event]
) -> None:
    token = bearer("owner", sub="alice@x.com")
    for segment, told, paths in (
        ("alice@x.com", "alice@x.com", PLAIN),
        ("bob", "bob", PLAIN),
        ("bob%40x.com", "bob@x.com", SPELLED),
        ("bob@x.com", "bob@x.com", PLAIN),
        ("alice%40x.com", "alice@x.com", SPELLED),
        ("alice%40x.com", "alice%40x.com", PLAIN),
        ("bob%zz", "bob%zz", PLAIN),
        ("bob%40x.com", None, PLAIN),
    ):
        assert allowed_paths(route_bound.call(http_event(build, token, segment, told))) == paths, (segment, told)
        assert route_bound.line["scope"] == "route"


def test_the_answer_for_a_route_of_a_rest_api_names_every_spelling(route_bound: Gate) -> None:
    token = bearer("owner", sub="alice@x.com")
    assert allowed_paths(route_bound.call(rest_event(token, "bob", "bob"))) == SPELLED
    mixed = rest_event(token, "%61lice%40x.com", "%61lice%40x.com")
    assert allowed_paths(route_bound.call(mixed)) == sorted(["%61lice%40x.com/pets", *SPELLED])


def test_the_answer_for_all_routes_names_every_spelling(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(DOCUMENT)
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="token")
    token = bearer("owner", sub="alice@x.com")
    spelled = [path for path in SPELLED if not path.endswith("/")]
    assert allowed_paths(gate.call(rest_token_event("GET", "/owners/bob/pets", authorization=token))) == spelled
    assert passes(gate, rest_token_event("GET", "/owners/%61lice%40x.com/pets", authorization=token))
    assert not passes(gate, rest_token_event("GET", "/owners/alice%2540x.com/pets", authorization=token))


@pytest.mark.parametrize("segment", ["me", "%6De", "%6d%65"])
def test_the_word_of_a_sibling_route_is_nobodys_value_however_it_is_spelled(bound: Gate, segment: str) -> None:
    token = bearer("owner", sub="me")
    assert not passes(bound, rest_event(token, segment, segment))
    for build in HTTP.values():
        assert not passes(bound, http_event(build, token, segment, "me"))
    assert not passes(bound, rest_token_event("GET", f"/owners/{segment}/pets", authorization=token))
