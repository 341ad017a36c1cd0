"""Tokens: each case of `tests/vectors/tokens` says what is done to a good token, its spelling, its signature or its issuer's keys, and what becomes of it.

The files hold neither keys nor tokens: keys are made here, once per process, and header and payload are signed as they stand, so that nothing but the check
in question can refuse them.
"""

import base64
import hashlib
import hmac
import json
import random
import re
import socket
import string
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from authorizer.errors import GatebookError, TroubleError
from authorizer.tokens.claims import Principal, TrustedIssuer
from authorizer.tokens.verifier import bearer_token
from tests.conformance.vectors import VECTORS
from tests.support.clock import Clock
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, Issuer, b64, number, rsa_key, token_reasons, told_of, verifier

Case = Mapping[str, Any]

US = Issuer()
TRUSTED = TrustedIssuer("", ISSUER, "https://keys.example/ours", frozenset({CLIENT_ID}), frozenset(), "access")
TOKENS: dict[str, dict[str, Any]] = {
    "person": US.access_claims("guest"),
    "machine": US.machine_claims("pets/read"),
    "id": US.id_claims("guest"),
}
ACCEPTED = {"subject": "9a1b2c3d-0000-4000-8000-000000000001", "refs": ["everyone", "group/guest"], "groups": ["guest"]}
"""What `accepted` stands for: a person's token says what it said."""

OF_THE_PARTS = {
    "": "members that are set",
    "without_": "names of members that are left out",
    "more_": "pairs of name and value behind them, whose names may be there already",
    "whole_": "the value that stands there instead",
    "bytes_": "`encoding`, and bytes in hexadecimal: `before`, `behind`, `replace` for pieces of the text",
}
FIELDS = {
    "name": "",
    "expected": "`accepted`, or subject, refs and groups of the bearer, or the reason of the error",
    "fetches": "how often the key set is fetched; not at all for the reasons of `WITHOUT_A_FETCH`",
    "issuer": "fields of the trusted issuer",
    "token": "which of `TOKENS` is changed, a person's where it is not said",
    **{f"{change}{part}": f"{part}: {meaning}" for change, meaning in OF_THE_PARTS.items() for part in ("header", "claims")},
    "lengths": "what the spellings of header and claims leave if divided by 4",
    "spell": "steps of `SPELLINGS` for `header` and `claims` before they are signed, and for `signature`",
    "sign": "`algorithm` of `SIGNERS`, `key`, and what is signed (`over`)",
    "signature": "steps of `SIGNATURES` with the signature's bytes",
    "compact": "how the segments stand together",
    "authorization": "the header's value, where it is what the case is about",
    "keys": "what the issuer publishes: a `key` with members `set` or `without`, or what `is` there instead",
    "key_set": "the value that is published instead",
    "steps": "what happens one after the other to one verifier: each has fields of its own",
    "later": "seconds since the step before",
}
OF_TABLES = {
    "part": "`header` or `claims`",
    "names": "of members, each a case with each of the values",
    "values": "",
    "twice": "whether the member comes behind the good one and does not replace it",
}
WITHOUT_A_FETCH = ("too_large", "malformed", "algorithm", "critical_header", "type", "issuer")


# -- values, among them what JSON cannot say or not in a line -------------------------------------------------------------------------------------------


def _repeated(told: list[Any]) -> str:
    return "".join(text * times for text, times in told)


WRITERS: dict[str, Callable[[Any], str]] = {
    "$raw": lambda told: told if isinstance(told, str) else _repeated(told),
    "$text": lambda told: json.dumps(_repeated(told)),
    "$members": lambda told: "{" + _members(told) + "}",
    "$now": lambda told: json.dumps(NOW + told),
    "$names": lambda told: json.dumps([f"n{index}" for index in range(told)]),
    "$jwk": lambda told: json.dumps(public_jwk(told)),
    "$x5c": lambda told: json.dumps([base64.b64encode(_spki(told, Encoding.DER)).decode()]),
    "$token": lambda told: json.dumps(US.token(TOKENS[told])),
}


