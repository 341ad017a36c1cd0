"""Collects routes as sources write them. Reads what has one certain meaning, and says of everything else why no route of API Gateway is like it."""

import re
from dataclasses import replace

from admin_api.importers.imported import FoundRoute, Guard, NotTaken
from authorizer.policy.route import DEFAULT_ROUTE, VERBS, WEBSOCKET, RouteSyntaxError, parse_route

ANY_WORDS = ("any", "*", "x-amazon-apigateway-any-method")
"""How sources write `ANY`, in lower case."""


# A parameter that is a part of its segment only: `{petId}.json`, `{from}...{to}`.
_PARTIAL = re.compile(r"^[^{}]*(\{[A-Za-z0-9._:-]+\})[^+]*$")


class RouteList:
    """The routes of one API. `add` keeps the first of two that are one route to API Gateway, and the less guarded of the two."""

    def __init__(self) -> None:
        self.routes: dict[tuple[str, object], FoundRoute] = {}
        self.not_taken: list[NotTaken] = []

    def add(self, method: str, path: str, place: str, guard: Guard = Guard.UNKNOWN) -> list[str]:
        """Add a route, or say why not, and return it as a document has it: `get /pets` -> `GET /pets`, two for `$default`, none if it is not taken.

        `method` in any case, `any` or `*`; `path` with or without its first slash, a slash at the end counts for nothing.

        `$default` as path is that of an HTTP API: `ANY /` and `ANY /{proxy+}`. With `WS` as method the path is a WebSocket route key.
        """
        written = f"{method} {path}".strip()
        if method.upper() != WEBSOCKET and path == DEFAULT_ROUTE:
            return [*self._keep("ANY /", written, place, guard), *self._keep("ANY /{proxy+}", written, place, guard)]
        verb = "ANY" if method.lower() in ANY_WORDS else method.upper()
        if verb not in (*VERBS, "ANY", WEBSOCKET):
            self.not_taken.append(
                NotTaken(place, f"`{written}`: API Gateway has no method `{method}`; its methods are {' '.join(VERBS)} and ANY")
            )
            return []
        return self._keep(f"{verb} {path if verb == WEBSOCKET else _with_slashes(path)}", written, place, guard)

    def skip(self, place: str, reason: str) -> None:
        """Say of something that it is no route of the document, and why."""
        self.not_taken.append(NotTaken(place, reason))

    def _keep(self, text: str, written: str, place: str, guard: Guard) -> list[str]:
        try:
            route = parse_route(text)
        except RouteSyntaxError as error:
            self.not_taken.append(NotTaken(place, f"`{written}`: {error}{parameter_hint(text)}"))
            return []
        found = FoundRoute(route, guard, written, place)
        known = self.routes.setdefault((route.method, route.shape), found)
        # Open on purpose is only what both call open: a document must not make the other one public.
        if known is not found and known.guard is not guard and {guard, known.guard} & {Guard.NONE, Guard.OPEN}:
            self.routes[route.method, route.shape] = replace(known, guard=Guard.NONE)
        return [str(known.route)]

    def found(self) -> tuple[FoundRoute, ...]:
        """Return the routes in the order in which they came."""
        return tuple(self.routes.values())


def parameter_hint(text: str) -> str:
    """Return which route serves what has a parameter in a part of a segment, `` if nothing has: `GET /{id}.json` -> `: did you mean `GET /{id}`?`."""
    method, _, path = text.partition(" ")
    parts = path.split("/")
    mended = [_PARTIAL.sub(r"\1", part) for part in parts]
    return f": did you mean `{method} {'/'.join(mended)}`?" if mended != parts else ""


def _with_slashes(path: str) -> str:
    return "/" + path.strip("/") if "//" not in path else path
