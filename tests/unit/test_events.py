"""The wire formats: what each captured event is read as."""

import json
from pathlib import Path
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import TokenError, TroubleError
from authorizer.events.identity_sources import KeyPart
from authorizer.events.wire import AuthorizationRequest
from authorizer.token_verifier import bearer_token

FILES = sorted((Path(__file__).parents[1] / "events").glob("*.json"))
NAMES = [file.stem for file in FILES]

# What may be the token where it is not `Bearer not.a.token`, once.
TWO = ("Bearer first.not.a.token", "Bearer second.not.a.token")
AUTHORIZATION: dict[str, tuple[str, ...]] = {
    "http_1_null_header_maps": (),
    "http_1_two_authorization_values": TWO,
    "http_2_no_authorization": (),
    "http_2_two_authorization_values": ("Bearer first.not.a.token,Bearer second.not.a.token",),
    "websocket_no_token": (),
    "websocket_subprotocol_without_token": ("",),
    "websocket_token_after_another_subprotocol": ("not.a.token",),
    "websocket_token_in_query_string": ("not.a.token",),
    "websocket_token_in_subprotocol": ("not.a.token",),
    "websocket_token_in_two_places": ("Bearer not.a.token", "not.a.token"),
    "websocket_token_twice_in_query_string": ("other.not.a.token", "not.a.token"),
    "rest_token_no_authorization": ("",),
    "rest_request_no_authorization": (),
    "rest_request_null_header_maps": (),
    "rest_request_token_in_query_string": (),
    "rest_request_two_authorization_values": TWO,
    "rest_request_authorization_under_two_cases": TWO,
}

PLAIN = ["rest_token_plain", "rest_request_plain", "http_1_plain", "http_2_plain", "websocket_token_in_header"]


def captured(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FILES[0].parent / f"{name}.json").read_text())
    return case


def event(name: str, **changes: Any) -> dict[str, Any]:
    """A captured event with changes; None takes a field out."""
    changed = captured(name)["event"] | changes
    return {field: value for field, value in changed.items() if value is not None or field not in changes}


def read(name: str, **changes: Any) -> AuthorizationRequest:
    return events.read_request(event(name, **changes))


