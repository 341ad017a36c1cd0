"""Key sets: read strictly, and kept so that neither made-up tokens nor a dead issuer set the pace of fetches."""

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512

from authorizer.errors import GatebookError, TokenError, TroubleError
from authorizer.tokens.jwks import KeySet, read_keys
from tests.support.clock import Clock
from tests.support.issuer import Issuer, b64, number, rsa_key

US = Issuer()
NEXT = Issuer(kid="kid-2", key_name="next")
URI = "https://keys.example/jwks.json"


def document(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


def trouble(call: Callable[[Any], object], argument: object) -> str:
    """What a failure says; it must be ours and not the token's."""
    with pytest.raises(TroubleError) as caught:
        call(argument)
    assert caught.value.reason == "jwks_unavailable"
    return str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [{}, {"alg": None}, {"use": None}, {"alg": None, "use": None}, {"key_ops": ["verify"]}, {"key_ops": ["sign", "verify"]}, {"x5c": [1]}],
    ids=repr,
)
def test_a_key_for_rs256_signatures_is_read(changes: dict[str, Any]) -> None:
    key = read_keys(document(US.jwk(**changes)))["kid-1"]
    assert key.verify(b"message", US.key.sign(b"message", PKCS1v15(), SHA256()))
    assert not key.verify(b"massage", US.key.sign(b"message", PKCS1v15(), SHA256()))
    assert not key.verify(b"message", US.key.sign(b"message", PKCS1v15(), SHA512()))


UNUSABLE: dict[str, list[object]] = {
    "kty": ["EC", "oct", "rsa", "", None, ["RSA"]],
    "use": ["enc", "", "SIG", None, ["sig"]],
    "alg": ["RS384", "RS512", "PS256", "HS256", "none", "", None, ["RS256"]],
    "key_ops": [None, 5, True, "verify", "do not verify", {"verify": 1}, [], ["sign"], ["encrypt", "wrapKey"], {}],
    "kid": ["", None, 1, ["kid-1"]],
    "n": [None, 65537, "", "A", "é", "\ud800", "="],
    "e": [None, 65537, "", "A", "é", "\ud800", "=", number(1), number(2), number(65536)],
}


def assert_left_out(entry: object) -> None:
    """The key does not serve, and no other suffers from it."""
    assert list(read_keys(document(entry, NEXT.jwk()))) == ["kid-2"]
    trouble(read_keys, document(entry))


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in UNUSABLE.items() for value in values], ids=ascii)
def test_a_key_for_anything_else_is_left_out(name: str, value: object) -> None:
    assert_left_out(US.jwk() | {name: value})


@pytest.mark.parametrize("name", ["kty", "kid", "n", "e"])
def test_a_key_that_lacks_a_part_is_left_out(name: str) -> None:
    assert_left_out(US.jwk(**{name: None}))


@pytest.mark.parametrize("entry", [None, 1, "kid-1", [], ["kty", "RSA"], {}], ids=repr)
def test_what_is_no_key_is_left_out(entry: object) -> None:
    assert_left_out(entry)


def weak_modulus(bits: int, size: int) -> str:
    """With zeros in front up to `size` bytes."""
    return b64(rsa_key(f"of {bits} bits", bits).public_key().public_numbers().n.to_bytes(size, "big"))


@pytest.mark.parametrize(("bits", "size"), [(1024, 128), (1024, 256), (2047, 256)])
def test_a_weak_key_is_left_out(bits: int, size: int) -> None:
    assert_left_out(US.jwk(n=weak_modulus(bits, size)))


def test_of_two_keys_of_one_kid_neither_is_taken() -> None:
    for twin in (US.jwk(), US.jwk(alg=None), Issuer(key_name="forger").jwk(), US.jwk(n=weak_modulus(1024, 128))):
        assert list(read_keys(document(US.jwk(), NEXT.jwk(), twin))) == ["kid-2"]
        trouble(read_keys, document(twin, US.jwk()))


@pytest.mark.parametrize("parts", [("d", "p", "q", "dp", "dq", "qi"), ("d",), ("p",)])
def test_a_private_key_that_is_published_serves_as_the_public_one(parts: tuple[str, ...]) -> None:
    secret = US.key.private_numbers()
    values = {"d": secret.d, "p": secret.p, "q": secret.q, "dp": secret.dmp1, "dq": secret.dmq1, "qi": secret.iqmp}
    key = read_keys(document(US.jwk(**{part: number(values[part]) for part in parts})))["kid-1"]
    assert key.verify(b"message", US.key.sign(b"message", PKCS1v15(), SHA256()))
    assert set(key.to_dict()) == {"kty", "alg", "n", "e"}


NO_KEY_SETS = [
    *(b"", b"null", b"1", b"[]", b'"keys"', b"{}", b'{"keys"', b"<html>", b"\xff", b"[" * 100_000, b'{"keys":' * 20_000),
    *(b'{"keys": null}', b'{"keys": 5}', b'{"keys": true}', b'{"keys": []}', b'{"keys": {}}', b'{"keys": "kid-1"}', b'{"KEYS": []}'),
    *(b'{"keys": %s}' % (b"1" * 5000), json.dumps([US.kid]).encode(), json.dumps({"keys": {"kid-1": {}}}).encode()),
]


