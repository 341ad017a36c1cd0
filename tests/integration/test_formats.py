"""One meaning through every wire format: whatever the format, the cache scope and the form of the answer, the same caller may make the same calls.

What is expected is written down by hand; each answer is judged for the ARN of its own event.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from moto import mock_aws

from authorizer.errors import TroubleError
from authorizer.request_loop import Handler
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from tests.integration.gates import Gate, KeyServer, bearer, settings_of
from tests.support.clock import Clock
from tests.support.events import (
    Deployment,
    Event,
    http_1_event,
    http_2_event,
    rest_request_event,
    rest_token_event,
    websocket_event,
)
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import CLIENT_ID, NOW, Issuer
from tests.support.tables import TABLE, create_table, open_table, publish

DOCUMENT = f"""
api: petstore
routes:
  - GET /
  - GET /pets
  - POST /pets
  - GET /pets/{{petId}}
  - DELETE /pets/{{petId}}
  - GET /pets/mine
  - GET /owners/{{ownerId}}/pets
  - ANY /files/{{proxy+}}
  - GET /docs/{{proxy+}}
  - GET /docs/private
  - GET /sales
  - WS $connect
  - WS say
  - WS shout
everyone: {{allow: [GET /]}}
groups:
  guest:
    allow: [GET /pets, "GET /pets/{{petId}}", "GET /docs/{{proxy+}}", WS $connect, WS say, {{route: GET /sales, until: "2027-01-01T00:00:00Z"}}]
    deny: [{{route: GET /pets, until: "2027-01-01T00:00:00Z"}}]
  owner:
    inherits: [guest]
    allow:
      - POST /pets
      - GET /pets/mine
      - GET /docs/private
      - {{route: "GET /owners/{{ownerId}}/pets", where: {{ownerId: sub}}}}
      - ANY /files/{{proxy+}}
      - {{route: GET /sales, until: "2027-06-01T00:00:00Z"}}
    deny: ["DELETE /files/{{proxy+}}"]
  admin: {{allow: ["* /**", WS *], deny: ["DELETE /pets/{{petId}}", WS shout]}}
