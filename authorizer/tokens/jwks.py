"""An issuer's signing keys: fetched, checked, kept, and fetched again, without letting tokens or a dead issuer set the pace.

Follows RFC 7517 for the key set and the Cognito developer guide, "Verifying JSON web tokens": keys may rotate, so an unknown `kid` is a reason to ask again.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from jose.backends.base import Key
from jose.backends.cryptography_backend import CryptographyECKey, CryptographyRSAKey
from jose.exceptions import JOSEError

from authorizer.errors import TokenError, TroubleError

ALGORITHM = "RS256"
"""What signs tokens where an issuer is not configured otherwise."""

MIN_KEY_BITS = 2048

_KEY_TYPES = {"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "ES256": "EC"}
_NUMBERS = {"RSA": ("n", "e"), "EC": ("x", "y")}

ALGORITHMS = tuple(_KEY_TYPES)
"""What issuers may be configured to sign with (RFC 7518 section 3.1)."""


class KeySet:
    """The keys of one issuer by `kid`. Times are in seconds; `fetch` gives the document's bytes or raises `TroubleError`.

    One fetch happens at a time. A `kid` that is not known is asked for once per `unknown_kid_cooldown`, and after a fetch that failed nobody
    asks for `failed_fetch_cooldown`, so that neither made-up tokens nor a dead issuer cost a fetch per request. Keys older than `max_age` are
    fetched again; if that fails they serve for `max_stale` more. `on_fetch` is told of each fetch whether it succeeded.
    """

    def __init__(
        self,
        uri: str,
        *,
        fetch: Callable[[str], bytes],
        now: Callable[[], float],
        algorithms: Sequence[str] = (ALGORITHM,),
        max_age: float = 3600,
        max_stale: float = 3600,
        unknown_kid_cooldown: float = 10,
        failed_fetch_cooldown: float = 5,
        on_fetch: Callable[[bool], None] = lambda _succeeded: None,
    ) -> None:
        self._uri = uri
        self._fetch = fetch
        self._now = now
        self._algorithms = tuple(algorithms)
        self._max_age = max_age
        self._max_stale = max_stale
        self._unknown_kid_cooldown = unknown_kid_cooldown
        self._failed_fetch_cooldown = failed_fetch_cooldown
        self._on_fetch = on_fetch
        self._lock = threading.Lock()
        self._keys: Mapping[tuple[str, str], Key] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None

    def key(self, kid: str, algorithm: str = ALGORITHM) -> Key:
        """Return the key of that name, built once and pinned to an algorithm.

        Raises `TokenError` if the issuer signs with another algorithm or has no such key, `TroubleError` if that cannot be found out.
        """
        if algorithm not in self._algorithms:
            raise TokenError("algorithm", f"the token is not signed with {' or '.join(self._algorithms)}")
        name = algorithm, kid
        with self._lock:
            age = self._age()
            if age is None or not 0 <= age < self._max_age:
                self._renew(required=name not in self._keys or age is None or not 0 <= age < self._max_age + self._max_stale)
            elif name not in self._keys and age >= self._unknown_kid_cooldown:
                self._renew(required=True)
            key = self._keys.get(name)
        if key is None:
            raise TokenError("unknown_kid", "the token is signed with a key that its issuer does not publish")
        return key

    @property
    def is_stale(self) -> bool:
        """Whether the keys are beyond their maximum age, since they could not be fetched anew."""
        age = self._age()
        return age is not None and not 0 <= age < self._max_age

    def _age(self) -> float | None:
        return None if self._fetched_at is None else self._now() - self._fetched_at

    def _renew(self, *, required: bool) -> None:
        """Fetch the keys. If that fails, or failed a moment ago, raise `TroubleError` only if they are `required`."""
        now = self._now()
        if self._failed_at is not None and 0 <= now - self._failed_at < self._failed_fetch_cooldown:
            if required:
                raise TroubleError("jwks_unavailable", f"key set `{self._uri}` could not be fetched a moment ago")
            return
        try:
            self._keys = read_keys_for(self._fetch(self._uri), self._algorithms)
        except TroubleError:
            self._failed_at = self._now()
            self._on_fetch(False)
            if required:
                raise
            return
        self._fetched_at, self._failed_at = now, None
        self._on_fetch(True)


def read_keys(document: bytes, algorithm: str = ALGORITHM) -> dict[str, Key]:
    """Return the usable keys of a key set for one algorithm, by `kid`. As `read_keys_for`."""
    return {kid: key for (_, kid), key in read_keys_for(document, (algorithm,)).items()}


def read_keys_for(document: bytes, algorithms: Sequence[str]) -> dict[tuple[str, str], Key]:
    """Return the usable keys of a key set by algorithm and `kid`, ready to verify. Two keys of one `kid` are both left out.

    A key that does not say its algorithm can be used with each of those that fit it. Raises `TroubleError` if it is no key set or has no usable key.
    """
    try:
        entries = json.loads(document)["keys"]
        usable = {algorithm: [entry for entry in entries if _is_usable(entry, algorithm)] for algorithm in algorithms}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TroubleError("jwks_unavailable", "the key set is not a JSON object with a list of keys") from None
    keys: dict[tuple[str, str], Key] = {}
    for algorithm, fitting in usable.items():
        times = Counter(entry["kid"] for entry in fitting)
        for entry in fitting:
            key = _build(entry, algorithm) if times[entry["kid"]] == 1 else None
            if key is not None:
                keys[algorithm, entry["kid"]] = key
    if not keys:
        kinds = " or ".join(f"{_KEY_TYPES[algorithm]} key for {algorithm}" for algorithm in algorithms)
        raise TroubleError("jwks_unavailable", f"the key set has no {kinds} signatures, of 2048 bits at least if it is an RSA key")
    return keys


def _is_usable(entry: Any, algorithm: str) -> bool:
    """A key for signatures, for this algorithm or not said (RFC 7517 sections 4.1 to 4.5), of the curve P-256 if it is of one (RFC 7518 section 3.4)."""
    kind = _KEY_TYPES[algorithm]
    return (
        isinstance(entry, dict)
        and entry.get("kty") == kind
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) == algorithm
        and isinstance(operations := entry.get("key_ops", ["verify"]), list)
        and "verify" in operations
        and isinstance(entry.get("kid"), str)
        and entry["kid"] != ""
        and (kind == "RSA" or entry.get("crv") == "P-256")
        and all(isinstance(entry.get(part), str) for part in _NUMBERS[kind])
    )


def _build(entry: Mapping[str, Any], algorithm: str) -> Key | None:
    # Only the public numbers go in, whatever else the entry holds. The backend is named: python-jose would take a slow one without a word.
    kind = _KEY_TYPES[algorithm]
    numbers = {"kty": kind, **{part: entry[part] for part in _NUMBERS[kind]}}
    try:
        if kind == "EC":
            return CryptographyECKey(numbers | {"crv": "P-256"}, algorithm)
        rsa = CryptographyRSAKey(numbers, "RS256" if algorithm == "PS256" else algorithm)
        size: int = rsa.prepared_key.key_size
    except (JOSEError, ValueError, TypeError, AttributeError):
        return None
    if size < MIN_KEY_BITS:
        return None
    return _PssKey(rsa.prepared_key) if algorithm == "PS256" else rsa


class _PssKey(Key):
    """An RSA key for PS256, which python-jose lacks: PSS with SHA-256 for all, a salt of 32 bytes (RFC 7518 section 3.5)."""

    _PADDING = PSS(MGF1(SHA256()), SHA256.digest_size)

    def __init__(self, public_key: Any) -> None:
        self._public_key = public_key

    def verify(self, msg: bytes, sig: bytes) -> bool:
        """Return whether the signature is the message's."""
        try:
            self._public_key.verify(sig, msg, self._PADDING, SHA256())
        except InvalidSignature:
            return False
        return True
