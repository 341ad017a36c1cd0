"""A permission: who may, or may not, call which routes, and under which conditions."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Effect(StrEnum):
    """What a permission does. A deny always wins."""

    ALLOW = "allow"
    DENY = "deny"

    # That of `Enum` runs in Python, and members are hashed many times for each request.
    __hash__ = str.__hash__


class RefKind(StrEnum):
    """What kind of caller a permission can be given to."""

    EVERYONE = "everyone"
    GROUP = "group"
    CLIENT = "client"
    SCOPE = "scope"

    __hash__ = str.__hash__


class PrincipalRef(NamedTuple):
    """One thing that a token says of its bearer and that permissions can be given to. `everyone` has an empty name.

    A tuple, since each request looks its refs up many times, and a tuple is hashed at a third of the cost.
    """

    kind: RefKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.name else str(self.kind)


EVERYONE = PrincipalRef(RefKind.EVERYONE, "")

CLAIM_VALUE = re.compile(r"[A-Za-z0-9._~-]{1,128}")
"""Claim values that may stand in a policy as they are: RFC 3986 section 2.3 unreserved characters, none of which IAM or a router reads
as anything but itself. Use `fullmatch`."""


def is_bindable(value: object) -> bool:
    """Return whether a claim's value may be compared with a path parameter and written into a policy."""
    return isinstance(value, str) and CLAIM_VALUE.fullmatch(value) is not None and value not in (".", "..")


def bindable_text(value: object) -> str | None:
    """Return the text that a claim's value stands for in comparisons, None if it may not be compared: `"a1"` -> `a1`, `42` -> `42`, `true` -> None."""
    text = str(value) if type(value) is int else value
    return text if isinstance(text, str) and is_bindable(text) else None


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """The path parameter `parameter` must equal the token's claim `claim`, compared exactly and as sent."""

    parameter: str
    claim: str


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the book.

    `selector` is the normal text of a selector such as `GET /pets/{petId}` or `* /**` (see `route.Selector`). `where` is sorted. `until` is
    in epoch seconds: from that second on the permission is ignored.
    """

    subject: PrincipalRef
    effect: Effect
    selector: str
    where: tuple[Binding, ...] = ()
    until: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", tuple(sorted(set(self.where))))

    @property
    def id(self) -> str:
        """The permission in words, the same in logs, explanations and diffs: `group/guest allow GET /pets`."""
        text = f"{self.subject} {self.effect} {self.selector}"
        if self.where:
            text += " where " + ", ".join(f"{{{b.parameter}}} = {b.claim}" for b in self.where)
        if self.until is not None:
            text += f" until {self.until}"
        return text

    def in_force(self, now: float) -> bool:
        """Return whether `now` (epoch seconds) is before `until`."""
        return self.until is None or now < self.until