clients: {{{CLIENT_ID}: {{allow: [GET /pets, WS $connect]}}}}
scopes: {{pets/write: {{allow: [POST /pets]}}}}
"""
"""The clock of the tests stands in the middle of January 2027: what ended on its first day has ended."""


def tokens() -> dict[str, str]:
    """The Authorization value of each caller. Users have the `sub` u1, but for the other owner, who is u2."""
    users = {
        "nobody": bearer(),
        "guest": bearer("guest"),
        "owner": bearer("owner"),
        "other": bearer("owner", sub="u2"),
        "admin": bearer("admin"),
    }
    return users | {"machine": "Bearer " + Issuer().token(Issuer().machine_claims("pets/write"))}


TOKENS = tokens()

LONG = "x" * 500
# Verb, path as in the ARN, route key of the gateway; then who may: nobody, guest, owner, other, admin, machine. `+` and `-` hold in each scope; where
# spellings are odd, letters name the only scopes that allow. `q` is `request`, which denies what two readers could read differently. `r` is `route`, where
# the gateway's route decides, however a parameter is spelled. `t` is `token`, where no template is told and the path decides, but may be as long as it likes.
# `s` is any scope of a REST API, whose ARNs have the path as it was sent; HTTP APIs tell no parameter here that would say what an escape in the ARN is.
MATRIX = """
GET     /                    GET /                         + + + + + +
GET     /pets                GET /pets                     - + + + + +
GET     /pets/               GET /pets                     - + + + + +
POST    /pets                POST /pets                    - - + + + +
PUT     /pets                PUT /pets                     - - - - - -
GET     /pets/7              GET /pets/{petId}             - + + + + -
GET     /pets/7/             GET /pets/{petId}             - + + + + -
DELETE  /pets/7              DELETE /pets/{petId}          - - - - - -
GET     /pets/mine           GET /pets/mine                - - + + + -
GET     /pets/10:30          GET /pets/{petId}             - + + + + -
GET     /pets/a%20b          GET /pets/{petId}             - + + + + -
GET     /pets/%C3%A9         GET /pets/{petId}             - + + + + -
GET     /pets/a%2Fb          GET /pets/{petId}             - r r r r -
GET     /pets/a%252Fb        GET /pets/{petId}             - r r r r -
GET     /pets/%C3%28         GET /pets/{petId}             - r r r r -
GET     /pets/..             GET /pets/{petId}             - r r r r -
GET     /pets/x*             GET /pets/{petId}             - r r r r -
GET     /pets/${x}           GET /pets/{petId}             - r r r r -
GET     /pets/LONG           GET /pets/{petId}             - r rt rt rt -
GET     //pets               GET /pets                     - - - - - -
GET     /pets//              GET /pets                     - - - - - -
GET     /owners/u1/pets      GET /owners/{ownerId}/pets    - - + - + -
GET     /owners/u1/pets/     GET /owners/{ownerId}/pets    - - + - + -
GET     /owners/u2/pets      GET /owners/{ownerId}/pets    - - - + + -
GET     /owners/%751/pets    GET /owners/{ownerId}/pets    - - s - + -
GET     /owners/%25751/pets  GET /owners/{ownerId}/pets    - - - - + -
GET     /owners/u1*/pets     GET /owners/{ownerId}/pets    - - - - r -
GET     /files/a             ANY /files/{proxy+}           - - + + + -
OPTIONS /files/a/b.txt       ANY /files/{proxy+}           - - + + + -
DELETE  /files/a/b.txt       ANY /files/{proxy+}           - - - - + -
TRACE   /files/a             ANY /files/{proxy+}           - - - - - -
GET     /docs/a              GET /docs/{proxy+}            - + + + + -
GET     /docs/private        GET /docs/private             - - + + + -
GET     /docs/private        GET /docs/{proxy+}            - - + + + -
GET     /sales               GET /sales                    - - + + + -
GET     /forgotten           GET /forgotten                - - - - - -
"""
Call = tuple[str, str, str]


def rows() -> dict[Call, tuple[str, ...]]:
    split = [line.split() for line in MATRIX.replace("LONG", LONG).strip().splitlines()]
    return {(row[0], row[1], f"{row[2]} {row[3]}"): tuple(row[4:]) for row in split}


ROWS = rows()


# -- the formats ---------------------------------------------------------------------------------------------------------------------------------

REST = Deployment("prod")
HTTP = Deployment("$default", api_id="h7h7h7h7h7")
WHOLE_KEY = ("httpMethod", "routeKey", "path", "Authorization")
HOST_KEY = ("domainName", *WHOLE_KEY)


@dataclass(frozen=True, slots=True)
class Format:
    """One way to be asked and to answer. `scope` is the first letter of what answers speak of, `r` and `t` as in the matrix."""

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    scope: str = "q"

    def event(self, call: Call, *authorization: str, **more: Any) -> Event:
        """This call, with these Authorization values."""
        verb, path, route_key = call
        headers = [("Authorization", value) for value in authorization]
        if self.name == "rest_token":
            return rest_token_event(verb, path, authorization=",".join(authorization), deployment=REST)
        if self.name == "rest_request":
            return rest_request_event(verb, path, route_key.partition(" ")[2], headers=headers, deployment=REST)
        if self.name == "websocket":
            return websocket_event(headers=headers, query=(), deployment=REST)
        return self.http_event(call, headers, **({"key": HOST_KEY} if self.name == "http_2" else {}) | more)

    def http_event(self, call: Call, headers: Sequence[tuple[str, str]], key: Sequence[str] | None = WHOLE_KEY) -> Event:
        """A call to an HTTP API whose cache key is made of these context variables and headers."""
        verb, path, route_key = call
        values = {"httpMethod": verb, "routeKey": route_key, "path": path, "domainName": HTTP.host} | dict(headers)
        # The token comes last: the log is searched for all that follows a scheme, which is more than the token where values are joined.
        source = None if key is None else [values.get(name, "") for name in key]
        build = http_1_event if self.name == "http_1" else http_2_event
        return build(verb, path, route_key, identity_source=source, headers=headers, deployment=HTTP)


def arn_of(event: Event) -> str:
    return str(event.get("methodArn") or event["routeArn"])


def allows(response: Mapping[str, Any], event: Event) -> bool:
    """What the gateway would do with the request that the answer was made for."""
    if "isAuthorized" in response:
        assert response.keys() == {"isAuthorized", "context"}
        return response["isAuthorized"] is True
    return evaluate(response["policyDocument"], "execute-api:Invoke", arn_of(event)) == "Allow"


ROUTE = {"CACHE_SCOPE": "route"}
TOKEN = {"CACHE_SCOPE": "token"}
SIMPLE = {"HTTP_API_RESPONSE": "simple"}
FORMATS = {
    "rest token": Format("rest_token"),
    "rest token, token scope": Format("rest_token", TOKEN, "t"),
    "rest request": Format("rest_request"),
    "rest request, route scope": Format("rest_request", ROUTE, "r"),
    "http 1.0": Format("http_1"),
    "http 1.0, route scope": Format("http_1", ROUTE, "r"),
    "http 2.0": Format("http_2"),
    "http 2.0, route scope": Format("http_2", ROUTE, "r"),
    "http 2.0, simple": Format("http_2", SIMPLE),
    "websocket": Format("websocket"),
}
CALLS = {name: form for name, form in FORMATS.items() if form.name != "websocket"}
OWN_PET: Call = ("GET", "/pets/7", "GET /pets/{petId}")

Build = Callable[[Mapping[str, str]], Gate]


@pytest.fixture(scope="module")
def handlers() -> Iterator[Callable[[Mapping[str, str]], tuple[KeyServer, Handler]]]:
    """Handlers over the document of this module, made once for each setting: no test here changes anything."""
    made: dict[str, Handler] = {}
    with mock_aws(), KeyServer(Issuer().jwks()).running() as server:
        create_table(boto3.Session().client("dynamodb"), TABLE)
        open_table(TABLE)
        publish(DOCUMENT)

        def handler(settings: Mapping[str, str]) -> tuple[KeyServer, Handler]:
            name = json.dumps(settings, sort_keys=True)
            made[name] = made.get(name) or build_handler(read_settings(settings_of(server, **settings)), Clock())
            return server, made[name]

        yield handler


@pytest.fixture
def build(handlers: Callable[[Mapping[str, str]], tuple[KeyServer, Handler]], capsys: pytest.CaptureFixture[str]) -> Build:
    """An authorizer with these settings."""

    def gate(settings: Mapping[str, str]) -> Gate:
        server, handler = handlers(settings)
        return Gate(server, Clock(), capsys, handler)

    return gate


def narrowed(gate: Gate) -> str | None:
    """Why the last answer speaks of less than it was configured to; the log line leaves it out where it does not."""
    reason: str | None = gate.line.get("narrowed")
    return reason


# -- allowed or not ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLS)
def test_a_permission_means_the_same_through_every_format(build: Build, name: str) -> None:
    form = CALLS[name]
    gate = build(form.settings)
    wrong = []
    for call, cells in ROWS.items():
        for (who, authorization), cell in zip(TOKENS.items(), cells, strict=True):
            event = form.event(call, authorization)
            allowed = allows(gate.call(event), event)
            assert gate.line["format"] == form.name
            if allowed is not (cell == "+" or form.scope in cell or ("s" in cell and form.name.startswith("rest"))):
                wrong.append((who, call, allowed, gate.line["reason"], narrowed(gate)))
    assert wrong == []


def test_the_matrix_has_all_kinds_of_answers() -> None:
    cells = [cell for row in ROWS.values() for cell in row]
    assert {len(row) for row in ROWS.values()} == {len(TOKENS)}
    assert min(cells.count("+"), cells.count("-")) > 30


def test_only_a_caller_whose_access_takes_a_deny_to_be_told_is_answered_for_less_than_the_token(build: Build) -> None:
    """Whoever may see each pet but not `/pets/mine` cannot be told so by a list of Allows."""
    form = FORMATS["rest token, token scope"]
    gate = build(form.settings)
    said = {}
    for who, authorization in TOKENS.items():
        gate.call(form.event(OWN_PET, authorization))
        said[who] = gate.line["scope"], narrowed(gate)
    whole = ("token", None)
    assert said == {"nobody": whole, "guest": ("request", "inexact"), "owner": whole, "other": whole, "admin": whole, "machine": whole}


@pytest.mark.parametrize("name", [name for name, form in CALLS.items() if form.name != "rest_token"])
def test_a_path_with_more_segments_than_its_route_is_denied_to_all(build: Build, name: str) -> None:
    """As it is told where the gateway routes by `/pets/a%2Fb` and tells `/pets/a/b`."""
    gate = build(CALLS[name].settings)
    for authorization in TOKENS.values():
        event = CALLS[name].event(("GET", "/pets/a/b", "GET /pets/{petId}"), authorization)
        assert not allows(gate.call(event), event)


@pytest.mark.parametrize("name", [name for name, form in CALLS.items() if form.name != "rest_token"])
def test_a_path_that_is_another_routes_is_the_requests_in_request_scope_and_the_routes_in_route_scope(build: Build, name: str) -> None:
    """A gateway that lacks `/pets/mine` serves it by `/pets/{petId}`: who asks for the request is denied what the two would disagree on."""
    gate = build(CALLS[name].settings)
    event = CALLS[name].event(("GET", "/pets/mine", "GET /pets/{petId}"), TOKENS["owner"])
    assert allows(gate.call(event), event) is (CALLS[name].scope == "r")
    assert gate.line["reason"] == ("allowed" if CALLS[name].scope == "r" else "path_mismatch")


@pytest.mark.parametrize("name", [name for name, form in CALLS.items() if form.name.startswith("http")])
def test_the_route_that_takes_all_others_is_matched_by_the_catalogue(build: Build, name: str) -> None:
    gate = build(CALLS[name].settings)
    expected = {"/pets/7": True, "/pets/mine": False, "/nowhere": False}
    for path, allowed in expected.items():
        event = CALLS[name].event(("GET", path, "$default"), TOKENS["guest"])
        assert allows(gate.call(event), event) is allowed
        assert gate.line["scope"] == "request"


# -- WebSocket -----------------------------------------------------------------------------------------------------------------------------------

CONNECT: Call = ("", "", "$connect")
CONNECTIONS = {
    "nobody": (False, []),
    "guest": (True, ["$connect", "say"]),
    "owner": (True, ["$connect", "say"]),
    "other": (True, ["$connect", "say"]),
    "admin": (True, ["$connect", "say"]),
    "machine": (True, ["$connect"]),
}


@pytest.mark.parametrize("settings", [{}, ROUTE, TOKEN, SIMPLE], ids=["request", "route", "token", "simple"])
def test_a_connection_is_allowed_and_its_backend_told_the_route_keys(build: Build, settings: dict[str, str]) -> None:
    """In every setting: the decision lasts as long as the connection, and nothing is remembered."""
    gate = build(settings)
    answers = {}
    for who, authorization in TOKENS.items():
        event = FORMATS["websocket"].event(CONNECT, authorization)
        response = gate.call(event)
        [statement] = response["policyDocument"]["Statement"]
        assert statement["Resource"] == [arn_of(event)]
        answers[who] = allows(response, event), sorted(filter(None, unquote(response["context"]["routes"]).split(",")))
        assert (gate.line["format"], gate.line["scope"], narrowed(gate)) == ("websocket", "request", None)
    assert answers == CONNECTIONS


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ([("Authorization", TOKENS["guest"])], []),
        ([], [("access_token", TOKENS["guest"].removeprefix("Bearer "))]),
        ([("Sec-WebSocket-Protocol", "chat, bearer, " + TOKENS["guest"].removeprefix("Bearer "))], []),
    ],
    ids=["header", "query string", "subprotocol"],
)
def test_a_browser_may_send_the_token_of_a_connection_elsewhere(
    build: Build, headers: list[tuple[str, str]], query: list[tuple[str, str]]
) -> None:
    gate = build({})
    event = websocket_event(headers=headers, query=query)
    assert allows(gate.call(event), event)
    sent = TOKENS["guest"].removeprefix("Bearer ")
    assert not [piece for piece in sent.split(".") if piece in "".join(gate.printed)]


@pytest.mark.parametrize("name", CALLS)
def test_no_call_takes_its_token_from_the_query_string_or_a_subprotocol(build: Build, name: str) -> None:
    gate = build(CALLS[name].settings)
    token = TOKENS["guest"].removeprefix("Bearer ")
    event = CALLS[name].event(OWN_PET)
    more = {"access_token": token}
    event |= {"queryStringParameters": more, "multiValueQueryStringParameters": {"access_token": [token]}} if "headers" in event else {}
    if "headers" in event:
        event["headers"] = {**event["headers"], "sec-websocket-protocol": f"bearer, {token}"}
    assert_401(gate, event, "missing_token")


# -- what the backend is told --------------------------------------------------------------------------------------------------------------------

OF_OWNER = {"sub": "u1", "groups": "owner", "version": "1", "client_id": CLIENT_ID}
OF_MACHINE = {"sub": CLIENT_ID, "groups": "", "version": "1", "client_id": CLIENT_ID, "scopes": "pets%2Fwrite"}
OF_REQUEST = {"reason": "allowed", "route": "GET /pets/{petId}"}
MORE_BY_FORMAT = {name: OF_REQUEST if form.scope == "q" else {} for name, form in CALLS.items()} | {
    "websocket": {"reason": "allowed", "route": "WS $connect", "routes": "%24connect,say"}
}


def told(gate: Gate, name: str, who: str) -> dict[str, Any]:
    return gate.call(FORMATS[name].event(OWN_PET, TOKENS[who]))


@pytest.mark.parametrize("name", FORMATS)
def test_every_backend_is_told_the_same(build: Build, name: str) -> None:
    """The reason and the route belong to the request: they are said where the cache key holds it, and nowhere else."""
    gate = build(FORMATS[name].settings)
    response = told(gate, name, "owner")
    assert response["context"] == OF_OWNER | MORE_BY_FORMAT[name]
    assert response.get("principalId", "u1") == "u1"
    assert "usageIdentifierKey" not in response
    context = told(gate, name, "machine")["context"]
    assert context.items() >= OF_MACHINE.items()
    assert context.keys() - OF_MACHINE.keys() == MORE_BY_FORMAT[name].keys()


@pytest.mark.parametrize("name", FORMATS)
def test_the_user_name_and_the_usage_key_are_given_where_they_are_asked_for(build: Build, name: str) -> None:
    gate = build({**FORMATS[name].settings, "CONTEXT_USERNAME": "1", "USAGE_KEY": "client_id"})
    owner, machine = told(gate, name, "owner"), told(gate, name, "machine")
    assert owner["context"] == OF_OWNER | MORE_BY_FORMAT[name] | {"username": "jane"}
    assert "username" not in machine["context"]
    # A simple response has no place for the key.
    key = None if "isAuthorized" in owner else CLIENT_ID
    assert (owner.get("usageIdentifierKey"), machine.get("usageIdentifierKey")) == (key, key)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "http 2.0, simple"])
def test_one_word_is_for_payload_2_alone(build: Build, name: str) -> None:
    settings = {setting: value for setting, value in FORMATS[name].settings.items() if setting != "CACHE_SCOPE"}
    response = told(build(settings | SIMPLE), name, "owner")
    assert ("isAuthorized" in response) is (FORMATS[name].name == "http_2")
    assert ("policyDocument" in response) is (FORMATS[name].name != "http_2")


def test_a_policy_needs_no_key_that_a_word_would_need(build: Build) -> None:
    assert "policyDocument" in build(SIMPLE).call(ask("http 1.0", OWN_PET, ["Authorization"]))


# -- 401 -----------------------------------------------------------------------------------------------------------------------------------------

US = Issuer()
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "missing": ((), "missing_token"),
    "expired": ((bearer("admin", exp=NOW),), "expired"),
    "ID token": (("Bearer " + US.token(US.id_claims("admin")),), "token_use"),
    "two tokens": ((TOKENS["admin"], TOKENS["guest"]), "several_authorization_values"),
}


def assert_401(gate: Gate, event: Event, reason: str) -> None:
    raised = gate.fail(event)
    assert raised.args == ("Unauthorized",)
    assert (gate.line["message"], gate.line["reason"], gate.counted) == ("unauthorized", reason, {"unauthorized": 1})


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("name", FORMATS)
def test_a_token_that_is_not_accepted_is_401_in_every_format(build: Build, name: str, case: str) -> None:
    authorization, reason = REFUSED[case]
    form = FORMATS[name]
    if len(authorization) > 1 and form.name in ("rest_token", "http_2"):
        reason = "malformed_authorization"  # these formats tell two headers as one, joined
    assert_401(build(form.settings), form.event(OWN_PET, *authorization), reason)


def test_two_tokens_of_a_connection_are_401_wherever_they_stand(build: Build) -> None:
    gate = build({})
    token = TOKENS["guest"].removeprefix("Bearer ")
    places = [
        ([("Authorization", TOKENS["guest"])], [("access_token", token)]),
        ([], [("access_token", token), ("access_token", token)]),
        ([("Sec-WebSocket-Protocol", f"bearer, {token}")], [("access_token", token)]),
        ([("Sec-WebSocket-Protocol", f"bearer, {token}, bearer, {token}")], []),
    ]
    for headers, query in places:
        assert_401(gate, websocket_event(headers=headers, query=query), "several_authorization_values")


# -- what the cache key of an HTTP API holds -----------------------------------------------------------------------------------------------------

FILE: Call = ("GET", "/files/a", "ANY /files/{proxy+}")
HTTP_FORMATS = [name for name, form in CALLS.items() if form.name.startswith("http")]


def ask(name: str, call: Call, key: Sequence[str] | None, *more: tuple[str, str]) -> Event:
    """The owner's call to an HTTP API with this key."""
    return FORMATS[name].http_event(call, [("Authorization", TOKENS["owner"]), *more], key)


