"""How a matrix looks: a table on a terminal, CSV for spreadsheets, a picture for pages and print."""

import csv
import io
from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape

from rich.cells import cell_len
from rich.table import Table

from admin_api.analysis.access_changes import ALLOWED, DENIED, NOTHING
from admin_api.analysis.matrix import Matrix, MatrixRow
from admin_api.cli.render import output
from admin_api.cli.render.matrix_view import FEW_LINES, view_of
from admin_api.cli.render.output import shown

_STEP = 24
_MARGIN = 20
_PER_CHARACTER = 7.6

# What Rich leaves between columns.
_GAP = 2

_STYLE = """
.ground{fill:#ffffff}text{font:12px ui-monospace,monospace;fill:#1c2024}.title{font:600 15px system-ui,sans-serif}
.line{stroke:#d5d9e0}.yes{fill:#1a7f47}.no{stroke:#b3261e;stroke-width:3;fill:none}.if{fill:#ffffff;stroke:#1f5fbf;stroke-width:3}
.mixed{fill:#9a6700}.none{fill:#b6bcc6}
@media (prefers-color-scheme:dark){.ground{fill:#16191d}text{fill:#eceef0}.line{stroke:#343a42}.yes{fill:#4cc38a}.no{stroke:#ff7b72}
.if{fill:#16191d;stroke:#79b0ff}.mixed{fill:#e3b341}.none{fill:#5c636d}}
"""

_LEGEND = (
    ("yes", "may call it"),
    ("if", "may call it under a condition"),
    ("mixed", "allowed under a condition, and denied until a moment"),
    ("no", "denied, whatever else allows it"),
    ("none", "nothing allows it"),
)


def print_matrix(grid: Matrix, *, full: bool = False, depth: int | None = None) -> None:
    """Print one table. On a terminal that it does not fit it is folded, unless `full`; in a pipe only if there is a `depth`."""
    whole = depth is None and (full or not output.OUT.is_terminal or _fits(grid, output.OUT.width))
    if whole or not grid.rows or not grid.subjects:
        _print_full(grid)
        return
    for line in view_of(grid, output.OUT.width, depth):
        output.OUT.print(line, highlight=False)


def _fits(grid: Matrix, width: int) -> bool:
    """Return whether a table is short enough to be read, and each row of it one line of this width."""
    if len(grid.rows) > FEW_LINES:
        return False
    heads = [output.marked(ref, delegated=ref in grid.delegated) for ref in grid.subjects]
    columns = [heads[number : number + 1] + [_words(row.access[number]) for row in grid.rows] for number in range(len(heads))]
    labels = ["route", *(_label(row) for row in grid.rows)]
    return sum(max(map(cell_len, column)) + _GAP for column in (labels, *columns)) - _GAP <= width


def _words(access: str) -> str:
    return {NOTHING: "·", ALLOWED: "yes"}.get(access, access.removeprefix(ALLOWED).strip())


def _print_full(grid: Matrix) -> None:
    headers = (shown(output.marked(ref, delegated=ref in grid.delegated)) for ref in grid.subjects)
    table = Table("route", *headers, title=grid.api, title_justify="left", box=None, pad_edge=False)
    for row in grid.rows:
        table.add_row(shown(row.name) + (" [dim](public)[/]" if row.route.public else ""), *map(_cell, row.access))
    output.print_table(table)
    output.print_legend(delegated=bool(grid.delegated))


def _cell(access: str) -> str:
    if access == NOTHING:
        return "[dim]·[/]"
    if access == DENIED:
        return "[red]denied[/]"
    if access == ALLOWED:
        return "[green]yes[/]"
    return f"[yellow]{shown(_words(access))}[/]"


