"""The routes that a stage of API Gateway serves, asked from AWS: of REST APIs as they are deployed, of HTTP and WebSocket APIs as they are configured.

Needs `apigateway:GET` on `/restapis/{id}`, `/restapis/{id}/*`, `/apis/{id}` and `/apis/{id}/*`, and nothing else.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from admin_api.importers.deployed_stage import Client, DeployedStage, find_stage
from admin_api.importers.imported import FoundRoutes, Guard
from admin_api.importers.route_list import RouteList
from authorizer.policy.route import DEFAULT_ROUTE, WEBSOCKET

_CONNECT = "$connect"
_PREFLIGHT = "OPTIONS"
_MAX_NAMED = 5


def read_deployed(api_id: str, stage: str | None, client: Client) -> FoundRoutes:
    """Return the routes of an API by its id. `stage` may be left out where the API has one alone, or `$default`. Raises `ImportSourceError`, `ClientError`."""
    return routes_of(find_stage(api_id, stage, client), client)


def routes_of(at: DeployedStage, client: Client) -> FoundRoutes:
    """Return the routes of a stage, in places such as `a1b2c3d4e5/prod GET /pets`. Raises `ClientError`."""
    return _of_deployment(at, client) if at.is_rest else _of_routes(at, client)


def unguarded_notes(found: FoundRoutes) -> tuple[str, ...]:
    """Return a note that names the routes that nothing guards, if there are any: a document made of them says nothing of it."""
    bare = [str(each.route) for each in found.routes if each.guard is Guard.NONE]
    if not bare:
        return ()
    more = f" and {len(bare) - _MAX_NAMED} more" if len(bare) > _MAX_NAMED else ""
    return (
        f"no authorizer is asked for {', '.join(bare[:_MAX_NAMED])}{more}: attach one, or write `public: true` where that is on purpose",
    )


def _of_deployment(at: DeployedStage, client: Client) -> FoundRoutes:
    """Return what a stage of a REST API serves: the methods of its deployment, which later edits of the API do not change ("Deployment", API reference)."""
    routes, notes, gateway = RouteList(), [], client("apigateway")
    canary = at.settings.get("canarySettings", {}).get("deploymentId")
    # A canary takes a part of the requests, so that what either deployment has is deployed.
    for deployment in dict.fromkeys(each for each in (at.settings["deploymentId"], canary) if each):
        summary = gateway.get_deployment(restApiId=at.api_id, deploymentId=deployment, embed=["apisummary"]).get("apiSummary") or {}
        if not summary:
            notes.append(
                f"deployment `{deployment}` does not say what it serves: these are the API's resources as they are now, deployed or not"
            )
            summary = at.method_resources(client)
        for path, methods in sorted(summary.items()):
            for method, settings in sorted(methods.items()):
                guard = _guard(settings.get("authorizationType"), method, needs_key=settings.get("apiKeyRequired", False))
                routes.add(method, path, f"{at.api_id}/{at.name} {method} {path}", guard)
    return FoundRoutes(at.api_name, routes.found(), tuple(routes.not_taken), at.kind, tuple(notes), at.name)


def _of_routes(at: DeployedStage, client: Client) -> FoundRoutes:
    """Return the routes of an HTTP or WebSocket API. A stage that deploys by itself serves them; of another one AWS tells no routes."""
    routes = RouteList()
    found = sorted(at.items("get_routes", client), key=lambda each: str(each["RouteKey"]))
    # Only `$connect` may have an authorizer; what follows comes over the connection that it let in, or that nobody asked about.
    on_connect = next((_guard_of(each, _CONNECT) for each in found if each["RouteKey"] == _CONNECT), Guard.NONE)
    for each in found:
        key = each["RouteKey"]
        place = f"{at.api_id}/{at.name} {key}"
        if at.kind == "websocket":
            routes.add(WEBSOCKET, key, place, on_connect)
        else:
            method, _, path = ("ANY", "", key) if key == DEFAULT_ROUTE else key.partition(" ")
            routes.add(method, path, place, _guard_of(each, method))
    return FoundRoutes(at.api_name, routes.found(), tuple(routes.not_taken), at.kind, tuple(_notes(at.settings, found)), at.name)


def _notes(stage: Mapping[str, Any], routes: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    if not stage.get("AutoDeploy", False):
        yield f"stage `{stage['StageName']}` is deployed by hand: these are the API's routes as they are now, deployed or not"
    authorizers = sorted({each["AuthorizerId"] for each in routes if each.get("AuthorizationType") == "CUSTOM" and "AuthorizerId" in each})
    if len(authorizers) > 1:
        yield f"several Lambda authorizers guard this API ({', '.join(authorizers)}): a document speaks of the routes of one"


def _guard_of(route: Mapping[str, Any], method: str) -> Guard:
    return _guard(route.get("AuthorizationType"), method, needs_key=route.get("ApiKeyRequired", False))


def _guard(kind: str | None, method: str, *, needs_key: bool) -> Guard:
    """Return the guard that an authorization type is: `CUSTOM` is a Lambda authorizer's, of either type ("PutMethod", "CreateRoute", API references)."""
    if kind == "CUSTOM":
        return Guard.AUTHORIZER
    if kind not in (None, "", "NONE") or needs_key:
        return Guard.OTHER
    # A browser's preflight carries no token: a gateway that guarded it would serve no browser.
    return Guard.OPEN if method == _PREFLIGHT else Guard.NONE
