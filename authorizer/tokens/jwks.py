"""An issuer's signing keys: fetched, checked, kept, and fetched again, without letting tokens or a dead issuer set the pace.

Follows RFC 7517 for the key set and the Cognito developer guide, "Verifying JSON web tokens": keys may rotate, so an unknown `kid` is a reason to ask again.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from jose.backends.base import Key
from jose.backends.cryptography_backend import CryptographyRSAKey
from jose.exceptions import JOSEError

from authorizer.errors import TokenError, TroubleError

ALGORITHM = "RS256"
MIN_KEY_BITS = 2048


class KeySet:
    """The keys of one issuer by `kid`. Times are in seconds; `fetch` gives the document's bytes or raises `TroubleError`.

    One fetch happens at a time. A `kid` that is not known is asked for once per `unknown_kid_cooldown`, and after a fetch that failed nobody
    asks for `failed_fetch_cooldown`, so that neither made-up tokens nor a dead issuer cost a fetch per request. Keys older than `max_age` are
    fetched again; if that fails they serve for `max_stale` more.
    """

    def __init__(
        self,
        uri: str,
        *,
        fetch: Callable[[str], bytes],
        now: Callable[[], float],
        max_age: float = 3600,
        max_stale: float = 3600,
        unknown_kid_cooldown: float = 10,
        failed_fetch_cooldown: float = 5,
    ) -> None:
        self._uri = uri
        self._fetch = fetch
        self._now = now
        self._max_age = max_age
        self._max_stale = max_stale
        self._unknown_kid_cooldown = unknown_kid_cooldown
        self._failed_fetch_cooldown = failed_fetch_cooldown
        self._lock = threading.Lock()
        self._keys: Mapping[str, Key] = {}
        self._fetched_at: float | None = None
        self._failed_at: float | None = None

    def key(self, kid: str) -> Key:
        """Return the key of that name, built once and pinned to RS256.

        Raises `TokenError` if the issuer has no such key, `TroubleError` if that cannot be found out.
        """
        with self._lock:
            age = self._age()
            if age is None or not 0 <= age < self._max_age:
                self._renew(required=kid not in self._keys or age is None or not 0 <= age < self._max_age + self._max_stale)
            elif kid not in self._keys and age >= self._unknown_kid_cooldown:
                self._renew(required=True)
            key = self._keys.get(kid)
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
            self._keys = read_keys(self._fetch(self._uri))
        except TroubleError:
            self._failed_at = self._now()
            if required:
                raise
            return
        self._fetched_at, self._failed_at = now, None


def read_keys(document: bytes) -> dict[str, Key]:
    """Return the usable keys of a key set, ready to verify. Two keys of one `kid` are both left out.

    Raises `TroubleError` if it is no key set or has no usable key.
    """
    try:
        entries = json.loads(document)["keys"]
        usable = [entry for entry in entries if _is_usable(entry)]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise TroubleError("jwks_unavailable", "the key set is not a JSON object with a list of keys") from None
    times = Counter(entry["kid"] for entry in usable)
    keys = {entry["kid"]: key for entry in usable if times[entry["kid"]] == 1 and (key := _build(entry)) is not None}
    if not keys:
        raise TroubleError("jwks_unavailable", "the key set has no RSA key for RS256 signatures of at least 2048 bits")
    return keys


def _is_usable(entry: Any) -> bool:
    """RSA, for signatures, for RS256 or not said (RFC 7517 sections 4.1 to 4.5)."""
    return (
        isinstance(entry, dict)
        and entry.get("kty") == "RSA"
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", ALGORITHM) == ALGORITHM
        and isinstance(operations := entry.get("key_ops", ["verify"]), list)
        and "verify" in operations
        and isinstance(entry.get("kid"), str)
        and entry["kid"] != ""
        and all(isinstance(entry.get(part), str) for part in ("n", "e"))
    )


def _build(entry: Mapping[str, Any]) -> Key | None:
    # Only the public numbers go in, whatever else the entry holds. The backend is named: python-jose would take a slow one without a word.
    try:
        key = CryptographyRSAKey({"kty": "RSA", "n": entry["n"], "e": entry["e"]}, ALGORITHM)
        size: int = key.prepared_key.key_size
    except (JOSEError, ValueError, TypeError, AttributeError):
        return None
    return key if size >= MIN_KEY_BITS else None
