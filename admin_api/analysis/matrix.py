"""Who may call what, as a grid: routes down, subjects across. Everyone's permissions count for each subject."""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import groupby

from admin_api.analysis.access_changes import NOTHING, access_words
from admin_api.analysis.subjects import held_by
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, PrincipalRef
from authorizer.policy.route import RouteTemplate


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One row. `name` is the route, or verb and path where the verbs of an `ANY` route differ; `access` has the words for each subject, in their order."""

    name: str
    route: RouteTemplate
    access: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The grid of one document."""

    api: str
    subjects: tuple[PrincipalRef, ...]
    delegated: frozenset[PrincipalRef]
    rows: tuple[MatrixRow, ...]


def subjects_of(document: PermissionDocument) -> tuple[PrincipalRef, ...]:
    """Return everyone and all subjects of a document, sorted."""
    return (EVERYONE, *sorted(document.subjects.keys() - {EVERYONE}))


def matrix_of(document: PermissionDocument, subjects: Collection[PrincipalRef] = (), selector: str | None = None) -> Matrix:
    """Return the grid of these subjects, all if none are named, and of the routes that a selector means. Raises `RouteSyntaxError`."""
    chosen = tuple(ref for ref in subjects_of(document) if not subjects or ref in subjects)
    cells = document.catalog.cells if selector is None else document.catalog.cells_of(selector)
    words = [access_words(held_by(document, ref), document.catalog) for ref in chosen]
    served = Counter(route for _, route in document.catalog.cells)
    rows: list[MatrixRow] = []
    for route, group in groupby(cells, key=lambda cell: cell[1]):
        by_verb = {verb: tuple(each.get((verb, route), NOTHING) for each in words) for verb, _ in group}
        is_whole = len(by_verb) == served[route]
        rows += _rows_of(route, by_verb, is_whole=is_whole)
    return Matrix(document.api, chosen, frozenset(filter(document.is_delegated, chosen)), tuple(rows))


def _rows_of(route: RouteTemplate, by_verb: dict[str, tuple[str, ...]], *, is_whole: bool) -> Iterator[MatrixRow]:
    if is_whole and len(set(by_verb.values())) == 1:
        yield MatrixRow(str(route), route, next(iter(by_verb.values())))
        return
    for verb, access in by_verb.items():
        yield MatrixRow(f"{verb} {route.path}", route, access)
