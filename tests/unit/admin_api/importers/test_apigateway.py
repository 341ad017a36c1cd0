"""What is deployed is read by the calls that AWS's service models have, against botocore's own stubs of them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from admin_api.importers.apigateway import read_deployed, unguarded_notes
from admin_api.importers.imported import FoundRoutes, Guard, ImportSourceError
from tests.support.deployed_apis import API, DEFAULT, PROD, StubbedGateway, method_of, route_of


@pytest.fixture
def gateway() -> StubbedGateway:
    return StubbedGateway()


def read(gateway: StubbedGateway, stage: str | None = None) -> FoundRoutes:
    found = read_deployed(API, stage, gateway.client)
    gateway.all_were_made()
    return found


def guards(found: FoundRoutes) -> dict[str, Guard]:
    return {str(each.route): each.guard for each in found.routes}


def test_a_rest_api_is_read_as_its_stage_serves_it(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment(
        "d1",
        {
            "/": {"GET": method_of("NONE")},
            "/pets": {"GET": method_of("CUSTOM"), "POST": method_of("CUSTOM", key=True), "OPTIONS": method_of("NONE")},
            "/pets/{petId}": {"GET": method_of("AWS_IAM"), "DELETE": method_of("COGNITO_USER_POOLS"), "PUT": method_of("NONE", key=True)},
            "/files/{proxy+}": {"ANY": method_of("CUSTOM")},
        },
    )
    found = read(gateway)
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


def test_what_a_canary_serves_is_deployed_too(gateway: StubbedGateway) -> None:
    """And of one route the less guarded: some requests come to it."""
    gateway.is_rest(PROD | {"canarySettings": {"deploymentId": "d2", "percentTraffic": 5.0}})
    gateway.has_deployment("d1", {"/pets": {"GET": method_of("CUSTOM")}})
    gateway.has_deployment("d2", {"/pets": {"GET": method_of("NONE")}, "/owners": {"GET": method_of("CUSTOM")}})
    assert guards(read(gateway)) == {"GET /pets": Guard.NONE, "GET /owners": Guard.AUTHORIZER}


def test_a_canary_of_the_same_deployment_is_asked_for_once(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD | {"canarySettings": {"deploymentId": "d1"}})
    gateway.has_deployment("d1", {"/pets": {"GET": method_of("CUSTOM")}})
    assert guards(read(gateway)) == {"GET /pets": Guard.AUTHORIZER}


def test_a_deployment_that_says_nothing_is_read_from_the_resources_and_told(gateway: StubbedGateway) -> None:
    """So it is with emulators."""
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {})
    pages: list[dict[str, Any]] = [
        {"items": [{"id": "r1", "path": "/"}], "position": "p2"},
        {"items": [{"id": "r2", "path": "/pets", "resourceMethods": {"GET": method_of("CUSTOM")}}]},
    ]
    gateway.stubs["apigateway"].add_response("get_resources", pages[0], {"restApiId": API, "embed": ["methods"]})
    gateway.stubs["apigateway"].add_response("get_resources", pages[1], {"restApiId": API, "embed": ["methods"], "position": "p2"})
    found = read(gateway)
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
def test_a_stage_that_is_not_certain_is_an_error(gateway: StubbedGateway, names: list[str], stage: str | None, message: str) -> None:
    gateway.is_rest(*({"stageName": name, "deploymentId": "d1"} for name in names))
    with pytest.raises(ImportSourceError) as caught:
        read(gateway, stage)
    assert str(caught.value) == message


def test_the_stage_that_is_named_is_read(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD, {"stageName": "dev", "deploymentId": "d2"})
    gateway.has_deployment("d2", {"/pets": {"GET": method_of("CUSTOM")}})
    assert [each.place for each in read(gateway, "dev").routes] == [f"{API}/dev GET /pets"]


def test_an_http_api_is_read_page_by_page(gateway: StubbedGateway) -> None:
    gateway.has_routes(
        "HTTP",
        [{"StageName": "dev"}, DEFAULT],
        [route_of("GET /pets"), route_of("$default")],
        [route_of("GET /health", "NONE"), route_of("POST /pets", "JWT"), route_of("PUT /pets", "AWS_IAM"), route_of("GET /old", None)],
        [route_of("OPTIONS /{proxy+}", "NONE")],
    )
    found = read(gateway)
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


def test_a_stage_deployed_by_hand_may_serve_other_routes(gateway: StubbedGateway) -> None:
    gateway.has_routes("HTTP", [{"StageName": "prod", "AutoDeploy": False}], [route_of("GET /pets")])
    assert read(gateway).notes == ("stage `prod` is deployed by hand: these are the API's routes as they are now, deployed or not",)


def test_an_authorizer_of_another_kind_is_no_second_one(gateway: StubbedGateway) -> None:
    gateway.has_routes("HTTP", [DEFAULT], [route_of("GET /pets"), route_of("GET /x", "JWT") | {"AuthorizerId": "auth02"}])
    assert read(gateway).notes == ()


def test_two_authorizers_are_told(gateway: StubbedGateway) -> None:
    gateway.has_routes("HTTP", [DEFAULT], [route_of("GET /pets"), route_of("GET /old", "CUSTOM", "auth02"), route_of("GET /x", "JWT")])
    assert read(gateway).notes == ("several Lambda authorizers guard this API (auth01, auth02): a document speaks of the routes of one",)


@pytest.mark.parametrize(
    ("connect", "guard"),
    [
        ([route_of("$connect")], Guard.AUTHORIZER),
        ([route_of("$connect", "NONE")], Guard.NONE),
        ([route_of("$connect", "AWS_IAM")], Guard.OTHER),
        ([{"RouteKey": "$connect", "AuthorizationType": "NONE", "ApiKeyRequired": True}], Guard.OTHER),
        ([], Guard.NONE),
    ],
)
def test_what_comes_over_a_connection_is_guarded_as_the_connection_is(
    gateway: StubbedGateway, connect: list[dict[str, Any]], guard: Guard
) -> None:
    gateway.has_routes(
        "WEBSOCKET", [{"StageName": "prod", "AutoDeploy": True}], [route_of("sendMessage", "NONE"), route_of("$default", "NONE"), *connect]
    )
    found = read(gateway)
    assert guards(found) == dict.fromkeys([*(["WS $connect"] if connect else []), "WS $default", "WS sendMessage"], guard)
    assert found.kind == "websocket"


def test_an_id_of_neither_kind_is_an_error(gateway: StubbedGateway) -> None:
    gateway.is_nothing()
    with pytest.raises(ImportSourceError, match=rf"^there is no API `{API}` in this account and region: correct the id, or give --region$"):
        read(gateway)


def test_a_refusal_is_not_taken_for_an_api_that_is_not_there(gateway: StubbedGateway) -> None:
    gateway.stubs["apigatewayv2"].add_client_error("get_api", "AccessDeniedException", "no", 403)
    with pytest.raises(ClientError):
        read(gateway)


def test_a_route_that_no_catalogue_can_hold_is_told(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {"/pets": {"GET": method_of("CUSTOM")}, "/a%2Fb": {"GET": method_of("CUSTOM")}})
    found = read(gateway)
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER}
    assert [each.place for each in found.not_taken] == [f"{API}/prod GET /a%2Fb"]


def test_many_unguarded_routes_are_counted(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {f"/r{number}": {"GET": method_of("NONE")} for number in range(7)})
    [note] = unguarded_notes(read(gateway))
    assert "GET /r4 and 2 more:" in note


def test_a_guarded_api_has_no_note(gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD)
    gateway.has_deployment("d1", {"/pets": {"GET": method_of("CUSTOM")}})
    assert unguarded_notes(read(gateway)) == ()
