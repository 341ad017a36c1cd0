"""What a failure costs: how many calls it makes of many requests, and how long one request waits. Also that `docs/failures.md` names tests that are there."""

import json
import logging
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import GatebookError, TroubleError
from authorizer.request_loop import UnauthorizedError
from authorizer.settings import read_settings
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.wiring import build_authorizer
from tests.integration.faults.conftest import GUEST, LASTING, effect
from tests.integration.faults.hosts import KeyHost, within
from tests.integration.gates import Context, Gate, bearer, build_gate, request_event, settings_of, token_event, trouble
from tests.support.aws_calls import Answer, AwsCalls, Call, error
from tests.support.clock import Clock
from tests.support.http_replies import reply
from tests.support.issuer import NOW, Issuer, b64
from tests.support.tables import Table, opened, publish

ROOT = Path(__file__).parents[3]
US, NEXT = Issuer(), Issuer(kid="kid-2", key_name="next")
KIDS, TICK = (10_000, 1 / 256) if os.environ.get("CI") else (2_000, 5 / 256)
"""How many key ids are made up, and a step of the clock between two that floats add up without error: 39 seconds in all."""


@pytest.fixture
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def flood(gate: Gate, clock: Clock, refusal: type[Exception]) -> list[float]:
    """As many requests with as many key ids that nobody has, in 39 seconds, and a good one among each 100. Gives when keys were fetched."""
    started, fetched = clock.now, []
    # Refused before the signature matters: one serves all.
    _, payload, signature = bearer("admin").split(".")
    for number in range(KIDS):
        header = b64(json.dumps({"alg": "RS256", "kid": f"made-up-{number}"}).encode())
        with pytest.raises(refusal):
            gate.handler(token_event(f"Bearer {header}.{payload}.{signature}"), Context())
        if number % 100 == 0:
            answered: Any = gate.handler(GUEST, Context())
            assert answered["policyDocument"]["Statement"][0]["Effect"] == "Allow"
        fetched += [clock.now - started] * len(gate.keys.take())
        clock.advance(TICK)
    return fetched


@pytest.mark.usefixtures("_quiet")
def test_thousands_of_made_up_key_ids_cost_one_fetch_per_ten_seconds(gate: Gate, clock: Clock) -> None:
    gate.call(GUEST)
    gate.keys.take()
    assert flood(gate, clock, UnauthorizedError) == [10, 20, 30]


