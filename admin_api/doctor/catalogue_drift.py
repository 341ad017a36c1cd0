"""The published document's catalogue beside the routes that are deployed. Guards are `unguarded_routes`' business."""

from collections.abc import Collection, Iterator, Mapping

from admin_api.analysis import drift as differing
from admin_api.analysis.drift import Difference, Kind
from admin_api.analysis.found_routes import FoundRoute, Guard
from admin_api.analysis.invariants import may
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.request_arns import may_meet, path_pattern
from admin_api.doctor.unguarded_routes import KINDS
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE
from authorizer.policy.route import WEBSOCKET

_CONNECT = f"{WEBSOCKET} $connect"

_REMEDIES: Mapping[Kind, str] = {
    Kind.UNKNOWN: "list `{route}` under `routes` of the document, with who may call it, and `gatebook apply`; or take it out of the API",
    Kind.GONE: "take `{route}` out of the document, with the permissions that name it, and `gatebook apply`; or deploy it",
    Kind.RENAMED: "write the route in the document as it is deployed, under `routes` and in the permissions, and `gatebook apply`",
    Kind.UNCOVERED: "allow `{route}` to somebody, or take it out of document and API",
    Kind.SHADOWED: "list `{route}` under `routes` of the document, with who may call it, and `gatebook apply`",
    Kind.UNREAD: "compare that route by hand, as nothing was compared with it",
}


def drifting_catalogue(deployment: Deployment) -> Iterator[Finding]:
    """What is deployed and not in the catalogue is denied to everybody, and in `token` scope let through by what allows its neighbours.

    For example: whoever may `GET /pets/{petId}` gets `GET /pets/{petId}/photos` from a remembered answer, since the `*` of its policy takes that in.
    """
    if deployment.published is None:
        return
    document = deployment.published.document
    report = differing.drift(document, deployment.routes, deployment.read_at, None)
    deployed = {str(each.route): each for each in deployment.routes.routes}
    for each in report.differences:
        if each.kind in KINDS:
            continue
        message, severity = each.message, Severity(each.severity.value)
        if each.kind is Kind.UNKNOWN:
            message, severity = _of_unknown(deployment, document, each, deployed[each.route])
        yield Finding(severity, f"route {each.route}", message, _REMEDIES[each.kind].format(route=each.route))


def _of_unknown(deployment: Deployment, document: PermissionDocument, each: Difference, found: FoundRoute) -> tuple[str, Severity]:
    """Return what becomes of a deployed route that the catalogue lacks, under this function's scope."""
    if found.guard is not Guard.AUTHORIZER:
        return each.message, Severity.WARNING
    settings = settings_of(deployment)
    if settings is None:
        return each.message, Severity(each.severity.value)
    lacking = [verb for verb in found.route.verbs if document.catalog.find(verb, found.route.path) is None]
    some = f" with {' '.join(lacking)}" if len(lacking) < len(found.route.verbs) else ""
    lacks = f"`{each.route}`{some} is deployed and not in the catalogue: "
    if each.route == _CONNECT:
        return f"{lacks}every connection is refused", Severity.ERROR
    # An HTTP API is answered for the requested path alone, whatever the scope.
    if settings.cache_scope is CacheScope.TOKEN and deployment.gateway is Gateway.REST:
        through = _let_through(document, found, lacking, deployment.read_at)
        if through is not None:
            return f"{lacks}whoever may call `{through}` gets it too, from an answer of `token` scope that is remembered", Severity.ERROR
    return f"{lacks}it is denied to everybody", Severity.WARNING


def _let_through(document: PermissionDocument, found: FoundRoute, lacking: Collection[str], now: float) -> str | None:
    """Return a route that somebody may call whose pattern in a policy takes in requests of the found one with these verbs, None for none."""
    allowed = {cell for ref in {EVERYONE, *document.subjects} for cell in may(document, ref, now)}
    for verb, route in document.catalog.cells:
        if verb in lacking and (verb, route) in allowed and may_meet(path_pattern(verb, route), path_pattern(verb, found.route)):
            return str(route)
    return None
