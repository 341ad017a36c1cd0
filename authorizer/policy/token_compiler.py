"""One policy for all routes of a caller, for a gateway that remembers answers under the token alone; or why there can be none.

Whatever allows every value of a `{parameter}` also allows what lies below it, since IAM's `*` crosses `/`. Where that takes in a route that the
caller may not use, no list of Allows is exact; a Deny for that route may help, unless it takes in an allowed route in turn.

The Allows never lean on a Deny to tell routes apart unless `guards` says so: should routing decode a path that the ARN keeps encoded, such a Deny
is missed. They do carry one against doubled and encoded slashes where a slash too many would lead from an allowed route to another one; `decide`
denies such paths too.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from authorizer.policy.certificate import Certificate, certify, words_of
from authorizer.policy.compiler import PolicyDocument, allow, deny, end_of, policy
from authorizer.policy.decision import Grounds, bound_values
from authorizer.policy.method_arn import MAX_RESOURCE, MethodArn
from authorizer.policy.permission import Effect, Permission
from authorizer.policy.reach import STAR, Pattern, SymbolicPath, VerbRoutes, routes_of_verb, takes_in, with_bound
from authorizer.policy.route import VERBS, RouteCatalog, RouteTemplate, Segment, parse_selector

MAX_POLICY_BYTES = 7000
"""Budget of a policy, so that it fits into the 8 KB of an answer beside the caller's context."""

_MAX_DENIES = 500

_SLASH_GUARDS = ("/*", "*//*", "*%2F*", "*%2f*")


class RefusalReason(StrEnum):
    """Why there is no policy."""

    INEXACT = "inexact"
    TOO_LARGE = "too_large"
    BINDING = "binding"


@dataclass(frozen=True, slots=True)
class Refusal:
    """No policy for this caller can be remembered under the token alone. The message is for people and names the ways out."""

    reason: RefusalReason
    message: str
    certificate: Certificate | None = None


class _RefusedError(Exception):
    def __init__(self, reason: RefusalReason, message: str, certificate: Certificate | None = None) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message, certificate)


@dataclass(slots=True)
class _VerbAccess:
    """What a caller may do with one verb: which routes, with which permissions behind each. A route that is allowed for some values only also stands
    as a route with marks in place of the parameters; `values` says what the marks stand for."""

    known: VerbRoutes
    allowed: dict[int, list[Permission]]
    values: Mapping[str, str]
    disallowed: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self.disallowed = frozenset(range(len(self.known.routes))) - self.allowed.keys()

    def text(self, pattern: Pattern, some: str = "*") -> str:
        """The pattern as it stands in a policy."""
        return "/".join(some if piece is STAR else self.values.get(piece, piece) for piece in pattern)

    def spelled(self, pattern: Pattern) -> Pattern:
        """The pattern with values in place of marks."""
        return tuple(piece if piece is STAR else self.values.get(piece, piece) for piece in pattern)

    def needs_slash_guard(self, pattern: Pattern) -> bool:
        """Whether a slash too many in place of a parameter would lead to a route that is not allowed, as `/pets//` leads to `/pets`."""
        return not self.known.owners(pattern, empty_stars=True) <= self.allowed.keys()


def compile_token(arn: MethodArn, grounds: Grounds, *, guards: bool = False, token_expiry: int | None = None) -> PolicyDocument | Refusal:
    """A policy that allows what `decide` allows, for every path in its plain spelling, and nothing more for any other; or the reason why not.

    `arn` is any of the stage. `guards` permits Denies that tell routes apart. With `token_expiry`, the token's `exp`, Allows carry the condition that
    they end with their reason.
    """
    try:
        access = _read_access(grounds)
        denies = [f"{verb.known.verb}/{text}" for verb in access for text in _denies(verb, guards=guards)]
        document = _document(arn, access, denies, token_expiry, collapse=False)
        if _size(document) > MAX_POLICY_BYTES and token_expiry is None:
            document = _document(arn, access, denies, token_expiry, collapse=True)
    except _RefusedError as error:
        return error.refusal
    if _size(document) > MAX_POLICY_BYTES:
        return Refusal(RefusalReason.TOO_LARGE, f"the policy has {_size(document)} bytes, more than {MAX_POLICY_BYTES}: use `route` scope")
    return document


def _size(document: PolicyDocument) -> int:
    return len(json.dumps(document))


def _read_access(grounds: Grounds) -> list[_VerbAccess]:
    """Judge every route for every verb."""
    permissions = [(p, parse_selector(p.selector)) for p in grounds.permissions if p.in_force(grounds.now)]
    marks: dict[str, str] = {}
    result = []
    for verb in VERBS:
        base = _verb_routes(grounds.catalog, verb, ())
        chosen = [(p, number) for p, selector in permissions if verb in selector.verbs for number in base.selected(selector)]
        denied = {number for p, number in chosen if p.effect is Effect.DENY}
        allowed: dict[RouteTemplate, list[Permission]] = {}
        for permission, number in chosen:
            route = base.routes[number]
            values = bound_values(permission, grounds, route) if permission.effect is Effect.ALLOW and number not in denied else None
            if values is not None:
                # Marks are no words, so that what is found out about these routes holds for every caller.
                named = {name: marks.setdefault(value, f"\0{len(marks)}") for name, value in values.items()}
                allowed.setdefault(with_bound(route, named) if named else route, []).append(permission)
        known = _verb_routes(grounds.catalog, verb, tuple(route for route in allowed if route.segments not in base.numbers))
        values_by_mark = {mark: value for value, mark in marks.items()}
        result.append(_VerbAccess(known, {known.numbers[route.segments]: behind for route, behind in allowed.items()}, values_by_mark))
    _refuse_words(grounds.catalog, marks)
    return result


