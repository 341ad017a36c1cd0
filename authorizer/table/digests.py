"""Digests of items, by which the record of a version names what it wrote."""

import hashlib
import json
from typing import Any

from authorizer.table.items import TableItem


def item_digest(item: TableItem) -> str:
    """SHA-256 of what an item holds, in hexadecimal. Numbers are whole ones."""
    values = {name: getattr(item, name) for name in item.get_attributes()}
    return digest({name: int(value) if isinstance(value, float) else value for name, value in values.items() if value is not None})


def digest(fields: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of some fields, in hexadecimal."""
    return hashlib.sha256(canonical_json(fields).encode()).hexdigest()


def canonical_json(value: object) -> str:
    """JSON in the one form that a hash can be taken of (RFC 8785), for values without fractions."""
    return json.dumps(_sorted(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sorted(value: object) -> object:
    if isinstance(value, dict):
        # RFC 8785 section 3.2.3 sorts by UTF-16 code units, which differs from Python's order beyond U+FFFF.
        return {key: _sorted(value[key]) for key in sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))}
    return [_sorted(item) for item in value] if isinstance(value, list | tuple) else value
