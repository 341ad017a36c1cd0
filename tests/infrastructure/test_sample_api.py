"""`infra/sample_api.yaml`: every route but the public one is guarded, and what API Gateway remembers fits what the authorizer answers."""

import importlib
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from authorizer.settings import NAMES
from infra import petstore
from tests.infrastructure.templates import INFRA, SAMPLE, SAMPLE_PARAMETERS, expanded, resources

ROUTES = {
    "GET /pets",
    "POST /pets",
    "GET /pets/{petId}",
    "PUT /pets/{petId}",
    "DELETE /pets/{petId}",
    "GET /pets/{petId}/photos",
    "POST /pets/{petId}/photos",
    "GET /owners",
    "POST /owners",
    "GET /owners/{ownerId}",
    "GET /owners/{ownerId}/pets",
    "GET /files/{proxy+}",
    "PUT /files/{proxy+}",
    "DELETE /files/{proxy+}",
    "GET /admin/reports",
    "DELETE /admin/caches/{name}",
    "GET /health",
}
APIS = ("RequestApi", "TokenApi")
AUTHORIZERS = ("RequestAuthorizer", "TokenAuthorizer")


def body(api: str) -> dict[str, Any]:
    result: dict[str, Any] = resources(SAMPLE, "AWS::ApiGateway::RestApi")[api]["Body"]
    return result


def methods(api: str) -> dict[str, dict[str, Any]]:
    return {f"{verb.upper()} {path}": method for path, verbs in body(api)["paths"].items() for verb, method in verbs.items()}


def authorizer(api: str) -> dict[str, Any]:
    result: dict[str, Any] = body(api)["components"]["securitySchemes"]["Gatebook"]["x-amazon-apigateway-authorizer"]
    return result


def function(name: str) -> dict[str, Any]:
    return resources(SAMPLE, "AWS::Lambda::Function")[name]


def environment(name: str) -> dict[str, str]:
    """What the function gets if no optional parameter is given."""
    defaults = {key: str(value["Default"]) for key, value in expanded(SAMPLE)["Parameters"].items() if "Default" in value}
    parameters = defaults | SAMPLE_PARAMETERS
    variables = function(name)["Environment"]["Variables"]
    given = {key: parameters[value["Ref"]] if isinstance(value, dict) and "Ref" in value else value for key, value in variables.items()}
    return {key: value for key, value in given.items() if isinstance(value, str)}


@pytest.mark.parametrize("api", APIS)
def test_both_apis_have_the_same_routes(api: str) -> None:
    assert {route for route in methods(api) if not route.startswith("OPTIONS ")} == ROUTES


@pytest.mark.parametrize("api", APIS)
def test_every_route_is_guarded_but_health_and_the_preflight(api: str) -> None:
    for route, method in methods(api).items():
        if route.startswith("OPTIONS "):
            assert "security" not in method, route
            assert method["x-amazon-apigateway-integration"]["type"] == "mock"
        elif route in petstore.PUBLIC_ROUTES:
            assert method["security"] == [{"NONE": []}]
        else:
            assert method["security"] == [{"Gatebook": []}], route


