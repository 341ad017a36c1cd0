"""Token verification: what is accepted, and every trick by which a token that nobody signed, or not for this, could pass for one that is.

All forgeries but those of the signature itself are signed with the right key, so that nothing but the check in question can refuse them.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jose.backends.cryptography_backend import CryptographyRSAKey

from authorizer.errors import GatebookError, TokenError, TroubleError
from authorizer.tokens import verifier
from authorizer.tokens.claims import Principal, TrustedIssuer
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.verifier import TokenVerifier, bearer_token
from tests.support.clock import Clock
from tests.support.issuer import CLIENT_ID, ISSUER, Issuer, b64, rsa_key, sign

US = Issuer()
PARTNER = Issuer(issuer="https://id.partner.example", key_name="partner")
OURS = TrustedIssuer("", ISSUER, "https://keys.example/ours", frozenset({CLIENT_ID}), frozenset(), "access")
THEIRS = replace(OURS, name="partner", issuer=PARTNER.issuer, jwks_uri="https://keys.example/theirs")
HEADER = {"kid": "kid-1", "alg": "RS256"}
CANARY = "canary"


class Gate:
    """A verifier of both issuers' tokens, and which addresses it fetched."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.fetched: list[str] = []
        self.documents: dict[str, Callable[[], bytes]] = {OURS.jwks_uri: US.jwks, THEIRS.jwks_uri: PARTNER.jwks}
        issuers = (OURS, THEIRS)
        key_sets = {issuer.issuer: KeySet(issuer.jwks_uri, fetch=self._fetch, now=self.clock) for issuer in issuers}
        self._verifier = TokenVerifier(issuers, key_sets, self.clock)

    def _fetch(self, uri: str) -> bytes:
        self.fetched.append(uri)
        return self.documents[uri]()

    def verify(self, token: str) -> Principal:
        return self._verifier.verify(token)

    def reason(self, token: str) -> str:
        """Why the token is refused, in words that hold nothing of it."""
        with pytest.raises(TokenError) as caught:
            self.verify(token)
        assert_silent(caught.value, token)
        return caught.value.reason


def assert_silent(error: GatebookError, token: str) -> None:
    """Neither the error nor what it came from holds a part of the token, encoded or decoded."""
    link: BaseException | None = error
    while link is not None:
        text = repr(link)
        assert CANARY not in text
        assert not [part for part in token.replace(",", " ").replace(".", " ").split() if len(part) > 7 and part in text]
        link = link.__cause__ or link.__context__


@pytest.fixture
def gate() -> Gate:
    return Gate()


def claims(*groups: str, **changes: Any) -> dict[str, Any]:
    return US.access_claims(*groups, note=f"{CANARY}-claim", **changes)


def sign_segments(header: str, payload: str) -> str:
    """A token of segments that are signed as they stand."""
    signature = US.key.sign(f"{header}.{payload}".encode(), PKCS1v15(), SHA256())
    return f"{header}.{payload}.{b64(signature)}"


def as_json(value: object) -> str:
    return b64(json.dumps(value).encode())


def test_a_users_token_is_verified_with_one_fetch(gate: Gate) -> None:
    principals = [gate.verify(US.access_token("admin")) for _ in range(3)]
    assert {(principal.subject, principal.groups) for principal in principals} == {("9a1b2c3d-0000-4000-8000-000000000001", ("admin",))}
    assert gate.fetched == [OURS.jwks_uri]


def test_claims_are_checked_at_the_time_of_the_call(gate: Gate) -> None:
    token = US.access_token("admin")
    gate.clock.advance(3589.9)
    assert gate.verify(token).expires_at == 1_800_003_590
    gate.clock.advance(0.1)
    assert gate.reason(token) == "expired"


ALGORITHMS = ["none", "None", "NONE", "HS256", "HS512", "PS256", "RS384", "RS512", "ES256", "EdDSA", "rs256", "RS256 ", "", CANARY]


