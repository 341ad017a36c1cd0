"""What differs between a document's catalogue and the routes that another source has: an API's description, or what is deployed.

For example: `GET /pets/{petId}/notes` is deployed and not in the catalogue. In `token` scope the `*` of `GET /pets/*` takes it in, so that whoever may read a
pet reads its notes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from admin_api.analysis.found_routes import FoundRoute, FoundRoutes, Guard
from admin_api.analysis.invariants import may
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE
from authorizer.policy.route import VERBS, WEBSOCKET, RouteCatalog, RouteSyntaxError, RouteTemplate, SegmentKind, parse_route

_PREFLIGHT = "OPTIONS"
_ALIKE = 0.6
_MAX_NAMED = 5

# No literal of a route can be this, so that only parameters fit it.
_ANYTHING = "*"


class Kind(StrEnum):
    """What a difference is. Each has one sentence for people in `RULES`."""

    UNKNOWN = "unknown"
    GONE = "gone"
    RENAMED = "renamed"
    UNCOVERED = "uncovered"
    SHADOWED = "shadowed"
    UNGUARDED = "unguarded"
    GUARDED_PUBLIC = "guarded_public"
    UNREAD = "unread"


RULES: Mapping[Kind, str] = {
    Kind.UNKNOWN: "A deployed route is not in the catalogue: it is denied, or in `token` scope let through by what allows its neighbours.",
    Kind.GONE: "A route of the catalogue is not deployed: its permissions mean nothing.",
    Kind.RENAMED: "A route of the catalogue is deployed under another name.",
    Kind.UNCOVERED: "A deployed route is in the catalogue, and nobody may call it.",
    Kind.SHADOWED: "A deployed route takes requests that the catalogue gives to a less specific route.",
    Kind.UNGUARDED: "A deployed route has no Lambda authorizer, and the document does not call it public.",
    Kind.GUARDED_PUBLIC: "The document calls a route public that is guarded where it is deployed.",
    Kind.UNREAD: "A route of the source cannot be written in a catalogue, so that nothing was compared with it.",
}


class Severity(StrEnum):
    """`error` where more may be open than the document says, `warning` where the document says what is not so."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One difference. `route` is written as the document writes it, else as the source does; `place` is where in the source, `` if it is not there.

    `pointer` is the place in the document as it was written, `/routes` for what it lacks.
    """

    kind: Kind
    route: str
    message: str
    severity: Severity
    place: str
    pointer: str


@dataclass(frozen=True, slots=True)
class DriftReport:
    """All differences, errors first. `notes` are no mistakes. `compared` is the number of deployed routes."""

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    compared: int


def drift(document: PermissionDocument, found: FoundRoutes, now: float, written: object = None) -> DriftReport:
    """Return what differs. `written` is the document as plain values, which tells the place of each route."""
    comparison = _Comparison(document, found, now, route_pointers(written))
    differences = sorted({*comparison.differences()}, key=lambda each: (each.severity, each))
    return DriftReport(tuple(differences), tuple(comparison.notes()), len(found.routes))


def route_pointers(written: object) -> dict[tuple[str, object], str]:
    """Return the JSON Pointer of each route of a document as plain values, by method and shape."""
    entries = written.get("routes") if isinstance(written, dict) else None
    pointers: dict[tuple[str, object], str] = {}
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        text = entry.get("route") if isinstance(entry, dict) else entry
        try:
            route = parse_route(str(text))
        except RouteSyntaxError:
            continue
        pointers.setdefault((route.method, route.shape), f"/routes/{number}")
    return pointers


class _Comparison:
    """One document beside one source."""

    def __init__(self, document: PermissionDocument, found: FoundRoutes, now: float, pointers: Mapping[tuple[str, object], str]) -> None:
        self.document, self.found, self.pointers = document, found, pointers
        self.catalog = document.catalog
        by_shape: dict[tuple[str, object], FoundRoute] = {}
        for each in found.routes:
            by_shape.setdefault((each.route.method, each.route.shape), each)
        self.sources = {each.route: each for each in by_shape.values()}
        self.deployed = RouteCatalog(self.sources)
        self.reachable = {cell for ref in {EVERYONE, *document.subjects} for cell in may(document, ref, now)}
        self.servers = {route: self._servers(route) for route in self.catalog.routes}
        self.within = [route for route, servers in self.servers.items() if any(server.shape != route.shape for server in servers.values())]
        served = {server for route in self.within for server in self.servers[route].values() if server.shape != route.shape}
        self.gone = [route for route in self.catalog.routes if not self.servers[route]]
        self.lacking = {route: verbs for route in self.deployed.routes if (verbs := self._lacking_verbs(route))}
        self.preflights = [route for route in self.lacking if route.method == _PREFLIGHT and self._guard(route) in (Guard.NONE, Guard.OPEN)]
        self.wide = {route for route in self.lacking if route in served}
        self.renamed = self._pairs()

    def differences(self) -> Iterator[Difference]:
        for route, verbs in self.lacking.items():
            if route not in self.preflights and route not in self.renamed.values():
                yield self._of_lacking(route, verbs)
        for route in self.gone:
            if route in self.renamed:
                yield self._of_pair(route, self.renamed[route])
            else:
                yield self._about(Kind.GONE, Severity.WARNING, route, None, f"`{route}` is in the catalogue and not deployed: take it out")
        for route, servers in self.servers.items():
            for server in dict.fromkeys(servers.values()):
                yield from self._of_known(route, server)
            if servers and not route.public and self.reachable.isdisjoint((verb, route) for verb in servers):
                source = next(iter(servers.values()))
                if self._guard(source) not in (Guard.NONE, Guard.OPEN):
                    yield self._about(Kind.UNCOVERED, Severity.WARNING, route, source, f"`{route}` is deployed, and nobody may call it")
        for left in self.found.not_taken:
            yield Difference(Kind.UNREAD, left.place, left.reason, Severity.WARNING, left.place, "/routes")

    def notes(self) -> Iterator[str]:
        yield from self.found.notes
        if self.preflights:
            yield f"taken for a browser's preflight, which nobody guards: {_named(self.preflights)}"
        if self.within:
            first = next(server for server in self.servers[self.within[0]].values() if server.shape != self.within[0].shape)
            yield f"served by a greedy route, as {self.within[0]} by {first}: {_named(self.within)}; such an API needs `request` scope"
        for route, servers in self.servers.items():
            missing = [verb for verb, at in self.catalog.cells if at is route and verb not in servers]
            if servers and missing:
                yield f"of {route} only {' '.join(servers)} is deployed"

    def _guard(self, route: RouteTemplate) -> Guard:
        return self.sources[route].guard

    def _servers(self, route: RouteTemplate) -> dict[str, RouteTemplate]:
        """Return by verb the deployed route by which requests of a route of the catalogue are decided: that of its shape, or a greedy one.

        Under a greedy route the authorizer matches the path itself. Any other template that the gateway tells must be in the catalogue as it is.
        """
        servers = {}
        for verb, at in self.catalog.cells:
            if at is not route:
                continue
            server = self.deployed.find(verb, route.path) or _taker(self.deployed, verb, route)
            if server is not None and (server.is_greedy or server.shape == route.shape):
                servers[verb] = server
        return servers

    def _lacking_verbs(self, route: RouteTemplate) -> tuple[str, ...]:
        return tuple(verb for verb, at in self.deployed.cells if at is route and self.catalog.find(verb, route.path) is None)

    def _of_lacking(self, route: RouteTemplate, verbs: tuple[str, ...]) -> Difference:
        guard = self._guard(route)
        whole = len(verbs) == len(route.verbs) or route.method == WEBSOCKET
        what = f"`{route}`" if whole else f"`{route}` with {' '.join(verbs)}"
        if guard in (Guard.NONE, Guard.OPEN):
            why = f"{what} is deployed without an authorizer, and is not in the catalogue: anybody may call it; guard it, or list it as `public`"
            return self._about(Kind.UNGUARDED, Severity.ERROR, route, route, why)
        if guard is Guard.OTHER:
            why = f"{what} is deployed and not in the catalogue; something else than a Lambda authorizer guards it: list it, or leave it out of the source"
            return self._about(Kind.UNKNOWN, Severity.WARNING, route, route, why)
        takers = dict.fromkeys(taker for verb in verbs if (taker := _taker(self.catalog, verb, route)) is not None)
        if takers:
            whose = " and ".join(f"`{taker}`" for taker in takers)
            why = f"{what} is deployed and not in the catalogue, which gives its requests to {whose}: list it, so that it is decided by its own permissions"
            return self._about(Kind.SHADOWED, Severity.ERROR, route, route, why)
        if route in self.wide:
            why = (
                f"{what} is deployed and not in the catalogue, which has routes within it: whatever else comes over it is denied, "
                "or in `token` scope let through by what allows those; list it"
            )
            return self._about(Kind.UNKNOWN, Severity.WARNING, route, route, why)
        why = f"{what} is deployed and not in the catalogue: in `token` scope it may be let through, in others it is denied; list it"
        # The catalogue knows the path: a policy names verbs, so that only what allows this verb elsewhere could let it through.
        return self._about(Kind.UNKNOWN, Severity.ERROR if whole else Severity.WARNING, route, route, why)

    def _of_pair(self, route: RouteTemplate, other: RouteTemplate) -> Difference:
        why = f"`{route}` is not deployed, and `{other}` is and is not in the catalogue: if it was renamed, rename it under `routes` and in the permissions"
        return self._about(Kind.RENAMED, Severity.ERROR, route, other, why)

    def _of_known(self, route: RouteTemplate, server: RouteTemplate) -> Iterator[Difference]:
        guard = self._guard(server)
        if server.shape == route.shape and server.parameters != route.parameters:
            yield self._of_names(route, server)
        if route.public and guard in (Guard.AUTHORIZER, Guard.OTHER):
            why = f"`{route}` is `public`, and guarded where it is deployed: requests without a token get 401; take the guard away, or `public`"
            yield self._about(Kind.GUARDED_PUBLIC, Severity.WARNING, route, server, why)
        if route.public:
            return
        if guard in (Guard.NONE, Guard.OPEN) and not (server.method == _PREFLIGHT and route.method != _PREFLIGHT):
            why = f"`{route}` is deployed without an authorizer: anybody may call it, whatever its permissions say; guard it, or write `public: true`"
            yield self._about(Kind.UNGUARDED, Severity.ERROR, route, server, why)
        if guard is Guard.OTHER:
            why = f"`{route}` is guarded by something else than a Lambda authorizer: its permissions mean nothing there"
            yield self._about(Kind.UNGUARDED, Severity.WARNING, route, server, why)

    def _of_names(self, route: RouteTemplate, server: RouteTemplate) -> Difference:
        """The authorizer compares parameters by their places. So another name changes nothing, and the same names in other places bind the wrong ones."""
        moved = [
            name for name, there in zip(route.parameters, server.parameters, strict=True) if name != there and name in server.parameters
        ]
        bound = [name for name in moved if name in self._bound(route)]
        if bound:
            why = (
                f"`{route}` is deployed as `{server}`, with `{bound[0]}` in another place: `where` compares the wrong segment; "
                "write the route as it is deployed"
            )
            return self._about(Kind.RENAMED, Severity.ERROR, route, server, why)
        why = f"`{route}` is deployed as `{server}`: parameters are told apart by their places, so nothing breaks, but write them alike"
        return self._about(Kind.RENAMED, Severity.WARNING, route, server, why)

    def _bound(self, route: RouteTemplate) -> set[str]:
        permissions = (p for subject in self.document.subjects.values() for p in subject.permissions if p.where)
        return {b.parameter for p in permissions if any(at is route for _, at in self.catalog.cells_of(p.selector)) for b in p.where}

    def _pairs(self) -> dict[RouteTemplate, RouteTemplate]:
        """Return by route that is gone the deployed one that it seems to be now. Only where there is one candidate for each of the two."""
        lacking = [
            route
            for route in self.lacking
            if route not in self.wide and self._guard(route) in (Guard.AUTHORIZER, Guard.UNKNOWN) and not self._is_taken(route)
        ]
        ways = {gone: [other for other in lacking if _is_alike(gone, other)] for gone in self.gone}
        back = [other for others in ways.values() for other in others]
        return {gone: others[0] for gone, others in ways.items() if len(others) == 1 and back.count(others[0]) == 1}

    def _is_taken(self, route: RouteTemplate) -> bool:
        return len(self.lacking[route]) < len(route.verbs) or any(_taker(self.catalog, verb, route) for verb in self.lacking[route])

    def _about(self, kind: Kind, severity: Severity, route: RouteTemplate, source: RouteTemplate | None, message: str) -> Difference:
        place = self.sources[source].place if source is not None else ""
        return Difference(kind, str(route), message, severity, place, self.pointers.get((route.method, route.shape), "/routes"))


def _taker(catalog: RouteCatalog, verb: str, route: RouteTemplate) -> RouteTemplate | None:
    """Return the less specific route of a catalogue that takes all requests of a route that it lacks: `/pets/export` -> `/pets/{petId}`, or None."""
    if verb not in VERBS:
        return None
    segments = [segment.text if segment.kind is SegmentKind.LITERAL else _ANYTHING for segment in route.segments]
    if route.is_greedy:
        # Longer than every route that is not greedy, which would take short tails alone.
        segments += [_ANYTHING] * max(len(each.segments) for each in catalog.routes)
    match = catalog.match(verb, tuple(segments)) if catalog.routes else None
    return match.route if match is not None else None


def _is_alike(one: RouteTemplate, other: RouteTemplate) -> bool:
    """Return whether two routes may be one under two names: they differ in one literal, and share another or write it nearly alike."""
    if one.method != other.method or len(one.segments) != len(other.segments):
        return False
    differing = [pair for pair in zip(one.shape, other.shape, strict=True) if pair[0] != pair[1]]
    if len(differing) != 1 or any(segment.kind is not SegmentKind.LITERAL for segment in differing[0]):
        return False
    shared = sum(segment.kind is SegmentKind.LITERAL for segment in one.segments) > 1
    return shared or SequenceMatcher(None, differing[0][0].text, differing[0][1].text).ratio() >= _ALIKE


def _named(routes: Iterable[RouteTemplate]) -> str:
    names = [str(route) for route in routes]
    return ", ".join(names[:_MAX_NAMED]) + (f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else "")
