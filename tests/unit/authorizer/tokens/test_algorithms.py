"""Algorithms that an issuer is configured for: each accepts its own signatures, and nothing that was signed in any other way or with any other key."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from authorizer.errors import TokenError, TroubleError
from authorizer.tokens.claims import TrustedIssuer
from authorizer.tokens.jwks import ALGORITHMS, KeySet, read_keys, read_keys_for
from authorizer.tokens.verifier import TokenVerifier
from tests.support.clock import Clock
from tests.support.issuer import CLIENT_ID, ISSUER, Issuer, b64, number, rsa_key

URI = "https://keys.example/ours"
OURS = TrustedIssuer("", ISSUER, URI, frozenset({CLIENT_ID}), frozenset(), "access")
US = Issuer()
Sign = Callable[[bytes], bytes]


@cache
def ec_key(curve: type[ec.EllipticCurve] = ec.SECP256R1, _name: str = "first") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(curve())


def raw(key: ec.EllipticCurvePrivateKey, message: bytes, hash_algorithm: Any = None, size: int = 32) -> bytes:
    """R and S side by side (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hash_algorithm or SHA256())))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def pss(message: bytes, salt: Any = 32) -> bytes:
    return US.key.sign(message, PSS(MGF1(SHA256()), salt), SHA256())


SIGNERS: dict[str, Sign] = {
    "RS256": lambda message: US.key.sign(message, PKCS1v15(), SHA256()),
    "RS384": lambda message: US.key.sign(message, PKCS1v15(), SHA384()),
    "RS512": lambda message: US.key.sign(message, PKCS1v15(), SHA512()),
    "PS256": pss,
    "ES256": lambda message: raw(ec_key(), message),
}


def ec_jwk(key: ec.EllipticCurvePrivateKey | None = None, **changes: Any) -> dict[str, Any]:
    public = (key or ec_key()).public_key().public_numbers()
    entry = {"kty": "EC", "crv": "P-256", "use": "sig", "kid": "kid-ec", "x": padded(public.x), "y": padded(public.y)} | changes
    return {name: value for name, value in entry.items() if value is not None}


def padded(value: int, size: int = 32) -> str:
    return b64(value.to_bytes(size, "big"))


KEYS = [US.jwk(alg=None), ec_jwk()]


def token(algorithm: str, sign: Sign, kid: str | None = None, **claims: Any) -> str:
    header = {"alg": algorithm, "kid": kid or ("kid-ec" if algorithm == "ES256" else "kid-1")}
    signed = ".".join(b64(json.dumps(part).encode()) for part in (header, US.access_claims("guest", **claims)))
    return f"{signed}.{b64(sign(signed.encode()))}"


def verify(text: str, algorithms: Sequence[str], entries: Sequence[object] = KEYS) -> str:
    """The bearer's groups, or why the token is refused."""
    issuer = replace(OURS, algorithms=tuple(algorithms))
    keys = KeySet(URI, fetch=lambda _uri: json.dumps({"keys": entries}).encode(), now=Clock(), algorithms=issuer.algorithms)
    try:
        return ",".join(TokenVerifier([issuer], {ISSUER: keys}, Clock()).verify(text).groups)
    except (TokenError, TroubleError) as error:
        return error.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_configured_algorithm_is_accepted(algorithm: str) -> None:
    assert verify(token(algorithm, SIGNERS[algorithm]), [algorithm]) == "guest"
    assert verify(token(algorithm, SIGNERS[algorithm]), ALGORITHMS) == "guest"


@pytest.mark.parametrize(("algorithm", "configured"), [pair for pair in product(ALGORITHMS, repeat=2) if pair[0] != pair[1]])
def test_an_algorithm_that_is_not_configured_is_refused(algorithm: str, configured: str) -> None:
    assert verify(token(algorithm, SIGNERS[algorithm]), [configured]) == "algorithm"


@pytest.mark.parametrize(("said", "signed"), [pair for pair in product(ALGORITHMS, repeat=2) if pair[0] != pair[1]])
def test_a_token_is_signed_with_what_it_says(said: str, signed: str) -> None:
    """All are configured, and the key may serve for each that fits it: what the header says is held to."""
    assert verify(token(said, SIGNERS[signed]), ALGORITHMS) == "signature"


def test_each_issuer_has_algorithms_of_its_own() -> None:
    partner = replace(OURS, name="partner", issuer="https://id.partner.example", algorithms=("ES256",))
    documents = json.dumps({"keys": KEYS}).encode()
    issuers = (OURS, partner)
    keys = {issuer.issuer: KeySet(URI, fetch=lambda _uri: documents, now=Clock(), algorithms=issuer.algorithms) for issuer in issuers}
    verifier = TokenVerifier(issuers, keys, Clock())
    assert verifier.verify(token("RS256", SIGNERS["RS256"])).issuer_name == ""
    assert verifier.verify(token("ES256", SIGNERS["ES256"], iss=partner.issuer)).issuer_name == "partner"
    for algorithm, issuer in (("ES256", OURS), ("RS256", partner)):
        with pytest.raises(TokenError) as caught:
            verifier.verify(token(algorithm, SIGNERS[algorithm], iss=issuer.issuer))
        assert caught.value.reason == "algorithm"


NEVER: list[object] = [
    "none",
    "None",
    "",
    "HS256",
    "HS384",
    "HS512",
    "PS384",
    "PS512",
    "ES384",
    "ES512",
    "ES256K",
    "EdDSA",
    "rs256",
    "RS256 ",
    None,
    7,
    True,
    ["RS256"],
    {},
]