@pytest.mark.parametrize("alg", [*ALGORITHMS, None, True, 1, ["RS256"], {"RS256": 1}], ids=repr)
def test_a_header_that_names_another_algorithm_is_refused(gate: Gate, alg: object) -> None:
    assert gate.reason(sign(US.key, HEADER | {"alg": alg}, claims())) == "algorithm"
    assert gate.fetched == []


def test_algorithm_kid_and_issuer_cannot_be_left_out(gate: Gate) -> None:
    assert gate.reason(US.token(claims(), alg=None)) == "algorithm"
    assert gate.reason(US.token(claims(), kid=None)) == "unknown_kid"
    assert gate.reason(US.token(claims(iss=None))) == "issuer"
    assert gate.fetched == []


def public(encoding: Encoding) -> bytes:
    return US.key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


SIGNATURES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "PS256": ("PS256", lambda message: US.key.sign(message, PSS(MGF1(SHA256()), 32), SHA256())),
    "RS512": ("RS512", lambda message: US.key.sign(message, PKCS1v15(), SHA512())),
    "HMAC with the public key": ("HS256", lambda message: hmac.digest(public(Encoding.PEM), message, hashlib.sha256)),
    "HMAC with the key's DER": ("HS256", lambda message: hmac.digest(public(Encoding.DER), message, hashlib.sha256)),
    "HMAC with nothing": ("HS256", lambda message: hmac.digest(b"", message, hashlib.sha256)),
    "none": ("none", lambda message: b"none"),
    "another key": ("RS256", lambda message: rsa_key("forger").sign(message, PKCS1v15(), SHA256())),
    "of nothing": ("RS256", lambda message: US.key.sign(b"", PKCS1v15(), SHA256())),
    "of the payload alone": ("RS256", lambda message: US.key.sign(message.split(b".")[1], PKCS1v15(), SHA256())),
    "zeros": ("RS256", lambda message: bytes(256)),
    "one": ("RS256", lambda message: bytes(255) + b"\x01"),
    "too large a number": ("RS256", lambda message: b"\xff" * 256),
    "cut": ("RS256", lambda message: US.key.sign(message, PKCS1v15(), SHA256())[:-1]),
    "lengthened": ("RS256", lambda message: b"\x00" + US.key.sign(message, PKCS1v15(), SHA256())),
    "one byte": ("RS256", lambda message: b"\x00"),
}


@pytest.mark.parametrize("kind", SIGNATURES)
def test_only_rs256_with_the_issuers_key_is_a_signature(gate: Gate, kind: str) -> None:
    alg, sign_message = SIGNATURES[kind]
    honest, lying = (f"{as_json(HEADER | {'alg': name})}.{as_json(claims('admin'))}" for name in (alg, "RS256"))
    if alg != "RS256":
        assert gate.reason(f"{honest}.{b64(sign_message(honest.encode()))}") == "algorithm"
    assert gate.reason(f"{lying}.{b64(sign_message(lying.encode()))}") == "signature"


def test_nothing_that_is_signed_can_be_changed(gate: Gate) -> None:
    header, payload, signature = US.token(claims("guest")).split(".")
    assert gate.reason(f"{header}.{as_json(claims('admin'))}.{signature}") == "signature"
    assert gate.reason(f"{as_json(HEADER | {'x': 1})}.{payload}.{signature}") == "signature"
    changed = bytearray(base64.urlsafe_b64decode(signature + "=="))
    changed[0] ^= 1
    assert gate.reason(f"{header}.{payload}.{b64(bytes(changed))}") == "signature"


def test_what_a_forged_token_says_is_not_even_judged(gate: Gate) -> None:
    assert gate.reason(sign(rsa_key("forger"), HEADER, claims(exp=1, token_use="id", client_id=CANARY))) == "signature"


