"""What one set of permissions comes to: as one policy, as one per path depth, and as the listing that samples write, `{parameter}` as `*`.

Whether a set can be said is found out twice, by the compiler and by `plain_reach`: a difference raises `AssertionError`.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from time import process_time

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.statement import PolicyDocument
from authorizer.policy.iam.token_policy import Refusal, RefusalReason, compile_token
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.request_path import resolve
from authorizer.policy.route import RouteCatalog, parse_route
from tests.performance.permission_sets import Api, PermissionSet, by_depth, permission_sets
from tests.performance.plain_reach import PlainReach, by_verb, parts_of, pattern_of

ARN = MethodArn("aws", "eu-central-1", "123456789012", "a1b2c3d4e5", "prod", "GET", "")


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of one policy for one part of an API: whether Allows alone, or Allows with guards, can say it, and which forbidden routes the listing opens."""

    allows_do: bool
    guards_do: bool
    opened: int
    is_listing_right: bool
    """The listing opens nothing, with a slash too many neither."""
    policy: PolicyDocument | None
    """What the compiler gives, with guards where Allows alone will not do; None if it refuses."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Of one set of permissions: `whole` with one authorizer, `parts` with one for each path depth. Times in seconds."""

    api: str
    kind: str
    forbidden: int
    whole: Judgement
    parts: tuple[Judgement, ...]
    our_bytes: int | None
    listing_bytes: int
    cold: float
    warm: float

    @property
    def opened_by_depth(self) -> int:
        """The forbidden routes that the listing opens where each depth has its own authorizer."""
        return sum(part.opened for part in self.parts)


class Part:
    """Routes behind one authorizer, with what is found out about them."""

    def __init__(self, routes: Iterable[str]) -> None:
        self.routes = frozenset(routes)
        self.catalog = catalog_of(self.routes)
        self._paths = by_verb(sorted(self.routes))
        self._reach = {verb: PlainReach(paths) for verb, paths in self._paths.items()}

    def judge(self, chosen: Collection[str]) -> Judgement:
        """Judge the policy that allows the chosen routes. Raises `AssertionError` if the compiler and `plain_reach` differ."""
        allowed = {verb: _mask(f"{verb} {path}" in chosen for path in paths) for verb, paths in self._paths.items()}
        reached = [(self._reach[verb], mask) for verb, mask in allowed.items()]
        opened = sum((reach.listing_opens(mask) & ~mask).bit_count() for reach, mask in reached)
        with_slashes = any(reach.listing_opens_with_slashes(mask) & ~mask for reach, mask in reached)
        allows_do = all(reach.allows_do(mask) for reach, mask in reached)
        guards_do = all(reach.guards_do(mask) for reach, mask in reached)
        grounds = grounds_of(self.catalog, chosen)
        plain, guarded = compile_token(ARN, grounds), compile_token(ARN, grounds, guards=True)
        for answer, expected in ((plain, allows_do), (guarded, guards_do)):
            if not isinstance(answer, Refusal) or answer.reason is not RefusalReason.TOO_LARGE:
                assert isinstance(answer, Refusal) is not expected, (sorted(chosen), answer)
        policy = next((answer for answer in (plain, guarded) if not isinstance(answer, Refusal)), None)
        return Judgement(allows_do, guards_do, opened, not with_slashes, policy)


def measures(api: Api, *, most: int | None = None) -> Iterator[Measure]:
    """Measure every set of permissions of an API."""
    whole = Part(api.routes)
    parts = [Part(routes) for routes in by_depth(api.routes).values()]
    for chosen in permission_sets(api, most=most):
        yield measure(api, whole, parts, chosen)


def measure(api: Api, whole: Part, parts: Iterable[Part], chosen: PermissionSet) -> Measure:
    """Measure one set of permissions."""
    judged = whole.judge(chosen.allowed)
    cold, warm = times(whole.routes, chosen.allowed)
    return Measure(
        api=api.name,
        kind=chosen.kind,
        forbidden=len(whole.routes - chosen.allowed),
        whole=judged,
        parts=tuple(part.judge(chosen.allowed & part.routes) for part in parts if chosen.allowed & part.routes),
        our_bytes=None if judged.policy is None else len(json.dumps(judged.policy)),
        listing_bytes=len(json.dumps(listing(chosen.allowed))),
        cold=cold,
        warm=warm,
    )


def listing(allowed: Iterable[str]) -> dict[str, object]:
    """The policy that samples and blueprints write: each allowed route with every parameter as `*`."""
    resources = {f"{ARN.prefix}{verb}/{'/'.join(pattern_of(path))}" for verb, path in (route.split(" ", 1) for route in allowed)}
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": sorted(resources)}
    return {"Version": "2012-10-17", "Statement": [statement]}


def catalog_of(routes: Iterable[str]) -> RouteCatalog:
    """A catalogue about which nothing is known yet."""
    return RouteCatalog(map(parse_route, routes))


def grounds_of(catalog: RouteCatalog, allowed: Iterable[str]) -> Grounds:
    """One permission for each allowed route: the most rows that a set can take."""
    return Grounds(tuple(Permission(EVERYONE, Effect.ALLOW, route) for route in sorted(allowed)), catalog, {}, 0.0)


def answer(grounds: Grounds) -> PolicyDocument | Refusal:
    """What a request costs: the decision about its own route, and the policy for all."""
    *_, last = grounds.permissions
    verb, path = last.selector.split(" ", 1)
    target = resolve(grounds.catalog, verb, "/".join("7" if part.startswith("{") else part for part in parts_of(path)), None, exact=False)
    decide(grounds, target)
    return compile_token(ARN, grounds)


def times(routes: Iterable[str], allowed: Iterable[str]) -> tuple[float, float]:
    """The processor's seconds for one answer about a catalogue that is new, and for one about the same catalogue again."""
    grounds = grounds_of(catalog_of(routes), allowed)
    started = process_time()
    answer(grounds)
    cold = process_time()
    answer(grounds)
    return cold - started, process_time() - cold


def _mask(bits: Iterable[bool]) -> int:
    return sum(1 << number for number, bit in enumerate(bits) if bit)
