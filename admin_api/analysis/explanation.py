"""Why a request is allowed or denied, in words: the permissions that decided, what was nearly enough, and a grant that would do."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from admin_api.analysis.near_miss import (
    GivenClaims,
    Held,
    HeldPermission,
    NearMiss,
    held_permissions,
    listed,
    near_permissions,
    other_subjects,
)
from admin_api.analysis.near_route import find_target, near_routes
from admin_api.analysis.trusted_issuers import Bearer, prefix_of
from authorizer.policy.decision import Decision, Grounds, Reason, decide, sides_of
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, Effect, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import Target, Unroutable
from authorizer.policy.route import WEBSOCKET, RouteTemplate
from authorizer.tokens.claims import OUR_ISSUER, BindableClaims, TrustedIssuer

MAX_OTHER_SUBJECTS = 10
"""How many of the subjects are named that may what the caller may not."""


@dataclass(frozen=True, slots=True)
class SuggestedGrant:
    """The narrowest entry without conditions that would allow a request, for `allow` of the subject. `note` tells what it does besides."""

    subject: PrincipalRef
    entry: str
    note: str

    def __str__(self) -> str:
        return f"add `{self.entry}` to `allow` of {self.subject}: {self.note}"


@dataclass(frozen=True, slots=True)
class Delegation:
    """What both sides say of a request that comes through a delegated client. Whatever they allow, a deny of either wins."""

    client: PrincipalRef
    person_allows: bool
    consent_allows: bool

    def __str__(self) -> str:
        said = {
            (True, True): "the person's permissions and the token's scopes both allow this",
            (True, False): "the person's permissions allow this, the token's scopes allow nothing here",
            (False, True): "the token's scopes allow this, the person's permissions do not",
            (False, False): "neither the person's permissions nor the token's scopes allow this",
        }
        return f"{self.client} is delegated: {said[self.person_allows, self.consent_allows]}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision and what is behind it.

    `refs` are the caller's that the document knows, `everyone` among them; `unknown_refs` count for nothing. `parameters` are as they stand in the
    path. `determining` are the permissions of the decision, each with the way the caller came by it. Of a denied request `near_misses` tell what was in
    the way, `more_subjects` how many may it besides those that are named, and there is either a `suggested_grant` or a reason in `why_no_grant`.
    `delegation` is there for a person who came through a delegated client. `notes` tell what was taken for granted.
    """

    method: str
    path: str
    decision: Decision
    parameters: Mapping[str, str]
    refs: tuple[PrincipalRef, ...]
    unknown_refs: tuple[PrincipalRef, ...]
    determining: tuple[HeldPermission, ...]
    near_misses: tuple[NearMiss, ...] = ()
    more_subjects: int = 0
    suggested_grant: SuggestedGrant | None = None
    why_no_grant: str | None = None
    delegation: Delegation | None = None
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        request = f"{self.method} {self.path} is {'allowed' if self.decision.allowed else 'denied'}"
        if self.decision.reason is Unroutable.UNSAFE_PATH:
            return f"{request}: the path is unsafe"
        if self.decision.route is None:
            return f"{request}: it belongs to no route of the catalogue"
        if self.determining:
            return f"{request} by {listed(self.determining)}"
        if self.delegation is not None and self.decision.reason is Reason.NOT_CONSENTED:
            return f"{request}: {self.delegation.client} is delegated, and the token's scopes allow nothing here"
        return f"{request}: nothing that {listed(self.refs)} has allows {self.method} {self.decision.route.path}"


def explain_to(bearer: Bearer, document: PermissionDocument, method: str, path: str, now: float) -> Explanation:
    """Explain a request of the bearer of a token, with what was taken for granted about its issuer."""
    found = explain(document, bearer.refs, bearer.claims, method, path, now, bearer.consent, bearer.issuer)
    guessed = () if bearer.issuer_is_known else tuple(_guesses(found))
    return replace(found, notes=(*bearer.notes, *guessed))


def _guesses(found: Explanation) -> Iterator[str]:
    """Yield what an allow that rests on claims alone takes for granted: a named issuer's claims are bound only if its settings list them."""
    names = {prefix_of(ref) for ref in found.refs if ref.kind is RefKind.GROUP} - {""}
    claims = {binding.claim for held in found.determining for binding in held.permission.where}
    if found.decision.allowed and names and all(held.permission.where for held in found.determining):
        yield (
            f"if {listed(f'`{name}`' for name in sorted(names))} is the name of an issuer, the authorizer allows this only if the issuer's "
            f"`binding_claims` list {listed(f'`{claim}`' for claim in sorted(claims))}: which issuers are trusted is not known here"
        )


