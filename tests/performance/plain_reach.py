"""Which routes a policy pattern opens, worked out on concrete paths with a router that scans all routes: it shares no code with the product.

Routes of one verb are bits of an integer. A path is a tuple of segments in which `FRESH` stands for a value that is a word of no route; a pattern is a
tuple of words and `STAR`, which takes one segment or more, as `*` between two slashes does.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby

STAR = "*"
FRESH = "<value>"

Parts = tuple[str, ...]


def parts_of(path: str) -> Parts:
    """`/pets/{petId}` as `("pets", "{petId}")`."""
    return tuple(part for part in path.split("/") if part)


def is_parameter(part: str) -> bool:
    """Whether a part of a template is `{name}` or `{name+}`."""
    return part.startswith("{")


def shape_of(path: str) -> Parts:
    """The parts without the names of parameters."""
    return tuple("{" + "+" * part.endswith("+}") + "}" if is_parameter(part) else part for part in parts_of(path))


def pattern_of(path: str) -> Parts:
    """What samples and blueprints write for a route: every parameter as `*`."""
    return tuple(STAR if is_parameter(part) else part for part in parts_of(path))


class PlainReach:
    """The routes of one verb, by their path templates."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._templates = [shape_of(path) for path in paths]
        self._patterns = [pattern_of(path) for path in paths]
        self._deepest = max((len(t) for t in self._templates), default=0)
        self._lengths: dict[int, list[tuple[Parts, int]]] = {}
        for number, template in enumerate(self._templates):
            for variant in self._variants(template):
                self._lengths.setdefault(len(variant), []).append((variant, number))
        self._owners: dict[Parts, int | None] = {}
        self._opened: dict[tuple[Parts, bool], int] = {}

    @cached_property
    def _listed(self) -> list[int]:
        """For each route the routes that its pattern in the listing opens, itself too."""
        return [self.opened(pattern) for pattern in self._patterns]

    @cached_property
    def _listed_with_slashes(self) -> list[int]:
        """The same with a slash too many in the place of a value, as `/pets//` and `/pets/` may be served by `/pets`."""
        return [self.opened(pattern, empty=True) for pattern in self._patterns]

    @cached_property
    def _needed(self) -> list[int]:
        """For each route the routes that the narrowest pattern for all its paths opens."""
        return [self.opened(self._narrowest_pattern(number)) for number in range(len(self._patterns))]

    @cached_property
    def _denies(self) -> list[list[tuple[int, int]]]:
        """For each route what that pattern opens, and what the narrowest Deny for it would close."""
        return [
            sorted(
                {(1 << other, self.opened(_narrowest(path))) for other, path in self._found(self._narrowest_pattern(number), empty=False)}
            )
            for number in range(len(self._patterns))
        ]

    def listing_opens(self, allowed: int) -> int:
        """All that the listing of the allowed routes opens."""
        return _union(self._listed, allowed)

    def listing_opens_with_slashes(self, allowed: int) -> int:
        """The same with a slash too many in the place of a value."""
        return _union(self._listed_with_slashes, allowed)

    def allows_do(self, allowed: int) -> bool:
        """Whether patterns for the allowed routes open no other."""
        return not _union(self._needed, allowed) & ~allowed

    def guards_do(self, allowed: int) -> bool:
        """Whether a Deny for each forbidden path that the allowed patterns open leaves all allowed routes alone."""
        return not any(
            not allowed & forbidden and allowed & closed
            for number, denies in enumerate(self._denies)
            if allowed >> number & 1
            for forbidden, closed in denies
        )

    def opened(self, pattern: Parts, *, empty: bool = False) -> int:
        """The routes that serve some path which the pattern matches. With `empty` a star may also stand for nothing."""
        key = pattern, empty
        if key not in self._opened:
            self._opened[key] = sum({1 << number for number, _ in self._found(pattern, empty=empty)})
        return self._opened[key]

    def _found(self, pattern: Parts, *, empty: bool) -> Iterator[tuple[int, Parts]]:
        """Routes with paths that they serve and the pattern matches, each path as general as it can be."""
        for length, templates in self._lengths.items():
            if length >= len(pattern) or empty:
                yield from (
                    (number, path)
                    for template, number in templates
                    for path in _meetings(pattern, template, empty=empty)
                    if self._owner(path) == number
                )

    def _owner(self, path: Parts) -> int | None:
        if path not in self._owners:
            fitting = [
                (_rank(self._templates[number]), number)
                for template, number in self._lengths.get(len(path), ())
                if all(is_parameter(part) or part == segment for part, segment in zip(template, path, strict=True))
            ]
            self._owners[path] = min(fitting)[1] if fitting else None
        return self._owners[path]

    def _narrowest_pattern(self, number: int) -> Parts:
        """The pattern of the shortest paths that a route serves: beside `/x/{y}` those of `/x/{rest+}` have two segments below `/x`."""
        variants = (tuple(FRESH if is_parameter(part) else part for part in variant) for variant in self._variants(self._templates[number]))
        return next((_narrowest(path) for path in variants if self._owner(path) == number), self._patterns[number])

    def _variants(self, template: Parts) -> list[Parts]:
        """A greedy template as templates of each length that a pattern of these routes could tell apart, and one more."""
        if template[-1:] != ("{+}",):
            return [template]
        return [(*template[:-1], *["{}"] * more) for more in range(1, 3 * self._deepest + 5 - len(template))]


def _meetings(pattern: Parts, template: Parts, *, empty: bool) -> Iterator[Parts]:
    """The paths of a template that a pattern matches, with a word of the pattern in place of a parameter only where it must be."""
    if not pattern:
        if not template:
            yield ()
        return
    if pattern[0] == STAR and empty:
        yield from _meetings(pattern[1:], template, empty=empty)
    if not template:
        return
    own = FRESH if is_parameter(template[0]) else template[0]
    if pattern[0] == STAR:
        for rest in (pattern[1:], pattern):
            yield from ((own, *path) for path in _meetings(rest, template[1:], empty=empty))
    elif own in (FRESH, pattern[0]):
        yield from ((pattern[0], *path) for path in _meetings(pattern[1:], template[1:], empty=empty))


def _narrowest(path: Parts) -> Parts:
    return tuple(STAR if segment == FRESH else segment for segment in path)


def _rank(template: Parts) -> list[int]:
    """Level by level, a literal before a parameter before a greedy one."""
    return [2 if part == "{+}" else int(is_parameter(part)) for part in template]


def _union(masks: list[int], chosen: int) -> int:
    result = 0
    for number, mask in enumerate(masks):
        if chosen >> number & 1:
            result |= mask
    return result


def by_verb(routes: Sequence[str]) -> dict[str, list[str]]:
    """The paths of routes such as `GET /pets`, by verb."""
    pairs = sorted((verb, path) for verb, path in (route.split(" ", 1) for route in routes))
    return {verb: [path for _, path in group] for verb, group in groupby(pairs, key=lambda pair: pair[0])}