def reason(unreadable: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(TroubleError) as caught:
        events.read_request(unreadable)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_each_captured_event_is_read_as_its_file_says(name: str) -> None:
    expected = captured(name)["expected"]
    request = read(name)
    arn = request.method_arn
    assert (request.format, arn.verb, arn.path, request.told_path) == tuple(expected[f] for f in ("format", "verb", "path", "template"))
    assert {field: getattr(arn, field) for field in ("partition", "region", "account", "api_id", "stage")}.items() <= expected.items()
    told = captured(name)["event"]
    assert str(arn) == told.get("methodArn", told.get("routeArn"))
    assert request.keyed == (frozenset(map(KeyPart, expected["keyed"])) if "keyed" in expected else None)


@pytest.mark.parametrize("name", NAMES)
def test_every_value_that_may_be_the_token_is_found(name: str) -> None:
    expected = captured(name)["expected"]
    values = read(name).authorization
    assert values == AUTHORIZATION.get(name, ("Bearer not.a.token",))
    if expected["token"] is not None:
        assert [bearer_token(value) for value in values] == [expected["token"]]
    elif len(values) == 1:
        with pytest.raises(TokenError) as caught:
            bearer_token(values[0])
        assert caught.value.reason == expected["error"]


def test_there_are_captured_events_of_each_format() -> None:
    assert {captured(name)["expected"]["format"] for name in NAMES} == {"rest_token", "rest_request", "http_1", "http_2", "websocket"}


@pytest.mark.parametrize("claimed", ["TOKEN", "REQUEST", "", None, 7])
@pytest.mark.parametrize("name", PLAIN)
def test_the_format_is_told_by_the_fields_and_not_by_the_type(name: str, claimed: object) -> None:
    assert read(name, type=claimed) == read(name)


@pytest.mark.parametrize("path", ["/admin", "/prod/orders/42/lines", "", None])
def test_the_path_is_the_arns(path: str | None) -> None:
    """`path` carries stages and base paths, and nothing says that it is the path which was routed."""
    assert read("rest_request_plain", path=path) == read("rest_request_plain")


def test_the_template_is_the_contexts_and_else_the_resource() -> None:
    context = captured("rest_request_plain")["event"]["requestContext"]
    assert read("rest_request_plain", resource="/other").told_path == "/orders/{orderId}/lines"
    assert read("rest_request_plain", requestContext=context | {"resourcePath": None}, resource="/other").told_path == "/other"
    assert read("rest_request_plain", requestContext=context | {"resourcePath": None}, resource=None).told_path is None
    assert read("rest_request_plain", requestContext=context | {"resourcePath": ["/a"]}).told_path is None


@pytest.mark.parametrize(
    ("headers", "multi", "values"),
    [
        ({"authorization": "a"}, {"AUTHORIZATION": ["a", "a"]}, ("a", "a")),
        ({"authorization": "a"}, {"X-Authorization": ["b"]}, ("a",)),
        ({"authorization": "a"}, {}, ("a",)),
        ({"Authorization": "a", "authorization": "b"}, None, ("a", "b")),
        ({"Proxy-Authorization": "a", "Authorization2": "b", " authorization": "c"}, None, ()),
        ({"authorization": None}, {"authorization": None}, ()),
        ({"authorization": 7}, {"authorization": [7, None, {"a": 1}]}, ()),
        ({"authorization": ""}, {"authorization": [""]}, ("",)),
    ],
)
def test_header_maps_are_read_together(headers: Any, multi: Any, values: tuple[str, ...]) -> None:
    assert read("rest_request_plain", headers=headers, multiValueHeaders=multi).authorization == values


def test_a_token_that_is_no_text_is_none() -> None:
    assert read("rest_token_plain", authorizationToken=7).authorization == ()


ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
SECRET = "Bearer a.secret.token"

HTTP_2 = event("http_2_plain", headers={"authorization": SECRET}, identitySource=[SECRET])
HTTP_1 = event("http_1_plain", headers={"authorization": SECRET}, identitySource=SECRET, authorizationToken=SECRET)
WEBSOCKET = event("websocket_token_in_header", headers={"authorization": SECRET})


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        HTTP_2 | {"methodArn": f"{ARN}/prod/GET/orders"},
        HTTP_2 | {"version": "3.0"},
        HTTP_2 | {"version": 2.0},
        HTTP_2 | {"requestContext": None},
        HTTP_1 | {"routeArn": f"{ARN}/prod/GET/orders"},
        HTTP_1 | {"version": "2.0"},
        HTTP_1 | {"requestContext": [SECRET]},
        WEBSOCKET | {"version": "1.0", "requestContext": None},
        WEBSOCKET | {"requestContext": {"routeKey": "sendMessage", "eventType": "MESSAGE"}},
        WEBSOCKET | {"requestContext": {"routeKey": "$disconnect", "eventType": "DISCONNECT"}},
        {"type": "TOKEN", "authorizationToken": SECRET},
        {"type": "TOKEN", "methodArn": f"{ARN}/prod/GET/"},
        {"type": "REQUEST", "methodArn": f"{ARN}/prod/GET/", "requestContext": [SECRET]},
        {"type": "REQUEST", "requestContext": {"elb": {}}, "path": "/", "headers": {"authorization": SECRET}},
        {"Records": [{"body": SECRET}]},
    ],
    ids=[
        *("nothing", "both_arns", "version_3", "version_as_a_number", "no_context", "both_arns_1", "version_of_another", "context_of_1"),
        *("websocket_without_context", "message", "disconnect", "no_arn"),
        *("no_token", "context_of_another_shape", "load_balancer", "queue"),
    ],
)
def test_an_event_of_no_known_format_is_trouble(unknown: dict[str, Any]) -> None:
    """An answer in the wrong format would be worse than none. The message names fields, never what they hold."""
    code, message = reason(unknown)
    assert code == "unknown_event"
    assert all(field in message for field in unknown)
    assert "secret" not in message


def test_a_token_beside_a_whole_request_makes_it_no_token_event() -> None:
    """Whoever could add fields must not choose the format."""
    assert read("rest_request_plain", authorizationToken=SECRET) == read("rest_request_plain")


@pytest.mark.parametrize("name", ["rest_token_plain", "rest_request_plain"])
@pytest.mark.parametrize("arn", ["", "*", 7, None, "arn:aws:s3:::a", f"{ARN}/prod", "arn:aws:execute-api:eu-west-1:*:a/prod/GET/", [ARN]])
def test_an_arn_that_api_gateway_cannot_have_sent_is_trouble(name: str, arn: object) -> None:
    assert reason(captured(name)["event"] | {"methodArn": arn})[0] == "unreadable_event"
