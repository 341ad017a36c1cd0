"""What permissions amount to: who may call what, and what a change does to that. Exact, since routes and subjects are finite."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import Effect, Permission, PrincipalRef
from authorizer.policy.route import VERBS, RouteCatalog, RouteTemplate

NOTHING = "nothing"
DENIED = "denied"
ALLOWED = "allowed"

DELEGATED, NOT_DELEGATED = "delegated", "not delegated"
EVERY_ROUTE = "* /**"
"""Stands for the routes of a change that is about a client and not about a route."""


class ChangeKind(StrEnum):
    """Which way a change goes: `changes` where a subject was allowed and is, or was not and is not, in other words."""

    GAINS = "gains"
    LOSES = "loses"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True, order=True)
class AccessChange:
    """What a change does to one subject on one route. `before` and `after` are in words: `allowed`, `denied`, `allowed where {ownerId} = sub`.

    That a client is delegated from now on, or is no more, is a change on every route: `delegated`, `not delegated`.
    """

    subject: PrincipalRef
    route: str
    before: str
    after: str

    @property
    def is_delegation(self) -> bool:
        """Whether it is the change of a client's mark, and so of no single route."""
        return DELEGATED in (self.before, self.after)

    @property
    def kind(self) -> ChangeKind:
        """Whether the subject gains the route, loses it, or neither. Through a client that is delegated from now on, people lose."""
        if self.is_delegation:
            return ChangeKind.LOSES if self.after == DELEGATED else ChangeKind.GAINS
        was, becomes = _allows(self.before), _allows(self.after)
        return ChangeKind.CHANGES if was == becomes else ChangeKind.GAINS if becomes else ChangeKind.LOSES

    def __str__(self) -> str:
        if self.after == DELEGATED:
            return f"{self.subject} loses whatever people through it may beyond the scopes of their tokens: it is delegated now"
        if self.before == DELEGATED:
            return f"{self.subject} gains whatever people through it may beyond the scopes of their tokens: it is delegated no more"
        if not _allows(self.before) and _allows(self.after):
            condition = self.after.removeprefix(ALLOWED)
            return f"{self.subject} gains {self.route}{condition}"
        if _allows(self.before) and not _allows(self.after):
            return f"{self.subject} loses {self.route}" + (", which is now denied" if self.after.startswith(DENIED) else "")
        return f"{self.subject} on {self.route}: {self.before} becomes {self.after}"


def _allows(access: str) -> bool:
    return access.startswith(ALLOWED)


def describe_access(permissions: Iterable[Permission], verb: str, route: RouteTemplate) -> str:
    """Return what these permissions say of one verb of a route, in words, whatever the time is: conditions are part of the words."""
    return _describe([p for p in permissions if p.means(verb, route)])


def access_words(permissions: Iterable[Permission], catalog: RouteCatalog) -> dict[tuple[str, RouteTemplate], str]:
    """Return what these permissions say, by verb and route, in the order of the catalogue. Where they say nothing there is no entry."""
    matching: dict[tuple[str, RouteTemplate], list[Permission]] = {}
    for permission in permissions:
        for cell in catalog.cells_of(permission.selector, permission.excepted):
            matching.setdefault(cell, []).append(permission)
    return {cell: _describe(matching[cell]) for cell in catalog.cells if cell in matching}


def _describe(matching: Iterable[Permission]) -> str:
    matching = list(matching)
    denies = _conditions(p for p in matching if p.effect is Effect.DENY)
    if "" in denies:
        return DENIED
    allows = _conditions(p for p in matching if p.effect is Effect.ALLOW)
    words = [ALLOWED] if "" in allows else [ALLOWED + condition for condition in allows]
    words += [DENIED + condition for condition in denies]
    return " or ".join(words) or NOTHING


def _conditions(permissions: Iterable[Permission]) -> list[str]:
    texts = set()
    for permission in permissions:
        where = " and ".join(f"{{{b.parameter}}} = {b.claim}" for b in permission.where)
        until = f" until {format_time(permission.until)}" if permission.until is not None else ""
        texts.add((f" where {where}" if where else "") + until)
    return sorted(texts)


def access_changes(
    before: PermissionDocument | None, after: PermissionDocument, on_subject: Callable[[], object] = lambda: None
) -> tuple[AccessChange, ...]:
    """Every access that differs between two documents, by subject and route. Each subject counts for itself, its ancestors included, without `everyone`.

    `on_subject` is called before each subject is looked at: it may raise to stop.
    """
    delegations: list[AccessChange] = []
    changes: dict[tuple[PrincipalRef, str, str, str], list[str]] = {}
    same_routes = before is not None and before.catalog.cells == after.catalog.cells
    for ref in {*(before.subjects if before else ()), *after.subjects}:
        on_subject()
        was_delegated, is_delegated = before is not None and before.is_delegated(ref), after.is_delegated(ref)
        if was_delegated != is_delegated:
            delegations.append(
                AccessChange(ref, EVERY_ROUTE, *((DELEGATED, NOT_DELEGATED) if was_delegated else (NOT_DELEGATED, DELEGATED)))
            )
        for path, verb, was, becomes in _changes_of(ref, before, after, same_routes=same_routes):
            changes.setdefault((ref, path, was, becomes), []).append(verb)
    on_routes = (
        AccessChange(subject, f"{method} {path}", was, becomes)
        for (subject, path, was, becomes), verbs in changes.items()
        for method in (["ANY"] if len(verbs) == len(VERBS) else verbs)
    )
    return tuple(sorted((*delegations, *on_routes)))


def _changes_of(
    ref: PrincipalRef, before: PermissionDocument | None, after: PermissionDocument, *, same_routes: bool
) -> Iterator[tuple[str, str, str, str]]:
    """Path, verb, and the words before and after, where they differ."""
    held = before.permissions(ref) if before else ()
    holds = after.permissions(ref)
    if same_routes and held == holds:
        return
    old = {(route.path, verb): words for (verb, route), words in (access_words(held, before.catalog) if before else {}).items()}
    new = {(route.path, verb): words for (verb, route), words in access_words(holds, after.catalog).items()}
    for path, verb in {**old, **new}:
        was, becomes = old.get((path, verb), NOTHING), new.get((path, verb), NOTHING)
        if was != becomes:
            yield path, verb, was, becomes
