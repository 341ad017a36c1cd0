"""What a million API requests cost with Gatebook and with what stands beside it, by list prices of us-east-1 in dollars.

`PRICES` is the one table of prices. Free tiers, discounts for volume and taxes are left out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tests.benchmarks.capacity import Load, needs
from tests.benchmarks.sizes import LogLines, item_sizes, log_lines

SEEN = "2026-11-27"
"""When the prices were looked up, in stored pages of unknown age."""

MILLION = 1_000_000
BYTES_OF_A_GB = 10**9
HIT_RATES = (0.0, 0.7, 0.95)


@dataclass(frozen=True, slots=True)
class Price:
    """A list price in dollars for so many of a unit. `seen` says who told it: AWS's own page, others that quote it, or the authors' memory."""

    dollars: float
    per: float
    unit: str
    aws_page: str
    seen: str


_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_QUOTED = "pages of others that quote it"

PRICES: Mapping[str, Price] = {
    "lambda_request": Price(
        0.20,
        MILLION,
        "Lambda requests",
        _LAMBDA,
        _QUOTED,
    ),
    "lambda_gb_second": Price(0.0000133334, 1, "GB-second of Lambda on arm64", _LAMBDA, _QUOTED),
    "table_read": Price(
        0.125,
        MILLION,
        "DynamoDB read units, on demand",
        "https://aws.amazon.com/dynamodb/pricing/on-demand/",
        _QUOTED,
    ),
    "log_gb": Price(0.50, 1, "GB taken in by CloudWatch Logs", _CLOUDWATCH, _QUOTED),
    "metric_month": Price(
        0.30,
        1,
        "custom metric and month",
        _CLOUDWATCH,
        _QUOTED,
    ),
    "verified_permissions_request": Price(
        5.00,
        MILLION,
        "single authorization requests to Verified Permissions",
        "https://aws.amazon.com/verified-permissions/pricing/",
        "AWS's page",
    ),
    "rest_request": Price(3.50, MILLION, "requests to a REST API", _GATEWAY, _QUOTED),
    "http_request": Price(1.00, MILLION, "requests to an HTTP API", _GATEWAY, _QUOTED),
    "built_in_authorizer": Price(
        0.0, MILLION, "requests that a JWT or Cognito authorizer checks", _GATEWAY, "list price as known to the authors, check"
    ),
}


class Part(StrEnum):
    """What a bill is made of."""

    REQUESTS = "Lambda requests"
    TIME = "Lambda time"
    TABLE = "table reads"
    PLATFORM = "Lambda's log lines"
    DECISIONS = "decision lines"
    SERVICE = "Verified Permissions"


LOGS = (Part.PLATFORM, Part.DECISIONS)


class Way(StrEnum):
    """A way to authorize requests."""

    GATEBOOK = "Gatebook"
    QUIET = "Gatebook, decisions not logged"
    VERIFIED_PERMISSIONS = "Verified Permissions behind a Lambda authorizer"
    PLAIN = "a plain Lambda authorizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a bill is worked out with. Durations are what Lambda bills for a usual request, in milliseconds; `load` says at which rate the table is read."""

    prices: Mapping[str, float] = field(default_factory=lambda: {name: price.dollars for name, price in PRICES.items()})
    duration_ms: float = 3
    waiting_duration_ms: float = 20
    memory_mb: int = 512
    requests: float = 1_000
    lines: LogLines = field(default_factory=log_lines)

    def of(self, name: str, count: float) -> float:
        """Return what so many of a unit cost."""
        return self.prices[name] * count / PRICES[name].per


@dataclass(frozen=True, slots=True)
class Bill:
    """What a million requests cost in dollars, by part."""

    way: Way
    hit_rate: float
    parts: Mapping[Part, float]

    @property
    def total(self) -> float:
        """The sum."""
        return sum(self.parts.values())

    @property
    def logs(self) -> float:
        """The share of the sum that is for logs."""
        return sum(self.parts.get(part, 0.0) for part in LOGS) / self.total


def bill(way: Way, hit_rate: float, terms: Terms) -> Bill:
    """Return what a million requests cost, of which the gateway answers this share from its cache. Its own price is the same in every way and left out."""
    invocations = MILLION * (1 - hit_rate)
    waits = way is Way.VERIFIED_PERMISSIONS
    parts = {
        Part.REQUESTS: terms.of("lambda_request", invocations),
        Part.TIME: terms.of("lambda_gb_second", gb_seconds(invocations, terms.waiting_duration_ms if waits else terms.duration_ms, terms)),
        Part.PLATFORM: _logged(invocations, terms.lines.platform, terms),
    }
    if waits:
        parts[Part.SERVICE] = terms.of("verified_permissions_request", invocations)
    if way in (Way.GATEBOOK, Way.QUIET):
        table, cold_ms = _table_and_cold_starts(hit_rate, terms)
        parts[Part.TABLE] = terms.of("table_read", table)
        parts[Part.TIME] += terms.of("lambda_gb_second", gb_seconds(1, cold_ms, terms))
        parts[Part.DECISIONS] = _logged(invocations, terms.lines.decision if way is Way.GATEBOOK else terms.lines.counts, terms)
    return Bill(way, hit_rate, parts)


def gb_seconds(invocations: float, duration_ms: float, terms: Terms) -> float:
    """Return the GB-seconds that Lambda bills: each duration is rounded up to a millisecond."""
    return invocations * math.ceil(duration_ms) / 1_000 * terms.memory_mb / 1_024


def metrics_per_month(terms: Terms) -> float:
    """Return what the custom metrics of one API cost at most in a month: that is for all requests together."""
    return terms.of("metric_month", terms.lines.metrics)


def _logged(invocations: float, size: int, terms: Terms) -> float:
    return terms.of("log_gb", invocations * size / BYTES_OF_A_GB)


def _table_and_cold_starts(hit_rate: float, terms: Terms) -> tuple[float, float]:
    """Return the read units and the milliseconds of cold starts for a million requests that come at the rate of the terms."""
    load = Load(requests=terms.requests, hit_rate=hit_rate)
    found = needs(load, 600, item_sizes(), terms.lines)
    seconds = MILLION / terms.requests
    return found.read_units * seconds, found.cold_starts * seconds * load.cold_seconds * 1_000
