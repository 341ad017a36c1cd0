"""The formulas give what can be worked out by hand, and agree with loads that are played request by request."""

import json
import math
import tracemalloc
from dataclasses import replace

import pytest

from authorizer.events.wire import MAX_ANSWER_BYTES, Answer
from authorizer.policy.iam.statement import PolicyDocument
from authorizer.tokens.claims import TrustedIssuer
from tests.benchmarks import capacity
from tests.benchmarks.capacity import Load
from tests.benchmarks.capacity_simulation import play, play_jump, play_tokens
from tests.benchmarks.sizes import ItemSizes, LogLines
from tests.support.issuer import CLIENT_ID, ISSUER, NOW, Issuer, verifier

ITEMS = ItemSizes(head=135, record=600, registry=9_000, routes=2_700, group=900)
LINES = LogLines(decision=800, counts=200, platform=250, metrics=13)
SMALL = Load(requests=1_000, caller_seconds=1, refresh_seconds=5)


@pytest.mark.parametrize(
    ("arrivals", "busy", "seconds", "most"),
    [
        # Of 18,000 requests 18,000 * 0.0582 find one busy, * 0.00173 = 31 two, * 0.0000344 = 0.6 three.
        (30, 0.06, 600, 3),
        # One request in a hundred seconds: nobody else is there.
        (0.01, 0.00003, 100, 1),
        # 3,000 requests: P(X >= 5) = 0.00366 gives 11, P(X >= 6) = 0.000594 gives 1.8, P(X >= 7) = 0.0000832 gives 0.25.
        (300, 1, 10, 7),
    ],
)
def test_environments_are_the_least_that_all_requests_find_one_free(arrivals: float, busy: float, seconds: float, most: int) -> None:
    assert capacity.environments(arrivals, busy, seconds) == most


def test_each_environment_looks_once_in_an_interval_and_the_wait_for_its_next_request() -> None:
    assert capacity.looks(300, 10, 10) == pytest.approx(10 / (10 + 1 / 30))
    assert capacity.looks(300, 10, 0) == pytest.approx(300)


def test_read_units_are_counted_by_4_kb_and_half_where_a_lag_is_allowed() -> None:
    assert [capacity.read_units(size) for size in (1, 4_096, 4_097, 40_960)] == [1, 1, 2, 10]
    assert capacity.read_units(135, consistent=False) == 0.5
    assert capacity.api_partition_units(ITEMS) == 0.5 + 1 + 3
    assert capacity.start_units(ITEMS) == 0.5 + 1 + 3 + 1


def test_one_caller_with_one_token_is_unknown_at_its_first_request_only() -> None:
    """Of the ten requests of a token's life one is the first: (1 - exp(-10)) / 10 is unknown."""
    one = Load(requests=1, caller_seconds=1, token_seconds=10, environment_seconds=1e12)
    assert one.callers == 1
    assert capacity.known_share(one, 1) == pytest.approx(1 - (1 - math.exp(-10)) / 10)


@pytest.mark.parametrize(("token", "life"), [(100, 50), (30, 1_000), (3_600, 3_600)])
def test_the_share_of_known_tokens_is_the_integral_that_it_claims_to_be(token: float, life: float) -> None:
    load = Load(requests=1, caller_seconds=1, token_seconds=token, environment_seconds=life)
    rate, within, steps = 0.2, min(token, life), 200_000
    width = within / steps
    points = ((n + 0.5) * width for n in range(steps))
    expected = sum(rate * math.exp(-rate * x) * (1 - x / token) * (1 - x / life) for x in points) * width
    assert capacity.known_share(load, rate) == pytest.approx(expected, rel=1e-6)


def test_a_memo_of_fewer_slots_than_callers_knows_those_who_came_last() -> None:
    """A thousand callers, all alike, and a memo of half of them: the depth is where 1 - exp(-x) is a half, and so is the share."""
    alike = Load(requests=1_000, caller_seconds=1, busy_requests=0.1, token_seconds=1e12, environment_seconds=1e12)
    assert capacity.known_share(alike, 10, slots=500) == pytest.approx(0.5, rel=1e-6)


def test_a_jump_is_refused_until_environments_are_ready_and_then_by_rate() -> None:
    assert capacity.refused_in_a_jump(Load(requests=1_000), 0.003) == 0
    # 3,000 a second for 0.8 s, less 1,000 and 80 environments.
    assert capacity.refused_in_a_jump(Load(requests=10_000), 0.003) == pytest.approx(1_320)
    # 24,000 less 1,080, and then 30,000 less 10,800, which shrinks by 1,000 a second.
    assert capacity.refused_in_a_jump(Load(requests=100_000), 0.003) == pytest.approx(22_920 + 19_200**2 / 2_000)
    with pytest.raises(ValueError, match="does not cover"):
        capacity.refused_in_a_jump(Load(requests=1_000_000), 0.01)


def test_rows_are_read_by_every_environment_whose_callers_hold_them() -> None:
    # One request of a member per environment and second: after two intervals of a second, 1 - (exp(-1) - exp(-2)) of four have come.
    load = Load(requests=1, groups=4, groups_per_caller=4, refresh_seconds=1)
    assert capacity.rows_read_after(load, 4, 4, 2) == pytest.approx(4 * (1 - math.exp(-1) + math.exp(-2)))


def test_needs_are_the_sum_of_their_parts() -> None:
    load = Load(requests=1_000)
    found = capacity.needs(load, 600, ITEMS, LINES)
    count = found.environments
    assert found.log_bytes == pytest.approx(300 * 1_050)
    assert found.quota == 30
    assert found.busy == pytest.approx(300 * found.service_seconds)
    assert found.cold_starts == pytest.approx(count / 3_600)
    assert found.key_fetches == pytest.approx(2 * count / 3_600)
    assert found.looks == pytest.approx(count / (10 + count / 300))
    # A start reads 5.5 units and then 21 rows; six times an hour each environment reads a record and a row.
    assert found.read_units == pytest.approx(found.looks / 2 + count / 3_600 * (5.5 + 21) + 6 / 3_600 * count * 2)
    assert found.memory == 21 * (1_500 + 20 * 900) + 1_000 * 4_000 + 400 * 24_000


