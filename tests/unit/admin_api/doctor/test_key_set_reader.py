"""Whether an issuer's key set holds a usable key: judged as the authorizer judges it, which is asked here."""

import json
import os
from random import Random
from typing import Any

import pytest

from admin_api.doctor.deployment import KeySet
from admin_api.doctor.key_set_reader import key_set_problem, read_key_sets
from authorizer.errors import TroubleError
from authorizer.tokens.claims import TrustedIssuer
from authorizer.tokens.jwks import read_keys_for
from tests.support.issuer import b64, number, rsa_key

SEED = int(os.environ.get("GATEBOOK_SEED", "20261128"))
ROUNDS = 1500
NO_KEY = "it has no RSA key for RS256 signatures with a `kid` of its own, and of 2048 bits at least if it is an RSA key"
# A point of the curve (RFC 7515 appendix A.3.1).
EC = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "e",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


def rsa(**changes: Any) -> dict[str, Any]:
    """A key that may be used; None takes a field out."""
    numbers = rsa_key("one").public_key().public_numbers()
    key = {"kty": "RSA", "kid": "k", "use": "sig", "alg": "RS256", "n": number(numbers.n), "e": number(numbers.e)}
    return {name: value for name, value in (key | changes).items() if value is not None}


def problem(*keys: Any, algorithms: tuple[str, ...] = ("RS256",)) -> str:
    return key_set_problem(json.dumps({"keys": list(keys)}).encode(), algorithms)


def short() -> str:
    return number(rsa_key("short", 1024).public_key().public_numbers().n)


@pytest.mark.parametrize(
    "key", [rsa(), rsa(use=None, alg=None), rsa(key_ops=["verify"], use=None), rsa(x5t="x"), rsa(n=rsa()["n"] + "="), rsa(e="Aw")]
)
def test_a_key_that_may_be_used(key: dict[str, Any]) -> None:
    assert problem(key) == ""
    assert problem({"kty": "oct"}, key, 7) == ""


@pytest.mark.parametrize(
    "keys",
    [
        (),
        ("x",),
        (rsa(kty="EC"),),
        (rsa(use="enc"),),
        (rsa(alg="RS512"),),
        (rsa(key_ops=["encrypt"]),),
        (rsa(key_ops="verify"),),
        (rsa(kid=None),),
        (rsa(kid=""),),
        (rsa(kid=1),),
        (rsa(n=None),),
        (rsa(e=65537),),
        (rsa(n=short()),),
        (rsa(n="A"),),
        (rsa(n="é"),),
        (rsa(e=""),),
        (rsa(e="AQ"),),
        (rsa(e="AQAA"),),
        (rsa(e=rsa()["n"]),),
        (rsa(), rsa(use=None)),
        (EC,),
    ],
)
def test_a_key_set_without_a_usable_key(keys: tuple[Any, ...]) -> None:
    assert problem(*keys) == NO_KEY


def test_each_algorithm_has_its_kind_of_key() -> None:
    assert problem(EC, algorithms=("ES256",)) == ""
    assert problem(rsa(alg="PS256"), algorithms=("ES256", "PS256")) == ""
    assert problem(EC | {"crv": "P-384"}, rsa(), algorithms=("RS512", "ES256")) == (
        "it has no RSA key for RS512 or EC key for ES256 signatures with a `kid` of its own, and of 2048 bits at least if it is an RSA key"
    )


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff", b"[" * 100_000, b"{"])
def test_what_is_no_json(text: bytes) -> None:
    assert key_set_problem(text, ("RS256",)) == "what it answers is no JSON"


@pytest.mark.parametrize("text", [b"[]", b"{}", b'"keys"', b'{"keys": {}}', b'{"keys": null}', b'{"error": "not_found"}'])
def test_what_is_no_key_set(text: bytes) -> None:
    assert key_set_problem(text, ("RS256",)) == "what it answers is no JSON object with a list of `keys`"


def test_each_issuer_is_asked_at_its_own_address() -> None:
    def issuer(name: str, *algorithms: str) -> TrustedIssuer:
        address = f"https://{name}.example"
        return TrustedIssuer(name, address, f"{address}/keys", frozenset("c"), frozenset(), "access", algorithms=algorithms)

    keys = {"https://a.example/keys": rsa(), "https://b.example/keys": EC, "https://c.example/keys": EC}
    found = read_key_sets(
        (issuer("a", "RS256"), issuer("b", "ES256"), issuer("c", "RS256")), lambda url: json.dumps({"keys": [keys[url]]}).encode()
    )
    assert found == (
        KeySet("https://a.example", "https://a.example/keys", ""),
        KeySet("https://b.example", "https://b.example/keys", ""),
        KeySet("https://c.example", "https://c.example/keys", NO_KEY),
    )


def test_it_is_what_the_authorizer_would_say() -> None:
    """Key sets of all kinds of keys, some broken: there is a problem exactly where the authorizer has no key."""
    print(f"\nGATEBOOK_SEED={SEED}")
    random, said = Random(SEED), set()
    values: dict[str, list[Any]] = {
        "kty": ["RSA", "EC", None, 1],
        "kid": ["k", "l", "", None, 7],
        "use": ["sig", "enc", None],
        "alg": ["RS256", "PS256", "ES256", None],
        "key_ops": [None, ["verify"], ["sign"], "verify", []],
        "n": [rsa()["n"], rsa()["n"] + "==", rsa()["n"][:200], short(), "", "A", "é", "*", 5, b64(b"\x00" * 256)],
        "e": ["AQAB", "Aw", "AQ", "AQAA", "", 3, "Ag"],
        "crv": ["P-256", "P-384", None],
    }
    for _ in range(ROUNDS):
        keys: list[Any] = []
        for _ in range(random.randrange(3)):
            key = rsa(kid=random.choice("kl")) if random.random() < 0.7 else dict(EC)
            for name in random.sample(sorted(values), random.choice([0, 0, 1, 1, 2])):
                key[name] = random.choice(values[name])
            keys.append(
                {name: value for name, value in key.items() if value is not None}
                if random.random() < 0.95
                else random.choice([1, None, []])
            )
        algorithms = tuple(random.sample(["RS256", "PS256", "ES256", "RS512"], random.choice([1, 1, 2])))
        text = json.dumps({"keys": keys}).encode()
        try:
            read_keys_for(text, algorithms)
            usable = True
        except TroubleError:
            usable = False
        assert (key_set_problem(text, algorithms) == "") is usable, (SEED, keys, algorithms)
        said.add(usable)
    assert said == {True, False}