@pytest.mark.parametrize("body", NO_KEY_SETS, ids=lambda body: ascii(body[:16]))
def test_what_is_no_key_set_is_trouble(body: bytes) -> None:
    trouble(read_keys, body)


START = 1_800_000_000.0


class Publisher:
    """What stands at an issuer's address, and when it was fetched. Without issuers and body it is out of order.

    A fetch takes `waits` seconds of real time and `takes` seconds by the clock.
    """

    def __init__(self, clock: Clock, *issuers: Issuer) -> None:
        self.issuers = issuers
        self.body: bytes | None = None
        self.waits = self.takes = 0.0
        self.fetched: list[float] = []
        self._clock = clock

    def fetch(self, uri: str) -> bytes:
        assert uri == URI
        self.fetched.append(self._clock.now - START)
        time.sleep(self.waits)
        self._clock.advance(self.takes)
        if self.body is not None:
            return self.body
        if not self.issuers:
            raise TroubleError("jwks_unavailable", "out of order")
        return document(*(issuer.jwk() for issuer in self.issuers))


@pytest.fixture
def publisher(clock: Clock) -> Publisher:
    return Publisher(clock, US)


@pytest.fixture
def keys(clock: Clock, publisher: Publisher) -> KeySet:
    return KeySet(URI, fetch=publisher.fetch, now=clock)


def unknown(keys: KeySet, kid: str) -> None:
    with pytest.raises(TokenError) as caught:
        keys.key(kid)
    assert caught.value.reason == "unknown_kid"


def test_a_key_is_fetched_once_and_built_once(keys: KeySet, publisher: Publisher) -> None:
    assert publisher.fetched == []
    assert keys.key("kid-1") is keys.key("kid-1")
    assert publisher.fetched == [0]


