"""Large tables are written as Rich writes small ones, line for line."""

import pytest
from rich.console import Console
from rich.table import Table

from admin_api.cli.render import output

CELLS = [["GET /pets", "[green]yes[/]", "[dim]·[/]"], ["GET /犬/{id}", "[red]denied[/]", r"\[x] where {id} = sub"], ["", "y", ""]]


def table(**more: object) -> Table:
    made = Table("route", "group/a", r"group/\[b]", title="petstore", title_justify="left", box=None, pad_edge=False, **more)  # type: ignore[arg-type]
    for row in CELLS:
        made.add_row(*row)
    return made


def test_a_table_in_a_pipe_is_what_rich_prints(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(width=1000)
    console.print(table())
    expected = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    output.print_table(table())
    assert capsys.readouterr().out.splitlines() == expected
    assert len(expected) == 5


@pytest.mark.parametrize(("most", "wrapped"), [(9, True), (8, False)])
def test_a_terminal_wraps_what_somebody_may_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], most: int, wrapped: bool
) -> None:
    monkeypatch.setattr(output, "OUT", Console(force_terminal=True, width=12, color_system=None))
    monkeypatch.setattr(output, "_MAX_WRAPPED", most)
    output.print_table(table())
    lines = capsys.readouterr().out.splitlines()
    assert (len(lines) > 5) is wrapped
    assert any("where {id} = sub" in line for line in lines) is not wrapped
