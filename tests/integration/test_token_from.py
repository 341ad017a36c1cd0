"""The token in a cookie, a query parameter or a header of another name: the same decisions, the same refusals, and no token in what is printed."""

from collections.abc import Callable
from typing import Any

import pytest

from authorizer.errors import TroubleError
from tests.integration.gates import Gate, KeyServer, bearer, build_gate, gate, is_401, keys, published, token_event
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, websocket_event
from tests.support.iam_evaluator import evaluate
from tests.support.tables import Table

__all__ = ["gate", "keys", "published"]

Build = Callable[..., Gate]
Headers = list[tuple[str, str]]

PLACES: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "a header": ("header:X-Access-Token", lambda token: {"headers": [("x-access-token", token)]}),
    "a cookie": ("cookie:session", lambda token: {"headers": [("Cookie", f"theme=dark; session={token}")]}),
    "a query parameter": ("query:token", lambda token: {"query": [("page", "2"), ("token", token)]}),
}
"""The setting, and how such a token is sent."""


def source_of(sent: dict[str, Any]) -> str:
    """The value of the identity source that holds the token: the last header, or else the last parameter. It stands last among those of payload 1.0, which
    are one text: the log is searched for all that follows `Bearer`."""
    return str((sent.get("headers") or sent["query"])[-1][1])


def rest(**sent: Any) -> Event:
    return rest_request_event("GET", "/pets/7", "/pets/{petId}", **{"headers": []} | sent)


def http_1(*sources: str, **sent: Any) -> Event:
    key = ["GET", "GET /pets/{petId}", *(sources or [source_of(sent)])]
    return http_1_event("GET", "/pets/7", "GET /pets/{petId}", identity_source=key, **{"headers": []} | sent)


def http_2(*sources: str, **sent: Any) -> Event:
    key = ["GET", "GET /pets/{petId}", *(sources or [source_of(sent)])]
    return http_2_event("GET", "/pets/7", "GET /pets/{petId}", identity_source=key, **{"headers": []} | sent)


FORMATS: dict[str, Callable[..., Event]] = {"REST": rest, "HTTP 1.0": http_1, "HTTP 2.0": http_2}


@pytest.fixture
def build(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Build:
    """Return a cold authorizer that looks for tokens in these places."""
    return lambda token_from, **more: build_gate(keys, clock, capsys, TOKEN_FROM=token_from, CACHE_SCOPE="route", **more)


def allows(gate: Gate, event: Event, token: str) -> bool:
    response = gate.call(event)
    assert [piece for piece in token.split(".") if piece in "".join(gate.printed)] == []
    return evaluate(response["policyDocument"], "execute-api:Invoke", event.get("methodArn") or event["routeArn"]) == "Allow"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", PLACES)
def test_a_token_in_its_place_decides_as_ever(build: Build, place: str, name: str) -> None:
    token_from, sent = PLACES[place]
    gate = build(token_from)
    for groups, expected in (("guest", True), ("stranger", False), ("admin", True)):
        token = bearer(groups).removeprefix("Bearer ")
        event = FORMATS[name](**sent(token))
        assert allows(gate, event, token) is expected, groups
        assert (gate.line["effect"], gate.line["scope"]) == ("allow" if expected else "deny", "route")
        assert "narrowed" not in gate.line


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("place", PLACES)
def test_a_token_elsewhere_is_missing(build: Build, place: str, name: str) -> None:
    token_from, _ = PLACES[place]
    gate = build(token_from)
    for other, (_, sent) in PLACES.items():
        if other != place:
            assert is_401(gate.fail(FORMATS[name](**sent(bearer("guest").removeprefix("Bearer ")))))
            assert gate.line["reason"] == "missing_token"
    assert is_401(gate.fail(FORMATS[name](headers=[("Authorization", bearer("guest"))])))
    assert gate.line["reason"] == "missing_token"


@pytest.mark.parametrize("name", FORMATS)
def test_two_values_in_all_of_the_places_together_are_one_too_many(build: Build, name: str) -> None:
    token = bearer("guest").removeprefix("Bearer ")
    gate = build("cookie:session,header:Authorization,query:token")
    several: list[dict[str, Any]] = [
        {"headers": [("Cookie", f"session={token}"), ("Authorization", f"Bearer {token}")]},
        {"headers": [("Cookie", f"session={token}")], "query": [("token", token)]},
        {"headers": [("Authorization", f"Bearer {token}"), ("Cookie", "session=")]},
        {"headers": [("Cookie", f"session={token}; session={token}")]},
    ]
    for sent in several:
        assert is_401(gate.fail(FORMATS[name](**sent)))
        assert gate.line["reason"] == "several_authorization_values"
    assert allows(gate, FORMATS[name](headers=[("Cookie", f"session={token}")]), token)
    assert allows(gate, FORMATS[name](headers=[("Authorization", f"Bearer {token}")]), token)
    assert is_401(gate.fail(FORMATS[name](headers=[("Cookie", "session=")])))
    assert gate.line["reason"] == "missing_token"


@pytest.mark.parametrize("name", ["HTTP 1.0", "HTTP 2.0"])
def test_a_cookie_under_a_key_without_it_is_trouble(build: Build, name: str) -> None:
    """The Authorization header is the identity source as ever: everybody who sends the same one would get this answer."""
    token = bearer("guest").removeprefix("Bearer ")
    event = FORMATS[name]("Basic eDp5", headers=[("Authorization", "Basic eDp5"), ("Cookie", f"session={token}")])
    gate = build("cookie:session")
    raised = gate.fail(event)
    assert isinstance(raised, TroubleError)
    assert (raised.reason, gate.line["reason"]) == ("token_not_keyed", "token_not_keyed")
    assert allows(build("cookie:session", GATEWAY_TTL="0"), event, token)


def test_a_token_authorizer_is_told_the_token_whatever_is_set(build: Build) -> None:
    gate = build("cookie:session")
    assert evaluate(gate.call(token_event(bearer("guest"), path="/pets/7"))["policyDocument"], "execute-api:Invoke", ARN) == "Allow"


ARN = token_event("", path="/pets/7")["methodArn"]


@pytest.mark.parametrize("place", [*PLACES, "access_token", "subprotocol"])
def test_a_connection_takes_its_own_places_besides(build: Build, place: str) -> None:
    """The document knows no WebSocket route: the token is good, and the decision is to deny."""
    token = bearer("guest").removeprefix("Bearer ")
    token_from, sent = PLACES.get(place, ("cookie:session", lambda token: {"query": [("access_token", token)]}))
    more: dict[str, Any] = {"query": []} | (
        {"headers": [("Sec-WebSocket-Protocol", f"bearer, {token}")]} if place == "subprotocol" else sent(token)
    )
    gate = build(token_from)
    assert not allows(gate, websocket_event(**more), token)
    assert (gate.line["subject"], gate.line["reason"]) == ("u1", "catalogue_drift")
    more["query"] = [*more["query"], ("access_token", "x")]
    assert is_401(gate.fail(websocket_event(**more)))
    assert gate.line["reason"] == "several_authorization_values"
