"""Routes in API Gateway's own notation: templates, selectors over them, and the catalogue that matches paths by API Gateway's specificity.

Notation and specificity follow the API Gateway developer guide, "Working with routes for HTTP APIs" and "Methods for REST APIs": a literal
segment beats `{parameter}` beats `{greedy+}`, level by level, and a verb beats `ANY`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
"""What `ANY` and `*` stand for. A request with any other verb is denied."""

WEBSOCKET = "WS"
"""Stands where the verb would, for WebSocket route keys: `WS $connect`. Neither `ANY` nor `*` covers it."""

DEFAULT_ROUTE = "$default"
"""The key of the route of an HTTP API that takes what no other route does."""

_METHODS = (*VERBS, "ANY", WEBSOCKET)

MAX_KEPT = 8192
"""Texts whose meaning is kept. Whoever deploys an API decides how many there are, not its callers."""

# IAM gives `*`, `?` and `${` a meaning, `%` is the start of an escape, and `/` ends the segment: none of them may be in a literal.
_LITERAL = re.compile(r"[A-Za-z0-9._~:,@$=+!'();&-]+")
_ROUTE_KEY = re.compile(r"[A-Za-z0-9._~:,@$=+!'();&/-]+")
_PARAMETER = re.compile(r"\{([A-Za-z0-9._:-]+)(\+?)\}")

# How other frameworks write parameters: `<id>`, `<int:id>`.
_ANGLED = re.compile(r"<(?:\w+:)?(\w+)>")


class RouteSyntaxError(ValueError):
    """A route or selector is not written in the notation. The message says what is wrong and how to write it."""


class SegmentKind(IntEnum):
    """In order of specificity, the most specific first."""

    LITERAL = 0
    PARAMETER = 1
    GREEDY = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment of a template: a literal's text or a parameter's name."""

    kind: SegmentKind
    text: str

    def __str__(self) -> str:
        return (self.text, f"{{{self.text}}}", f"{{{self.text}+}}")[self.kind]


@dataclass(frozen=True)
class RouteTemplate:
    """One route. `method` is a verb, `ANY` or `WS`; a WebSocket route has its key as its only segment."""

    method: str
    segments: tuple[Segment, ...]
    public: bool = field(default=False, compare=False)

    @cached_property
    def path(self) -> str:
        """`/pets/{petId}`, `/` for the root, or a WebSocket route key as it is."""
        text = "/".join(self.parts)
        return text if self.method == WEBSOCKET else "/" + text

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The segments as they are written."""
        return tuple(map(str, self.segments))

    @cached_property
    def _hash(self) -> int:
        return hash((self.method, self.parts))

    def __hash__(self) -> int:
        # Routes are looked up for each request.
        return self._hash

    @cached_property
    def shape(self) -> tuple[Segment, ...]:
        """The segments without parameter names: two templates of one shape are the same resource to API Gateway."""
        return tuple(s if s.kind is SegmentKind.LITERAL else Segment(s.kind, "") for s in self.segments)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Parameter names from left to right."""
        return tuple(s.text for s in self.segments if s.kind is not SegmentKind.LITERAL)

    @cached_property
    def is_greedy(self) -> bool:
        """Whether it ends in `{name+}`."""
        return bool(self.segments) and self.segments[-1].kind is SegmentKind.GREEDY

    @property
    def verbs(self) -> tuple[str, ...]:
        """The verbs that this route may serve."""
        return VERBS if self.method == "ANY" else (self.method,)

    def serves(self, verb: str) -> bool:
        """Return whether a request with this verb may be served by this route, if no more specific one takes it."""
        return verb in self.verbs

    def fit(self, segments: tuple[str, ...], *, empty_tail: bool = False) -> dict[str, str] | None:
        """Return the parameters if these path segments fit this template one by one, else None.

        A parameter is never empty; with `empty_tail` a greedy one may be, as in `/files/` -> `/files/{proxy+}` with `proxy` = ``.
        """
        count = len(self.segments)
        if (len(segments) < count) if self.is_greedy else (len(segments) != count):
            return None
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            value = "/".join(segments[index:]) if segment.kind is SegmentKind.GREEDY else segments[index]
            if segment.kind is not SegmentKind.LITERAL:
                values[segment.text] = value
            may_be_empty = empty_tail and segment.kind is SegmentKind.GREEDY
            if (not value and not may_be_empty) or (segment.kind is SegmentKind.LITERAL and value != segment.text):
                return None
        return values

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@lru_cache(maxsize=MAX_KEPT)
def parse_path(path: str) -> tuple[Segment, ...]:
    """Return the segments of a path template such as `/pets/{petId}`. Raises `RouteSyntaxError`."""
    if not path.startswith("/"):
        raise RouteSyntaxError(f"path `{path}` must start with `/`")
    if path == "/":
        return ()
    parts = path[1:].split("/")
    segments = tuple(_parse_segment(part, path) for part in parts)
    if any(s.kind is SegmentKind.GREEDY for s in segments[:-1]):
        raise RouteSyntaxError(f"path `{path}` goes on after a greedy parameter: `{{name+}}` must be the last segment")
    names = [s.text for s in segments if s.kind is not SegmentKind.LITERAL]
    if len(set(names)) < len(names):
        raise RouteSyntaxError(f"path `{path}` has two parameters of one name")
    return segments


