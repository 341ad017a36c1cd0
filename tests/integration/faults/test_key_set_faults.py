"""A key set that cannot be had: 500 and never an answer or a 401, known keys flow within their bound and not beyond, and all is well again by itself."""

import gzip
import json
from typing import Any

import pytest

from tests.integration.faults.conftest import GUEST, LASTING, STRANGER, Cold, case, effect, some
from tests.integration.faults.hosts import Cut, KeyHost, Steps, within
from tests.integration.gates import Gate, build_gate, is_401, is_allowed, request_event, trouble
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.http_replies import CHUNKED, UNTIL_CLOSE, reply
from tests.support.issuer import CLIENT_ID, NOW, Issuer
from tests.support.tables import Table

US, NEXT = Issuer(), Issuer(kid="kid-2", key_name="next")
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"


# Permissions that hardly need the table again: what is looked at here are keys.
CONTENT = {"POLICY_REFRESH_SECONDS": "3600", "POLICY_MAX_STALE_SECONDS": "86400"}


def key_set(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


NO_KEY_SET, NO_KEY = "the key set is not a JSON object with a list of keys", "the key set has no RSA key"

# Each with what the log says of it. Where a body is good, only what is around it may be the reason to refuse it.
FAULTS: dict[str, dict[str, tuple[Steps | None, str]]] = {
    "slow": {
        "silence": ((30.0,), ""),
        "a key set that drips": ((UNTIL_CLOSE, US.jwks(), *(b" ", 0.05) * 500), ""),
    },
    "broken": {
        "nobody listens": (None, "ConnectionRefusedError"),
        "reset in the middle": ((HEADERS, US.jwks()[:100], Cut.RESET), "ConnectionResetError"),
        "hangs up at once": ((b"",), "RemoteDisconnected"),
        "reset at once": ((Cut.RESET,), "ConnectionResetError"),
        "garbage": ((bytes(range(256)) * 10,), "BadStatusLine"),
    },
    "status": {
        "500": ((reply(US.jwks(), "500 Internal Server Error"),), "status 500"),
        "503": ((reply(US.jwks(), "503 Service Unavailable", "Retry-After: 3600\r\n"),), "status 503"),
        "404": ((reply(US.jwks(), "404 Not Found"),), "status 404"),
    },
    "size": {
        "too large": ((reply(US.jwks() + b" " * 150_000),), "more than 150000 bytes"),
        "chunks without end": ((CHUNKED, *[b"1000\r\n" + b" " * 4096 + b"\r\n"] * 1000), "more than 150000 bytes"),
    },
    "content": {
        "a gzip bomb": ((reply(gzip.compress(US.jwks() + b" " * 20_000_000), headers="Content-Encoding: gzip\r\n"),), NO_KEY_SET),
        "an empty list": ((reply(key_set()),), NO_KEY),
        "cut off in the middle": ((HEADERS, US.jwks()[:-1]), NO_KEY_SET),
        "a page": ((reply(b"<html>maintenance</html>"),), NO_KEY_SET),
        "nothing": ((reply(),), NO_KEY_SET),
        "JSON of another kind": ((reply(b'{"error": "try again"}'),), NO_KEY_SET),
        "keys for something else": ((reply(key_set(US.jwk(use="enc"))),), NO_KEY),
        "two keys of one name": ((reply(key_set(US.jwk(), NEXT.jwk(kid="kid-1"))),), NO_KEY),
    },
}
PATIENCE = {"slow": 0.1}


class Asked:
    """How often the key server was asked, also where nobody listened."""

    def __init__(self, keys: KeyHost, connections: list[Any]) -> None:
        self._keys = keys
        self._connections = connections

    def take(self) -> int:
        """Since the last time. Fails if anybody else was asked."""
        assert {address[1] for address in self._connections} <= {self._keys.port}
        number = len(self._connections)
        self._connections.clear()
        return number


@pytest.fixture
def asked(keys: KeyHost, connections: list[Any]) -> Asked:
    return Asked(keys, connections)


def out_of_keys(gate: Gate, event: dict[str, Any] = GUEST) -> str:
    """The call ends as 500, soon. Gives what the log says of it."""
    with within(2):
        line = trouble(gate, event)
    assert line["reason"] == "jwks_unavailable"
    return str(line["exception"])


def refused(gate: Gate, token: str) -> str:
    """Why a call ends as 401."""
    assert is_401(gate.fail(request_event("Bearer " + token)))
    assert gate.counted == {"unauthorized": 1}
    return str(gate.line["reason"])


@pytest.mark.parametrize("kind", FAULTS)
def test_without_keys_a_cold_authorizer_fails_and_asks_once_per_five_seconds(
    cold: Cold, keys: KeyHost, wire: AwsCalls, clock: Clock, asked: Asked, kind: str
) -> None:
    for name, (fault, word) in some(FAULTS[kind], 2).items():
        gate = cold(**CONTENT)
        with case(name):
            with keys.failing(fault, PATIENCE.get(kind, 5.0)):
                for wait, fetches in ((0, 1), (0, 0), (4.9, 0), (0.1, 1), (1, 0)):
                    clock.advance(wait)
                    logged = out_of_keys(gate)
                    assert asked.take() == fetches
                    assert (word if fetches else "could not be fetched a moment ago") in logged
                    assert keys.uri in logged or (fetches and kind == "content")
            assert wire.take() == []
            # The issuer is well, but it was asked a second ago.
            out_of_keys(gate)
            assert asked.take() == 0
            clock.advance(4)
            assert effect(gate, GUEST) == "Allow"
            assert asked.take() == 1


@pytest.mark.parametrize("kind", FAULTS)
def test_known_keys_serve_an_hour_beyond_their_age_and_not_longer(cold: Cold, keys: KeyHost, clock: Clock, asked: Asked, kind: str) -> None:
    for name, (fault, _) in some(FAULTS[kind], 2).items():
        gate = cold(**CONTENT)
        with case(name):
            assert effect(gate, GUEST) == "Allow"
            asked.take()
            with keys.failing(fault, PATIENCE.get(kind, 5.0)):
                for age, fetches in ((3599, 0), (3600, 1), (3604, 0), (3605, 1), (7199, 1)):
                    clock.now = NOW + age
                    with within(2):
                        assert (effect(gate, GUEST), effect(gate, STRANGER)) == ("Allow", "Deny")
                    assert asked.take() == fetches
                for age, fetches in ((7204, 1), (7204, 0), (7209, 1)):
                    clock.now = NOW + age
                    out_of_keys(gate)
                    assert asked.take() == fetches
            clock.advance(5)
            assert effect(gate, GUEST) == "Allow"
            assert asked.take() == 1


def test_the_bound_of_known_keys_is_two_hours_to_the_second(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    effect(gate, GUEST)
    with keys.failing(None):
        clock.now = NOW + 7194.5
        assert effect(gate, GUEST) == "Allow"
        # Asked a moment ago: the bound holds between two attempts as well.
        clock.now = NOW + 7199.4
        assert effect(gate, GUEST) == "Allow"
        clock.now = NOW + 7200
        out_of_keys(gate)


def test_known_keys_that_are_renewed_start_a_new_hour(gate: Gate, keys: KeyHost, clock: Clock, asked: Asked) -> None:
    effect(gate, GUEST)
    with keys.failing(None):
        clock.now = NOW + 7100
        effect(gate, GUEST)
    clock.now = NOW + 7105
    asked.take()
    for age, fetches in ((7105, 1), (7105 + 3599, 0), (7105 + 3600, 1)):
        clock.now = NOW + age
        assert effect(gate, GUEST) == "Allow"
        assert asked.take() == fetches


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"])
def test_a_redirect_leads_nowhere(gate: Gate, keys: KeyHost, asked: Asked, status: str) -> None:
    """Whoever could redirect the key set could sign tokens."""
    forger = Issuer(key_name="forger")
    with (
        KeyHost(forger.jwks()).running() as elsewhere,
        keys.failing((reply(forger.jwks(), status, f"Location: {elsewhere.uri}\r\n"),)),
    ):
        out_of_keys(gate)
        out_of_keys(gate, request_event("Bearer " + forger.access_token("admin")))
        assert elsewhere.take() == []
        assert asked.take() == 1


def test_a_made_up_key_id_while_the_issuer_is_down_is_500_and_harms_no_other(gate: Gate, keys: KeyHost, clock: Clock, asked: Asked) -> None:
    """Nobody can tell whether it is made up."""
    effect(gate, GUEST)
    asked.take()
    clock.advance(10)
    with keys.failing(None):
        for fetches in (1, 0, 0):
            out_of_keys(gate, request_event("Bearer " + NEXT.access_token("guest")))
            assert effect(gate, GUEST) == "Allow"
            assert asked.take() == fetches


def test_a_withdrawn_key_is_refused_at_the_maximum_age(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    effect(gate, GUEST)
    keys.body = NEXT.jwks()
    clock.now = NOW + 3599
    assert effect(gate, GUEST) == "Allow"
    clock.now = NOW + 3600
    assert refused(gate, US.access_token("guest", **LASTING)) == "unknown_kid"


def test_a_withdrawn_key_is_refused_as_soon_as_a_token_names_its_successor(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    effect(gate, GUEST)
    keys.body = NEXT.jwks()
    clock.advance(10)
    assert is_allowed(gate, request_event("Bearer " + NEXT.access_token("guest")))
    assert refused(gate, US.access_token("guest")) == "unknown_kid"


def test_a_rotated_key_is_taken_from_the_first_token_that_names_it(gate: Gate, keys: KeyHost, clock: Clock, asked: Asked) -> None:
    effect(gate, GUEST)
    asked.take()
    keys.body = key_set(US.jwk(), NEXT.jwk())
    clock.advance(9.9)
    assert refused(gate, NEXT.access_token("guest")) == "unknown_kid"
    assert asked.take() == 0
    clock.advance(0.1)
    for _ in range(3):
        assert is_allowed(gate, request_event("Bearer " + NEXT.access_token("guest")))
        assert effect(gate, GUEST) == "Allow"
    assert asked.take() == 1


def test_a_key_replaced_under_its_name_is_taken_at_the_maximum_age(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    """Nothing in a token tells that its key is another one."""
    other = Issuer(key_name="next")
    effect(gate, GUEST)
    keys.body = other.jwks()
    clock.now = NOW + 3599
    assert refused(gate, other.access_token("guest", **LASTING)) == "signature"
    clock.now = NOW + 3600
    assert is_allowed(gate, request_event("Bearer " + other.access_token("guest", **LASTING)))
    assert refused(gate, US.access_token("guest", **LASTING)) == "signature"


def test_of_two_keys_of_one_name_neither_signs_and_others_do(gate: Gate, keys: KeyHost) -> None:
    twin = Issuer(key_name="twin")
    keys.body = key_set(US.jwk(), twin.jwk(), NEXT.jwk())
    assert is_allowed(gate, request_event("Bearer " + NEXT.access_token("guest")))
    assert [refused(gate, issuer.access_token("guest")) for issuer in (US, twin)] == ["unknown_kid"] * 2


def test_another_issuers_keys_in_place_of_ours_are_401_until_ours_are_back(gate: Gate, keys: KeyHost, clock: Clock, asked: Asked) -> None:
    keys.body = NEXT.jwks()
    for wait in (0, 5, 4.9):
        clock.advance(wait)
        assert refused(gate, US.access_token("guest")) == "unknown_kid"
    assert asked.take() == 1
    keys.body = US.jwks()
    clock.advance(0.1)
    assert effect(gate, GUEST) == "Allow"
    assert asked.take() == 1


def test_one_issuer_that_is_down_is_no_trouble_of_another(
    published: Table, keys: KeyHost, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = Issuer(issuer="https://partner.example", key_name="partner")
    with KeyHost(partner.jwks()).running() as theirs:
        entry = {"name": "partner", "issuer": partner.issuer, "jwks_uri": theirs.uri, "client_ids": [CLIENT_ID]}
        gate = build_gate(keys, clock, capsys, TRUSTED_ISSUERS=json.dumps([entry]))
        of_partner = request_event("Bearer " + partner.access_token("guest", **LASTING))
        theirs.status = 500
        for _ in range(3):
            assert trouble(gate, of_partner)["reason"] == "jwks_unavailable"
            assert effect(gate, GUEST) == "Allow"
        assert (len(theirs.take()), len(keys.take())) == (1, 1)
        theirs.status = 200
        clock.advance(5)
        assert effect(gate, of_partner) == "Allow"


def test_keys_beyond_their_age_are_told_by_log_and_metric(gate: Gate, keys: KeyHost, clock: Clock) -> None:
    """Before they stop serving: the caller notices nothing."""

    def told() -> bool:
        assert effect(gate, GUEST) == "Allow"
        assert gate.counted == {"allowed": 1} | ({"stale_keys": 1} if gate.line["stale_keys"] else {})
        return bool(gate.line["stale_keys"])

    assert not told()
    with keys.failing(None):
        for age, old in ((3599, False), (3600, True), (7199, True)):
            clock.now = NOW + age
            assert told() is old
    clock.advance(5)
    assert not told()
