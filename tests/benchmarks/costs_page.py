"""The text of `docs/costs.md`: tables of what is worked out elsewhere, and what they rest on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.benchmarks.bills import HIT_RATES, PRICES, SEEN, Bill, Part, Terms, Way, bill, metrics_per_month
from tests.benchmarks.capacity import (
    PARTITION_READ_UNITS,
    READ_UNIT_BYTES,
    REQUESTS_OF_ONE,
    STARTS_AT_ONCE,
    STARTS_PER_SECOND,
    Load,
    Needs,
    api_partition_units,
    look_units,
    needs,
    read_units,
    refused_in_a_jump,
    rows_read_after,
)
from tests.benchmarks.capacity_simulation import Played, play, play_jump, play_tokens
from tests.benchmarks.markdown import points, prose, table
from tests.benchmarks.sizes import GROUPS, PERMISSIONS_OF_A_GROUP, ROUTES, item_sizes

LOADS = (100, 1_000, 10_000, 100_000)
SEED = 20
DEFAULT_CONCURRENCY = 1_000
MANY_GROUPS = 1_000


@dataclass(frozen=True, slots=True)
class Compared:
    """One load: what the formulas say, and what was seen when it was played."""

    load: Load
    needs: Needs
    played: Played
    known: float
    refused: int


def compare(requests: float, terms: Terms) -> Compared:
    """Work a load out and play it, for as long as 150,000 invocations take, but 25 seconds at least and ten minutes at most.

    The memo of tokens is played for 100,000 requests at most: long before, it knows as many as it ever will.
    """
    load = Load(requests=requests)
    seconds = round(min(600, max(25, 150_000 / load.invocations)))
    found = needs(load, seconds, item_sizes(), terms.lines)
    rate = load.invocations / found.environments
    lived = replace(load, environment_seconds=min(load.environment_seconds, 100_000 / rate))
    return Compared(
        load=load,
        needs=found,
        played=play(load, found.known, found.environments, seconds, SEED),
        known=play_tokens(lived, rate, SEED),
        refused=play_jump(load, found.service_seconds, SEED),
    )


def bills_of(terms: Terms) -> list[Bill]:
    """Return the bills that the page shows, in its order."""
    return [bill(way, hit_rate, terms) for hit_rate in HIT_RATES for way in Way]


def page(terms: Terms, bills: Sequence[Bill], loads: Sequence[Compared]) -> str:
    """Return the whole page."""
    parts = [
        *_intro(),
        *_costs(terms, bills),
        *_alternatives(),
        *_prices(terms),
        *_capacity(loads),
        *_limits(loads),
        *_assumptions(loads[0].load, terms),
    ]
    return "\n\n".join(parts) + "\n"


def _intro() -> list[str]:
    return [
        "# Costs and capacity",
        "For: whoever plans what an authorizer costs, and how much load an account takes.",
        prose("""
            What the authorizer adds to the bill, beside what else could stand in its place, and what a load of up to 100,000 requests per second
            asks of an account. All of it is calculated; nothing here was measured on AWS. A script writes this page, whole, and takes your own
            prices and durations:
        """),
        """```
make costs
.venv/bin/python -m tests.benchmarks.costs --price lambda_request=0.20 --price log_gb=0.50 --duration-ms 3
```""",
    ]


def _costs(terms: Terms, bills: Sequence[Bill]) -> list[str]:
    first, quiet, lines = bills[0], bills[1], terms.lines

    def share(part: Part) -> str:
        return _percent(first.parts[part] / first.total)

    rows = [
        [
            _percent(each.hit_rate),
            each.way.value,
            *(_dollars(each.parts.get(part)) for part in Part),
            f"**{each.total:.3f}**",
            _percent(each.logs),
        ]
        for each in bills
    ]
    built_in = _dollars(terms.of("built_in_authorizer", 1_000_000))
    rows.append(["any", "JWT authorizer of an HTTP API, Cognito authorizer of a REST API", *["-"] * len(Part), f"**{built_in}**", "-"])
    return [
        "## What a million requests cost",
        "![What a million API requests cost, by part](costs.svg)",
        prose(f"""
            **{_percent(first.logs)} of what Gatebook costs is its log.** An invocation leaves {lines.decision + lines.platform:,} bytes there: the line
            that says who was let through, and why, has {lines.decision}, and the three that Lambda writes by itself have {lines.platform}. Table
            reads are {share(Part.TABLE)} of the bill, since permissions are kept in memory. Dollars, by the share of requests that the gateway
            answers from its authorizer cache:
        """),
        table(["hits", "way", *(part.value for part in Part), "sum", "logs"], rows),
        prose(f"""
            The gateway's own price is the same in each row and not in it: {terms.prices["rest_request"]:.2f} per million for a REST API,
            {terms.prices["http_request"]:.2f} for an HTTP API. Metrics are not counted by request: one API has at most {lines.metrics} custom
            metrics, each with two sets of dimensions, besides one for each reason of a denial or failure
            that is ever met. That is {metrics_per_month(terms):.2f} a month, and {terms.of("metric_month", 6):.2f} where only
            `allowed`, `denied` and `unauthorized` are ever counted. Verified Permissions and the plain authorizer are shown without a line of their
            own: one like Gatebook's would add {_dollars(first.parts[Part.DECISIONS])} per million invocations.
        """),
        prose("""
            Put your own p50 in: with the share `h` of hits, a duration of `d` milliseconds, `m` MB of memory and `b` bytes of log for each invocation,
            a million requests cost
        """),
        """```
(1 - h) * (lambda_request + 1,000 * ceil(d) * m / 1,024 * lambda_gb_second + b / 1,000 * log_gb) + table reads + cold starts
```""",
        "What lowers it, the most first:",
        points(
            """**A longer TTL.** An invocation that the gateway saves costs nothing at all. The price is time: a revoked permission lives on for the TTL.""",
            f"""**Lines of allows off**, `LOG_ALLOWED=none`, or most of them, `LOG_ALLOWED=0.1`. The metrics stay, in {lines.counts} bytes, and up to
            {_percent(1 - quiet.total / first.total)} of the bill goes. Denied requests keep their lines. Then nobody can tell who used a permission.""",
            f"""**Lambda's own lines off**, `LogFormat: JSON` with `SystemLogLevel: WARN`: {share(Part.PLATFORM)}. Lambda's documentation says that
            they are left out then; we have not tried it, and the templates do not set it.""",
            f"""Memory and speed matter little: Lambda's time is {share(Part.TIME)} of the bill.""",
        ),
    ]


