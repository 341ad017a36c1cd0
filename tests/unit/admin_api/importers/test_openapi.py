"""Which routes a definition has, what guards them, and what of it is told as not taken."""

import os
import random
from pathlib import Path
from typing import Any

import pytest

from admin_api.importers.foreign_text import ForeignText, ForeignValue, parse_foreign, read_foreign
from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError, document_of
from admin_api.importers.openapi import MAX_VISITED, BasePath, read_openapi
from authorizer.policy.document import parse_document

VECTORS = Path(__file__).parents[3] / "vectors" / "imports" / "openapi"

TRIES = 2000 if os.environ.get("CI") else 300

AUTHORIZER, OTHER, NONE, OPEN, UNKNOWN = Guard.AUTHORIZER, Guard.OTHER, Guard.NONE, Guard.OPEN, Guard.UNKNOWN


def vector(name: str, base_path: BasePath = BasePath.IGNORE) -> FoundRoutes:
    return read_openapi(parse_foreign(read_foreign(str(VECTORS / name))), base_path)


def of_text(text: str, name: str = "api.yaml") -> FoundRoutes:
    return read_openapi(parse_foreign(ForeignText(name, text)))


def of(**fields: Any) -> FoundRoutes:
    return read_openapi(ForeignValue("api.json", {"openapi": "3.0.0", **fields}))


def guards(found: FoundRoutes) -> list[tuple[str, Guard]]:
    return [(str(each.route), each.guard) for each in found.routes]


def left(found: FoundRoutes) -> list[str]:
    return [each.place for each in found.not_taken]


def test_a_swagger_definition_of_a_rest_api() -> None:
    found = vector("swagger_2.yaml")
    assert guards(found) == [
        ("GET /pets", AUTHORIZER),
        ("POST /pets", AUTHORIZER),
        ("OPTIONS /pets", NONE),
        ("ANY /pets/{petId}", AUTHORIZER),
        ("HEAD /pets/{petId}", OTHER),
        ("POST /events:batch", OTHER),
        ("ANY /files/{proxy+}", NONE),
        ("GET /health", OPEN),
        ("GET /odd", UNKNOWN),
    ]
    assert [each.place for each in found.routes[:3]] == ["swagger_2.yaml:11", "swagger_2.yaml:15", "swagger_2.yaml:19"]
    assert left(found) == [f"swagger_2.yaml:{line}" for line in (29, 31, 33, 38, 42)]
    hints = ["GET /pets/{petId}", "GET /range/{a}", "POST /pets/{petId}"]
    for each, hint in zip(found.not_taken, hints, strict=False):
        assert each.reason.endswith(f": did you mean `{hint}`?")
    assert "no method `trace`" in found.not_taken[-1].reason
    assert found.name == "Pet Store (v2)"


def test_a_definition_in_json_of_an_http_api() -> None:
    found = vector("openapi_30.json")
    assert guards(found) == [
        ("GET /orders", UNKNOWN),
        ("POST /orders", OPEN),
        ("GET /orders/{orderId}", OTHER),
        ("DELETE /orders/{orderId}", UNKNOWN),
        ("PUT /orders/{orderId}", AUTHORIZER),
        ("GET /keys", OTHER),
        ("ANY /", AUTHORIZER),
        ("ANY /{proxy+}", AUTHORIZER),
    ]
    assert found.routes[2].place == "/paths/~1orders~1{orderId}/get"
    assert found.not_taken == ()
    assert any("`delete /orders/{orderId}`" in note and "public" in note for note in found.notes)


def test_references_anchors_and_merges_are_followed() -> None:
    found = vector("openapi_31.yaml")
    assert [each.written for each in found.routes] == [
        *("get /users", "post /users", "get /people", "post /people", "delete /staff", "get /staff", "post /staff"),
        *("patch /users/{userId}", "get /users/{userId}", "put /users/{userId}", "get /teams/:team"),
    ]
    assert {each.guard for each in found.routes} == {UNKNOWN}
    assert found.routes[8].place == "openapi_31.yaml:38"
    assert left(found) == [f"openapi_31.yaml:{line}" for line in (16, 18, 20, 23, 25, 26)]
    words = ("another file", "circle", "no operations", "no operations", "says nothing of an operation", "no method")
    assert [word for word, each in zip(words, found.not_taken, strict=True) if word not in each.reason] == []
    assert sum("webhook" in note for note in found.notes) == 1
    assert sum("`GET /teams/:team`" in note for note in document_of(found).notes) == 1


