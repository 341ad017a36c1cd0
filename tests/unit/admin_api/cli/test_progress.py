"""The bar of long work: on a terminal alone, after a second, and out of the way of what is printed."""

import io

import pytest
from rich.console import Console

from admin_api.cli.render import output


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What standard error, a terminal, was sent."""
    sent = io.StringIO()
    monkeypatch.setattr(output, "ERR", Console(file=sent, force_terminal=True, width=80))
    return sent


def work(parts: int = 3, *, quiet: bool = False) -> None:
    with output.progress("reading", parts, quiet=quiet) as advance:
        for number in range(parts):
            advance()
            with advance.aside():
                output.ERR.print(f"part-{number}", highlight=False)


def test_a_bar_shows_how_far_long_work_is(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PROGRESS_AFTER", 0.0)
    work()
    assert "reading" in screen.getvalue()
    assert "67%" in screen.getvalue()
    lines = screen.getvalue().splitlines()
    assert [line.partition("part-")[2] for line in lines if "part-" in line] == ["0", "1", "2"]
    assert not any("reading" in line and "part-" in line for line in lines)


def test_short_work_shows_none(screen: io.StringIO) -> None:
    work()
    assert "reading" not in screen.getvalue()
    assert "part-2" in screen.getvalue()


@pytest.mark.parametrize(("parts", "quiet"), [(3, True), (1, True), (0, False)])
def test_json_and_work_without_parts_show_none(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch, parts: int, quiet: bool) -> None:
    monkeypatch.setattr(output, "PROGRESS_AFTER", 0.0)
    work(parts, quiet=quiet)
    assert screen.getvalue().split() == [f"part-{number}" for number in range(parts)]


def test_a_single_part_shows_that_it_goes_on(screen: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PROGRESS_AFTER", 0.0)
    work(1)
    assert "reading" in screen.getvalue()
    assert "100%" not in screen.getvalue()


def test_a_pipe_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = io.StringIO()
    monkeypatch.setattr(output, "ERR", Console(file=sent))
    monkeypatch.setattr(output, "PROGRESS_AFTER", 0.0)
    work()
    assert sent.getvalue().split() == ["part-0", "part-1", "part-2"]
