"""What a load asks of Lambda, DynamoDB, the issuer and CloudWatch: closed formulas, which `capacity_simulation` checks.

Requests that the gateway does not answer from its cache arrive by chance (a Poisson process) and go to any idle environment of the function, each as likely as
the others. An environment serves one request at a time. Times are in seconds, rates per second, sizes in bytes.
"""

import math
from dataclasses import dataclass

from authorizer.request_memo import MAX_REQUESTS
from authorizer.table.cache import _BYTES_PER_CHARACTER, _ROW_BYTES
from authorizer.tokens.verifier import MAX_REMEMBERED
from tests.benchmarks.sizes import GROUPS, ItemSizes, LogLines

PARTITION_READ_UNITS = 3_000
"""Read units that one partition gives in a second ("Understanding DynamoDB warm throughput in different scenarios", developer guide)."""

READ_UNIT_BYTES = 4_096
"""A consistent read of so much is one unit, an eventually consistent one half ("DynamoDB read consistency", developer guide)."""

STARTS_AT_ONCE, STARTS_PER_SECOND = 1_000, 100
"""Environments that Lambda starts for one function: 1,000 every 10 seconds, given back continuously ("Lambda scaling behavior", developer guide)."""

REQUESTS_OF_ONE = 10
"""Invocations per second for each unit of concurrency, however short they are ("Understanding Lambda function scaling", developer guide)."""

