"""Whoever asks again is answered as whoever asks for the first time, whatever happened between."""

import random

import pytest

from authorizer.answering import Answering, Caller, Outcome
from authorizer.events.wire import AuthorizationRequest
from tests.integration.gates import DOCUMENT, Gate, KeyServer, bearer, build_gate, keys, request_event, token_event
from tests.support.clock import Clock
from tests.support.events import Event
from tests.support.tables import Table, publish

__all__ = ["keys"]

STEPS = 60
# The clock starts at 2027-01-15T08:00:00Z.
DOCUMENTS = (
    DOCUMENT,
    DOCUMENT.replace('allow: ["GET /pets/{petId}"]', "allow: [{route: 'GET /pets/{petId}', until: '2027-01-15T08:20:00Z'}]"),
    DOCUMENT.replace("allow: [GET /pets]", "allow: []").replace('["* /**"]', "[]"),
)
CALLS = [(verb, path) for path in ("/pets", "/pets/7", "/owners/u1/pets") for verb in ("GET", "POST")]


def said(gate: Gate, event: Event) -> object:
    """What a call answers and logs, less the moment."""
    try:
        answer: object = gate.call(event)
    except Exception as error:  # noqa: BLE001  # whatever is raised is what the gateway hears
        answer = str(error)
    return answer, {name: value for name, value in gate.line.items() if name not in ("timestamp", "_aws", "location")}


@pytest.mark.parametrize("scope", ["request", "route", "token"])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_answer_from_memory_is_the_answer_of_a_cold_start(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, scope: str, seed: int
) -> None:
    decided, answer = [0], Answering.answer

    def count(answering: Answering, request: AuthorizationRequest, caller: Caller) -> Outcome:
        decided[0] += 1
        return answer(answering, request, caller)

    monkeypatch.setattr(Answering, "answer", count)
    picks = random.Random(seed)
    settings = {"CACHE_SCOPE": scope, "POLICY_REFRESH_SECONDS": "0"}
    held = DOCUMENTS[0]
    publish(held, clock=clock)
    warm = build_gate(keys, clock, capsys, **settings)
    event: Event | None = None
    for step in range(STEPS):
        if picks.random() < 0.1:
            other = picks.choice([source for source in DOCUMENTS if source != held])
            publish(other, clock=clock)
            held = other
        if picks.random() < 0.2:
            clock.advance(picks.choice([30, 300]))
        if event is None or picks.random() < 0.4:
            verb, path = picks.choice(CALLS)
            asks = bearer(picks.choice(["guest", "admin"]))
            event = request_event(asks, verb=verb, path=path) if picks.random() < 0.5 else token_event(asks, verb, path)
        cold = build_gate(keys, clock, capsys, **settings)
        assert said(warm, event) == said(cold, event), (seed, step, event["methodArn"])
    assert decided[0] < 2 * STEPS - STEPS // 6, "hardly anything was answered from memory"
