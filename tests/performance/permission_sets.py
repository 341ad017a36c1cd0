"""Catalogues of real APIs, and the sets of their routes that a caller might be allowed: the same sets in every run."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

from authorizer.policy.route import RouteSyntaxError, parse_route
from tests.performance.plain_reach import Parts, is_parameter, parts_of, shape_of

SEED = "token scope"

_T = TypeVar("_T")

RANDOM_KINDS = ("random 10 %", "random 50 %", "random 90 %")
KINDS = (
    *RANDOM_KINDS,
    *("all GET", "prefix subtree", "prefix without parameters", "all but a subtree", "prefix, GET only"),
    *("one tag", "30 % of the tags", "all GET + write in 20 % of the tags", "single route"),
)

_MOST = dict.fromkeys(KINDS, 20) | {"30 % of the tags": 12, "all GET + write in 20 % of the tags": 12}


@dataclass(frozen=True, slots=True)
class Api:
    """Routes as `GET /pets/{petId}`, and those that API Gateway could not have."""

    name: str
    routes: tuple[str, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PermissionSet:
    """The routes that one caller may use, the rest being forbidden."""

    kind: str
    allowed: frozenset[str]


def read_apis(folder: Path) -> list[Api]:
    """Every `*.json` of the folder: a list of pairs of method and path."""
    return [api_of(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted(folder.glob("*.json"))]


def api_of(name: str, pairs: Iterable[Sequence[str]]) -> Api:
    """An API from pairs of method and path."""
    routes: dict[tuple[str, Parts], str] = {}
    left_out = []
    for method, path in pairs:
        route = f"{method} {path}"
        try:
            parse_route(route)
        except RouteSyntaxError:
            left_out.append(route)
        else:
            routes.setdefault((method, shape_of(path)), route)
    return Api(name, tuple(sorted(routes.values())), tuple(left_out))


def permission_sets(api: Api, *, most: int | None = None) -> Iterator[PermissionSet]:
    """The sets of every kind, in the order of `KINDS`; `most` bounds their number for each kind. None is empty, and none occurs twice in a kind."""
    for kind in KINDS:
        candidates = _candidates(kind, api.routes, Random(f"{SEED} {api.name} {kind}"))
        sets = [allowed for allowed in dict.fromkeys(candidates) if allowed]
        for allowed in sets[: _MOST[kind] if most is None else most]:
            yield PermissionSet(kind, allowed)


def _candidates(kind: str, routes: Sequence[str], random: Random) -> Iterator[frozenset[str]]:
    everything = frozenset(routes)
    reads = frozenset(route for route in routes if route.startswith("GET "))
    if kind in RANDOM_KINDS:
        share = int(kind.split()[1]) / 100
        yield from (frozenset(route for route in routes if random.random() < share) for _ in range(_MOST[kind]))
    elif kind == "all GET":
        yield reads
    elif kind == "single route":
        yield from (frozenset({route}) for route in _shuffled(routes, random))
    elif "tag" in kind:
        yield from _of_tags(kind, list(tags(routes).values()), reads, random)
    else:
        found = subtrees(routes)
        for prefix in _shuffled(list(found), random):
            if kind == "prefix, GET only":
                yield found[prefix] & reads
            elif kind == "all but a subtree":
                yield everything - found[prefix]
            elif kind == "prefix subtree" or not any(map(is_parameter, prefix)):
                yield found[prefix]


def _of_tags(kind: str, groups: list[frozenset[str]], reads: frozenset[str], random: Random) -> Iterator[frozenset[str]]:
    if kind == "one tag":
        yield from _shuffled(groups, random)
        return
    with_reads, share = (reads, 0.2) if "GET" in kind else (frozenset[str](), 0.3)
    for _ in range(_MOST[kind]):
        yield with_reads.union(*random.sample(groups, max(1, round(share * len(groups)))))


def subtrees(routes: Sequence[str]) -> dict[Parts, frozenset[str]]:
    """For each prefix of a template the routes at it and below it, where they are at least two and not all."""
    below: dict[Parts, set[str]] = {}
    for route in routes:
        shape = shape_of(route.split(" ", 1)[1])
        for length in range(1, len(shape) + 1):
            below.setdefault(shape[:length], set()).add(route)
    return {prefix: frozenset(found) for prefix, found in below.items() if 1 < len(found) < len(routes)}


def tags(routes: Sequence[str]) -> dict[str, frozenset[str]]:
    """The routes by their first literal segment after what nearly all paths start with, such as `/api/v4`."""
    paths = {route: parts_of(route.split(" ", 1)[1]) for route in routes}
    common = _common_start(list(paths.values()))
    result: dict[str, set[str]] = {}
    for route, parts in paths.items():
        own = parts[len(common) :] if parts[: len(common)] == common else parts
        literals = [part for part in own if not is_parameter(part)]
        result.setdefault(literals[0] if literals else "", set()).add(route)
    return {tag: frozenset(found) for tag, found in sorted(result.items())}


def _common_start(paths: list[Parts]) -> Parts:
    start: Parts = ()
    while True:
        following = [path[len(start)] for path in paths if len(path) > len(start) and path[: len(start)] == start]
        words = sorted(set(following), key=following.count)
        if not words or is_parameter(words[-1]) or following.count(words[-1]) < 0.9 * len(paths):
            return start
        start = (*start, words[-1])


def _shuffled(items: Sequence[_T], random: Random) -> list[_T]:
    return random.sample(list(items), len(items))


def by_depth(routes: Iterable[str]) -> dict[str, frozenset[str]]:
    """The routes by their number of segments, greedy ones apart: one authorizer for each."""
    result: dict[str, set[str]] = {}
    for route in routes:
        parts = parts_of(route.split(" ", 1)[1])
        depth = "greedy" if route.endswith("+}") else str(len(parts))
        result.setdefault(depth, set()).add(route)
    return {depth: frozenset(found) for depth, found in sorted(result.items())}
