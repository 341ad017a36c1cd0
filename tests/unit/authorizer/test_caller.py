"""The backend's helper: it reads what each kind of gateway hands on, and everything else is nobody."""

import json
from typing import Any

import pytest

from authorizer import events
from authorizer.caller import Caller, NoCallerError, may_send, read_caller
from authorizer.events.wire import Answer
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event

CONTEXT = {"sub": "u1", "version": "7", "groups": "guest,s%C3%BC%C3%9F", "client_id": "client-1"}
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
    assert read_caller(shape(CONTEXT | {"lambda": "a text of that name"})) == CALLER
    machine = read_caller(shape(CONTEXT | {"scopes": "pets%2Fread", "username": "jane", "routes": "%24connect"}))
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
        {"requestContext": {"authorizer": []}},
        {"requestContext": {"authorizer": [CONTEXT]}},
        {"requestContext": {"authorizer": {"lambda": []}}},
        {"requestContext": {"authorizer": {"lambda": [CONTEXT]}}},
        {"requestContext": {"authorizer": {"lambda": "u1"}}},
        {"requestContext": {"authorizer": {"lambda": {"lambda": CONTEXT}}}},
        {"requestContext": {"authorizer": {"principalId": "x"}}},
        {"requestContext": {"authorizer": {"lambda": {"principalId": "x"}}}},
        {"requestContext": {"authorizer": {"principalId": "x", "integrationLatency": 7}}},
        {"requestContext": {"authorizer": {"jwt": CONTEXT}}},
        {"requestContext": {"authorizer": {"iam": CONTEXT}}},
        {"requestContext": {"authorizer": {"claims": CONTEXT}}},
        {"requestContext": {"authorizer": CONTEXT | {"lambda": {}}}},
        {"requestContext": {"authorizer": CONTEXT | {"lambda": {"principalId": "x"}}}},
        {"requestContext": {"authorizer": json.dumps(CONTEXT)}},
        {"requestContext": json.dumps({"authorizer": CONTEXT})},
        {"requestContext": {"identity": CONTEXT}},
        {"authorizer": CONTEXT},
        {"headers": CONTEXT},
        {"queryStringParameters": CONTEXT, "stageVariables": CONTEXT},
        None,
        [],
        "event",
        7,
    ],
)
def test_without_the_authorizers_context_there_is_no_caller(event: Any) -> None:
    with pytest.raises(NoCallerError):
        read_caller(event)
    assert may_send(event) is False


@pytest.mark.parametrize("event", [{}, {"requestContext": {}}, under_authorizer(None), under_authorizer({}), under_lambda({})])
def test_the_message_tells_a_missing_context_from_one_that_is_not_whole(event: Event) -> None:
    with pytest.raises(NoCallerError, match="has no authorizer context"):
        read_caller(event)
    with pytest.raises(NoCallerError, match="another authorizer's"):
        read_caller(under_authorizer({"principalId": "x"}))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", CONTEXT)
@pytest.mark.parametrize("value", [..., None, 7, True, 0, 1.5, [], {}, ["a"], ["guest"], {"guest": True}, b"u1"])
def test_a_context_that_is_not_whole_is_none(shape: Any, name: str, value: Any) -> None:
    spoilt = {key: held for key, held in (CONTEXT | {name: value}).items() if held is not ...}
    with pytest.raises(NoCallerError):
        read_caller(shape(spoilt))


