"""Either a proof that a policy means what routes are meant to let through, or a request that shows the contrary.

Templates and policy patterns are read side by side, character by character, over every path that there is: all characters that stand in one of them, the
slash, and one fresh character for all others, since no pattern can tell those apart. Written from these pages, and from nothing that the product
contains: "Set up a method request in API Gateway" (a literal goes before `{parameter}`, that before `{greedy+}`, and `ANY` stands back where the verb has
a method of its own), "IAM JSON policy elements: Resource" (`*` and `?` stand for any characters, slashes too), "Policy evaluation logic" (a deny wins).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

VERBS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
_ESCAPED_SLASHES = ("%2F", "%2f")


@dataclass(frozen=True, slots=True)
class MeantRoute:
    """A route of the API, and by verb the templates whose requests it shall let through: its own, or that with values in place of parameters."""

    method: str
    template: str
    allowed: Mapping[str, Sequence[str]]


class Spelling(Enum):
    """Which paths are looked at, and how routing reads them. The policy always sees them as they are sent."""

    PLAIN = "every segment has a text, and nothing is percent-encoded"
    SLASHES = "also with slashes too many, which routing drops; `%` is a character like any other"
    ENCODED = "also with slashes too many and percent-encoded characters, which only routing decodes"


@dataclass(frozen=True, slots=True)
class _Symbol:
    """A piece of a path: as the policy sees it, and the character that routing reads."""

    sent: str
    read: str


class Machine:
    """Patterns side by side. Bit n of a state tells that place n was reached; what is read moves a place to the next, or leaves it where it is."""

    def __init__(self) -> None:
        self.start = 0
        self.literals: defaultdict[str, int] = defaultdict(int)  # one certain character leads on
        self._size = 0
        self._any_on = self._text_on = 0  # any character, or any but a slash, leads on
        self._any_stays = self._text_stays = self._slash_stays = 0
        self._slash_back = 0  # a slash leads to the place before
        self._free_on = 0  # nothing need be read
        self._masks: dict[str, tuple[int, int]] = {}

    def add_policy_pattern(self, pattern: str) -> int:
        """Add a pattern as policies have them. The result is the place where all of it was read."""
        self._begin()
        if "${" in pattern:
            raise ValueError(f"policy variable in `{pattern}`")
        for character in pattern:
            if character == "*":
                self._any_stays |= self._here
                self._free_on |= self._here
            elif character == "?":
                self._any_on |= self._here
            else:
                self.literals[character] |= self._here
            self._size += 1
        return self._end()

    def add_template(self, template: str, *, spare_slashes: bool) -> int:
        """Add a path template, `/` for the root. The result are the places where a path may end."""
        self._begin()
        segments = template[1:].split("/") if template != "/" else []
        for number, segment in enumerate(segments):
            if number:
                self.literals["/"] |= self._here
                self._size += 1
            if spare_slashes:
                self._slash_stays |= self._here
            self._add_segment(segment, spare_slashes=spare_slashes)
        if not spare_slashes or template.endswith("+}"):
            return self._end()
        if segments:
            self.literals["/"] |= self._here
            self._size += 1
        self._slash_stays |= self._here
        last = self._end()
        return last | last >> 1 if segments else last

    def _add_segment(self, segment: str, *, spare_slashes: bool) -> None:
        if not segment.startswith("{"):
            for character in segment:
                self.literals[character] |= self._here
                self._size += 1
            return
        self._text_on |= self._here
        self._size += 1
        self._text_stays |= self._here
        if segment.endswith("+}") and spare_slashes:
            self._slash_stays |= self._here
        elif segment.endswith("+}"):
            self._slash_back |= self._here

    def begin(self) -> int:
        """The state before anything was read."""
        return self._freed(self.start)

    def after(self, state: int, text: str) -> int:
        """The state once the text was read."""
        for character in text:
            moving, staying = self._masks.get(character) or self._mask(character)
            reached = (state & moving) << 1 | (state & staying)
            if character == "/":
                reached |= (state & self._slash_back) >> 1
            state = self._freed(reached)
        return state

    def _freed(self, state: int) -> int:
        while (wider := state | (state & self._free_on) << 1) != state:
            state = wider
        return state

    def _mask(self, character: str) -> tuple[int, int]:
        moving, staying = self.literals.get(character, 0) | self._any_on, self._any_stays
        if character == "/":
            staying |= self._slash_stays
        else:
            moving, staying = moving | self._text_on, staying | self._text_stays
        self._masks[character] = moving, staying
        return moving, staying

    @property
    def _here(self) -> int:
        return 1 << self._size

    def _begin(self) -> None:
        self._masks.clear()
        self.start |= self._here

    def _end(self) -> int:
        end = self._here
        self._size += 1
        return end


def find_overgrant(routes: Sequence[MeantRoute], policy: Mapping[str, Any], prefix: str, spelling: Spelling = Spelling.PLAIN) -> str | None:
    """A `VERB/path` that the policy allows and its route is not meant to; None proves that there is none.

    `prefix` is the ARN up to and with the slash after the stage. A path that no route serves counts for nothing.
    """
    return _find(routes, policy, prefix, spelling, lambda meant, allowed: allowed and not meant)


def find_difference(routes: Sequence[MeantRoute], policy: Mapping[str, Any], prefix: str) -> str | None:
    """A plainly spelt `VERB/path` of a route on which policy and meaning differ; None proves that there is none."""
    return _find(routes, policy, prefix, Spelling.PLAIN, lambda meant, allowed: meant != allowed)


def _find(
    routes: Sequence[MeantRoute], policy: Mapping[str, Any], prefix: str, spelling: Spelling, is_wrong: Callable[[bool, bool], bool]
) -> str | None:
    patterns = [
        (effect, rest)
        for statement in policy["Statement"]
        for effect, resources in [(statement["Effect"], statement["Resource"])]
        for resource in ([resources] if isinstance(resources, str) else resources)
        for rest in _rests(resource, prefix)
    ]
    proved = set()
    for verb in VERBS:
        served = sorted((_rank(route.template), route.template, tuple(route.allowed.get(verb, ()))) for route in _serving(routes, verb))
        rests = sorted({(effect, rest) for effect, pattern in patterns for rest in _rests(pattern, f"{verb}/")})
        question = tuple((template, allowed) for _, template, allowed in served), tuple(rests)
        if question not in proved:
            path = _search([(template, allowed) for _, template, allowed in served], rests, spelling, is_wrong)
            if path is not None:
                return f"{verb}/{path}"
            proved.add(question)
    return None


def _serving(routes: Sequence[MeantRoute], verb: str) -> Iterator[MeantRoute]:
    own = {_shape(route.template) for route in routes if route.method == verb}
    return (route for route in routes if route.method == verb or (route.method == "ANY" and _shape(route.template) not in own))


def _shape(template: str) -> tuple[str, ...]:
    return tuple(part if not part.startswith("{") else "{+}" if part.endswith("+}") else "{}" for part in template.split("/"))


def _rank(template: str) -> list[int]:
    """Lower goes first, level by level."""
    return [2 if part.endswith("+}") else 1 if part.startswith("{") else 0 for part in template.split("/")]


def _rests(pattern: str, text: str) -> Iterator[str]:
    """What is left of a policy pattern once it has read the text, in each way in which it can."""
    if pattern.startswith(text):
        yield pattern[len(text) :]
    elif pattern.startswith("*"):
        yield from {*_rests(pattern[1:], text), *_rests(pattern, text[1:])}
    elif pattern and pattern[0] in ("?", text[0]):
        yield from _rests(pattern[1:], text[1:])


def _search(
    served: Sequence[tuple[str, Sequence[str]]],
    rests: Sequence[tuple[str, str]],
    spelling: Spelling,
    is_wrong: Callable[[bool, bool], bool],
) -> str | None:
    routing, policy = Machine(), Machine()
    spare = spelling is not Spelling.PLAIN
    ends = [
        (routing.add_template(template, spare_slashes=spare), _any(routing.add_template(each, spare_slashes=spare) for each in allowed))
        for template, allowed in served
    ]
    read = {"Allow": 0, "Deny": 0}
    for effect, rest in rests:
        read[effect] |= policy.add_policy_pattern(rest)
    start = routing.begin(), policy.begin()
    came_from: dict[tuple[int, int], tuple[tuple[int, int], str] | None] = {start: None}
    todo = [start]
    symbols = list(_symbols(routing, policy, spelling))
    for state in todo:
        routed, matched = state
        meant = next((bool(routed & allowed) for end, allowed in ends if routed & end), None)
        if meant is not None and is_wrong(meant, bool(matched & read["Allow"]) and not matched & read["Deny"]):
            return _path_to(state, came_from)
        for symbol, always in symbols:
            # A character that no pattern waits for here does what the fresh one does.
            if not (
                always or routed & routing.literals.get(symbol.read, 0) or any(matched & policy.literals.get(c, 0) for c in symbol.sent)
            ):
                continue
            onward = routing.after(routed, symbol.read)
            if onward:
                after = onward, policy.after(matched, symbol.sent)
                if after not in came_from:
                    came_from[after] = state, symbol.sent
                    todo.append(after)
    return None


def _any(masks: Iterator[int]) -> int:
    result = 0
    for mask in masks:
        result |= mask
    return result


def _symbols(routing: Machine, policy: Machine, spelling: Spelling) -> Iterator[tuple[_Symbol, bool]]:
    """The pieces that paths are made of, and whether they have to be tried everywhere."""
    known = {*routing.literals, *policy.literals} - {"/"}
    fresh = next(c for c in "zqxjkvwyZQXJKVWY0123456789_~" if c not in known)
    characters = sorted(known - ({"%"} if spelling is not Spelling.SLASHES else set()))
    yield _Symbol("/", "/"), True
    yield _Symbol(fresh, fresh), True
    yield from ((_Symbol(character, character), False) for character in characters)
    if spelling is Spelling.ENCODED:
        yield from ((_Symbol(escape, "/"), True) for escape in _ESCAPED_SLASHES)
        yield _Symbol(f"%{ord(fresh):02X}", fresh), True
        yield from ((_Symbol(f"%{ord(character):02X}", character), False) for character in characters if character.isascii())


def _path_to(state: tuple[int, int], came_from: Mapping[tuple[int, int], tuple[tuple[int, int], str] | None]) -> str:
    path: list[str] = []
    while (step := came_from[state]) is not None:
        state = step[0]
        path.append(step[1])
    return "".join(reversed(path))
