"""What the handler raises: 401 for the caller's mistakes, with a reason in the log alone, and 500 for trouble of ours, which is never an answer."""

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authorizer.errors import TroubleError
from tests.integration.gates import (
    Context,
    Gate,
    KeyServer,
    bearer,
    build_gate,
    gate,
    is_401,
    is_allowed,
    keys,
    published,
    request_event,
    route_gate,
    token_event,
    trouble,
)
from tests.support.aws_calls import AwsCalls, answer, error
from tests.support.clock import Clock
from tests.support.events import Event
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, Issuer, b64, rsa_key, sign
from tests.support.tables import TABLE, Table

__all__ = ["gate", "keys", "published", "route_gate"]

US = Issuer()
CLAIMS = US.access_claims("admin")


def _unsigned(header: dict[str, Any], signature: str) -> str:
    return ".".join((b64(json.dumps(header).encode()), b64(json.dumps(CLAIMS).encode()), signature))


def _hs256() -> str:
    """Signed with our public key as if it were a shared secret (RFC 8725 section 2.1)."""
    head = _unsigned({"alg": "HS256", "kid": US.kid}, "").removesuffix(".")
    secret = US.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return f"{head}.{b64(hmac.new(secret, head.encode(), hashlib.sha256).digest())}"


def _tampered() -> str:
    header, _, signature = US.access_token("guest").split(".")
    return f"{header}.{b64(json.dumps(CLAIMS).encode())}.{signature}"


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "missing_token"),
    "scheme_alone": ("Bearer ", "malformed"),
    "other_scheme": (f"Basic {US.access_token('admin')}", "malformed_authorization"),
    "two_joined": (f"Bearer {US.access_token('admin')}, Bearer {US.access_token('admin')}", "malformed_authorization"),
    "garbage": ("Bearer garbage-from-somewhere", "malformed"),
    "garbage_in_segments": ("Bearer garbagegarbage.garbagegarbage.garbagegarbage", "malformed"),
    "huge": ("Bearer " + "a" * 20_000, "too_large"),
    "expired": (f"Bearer {US.access_token('admin', exp=NOW)}", "expired"),
    "without_end": (f"Bearer {US.access_token('admin', exp=None)}", "expired"),
    "other_pool": (f"Bearer {Issuer(issuer=ISSUER + 'X').access_token('admin')}", "issuer"),
    "id_token": (f"Bearer {US.token(US.id_claims('admin'))}", "token_use"),
    "other_client": (f"Bearer {US.access_token('admin', client_id='another')}", "client_id"),
    "hs256_with_the_public_key": (f"Bearer {_hs256()}", "algorithm"),
    "alg_none": (f"Bearer {_unsigned({'alg': 'none', 'kid': US.kid}, US.access_token().split('.')[2])}", "algorithm"),
    "alg_none_and_no_signature": (f"Bearer {_unsigned({'alg': 'none', 'kid': US.kid}, '')}", "malformed"),
    "unknown_kid": (f"Bearer {Issuer(kid='made-up', key_name='forger').access_token('admin')}", "unknown_kid"),
    "forged": (f"Bearer {sign(rsa_key('forger'), {'alg': 'RS256', 'kid': US.kid}, CLAIMS)}", "signature"),
    "tampered_payload": (f"Bearer {_tampered()}", "signature"),
    "too_many_scopes": (f"Bearer {US.token(US.machine_claims(*(f's{n}' for n in range(101))))}", "too_many_refs"),
    "groups_that_are_none": (f"Bearer {US.access_token(**{'cognito:groups': 7})}", "groups"),
}


Ask = tuple[str, Gate, Callable[[str], Event]]


@pytest.fixture
def asks(gate: Gate, route_gate: Gate) -> list[Ask]:
    """Each way to be asked."""
    return [("token", gate, token_event), ("request", gate, request_event), ("request in route scope", route_gate, request_event)]


