"""Selectors mean routes of a catalogue by template."""

import pytest

from authorizer.policy.route import RouteCatalog, RouteSyntaxError, parse_route, parse_selector

CATALOG = RouteCatalog(
    parse_route(text)
    for text in ["GET /", "GET /a", "POST /a", "ANY /a/b", "GET /a/{id}", "GET /a/{id}/c", "GET /f/{rest+}", "WS $connect", "WS a"]
)


@pytest.mark.parametrize(
    ("selector", "routes"),
    [
        ("GET /", ["GET /"]),
        ("GET /a", ["GET /a"]),
        ("* /a", ["GET /a", "POST /a"]),
        ("ANY /a", ["GET /a", "POST /a"]),
        ("DELETE /a/b", ["ANY /a/b"]),
        ("DELETE /a", []),
        ("GET /a/{id}", ["GET /a/{id}"]),
        ("GET /a/{other}", []),
        ("GET /a/id", []),
        ("GET /a/{id+}", []),
        ("GET /a/*", ["ANY /a/b", "GET /a/{id}"]),
        ("GET /*", ["GET /a"]),
        ("GET /*/*/c", ["GET /a/{id}/c"]),
        ("GET /f/*", []),
        ("GET /f/**", ["GET /f/{rest+}"]),
        ("GET /f/{rest+}", ["GET /f/{rest+}"]),
        ("GET /f/{rest+}/**", ["GET /f/{rest+}"]),
        ("GET /a/**", ["GET /a", "ANY /a/b", "GET /a/{id}", "GET /a/{id}/c"]),
        ("GET /*/**", ["GET /a", "ANY /a/b", "GET /a/{id}", "GET /a/{id}/c", "GET /f/{rest+}"]),
        ("POST /**", ["POST /a", "ANY /a/b"]),
        ("HEAD /**", ["ANY /a/b"]),
        ("* /**", ["GET /", "GET /a", "POST /a", "ANY /a/b", "GET /a/{id}", "GET /a/{id}/c", "GET /f/{rest+}"]),
        ("WS *", ["WS $connect", "WS a"]),
        ("WS a", ["WS a"]),
        ("WS b", []),
    ],
)
def test_selects(selector: str, routes: list[str]) -> None:
    assert list(map(str, CATALOG.select(parse_selector(selector)))) == routes


@pytest.mark.parametrize(
    ("selector", "verb", "route", "expected"),
    [
        ("GET /a/b", "GET", "ANY /a/b", True),
        ("GET /a/b", "POST", "ANY /a/b", False),
        ("ANY /a", "GET", "GET /a", True),
        ("ANY /a", "POST", "GET /a", False),
        ("* /a", "TRACE", "ANY /a", False),
        ("* /a", "WS", "WS a", False),
        ("WS a", "WS", "WS a", True),
        ("WS *", "GET", "GET /a", False),
        ("GET /a", "WS", "WS a", False),
    ],
)
def test_matches_one_verb_of_a_route(selector: str, verb: str, route: str, expected: bool) -> None:
    assert parse_selector(selector).matches(verb, parse_route(route)) is expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET",
        "GET /a ",
        " GET /a",
        "GET\t/a",
        "GET /a\n",
        "TRACE /a",
        "gEt$ /a",
        "GET $default",
        "$default",
        "GET /a/**/b",
        "GET /a*",
        "GET /***",
        "WS",
        "WS **",
        "GET /${x}",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(RouteSyntaxError):
        parse_selector(text)
