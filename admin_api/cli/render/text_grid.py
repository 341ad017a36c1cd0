"""A table of short cells as lines of a given width: long headings stand in several lines, and columns that do not fit beside each other stand below."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from rich.cells import cell_len, set_cell_size
from rich.text import Text

CUT = "…"
"""Stands where something was left out."""

_MOST_LINES = 4
_WIDEST = 18
_WORTH_LEAVING_OUT = 4
_AFTER_LABEL = 2
_BREAKS_AFTER = "-_.: ,"
_BREAKS_BEFORE = "/"


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and in which of Rich's styles."""

    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before a row or over a column. `tail` stands before a row only, and is never cut: `/pets/**` and `  12 routes`."""

    text: str
    tail: str = ""

    @property
    def width(self) -> int:
        """How wide both are."""
        return cell_len(self.text) + cell_len(self.tail)


@dataclass(frozen=True)
class TextGrid:
    """A table. `corners` stand over the heads of the rows, and of the columns if these become the rows; `cells` has a cell for each row and column."""

    corners: tuple[str, str]
    rows: tuple[Head, ...]
    columns: tuple[Head, ...]
    cells: tuple[tuple[Cell, ...], ...]

    @cached_property
    def label(self) -> int:
        """How wide the heads of the rows are."""
        return max(cell_len(self.corners[0]), *(row.width for row in self.rows))

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How wide the cells of each column are."""
        columns = zip(*self.cells, strict=True) if self.cells else ((),) * len(self.columns)
        return tuple(max((cell_len(text) for text in {cell.text for cell in column}), default=1) for column in columns)

    def transposed(self) -> "TextGrid":
        """Return the same table with rows and columns exchanged."""
        cells = tuple(zip(*self.cells, strict=True)) if self.cells else ((),) * len(self.columns)
        return TextGrid((self.corners[1], self.corners[0]), self.columns, self.rows, cells)


@dataclass(frozen=True, slots=True)
class Spacing:
    """How much room things get.

    Headings have at most so many `lines`, and there are so many spaces (`gap`) between columns. Where `narrow` is set, columns may be so narrow, and words of
    headings are broken. Heads of rows have this `share` of the width, or more where it is free. `strain`: so many lines more one would rather read.
    """

    lines: int
    gap: int = 2
    share: float = 0.45
    narrow: int | None = None
    strain: int = 0


_SPACINGS = (
    *(Spacing(lines) for lines in range(1, _MOST_LINES + 1)),
    Spacing(_MOST_LINES, gap=1, strain=2),
    Spacing(_MOST_LINES, gap=1, share=0.35, strain=4),
    *(Spacing(_MOST_LINES, gap=1, share=0.35, narrow=narrow, strain=12 - narrow) for narrow in (8, 6, 4)),
)
_STRAIN_OF_CUTS = 10
_STRAIN_OF_TRANSPOSING = 4


class Layout:
    """Where everything of a table stands at a width.

    `left_out` is what all headings would begin with: with `/service` they are `…1/**` and `…2/**`. `strain` is what reading it takes, in lines.
    """

    def __init__(self, grid: TextGrid, width: int, spacing: Spacing) -> None:
        self._grid, self._gap, self._after_label = grid, spacing.gap, _AFTER_LABEL - spacing.gap
        names, inner = [head.text for head in grid.columns], grid.widths
        self.left_out = _beginning(names, inner) if spacing.narrow is not None else ""
        names = [CUT + name.removeprefix(self.left_out) for name in names] if self.left_out else names
        self._headings = [_heading(name, least, spacing) for name, least in zip(names, inner, strict=True)]
        self._widths = [max(least, *map(cell_len, lines)) for least, lines in zip(inner, self._headings, strict=True)]
        free = width - sum(spacing.gap + column for column in self._widths) - self._after_label
        self._label = min(grid.label, max(_WIDEST, int(width * spacing.share), free))
        self._blocks = list(self._cut_into_blocks(width))
        is_cut = any("".join(lines).replace(" ", "") != name.replace(" ", "") for name, lines in zip(names, self._headings, strict=True))
        self.strain = self.height + spacing.strain + _STRAIN_OF_CUTS * is_cut

    def _cut_into_blocks(self, width: int) -> Iterator[range]:
        start, used = 0, self._label
        for number, column in enumerate(self._widths):
            used += self._gap + column
            if used + self._after_label > width and number > start:
                yield range(start, number)
                start, used = number, self._label + self._gap + column
        yield range(start, len(self._widths))

    @property
    def height(self) -> int:
        """How many lines there are."""
        return sum(self._head_height(block) + len(self._grid.cells) for block in self._blocks) + len(self._blocks) - 1

    def _head_height(self, block: range) -> int:
        return max((len(self._headings[number]) for number in block), default=1)

    def lines(self) -> Iterator[Text]:
        """Yield the lines, with an empty one between two blocks of columns."""
        for count, block in enumerate(self._blocks):
            if count:
                yield Text()
            height = self._head_height(block)
            for line in range(height):
                corner = self._grid.corners[0] if line == height - 1 else ""
                # Headings stand on their columns, whatever their height.
                stacks = [self._headings[number] for number in block]
                texts = [stack[line - height + len(stack)] if line >= height - len(stack) else "" for stack in stacks]
                yield self._line(Head(corner), block, [Cell(text) for text in texts], bold=True)
            for head, row in zip(self._grid.rows, self._grid.cells, strict=True):
                yield self._line(head, block, [row[number] for number in block])

    def _line(self, head: Head, block: range, cells: Sequence[Cell], *, bold: bool = False) -> Text:
        line = Text(style="bold" if bold else "")
        line.append(fitted(head.text, max(self._label - cell_len(head.tail), 1)) + head.tail)
        line.append(" " * self._after_label)
        for number, cell in zip(block, cells, strict=True):
            line.append(" " * self._gap)
            line.append(fitted(cell.text, self._widths[number]), cell.style)
        line.rstrip()
        return line