def _alternatives() -> list[str]:
    return [
        "## What the others do for it",
        table(
            ["way", "what is different"],
            [
                [
                    "JWT authorizer (HTTP API)",
                    """checks the token and its scopes, and knows no groups; no permissions as data, no history. REST APIs have one too, which was not
                    priced here; WebSocket APIs have none""",
                ],
                ["Cognito authorizer (REST API)", "the same, for REST APIs alone"],
                [
                    "plain Lambda authorizer",
                    """permissions are code, so that a change is a deployment; no history, no preview, no denylist, no line that says why""",
                ],
                [
                    "Verified Permissions",
                    """its policies can say more than routes and groups. A Lambda authorizer must call it and waits for the answer. Its default quota
                    was raised to 200 single requests per second on 11 March 2024 (AWS, "What's new"); more is to be asked for""",
                ],
            ],
        ),
    ]


def _prices(terms: Terms) -> list[str]:
    rows = [
        [
            f"`{name}`",
            f"{terms.prices[name]:.10f}".rstrip("0").rstrip("."),
            f"{price.per:,.0f} {price.unit}" if price.per > 1 else f"one {price.unit}",
            f"[AWS]({price.aws_page})",
            _seen(name, terms),
        ]
        for name, price in PRICES.items()
    ]
    return [
        "## Prices",
        prose(f"""
            us-east-1, the first tier, no free tier, in dollars. They were looked up on {SEEN} in stored pages whose age is not known. Look at AWS's
            page before you count on a price, and pass your own with `--price NAME=DOLLARS`. Verified Permissions took 150 dollars per million
            of any call before it priced single ones apart, and older copies of its page still say so.
        """),
        table(["name", "dollars", "for", "price list", "told by"], rows),
    ]


def _seen(name: str, terms: Terms) -> str:
    return PRICES[name].seen if terms.prices[name] == PRICES[name].dollars else "given with `--price`"


