"""The authorizer's identity sources beside the function's `CACHE_SCOPE` and `TOKEN_FROM`: what it answers must fit the key under which that is remembered."""

from collections.abc import Iterator

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import TOKEN_AUTHORIZER, CacheKey, cache_key, demanded, guarded_any_routes, is_source, names_of
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.remedies import with_setting, with_sources, with_ttl
from admin_api.identity_sources import identity_source
from authorizer.events.token_places import AUTHORIZATION_HEADER
from authorizer.policy.cache_scope import CacheScope, KeyPart
from authorizer.settings import Settings

_OF_ROUTE = frozenset({KeyPart.METHOD, KeyPart.ROUTE})
_OF_REQUEST = _OF_ROUTE | {KeyPart.PATH}


def unfit_identity_sources(deployment: Deployment) -> Iterator[Finding]:
    """An answer that is remembered under too little is given to requests that it says nothing of, or to other callers.

    The classic case is a TOKEN authorizer with a TTL whose answers name the requested path: the caller's other routes are 403, now and then.
    """
    settings = settings_of(deployment)
    if settings is None:
        return
    if deployment.authorizer.kind == TOKEN_AUTHORIZER:
        yield from _of_token_authorizer(deployment, settings)
        return
    if deployment.gateway is not Gateway.WEBSOCKET:
        key = cache_key(deployment, settings.token_from)
        yield from _of_places(deployment, settings, key)
        yield from _of_scope(deployment, settings, key)
    yield from _of_demanded(deployment, settings)


def _of_token_authorizer(deployment: Deployment, settings: Settings) -> Iterator[Finding]:
    ttl, scope = deployment.authorizer.ttl, settings.cache_scope
    if ttl > 0 and scope is not CacheScope.TOKEN:
        yield _finding(
            Severity.ERROR,
            deployment,
            f"a TOKEN authorizer's answers are remembered under the token alone, for {ttl} s, and with `CACHE_SCOPE={scope}` each names one path: "
            "a caller's first request decides, and its other routes are 403 until that is over, now one and now another",
            f"take a REQUEST authorizer and `CACHE_SCOPE=route`; or {with_setting('CACHE_SCOPE', 'token')}; or {with_ttl(deployment, 0)}",
        )
    if settings.token_from is AUTHORIZATION_HEADER:
        return
    taken = ", ".join(deployment.authorizer.sources)
    passed = [f"{place.kind}:{place.name}" for place in settings.token_from if not is_source(deployment, identity_source(place, "rest"))]
    if passed:
        everybody = len(passed) == len(settings.token_from)
        yield _finding(
            Severity.ERROR if everybody else Severity.WARNING,
            deployment,
            f"a TOKEN authorizer takes tokens from `{taken}` alone, whatever `TOKEN_FROM` says: a token in `{', '.join(passed)}` is 401",
            "take a REQUEST authorizer, or let clients send their tokens in that header and take `TOKEN_FROM` out",
        )


def _of_places(deployment: Deployment, settings: Settings, key: CacheKey) -> Iterator[Finding]:
    """Judge whether the key holds the token. Of several places each caller uses one, and the gateway demands all that it keys on."""
    places, ttl = settings.token_from, deployment.authorizer.ttl
    sources = [identity_source(place, deployment.gateway) for place in places]
    if len(places) > 1:
        keyed = [source for source in sources if is_source(deployment, source)]
        if keyed:
            yield _finding(
                Severity.ERROR,
                deployment,
                f"tokens come in several places, of which each caller uses one, and the gateway answers 401 to whoever lacks one of `{', '.join(keyed)}`",
                f"no identity sources and no memory: {with_ttl(deployment, 0)}; then {with_sources(deployment, ())}; and {with_setting('GATEWAY_TTL', '0')}",
            )
            return
    if KeyPart.TOKEN in key.parts:
        return
    if deployment.gateway is Gateway.HTTP and deployment.authorizer.sources and settings.gateway_ttl != 0:
        what = "the identity sources do not show the function that answers are remembered under the token: every request is 500 (`token_not_keyed`)"
    elif key.remembers:
        what = f"answers are remembered for {ttl} s under a key without the token: one caller is given another's answer"
    else:
        return
    if len(places) > 1:
        remedy = f"tokens come in several places, so nothing may be remembered: {with_ttl(deployment, 0)}; and {with_setting('GATEWAY_TTL', '0')}"
    elif key.remembers:
        remedy = with_sources(deployment, _wanted(deployment, settings))
    else:
        remedy = f"nothing is remembered, which the function has to be told: {with_setting('GATEWAY_TTL', '0')}"
    yield _finding(Severity.ERROR, deployment, what, remedy)


