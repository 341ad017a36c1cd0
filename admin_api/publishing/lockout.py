"""Keeps admins from shutting themselves out: what must still be permitted after a change to the admin API's own permissions.

Judged are the caller's own token and every group by itself, both without conditions: a grant that ends, or that holds for some paths only, opens the
door to nobody who may need it tomorrow.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.denylist import Denylist, TokenIds
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.problems import DocumentError, Problem
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteTemplate, SegmentKind

ADMIN_API = "gatebook-admin"

NEEDED = (
    ("GET", f"v1/apis/{ADMIN_API}/document"),
    ("PUT", f"v1/apis/{ADMIN_API}/document"),
    ("POST", f"v1/apis/{ADMIN_API}/versions/1/rollback"),
)
"""What has to be possible to mend any mistake: read the document, write it, and go back."""


class LockOutError(Exception):
    """The change would shut out its author, or everybody. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, by a token that was verified: `subject` as it is recorded, and what permissions and denylist know it by.

    `consent` are the client and the scopes of a person's token. The scopes are known of a client that is delegated already.
    """

    subject: str
    refs: tuple[PrincipalRef, ...]
    token_ids: TokenIds
    consent: tuple[PrincipalRef, ...] = ()


def check_lock_out(document: PermissionDocument, denylist: Denylist, actor: Actor | None, now: float) -> None:
    """Raise `LockOutError` if after the change `actor` could not undo it, or if no group by itself could. Other APIs' documents pass.

    Without an actor (AWS credentials need no token) only the groups are looked at.
    """
    if document.api != ADMIN_API:
        return
    if actor is not None:
        entry = denylist.refusing(actor.token_ids, now)
        if entry is not None:
            raise LockOutError(f"the denylist would refuse your own token by {entry.kind} `{entry.value}`")
        missing = _missing(document, actor.refs, now)
        if missing:
            raise LockOutError(f"you could no longer {missing}: keep it allowed to one of your groups, without `where` or `until`")
        if actor.consent and document.is_delegated(actor.consent[0]):
            missing = _missing(document, actor.refs, now, actor.consent)
            if missing:
                raise LockOutError(
                    f"you could no longer {missing}, since {actor.consent[0]}, through which you came, is delegated: "
                    "keep it allowed to one of your token's scopes, or come through another client"
                )
    groups = sorted(ref for ref in document.subjects if ref.kind is RefKind.GROUP)
    if all(_missing(document, (EVERYONE, group), now) for group in groups):
        needed = ", ".join(f"`{verb} /{path}`" for verb, path in NEEDED)
        raise LockOutError(f"no group could mend the admin API's permissions any more: allow one {needed}, without `where` or `until`")


def check_own_routes(document: PermissionDocument) -> None:
    """Raise `DocumentError` if in the admin API's catalogue a route for any `{api}` would also take requests about the admin API itself.

    Those are granted apart, at literal routes. One that is missing would be served by its `{api}` sibling, to whoever may edit any other API.
    """
    if document.api != ADMIN_API:
        return
    problems = [
        Problem("/routes", f"`{verb} {route.path}` would also serve `{ADMIN_API}`, which is granted apart: {remedy}")
        for verb, route in document.catalog.cells
        if (remedy := _missing_apart(document, verb, route)) is not None
    ]
    if problems:
        raise DocumentError(problems)


def _missing_apart(document: PermissionDocument, verb: str, route: RouteTemplate) -> str | None:
    """Return what to do so that a route does not serve the admin API's own permissions, or None if it does not."""
    literal = _own_path(route)
    if literal is None or _is_apart(document, verb, literal):
        return None
    if literal == route.path.removeprefix("/"):
        return "take it out, and name the routes below `/v1/apis` one by one"
    return f"add `{verb} /{literal}`"


def _own_path(route: RouteTemplate) -> str | None:
    """Return the template with the admin API's name in place of `{api}`, if it has a parameter there. One that is greedy before has no such place: itself."""
    texts = [str(segment) for segment in route.segments]
    if not all(s.kind is not SegmentKind.LITERAL or s.text == word for s, word in zip(route.segments, ("v1", "apis"), strict=False)):
        return None
    if route.is_greedy and len(texts) <= 3:
        return "/".join(texts)
    if len(texts) < 3 or route.segments[2].kind is SegmentKind.LITERAL:
        return None
    return "/".join(["v1", "apis", ADMIN_API, *texts[3:]])


def _is_apart(document: PermissionDocument, verb: str, template: str) -> bool:
    own = document.catalog.find(verb, f"/{template}")
    return own is not None and len(own.segments) > 2 and str(own.segments[2]) == ADMIN_API


def _missing(document: PermissionDocument, refs: Iterable[PrincipalRef], now: float, consent: tuple[PrincipalRef, ...] = ()) -> str | None:
    """Return the first of the needed requests that callers with these refs could not make for good, or None. With a `consent` both sides must allow them."""
    own = _lasting(document, refs)
    if consent:
        denies = [p for p in document.permissions(consent[0]) if p.effect is Effect.DENY]
        held: Collection[Permission] = CallerPermissions.of(own, [*denies, *_lasting(document, consent[1:])])
    else:
        held = own
    grounds = Grounds(held, document.catalog, {}, now)
    for verb, path in NEEDED:
        if not decide(grounds, resolve(document.catalog, verb, path, None, exact=True)).allowed:
            return f"{verb} /{path}"
    return None


def _lasting(document: PermissionDocument, refs: Iterable[PrincipalRef]) -> tuple[Permission, ...]:
    permissions = (p for ref in refs for p in document.permissions(ref))
    return tuple(p for p in permissions if p.effect is Effect.DENY or (not p.where and p.until is None))