def _capacity(loads: Sequence[Compared]) -> list[str]:
    def row(what: str, formula: Callable[[Compared], str], seen: Callable[[Compared], str] | None = None) -> list[str]:
        return [what, *(f"{formula(one)} / {seen(one)}" if seen else formula(one) for one in loads)]

    def readers(one: Compared) -> float:
        return rows_read_after(one.load, one.needs.environments, one.load.invocations, 2 * one.load.refresh_seconds)

    def evenly(one: Compared) -> float:
        return one.needs.environments / one.load.refresh_seconds

    def refused(one: Compared) -> float:
        return refused_in_a_jump(one.load, one.needs.service_seconds)

    first, last = loads[0], loads[-1]
    rows = [
        row("invocations per second", lambda one: _number(one.load.invocations)),
        row("seconds played", lambda one: _number(one.needs.seconds)),
        row("environments busy, on average", lambda one: _number(one.needs.busy), lambda one: _number(one.played.busy)),
        row("environments busy, at most", lambda one: _number(one.needs.environments), lambda one: _number(one.played.most_busy)),
        row("**concurrency to ask AWS for**", lambda one: f"**{one.needs.quota:,}**"),
        row("requests whose token the environment knows", lambda one: _percent(one.needs.known, 1), lambda one: _percent(one.known, 1)),
        row("reads of the head per second", lambda one: _number(one.needs.looks), lambda one: _number(one.played.looks)),
        row(
            "after a publication: environments that read the row within two intervals",
            lambda one: _number(readers(one)),
            lambda one: _number(one.played.row_reads),
        ),
        row("the same in one second: evenly / the worst", lambda one: _number(evenly(one)), lambda one: _number(one.played.most_row_reads)),
        row("read units per second, all reads", lambda one: _number(one.needs.read_units)),
        row("fetches of the key set per hour", lambda one: _number(one.needs.key_fetches * 3_600)),
        row("log, MB per second", lambda one: _number(one.needs.log_bytes / 1e6)),
        row("refused if the load sets in at once", lambda one: _number(refused(one)), lambda one: _number(one.refused)),
    ]
    return [
        "## Capacity",
        prose(f"""
            {_percent(first.load.hit_rate)} of the requests are answered by the gateway. Where a cell has two numbers the first is a formula's, and the
            second was seen when the load was played request by request (seed {SEED}).
        """),
        table(["requests per second", *(_number(one.load.requests) for one in loads)], rows),
        points(
            """**Concurrency is asked for by rate, not by time.** An account may have ten invocations per second for each unit of concurrency, however
            short they are. Far fewer environments are busy.""",
            """**Permissions ask little of the table**, since an environment reads one item in an interval, and rows once.""",
            f"""**Few tokens are known at a large load**: {last.load.callers:,} callers come to {last.needs.environments} environments by chance, and each
            remembers 1,000 tokens. So count with the duration of a first request. The gateway's cache is what knows callers again.""",
            f"""**A load that sets in at once is refused in part**, which the gateway answers with 500. Each request of the first
            {first.load.cold_seconds} s takes an environment of its own, and the rate that is allowed grows by {_number(10 * STARTS_PER_SECOND)} per
            second. Let it grow, or have provisioned concurrency.""",
            f"""The memos of one environment take at most {first.needs.memory / 1e6:.0f} MB with this document: rows by the cache's own estimate, and all
            tokens and answers that may be kept, as large as they may be.""",
        ),
    ]


def _limits(loads: Sequence[Compared]) -> list[str]:
    items, many, load, last = item_sizes(), item_sizes(MANY_GROUPS), loads[0].load, loads[-1]
    head, seen = PARTITION_READ_UNITS / look_units(items), PARTITION_READ_UNITS / (look_units(items) + read_units(items.record))
    row, interval = PARTITION_READ_UNITS / read_units(items.group), load.refresh_seconds
    start, start_many = (math.floor(PARTITION_READ_UNITS / api_partition_units(each)) for each in (items, many))
    registry_of_one_unit = math.floor(READ_UNIT_BYTES / (items.registry / (GROUPS + 1)))
    rate = DEFAULT_CONCURRENCY * REQUESTS_OF_ONE
    limits = [
        [
            "reads of the head",
            f"""{_number(head)} per second: {_number(head * interval)} environments at `POLICY_REFRESH_SECONDS={interval:g}`, but {_number(head)}
            invocations per second at 0""",
            "`POLICY_REFRESH_SECONDS`: not 0 at such a rate",
        ],
        [
            "a new version is seen: head and record",
            f"""{_number(seen * interval)} environments that look at moments of their own, {_number(seen)} that look in the same second, as busy ones do that
            were started together""",
            "`POLICY_REFRESH_SECONDS` for the first, a load that grows for the second",
        ],
        [
            "the row of a changed group is read",
            f"{_number(row * interval)} environments, or {_number(row)} in the same second, for a row of up to 4 KB; half of it for one of 8 KB",
            "the same; several groups in place of one with very many permissions",
        ],
        [
            "environments start",
            f"""{_number(start)} in one second with {GROUPS} groups, **{_number(start_many)} with {_number(MANY_GROUPS)}**, whose registry has
            {many.registry / 1_000:.0f} KB. The {_number(STARTS_AT_ONCE)} that Lambda starts at once are too many above {registry_of_one_unit} subjects, and
            for any row above {PARTITION_READ_UNITS // STARTS_AT_ONCE * 4} KB""",
            "a load that grows; provisioned concurrency; fewer subjects in one API",
        ],
        [
            "Lambda's concurrency",
            f"""the default of {_number(DEFAULT_CONCURRENCY)} allows {_number(rate)} invocations per second: {_number(rate / (1 - load.hit_rate))} requests at
            {_percent(load.hit_rate)} hits, {_number(rate / 0.05)} at 95 %""",
            "the quota; a longer TTL",
        ],
        ["the gateway itself", "10,000 requests per second by default, for all APIs of an account in a region", "the quota"],
        [
            "the log",
            f"""no limit was looked for; at {_number(last.load.requests)} requests per second it is {last.needs.log_bytes * 86_400 * 30 / 1e12:.0f} TB in 30
            days, for which CloudWatch has lower prices than the one above""",
            "the TTL; `LOG_ALLOWED`",
        ],
    ]
    return [
        "## Where the limits are",
        prose(f"""
            The head is one item that every environment reads, and one partition gives {PARTITION_READ_UNITS:,} read units per second. The API's head, versions
            and registry of subjects are counted as one partition here, and each row as another.
        """),
        table(["limit", "met at", "what moves it"], limits),
        prose("""
            A read that is throttled is tried once more. If that fails too, an environment that has permissions serves them for
            `POLICY_MAX_STALE_SECONDS`, and one that starts answers 500: see [When something fails](failures.md).
        """),
    ]


