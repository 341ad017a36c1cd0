"""A permission: who may, or may not, call which routes, and under which conditions."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple
from urllib.parse import unquote

from authorizer.policy.route import RouteTemplate, parse_selector


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

_BINDABLE = re.compile(r"[!#&'()+,\-.0-9:;<=>@A-Z\[\]^_a-z|~]{1,128}")
"""Claim values that may be compared with a path's segment: printable ASCII without what IAM or a router reads as more than itself (`* ? $ { } / \\ %`), without
white space, `"` and the backtick. Use `fullmatch`."""

_LARGEST = 10**128


def claim_text(value: object) -> str | None:
    """Return a claim's value as text, a whole number as its decimal text: `42` -> `42`. None for anything else, `true` and `42.0` among it."""
    if isinstance(value, str):
        return value
    # `bool` is an `int` to Python, but not a number in JSON. Longer numbers are not bindable, and Python would refuse to write the longest.
    return str(value) if type(value) is int and abs(value) < _LARGEST else None


def bindable_text(value: object) -> str | None:
    """Return the text by which a claim's value is compared with a path parameter and stands in policies: `alice@x.com`, `auth0|1`, `42`. None if it never is.

    A `%` is in none of them, so that a segment equals one of them only if it is fully decoded.
    """
    text = claim_text(value)
    return text if text is not None and _BINDABLE.fullmatch(text) is not None and text not in (".", "..") else None


def decoded_segment(segment: str) -> str:
    """Return what a segment of a path says, percent-decoded once: `alice%40x.com` -> `alice@x.com`, `alice%2540x.com` -> `alice%40x.com`, `a+b` -> `a+b`.

    What is no UTF-8 becomes U+FFFD and what is no escape stays, so that neither equals a value that may be bound.
    """
    return unquote(segment) if "%" in segment else segment


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    """The path parameter `parameter`, percent-decoded once, must equal the token's claim `claim`, character by character."""

    parameter: str
    claim: str


@dataclass(frozen=True, slots=True)
class Permission:
    """One line of the book.

    `selector` is the normal text of a selector such as `GET /pets/{petId}` or `* /**` (see `route.Selector`). `where` is sorted. `until` is
    in epoch seconds: from that second on the permission is ignored. `excepted` are selectors too, sorted: what they mean this permission does not speak of,
    and other permissions may. `* /**` but for `* /admin/**` says nothing of `GET /admin/users`.
    """

    subject: PrincipalRef
    effect: Effect
    selector: str
    where: tuple[Binding, ...] = ()
    until: int | None = None
    excepted: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "where", tuple(sorted(set(self.where))))
        object.__setattr__(self, "excepted", tuple(sorted(set(self.excepted))))

    @property
    def id(self) -> str:
        """The permission in words, the same in logs, explanations and diffs: `group/guest allow GET /pets`."""
        text = f"{self.subject} {self.effect} {self.selector}"
        if self.excepted:
            text += f" except {', '.join(self.excepted)}"
        if self.where:
            text += " where " + ", ".join(f"{{{b.parameter}}} = {b.claim}" for b in self.where)
        if self.until is not None:
            text += f" until {self.until}"
        return text

    def means(self, verb: str, route: RouteTemplate) -> bool:
        """Return whether it speaks of a request with this verb that is served by this route, whatever its `where` and `until` say."""
        return parse_selector(self.selector).matches(verb, route) and not self.leaves_out(verb, route)

    def leaves_out(self, verb: str, route: RouteTemplate) -> bool:
        """Return whether its `excepted` take this verb of this route out of what its selector means."""
        return bool(self.excepted) and any(parse_selector(text).matches(verb, route) for text in self.excepted)

    def in_force(self, now: float) -> bool:
        """Return whether `now` (epoch seconds) is before `until`."""
        return self.until is None or now < self.until
