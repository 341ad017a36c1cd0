"""What is deployed is read by the calls that AWS's service models have, against botocore's own stubs of them."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from admin_api.importers.apigateway import read_deployed, unguarded_notes
from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError

API = "a1b2c3d4e5"


class Gateway:
    """Stubbed clients of both services: a call that nobody expects fails, and so do a parameter and a field that the service model lacks."""

    def __init__(self) -> None:
        session = botocore.session.get_session()
        keys: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "eu-west-1"}
        self.clients = {name: session.create_client(name, **keys) for name in ("apigateway", "apigatewayv2")}
        self.stubs = {name: Stubber(client) for name, client in self.clients.items()}
        for stub in self.stubs.values():
            stub.activate()

    def read(self, stage: str | None = None) -> FoundRoutes:
        found = read_deployed(API, stage, lambda service: self.clients[service])
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()
        return found

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


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


def method(kind: str, *, key: bool = False) -> dict[str, Any]:
    return {"authorizationType": kind, "apiKeyRequired": key}


def guards(found: FoundRoutes) -> dict[str, Guard]:
    return {str(each.route): each.guard for each in found.routes}


PROD = {"stageName": "prod", "deploymentId": "d1"}


def test_a_rest_api_is_read_as_its_stage_serves_it(gateway: Gateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment(
        "d1",
        {
            "/": {"GET": method("NONE")},
            "/pets": {"GET": method("CUSTOM"), "POST": method("CUSTOM", key=True), "OPTIONS": method("NONE")},
            "/pets/{petId}": {"GET": method("AWS_IAM"), "DELETE": method("COGNITO_USER_POOLS"), "PUT": method("NONE", key=True)},
            "/files/{proxy+}": {"ANY": method("CUSTOM")},
        },
    )
    found = gateway.read()
    assert guards(found) == {
        "GET /": Guard.NONE,
        "ANY /files/{proxy+}": Guard.AUTHORIZER,
        "GET /pets": Guard.AUTHORIZER,
        "OPTIONS /pets": Guard.OPEN,
        "POST /pets": Guard.AUTHORIZER,
        "DELETE /pets/{petId}": Guard.OTHER,
        "GET /pets/{petId}": Guard.OTHER,
        "PUT /pets/{petId}": Guard.OTHER,
    }
    assert (found.name, found.kind, found.not_taken, found.notes) == ("Pet Store", "rest", (), ())
    assert found.routes[0].place == f"{API}/prod GET /"
    assert unguarded_notes(found) == ("no authorizer is asked for GET /: attach one, or write `public: true` where that is on purpose",)


def test_what_a_canary_serves_is_deployed_too(gateway: Gateway) -> None:
    """And of one route the less guarded: some requests come to it."""
    gateway.is_rest(PROD | {"canarySettings": {"deploymentId": "d2", "percentTraffic": 5.0}})
    gateway.has_deployment("d1", {"/pets": {"GET": method("CUSTOM")}})
    gateway.has_deployment("d2", {"/pets": {"GET": method("NONE")}, "/owners": {"GET": method("CUSTOM")}})
    assert guards(gateway.read()) == {"GET /pets": Guard.NONE, "GET /owners": Guard.AUTHORIZER}


def test_a_canary_of_the_same_deployment_is_asked_for_once(gateway: Gateway) -> None:
    gateway.is_rest(PROD | {"canarySettings": {"deploymentId": "d1"}})
    gateway.has_deployment("d1", {"/pets": {"GET": method("CUSTOM")}})
    assert guards(gateway.read()) == {"GET /pets": Guard.AUTHORIZER}


def test_a_deployment_that_says_nothing_is_read_from_the_resources_and_told(gateway: Gateway) -> None:
    """So it is with emulators."""
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {})
    pages: list[dict[str, Any]] = [
        {"items": [{"id": "r1", "path": "/"}], "position": "p2"},
        {"items": [{"id": "r2", "path": "/pets", "resourceMethods": {"GET": method("CUSTOM")}}]},
    ]
    gateway.stubs["apigateway"].add_response("get_resources", pages[0], {"restApiId": API, "embed": ["methods"]})
    gateway.stubs["apigateway"].add_response("get_resources", pages[1], {"restApiId": API, "embed": ["methods"], "position": "p2"})
    found = gateway.read()
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER}
    assert found.notes == ("deployment `d1` does not say what it serves: these are the API's resources as they are now, deployed or not",)


@pytest.mark.parametrize(
    ("names", "stage", "message"),
    [
        ([], None, f"API `{API}` has no stage, so that nothing of it is deployed: deploy it, or import the file that it is made of"),
        (["prod", "dev"], None, f"API `{API}` has several stages: name one with --stage, its stages are `dev`, `prod`"),
        (["prod"], "test", f"API `{API}` has no stage `test`: its stages are `prod`"),
    ],
)
def test_a_stage_that_is_not_certain_is_an_error(gateway: Gateway, names: list[str], stage: str | None, message: str) -> None:
    gateway.is_rest(*({"stageName": name, "deploymentId": "d1"} for name in names))
    with pytest.raises(ImportSourceError) as caught:
        gateway.read(stage)
    assert str(caught.value) == message


def test_the_stage_that_is_named_is_read(gateway: Gateway) -> None:
    gateway.is_rest(PROD, {"stageName": "dev", "deploymentId": "d2"})
    gateway.has_deployment("d2", {"/pets": {"GET": method("CUSTOM")}})
    assert [each.place for each in gateway.read("dev").routes] == [f"{API}/dev GET /pets"]


def route(key: str, kind: str | None = "CUSTOM", authorizer: str | None = "auth01") -> dict[str, Any]:
    fields = {"RouteKey": key, "AuthorizationType": kind, "AuthorizerId": authorizer if kind == "CUSTOM" else None}
    return {name: value for name, value in fields.items() if value is not None}


DEFAULT = {"StageName": "$default", "AutoDeploy": True}


def test_an_http_api_is_read_page_by_page(gateway: Gateway) -> None:
    gateway.has_routes(
        "HTTP",
        [{"StageName": "dev"}, DEFAULT],
        [route("GET /pets"), route("$default")],
        [route("GET /health", "NONE"), route("POST /pets", "JWT"), route("PUT /pets", "AWS_IAM"), route("GET /old", None)],
        [route("OPTIONS /{proxy+}", "NONE")],
    )
    found = gateway.read()
    assert guards(found) == {
        "ANY /": Guard.AUTHORIZER,
        "ANY /{proxy+}": Guard.AUTHORIZER,
        "GET /health": Guard.NONE,
        "GET /old": Guard.NONE,
        "GET /pets": Guard.AUTHORIZER,
        "OPTIONS /{proxy+}": Guard.OPEN,
        "POST /pets": Guard.OTHER,
        "PUT /pets": Guard.OTHER,
    }
    assert (found.name, found.kind, found.notes) == ("Pet Store", "http", ())


def test_a_stage_deployed_by_hand_may_serve_other_routes(gateway: Gateway) -> None:
    gateway.has_routes("HTTP", [{"StageName": "prod", "AutoDeploy": False}], [route("GET /pets")])
    assert gateway.read().notes == ("stage `prod` is deployed by hand: these are the API's routes as they are now, deployed or not",)


def test_two_authorizers_are_told(gateway: Gateway) -> None:
    gateway.has_routes("HTTP", [DEFAULT], [route("GET /pets"), route("GET /old", "CUSTOM", "auth02"), route("GET /x", "JWT")])
    assert gateway.read().notes == ("several Lambda authorizers guard this API (auth01, auth02): a document speaks of the routes of one",)


@pytest.mark.parametrize(
    ("connect", "guard"),
    [
        ([route("$connect")], Guard.AUTHORIZER),
        ([route("$connect", "NONE")], Guard.NONE),
        ([route("$connect", "AWS_IAM")], Guard.OTHER),
        ([{"RouteKey": "$connect", "AuthorizationType": "NONE", "ApiKeyRequired": True}], Guard.OTHER),
        ([], Guard.NONE),
    ],
)
def test_what_comes_over_a_connection_is_guarded_as_the_connection_is(
    gateway: Gateway, connect: list[dict[str, Any]], guard: Guard
) -> None:
    gateway.has_routes(
        "WEBSOCKET", [{"StageName": "prod", "AutoDeploy": True}], [route("sendMessage", "NONE"), route("$default", "NONE"), *connect]
    )
    found = gateway.read()
    assert guards(found) == dict.fromkeys([*(["WS $connect"] if connect else []), "WS $default", "WS sendMessage"], guard)
    assert found.kind == "websocket"


def test_an_id_of_neither_kind_is_an_error(gateway: Gateway) -> None:
    gateway.stubs["apigatewayv2"].add_client_error("get_api", "NotFoundException", "Invalid API identifier", 404)
    gateway.stubs["apigateway"].add_client_error("get_rest_api", "NotFoundException", "Invalid API identifier", 404)
    with pytest.raises(ImportSourceError, match=rf"^there is no API `{API}` in this account and region: correct the id, or give --region$"):
        gateway.read()


def test_a_refusal_is_not_taken_for_an_api_that_is_not_there(gateway: Gateway) -> None:
    gateway.stubs["apigatewayv2"].add_client_error("get_api", "AccessDeniedException", "no", 403)
    with pytest.raises(ClientError):
        gateway.read()


def test_a_route_that_no_catalogue_can_hold_is_told(gateway: Gateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {"/pets": {"GET": method("CUSTOM")}, "/a%2Fb": {"GET": method("CUSTOM")}})
    found = gateway.read()
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER}
    assert [each.place for each in found.not_taken] == [f"{API}/prod GET /a%2Fb"]


def test_many_unguarded_routes_are_counted(gateway: Gateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {f"/r{number}": {"GET": method("NONE")} for number in range(7)})
    [note] = unguarded_notes(gateway.read())
    assert "GET /r4 and 2 more:" in note


def test_a_guarded_api_has_no_note(gateway: Gateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {"/pets": {"GET": method("CUSTOM")}})
    assert unguarded_notes(gateway.read()) == ()
