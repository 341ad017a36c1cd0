"""How long the gateway remembers answers, beside what is promised of changes (docs/changing.md, "How long a change takes to bite")."""

from collections.abc import Iterator
from datetime import UTC, datetime

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import cache_key
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.remedies import with_setting, with_ttl
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.permission import Effect, Permission
from authorizer.settings import Settings

LONGEST = 300
"""The TTL in seconds beyond which a revocation is called slow: API Gateway's own default."""

_USUAL = 60


def ill_chosen_ttl(deployment: Deployment) -> Iterator[Finding]:
    """What the gateway remembers outlives a revocation, a denylisted token and a permission's `until` by its TTL; without a TTL a wide answer serves nobody.

    The message names how long a revocation takes: the function's own interval (`POLICY_REFRESH_SECONDS`) and the TTL, one after the other.
    """
    settings = settings_of(deployment)
    if settings is None or deployment.gateway is Gateway.WEBSOCKET:
        return
    if not cache_key(deployment, settings.token_from).remembers:
        yield from _of_no_memory(deployment, settings)
        return
    ttl = deployment.authorizer.ttl
    slowest = ttl + settings.policy_refresh_seconds
    if ttl > LONGEST:
        yield _finding(
            deployment,
            f"answers are remembered for {ttl} s: a permission that is revoked, or a token that is put on the denylist, may count for {slowest:g} s more",
            with_ttl(deployment, _USUAL),
        )
    soon = _ends_soon(deployment, ttl)
    if soon is not None and not settings.expiry_conditions:
        until = datetime.fromtimestamp(soon.until or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield _finding(
            deployment,
            f"`{soon.id}` ends at {until}, and an answer that is remembered until then lets its holders through for up to {ttl} s more",
            f"drop what is remembered at that moment: {_flush(deployment)}; or {with_ttl(deployment, _USUAL)}",
        )


def _of_no_memory(deployment: Deployment, settings: Settings) -> Iterator[Finding]:
    scope = settings.cache_scope
    if scope is not CacheScope.REQUEST:
        yield _finding(
            deployment,
            f"`CACHE_SCOPE={scope}` makes answers that are good for more than one request, and the gateway remembers none: each request waits for the function",
            f"{with_ttl(deployment, _USUAL)}, with the identity sources of that scope; or {with_setting('CACHE_SCOPE', 'request')}",
        )
    if settings.deny_unauthorized and deployment.gateway is Gateway.HTTP and settings.gateway_ttl != 0:
        yield _finding(
            deployment,
            "`HTTP_API_UNAUTHORIZED=deny` turns each bad token into a 403 only where the function knows that nothing is remembered: what time cures, such "
            "as one whose key is not known yet, still end as an exception",
            with_setting("GATEWAY_TTL", "0"),
        )


def _ends_soon(deployment: Deployment, ttl: int) -> Permission | None:
    """Return the allow that ends first of those that end within a TTL from when the deployment was read."""
    if deployment.published is None:
        return None
    now = deployment.read_at
    allows = (p for subject in deployment.published.document.subjects.values() for p in subject.permissions if p.effect is Effect.ALLOW)
    ending = [p for p in allows if p.until is not None and now < p.until < now + ttl]
    return min(ending, key=lambda p: (p.until or 0, p.id), default=None)


def _flush(deployment: Deployment) -> str:
    if deployment.gateway is Gateway.REST:
        return f"`aws apigateway flush-stage-authorizers-cache --rest-api-id {deployment.api_id} --stage-name {deployment.stage}`"
    return f"`aws apigatewayv2 reset-authorizers-cache --api-id {deployment.api_id} --stage-name '{deployment.stage}'`"


def _finding(deployment: Deployment, message: str, remedy: str) -> Finding:
    return Finding(Severity.WARNING, f"authorizer {deployment.authorizer.id}", message, remedy)
