"""What stood between a denied request and an allow: the one thing that a permission lacks, and the other subjects that may."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from admin_api.analysis.access_changes import ALLOWED, describe_access
from admin_api.analysis.bindings import why_unbound
from authorizer.policy.decision import Grounds, applicable, decide
from authorizer.policy.document import PermissionDocument, format_time
from authorizer.policy.permission import Binding, Effect, Permission, PrincipalRef, RefKind, bindable_text, decoded_segment
from authorizer.policy.request_path import Target
from authorizer.policy.route import RouteTemplate, parse_selector
from authorizer.tokens.claims import TrustedIssuer


class NearMissKind(StrEnum):
    """What it was. The words are stable."""

    CLAIM_MISSING = "claim_missing"
    CLAIM_DIFFERS = "claim_differs"
    NOT_BINDABLE = "not_bindable"
    NOT_LISTED = "not_listed"
    RESERVED_WORD = "reserved_word"
    EXPIRED = "expired"
    DENIED = "denied"
    OTHER_SUBJECT = "other_subject"
    OTHER_METHOD = "other_method"
    EXCEPTED = "excepted"
    UNKNOWN_METHOD = "unknown_method"
    UNSAFE_PATH = "unsafe_path"


@dataclass(frozen=True, slots=True)
class HeldPermission:
    """A permission of a caller. `through` are those of the caller's groups that inherit it; none if it was given to one of the caller's refs itself."""

    permission: Permission
    through: tuple[PrincipalRef, ...] = ()

    def __str__(self) -> str:
        return self.permission.id + (f", through {listed(self.through)}" if self.through else "")


Held = Mapping[Permission, HeldPermission]


class GivenClaims(NamedTuple):
    """The claims of a token as they stand in it, and its issuer, who says which of them `where` may name."""

    claims: Mapping[str, object]
    issuer: TrustedIssuer


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One thing that was in the way, as a sentence. `permissions` would have allowed the request; `subject` is somebody else who holds them."""

    kind: NearMissKind
    message: str
    permissions: tuple[HeldPermission, ...] = ()
    subject: PrincipalRef | None = None

    def __str__(self) -> str:
        return self.message


def held_permissions(document: PermissionDocument, refs: Iterable[PrincipalRef]) -> Held:
    """Return all that these refs hold, their own and inherited, in the order of the refs."""
    holders: dict[Permission, list[PrincipalRef]] = {}
    for ref in refs:
        for permission in document.permissions(ref):
            holders.setdefault(permission, []).append(ref)
    return {p: HeldPermission(p, () if p.subject in heirs else tuple(heirs)) for p, heirs in holders.items()}


def near_permissions(
    held: Held, grounds: Grounds, given: GivenClaims, target: Target, route: RouteTemplate, denies: Iterable[Permission]
) -> Iterator[NearMiss]:
    """Yield the caller's allows for a route of which one thing only is not met. Where denies decided, that is them."""
    denied_by = listed(held[deny] for deny in denies)
    for permission in held:
        if permission.effect is Effect.ALLOW and parse_selector(permission.selector).matches(target.verb, route):
            against = list(_obstacles(permission, grounds, given, target.parameters, route))
            if permission.leaves_out(target.verb, route):
                against.append((NearMissKind.EXCEPTED, "means this route, but its `except` takes it out"))
            if denied_by:
                against.append((NearMissKind.DENIED, f"would allow this, but a deny takes it away: {denied_by}"))
            if len(against) == 1:
                kind, words = against[0]
                yield NearMiss(kind, f"{held[permission]}: {words}", (held[permission],))


_COMPARED = 'only 1 to 128 printable ASCII characters are ever compared, no white space, none of `* ? $ { } / \\ % "` and the backtick, not `.` or `..`'


def _obstacles(
    permission: Permission, grounds: Grounds, given: GivenClaims, parameters: Mapping[str, str], route: RouteTemplate
) -> Iterator[tuple[NearMissKind, str]]:
    if not permission.in_force(grounds.now):
        yield NearMissKind.EXPIRED, f"was allowed until {format_time(permission.until or 0)}"
    for binding in permission.where:
        unmet = _unmet(binding, grounds, given, decoded_segment(parameters.get(binding.parameter, "")), route)
        if unmet is not None:
            yield unmet


def _unmet(binding: Binding, grounds: Grounds, given: GivenClaims, wanted: str, route: RouteTemplate) -> tuple[NearMissKind, str] | None:
    if not given.issuer.can_bind(binding.claim):
        return NearMissKind.NOT_LISTED, why_unbound(binding.claim, given.issuer)
    parameter, claim = f"`{{{binding.parameter}}}`", f"the token's `{binding.claim}`"
    value = grounds.claims.get(binding.claim, given.claims.get(binding.claim))
    reserved = grounds.catalog.reserved_words(route).get(binding.parameter, frozenset())
    for name, text in ((parameter, wanted), (claim, value)):
        if text is None:
            return NearMissKind.CLAIM_MISSING, f"{parameter} must equal the claim `{binding.claim}`, which the token lacks"
        if bindable_text(text) is None:
            return NearMissKind.NOT_BINDABLE, f"{name} is {text!a}, and {_COMPARED}"
        if text in reserved:
            return NearMissKind.RESERVED_WORD, f"{name} is `{text}`, which another route has as a word in place of {parameter}"
    if wanted != value:
        return NearMissKind.CLAIM_DIFFERS, f"{parameter} is `{wanted}`, but {claim} is `{value}`"
    return None


def other_subjects(
    document: PermissionDocument,
    held: Held,
    grounds: Grounds,
    target: Target,
    route: RouteTemplate,
    kinds: Collection[RefKind] = tuple(RefKind),
) -> list[NearMiss]:
    """Return the subjects of these kinds that may call a route by permissions that the caller has not, those first with whom this very request would pass."""
    found: list[tuple[bool, PrincipalRef, NearMiss]] = []
    for subject in (ref for ref in document.subjects if ref.kind in kinds):
        denies, (allows,) = applicable(grounds._replace(permissions=document.permissions(subject)), target.verb, route)
        new = tuple(permission for permission in allows if permission not in held)
        if denies or not new:
            continue
        words, passes = describe_access(new, target.verb, route), decide(grounds._replace(permissions=new), target).allowed
        message = f"would be allowed by {subject}" if words == ALLOWED else f"would be allowed by {subject}, which is {words}"
        if not passes:
            message = f"{subject} is {words}, which this request does not meet"
        theirs = tuple(HeldPermission(p, () if p.subject == subject else (subject,)) for p in new)
        found.append((not passes, subject, NearMiss(NearMissKind.OTHER_SUBJECT, message, theirs, subject)))
    return [near_miss for _, _, near_miss in sorted(found, key=lambda entry: entry[:2])]


def listed(things: Iterable[object]) -> str:
    """Some things as words of a sentence."""
    return " and ".join(map(str, things))