TOKEN_BYTES, ANSWER_BYTES = 4_000, 24_000
"""Memory of a remembered token and at most of a remembered answer. Tests measure that the real ones take less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A load and how long things take. Times on Lambda are assumptions: nothing here was measured there.

    `hit_rate` is the share of requests that the gateway answers from its cache. Each caller asks once in `caller_seconds`; `busy_callers` of them make
    `busy_requests` of the invocations. `first_seen_seconds` and `repeated_seconds` are a request's with a token that the environment does not know and knows,
    `look_seconds` what a read of the table's head adds, `cold_seconds` the first request of an environment. A token lives `token_seconds`, an environment
    `environment_seconds`. A publication touches one of `groups`; each caller is in `groups_per_caller` of them.
    """

    requests: float
    hit_rate: float = 0.7
    caller_seconds: float = 10
    busy_callers: float = 0.1
    busy_requests: float = 0.5
    first_seen_seconds: float = 0.003
    repeated_seconds: float = 0.002
    look_seconds: float = 0.008
    cold_seconds: float = 0.8
    refresh_seconds: float = 10
    jwks_seconds: float = 3_600
    groups: int = GROUPS
    groups_per_caller: int = 3
    publications_per_hour: float = 6
    token_seconds: float = 3_600
    environment_seconds: float = 3_600

    @property
    def invocations(self) -> float:
        """Requests per second that reach the function."""
        return self.requests * (1 - self.hit_rate)

    @property
    def callers(self) -> int:
        """How many callers there are."""
        return max(1, round(self.requests * self.caller_seconds))

    @property
    def affected(self) -> float:
        """The share of requests whose caller is in the group that a publication touches."""
        return self.groups_per_caller / self.groups

    def classes(self, rate: float) -> tuple[tuple[int, float], ...]:
        """Return the busy callers and the others, of an environment with so many requests per second: how many, and the requests per second of each."""
        busy = min(self.callers - 1, max(1, round(self.callers * self.busy_callers))) if self.callers > 1 else 0
        others = self.callers - busy
        return ((busy, rate * self.busy_requests / busy), (others, rate * (1 - self.busy_requests) / others)) if busy else ((others, rate),)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a load needs in the steady state.

    `known` is the share of requests whose token the environment knows. On average `busy` environments work at once. The most that are needed at any time in
    `seconds` are `environments`, and `quota` is the concurrency that the account must be allowed. Per second there are `looks` at the head, `cold_starts`,
    `key_fetches`, `read_units` in all, and `log_bytes`. `memory` is what the memos of one environment take.
    """

    seconds: float
    known: float
    service_seconds: float
    busy: float
    environments: int
    quota: int
    looks: float
    cold_starts: float
    key_fetches: float
    read_units: float
    log_bytes: float
    memory: int


def needs(load: Load, seconds: float, items: ItemSizes, lines: LogLines) -> Needs:
    """Return what a load needs, the most of it over so many seconds."""
    service, known, count = load.first_seen_seconds, 0.0, 1
    # Each depends on the others: a few rounds settle it, since looks are few and the share of known tokens moves slowly.
    for _ in range(6):
        count = environments(load.invocations, load.invocations * service, seconds)
        known = known_share(load, load.invocations / count)
        looking = looks(load.invocations, count, load.refresh_seconds) / load.invocations
        service = known * load.repeated_seconds + (1 - known) * load.first_seen_seconds + looking * load.look_seconds
    cold_starts = count / load.environment_seconds
    looked = looks(load.invocations, count, load.refresh_seconds)
    publications = load.publications_per_hour / 3_600
    units = (
        looked * look_units(items)
        + cold_starts * (start_units(items) + (load.groups + 1) * read_units(items.group))
        + publications * count * (read_units(items.record) + read_units(items.group))
    )
    return Needs(
        seconds=seconds,
        known=known,
        service_seconds=service,
        busy=load.invocations * service,
        environments=count,
        quota=max(count, math.ceil(round(load.invocations / REQUESTS_OF_ONE, 6))),
        looks=looked,
        cold_starts=cold_starts,
        key_fetches=count / load.jwks_seconds + cold_starts,
        read_units=units,
        log_bytes=load.invocations * (lines.decision + lines.platform),
        memory=memo_bytes(load, items),
    )


def environments(arrivals: float, busy: float, seconds: float) -> int:
    """Return the most environments that are busy at once in so many seconds.

    Without a limit the number of busy ones is Poisson distributed, whatever the durations are distributed like. An environment more is needed when a request
    finds all busy: the answer is the least number for which that is expected less than once.
    """
    count = max(1, math.ceil(busy))
    while arrivals * seconds * _at_least(count, busy) >= 1:
        count += 1
    return count


def _at_least(count: int, mean: float) -> float:
    """Return the probability that a Poisson variable is at least so much, for a count that is not below the mean."""
    term = math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    total = 0.0
    while term > total * 1e-12:
        total += term
        count += 1
        term *= mean / count
    return total


def looks(arrivals: float, count: int, refresh_seconds: float) -> float:
    """Return the reads of the head per second: each environment reads it with the first request that comes once its interval is over.

    `looks(300, 10, 10)` is a little below 1: ten environments, ten seconds.
    """
    return count / (refresh_seconds + count / arrivals)


def known_share(load: Load, rate: float, slots: int = MAX_REMEMBERED) -> float:
    """Return the share of requests whose token an environment with so many requests per second knows.

    A token is known if its last request to this environment is less than the memo's depth ago, and both token and environment are older than that. The depth is
    the time in which as many different callers come as the memo has slots (Che's approximation).
    """
    classes = load.classes(rate)
    depth = _depth(classes, slots)
    token, life = load.token_seconds, load.environment_seconds
    within = min(depth, token, life)
    return sum(count * each * _seen(each, within, token, life) for count, each in classes) / rate


def _seen(rate: float, within: float, token: float, life: float) -> float:
    """Return the integral of rate * exp(-rate * x) * (1 - x / token) * (1 - x / life) for x from 0 to `within`."""
    gone, by = math.exp(-rate * within), rate * within
    zeroth = -math.expm1(-by)
    first = (zeroth - by * gone) / rate
    second = (2 * first * rate - by * by * gone) / rate**2
    return zeroth - first * (1 / token + 1 / life) + second / (token * life)


def _depth(classes: tuple[tuple[int, float], ...], slots: int) -> float:
    if sum(count for count, _ in classes) <= slots:
        return math.inf
    low, high = 0.0, 1.0
    while _different(classes, high) < slots:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _different(classes, middle) < slots else (low, middle)
    return high


def _different(classes: tuple[tuple[int, float], ...], seconds: float) -> float:
    """Return how many different callers come in so many seconds."""
    return sum(count * -math.expm1(-each * seconds) for count, each in classes)


def read_units(size: int, *, consistent: bool = True) -> float:
    """Return the read units of one read of so many bytes, which are at least those of 4 KB."""
    return max(1, math.ceil(size / READ_UNIT_BYTES)) * (1 if consistent else 0.5)


def look_units(items: ItemSizes) -> float:
    """Return the read units of one look at the head."""
    return read_units(items.head, consistent=False)


def api_partition_units(items: ItemSizes) -> float:
    """Return what a cold start reads of the API's own partition: head, record and registry."""
    return look_units(items) + read_units(items.record) + read_units(items.registry)


def start_units(items: ItemSizes) -> float:
    """Return what a cold start reads before it reads any group."""
    return api_partition_units(items) + read_units(items.routes)


def rows_read_after(load: Load, count: int, arrivals: float, seconds: float) -> float:
    """Return how many environments have read the row of the touched group so many seconds after it was published, at least an interval.

    Each sees the new version at a moment within one interval that is as likely as any other, and reads the row with the first request of a member.
    """
    members = arrivals / count * load.affected
    late = math.exp(-members * (seconds - load.refresh_seconds)) - math.exp(-members * seconds)
    return count * (1 - late / (members * load.refresh_seconds))


def refused_in_a_jump(load: Load, service_seconds: float) -> float:
    """Return how many invocations Lambda refuses when the load sets in at once and no environment is there.

    Until the first ones are ready each request takes a new one. Afterwards there are enough of them, and the function may have ten times as many requests per
    second as environments could have been started.
    """
    arrivals, cold = load.invocations, load.cold_seconds
    started = STARTS_AT_ONCE + STARTS_PER_SECOND * cold
    while_cold = max(0.0, arrivals * cold - started)
    least, growth = REQUESTS_OF_ONE * started, REQUESTS_OF_ONE * STARTS_PER_SECOND
    missing = max(0.0, arrivals - least)
    if load.invocations * service_seconds > STARTS_AT_ONCE:
        raise ValueError("more than 1,000 environments are busy in the steady state: this formula does not cover it")
    return while_cold + missing**2 / (2 * growth)


def memo_bytes(load: Load, items: ItemSizes) -> int:
    """Return the memory of one environment's memos: rows by the cache's own estimate, and all tokens, rulings and answers that it may keep."""
    rows = (load.groups + 1) * (_ROW_BYTES + _BYTES_PER_CHARACTER * items.group)
    return rows + MAX_REMEMBERED * TOKEN_BYTES + 2 * MAX_REQUESTS * ANSWER_BYTES
