"""`gatebook probe` passes on what it is told, and makes nothing on AWS without a yes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Run


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Any]]:
    """The commands that were started, with their environments; each ends with 1."""
    calls: list[tuple[list[str], Any]] = []

    class Ended:
        returncode = 1

    def run(command: list[str], *, check: bool, env: Any) -> Ended:
        calls.append((command[4:], env))
        return Ended()

    monkeypatch.setattr("admin_api.cli.commands.probe.subprocess.run", run)
    return calls


def test_what_is_passed_on(run: Run, started: list[tuple[list[str], Any]]) -> None:
    result = run("probe", "--region", "eu-west-1", "--only", "rest-root", "--only", "rest-star", "--keep", "--json", "--yes")
    assert (result.exit_code, started) == (
        1,
        [(["--region", "eu-west-1", "--json", "--keep", "--only", "rest-root", "--only", "rest-star"], None)],
    )


@pytest.mark.parametrize(("answer", "code", "starts"), [("n\n", 2, 0), ("y\n", 1, 1)])
def test_a_stack_on_aws_needs_a_yes(run: Run, started: list[tuple[list[str], Any]], answer: str, code: int, starts: int) -> None:
    result = run("probe", input=answer)
    assert (result.exit_code, len(started)) == (code, starts)
    assert ("nothing was made" in result.stderr) is (starts == 0)


def test_a_list_asks_nobody(run: Run, started: list[tuple[list[str], Any]]) -> None:
    run("probe", "--list", "--local")
    assert started == [(["--list"], None)]


def test_the_local_stack_stands_for_aws(
    run: Run, started: list[tuple[list[str], Any]], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "mine")
    note = {"table": "t", "region": "us-east-1", "aws_endpoint": "http://127.0.0.1:1", "access_key_id": "a", "secret_access_key": "s"}
    (folder / ".gatebook").mkdir()
    (folder / ".gatebook" / "local.json").write_text(json.dumps(note))
    assert run("probe", "--local").exit_code == 1
    [(arguments, environment)] = started
    assert arguments == ["--endpoint", "http://127.0.0.1:1"]
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_REGION"], "AWS_PROFILE" in environment) == ("a", "us-east-1", False)


def test_without_a_local_stack_the_next_step_is_told(run: Run, started: list[tuple[list[str], Any]], folder: Path) -> None:
    result = run("probe", "--local")
    assert (result.exit_code, started) == (2, [])
    assert "gatebook up" in result.stderr
