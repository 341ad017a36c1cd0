"""The rules of a document at the command line: apply, rollback and promote refuse what breaks one, and check names it."""

import json
from pathlib import Path

from tests.integration.cli.conftest import Run
from tests.support.tables import Table, publish

OPEN = """\
api: petstore
routes: [GET /pets, POST /pets]
groups:
  guest: {allow: [GET /pets]}
"""
RULED = OPEN + "rules:\n  - equal: guest, everyone -> POST /pets\n  - never: guest -> POST /**\n"
BROKEN = RULED.replace("[GET /pets]}", "[GET /pets, POST /pets]}").replace(
    "equal: guest, everyone -> POST /pets", "never: guest -> /nowhere"
)
COUNTER_EXAMPLE = "group/guest may POST /pets by group/guest allow POST /pets"


def plain(text: str) -> str:
    return " ".join(text.split())


def test_apply_refuses_what_breaks_a_rule(target: Table, run: Run, folder: Path) -> None:
    publish(RULED)
    before = target.items()
    (folder / "broken.yaml").write_text(BROKEN)
    for command in (("plan",), ("apply", "--yes"), ("apply", "--yes", "--force", "--overwrite")):
        result = run(*command, "broken.yaml")
        assert result.exit_code == 1, result.output
        told = plain(result.stderr)
        assert f"/rules/1 the rule `never: guest -> POST /**` is broken: {COUNTER_EXAMPLE}" in told
    assert target.items() == before


def test_a_rule_that_means_nothing_is_told_with_its_line(run: Run, folder: Path) -> None:
    (folder / "bad.yaml").write_text(OPEN + "rules:\n  - never: guest -> POST /**\n  - never: guest\n")
    for command in ("check", "plan", "apply", "matrix"):
        result = run(command, "bad.yaml")
        assert result.exit_code == 1
        assert "bad.yaml:7 /rules/1/never `never` is written as in" in plain(result.stderr)


def test_check_names_broken_rules_and_those_about_nothing(run: Run, folder: Path) -> None:
    (folder / "broken.yaml").write_text(BROKEN)
    result = run("check", "broken.yaml", "--json")
    assert result.exit_code == 1
    [report] = json.loads(result.stdout)
    assert report["violations"] == [{"invariant": "never: guest -> POST /**", "counter_example": COUNTER_EXAMPLE}]
    assert {"kind": "unknown", "message": "never: guest -> /nowhere: `* /nowhere` means no route of any document"} in report["findings"]


def test_plan_and_diff_show_rules_before_access(target: Table, run: Run, folder: Path) -> None:
    publish(OPEN)
    (folder / "ruled.yaml").write_text(RULED)
    lines = run("plan", "ruled.yaml").stdout.splitlines()
    assert lines[1:4] == [
        "rule added: equal: guest, everyone -> POST /pets",
        "rule added: never: guest -> POST /**",
        "no caller gains or loses any access",
    ]
    assert run("apply", "--yes", "ruled.yaml").exit_code == 0
    assert run("diff", "petstore", "1").stdout.splitlines()[1:4] == lines[1:4]
    assert json.loads(run("diff", "petstore", "2", "1", "--json").stdout)["rules"][0].startswith("rule removed: equal")
    (folder / "again.yaml").write_text(run("export", "petstore").stdout)
    assert "nothing to change" in run("plan", "again.yaml").stdout


def test_a_candidate_brings_its_rules_along_and_that_is_shown(target: Table, run: Run) -> None:
    publish(RULED)
    publish(OPEN.replace("api: petstore", "api: next"))
    result = run("promote", "next", "petstore", "--yes")
    assert result.exit_code == 0, result.output
    assert "rule removed: never: guest -> POST /**" in result.stdout