@pytest.mark.usefixtures("_quiet")
def test_thousands_of_made_up_key_ids_at_a_dead_issuer_cost_one_fetch_per_five_seconds(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    gate.call(GUEST)
    clock.advance(10)
    keys.take()
    keys.status = 500
    assert flood(gate, clock, TroubleError) == [0, 5, 10, 15, 20, 25, 30, 35]


# What the key server does, which key the tokens name, how old the keys here are, and how all of them end.
CROWDS = [
    ("down", US, None, "jwks_unavailable"),
    ("slow", US, 3600, "Allow"),
    ("down", US, 3600, "Allow"),
    ("down", US, 7200, "jwks_unavailable"),
    ("slow", NEXT, 10, "Allow"),
    ("down", NEXT, 10, "jwks_unavailable"),
]


@pytest.mark.parametrize(("state", "issuer", "age", "ending"), CROWDS, ids=lambda value: getattr(value, "kid", str(value)))
def test_many_threads_at_once_share_one_fetch_and_its_wait(
    published: Table, keys: KeyHost, clock: Clock, state: str, issuer: Issuer, age: float | None, ending: str
) -> None:
    """Not by the handler, whose log and metrics are one sandbox's: what it calls is asked."""
    authorizer = build_authorizer(read_settings(settings_of(keys)), opened(), clock)
    if age is not None:
        authorizer.authorize(events.read_request(GUEST))
        # As fresh permissions as the keys allow: the threads shall meet at the keys alone.
        clock.now = NOW + min(age - 1, 3599)
        authorizer.authorize(events.read_request(GUEST))
        clock.now = NOW + age
    request = events.read_request(request_event("Bearer " + issuer.access_token("guest", sub="u1", **LASTING), path="/pets/7"))
    endings: list[str] = []
    together = threading.Barrier(16)

    def ask() -> None:
        together.wait()
        try:
            endings.append(authorizer.authorize(request).ruling.decision.effect.value.capitalize())
        except GatebookError as error:
            endings.append(error.reason)

    keys.take()
    both = json.dumps({"keys": [US.jwk(), NEXT.jwk()]}).encode()
    down = state == "down"
    with keys.failing((30.0,) if down else (0.1, reply(both)), 0.3 if down else 5.0), within(2):
        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert endings == [ending] * 16
    assert len(keys.take()) == 1


def test_a_silent_issuer_is_waited_for_two_and_a_half_seconds(
    published: Table, keys: KeyHost, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("authorizer.wiring.fetch_jwks", fetch_jwks)
    gate = build_gate(keys, clock, capsys)
    with keys.failing((30.0,)):
        started = time.monotonic()
        assert trouble(gate, GUEST)["reason"] == "jwks_unavailable"
        assert 2.4 < time.monotonic() - started < 3.5
        with within(1):
            trouble(gate, GUEST)
    assert len(keys.take()) == 1


def test_a_silent_resolver_is_waited_for_no_longer_than_an_issuer(keys: KeyHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has timeouts of its own, which are longer."""
    over = threading.Event()

    def silent(*_: Any, **__: Any) -> Any:
        over.wait(5)
        raise OSError("no name server answered")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with within(2), pytest.raises(TroubleError, match="TimeoutError"):
        fetch_jwks(keys.uri, seconds=0.1)
    over.set()


def longest_read() -> float:
    """How long one read of the table may take, by what its client is configured to: each attempt, and the pause between two."""
    client: Any = opened().connection.client
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1.0, 1.5)
    assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 2)
    return float(2 * (config.connect_timeout + config.read_timeout) + 1)


def test_one_read_of_the_table_waits_at_most_six_seconds(gate: Gate) -> None:
    assert longest_read() == 6


def test_the_pause_before_a_second_attempt_is_less_than_a_second(gate: Gate, wire: AwsCalls, pauses: list[float]) -> None:
    for fault in (error("ThrottlingException"), error("InternalServerError", 500)):

        def rule(_: Call, fault: Answer = fault) -> Answer:
            return fault

        wire.rule = rule
        for _ in range(8):
            trouble(gate, GUEST)
    assert len(pauses) == 16
    assert 0 <= min(pauses) <= max(pauses) < 1


def test_an_issuer_and_one_read_at_their_slowest_end_before_lambda_and_the_gateway_give_up(gate: Gate) -> None:
    """An authorizer has ten seconds ("Quotas for configuring and running a REST API", API Gateway developer guide)."""
    assert 2.5 + longest_read() == 8.5


def function_timeouts() -> dict[str, int]:
    """The limit of each function that runs the authorizer, in the templates as they are written."""
    found: dict[str, int] = {}
    for name in ("template.yaml", "sample_api.yaml"):
        text = (ROOT / "infra" / name).read_text(encoding="utf-8")
        for block in re.split(r"\n(?=  \w+:\n)", text):
            if "Handler: authorizer.handler.handler" in block:
                [timeout] = re.findall(r"^ +Timeout: (\d+)$", block, re.MULTILINE)
                found[f"{name} {block.split(':')[0].strip()}"] = int(timeout)
    return found


def test_lambda_ends_a_call_after_nine_seconds_between_the_slowest_failure_and_the_gateway() -> None:
    """If Lambda ended it before, the failure would leave neither a log line nor a metric."""
    timeouts = function_timeouts()
    assert len(timeouts) == 5
    assert set(timeouts.values()) == {9}


def test_a_caller_costs_a_cold_authorizer_four_reads_and_one_per_subject(
    published: Table, keys: KeyHost, clock: Clock, capsys: pytest.CaptureFixture[str], wire: AwsCalls
) -> None:
    groups = [f"group-{number}" for number in range(20)]
    publish("{api: petstore, routes: [GET /pets], groups: {" + ", ".join(f"{group}: {{allow: [GET /pets]}}" for group in groups) + "}}")
    gate = build_gate(keys, clock, capsys)
    wire.take()
    assert effect(gate, request_event(bearer(*groups))) == "Allow"
    # Head, record, registry, catalogue; `everyone`, who was written once; and each group.
    assert wire.operations() == ["GetItem", *["Query"] * (3 + 1 + 20)]


def _written_tests() -> set[str]:
    files: Iterator[Path] = Path(__file__).parents[1].rglob("test_*.py")
    return {name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)}


def test_every_test_that_the_page_on_failures_names_is_there_and_every_row_names_one() -> None:
    page = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"\b(\d+) `(test_\w+)`", page))
    assert len(named) > 20
    assert set(named.values()) <= _written_tests()
    assert page.count("`test_") == len(named)
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| failure")]
    assert len(rows) > 15
    used: set[str] = set()
    for row in rows:
        numbers = re.findall(r"\d+", row.rstrip(" |").split("|")[-1])
        assert numbers, row
        used |= set(numbers)
    used |= {number for group in re.findall(r"\[((?:\d+, )*\d+)\]", page) for number in group.split(", ")}
    assert used == set(named)
