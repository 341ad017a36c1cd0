"""Proofs that no cached policy can be exact, as paths that anybody can check.

If a character stands in no pattern, a pattern that matches a path also matches it with each such character replaced by anything, a slash included: only
wildcards can have consumed it. So paths that differ in nothing else share their fate.
"""

import string
from collections.abc import Sequence
from dataclasses import dataclass

from authorizer.policy.iam.pattern_coverage import STAR, Pattern, SymbolicPath, takes_in
from authorizer.policy.route import RouteTemplate, SegmentKind


@dataclass(frozen=True, slots=True)
class Counterexample:
    """Paths, without the leading slash.

    `denied` comes from `allowed` by overwriting characters that are `fresh`, so that no list of Allows is exact. `also_allowed` comes from
    `denied` in the same way: then no list of Allows and Denies is. `routes` are those that own the paths, in this order.
    """

    verb: str
    allowed: str
    denied: str
    also_allowed: str | None
    routes: tuple[str, ...]
    fresh: str

    def __str__(self) -> str:
        first, second, *third = [f"`{route}`" for route in self.routes]
        crossing = f"`*` crosses `/`, so that what allows `/{self.allowed}` also allows `/{self.denied}`"
        if not third:
            return f"allowing {first} and not {second} cannot be said by Allows alone in one cached policy: {crossing}"
        return (
            f"allowing {first} and {third[0]} and not {second} cannot be said in one cached policy: {crossing}, "
            f"and what denies that also denies `/{self.also_allowed}`"
        )


def spell_counterexample(
    verb: str,
    routes: Sequence[RouteTemplate],
    words: Sequence[str],
    patterns: tuple[Pattern, SymbolicPath, SymbolicPath | None],
) -> Counterexample:
    """Spell three symbolic paths out, each taken in by the one before it, in a way that overwriting leads from one to the next.

    `words` are all literals of the catalogue: the fresh character is none of theirs. The paths are spelt from the last one on, since a value has to be
    as long as what shall overwrite it.
    """
    fresh = _fresh_character(words)
    first, second, third = patterns
    last = None if third is None else "/".join(fresh if piece is STAR else piece for piece in third)
    middle = _spelled(second, last, fresh)
    return Counterexample(verb, _spelled(first, middle, fresh), middle, last, tuple(f"{verb} {route.path}" for route in routes), fresh)


def _spelled(pattern: Pattern, path: str | None, fresh: str) -> str:
    """Return the pattern with as many fresh characters for each `STAR` as it has to take of the path, one where there is none."""
    lengths = iter([1] * len(pattern) if path is None else _star_lengths(pattern, tuple(path.split("/"))))
    return "/".join(fresh * next(lengths) if piece is STAR else piece for piece in pattern)


def _star_lengths(pattern: Pattern, segments: tuple[str, ...]) -> list[int]:
    if not pattern:
        return []
    rest = pattern[1:]
    if pattern[0] is not STAR:
        return _star_lengths(rest, segments[1:])
    count = next(n for n in range(1, len(segments) + 1) if takes_in(rest, segments[n:]))
    return [len("/".join(segments[:count])), *_star_lengths(rest, segments[count:])]


def _fresh_character(words: Sequence[str]) -> str:
    used = set("".join(words))
    return next(c for c in string.ascii_lowercase + string.digits + string.ascii_uppercase + "_~\u00f8" if c not in used)


def words_of(routes: Sequence[RouteTemplate]) -> list[str]:
    """Return all literals of these routes."""
    return [segment.text for route in routes for segment in route.segments if segment.kind is SegmentKind.LITERAL]