@pytest.mark.parametrize("name", ["swagger_2.yaml", "openapi_30.json", "openapi_31.yaml"])
def test_the_document_is_one_that_can_be_applied(name: str) -> None:
    found = vector(name)
    document = parse_document(document_of(found).document)
    assert {str(route) for route in document.catalog.routes} == {str(each.route) for each in found.routes}
    assert {str(route) for route in document.catalog.routes if route.public} == {
        str(each.route) for each in found.routes if each.guard is OPEN
    }


@pytest.mark.parametrize(("name", "base"), [("swagger_2.yaml", "/v1"), ("openapi_30.json", "/shop"), ("openapi_31.yaml", "/api/v2")])
def test_the_base_path_is_left_out_and_told_unless_it_is_asked_for(name: str, base: str) -> None:
    ignored, prepended = vector(name), vector(name, BasePath.PREPEND)
    assert sum(f"`{base}`" in note and "--base-path prepend" in note for note in ignored.notes) == 1
    assert not any("base path" in note for note in prepended.notes)
    # `$default` is what no route takes, wherever others lie.
    assert [each.route.path for each in prepended.routes] == [
        each.route.path if "$default" in each.written else base + each.route.path for each in ignored.routes
    ]


@pytest.mark.parametrize(
    ("servers", "base"),
    [
        ([{"url": "/v1/"}], "/v1"),
        ([{"url": "https://a.example"}, {"url": "https://a.example/v2?x=/y#z"}], "/v2"),
        ([{"url": "https://{host}/{stage}/x", "variables": {"stage": {"default": "prod"}}}], "/prod/x"),
        # API Gateway takes the variable even if no address uses it, and of several the first.
        ([{"url": "/a", "variables": {"basePath": {"default": "b"}}}, {"variables": {"basePath": {"default": "c"}}}], "/b"),
        ([{"url": "https://[x/v3"}], "/v3"),
        ([{"url": None}, None, "x", {"url": "/"}, {"url": "https://a.example/"}, {}], ""),
        ("x", ""),
        (None, ""),
    ],
)
def test_the_base_path_is_found_as_api_gateway_finds_it(servers: Any, base: str) -> None:
    source = ForeignValue("api.json", {"openapi": "3.0.0", "servers": servers, "paths": {"/x": {"get": {}}}})
    [route] = read_openapi(source, BasePath.PREPEND).routes
    assert str(route.route) == f"GET {base}/x"


def test_prepending_needs_a_base_path_that_is_known() -> None:
    source = ForeignValue("api.json", {"openapi": "3.0.0", "servers": [{"url": "/{stage}"}], "paths": {"/x": {"get": {}}}})
    with pytest.raises(ImportSourceError, match="variable without a default"):
        read_openapi(source, BasePath.PREPEND)
    assert guards(read_openapi(source)) == [("GET /x", UNKNOWN)]
    bare = ForeignValue("api.json", {"swagger": "2.0", "paths": {"/x": {"get": {}}}})
    assert read_openapi(bare, BasePath.PREPEND).notes == ("the definition has no base path to prepend",)


LAMBDA = {"x-amazon-apigateway-authorizer": {"type": "token"}}

SECURITY: list[tuple[Any, Guard]] = [
    ([], OPEN),
    ([{}], OPEN),
    ([None], UNKNOWN),
    ([[]], UNKNOWN),
    (None, UNKNOWN),
    ("", UNKNOWN),
    ({}, UNKNOWN),
    ([{}, {"lambda": []}], UNKNOWN),
    ([{"lambda": []}], AUTHORIZER),
    ([{"lambda": [], "key": []}], AUTHORIZER),
    ([{"key": []}, {"lambda": []}], AUTHORIZER),
    ([{"key": []}], OTHER),
    ([{"key": []}, {"bearer": []}], UNKNOWN),
    ([{"key": []}, "lambda"], UNKNOWN),
    ([{"header": []}], UNKNOWN),
    ([{"strange": []}], UNKNOWN),
    ([{"text": []}], UNKNOWN),
    ([{"missing": []}], UNKNOWN),
    ([{"iam": []}], OTHER),
]