def test_concurrency_is_asked_for_by_rate_where_requests_are_short_and_by_environments_where_they_are_long() -> None:
    assert capacity.needs(Load(requests=100_000), 10, ITEMS, LINES).quota == 3_000
    slow = capacity.needs(Load(requests=1_000, first_seen_seconds=0.5, repeated_seconds=0.5), 10, ITEMS, LINES)
    assert slow.quota == slow.environments > 150


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_played_load_needs_what_the_formulas_say(seed: int) -> None:
    found = capacity.needs(SMALL, 60, ITEMS, LINES)
    played = play(SMALL, found.known, found.environments, 60, seed)
    assert played.busy == pytest.approx(found.busy, rel=0.03)
    assert abs(played.most_busy - found.environments) <= 1
    assert played.looks == pytest.approx(found.looks, rel=0.04)
    assert played.row_reads == pytest.approx(capacity.rows_read_after(SMALL, found.environments, SMALL.invocations, 10), abs=1)
    assert played.most_row_reads <= played.row_reads <= found.environments + played.cold_starts


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_of_a_rare_group_are_read_as_late_as_the_formula_says_and_not_before_they_are_published(seed: int) -> None:
    """About sixty environments, each with a member's request in ten seconds: in two intervals little more than half of them read the row."""
    rare = replace(SMALL, first_seen_seconds=0.1, repeated_seconds=0.1, groups=50, groups_per_caller=1)
    count = capacity.needs(rare, 60, ITEMS, LINES).environments
    expected = capacity.rows_read_after(rare, count, rare.invocations, 10)
    assert 0.45 * count < expected < 0.65 * count
    assert play(rare, 0.5, count, 60, seed).row_reads == pytest.approx(expected, abs=8)


def test_a_played_load_is_the_same_for_the_same_seed_only() -> None:
    assert play(SMALL, 0.5, 8, 20, 1) == play(SMALL, 0.5, 8, 20, 1) != play(SMALL, 0.5, 8, 20, 2)


def test_environments_that_start_together_go_on_to_look_together() -> None:
    in_step, apart = (play(SMALL, 0.5, 8, 60, 1, in_step=together) for together in (True, False))
    assert in_step.most_looks == 8 > apart.most_looks
    assert in_step.looks == pytest.approx(apart.looks, rel=0.1)


def test_too_few_environments_show_in_a_played_load() -> None:
    """What the comparison above rests on: where the formula said too little, cold starts would show it."""
    assert play(SMALL, 0.5, 1, 60, 1).cold_starts > 5


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    ("load", "rate", "slots"),
    [
        (Load(requests=50, token_seconds=300, environment_seconds=600), 20.0, 1_000),
        (Load(requests=1_000, token_seconds=600, environment_seconds=600), 40.0, 1_000),
        (Load(requests=1_000, token_seconds=600, environment_seconds=600), 40.0, 100),
    ],
)
def test_a_played_memo_knows_as_many_tokens_as_the_formula_says(load: Load, rate: float, slots: int, seed: int) -> None:
    assert play_tokens(load, rate, seed, slots) == pytest.approx(capacity.known_share(load, rate, slots), abs=0.015)


@pytest.mark.parametrize(("requests", "seed"), [(1_000, 1), (10_000, 2), (40_000, 3)])
def test_a_played_jump_is_refused_as_the_formula_says(requests: float, seed: int) -> None:
    load = Load(requests=requests)
    assert play_jump(load, 0.003, seed) == pytest.approx(capacity.refused_in_a_jump(load, 0.003), rel=0.08, abs=1)


def test_a_remembered_token_takes_no_more_than_is_counted() -> None:
    issuer, count = Issuer(), 100
    ours = TrustedIssuer("", ISSUER, "https://keys.example/ours", frozenset({CLIENT_ID}), frozenset(), "access")
    verify = verifier((ours,), lambda _: issuer.jwks(), lambda: NOW).verify
    tokens = [issuer.access_token("team-0", "team-1", "team-2", jti=f"jti-{number}") for number in range(count + 1)]
    verify(tokens[0])
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for token in tokens[1:]:
            verify(token)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert capacity.TOKEN_BYTES / 10 < (after - before) / count < capacity.TOKEN_BYTES


def test_a_remembered_answer_takes_no_more_than_is_counted() -> None:
    resources = [f"arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5/prod/GET/service{number}/items/*" for number in range(90)]
    policy: PolicyDocument = {
        "Version": "2012-10-17",
        "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources}],
    }
    size = len(json.dumps(Answer("user", policy, {"version": "7"}).policy_response))
    assert 0.9 * MAX_ANSWER_BYTES < size <= MAX_ANSWER_BYTES
    text = json.dumps(policy)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        answer = Answer("user", json.loads(text), {"version": "7"})
        assert answer.policy_response["principalId"] == "user"
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert capacity.ANSWER_BYTES / 4 < after - before < capacity.ANSWER_BYTES


def test_callers_are_split_into_the_busy_and_the_others() -> None:
    (busy, of_busy), (others, of_others) = Load(requests=100).classes(10)
    assert (busy, others) == (100, 900)
    assert of_busy == pytest.approx(0.05)
    assert of_others == pytest.approx(5 / 900)
    assert Load(requests=0.1).classes(10) == ((1, 10),)
    assert replace(SMALL, hit_rate=0).invocations == 1_000