def _parse_segment(part: str, path: str) -> Segment:
    parameter = _PARAMETER.fullmatch(part)
    if parameter:
        return Segment(SegmentKind.GREEDY if parameter[2] else SegmentKind.PARAMETER, parameter[1])
    if not part:
        raise RouteSyntaxError(f"path `{path}` has an empty segment: write it without `//` and without a slash at the end")
    if part in (".", "..") or not _LITERAL.fullmatch(part):
        angled = _ANGLED.fullmatch(part)
        hint = f": write `{{{angled[1]}}}`" if angled else ""
        raise RouteSyntaxError(
            f"segment `{part}` of path `{path}` is neither plain text nor one whole `{{parameter}}` or `{{greedy+}}`{hint}"
        )
    return Segment(SegmentKind.LITERAL, part)


def parse_route(text: str, *, public: bool = False) -> RouteTemplate:
    """`GET /pets/{petId}`, `ANY /files/{proxy+}` or `WS $connect` as a template. Raises `RouteSyntaxError`."""
    method, path = _split(text)
    if method == WEBSOCKET:
        return RouteTemplate(method, (_parse_route_key(path),), public)
    if method not in VERBS and method != "ANY":
        raise RouteSyntaxError(f"method `{method}` of `{text}` is none of {' '.join(VERBS)} ANY WS")
    return RouteTemplate(method, parse_path(path), public)


def _parse_route_key(key: str) -> Segment:
    if not _ROUTE_KEY.fullmatch(key):
        raise RouteSyntaxError(f"`{key}` is not a WebSocket route key: write it as in `WS $connect` or `WS sendMessage`")
    return Segment(SegmentKind.LITERAL, key)


def _split(text: str) -> tuple[str, str]:
    """Return method and path as this module writes them: `get pets` -> `GET`, `/pets`. API definitions have verbs in any case and paths without a slash."""
    method, space, path = text.partition(" ")
    if not space or not path or path.strip() != path:
        raise RouteSyntaxError(f"`{text}` must be a method, one space and a path, as in `GET /pets/{{petId}}`{_default_hint(text)}")
    method = method.upper() if method.upper() in _METHODS else method
    if method != WEBSOCKET and not path.startswith("/"):
        if path == DEFAULT_ROUTE:
            raise RouteSyntaxError(f"`{text}` is no path{_default_hint(path)}")
        path = f"/{path}"
    return method, path


def _default_hint(text: str) -> str:
    return ": for an HTTP API's `$default` write `ANY /` and `ANY /{proxy+}`" if text == DEFAULT_ROUTE else ""


@lru_cache(maxsize=MAX_KEPT)
def normal_notation(text: str) -> str:
    """Return a route or selector as this module writes it: `get pets/{petId}` -> `GET /pets/{petId}`. Raises `RouteSyntaxError` where it is neither."""
    return " ".join(_split(text))


@dataclass(frozen=True, slots=True)
class Selector:
    """Chooses routes of a catalogue by template, never by a request's path, so that `*` cannot cross a `/`.

    `*` as method means every verb of `VERBS`, as `ANY` does. In the path `*` stands for one literal or `{parameter}` segment, and `**`, only at the
    end, for whatever follows, nothing included: `/admin/**` covers `/admin`.
    """

    verbs: frozenset[str]
    pattern: tuple[Segment | None, ...]
    open_ended: bool

    def matches(self, verb: str, route: RouteTemplate) -> bool:
        """Return whether a request with this verb that is served by this route is meant."""
        if verb not in self.verbs or not route.serves(verb):
            return False
        pattern, segments = self.pattern, route.segments
        if (len(segments) < len(pattern)) if self.open_ended else (len(segments) != len(pattern)):
            return False
        return all(
            segment.kind is not SegmentKind.GREEDY if wanted is None else wanted == segment
            for wanted, segment in zip(pattern, segments, strict=False)
        )

    def selects(self, route: RouteTemplate) -> bool:
        """Return whether some request that this route serves is meant."""
        return any(self.matches(verb, route) for verb in route.verbs)


