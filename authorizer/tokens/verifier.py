"""Verifies tokens: compact JWS (RFC 7515 section 7.1) with RS256 and nothing else, then the claims. One call, no halves to forget.

python-jose does the RSA arithmetic with keys that are built beforehand; its own parsing and claim checks accept more than is accepted here.
"""

import hashlib
import json
from binascii import a2b_base64
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from authorizer.errors import TokenError
from authorizer.tokens.claims import Principal, TrustedIssuer, check_claims
from authorizer.tokens.jwks import KeySet

MAX_TOKEN_BYTES = 16_384

MAX_REMEMBERED = 1_000
"""Tokens that are known to be good: a caller sends the same one again and again."""

MAX_REMEMBERED_CHARACTERS = 2_000_000
"""Of all of them together: what is known of a token takes some times its length, and a directory may put thousands of groups into one."""

MAX_HEADERS = 100
"""Headers that are known to ask for nothing unusual: all tokens that are signed with one key have the same."""

_BASE64URL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")
_PADDING = (b"", b"", b"==", b"=")
# Of two characters the last has two bits of the last byte, of three it has four: the others must be zero.
_LAST_CHARACTERS = (_BASE64URL, b"", b"AQgw", b"AEIMQUYcgkosw048")
_TYPES = ("JWT", "AT+JWT")


class _Verified(NamedTuple):
    """What was found out about a token, which holds while it is good and as long as its header names the very key that its signature was checked with."""

    principal: Principal
    key_set: KeySet
    header: "_Header"
    key: Any
    size: int

    def holds(self, now: float) -> bool:
        """Return whether verifying the token at `now` would find the same."""
        return self.key_set.key(*self.header) is self.key and self.principal.good_from <= now < self.principal.expires_at


class _Header(NamedTuple):
    """What is asked of a token's header: which key, and which algorithm, which must be one of the issuer's."""

    kid: str
    algorithm: str


class TokenVerifier:
    """Accepts tokens of the configured issuers only. `key_sets` holds each issuer's keys by the issuer's address.

    A good token is known by its SHA-256 when it comes again: then its times and its key are looked at, and nothing else, since nothing else can change.
    """

    def __init__(self, issuers: Sequence[TrustedIssuer], key_sets: Mapping[str, KeySet], now: Callable[[], float]) -> None:
        self._issuers = {issuer.issuer: (issuer, key_sets[issuer.issuer]) for issuer in issuers}
        self._now = now
        self._algorithms = frozenset(algorithm for issuer in issuers for algorithm in issuer.algorithms)
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        self._remembered_characters = 0
        self._headers: dict[bytes, _Header] = {}

    def verify(self, token: str) -> Principal:
        """Return the bearer of a token that meets every demand.

        Raises `TokenError` with a stable reason if it does not, `TroubleError` if the issuer's keys cannot be had. No message holds any part of the token.
        """
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenError("too_large", f"the token has more than {MAX_TOKEN_BYTES} characters")
        text = token.encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(text).digest()
        known = self._verified.get(digest)
        if known is not None and known.holds(self._now()):
            self._verified.move_to_end(digest)
            return known.principal
        return self._verify_anew(text, digest)

    def _verify_anew(self, token: bytes, digest: bytes) -> Principal:
        header, payload, signature = _segments(token)
        wanted = self._headers.get(header)
        header_bytes = _decode(header) if wanted is None else b""
        payload_bytes, signature_bytes = _decode(payload), _decode(signature)
        if wanted is None:
            wanted = _checked_header(_json_object(header_bytes), self._algorithms)
        unverified_claims = _json_object(payload_bytes)
        # The token's issuer only chooses among the configured ones; what it says otherwise goes nowhere before the signature holds.
        unverified_issuer = unverified_claims.get("iss")
        trusted = self._issuers.get(unverified_issuer) if isinstance(unverified_issuer, str) else None
        if trusted is None:
            raise TokenError("issuer", "the token's issuer is not trusted")
        issuer, key_set = trusted
        key = key_set.key(*wanted)
        if not _is_signed(key, token[: -1 - len(signature)], signature_bytes):
            raise TokenError("signature", "the token's signature is wrong")
        if len(self._headers) < MAX_HEADERS:
            # Of a token that somebody signed: whoever makes headers up fills nothing.
            self._headers[header] = wanted
        principal = check_claims(unverified_claims, issuer, self._now())
        self._remember(digest, _Verified(principal, key_set, wanted, key, len(token)))
        return principal

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        before = self._verified.pop(digest, None)
        self._verified[digest] = verified
        self._remembered_characters += verified.size - (before.size if before else 0)
        while len(self._verified) > MAX_REMEMBERED or self._remembered_characters > MAX_REMEMBERED_CHARACTERS:
            _, leaving = self._verified.popitem(last=False)
            self._remembered_characters -= leaving.size

    def has_stale_keys(self, issuer: str) -> bool:
        """Return whether this issuer's keys serve beyond their maximum age."""
        return self._issuers[issuer][1].is_stale


