"""Requests that belong to no route: what is wrong with them, and which routes are close."""

import pytest

from admin_api.analysis.explanation import explain
from admin_api.analysis.near_route import find_target
from authorizer.policy.document import parse_document
from authorizer.policy.request_path import Unroutable

DOCUMENT = parse_document(
    {
        "api": "x",
        "routes": [
            *("GET /", "GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}", "PUT /pets/new", "ANY /files/{proxy+}"),
            *("WS $connect", "WS pets"),
        ],
    }
)


def near(request: str) -> list[tuple[str, str]]:
    method, path = request.split(" ", 1)
    return [(miss.kind.value, str(miss)) for miss in explain(DOCUMENT, [], {}, method, path, 0).near_misses]


@pytest.mark.parametrize(
    ("request_line", "routes"),
    [
        ("PATCH /pets/7", ["GET /pets/{petId}", "DELETE /pets/{petId}"]),
        ("PATCH pets/7/", ["GET /pets/{petId}", "DELETE /pets/{petId}"]),
        ("PATCH /pets/new", ["GET /pets/{petId}", "PUT /pets/new", "DELETE /pets/{petId}"]),
        ("DELETE /pets", ["GET /pets", "POST /pets", "WS pets"]),
        ("WS $disconnect", []),
        ("WS files/a", ["ANY /files/{proxy+}"]),
        ("GET $connect", ["WS $connect"]),
        ("POST /", ["GET /"]),
        ("GET /cats", []),
        ("GET /pets/7/toys", []),
    ],
)
def test_the_routes_that_the_path_has_with_other_methods_are_named(request_line: str, routes: list[str]) -> None:
    method = request_line.partition(" ")[0]
    assert near(request_line) == [("other_method", f"the catalogue has {route}, not {method}") for route in routes]


@pytest.mark.parametrize("method", ["get", "ANY", "TRACE", "*", ""])
def test_a_method_that_is_none_is_named_with_those_that_are(method: str) -> None:
    [unknown, *others] = near(f"{method} /pets/7")
    assert unknown == ("unknown_method", f"`{method}` is none of GET HEAD OPTIONS POST PUT PATCH DELETE WS: every other method is denied")
    assert others == [
        ("other_method", f"the catalogue has GET /pets/{{petId}}, not {method}"),
        ("other_method", f"the catalogue has DELETE /pets/{{petId}}, not {method}"),
    ]


SPECIAL = "it has `*`, `?`, `\\` or `${`, which may mean more than themselves (a query string is no part of a path)"
CONTROL = "it has a control character or half a character"
DOTS = "it has `.` or `..` as a segment"
EMPTY = "it has an empty segment"


@pytest.mark.parametrize(
    ("request_line", "rule"),
    [
        ("PUT /pets?limit=1", SPECIAL),
        ("PUT /pets/*", SPECIAL),
        ("PUT /pets/a\\b", SPECIAL),
        ("PUT /pets/${x}", SPECIAL),
        ("PUT /pets/%2A", SPECIAL + ", once percent-decoded to 'pets/*'"),
        ("PUT /pets/a\tb", CONTROL),
        ("PUT /pets/\x85", CONTROL),
        ("PUT /pets/\ud800", CONTROL),
        ("PUT /pets/%0A", CONTROL + ", once percent-decoded to 'pets/\\n'"),
        ("PUT //pets", EMPTY),
        ("PUT /pets//7", EMPTY),
        ("PUT /pets//", EMPTY),
        ("PUT /%2Fpets", EMPTY + ", once percent-decoded to '/pets'"),
        ("PUT /pets/%252F7", EMPTY + ", once percent-decoded to 'pets//7'"),
        ("PUT /pets/../health", DOTS),
        ("PUT /./pets", DOTS),
        ("PUT /pets/..", DOTS),
        ("PUT /pets/%2e%2e", DOTS + ", once percent-decoded to 'pets/..'"),
        ("PUT /pets/%C3%28", "its percent-encoding is not UTF-8"),
        ("PUT /pets/%25C3", "its percent-encoding is not UTF-8, once percent-decoded to 'pets/%C3'"),
        ("GET /pets%2F7", "percent-decoded it is 'pets/7', which is another route or has other parameters"),
        ("GET /p%65ts", "percent-decoded it is 'pets', which is another route or has other parameters"),
        ("PUT /pets/%6E%65w", "percent-decoded it is 'pets/new', which is another route or has other parameters"),
        ("PUT /pets/%25252561", "it is percent-encoded more than 3 times"),
    ],
)
def test_an_unsafe_path_is_named_with_the_rule_that_it_breaks(request_line: str, rule: str) -> None:
    assert find_target(DOCUMENT.catalog, *request_line.split(" ", 1)).problem is Unroutable.UNSAFE_PATH
    assert near(request_line) == [("unsafe_path", f"the path is unsafe: {rule}")]


@pytest.mark.parametrize("path", ["/pets/%252561", "/pets/7.", "/pets/.a", "/pets/...", "/pets/$", "/pets/{x}", "/pets/\xe9", "/pets/7/"])
def test_odd_paths_that_mean_one_thing_only_find_their_route(path: str) -> None:
    assert str(find_target(DOCUMENT.catalog, "GET", path).route) == "GET /pets/{petId}"