def test_a_bad_token_is_401_with_a_reason_in_the_log_alone(asks: list[Ask]) -> None:
    for way, asked, event in asks:
        for name, (authorization, reason) in BAD.items():
            assert is_401(asked.fail(event(authorization))), (way, name)
            line = asked.line
            assert (line["message"], line["level"], line["reason"]) == ("unauthorized", "INFO", reason), (way, name)
            assert (line["api"], line["request_id"]) == ("petstore", Context.aws_request_id)
            assert {"effect", "subject"}.isdisjoint(line), (way, name)
            assert asked.counted == {"unauthorized": 1}, (way, name)
        # The same authorizer, asked properly: it was not the authorizer that was broken.
        assert is_allowed(asked, event(bearer("guest"))), way


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ((), "missing_token"),
        ((bearer("admin"), bearer("admin")), "several_authorization_values"),
        ((bearer(), ""), "several_authorization_values"),
    ],
)
def test_a_header_must_be_there_exactly_once(gate: Gate, values: tuple[str, ...], reason: str) -> None:
    assert is_401(gate.fail(request_event(*values)))
    assert gate.line["reason"] == reason


def test_no_captured_event_is_trouble(gate: Gate) -> None:
    """Their token is none: `a` cannot be base64url."""
    files = sorted((Path(__file__).parents[1] / "events").glob("rest_*.json"))
    assert files
    for file in files:
        case = json.loads(file.read_text())
        assert is_401(gate.fail(case["event"])), file.name
        assert gate.line["reason"] == case["expected"].get("error", "malformed"), file.name


def test_a_bad_token_costs_no_read_of_the_table(gate: Gate, wire: AwsCalls) -> None:
    for authorization, _ in BAD.values():
        gate.fail(request_event(authorization))
    assert wire.take() == []


def test_a_token_that_expires_in_the_meantime_is_401(gate: Gate, clock: Clock) -> None:
    event = request_event(bearer("guest", exp=NOW + 10))
    gate.call(event)
    clock.advance(10)
    assert is_401(gate.fail(event))
    assert gate.line["reason"] == "expired"


GUEST = request_event(bearer("guest"), path="/pets/7")
PARTITION, V1 = "api#petstore", "000000000001"


def no_table(table: Table) -> None:
    table.dynamodb.delete_table(TableName=TABLE)


def nothing_published(table: Table) -> None:
    table.delete(PARTITION, "head")


def unreadable_permissions(table: Table) -> None:
    table.change(f"{PARTITION}#subject#group/guest", V1, content='{"held": {"allow": ["GOT pets"]}, "ancestors": []}')


def unreadable_catalogue(table: Table) -> None:
    table.change(f"{PARTITION}#routes", V1, content="{")


def schema_of_the_future(table: Table) -> None:
    table.change(f"{PARTITION}#subject#everyone/", V1, schema=99)


def lost_row(table: Table) -> None:
    table.delete(f"{PARTITION}#subject#group/guest", V1)


def lost_record(table: Table) -> None:
    table.delete(PARTITION, f"version#{V1}")


