"""A ratio of two costs that were measured side by side, which means the same on any machine."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ratio:
    """What something costs in costs of something else. Half of the rounds gave a ratio from `low` to `high`.

    `Ratio("a request", 5.1, "a bare RSA check", 4.9, 5.4)` reads: a request costs 5.1 bare RSA checks.
    """

    what: str
    value: float
    to: str
    low: float
    high: float

    @classmethod
    def of(cls, what: str, costs: Sequence[float], to: str, yardsticks: Sequence[float]) -> "Ratio":
        """Return the median ratio of the rounds: `costs[n]` and `yardsticks[n]` are of one round, in any unit that both have."""
        ratios = [cost / yardstick for cost, yardstick in zip(costs, yardsticks, strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        return cls(what, middle, to, low, high)


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def side_by_side(works: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Return the seconds of each work in each round. In each round all are done, one after the other, so that what disturbs one disturbs all."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, times in zip(works, taken, strict=True):
            times.append(seconds(work))
    return taken
