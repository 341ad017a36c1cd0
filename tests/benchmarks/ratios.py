"""A ratio of two costs that were measured side by side, which means the same on any machine."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path


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


Work = Callable[[], object]
Batch = Callable[[], Sequence[Work]]


def side_by_side(batches: Sequence[Batch], rounds: int) -> list[list[float]]:
    """Return the seconds that a work of each batch takes, in each round. In each round all are done, so that what disturbs one disturbs all.

    Each batch is made in each round, untimed, and then done: what a request needs has just been made in life too, and is in the processor's caches. A batch
    of one finds these caches full of the work before it.
    """
    taken: list[list[float]] = [[] for _ in batches]
    for _ in range(rounds):
        for make, results in zip(batches, taken, strict=True):
            works = make()
            results.append(seconds(partial(_do_all, works)) / len(works))
    return taken


def again(work: Work, times: int = 1) -> Batch:
    """Return a batch that is the same work so many times."""
    return lambda: [work] * times


def _do_all(works: Sequence[Work]) -> None:
    for work in works:
        work()


def machine() -> str:
    """Return what this was measured on: `2 cores, AMD EPYC, Python 3.11.7`."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text("utf-8").splitlines() if info.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores, {model}, Python {platform.python_version()}"
