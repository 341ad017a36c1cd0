"""Routes as sources write them: what is taken, what is not, and why."""

import pytest

from admin_api.importers.imported import FoundRoutes, Guard, api_name, document_of
from admin_api.importers.route_list import RouteList
from authorizer.policy.document import parse_document


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("get", "/pets", ["GET /pets"]),
        ("Delete", "pets/{id}/", ["DELETE /pets/{id}"]),
        ("any", "/files/{proxy+}", ["ANY /files/{proxy+}"]),
        ("*", "/", ["ANY /"]),
        ("x-amazon-apigateway-any-method", "", ["ANY /"]),
        ("any", "$default", ["ANY /", "ANY /{proxy+}"]),
        ("ws", "chat/send", ["WS chat/send"]),
        ("WS", "$default", ["WS $default"]),
        ("post", "/events:batch", ["POST /events:batch"]),
    ],
)
def test_taken(method: str, path: str, expected: list[str]) -> None:
    routes = RouteList()
    routes.add(method, path, "f:1")
    assert [str(each.route) for each in routes.found()] == expected
    assert routes.not_taken == []


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [
        ("trace", "/pets", "API Gateway has no method `trace`"),
        ("connect", "/pets", "API Gateway has no method `connect`"),
        ("get", "/pets/{id}.json", "neither plain text nor one whole"),
        ("get", "/{from}...{to}", "neither plain text nor one whole"),
        ("post", "/jobs/{id}:cancel", "neither plain text nor one whole"),
        ("get", "/{proxy+}/more", "must be the last segment"),
        ("get", "/a//b", "has an empty segment"),
        ("get", "//a", "has an empty segment"),
        ("get", "/pets/<id>", "write `{id}`"),
        ("get", "/{id}/{id}", "two parameters of one name"),
        ("ws", "a b", "is not a WebSocket route key"),
    ],
)
def test_not_taken(method: str, path: str, reason: str) -> None:
    routes = RouteList()
    routes.add(method, path, "f:1")
    [left] = routes.not_taken
    assert routes.found() == ()
    assert left.place == "f:1"
    assert f"`{method} {path}`" in left.reason
    assert reason in left.reason


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (Guard.AUTHORIZER, Guard.NONE, Guard.NONE),
        (Guard.NONE, Guard.AUTHORIZER, Guard.NONE),
        (Guard.AUTHORIZER, Guard.OPEN, Guard.NONE),
        (Guard.OPEN, Guard.OPEN, Guard.OPEN),
        (Guard.UNKNOWN, Guard.AUTHORIZER, Guard.UNKNOWN),
    ],
)
def test_of_one_route_twice_the_first_name_and_the_weaker_guard_are_kept(first: Guard, second: Guard, kept: Guard) -> None:
    routes = RouteList()
    routes.add("get", "/pets/{id}", "f:1", first)
    routes.add("GET", "/pets/{petId}", "f:2", second)
    [found] = routes.found()
    assert (str(found.route), found.place, found.guard) == ("GET /pets/{id}", "f:1", kept)


def test_a_document_of_routes_can_be_read_and_says_what_is_open() -> None:
    routes = RouteList()
    routes.add("get", "/pets", "f:1", Guard.NONE)
    routes.add("get", "/health", "f:2", Guard.OPEN)
    imported = document_of(FoundRoutes("Pet Store (v2)", routes.found()))
    assert imported.document == {"api": "pet-store-v2", "routes": ["GET /pets", {"route": "GET /health", "public": True}]}
    assert [str(route) for route in parse_document(imported.document).catalog.routes if route.public] == ["GET /health"]
    assert document_of(FoundRoutes("Pet Store", routes.found()), "shop").document["api"] == "shop"


@pytest.mark.parametrize(
    ("text", "name"), [("Pets", "pets"), ("", "api"), ("日本", "api"), ("a" * 70, "a" * 64), ("v1.2/x", "v1-2-x"), ("-x-", "x")]
)
def test_names_of_apis(text: str, name: str) -> None:
    assert api_name(text) == name