@pytest.mark.parametrize("algorithm", NEVER, ids=repr)
def test_no_other_algorithm_is_ever_taken(algorithm: Any) -> None:
    assert verify(token(algorithm, SIGNERS["RS256"], kid="kid-1"), ALGORITHMS) == "algorithm"


SPOILT: dict[str, tuple[str, Sign]] = {
    "a salt of another length": ("PS256", lambda message: pss(message, 20)),
    "the longest salt": ("PS256", lambda message: pss(message, PSS.MAX_LENGTH)),
    "no salt": ("PS256", lambda message: pss(message, 0)),
    "another hash under the mask": ("PS256", lambda message: US.key.sign(message, PSS(MGF1(SHA512()), 32), SHA256())),
    "DER": ("ES256", lambda message: ec_key().sign(message, ec.ECDSA(SHA256()))),
    "another hash": ("ES256", lambda message: raw(ec_key(), message, SHA384())),
    "a zero too many": ("ES256", lambda message: raw(ec_key(), message, size=33)),
    "zeros": ("ES256", lambda _message: bytes(64)),
    "half": ("ES256", lambda message: raw(ec_key(), message)[:32]),
    "another key": ("ES256", lambda message: raw(ec_key(ec.SECP256R1, "forger"), message)),
    "another RSA key": ("PS256", lambda message: rsa_key("forger").sign(message, PSS(MGF1(SHA256()), 32), SHA256())),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_signature_of_another_form_is_none(kind: str) -> None:
    algorithm, sign = SPOILT[kind]
    assert verify(token(algorithm, sign), ALGORITHMS) == "signature"


UNUSABLE: list[dict[str, Any]] = [
    *({"crv": curve} for curve in ("P-384", "P-521", "secp256k1", "p-256", "", None, 256)),
    *({"kty": kind} for kind in ("RSA", "OKP", "oct", "ec", None)),
    *({"alg": algorithm} for algorithm in ("ES384", "RS256", "HS256", "none", "", 7)),
    *({"use": use} for use in ("enc", "", 7)),
    *({"key_ops": operations} for operations in ([], ["sign"], "verify", 7)),
    *({"x": part} for part in (None, "", "A", "é", 7, padded(1), padded(2**256 - 1))),
    *({"y": part} for part in (None, "", "A", "é", 7, padded(1))),
    {"kid": ""},
    {"kid": None},
]


@pytest.mark.parametrize("changes", UNUSABLE, ids=repr)
def test_a_key_of_another_curve_or_purpose_is_left_out(changes: dict[str, Any]) -> None:
    assert list(read_keys_for(json.dumps({"keys": [ec_jwk(**changes), US.jwk()]}).encode(), ALGORITHMS)) == [("RS256", "kid-1")]
    with pytest.raises(TroubleError):
        read_keys(json.dumps({"keys": [ec_jwk(**changes)]}).encode(), "ES256")


@pytest.mark.parametrize("curve", [ec.SECP384R1, ec.SECP521R1, ec.SECP256K1])
def test_a_key_that_only_says_that_it_is_of_the_curve_is_left_out(curve: type[ec.EllipticCurve]) -> None:
    public = ec_key(curve).public_key().public_numbers()
    size = 66  # as many bytes as the largest of them has
    with pytest.raises(TroubleError):
        read_keys(json.dumps({"keys": [ec_jwk(x=padded(public.x, size), y=padded(public.y, size))]}).encode(), "ES256")


def test_a_key_that_says_its_algorithm_serves_for_that_alone() -> None:
    keys = read_keys_for(json.dumps({"keys": [US.jwk(alg="RS384"), ec_jwk(alg="ES256")]}).encode(), ALGORITHMS)
    assert sorted(keys) == [("ES256", "kid-ec"), ("RS384", "kid-1")]
    entries = [US.jwk(alg="RS384")]
    assert verify(token("RS384", SIGNERS["RS384"]), ALGORITHMS, entries) == "guest"
    assert verify(token("RS256", SIGNERS["RS256"]), ALGORITHMS, entries) == "unknown_kid"


def test_a_key_that_does_not_say_serves_for_each_that_fits() -> None:
    keys = read_keys_for(json.dumps({"keys": KEYS}).encode(), ALGORITHMS)
    assert sorted(keys) == [("ES256", "kid-ec"), ("PS256", "kid-1"), ("RS256", "kid-1"), ("RS384", "kid-1"), ("RS512", "kid-1")]


def test_keys_of_two_kinds_may_share_a_name() -> None:
    entries = [US.jwk(kid="both"), ec_jwk(kid="both")]
    assert verify(token("RS256", SIGNERS["RS256"], kid="both"), ALGORITHMS, entries) == "guest"
    assert verify(token("ES256", SIGNERS["ES256"], kid="both"), ALGORITHMS, entries) == "guest"
    assert verify(token("ES256", SIGNERS["ES256"], kid="both"), ALGORITHMS, [*entries, ec_jwk(kid="both")]) == "unknown_kid"


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_weak_rsa_key_is_left_out_for_pss_too(bits: int) -> None:
    numbers = rsa_key("weak", 1024).public_key().public_numbers()
    modulus = numbers.n if bits == 1024 else rsa_key("first").public_key().public_numbers().n >> 1 | 1
    with pytest.raises(TroubleError, match="RSA key for PS256"):
        read_keys(json.dumps({"keys": [US.jwk(alg=None, n=number(modulus))]}).encode(), "PS256")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_algorithm_without_any_key_is_trouble(algorithm: str) -> None:
    with pytest.raises(TroubleError, match=f"key for {algorithm} signatures"):
        read_keys(json.dumps({"keys": [US.jwk(use="enc")]}).encode(), algorithm)