def text_of(value: Any) -> str:
    """JSON text of a value. An object whose only name is one of `WRITERS` is what that writer makes of it."""
    if isinstance(value, dict):
        word = next(iter(value), None)
        return WRITERS[word](value[word]) if len(value) == 1 and word in WRITERS else "{" + _members(value.items()) + "}"
    return "[" + ", ".join(map(text_of, value)) + "]" if isinstance(value, list) else json.dumps(value)


def _members(pairs: Iterable[Any]) -> str:
    """Pairs of name and value; names may recur."""
    return ", ".join(f"{text_of(name)}: {text_of(value)}" for name, value in pairs)


# -- keys and signatures --------------------------------------------------------------------------------------------------------------------------------


@lru_cache
def private_key(name: str) -> RSAPrivateKey:
    if name == "exponent 3":
        return generate_private_key(public_exponent=3, key_size=2048)
    return rsa_key({"ours": US.key_name}.get(name, name), int(name.removeprefix("rsa ")) if name.startswith("rsa ") else 2048)


@lru_cache
def numbers(name: str) -> tuple[int, int, int]:
    """Modulus, public and private exponent. No library makes keys as small as some, or with exponents as bad."""
    if name in ("exponent 1", "exponent 2"):
        return numbers("ours")[0], int(name[-1]), 1
    if name == "rsa 512":
        chance = random.Random(512)
        primes = (chance.getrandbits(256) | 3 << 254 | 1 for _ in iter(int, 1))
        p, q = (next(n for n in primes if all(pow(base, n - 1, n) == 1 for base in (2, 3, 5)) and n % 65537 != 1) for _ in range(2))
        return p * q, 65537, pow(65537, -1, (p - 1) * (q - 1))
    secret = private_key(name).private_numbers()
    return secret.public_numbers.n, secret.public_numbers.e, secret.d


@lru_cache
def _curve_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(name: str) -> dict[str, Any]:
    """What is published of a key: all under one name, so that it is not the name that tells them apart."""
    entry = {"use": "sig", "alg": "RS256", "kid": US.kid}
    if name == "shared secret":
        return entry | {"kty": "oct", "alg": "HS256", "k": b64(SECRETS[name]())}
    if name == "curve":
        point = _curve_key().public_key().public_numbers()
        return entry | {"kty": "EC", "alg": "ES256", "crv": "P-256", "x": number(point.x), "y": number(point.y)}
    n, e, _ = numbers(name)
    return entry | {"kty": "RSA", "n": number(n), "e": number(e)}


def _spki(name: str, encoding: Encoding, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> bytes:
    n, e, _ = numbers(name)
    return RSAPublicNumbers(e, n).public_key().public_bytes(encoding, form)


SECRETS: dict[str, Callable[[], bytes]] = {
    "PEM": lambda: _spki("ours", Encoding.PEM),
    "PEM without line end": lambda: _spki("ours", Encoding.PEM).rstrip(),
    "PEM of PKCS 1": lambda: _spki("ours", Encoding.PEM, PublicFormat.PKCS1),
    "DER": lambda: _spki("ours", Encoding.DER),
    "DER of PKCS 1": lambda: _spki("ours", Encoding.DER, PublicFormat.PKCS1),
    "OpenSSH": lambda: _spki("ours", Encoding.OpenSSH, PublicFormat.OpenSSH),
    "modulus": lambda: numbers("ours")[0].to_bytes(256, "big"),
    "modulus as text": lambda: number(numbers("ours")[0]).encode(),
    "JWK": lambda: json.dumps(public_jwk("ours")).encode(),
    "key set": lambda: key_set({}).encode(),
    "kid": US.kid.encode,
    "nothing": bytes,
    "shared secret": lambda: b"s" * 32,
}
"""What a library may take for the secret of an HMAC if the token can talk it into one."""


def _encoded(message: bytes) -> bytes:
    """EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) without the padding."""
    return bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message).digest()


