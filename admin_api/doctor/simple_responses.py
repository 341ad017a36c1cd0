"""An HTTP API's simple responses: function and gateway must mean the same form of answer, and one word must not be found again by another request."""

from collections.abc import Iterator

from admin_api.analysis.found_routes import Guard
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import cache_key, names_of
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.remedies import with_setting, with_sources
from authorizer.policy.cache_scope import KeyPart
from authorizer.settings import Settings

_PAYLOAD = "2.0"
_OF_REQUEST = (KeyPart.METHOD, KeyPart.ROUTE, KeyPart.PATH)


def unfit_simple_responses(deployment: Deployment) -> Iterator[Finding]:
    """`{"isAuthorized": true}` is no policy, and a policy is no such word: a gateway that is given the other form refuses everybody."""
    settings = settings_of(deployment)
    if settings is None or deployment.gateway is not Gateway.HTTP:
        return
    authorizer = deployment.authorizer
    command = f"aws apigatewayv2 update-authorizer --api-id {deployment.api_id} --authorizer-id {authorizer.id}"
    if authorizer.payload != _PAYLOAD:
        if settings.simple_responses:
            yield _finding(
                Severity.WARNING,
                deployment,
                f"`HTTP_API_RESPONSE=simple` is for payload 2.0, and the authorizer's is {authorizer.payload}: it is answered by policies",
                f"`{command} --authorizer-payload-format-version 2.0 --enable-simple-responses`, or {with_setting('HTTP_API_RESPONSE', 'iam')}",
            )
    elif settings.simple_responses and not authorizer.simple_responses:
        yield _finding(
            Severity.ERROR,
            deployment,
            "the function answers with `isAuthorized`, and the gateway expects a policy: every request is 500",
            f"`{command} --enable-simple-responses`, or {with_setting('HTTP_API_RESPONSE', 'iam')}",
        )
    elif authorizer.simple_responses and not settings.simple_responses:
        yield _finding(
            Severity.ERROR,
            deployment,
            "the gateway expects `isAuthorized`, and the function answers with a policy: every request is refused",
            f"`{command} --no-enable-simple-responses`, or {with_setting('HTTP_API_RESPONSE', 'simple')} and `CACHE_SCOPE: request`",
        )
    elif settings.simple_responses:
        yield from _of_key(deployment, settings)


def _of_key(deployment: Deployment, settings: Settings) -> Iterator[Finding]:
    """Judge the key as the function does, which sees its values: with identity sources, and without a `GATEWAY_TTL` of 0, all must be there."""
    if settings.gateway_ttl == 0 or not deployment.authorizer.sources:
        return
    parts = cache_key(deployment, settings.token_from).parts
    greedy = [str(each.route) for each in deployment.routes.routes if each.guard is Guard.AUTHORIZER and each.route.path.endswith("+}")]
    by_host = (KeyPart.HOST,) if greedy else ()
    if lacking := [part.value for part in (*_OF_REQUEST, *by_host) if part not in parts]:
        where = f"requests to `{greedy[0]}` are" if lacking == [KeyPart.HOST.value] else "every request is"
        wanted = with_sources(deployment, names_of(deployment, settings.token_from, *_OF_REQUEST, *by_host))
        untold = (
            ""
            if deployment.authorizer.ttl
            else f"the gateway's TTL is 0, which the function has to be told: {with_setting('GATEWAY_TTL', '0')}; or "
        )
        yield _finding(
            Severity.ERROR,
            deployment,
            f"a simple response speaks of one request, and the key lacks {' and '.join(lacking)}: {where} 500 (`simple_response_not_keyed`)",
            f"{untold}{wanted}",
        )


def _finding(severity: Severity, deployment: Deployment, message: str, remedy: str) -> Finding:
    return Finding(severity, f"authorizer {deployment.authorizer.id}", message, remedy)
