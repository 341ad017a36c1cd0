"""APIs of API Gateway as AWS tells of them, in botocore's own stubs of its services."""

from typing import Any

import botocore.session
from botocore.stub import Stubber

API = "a1b2c3d4e5"
PROD = {"stageName": "prod", "deploymentId": "d1"}
DEFAULT = {"StageName": "$default", "AutoDeploy": True}


class StubbedGateway:
    """Stubbed clients of both services: a call that nobody expects fails, and so do a parameter and a field that the service model lacks."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        self.clients = {name: session.create_client(name, **keys) for name in ("apigateway", "apigatewayv2")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        self.told: tuple[object, ...] = ()
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str, *told: object) -> Any:
        """Return the client of a service, and keep what else is said of it."""
        self.told = told
        return self.clients[service]

    def all_were_made(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()

    def is_nothing(self) -> None:
        """No API has this id."""
        self.stubs["apigatewayv2"].add_client_error("get_api", "NotFoundException", "Invalid API identifier", 404)
        self.stubs["apigateway"].add_client_error("get_rest_api", "NotFoundException", "Invalid API identifier", 404)

    def is_rest(self, *stages: dict[str, Any]) -> None:
        self.stubs["apigatewayv2"].add_client_error("get_api", "NotFoundException", "Invalid API identifier", 404)
        self.stubs["apigateway"].add_response("get_rest_api", {"id": API, "name": "Pet Store"}, {"restApiId": API})
        self.stubs["apigateway"].add_response("get_stages", {"item": list(stages)}, {"restApiId": API})

    def has_deployment(self, deployment: str, summary: dict[str, dict[str, dict[str, Any]]]) -> None:
        self.stubs["apigateway"].add_response(
            "get_deployment",
            {"id": deployment, "apiSummary": summary},
            {"restApiId": API, "deploymentId": deployment, "embed": ["apisummary"]},
        )

    def has_routes(self, protocol: str, stages: list[dict[str, Any]], *pages: list[dict[str, Any]]) -> None:
        stub = self.stubs["apigatewayv2"]
        shape = {"ApiId": API, "Name": "Pet Store", "ProtocolType": protocol, "RouteSelectionExpression": "$request.method $request.path"}
        stub.add_response("get_api", shape, {"ApiId": API})
        stub.add_response("get_stages", {"Items": stages}, {"ApiId": API})
        for number, items in enumerate(pages):
            token = {"NextToken": f"t{number}"} if number else {}
            more = {"NextToken": f"t{number + 1}"} if number + 1 < len(pages) else {}
            stub.add_response("get_routes", {"Items": items} | more, {"ApiId": API} | token)


def method_of(kind: str, *, key: bool = False) -> dict[str, Any]:
    """Return a method as the summary of a deployment has it."""
    return {"authorizationType": kind, "apiKeyRequired": key}


def route_of(key: str, kind: str | None = "CUSTOM", authorizer: str | None = "auth01") -> dict[str, Any]:
    """Return a route of an HTTP or WebSocket API."""
    fields = {"RouteKey": key, "AuthorizationType": kind, "AuthorizerId": authorizer if kind == "CUSTOM" else None}
    return {name: value for name, value in fields.items() if value is not None}
