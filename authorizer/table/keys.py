"""Keys of the permission table. All APIs share one table; an API's items start with `api#` and its name."""

import hashlib
import re

from authorizer.policy.permission import PrincipalRef

HEAD = "head"
VERSION_PREFIX = "version#"
REGISTRY_PREFIX = "subject#"
APIS = "apis"
"""Partition with an entry for each API, so that nobody has to look through the whole table for their names."""

_MAX_NAME_BYTES = 900
_TO_ESCAPE = re.compile(rb"[^A-Za-z0-9._-]")


def escape(name: str) -> str:
    """Return a name as part of a key: two names are equal byte for byte exactly if their keys are.

    Everything but `[A-Za-z0-9._-]` is written `%XX`. A name that would pass the size of a key is replaced by its digest behind `%sha256%`, which no
    escaped name can hold.
    """
    raw = name.encode("utf-8", "surrogatepass")
    escaped = _TO_ESCAPE.sub(lambda match: b"%%%02X" % match[0][0], raw).decode("ascii")
    return escaped if len(escaped) <= _MAX_NAME_BYTES else f"%sha256%{hashlib.sha256(raw).hexdigest()}"


def api_key(api: str) -> str:
    """Partition of an API's head, versions and registry."""
    return f"api#{escape(api)}"


def subject_key(api: str, ref: PrincipalRef) -> str:
    """Partition of what a subject held, version by version."""
    return f"{api_key(api)}#{registry_sort_key(ref)}"


def routes_key(api: str) -> str:
    """Partition of the catalogue, version by version."""
    return f"{api_key(api)}#routes"


def rules_key(api: str) -> str:
    """Partition of what the document demands of itself, version by version. No authorizer reads it: of a record's rows it looks at those that it serves by."""
    return f"{api_key(api)}#rules"


def denylist_key(api: str) -> str:
    """Partition of an API's denylist."""
    return f"{api_key(api)}#denylist"


def denylist_sort_key(kind: str, value: str) -> str:
    """Return where the entry for one value of a token stands."""
    return f"{kind}#{escape(value)}"


def idempotency_key(api: str) -> str:
    """Partition of the answers to requests that were already carried out."""
    return f"{api_key(api)}#idempotency"


def registry_sort_key(ref: PrincipalRef) -> str:
    """Return where the registry notes that a subject has existed."""
    return f"{REGISTRY_PREFIX}{ref.kind}/{escape(ref.name)}"


def number(version: int) -> str:
    """Return a version as a sort key: twelve digits, so that text order is number order."""
    return f"{version:012d}"
