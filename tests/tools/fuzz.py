"""Plays random trials until the time is over or one fails: `python -m tests.tools.fuzz --minutes 30`.

Policies for whole callers, mutated tokens and mutated events take turns, on every core.
"""

import argparse
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count, cycle

from tests.support import event_mutants, token_mutants, token_scope_judge

PLAYERS = {"policies": token_scope_judge.play, "tokens": token_mutants.play, "events": event_mutants.play}
BATCHES = {"policies": 20, "tokens": 20_000, "events": 2_000}
"""How many trials are about some seconds' work."""

_SECONDS_BETWEEN_NOTES = 10


def main(arguments: list[str] | None = None) -> int:
    """Print the counts of each kind and the seed. 1 if a trial failed, whose story is printed then."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to play (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=os.environ.get("GATEBOOK_SEED"), help="default: GATEBOOK_SEED, else a new one")
    parser.add_argument("--only", choices=PLAYERS, help="default: all of them")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    started, counts = time.monotonic(), Counter[str]()
    story = _play_until(started + 60 * options.minutes, _batches(seed, [options.only] if options.only else [*PLAYERS]), counts)
    width = max(map(len, counts), default=0)
    lines = [f"{kind:{width}}  {number:>12,}" for kind, number in sorted(counts.items())]
    lines.append(f"seed {seed}, {time.monotonic() - started:.0f} s: {'FAILED' if story else 'no wrong answer'}")
    sys.stdout.write("\n".join([*lines, *([story] if story else [])]) + "\n")
    return 1 if story else 0


def _batches(seed: int, kinds: list[str]) -> Iterator[tuple[str, int, int]]:
    numbers = {kind: count() for kind in kinds}
    return ((kind, seed, next(numbers[kind])) for kind in cycle(kinds))


def play_batch(kind: str, seed: int, batch: int) -> tuple[Counter[str], str | None]:
    """The counts of one batch, and the story of its first trial that failed."""
    counts = Counter[str]()
    for number in range(batch * BATCHES[kind], (batch + 1) * BATCHES[kind]):
        try:
            PLAYERS[kind](seed, number, counts)
        except AssertionError as error:
            return counts, str(error)
    return counts, None


def _play_until(end: float, batches: Iterator[tuple[str, int, int]], counts: Counter[str]) -> str | None:
    """The story of the first trial that failed."""
    noted, running, story = time.monotonic(), set[Future[tuple[Counter[str], str | None]]](), None
    with ProcessPoolExecutor() as pool:
        while running or (time.monotonic() < end and story is None):
            while time.monotonic() < end and story is None and len(running) < (os.cpu_count() or 1):
                running.add(pool.submit(play_batch, *next(batches)))
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                found, failed = future.result()
                counts.update(found)
                story = story or failed
            if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
                noted = time.monotonic()
                totals = ", ".join(f"{counts[kind]:,} {kind}" for kind in ("decisions", "mutated tokens", "mutated events") if counts[kind])
                sys.stderr.write(f"{totals}, {max(0, end - noted) / 60:.1f} min left\n")
    return story


if __name__ == "__main__":
    sys.exit(main())
