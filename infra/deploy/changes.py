"""What a change set does, as rows for people: which resource, and whether it is made anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

DATA_TYPES = ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::Cognito::UserPool")
"""Resources that hold what nothing can bring back: permissions with their history, and users."""


class Replacement(StrEnum):
    """Whether a resource is made anew: `Conditional` depends on values that are only known while the stack is updated."""

    NO = "no"
    YES = "yes"
    MAYBE = "maybe"


_REPLACEMENTS = {"True": Replacement.YES, "Conditional": Replacement.MAYBE}


@dataclass(frozen=True, slots=True)
class Change:
    """One resource and what happens to it. `is_kept`: what was there before stays in the account, outside of the stack."""

    action: str
    logical_id: str
    kind: str
    replacement: Replacement
    physical_id: str
    is_kept: bool

    @property
    def takes_away(self) -> bool:
        """Whether the resource that is there leaves the stack, or may."""
        return self.action == "Remove" or self.replacement is not Replacement.NO

    @property
    def endangers_data(self) -> bool:
        """Whether a table or user pool leaves the stack, or may: the stack goes on with an empty one, even where the old one is kept."""
        return self.takes_away and self.kind in DATA_TYPES


def changes_of(answer: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Return the `Changes` of a change set, those that endanger data first, then what goes, what is made anew, what changes, what comes."""
    found = [_change(each["ResourceChange"]) for each in answer if "ResourceChange" in each]
    return sorted(
        found,
        key=lambda each: (not each.endangers_data, each.action != "Remove", not each.takes_away, each.action == "Add", each.logical_id),
    )


def _change(change: Mapping[str, Any]) -> Change:
    policy = change.get("PolicyAction", "")
    return Change(
        action=change["Action"],
        logical_id=change["LogicalResourceId"],
        kind=change["ResourceType"],
        replacement=_REPLACEMENTS.get(change.get("Replacement", ""), Replacement.NO),
        physical_id=change.get("PhysicalResourceId", ""),
        is_kept=policy in ("Retain", "ReplaceAndRetain"),
    )