def fitted(text: str, width: int) -> str:
    """Return a text of exactly this width on a terminal, with spaces after it, or with `…` in its middle: `/a/very/long/path`, 9 -> `/a/v…path`."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    tail = ""
    while cell_len(tail) + cell_len(text[-len(tail) - 1]) <= (width - 1) // 2:
        tail = text[-len(tail) - 1 :]
    return set_cell_size(text, width - 1 - cell_len(tail)) + CUT + tail


def best_layout(grid: TextGrid, width: int, most: int) -> Layout:
    """Return the layout that is easiest to read, of the table as it stands or transposed: one of at most so many lines, if there is any."""
    either = [(Layout(grid, width, spacing), 0) for spacing in _SPACINGS]
    either += [(Layout(turned, width, spacing), _STRAIN_OF_TRANSPOSING) for turned in (grid.transposed(),) for spacing in _SPACINGS]
    return min(either, key=lambda each: (each[0].height > most, each[0].strain + each[1]))[0]


def fewest_lines(rows: int, columns: int, width: int) -> int:
    """Return how many lines a table of so many rows and columns has at least, the table as it stands or transposed, if all of it is as narrow as can be."""
    return min(much * (1 + few * 2 // width) for much, few in ((rows, columns), (columns, rows)))


def _beginning(names: Sequence[str], widths: Sequence[int]) -> str:
    """Return what all names begin with if some would be broken inside of a word: broken words are harder to read than such a beginning told once."""
    is_broken = any(cell_len(word.rstrip()) > width for name, width in zip(names, widths, strict=True) for word in _words(name))
    same = takewhile(lambda characters: len(set(characters)) == 1, zip(*names, strict=False))
    common = "".join(characters[0] for characters in same) if is_broken and len(names) > 1 else ""
    return common if len(common) >= _WORTH_LEAVING_OUT else ""


def _heading(text: str, least: int, spacing: Spacing) -> list[str]:
    """Return the lines of a heading: `team-012`, 5 -> `team-`, `012`. The column is as narrow as it can be with so many lines."""
    words = _words(text)
    longest = min(max(cell_len(word.rstrip()) for word in words), _WIDEST)
    least = max(least, longest if spacing.narrow is None else spacing.narrow)
    for width in range(max(least, 3), _WIDEST):
        lines = _wrapped(words, width)
        if len(lines) <= spacing.lines:
            return [line.rstrip() for line in lines]
    lines = _wrapped(words, _WIDEST)
    if len(lines) > spacing.lines:
        lines = [*lines[: spacing.lines - 1], fitted("".join(lines[spacing.lines - 1 :]), _WIDEST)]
    return [line.rstrip() for line in lines]


def wrapped(text: str, width: int) -> list[str]:
    """Return a text in lines of at most this width, broken at spaces where there are any: `a longer text`, 8 -> `a longer`, `text`."""
    return [line.rstrip() for line in _wrapped([word + " " for word in text.split(" ")], width)]


def _words(text: str) -> list[str]:
    """Return the parts that a heading may be broken into: `GET /pets/x-y` -> `GET `, `/pets`, `/x-`, `y`."""
    words = [""]
    for character in text:
        if character in _BREAKS_BEFORE and words[-1]:
            words.append("")
        words[-1] += character
        if character in _BREAKS_AFTER:
            words.append("")
    return [word for word in words if word] or [""]


def _wrapped(words: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for word in words:
        if lines[-1] and cell_len(lines[-1] + word.rstrip()) > width:
            lines.append("")
        for character in word:
            if lines[-1] and cell_len(lines[-1] + character.rstrip()) > width:
                lines.append("")
            lines[-1] += character
    return lines