@pytest.mark.parametrize(
    ("spoil", "reason", "named"),
    [
        (no_table, "dynamodb_unavailable", TABLE),
        (nothing_published, "nothing_published", "petstore"),
        (unreadable_permissions, "unreadable_row", f"{PARTITION}#subject#group/guest"),
        (unreadable_catalogue, "unreadable_row", f"{PARTITION}#routes"),
        (schema_of_the_future, "unreadable_row", f"{PARTITION}#subject#everyone/"),
        (lost_row, "lagging_row", f"{PARTITION}#subject#group/guest"),
        (lost_record, "lagging_row", "versions 1 to 1"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_table_that_cannot_tell_is_trouble_and_named(
    asks: list[Ask], published: Table, spoil: Callable[[Table], None], reason: str, named: str
) -> None:
    spoil(published)
    for way, asked, event in asks:
        line = trouble(asked, event(bearer("guest")))
        assert (line["reason"], line["api"]) == (reason, "petstore"), way
        assert named in line["exception"], way


@pytest.mark.parametrize(
    "failure",
    [
        error("ProvisionedThroughputExceededException"),
        error("AccessDeniedException"),
        error("InternalServerError", 500),
        answer(b"<html>", 502),
        ConnectTimeoutError(endpoint_url="https://dynamodb.test/"),
    ],
    ids=["throttled", "forbidden", "internal", "gibberish", "timeout"],
)
@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_dynamodb_that_fails_is_trouble(gate: Gate, wire: AwsCalls, failure: Any, operation: str) -> None:
    wire.rule = lambda call: failure if call.operation == operation else None
    assert trouble(gate, GUEST)["reason"] == "dynamodb_unavailable"
    wire.rule = None
    assert is_allowed(gate, GUEST)


def test_what_is_loaded_outlives_dynamodb_for_a_while_and_no_longer(gate: Gate, wire: AwsCalls, clock: Clock) -> None:
    gate.call(GUEST)
    wire.rule = lambda _: error("InternalServerError", 500)
    clock.advance(300)
    assert is_allowed(gate, GUEST)
    assert gate.line["stale"] is True
    assert gate.counted == {"allowed": 1, "stale": 1}
    clock.advance(0.1)
    assert trouble(gate, GUEST)["reason"] == "dynamodb_unavailable"


def test_a_caller_whose_permissions_are_not_loaded_is_trouble_and_not_denied(gate: Gate, wire: AwsCalls) -> None:
    gate.call(GUEST)
    wire.rule = lambda _: error("InternalServerError", 500)
    assert trouble(gate, request_event(bearer("owner"), path="/pets/7"))["reason"] == "dynamodb_unavailable"


def broken(keys: KeyServer) -> None:
    keys.status = 500


def gibberish(keys: KeyServer) -> None:
    keys.body = b"<html>"


def empty(keys: KeyServer) -> None:
    keys.body = b'{"keys": []}'


def too_large(keys: KeyServer) -> None:
    keys.body = b'{"keys": [' + b" " * 200_000 + b"]}"


def elsewhere(keys: KeyServer) -> None:
    keys.status = 302


@pytest.mark.parametrize("spoil", [broken, gibberish, empty, too_large, elsewhere])
def test_a_key_set_that_cannot_be_had_is_trouble_and_not_401(
    asks: list[Ask], keys: KeyServer, clock: Clock, spoil: Callable[[KeyServer], None]
) -> None:
    body = keys.body
    spoil(keys)
    for way, asked, event in asks:
        assert trouble(asked, event(bearer("guest")))["reason"] == "jwks_unavailable", way
    keys.status, keys.body = 200, body
    clock.advance(5)
    for way, asked, event in asks:
        assert is_allowed(asked, event(bearer("guest"))), way


def test_nobody_at_the_key_sets_address_is_trouble(published: Table, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with KeyServer(US.jwks()).running() as gone:
        pass
    gate = build_gate(gone, clock, capsys)
    line = trouble(gate, GUEST)
    assert line["reason"] == "jwks_unavailable"
    assert gone.uri in line["exception"]


def test_known_keys_outlive_their_issuer_for_a_while_and_no_longer(gate: Gate, keys: KeyServer, clock: Clock) -> None:
    lasting = {"exp": NOW + 100_000}
    gate.call(request_event(bearer("guest", **lasting)))
    keys.status = 503
    clock.advance(7199)
    assert is_allowed(gate, request_event(bearer("guest", **lasting)))
    clock.advance(5)
    assert trouble(gate, request_event(bearer("guest", **lasting)))["reason"] == "jwks_unavailable"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({}, "unknown_event"),
        ({"version": "2.0", "routeArn": "arn:aws:execute-api:x", "authorizationToken": bearer("admin")}, "unknown_event"),
        (token_event(bearer("admin")) | {"methodArn": "*"}, "unreadable_event"),
        (token_event(bearer("admin")) | {"methodArn": None}, "unreadable_event"),
        ({**GUEST, "multiValueHeaders": "text"}, "unreadable_event"),
    ],
)
def test_an_event_that_cannot_be_read_is_trouble(gate: Gate, event: Event, reason: str) -> None:
    assert trouble(gate, event)["reason"] == reason


def test_nobody_else_is_accepted_by_a_machines_client(gate: Gate) -> None:
    """A client id is a name, not a secret: it makes no token."""
    assert is_401(gate.fail(request_event(f"Bearer {CLIENT_ID}")))


def test_trouble_keeps_its_cause(gate: Gate, wire: AwsCalls) -> None:
    wire.rule = lambda _: error("AccessDeniedException")
    raised = gate.fail(GUEST)
    assert isinstance(raised, TroubleError)
    assert "AccessDeniedException" in str(raised)
