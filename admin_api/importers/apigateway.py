"""The routes that a stage of API Gateway serves, asked from AWS: of REST APIs as they are deployed, of HTTP and WebSocket APIs as they are configured.

Needs `apigateway:GET` on `/restapis/{id}`, `/restapis/{id}/*`, `/apis/{id}` and `/apis/{id}/*`, and nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError
from admin_api.importers.route_list import RouteList
from authorizer.policy.route import DEFAULT_ROUTE, WEBSOCKET

_NOT_FOUND = "NotFoundException"
_CONNECT = "$connect"
_PREFLIGHT = "OPTIONS"
_MAX_NAMED = 5

Client = Callable[[str], Any]
"""Makes a client of a service, `apigateway` or `apigatewayv2`."""


def read_deployed(api_id: str, stage: str | None, client: Client) -> FoundRoutes:
    """Return the routes of an API by its id. `stage` may be left out where the API has one alone, or `$default`. Raises `ImportSourceError`, `ClientError`.

    One id belongs to one kind of API: HTTP and WebSocket APIs are asked for first (`GetApi`), then REST APIs (`GetRestApi`).
    """
    newer = client("apigatewayv2")
    api = _found(lambda: newer.get_api(ApiId=api_id))
    if api is not None:
        return _of_routes(newer, api, stage)
    older = client("apigateway")
    api = _found(lambda: older.get_rest_api(restApiId=api_id))
    if api is None:
        raise ImportSourceError(f"there is no API `{api_id}` in this account and region: correct the id, or give --region")
    return _of_deployment(older, api_id, api, stage)


def unguarded_notes(found: FoundRoutes) -> tuple[str, ...]:
    """Return a note that names the routes that nothing guards, if there are any: a document made of them says nothing of it."""
    bare = [str(each.route) for each in found.routes if each.guard is Guard.NONE]
    if not bare:
        return ()
    more = f" and {len(bare) - _MAX_NAMED} more" if len(bare) > _MAX_NAMED else ""
    return (
        f"no authorizer is asked for {', '.join(bare[:_MAX_NAMED])}{more}: attach one, or write `public: true` where that is on purpose",
    )


def _found(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        return ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NOT_FOUND:
            return None
        raise


def _chosen(stages: Mapping[str, Mapping[str, Any]], stage: str | None, api_id: str) -> Mapping[str, Any]:
    """Return the stage that is meant."""
    names = ", ".join(f"`{name}`" for name in sorted(stages))
    if not stages:
        raise ImportSourceError(
            f"API `{api_id}` has no stage, so that nothing of it is deployed: deploy it, or import the file that it is made of"
        )
    if stage is not None:
        if stage not in stages:
            raise ImportSourceError(f"API `{api_id}` has no stage `{stage}`: its stages are {names}")
        return stages[stage]
    if len(stages) == 1:
        return next(iter(stages.values()))
    if DEFAULT_ROUTE in stages:
        return stages[DEFAULT_ROUTE]
    raise ImportSourceError(f"API `{api_id}` has several stages: name one with --stage, its stages are {names}")


def _of_deployment(client: Any, api_id: str, api: Mapping[str, Any], stage: str | None) -> FoundRoutes:
    """Return what a stage of a REST API serves: the methods of its deployment, which later edits of the API do not change ("Deployment", API reference)."""
    stages = {each["stageName"]: each for each in client.get_stages(restApiId=api_id)["item"]}
    chosen = _chosen(stages, stage, api_id)
    name, routes, notes = chosen["stageName"], RouteList(), []
    canary = chosen.get("canarySettings", {}).get("deploymentId")
    # A canary takes a part of the requests, so that what either deployment has is deployed.
    for deployment in dict.fromkeys(each for each in (chosen["deploymentId"], canary) if each):
        summary = client.get_deployment(restApiId=api_id, deploymentId=deployment, embed=["apisummary"]).get("apiSummary") or {}
        if not summary:
            notes.append(
                f"deployment `{deployment}` does not say what it serves: these are the API's resources as they are now, deployed or not"
            )
            summary = _resources(client, api_id)
        for path, methods in sorted(summary.items()):
            for method, settings in sorted(methods.items()):
                guard = _guard(settings.get("authorizationType"), method, needs_key=settings.get("apiKeyRequired", False))
                routes.add(method, path, f"{api_id}/{name} {method} {path}", guard)
    return FoundRoutes(api.get("name", api_id), routes.found(), tuple(routes.not_taken), "rest", tuple(notes), name)


def _resources(client: Any, api_id: str) -> dict[str, Mapping[str, Any]]:
    pages = client.get_paginator("get_resources").paginate(restApiId=api_id, embed=["methods"])
    return {each["path"]: each.get("resourceMethods", {}) for page in pages for each in page["items"]}


def _of_routes(client: Any, api: Mapping[str, Any], stage: str | None) -> FoundRoutes:
    """Return the routes of an HTTP or WebSocket API. A stage that deploys by itself serves them; of another one AWS tells no routes."""
    api_id, is_websocket = api["ApiId"], api["ProtocolType"] == "WEBSOCKET"
    stages = {each["StageName"]: each for each in _items(client, "get_stages", api_id)}
    chosen = _chosen(stages, stage, api_id)
    name, routes = chosen["StageName"], RouteList()
    found = sorted(_items(client, "get_routes", api_id), key=lambda each: str(each["RouteKey"]))
    # Only `$connect` may have an authorizer; what follows comes over the connection that it let in, or that nobody asked about.
    on_connect = next((_guard_of(each, _CONNECT) for each in found if each["RouteKey"] == _CONNECT), Guard.NONE)
    for each in found:
        key = each["RouteKey"]
        place = f"{api_id}/{name} {key}"
        if is_websocket:
            routes.add(WEBSOCKET, key, place, on_connect)
        else:
            method, _, path = ("ANY", "", key) if key == DEFAULT_ROUTE else key.partition(" ")
            routes.add(method, path, place, _guard_of(each, method))
    kind = "websocket" if is_websocket else "http"
    return FoundRoutes(api.get("Name", api_id), routes.found(), tuple(routes.not_taken), kind, tuple(_notes(chosen, found)), name)


def _items(client: Any, operation: str, api_id: str) -> list[Mapping[str, Any]]:
    return [each for page in client.get_paginator(operation).paginate(ApiId=api_id) for each in page["Items"]]


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