def explain(
    document: PermissionDocument,
    refs: Iterable[PrincipalRef],
    claims: Mapping[str, object],
    method: str,
    path: str,
    now: float,
    consent: Iterable[PrincipalRef] = (),
    issuer: TrustedIssuer = OUR_ISSUER,
) -> Explanation:
    """Decide on a request as the authorizer does in `request` scope, and say why. What is not known here is whether its ARN is too long for a policy.

    `path` is that of a request, not a template, without stage and query string, with or without the slash at its beginning. If `method` is `WS`, it is a
    route key. `claims` are as they stand in a token; the issuer says which of them `where` may name. `consent` are the client and the scopes of a person's
    token: where the client is delegated, they count as the authorizer counts them.
    """
    caller = _caller(document, tuple(refs), tuple(consent))
    client, scopes, given, known, own, consented, held = caller
    grounds = _grounds(caller, document, GivenClaims(claims, issuer), now)
    target = find_target(document.catalog, method, path)
    decision = decide(grounds, target)
    explanation = Explanation(
        method=method,
        path=path if method == WEBSOCKET else "/" + path.removeprefix("/"),
        decision=decision,
        parameters=target.parameters,
        refs=known,
        unknown_refs=tuple(ref for ref in (*given, *scopes) if ref not in known and ref not in document.subjects),
        determining=tuple(held[permission] for permission in decision.determining),
        delegation=_delegation(client, grounds, target) if client is not None and decision.route is not None else None,
    )
    if decision.allowed:
        return explanation
    if decision.route is None:
        near = tuple(near_routes(document.catalog, method, path, target.problem))
        return replace(explanation, near_misses=near, why_no_grant="no grant can help a request that belongs to no route")
    lacking = held if decision.determining or client is None else consented if decision.reason is Reason.NOT_CONSENTED else own
    near = tuple(near_permissions(lacking, grounds, GivenClaims(claims, issuer), target, decision.route, decision.determining))
    if decision.determining:
        why = f"a deny always wins: first take out {listed(explanation.determining)}" + ("" if near else ", then grant the route as well")
        return replace(explanation, near_misses=near, why_no_grant=why)
    kinds: Collection[RefKind] = tuple(RefKind) if client is None else _OF_PERSON
    if decision.reason is Reason.NOT_CONSENTED:
        kinds = (RefKind.SCOPE,)
    others = other_subjects(document, lacking, grounds, target, decision.route, kinds)
    explanation = replace(
        explanation, near_misses=(*near, *others[:MAX_OTHER_SUBJECTS]), more_subjects=max(0, len(others) - MAX_OTHER_SUBJECTS)
    )
    if decision.reason is Reason.NOT_CONSENTED and not scopes:
        return replace(explanation, why_no_grant="the token has no scope that a grant could be given to: sign in with one")
    refs_to_grant = scopes if decision.reason is Reason.NOT_CONSENTED else given
    return replace(explanation, suggested_grant=_suggest(document, refs_to_grant, method, decision.route, explanation.delegation))


def grounds_of(bearer: Bearer, document: PermissionDocument, now: float) -> Grounds:
    """Return what `decide` is given for every request of the bearer of a token: the same on which `explain` rests."""
    return _grounds(_caller(document, bearer.refs, bearer.consent), document, GivenClaims(bearer.claims, bearer.issuer), now)


class _Caller(NamedTuple):
    """Who asks, and what that holds. Without a delegated `client` there is no consent."""

    client: PrincipalRef | None
    scopes: tuple[PrincipalRef, ...]
    given: tuple[PrincipalRef, ...]
    known: tuple[PrincipalRef, ...]
    own: Held
    consented: Held
    held: Held


def _caller(document: PermissionDocument, refs: tuple[PrincipalRef, ...], consent: tuple[PrincipalRef, ...]) -> _Caller:
    client, scopes = _delegated(document, consent)
    given = tuple(ref for ref in dict.fromkeys(refs) if client is None or ref.kind not in _OF_CONSENT)
    known = (EVERYONE, *(ref for ref in given if ref in document.subjects and ref != EVERYONE))
    own = held_permissions(document, known)
    consented = held_permissions(document, scopes) if client else {}
    denied_to_client = {p: each for p, each in held_permissions(document, [client] if client else []).items() if p.effect is Effect.DENY}
    return _Caller(client, scopes, given, known, own, consented, {**own, **consented, **denied_to_client})


def _grounds(caller: _Caller, document: PermissionDocument, given: GivenClaims, now: float) -> Grounds:
    denied_to_client = [p for p in caller.held if p not in caller.own and p not in caller.consented]
    permissions = tuple(caller.own) if caller.client is None else CallerPermissions.of(caller.own, (*caller.consented, *denied_to_client))
    return Grounds(permissions, document.catalog, BindableClaims(given.claims, given.issuer), now)


_OF_CONSENT = (RefKind.CLIENT, RefKind.SCOPE)
_OF_PERSON = (RefKind.EVERYONE, RefKind.GROUP)


def _delegated(document: PermissionDocument, consent: tuple[PrincipalRef, ...]) -> tuple[PrincipalRef | None, tuple[PrincipalRef, ...]]:
    """Return the delegated client among these refs and the scopes; None and nothing if there is none."""
    client = next((ref for ref in consent if document.is_delegated(ref)), None)
    return client, () if client is None else tuple(dict.fromkeys(ref for ref in consent if ref.kind is RefKind.SCOPE))


def _delegation(client: PrincipalRef, grounds: Grounds, target: Target) -> Delegation:
    person, consent = (decide(grounds._replace(permissions=tuple(side)), target).allowed for side in sides_of(grounds.permissions))
    return Delegation(client, person, consent)


def _suggest(
    document: PermissionDocument, refs: Iterable[PrincipalRef], verb: str, route: RouteTemplate, delegation: Delegation | None
) -> SuggestedGrant:
    subject = next((ref for ref in refs if ref != EVERYONE), EVERYONE)
    heirs = [ref for ref in sorted(document.subjects) if subject.kind is RefKind.GROUP and subject.name in document.ancestors(ref)]
    notes = ["it goes to every verified token" if subject == EVERYONE else f"it goes to all that have {subject}"]
    if delegation is not None and not delegation.consent_allows and subject.kind is not RefKind.SCOPE:
        notes.append(f"the token's scopes have to allow it as well, since {delegation.client} is delegated")
    if heirs:
        notes.append(f"by inheritance also to {listed(heirs)}")
    if subject != EVERYONE and subject not in document.subjects:
        notes.append(f"the document has no {subject} yet")
    if route.parameters:
        notes.append(f"it holds for all values of {listed(f'`{name}`' for name in route.parameters)}, unless `where` binds them to claims")
    if route.public:
        notes.append("the catalogue has the route as public, so that it should need no grant")
    return SuggestedGrant(subject, f"{verb} {route.path}", "; ".join(notes))
