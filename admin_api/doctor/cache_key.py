"""What the gateway's cache key holds, read from the names of the authorizer's identity sources.

The function sees no names: a REST API tells it nothing of the key, and an HTTP API tells the values. For example: `context.httpMethod` is the method.
"""

from dataclasses import dataclass

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.identity_sources import identity_source
from authorizer.events.token_places import TokenPlaces
from authorizer.policy.cache_scope import KeyPart

TOKEN_AUTHORIZER = "TOKEN"  # noqa: S105  # the type, not a secret

_CONTEXT = {
    Gateway.REST: {
        KeyPart.METHOD: "context.httpMethod",
        KeyPart.ROUTE: "context.resourcePath",
        KeyPart.PATH: "context.path",
        KeyPart.HOST: "context.domainName",
    },
    Gateway.HTTP: {
        KeyPart.METHOD: "$context.httpMethod",
        KeyPart.ROUTE: "$context.routeKey",
        KeyPart.PATH: "$context.path",
        KeyPart.HOST: "$context.domainName",
    },
}
_STAGE = {Gateway.REST: "context.stage", Gateway.HTTP: "$context.stage"}
_RESOURCE_ID = "context.resourceId"


@dataclass(frozen=True, slots=True)
class CacheKey:
    """`remembers` tells whether the gateway keeps answers at all, `parts` and `has_stage` what tells two of them apart."""

    remembers: bool
    parts: frozenset[KeyPart]
    has_stage: bool


def cache_key(deployment: Deployment, places: TokenPlaces) -> CacheKey:
    """Return the key under which the gateway remembers answers, where tokens come in these places.

    An HTTP API without identity sources remembers nothing, whatever its TTL ("Caching authorizer responses", developer guide), nor does `$connect`.
    """
    authorizer, gateway = deployment.authorizer, deployment.gateway
    if gateway is Gateway.WEBSOCKET:
        return CacheKey(remembers=False, parts=frozenset(), has_stage=False)
    if authorizer.kind == TOKEN_AUTHORIZER:
        return CacheKey(authorizer.ttl > 0, frozenset({KeyPart.TOKEN}), has_stage=False)
    sources = set(authorizer.sources)
    parts = {part for part, name in _CONTEXT[gateway].items() if name in sources}
    if _RESOURCE_ID in sources:
        parts.add(KeyPart.ROUTE)
    if gateway is Gateway.HTTP and KeyPart.ROUTE in parts and not guarded_any_routes(deployment):
        # The route key is `GET /pets`.
        parts.add(KeyPart.METHOD)
    if all(is_source(deployment, identity_source(place, gateway)) for place in places):
        parts.add(KeyPart.TOKEN)
    remembers = authorizer.ttl > 0 and (gateway is Gateway.REST or bool(sources))
    return CacheKey(remembers, frozenset(parts), has_stage=_STAGE[gateway] in sources)


def guarded_any_routes(deployment: Deployment) -> tuple[str, ...]:
    """Return the guarded routes whose route key does not tell the method: `ANY /pets`, and `$default`, which is `ANY /` and `ANY /{proxy+}`."""
    return tuple(str(each.route) for each in deployment.routes.routes if each.route.method == "ANY" and each.guard is Guard.AUTHORIZER)


def is_source(deployment: Deployment, source: str) -> bool:
    """Return whether the authorizer has an identity source. Names of headers count in any case, those of query parameters as they are written."""
    return _folded(source) in map(_folded, deployment.authorizer.sources)


def demanded(deployment: Deployment) -> tuple[str, ...]:
    """Return the identity sources that a request may lack, for which the gateway then answers 401 itself: its headers and query parameters."""
    return tuple(source for source in deployment.authorizer.sources if ".header." in source or ".querystring." in source)


def names_of(deployment: Deployment, places: TokenPlaces, *parts: KeyPart, stage: bool = False) -> tuple[str, ...]:
    """Return the identity sources of a REST or HTTP API that hold the token and these parts, as the gateway writes them."""
    gateway = deployment.gateway
    named = [identity_source(place, gateway) for place in places]
    named += [name for part, name in _CONTEXT[gateway].items() if part in parts]
    return (*named, *((_STAGE[gateway],) if stage else ()))


def _folded(source: str) -> str:
    return source.lower() if ".header." in source else source
