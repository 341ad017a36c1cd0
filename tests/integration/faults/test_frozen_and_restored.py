"""A sandbox that slept, a snapshot that woke up, clocks that disagree: nothing serves beyond its bound, nothing is blocked, dead connections are noticed."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.architecture.sources import sources
from tests.integration.faults.conftest import GUEST, LASTING, READ_SECONDS, Cold, case, effect
from tests.integration.faults.hosts import KeyHost, TableHost, reset, within
from tests.integration.gates import DOCUMENT, Gate, bearer, is_401, request_event, trouble
from tests.support.aws_calls import AwsCalls, error
from tests.support.clock import Clock
from tests.support.issuer import NOW, Issuer
from tests.support.tables import Table, publish

MINUTE, HOUR, DAY = 60, 3600, 86400
REVOKED = DOCUMENT.replace('guest: {allow: ["GET /pets/{petId}"]}', "guest: {}")
NEXT = Issuer(kid="kid-2", key_name="next")

SLEEPS = [11, 5 * MINUTE, 5 * MINUTE + 1, 2 * HOUR - 1, 2 * HOUR, 365 * DAY]


SINCE_LONG = {"iat": NOW - 3 * DAY, "auth_time": NOW - 3 * DAY, **LASTING}
EARLY = request_event(bearer("guest", **SINCE_LONG), path="/pets/7")
"""A token that a clock which goes back does not come before."""


def table_is_down(wire: AwsCalls) -> None:
    wire.rule = lambda _: error("InternalServerError", 500)


def said(gate: Gate, event: dict[str, Any] = GUEST) -> str:
    """How a call ended: `Allow`, `Deny`, or why there was no answer."""
    try:
        return effect(gate, event)
    except Exception:  # noqa: BLE001  # whatever it is, its reason is in the log
        return str(gate.line["reason"])


def test_who_wakes_up_in_good_health_knows_what_changed_meanwhile(cold: Cold, keys: KeyHost, clock: Clock) -> None:
    asleep = {seconds: cold() for seconds in SLEEPS}
    for gate in asleep.values():
        assert said(gate) == "Allow"
    publish(REVOKED)
    keys.take()
    for seconds, gate in asleep.items():
        with case(f"{seconds} s"):
            clock.now = NOW + seconds
            assert (said(gate), gate.line["version"]) == ("Deny", 2)
            assert len(keys.take()) == (seconds >= HOUR)


def test_who_wakes_up_without_table_uses_what_is_not_too_old(cold: Cold, wire: AwsCalls, clock: Clock) -> None:
    asleep = {seconds: cold() for seconds in SLEEPS}
    for gate in asleep.values():
        assert said(gate) == "Allow"
    table_is_down(wire)
    for seconds, gate in asleep.items():
        with case(f"{seconds} s"):
            clock.now = NOW + seconds
            assert said(gate) == ("Allow" if seconds <= 5 * MINUTE else "dynamodb_unavailable")


def test_who_wakes_up_without_keys_uses_what_is_not_too_old(cold: Cold, keys: KeyHost, clock: Clock) -> None:
    asleep = {seconds: cold() for seconds in SLEEPS}
    for gate in asleep.values():
        assert said(gate) == "Allow"
    with keys.failing(None):
        for seconds, gate in asleep.items():
            with case(f"{seconds} s"):
                clock.now = NOW + seconds
                assert said(gate) == ("Allow" if seconds < 2 * HOUR else "jwks_unavailable")


JUMPS = [10, HOUR, DAY, -0.1, -MINUTE, -DAY]


def test_a_failed_fetch_that_a_jump_of_the_clock_follows_blocks_nobody(cold: Cold, keys: KeyHost, clock: Clock) -> None:
    for jump in JUMPS:
        gate = cold()
        with case(f"{jump} s"):
            with keys.failing(None):
                assert said(gate, EARLY) == "jwks_unavailable"
            clock.advance(jump)
            assert said(gate, EARLY) == "Allow"
            assert len(keys.take()) == 1


def test_a_look_at_the_table_that_a_jump_of_the_clock_follows_blocks_nobody(
    cold: Cold, published: Table, wire: AwsCalls, clock: Clock
) -> None:
    for number, jump in enumerate(JUMPS):
        gate = cold()
        with case(f"{jump} s"):
            before = said(gate, EARLY)
            table_is_down(wire)
            clock.advance(10)
            assert (said(gate, EARLY), gate.line["stale"]) == (before, True)
            wire.rule = None
            publish(DOCUMENT if number % 2 else REVOKED)
            # Going back further than to the last confirmation: what is here could be of any age.
            clock.advance(jump if jump > 0 else jump - 10)
            after = said(gate, EARLY)
            assert {before, after} == {"Allow", "Deny"}
            assert (gate.line["version"], gate.line["stale"]) == (number + 2, False)


def test_a_key_that_comes_up_after_a_jump_of_the_clock_is_asked_for(cold: Cold, keys: KeyHost, clock: Clock) -> None:
    of_next = request_event("Bearer " + NEXT.access_token("guest", **SINCE_LONG), path="/pets/7")
    for jump in JUMPS:
        keys.body = Issuer().jwks()
        gate = cold()
        with case(f"{jump} s"):
            assert said(gate, EARLY) == "Allow"
            assert said(gate, of_next) == "unknown_kid"
            keys.body = NEXT.jwks()
            clock.advance(jump)
            assert said(gate, of_next) == "Allow"
            assert len(keys.take()) == 2


@pytest.mark.parametrize("back", [0.1, MINUTE, HOUR, DAY])
def test_a_clock_that_went_back_makes_nothing_younger(gate: Gate, keys: KeyHost, wire: AwsCalls, clock: Clock, back: float) -> None:
    """How old something is cannot be told then: only what the upstreams say now counts."""
    assert said(gate, EARLY) == "Allow"
    table_is_down(wire)
    clock.advance(-back)
    for _ in range(2):
        assert said(gate, EARLY) == "dynamodb_unavailable"
    with keys.failing(None):
        clock.advance(-back)
        assert said(gate, EARLY) == "jwks_unavailable"
    wire.rule = None
    clock.advance(5)
    assert (said(gate, EARLY), gate.line["stale"]) == ("Allow", False)


def test_a_clock_that_ran_ahead_for_a_moment_leaves_nothing_behind(gate: Gate, keys: KeyHost, wire: AwsCalls, clock: Clock) -> None:
    """What was confirmed in a future that did not come is no younger for it."""
    clock.now = NOW + DAY
    assert said(gate) == "Allow"
    publish(REVOKED)
    clock.now = NOW
    assert (said(gate), gate.line["version"]) == ("Deny", 2)
    assert len(keys.take()) == 2
    table_is_down(wire)
    clock.now = NOW + 301
    assert said(gate) == "dynamodb_unavailable"


# Seconds that the issuer's clock is ahead of ours, and what a token that it made this moment for five minutes is worth here.
SKEWS = [
    (-301, "expired"),
    (-300, "expired"),
    (-299, "Allow"),
    (0, "Allow"),
    (60, "Allow"),
    (61, "issued_in_future"),
    (DAY, "issued_in_future"),
]


def test_an_issuer_whose_clock_is_off_is_401_and_no_answer(gate: Gate) -> None:
    for ahead, ending in SKEWS:
        issued = NOW + ahead
        event = request_event(bearer("guest", iat=issued, auth_time=issued, exp=issued + 300), path="/pets/7")
        with case(f"{ahead} s ahead"):
            if ending == "Allow":
                assert effect(gate, event) == "Allow"
            else:
                assert is_401(gate.fail(event))
                assert gate.line["reason"] == ending


def test_a_token_that_came_too_early_is_good_a_moment_later(gate: Gate, clock: Clock) -> None:
    event = request_event(bearer("guest", iat=NOW + 70), path="/pets/7")
    assert said(gate, event) == "issued_in_future"
    clock.advance(10)
    assert said(gate, event) == "Allow"


def test_a_snapshot_of_a_sandbox_that_has_not_served_yet_reads_what_is_there_today(
    gate: Gate, keys: KeyHost, wire: AwsCalls, clock: Clock
) -> None:
    publish(REVOKED)
    wire.take()
    keys.body = NEXT.jwks()
    clock.advance(30 * DAY)
    today = request_event("Bearer " + NEXT.access_token("guest", now=clock.now), path="/pets/7")
    assert (effect(gate, today), gate.line["version"]) == ("Deny", 2)
    assert (len(keys.take()), wire.operations()) == (1, ["GetItem", *["Query"] * 5])


def test_a_snapshot_of_a_sandbox_that_has_served_uses_nothing_of_then(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    assert said(gate) == "Allow"
    publish(REVOKED)
    keys.body = NEXT.jwks()
    clock.advance(30 * DAY)
    assert is_401(gate.fail(GUEST))
    assert gate.line["reason"] == "unknown_kid"
    today = request_event("Bearer " + NEXT.access_token("guest", now=clock.now), path="/pets/7")
    assert (effect(gate, today), gate.line["version"]) == ("Deny", 2)


def test_a_snapshot_that_wakes_up_into_an_outage_is_trouble(gate: Gate, keys: KeyHost, wire: AwsCalls, clock: Clock) -> None:
    assert said(gate) == "Allow"
    clock.advance(30 * DAY)
    with keys.failing(None):
        assert trouble(gate, GUEST)["reason"] == "jwks_unavailable"
    table_is_down(wire)
    clock.advance(5)
    assert trouble(gate, GUEST)["reason"] == "dynamodb_unavailable"
    wire.rule = None
    assert said(gate) == "Allow"


def test_nothing_random_is_drawn_that_copies_of_a_snapshot_would_share() -> None:
    imported = {name.split(".")[0] for source in sources("authorizer") for name in source.imports()}
    assert "threading" in imported
    assert imported.isdisjoint({"random", "secrets", "uuid", "tempfile"})


def hung_up(host: TableHost) -> None:
    """The far end ended idle connections."""
    host.hang_up()


def cut(host: TableHost) -> None:
    """A reset arrived while nobody looked."""
    for connection in host.connections:
        reset(connection)


def forgotten(host: TableHost) -> None:
    """Something on the way dropped the connection and told nobody: what is sent over it gets no answer."""
    old = len(host.connections)
    host.reply = lambda number, _answer: (30.0,) if number < old else None


@pytest.mark.parametrize(("end", "attempts"), [(hung_up, 1), (cut, 1), (forgotten, 2)], ids=lambda value: getattr(value, "__name__", ""))
def test_a_connection_that_died_in_the_meantime_is_replaced(
    far_gate: Gate, table_host: TableHost, clock: Clock, end: Callable[[TableHost], None], attempts: int
) -> None:
    assert said(far_gate) == "Allow"
    assert len(table_host.connections) == 1
    publish(REVOKED)
    end(table_host)
    table_host.take()
    clock.advance(HOUR)
    with within(READ_SECONDS + 2):
        assert (said(far_gate), far_gate.line["version"], far_gate.line["stale"]) == ("Deny", 2, False)
    reads = table_host.take()
    assert [operation for _, operation in reads] == ["GetItem"] * attempts + ["Query"] * 2
    assert {number for number, _ in reads[attempts - 1 :]} == {len(table_host.connections) - 1}


def test_fetches_of_keys_leave_no_connection_behind_that_could_die(gate: Gate, keys: KeyHost, clock: Clock, connections: list[Any]) -> None:
    for _ in range(3):
        assert said(gate) == "Allow"
        clock.advance(HOUR)
    assert len(connections) == len(keys.take()) == 3