SCHEMES = {
    "lambda": LAMBDA,
    "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
    "header": {"type": "apiKey", "name": "authorization", "in": "header"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "strange": {"x-amazon-apigateway-authorizer": {"type": ["token"]}},
    "text": "lambda",
    "iam": {"type": "apiKey", "name": "Authorization", "x-amazon-apigateway-authtype": "awsSigv4"},
}


@pytest.mark.parametrize(("security", "guard"), SECURITY)
@pytest.mark.parametrize("place", ["operation", "definition"])
def test_what_a_security_requirement_means(security: Any, guard: Guard, place: str) -> None:
    own, shared = ({"security": security}, {}) if place == "operation" else ({}, {"security": security})
    found = of(paths={"/x": {"get": own}}, components={"securitySchemes": SCHEMES}, **shared)
    assert guards(found) == [("GET /x", guard)]


def test_an_operation_overrides_the_definition() -> None:
    found = of(paths={"/x": {"get": {}, "post": {"security": [{"lambda": []}]}}}, components={"securitySchemes": SCHEMES}, security=[])
    assert guards(found) == [("GET /x", OPEN), ("POST /x", AUTHORIZER)]
    assert sum("`GET /x`" in note and "whole definition" in note for note in found.notes) == 1


@pytest.mark.parametrize(("kind", "guard"), [("NONE", OPEN), ("aws_iam", OTHER), ("CUSTOM", AUTHORIZER), ("other", NONE), (None, NONE)])
def test_what_api_gateways_own_word_on_an_operation_means(kind: Any, guard: Guard) -> None:
    assert guards(of(paths={"/x": {"get": {"x-amazon-apigateway-auth": {"type": kind}}}})) == [("GET /x", guard)]


@pytest.mark.parametrize(
    ("fields", "guard"),
    [
        ({}, UNKNOWN),
        ({"x-tag": 1}, UNKNOWN),
        ({"x-amazon-apigateway-request-validators": {}}, NONE),
        ({"components": {"securitySchemes": {"unused": LAMBDA}}}, NONE),
    ],
)
def test_silence_means_something_only_where_api_gateway_deploys_the_definition(fields: dict[str, Any], guard: Guard) -> None:
    assert guards(of(paths={"/x": {"get": {}}}, **fields)) == [("GET /x", guard)]


def test_two_spellings_of_one_route_are_public_only_if_both_are() -> None:
    """Whichever comes first."""
    for names in (("/x/{a}", "/x/{b}"), ("/x/{b}", "/x/{a}")):
        operations = {"/x/{a}": {"get": {"security": []}}, "/x/{b}": {"get": {"security": [{"lambda": []}]}}}
        found = of(paths={name: operations[name] for name in names}, components={"securitySchemes": SCHEMES})
        assert [each.guard for each in found.routes] == [NONE]


def test_webhooks_and_callbacks_are_no_routes() -> None:
    found = of(paths={"/x": {"get": {"callbacks": {"y": {"/z": {"get": {}}}}}}}, webhooks={"a": {"post": {}}, "b": {"post": {}}})
    assert guards(found) == [("GET /x", UNKNOWN)]
    assert any("2 webhooks" in note for note in found.notes)


def test_methods_that_api_gateway_does_not_have() -> None:
    found = of(paths={"/x": {"query": {}, "connect": {}, "additionalOperations": {"COPY": {}, "get": {}}}})
    assert guards(found) == [("GET /x", UNKNOWN)]
    assert left(found) == ["/paths/~1x/query", "/paths/~1x/connect", "/paths/~1x/additionalOperations/COPY"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"openapi": "4.0.0"}, "version `4.0.0`"),
        ({"openapi": None}, "version ``"),
        ({"openapi": {"a": 1}}, "version ``"),
        ({"swagger": "1.2"}, "version `1.2`"),
        ({"info": {}}, "neither `openapi` nor `swagger`"),
        ([], "neither"),
        (None, "neither"),
        ({"openapi": "3.0.0", "paths": None}, "no paths"),
        ({"openapi": "3.1.0", "webhooks": {"x": {}}}, "no paths"),
        ({"openapi": "3.0.0", "paths": {}}, "no paths"),
        ({"openapi": "3.0.0", "paths": ["/x"]}, "`paths` is no mapping"),
        ({"openapi": "3.0.0", "paths": "/x"}, "`paths` is no mapping"),
    ],
)
def test_what_is_no_definition_says_so(fields: Any, words: str) -> None:
    with pytest.raises(ImportSourceError, match=f"api.json: .*{words}"):
        read_openapi(ForeignValue("api.json", fields))


def test_versions_may_be_written_as_numbers() -> None:
    for text in ("openapi: 3.0", "openapi: 3.1", "swagger: 2.0", '{"swagger": 2.0,'):
        ending = '\n"paths": {"/x": {"get": {}}}}' if text.startswith("{") else "\npaths: {/x: {get: {}}}\n"
        assert guards(of_text(text + ending)) == [("GET /x", UNKNOWN)]


