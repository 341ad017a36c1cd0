"""Where subjects and entries stand in paths. A name that is not plain is written `~` and base64url, which no two readers read differently."""

import base64
import re

from authorizer.policy.document import SECTIONS
from authorizer.policy.permission import EVERYONE, PrincipalRef

EVERYONES_NAME = "-"
"""Stands where `everyone`, which has no name, would have one."""

_PLAIN = re.compile(r"[A-Za-z0-9._-]+")


def encode_name(name: str) -> str:
    """Return a name as it stands in a path: `guest` -> `guest`, `Domain Admins` -> `~RG9tYWluIEFkbWlucw`."""
    if _PLAIN.fullmatch(name) and name not in (".", ".."):
        return name
    return "~" + base64.urlsafe_b64encode(name.encode("utf-8", "surrogatepass")).rstrip(b"=").decode("ascii")


def place_of(ref: PrincipalRef) -> str:
    """Return where a subject is, below `subjects/`: the group `guest` -> `groups/guest`, everyone -> `everyone/-`."""
    return f"everyone/{EVERYONES_NAME}" if ref == EVERYONE else f"{SECTIONS[ref.kind]}/{encode_name(ref.name)}"
