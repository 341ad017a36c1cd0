"""What an authorizer tells CloudWatch: each metric when its cause is there, with dimensions that tell the functions of one API apart."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from authorizer.request_log import TOLD_APART
from tests.integration.gates import Context, Gate, KeyServer, bearer, build_gate, keys, published, request_event
from tests.support.aws_calls import AwsCalls, error
from tests.support.clock import Clock
from tests.support.issuer import NOW
from tests.support.tables import Table

__all__ = ["keys", "published"]

FUNCTION = "petstore-authorizer"
Build = Callable[..., Gate]


@pytest.fixture
def build(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Gate]:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", FUNCTION)
    return lambda **settings: build_gate(keys, clock, capsys, **settings)


@pytest.fixture
def gate(build: Build) -> Gate:
    return build()


def sets_of(line: dict[str, Any]) -> dict[str, set[tuple[tuple[str, str], ...]]]:
    """The dimensions with which CloudWatch would store each metric of a line."""
    found: dict[str, set[tuple[tuple[str, str], ...]]] = {}
    for told in line["_aws"]["CloudWatchMetrics"]:
        for names in told["Dimensions"]:
            for metric in told["Metrics"]:
                found.setdefault(metric["Name"], set()).add(tuple((name, line[name]) for name in names))
    return found


API = (("api", "petstore"), ("service", "gatebook"))
OF_FUNCTION = (("api", "petstore"), ("function_name", FUNCTION))


def test_an_allow_is_counted_for_the_api_and_for_the_function(gate: Gate) -> None:
    gate.call(request_event(bearer("guest")))
    gate.call(request_event(bearer("guest")))
    [line] = gate.metrics
    assert sets_of(line) == {"allowed": {API, OF_FUNCTION}}


@pytest.mark.parametrize("level", ["INFO", "CRITICAL"])
def test_denials_refusals_and_trouble_are_told_apart_by_reason(
    build: Build, wire: AwsCalls, clock: Clock, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    """Also where the log level leaves their lines out."""
    gate = build(CACHE_SCOPE="route")
    logger = logging.getLogger("gatebook")
    monkeypatch.setattr(logger, "level", logging.getLevelName(level))
    gate.call(request_event(bearer("guest", "owner")))
    gate.call(request_event(bearer("guest"), verb="POST"))
    seen = [gate.metrics]
    gate.fail(request_event(bearer("guest", exp=NOW - 1)))
    seen.append(gate.metrics)
    gate.call(request_event(bearer("owner"), path="/files/a/b"))
    gate.call(request_event(bearer("owner"), path="/files/a/b"))
    seen.append(gate.metrics)
    wire.rule = lambda _call: error("AccessDeniedException")
    clock.advance(301)
    gate.fail(request_event(bearer("guest")))
    seen.append(gate.metrics)
    told = {name: sets for [line] in seen for name, sets in sets_of(line).items() if name in (*TOLD_APART, "allowed")}
    assert told == {
        "denied": {API, OF_FUNCTION, (*OF_FUNCTION, ("reason", "implicit_deny"))},
        "unauthorized": {API, OF_FUNCTION, (*OF_FUNCTION, ("reason", "expired"))},
        "trouble": {API, OF_FUNCTION, (*OF_FUNCTION, ("reason", "dynamodb_unavailable"))},
        "needs_narrower_scope": {API, OF_FUNCTION, (*OF_FUNCTION, ("narrowed", "greedy_route"))},
        "allowed": {API, OF_FUNCTION},
    }
    assert all(("message" in line) is (level == "INFO") for [line] in seen)


def test_a_cold_start_is_counted_once_with_its_fetch_and_its_time(gate: Gate) -> None:
    gate.call(request_event(bearer("guest")))
    first = gate.measured
    assert first.keys() == {"allowed", "cold_starts", "key_fetches", "latency"}
    assert (first["cold_starts"], first["key_fetches"]) == (1, 1)
    assert first["latency"] > 0
    gate.call(request_event(bearer("guest")))
    assert gate.measured == {"allowed": 1}


def test_a_cold_start_that_refuses_or_fails_is_one_too(build: Build, keys: KeyServer) -> None:
    gate = build()
    gate.fail(request_event("Bearer garbage"))
    assert gate.measured.keys() == {"unauthorized", "cold_starts", "latency"}
    keys.status = 500
    gate = build()
    gate.fail(request_event(bearer("guest")))
    assert gate.measured.keys() == {"trouble", "cold_starts", "key_fetches", "key_fetch_failures", "latency"}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"keys": []}'])
def test_keys_that_cannot_be_used_are_a_fetch_that_failed(gate: Gate, keys: KeyServer, clock: Clock, body: bytes) -> None:
    token = request_event(bearer("guest", exp=NOW + 10_000))
    gate.call(token)
    keys.body = body
    clock.advance(3600)
    gate.call(token)
    assert (gate.measured["key_fetches"], gate.measured["key_fetch_failures"], gate.measured["stale_keys"]) == (1, 1, 1)


def test_the_age_of_the_head_is_told_by_who_looks_and_by_stale_answers(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    event = request_event(bearer("guest"))
    gate.call(event)
    clock.advance(10)
    gate.call(event)
    assert gate.measured["head_age"] == 0
    wire.rule = lambda _call: error("AccessDeniedException")
    for waited, age in ((9, None), (1, 10), (5, 15), (250, 265)):
        clock.advance(waited)
        gate.call(event)
        assert gate.measured.get("head_age") == age
        assert ("stale" in gate.measured) is (age is not None)


def test_each_line_is_about_its_own_request(gate: Gate, keys: KeyServer) -> None:
    """What a request that failed had fetched is not counted for the next."""
    keys.status = 500
    gate.fail(request_event(bearer("guest")))
    keys.status = 200
    gate.fail(request_event(bearer("guest")))
    assert gate.measured.keys() == {"trouble", "latency"}
    assert gate.line["request_id"] == Context.aws_request_id


@pytest.mark.parametrize(("share", "written"), [("all", 11), ("", 11), ("none", 0), ("0.1", 2), (".5", 6), ("0.000001", 1)])
def test_of_plain_allows_a_share_has_a_line_and_metrics_count_them_all(build: Build, share: str, written: int) -> None:
    gate = build(LOG_ALLOWED=share)
    event, lines, allowed = request_event(bearer("guest")), 0, 0.0
    for _ in range(11):
        gate.call(event)
        [line] = gate.metrics
        lines += "message" in line
        allowed += gate.counted["allowed"]
        assert sets_of(line)["allowed"] == {API, OF_FUNCTION}
    assert (lines, allowed) == (written, 11)
    assert "message" in line or len(gate.printed[0]) < 400


def test_what_somebody_may_ask_about_always_has_its_line(build: Build, wire: AwsCalls, clock: Clock) -> None:
    gate = build(LOG_ALLOWED="none", CACHE_SCOPE="route")
    gate.call(request_event(bearer("guest"), verb="POST"))
    assert gate.line["reason"] == "implicit_deny"
    gate.fail(request_event("Bearer garbage"))
    assert gate.line["message"] == "unauthorized"
    gate.call(request_event(bearer("owner"), path="/files/a/b"))
    assert gate.line["narrowed"] == "greedy_route"
    wire.rule = lambda _call: error("AccessDeniedException")
    clock.advance(11)
    gate.call(request_event(bearer("guest")))
    assert gate.line["stale"] is True
