"""What a request costs in calls: counted, since milliseconds depend on the machine and calls do not."""

from typing import Any

import botocore.session
import pytest
from jose.backends.cryptography_backend import CryptographyRSAKey

from tests.integration.caches import Reader
from tests.integration.gates import DOCUMENT, Gate, KeyServer, bearer, build_gate, gate, keys, published, request_event, token_event
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.connections import connections
from tests.support.issuer import CLIENT_ID, NOW, Issuer
from tests.support.tables import Table, publish

__all__ = ["connections", "gate", "keys", "published"]

COLD = ["head", "records", "registry", "routes", "subject#everyone/"]


class Costs:
    """What the calls since the last time were, in words."""

    def __init__(self, keys: KeyServer, wire: AwsCalls, clock: Clock, connections: list[Any]) -> None:
        self._keys = keys
        self._wire = wire
        self._words = Reader(wire, clock)
        self._connections = connections

    def take(self) -> list[str]:
        """One word for each call over the network. Fails for a connection that none of them explains."""
        fetches = ["jwks" for _ in self._keys.take()]
        assert len(self._connections) == len(fetches)
        self._connections.clear()
        assert {call.service for call in self._wire.calls} <= {"dynamodb"}
        return fetches + self._words.cost()


@pytest.fixture
def costs(gate: Gate, keys: KeyServer, wire: AwsCalls, clock: Clock, connections: list[Any]) -> Costs:
    return Costs(keys, wire, clock, connections)


def test_building_the_handler_calls_nobody(published: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: Any) -> None:
    """A cold start during an outage must not fail before there is a request to fail."""
    wire.take()
    build_gate(keys, clock, capsys)
    assert (wire.take(), keys.take()) == ([], [])


@pytest.mark.parametrize("event", [token_event, request_event])
def test_a_cold_request_reads_each_thing_once(gate: Gate, costs: Costs, event: Any) -> None:
    gate.call(event(bearer("owner", "stranger")))
    assert costs.take() == ["jwks", *COLD, "subject#group/owner", "subject#group/guest"]


def test_ancestors_that_a_caller_has_anyway_are_read_once(gate: Gate, costs: Costs) -> None:
    gate.call(request_event(bearer("guest", "owner")))
    assert sorted(costs.take()) == sorted(["jwks", *COLD, "subject#group/guest", "subject#group/owner"])


def test_a_warm_request_calls_nobody(gate: Gate, costs: Costs, clock: Clock) -> None:
    gate.call(request_event(bearer("owner")))
    costs.take()
    for seconds in (0, 1, 8.9):
        clock.advance(seconds)
        for path in ("/pets", "/pets/7", "/owners/u1/pets", "/owners/u2/pets"):
            gate.call(request_event(bearer("owner"), path=path))
            gate.call(token_event(bearer("guest"), path=path))
    assert costs.take() == []


def test_another_caller_costs_what_is_new_of_him(gate: Gate, costs: Costs) -> None:
    gate.call(request_event(bearer("guest")))
    costs.take()
    gate.call(request_event(bearer("owner", sub="u2", jti="another")))
    assert costs.take() == ["subject#group/owner"]
    gate.call(request_event(bearer("admin", "guest", sub="u3")))
    assert costs.take() == ["subject#group/admin"]


def test_groups_that_nobody_gave_anything_cost_nothing(gate: Gate, costs: Costs) -> None:
    gate.call(request_event(bearer()))
    costs.take()
    gate.call(request_event(bearer(*(f"stranger-{n}" for n in range(100)))))
    assert costs.take() == []


def test_a_look_for_a_new_version_costs_one_read(gate: Gate, costs: Costs, clock: Clock) -> None:
    gate.call(request_event(bearer("owner")))
    costs.take()
    clock.advance(10)
    for _ in range(3):
        gate.call(request_event(bearer("owner")))
    assert costs.take() == ["head"]


def test_a_new_version_costs_its_record_and_what_it_touched(gate: Gate, costs: Costs, wire: AwsCalls, clock: Clock) -> None:
    gate.call(request_event(bearer("owner")))
    costs.take()
    publish(DOCUMENT.replace("POST /pets, {route", "{route"))
    publish(DOCUMENT.replace('["* /**"]', "[GET /pets]"))
    wire.take()
    clock.advance(10)
    gate.call(request_event(bearer("owner")))
    assert costs.take() == ["head", "records", "subject#group/owner"]


