"""CORS headers on the gateway's own refusals, and of an HTTP API on everything: a browser hides an answer that lacks them."""

from collections.abc import Iterator, Mapping

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.browsers import serves_browsers
from admin_api.doctor.deployment import Deployment, Gateway, RefusalResponse
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.words import named
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind

_ORIGIN = "access-control-allow-origin"
_PREFIX = "gatewayresponse.header."
_AUTHORIZATION = "authorization"

_REFUSALS = {
    "UNAUTHORIZED": (401, "DEFAULT_4XX"),
    "ACCESS_DENIED": (403, "DEFAULT_4XX"),
    "AUTHORIZER_FAILURE": (500, "DEFAULT_5XX"),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "DEFAULT_5XX"),
}
"""What becomes of a refused request at a REST API, its status, and from which response it has its headers if it was not changed itself ("Gateway response
types", developer guide)."""


def hidden_refusals(deployment: Deployment) -> Iterator[Finding]:
    """A page that is refused sees a network error where it should see 401, and so cannot sign its user in again. Only of APIs that were made for browsers."""
    if deployment.gateway is Gateway.REST:
        if deployment.refusals is not None and serves_browsers(deployment):
            yield from _of_rest(deployment, deployment.refusals)
    elif deployment.gateway is Gateway.HTTP and serves_browsers(deployment):
        yield from _of_http(deployment)


def _of_rest(deployment: Deployment, refusals: Mapping[str, RefusalResponse]) -> Iterator[Finding]:
    bare = {name: known for name, known in _REFUSALS.items() if not _has_origin(refusals.get(name) or refusals.get(known[1]))}
    if not bare:
        return
    of = " and ".join(dict.fromkeys(str(status) for status, _ in bare.values()))
    changed = [name if name in refusals else default for name, (_, default) in bare.items()]
    command = (
        f"aws apigateway update-gateway-response --rest-api-id {deployment.api_id} --response-type {changed[0]} --patch-operations "
        f"\"op=add,path=/responseParameters/gatewayresponse.header.Access-Control-Allow-Origin,value='\\'*\\''\""
    )
    yield Finding(
        Severity.WARNING,
        "gateway responses",
        f"{named(bare)} lack `Access-Control-Allow-Origin`: a browser shows a page a network error instead of {of}",
        f"under `GatewayResponses` for {named(changed)} `ResponseParameters: {{Headers: {{Access-Control-Allow-Origin: \"'*'\"}}}}`; or `{command}`",
    )


def _has_origin(response: RefusalResponse | None) -> bool:
    return response is not None and any(name.lower().removeprefix(_PREFIX) == _ORIGIN for name in response.headers)


def _of_http(deployment: Deployment) -> Iterator[Finding]:
    if not deployment.cors:
        yield Finding(
            Severity.WARNING,
            "CORS configuration",
            "there are routes for `OPTIONS` and there is no CORS configuration: the gateway's own 401, 403 and 500 lack `Access-Control-Allow-Origin`, and a "
            "browser shows a page a network error",
            f"{_configured(deployment, 'AllowOrigins=https://app.example.com', f'AllowHeaders={_AUTHORIZATION}')}; in a template `CorsConfiguration`",
        )
        return
    settings = settings_of(deployment)
    places = settings.token_from if settings is not None else AUTHORIZATION_HEADER
    allowed = {str(name).lower() for name in deployment.cors.get("AllowHeaders") or ()}
    needed = [place.name for place in places if place.kind is PlaceKind.HEADER]
    # The Fetch standard takes `*` for every header but this one.
    lacking = [name for name in needed if name not in allowed and (name == _AUTHORIZATION or "*" not in allowed)]
    if lacking:
        star = "; `*` does not stand for `authorization`" if "*" in allowed and _AUTHORIZATION in lacking else ""
        named_headers = ",".join(sorted({*allowed, *lacking}))
        yield Finding(
            Severity.WARNING,
            "CORS configuration",
            f"`AllowHeaders` lacks {named(lacking)}, in which tokens come{star}: a browser sends no request with a token",
            f"{_configured(deployment, f'AllowHeaders={named_headers}')}, with the rest of the configuration, which is replaced as a whole",
        )
    if any(place.kind is PlaceKind.COOKIE for place in places) and not deployment.cors.get("AllowCredentials"):
        yield Finding(
            Severity.WARNING,
            "CORS configuration",
            "tokens come in a cookie and `AllowCredentials` is not set: a browser sends no cookie to another origin",
            f"{_configured(deployment, 'AllowCredentials=true', 'AllowOrigins=https://app.example.com')}, with the rest of the configuration, which is "
            "replaced as a whole; browsers take no `*` as origin then",
        )


def _configured(deployment: Deployment, *fields: str) -> str:
    return f"`aws apigatewayv2 update-api --api-id {deployment.api_id} --cors-configuration {' '.join(fields)}`"
