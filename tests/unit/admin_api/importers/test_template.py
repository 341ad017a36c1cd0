"""Templates: which routes they declare, what guards them, where each stands, and what is said of the rest."""

import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from admin_api.cli.app import app
from admin_api.importers.api_collector import FoundApis
from admin_api.importers.imported import FoundRoutes, ImportSourceError, document_of
from admin_api.importers.route_list import RouteList
from admin_api.importers.template import BodyReader, read_template, routes_of_template
from admin_api.importers.template_text import MAX_DEPTH, blocks_of

VECTORS = Path(__file__).parents[3] / "vectors/imports/template"


def read(text: str, body_reader: BodyReader | None = None, **parameters: str) -> FoundApis:
    return routes_of_template(blocks_of(text, "t.yaml"), parameters, body_reader)


def guards(found: FoundRoutes) -> dict[str, str]:
    return {str(each.route): each.guard.value for each in found.routes}


def event(path: str, method: str = "GET", kind: str = "Api") -> str:
    properties = f"{{Method: {method}, Path: {path}}}"
    return f"Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {{Events: {{E: {{Type: {kind}, Properties: {properties}}}}}}}}}}}\n"


def route(api: str, key: str, more: str = "") -> str:
    return f"{{Type: AWS::ApiGatewayV2::Route, Properties: {{ApiId: {api}, RouteKey: {key}{more}}}}}"


def test_sam() -> None:
    found = read_template(VECTORS / "sam.yaml")
    assert guards(found.apis["ServerlessRestApi"]) == {
        "GET /pets": "authorizer",
        "GET /pets/{id}": "authorizer",
        "GET /health": "open",
        "POST /signed": "other",
        "ANY /files/{proxy+}": "authorizer",
    }
    assert guards(found.apis["Shop"]) == {"ANY /": "other", "ANY /{proxy+}": "other", "GET /orders/{id}": "other"}
    assert [each.kind for each in found.apis.values()] == ["http", "rest"]
    assert [each.place for each in found.apis["ServerlessRestApi"].routes] == [f"sam.yaml:{line}" for line in range(24, 29)]


def test_a_parameter_that_is_given_counts_in_place_of_the_default() -> None:
    found = read_template(VECTORS / "sam.yaml", {"Base": "animals"})
    assert "GET /animals/{id}" in guards(found.apis["ServerlessRestApi"])


def test_a_plain_rest_api_in_json() -> None:
    found = read_template(VECTORS / "plain.json").apis["Api"]
    assert found.name == "Pet Store"
    assert guards(found) == {"GET /": "none", "GET /pets": "authorizer", "ANY /pets/{id}": "other"}
    assert found.routes[0].place == "plain.json:6"


def test_a_websocket_api_and_an_http_api() -> None:
    text = f"""
Resources:
  Socket: {{Type: AWS::ApiGatewayV2::Api, Properties: {{Name: chat, ProtocolType: WEBSOCKET}}}}
  Http: {{Type: AWS::ApiGatewayV2::Api, Properties: {{Name: shop, ProtocolType: HTTP}}}}
  A: {route("!Ref Socket", "$connect", ", AuthorizationType: CUSTOM")}
  B: {route("!Ref Socket", "$default")}
  C: {route("!Ref Http", "ANY /x")}
  D: {route("!Ref Http", "$default", ", AuthorizationType: JWT")}
  E: {route("!Ref Http", "oops")}
  F: {route("!Ref Elsewhere", "send")}
  G: {route("!Ref Elsewhere", "$default")}
"""
    found = read(text)
    assert guards(found.apis["Socket"]) == {"WS $connect": "authorizer", "WS $default": "none"}
    assert guards(found.apis["Http"]) == {"ANY /x": "none", "ANY /": "other", "ANY /{proxy+}": "other"}
    assert [str(each) for each in found.apis["Http"].not_taken] == [
        "t.yaml:9: `oops` is no route key of an HTTP API: write it as in `GET /pets`"
    ]
    assert guards(found.apis["Elsewhere"]) == {"WS send": "none", "WS $default": "none"}


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("!Sub '/${Stage}/x'", "`Fn::Sub` needs the parameter `Stage`: give `--parameter Stage=VALUE`"),
        ("!Ref Secret", "`Ref` needs the parameter `Secret`"),
        ("!Sub '/${Table.Arn}'", "`--parameter Table.Arn=VALUE`"),
        ("!ImportValue x", "`Fn::ImportValue` is known only to the deployment"),
        ("!If [Unknown, /a, /b]", "no condition `Unknown`"),
        ("!If [Loop, /a, /b]", "the condition `Loop` depends on itself"),
        ("!FindInMap [M, x, y]", "finds no `M.x.y`"),
        ("!Select [7, [/a]]", "not written as CloudFormation takes it"),
        ("!Join oops", "not written as CloudFormation takes it"),
        ("[/a]", "a text is needed here"),
    ],
)
def test_what_nobody_can_know_is_named_with_its_remedy(path: str, says: str) -> None:
    text = event(path) + "Parameters: {Stage: {Type: String}, Secret: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /name}}\n"
    found = read(text + "Conditions: {Loop: !Not [{Condition: Loop}]}\n").apis["ServerlessRestApi"]
    assert not found.routes
    assert says in str(found.not_taken[0])
    assert found.not_taken[0].place == "t.yaml:1"


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("!If [Prod, /a, /b]", "/b"),
        ("!If [Either, /a, /b]", "/a"),
        ("!If [Both, /a, /b]", "/b"),
        ("!FindInMap [M, dev, path]", "/trial"),
        ("!Select [1, !Split [',', '/a,/b']]", "/b"),
        ("!Join ['/', !Ref Parts]", "/a/b"),
        ("!Sub ['/${P}', {P: !Ref Stage}]", "/dev"),
    ],
)
def test_what_the_template_tells_is_resolved(path: str, route: str) -> None:
    more = """
Parameters: {Stage: {Type: String, Default: dev}, Parts: {Type: CommaDelimitedList, Default: ", a, b"}}
Mappings: {M: {dev: {path: /trial}}}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
  Either: !Or [{Condition: Prod}, !Not [{Condition: Prod}]]
  Both: !And [{Condition: Prod}, {Condition: Either}]
"""
    assert guards(read(event(path) + more).apis["ServerlessRestApi"]) == {f"GET {route}": "none"}