def assert_trouble(gate: Gate, event: Event, reason: str) -> None:
    """500, which the gateway does not remember."""
    raised = gate.fail(event)
    assert isinstance(raised, TroubleError)
    assert (raised.reason, gate.line["reason"], gate.line["message"]) == (reason, reason, "trouble")
    assert gate.counted == {"trouble": 1}


@pytest.mark.parametrize("key", [["X-Tenant"], ["X-Tenant", "httpMethod", "routeKey", "path"]])
@pytest.mark.parametrize("name", HTTP_FORMATS)
def test_a_key_without_the_token_is_trouble(build: Build, name: str, key: list[str]) -> None:
    """The next caller of that tenant would be given this one's answer."""
    event = ask(name, OWN_PET, key, ("X-Tenant", "acme"))
    assert_trouble(build(FORMATS[name].settings), event, "token_not_keyed")
    assert allows(build({**FORMATS[name].settings, "GATEWAY_TTL": "0"}).call(event), event)


# What the key lacks, whether the word can be given, and the call.
WORDS = [
    (WHOLE_KEY, OWN_PET, True),
    # Under another host name this path may be another one, of the same route.
    (WHOLE_KEY, FILE, False),
    (HOST_KEY, FILE, True),
    # `GET /pets/{petId}` names its method too.
    (("routeKey", "path", "Authorization"), OWN_PET, True),
    (("domainName", "routeKey", "path", "Authorization"), FILE, False),
    (("httpMethod", "path", "Authorization"), OWN_PET, False),
    (("httpMethod", "routeKey", "Authorization"), OWN_PET, False),
    (("Authorization",), OWN_PET, False),
    # Without identity sources nothing is remembered.
    (None, OWN_PET, True),
]


