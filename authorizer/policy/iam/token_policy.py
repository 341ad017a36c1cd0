"""One policy for all routes of a caller, for a gateway that remembers answers under the token alone; or why there can be none.

Whatever allows every value of a `{parameter}` also allows what lies below it, since IAM's `*` crosses `/`. Where that takes in a route that the
caller may not use, no list of Allows is exact; a Deny for that route may help, unless it takes in an allowed route in turn.

The Allows never lean on a Deny to tell routes apart unless `guards` says so: should routing decode a path that the ARN keeps encoded, such a Deny
is missed. They do carry one against doubled and encoded slashes where a slash too many would lead from an allowed route to another one; `decide`
denies such paths too.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from authorizer.policy.decision import Grounds, Values, allowed_values, sides_of
from authorizer.policy.iam.counterexample import Counterexample, spell_counterexample, words_of
from authorizer.policy.iam.method_arn import MAX_RESOURCE, MethodArn
from authorizer.policy.iam.pattern_coverage import (
    STAR,
    Bound,
    Pattern,
    SymbolicPath,
    VerbRoutes,
    mark_of,
    pattern_of,
    reach_of,
    takes_in,
    with_bound,
)
from authorizer.policy.iam.spellings import spellings_of
from authorizer.policy.iam.statement import MAX_POLICY_BYTES, PolicyDocument, allow, deny, end_of, policy, size_of
from authorizer.policy.permission import Effect, Permission
from authorizer.policy.route import VERBS, RouteCatalog, RouteTemplate, Segment, Selector, parse_selector

_MAX_DENIES = 150
"""More would not fit into the budget of bytes, and finding them takes time that grows with their square."""

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
    counterexample: Counterexample | None = None


_Guards = Mapping[str, list[Pattern]]
"""By verb, what Denies have to take in."""


class _RefusedError(Exception):
    def __init__(self, reason: RefusalReason, message: str, counterexample: Counterexample | None = None) -> None:
        super().__init__(message)
        self.refusal = Refusal(reason, message, counterexample)


@dataclass(slots=True)
class _VerbAccess:
    """What a caller may do with one verb: which routes, and until when each. A route that is allowed for some values only also stands
    as a route with marks in place of the parameters; `values` says what the marks stand for."""

    known: VerbRoutes
    allowed: dict[int, float]
    values: Mapping[str, str]
    catalog: RouteCatalog
    mask: int = field(init=False)

    def __post_init__(self) -> None:
        self.mask = self.known.mask(self.allowed)

    @property
    def disallowed(self) -> frozenset[int]:
        return frozenset(range(len(self.known.routes))) - self.allowed.keys()

    def texts(self, pattern: Pattern, some: str = "*", *, every_spelling: bool) -> list[str]:
        """Return the pattern as it stands in a policy, its values as they are or in every spelling: `o/a@x/*`, or `o/a@x/*` and `o/a%40x/*`."""
        values = {piece: self.values[piece] for piece in pattern if piece is not STAR and piece in self.values}
        spellings = spellings_of(values) if every_spelling else [values]
        return ["/".join(some if piece is STAR else spelled.get(piece, piece) for piece in pattern) for spelled in spellings]

    def spelled(self, pattern: Pattern) -> Pattern:
        """Return the pattern with values in place of marks."""
        return tuple(piece if piece is STAR else self.values.get(piece, piece) for piece in pattern)

    def needs_slash_guard(self, pattern: Pattern) -> bool:
        """Return whether a slash too many in place of a parameter would lead to a route that is not allowed, as `/pets//` leads to `/pets`."""
        return not self.known.within(pattern, self.mask, empty_stars=True)


def compile_token(arn: MethodArn, grounds: Grounds, *, guards: bool = False, token_expiry: int | None = None) -> PolicyDocument | Refusal:
    """Return a policy that allows what `decide` allows, for every path in its plain spelling, and nothing more for any other; or the reason why not.

    A bound value stands there in each spelling that clients send, or in its own alone where that is too much.

    `arn` is any of the stage. `guards` permits Denies that tell routes apart. With `token_expiry`, the token's `exp`, Allows carry the condition that
    they end with their reason.
    """
    try:
        access = _read_access(grounds)
        guarding = {verb.known.verb: _route_guards(verb, guards=guards) for verb in access}
        if any(len(spellings_of(dict(verb.values))) > 1 for verb in access):
            # All of them or none: a Deny has to be spelled as the Allow that it holds back is.
            with suppress(_RefusedError):
                return _policy(arn, access, guarding, token_expiry, every_spelling=True)
        return _policy(arn, access, guarding, token_expiry, every_spelling=False)
    except _RefusedError as error:
        return error.refusal


def _policy(
    arn: MethodArn, access: list[_VerbAccess], guarding: _Guards, token_expiry: int | None, *, every_spelling: bool
) -> PolicyDocument:
    """Return the policy, collapsed if its listing is too large. Raises `_RefusedError` if it does not fit even so."""
    # A listing whose prefixes alone are too long need not be written to be measured.
    listed = sum(len(verb.allowed) for verb in access) * len(arn.prefix) <= MAX_POLICY_BYTES
    document = _document(arn, access, guarding, token_expiry, collapse=not listed, every_spelling=every_spelling)
    if listed and size_of(document) > MAX_POLICY_BYTES:
        document = _document(arn, access, guarding, token_expiry, collapse=True, every_spelling=every_spelling)
    size = size_of(document)
    if size > MAX_POLICY_BYTES:
        raise _RefusedError(RefusalReason.TOO_LARGE, f"the policy has {size} bytes, more than {MAX_POLICY_BYTES}: use `route` scope")
    return document


def _read_access(grounds: Grounds) -> list[_VerbAccess]:
    """Judge every route for every verb."""
    by_verb, sides = _by_verb(grounds), range(len(sides_of(grounds.permissions)))
    marks: dict[str, str] = {}
    reach = reach_of(grounds.catalog)
    result = []
    for verb in VERBS:
        if verb not in by_verb:
            continue
        base = reach.routes(verb)
        chosen = [
            (side, p, number)
            for side, p, selector in by_verb[verb]
            for number in base.selected(selector)
            if not p.leaves_out(verb, base.routes[number])
        ]
        allowed: dict[int, float] = {}
        bound: dict[Bound, float] = {}
        for number, allows in _granted(chosen, sides).items():
            for values, until in _widest(allowed_values(allows, grounds, base.routes[number])).items():
                if not values:
                    allowed[number] = until
                    continue
                # Marks are no words, so that what is found out about these routes holds for every caller.
                named = {name: marks.setdefault(value, mark_of(len(marks))) for name, value in values}
                bound[number, with_bound(base.routes[number], named)] = until
        known = reach.with_bound(verb, tuple(bound))
        allowed |= dict(enumerate(bound.values(), len(base.routes)))
        values_by_mark = {mark: value for value, mark in marks.items()}
        result.append(
            _VerbAccess(
                known, {number: end for number, end in allowed.items() if number in known.patterns}, values_by_mark, grounds.catalog
            )
        )
    _refuse_words(grounds.catalog, marks)
    return result


def _widest(allowed: Mapping[Values, float]) -> dict[Values, float]:
    """Return what is allowed without what something wider allows besides: where `{owner}` is `u1` -> not also where `{owner}` is `u1` and `{pet}` is `p1`."""
    return {values: until for values, until in allowed.items() if not any({*others} < {*values} for others in allowed)}


def _by_verb(grounds: Grounds) -> dict[str, list[tuple[int, Permission, Selector]]]:
    """Return the permissions in force by the verbs that they speak of, each with the number of its side."""
    found: dict[str, list[tuple[int, Permission, Selector]]] = {}
    for side, permissions in enumerate(sides_of(grounds.permissions)):
        for permission in permissions:
            if permission.in_force(grounds.now):
                selector = parse_selector(permission.selector)
                for verb in selector.verbs:
                    found.setdefault(verb, []).append((side, permission, selector))
    return found


def _granted(chosen: list[tuple[int, Permission, int]], sides: range) -> dict[int, tuple[list[Permission], ...]]:
    """Return the allows of each side by the number of their route. A route with a deny has none."""
    denied = {number for _, permission, number in chosen if permission.effect is Effect.DENY}
    granted: dict[int, tuple[list[Permission], ...]] = {}
    for side, permission, number in chosen:
        if number not in denied:
            granted.setdefault(number, tuple([] for _ in sides))[side].append(permission)
    return granted


def _refuse_words(catalog: RouteCatalog, values: Iterable[str]) -> None:
    """A value that is also a word of the catalogue could stand where the pattern of another route expects that word."""
    for word in {*values} & {*words_of(catalog.routes)} if values else ():
        message = f"the claim value `{word}`, to which a route is bound, is also a word of the catalogue: use `route` scope"
        raise _RefusedError(RefusalReason.BINDING, message)


def _route_guards(verb: _VerbAccess, *, guards: bool) -> list[Pattern]:
    """Return what Denies have to take in to tell the routes of one verb apart. Raises `_RefusedError` if none would do, or if there may be none."""
    denied: set[Pattern] = set()
    for number in verb.allowed:
        if not verb.known.within(verb.known.patterns[number], verb.mask):
            denied |= _guards_of(verb, number, guards=guards)
    return [pattern for pattern in denied if not any(other != pattern and takes_in(other, pattern) for other in denied)]


def _guard_texts(verb: _VerbAccess, patterns: Iterable[Pattern], *, every_spelling: bool) -> list[str]:
    # A slash at the end leads to the same route. A `*` takes it in, a literal has to be written with it too.
    return sorted(
        text + end
        for pattern in patterns
        for text in verb.texts(pattern, every_spelling=every_spelling)
        for end in ("", *("/" if pattern[-1:] != (STAR,) and text else ""))
    )


def _guards_of(verb: _VerbAccess, number: int, *, guards: bool) -> set[Pattern]:
    denied: set[Pattern] = set()
    for path in verb.known.paths(verb.known.patterns[number], verb.disallowed):
        if not guards:
            raise _inexact(verb, number, path, None)
        if any(takes_in(other, path) for other in denied):
            continue
        hit = next(verb.known.paths(path, frozenset(verb.allowed)), None)
        if hit is not None:
            raise _inexact(verb, number, path, hit)
        denied.add(path)
        if len(denied) > _MAX_DENIES:
            message = f"`{verb.known.verb}` would need more than {_MAX_DENIES} Denies: use `route` scope"
            raise _RefusedError(RefusalReason.TOO_LARGE, message)
    return denied


def _inexact(verb: _VerbAccess, number: int, denied: SymbolicPath, also_allowed: SymbolicPath | None) -> _RefusedError:
    owners = [number, verb.known.owner(denied), *([verb.known.owner(also_allowed)] if also_allowed is not None else [])]
    routes = [_readable(verb, verb.known.routes[owner]) for owner in owners if owner is not None]
    paths = verb.spelled(verb.known.patterns[number]), verb.spelled(denied), None if also_allowed is None else verb.spelled(also_allowed)
    words = [*words_of(verb.catalog.routes), *(text for spelled in spellings_of(dict(verb.values)) for text in spelled.values())]
    counterexample = spell_counterexample(verb.known.verb, routes, words, paths)
    ways = "use `route` scope, or one authorizer per path depth" + (", or guards" if also_allowed is None else "")
    return _RefusedError(RefusalReason.INEXACT, f"{counterexample}; {ways}", counterexample)


def _readable(verb: _VerbAccess, route: RouteTemplate) -> RouteTemplate:
    return RouteTemplate(route.method, tuple(Segment(s.kind, verb.values.get(s.text, s.text)) for s in route.segments))


def _document(
    arn: MethodArn, access: list[_VerbAccess], guarding: _Guards, token_expiry: int | None, *, collapse: bool, every_spelling: bool
) -> PolicyDocument:
    prefix = arn.prefix
    by_end: dict[int | None, list[str]] = {}
    denies: list[str] = []
    for verb in access:
        # From what is written in the end: a wider pattern may meet a slash too many where those that it stands for do not.
        patterns = _allows(verb, token_expiry, collapse=collapse)
        in_need = {pattern for pattern in patterns if verb.needs_slash_guard(pattern) or _outlives_emptied(verb, pattern, token_expiry)}
        for pattern in patterns:
            texts = verb.texts(pattern, "?*" if pattern in in_need else "*", every_spelling=every_spelling)
            by_end.setdefault(_end(verb, pattern, token_expiry), []).extend(f"{prefix}{verb.known.verb}/{text}" for text in texts)
        texts = [*_guard_texts(verb, guarding[verb.known.verb], every_spelling=every_spelling), *(_SLASH_GUARDS if in_need else ())]
        denies += [f"{arn.prefix}{verb.known.verb}/{text}" for text in texts]
    statements = [allow(sorted(resources), end) for end, resources in by_end.items()]
    if not statements:
        # Said aloud: beside a resource policy that allows, silence would be an allow.
        return policy(deny(f"{arn.prefix}*"))
    statements += [deny(*denies)] if denies else []
    longest = max(len(resource) for statement in statements for resource in statement["Resource"])
    if longest > MAX_RESOURCE:
        message = f"a resource of the policy has {longest} characters, more than {MAX_RESOURCE}: shorten the stage's name or the route"
        raise _RefusedError(RefusalReason.TOO_LARGE, message)
    return policy(*statements)


def _end(verb: _VerbAccess, pattern: Pattern, token_expiry: int | None, *, empty_stars: bool = False) -> int | None:
    """Return the second at which a pattern must end: `.../GET/pets/*` for routes that end at 10 and at 20 -> 10, since one pattern lets all of them through."""
    if token_expiry is None:
        return None
    owners = verb.known.owners(pattern, empty_stars=empty_stars) & verb.allowed.keys()
    ends = [end_of(verb.allowed[owner], token_expiry) for owner in owners]
    return min((end for end in ends if end is not None), default=None)


def _outlives_emptied(verb: _VerbAccess, pattern: Pattern, token_expiry: int | None) -> bool:
    """Return whether a pattern lasts longer than a route that it takes in with nothing in place of a `*`: `GET/*` takes in `GET/`, which may end before."""
    return _end(verb, pattern, token_expiry) != _end(verb, pattern, token_expiry, empty_stars=True)


def _allows(verb: _VerbAccess, token_expiry: int | None, *, collapse: bool) -> list[Pattern]:
    """Return the Allows of one verb. Collapsed, one `prefix/*` stands for all routes below a prefix wherever nothing below it is disallowed."""
    patterns = dict.fromkeys(verb.known.patterns[number] for number in verb.allowed)
    # What `/a/{x}` needs takes in all that `/a/{x+}` needs besides.
    for number in (number for number in verb.allowed if verb.known.routes[number].is_greedy):
        longer, plain = verb.known.patterns[number], pattern_of(verb.known.routes[number])
        if longer != plain and plain in patterns and _end(verb, longer, token_expiry) == _end(verb, plain, token_expiry):
            patterns.pop(longer, None)
    for wide in _wide(verb, patterns) if collapse else ():
        rest = [pattern for pattern in patterns if pattern == wide or not _is_below(wide, pattern)]
        patterns = dict.fromkeys([*rest, wide]) if len(rest) < len(patterns) else patterns
    return list(patterns)


def _wide(verb: _VerbAccess, patterns: Iterable[Pattern]) -> list[Pattern]:
    """Return the widest `prefix/*` that stand for more than one pattern and reach nothing disallowed."""
    below = Counter(pattern[:length] for pattern in patterns for length in range(len(pattern)))
    chosen: set[Pattern] = set()
    for prefix in sorted(below, key=len):
        covered = any(prefix[:length] in chosen for length in range(len(prefix)))
        wide: Pattern = (*prefix, STAR)
        several = below[prefix] > (wide in patterns)
        if not covered and several and verb.known.within(wide, verb.mask):
            chosen.add(prefix)
    return [(*prefix, STAR) for prefix in sorted(chosen, key=len)]


def _is_below(wide: Pattern, pattern: Pattern) -> bool:
    start = wide[:-1]
    return len(pattern) > len(start) and (pattern[: len(start)] == start or (STAR in start and takes_in(wide, pattern)))