@lru_cache(maxsize=MAX_KEPT)
def parse_selector(text: str) -> Selector:
    """`GET /pets/{petId}`, `* /admin/**` or `WS *` as a selector. Raises `RouteSyntaxError`."""
    method, path = _split(text)
    if method == WEBSOCKET:
        return Selector(frozenset({WEBSOCKET}), (None if path == "*" else _parse_route_key(path),), False)
    if method in ("*", "ANY"):
        verbs = frozenset(VERBS)
    elif method in VERBS:
        verbs = frozenset({method})
    else:
        raise RouteSyntaxError(f"method `{method}` of `{text}` is none of {' '.join(VERBS)} ANY * WS")
    parts = path[1:].split("/") if path != "/" else []
    open_ended = bool(parts) and parts[-1] == "**"
    if open_ended:
        parts.pop()
    if "**" in parts:
        raise RouteSyntaxError(f"`**` must be the last segment of `{text}`")
    pattern = tuple(None if part == "*" else _parse_segment(part, path) for part in parts)
    return Selector(verbs, pattern, open_ended)


class RouteMatch(NamedTuple):
    """The route that a path belongs to, with its parameters as they stand in the path."""

    route: RouteTemplate
    parameters: Mapping[str, str]


class _Node:
    """One level of the catalogue's tree. `routes` by method end here; `greedy` by method take all that follows."""

    __slots__ = ("greedy", "literals", "parameter", "routes")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.routes: dict[str, RouteTemplate] = {}
        self.greedy: dict[str, RouteTemplate] = {}

    def children(self, segment: str) -> Iterator["_Node"]:
        """Yield the nodes that a path segment may lead to, the most specific first."""
        literal = self.literals.get(segment)
        if literal is not None:
            yield literal
        if self.parameter is not None:
            yield self.parameter

    def next_level(self) -> Iterator["_Node"]:
        """Yield all nodes one level down."""
        yield from self.literals.values()
        if self.parameter is not None:
            yield self.parameter

    def meeting(self, segment: Segment) -> Iterator["_Node"]:
        """Yield the nodes one level down whose segment may stand for the same text as this one."""
        return self.children(segment.text) if segment.kind is SegmentKind.LITERAL else self.next_level()