def csv_of(grids: Iterable[Matrix]) -> str:
    """Return one line for each route and a column for each subject, grid after grid (RFC 4180)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for grid in grids:
        writer.writerow(_plain(["api", "route", *map(str, grid.subjects)]))
        writer.writerows(_plain([grid.api, row.name, *("" if access == NOTHING else access for access in row.access)]) for row in grid.rows)
    return text.getvalue()


def _plain(cells: Iterable[str]) -> list[str]:
    # Spreadsheets take a cell that starts so for a formula, and names of groups are anybody's.
    return [f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell for cell in cells]


def picture_of(grid: Matrix) -> str:
    """Return an SVG: a shape for each route and subject, told apart without its colour, and a legend."""
    left = _MARGIN + _PER_CHARACTER * max([len(_label(row)) for row in grid.rows] or [0]) + _STEP
    # The names of subjects lean to the right, so that they need as much above as to the side.
    lean = 0.72 * _PER_CHARACTER * max(len(_name(str(ref))) for ref in grid.subjects)
    top = _MARGIN + 28 + lean
    bottom = top + _STEP * len(grid.rows)
    width = max(left + _STEP * len(grid.subjects) + lean + _MARGIN, 440)
    height = bottom + _STEP * (len(_LEGEND) + 1)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" role="img">',
            f"<title>{escape(grid.api)}: who may call what</title>",
            f"<desc>{escape(_in_words(grid))}</desc>",
            f"<style>{_STYLE}</style>",
            f'<rect class="ground" width="{width:.0f}" height="{height:.0f}"/>',
            _text(_MARGIN, _MARGIN + 8, grid.api, "title"),
            *_heads(grid, left, top),
            *_lines(grid, left, top),
            *_key(bottom + _STEP),
            "</svg>\n",
        ]
    )


def _in_words(grid: Matrix) -> str:
    return f"A grid of {len(grid.rows)} routes and {len(grid.subjects)} subjects; a shape in each cell tells whether the subject may call the route."


def _heads(grid: Matrix, left: float, top: float) -> Iterator[str]:
    for number, ref in enumerate(grid.subjects):
        x = left + _STEP * (number + 0.5)
        yield f'<text transform="translate({x:.1f} {top - 8:.1f}) rotate(-45)">{escape(_name(str(ref)))}</text>'


def _lines(grid: Matrix, left: float, top: float) -> Iterator[str]:
    right = left + _STEP * len(grid.subjects)
    for number, row in enumerate(grid.rows):
        y = top + _STEP * (number + 0.5)
        yield f'<line class="line" x1="{_MARGIN}" x2="{right:.1f}" y1="{y + _STEP / 2:.1f}" y2="{y + _STEP / 2:.1f}"/>'
        yield _text(_MARGIN, y + 4, _label(row), "")
        for column, (ref, access) in enumerate(zip(grid.subjects, row.access, strict=True)):
            said = f"{ref} {row.name}: {access}"
            yield _shape(_kind(access), left + _STEP * (column + 0.5), y, said)


def _label(row: MatrixRow) -> str:
    return _name(row.name) + (" (public)" if row.route.public else "")


def _key(top: float) -> Iterator[str]:
    for number, (kind, words) in enumerate(_LEGEND):
        y = top + _STEP * number
        yield _shape(kind, _MARGIN + 8, y, words)
        yield _text(_MARGIN + 28, y + 4, words, "")


def _kind(access: str) -> str:
    if access in (NOTHING, DENIED, ALLOWED):
        return {NOTHING: "none", DENIED: "no", ALLOWED: "yes"}[access]
    return "mixed" if DENIED in access else "if"


def _shape(kind: str, x: float, y: float, said: str) -> str:
    """Return a disc for yes, a ring for a condition, a triangle for both, a cross for denied, a dot for nothing."""
    shapes = {
        "yes": f'<circle class="yes" cx="{x:.1f}" cy="{y:.1f}" r="7">',
        "if": f'<circle class="if" cx="{x:.1f}" cy="{y:.1f}" r="6">',
        "mixed": f'<path class="mixed" d="M{x - 7:.1f} {y + 6:.1f}h14l-7 -13z">',
        "no": f'<path class="no" d="M{x - 6:.1f} {y - 6:.1f}l12 12m0 -12l-12 12">',
        "none": f'<circle class="none" cx="{x:.1f}" cy="{y:.1f}" r="2">',
    }
    tag = "circle" if shapes[kind].startswith("<circle") else "path"
    return f"{shapes[kind]}<title>{escape(_name(said))}</title></{tag}>"


def _text(x: float, y: float, words: str, kind: str) -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'


def _name(text: str) -> str:
    """Return a text without what XML may not hold: names of groups are anybody's."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
