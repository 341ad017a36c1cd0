"""What permissions amount to: who may call what, and what a change does to that. Exact, since routes and subjects are finite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import Effect, Permission, PrincipalRef
from authorizer.policy.route import VERBS, RouteTemplate, parse_selector

NOTHING = "nothing"
DENIED = "denied"
ALLOWED = "allowed"


@dataclass(frozen=True, slots=True, order=True)
class AccessChange:
    """What a change does to one subject on one route. `before` and `after` are in words: `allowed`, `denied`, `allowed where {ownerId} = sub`."""

    subject: PrincipalRef
    route: str
    before: str
    after: str

    def __str__(self) -> str:
        if not _allows(self.before) and _allows(self.after):
            condition = self.after.removeprefix(ALLOWED)
            return f"{self.subject} gains {self.route}{condition}"
        if _allows(self.before) and not _allows(self.after):
            return f"{self.subject} loses {self.route}" + (", which is now denied" if self.after.startswith(DENIED) else "")
        return f"{self.subject} on {self.route}: {self.before} becomes {self.after}"


def _allows(access: str) -> bool:
    return access.startswith(ALLOWED)


def describe_access(permissions: Iterable[Permission], verb: str, route: RouteTemplate) -> str:
    """What these permissions say of one verb of a route, in words, whatever the time is: conditions are part of the words."""
    matching = [p for p in permissions if parse_selector(p.selector).matches(verb, route)]
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


def access_changes(before: PermissionDocument | None, after: PermissionDocument) -> tuple[AccessChange, ...]:
    """Every access that differs between two documents, by subject and route. Each subject counts for itself, its ancestors included, without `everyone`."""
    old = _access(before) if before is not None else {}
    new = _access(after)
    changes: dict[tuple[PrincipalRef, str, str, str], list[str]] = {}
    for key in {*old, *new}:
        states = old.get(key, NOTHING), new.get(key, NOTHING)
        if states[0] != states[1]:
            subject, path, verb = key
            changes.setdefault((subject, path, *states), []).append(verb)
    return tuple(
        sorted(
            AccessChange(subject, f"{method} {path}", was, becomes)
            for (subject, path, was, becomes), verbs in changes.items()
            for method in (["ANY"] if len(verbs) == len(VERBS) else verbs)
        )
    )


def _access(document: PermissionDocument) -> Mapping[tuple[PrincipalRef, str, str], str]:
    """Access in words by subject, path and verb, where there is any."""
    served = [(route.path, verb, route) for route in document.catalog.routes for verb in route.verbs]
    # A verb of `ANY` that has a route of its own on the same path is served by that one.
    served = [(path, verb, route) for path, verb, route in served if document.catalog.find(verb, path) is route]
    return {
        (ref, path, verb): access
        for ref in document.subjects
        for permissions in [document.permissions(ref)]
        for path, verb, route in served
        if (access := describe_access(permissions, verb, route)) != NOTHING
    }
