"""Which route a request belongs to, and whether its path can be trusted to mean the same to everyone who reads it.

AWS documents neither whether the ARN's path is percent-decoded nor what routing does with odd spellings. So where a path is matched here, every
reading of it must lead to the same route with the same parameters, or the request is denied as unsafe.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from authorizer.policy.route import VERBS, WEBSOCKET, RouteCatalog, RouteMatch, RouteTemplate, SegmentKind

_MAX_DECODINGS = 3
_UNSAFE_SPELLINGS = (
    (r"[*?\\]|\$\{", "it has `*`, `?`, `\\` or `${`, which may mean more than themselves (a query string is no part of a path)"),
    (r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "it has a control character or half a character"),
    (r"//|^/.", "it has an empty segment"),
    (r"(?:^|/)\.\.?(?:/|\Z)", "it has `.` or `..` as a segment"),
)
"""What is unsafe in any form of a path, and what to tell people about it."""
_UNSAFE = re.compile("|".join(pattern for pattern, _ in _UNSAFE_SPELLINGS))


class Unroutable(StrEnum):
    """Why a request belongs to no route. The words are stable: they are reason codes of decisions."""

    NO_ROUTE = "no_route"
    CATALOGUE_DRIFT = "catalogue_drift"
    PATH_MISMATCH = "path_mismatch"
    UNSAFE_PATH = "unsafe_path"
    PATH_TOO_LONG = "path_too_long"


class _UnsafePathError(ValueError):
    pass


class Target(NamedTuple):
    """What a request asks for.

    `route` is the route that answers are about: with `problem` set the request itself is not a proper request for it and is denied, but in `route` scope an
    answer about the route may still be given, and refuses this path. `only_requested` says that an answer may cover no more than this
    request: the gateway's route is greedy and takes in several routes of the catalogue.
    """

    verb: str
    route: RouteTemplate | None
    parameters: Mapping[str, str] = MappingProxyType({})
    problem: Unroutable | None = None
    only_requested: bool = False


def resolve(catalog: RouteCatalog, verb: str, path: str, gateway_template: str | None, *, exact: bool, http: bool = False) -> Target:
    """Return the route that serves a path, with the values of its parameters: `GET`, `pets/7` -> `GET /pets/{petId}` with `petId` = `7`.

    `path` is the ARN's, without the leading slash. `gateway_template` is the path template that the gateway named, None if the gateway named none. `exact`
    asks for the strict reading of `request` scope: every spelling of the path must lead to the named route, so that `pets/%2E%2E` is `unsafe_path`. `http`
    reads paths as HTTP APIs may: a slash at the end, which REST APIs drop, may belong to the path, and the gateway may have preferred a full match to a
    greedy route that is more specific at an earlier level.
    """
    if http and path.endswith("/"):
        with_tail = _with_empty_tail(catalog, verb, path, gateway_template)
        if with_tail is not None:
            return with_tail
    target = _resolve(catalog, verb, path, gateway_template, exact=exact, http=http)
    return _read_with_slash(target, gateway_template) if http and path.endswith("/") else target


def _with_empty_tail(catalog: RouteCatalog, verb: str, path: str, gateway_template: str | None) -> Target | None:
    """Return the target of a path whose slash at the end is all that a greedy route is given: `files/` -> `ANY /files/{proxy+}` with `proxy` = ``.

    None if there is no such route, or if the gateway named another one that is not greedy. Where the gateway's route takes in several and the catalogue has
    `GET /files` too, nobody knows which of the two its backend would serve: then the slash is unsafe. So is a path of which one spelling leaves a tail
    empty and another does not: `admin%2Fx/` may be `GET /{team}/{rest+}`, and decoded it is `GET /admin/{rest+}`.
    """
    if gateway_template is not None and not gateway_template.endswith("+}"):
        return None
    told = None if gateway_template is None else catalog.find(verb, gateway_template)
    only_requested = gateway_template is not None and catalog.covers_others(gateway_template, verb)
    try:
        match = _match_every_spelling(path, partial(catalog.match_empty_tail, verb))
        beside = None if match is None or match.route == told else _match_every_spelling(path, partial(catalog.match, verb))
    except _UnsafePathError:
        return Target(verb, told, problem=Unroutable.UNSAFE_PATH, only_requested=only_requested)
    if match is None or (beside is not None and not beside.route.is_greedy):
        return None
    return Target(verb, match.route, match.parameters, only_requested=only_requested)


def _read_with_slash(target: Target, gateway_template: str | None) -> Target:
    """Return the target of a path whose slash at the end may count: `pets/` -> not `GET /pets`, but `GET /{proxy+}` with `proxy` = `pets/`.

    A parameter at the end has the slash in its value: `pets/7/` -> `GET /pets/{petId}` with `petId` = `7/`.
    """
    if target.route is None:
        return target
    if not target.route.is_greedy and (gateway_template is None or gateway_template.endswith("+}")):
        return target._replace(route=None, parameters={}, problem=target.problem or Unroutable.UNSAFE_PATH)
    last = target.route.segments[-1] if target.route.segments else None
    if last is None or last.kind is SegmentKind.LITERAL or last.text not in target.parameters:
        return target
    return target._replace(parameters={**target.parameters, last.text: target.parameters[last.text] + "/"})


def _resolve(catalog: RouteCatalog, verb: str, path: str, gateway_template: str | None, *, exact: bool, http: bool) -> Target:
    if verb not in VERBS:
        return Target(verb, None, problem=Unroutable.NO_ROUTE)
    if gateway_template is None:
        return _matched(catalog, verb, path)
    route = catalog.find(verb, gateway_template)
    if gateway_template.endswith("+}") and (exact or catalog.covers_others(gateway_template, verb)):
        target = _matched(catalog, verb, path)
        drift = target.problem is Unroutable.NO_ROUTE and route is None
        problem = Unroutable.CATALOGUE_DRIFT if drift else target.problem
        return Target(verb, target.route, target.parameters, problem, only_requested=True)
    if route is None:
        return Target(verb, None, problem=Unroutable.CATALOGUE_DRIFT)
    if exact:
        target = _matched(catalog, verb, path)
        if http and target.route != route:
            preferred = _matched(catalog, verb, path, full_first=True)
            target = preferred if preferred.route == route else target
        mismatch = target.problem is None and target.route != route
        return Target(verb, route, target.parameters, Unroutable.PATH_MISMATCH if mismatch else target.problem)
    parameters = route.fit(_segments(path))
    return Target(verb, route, parameters or {}, None if parameters is not None else Unroutable.PATH_MISMATCH)


def resolve_route_key(catalog: RouteCatalog, key: str) -> Target:
    """Return the target of a WebSocket message, or of `$connect`, by the route key that the gateway chose."""
    route = catalog.find(WEBSOCKET, key)
    return Target(WEBSOCKET, route, problem=Unroutable.CATALOGUE_DRIFT if route is None else None)


def _matched(catalog: RouteCatalog, verb: str, path: str, *, full_first: bool = False) -> Target:
    try:
        match = _match_every_spelling(path, partial(catalog.match, verb, full_first=full_first))
    except _UnsafePathError:
        return Target(verb, None, problem=Unroutable.UNSAFE_PATH)
    if match is None:
        return Target(verb, None, problem=Unroutable.NO_ROUTE)
    return Target(verb, match.route, match.parameters)


def _match_every_spelling(path: str, read: Callable[[tuple[str, ...]], RouteMatch | None]) -> RouteMatch | None:
    """Return what `read` makes of the segments of every spelling of a path. Raises `_UnsafePathError` if that is not one and the same."""
    match, *others = [read(_segments(spelling)) for spelling in _spellings(path)]
    for other in others:
        same = match is other is None or (match is not None and other is not None and _same(match, other))
        if not same:
            raise _UnsafePathError(path)
    return match


def _same(left: RouteMatch, right: RouteMatch) -> bool:
    def decoded(match: RouteMatch) -> dict[str, str]:
        return {name: _spellings(value)[-1] for name, value in match.parameters.items()}

    return left.route == right.route and decoded(left) == decoded(right)


def _spellings(path: str) -> list[str]:
    """Return the path and what it becomes when percent-decoded, again and again until it stays the same. The last one is fully decoded."""
    spellings = [path]
    while True:
        text = spellings[-1]
        if _UNSAFE.search(text):
            raise _UnsafePathError(path)
        try:
            decoded = unquote_to_bytes(text).decode("utf-8")
        except UnicodeError:
            raise _UnsafePathError(path) from None
        if decoded == text:
            return spellings
        if len(spellings) > _MAX_DECODINGS:
            raise _UnsafePathError(path)
        spellings.append(decoded)


def why_unsafe(path: str) -> str:
    """Return the rule that an unsafe path breaks, in words, and in which form of it."""
    text, when = path, ""
    for _ in range(_MAX_DECODINGS + 1):
        for pattern, words in _UNSAFE_SPELLINGS:
            if re.search(pattern, text):
                return words + when
        try:
            decoded = unquote_to_bytes(text).decode("utf-8")
        except UnicodeError:
            return "its percent-encoding is not UTF-8" + when
        if decoded == text:
            return f"percent-decoded it is {text!a}, which is another route or has other parameters"
        text, when = decoded, f", once percent-decoded to {decoded!a}"
    return f"it is percent-encoded more than {_MAX_DECODINGS} times"


def _segments(path: str) -> tuple[str, ...]:
    """Path segments; one slash at the end does not count. An empty segment stays and fits nothing."""
    path = path.removesuffix("/")
    return tuple(path.split("/")) if path else ()