@pytest.mark.parametrize("name", ["groups", "scopes", "routes"])
@pytest.mark.parametrize(
    "text",
    [
        *("{}", '"guest"', "[7]", "[null]", '[["guest"]]', '["guest"', '["guest"] ["admin"]', "[", " []", '["guest"],admin'),
        *(
            ",",
            "guest,",
            ",guest",
            "guest,,admin",
            "guest, admin",
            " guest",
            "guest ",
            "Domain Admins",
            "Domain+Admins",
            "süß",
            "a/b",
            "$connect",
        ),
        *(
            "%",
            "guest%",
            "%2",
            "%zz",
            "%2c",
            "%c3%bc",
            "%67uest",
            "%C3%28",
            "%C3",
            "%FF",
            "%C0%AE",
            "%ED%A0",
            "a:b",
            "a\n",
            "a\x00",
            "\ud800",
        ),
        *("['guest']", '["guest", NaN]', "[true]", '[{"a": 1}]', '"""'),
        pytest.param("[" * 100_000, id="deep_list"),
        pytest.param('{"a":' * 100_000, id="deep_object"),
        pytest.param(f"[{'9' * 10_000}]", id="long_number"),
    ],
)
def test_a_list_that_is_none_is_not_guessed(name: str, text: str) -> None:
    for shape in SHAPES:
        with pytest.raises(NoCallerError):
            read_caller(shape(CONTEXT | {name: text}))
    assert may_send(message("watchPets", **{"routes": "watchPets"} | {name: text})) is False


@pytest.mark.parametrize("name", ["scopes", "routes"])
@pytest.mark.parametrize("value", [None, 7, True, [], {}, ["watchPets"]])
def test_a_list_that_is_no_text_is_none(name: str, value: Any) -> None:
    """An HTTP API passes lists as they are. The authorizer never writes any: whoever did was another."""
    with pytest.raises(NoCallerError):
        read_caller(under_lambda(CONTEXT | {name: value}))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_list_that_an_older_authorizer_wrote_is_read_as_long_as_gateways_remember_it(shape: Any) -> None:
    caller = read_caller(shape(CONTEXT | {"groups": '["guest", "süß", "a,b", ""]', "scopes": "[]", "routes": '["$connect"]'}))
    assert (caller.groups, caller.scopes, caller.routes) == (("guest", "süß", "a,b", ""), (), ("$connect",))


@pytest.mark.parametrize("shape", SHAPES)
def test_no_groups_are_not_missing_groups(shape: Any) -> None:
    assert read_caller(shape(CONTEXT | {"groups": "", "scopes": "", "routes": ""})) == Caller("u1", "client-1", 7, (), (), None, ())
    with pytest.raises(NoCallerError, match="`groups` of the authorizer context"):
        read_caller(shape({name: value for name, value in CONTEXT.items() if name != "groups"}))


def test_a_list_as_large_as_an_answer_is_read() -> None:
    groups = [f"group-{number}" for number in range(1000)]
    assert read_caller(under_lambda(CONTEXT | {"groups": ",".join(groups)})).groups == tuple(groups)


def test_what_stands_twice_is_read_twice() -> None:
    caller = read_caller(under_authorizer(CONTEXT | {"groups": "guest,guest", "routes": "a,a"}))
    assert (caller.groups, caller.routes, caller.is_in("guest")) == (("guest", "guest"), ("a", "a"), True)


@pytest.mark.parametrize(
    "groups", ["", "Guest", "guest%20", "%00guest", "guests", "%5B%22guest%22%5D", "x%2Cguest", "guest%2Cx", "[]", '["Guest"]']
)
def test_a_group_is_its_whole_name(groups: str) -> None:
    assert not read_caller(under_authorizer(CONTEXT | {"groups": groups})).is_in("guest")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sub", ""), ("username", ""), ("version", "")),
        *(("version", text) for text in ("-1", "+1", "1.5", " 7", "7\n", "1_0", "0x7", "7e0", "²", "\u0667")),
    ],
)
def test_a_text_that_says_nothing_is_none(name: str, value: str) -> None:
    with pytest.raises(NoCallerError):
        read_caller(under_authorizer(CONTEXT | {name: value}))


def test_a_version_of_many_digits_is_none() -> None:
    event = message("watchPets", version="9" * 5000, routes="watchPets")
    assert may_send(event) is False
    with pytest.raises(NoCallerError):
        read_caller(event)


@pytest.mark.parametrize("name", ["username", "scopes", "routes"])
def test_what_is_told_as_null_is_not_what_is_left_out(name: str) -> None:
    with pytest.raises(NoCallerError):
        read_caller(under_lambda(CONTEXT | {name: None}))


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


