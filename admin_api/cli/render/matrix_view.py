"""A matrix for a terminal that it does not fit: folded by paths as far as needed, subjects that are alike as one, and no line wider than the terminal."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from admin_api.analysis.access_changes import ALLOWED, DENIED, NOTHING
from admin_api.analysis.matrix import Matrix
from admin_api.analysis.matrix_folding import Fold, Tally, alike, depths, folded, largest, unfolded
from admin_api.cli.render import output
from admin_api.cli.render.text_grid import CUT, Cell, Head, Layout, TextGrid, best_layout, fewest_lines, fitted, wrapped
from authorizer.policy.permission import EVERYONE, RefKind

FEW_LINES = 112
"""A table of no more lines is read as it is; a longer one is folded."""

_FEW_FOLDED = 60
_LEAST_WIDTH = 40
_LINES_FOR_EACH = 2
_FEWEST_FOLDS = 8
_MOST_CONDITIONS = 9
_MOST_NAMED = 2
_MOST_LISTED = 40


@dataclass(frozen=True, slots=True)
class _View:
    """One way to show a grid: which folds, and where each stands."""

    folds: tuple[Fold, ...]
    layout: Layout
    tallies: list[list[Tally]]
    conditions: dict[str, str]


def view_of(grid: Matrix, width: int, depth: int | None) -> Iterator[Text]:
    """Yield the lines of a grid, folded to this depth, or as little as a readable table allows. None is wider than `width`, from 40 on.

    What is cut has a `…`.
    """
    width = max(width, _LEAST_WIDTH)
    merged = alike(grid)
    view = _at_depth(grid, merged, width, depth) if depth is not None else _chosen(grid, merged, width)
    yield Text(_title(grid, view, width), style="bold")
    yield from view.layout.lines()
    yield from _notes(grid, merged, view, width)


def _at_depth(grid: Matrix, merged: Sequence[Sequence[int]], width: int, depth: int) -> _View:
    return _view(grid, merged, folded(grid.rows, depth), width, _most_lines(merged))


def _chosen(grid: Matrix, merged: Sequence[Sequence[int]], width: int) -> _View:
    """Return the view of the deepest folds that are within the lines. If these are very few, the next deeper ones, the smallest of them as one."""
    most = _most_lines(merged)
    view = _fitting(grid, merged, unfolded(grid.rows), width, max(most, FEW_LINES))
    if view is not None:
        return view
    deeper: tuple[Fold, ...] = ()
    depth = depths(grid.rows)[0]
    # One fold of everything is a line for each subject at most, so that this ends.
    while (view := _fitting(grid, merged, folds := folded(grid.rows, depth), width, most)) is None:
        deeper, depth = folds, depth - 1
    return view if len(folds) >= _FEWEST_FOLDS else _with_the_largest(grid, merged, deeper, width, most) or view


def _fitting(grid: Matrix, merged: Sequence[Sequence[int]], folds: tuple[Fold, ...], width: int, most: int) -> _View | None:
    if fewest_lines(len(folds), len(merged), width) > most:
        return None
    view = _view(grid, merged, folds, width, most)
    return view if view.layout.height <= most else None


def _with_the_largest(grid: Matrix, merged: Sequence[Sequence[int]], folds: tuple[Fold, ...], width: int, most: int) -> _View | None:
    """Return the view that keeps as many of the largest folds as the lines allow, and has the others as one. None if none are kept."""
    best, low, high = None, 2, min(len(folds), most)
    while low <= high:
        count = (low + high) // 2
        fewer = _fitting(grid, merged, largest(folds, count), width, most)
        best, low, high = (fewer, count + 1, high) if fewer is not None else (best, low, count - 1)
    return best


def _most_lines(merged: Sequence[Sequence[int]]) -> int:
    # Where there are very many subjects each needs room of its own.
    return max(_FEW_FOLDED, _LINES_FOR_EACH * len(merged) + 10)


def _view(grid: Matrix, merged: Sequence[Sequence[int]], folds: tuple[Fold, ...], width: int, most: int) -> _View:
    tallies = [[fold.tally(columns[0]) for columns in merged] for fold in folds]
    conditions = _conditions(tallies)
    cells = tuple(tuple(_cell(tally, conditions) for tally in row) for row in tallies)
    table = TextGrid(("route", "subject"), _heads(folds), tuple(_subject(grid, columns) for columns in merged), cells)
    return _View(folds, best_layout(table, width, most), tallies, conditions)


def _conditions(tallies: Sequence[Sequence[Tally]]) -> dict[str, str]:
    """Return a short word for each condition that stands in a cell: `allowed where {id} = sub` -> `if1`; `if` for all where they are many."""
    words = (tally.words for row in tallies for tally in row)
    distinct = dict.fromkeys(each for each in words if each is not None and each not in (NOTHING, DENIED, ALLOWED))
    numbered = len(distinct) <= _MOST_CONDITIONS
    return {each: f"if{number}" if numbered else "if" for number, each in enumerate(distinct, 1)}


def _cell(tally: Tally, conditions: dict[str, str]) -> Cell:
    if tally.words is None:
        mark = "*" if tally.conditional else ""
        style = "dim" if not tally.allowed else "yellow" if tally.conditional else "cyan"
        return Cell(f"{tally.allowed}/{tally.rows}{mark}", style)
    if tally.words in (NOTHING, DENIED, ALLOWED):
        return {NOTHING: Cell("·", "dim"), DENIED: Cell("denied", "red"), ALLOWED: Cell("yes", "green")}[tally.words]
    return Cell(conditions[tally.words], "yellow")


def _heads(folds: Sequence[Fold]) -> tuple[Head, ...]:
    """Return `/pets/**  12 routes` for each fold, the numbers below each other."""
    digits = len(str(max(len(fold.rows) for fold in folds)))
    return tuple(_head(fold, digits) for fold in folds)


def _head(fold: Fold, digits: int) -> Head:
    name, count, public = _plain(fold.name), len(fold.rows), sum(row.route.public for row in fold.rows)
    mark = "" if not public else " (public)" if public == count else f" ({public} public)"
    return Head(name + mark, f"  {count:>{digits}} routes" if count > 1 else "")


def _subject(grid: Matrix, columns: Sequence[int]) -> Head:
    """Return how subjects that are alike are called: `admin`, or `admin, ops (+3)`."""
    names = [_named(grid, number) for number in columns]
    rest = len(names) - _MOST_NAMED
    return Head(", ".join(names[:_MOST_NAMED]) + (f" (+{rest})" if rest > 0 else ""))


def _named(grid: Matrix, number: int) -> str:
    """Return `admin` for a group, and `client/batch` for what is none. A group whose own name looks like that keeps its `group/`."""
    ref = grid.subjects[number]
    is_plain = ref.kind is RefKind.GROUP and "/" not in ref.name and ref.name != str(EVERYONE)
    return _plain(output.marked(ref, delegated=ref in grid.delegated).removeprefix(f"{RefKind.GROUP}/" if is_plain else ""))


def _title(grid: Matrix, view: _View, width: int) -> str:
    routes, subjects = len(grid.rows), len(grid.subjects)
    lines = f" folded into {len(view.folds)}" if len(view.folds) < routes else ""
    counts = f"{subjects} subject{'s' * (subjects != 1)}, {routes:,} route{'s' * (routes != 1)}"
    return fitted(f"{_plain(grid.api)}: {counts}{lines}", width).rstrip()


def _notes(grid: Matrix, merged: Sequence[Sequence[int]], view: _View, width: int) -> Iterator[Text]:
    if view.layout.left_out:
        yield from _note(f"{CUT}: ", f"{view.layout.left_out}, with which all of these names begin", width)
    for columns in merged:
        if len(columns) > _MOST_NAMED:
            yield from _note("alike: ", _listed([_named(grid, number) for number in columns]), width)
    if len(set(view.conditions.values())) == len(view.conditions):
        for words, short in view.conditions.items():
            yield from _note(f"{short}: ", words.removeprefix(ALLOWED).strip(), width)
    elif view.conditions:
        yield from _note("if: ", "under a condition, which --full tells", width)
    counts = [tally for row in view.tallies for tally in row if tally.words is None]
    if counts:
        star = "; *: some of these under a condition" if any(tally.conditional for tally in counts) else ""
        yield from _note("3/12: ", f"may call 3 of these 12 routes{star}", width)
    if len(view.folds) < len(grid.rows):
        looked_into = max(view.folds, key=lambda fold: (fold.name.startswith("/"), len(fold.rows))).name
        selector = shlex.quote(f"* {_plain(looked_into)}")
        yield from _note("", f"Folded: --full shows all, --route {selector} one fold, --depth N folds after N segments.", width)
    if grid.delegated:
        yield from _note("", output.DELEGATED_LEGEND, width)


def _note(mark: str, text: str, width: int) -> Iterator[Text]:
    indent = " " * cell_len(mark)
    for number, line in enumerate(wrapped(text, max(width - len(indent), 1))):
        yield Text((indent if number else mark) + line)


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_LISTED
    return ", ".join(names[:_MOST_LISTED]) + (f" {CUT} and {rest} more: --full shows them" if rest > 0 else "")


def _plain(text: str) -> str:
    """Return a text from a file with nothing that a terminal would obey."""
    return text if text.isprintable() else "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
