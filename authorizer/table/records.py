"""What the table says, as frozen values: heads, records of versions, and rows."""

from dataclasses import dataclass

from authorizer.policy.denylist import DenylistKind
from authorizer.policy.document import Subject
from authorizer.policy.route import RouteCatalog


@dataclass(frozen=True, slots=True)
class Head:
    """The newest version of an API and its hash. `denylist_stamp` is the newest version that changed the denylist, 0 if none did."""

    version: int
    hash: str
    denylist_stamp: int = 0


@dataclass(frozen=True, slots=True)
class Touched:
    """One item that a version wrote: its key and the SHA-256 of what it held."""

    pk: str
    sk: str
    sha256: str


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """Part `number` of `total` of one change that no single transaction can hold. `base` is the version that the series started from."""

    id: str
    number: int
    total: int
    base: int


@dataclass(frozen=True, slots=True)
class DenylistChange:
    """An entry of the denylist was written, or removed (`expires_at` is None)."""

    kind: DenylistKind
    value: str
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """One entry of the history. `time` is RFC 3339 in UTC; `changes` are sentences."""

    version: int
    author: str
    on_behalf_of: str | None
    reason: str
    time: str
    changes: tuple[str, ...]
    touched: tuple[Touched, ...]
    parent_hash: str
    hash: str
    series: SeriesPart | None = None
    denylist: DenylistChange | None = None


@dataclass(frozen=True, slots=True)
class RoutesRow:
    """The catalogue as written in `version`."""

    version: int
    enforced: tuple[str, ...]
    catalog: RouteCatalog


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """What a subject holds as written in `version` (0: it was never written), and the names of all groups it inherits from.

    `subject` is None if it has been removed.
    """

    version: int
    subject: Subject | None
    ancestors: tuple[str, ...] = ()