def _verb_routes(catalog: RouteCatalog, verb: str, bound: tuple[RouteTemplate, ...]) -> VerbRoutes:
    known = catalog.reach.get((verb, bound))
    if known is None:
        routes = routes_of_verb(catalog, verb) if not bound else _verb_routes(catalog, verb, ()).routes
        known = catalog.reach[verb, bound] = VerbRoutes(verb, (*routes, *bound))
    return known


def _refuse_words(catalog: RouteCatalog, values: Iterable[str]) -> None:
    """A value that is also a word of the catalogue could stand where the pattern of another route expects that word."""
    for word in {*values} & {*words_of(catalog.routes)} if values else ():
        message = f"the claim value `{word}`, to which a route is bound, is also a word of the catalogue: use `route` scope"
        raise _RefusedError(RefusalReason.BINDING, message)


def _denies(verb: _VerbAccess, *, guards: bool) -> list[str]:
    """The Denies that the Allows of one verb need. Raises `_RefusedError` if none would do."""
    denied: set[Pattern] = set()
    slashes = False
    for number in verb.allowed:
        pattern = verb.known.patterns[number]
        if not verb.known.owners(pattern) <= verb.allowed.keys():
            denied |= _route_guards(verb, number, guards=guards)
        slashes = slashes or verb.needs_slash_guard(pattern)
    least = [pattern for pattern in denied if not any(other != pattern and takes_in(other, pattern) for other in denied)]
    return sorted(map(verb.text, least)) + (list(_SLASH_GUARDS) if slashes else [])


def _route_guards(verb: _VerbAccess, number: int, *, guards: bool) -> set[Pattern]:
    denied: set[Pattern] = set()
    for path in verb.known.paths(verb.known.patterns[number], verb.disallowed):
        if not guards:
            raise _inexact(verb, number, path, None)
        hit = next(verb.known.paths(path, frozenset(verb.allowed)), None)
        if hit is not None:
            raise _inexact(verb, number, path, hit)
        denied.add(path)
        if len(denied) > _MAX_DENIES:
            raise _RefusedError(
                RefusalReason.TOO_LARGE, f"`{verb.known.verb}` would need more than {_MAX_DENIES} Denies: use `route` scope"
            )
    return denied


def _inexact(verb: _VerbAccess, number: int, denied: SymbolicPath, also_allowed: SymbolicPath | None) -> _RefusedError:
    owners = [number, verb.known.owner(denied), *([verb.known.owner(also_allowed)] if also_allowed is not None else [])]
    routes = [_readable(verb, verb.known.routes[owner]) for owner in owners if owner is not None]
    paths = verb.spelled(verb.known.patterns[number]), verb.spelled(denied), None if also_allowed is None else verb.spelled(also_allowed)
    certificate = certify(verb.known.verb, routes, [*words_of(verb.known.routes), *verb.values.values()], paths)
    ways = "use `route` scope, or one authorizer per path depth" + (", or guards" if also_allowed is None else "")
    return _RefusedError(RefusalReason.INEXACT, f"{certificate}; {ways}", certificate)


def _readable(verb: _VerbAccess, route: RouteTemplate) -> RouteTemplate:
    return RouteTemplate(route.method, tuple(Segment(s.kind, verb.values.get(s.text, s.text)) for s in route.segments))


def _document(arn: MethodArn, access: list[_VerbAccess], denies: list[str], token_expiry: int | None, *, collapse: bool) -> PolicyDocument:
    by_end: dict[int | None, list[str]] = {}
    for verb in access:
        for pattern, permissions in _allows(verb, collapse=collapse):
            text = verb.text(pattern, "?*" if verb.needs_slash_guard(pattern) else "*")
            by_end.setdefault(end_of(permissions, token_expiry), []).append(f"{arn.prefix}{verb.known.verb}/{text}")
    statements = [allow(sorted(resources), end) for end, resources in by_end.items()]
    longest = max((len(resource) for statement in statements for resource in statement["Resource"]), default=0)
    if longest > MAX_RESOURCE:
        message = f"a resource of the policy has {longest} characters, more than {MAX_RESOURCE}: shorten the stage's name or the route"
        raise _RefusedError(RefusalReason.TOO_LARGE, message)
    if not statements:
        # Said aloud: beside a resource policy that allows, silence would be an allow.
        return policy(deny(f"{arn.prefix}*"))
    return policy(*statements, *([deny(*(arn.prefix + text for text in denies))] if denies else []))


def _allows(verb: _VerbAccess, *, collapse: bool) -> list[tuple[Pattern, list[Permission]]]:
    """The Allows of one verb. Collapsed, one `prefix/*` stands for all routes below a prefix wherever nothing below it is disallowed."""
    patterns: dict[Pattern, list[Permission]] = {}
    for number, permissions in verb.allowed.items():
        # `/a/{x}` and `/a/{x+}` have one pattern.
        patterns[verb.known.patterns[number]] = [*patterns.get(verb.known.patterns[number], ()), *permissions]
    prefixes = {pattern[:length] for pattern in patterns for length in range(len(pattern))} if collapse else set()
    for prefix in sorted(prefixes, key=len):
        wide: Pattern = (*prefix, STAR)
        below = [pattern for pattern in patterns if pattern != wide and takes_in(wide, pattern)]
        if below and verb.known.owners(wide) <= verb.allowed.keys():
            patterns = {pattern: p for pattern, p in patterns.items() if pattern not in below} | {wide: []}
    return list(patterns.items())
