"""A grid that is too large to read, made small without saying anything untrue: rows fold by their paths, and subjects that are alike stand together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from admin_api.analysis.access_changes import ALLOWED
from admin_api.analysis.matrix import Matrix, MatrixRow
from authorizer.policy.route import WEBSOCKET, RouteTemplate

OTHERS = "all others"
"""The name of the fold that has what `largest` leaves."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What one subject may of the rows of a fold: 12 rows of which 3 are allowed, one of them under a condition.

    `words` are those of each row if all have the same, else None.
    """

    words: str | None
    allowed: int
    conditional: int
    rows: int


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of a grid that stand as one. `name` is `/pets/**`, or `/pets` where all have that path; the name of the row if there is one alone."""

    name: str
    rows: tuple[MatrixRow, ...]

    @property
    def is_uniform(self) -> bool:
        """Whether all rows have the same answer for each subject, and are public all or none."""
        first = self.rows[0]
        return all(row.access == first.access and row.route.public == first.route.public for row in self.rows)

    def tally(self, column: int) -> Tally:
        """Return what the subject of this column may: rows `allowed`, `nothing`, `allowed where {id} = sub` -> no words, 2 allowed, 1 conditional, 3 rows."""
        said = [row.access[column] for row in self.rows]
        same = said[0] if said.count(said[0]) == len(said) else None
        allowed = [words for words in said if words.startswith(ALLOWED)]
        return Tally(same, len(allowed), len(allowed) - allowed.count(ALLOWED), len(said))


def unfolded(rows: Sequence[MatrixRow]) -> tuple[Fold, ...]:
    """Return each row by itself."""
    return tuple(Fold(row.name, (row,)) for row in rows)


def folded(rows: Sequence[MatrixRow], depth: int) -> tuple[Fold, ...]:
    """Return the rows folded after so many segments of their paths: `GET /pets`, `GET /pets/{id}` -> `/pets/**`.

    They fold before that where all below has one answer. The parts of a WebSocket route key count as segments. A depth of 0 is one fold of everything.
    Each row is in one fold, and the order stays.
    """
    return tuple(_folds(tuple(rows), 0, depth)) if rows else ()


def depths(rows: Sequence[MatrixRow]) -> range:
    """Return the depths at which folds differ, the deepest first: `/a/b` and `/c` -> 2, 1, 0."""
    return range(max((len(_segments(row.route)) for row in rows), default=0), -1, -1)


def largest(folds: Sequence[Fold], most: int) -> tuple[Fold, ...]:
    """Return the folds of the most rows in their order, and the rest as one: at most so many folds in all, where `most` is 1 or more."""
    if len(folds) <= most:
        return tuple(folds)
    by_size = sorted(range(len(folds)), key=lambda number: (-len(folds[number].rows), number))
    kept = set(by_size[: most - 1])
    rest = tuple(row for number, fold in enumerate(folds) if number not in kept for row in fold.rows)
    return (*(fold for number, fold in enumerate(folds) if number in kept), Fold(OTHERS, rest))


def alike(grid: Matrix) -> tuple[tuple[int, ...], ...]:
    """Return the columns of a grid, those with the same answer to every one of its rows together: `a` and `c` alike -> `((0, 2), (1,))`.

    Counts alone do not make two subjects alike: 3 of 12 routes may be three others. A delegated client is alike with delegated clients only.
    """
    columns = zip(*(row.access for row in grid.rows), strict=True) if grid.rows else ((),) * len(grid.subjects)
    together: dict[tuple[bool, tuple[str, ...]], list[int]] = {}
    for number, (ref, column) in enumerate(zip(grid.subjects, columns, strict=True)):
        together.setdefault((ref in grid.delegated, column), []).append(number)
    return tuple(map(tuple, together.values()))


def _folds(rows: tuple[MatrixRow, ...], level: int, depth: int) -> Iterator[Fold]:
    fold = Fold(_name(rows), rows)
    if len(rows) == 1 or level == depth or fold.is_uniform:
        yield fold
        return
    below: dict[tuple[bool, tuple[str, ...]], list[MatrixRow]] = {}
    for row in rows:
        below.setdefault((row.route.method == WEBSOCKET, _segments(row.route)[: level + 1]), []).append(row)
    for some in below.values():
        yield from _folds(tuple(some), level + 1, depth)


def _name(rows: tuple[MatrixRow, ...]) -> str:
    if len(rows) == 1:
        return rows[0].name
    paths = [_segments(row.route) for row in rows]
    common = _common(paths)
    segments = common if all(path == common for path in paths) else (*common, "**")
    slash = "" if all(row.route.method == WEBSOCKET for row in rows) else "/"
    return slash + "/".join(segments)


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    # What the first and the last in order share, all in between share.
    first, last = min(paths), max(paths)
    count = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[:count]


def _segments(route: RouteTemplate) -> tuple[str, ...]:
    return tuple(route.path.split("/")) if route.method == WEBSOCKET else route.parts