@pytest.mark.parametrize(("key", "call", "is_given"), WORDS)
def test_one_word_is_given_only_where_the_key_holds_the_request(
    build: Build, key: tuple[str, ...] | None, call: Call, is_given: bool
) -> None:
    event = ask("http 2.0, simple", call, key)
    for settings in (SIMPLE, SIMPLE | {"GATEWAY_TTL": "60"}):
        if is_given:
            assert build(settings).call(event)["isAuthorized"] is True
        else:
            assert_trouble(build(settings), event, "simple_response_not_keyed")
    assert build(SIMPLE | {"GATEWAY_TTL": "0"}).call(event)["isAuthorized"] is True


@pytest.mark.parametrize("lie", ["GET", "ANY /files/{proxy+}", "/files/a", "x,/files/a", "/files/a,x"])
def test_what_the_caller_could_have_written_proves_nothing(build: Build, lie: str) -> None:
    """The key is token, method, route and path, but for the one part that the caller writes into a header that is an identity source."""
    lacking = next(
        name for name, value in zip(WHOLE_KEY, ("GET", "ANY /files/{proxy+}", "/files/a"), strict=False) if value in lie.split(",")
    )
    key = ["X-Tenant" if name == lacking else name for name in WHOLE_KEY]
    assert_trouble(build(SIMPLE), ask("http 2.0, simple", FILE, ["domainName", *key], ("X-Tenant", lie)), "simple_response_not_keyed")
    for name in ("http 1.0, route scope", "http 2.0, route scope"):
        gate = build(ROUTE)
        response = gate.call(ask(name, FILE, key, ("X-Tenant", lie)))
        # With payload 1.0 a piece that is none of the gateway's own makes all others doubtful.
        is_whole = lacking == "path" and (name.startswith("http 2.0") or lie == "/files/a")
        assert (narrowed(gate), "reason" in response["context"]) == (None if is_whole else "not_keyed", False)