def test_a_resource_whose_condition_does_not_hold_is_left_out_with_a_note() -> None:
    text = "Conditions: {Never: !Equals [a, b]}\n" + event("/x").replace("Properties: {Events", "Condition: Never, Properties: {Events")
    found = read(text)
    assert not found.apis
    assert "`F` is left out, as `Never` does not hold" in found.notes[0]


def test_an_openapi_body_is_pointed_out_or_read_by_who_can() -> None:
    text = "Resources: {A: {Type: AWS::Serverless::Api, Properties: {DefinitionBody: {paths: {/x: {get: {}}}}}}}"
    assert "gatebook import openapi" in str(read(text).apis["A"].not_taken[0])

    def reader(body: object, place: str) -> FoundRoutes:
        routes = RouteList()
        routes.add("get", "/x", place)
        return FoundRoutes("", routes.found())

    assert guards(read(text, reader).apis["A"]) == {"GET /x": "unknown"}
    outside = "Resources: {A: {Type: AWS::Serverless::Api, Properties: {DefinitionUri: api.yaml}}}"
    assert "in another file" in str(read(outside).apis["A"].not_taken[0])


def test_a_whole_application_behind_one_route_gets_a_note() -> None:
    assert "one proxy route serves a whole application" in document_of(read(event("'/{proxy+}'", "ANY")).apis["ServerlessRestApi"]).notes[0]
    assert not document_of(read(event("'/files/{proxy+}'", "ANY")).apis["ServerlessRestApi"]).notes


def test_resources_that_lie_under_each_other_end() -> None:
    def resource(parent: str) -> str:
        return f"{{Type: AWS::ApiGateway::Resource, Properties: {{PathPart: a, ParentId: !Ref {parent}}}}}"

    method = "{Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref Api, HttpMethod: GET, ResourceId: !Ref A}}"
    found = read(f"Resources: {{A: {resource('B')}, B: {resource('A')}, M: {method}}}")
    assert "lies under itself" in str(found.apis["Api"].not_taken[0])
    found = read(f"Resources: {{A: {resource('Elsewhere')}, M: {method}}}")
    assert "does not declare" in str(found.apis["Api"].not_taken[0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: " + "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "deep"),
        ("a: " + "[" * 100_000, "deep"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)), "values"),
        ("a: &a [*a]", "stands for nothing"),
        ("a: 1\na: 2", "twice"),
        ("a: [", "neither YAML nor JSON"),
        ("[]", "must hold a mapping"),
        ("{}", "no mapping `Resources`"),
        ("? [a]\n: 1", "a key must be a text"),
    ],
    ids=range(9),
)
def test_a_hostile_text_ends_soon_with_an_error(text: str, says: str) -> None:
    start = time.monotonic()
    with pytest.raises(ImportSourceError, match=says):
        read(text)
    assert time.monotonic() - start < 5


