"""Whoever asks again is answered as whoever asks for the first time, whatever happened between."""

import random

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.answering import Answering, Caller
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.denylist import DenylistKind
from authorizer.ruling import Ruling
from tests.integration.gates import COSTS, DOCUMENT, Gate, KeyServer, bearer, build_gate, keys, request_event, token_event
from tests.support.clock import Clock
from tests.support.events import Event
from tests.support.issuer import NOW
from tests.support.tables import Table, opened, publish

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
    return answer, {name: value for name, value in gate.line.items() if name not in ("timestamp", "_aws", "location", *COSTS)}


@pytest.mark.parametrize("scope", ["request", "route", "token"])
@pytest.mark.parametrize("seed", [1, 2])
def test_an_answer_from_memory_is_the_answer_of_a_cold_start(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, scope: str, seed: int
) -> None:
    ruled, answered = [0], [0]
    rule, answer = Answering.rule, Answering.answer

    def count_rulings(answering: Answering, request: AuthorizationRequest, caller: Caller) -> Ruling:
        ruled[0] += 1
        return rule(answering, request, caller)

    def count_answers(answering: Answering, caller: Caller, ruling: Ruling) -> Answer:
        answered[0] += 1
        return answer(answering, caller, ruling)

    monkeypatch.setattr(Answering, "rule", count_rulings)
    monkeypatch.setattr(Answering, "answer", count_answers)
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
            # Owners hold the same permissions, and may each read their own pets.
            asks = bearer(picks.choice(["guest", "owner", "admin"]), sub=picks.choice(["u1", "u2"]))
            event = request_event(asks, verb=verb, path=path) if picks.random() < 0.5 else token_event(asks, verb, path)
        cold = build_gate(keys, clock, capsys, **settings)
        assert said(warm, event) == said(cold, event), (seed, step, event["methodArn"])
    assert answered[0] < 2 * STEPS - STEPS // 6, "hardly anything was answered from memory"
    assert ruled[0] < answered[0], "no ruling served a second caller"


def test_a_token_that_was_answered_from_memory_is_refused_as_soon_as_it_is_on_the_denylist(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(DOCUMENT, clock=clock)
    gate = build_gate(keys, clock, capsys, POLICY_REFRESH_SECONDS="10")
    event, other = (request_event(bearer("admin", sub=sub), path="/pets") for sub in ("u1", "u2"))
    for _ in range(3):
        gate.call(event)
        gate.call(other)
    service = PermissionService(opened(), clock)
    service.add_entry("petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=2_000_000_000)
    clock.advance(11)
    for _ in range(2):
        assert str(gate.fail(event)) == "Unauthorized"
        assert gate.call(other)["policyDocument"]["Statement"][0]["Effect"] == "Allow"


@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_one_owner_is_not_answered_as_another(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    publish(DOCUMENT, clock=clock)
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope)
    effects = []
    for sub in ("u2", "u1", "u2", "u1"):
        gate.call(request_event(bearer("owner", sub=sub), path="/owners/u1/pets"))
        effects.append(gate.line["effect"])
    assert effects == ["deny", "allow", "deny", "allow"]


@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_an_answer_ends_with_the_token_that_it_is_given_for(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    publish(DOCUMENT, clock=clock)
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope, EXPIRY_CONDITIONS="1")
    for ends in (NOW + 100, NOW + 200, NOW + 100):
        answer = gate.call(request_event(bearer("guest", exp=ends), path="/pets"))
        conditions = [statement["Condition"] for statement in answer["policyDocument"]["Statement"] if statement["Effect"] == "Allow"]
        assert conditions
        assert all(condition == {"NumericLessThan": {"aws:EpochTime": str(ends)}} for condition in conditions)
