"""Which route a request asks for, and, if none, what is wrong with its path or method and which routes are close."""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from authorizer.policy.near_miss import NearMiss, NearMissKind
from authorizer.policy.request_path import Target, Unroutable, resolve
from authorizer.policy.route import VERBS, WEBSOCKET, RouteCatalog

_MOST_DECODINGS = 3
_UNSAFE_SPELLINGS = (
    (
        re.compile(r"[*?\\]|\$\{"),
        "it has `*`, `?`, `\\` or `${`, which may mean more than themselves (a query string is no part of a path)",
    ),
    (re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]"), "it has a control character or half a character"),
    (re.compile(r"//|^/."), "it has an empty segment"),
    (re.compile(r"(?:^|/)\.\.?(?:/|\Z)"), "it has `.` or `..` as a segment"),
)


def find_target(catalog: RouteCatalog, method: str, path: str) -> Target:
    """What a request asks for, read as strictly as in `request` scope. With `WS` as method, `path` is a route key. A leading slash may be left out."""
    path = path.removeprefix("/")
    if method == WEBSOCKET:
        return Target(method, catalog.find(method, path))
    return resolve(catalog, method, path, None, exact=True)


def near_routes(catalog: RouteCatalog, method: str, path: str, problem: Unroutable | None) -> Iterator[NearMiss]:
    """For a request without a route: what is wrong with its path or method, and the routes that its path has with other methods."""
    if problem is Unroutable.UNSAFE_PATH:
        yield NearMiss(NearMissKind.UNSAFE_PATH, f"the path is unsafe: {_broken_rule(path.removeprefix('/'))}")
        return
    methods = (*VERBS, WEBSOCKET)
    if method not in methods:
        yield NearMiss(NearMissKind.UNKNOWN_METHOD, f"`{method}` is none of {' '.join(methods)}: every other method is denied")
    routes = (find_target(catalog, other, path).route for other in methods)
    for route in dict.fromkeys(route for route in routes if route is not None):
        yield NearMiss(NearMissKind.OTHER_METHOD, f"the catalogue has {route}, not {method}")


def _broken_rule(path: str) -> str:
    text, when = path, ""
    for _ in range(_MOST_DECODINGS + 1):
        for pattern, words in _UNSAFE_SPELLINGS:
            if pattern.search(text):
                return words + when
        try:
            decoded = unquote_to_bytes(text).decode("utf-8")
        except UnicodeError:
            return "its percent-encoding is not UTF-8" + when
        if decoded == text:
            return f"percent-decoded it is {text!a}, which is another route or has other parameters"
        text, when = decoded, f", once percent-decoded to {decoded!a}"
    return f"it is percent-encoded more than {_MOST_DECODINGS} times"