class RouteCatalog:
    """All routes of one API. Raises `RouteSyntaxError` if two routes have one method and one shape."""

    def __init__(self, routes: Iterable[RouteTemplate]) -> None:
        self.routes = tuple(sorted(set(routes), key=_route_order))
        self._by_shape: dict[tuple[str, tuple[Segment, ...]], RouteTemplate] = {}
        self._root = _Node()
        self._position = {id(route): number for number, route in enumerate(self.routes)}
        self._selected: dict[tuple[str, tuple[str, ...]], tuple[tuple[str, RouteTemplate], ...]] = {}
        self._reserved: dict[RouteTemplate, Mapping[str, frozenset[str]]] = {}
        self._found: dict[tuple[str, str], RouteTemplate] = {}
        self._covers_others: dict[tuple[str, str], bool] = {}
        self.reach: dict[type, Any] = {}
        """What other modules found out about these routes and keep with them, by the class that bounds it; it goes when the catalogue goes."""
        for route in self.routes:
            known = self._by_shape.setdefault((route.method, route.shape), route)
            if known is not route:
                raise RouteSyntaxError(f"`{route}` and `{known}` are one route to API Gateway: keep one of them")
            if route.method != WEBSOCKET:
                self._insert(route)

    def _insert(self, route: RouteTemplate) -> None:
        node = self._root
        for segment in route.segments:
            if segment.kind is SegmentKind.GREEDY:
                node.greedy[route.method] = route
                return
            if segment.kind is SegmentKind.PARAMETER:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                node = node.literals.setdefault(segment.text, _Node())
        node.routes[route.method] = route

    def match(self, verb: str, segments: tuple[str, ...], *, full_first: bool = False) -> RouteMatch | None:
        """Return the route that API Gateway would choose for this verb and these path segments, or None.

        A level without a route for the verb falls back to a less specific one. A REST API does not: it answers 403 before any authorizer is
        asked, so falling back there cannot choose a route that the gateway would not. `full_first` prefers any full match to a greedy one, over all
        levels, as HTTP APIs are documented to do.
        """
        if verb not in VERBS or "" in segments:
            return None
        route = (_descend(self._root, segments, 0, verb, greedy=False) if full_first else None) or _descend(self._root, segments, 0, verb)
        if route is None:
            return None
        return RouteMatch(route, route.fit(segments) or {})

    def match_empty_tail(self, verb: str, segments: tuple[str, ...]) -> RouteMatch | None:
        """Return the greedy route right below these path segments, with nothing as its tail, or None.

        An HTTP API serves `/files/` by `/files/{proxy+}`, a REST API does not.
        """
        if verb not in VERBS or "" in segments:
            return None
        route = _greedy_below(self._root, segments, 0, verb)
        return None if route is None else RouteMatch(route, route.fit((*segments, ""), empty_tail=True) or {})

    def match_decoded(self, verb: str, segments: tuple[str, ...]) -> Iterator[RouteTemplate]:
        """Yield the routes for this verb whose requests may look like these path segments after `%2F` in a parameter's value has been decoded."""
        for route in _fitting_decoded(self._root, segments, {0}):
            if route.serves(verb) and self._serving(verb, route.shape) is route:
                yield route

    def find(self, verb: str, path: str) -> RouteTemplate | None:
        """Return the route of the same shape as this path template (or WebSocket route key) for this verb, or None."""
        key = verb, path
        known = self._found.get(key)
        if known is None:
            try:
                known = self._serving(verb, parse_route(f"{verb} {path}").shape)
            except RouteSyntaxError:
                return None
            if known is not None and len(self._found) < MAX_KEPT:
                self._found[key] = known
        return known

    def _serving(self, verb: str, shape: tuple[Segment, ...]) -> RouteTemplate | None:
        return self._by_shape.get((verb, shape)) or (self._by_shape.get(("ANY", shape)) if verb in VERBS else None)

    def below(self, path: str, verb: str) -> tuple[RouteTemplate, ...]:
        """Return the other routes for this verb whose requests a greedy path template such as `/{proxy+}` would also take in."""
        try:
            greedy = RouteTemplate(verb, parse_path(path))
        except RouteSyntaxError:
            return ()
        found = (route for node in _meeting(self._root, greedy.segments[:-1]) for route in _templates_below(node, own=False))
        return self._in_order(route for route in found if route.serves(verb) and route.shape != greedy.shape)

    def covers_others(self, path: str, verb: str) -> bool:
        """Return whether there is any of the routes that `below` returns. Found out once for each greedy route that the gateway names."""
        key = path, verb
        if verb not in VERBS:
            # A caller may make up as many as it likes, and none is served.
            return False
        known = self._covers_others.get(key)
        if known is None:
            known = bool(self.below(path, verb))
            if len(self._covers_others) < MAX_KEPT:
                self._covers_others[key] = known
        return known

    @cached_property
    def cells(self) -> tuple[tuple[str, RouteTemplate], ...]:
        """Return each verb with the route that serves it: `GET /b` and `ANY /b` -> `GET` by the first, every other verb by the second."""
        return tuple((verb, route) for route in self.routes for verb in route.verbs if self._serving(verb, route.shape) is route)

    def cells_of(self, selector: str, excepted: tuple[str, ...] = ()) -> tuple[tuple[str, RouteTemplate], ...]:
        """Return those of `cells` that a selector means and none of the excepted ones does. Raises `RouteSyntaxError`."""
        known = self._selected.get((selector, excepted))
        if known is None:
            parsed = parse_selector(selector)
            cells = ((verb, route) for route in self.select(parsed) for verb in route.verbs if parsed.matches(verb, route))
            left_out = {cell for text in excepted for cell in self.cells_of(text)}
            known = tuple(cell for cell in cells if self._serving(cell[0], cell[1].shape) is cell[1] and cell not in left_out)
            self._selected[selector, excepted] = known
        return known

    def select(self, selector: Selector) -> tuple[RouteTemplate, ...]:
        """Return the routes that a selector means."""
        if selector.verbs == {WEBSOCKET}:
            return tuple(route for route in self.routes if route.method == WEBSOCKET and selector.selects(route))
        return self._in_order(
            route for route in _templates(self._root, selector.pattern, open_ended=selector.open_ended) if selector.selects(route)
        )

    def _in_order(self, routes: Iterable[RouteTemplate]) -> tuple[RouteTemplate, ...]:
        return tuple(sorted(routes, key=lambda route: self._position[id(route)]))

    def reserved_words(self, route: RouteTemplate) -> Mapping[str, frozenset[str]]:
        """For each parameter of a route the literals that sibling routes have in its place.

        A parameter whose value is one of them belongs to a sibling, so that no binding may ever be met by such a value.
        """
        known = self._reserved.get(route)
        if known is None:
            known = self._reserved[route] = {
                segment.text: frozenset(word for node in _meeting(self._root, route.segments[:index]) for word in node.literals)
                for index, segment in enumerate(route.segments)
                if segment.kind is not SegmentKind.LITERAL
            }
        return known