def test_functions_that_double_a_text_end_soon() -> None:
    value = "''"
    for _ in range(25):
        value = f"!Sub ['${{a}}${{a}}', {{a: {value}}}]"
    assert "too many" in str(read(event(value)).apis["ServerlessRestApi"].not_taken[0])
    chain = "Conditions:\n" + "".join(f"  C{n}: {{Condition: C{n + 1}}}\n" for n in range(5_000))
    assert "too many" in str(read(event("!If [C0, /a, /b]") + chain).apis["ServerlessRestApi"].not_taken[0])


def test_the_command_prints_a_document_for_each_api(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["import", "template", str(VECTORS / "sam.yaml")])
    assert result.exit_code == 0
    assert [re.findall(r"^api: (.*)", each, re.MULTILINE) for each in result.stdout.split("---\n")] == [["shop"], ["serverlessrestapi"]]
    one = CliRunner().invoke(app, ["import", "template", str(VECTORS / "sam.yaml"), "--api", "Shop", "--name", "mine"])
    assert one.stdout.startswith("api: mine\n")
    assert "---" not in one.stdout
    as_json = CliRunner().invoke(app, ["import", "template", str(VECTORS / "sam.yaml"), "--json"])
    assert as_json.stdout.count('"document"') == 2


@pytest.mark.parametrize("options", [["--api", "Nothing"], ["--name", "both"], ["--parameter", "oops"]])
def test_a_choice_that_makes_no_sense_is_a_usage_error(options: list[str]) -> None:
    assert CliRunner().invoke(app, ["import", "template", str(VECTORS / "sam.yaml"), *options]).exit_code == 2


@pytest.mark.parametrize(
    "inner", ["{'Fn::If': [C, {}, {}]}", "{E: {Type: HttpApi, Properties: !If [C, {Path: /a, Method: GET}, {Path: /b, Method: GET}]}}"]
)
def test_an_event_that_a_function_makes_is_no_default_route(inner: str) -> None:
    found = read(f"Resources: {{F: {{Type: AWS::Serverless::Function, Properties: {{Events: {inner}}}}}}}")
    assert not found.apis
    assert "a function makes this event" in str(found.not_taken[0])


def test_what_stands_in_other_files_or_is_no_resource_is_said() -> None:
    found = read(
        "Resources:\n  Nested: {Type: AWS::CloudFormation::Stack, Properties: {}}\n  Fn::ForEach::X: [a, [b], {}]\n  Odd: 7\n"
        "  F: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: Api, Properties: {Path: /x}}}}}\n"
        "  M: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !ImportValue api, HttpMethod: GET}}\n"
    )
    assert "is another template" in found.notes[0]
    assert [each.place for each in found.not_taken] == ["t.yaml:3", "t.yaml:4", "t.yaml:6"]
    assert "needs `Method` and `Path`" in str(found.apis["ServerlessRestApi"].not_taken[0])


def test_an_api_of_one_target_and_what_guards_a_key() -> None:
    text = (
        "Resources: {A: {Type: AWS::ApiGatewayV2::Api, Properties: {ProtocolType: HTTP, Target: x, RouteKey: GET /x}},"
        " M: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref R, ResourceId: !GetAtt R.RootResourceId, HttpMethod: GET, ApiKeyRequired: true}},"
        " N: {Type: AWS::ApiGateway::Method, Properties: {RestApiId: !Ref R, ResourceId: !Sub '${R.RootResourceId}', HttpMethod: PUT,"
        " AuthorizationType: !Ref Unknown}}}"
    )
    found = read(text)
    assert guards(found.apis["A"]) == {"GET /x": "none"}
    assert guards(found.apis["R"]) == {"GET /": "other", "PUT /": "unknown"}


def test_merged_keys_do_not_replace_what_is_written() -> None:
    text = "x: &x {a: 1, b: no}\ny: {<<: *x, a: two}\nz: {<<: [*x, {c: ~}]}\nv: 2010-09-09\n"
    values = blocks_of(text, "t.yaml")
    assert values["y"] == {"a": "two", "b": False}
    assert values["z"] == {"a": 1, "b": False, "c": None}
    assert values["v"] == "2010-09-09"


def test_a_file_without_an_api_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {T: {Type: AWS::SNS::Topic}}\n")
    result = CliRunner().invoke(app, ["import", "template", str(tmp_path / "t.yaml")])
    assert result.exit_code == 2
    (tmp_path / "u.yaml").write_bytes(b"\xff\xfe")
    assert CliRunner().invoke(app, ["import", "template", str(tmp_path / "u.yaml")]).exit_code == 2