def test_a_delegated_client_costs_its_row_and_its_scopes_once(
    table: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str], connections: list[Any]
) -> None:
    """Whoever came through a client that no document names pays nothing for it, and a warm request reads nothing whoever makes it."""
    clients = {"clients": {"third": {"delegated": True}}, "scopes": {"read": {"allow": ["GET /pets"]}, "write": {}}}
    publish({"api": "petstore", "routes": ["GET /pets"], "groups": {"owner": {"allow": ["GET /pets"]}}, **clients})
    wire.take()
    gate, costs = build_gate(keys, clock, capsys, APP_CLIENT_IDS=f"{CLIENT_ID},third"), Costs(keys, wire, clock, connections)
    ours = request_event(bearer("owner", scope="read write openid"))
    third = [
        request_event(bearer("owner", client_id="third", scope=scope)) for scope in ("read openid", "read openid unheard-of", "read write")
    ]
    gate.call(ours)
    assert costs.take() == ["jwks", *COLD[:-1], "subject#group/owner"]
    taken = []
    for event in third:
        gate.call(event)
        taken.append(costs.take())
    assert taken == [["subject#client/third", "subject#scope/read"], [], ["subject#scope/write"]]
    for event in (*third, ours):
        gate.call(event)
    assert costs.take() == []


def test_denied_and_refused_requests_cost_no_more(gate: Gate, costs: Costs) -> None:
    gate.call(request_event(bearer("guest")))
    costs.take()
    gate.call(request_event(bearer("guest"), verb="POST"))
    for bad in ("", "Bearer garbage", bearer("guest", exp=NOW - 1), bearer("guest", client_id="another")):
        gate.fail(request_event(bad))
    assert costs.take() == []


def test_made_up_key_ids_cost_one_fetch_per_cooldown(gate: Gate, costs: Costs, clock: Clock) -> None:
    gate.call(request_event(bearer("guest")))
    costs.take()
    forged = ["Bearer " + Issuer(kid=f"made-up-{n}").access_token("admin") for n in range(20)]
    for token in forged:
        gate.fail(request_event(token))
    assert costs.take() == []
    clock.advance(10)
    for token in forged:
        gate.fail(request_event(token))
    assert costs.take() == ["jwks"]


def test_an_issuer_that_is_down_costs_one_fetch_per_cooldown(gate: Gate, costs: Costs, keys: KeyServer, clock: Clock) -> None:
    keys.status = 500
    for _ in range(5):
        gate.fail(request_event(bearer("guest")))
    assert costs.take() == ["jwks"]
    clock.advance(5)
    for _ in range(5):
        gate.fail(request_event(bearer("guest")))
    assert costs.take() == ["jwks"]


def test_keys_are_fetched_again_after_their_maximum_age(gate: Gate, costs: Costs, clock: Clock) -> None:
    event = request_event(bearer("guest", exp=NOW + 10_000))
    gate.call(event)
    costs.take()
    clock.advance(3599)
    gate.call(event)
    assert costs.take() == ["head"]
    clock.advance(1)
    gate.call(event)
    assert costs.take() == ["jwks"]


def test_there_is_one_client_and_one_session(
    published: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each client reads botocore's descriptions of AWS again, a third of a second on a small function."""
    sessions: list[object] = []
    init = botocore.session.Session.__init__

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        sessions.append(self)
        init(self, *args, **kwargs)

    monkeypatch.setattr(botocore.session.Session, "__init__", counted)
    before = wire.clients
    gate = build_gate(keys, clock, capsys)
    for caller in ("guest", "owner", "admin"):
        gate.call(request_event(bearer(caller)))
        gate.call(token_event(bearer(caller)))
        clock.advance(11)
    assert (wire.clients - before, len(sessions)) == (1, 1)


def test_a_key_is_built_once_per_fetch_and_not_per_token(
    gate: Gate, keys: KeyServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    construct = CryptographyRSAKey

    def counted(key_data: Any, algorithm: Any = None) -> Any:
        built.append(key_data["n"])
        return construct(key_data, algorithm)

    monkeypatch.setattr("authorizer.tokens.jwks.CryptographyRSAKey", counted)
    second = Issuer(kid="kid-2", key_name="second")
    keys.body = (
        b'{"keys": [' + keys.body.removeprefix(b'{"keys": [').removesuffix(b"]}") + b", " + second.jwks().removeprefix(b'{"keys": [')
    )
    for _ in range(3):
        for issuer in (Issuer(), second):
            gate.call(request_event("Bearer " + issuer.access_token("guest", exp=NOW + 10_000)))
    assert sorted(built) == sorted([Issuer().jwk()["n"], second.jwk()["n"]])
    clock.advance(3600)
    gate.call(request_event("Bearer " + second.access_token("guest", exp=NOW + 10_000)))
    assert len(built) == 4