def _assumptions(load: Load, terms: Terms) -> list[str]:
    items = item_sizes()
    return [
        "## What this rests on",
        points(
            f"""**Durations are assumed, not measured**: {load.repeated_seconds * 1_000:.0f} ms for a token that the environment knows,
            {load.first_seen_seconds * 1_000:.0f} ms for another one, {load.look_seconds * 1_000:.0f} ms more with a look at the head,
            {load.cold_seconds * 1_000:.0f} ms for a cold start, which is billed. Costs count with {terms.duration_ms:g} ms, and with
            {terms.waiting_duration_ms:g} ms for an authorizer that waits for Verified Permissions; the p50 of `Billed Duration` in your own log goes into
            `--duration-ms`. Memory is {terms.memory_mb} MB on arm64, as in `infra/template.yaml`.""",
            f"""**Sizes are counted** from what the code writes and publishes for {len(ROUTES)} routes and {GROUPS} groups of {PERMISSIONS_OF_A_GROUP}
            permissions: head {items.head} bytes, record of a change {items.record}, registry {items.registry:,}, catalogue {items.routes:,}, row of a group
            {items.group}. A decision line grows with ids, paths and the permissions that decide. Lambda's own lines are counted as its documentation
            shows them. What the log keeps is billed again, and not counted.""",
            f"""**Reads**: a look is one eventually consistent read, half a unit. A cold start reads head, record, registry and catalogue, then each group
            that its callers are in. A publication costs each environment the record and, once a caller needs it, the row; {load.publications_per_hour:g} an
            hour touch one group each. A denylist is read besides, at each start and each change of it. Costs are worked out at {_number(terms.requests)}
            requests per second.""",
            """**Arrivals are by chance** (Poisson), and any idle environment is as likely as the others. Which one Lambda takes is not documented. If it
            prefers some, fewer are alive, and they know more tokens.""",
            f"""**Callers**: each asks once in {load.caller_seconds:g} s, a tenth of them makes half of the invocations, and each is in
            {load.groups_per_caller} groups. A token lives {load.token_seconds / 3_600:g} h, and so does an environment, which AWS does not promise: longer
            lives mean fewer cold starts and key fetches. Of its life 100,000 requests are played at most. A key set is fetched at each start and after
            {load.jwks_seconds / 3_600:g} h.""",
            f"""**Environments at most**: the least number for which less than one request of the time played is expected to find all busy. A day needs a few
            more. The formula leaves out that a cold start keeps its environment busy for {load.cold_seconds} s, in which another may be called for.""",
            f"""**A jump** finds no environment and room for {_number(STARTS_AT_ONCE)}, which comes back at {STARTS_PER_SECOND} per second; afterwards ten
            requests per second are allowed for each environment that could have been started. Lambda documents both limits, not how they act together.""",
            """The formulas are in `tests/benchmarks/capacity.py`, and `tests/benchmarks/capacity_simulation.py` plays the loads. Unit tests hold one
            against the other with fixed seeds: busy time within 3 %, looks within 4 %, environments within one, known tokens within 1.5 points,
            refusals within 8 %. Above, formula and play differ more where there are few environments or about as many callers as remembered tokens.""",
        ),
    ]


def _number(value: float) -> str:
    """Return three digits of a number, or all of a large one in groups of three."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _percent(value: float, digits: int = 0) -> str:
    if 0 < value < 0.001:
        return "less than 0.1 %"
    return f"{value:.{digits}%}".replace("%", " %")


def _dollars(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value >= 0.0005 or value == 0 else "< 0.001"