def test_keys_are_fetched_again_at_their_maximum_age(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    for seconds in (0, 3599.5, 0.5, 3599.5, 0.5):
        clock.advance(seconds)
        keys.key("kid-1")
    assert publisher.fetched == [0, 3600, 7200]


def test_a_withdrawn_key_is_gone_at_the_maximum_age(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    publisher.issuers = (NEXT,)
    clock.advance(3599.5)
    keys.key("kid-1")
    clock.advance(0.5)
    unknown(keys, "kid-1")
    keys.key("kid-2")


def test_a_withdrawn_key_is_gone_as_soon_as_its_successor_is_seen(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    publisher.issuers = (NEXT,)
    clock.advance(10)
    keys.key("kid-2")
    unknown(keys, "kid-1")


def test_a_key_that_changes_under_its_kid_is_renewed(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    old = keys.key("kid-1")
    publisher.issuers = (Issuer(key_name="next"),)
    clock.advance(3600)
    signature = NEXT.key.sign(b"message", PKCS1v15(), SHA256())
    assert [key.verify(b"message", signature) for key in (old, keys.key("kid-1"))] == [False, True]


def test_a_new_key_is_found_after_the_cool_down(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    publisher.issuers = (US, NEXT)
    clock.advance(9.5)
    unknown(keys, "kid-2")
    assert publisher.fetched == [0]
    clock.advance(0.5)
    keys.key("kid-2")
    keys.key("kid-1")
    assert publisher.fetched == [0, 10]


TICK = 1 / 256
"""A step that floats add up without error: 10,000 of them are 39 seconds."""


def test_ten_thousand_made_up_kids_cost_one_fetch_per_cool_down(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    for number_of_kid in range(10_000):
        unknown(keys, f"made-up-{number_of_kid}")
        keys.key("kid-1")
        clock.advance(TICK)
    assert publisher.fetched == [0, 10, 20, 30]


def test_one_made_up_kid_again_and_again_costs_no_more(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    for _ in range(3000):
        unknown(keys, "made-up")
        clock.advance(TICK)
    assert publisher.fetched == [0, 10]


def test_an_issuer_that_never_answered_is_asked_once_per_cool_down(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    publisher.issuers = ()
    for number_of_kid in range(3000):
        trouble(keys.key, f"made-up-{number_of_kid}")
        clock.advance(TICK)
    assert publisher.fetched == [0, 5, 10]


def test_made_up_kids_at_a_dead_issuer_cost_one_fetch_per_cool_down_and_good_tokens_nothing(
    keys: KeySet, publisher: Publisher, clock: Clock
) -> None:
    keys.key("kid-1")
    publisher.issuers = ()
    clock.advance(10)
    for number_of_kid in range(10_000):
        trouble(keys.key, f"made-up-{number_of_kid}")
        keys.key("kid-1")
        clock.advance(TICK)
    assert publisher.fetched == [0, 10, 15, 20, 25, 30, 35, 40, 45]


def test_after_a_failure_the_issuer_is_left_alone_for_a_while(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    publisher.issuers = ()
    assert trouble(keys.key, "kid-1") == "out of order"
    publisher.issuers = (US,)
    clock.advance(4.5)
    assert URI in trouble(keys.key, "kid-1")
    clock.advance(0.5)
    keys.key("kid-1")
    assert publisher.fetched == [0, 5]


def test_a_slow_failure_is_followed_by_the_whole_cool_down(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    """Otherwise every request of a dead issuer would wait for a timeout of its own."""
    publisher.issuers, publisher.takes = (), 5
    trouble(keys.key, "kid-1")
    clock.advance(4.5)
    trouble(keys.key, "kid-1")
    clock.advance(0.5)
    trouble(keys.key, "kid-1")
    assert publisher.fetched == [0, 10]


def test_old_keys_are_renewed_as_soon_as_the_issuer_is_back(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    clock.advance(3600)
    publisher.issuers = ()
    keys.key("kid-1")
    publisher.issuers = (US,)
    clock.advance(5)
    keys.key("kid-1")
    clock.advance(3599.5)
    keys.key("kid-1")
    assert publisher.fetched == [0, 3600, 3605]


@pytest.mark.parametrize(
    "body", [None, b"<html>maintenance</html>", b'{"keys": []}', document({"kty": "RSA", "kid": "kid-1", "n": "AQ", "e": "AQAB"})]
)
def test_old_keys_serve_for_a_bounded_time_when_no_new_ones_can_be_had(
    keys: KeySet, publisher: Publisher, clock: Clock, body: bytes | None
) -> None:
    keys.key("kid-1")
    publisher.issuers, publisher.body = (), body
    for seconds in (3600, 1800, 1799.5):
        clock.advance(seconds)
        keys.key("kid-1")
    clock.advance(0.5)
    trouble(keys.key, "kid-1")
    publisher.issuers, publisher.body = (US,), None
    clock.advance(5)
    keys.key("kid-1")
    assert publisher.fetched == [0, 3600, 5400, 7199.5, 7205]


def test_old_keys_ask_for_new_ones_once_per_cool_down(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    publisher.issuers = ()
    clock.advance(3600)
    for _ in range(1000):
        keys.key("kid-1")
        clock.advance(1 / 64)
    assert publisher.fetched == [0, 3600, 3605, 3610, 3615]


def test_without_a_stale_time_old_keys_are_no_keys(publisher: Publisher, clock: Clock) -> None:
    keys = KeySet(URI, fetch=publisher.fetch, now=clock, max_age=60, max_stale=0)
    keys.key("kid-1")
    publisher.issuers = ()
    clock.advance(59.5)
    keys.key("kid-1")
    clock.advance(0.5)
    trouble(keys.key, "kid-1")


def test_each_limit_is_an_argument(publisher: Publisher, clock: Clock) -> None:
    keys = KeySet(URI, fetch=publisher.fetch, now=clock, max_age=100, max_stale=50, unknown_kid_cooldown=2, failed_fetch_cooldown=3)
    keys.key("kid-1")
    clock.advance(2)
    unknown(keys, "kid-2")
    publisher.issuers = ()
    clock.advance(100)
    keys.key("kid-1")
    clock.advance(3)
    keys.key("kid-1")
    clock.advance(47)
    trouble(keys.key, "kid-1")
    assert publisher.fetched == [0, 2, 102, 105, 152]


def test_a_clock_that_was_set_back_makes_nothing_last_longer(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    keys.key("kid-1")
    clock.advance(-0.5)
    keys.key("kid-1")
    publisher.issuers = ()
    clock.advance(-1000)
    trouble(keys.key, "kid-1")
    publisher.issuers = (US,)
    clock.advance(-1000)
    keys.key("kid-1")
    assert publisher.fetched == [0, -0.5, -1000.5, -2000.5]


@pytest.mark.parametrize(("age", "works"), [(None, True), (None, False), (10, True), (10, False), (3600, True), (3600, False)])
def test_threads_share_one_fetch(keys: KeySet, publisher: Publisher, clock: Clock, age: float | None, works: bool) -> None:
    """All wait for the first one's fetch, at the start, for a kid that is not known, and at the maximum age."""
    if age is not None:
        keys.key("kid-1")
        clock.advance(age)
    publisher.issuers = (US, NEXT) if works else ()
    publisher.waits = 0.05
    publisher.fetched.clear()
    outcomes: list[str] = []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        try:
            keys.key("kid-2")
            outcomes.append("key")
        except GatebookError as error:
            outcomes.append(error.reason)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(publisher.fetched) == 1
    assert set(outcomes) == ({"key"} if works else {"jwks_unavailable"})
    assert len(outcomes) == 8


def test_a_failed_fetch_leaves_the_lock_free(keys: KeySet, publisher: Publisher, clock: Clock) -> None:
    publisher.body = b"broken"
    trouble(keys.key, "kid-1")
    publisher.body = None
    clock.advance(5)
    done = threading.Thread(target=keys.key, args=("kid-1",), daemon=True)
    done.start()
    done.join(5)
    assert not done.is_alive()
