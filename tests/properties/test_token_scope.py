"""Policies for whole callers allow what the permissions say, for every route at once, and nothing more however a path is spelt; refusals prove themselves.

The rounds are those of `tests.support.token_scope_judge`; `python -m tests.tools.fuzz` plays more of them.
"""

import os
from collections import Counter

import pytest

from tests.support.token_scope_judge import play

SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
PARTS = 10 if os.environ.get("CI") else 1
DECISIONS_PER_PART = 100_000 if os.environ.get("CI") else 50_000


@pytest.mark.parametrize("part", range(PARTS))
def test_one_policy_says_what_decide_says_for_every_route_or_proves_that_none_can(part: int) -> None:
    counts: Counter[str] = Counter()
    number = part * 1_000_000
    while counts["decisions"] < DECISIONS_PER_PART:
        play(SEED, number, counts)
        number += 1
    # What the random callers have to be like, lest the judgement be an easy one.
    for kind in ("allowed", "denied", "plain", "hostile"):
        assert counts[kind] > DECISIONS_PER_PART / 8, (SEED, counts)
    for kind in ("policies", "counterexamples of two paths"):
        assert counts[kind] > counts["rounds"] / 8, (SEED, counts)
    for kind in ("policies with guards", "policies with conditions"):
        assert counts[kind] > counts["rounds"] / 25, (SEED, counts)
    for kind in (
        "counterexamples of three paths",
        "policies with bound values",
        "policies with values in several spellings",
        "policies with wildcards over prefixes",
        "compared with the evaluator",
    ):
        assert counts[kind], (SEED, counts)
