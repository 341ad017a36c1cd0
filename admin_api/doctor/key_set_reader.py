"""Asks the trusted issuers for their key sets (RFC 7517) and looks for a key that the authorizer would verify tokens with.

What counts as usable is what `authorizer.tokens.jwks` takes; this is a second reading of it, which needs no library that verifies.
"""

import base64
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from admin_api.doctor.deployment import KeySet
from admin_api.importers.imported import ImportSourceError
from authorizer.errors import TroubleError
from authorizer.tokens.claims import TrustedIssuer

MIN_KEY_BITS = 2048

_CURVE = "ES256"


def read_key_sets(issuers: Iterable[TrustedIssuer], fetch: Callable[[str], bytes]) -> tuple[KeySet, ...]:
    """Return what each issuer's address answers. `fetch` raises `TroubleError`, `ImportSourceError` or `OSError` where nothing is answered."""
    return tuple(KeySet(issuer.issuer, issuer.jwks_uri, _problem(issuer, fetch)) for issuer in issuers)


def key_set_problem(document: bytes, algorithms: Iterable[str]) -> str:
    """Return what is wrong with a key set, "" where it holds a key for one of the algorithms: `{"keys": []}` -> `it has no RSA key for RS256 signatures...`."""
    names = tuple(algorithms)
    try:
        answer = json.loads(document)
    except (ValueError, RecursionError):
        return "what it answers is no JSON"
    entries = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return "what it answers is no JSON object with a list of `keys`"
    if any(_is_usable(entries, algorithm) for algorithm in names):
        return ""
    kinds = " or ".join(f"{'EC' if algorithm == _CURVE else 'RSA'} key for {algorithm}" for algorithm in names)
    return f"it has no {kinds} signatures with a `kid` of its own, and of {MIN_KEY_BITS} bits at least if it is an RSA key"


def _problem(issuer: TrustedIssuer, fetch: Callable[[str], bytes]) -> str:
    try:
        document = fetch(issuer.jwks_uri)
    except (TroubleError, ImportSourceError, OSError) as error:
        return f"it does not answer from here: {error}"
    return key_set_problem(document, issuer.algorithms)


def _is_usable(entries: list[Any], algorithm: str) -> bool:
    fitting = [entry for entry in entries if _fits(entry, algorithm)]
    times = Counter(entry["kid"] for entry in fitting)
    # Two keys of one name are both left out: a token says a name only.
    return any(times[entry["kid"]] == 1 and (algorithm == _CURVE or _is_long(entry)) for entry in fitting)


def _fits(entry: Any, algorithm: str) -> bool:
    """A key for signatures, for this algorithm or not said (RFC 7517 sections 4.1 to 4.5, RFC 7518 section 6)."""
    kind, numbers = ("EC", ("x", "y")) if algorithm == _CURVE else ("RSA", ("n", "e"))
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
        and all(isinstance(entry.get(part), str) for part in numbers)
    )


def _is_long(entry: Mapping[str, Any]) -> bool:
    """Return whether an RSA key is long enough, and of numbers that a key can have (RFC 8017 section 3.1)."""
    modulus, exponent = _number(entry["n"]), _number(entry["e"])
    return modulus.bit_length() >= MIN_KEY_BITS and 3 <= exponent < modulus and exponent % 2 == 1


def _number(text: str) -> int:
    """Return a number of a key (base64url, RFC 7518 section 2), 0 for none: `AQAB` -> 65537. Other characters are passed over, as the authorizer does."""
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=="), "big")
    except ValueError:
        return 0
