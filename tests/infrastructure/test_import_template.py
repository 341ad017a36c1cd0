"""`gatebook import template` reads the project's own templates, and SAM as the translator of SAM does."""

from typing import Any
from unittest import mock

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from admin_api.importers.template import read_template
from tests.infrastructure.templates import BASE, INFRA, SAMPLE, methods, resources

VECTOR = INFRA.parent / "tests/vectors/imports/template/sam.yaml"
REST_APIS = [(BASE, "AdminApi"), (SAMPLE, "RequestApi"), (SAMPLE, "TokenApi")]


@pytest.mark.parametrize(("name", "api"), REST_APIS)
def test_a_rest_api_of_a_template(name: str, api: str) -> None:
    found = read_template(INFRA / name).apis[api]
    declared = {route: "security" in method for route, method in methods(name, api).items() if not route.startswith("OPTIONS ")}
    guarded = {str(each.route): each.guard.value == "authorizer" for each in found.routes}
    assert guarded == {route: declared[route] and methods(name, api)[route]["security"] == [{"Gatebook": []}] for route in declared}
    assert not found.not_taken


@pytest.mark.parametrize(("api", "prefix"), [("HttpApi", ""), ("WebSocketApi", "WS ")])
def test_an_http_and_a_websocket_api_of_a_template(api: str, prefix: str) -> None:
    routes = [each for each in resources(SAMPLE, "AWS::ApiGatewayV2::Route").values() if each["ApiId"] == {"Ref": api}]
    found = read_template(INFRA / SAMPLE).apis[api]
    assert {str(each.route): each.guard.value for each in found.routes} == {
        prefix + each["RouteKey"]: "authorizer" if each.get("AuthorizationType") == "CUSTOM" else "none" for each in routes
    }


def test_no_other_api_is_found() -> None:
    assert [*read_template(INFRA / BASE).apis] == ["AdminApi"]
    assert [*read_template(INFRA / SAMPLE).apis] == ["RequestApi", "TokenApi", "HttpApi", "WebSocketApi"]


def test_sam_is_read_as_its_translator_reads_it() -> None:
    # It takes no function in a path, so that these two are written out for it.
    text = (
        VECTOR.read_text(encoding="utf-8")
        .replace('!Sub "/${Base}"', "/pets")
        .replace('!Join ["/", ["", !Ref Base, "{id}"]]', '"/pets/{id}"')
    )
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        expanded: dict[str, Any] = transform(yaml_parse(text), {}, mock.Mock(load=dict))
    judged = {}
    for name, resource in expanded["Resources"].items():
        if "Body" in resource.get("Properties", {}):
            paths = resource["Properties"]["Body"]["paths"]
            judged[name] = {
                (verb.upper().replace("X-AMAZON-APIGATEWAY-ANY-METHOD", "ANY"), path)
                for path, verbs in paths.items()
                for verb in verbs
                if verb != "options"
            }
    found = {
        name: {(each.route.method, str(each.route).partition(" ")[2]) for each in api.routes}
        for name, api in read_template(VECTOR).apis.items()
    }
    assert judged["ServerlessRestApi"] == found["ServerlessRestApi"]
    assert judged["Shop"] == {("ANY", "$default"), ("GET", "/orders/{id}")}
    assert found["Shop"] == {("ANY", "/"), ("ANY", "/{proxy+}"), ("GET", "/orders/{id}")}
