"""What permissions mean. Every policy is an encoding of `decide` and may never allow what it denies."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from authorizer.policy.permission import Effect, Permission, bindable_text, decoded_segment
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import Target, Unroutable
from authorizer.policy.route import RouteCatalog, RouteTemplate, parse_selector


class Reason(StrEnum):
    """Why a request for a route is allowed or denied, when permissions decided it."""

    ALLOWED = "allowed"
    EXPLICIT_DENY = "explicit_deny"
    IMPLICIT_DENY = "implicit_deny"


class Decision(NamedTuple):
    """The answer for one request: `determining` are the permissions that made it, none where nothing allowed it."""

    effect: Effect
    reason: Reason | Unroutable
    route: RouteTemplate | None
    determining: tuple[Permission, ...] = ()

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
    """Any matching deny wins; else any matching allow; else it is an implicit deny."""
    if target.route is None or target.problem is not None:
        return Decision(Effect.DENY, target.problem or Unroutable.NO_ROUTE, target.route)
    denies, allows = applicable(grounds, target.verb, target.route)
    if denies:
        return Decision(Effect.DENY, Reason.EXPLICIT_DENY, target.route, denies)
    met = tuple(p for p in allows if _is_met(p, grounds, target.route, target.parameters))
    if met:
        return Decision(Effect.ALLOW, Reason.ALLOWED, target.route, met)
    return Decision(Effect.DENY, Reason.IMPLICIT_DENY, target.route)


def applicable(grounds: Grounds, verb: str, route: RouteTemplate) -> tuple[tuple[Permission, ...], tuple[Permission, ...]]:
    """Return the denies and the allows in force for this verb of this route, whatever their `where` says."""
    held = grounds.permissions
    # An index pays for whoever asks again and again. For one question looking at each permission is less work, and tests judge the index by it.
    if isinstance(held, CallerPermissions):
        meant: Iterable[Permission] = held.matching(verb, route)
    else:
        meant = (p for p in held if parse_selector(p.selector).matches(verb, route))
    matching = [p for p in meant if p.in_force(grounds.now)]
    return tuple(p for p in matching if p.effect is Effect.DENY), tuple(p for p in matching if p.effect is Effect.ALLOW)


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
