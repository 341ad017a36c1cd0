"""What large APIs and many callers cost: time beside a small API, and memory by a sample of tokens with its extrapolation shown."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from tests.benchmarks.ratios import Batch, Ratio, side_by_side
from tests.benchmarks.setting import call, handlers
from tests.integration.gates import Context
from tests.performance.soak import soak
from tests.support.issuer import Issuer

ROUTES, GROUPS, GROUPS_PER_CALLER = 10_000, 10_000, 100
"""The sizes that are measured, beside an API of 10 routes and 10 groups whose callers are in one."""

TOKENS, SAMPLED = 1_000_000, 6_000
AT_ONCE, ROUNDS = 10, 50
SMALL = "one of an API of 10 routes and 10 groups"


def _path(number: int) -> str:
    return f"/service{number // 10}/resource{number}/{{id}}"


def _document(api: str, routes: int, groups: int) -> dict[str, Any]:
    templates = [f"GET {_path(number)}" for number in range(routes)]
    return {"api": api, "routes": templates, "groups": {f"team{n}": {"allow": [templates[n % routes]]} for n in range(groups)}}


@dataclass(frozen=True, slots=True)
class Held:
    """The bytes that one process holds after a fifth of the sampled tokens, and after all."""

    early: int
    late: int

    @property
    def added(self) -> int:
        """What the last four fifths of the tokens added."""
        return max(0, self.late - self.early)

    @property
    def extrapolated(self) -> int:
        """What a million tokens add if each further one adds what those of the last four fifths did."""
        return round(self.added / (SAMPLED - SAMPLED // 5) * TOKENS)


def held() -> Held:
    """Return what is held by a handler to which each caller comes with a token of its own."""
    return Held(*soak("request", SAMPLED, groups=100))


def scale_ratios() -> Iterator[Ratio]:
    """Yield what a request of a large API costs in requests of a small one, each with a token that was never seen."""
    issuer = Issuer()
    cases = (
        (f"{ROUTES:,} routes", _document("large", ROUTES, 10), ["team0"]),
        (f"{GROUPS:,} groups", _document("large", 10, GROUPS), ["team0"]),
        (
            f"{GROUPS_PER_CALLER} groups of the caller",
            _document("large", GROUPS_PER_CALLER, GROUPS_PER_CALLER),
            [f"team{n}" for n in range(GROUPS_PER_CALLER)],
        ),
    )
    for what, document, groups in cases:
        numbers = count()
        with handlers(issuer, _document("small", 10, 10), document) as (small, large):

            def batch(handle: Any, names: list[str], numbers: Iterator[int] = numbers) -> list[Any]:
                events = [call(issuer.access_token(*names, jti=f"jti{next(numbers)}"), _path(0)) for _ in range(AT_ONCE)]
                return [partial(handle, event, Context()) for event in events]

            batches: list[Batch] = [partial(batch, large, groups), partial(batch, small, ["team0"])]
            for make in batches:
                answer: Any = make()[0]()
                assert answer["policyDocument"]["Statement"][0]["Effect"] == "Allow"
            taken, by_small = side_by_side(batches, ROUNDS)
        yield Ratio.of(f"a request with a token never seen, {what}", taken, SMALL, by_small)