def _descend(node: _Node, segments: tuple[str, ...], depth: int, verb: str, *, greedy: bool = True) -> RouteTemplate | None:
    # Each tree node is visited at most once: the depth is the node's own, so the work is bounded by the size of the catalogue.
    if depth == len(segments):
        return node.routes.get(verb) or node.routes.get("ANY")
    for child in node.children(segments[depth]):
        route = _descend(child, segments, depth + 1, verb, greedy=greedy)
        if route is not None:
            return route
    return (node.greedy.get(verb) or node.greedy.get("ANY")) if greedy else None


def _greedy_below(node: _Node, segments: tuple[str, ...], depth: int, verb: str) -> RouteTemplate | None:
    if depth == len(segments):
        return node.greedy.get(verb) or node.greedy.get("ANY")
    found = (_greedy_below(child, segments, depth + 1, verb) for child in node.children(segments[depth]))
    return next((route for route in found if route is not None), None)


def _fitting_decoded(node: _Node, segments: tuple[str, ...], ends: set[int]) -> Iterator[RouteTemplate]:
    """Yield the templates from a node on that take the segments from one of these ends on, a parameter any number of them but none."""
    if len(segments) in ends:
        yield from node.routes.values()
    first = min(ends)
    if first < len(segments):
        yield from node.greedy.values()
        after: dict[str, set[int]] = {}
        for end in ends - {len(segments)}:
            after.setdefault(segments[end], set()).add(end + 1)
        for word in after.keys() & node.literals.keys():
            yield from _fitting_decoded(node.literals[word], segments, after[word])
        if node.parameter is not None:
            yield from _fitting_decoded(node.parameter, segments, set(range(first + 1, len(segments) + 1)))


def _meeting(root: _Node, segments: tuple[Segment, ...]) -> list[_Node]:
    """Return the nodes of all templates that start so or may take the same paths: `/o/{id}` meets `/o/{id}`, `/o/me`, `/{any}/me` and `/{any}/{id}`."""
    nodes = [root]
    for segment in segments:
        nodes = [child for node in nodes for child in node.meeting(segment)]
    return nodes


def _templates(root: _Node, pattern: tuple[Segment | None, ...], *, open_ended: bool) -> Iterator[RouteTemplate]:
    """Yield the templates that a selector's pattern may mean: a parameter's name is not looked at."""
    nodes = [root]
    for number, wanted in enumerate(pattern):
        if wanted is not None and wanted.kind is SegmentKind.GREEDY:
            yield from (route for node in nodes if number == len(pattern) - 1 for route in node.greedy.values())
            return
        if wanted is None:
            nodes = [child for node in nodes for child in node.next_level()]
        elif wanted.kind is SegmentKind.LITERAL:
            nodes = [node.literals[wanted.text] for node in nodes if wanted.text in node.literals]
        else:
            nodes = [node.parameter for node in nodes if node.parameter is not None]
    for node in nodes:
        yield from _templates_below(node, own=True) if open_ended else node.routes.values()


def _templates_below(node: _Node, *, own: bool) -> Iterator[RouteTemplate]:
    """Yield all templates that go on from a node, and with `own` those that end there."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if own or at is not node:
            yield from at.routes.values()
        yield from at.greedy.values()
        waiting.extend(at.next_level())


def _route_order(route: RouteTemplate) -> tuple[bool, list[str], int]:
    order = (*VERBS, "ANY", WEBSOCKET)
    return route.method == WEBSOCKET, [str(s) for s in route.segments], order.index(route.method)
