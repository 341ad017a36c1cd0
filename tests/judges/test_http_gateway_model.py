"""The model of an HTTP API and the builders of its events against the API Gateway Developer Guide; what no page says is played in both worlds."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tests.support.clock import Clock
from tests.support.events import Deployment, Event, http_1_event, http_2_event, websocket_event
from tests.support.http_gateway_model import HttpGateway, HttpResponse, HttpRouter, Reading

STAGE = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod"
# The guide's own example, "Create routes for HTTP APIs", and more.
ROUTES = ("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")
MORE = ("GET /", "GET /pets", "ANY /pets", "GET /pets/{id}", "ANY /{x}/toys", "GET /shop/{rest+}", "GET /shop/sale", "GET /{x}/{y}/b")


@pytest.mark.parametrize(
    ("routes", "method", "path", "route_key", "parameters"),
    [
        (ROUTES, "GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        (ROUTES, "GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        (ROUTES, "GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        (ROUTES, "POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        (ROUTES, "GET", "/", "$default", {}),
        (ROUTES, "GET", "/pets", "ANY /{proxy+}", {"proxy": "pets"}),
        (MORE, "GET", "/", "GET /", {}),
        (MORE, "GET", "/pets", "GET /pets", {}),
        # "ANY ... all methods that you haven't defined for a resource"
        (MORE, "PURGE", "/pets", "ANY /pets", {}),
        (MORE, "GET", "/pets/toys", "GET /pets/{id}", {"id": "toys"}),
        (MORE, "GET", "/cars/toys", "ANY /{x}/toys", {"x": "cars"}),
        # A full match comes before a greedy one, however much the greedy one spells out.
        (MORE, "GET", "/shop/toys", "ANY /{x}/toys", {"x": "shop"}),
        (MORE, "GET", "/shop/a/b", "GET /{x}/{y}/b", {"x": "shop", "y": "a"}),
        (MORE, "GET", "/shop/a/c", "GET /shop/{rest+}", {"rest": "a/c"}),
        (MORE, "GET", "/shop", None, None),
        (MORE, "POST", "/pets/1", None, None),
        # As users report: doubled slashes collapse, one at the end does not go away, nothing is decoded for routing, `?` ends a path.
        (MORE, "GET", "//pets///1", "GET /pets/{id}", {"id": "1"}),
        (MORE, "GET", "/pets/", None, None),
        (MORE, "GET", "/pets%2F1", None, None),
        (MORE, "GET", "/pets/a%2Fb", "GET /pets/{id}", {"id": "a%2Fb"}),
        (MORE, "GET", "/pets/1%3f/x", "GET /pets/{id}", {"id": "1"}),
    ],
)
def test_routing(routes: Sequence[str], method: str, path: str, route_key: str | None, parameters: dict[str, str] | None) -> None:
    routed = HttpRouter(routes).route(method, path)
    assert ((routed.route_key, dict(routed.parameters)) if routed else (None, None)) == (route_key, parameters)


@pytest.mark.parametrize(
    ("reading", "path", "route_key", "arn_path", "gateway_template"),
    [
        (Reading(), "/pets/a%2Fb", "GET /pets/{id}", "/pets/a/b", "/pets/a/b"),
        (Reading(arn_decoded=False), "/pets/a%2Fb", "GET /pets/{id}", "/pets/a%2Fb", "/pets/a/b"),
        (Reading(path_decoded=False), "/pets/a%2Fb", "GET /pets/{id}", "/pets/a/b", "/pets/a%2Fb"),
        (Reading(decodes=True), "/pets%2F1", "GET /pets/{id}", "/pets/1", "/pets/1"),
        (Reading(trailing_slash=True), "/pets/", "GET /pets", "/pets/", "/pets/"),
        (Reading(collapses=False), "/pets//", None, "/pets//", "/pets//"),
        (Reading(collapses=False), "/shop//x", "GET /shop/{rest+}", "/shop//x", "/shop//x"),
        (Reading(truncates=False, arn_decoded=False), "/pets/1%3F", "GET /pets/{id}", "/pets/1%3F", "/pets/1?"),
        (Reading(), "/pets/%ff", "GET /pets/{id}", "/pets/\ufffd", "/pets/\ufffd"),
    ],
)
def test_readings_of_a_path(reading: Reading, path: str, route_key: str | None, arn_path: str, gateway_template: str) -> None:
    router = HttpRouter(MORE, reading)
    routed = router.route("GET", path)
    assert (routed.route_key if routed else None, router.arn_path(path), router.gateway_template(path)) == (
        route_key,
        arn_path,
        gateway_template,
    )


@pytest.mark.parametrize("route", ["GET pets", "get /pets", "GET /x{y}", "GET /{}", "GET /{a+}/b", "GET /*", "GET /pets/", "WS $connect"])
def test_routes_that_cannot_be_created(route: str) -> None:
    with pytest.raises(ValueError, match=r"cannot stand there|not a method"):
        HttpRouter([route])


def test_two_routes_of_one_shape_cannot_be_created() -> None:
    with pytest.raises(ValueError, match="twice"):
        HttpRouter(["GET /{a}", "GET /{b}"])


@pytest.mark.parametrize("path", ["pets", "", "/pets?x=1"])
def test_a_path_is_not_a_url(path: str) -> None:
    with pytest.raises(ValueError, match="not a path"):
        HttpRouter(MORE).route("GET", path)


# -- the authorizer's answers --------------------------------------------------------------------------------------------------------------------

AUTHORIZATION = "$request.header.Authorization"


def allow(*resources: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [f"{STAGE}/{resource}" for resource in resources]}
    return {"principalId": "p", "policyDocument": {"Version": "2012-10-17", "Statement": [statement]}, "context": {"who": "p"}}


class Authorizer:
    """Answers what it is told to, and keeps the events."""

    def __init__(self, answer: object) -> None:
        self.answer, self.events = answer, list[Event]()

    def __call__(self, event: Event) -> object:
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def gateway(answer: object, *identity: str, clock: Callable[[], float] | None = None, **options: Any) -> tuple[HttpGateway, Authorizer]:
    authorizer = Authorizer(answer)
    chosen: dict[str, Any] = {"payload": "2.0", "ttl": 60, "identity": identity or (AUTHORIZATION,), "clock": clock or Clock()} | options
    return HttpGateway(HttpRouter(MORE), authorizer, **chosen), authorizer


def outcome(response: HttpResponse) -> tuple[int, bool]:
    return response.status, response.invoked


TOKEN = [("authorization", "t")]


def test_a_policy_is_evaluated_for_each_request_that_shares_the_entry() -> None:
    api, _ = gateway(allow("GET/pets/1"))
    played = [outcome(api.request("GET", path, TOKEN)) for path in ("/pets/1", "/pets/1", "/pets/2", "/nowhere")]
    assert played == [(200, True), (200, False), (403, False), (404, False)]
    assert api.request("GET", "/pets/1", TOKEN).context == {"who": "p"}
    assert outcome(api.request("GET", "/pets/1", [("Authorization", "u")])) == (200, True)


def test_a_simple_response_speaks_for_all_that_share_the_entry() -> None:
    """ "... the authorizer's response fully allows or denies all API requests that match the cached identity source values" """
    for word, status in ((True, 200), (False, 403)):
        api, authorizer = gateway({"isAuthorized": word}, simple=True)
        played = [outcome(api.request(verb, path, TOKEN)) for verb, path in (("GET", "/pets/1"), ("GET", "/pets/2"), ("PUT", "/pets"))]
        assert played == [(status, True), (status, False), (status, False)]
        assert len(authorizer.events) == 1


def test_the_key_is_the_values_of_the_identity_sources_in_their_order() -> None:
    """Names of headers are of any case, those of query strings are not."""
    sources = (
        "$request.querystring.T",
        "$context.routeKey",
        "$request.header.x-Tenant",
        "$context.path",
        "$context.stage",
        "$context.httpMethod",
    )
    api, authorizer = gateway(allow("GET/pets/1"), *sources)
    response = api.request("GET", "/pets/%31", [("X-TENANT", "acme")], [("T", "q"), ("t", "other")])
    assert response.key == ("q", "GET /pets/{id}", "acme", "/prod/pets/1", "prod", "GET")
    assert authorizer.events[0]["identitySource"] == list(response.key)
    api, authorizer = gateway(allow("GET/pets/1"), *sources, payload="1.0")
    api.request("GET", "/pets/1", [("X-TENANT", "acme")], [("T", "q")])
    assert authorizer.events[0]["identitySource"] == "q,GET /pets/{id},acme,/prod/pets/1,prod,GET"


@pytest.mark.parametrize(("repeated", "value"), [("joined", "a,b"), ("first", "a"), ("last", "b")])
def test_what_is_sent_twice(repeated: Any, value: str) -> None:
    authorizer = Authorizer(allow("GET/pets"))
    router = HttpRouter(MORE, Reading(repeated=repeated))
    sources = ("$request.header.X", "$request.querystring.y")
    api = HttpGateway(router, authorizer, payload="2.0", identity=sources, ttl=60, clock=Clock())
    assert api.request("GET", "/pets", [("x", "a"), ("X", "b")], [("y", "a"), ("y", "b")]).key == (value, value)
    assert authorizer.events[0]["headers"]["x"] == authorizer.events[0]["queryStringParameters"]["y"] == "a,b"


@pytest.mark.parametrize("ttl", [0, 60])
@pytest.mark.parametrize("headers", [[], [("authorization", "")]])
def test_a_missing_identity_source_is_401_and_nobody_is_asked(ttl: float, headers: list[tuple[str, str]]) -> None:
    api, authorizer = gateway(allow("GET/pets"), ttl=ttl)
    assert outcome(api.request("GET", "/pets", headers)) == (401, False)
    assert authorizer.events == []


def test_nothing_is_remembered_without_ttl_or_identity_sources() -> None:
    for api, authorizer in (gateway(allow("GET/pets"), ttl=0), gateway(allow("GET/pets"), identity=())):
        assert [api.request("GET", "/pets", TOKEN).key for _ in range(2)] == [None, None]
        assert len(authorizer.events) == 2


def test_an_entry_lives_for_its_time_and_no_longer() -> None:
    clock = Clock()
    api, _ = gateway(allow("GET/pets"), clock=clock)
    invoked = []
    for seconds in (0, 59.9, 0.1, 59.9):
        clock.advance(seconds)
        invoked.append(api.request("GET", "/pets", TOKEN).invoked)
    assert invoked == [True, False, True, False]


def test_a_condition_is_judged_when_the_entry_is_used() -> None:
    clock = Clock()
    answer = allow("GET/pets")
    answer["policyDocument"]["Statement"][0]["Condition"] = {"NumericLessThan": {"aws:EpochTime": str(int(clock.now) + 10)}}
    api, _ = gateway(answer, clock=clock)
    assert outcome(api.request("GET", "/pets", TOKEN)) == (200, True)
    clock.advance(10)
    assert outcome(api.request("GET", "/pets", TOKEN)) == (403, False)


@pytest.mark.parametrize(
    ("answer", "simple", "status"),
    [
        (Exception("Unauthorized"), False, 401),
        (Exception("unauthorized"), False, 500),
        (Exception("table"), True, 500),
        ({"isAuthorized": True}, False, 500),
        (allow("GET/pets"), True, 500),
        ({"isAuthorized": "true"}, True, 500),
        ({"isAuthorized": True, "context": []}, True, 500),
        (None, True, 500),
        (None, False, 500),
        (allow("x" * 600), False, 500),
    ],
)
def test_what_is_no_answer_is_not_remembered(answer: object, simple: bool, status: int) -> None:
    api, authorizer = gateway(answer, simple=simple)
    assert [outcome(api.request("GET", "/pets", TOKEN)) for _ in range(2)] == [(status, True)] * 2
    authorizer.answer = {"isAuthorized": True} if simple else allow("GET/pets")
    assert [outcome(api.request("GET", "/pets", TOKEN)) for _ in range(2)] == [(200, True), (200, False)]


@pytest.mark.parametrize(
    "options",
    [{"identity": ["header.Authorization"]}, {"identity": ["$context.nothing"]}, {"ttl": 3601}, {"simple": True, "payload": "1.0"}],
)
def test_authorizers_that_cannot_be_created(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="identity source"):
        gateway(allow("GET/pets"), **options)


# -- events: the samples of the guide, as far as they agree with themselves ----------------------------------------------------------------------


def test_the_form_of_payload_1() -> None:
    event = http_1_event(identity_source=("user1", "123"), headers=[("HeaderAuth1", "a"), ("headerauth1", "b")], query=[("q", "1")])
    names = ("version", "type", "identitySource", "authorizationToken", "resource", "path", "httpMethod")
    assert [event[name] for name in names] == ["1.0", "REQUEST", "user1,123", "user1,123", "/orders/{orderId}", "/orders/42", "GET"]
    assert event["methodArn"] == f"{STAGE.removesuffix('prod')}$default/GET/orders/42"
    assert (event["headers"]["headerauth1"], event["multiValueHeaders"]["headerauth1"]) == ("b", ["a", "b"])
    assert (event["queryStringParameters"], event["pathParameters"], event["stageVariables"]) == ({"q": "1"}, None, None)
    context = event["requestContext"]
    assert (context["resourceId"], context["resourcePath"], context["stage"]) == ("GET /orders/{orderId}", "/orders/{orderId}", "$default")
    assert "routeArn" not in event


def test_the_form_of_payload_2() -> None:
    event = http_2_event(
        path="/a b",
        route_key="$default",
        identity_source=("user1", "123"),
        headers=[("Header1", "a"), ("header1", "b"), ("Cookie", "c=1; d=2")],
        query=[("q", "1"), ("q", "x y")],
        arn_path="/a%20b",
        deployment=Deployment(),
    )
    names = ("version", "type", "identitySource", "routeKey", "rawPath", "cookies", "rawQueryString")
    assert [event[name] for name in names] == ["2.0", "REQUEST", ["user1", "123"], "$default", "/prod/a b", ["c=1", "d=2"], "q=1&q=x+y"]
    assert (event["routeArn"], event["queryStringParameters"]) == (f"{STAGE}/GET/a%20b", {"q": "1,x y"})
    assert event["headers"]["header1"] == "a,b"
    assert not {"cookie", "Header1"} & event["headers"].keys()
    assert not {"methodArn", "pathParameters", "stageVariables", "multiValueHeaders"} & event.keys()
    assert (event["requestContext"]["http"]["path"], event["requestContext"]["routeKey"]) == ("/prod/a b", "$default")


def test_the_form_of_a_handshake() -> None:
    event = websocket_event()
    assert event["methodArn"] == f"{STAGE}/$connect"
    assert event["multiValueQueryStringParameters"] == {"access_token": ["not.a.token"]}
    assert (event["requestContext"]["eventType"], event["requestContext"]["routeKey"]) == ("CONNECT", "$connect")
    assert not {"path", "httpMethod", "resource", "version", "pathParameters"} & event.keys()
