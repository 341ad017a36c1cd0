"""Routes that nobody guards though the document does not call them public, and the other way round."""

from collections.abc import Iterator

from admin_api.analysis import drift as differing
from admin_api.analysis.drift import Difference, Kind
from admin_api.analysis.found_routes import Guard
from admin_api.doctor.browsers import PREFLIGHT
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.words import named

KINDS = frozenset({Kind.UNGUARDED, Kind.GUARDED_PUBLIC})
"""The differences that are about guards. `catalogue_drift` tells the others."""


def unguarded_routes(deployment: Deployment) -> Iterator[Finding]:
    """Anybody calls a route without an authorizer, whatever its permissions say. While nothing is published no route is known to be public."""
    if deployment.published is None:
        yield from _of_nothing_published(deployment)
        return
    report = differing.drift(deployment.published.document, deployment.routes, deployment.read_at, None)
    for each in report.differences:
        if each.kind in KINDS:
            yield Finding(Severity(each.severity.value), f"route {each.route}", each.message, _remedy(deployment, each))


def _of_nothing_published(deployment: Deployment) -> Iterator[Finding]:
    bare = [each.route for each in deployment.routes.routes if each.guard in (Guard.NONE, Guard.OPEN) and each.route.method != PREFLIGHT]
    if bare:
        yield Finding(
            Severity.WARNING,
            "routes",
            f"no authorizer is asked for {named(bare)}, and no document that could be read calls them public: anybody may call them",
            f"{_attached(deployment)}; or list them as `public: true` in the document and publish it",
        )


def _remedy(deployment: Deployment, each: Difference) -> str:
    if each.kind is Kind.GUARDED_PUBLIC:
        return f"`Auth: {{Authorizer: NONE}}` for that method, or take `public: true` from `{each.route}` in the document"
    return f"{_attached(deployment)}; or `{{route: {each.route}, public: true}}` in the document"


def _attached(deployment: Deployment) -> str:
    authorizer = deployment.authorizer
    if deployment.gateway is Gateway.REST:
        return f"`Auth: {{Authorizer: {authorizer.name}}}` for the method in the template, and deploy stage `{deployment.stage}` again"
    key = " of `$connect`" if deployment.gateway is Gateway.WEBSOCKET else ""
    command = f"aws apigatewayv2 update-route --api-id {deployment.api_id} --route-id ID --authorization-type CUSTOM --authorizer-id {authorizer.id}"
    return f"`{command}`, ID{key} from `aws apigatewayv2 get-routes --api-id {deployment.api_id}`"
