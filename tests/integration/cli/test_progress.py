"""`plan` and `apply` of many files show how far they are, on a terminal, and print nothing of it for programs."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from admin_api.cli.render import output
from tests.integration.cli.conftest import Run
from tests.support.tables import Table

APIS = ("pets", "toys", "foods")


@pytest.fixture
def files(folder: Path) -> list[str]:
    for api in APIS:
        (folder / f"{api}.yaml").write_text(f"api: {api}\nroutes: [GET /]\n")
    return [f"{api}.yaml" for api in APIS]


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What standard error, a terminal, was sent. No work is too short for a bar."""
    sent = io.StringIO()
    monkeypatch.setattr(output, "ERR", Console(file=sent, force_terminal=True, width=80))
    monkeypatch.setattr(output, "PROGRESS_AFTER", 0.0)
    return sent


def test_reading_planning_and_publishing_of_many_files_show_a_bar(run: Run, target: Table, files: list[str], screen: io.StringIO) -> None:
    assert run("plan", *files).exit_code == 0
    for word in ("reading", "planning", "100%"):
        assert word in screen.getvalue()
    assert "publishing" not in screen.getvalue()
    result = run("apply", *files, "--yes")
    assert result.exit_code == 0
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("published")] == list(APIS)
    assert "publishing" in screen.getvalue()
    assert "published" not in screen.getvalue()


def test_json_has_no_bar(run: Run, target: Table, files: list[str], screen: io.StringIO) -> None:
    for arguments in (["plan"], ["apply", "--yes"], ["check"], ["matrix"]):
        result = run(*arguments, *files, "--json")
        assert [each["api"] for each in json.loads(result.stdout)] == list(APIS)
    for word in ("reading", "planning", "publishing"):
        assert word not in screen.getvalue()


def test_a_file_with_a_mistake_is_told_above_the_bar(run: Run, target: Table, files: list[str], folder: Path, screen: io.StringIO) -> None:
    (folder / "toys.yaml").write_text("api: toys\nroutes: [GET]\n")
    assert run("plan", *files).exit_code == 1
    assert "toys.yaml" in screen.getvalue()
    assert not target.items()


def test_what_was_published_before_a_failure_is_printed(
    run: Run, target: Table, files: list[str], folder: Path, screen: io.StringIO
) -> None:
    run("apply", "toys.yaml", "--yes")
    (folder / "toys.yaml").write_text("api: gatebook-admin\nroutes: [GET /v1/apis]\n")
    result = run("apply", *files, "--yes")
    assert result.exit_code == 1
    assert "published pets version 1" in result.stdout


def test_what_is_published_is_not_printed_into_the_bar(
    run: Run, target: Table, files: list[str], screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "OUT", Console(file=screen, soft_wrap=True))
    assert run("apply", *files, "--yes").exit_code == 0
    told = [line for line in screen.getvalue().splitlines() if "published " in line]
    assert len(told) == len(APIS)
    # Of the bar's line nothing is left: it was taken back before.
    assert [line.rpartition("\x1b[2K")[2].partition("published ")[0] for line in told] == [""] * len(APIS)