def _rs256(key: str, message: bytes) -> bytes:
    if key not in ("rsa 512", "exponent 1", "exponent 2"):
        return private_key(key).sign(message, PKCS1v15(), SHA256())
    n, _, d = numbers(key)
    size, info = (n.bit_length() + 7) // 8, _encoded(message)
    padded = b"\x00\x01" + b"\xff" * (size - 3 - len(info)) + b"\x00" + info
    return pow(int.from_bytes(padded, "big"), d, n).to_bytes(size, "big")


def _cube_root(_key: str, message: bytes) -> bytes:
    """Bleichenbacher's forgery of 2006: without the private key, for readers that do not look behind the digest."""
    start = b"\x00\x01" + b"\xff" * 8 + b"\x00" + _encoded(message)
    wanted, root = int.from_bytes(start + b"\xff" * (256 - len(start)), "big"), 0
    for bit in reversed(range(700)):
        if (root | 1 << bit) ** 3 <= wanted:
            root |= 1 << bit
    assert (root**3).to_bytes(256, "big").startswith(start)
    return root.to_bytes(256, "big")


def _es256(_key: str, message: bytes) -> bytes:
    r, s = decode_dss_signature(_curve_key().sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _rsa(digest: HashAlgorithm, *, pss: bool = False) -> Callable[[str, bytes], bytes]:
    padding = PSS(MGF1(digest), digest.digest_size) if pss else PKCS1v15()
    return lambda key, message: private_key(key).sign(message, padding, digest)


def _hmac(digest: str) -> Callable[[str, bytes], bytes]:
    return lambda key, message: hmac.digest(SECRETS[key](), message, digest)


SIGNERS: dict[str, Callable[[str, bytes], bytes]] = {
    "RS256": _rs256,
    "RS384": _rsa(SHA384()),
    "RS512": _rsa(SHA512()),
    "PS256": _rsa(SHA256(), pss=True),
    "HS256": _hmac("sha256"),
    "HS512": _hmac("sha512"),
    "ES256": _es256,
    "cube root": _cube_root,
}


def _as_number(change: Callable[[int, int], int]) -> Callable[[bytes], bytes]:
    return lambda signature: change(int.from_bytes(signature, "big"), numbers("ours")[0]).to_bytes(256, "big")


SIGNATURES: dict[str, Callable[..., bytes]] = {
    "is": lambda _signature, hexadecimal, times=1: bytes.fromhex(hexadecimal) * times,
    "only": lambda signature, start, end: signature[start:end],
    "before": lambda signature, hexadecimal: bytes.fromhex(hexadecimal) + signature,
    "behind": lambda signature, hexadecimal: signature + bytes.fromhex(hexadecimal),
    "flip": lambda signature, at: signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :],
    "reversed": lambda signature: signature[::-1],
    # The same number to a reader that does not compare with the modulus.
    "plus modulus": _as_number(lambda s, n: s + n),
    "modulus minus": _as_number(lambda s, n: n - s),
    "modulus": _as_number(lambda _s, n: n),
    "der": lambda signature: b"\x30\x82\x01\x04\x04\x82\x01\x00" + signature,
}


# -- tokens ---------------------------------------------------------------------------------------------------------------------------------------------

SPELLINGS: dict[str, Callable[..., str]] = {
    "insert": lambda text, at, more: text[:at] + more + text[at:],
    "behind": lambda text, more: text + more,
    "before": lambda text, more: more + text,
    "last": lambda text, step: text[:-1] + chr(ord(text[-1]) + step),
    "without last": lambda text: text[:-1],
    "standard alphabet": lambda text: text.replace("-", "+").replace("_", "/"),
    "percent": lambda text: re.sub("[-_]", lambda found: f"%{ord(found[0]):02X}", text),
    "is": lambda _text, other: other,
}


