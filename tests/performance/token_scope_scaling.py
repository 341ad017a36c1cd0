"""How the cost of one answer for a whole caller grows with the catalogue: in processor time, and in calls, which no clock blurs."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import log2
from pathlib import Path
from random import Random
from statistics import median
from time import process_time
from types import FrameType

import authorizer.policy
from authorizer.policy.iam.token_policy import Refusal
from tests.performance.permission_sets import SEED, Api, tags
from tests.performance.token_scope_measures import answer, catalog_of, grounds_of

SIZES = (10, 30, 100, 300, 600, 1200, 2500, 5000)

PATIENCE = 2.0
"""Seconds. A series ends with the first point that takes longer."""

_REPEATS = 5
_POLICY = str(Path(authorizer.policy.__file__).parent)


@dataclass(frozen=True, slots=True)
class Point:
    """One size of a series: seconds for an answer about a new catalogue and about a known one, calls that the first one makes, and how often it is a policy."""

    routes: int
    cold: float
    warm: float
    calls: int
    policies: float


@dataclass(frozen=True, slots=True)
class Series:
    """One family of catalogues with one way to choose what is allowed. A sample is all routes and the allowed ones, for a size and a number."""

    name: str
    allowed: str
    sample: Callable[[int, int], tuple[Sequence[str], Iterable[str]]]
    sizes: tuple[int, ...] = SIZES
    samples: int = 3

    def points(self) -> Iterator[Point]:
        """Measure size after size, until one takes too long."""
        for size in self.sizes:
            point = _measure([self.sample(size, number) for number in range(self.samples)])
            yield point
            if point.cold > PATIENCE:
                return


def real_series(apis: Sequence[Api]) -> list[Series]:
    """Random parts of the largest API, and of all of them behind one gateway, each below its own name and, for the largest sizes, there twice."""
    largest = max(apis, key=lambda api: len(api.routes))
    joined = [_below(prefix, api) for prefix in ("", "/v2") for api in apis]
    families = {
        largest.name: [list(largest.routes)],
        "all behind one gateway": [[route for group in joined[: len(apis)] for route in group], [r for group in joined for r in group]],
    }
    result = []
    for name, (*smaller, whole) in families.items():
        pools = [*smaller, whole]
        sizes = tuple(size for size in SIZES if size <= len(whole))
        for allowed, choose in CHOICES.items():
            result.append(Series(name, allowed, _sampler(pools, choose), sizes))
    return result


def synthetic_series() -> list[Series]:
    """Catalogues in which nearly every pattern meets nearly every route. All is allowed but one route far from the others."""
    made = {"one stem": one_stem, "dense words": dense_words}
    return [Series(name, "all but one route", _all_but_one(routes), samples=1) for name, routes in made.items()]


def one_stem(size: int) -> list[str]:
    """`/x/{p}/w1/{q}/v1`, `/x/{p}/w2/{q}/v2` and so on, and a route apart."""
    return ["GET /apart", *(f"GET /x/{{p}}/w{n}/{{q}}/v{n}" for n in range(size - 1))]


def dense_words(size: int) -> list[str]:
    """Random templates of up to six parameters and words, the words being five, and a route apart."""
    random = Random(SEED)
    routes = {"GET /apart"}
    while len(routes) < size:
        parts = [random.choice([*"abcde", f"{{p{level}}}", f"{{p{level}}}"]) for level in range(random.randint(2, 6))]
        routes.add(f"GET /x/{'/'.join(parts)}")
    return sorted(routes)


def resources(count: int) -> list[str]:
    """Ten routes for each of `count` resources: what a well-kept API looks like."""
    result = []
    for number in range(count):
        root = f"/resource{number}"
        result += [f"{verb} {root}" for verb in ("GET", "POST")] + [f"{verb} {root}/{{id}}" for verb in ("GET", "PUT", "DELETE")]
        result += [f"{verb} {root}/{{id}}/parts" for verb in ("GET", "POST")]
        result += [f"{verb} {root}/{{id}}/parts/{{partId}}" for verb in ("GET", "PUT", "DELETE")]
    return result


def calls_of(action: Callable[[], object]) -> int:
    """How many calls of functions of the policy package an action makes, a step of a generator being one."""
    count = 0

    def seen(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call" and frame.f_code.co_filename.startswith(_POLICY)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        action()
    finally:
        sys.setprofile(before)
    return count


def per_doubling(before: tuple[int, float], after: tuple[int, float]) -> float:
    """By what factor a cost grows for twice the routes, given two sizes with their costs: 2 is linear, 4 quadratic."""
    return float((after[1] / before[1]) ** (1 / log2(after[0] / before[0])))


def _measure(samples: Sequence[tuple[Sequence[str], Iterable[str]]]) -> Point:
    cold, warm, calls, policies = [], [], [], []
    for routes, allowed in samples:
        grounds = grounds_of(catalog_of(routes), allowed)
        started = process_time()
        policies.append(not isinstance(answer(grounds), Refusal))
        cold.append(process_time() - started)
        for _ in range(_REPEATS):
            started = process_time()
            answer(grounds)
            warm.append(process_time() - started)
        anew = grounds_of(catalog_of(routes), allowed)
        calls.append(calls_of(partial(answer, anew)))
    return Point(len(samples[0][0]), median(cold), median(warm), round(median(calls)), sum(policies) / len(policies))


def _reads(routes: Sequence[str], _: Random) -> set[str]:
    return {route for route in routes if route.startswith("GET ")}


def _editor(routes: Sequence[str], random: Random) -> set[str]:
    groups = list(tags(routes).values())
    return _reads(routes, random).union(*random.sample(groups, max(1, len(groups) // 5)))


def _half(routes: Sequence[str], random: Random) -> set[str]:
    return set(random.sample(list(routes), len(routes) // 2))


CHOICES = {"all GET": _reads, "all GET + write in 20 % of the tags": _editor, "random 50 %": _half}


def _sampler(
    pools: Sequence[Sequence[str]], choose: Callable[[Sequence[str], Random], set[str]]
) -> Callable[[int, int], tuple[list[str], set[str]]]:
    def sample(size: int, number: int) -> tuple[list[str], set[str]]:
        random = Random(f"{SEED} {size} {number}")
        routes = random.sample(next(pool for pool in pools if len(pool) >= size), size)
        return routes, choose(routes, random)

    return sample


def _all_but_one(make: Callable[[int], list[str]]) -> Callable[[int, int], tuple[list[str], list[str]]]:
    def sample(size: int, _: int) -> tuple[list[str], list[str]]:
        routes = make(size)
        return routes, [route for route in routes if route != "GET /apart"]

    return sample


def _below(prefix: str, api: Api) -> list[str]:
    return [f"{verb} {prefix}/{api.name}{path.removesuffix('/')}" for verb, path in (route.split(" ", 1) for route in api.routes)]
