"""What docs/drift.md says is true: its differences, its commands, and that its workflows take no more than they need and nothing that somebody can change."""

import json
import re
from typing import Any

import pytest
import typer
import yaml

from admin_api.analysis.drift import Kind
from admin_api.cli.app import app
from tests.architecture.readme import Page
from tests.architecture.sources import ROOT

PAGE = Page((ROOT / "docs/drift.md").read_text(encoding="utf-8"))
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
WORKFLOWS = [yaml.safe_load(text) for text in PAGE.blocks("yaml") if text.startswith("name:")]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def options(command: str) -> set[str]:
    return {option for parameter in COMMANDS[command].params for option in parameter.opts}


def steps() -> list[dict[str, Any]]:
    return [step for workflow in WORKFLOWS for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_difference_is_told() -> None:
    assert {row[0].strip("`") for row in PAGE.table("difference", "severity", "meaning")} == {kind.value for kind in Kind}


def test_every_command_takes_what_it_is_given() -> None:
    calls = re.findall(r"gatebook drift [^\n]*", PAGE.text)
    assert len(calls) >= 4
    assert set().union(*(re.findall(r" (--[a-z-]+)", call) for call in calls)) <= options("drift")


def test_every_way_to_name_a_source_is_told() -> None:
    assert {row[0].strip("`") for row in PAGE.table("source", "what is compared")} <= options("drift")


def test_every_action_is_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]
    assert len(used) >= 6
    assert [each for each in used if not re.fullmatch(r"[\w-]+/[\w/-]+@[0-9a-f]{40}", each)] == []


@pytest.mark.parametrize(("number", "more"), [(0, {"pull-requests": "write"}), (1, {"id-token": "write"})])
def test_a_workflow_may_do_no_more_than_it_does(number: int, more: dict[str, str]) -> None:
    workflow = WORKFLOWS[number]
    [job] = workflow["jobs"].values()
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "security-events": "write"} | more
    # YAML 1.1 takes `on` for a truth value.
    assert "pull_request_target" not in workflow[True]


def test_no_expression_stands_in_a_script() -> None:
    """Text of a pull request in a script would be run."""
    assert [step["run"] for step in steps() if "${{" in step.get("run", "")] == []


def test_nothing_is_written_into_the_checkout() -> None:
    """A pull request may have a file of that name, or a link."""
    written = [target for step in steps() for target in re.findall(r"--(?:sarif|markdown|junit) (\S+)", step.get("run", ""))]
    assert len(written) >= 3
    assert [target for target in written if not target.startswith('"$RUNNER_TEMP/')] == []


def test_the_policy_reads_and_does_nothing_else() -> None:
    [policy] = map(json.loads, PAGE.blocks("json"))
    [statement] = policy["Statement"]
    assert statement["Action"] == "apigateway:GET"
    assert all(resource.startswith("arn:aws:apigateway:eu-west-1::/") and "a1b2c3d4e5" in resource for resource in statement["Resource"])


def test_the_hooks_run_commands_that_there_are() -> None:
    assert {hook["id"]: hook["entry"] for hook in HOOKS} == {"gatebook-check": "gatebook check", "gatebook-drift": "gatebook drift"}
    assert {hook["entry"].split()[1] for hook in HOOKS} <= COMMANDS.keys()
    assert all(re.compile(hook["files"]).search("api/permissions.yaml") for hook in HOOKS)


def test_the_hooks_are_used_as_the_page_says() -> None:
    [used] = [yaml.safe_load(text) for text in PAGE.blocks("yaml") if text.startswith("repos:")]
    [repository] = used["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == {hook["id"] for hook in HOOKS}
    given = [word for hook in repository["hooks"] for word in hook.get("args", ()) if word.startswith("--")]
    assert set(given) <= options("drift")
