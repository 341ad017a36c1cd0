"""The `gatebook` command in this process, in a folder of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer.testing

from admin_api.cli.app import app
from tests.support.tables import TABLE, Table

Run = Callable[..., typer.testing.Result]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run() -> Run:
    """Run `gatebook` with these arguments; `input` answers its questions."""

    def run(*arguments: str, input: str | bytes | None = None) -> typer.testing.Result:  # noqa: A002  # typer's word
        result = typer.testing.CliRunner().invoke(app, list(arguments), input=input)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


@pytest.fixture
def target(table: Table, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table outside the local stack, named by the environment."""
    monkeypatch.setenv("PERMISSIONS_TABLE", TABLE)
    return table


def parsed(result: typer.testing.Result) -> Any:
    """What a command printed for programs."""
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)
