"""The backend's helper: it reads what each kind of gateway hands on, and everything else is nobody."""

import json
from typing import Any

import pytest

from authorizer import events
from authorizer.caller import Caller, NoCallerError, may_send, read_caller
from authorizer.events.wire import Answer
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event

CONTEXT = {"sub": "u1", "version": "7", "groups": '["guest", "süß"]', "client_id": "client-1"}
CALLER = Caller("u1", "client-1", 7, ("guest", "süß"), (), None, ())


def under_authorizer(context: Any) -> Event:
    """REST and WebSocket APIs, and payload 1.0."""
    return {"requestContext": {"authorizer": context}}


def under_lambda(context: Any) -> Event:
    """HTTP APIs, payload 2.0."""
    return {"requestContext": {"authorizer": {"lambda": context}}}


SHAPES = [under_authorizer, under_lambda]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_caller_is_read(shape: Any) -> None:
    assert read_caller(shape(CONTEXT)) == CALLER
    assert read_caller(shape(CONTEXT | {"principalId": "u1", "integrationLatency": 7})) == CALLER
    machine = read_caller(shape(CONTEXT | {"scopes": '["pets/read"]', "username": "jane", "routes": '["$connect"]'}))
    assert (machine.scopes, machine.username, machine.routes) == (("pets/read",), "jane", ("$connect",))


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"requestContext": None},
        {"requestContext": []},
        {"requestContext": {}},
        {"requestContext": {"authorizer": None}},
        {"requestContext": {"authorizer": {}}},
        {"requestContext": {"authorizer": "u1"}},
        {"requestContext": {"authorizer": {"lambda": {}}}},
        {"requestContext": {"authorizer": {"lambda": None}}},
        {"requestContext": {"authorizer": {"jwt": {"claims": {"sub": "u1"}, "scopes": None}}}},
        {"requestContext": {"authorizer": {"claims": {"sub": "u1", "cognito:groups": "admin"}}}},
        {"requestContext": {"authorizer": {"iam": {"userId": "u1"}}}},
        {"requestContext": {"authorizer": {"principalId": "u1"}}},
        {"requestContext": {"identity": CONTEXT}},
        {"authorizer": CONTEXT},
        {"headers": CONTEXT},
    ],
)
def test_without_the_authorizers_context_there_is_no_caller(event: Event) -> None:
    with pytest.raises(NoCallerError):
        read_caller(event)
    assert not may_send(event)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CONTEXT)
@pytest.mark.parametrize("value", [..., None, 7, True, [], {}, ["a"]])
def test_a_context_that_is_not_whole_is_none(shape: Any, name: str, value: Any) -> None:
    spoilt = {key: held for key, held in (CONTEXT | {name: value}).items() if held is not ...}
    with pytest.raises(NoCallerError):
        read_caller(shape(spoilt))


@pytest.mark.parametrize("name", ["groups", "scopes", "routes"])
@pytest.mark.parametrize(
    "text", ["", "guest", "{}", '"guest"', "[7]", "[null]", '[["guest"]]', "null", "[" * 100_000, "NaN", "admin,guest"]
)
def test_a_list_that_is_none_is_not_guessed(name: str, text: str) -> None:
    with pytest.raises(NoCallerError):
        read_caller(under_authorizer(CONTEXT | {name: text}))


@pytest.mark.parametrize(
    ("name", "value"), [("sub", ""), ("version", ""), ("version", "-1"), ("version", "1.5"), ("version", "²"), ("username", "")]
)
def test_a_text_that_says_nothing_is_none(name: str, value: str) -> None:
    with pytest.raises(NoCallerError):
        read_caller(under_authorizer(CONTEXT | {name: value}))


def test_a_token_without_a_client_has_an_empty_one() -> None:
    assert read_caller(under_authorizer(CONTEXT | {"client_id": ""})).client_id == ""


def test_groups_that_did_not_fit_are_not_no_groups() -> None:
    context = {name: value for name, value in CONTEXT.items() if name != "groups"}
    caller = read_caller(under_authorizer(context | {"groups_omitted": "true"}))
    assert caller.groups is None
    with pytest.raises(NoCallerError):
        caller.is_in("guest")
    assert CALLER.is_in("guest")
    assert not CALLER.is_in("gues")


def test_scopes_that_did_not_fit_are_not_no_scopes() -> None:
    assert read_caller(under_authorizer(CONTEXT | {"scopes_omitted": "true"})).scopes is None


def message(key: Any, **context: Any) -> Event:
    return {"requestContext": {"routeKey": key, "connectionId": "c", "authorizer": CONTEXT | context}}


@pytest.mark.parametrize(
    ("key", "context", "allowed"),
    [
        ("watchPets", {"routes": '["$connect", "watchPets"]'}, True),
        ("announcePet", {"routes": '["$connect", "watchPets"]'}, False),
        ("watch", {"routes": '["$connect", "watchPets"]'}, False),
        ("watchPets", {}, False),
        ("watchPets", {"routes": "[]"}, False),
        ("watchPets", {"routes": "watchPets"}, False),
        ("watchPets", {"routes_omitted": "true"}, False),
        ("watchPets", {"routes": '["watchPets"]', "sub": ""}, False),
        (None, {"routes": '["watchPets"]'}, False),
        (["watchPets"], {"routes": '["watchPets"]'}, False),
    ],
)
def test_a_message_may_be_sent_if_its_route_is_listed(key: Any, context: dict[str, Any], allowed: bool) -> None:
    assert may_send(message(key, **context)) is allowed


def test_a_message_without_a_route_may_not_be_sent() -> None:
    assert not may_send({"requestContext": {"authorizer": CONTEXT | {"routes": '["$default"]'}}})


@pytest.mark.parametrize("event", [rest_token_event(), rest_request_event(), http_1_event(), http_2_event(), websocket_event()])
@pytest.mark.parametrize("is_authorized", [None, True])
def test_what_the_authorizer_writes_is_read_back(event: Event, is_authorized: bool | None) -> None:
    groups, routes = ["guest", "süß☕"], ["$connect", "watchPets"]
    context = CONTEXT | {"groups": json.dumps(groups, ensure_ascii=False), "routes": json.dumps(routes)}
    request = events.read_request(event)
    answer = Answer("u1", {"Version": "2012-10-17", "Statement": []}, context, is_authorized)
    written = events.write_response(request, answer)
    caller = read_caller((under_lambda if request.format == "http_2" else under_authorizer)(written["context"]))
    assert (caller.subject, caller.groups, caller.routes, caller.version) == ("u1", tuple(groups), tuple(routes), 7)
