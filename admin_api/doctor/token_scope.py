"""A cache scope that the published document, or the API before it, cannot be answered for: callers in `token` scope, applications behind a greedy route."""

from collections.abc import Iterator

from admin_api.analysis.found_routes import Guard
from admin_api.analysis.token_scope import TokenVerdict, caller_kinds, token_verdicts
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import TOKEN_AUTHORIZER, cache_key, names_of
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.remedies import with_setting, with_sources, with_ttl
from admin_api.doctor.words import named
from authorizer.policy.cache_scope import CacheScope, KeyPart
from authorizer.policy.document import PermissionDocument
from authorizer.settings import Settings

_MAX_CALLERS = 5
_PATH = frozenset({KeyPart.METHOD, KeyPart.PATH})


def inexpressible_scope(deployment: Deployment) -> Iterator[Finding]:
    """Where no policy says exactly what is wanted, the answer covers the requested path alone; remembered under less, it refuses the caller's other routes."""
    settings = settings_of(deployment)
    if settings is None or deployment.published is None or settings.cache_scope is CacheScope.REQUEST:
        return
    key = cache_key(deployment, settings.token_from)
    if not key.remembers or key.parts >= _PATH:
        return
    document = deployment.published.document
    if settings.cache_scope is CacheScope.TOKEN and deployment.gateway is Gateway.REST:
        yield from _of_callers(deployment, settings, document)
    yield from _of_proxies(deployment, settings, document)


def _of_callers(deployment: Deployment, settings: Settings, document: PermissionDocument) -> Iterator[Finding]:
    """Name the callers of whom no policy can be written: each kind of caller but those that hold what another such kind holds."""
    failing: list[TokenVerdict] = []
    for verdict in token_verdicts(document, caller_kinds(document), deployment.read_at):
        is_fine = verdict.is_expressible or (verdict.guarded and settings.token_scope_guards)
        if not is_fine and not any(set(known.refs) <= set(verdict.refs) for known in failing):
            failing.append(verdict)
    for verdict in failing[:_MAX_CALLERS]:
        yield Finding(
            Severity.ERROR,
            f"document {document.api}",
            f"`token` scope cannot say it for {verdict}: the caller's first request decides, and its other routes are 403 for {deployment.authorizer.ttl} s",
            f"`CACHE_SCOPE=route` with a REQUEST authorizer, whose sources are {named(_ROUTE_SOURCES)}; or {with_ttl(deployment, 0)}",
        )
    if len(failing) > _MAX_CALLERS:
        yield Finding(
            Severity.ERROR,
            f"document {document.api}",
            f"`token` scope cannot say it for {len(failing) - _MAX_CALLERS} more kinds of callers",
            f"`gatebook export {document.api} > permissions.yaml`, then `gatebook check permissions.yaml` names each",
        )


_ROUTE_SOURCES = ("method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage")


def _of_proxies(deployment: Deployment, settings: Settings, document: PermissionDocument) -> Iterator[Finding]:
    """Name the greedy routes before several routes of the catalogue: the gateway tells which of its own was chosen, and the key holds no more."""
    is_token_authorizer = deployment.authorizer.kind == TOKEN_AUTHORIZER
    proxies = [
        each.route
        for each in deployment.routes.routes
        if each.guard is Guard.AUTHORIZER
        and each.route.is_greedy
        and any(document.catalog.covers_others(each.route.path, v) for v in each.route.verbs)
    ]
    if not proxies or (is_token_authorizer and settings.cache_scope is not CacheScope.TOKEN):
        return  # `identity_sources` says of the latter what is wrong with it, whatever the routes are.
    first = proxies[0]
    below = next(route for verb in first.verbs for route in document.catalog.below(first.path, verb))
    scope, ttl = settings.cache_scope, deployment.authorizer.ttl
    what = f"routes of the catalogue, such as `{below}`, lie behind {named(proxies)}, and with `CACHE_SCOPE={scope}` "
    if scope is CacheScope.TOKEN:
        what += "what the application serves and the catalogue lacks may be let through by what allows its neighbours"
    else:
        what += f"an answer for one of their paths is remembered for all: the caller's other paths are 403 for {ttl} s"
    sources = names_of(deployment, settings.token_from, KeyPart.METHOD, KeyPart.ROUTE, KeyPart.PATH)
    fitting = with_ttl(deployment, 0) if is_token_authorizer else f"the path in the key: {with_sources(deployment, sources)}"
    yield Finding(
        Severity.WARNING if scope is CacheScope.TOKEN else Severity.ERROR,
        "proxied routes",
        what,
        f"{with_setting('CACHE_SCOPE', 'request')}, and {fitting}",
    )
