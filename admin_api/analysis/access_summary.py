"""What a change of access amounts to, for whoever cannot read thousands of lines: how much each subject gains and loses, and what to look at first."""

from collections.abc import Iterable
from dataclasses import dataclass

from admin_api.analysis.access_changes import AccessChange, ChangeKind
from authorizer.policy.permission import EVERYONE, PrincipalRef

_ORDER = (ChangeKind.LOSES, ChangeKind.GAINS, ChangeKind.CHANGES)


@dataclass(slots=True)
class SubjectSummary:
    """How many routes a subject gains and loses, and on how many its conditions change. `delegation` is the change of a client's mark, if it is one."""

    subject: PrincipalRef
    gains: int = 0
    loses: int = 0
    changes: int = 0
    delegation: AccessChange | None = None

    @property
    def total(self) -> int:
        """How many routes change in all."""
        return self.gains + self.loses + self.changes

    def __str__(self) -> str:
        """Say it in words: `gains 3 routes, loses 1`."""
        counts = [("gains", self.gains), ("loses", self.loses), ("changes on", self.changes)]
        parts = [f"{verb} {count}" for verb, count in counts if count]
        if parts:
            first = next(count for _, count in counts if count)
            parts[0] += f" route{'s' * (first != 1)}"
        if self.delegation is not None:
            parts.append(f"is {self.delegation.after} from now on")
        return ", ".join(parts)


def summaries(changes: Iterable[AccessChange]) -> tuple[SubjectSummary, ...]:
    """Return a summary for each subject that a change touches: everyone first, then by how many routes change for it."""
    found: dict[PrincipalRef, SubjectSummary] = {}
    for change in changes:
        summary = found.setdefault(change.subject, SubjectSummary(change.subject))
        if change.is_delegation:
            summary.delegation = change
        elif change.kind is ChangeKind.GAINS:
            summary.gains += 1
        elif change.kind is ChangeKind.LOSES:
            summary.loses += 1
        else:
            summary.changes += 1
    return tuple(sorted(found.values(), key=lambda each: (each.subject != EVERYONE, -each.total, each.subject)))


def most_telling_first(changes: Iterable[AccessChange]) -> tuple[AccessChange, ...]:
    """Return changes in the order in which to look at them: those of everyone, those of a client's mark, losses, gains, and conditions."""
    return tuple(
        sorted(changes, key=lambda change: (change.subject != EVERYONE, not change.is_delegation, _ORDER.index(change.kind), change))
    )
