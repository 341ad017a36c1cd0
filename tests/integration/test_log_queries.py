"""The queries of `docs/observability.md`, run over what the real authorizer wrote."""

from pathlib import Path

import pytest

from tests.architecture.readme import Page
from tests.integration.gates import Context, Gate, KeyServer, bearer, build_gate, keys, published, request_event
from tests.support.clock import Clock
from tests.support.insights import Row, record, run
from tests.support.issuer import NOW
from tests.support.tables import Table

__all__ = ["keys", "published"]

PAGE = Page((Path(__file__).parents[2] / "docs" / "observability.md").read_text(encoding="utf-8")).section("Questions to the log")
DENIED = "the-denied-request"


def queries(title: str) -> list[str]:
    return PAGE.section(title).blocks()


@pytest.fixture
def log(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> list[Row]:
    """Two environments: who came, asked for what, and was refused."""
    rows: list[Row] = []

    def ask(gate: Gate, *groups: str, request_id: str = "", **more: str) -> None:
        event = request_event(bearer(*groups, sub=more.pop("sub", "u1")), **more)
        event["requestContext"]["requestId"] = request_id or f"id-{len(rows)}"
        gate.call(event)
        rows.extend(record(line, clock.now) for line in gate.printed)

    clock.now = NOW // 300 * 300 + 300
    for _ in range(2):
        gate = build_gate(keys, clock, capsys)
        ask(gate, "owner", path="/pets/7")
        ask(gate, "owner", path="/pets/7")
        ask(gate, "owner", verb="POST")
        ask(gate, "owner", sub="u2", verb="POST")
    ask(gate, "guest", verb="POST", request_id=DENIED)
    for token in ("Bearer garbage", bearer("guest", exp=NOW - 1), bearer("guest", exp=NOW - 2)):
        gate.fail(request_event(token))
        rows.extend(record(line, clock.now) for line in gate.printed)
    return rows


def test_a_denied_call_is_found_by_its_id_and_says_why(log: list[Row]) -> None:
    [query] = queries("Why was this call denied?")
    [row] = run(query.replace("REQUEST-ID", DENIED), log)
    assert (row["effect"], row["reason"], row["route"], row["groups.0"]) == ("deny", "implicit_deny", "POST /pets", "guest")
    assert len(run(query.replace("REQUEST-ID", "ZyXwVu="), log)) == len(run(query.replace("REQUEST-ID", Context.aws_request_id), log)) == 12
    assert run(query, log) == []


def test_who_uses_a_group(log: list[Row]) -> None:
    [query] = queries("Who uses group X?")
    assert run(query, log) == [
        {"subject": "u1", "route": "POST /pets", "calls": 2},
        {"subject": "u2", "route": "POST /pets", "calls": 2},
    ]


def test_which_permissions_are_needed(log: list[Row]) -> None:
    [query] = queries("Which permission does nobody need?")
    assert {row["determining.0"]: row["calls"] for row in run(query, log)} == {
        "group/guest allow GET /pets/{petId}": 4,
        "group/owner allow POST /pets": 4,
        None: 1,
    }


def test_what_scopes_would_cost(log: list[Row]) -> None:
    [query] = queries("What would a change of scope cost?")
    [row] = run(query, log)
    assert [row[name] for name in ("calls", "request_scope", "route_scope", "token_scope")] == [9, 3, 3, 2]


def test_the_slowest_cold_starts(log: list[Row]) -> None:
    ours, lambdas = queries("Slowest cold starts")
    found = run(ours, log)
    assert len(found) == 2
    assert found[0]["waited"] >= found[1]["waited"] > 0
    # Lambda's own lines are no JSON: Insights discovers these fields ("Supported logs and discovered fields", CloudWatch Logs user guide).
    reports: list[Row] = [
        {"@type": "REPORT", "@duration": 2.1} | ({"@initDuration": took} if took else {}) for took in (None, 410.5, 640.2)
    ]
    assert [row["@initDuration"] for row in run(lambdas, log + reports)] == [640.2, 410.5]


def test_refusals_by_reason(log: list[Row]) -> None:
    [query] = queries("Unauthorized by reason")
    assert run(query, log) == [{"reason": "expired", "refused": 2}, {"reason": "malformed", "refused": 1}]


def test_a_query_that_is_not_understood_is_no_answer() -> None:
    for query in ("parse x", 'filter a > "b"', "stats sum(a) by b", "fields upper(a)"):
        with pytest.raises((AssertionError, KeyError)):
            run(query, [{"a": 1, "@timestamp": 0.0}])