@pytest.mark.parametrize(
    "reference", ["#/components/pathItems/a~1b", "#/components/pathItems/a%2Fb", "#/components/list/1", "#/components/pathItems/hop"]
)
def test_references_are_json_pointers(reference: str) -> None:
    items = {"a/b": {"get": {}}, "hop": {"$ref": "#/components/pathItems/a~1b"}}
    found = of(paths={"/x": {"$ref": reference}}, components={"pathItems": items, "list": [{}, {"get": {}}]})
    assert guards(found) == [("GET /x", UNKNOWN)]


@pytest.mark.parametrize(
    "reference", [None, 7, "", "#", "#/paths", "#/components/list/9", "#/components/list/x", "#/info/title", "http://a.example/x"]
)
def test_references_that_lead_nowhere_are_told(reference: Any) -> None:
    found = of(paths={"/x": {"$ref": reference}, "/y": {"get": {}}}, components={"list": [1]}, info={"title": "a"})
    assert [str(each.route) for each in found.routes] == ["GET /y"]
    assert found.not_taken
    assert {each.place for each in found.not_taken} <= {"/paths/~1x"} | {f"/paths/~1x/{name}" for name in ("~1x", "~1y", "openapi")}


def test_a_path_item_that_is_named_over_and_over_has_an_end() -> None:
    """Each of many aliases would be a million names more to look at."""
    item: dict[str, Any] = {f"x-{number}": {} for number in range(1000)}
    with pytest.raises(ImportSourceError, match="make it smaller"):
        of(paths={f"/{number}": item for number in range(MAX_VISITED // 1000 + 1)})
    requirements: list[Any] = [{"a": []}] * 1000
    with pytest.raises(ImportSourceError, match="make it smaller"):
        of(paths={f"/{number}": {"get": {"security": requirements}} for number in range(MAX_VISITED // 1000 + 1)})
    operation = {f"x-{number}": 1 for number in range(1000)}
    with pytest.raises(ImportSourceError, match="make it smaller"):
        of(paths={f"/{number}": {"get": operation} for number in range(MAX_VISITED // 1000 + 1)})


def test_texts_that_no_terminal_should_see_make_no_trouble() -> None:
    found = of_text('{"openapi": "3.0.0", "info": {"title": "\\ud800x"}, "paths": {"/\\udfff": {"get": {}}, "/x": {"get": {}}}}', "a.json")
    assert document_of(found).document["api"] == "x"
    assert [str(each.route) for each in found.routes] == ["GET /x"]
    str(found.not_taken).encode()


def test_a_chain_of_references_has_an_end() -> None:
    items = {f"hop{number}": {"$ref": f"#/components/pathItems/hop{number + 1}"} for number in range(100)}
    found = of(paths={"/x": {"$ref": "#/components/pathItems/hop0"}}, components={"pathItems": items})
    assert [each.reason for each in found.not_taken] == ["`/x` leads in a circle or too far by `$ref`: write its operations out"]


def test_what_a_merge_brings_that_is_no_mapping_is_nothing() -> None:
    assert guards(of_text("openapi: 3.0.0\n<<: [text, [1]]\npaths: {/x: {<<: text, get: {}}}\n")) == [("GET /x", UNKNOWN)]


def test_whatever_a_definition_holds_it_is_read_or_refused() -> None:
    """Each place of the vectors may hold anything, and what is found always makes a document."""
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    odd: list[Any] = [
        None,
        "",
        "x",
        0,
        1.5,
        True,
        [],
        {},
        [None],
        [[]],
        {"": None},
        {"$ref": "#/"},
        {"get": []},
        "\ud800",
        {"/": {"get": {}}},
    ]
    for _ in range(TRIES):
        root = parse_foreign(read_foreign(str(VECTORS / chance.choice(["swagger_2.yaml", "openapi_30.json", "openapi_31.yaml"])))).value
        for _ in range(chance.randrange(1, 4)):
            place = root
            while isinstance(place, dict) and place:
                name = chance.choice(list(place))
                if not isinstance(place[name], dict) or chance.random() < 0.3:
                    place[chance.choice([name, "security", "$ref", "get", "<<"])] = chance.choice(odd)
                    break
                place = place[name]
        try:
            found = read_openapi(ForeignValue("api.yaml", root), chance.choice(list(BasePath)))
        except ImportSourceError:
            continue
        except Exception as error:
            raise AssertionError(seed) from error
        if found.routes:
            parse_document(document_of(found).document)