@pytest.mark.parametrize("mark", ["", "false", "True", "1", "yes", True, 1, None, ["true"]])
def test_only_the_mark_itself_says_that_groups_did_not_fit(mark: Any) -> None:
    assert read_caller(under_lambda(CONTEXT | {"groups_omitted": mark})) == CALLER
    with pytest.raises(NoCallerError):
        read_caller(under_lambda({name: value for name, value in CONTEXT.items() if name != "groups"} | {"groups_omitted": mark}))


def test_a_person_through_a_delegated_client_has_a_consent() -> None:
    told = read_caller(under_authorizer(CONTEXT | {"consent": "openid,pets%2Fread"}))
    assert (told.delegated, told.consent) == (True, ("openid", "pets/read"))
    nothing = read_caller(under_authorizer(CONTEXT | {"consent": ""}))
    assert (nothing.delegated, nothing.consent) == (True, ())
    too_much = read_caller(under_authorizer(CONTEXT | {"consent_omitted": "true"}))
    assert (too_much.delegated, too_much.consent) == (True, None)
    others = read_caller(under_authorizer(CONTEXT))
    assert (others.delegated, others.consent) == (False, ())
    with pytest.raises(NoCallerError):
        read_caller(under_authorizer(CONTEXT | {"consent": "pets/read"}))


def test_scopes_that_did_not_fit_are_not_no_scopes() -> None:
    assert read_caller(under_authorizer(CONTEXT | {"scopes_omitted": "true"})).scopes is None


def test_routes_that_did_not_fit_are_none_that_may_be_used() -> None:
    assert read_caller(under_authorizer(CONTEXT | {"routes_omitted": "true"})).routes == ()
    assert read_caller(under_authorizer(CONTEXT | {"routes_omitted": "true", "routes": "watchPets"})).routes == ()


def message(key: Any, **context: Any) -> Event:
    """A message, as a WebSocket API passes it on: the authorizer's values are those of the moment that the connection was made."""
    told = {"routeKey": key, "eventType": "MESSAGE", "messageDirection": "IN", "stage": "prod", "connectionId": "c"}
    return {"requestContext": told | {"authorizer": CONTEXT | context | {"principalId": "u1"}}, "body": '{"action": "watchPets"}'}


@pytest.mark.parametrize(
    ("key", "context", "allowed"),
    [
        ("watchPets", {"routes": "%24connect,watchPets"}, True),
        ("$connect", {"routes": "%24connect,watchPets"}, True),
        ("%24connect", {"routes": "%24connect,watchPets"}, False),
        ("announcePet", {"routes": "%24connect,watchPets"}, False),
        ("watch", {"routes": "%24connect,watchPets"}, False),
        ("watchPets", {"routes": '["$connect", "watchPets"]'}, True),
        ("announcePet", {"routes": '["$connect", "watchPets"]'}, False),
        ("watchPets", {}, False),
        ("watchPets", {"routes": ""}, False),
        ("watchPets", {"routes": "[]"}, False),
        ("watchPets", {"routes": '"watchPets"'}, False),
        ("watchPets", {"routes_omitted": "true"}, False),
        ("watchPets", {"routes": "watchPets", "sub": ""}, False),
        (None, {"routes": "watchPets"}, False),
        (["watchPets"], {"routes": "watchPets"}, False),
        ({"watchPets": 1}, {"routes": "watchPets"}, False),
        ("", {"routes": "watchPets"}, False),
        ("WATCHPETS", {"routes": "watchPets"}, False),
        ("watchPets ", {"routes": "watchPets"}, False),
        ("atch", {"routes": "watchPets"}, False),
        ("$default", {"routes": "watchPets,%24connect"}, False),
        ("$default", {"routes": "%24default"}, True),
        # The key of another route is no reason.
        ("watchPets", {"routes": "%24default,%2A,ANY,watchPets%2F"}, False),
        ("watchPets", {"routes": "watchPets,"}, False),
        ("watchPets", {"routes": ["watchPets"]}, False),
        ("watchPets", {"routes": "watchPets", "groups": ","}, False),
        ("watchPets", {"routes": "watchPets", "version": None}, False),
        ("watchPets", {"routes": "watchPets", "routes_omitted": "true"}, False),
    ],
)
def test_a_message_may_be_sent_if_its_route_is_listed(key: Any, context: dict[str, Any], allowed: bool) -> None:
    assert may_send(message(key, **context)) is allowed