def _of_scope(deployment: Deployment, settings: Settings, key: CacheKey) -> Iterator[Finding]:
    """Judge whether the key holds what one answer speaks of."""
    is_http, ttl, scope = deployment.gateway is Gateway.HTTP, deployment.authorizer.ttl, settings.cache_scope
    if settings.simple_responses and is_http:
        return  # `simple_responses` judges them.
    if scope is CacheScope.TOKEN and not is_http:
        return
    lacking = (_OF_ROUTE if scope is CacheScope.ROUTE else _OF_REQUEST) - key.parts
    remedy = with_sources(deployment, _wanted(deployment, settings))
    if not key.remembers:
        if is_http and lacking and deployment.authorizer.sources and settings.gateway_ttl != 0:
            yield _finding(
                Severity.WARNING,
                deployment,
                "nothing is remembered, and the function is not told: it answers for the requested path alone, counts `needs_narrower_scope`, and is 500 "
                "(`route_not_keyed`) where a path may be that of two routes",
                with_setting("GATEWAY_TTL", "0"),
            )
        return
    if scope is CacheScope.TOKEN:
        yield from _of_http_in_token_scope(deployment, settings, sound=not lacking - {KeyPart.ROUTE})
    elif lacking == {KeyPart.ROUTE} and KeyPart.PATH in key.parts:
        yield _finding(Severity.WARNING, deployment, _by_path_alone(is_http=is_http), remedy)
    elif lacking:
        yield _finding(Severity.ERROR, deployment, _too_little(deployment, scope, lacking), remedy)
    elif scope is CacheScope.ROUTE and not key.has_stage:
        yield _finding(
            Severity.WARNING,
            deployment,
            "the key does not hold the stage, and no document says that two stages of an API share no answers: if they do, an answer for one stage refuses "
            f"the caller on the other for {ttl} s",
            remedy,
        )


def _of_http_in_token_scope(deployment: Deployment, settings: Settings, *, sound: bool) -> Iterator[Finding]:
    ttl = deployment.authorizer.ttl
    what = "no policy for all routes follows an HTTP API's routing, so that `CACHE_SCOPE=token` is answered for the requested path alone"
    if not sound:
        what += f"; it is remembered under less, and the caller's other routes are 403 for {ttl} s"
    sources = with_sources(deployment, names_of(deployment, settings.token_from, *_OF_ROUTE, stage=True))
    remedy = f"{with_setting('CACHE_SCOPE', 'route')}; and {sources}"
    yield _finding(Severity.WARNING if sound else Severity.ERROR, deployment, what, remedy)


def _of_demanded(deployment: Deployment, settings: Settings) -> Iterator[Finding]:
    """Name the identity sources that a good request may lack."""
    gateway, several = deployment.gateway, len(settings.token_from) > 1
    own = {identity_source(place, gateway).lower() for place in settings.token_from}
    is_websocket = gateway is Gateway.WEBSOCKET
    extra = [source for source in demanded(deployment) if is_websocket or source.lower() not in own]
    if not extra:
        return
    why = "also if it has its token in another place" if is_websocket or several else "though it has its token"
    if is_websocket:
        why += ": in `TOKEN_FROM`'s, in the query parameter `access_token` or after `bearer` in `Sec-WebSocket-Protocol`"
    kept = [source for source in deployment.authorizer.sources if source not in extra]
    yield _finding(
        Severity.WARNING,
        deployment,
        f"the gateway answers 401 by itself to each request that lacks `{', '.join(extra)}`, {why}",
        f"leave out what a request may lack: {with_sources(deployment, kept)}",
    )


def _too_little(deployment: Deployment, scope: CacheScope, lacking: frozenset[KeyPart]) -> str:
    ttl = deployment.authorizer.ttl
    named = " and ".join({"method": "the method", "route": "the route", "path": "the path"}[part] for part in KeyPart if part in lacking)
    of = "one method of one route" if scope is CacheScope.ROUTE else "one path"
    text = f"with `CACHE_SCOPE={scope}` an answer speaks of {of}, and is remembered for {ttl} s under a key that does not hold {named}: "
    text += f"the caller's other requests are 403 for {ttl} s, now one and now another"
    if deployment.gateway is Gateway.REST and scope is CacheScope.ROUTE and KeyPart.ROUTE in lacking:
        text += "; and what allows `GET /pets/{petId}` lets `GET /pets/export` through"
    anys = guarded_any_routes(deployment)
    if deployment.gateway is Gateway.HTTP and lacking == {KeyPart.METHOD} and anys:
        text += f"; the route key of `{anys[0]}` does not tell the method"
    return text


def _by_path_alone(*, is_http: bool) -> str:
    text = "the key holds the path and not the route: "
    if is_http:
        return (
            text
            + "the function answers for the requested path alone, and is 500 (`route_not_keyed`) where a path may be that of two routes"
        )
    return text + "under two custom domains one path may be two routes, and an answer for one refuses the other"


def _wanted(deployment: Deployment, settings: Settings) -> tuple[str, ...]:
    parts = {CacheScope.ROUTE: _OF_ROUTE, CacheScope.REQUEST: _OF_REQUEST, CacheScope.TOKEN: frozenset[KeyPart]()}[settings.cache_scope]
    return names_of(deployment, settings.token_from, *parts, stage=settings.cache_scope is CacheScope.ROUTE)


def _finding(severity: Severity, deployment: Deployment, message: str, remedy: str) -> Finding:
    return Finding(severity, f"authorizer {deployment.authorizer.id}", message, remedy)
