"""What the table says, as frozen values: heads, records of versions, and rows."""

from dataclasses import dataclass, field
from typing import NamedTuple

from authorizer.policy.denylist import DenylistKind
from authorizer.policy.document import Subject
from authorizer.policy.permission import Effect
from authorizer.policy.permission_index import PermissionIndex
from authorizer.policy.route import RouteCatalog


class Head(NamedTuple):
    """The newest version of an API and its hash. `denylist_stamp` is the newest version that changed the denylist, 0 if none did."""

    version: int
    hash: str
    denylist_stamp: int = 0


class Touched(NamedTuple):
    """One item that a version wrote: its key and the SHA-256 of what it held."""

    pk: str
    sk: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DenylistChange:
    """An entry of the denylist was written, or removed (`expires_at` is None)."""

    kind: DenylistKind
    value: str
    expires_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionLink:
    """What a reader must know of one version to adopt it: the items that the version wrote, and its place in the chain of hashes.

    Who made the version, when and why stands in the same item, and no authorizer reads that.
    """

    version: int
    touched: tuple[Touched, ...]
    parent_hash: str
    hash: str
    denylist: DenylistChange | None = None


@dataclass(frozen=True, slots=True)
class RoutesRow:
    """The catalogue as written in `version`. `sha256` is the digest of its item."""

    version: int
    enforced: tuple[str, ...]
    catalog: RouteCatalog
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """What a subject holds as written in `version` (0: it was never written), and the names of all groups it inherits from.

    `subject` is None if it has been removed. `size` is the length of what was written, in characters, `sha256` the digest of its item, and `index` finds its
    permissions.
    """

    version: int
    subject: Subject | None
    ancestors: tuple[str, ...] = ()
    size: int = 0
    sha256: str = ""
    index: PermissionIndex = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", PermissionIndex(self.subject.permissions if self.subject else ()))

    @property
    def is_delegated(self) -> bool:
        """Whether it is the row of a delegated client."""
        return self.subject is not None and self.subject.delegated

    @property
    def denies(self) -> PermissionIndex:
        """The denies alone, which are all of a delegated client's row that people meet: its allows are for the client's own tokens."""
        return PermissionIndex(tuple(permission for permission in self.index.permissions if permission.effect is Effect.DENY))