def test_a_message_without_a_route_may_not_be_sent() -> None:
    assert not may_send({"requestContext": {"authorizer": CONTEXT | {"routes": "%24default"}}})


@pytest.mark.parametrize("shape", SHAPES)
def test_the_route_that_counts_is_the_gateways(shape: Any) -> None:
    """The body and the headers are the caller's."""
    event = shape(CONTEXT | {"routes": "watchPets"}) | {"routeKey": "watchPets", "body": '{"routeKey": "watchPets"}'}
    assert may_send(event) is False


# -- there and back --------------------------------------------------------------------------------------------------------------------------------

EVENTS: dict[str, Event] = {
    "rest_token": rest_token_event(),
    "rest_request": rest_request_event(),
    "http_1": http_1_event(),
    "http_2": http_2_event(),
    "websocket": websocket_event(),
}
GROUPS = ["guest", "süß☕", 'a "quoted" one', "a,b", "100%", "Domain Admins", "a/b", "[x]", "%41", "-._~", "\U0001f600", "a\ud800b"]
ROUTES = ["$connect", "watchPets"]


def handed_on(kind: str, context: dict[str, str], is_authorized: bool | None = None) -> Event:
    """What the backend gets: the gateway passes the context on, as JSON; all but payload 2.0 stand it beside its own values, as texts."""
    request = events.read_request(EVENTS[kind])
    assert request.format == kind
    written = events.write_response(request, Answer("u1", {"Version": "2012-10-17", "Statement": []}, context, is_authorized))
    passed = json.loads(json.dumps(written["context"]))
    return under_lambda(passed) if kind == "http_2" else under_authorizer(passed | {"principalId": "u1", "integrationLatency": 7})


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("is_authorized", [None, True, False])
def test_what_the_authorizer_writes_is_read_back(kind: str, is_authorized: bool | None) -> None:
    context = CONTEXT | {
        "groups": "guest,s%C3%BC%C3%9F%E2%98%95,a%20%22quoted%22%20one,a%2Cb,100%25,Domain%20Admins,a%2Fb,%5Bx%5D,%2541,-._~,%F0%9F%98%80,a%ED%A0%80b",
        "routes": "%24connect,watchPets",
        "scopes": "pets%2Fread",
        "username": "jane",
    }
    caller = read_caller(handed_on(kind, context, is_authorized))
    assert caller == Caller("u1", "client-1", 7, tuple(GROUPS), ("pets/read",), "jane", tuple(ROUTES))
    assert read_caller(handed_on(kind, CONTEXT, is_authorized)) == CALLER


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("large", [(), ("groups",), ("groups", "scopes"), ("groups", "scopes", "routes")])
def test_what_did_not_fit_is_read_back_as_unknown(kind: str, large: tuple[str, ...]) -> None:
    lists = {"groups": "guest", "scopes": "pets%2Fread", "routes": "watchPets"}
    event = handed_on(kind, CONTEXT | lists | dict.fromkeys(large, "x" * 8000))
    caller = read_caller(event)
    assert caller.groups == (None if "groups" in large else ("guest",))
    assert caller.scopes == (None if "scopes" in large else ("pets/read",))
    assert caller.routes == (() if "routes" in large else ("watchPets",))
    event["requestContext"]["routeKey"] = "watchPets"
    # Payload 2.0 is no WebSocket API's, and yet the same is true there.
    assert may_send(event) is ("routes" not in large)
