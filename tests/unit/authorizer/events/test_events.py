"""The wire formats: what each captured event is read as."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import TokenError, TroubleError
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.cache_scope import KeyPart
from authorizer.tokens.verifier import bearer_token

FILES = sorted((Path(__file__).parents[3] / "events").glob("*.json"))
NAMES = [file.stem for file in FILES]

# What may be the token where it is not `Bearer not.a.token`, once.
TWO = ("Bearer first.not.a.token", "Bearer second.not.a.token")
AUTHORIZATION: dict[str, tuple[str, ...]] = {
    "http_1_no_authorization": (),
    "http_1_null_header_maps": (),
    "http_1_token_in_query_string": (),
    "http_1_two_authorization_values": TWO,
    "http_2_authorization_under_two_cases": TWO,
    "http_2_no_authorization": (),
    "http_2_no_maps": (),
    "http_2_token_in_query_string": (),
    "http_2_two_authorization_values": ("Bearer first.not.a.token,Bearer second.not.a.token",),
    "websocket_empty_token_in_query_string": ("",),
    "websocket_no_token": (),
    "websocket_null_header_maps": ("not.a.token",),
    "websocket_subprotocol_without_token": ("",),
    "websocket_subprotocols_in_two_headers": ("not.a.token",),
    "websocket_token_after_another_subprotocol": ("not.a.token",),
    "websocket_token_in_query_string": ("not.a.token",),
    "websocket_token_in_subprotocol": ("not.a.token",),
    "websocket_token_in_three_places": ("Bearer not.a.token", "not.a.token", "not.a.token"),
    "websocket_token_in_two_places": ("Bearer not.a.token", "not.a.token"),
    "websocket_token_twice_in_query_string": ("other.not.a.token", "not.a.token"),
    "websocket_token_under_another_parameter": (),
    "websocket_two_tokens_in_subprotocols": ("first.not.a.token", "second.not.a.token"),
    "rest_token_no_authorization": ("",),
    "rest_request_no_authorization": (),
    "rest_request_null_header_maps": (),
    "rest_request_token_in_query_string": (),
    "rest_request_two_authorization_values": TWO,
    "rest_request_authorization_under_two_cases": TWO,
}

PLAIN = {
    "rest_token_plain": "rest_token",
    "rest_request_plain": "rest_request",
    "http_1_plain": "http_1",
    "http_2_plain": "http_2",
    "websocket_token_in_header": "websocket",
}
HTTP = ["http_1_plain", "http_2_plain"]


def captured(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FILES[0].parent / f"{name}.json").read_text())
    return case


def event(name: str, **changes: Any) -> dict[str, Any]:
    """A captured event with changes; None takes a field out."""
    changed = captured(name)["event"] | changes
    return {field: value for field, value in changed.items() if value is not None or field not in changes}


def read(name: str, **changes: Any) -> AuthorizationRequest:
    return events.read_request(event(name, **changes))


def in_context(name: str, **changes: Any) -> dict[str, Any]:
    """The request context of a captured event with changes."""
    context: dict[str, Any] = captured(name)["event"]["requestContext"]
    return context | changes


def reason(unreadable: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(TroubleError) as caught:
        events.read_request(unreadable)
    return caught.value.reason, str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_each_captured_event_is_read_as_its_file_says(name: str) -> None:
    expected = captured(name)["expected"]
    request = read(name)
    arn = request.method_arn
    assert (request.format, arn.verb, arn.path, request.gateway_template) == tuple(
        expected[f] for f in ("format", "verb", "path", "template")
    )
    assert {field: getattr(arn, field) for field in ("partition", "region", "account", "api_id", "stage")}.items() <= expected.items()
    told = captured(name)["event"]
    assert str(arn) == told.get("methodArn", told.get("routeArn"))
    assert request.cache_key_parts == (frozenset(map(KeyPart, expected["keyed"])) if "keyed" in expected else None)


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
    else:
        assert expected["error"] == ("several_authorization_values" if values else "missing_token")


def test_there_are_captured_events_of_each_format() -> None:
    assert {captured(name)["expected"]["format"] for name in NAMES} == set(PLAIN.values())


@pytest.mark.parametrize("claimed", ["TOKEN", "REQUEST", "", None, 7])
@pytest.mark.parametrize("name", PLAIN)
def test_the_format_is_told_by_the_fields_and_not_by_the_type(name: str, claimed: object) -> None:
    assert read(name, type=claimed) == read(name)
    assert read(name, type=claimed).format == PLAIN[name]


@pytest.mark.parametrize("path", ["/admin", "/prod/orders/42/lines", "", None, 7])
@pytest.mark.parametrize("name", ["rest_request_plain", *HTTP])
def test_the_path_is_the_arns(name: str, path: object) -> None:
    """`path` and `rawPath` carry stages and base paths, and nothing says that it is the path which was routed."""
    context = in_context(name, path=path, http={"method": "GET", "path": path})
    assert read(name, path=path, rawPath=path, requestContext=context) == read(name)


@pytest.mark.parametrize("method", ["DELETE", "", None, 7])
@pytest.mark.parametrize("name", ["rest_request_plain", *HTTP])
def test_the_method_is_the_arns(name: str, method: object) -> None:
    context = in_context(name, httpMethod=method, http={"method": method, "path": "/orders/42"})
    assert read(name, httpMethod=method, requestContext=context) == read(name)


@pytest.mark.parametrize("stage", ["$default", "prod", "test-invoke-stage", "ESTestInvoke-stage", "v1.2_beta"])
@pytest.mark.parametrize("name", PLAIN)
def test_the_stage_is_the_arns(name: str, stage: str) -> None:
    plain = event(name)
    arn = "routeArn" if name == "http_2_plain" else "methodArn"
    *before, told_stage, behind = re.split("/(prod|[$]default)/", plain[arn], maxsplit=1)
    assert told_stage in ("prod", "$default")
    request = read(name, **{arn: f"{before[0]}/{stage}/{behind}"})
    assert (request.method_arn.stage, request.method_arn.path) == (stage, read(name).method_arn.path)


@pytest.mark.parametrize("name", ["rest_request_plain", "http_1_plain"])
def test_the_template_is_the_contexts_and_else_the_resource(name: str) -> None:
    told = captured(name)["expected"]["template"]
    assert read(name, resource="/other").gateway_template == told
    assert read(name, resource=None).gateway_template == told
    assert read(name, requestContext=in_context(name, resourcePath=None), resource="/other").gateway_template == "/other"
    assert read(name, requestContext=in_context(name, resourcePath=""), resource="/other").gateway_template == "/other"
    assert read(name, requestContext=in_context(name, resourcePath=None), resource=None).gateway_template is None
    assert read(name, requestContext=in_context(name, resourcePath=["/a"]), resource=["/b"]).gateway_template is None


@pytest.mark.parametrize("told", ["$default", "/$default", "orders", "", None, 7])
def test_what_is_no_template_is_none_with_payload_1(told: object) -> None:
    """The route that takes all others has no template; taken for one it would be held against the ARN's path."""
    assert read("http_1_plain", resource=told, requestContext=in_context("http_1_plain", resourcePath=told)).gateway_template is None


