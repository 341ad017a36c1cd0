"""The function's `GATEWAY_TTL` beside the TTL that the authorizer has."""

from collections.abc import Iterator

from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import cache_key
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.remedies import with_setting, with_ttl


def misjudged_ttl(deployment: Deployment) -> Iterator[Finding]:
    """A function that takes the gateway for one without memory asks for no cache key: its answers are then found again by other requests.

    Only an HTTP API's key is asked for, so that at a REST API the setting is untrue and changes no answer.
    """
    settings = settings_of(deployment)
    if settings is None or settings.gateway_ttl is None or deployment.gateway is Gateway.WEBSOCKET:
        return
    about = f"authorizer {deployment.authorizer.id}"
    real = deployment.authorizer.ttl if cache_key(deployment, settings.token_from).remembers else 0
    if settings.gateway_ttl == real:
        return
    if settings.gateway_ttl == 0:
        what = f"`GATEWAY_TTL=0` says that nothing is remembered, and the gateway remembers answers for {real} s"
        is_http = deployment.gateway is Gateway.HTTP
        if is_http:
            what += ": the function asks for no cache key, so that an answer for one request, or one caller, may be given to another"
        remedy = f"take `GATEWAY_TTL` out of the function's environment; or {with_ttl(deployment, 0)}"
        yield Finding(Severity.ERROR if is_http else Severity.WARNING, about, what, remedy)
        return
    what = f"`GATEWAY_TTL` says that the gateway remembers answers for {settings.gateway_ttl:g} s, and it does so for {real} s"
    yield Finding(Severity.WARNING, about, what, with_setting("GATEWAY_TTL", str(real)))
