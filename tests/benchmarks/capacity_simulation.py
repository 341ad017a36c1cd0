"""Plays loads request by request, to check the formulas of `capacity`. The same seed gives the same numbers.

Chance comes from `Random.random` alone, whose sequence Python promises to keep between versions.
"""

import heapq
import math
from collections import Counter, OrderedDict
from dataclasses import dataclass
from random import Random

from authorizer.tokens.verifier import MAX_REMEMBERED
from tests.benchmarks.capacity import REQUESTS_OF_ONE, STARTS_AT_ONCE, STARTS_PER_SECOND, Load


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen. `looks` are reads of the head per second and `most_looks` those of the worst second.

    `row_reads` are the environments that read the touched group's row within two intervals after a publication, and `most_row_reads` those of the worst second.
    """

    busy: float
    most_busy: int
    looks: float
    most_looks: int
    row_reads: int
    most_row_reads: int
    cold_starts: int


class _Environment:
    __slots__ = ("has_new_row", "looked_at", "sees_new")

    def __init__(self, looked_at: float) -> None:
        self.looked_at = looked_at
        self.sees_new = False
        self.has_new_row = False


def play(load: Load, known: float, ready: int, seconds: float, seed: int, *, in_step: bool = False) -> Played:
    """Play so many seconds with so many environments ready, which looked at the head at moments of their own, or all just now if they are `in_step`.

    A version is published two intervals before the end. Environments that are started on the way are busy for the whole of their cold start.
    """
    chance = Random(seed).random
    rate, refresh, published_at = load.invocations, load.refresh_seconds, seconds - 2 * load.refresh_seconds
    idle = [_Environment(0 if in_step else -refresh * chance()) for _ in range(ready)]
    working: list[tuple[float, int, _Environment]] = []
    looked: Counter[int] = Counter()
    rows: Counter[int] = Counter()
    worked, most, started, number, now = 0.0, 0, 0, 0, 0.0
    while (now := now - math.log(1 - chance()) / rate) < seconds:
        number += 1
        while working and working[0][0] <= now:
            idle.append(heapq.heappop(working)[2])
        takes = load.repeated_seconds if chance() < known else load.first_seen_seconds
        if idle:
            # Any of them, by putting the last one in its place.
            place = int(chance() * len(idle))
            environment, idle[place] = idle[place], idle[-1]
            idle.pop()
            if now - environment.looked_at >= refresh:
                environment.looked_at = now
                environment.sees_new = now >= published_at
                looked[int(now)] += 1
                takes += load.look_seconds
        else:
            started += 1
            environment = _Environment(now)
            environment.has_new_row = now >= published_at
            takes = load.cold_seconds
        if environment.sees_new and not environment.has_new_row and chance() < load.affected:
            environment.has_new_row = True
            rows[int(now)] += 1
        heapq.heappush(working, (now + takes, number, environment))
        worked += takes
        most = max(most, len(working))
    return Played(
        busy=worked / seconds,
        most_busy=most,
        looks=looked.total() / seconds,
        most_looks=max(looked.values(), default=0),
        row_reads=rows.total(),
        most_row_reads=max(rows.values(), default=0),
        cold_starts=started,
    )


def play_tokens(load: Load, rate: float, seed: int, slots: int = MAX_REMEMBERED) -> float:
    """Play the whole life of one environment with so many requests per second. Return the share of requests whose token it knew."""
    chance = Random(seed).random
    classes = load.classes(rate)
    busy = classes[0][0] if len(classes) > 1 else 0
    others, token_seconds = load.callers - busy, load.token_seconds
    known: OrderedDict[int, None] = OrderedDict()
    now, hits, total = 0.0, 0, 0
    while (now := now - math.log(1 - chance()) / rate) < load.environment_seconds:
        total += 1
        is_busy = busy and chance() < load.busy_requests
        caller = int(chance() * busy) if is_busy else busy + int(chance() * others)
        # Each caller's tokens begin at moments of its own, spread evenly by the golden ratio.
        token = caller + load.callers * int(now / token_seconds + caller * 0.618033988749895 % 1)
        if token in known:
            hits += 1
            known.move_to_end(token)
        else:
            known[token] = None
            if len(known) > slots:
                known.popitem(last=False)
    return hits / total


def play_jump(load: Load, service_seconds: float, seed: int) -> int:
    """Play a load that sets in at once where no environment is there, until Lambda refuses nothing any more. Return how many invocations it refused."""
    chance = Random(seed).random
    rate = load.invocations
    starts, may = float(STARTS_AT_ONCE), 0.0
    working: list[float] = []
    idle, refused, now, last_refused = 0, 0, 0.0, 0.0
    # Nothing is refused for two seconds: then nothing will be, since what is allowed only grows.
    while now - last_refused < 2 + load.cold_seconds:
        before, now = now, now - math.log(1 - chance()) / rate
        starts = min(STARTS_AT_ONCE, starts + STARTS_PER_SECOND * (now - before))
        while working and working[0] <= now:
            heapq.heappop(working)
            idle += 1
        allowed = REQUESTS_OF_ONE * (STARTS_AT_ONCE + STARTS_PER_SECOND * now)
        # A hundredth of a second is saved up at most.
        may = min(allowed / 100, may + allowed * (now - before))
        if idle and (may >= 1 or now < load.cold_seconds):
            idle -= 1
            may -= 1
            heapq.heappush(working, now + service_seconds)
        elif not idle and starts >= 1:
            starts -= 1
            heapq.heappush(working, now + load.cold_seconds)
        else:
            refused += 1
            last_refused = now
    return refused
