"""Plays rounds of the judgement of whole-caller policies until the time is over or a round fails: `python -m tests.fuzz --minutes 30`."""

import argparse
import os
import secrets
import sys
import time
from collections import Counter

from tests.support.token_scope_judge import play

_SECONDS_BETWEEN_NOTES = 10


def main(arguments: list[str] | None = None) -> int:
    """Print the counts of each kind and the seed. 1 if a round failed, whose story is printed then."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to play (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=os.environ.get("GATEBOOK_SEED"), help="default: GATEBOOK_SEED, else a new one")
    options = parser.parse_args(arguments)
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    started, counts = time.monotonic(), Counter[str]()
    story = _play_until(started + 60 * options.minutes, seed, counts)
    width = max(map(len, counts), default=0)
    lines = [f"{kind:{width}}  {count:>12,}" for kind, count in sorted(counts.items())]
    lines.append(f"seed {seed}, {time.monotonic() - started:.0f} s: {'FAILED' if story else 'no wrong answer'}")
    sys.stdout.write("\n".join([*lines, *([story] if story else [])]) + "\n")
    return 1 if story else 0


def _play_until(end: float, seed: int, counts: Counter[str]) -> str | None:
    """The story of the first round that failed."""
    noted = time.monotonic()
    number = 0
    while time.monotonic() < end:
        try:
            play(seed, number, counts)
        except AssertionError as error:
            return str(error)
        number += 1
        if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
            noted = time.monotonic()
            sys.stderr.write(f"{number:,} rounds, {counts['decisions']:,} decisions, {(end - noted) / 60:.1f} min left\n")
    return None


if __name__ == "__main__":
    sys.exit(main())