@pytest.mark.parametrize("api", APIS)
def test_a_browser_can_ask_first_and_can_read_a_refusal(api: str) -> None:
    for path in body(api)["paths"]:
        headers = methods(api)[f"OPTIONS {path}"]["responses"]["200"]["headers"]
        assert {"Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods"} <= set(headers)
    refusals = body(api)["x-amazon-apigateway-gateway-responses"]
    assert {"UNAUTHORIZED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(refusals)
    for refusal in refusals.values():
        assert "gatewayresponse.header.Access-Control-Allow-Origin" in refusal["responseParameters"]


def test_the_request_authorizer_is_remembered_per_route() -> None:
    guard = authorizer("RequestApi")
    assert guard["type"] == "request"
    sources = {source.strip() for source in guard["identitySource"].split(",")}
    assert sources == {"method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage"}
    assert guard["authorizerResultTtlInSeconds"] == {"Fn::If": ["RemembersAnswers", 60, 0]}
    assert environment("RequestAuthorizer")["CACHE_SCOPE"] == "route"


def test_the_token_authorizer_is_remembered_for_the_whole_caller() -> None:
    guard = authorizer("TokenApi")
    assert guard["type"] == "token"
    assert guard["authorizerResultTtlInSeconds"] == {"Fn::If": ["RemembersAnswers", 60, 0]}
    assert environment("TokenAuthorizer")["CACHE_SCOPE"] == "token"


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_starts_with_the_settings_it_is_given(name: str) -> None:
    assert set(function(name)["Environment"]["Variables"]) <= set(NAMES)
    assert "JWKS_URI" not in environment(name)
    run_in(environment(name), f"import {function(name)['Handler'].rpartition('.')[0]}")


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_answers_before_the_gateway_gives_up(name: str) -> None:
    assert function(name)["Timeout"] < 10
    assert function(name)["Runtime"] == "python3.13"
    assert function(name)["Architectures"] == [{"Ref": "Architecture"}]


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_may_read_the_table_and_write_its_log(name: str) -> None:
    assert function(name)["Role"] == {"Fn::GetAtt": ["AuthorizerRole", "Arn"]}
    role = resources(SAMPLE, "AWS::IAM::Role")["AuthorizerRole"]
    assert role["ManagedPolicyArns"] == [{"Ref": "AuthorizerReadPolicyArn"}]
    (policy,) = role["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert sorted(statement["Action"]) == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == {"Fn::GetAtt": ["AuthorizerLogGroup", "Arn"]}


def test_every_function_has_a_handler_and_a_log_that_ends() -> None:
    groups = resources(SAMPLE, "AWS::Logs::LogGroup")
    assert all("RetentionInDays" in group for group in groups.values())
    for name, properties in resources(SAMPLE, "AWS::Lambda::Function").items():
        assert properties["LoggingConfig"]["LogGroup"]["Ref"] in groups, name
        if name not in AUTHORIZERS:
            module, _, attribute = properties["Handler"].rpartition(".")
            assert callable(getattr(importlib.import_module(module), attribute))


def test_the_trouble_alarm_hears_what_the_authorizer_says() -> None:
    script = "import authorizer.handler as h\ntry: h.handler({}, None)\nexcept Exception: pass\nelse: raise SystemExit('no trouble')"
    lines = [json.loads(line) for line in run_in(environment("RequestAuthorizer"), script).splitlines() if line.startswith("{")]
    (emitted,) = [line for line in lines if "trouble" in line and "_aws" in line]
    (description,) = emitted["_aws"]["CloudWatchMetrics"]
    alarm = resources(SAMPLE, "AWS::CloudWatch::Alarm")["AuthorizerTrouble"]
    assert alarm["Namespace"] == description["Namespace"]
    assert alarm["MetricName"] in {metric["Name"] for metric in description["Metrics"]}
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert {name: emitted[name] for name in dimensions} == dimensions
    assert sorted(dimensions) in [sorted(names) for names in description["Dimensions"]]


def test_alarms_watch_each_authorizer_and_none_rings_at_a_401() -> None:
    alarms = resources(SAMPLE, "AWS::CloudWatch::Alarm").values()
    assert all("Metrics" not in alarm and alarm["MetricName"] != "Errors" for alarm in alarms)
    watched = {(alarm["MetricName"], d["Value"]["Ref"]) for alarm in alarms for d in alarm["Dimensions"] if isinstance(d["Value"], dict)}
    assert watched == {(metric, name) for metric in ("Throttles", "Duration") for name in AUTHORIZERS}


@pytest.mark.parametrize("context", [{}, {"authorizer": None}, {"authorizer": {}}])
def test_the_backend_refuses_what_no_authorizer_saw(context: dict[str, Any]) -> None:
    event = {"httpMethod": "GET", "resource": "/pets", "requestContext": context}
    assert petstore.handler(event, None)["statusCode"] == 403
    assert petstore.handler(event | {"resource": "/health"}, None)["statusCode"] == 200


def test_the_backend_echoes_route_and_caller() -> None:
    event = {
        "httpMethod": "GET",
        "resource": "/pets/{petId}",
        "pathParameters": {"petId": "7"},
        "requestContext": {"authorizer": {"principalId": "someone"}},
    }
    answer = petstore.handler(event, None)
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer["body"]) == {
        "route": "GET /pets/{petId}",
        "path_parameters": {"petId": "7"},
        "authorizer": {"principalId": "someone"},
    }


def run_in(variables: dict[str, str], script: str) -> str:
    """Runs Python with an environment like a function's, and returns what it printed."""
    # Powertools would speak to X-Ray's daemon and warn about a missing region otherwise.
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(INFRA.parent), "AWS_REGION": "eu-west-1", "LAMBDA_TASK_ROOT": "/var/task"}
    result = subprocess.run([sys.executable, "-c", script], env=base | variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout
