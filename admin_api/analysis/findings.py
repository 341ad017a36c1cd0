"""What a reviewer would like to be told of a document: permissions that do nothing, routes that nobody may call, and invariants about nothing."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from admin_api.analysis.invariants import Invariant, may
from admin_api.analysis.subjects import held_by
from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import EVERYONE, Effect, Permission, RefKind
from authorizer.policy.route import RouteCatalog, RouteTemplate, parse_selector

_MAX_NAMED = 3

_Cell = tuple[str, RouteTemplate]

_Said = Mapping[tuple[Effect, _Cell], list[Permission]]
"""By effect, verb and route the permissions that say so, always and to everybody who holds them."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`kind` is `expired`, `unreachable`, `shadowed`, `redundant`, `uncovered`, `unconsented` or `unknown`; the message names the permission, route, client or
    invariant."""

    kind: str
    message: str


def findings(document: PermissionDocument, now: float) -> Iterator[Finding]:
    """Yield all of a document. A permission is judged beside everything else that its holder has. If all that is `redundant` goes, no access changes."""
    spare: set[Permission] = set()
    for ref, subject in document.subjects.items():
        said = _index(document.catalog, held_by(document, ref))
        # Of two that mean the same the one that means more is worth keeping.
        for permission in sorted(subject.permissions, key=lambda p: len(document.catalog.cells_of(p.selector, p.excepted))):
            found = _finding_of(permission, document.catalog, said, spare, now)
            if found is not None and found.kind == "redundant":
                spare.add(permission)
            yield from () if found is None else (found,)
    reachable = {cell for ref in {EVERYONE, *document.subjects} for cell in may(document, ref, now)}
    for route, cells in groupby(document.catalog.cells, key=lambda cell: cell[1]):
        if not route.public and reachable.isdisjoint(cells):
            yield Finding("uncovered", f"nobody may call {route}")
    scopes = [subject for ref, subject in document.subjects.items() if ref.kind is RefKind.SCOPE]
    if not any(p.effect is Effect.ALLOW and p.in_force(now) for scope in scopes for p in scope.permissions):
        for ref in sorted(ref for ref in document.subjects if document.is_delegated(ref)):
            yield Finding("unconsented", f"{ref} is delegated, and no scope allows anything: people through it may do nothing")


def unknown_names(documents: Collection[PermissionDocument], invariants: Iterable[Invariant]) -> Iterator[Finding]:
    """Subjects and routes of invariants that are in none of the documents, so that the invariant may hold for a spelling mistake."""
    known = {EVERYONE, *(ref for document in documents for ref in document.subjects)}
    for invariant in invariants:
        for ref in invariant.refs:
            if ref not in known:
                yield Finding("unknown", f"{invariant.text}: no document has `{ref}`")
        for selector in invariant.selectors:
            # Wildcards alone cannot be misspelt: such a selector is meant for routes to come.
            if any(parse_selector(selector).pattern) and not any(document.catalog.cells_of(selector) for document in documents):
                yield Finding("unknown", f"{invariant.text}: `{selector}` means no route of any document")


def _index(catalog: RouteCatalog, permissions: Iterable[Permission]) -> _Said:
    said: dict[tuple[Effect, _Cell], list[Permission]] = {}
    for permission in permissions:
        if permission.until is None and not permission.where:
            for cell in catalog.cells_of(permission.selector, permission.excepted):
                said.setdefault((permission.effect, cell), []).append(permission)
    return said


def _finding_of(permission: Permission, catalog: RouteCatalog, said: _Said, spare: Collection[Permission], now: float) -> Finding | None:
    cells = catalog.cells_of(permission.selector, permission.excepted)
    if not permission.in_force(now):
        return Finding("expired", f"{permission.id}: over since {format_time(permission.until or 0)}, take it out")
    if not cells:
        return Finding("unreachable", f"{permission.id}: no request comes to it, they all go to {_takers(permission, catalog)}")
    denies = _sayers(said, Effect.DENY, cells, permission, spare)
    if permission.effect is Effect.ALLOW and denies:
        return Finding("shadowed", f"{permission.id}: all that it allows is taken away by {denies}")
    others = _sayers(said, permission.effect, cells, permission, spare)
    return Finding("redundant", f"{permission.id}: the same is said by {others}") if others else None


def _sayers(said: _Said, effect: Effect, cells: Iterable[_Cell], judged: Permission, spare: Collection[Permission]) -> str:
    """Name the other permissions that together decide all these cells as `judged` does: `group/a allow * /**`; one if one is enough, else `""` if none do."""
    by_cell = [[p for p in said.get((effect, cell), ()) if p != judged and p not in spare] for cell in cells]
    if not all(by_cell):
        return ""
    enough = [p for p in by_cell[0] if all(p in some for some in by_cell)][:1] or list(dict.fromkeys(some[0] for some in by_cell))
    more = f" and {len(enough) - _MAX_NAMED} more" if len(enough) > _MAX_NAMED else ""
    return "; ".join(p.id for p in enough[:_MAX_NAMED]) + more


def _takers(permission: Permission, catalog: RouteCatalog) -> str:
    """Return the routes that serve what a selector means."""
    routes = catalog.select(parse_selector(permission.selector))
    met = [(verb, route) for route in routes for verb in route.verbs if permission.means(verb, route)]
    return " and ".join(sorted({f"`{catalog.find(verb, route.path)}`" for verb, route in met}))