def _part(case: Case, part: str, good: Mapping[str, Any]) -> bytes:
    """Header or claims after all their changes, as they are signed."""
    changed = {**good, **case.get(part, {})}
    pairs = [pair for pair in changed.items() if pair[0] not in case.get(f"without_{part}", ())] + case.get(f"more_{part}", [])
    text = text_of(case[f"whole_{part}"]) if f"whole_{part}" in case else "{" + _members(pairs) + "}"
    told = case.get(f"bytes_{part}", {})
    data = text.encode(told.get("encoding", "utf-8"))
    for old, new in told.get("replace", []):
        assert old.encode() in data
        data = data.replace(old.encode(), bytes.fromhex(new))
    data = bytes.fromhex(told.get("before", "")) + data + bytes.fromhex(told.get("behind", ""))
    # Spaces behind JSON mean nothing. They bring what is spelled to the length that a case is about.
    return next(data + b" " * more for more in range(3) if case.get("lengths") in (None, len(b64(data + b" " * more)) % 4))


def _spelled(case: Case, part: str, data: bytes) -> str:
    text = b64(data)
    for word, *told in case.get("spell", {}).get(part, []):
        changed = SPELLINGS[word](text, *told)
        assert changed != text
        text = changed
    return text


@lru_cache
def _another_token() -> dict[str, str]:
    """Parts of a good token that says something else."""
    header, claims, _ = US.token(TOKENS["machine"], typ="JWT").split(".")
    return {"otherheader": header, "otherclaims": claims}


def _assembled(case: Case, more: Mapping[str, Any]) -> str:
    parts = {
        "header": _spelled(case, "header", _part(case, "header", {"kid": US.kid, "alg": "RS256"})),
        "claims": _spelled(case, "claims", _part(case, "claims", {**TOKENS[case.get("token", "person")], **more})),
    }
    told = {"key": "ours", "algorithm": "RS256", "over": "$header.$claims"} | case.get("sign", {})
    signature = SIGNERS[told["algorithm"]](told["key"], string.Template(told["over"]).substitute(_another_token() | parts).encode())
    for word, *how in case.get("signature", []):
        signature = SIGNATURES[word](signature, *how)
    parts["signature"] = _spelled(case, "signature", signature)
    parts["token"] = string.Template(case.get("compact", "$header.$claims.$signature")).substitute(parts)
    return string.Template(case.get("authorization", "$token")).substitute(parts)


def token_of(case: Case) -> str:
    """The token of a case, or the whole Authorization value."""
    for attempt in range(5000):
        try:
            return _assembled(case, {"attempt": attempt} if attempt else {})
        except OverflowError:
            continue  # This signature plus the modulus needs one byte more: some other token's does not.
    raise AssertionError(f"no token for {case['name']}")


def key_set(case: Case) -> str:
    """What the issuer publishes."""
    if "key_set" in case:
        return text_of(case["key_set"])
    entries = []
    for told in case.get("keys", [{"key": "ours"}]):
        entry = {**public_jwk(told["key"]), **told.get("set", {})} if "key" in told else told["is"]
        entries.append({name: value for name, value in entry.items() if name not in told.get("without", ())} if "key" in told else entry)
    return text_of({"keys": entries})


# -- cases ----------------------------------------------------------------------------------------------------------------------------------------------


def _rows(table: Case) -> list[Case]:
    """A case for each name and each value."""
    part, twice = table["part"], table.get("twice", False)
    fixed = {field: value for field, value in table.items() if field not in OF_TABLES}
    return [
        {**fixed, "name": f"{name} {'again' if twice else 'is'} {json.dumps(value)[:70]}"}
        | ({f"more_{part}": [[name, value]]} if twice else {part: {**fixed.get(part, {}), name: value}})
        for name in table["names"]
        for value in table["values"]
    ]