def test_an_error_of_the_backend_is_no_signature(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bool:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(CryptographyRSAKey, "verify", fail)
    assert gate.reason(US.access_token("guest")) == "signature"


@pytest.mark.parametrize("kid", ["kid-2", "KID-1", "kid-1 ", "../kid-1", "kid-1\x00", "\ud800", CANARY, "x" * 5000], ids=ascii)
def test_a_kid_that_is_not_published_is_refused(gate: Gate, kid: str) -> None:
    assert gate.reason(US.token(claims(), kid=kid)) == "unknown_kid"


@pytest.mark.parametrize("kid", [None, "", 0, 1, True, ["kid-1"], {"kid-1": 1}], ids=repr)
def test_a_kid_that_is_no_text_is_refused_without_a_fetch(gate: Gate, kid: object) -> None:
    assert gate.reason(sign(US.key, HEADER | {"kid": kid}, claims())) == "unknown_kid"
    assert gate.fetched == []


@pytest.mark.parametrize("name", ["crit", "b64"])
@pytest.mark.parametrize("value", [["exp"], [], ["b64"], [CANARY], None, False, True, CANARY], ids=repr)
def test_a_header_that_demands_an_extension_is_refused(gate: Gate, name: str, value: object) -> None:
    assert gate.reason(sign(US.key, HEADER | {name: value}, claims())) == "critical_header"


TYPES = ["JWS", "JOSE", "", "JWT ", "dpop+jwt", "logout+jwt", "application/", "application/application/jwt", CANARY]


@pytest.mark.parametrize("typ", [*TYPES, None, 1, True, ["JWT"]], ids=repr)
def test_a_token_of_another_type_is_refused(gate: Gate, typ: object) -> None:
    assert gate.reason(sign(US.key, HEADER | {"typ": typ}, claims())) == "type"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/jwt", "Application/AT+JWT"])
def test_the_type_is_written_in_several_ways(gate: Gate, typ: str) -> None:
    assert gate.verify(US.token(claims("guest"), typ=typ)).groups == ("guest",)


@pytest.mark.parametrize("signer", ["first", "forger"])
def test_no_token_brings_its_own_key(gate: Gate, signer: str) -> None:
    forger = Issuer(key_name="forger")
    own: dict[str, Any] = {
        "jwk": forger.jwk(),
        "jku": "https://forger.example/jwks",
        "x5u": "https://forger.example/x5u",
        "x5c": [base64.b64encode(forger.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()],
        "x5t": b64(bytes(20)),
    }
    token = Issuer(key_name=signer).token(claims("guest"), **own)
    if signer == "forger":
        assert gate.reason(token) == "signature"
    else:
        assert gate.verify(token).groups == ("guest",)
    assert gate.fetched == [OURS.jwks_uri]


NO_TOKENS = [
    *("", ".", "..", "...", "a", "a.b", "aaaa.bbbb", "aaaa..cccc", "aaaa.", "Bearer", "null", "undefined", "\x00", "é.é.é"),
    *("aaaa.bbbb.cccc", "aaaa.bbbb.cccc.dddd", "a.b.c.d.e", f"{CANARY}-garbage", "{}.{}.{}", "." * 10_000, "a" * 16_384),
]


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: ascii(token[:24]))
def test_garbage_is_refused_without_a_fetch(gate: Gate, token: str) -> None:
    assert gate.reason(token) == "malformed"
    assert gate.fetched == []


@pytest.mark.parametrize("spoil", ["{}.more", ".{}", "{}.", "{}..", "{}\n", " {}", "{} "])
def test_a_good_token_with_something_before_or_behind_is_refused(gate: Gate, spoil: str) -> None:
    assert gate.reason(spoil.format(US.token(claims()))) == "malformed"


def aligned(value: dict[str, Any], remainder: int) -> str:
    """The value as base64url whose length has that remainder by 4."""
    return next(text for pad in range(3) if len(text := as_json(value | {"pad": "." * pad})) % 4 == remainder)


LAX: dict[str, tuple[int, Callable[[str], str]]] = {
    "padding": (3, lambda text: f"{text}="),
    "double padding": (2, lambda text: f"{text}=="),
    "needless padding": (0, lambda text: f"{text}===="),
    "bits left over of 2": (3, lambda text: text[:-1] + chr(ord(text[-1]) + 1)),
    "bits left over of 4": (2, lambda text: text[:-1] + chr(ord(text[-1]) + 1)),
    "one character left over": (0, lambda text: f"{text}A"),
    "line end": (0, lambda text: f"{text}\n"),
    "space": (0, lambda text: f"{text[:8]} {text[8:]}"),
    "a character of neither alphabet": (0, lambda text: f"{text[:8]}!{text[8:]}"),
    "a full-width digit": (0, lambda text: f"{text}\uff11\uff11\uff11\uff11"),
}


@pytest.mark.parametrize("kind", LAX)
@pytest.mark.parametrize("place", ["header", "payload"])
def test_base64url_is_read_strictly(gate: Gate, kind: str, place: str) -> None:
    remainder, spoil = LAX[kind]
    header, payload = aligned(HEADER, remainder), aligned(claims("guest"), remainder)
    assert gate.verify(sign_segments(header, payload)).groups == ("guest",)
    gate.fetched.clear()
    token = sign_segments(spoil(header), payload) if place == "header" else sign_segments(header, spoil(payload))
    assert gate.reason(token) == "malformed"
    assert gate.fetched == []


@pytest.mark.parametrize("place", ["header", "payload"])
def test_plain_base64_is_not_base64url(gate: Gate, place: str) -> None:
    header, payload = (json.dumps(value | {"x": "\uffff~~~???"}, ensure_ascii=False) for value in (HEADER, claims()))
    plain = base64.b64encode((header if place == "header" else payload).encode()).rstrip(b"=").decode()
    assert {"+", "/"} & set(plain)
    token = sign_segments(plain, b64(payload.encode())) if place == "header" else sign_segments(b64(header.encode()), plain)
    assert gate.reason(token) == "malformed"


@pytest.mark.parametrize("spoil", [lambda s: f"{s}==", lambda s: f"{s}=", lambda s: s[:-1] + chr(ord(s[-1]) + 1), lambda s: f"{s}\n"])
def test_one_signature_has_one_spelling(gate: Gate, spoil: Callable[[str], str]) -> None:
    header, payload, signature = US.token(claims()).split(".")
    assert gate.reason(f"{header}.{payload}.{spoil(signature)}") == "malformed"


def spoilt(value: dict[str, Any]) -> dict[str, bytes]:
    """JSON texts that a lenient reader would take for `value`, or for something."""
    text = json.dumps(value)
    name = next(iter(value))

    def with_more(member: str) -> bytes:
        return f"{text[:-1]}, {member}}}".encode()

    return {
        "the same name twice": with_more(f'"{name}": "{CANARY}"'),
        "the same name escaped": with_more(f'"\\u{ord(name[0]):04x}{name[1:]}": "{CANARY}"'),
        "the same name twice, deeper": with_more('"deep": [{"a": 1, "a": 2}]'),
        "NaN": with_more('"x": NaN'),
        "Infinity": with_more('"x": [-Infinity]'),
        "a number of 5,000 digits": with_more('"x": ' + "1" * 5000),
        "a bomb of lists": b"[" * 9000,
        "a bomb of objects": b'{"a":' * 1800,
        "a bomb in a member": with_more('"x": ' + "[" * 9000),
        "a list": f"[{text}]".encode(),
        "a text": json.dumps(text).encode(),
        "a number": b"1",
        "null": b"null",
        "true": b"true",
        "two objects": f"{text}{text}".encode(),
        "cut": text[:-1].encode(),
        "comma at the end": with_more(""),
        "comment": f"{text}//".encode(),
        "single quotes": text.replace('"', "'").encode(),
        "a raw control character": with_more('"x": "\x00"'),
        "byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "UTF-16": text.encode("utf-16"),
        "UTF-16 without mark": text.encode("utf-16-le"),
        "not UTF-8": text.replace("kid-1", "\xff").replace("jane", "\xff").encode("latin-1"),
        "an overlong slash": text.replace("kid-1", "\xc0\xaf").replace("jane", "\xc0\xaf").encode("latin-1"),
    }


@pytest.mark.parametrize("kind", spoilt(HEADER))
@pytest.mark.parametrize("place", ["header", "payload"])
def test_json_is_read_strictly(gate: Gate, kind: str, place: str) -> None:
    header, payload = (spoilt(HEADER)[kind], claims()) if place == "header" else (HEADER, spoilt(claims())[kind])
    assert gate.reason(sign(US.key, header, payload)) == "malformed"
    assert gate.fetched == []


def test_a_number_too_large_for_a_float_is_no_moment(gate: Gate) -> None:
    payload = json.dumps(claims(exp=None))[:-1] + ', "exp": 1e400}'
    assert gate.reason(sign(US.key, HEADER, payload)) == "claim_type"


def test_a_token_of_16384_characters_is_the_largest(gate: Gate) -> None:
    room = (16_384 - len(US.token(claims(pad=""), x=""))) * 3 // 4
    tokens = (US.token(claims(pad="x" * pad), x="y" * more) for pad in range(room - 5, room + 1) for more in range(3))
    largest = next(token for token in tokens if len(token) == 16_384)
    assert gate.verify(largest).groups == ()
    gate.fetched.clear()
    assert gate.reason(largest + "A") == "too_large"
    assert gate.reason("x" * 10_000_000) == "too_large"
    assert gate.fetched == []


@pytest.mark.parametrize("iss", ["https://forger.example/" + CANARY, ISSUER + "/", "", None, 1, True, [ISSUER], {ISSUER: 1}], ids=repr)
def test_an_issuer_that_is_not_configured_costs_no_fetch(gate: Gate, iss: object) -> None:
    assert gate.reason(sign(US.key, HEADER, claims() | {"iss": iss})) == "issuer"
    assert gate.fetched == []


def test_each_issuers_tokens_are_verified_with_its_own_keys(gate: Gate) -> None:
    """Both name their key `kid-1`."""
    assert gate.verify(US.access_token("admin")).subject == "9a1b2c3d-0000-4000-8000-000000000001"
    theirs = gate.verify(PARTNER.access_token("admin"))
    assert (theirs.subject, theirs.groups) == ("partner:9a1b2c3d-0000-4000-8000-000000000001", ("partner:admin",))
    assert gate.fetched == [OURS.jwks_uri, THEIRS.jwks_uri]


def test_an_issuer_cannot_sign_for_another(gate: Gate) -> None:
    assert gate.reason(PARTNER.token(US.access_claims("admin"))) == "signature"
    assert gate.reason(US.token(PARTNER.access_claims("admin"))) == "signature"


def test_another_issuers_trouble_is_not_ours(gate: Gate) -> None:
    def trouble() -> bytes:
        raise TroubleError("jwks_unavailable", "down")

    gate.documents[THEIRS.jwks_uri] = trouble
    token = PARTNER.token(PARTNER.access_claims("admin", note=CANARY))
    with pytest.raises(TroubleError) as caught:
        gate.verify(token)
    assert caught.value.reason == "jwks_unavailable"
    assert_silent(caught.value, token)
    assert gate.verify(US.access_token("admin")).groups == ("admin",)


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {}", "Bearer   {}", "  Bearer {}  ", "{}", " {} "])
def test_the_token_stands_alone_or_behind_the_word_bearer(form: str) -> None:
    assert bearer_token(form.format("aa.bb.cc")) == "aa.bb.cc"


@pytest.mark.parametrize("value", ["", " ", "\t\n"])
def test_an_empty_authorization_is_a_missing_token(value: str) -> None:
    with pytest.raises(TokenError) as caught:
        bearer_token(value)
    assert caught.value.reason == "missing_token"


OTHER_AUTHORIZATIONS = [
    *("Basic {0}", "Token {0}", "Bearer: {0}", "Bearer Bearer {0}", "{0} Bearer", "Bearer {0} more", "Bearer {0} .more", "Bearer {0},{0}"),
    *("{0},{0}", "Bearer {0}, Bearer {0}", "Bearer {0} , Bearer {0}", "Bearer {0},", "Bearer,{0}", "Bearer ,", ","),
]


@pytest.mark.parametrize("form", OTHER_AUTHORIZATIONS)
def test_any_other_authorization_is_refused(form: str) -> None:
    value = form.format("canary-aa.bb.cc")
    with pytest.raises(TokenError) as caught:
        bearer_token(value)
    assert caught.value.reason == "malformed_authorization"
    assert_silent(caught.value, value)


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each signature that is checked."""
    done: list[int] = []
    check = verifier._is_signed

    def counted(key: Any, message: bytes, signature: bytes) -> bool:
        done.append(1)
        return check(key, message, signature)

    monkeypatch.setattr(verifier, "_is_signed", counted)
    return done


def test_a_token_that_comes_again_is_known(checked: list[int]) -> None:
    gate = Gate()
    token = US.access_token("guest")
    first = gate.verify(token)
    assert gate.verify(token) is first
    assert len(checked) == 1
    # Any other is not, not even one that says the same.
    other = US.token(US.access_claims("guest"), typ="JWT")
    assert other != token
    assert gate.verify(other) == first
    assert len(checked) == 2
    assert gate.reason(token[:-1] + ("A" if token[-1] != "A" else "B")) in ("signature", "malformed")


@pytest.mark.parametrize(("seconds", "reason"), [(3589, None), (3590, "expired"), (-70, None), (-71, "issued_in_future")])
def test_a_known_token_ends_on_time_and_begins_on_time(seconds: int, reason: str | None) -> None:
    gate = Gate()
    token = US.access_token()
    gate.verify(token)
    gate.clock.advance(seconds)
    if reason is None:
        gate.verify(token)
    else:
        assert gate.reason(token) == reason
        fresh = Gate()
        fresh.clock.advance(seconds)
        assert fresh.reason(token) == reason


def test_a_known_token_goes_with_its_key(checked: list[int]) -> None:
    gate = Gate()
    token = US.access_token(exp=int(gate.clock.now) + 100_000)
    gate.verify(token)
    # The same keys, fetched anew: the signature is checked again.
    gate.clock.advance(3600)
    gate.verify(token)
    assert len(checked) == 2
    # Another key under the name of the first.
    gate.documents[OURS.jwks_uri] = Issuer(key_name="another").jwks
    gate.clock.advance(3600)
    assert gate.reason(token) == "signature"
    # No key of that name any more.
    gate.documents[OURS.jwks_uri] = Issuer(kid="kid-2", key_name="second").jwks
    gate.clock.advance(3600)
    assert gate.reason(token) == "unknown_kid"


def test_a_known_token_waits_for_keys_as_any_other_does() -> None:
    def down() -> bytes:
        raise TroubleError("jwks_unavailable", "the issuer is down")

    gate = Gate()
    token = US.access_token(exp=int(gate.clock.now) + 100_000)
    gate.verify(token)
    gate.documents[OURS.jwks_uri] = down
    gate.clock.advance(7199)
    gate.verify(token)
    gate.clock.advance(10)
    with pytest.raises(TroubleError):
        gate.verify(token)


def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch, checked: list[int]) -> None:
    monkeypatch.setattr(verifier, "MAX_REMEMBERED", 2)
    gate = Gate()
    first, second, third = (US.access_token(name) for name in ("a", "b", "c"))
    for token in (first, second, first, third, first):
        gate.verify(token)
    assert len(checked) == 3, "the one that was used last stays"
    gate.verify(second)
    assert len(checked) == 4


@pytest.mark.parametrize("room", [0, 1])
def test_a_known_header_is_read_no_more_and_only_signed_ones_are_known(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(verifier, "MAX_HEADERS", room)
    gate = Gate()
    forged = sign(rsa_key("forger"), HEADER, US.access_claims())
    assert gate.reason(forged) == "signature"
    assert gate._verifier._headers == {}
    for typ in ("JWT", "at+jwt", None):
        for number in range(2):
            gate.verify(US.token(US.access_claims(jti=f"jti{number}"), typ=typ))
    assert len(gate._verifier._headers) == room
    # What follows a known header is looked at as ever.
    header = next(iter(gate._verifier._headers), US.access_token().split(".")[0].encode()).decode()
    for rest in ("e30", "e30.", "e30.AAAA", ".AAAA", "e30.AA=="):
        assert gate.reason(f"{header}.{rest}") in ("malformed", "issuer")
