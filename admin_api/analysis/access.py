"""Who may call what at a moment: the callers of a route, and the routes of a caller."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from admin_api.analysis.access_changes import ALLOWED, describe_access
from admin_api.analysis.subjects import held_by
from authorizer.policy.decision import Grounds, applicable
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteTemplate


@dataclass(frozen=True, slots=True)
class Access:
    """One subject may call one verb of a route.

    `words` has the conditions, as in `allowed where {ownerId} = sub`. `permissions` are the ids of what allows it, the subject's own, inherited, and
    everyone's. `by_everyone` tells that everyone may as much, so that the subject adds nothing. `delegated` marks a delegated client: this is what its own
    tokens may, and people through it need the consent of their tokens' scopes. `together` are the further groups of a caller that is in several.
    """

    subject: PrincipalRef
    verb: str
    route: RouteTemplate
    words: str
    permissions: tuple[str, ...]
    by_everyone: bool
    delegated: bool = False
    together: tuple[PrincipalRef, ...] = ()

    @property
    def caller(self) -> str:
        """Return all that the caller is: `group/guest`, or `group/guest + group/owner` for one in two groups."""
        return " + ".join(map(str, (self.subject, *self.together)))

    def __str__(self) -> str:
        text = f"{self.caller} may {self.verb} {self.route.path}{self.words.removeprefix(ALLOWED)} by {'; '.join(self.permissions)}"
        return (
            text
            + (", as everyone may" if self.by_everyone and self.subject != EVERYONE else "")
            + (", by its own tokens" if self.delegated else "")
        )


def who_can(
    document: PermissionDocument, verb: str, route: RouteTemplate, now: float, on_subject: Callable[[], object] = lambda: None
) -> tuple[Access, ...]:
    """Return the subjects that may call a route with this verb, sorted, `everyone` included. None if requests with this verb go to another route.

    `on_subject` is called before each subject is looked at: it may raise to stop.
    """
    if document.catalog.find(verb, route.path) != route:
        return ()
    shared = _grounds(document, EVERYONE, now)
    found = []
    for ref in sorted(document.subjects):
        on_subject()
        found.append(_access(ref, _grounds(document, ref, now), shared, verb, route, delegated=document.is_delegated(ref)))
    return tuple(access for access in found if access is not None)


def what_can(document: PermissionDocument, ref: PrincipalRef, now: float) -> tuple[Access, ...]:
    """Return what a subject may call, in the order of the catalogue, by verb and route. One that the document does not know may what everyone may."""
    held, shared = (Grounds(CallerPermissions.of(held_by(document, each)), document.catalog, {}, now) for each in (ref, EVERYONE))
    found = (_access(ref, held, shared, verb, route, delegated=document.is_delegated(ref)) for verb, route in document.catalog.cells)
    return tuple(access for access in found if access is not None)


def groups_can(document: PermissionDocument, groups: Sequence[PrincipalRef], now: float) -> tuple[Access, ...]:
    """Return what a caller in all of these groups may call, in the order of the catalogue: a deny of one group takes away what another one allows.

    `[group/guest, group/owner]` -> `group/guest + group/owner may GET /pets`. A group that the document does not know adds nothing.
    """
    subject, *together = dict.fromkeys(groups)
    everything = (p for ref in (EVERYONE, subject, *together) for p in document.permissions(ref))
    held = Grounds(CallerPermissions.of(tuple(dict.fromkeys(everything))), document.catalog, {}, now)
    shared = Grounds(CallerPermissions.of(held_by(document, EVERYONE)), document.catalog, {}, now)
    found = (_access(subject, held, shared, verb, route, delegated=False) for verb, route in document.catalog.cells)
    return tuple(replace(access, together=tuple(together)) for access in found if access is not None)


def _grounds(document: PermissionDocument, ref: PrincipalRef, now: float) -> Grounds:
    """Return what the subject has by itself and as everyone, for one question. No claims: who may is asked whatever they are."""
    return Grounds(held_by(document, ref), document.catalog, {}, now)


def route_of_request(document: PermissionDocument, verb: str, path: str) -> RouteTemplate | None:
    """Return the route that people mean by a path: `/pets/7` -> `/pets/{petId}`, and a template that stands in the catalogue as it is -> itself.

    None if the path belongs to no route.
    """
    return document.catalog.find(verb, path) or resolve(document.catalog, verb, path.removeprefix("/"), None, exact=True).route


def _access(ref: PrincipalRef, held: Grounds, shared: Grounds, verb: str, route: RouteTemplate, *, delegated: bool) -> Access | None:
    denies, (allows,) = applicable(held, verb, route)
    if denies or not allows:
        return None
    _, (anyhow,) = applicable(shared, verb, route)
    by_everyone = all(any(_covers(wide, narrow) for wide in anyhow) for narrow in allows)
    return Access(ref, verb, route, describe_access(allows, verb, route), tuple(p.id for p in allows), by_everyone, delegated)


def _covers(wide: Permission, narrow: Permission) -> bool:
    """Return whether one allow for a route holds whenever the other does."""
    lasts = wide.until is None or (narrow.until is not None and narrow.until <= wide.until)
    return lasts and set(wide.where) <= set(narrow.where)