# What the key holds, the call, and whether the answer may speak of the whole route.
KEYS = [
    (("httpMethod", "routeKey", "Authorization"), FILE, True),
    (("httpMethod", "routeKey", "path", "Authorization"), FILE, True),
    (("routeKey", "Authorization"), OWN_PET, True),
    (("routeKey", "Authorization"), FILE, False),
    (("httpMethod", "Authorization"), FILE, False),
    (("httpMethod", "path", "Authorization"), OWN_PET, False),
    (("Authorization",), OWN_PET, False),
    (None, OWN_PET, True),
]


@pytest.mark.parametrize(("key", "call", "is_whole"), KEYS)
@pytest.mark.parametrize("name", ["http 1.0, route scope", "http 2.0, route scope"])
def test_an_answer_for_a_route_needs_the_route_in_the_key(
    build: Build, name: str, key: tuple[str, ...] | None, call: Call, is_whole: bool
) -> None:
    gate = build(ROUTE)
    event = ask(name, call, key)
    response = gate.call(event)
    resources = [resource for statement in response["policyDocument"]["Statement"] for resource in statement["Resource"]]
    assert allows(response, event)
    assert not {"reason", "route"} & response["context"].keys()
    if is_whole:
        assert (gate.line["scope"], narrowed(gate)) == ("route", None)
        assert resources[0].endswith("/*")
    else:
        assert (gate.line["scope"], narrowed(gate)) == ("request", "not_keyed")
        assert "$context.routeKey" in gate.line["narrowed_detail"]
        assert resources == [arn_of(event)]
        assert gate.counted == {"allowed": 1, "needs_narrower_scope": 1}
        assert build(ROUTE | {"GATEWAY_TTL": "0"}).call(event)["policyDocument"]["Statement"][0]["Resource"][0].endswith("/*")


@pytest.mark.parametrize("name", ["http 1.0", "http 2.0"])
@pytest.mark.parametrize("lacking", ["httpMethod", "routeKey", "path"])
def test_an_answer_for_a_request_says_what_was_asked_only_where_the_key_holds_it(build: Build, name: str, lacking: str) -> None:
    gate = build({})
    event = ask(name, FILE, [part for part in WHOLE_KEY if part != lacking])
    response = gate.call(event)
    assert response["policyDocument"]["Statement"][0]["Resource"] == [arn_of(event)]
    assert (narrowed(gate), response["context"]) == ("not_keyed", OF_OWNER)


@pytest.mark.parametrize("name", ["http 1.0", "http 2.0"])
def test_no_policy_for_all_routes_is_given_to_an_http_api(build: Build, name: str) -> None:
    """It would be exact for the routing of a REST API, and routing differs."""
    gate = build({"CACHE_SCOPE": "token"})
    response = gate.call(ask(name, OWN_PET, ("Authorization",)))
    assert narrowed(gate) == "http_routing"
    assert [len(statement["Resource"]) for statement in response["policyDocument"]["Statement"]] == [1]
    assert "reason" not in response["context"]
