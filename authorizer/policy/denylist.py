"""The kill switch: tokens that are refused whatever they say otherwise, until their entry ends."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class DenylistKind(StrEnum):
    """What of a token an entry names. Values of an issuer with a name are written `name:value`, as its groups are."""

    SUB = "sub"
    CLIENT_ID = "client_id"
    JTI = "jti"
    ORIGIN_JTI = "origin_jti"

    # That of `Enum` runs in Python, and members are hashed for each request.
    __hash__ = str.__hash__


@dataclass(frozen=True, slots=True)
class DenylistEntry:
    """One entry. `version` is the version that wrote it; times are in epoch seconds.

    With `issued_before` only tokens of a sign-in before that moment are refused: whoever signs in again may come back. `sha256` is the digest of the item that
    it was read from.
    """

    kind: DenylistKind
    value: str
    reason: str
    author: str
    version: int
    expires_at: int
    issued_before: int | None = None
    sha256: str = field(default="", compare=False, repr=False)

    def refuses(self, signed_in_at: int | None, now: float) -> bool:
        """Return whether the entry is in force at `now` for a token of that sign-in. One that does not say when it was is refused."""
        if now >= self.expires_at:
            return False
        return self.issued_before is None or signed_in_at is None or signed_in_at < self.issued_before


class TokenIds(NamedTuple):
    """What of a verified token entries are compared with. `signed_in_at` is its `auth_time`, else its `iat`."""

    values: Mapping[DenylistKind, str]
    signed_in_at: int | None


class Denylist:
    """All entries of one API at one version."""

    def __init__(self, entries: Iterable[DenylistEntry] = ()) -> None:
        self._entries = {(entry.kind, entry.value): entry for entry in entries}

    def refusing(self, token: TokenIds, now: float) -> DenylistEntry | None:
        """Return an entry that refuses the token at `now`, or None."""
        for kind, value in token.values.items():
            entry = self._entries.get((kind, value))
            if entry is not None and entry.refuses(token.signed_in_at, now):
                return entry
        return None

    def __bool__(self) -> bool:
        return bool(self._entries)

    def get(self, kind: DenylistKind, value: str) -> DenylistEntry | None:
        """Return the entry for this value, ended or not."""
        return self._entries.get((kind, value))

    def entries(self) -> tuple[DenylistEntry, ...]:
        """Return all entries, in a fixed order."""
        return tuple(self._entries[key] for key in sorted(self._entries))

    def in_force(self, now: float) -> int:
        """Return how many entries count at `now`. DynamoDB deletes those that have ended days later, and they count for nothing."""
        return sum(now < entry.expires_at for entry in self._entries.values())
