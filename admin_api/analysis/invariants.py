"""Statements about a document that shall hold whatever anybody edits, and the counter-examples where one does not.

    never: guest -> DELETE /**            nobody of this group may, under any condition
    only: admin -> /admin/**              nobody but these may
    implies: POST /pets -> GET /pets      who may the first may the second
    equal: guest, partner                 all may the same, under the same conditions
    disjoint: guest, auditor -> /**       no route that all of these may

What a subject may includes what it inherits and what everyone may. Access that is bound or that ends counts as access: it is for somebody, some day.
`invariant_notation` reads the statements.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from admin_api.analysis.access_changes import ALLOWED, access_words
from admin_api.analysis.invariant_notation import KINDS, Invariant, parse_invariants
from admin_api.analysis.subjects import held_by
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Effect, PrincipalRef
from authorizer.policy.route import RouteTemplate

__all__ = ["KINDS", "Invariant", "Violation", "may", "parse_invariants", "violations"]

_Cell = tuple[str, RouteTemplate]


@dataclass(frozen=True, slots=True)
class Violation:
    """A counter-example: who may what that the invariant excludes, or may not what it demands, and the permissions behind it."""

    invariant: str
    message: str


def violations(document: PermissionDocument, invariant: Invariant) -> Iterator[Violation]:
    """Yield every counter-example, found as they are asked for."""
    for message in _CHECKS[invariant.kind](document, invariant):
        yield Violation(invariant.text, message)


def may(document: PermissionDocument, ref: PrincipalRef, now: float | None = None) -> dict[_Cell, tuple[str, ...]]:
    """Return what a subject may, some day and under some condition, each with the ids of the permissions behind it. With `now`, what is over does not count."""
    behind: dict[_Cell, list[str]] = {}
    denied: set[_Cell] = set()
    for permission in held_by(document, ref):
        cells = document.catalog.cells_of(permission.selector, permission.excepted)
        if permission.effect is Effect.DENY:
            denied.update(cells if permission.until is None else ())
        elif now is None or permission.in_force(now):
            for cell in cells:
                behind.setdefault(cell, []).append(permission.id)
    return {cell: tuple(behind[cell]) for cell in document.catalog.cells if cell in behind and cell not in denied}


def _never(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    for ref in invariant.refs:
        yield from _access(document, invariant, ref)


def _only(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    for ref in sorted({EVERYONE, *document.subjects} - set(invariant.refs)):
        yield from _access(document, invariant, ref)


def _implies(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    first, second = (document.catalog.cells_of(selector) for selector in invariant.selectors)
    for ref in sorted({EVERYONE, *document.subjects}):
        held = may(document, ref)
        having = [cell for cell in first if cell in held]
        for cell in second if having else ():
            if cell not in held:
                yield f"{ref} may {_name(having[0])} by {'; '.join(held[having[0]])}, but not {_name(cell)}"


def _equal(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    first, *others = invariant.refs
    for other in others:
        sides = [(ref, _allowed(document, ref), may(document, ref)) for ref in (first, other)]
        for cell in _meant(document, invariant):
            if len({words.get(cell) for _, words, _ in sides}) > 1:
                told = (
                    f"{ref} is {words[cell]} by {'; '.join(ids[cell])}" if cell in words else f"{ref} is not" for ref, words, ids in sides
                )
                yield f"{_name(cell)}: {', '.join(told)}"


def _disjoint(document: PermissionDocument, invariant: Invariant) -> Iterator[str]:
    held = [may(document, ref) for ref in invariant.refs]
    *some, last = map(str, invariant.refs)
    who = f"{', '.join(some)} and {last} {'both' if len(some) == 1 else 'all'}"
    for cell in _meant(document, invariant):
        if all(cell in one for one in held):
            behind = dict.fromkeys(permission for one in held for permission in one[cell])
            yield f"{who} may {_name(cell)} by {'; '.join(behind)}"


def _access(document: PermissionDocument, invariant: Invariant, ref: PrincipalRef) -> Iterator[str]:
    held = may(document, ref)
    for cell in _meant(document, invariant):
        if cell in held:
            yield f"{ref} may {_name(cell)} by {'; '.join(held[cell])}"


def _meant(document: PermissionDocument, invariant: Invariant) -> tuple[_Cell, ...]:
    return document.catalog.cells_of(invariant.selectors[0]) if invariant.selectors else document.catalog.cells


def _allowed(document: PermissionDocument, ref: PrincipalRef) -> dict[_Cell, str]:
    """Return what a subject may, in words with the conditions."""
    words = access_words(held_by(document, ref), document.catalog)
    return {cell: access for cell, access in words.items() if access.startswith(ALLOWED)}


def _name(cell: _Cell) -> str:
    return f"{cell[0]} {cell[1].path}"


_CHECKS: dict[str, Callable[[PermissionDocument, Invariant], Iterator[str]]] = {
    "never": _never,
    "only": _only,
    "implies": _implies,
    "equal": _equal,
    "disjoint": _disjoint,
}
