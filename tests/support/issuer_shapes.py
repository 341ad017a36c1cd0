"""Tokens as other issuers shape them: the files of `tests/vectors/tokens/issuers`, and signatures for them.

A file says how an authorizer is configured (`settings`, and `issuers` for `TRUSTED_ISSUERS`) and what becomes of each token: `expected` is what is found out
about its bearer, or the reason for which it is refused. A token is said in full, or as another one of the file (`like`) with other `claims` and members of the
`header`, and with claims left out (`without`). `{"many": "g{}", "times": 2}` stands for `["g0", "g1"]`, with `joined` for one text. `sign` names a wrong
signature.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.issuer import b64, number, rsa_key

FOLDER = Path(__file__).parent.parent / "vectors" / "tokens" / "issuers"


@cache
def _ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _es256(message: bytes) -> bytes:
    r, s = decode_dss_signature(_ec_key().sign(message, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _hs256(message: bytes) -> bytes:
    public = rsa_key("first").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.new(public, message, hashlib.sha256).digest()


SIGNERS: dict[str, Callable[[bytes], bytes]] = {
    "RS256": lambda message: rsa_key("first").sign(message, PKCS1v15(), SHA256()),
    "PS256": lambda message: rsa_key("first").sign(message, PSS(MGF1(SHA256()), 32), SHA256()),
    "ES256": _es256,
    "public key as secret": _hs256,
    "nothing": lambda _message: b"",
    "another key": lambda message: rsa_key("forger").sign(message, PKCS1v15(), SHA256()),
}
"""By the header's algorithm, or by what a case says is wrong."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One token of a file."""

    name: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    expected: Any
    sign: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether something is found out about a bearer."""
        return not isinstance(self.expected, str)

    @property
    def refs(self) -> list[str]:
        """What permissions may be given to, of a token that is accepted."""
        return [str(ref) for ref in self.expected["refs"]]

    @property
    def token(self) -> str:
        """The token, signed."""
        signed = ".".join(b64(json.dumps(part).encode()) for part in (self.header, self.claims))
        return f"{signed}.{b64(SIGNERS[self.sign or self.header['alg']](signed.encode()))}"


@dataclass(frozen=True, slots=True)
class Issuers:
    """One file: a configuration and its tokens."""

    name: str
    section: str
    settings: Mapping[str, str]
    issuers: list[dict[str, Any]]
    shapes: dict[str, Shape] = field(repr=False)

    def environment(self, jwks_uri: str = "") -> dict[str, str]:
        """The settings of an authorizer; with a `jwks_uri` the keys are there, wherever the file says."""
        issuers = [{**entry, "jwks_uri": jwks_uri} if jwks_uri else entry for entry in self.issuers]
        more = {"TRUSTED_ISSUERS": json.dumps(issuers)} if issuers else {}
        keys = {"JWKS_URI": jwks_uri} if jwks_uri and self.settings else {}
        return {"PERMISSIONS_TABLE": "gatebook", "API": "petstore", **self.settings, **more, **keys}

    def jwks(self) -> bytes:
        """A key set with each key that the tokens name. No key says its algorithm, as with Entra."""
        public = rsa_key("first").public_key().public_numbers()
        rsa = {"kty": "RSA", "use": "sig", "n": number(public.n), "e": number(public.e)}
        point = _ec_key().public_key().public_numbers()
        curve = {"kty": "EC", "crv": "P-256", "use": "sig", "x": _coordinate(point.x), "y": _coordinate(point.y)}
        kids = {shape.header["kid"]: shape.header["alg"] for shape in self.shapes.values() if not shape.sign}
        return json.dumps({"keys": [(curve if alg == "ES256" else rsa) | {"kid": kid} for kid, alg in kids.items()]}).encode()


def _coordinate(value: int) -> str:
    return b64(value.to_bytes(32, "big"))


@cache
def read_issuers_of(name: str) -> Issuers:
    """The file of that name, such as `keycloak`."""
    vector = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"), object_hook=_unfolded)
    shapes: dict[str, Shape] = {}
    for case in vector["tokens"]:
        assert case["name"] not in shapes, case["name"]
        shapes[case["name"]] = _shape(case, shapes)
    assert vector["description"]
    return Issuers(name, vector.get("section", ""), vector.get("settings", {}), vector["issuers"], shapes)


def _shape(case: Mapping[str, Any], others: Mapping[str, Shape]) -> Shape:
    base = others.get(case.get("like", ""))
    header = {**(base.header if base else {}), **case.get("header", {})}
    claims = {**(base.claims if base else {}), **case.get("claims", {})}
    left_out = case.get("without", [])
    assert set(left_out) <= set(claims), f"{case['name']}: leaves out what is not there"
    kept = {claim: value for claim, value in claims.items() if claim not in left_out}
    return Shape(case["name"], header, kept, _expected(case["expected"]), case.get("sign", ""))


def _expected(expected: Any) -> Any:
    if isinstance(expected, str):
        return expected
    refs = [ref for part in expected["refs"] for ref in (part if isinstance(part, list) else [part])]
    return {**expected, "refs": refs}


def _unfolded(value: dict[str, Any]) -> Any:
    if "many" not in value:
        return value
    made = [value["many"].format(number) for number in range(value["times"])]
    return value["joined"].join(made) if "joined" in value else made


def issuer_files() -> list[str]:
    """The names of all files, never none."""
    found = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert found
    return found


def all_shapes() -> list[tuple[str, str]]:
    """Each token as the name of its file and its own."""
    return [(name, shape) for name in issuer_files() for shape in read_issuers_of(name).shapes]