def _read() -> dict[str, list[Case]]:
    """All cases by their names, those of a table together."""
    found: dict[str, list[Case]] = {}
    for path in sorted((VECTORS / "tokens").glob("*.json")):
        file = json.loads(path.read_text(encoding="utf-8"))
        assert set(file) <= {"description", "cases", "tables"}
        assert file["description"]
        for told, rows in [(case, [case]) for case in file["cases"]] + [(table, _rows(table)) for table in file.get("tables", [])]:
            name = f"{path.stem}: {told['name']}"
            assert name not in found, f"two cases are called {name}"
            assert rows, f"{name} is empty"
            # A field that is misspelt would change nothing.
            assert all(case.keys() <= FIELDS.keys() for row in rows for case in [row, *_steps(row)]), name
            found[name] = rows
    return found


def _steps(case: Case) -> list[Case]:
    """What happens one after the other, to one verifier: each step is a case that says only what is its own."""
    return [{**{field: value for field, value in case.items() if field != "steps"}, **step} for step in case.get("steps", [{}])]


CASES = _read()
ALL = [case for cases in CASES.values() for case in cases]


class Gate:
    """A verifier of our tokens, and the key set that a case publishes."""

    def __init__(self, case: Case) -> None:
        changes = case.get("issuer", {})
        sets = {name: frozenset(value) for name, value in changes.items() if name in ("client_ids", "audience")}
        self._clock = Clock()
        self._published = ""
        self._fetched: list[str] = []
        self._verifier = verifier([replace(TRUSTED, **{**changes, **sets})], self._fetch, self._clock)

    def _fetch(self, uri: str) -> bytes:
        self._fetched.append(uri)
        return self._published.encode()

    def problems(self, step: Case) -> list[str]:
        """In what the answer is not the expected one."""
        self._clock.advance(step.get("later", 0))
        self._published = key_set(step)
        self._fetched.clear()
        value, expected = token_of(step), ACCEPTED if step["expected"] == "accepted" else step["expected"]
        answer = self._answer(step, value)
        fetches = step.get("fetches", 0 if expected in WITHOUT_A_FETCH else len(self._fetched))
        silent = not isinstance(answer, GatebookError) or not told_of(answer, value)
        demands = {
            f"{_said(answer)}, not {expected}": _said(answer) == expected,
            # Ours, and no refusal.
            "trouble and refusal are mixed up": isinstance(answer, TroubleError) == (expected == "jwks_unavailable"),
            "the error repeats a part of the token": silent,
            f"fetched {self._fetched}": self._fetched == [TRUSTED.jwks_uri] * fetches,
        }
        return [f"{step['name']}: {problem}" for problem, holds in demands.items() if not holds]

    def _answer(self, step: Case, value: str) -> Principal | GatebookError:
        try:
            return self._verifier.verify(bearer_token(value) if "authorization" in step else value)
        except GatebookError as error:
            return error


def _said(answer: Principal | GatebookError) -> object:
    if isinstance(answer, GatebookError):
        return answer.reason
    return {"subject": answer.subject, "refs": [str(ref) for ref in answer.refs], "groups": list(answer.groups)}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a token names, nobody goes there."""
    calls: list[object] = []

    def refuse(*where: object, **_: object) -> None:
        calls.append(where)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    yield
    assert calls == []


@pytest.mark.parametrize("name", CASES)
def test_token(name: str) -> None:
    problems: list[str] = []
    for case in CASES[name]:
        gate = Gate(case)
        problems += [problem for step in _steps(case) for problem in gate.problems(step)]
    assert problems == []


def test_every_reason_is_expected_by_some_case() -> None:
    expected = {step["expected"] for case in ALL for step in _steps(case) if isinstance(step["expected"], str)}
    of_the_whole_value = {"missing_token", "malformed_authorization"}
    assert expected == token_reasons() | of_the_whole_value | {"accepted", "jwks_unavailable"}


def test_no_two_cases_do_the_same() -> None:
    told = [
        json.dumps({field: value for field, value in case.items() if field not in ("name", "expected")}, sort_keys=True) for case in ALL
    ]
    assert len(set(told)) == len(told) > 1500
