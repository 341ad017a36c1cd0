"""Permissions that do nothing and routes that nobody may call: what a reviewer would like to be told."""

from collections.abc import Iterator
from dataclasses import dataclass

from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.invariants import cells, may
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.route import parse_selector


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """`kind` is `expired`, `shadowed`, `redundant` or `uncovered`; the message names the permission or the route."""

    kind: str
    message: str


def findings(document: PermissionDocument, now: float) -> Iterator[Finding]:
    """All of a document. A permission is judged beside everything else that its holder has."""
    for ref, subject in document.subjects.items():
        held = [*document.permissions(ref), *(document.permissions(EVERYONE) if ref != EVERYONE else ())]
        for permission in subject.permissions:
            yield from _findings_of(document, permission, [p for p in held if p is not permission], now)
    reachable = {cell for ref in {EVERYONE, *document.subjects} for cell in may(document, ref)}
    for route in document.catalog.routes:
        served = [cell for cell in cells(document) if cell[1] is route]
        if not route.public and served and not any(cell in reachable for cell in served):
            yield Finding("uncovered", f"nobody may call {route}")


def _findings_of(document: PermissionDocument, permission: Permission, others: list[Permission], now: float) -> Iterator[Finding]:
    if not permission.in_force(now):
        yield Finding("expired", f"{permission.id}: over since {format_time(permission.until or 0)}, take it out")
        return
    mine = parse_selector(permission.selector)
    lasting = [(p, parse_selector(p.selector)) for p in others if p.until is None and not p.where]
    meant = [cell for cell in cells(document) if mine.matches(*cell)]
    denied = [cell for cell in meant if any(p.effect is Effect.DENY and s.matches(*cell) for p, s in lasting)]
    granted = [cell for cell in meant if any(p.effect is permission.effect and s.matches(*cell) for p, s in lasting)]
    if permission.effect is Effect.ALLOW and len(denied) == len(meant):
        yield Finding("shadowed", f"{permission.id}: a deny takes away all that it allows")
    elif len(granted) == len(meant):
        yield Finding("redundant", f"{permission.id}: other permissions of {permission.subject} or of everyone say the same")
