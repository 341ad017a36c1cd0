"""An issuer for tests: keys made once per process, key sets, and tokens good and bad, put together by hand."""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from authorizer.errors import GatebookError
from authorizer.tokens.claims import TrustedIssuer
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.verifier import TokenVerifier

POOL = "eu-west-1_AbCdEfGhI"
ISSUER = f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}"
CLIENT_ID = "5example2client3id"
NOW = 1_800_000_000


@lru_cache
def rsa_key(name: str, bits: int = 2048) -> RSAPrivateKey:
    """A private key, the same for the same name within one process."""
    return generate_private_key(public_exponent=65537, key_size=bits)


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def number(value: int) -> str:
    """A JWK's number (RFC 7518 section 2, Base64urlUInt)."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def sign(key: RSAPrivateKey, header: object, payload: object) -> str:
    """A compact JWS with RS256. Text and bytes go in as they are, everything else as JSON."""
    parts = [
        part if isinstance(part, bytes) else part.encode() if isinstance(part, str) else json.dumps(part).encode()
        for part in (header, payload)
    ]
    signed = ".".join(b64(part) for part in parts)
    return f"{signed}.{b64(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer with one key."""

    issuer: str = ISSUER
    kid: str = "kid-1"
    key_name: str = "first"
    claims: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> RSAPrivateKey:
        """The private key."""
        return rsa_key(self.key_name)

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public key as Cognito publishes it, with changes; None takes a field out."""
        public = self.key.public_key().public_numbers()
        entry = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": number(public.n), "e": number(public.e)} | changes
        return {name: value for name, value in entry.items() if value is not None}

    def jwks(self) -> bytes:
        """The key set as it is fetched."""
        return json.dumps({"keys": [self.jwk()]}).encode()

    def access_claims(self, *groups: str, now: float = NOW, **changes: Any) -> dict[str, Any]:
        """What a Cognito user's access token says, with changes; None takes a claim out."""
        claims: dict[str, Any] = {
            "sub": "9a1b2c3d-0000-4000-8000-000000000001",
            "iss": self.issuer,
            "client_id": CLIENT_ID,
            "token_use": "access",
            "scope": "aws.cognito.signin.user.admin",
            "auth_time": int(now) - 10,
            "iat": int(now) - 10,
            "exp": int(now) + 3590,
            "jti": "11111111-0000-4000-8000-000000000001",
            "origin_jti": "22222222-0000-4000-8000-000000000001",
            "username": "jane",
        }
        if groups:
            claims["cognito:groups"] = list(groups)
        return {name: value for name, value in (claims | changes).items() if value is not None}

    def machine_claims(self, *scopes: str, now: float = NOW, **changes: Any) -> dict[str, Any]:
        """What a client-credentials token says."""
        return self.access_claims(
            now=now, **({"sub": CLIENT_ID, "username": None, "origin_jti": None, "scope": " ".join(scopes)} | changes)
        )

    def id_claims(self, *groups: str, now: float = NOW, **changes: Any) -> dict[str, Any]:
        """What a Cognito user's ID token says."""
        fixed = {"token_use": "id", "aud": CLIENT_ID, "client_id": None, "scope": None, "username": None, "cognito:username": "jane"}
        return self.access_claims(*groups, now=now, **(fixed | changes))

    def token(self, claims: object, **header: Any) -> str:
        """A signed token; header fields can be changed, None takes one out."""
        fields = {"kid": self.kid, "alg": "RS256"} | header
        return sign(self.key, {name: value for name, value in fields.items() if value is not None}, claims)

    def access_token(self, *groups: str, now: float = NOW, **changes: Any) -> str:
        """A Cognito user's access token."""
        return self.token(self.access_claims(*groups, now=now, **changes))


def verifier(trusted: Sequence[TrustedIssuer], fetch: Callable[[str], bytes], now: Callable[[], float]) -> TokenVerifier:
    """A verifier of these issuers' tokens that gets key sets from `fetch`."""
    return TokenVerifier(trusted, {issuer.issuer: KeySet(issuer.jwks_uri, fetch=fetch, now=now) for issuer in trusted}, now)


def told_of(error: GatebookError, token: str, *, size: int = 8) -> list[str]:
    """What the error, or what it came from, repeats of the token: every piece of so many characters."""
    pieces: list[str] = []
    link: BaseException | None = error
    while link is not None:
        for text in (str(link), repr(link), repr(vars(link))):
            pieces += [text[at : at + size] for at in range(len(text) - size + 1) if text[at : at + size] in token]
        link = link.__cause__ or link.__context__
    return pieces


def token_reasons() -> frozenset[str]:
    """Every stable reason for which a verifier refuses a token."""
    of_the_form = {"too_large", "malformed", "algorithm", "critical_header", "type"}
    of_the_signature = {"issuer", "unknown_kid", "signature"}
    of_the_claims = {"expired", "not_yet_valid", "issued_in_future", "token_use", "unrestricted_issuer", "client_id", "audience", "subject"}
    of_their_types = {"claim_type", "groups", "scope", "too_many_refs"}
    return frozenset(of_the_form | of_the_signature | of_the_claims | of_their_types)
