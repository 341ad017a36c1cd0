"""docs/attach: each snippet says what its tool takes, and asks for what the authorizer's cache scope needs."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from authorizer.policy.cache_scope import CacheScope
from tests.infrastructure.templates import INFRA

PAGES = INFRA.parent / "docs" / "attach"
REST_SOURCES = ["method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage"]
HTTP_SOURCES = ["$request.header.Authorization", "$context.httpMethod", "$context.routeKey", "$context.stage"]
URI, ARN = "/gatebook/pets/authorizer-uri", "/gatebook/pets/authorizer-arn"


def blocks(page: str) -> dict[str, str]:
    """The code under each heading of a page."""
    found = {}
    for section in re.split(r"^## ", (PAGES / page).read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        code = re.search(r"^```\w+\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        if code:
            found[section.partition("\n")[0]] = code[1]
    return found


FUNCTION = """
  Pets:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: "def handler(*_): pass"
      Events:
        List: {Type: API, Properties: {Path: /pets, Method: get, WHOSE: !Ref PetsApi}}
"""
PLAIN = {
    "REST API": "\n  PetsApi: {Type: AWS::ApiGateway::RestApi, Properties: {Name: pets}}\n",
    "HTTP API": "\n  PetsApi: {Type: AWS::ApiGatewayV2::Api, Properties: {Name: pets, ProtocolType: HTTP}}\n",
    "WebSocket API": (
        "\n  PetsApi:\n    Type: AWS::ApiGatewayV2::Api\n"
        "    Properties: {Name: pets, ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.action}\n"
    ),
}
HEAD = 'AWSTemplateFormatVersion: "2010-09-09"\n'


def sam_template(kind: str) -> str:
    event, whose = ("Api", "RestApiId") if kind == "REST API" else ("HttpApi", "ApiId")
    function = FUNCTION.replace("Type: API", f"Type: {event}").replace("WHOSE", whose)
    return f"{HEAD}Transform: AWS::Serverless-2016-10-31\nResources:\n{blocks('sam.md')[kind]}{function}"


def plain_template(kind: str) -> str:
    return f"{HEAD}Resources:\n{blocks('cloudformation.md')[kind]}{PLAIN[kind]}"


TEMPLATES = {
    **{f"SAM {kind}": (sam_template, kind) for kind in ("REST API", "HTTP API")},
    **{f"CloudFormation {kind}": (plain_template, kind) for kind in PLAIN},
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_with_the_snippet_has_no_finding(name: str, tmp_path: Path) -> None:
    make, kind = TEMPLATES[name]
    file = tmp_path / "template.yaml"
    file.write_text(make(kind))
    result = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", str(file)], capture_output=True, text=True, check=False
    )
    assert [(each["Rule"]["Id"], each["Message"]) for each in json.loads(result.stdout or "[]")] == []


def expanded(text: str) -> dict[str, Any]:
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        result: dict[str, Any] = transform(yaml_parse(text), {}, mock.Mock(load=dict))
    resources: dict[str, Any] = result["Resources"]
    return resources


def test_sam_attaches_it_to_the_routes_of_a_rest_api() -> None:
    resources = expanded(sam_template("REST API"))
    body = resources["PetsApi"]["Properties"]["Body"]
    definition = body["securityDefinitions"]["Gatebook"]["x-amazon-apigateway-authorizer"]
    assert definition["type"] == "request"
    assert definition["identitySource"].split(", ") == REST_SOURCES
    assert definition["authorizerResultTtlInSeconds"] == 60
    assert f"{{{{resolve:ssm:{ARN}}}}}" in json.dumps(definition["authorizerUri"])
    assert body["paths"]["/pets"]["get"]["security"] == [{"Gatebook": []}]
    granted = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::Lambda::Permission"]
    assert [each["FunctionName"] for each in granted] == [{"Ref": "Pets"}], "the authorizer's own stack lets API Gateway in"


def test_sam_attaches_it_to_the_routes_of_an_http_api() -> None:
    resources = expanded(sam_template("HTTP API"))
    body = resources["PetsApi"]["Properties"]["Body"]
    definition = body["components"]["securitySchemes"]["Gatebook"]["x-amazon-apigateway-authorizer"]
    assert definition["type"] == "request"
    assert definition["identitySource"] == HTTP_SOURCES
    assert (definition["authorizerPayloadFormatVersion"], definition["authorizerResultTtlInSeconds"]) == ("2.0", 60)
    assert definition.get("enableSimpleResponses", False) is False
    assert f"{{{{resolve:ssm:{ARN}}}}}" in json.dumps(definition["authorizerUri"])
    assert body["paths"]["/pets"]["get"]["security"] == [{"Gatebook": []}]


def test_plain_templates_attach_it() -> None:
    found = {kind: yaml_parse(plain_template(kind))["Resources"]["Gatebook"]["Properties"] for kind in PLAIN}
    assert {each["AuthorizerUri"] for each in found.values()} == {f"{{{{resolve:ssm:{URI}}}}}"}
    assert found["REST API"]["IdentitySource"].split(", ") == REST_SOURCES
    assert found["HTTP API"]["IdentitySource"] == HTTP_SOURCES
    assert found["HTTP API"]["EnableSimpleResponses"] is False
    assert found["REST API"]["AuthorizerResultTtlInSeconds"] == found["HTTP API"]["AuthorizerResultTtlInSeconds"] == 60
    assert "IdentitySource" not in found["WebSocket API"]


def test_terraform_attaches_it() -> None:
    found = {kind: dict(re.findall(r"^\s*(\w+)\s*=\s*(.+)$", code, re.MULTILINE)) for kind, code in blocks("terraform.md").items()}
    assert json.loads(found["REST API"]["identity_source"]).split(", ") == REST_SOURCES
    assert json.loads(found["HTTP API"]["identity_sources"]) == HTTP_SOURCES
    assert found["HTTP API"]["enable_simple_responses"] == "false"
    assert not {"identity_source", "identity_sources"} & found["WebSocket API"].keys()
    for kind, code in blocks("terraform.md").items():
        assert f'name = "{URI}"' in code, kind
        assert found[kind]["authorizer_uri"] == "data.aws_ssm_parameter.gatebook.value", kind
        assert code.count("{") == code.count("}"), kind


def test_the_serverless_framework_attaches_it() -> None:
    found = {kind: yaml.safe_load(code) for kind, code in blocks("serverless.md").items()}
    rest = found["REST API"]["custom"]["gatebook"]
    assert (rest["type"], rest["identitySource"].split(", "), rest["resultTtlInSeconds"]) == ("request", REST_SOURCES, 60)
    http = found["HTTP API"]["provider"]["httpApi"]["authorizers"]["gatebook"]
    assert (http["type"], http["identitySource"], http["resultTtlInSeconds"]) == ("request", HTTP_SOURCES, 60)
    assert (http["payloadVersion"], http["enableSimpleResponses"]) == ("2.0", False)
    assert rest["managedExternally"] is http["managedExternally"] is True
    assert all(f"${{ssm:{ARN}}}" in code for code in blocks("serverless.md").values())


def test_the_cdk_attaches_it() -> None:
    python, typescript = blocks("cdk.md").values()
    compile(python, "cdk.md", "exec")
    for code in (python, typescript):
        assert ARN in code
        assert [source for source in HTTP_SOURCES if f'"{source}"' not in code] == []
        assert [source for source in REST_SOURCES if f'"{source.rpartition(".")[2]}"' not in code] == []


def test_the_table_of_the_first_page_says_the_same_sources() -> None:
    rows = {row[0]: row[1] for row in re.findall(r"^\| (\w+) \| (.+?) \|", (PAGES / "README.md").read_text(), re.MULTILINE)}
    assert [each for each in HTTP_SOURCES if f"`{each}`" not in rows["HTTP"]] == []
    assert [each for each in REST_SOURCES[1:] if f"`{each}`" not in rows["REST"]] == []
    assert CacheScope.ROUTE.value in (PAGES / "README.md").read_text()


def test_pages_read_the_parameters_that_the_authorizers_stack_writes() -> None:
    template = yaml_parse((INFRA / "authorizer.yaml").read_text())
    written = {
        resource["Properties"]["Name"]["Fn::Sub"].replace("${Api}", "pets")
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::SSM::Parameter"
    }
    read = {name for page in PAGES.glob("*.md") for name in re.findall(r"/gatebook/pets/[\w-]+", page.read_text())}
    assert read == written == {URI, ARN}
