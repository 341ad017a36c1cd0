"""Statements of IAM policies, as far as a check needs them: which actions on which resources, for whom, and under which conditions.

IAM compares character by character: `*` is any run of characters and `?` is one ("IAM JSON policy elements", IAM user guide). Names of actions and of
condition keys are compared without regard to case, ARNs with it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `actions` and `resources` are patterns, with `other_actions` and `other_resources` those of `NotAction` and `NotResource`.

    `principals` are pairs such as `("Service", "apigateway.amazonaws.com")` and `("AWS", "*")`, none of a role's policy. `conditions` are triples of an
    operator, a key in lower case and its values: `("ArnLike", "aws:sourcearn", ("arn:aws:execute-api:...",))`.
    """

    sid: str
    is_deny: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    other_actions: bool
    other_resources: bool
    principals: tuple[tuple[str, str], ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    def speaks_of(self, action: str, resource: str) -> bool:
        """Return whether it is about an action on a resource, whatever its conditions say. `dynamodb:Get*` is about `dynamodb:GetItem`."""
        acts = any(fits(pattern.lower(), action.lower()) for pattern in self.actions) is not self.other_actions
        return acts and any(fits(pattern, resource) for pattern in self.resources) is not self.other_resources


def statements_of(policy: Mapping[str, Any]) -> Iterator[Statement]:
    """Yield the statements of a policy, which may be one or a list, as may most of what is in them. A statement without a resource is about all of them."""
    for number, each in enumerate(_listed(policy.get("Statement")), 1):
        yield Statement(
            sid=str(each.get("Sid") or f"number {number}"),
            is_deny=each.get("Effect") == "Deny",
            actions=_texts(each.get("Action", each.get("NotAction"))),
            resources=_texts(each.get("Resource", each.get("NotResource", "*"))),
            other_actions="NotAction" in each,
            other_resources="NotResource" in each,
            principals=tuple(_principals(each.get("Principal"))),
            conditions=tuple(
                (operator, key.lower(), _texts(values))
                for operator, keys in (each.get("Condition") or {}).items()
                for key, values in keys.items()
            ),
        )


def fits(pattern: str, text: str) -> bool:
    """Return whether the whole text fits: `dynamodb:Get*` and `dynamodb:GetItem` -> it does."""
    return _expression(pattern).fullmatch(text) is not None


def covers(wide: str, pattern: str) -> bool:
    """Return whether one pattern surely takes in all that another does: `log-group:*` covers `log-group:a*`, and `a?` does not cover `a*`."""
    return _expression(wide, any_character="[^*]").fullmatch(pattern) is not None


@lru_cache(maxsize=1024)
def _expression(pattern: str, any_character: str = ".") -> re.Pattern[str]:
    parts = (".*" if character == "*" else any_character if character == "?" else re.escape(character) for character in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _principals(value: Any) -> Iterator[tuple[str, str]]:
    """`"*"` stands for everybody, as `{"AWS": "*"}` does."""
    named = value if isinstance(value, Mapping) else {"AWS": value}
    for kind, names in named.items():
        yield from ((kind, name) for name in _texts(names))


def _texts(value: Any) -> tuple[str, ...]:
    """Conditions have numbers and `true` too."""
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in _listed(value))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
