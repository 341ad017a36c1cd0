"""A candidate document beside the live one: differences are told with what makes them, and answers stay what they were."""

import json
import threading
import time
from typing import Any

import pytest

from tests.integration.gates import DOCUMENT, Gate, KeyServer, bearer, build_gate, gate, keys, published, request_event
from tests.support.aws_calls import AwsCalls, Call, error
from tests.support.clock import Clock
from tests.support.tables import Table, publish

__all__ = ["gate", "keys", "published"]

CANDIDATE = DOCUMENT.replace("api: petstore", "api: petstore-next").replace(
    'guest: {allow: ["GET /pets/{petId}"]}', 'guest: {allow: [POST /pets], deny: ["GET /pets/{petId}"]}'
)


@pytest.fixture
def shadowed(published: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    """An authorizer with a candidate, which has seen one request."""
    publish(CANDIDATE)
    gate = build_gate(keys, clock, capsys, SHADOW_API="petstore-next")
    settle(gate)
    wire.take()
    return gate


def settle(gate: Gate) -> None:
    """Call until the candidate is loaded: the first request does not wait for it."""
    for _ in range(200):
        gate.call(request_event(bearer("guest", "owner"), path="/pets"))
        if "shadow_judged" in gate.counted:
            return
        threading.Event().wait(0.02)
    raise AssertionError(gate.printed)


def lines(gate: Gate) -> dict[str, dict[str, Any]]:
    """The log lines of the last call by message."""
    return {line["message"]: line for line in map(json.loads, gate.printed) if "message" in line}


@pytest.mark.parametrize(
    ("verb", "path", "live", "candidate"),
    [
        ("GET", "/pets", ("allow", ["everyone allow GET /pets"]), None),
        ("GET", "/pets/7", ("allow", ["group/guest allow GET /pets/{petId}"]), ("deny", ["group/guest deny GET /pets/{petId}"])),
        ("POST", "/pets", ("deny", []), ("allow", ["group/guest allow POST /pets"])),
        ("GET", "/files/a/b", ("deny", []), None),
    ],
)
def test_a_difference_is_told_with_the_permissions_that_make_it(
    shadowed: Gate, gate: Gate, verb: str, path: str, live: tuple[str, list[str]], candidate: tuple[str, list[str]] | None
) -> None:
    event = request_event(bearer("guest"), verb=verb, path=path)
    answer = shadowed.call(event)
    told = lines(shadowed)
    assert (told["decision"]["effect"], told["decision"]["determining"]) == live
    assert shadowed.counted.get("shadow_difference", 0) == (candidate is not None)
    assert shadowed.counted["shadow_judged"] == 1
    if candidate is None:
        assert set(told) == {"decision"}
    else:
        difference = told["shadow_difference"]
        assert (difference["effect"], difference["determining"]) == live
        assert (difference["candidate_effect"], difference["candidate_determining"], difference["candidate_version"]) == (*candidate, 1)
    assert answer == gate.call(event)


def test_a_warm_request_asks_the_table_nothing_more(shadowed: Gate, wire: AwsCalls) -> None:
    shadowed.call(request_event(bearer("guest"), path="/pets/7"))
    assert wire.operations() == []


@pytest.mark.parametrize("kind", ["gone", "unreadable"])
def test_trouble_in_the_shadow_is_a_metric(shadowed: Gate, published: Table, wire: AwsCalls, clock: Clock, kind: str) -> None:
    def rule(call: Call) -> Any:
        return error("ResourceNotFoundException") if "petstore-next" in json.dumps(call.body) else None

    if kind == "gone":
        wire.rule = rule
    else:
        publish(CANDIDATE.replace("POST /pets]", "GET /pets]"))
        published.change("api#petstore-next#subject#group/guest", "000000000002", content="{")
    wire.take()
    clock.advance(400)
    troubles = []
    for _ in range(50):
        response = shadowed.call(request_event(bearer("guest"), path="/pets/7"))
        assert response["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        troubles += [line["reason"] for message, line in lines(shadowed).items() if message == "shadow_trouble"]
        if len(troubles) > 5:
            break
        threading.Event().wait(0.02)
    wire.rule = None
    assert set(troubles) <= {"unreadable_row", "no_table", "dynamodb_unavailable"}
    assert len(troubles) > 5
    asked = [call for call in wire.take() if "petstore-next" in json.dumps(call.body)]
    assert len(asked) < 10, "it rests between attempts"


def test_a_slow_candidate_holds_nobody_up(shadowed: Gate, wire: AwsCalls, clock: Clock) -> None:
    release = threading.Event()

    def rule(call: Call) -> None:
        if "petstore-next" in json.dumps(call.body):
            release.wait(10)

    clock.advance(11)
    shadowed.call(request_event(bearer("guest"), path="/pets"))
    clock.advance(11)
    wire.rule = rule
    started = time.monotonic()
    shadowed.call(request_event(bearer("guest"), path="/pets"))
    took = time.monotonic() - started
    release.set()
    wire.rule = None
    assert took < 5
    assert shadowed.counted["shadow_skipped"] == 1


def test_a_refused_token_is_not_judged(shadowed: Gate, wire: AwsCalls) -> None:
    assert str(shadowed.fail(request_event(bearer("guest", exp=1), path="/pets"))) == "Unauthorized"
    assert set(shadowed.counted) == {"unauthorized"}
