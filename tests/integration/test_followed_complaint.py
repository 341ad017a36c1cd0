"""A caller's complaint leads to the line of the decision: each line about a request has the ids that the gateway's access log has."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.gates import Context, Gate, KeyServer, bearer, build_gate, gate, keys, published
from tests.support.aws_calls import AwsCalls, error
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event
from tests.support.tables import Table

__all__ = ["gate", "keys", "published"]

HTTP = {"requestId": "QwErTy="}


def rest_request(authorization: str) -> Event:
    return rest_request_event("GET", "/pets", "/pets", headers=[("Authorization", authorization)])


def rest_token(authorization: str) -> Event:
    return rest_token_event("GET", "/pets", authorization=authorization)


def http_1(authorization: str) -> Event:
    sources = (authorization, "GET", "GET /pets", "/pets")
    return http_1_event("GET", "/pets", "GET /pets", headers=[("Authorization", authorization)], identity_source=sources)


def http_2(authorization: str) -> Event:
    sources = (authorization, "GET", "GET /pets", "/pets")
    return http_2_event("GET", "/pets", "GET /pets", headers=[("Authorization", authorization)], identity_source=sources)


def websocket(authorization: str) -> Event:
    return websocket_event(query=(), headers=[("Authorization", authorization)])


IDS: list[tuple[Callable[[str], Event], dict[str, str]]] = [
    (rest_request, {"requestId": "8f1c6b9e-0000-4000-8000-000000000001", "extendedRequestId": "ZyXwVu="}),
    (rest_token, {}),
    (http_1, HTTP),
    (http_2, HTTP),
    (websocket, {"requestId": "Zz1=", "connectionId": "Zz1="}),
]
NAMES = ("request_id", "requestId", "extendedRequestId", "connectionId")


def ids_of(line: dict[str, Any]) -> dict[str, Any]:
    return {name: line[name] for name in NAMES if name in line}


@pytest.mark.parametrize(("event", "ids"), IDS, ids=lambda value: value.__name__ if callable(value) else "")
def test_decisions_refusals_and_trouble_have_the_gateways_ids(
    gate: Gate, wire: AwsCalls, clock: Clock, event: Callable[[str], Event], ids: dict[str, str]
) -> None:
    expected = {"request_id": Context.aws_request_id} | ids
    gate.call(event(bearer("guest")))
    assert (gate.line["message"], ids_of(gate.line)) == ("decision", expected)
    gate.fail(event("Bearer x.y.z"))
    assert (gate.line["message"], ids_of(gate.line)) == ("unauthorized", expected)
    wire.rule = lambda _call: error("AccessDeniedException")
    clock.advance(301)
    gate.fail(event(bearer("guest")))
    assert (gate.line["message"], ids_of(gate.line), gate.line["format"]) == ("trouble", expected, event.__name__)


def test_two_requests_that_share_a_ruling_have_their_own_ids(gate: Gate) -> None:
    """The second is answered from memory."""
    event, token = rest_request(bearer("guest")), bearer("guest")
    told = []
    for number in (1, 2):
        event = rest_request(token)
        event["requestContext"]["requestId"] = f"id-{number}"
        gate.call(event)
        told.append(gate.line["requestId"])
    assert told == ["id-1", "id-2"]


def test_a_line_of_trouble_names_function_format_and_causes_and_is_short(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "petstore-authorizer")
    gate = build_gate(keys, clock, capsys)
    keys.status = 503
    gate.fail(rest_request(bearer("guest")))
    line = gate.line
    assert (line["function_name"], line["format"], line["reason"]) == ("petstore-authorizer", "rest_request", "jwks_unavailable")
    assert "503" in line["exception"]
    assert "Traceback" not in line["exception"]
    assert len(gate.printed[0]) < 1_100


def test_what_nobody_foresaw_keeps_its_trace(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr("authorizer.authorize.Answering.rule", broken)
    gate.fail(rest_request(bearer("guest")))
    assert (gate.line["reason"], gate.line["format"]) == ("ZeroDivisionError", "rest_request")
    assert "Traceback" in gate.line["exception"]
    assert "in rule" not in gate.line["exception"]
    assert "by nought" in gate.line["exception"]
    assert "stack_trace" not in gate.line


def test_an_event_that_cannot_be_read_says_so(gate: Gate) -> None:
    gate.fail({"requestContext": {"requestId": "id-3"}})
    assert (gate.line["message"], gate.line["format"], gate.line["requestId"]) == ("trouble", "unknown", "id-3")
