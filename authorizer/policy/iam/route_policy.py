"""Decisions written as the IAM policy that API Gateway caches and evaluates again for each request that shares the cache entry.

An answer may therefore depend only on what the cache key holds. Partition, region, account, API id, stage and verb are always literal, taken
from the incoming ARN: a wildcard there would cross `/` into other stages and methods ("IAM JSON policy elements: Resource", IAM user guide).
"""

from collections.abc import Mapping

from authorizer.policy.cache_scope import can_hold, pattern_parts
from authorizer.policy.decision import Decision, Grounds, Values, allowed_values, applicable
from authorizer.policy.iam.method_arn import MAX_RESOURCE, MethodArn, is_literal, literal_text
from authorizer.policy.iam.spellings import spellings_of
from authorizer.policy.iam.statement import (
    MAX_POLICY_BYTES,
    PolicyDocument,
    PolicyTooLargeError,
    allow,
    allows,
    deny,
    end_of,
    policy,
    size_of,
)
from authorizer.policy.route import RouteTemplate, SegmentKind

_KEPT_OF_A_LONG_ARN = 500


def compile_request(arn: MethodArn, decision: Decision, *, token_expiry: int | None = None) -> PolicyDocument:
    """Return the answer for the requested ARN and nothing else. An ARN that is too long for a Resource is denied by its beginning.

    With `token_expiry`, the token's `exp`, an Allow carries the condition that it ends with its reason.
    """
    text = str(arn)
    if is_too_long(arn):
        return policy(deny(literal_text(text)[:_KEPT_OF_A_LONG_ARN] + "*"))
    # INVARIANT: text that IAM would read as a pattern never stands in an Allow, whatever a decision says.
    if decision.allowed and is_literal(text):
        return policy(allow([text], end_of(decision.until, token_expiry)))
    return policy(deny(arn.prefix + literal_text(text.removeprefix(arn.prefix))))


def with_requested(document: PolicyDocument, arn: MethodArn, decision: Decision, *, token_expiry: int | None = None) -> PolicyDocument:
    """Return a policy for more than the request, with a statement for the requested ARN where it would not do what was decided.

    The catalogue may lack a deployed route below an allowed one, such as `GET /pets/{petId}/photos`, which `GET/pets/*` takes in: its ARN is denied. Or the
    path has a slash at its end, as in `GET /pets/`, which leads to an allowed route and stands in no Allow: its ARN is allowed, unless a Deny is in the way.
    """
    if allows(document, str(arn)) is decision.allowed:
        return document
    return policy(*document["Statement"], *compile_request(arn, decision, token_expiry=token_expiry)["Statement"])


def is_too_long(arn: MethodArn) -> bool:
    """Return whether this ARN cannot be a Resource of a policy."""
    return len(str(arn)) > MAX_RESOURCE


def compile_route(
    arn: MethodArn,
    grounds: Grounds,
    route: RouteTemplate | None,
    *,
    token_expiry: int | None = None,
    slash_counts: bool = False,
    as_sent: bool = True,
) -> PolicyDocument | None:
    """Return the answer for every request that the gateway serves by this route with the ARN's verb, whichever values its parameters have.

    `route` is None if the gateway's template is not in the catalogue. A denied answer covers the whole verb: the cache entry belongs to this
    route alone, and a narrower Deny would be missed by odd spellings. `slash_counts` as in `resolve`. None if no policy can hold a bound value to its
    place (see `can_hold`). Raises `PolicyTooLargeError`.

    `as_sent` tells that the gateway's ARNs have the path as it was sent. Then a bound value stands there in each spelling that clients send (see
    `spellings_of`), as far as the limits of a policy allow, and in its own alone otherwise: where ARNs are decoded, `alice%40x.com` is what was sent as
    `alice%2540x.com`, which is another value.
    """
    allowed = {} if route is None or arn.verb is None else _allowed_values(grounds, arn.verb, route)
    if route is None or not allowed:
        return policy(deny(f"{arn.method_prefix}*"))
    if not all(can_hold(route, dict(values)) for values in allowed):
        return None
    ends = {values: end_of(until, token_expiry) for values, until in allowed.items()}
    plain = {values: [dict(values)] for values in allowed}
    document = _for_route(arn, route, ends, plain, slash_counts=slash_counts)
    longest = max(len(resource) for statement in document["Statement"] for resource in statement["Resource"])
    if longest > MAX_RESOURCE:
        raise PolicyTooLargeError(f"a resource for route `{route}` has {longest} characters, more than {MAX_RESOURCE}")
    spelled = {values: spellings_of(dict(values)) for values in allowed} if as_sent else plain
    if spelled != plain:
        larger = _for_route(arn, route, ends, spelled, slash_counts=slash_counts)
        document = larger if size_of(larger) <= MAX_POLICY_BYTES else document
    return document


def _for_route(
    arn: MethodArn,
    route: RouteTemplate,
    ends: Mapping[Values, int | None],
    spellings: Mapping[Values, list[dict[str, str]]],
    *,
    slash_counts: bool,
) -> PolicyDocument:
    """Return the policy that allows a route for these parameter values in these spellings. Only the first of each may be too long for a Resource."""
    by_end: dict[int | None, set[str]] = {}
    for values, (plain, *others) in spellings.items():
        resources = by_end.setdefault(ends[values], set())
        resources.update(arn.method_prefix + path for path in _paths(route, plain, slash_counts=slash_counts))
        more = (arn.method_prefix + path for spelled in others for path in _paths(route, spelled, slash_counts=slash_counts))
        resources.update(resource for resource in more if len(resource) <= MAX_RESOURCE)
    statements = [allow(sorted(resources), end) for end, resources in by_end.items()]
    if not route.is_greedy and any(len(values) < len(route.parameters) for values in spellings):
        # A `*` also takes in `/`. Without this a path whose encoded slash was decoded could shift its segments under the wildcards.
        statements.append(deny(arn.method_prefix + "*/" * len(route.segments) + "?*"))
    return policy(*statements)


def _allowed_values(grounds: Grounds, verb: str, route: RouteTemplate) -> dict[Values, float]:
    """Return what is allowed by the parameter values that it takes, with the second at which it ends; with a deny nothing is."""
    denies, sides = applicable(grounds, verb, route)
    return {} if denies else allowed_values(sides, grounds, route)


def _paths(route: RouteTemplate, values: Mapping[str, str], *, slash_counts: bool) -> tuple[str, ...]:
    parts = pattern_parts(route, values)
    path = "/".join(parts)
    # REST APIs serve `/pets/` by `/pets` and keep the slash in the ARN. A `*` at the end takes it in, and the root has none to add.
    # Where it counts it would be the end of a bound value.
    is_value = bool(parts) and route.segments[-1].kind is not SegmentKind.LITERAL
    return (path,) if not parts or parts[-1] == "*" or (slash_counts and is_value) else (path, path + "/")
