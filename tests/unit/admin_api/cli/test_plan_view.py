"""A plan that nobody could read whole fits a terminal: who gains and loses how much, then what to look at first."""

import copy
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from admin_api.analysis.access_changes import access_changes
from admin_api.analysis.bindings import BindingReport
from admin_api.analysis.findings import Finding
from admin_api.cli.render import output
from admin_api.cli.render.plan import print_plan
from admin_api.publishing.series import Step
from admin_api.publishing.service import Plan
from authorizer.policy.document import parse_document
from tests.support.large_documents import large_document


def changed(document: dict[str, Any]) -> dict[str, Any]:
    """Everyone loses what it may and gains another service; each group gains a service and loses a few routes."""
    after = copy.deepcopy(document)
    after["everyone"] = {"allow": ["GET /service1/**"]}
    for number, group in enumerate(after["groups"].values()):
        group["allow"] = [*group["allow"][number % 7 + 1 :], f"* /service{number % 25}/**"]
    return after


def large_plan() -> Plan:
    """A change of a thousand routes and fifty groups, with some findings."""
    source = large_document(1000, 50, 60)
    before, after = parse_document(source), parse_document(changed(source))
    return Plan(
        document=after,
        published=None,
        rows={"key": "content"},
        row_changes=("group/new: new", *(f"group/team-{number:03}: changed" for number in range(50))),
        rules=(),
        access=access_changes(before, after),
        steps=(Step({}, frozenset(), after),),
        unfinished=None,
        verdicts=(),
        verdicts_in_all=0,
        bindings=BindingReport(tuple(Finding("unbound", f"permission {number}") for number in range(9)), ("a note",)),
    )


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "OUT", Console(soft_wrap=True, force_terminal=True, width=100, color_system=None))


def test_a_change_of_a_thousand_routes_and_fifty_groups_is_readable(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(large_plan())
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert len(lines) < 60
    assert max(map(cell_len, lines)) <= 100
    assert lines[0] == "large: version 0 becomes 1"
    assert " ".join(lines[1].split()) == "everyone gains 10 routes, loses 10"
    summary = [re.fullmatch(r"group/team-\d+ +gains (\d+) routes(?:, loses (\d+))?(?:, changes on (\d+))?", line) for line in lines[2:16]]
    totals = [sum(int(count or 0) for count in found.groups()) for found in summary if found is not None]
    assert len(totals) == 14
    assert totals == sorted(totals, reverse=True)
    assert lines[16] == "... and 36 more subjects: --full shows them"
    details = [line.split()[:3] for line in lines if re.match(r"[-+~] ", line)]
    assert details == [["-", "loses", "everyone"]] * 10 + [["+", "gains", "everyone"]] * 10
    more = len(large_plan().access) - 20
    assert f"... and {more:,} more: --full shows them" in lines
    findings = [f"unbound permission {number}" for number in range(5)]
    assert lines[-9:-2] == [*findings, "... and 4 more: --full shows them", "note a note"]
    assert "rows: 50 changed, 1 new (--full names them)" in lines


def test_full_shows_every_change_subject_and_row(capsys: pytest.CaptureFixture[str]) -> None:
    plan = large_plan()
    print_plan(plan, full=True)
    text = capsys.readouterr().out
    assert "... and" not in text
    assert "--full" not in text
    assert sum(bool(re.match(r"[-+~] ", line)) for line in text.splitlines()) == len(plan.access)
    assert sum(bool(re.match(r"group/team-\d+ +gains", line)) for line in text.splitlines()) == 50
    assert "group/team-049: changed" in text
    assert "permission 8" in text
