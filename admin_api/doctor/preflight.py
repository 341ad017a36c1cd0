"""`OPTIONS` behind the authorizer: a browser asks it before the real request, and cannot send the token with it."""

from collections.abc import Iterator

from admin_api.analysis.found_routes import FoundRoute, Guard
from admin_api.doctor.browsers import PREFLIGHT, open_preflights, serves_browsers
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.words import named
from authorizer.policy.route import DEFAULT_ROUTE, parse_route


def guarded_preflight(deployment: Deployment) -> Iterator[Finding]:
    """A guarded `OPTIONS` is 401 to every browser, which then sends no request at all. `ANY` takes it in, unless `OPTIONS` has a route of its own.

    An `ANY` alone is a warning: an API that no browser calls needs no preflight. An HTTP API answers `OPTIONS` by its CORS configuration where no route does,
    and not where `ANY` or `$default` has the authorizer ("Configure CORS for HTTP APIs", developer guide).
    """
    if deployment.gateway is Gateway.WEBSOCKET:
        return
    guarded = [each for each in deployment.routes.routes if each.guard is Guard.AUTHORIZER]
    own = [str(each.route) for each in guarded if each.route.method == PREFLIGHT]
    if own:
        remedy = "`Auth: {Authorizer: NONE}` for that method, and `AddDefaultAuthorizerToCorsPreflight: false` under the API's `Auth`"
        if deployment.gateway is Gateway.HTTP:
            remedy = f"`aws apigatewayv2 update-route --api-id {deployment.api_id} --route-id ID --authorization-type NONE`"
            remedy += f", ID from `aws apigatewayv2 get-routes --api-id {deployment.api_id}`"
        yield Finding(
            Severity.ERROR, "preflight", f"the authorizer is asked for {named(own)}: browsers get 401 and send no request", remedy
        )
    free = open_preflights(deployment)
    taken = [each for each in guarded if each.route.method == "ANY" and each.route.shape not in free and not _is_default(each, free)]
    if taken:
        is_sure = serves_browsers(deployment)
        what = f"{named(each.route for each in taken)} takes in `OPTIONS`, for which the authorizer is asked: "
        what += "browsers get 401 and send no request" if is_sure else "no browser could call it from a page of another origin"
        first = taken[0].route
        path = "/{proxy+}" if _writes_default(taken[0]) else first.path
        remedy = f"add the route `{PREFLIGHT} {path}` without an authorizer, and an integration that answers with the CORS headers"
        yield Finding(Severity.ERROR if is_sure else Severity.WARNING, "preflight", what, remedy)


_CATCH_ALL = parse_route("OPTIONS /{proxy+}").shape


def _is_default(found: FoundRoute, free: frozenset[object]) -> bool:
    """Return whether `OPTIONS /{proxy+}`, which is asked before `$default`, takes this route's preflights."""
    return _writes_default(found) and _CATCH_ALL in free


def _writes_default(found: FoundRoute) -> bool:
    return found.written.endswith(DEFAULT_ROUTE)