@pytest.mark.parametrize(
    ("route_key", "template"),
    [
        ("GET /orders/{orderId}", "/orders/{orderId}"),
        ("ANY /{proxy+}", "/{proxy+}"),
        ("ANY /", "/"),
        ("GET /a b", "/a b"),
        ("$default", None),
        ("$default ", None),
        ("GET orders", None),
        ("GET", None),
        ("/orders", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_the_template_is_what_follows_the_method_in_a_route_key(route_key: object, template: str | None) -> None:
    assert read("http_2_plain", routeKey=route_key).gateway_template == template


def test_the_route_key_is_the_events() -> None:
    assert read("http_2_plain", requestContext=in_context("http_2_plain", routeKey="GET /other")) == read("http_2_plain")


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
@pytest.mark.parametrize("name", ["rest_request_plain", "http_1_plain", "websocket_token_in_header"])
def test_header_maps_are_read_together(name: str, headers: Any, multi: Any, values: tuple[str, ...]) -> None:
    assert read(name, headers=headers, multiValueHeaders=multi).authorization == values


@pytest.mark.parametrize(
    ("one", "many", "values"),
    [
        ({"access_token": "a"}, {"access_token": ["a"]}, ("a",)),
        ({"access_token": "b"}, {"access_token": ["a", "b"]}, ("a", "b")),
        ({"access_token": "a"}, {"access_token": []}, ("a",)),
        ({"access_token": "a"}, {"access_token": None}, ("a",)),
        ({"access_token": "a"}, {"other": ["b"]}, ("a",)),
        ({"access_token": "a"}, None, ("a",)),
        (None, {"access_token": ["a"]}, ("a",)),
        ({"access_token": 7}, {"access_token": [7, None, ["a"]]}, ()),
        ({"access_token": None}, {}, ()),
        ({}, {}, ()),
    ],
)
def test_a_queried_token_is_read_from_both_maps(one: Any, many: Any, values: tuple[str, ...]) -> None:
    changed = read("websocket_token_in_query_string", queryStringParameters=one, multiValueQueryStringParameters=many)
    assert changed.authorization == values


@pytest.mark.parametrize(
    ("offered", "values"),
    [
        ("bearer, a", ("a",)),
        ("BEARER,a", ("a",)),
        ("graphql-ws, bearer, a", ("a",)),
        ("bearer, a, graphql-ws", ("a",)),
        ("  bearer ,  a  ", ("a",)),
        ("bearer", ("",)),
        ("bearer,", ("",)),
        ("a, bearer", ("",)),
        ("bearer, bearer, a", ("bearer", "a")),
        ("bearer, a, bearer, b", ("a", "b")),
        ("bearer a", ()),
        ("bearer.a", ()),
        ("graphql-ws", ()),
        ("", ()),
    ],
)
def test_a_token_among_subprotocols_is_what_follows_bearer(offered: str, values: tuple[str, ...]) -> None:
    """Whatever could be meant as a second token is one, so that the request is refused."""
    assert read("websocket_no_token", headers={"Sec-WebSocket-Protocol": offered}).authorization == values


def test_a_token_elsewhere_than_on_connect_is_in_the_header_only() -> None:
    more = {"queryStringParameters": {"access_token": "b"}, "multiValueQueryStringParameters": {"access_token": ["b"]}}
    for name in ("rest_request_plain", *HTTP):
        headers = {"authorization": "a", "sec-websocket-protocol": "bearer, c", "cookie": "access_token=d"}
        assert read(name, headers=headers, multiValueHeaders=None, cookies=["access_token=d"], **more).authorization == ("a",)


EMULATORS = ("serverless_offline", "sam_cli", "ministack")


@pytest.mark.parametrize("emulator", EMULATORS)
def test_there_are_captured_events_of_emulators(emulator: str) -> None:
    assert len([name for name in NAMES if f"_{emulator}" in name]) >= 3


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(("rest_request_", "websocket_"))])
def test_no_event_with_headers_is_taken_for_a_token_authorizers(name: str) -> None:
    """An emulator tells TOKEN authorizers a context too. Callers write headers and parameters, never a field of the event: this asks for more."""
    assert "headers" in captured(name)["event"]
    for claimed in ("TOKEN", "REQUEST"):
        assert read(name, authorizationToken=SECRET, type=claimed) == read(name)


def test_a_token_authorizers_context_counts_for_nothing() -> None:
    name = "rest_token_serverless_offline"
    assert read(name) == read(name, requestContext=None, resource="/admin", enhancedAuthContext={"a": "b"})
    assert read(name, type="REQUEST") == read(name)
    assert read(name, requestContext={}) == read(name)
    assert read(name, authorizationToken=None).format == "rest_request"
    for unknown in ({"eventType": "MESSAGE"}, {"eventType": None}, [SECRET], "x"):
        assert reason(event(name, requestContext=unknown))[0] == "unknown_event"


def test_a_token_that_is_no_text_is_none() -> None:
    assert read("rest_token_plain", authorizationToken=7).authorization == ()


ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
SECRET = "Bearer a.secret.token"

HTTP_2 = event("http_2_plain", headers={"authorization": SECRET}, identitySource=[SECRET])
HTTP_1 = event("http_1_plain", headers={"authorization": SECRET}, identitySource=SECRET, authorizationToken=SECRET)
WEBSOCKET = event("websocket_token_in_header", headers={"authorization": SECRET})


def without(whole: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in whole.items() if name != field}


@pytest.mark.parametrize(
    "unknown",
    [
        {},
        HTTP_2 | {"methodArn": f"{ARN}/prod/GET/orders"},
        without(HTTP_2, "routeArn") | {"methodArn": f"{ARN}/prod/GET/orders"},
        without(HTTP_2, "routeArn"),
        HTTP_2 | {"version": "1.0"},
        HTTP_2 | {"version": "3.0"},
        HTTP_2 | {"version": 2.0},
        HTTP_2 | {"version": None},
        without(HTTP_2, "version"),
        HTTP_2 | {"requestContext": None},
        without(HTTP_2, "requestContext"),
        HTTP_1 | {"routeArn": f"{ARN}/prod/GET/orders"},
        without(HTTP_1, "methodArn") | {"routeArn": f"{ARN}/prod/GET/orders"},
        without(HTTP_1, "methodArn"),
        HTTP_1 | {"version": "2.0"},
        HTTP_1 | {"version": "1"},
        HTTP_1 | {"version": None},
        HTTP_1 | {"requestContext": [SECRET]},
        without(HTTP_1, "requestContext"),
        event("rest_request_plain", routeArn=f"{ARN}/prod/GET/orders"),
        event("rest_token_plain", routeArn=f"{ARN}/prod/GET/orders"),
        WEBSOCKET | {"version": "1.0", "requestContext": None},
        WEBSOCKET | {"routeArn": f"{ARN}/prod/$connect"},
        WEBSOCKET | {"requestContext": {"routeKey": "$connect", "eventType": "connect"}},
        WEBSOCKET | {"requestContext": {"routeKey": "$connect", "eventType": None}},
        WEBSOCKET | {"requestContext": {"routeKey": "sendMessage", "eventType": "MESSAGE"}},
        WEBSOCKET | {"requestContext": {"routeKey": "$disconnect", "eventType": "DISCONNECT"}},
        {"type": "TOKEN", "authorizationToken": SECRET},
        {"type": "TOKEN", "methodArn": f"{ARN}/prod/GET/"},
        {"type": "REQUEST", "methodArn": f"{ARN}/prod/GET/", "requestContext": [SECRET]},
        {"type": "REQUEST", "requestContext": {"elb": {}}, "path": "/", "headers": {"authorization": SECRET}},
        {"Records": [{"body": SECRET}]},
    ],
    ids=[
        *("nothing", "2_both_arns", "2_method_arn", "2_no_arn", "2_version_1", "2_version_3", "2_version_as_a_number", "2_version_null"),
        *("2_no_version", "2_null_context", "2_no_context", "1_both_arns", "1_route_arn", "1_no_arn", "1_version_2", "1_version_cut"),
        *("1_version_null", "1_context_of_another_shape", "1_no_context", "rest_request_route_arn", "rest_token_route_arn"),
        *("websocket_version", "websocket_route_arn", "websocket_lower_case", "websocket_null_type", "message", "disconnect", "no_arn"),
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


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("arn", ["", "*", 7, None, "arn:aws:s3:::a", f"{ARN}/prod", "arn:aws:execute-api:eu-west-1:*:a/prod/GET/", [ARN]])
def test_an_arn_that_api_gateway_cannot_have_sent_is_trouble(name: str, arn: object) -> None:
    field = "routeArn" if name == "http_2_plain" else "methodArn"
    assert reason(captured(name)["event"] | {field: arn})[0] == "unreadable_event"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [7, "text", ["list"], True])
@pytest.mark.parametrize("field", ["headers", "multiValueHeaders", "requestContext"])
def test_a_field_of_another_type_is_trouble_and_not_guessed_at(name: str, field: str, value: object) -> None:
    event = captured(name)["event"]
    if field not in event or (field, event.get("version")) == ("multiValueHeaders", "2.0"):
        return
    assert reason(event | {field: value})[0] in ("unreadable_event", "unknown_event")


@pytest.mark.parametrize("value", [7, "text", {"a": "map"}])
def test_a_list_of_another_type_is_trouble(value: object) -> None:
    for name, field, inner in (
        ("rest_request_plain", "multiValueHeaders", "Authorization"),
        ("http_1_plain", "multiValueHeaders", "authorization"),
        ("websocket_token_in_query_string", "multiValueQueryStringParameters", "access_token"),
    ):
        assert reason(captured(name)["event"] | {field: {inner: value}})[0] == "unreadable_event"
    assert reason(captured("http_2_plain")["event"] | {"cookies": value})[0] == "unreadable_event"
