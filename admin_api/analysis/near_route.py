"""Which route a request asks for, and, if none, what is wrong with its path or method and which routes are close."""

from collections.abc import Iterator

from admin_api.analysis.near_miss import NearMiss, NearMissKind
from authorizer.policy.request_path import Target, Unroutable, resolve, why_unsafe
from authorizer.policy.route import VERBS, WEBSOCKET, RouteCatalog


def find_target(catalog: RouteCatalog, method: str, path: str) -> Target:
    """Return what a request asks for, read as strictly as in `request` scope. With `WS` as method, `path` is a route key. A leading slash may be left out."""
    path = path.removeprefix("/")
    if method == WEBSOCKET:
        return Target(method, catalog.find(method, path))
    return resolve(catalog, method, path, None, exact=True)


def near_routes(catalog: RouteCatalog, method: str, path: str, problem: Unroutable | None) -> Iterator[NearMiss]:
    """For a request without a route: what is wrong with its path or method, and the routes that its path has with other methods."""
    if problem is Unroutable.UNSAFE_PATH:
        yield NearMiss(NearMissKind.UNSAFE_PATH, f"the path is unsafe: {why_unsafe(path.removeprefix('/'))}")
        return
    methods = (*VERBS, WEBSOCKET)
    if method not in methods:
        yield NearMiss(NearMissKind.UNKNOWN_METHOD, f"`{method}` is none of {' '.join(methods)}: every other method is denied")
    routes = (find_target(catalog, other, path).route for other in methods)
    for route in dict.fromkeys(route for route in routes if route is not None):
        yield NearMiss(NearMissKind.OTHER_METHOD, f"the catalogue has {route}, not {method}")
