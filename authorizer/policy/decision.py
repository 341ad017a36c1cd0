"""What permissions mean. Every policy is an encoding of `decide` and may never allow what it denies."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import reduce
from itertools import chain, product
from math import inf
from typing import NamedTuple

from authorizer.policy.permission import Effect, Permission, bindable_text, decoded_segment
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import Target, Unroutable
from authorizer.policy.route import RouteCatalog, RouteTemplate


class Reason(StrEnum):
    """Why a request for a route is allowed or denied, when permissions decided it."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit_deny"
    IMPLICIT_DENY = "implicit_deny"
    NOT_CONSENTED = "not_consented"


class Decision(NamedTuple):
    """The answer for one request: `determining` are the permissions that made it, none where nothing allowed it.

    What is allowed is so until the second `until`, if nothing else changes.
    """

    effect: Effect
    reason: Reason | Unroutable
    route: RouteTemplate | None
    determining: tuple[Permission, ...] = ()
    until: float = inf

    @property
    def allowed(self) -> bool:
        """Whether the request may pass."""
        return self.effect is Effect.ALLOW


class Grounds(NamedTuple):
    """What a decision rests on besides the request: the caller's permissions and claims, the catalogue, and the time in epoch seconds."""

    permissions: Collection[Permission]
    catalog: RouteCatalog
    claims: Mapping[str, str]
    now: float


def decide(grounds: Grounds, target: Target) -> Decision:
    """Any matching deny wins; else any matching allow, and for a caller through a delegated client one of the consent besides; else it is an implicit deny."""
    if target.route is None or target.problem is not None:
        return Decision(Effect.DENY, target.problem or Unroutable.NO_ROUTE, target.route)
    route, parameters = target.route, target.parameters
    denies, sides = applicable(grounds, target.verb, route)
    if denies:
        return Decision(Effect.DENY, Reason.EXPLICIT_DENY, route, denies)
    met = [tuple(p for p in allows if _is_met(p, grounds, route, parameters)) for allows in sides]
    if all(met):
        return Decision(Effect.ALLOW, Reason.ALLOWED, route, tuple(chain(*met)), min(map(latest_end, met)))
    return Decision(Effect.DENY, Reason.NOT_CONSENTED if met[0] else Reason.IMPLICIT_DENY, route)


def applicable(grounds: Grounds, verb: str, route: RouteTemplate) -> tuple[tuple[Permission, ...], tuple[tuple[Permission, ...], ...]]:
    """Return the denies and the allows in force for this verb of this route, whatever their `where` says.

    The allows are of one side, or, for a caller through a delegated client, of two: the caller's own and those of the consent. One of each has to be met.
    """
    held = grounds.permissions
    # An index pays for whoever asks again and again. For one question looking at each permission is less work, and tests judge the index by it.
    if not isinstance(held, CallerPermissions):
        meant: list[Iterable[Permission]] = [(p for p in held if p.means(verb, route))]
    elif held.consent is None:
        meant = [held.matching(verb, route)]
    else:
        meant = [held.matching(verb, route), held.consent.matching(verb, route)]
    sides = [[p for p in side if p.in_force(grounds.now)] for side in meant]
    denies = tuple(p for side in sides for p in side if p.effect is Effect.DENY)
    return denies, tuple(tuple(p for p in side if p.effect is Effect.ALLOW) for side in sides)


def sides_of(held: Collection[Permission]) -> tuple[Collection[Permission], ...]:
    """Return the permissions of one side, or of two for a caller through a delegated client."""
    return (held,) if not isinstance(held, CallerPermissions) or held.consent is None else (held.own, held.consent)


def latest_end(allows: Iterable[Permission]) -> float:
    """Return the second from which none of these allows holds any more: of one until 10 and one until 20 -> 20, infinity if one has no end."""
    return max(inf if p.until is None else p.until for p in allows)


Values = tuple[tuple[str, str], ...]
"""Parameters and the values that they must have, sorted: `(("ownerId", "u1"),)`, none where any will do."""


def allowed_values(sides: Iterable[Iterable[Permission]], grounds: Grounds, route: RouteTemplate) -> dict[Values, float]:
    """Return the values that parameters of a route must have so that an allow of each side is met, each with the second at which that ends.

    For example: a group's allow where `{ownerId}` is `u1`, until 20, and a scope's without conditions, until 10 -> where `{ownerId}` is `u1`, until 10.
    Allows that ask for different values of one parameter are never met together. What any value will do for covers the rest of its side.
    """
    return reduce(_both, (_values_of_side(side, grounds, route) for side in sides))


def _values_of_side(allows: Iterable[Permission], grounds: Grounds, route: RouteTemplate) -> dict[Values, float]:
    allows = tuple(allows)
    free = [p for p in allows if not p.where]
    if free:
        return {(): latest_end(free)}
    result: dict[Values, float] = {}
    for permission in allows:
        values = bound_values(permission, grounds, route)
        if values is not None:
            key = tuple(sorted(values.items()))
            result[key] = max(result.get(key, 0), latest_end((permission,)))
    return result


def _both(some: Mapping[Values, float], others: Mapping[Values, float]) -> dict[Values, float]:
    result: dict[Values, float] = {}
    for (one, end), (other, other_end) in product(some.items(), others.items()):
        merged = dict(one) | dict(other)
        if merged == dict(other) | dict(one):
            key = tuple(sorted(merged.items()))
            result[key] = max(result.get(key, 0), min(end, other_end))
    return result


def bound_values(permission: Permission, grounds: Grounds, route: RouteTemplate) -> dict[str, str] | None:
    """Return the value that each bound path parameter must have, `{}` if there is none, or None if no value can do.

    A claim that is missing, that could act as a pattern, or that is the word of a sibling route never meets a binding; nor do two claims that differ for
    one parameter.
    """
    reserved = grounds.catalog.reserved_words(route) if permission.where else {}
    values: dict[str, str] = {}
    for binding in permission.where:
        value = bindable_text(grounds.claims.get(binding.claim))
        if value is None or value in reserved.get(binding.parameter, (value,)):
            return None
        if values.setdefault(binding.parameter, value) != value:
            return None
    return values


def _is_met(permission: Permission, grounds: Grounds, route: RouteTemplate, parameters: Mapping[str, str]) -> bool:
    """Return whether each bound parameter has its value: `alice@x.com` is met by `alice@x.com` and `alice%40x.com`, and never by `alice%2540x.com`."""
    wanted = bound_values(permission, grounds, route)
    return wanted is not None and all(decoded_segment(parameters.get(name, "")) == value for name, value in wanted.items())
