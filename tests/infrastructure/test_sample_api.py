"""`infra/sample_api.yaml`: every route but the public one is guarded, and what API Gateway remembers fits what the authorizer answers."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from admin_api.documents.files import read_file
from authorizer.settings import NAMES
from infra import petstore
from tests.infrastructure.templates import (
    SAMPLE,
    assert_a_browser_can_use,
    assert_hears,
    authorizer,
    emitted_trouble,
    environment,
    function,
    methods,
    resources,
    run_in,
    statements,
)

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
AUTHORIZERS = ("RequestAuthorizer", "TokenAuthorizer", "HttpAuthorizer", "WebSocketAuthorizer")
WEBSOCKET_KEYS = {"$connect", "watchPets", "announcePet"}


def routes_of(api: str) -> dict[str, dict[str, Any]]:
    """Routes of an HTTP or WebSocket API by their keys."""
    routes = resources(SAMPLE, "AWS::ApiGatewayV2::Route").values()
    return {route["RouteKey"]: route for route in routes if route["ApiId"] == {"Ref": api}}


@pytest.mark.parametrize("api", APIS)
def test_both_rest_apis_have_the_same_routes(api: str) -> None:
    assert {route for route in methods(SAMPLE, api) if not route.startswith("OPTIONS ")} == ROUTES


@pytest.mark.parametrize("api", APIS)
def test_every_route_is_guarded_but_health_and_the_preflight(api: str) -> None:
    for route, method in methods(SAMPLE, api).items():
        if route.startswith("OPTIONS "):
            assert "security" not in method, route
            assert method["x-amazon-apigateway-integration"]["type"] == "mock"
        elif route in petstore.PUBLIC_ROUTES:
            assert method["security"] == [{"NONE": []}]
        else:
            assert method["security"] == [{"Gatebook": []}], route


@pytest.mark.parametrize("api", APIS)
def test_a_browser_can_ask_first_and_can_read_a_refusal(api: str) -> None:
    assert_a_browser_can_use(SAMPLE, api)


def test_the_request_authorizer_is_remembered_per_route() -> None:
    guard = authorizer(SAMPLE, "RequestApi")
    assert guard["type"] == "request"
    sources = {source.strip() for source in guard["identitySource"].split(",")}
    assert sources == {"method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage"}
    assert guard["authorizerResultTtlInSeconds"] == {"Fn::If": ["RemembersAnswers", 60, 0]}
    assert environment(SAMPLE, "RequestAuthorizer")["CACHE_SCOPE"] == "route"


def test_the_token_authorizer_is_remembered_for_the_whole_caller() -> None:
    guard = authorizer(SAMPLE, "TokenApi")
    assert guard["type"] == "token"
    assert guard["authorizerResultTtlInSeconds"] == {"Fn::If": ["RemembersAnswers", 60, 0]}
    assert environment(SAMPLE, "TokenAuthorizer")["CACHE_SCOPE"] == "token"


def test_every_route_of_the_http_api_is_guarded_but_health() -> None:
    routes = routes_of("HttpApi")
    assert set(routes) == ROUTES
    for key, route in routes.items():
        guard = (route.get("AuthorizationType"), route.get("AuthorizerId"))
        assert guard == ((None, None) if key in petstore.PUBLIC_ROUTES else ("CUSTOM", {"Ref": "HttpGatebook"})), key


def test_the_http_authorizer_is_remembered_per_route_and_told_for_how_long() -> None:
    guard = resources(SAMPLE, "AWS::ApiGatewayV2::Authorizer")["HttpGatebook"]
    assert (guard["AuthorizerType"], guard["AuthorizerPayloadFormatVersion"], guard["EnableSimpleResponses"]) == ("REQUEST", "2.0", False)
    assert set(guard["IdentitySource"]) == {
        "$request.header.Authorization",
        "$context.httpMethod",
        "$context.routeKey",
        "$context.stage",
    }
    assert guard["AuthorizerResultTtlInSeconds"] == {"Ref": "AuthorizerTtl"}
    assert (environment(SAMPLE, "HttpAuthorizer")["CACHE_SCOPE"], environment(SAMPLE, "HttpAuthorizer")["GATEWAY_TTL"]) == ("route", "60")


def test_a_browser_can_use_the_http_api() -> None:
    cors = resources(SAMPLE, "AWS::ApiGatewayV2::Api")["HttpApi"]["CorsConfiguration"]
    assert set(cors["AllowHeaders"]) == {"Authorization", "Content-Type"}
    assert {key.split()[0] for key in ROUTES} <= set(cors["AllowMethods"])


def test_a_websocket_api_is_guarded_where_the_connection_is_made() -> None:
    routes = routes_of("WebSocketApi")
    assert set(routes) == WEBSOCKET_KEYS
    assert {key for key, route in routes.items() if route.get("AuthorizationType") == "CUSTOM"} == {"$connect"}
    assert routes["$connect"]["AuthorizerId"] == {"Ref": "WebSocketGatebook"}
    assert resources(SAMPLE, "AWS::ApiGatewayV2::Authorizer")["WebSocketGatebook"]["IdentitySource"] == {
        "Fn::If": ["IsMiniStack", [], {"Ref": "AWS::NoValue"}]
    }
    assert environment(SAMPLE, "WebSocketAuthorizer")["API"] == "petstore-live"


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_the_seeds_have_the_websocket_apis_route_keys(stage: str) -> None:
    documents = [file.parse() for file in read_file(Path(__file__).parents[2] / "seed_data" / f"{stage}.yaml")]
    (document,) = [document for document in documents if document.api == "petstore-live"]
    assert {str(route) for route in document.catalog.routes} == {f"WS {key}" for key in WEBSOCKET_KEYS}


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_starts_with_the_settings_it_is_given(name: str) -> None:
    assert set(function(SAMPLE, name)["Environment"]["Variables"]) <= set(NAMES)
    assert "JWKS_URI" not in environment(SAMPLE, name)
    run_in(environment(SAMPLE, name), f"import {function(SAMPLE, name)['Handler'].rpartition('.')[0]}")


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_answers_before_the_gateway_gives_up(name: str) -> None:
    assert function(SAMPLE, name)["Timeout"] < 10
    assert function(SAMPLE, name)["Runtime"] == "python3.13"
    assert function(SAMPLE, name)["Architectures"] == [{"Ref": "Architecture"}]


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_an_authorizer_may_read_the_table_and_write_its_log(name: str) -> None:
    assert function(SAMPLE, name)["Role"] == {"Fn::GetAtt": ["AuthorizerRole", "Arn"]}
    role = resources(SAMPLE, "AWS::IAM::Role")["AuthorizerRole"]
    assert role["ManagedPolicyArns"] == [{"Ref": "AuthorizerReadPolicyArn"}]
    (statement,) = statements(role)
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


@pytest.mark.parametrize("name", AUTHORIZERS)
def test_the_trouble_alarm_hears_what_the_authorizer_says(name: str) -> None:
    alarm = "LiveAuthorizerTrouble" if name == "WebSocketAuthorizer" else "AuthorizerTrouble"
    assert_hears(resources(SAMPLE, "AWS::CloudWatch::Alarm")[alarm], emitted_trouble(environment(SAMPLE, name)))


def test_alarms_watch_each_authorizer_and_none_rings_at_a_401() -> None:
    alarms = resources(SAMPLE, "AWS::CloudWatch::Alarm").values()
    assert all("Metrics" not in alarm and alarm["MetricName"] != "Errors" for alarm in alarms)
    of_functions = [alarm for alarm in alarms if alarm["Namespace"] == "AWS/Lambda"]
    watched = {(alarm["MetricName"], d["Value"]["Ref"]) for alarm in of_functions for d in alarm["Dimensions"]}
    assert watched == {(metric, name) for metric in ("Throttles", "Duration") for name in AUTHORIZERS}


CALLER = {"sub": "someone", "version": "1", "groups": "", "client_id": "c"}


@pytest.mark.parametrize("context", [{}, {"authorizer": None}, {"authorizer": {}}, {"authorizer": {"principalId": "another's"}}])
def test_the_backend_refuses_what_no_authorizer_saw(context: dict[str, Any]) -> None:
    event = {"httpMethod": "GET", "resource": "/pets", "requestContext": context}
    assert petstore.handler(event, None)["statusCode"] == 403
    assert petstore.handler(event | {"resource": "/health"}, None)["statusCode"] == 200


def test_the_backend_echoes_route_and_caller() -> None:
    event = {
        "httpMethod": "GET",
        "resource": "/pets/{petId}",
        "pathParameters": {"petId": "7"},
        "requestContext": {"authorizer": CALLER},
    }
    answer = petstore.handler(event, None)
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer["body"]) == {
        "route": "GET /pets/{petId}",
        "path_parameters": {"petId": "7"},
        "authorizer": CALLER,
    }
    http = {"routeKey": "GET /pets/{petId}", "pathParameters": {"petId": "7"}, "requestContext": {"authorizer": {"lambda": CALLER}}}
    assert petstore.handler(http, None)["body"] == answer["body"]


@pytest.mark.parametrize(("key", "status"), [("$connect", 200), ("watchPets", 200), ("announcePet", 403)])
def test_the_backend_holds_each_message_against_what_was_permitted(key: str, status: int) -> None:
    context = {"connectionId": "c", "routeKey": key, "authorizer": CALLER | {"routes": "%24connect,watchPets"}}
    assert petstore.handler({"requestContext": context}, None)["statusCode"] == status
