"""The hash chain of design section 4, computed a second time from the raw items of a table."""

import hashlib
import json
from typing import Any

from tests.support.tables import Item


def sha256(value: Any) -> str:
    """Of the canonical JSON. Sorting by code points and RFC 8785's by UTF-16 units agree on the ASCII names used here."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def verify_chain(items: dict[tuple[str, str], Item], api: str) -> int:
    """The number of versions, if every record is there, leads to its parent, and names items that hold what it says, and no others."""
    partition = f"api#{api}"
    head = items[partition, "head"]
    named: set[tuple[str, str]] = {(partition, "head")}
    parent = ""
    for version in range(1, int(head["version"]) + 1):
        key = (partition, f"version#{version:012d}")
        record = items[key]
        touched = json.loads(record["touched"])
        # What only some records have is in the hash of those.
        more = {name: json.loads(record[name]) for name in ("series", "denylist") if name in record}
        expected = sha256(
            more
            | {
                "api": api,
                "version": version,
                "parent_hash": parent,
                "author": record["author"],
                "on_behalf_of": record.get("on_behalf_of"),
                "reason": record["reason"],
                "time": record["time"],
                "changes": json.loads(record["changes"]),
                "touched": touched,
            }
        )
        assert record["parent_hash"] == parent, f"version {version} has another parent"
        assert record["hash"] == expected, f"version {version} does not hash to what it says"
        for pk, sk, digest in touched if "denylist" not in more else ():
            assert sha256(_plain(items[pk, sk])) == digest, f"{pk} {sk} is not what version {version} wrote"
            assert (pk, sk) not in named, f"{pk} {sk} was written twice"
            named.add((pk, sk))
        named.add(key)
        parent = expected
    assert head["hash"] == parent
    # Entries of the denylist are overwritten, and answers to requests hold the hash themselves.
    apart = (f"{partition}#denylist", f"{partition}#idempotency")
    mine = {(pk, sk) for pk, sk in items if (pk == partition or pk.startswith(f"{partition}#")) and pk not in apart}
    assert mine == named, f"nobody wrote {mine - named}"
    return int(head["version"])


def _plain(item: Item) -> Item:
    """Numbers as JSON has them."""
    return {name: int(value) if name == "schema" else value for name, value in item.items()}