def bearer_token(value: str) -> str:
    """Return the token of an Authorization header: `Bearer <token>` (RFC 6750 section 2.1), or the token alone, as Cognito's own authorizers take it.

    A cookie or a query parameter is the token alone, mostly.

    Raises `TokenError` for anything else, among it two values joined by a comma.
    """
    parts = value.split()
    if not parts:
        raise TokenError("missing_token", "the value that should be the token is empty")
    if len(parts) == 2 and parts[0].lower() == "bearer":
        parts = parts[1:]
    if len(parts) != 1 or "," in parts[0]:
        raise TokenError("malformed_authorization", "the value that should be the token is not `Bearer` and one token")
    return parts[0]


def _segments(token: bytes) -> list[bytes]:
    """The three segments, of characters of base64url alone (RFC 7515 section 2): no padding, no other character."""
    # What is left without these characters is the dots, and whatever should not be there. A regular expression finds the same in seven times the time.
    if token.translate(None, _BASE64URL) == b"..":
        return token.split(b".")
    if token.count(b".") != 2:
        raise TokenError("malformed", "the token has not three segments")
    raise TokenError("malformed", "a segment of the token is not base64url")


def _decode(segment: bytes) -> bytes:
    """Strict base64url of its characters: no length and no bits that decode to nothing."""
    left_over = len(segment) % 4
    if not segment or left_over == 1:
        raise TokenError("malformed", "a segment of the token is not base64url")
    if segment[-1] not in _LAST_CHARACTERS[left_over]:
        raise TokenError("malformed", "a segment of the token has bits left over")
    return a2b_base64(segment.translate(_TO_BASE64) + _PADDING[left_over])


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # RFC 7519 section 4 lets a reader refuse duplicate names: two readers could take different ones.
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("duplicate name")
    return result


def _refuse(_constant: str) -> Any:
    raise ValueError("not a JSON number")


_STRICT_JSON = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        value = _STRICT_JSON.decode(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise TokenError("malformed", "a segment of the token is not a JSON object with unique names")
    return value


def _checked_header(header: Mapping[str, Any], algorithms: frozenset[str]) -> _Header:
    """What a header asks for that asks for nothing unusual. `jku`, `jwk`, `x5u` and `x5c` are never looked at: no token chooses its own key."""
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenError("algorithm", f"the token is not signed with {' or '.join(sorted(algorithms))}")
    if "crit" in header or "b64" in header:
        raise TokenError("critical_header", "the token's header demands an extension")
    kind = header.get("typ", "JWT")
    # Only of ASCII letters are upper and lower case one and the same (RFC 7515 section 4.1.9).
    if not isinstance(kind, str) or not kind.isascii() or kind.upper().removeprefix("APPLICATION/") not in _TYPES:
        raise TokenError("type", "the token is not of type JWT")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise TokenError("unknown_kid", "the token names no key")
    return _Header(kid, algorithm)


def _is_signed(key: Any, message: bytes, signature: bytes) -> bool:
    try:
        return key.verify(message, signature) is True
    except Exception:  # noqa: BLE001  # python-jose lets errors of its backend through; whichever it is, the signature does not hold
        return False
