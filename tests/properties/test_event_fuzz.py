"""Random mutants of authorizer events: nobody is let through who would not be, and every other end is an error that is documented."""

import os
from collections import Counter
from random import Random

from tests.support.event_mutants import FIELDS, judge, play, tokens
from tests.support.token_mutants import STRICT

CI = bool(os.environ.get("CI"))
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
RUNS = 30_000 if CI else 2_000
SEEN = {
    *(
        "policy, allowed",
        "policy, denied",
        "word, allowed",
        "word, denied",
        "missing_token",
        "several_authorization_values",
        "malformed",
        "signature",
    ),
    *("malformed_authorization", "unknown_event", "unreadable_event", "token_not_keyed", "route_not_keyed", "simple_response_not_keyed"),
}
"""How mutants end."""


def test_no_mutant_of_an_event_lets_anybody_through() -> None:
    counts: Counter[str] = Counter()
    for number in range(RUNS):
        play(SEED, number, counts)
    print(f"\n{RUNS:,} mutants, seed {SEED}: {dict(counts.most_common())}")
    assert counts["mutated events"] == RUNS


def test_mutants_end_in_many_ways() -> None:
    """That it is no idle play: what is mutated reaches every part."""
    ends = Counter(judge(Random(f"{SEED} event {number}")) for number in range(2_000))
    assert ends.keys() >= SEEN
    assert ends["policy, allowed"] > 200


def test_the_tokens_are_good() -> None:
    assert {name: STRICT.verify(token).subject for name, token in tokens().items()} == {name: name for name in tokens()}
    assert len({*FIELDS}) == len(FIELDS)
