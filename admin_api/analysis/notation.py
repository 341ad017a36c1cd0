"""What of a catalogue is well formed and yet hardly meant: parameters in another notation, and one route for a whole application."""

import re
from collections.abc import Iterable, Iterator

from authorizer.policy.route import WEBSOCKET, RouteTemplate

_EXPRESS = re.compile(r":([A-Za-z_]\w*)")


def notation_notes(routes: Iterable[RouteTemplate]) -> Iterator[str]:
    """Yield a sentence for each route with a segment such as `:id`, and one if there is nothing but a proxy route."""
    routes = tuple(routes)
    for route in routes:
        mended = [_EXPRESS.sub(r"{\1}", part) if _EXPRESS.fullmatch(part) else part for part in route.parts]
        if route.method != WEBSOCKET and mended != list(route.parts):
            yield f"`{route}` has a word that starts with a colon, which API Gateway takes as it is: for a parameter write `{route.method} /{'/'.join(mended)}`"
    if routes and any(route.is_greedy for route in routes) and all(_is_proxy(route) for route in routes):
        yield (
            "one proxy route serves a whole application, so that permissions for it are all or nothing: list the application's own routes beside it "
            "and guard it under `request` scope (docs/proxy-applications.md)"
        )


def _is_proxy(route: RouteTemplate) -> bool:
    """Return whether a route is the root or takes in everything below it."""
    return route.method != WEBSOCKET and (not route.segments or (route.is_greedy and len(route.segments) == 1))
