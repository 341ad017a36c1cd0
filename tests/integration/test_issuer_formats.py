"""A token of each issuer's shape through every wire format: what is granted to its groups, client and scopes it may call, and nothing else."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from moto import mock_aws

from authorizer.request_loop import Handler
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from tests.integration.gates import Gate, KeyServer, is_401
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event
from tests.support.iam_evaluator import evaluate
from tests.support.issuer_shapes import Issuers, issuer_files, read_issuers_of
from tests.support.tables import TABLE, create_table, open_table, publish

MAX_ROUTES = 12
"""Routes that stand for refs of a file: of two hundred groups the first ones are enough."""


def _http_event(build: Callable[..., Event], path: str, authorization: str) -> Event:
    route = f"GET {path}"
    values = ("api.example", "GET", route, path, authorization)
    # A simple answer needs the host in the key; payload 1.0 has no such answers.
    source = values if build is http_2_event else values[1:]
    return build("GET", path, route, identity_source=source, headers=[("Authorization", authorization)])


def _token(path: str, authorization: str) -> Event:
    return rest_token_event("GET", path, authorization=authorization)


def _request(path: str, authorization: str) -> Event:
    return rest_request_event("GET", path, path, headers=[("Authorization", authorization)])


def _http_1(path: str, authorization: str) -> Event:
    return _http_event(http_1_event, path, authorization)


def _http_2(path: str, authorization: str) -> Event:
    return _http_event(http_2_event, path, authorization)


ROUTE, TOKEN, SIMPLE = {"CACHE_SCOPE": "route"}, {"CACHE_SCOPE": "token"}, {"HTTP_API_RESPONSE": "simple"}
Build = Callable[[str, str], Event]
CALLS: dict[str, tuple[Mapping[str, str], Build]] = {
    "rest token": ({}, _token),
    "rest token, token scope": (TOKEN, _token),
    "rest request": ({}, _request),
    "rest request, route scope": (ROUTE, _request),
    "http 1.0": ({}, _http_1),
    "http 1.0, route scope": (ROUTE, _http_1),
    "http 2.0": ({}, _http_2),
    "http 2.0, route scope": (ROUTE, _http_2),
    "http 2.0, simple": (SIMPLE, _http_2),
}


def refs_of(issuers: Issuers) -> list[str]:
    """The refs that get a route each: those of people and machines first."""
    named = [ref for shape in issuers.shapes.values() if shape.is_accepted for ref in shape.refs if ref != "everyone"]
    return list(dict.fromkeys(named))[:MAX_ROUTES]


def document_of(refs: Sequence[str]) -> dict[str, Any]:
    """Grants `GET /r0` and the message `m0` to the first ref, and so on, and a connection to all."""
    sections: dict[str, dict[str, Any]] = {"group": {}, "client": {}, "scope": {}}
    for number, ref in enumerate(refs):
        kind, _, name = ref.partition("/")
        sections[kind][name] = {"allow": [f"GET /r{number}", f"WS m{number}"]}
    routes = [route for number in range(len(refs)) for route in (f"GET /r{number}", f"WS m{number}")]
    named = {f"{kind}s": rows for kind, rows in sections.items() if rows}
    return {"api": "petstore", "routes": [*routes, "GET /nobody", "WS $connect"], "everyone": {"allow": ["WS $connect"]}, **named}


@pytest.fixture(scope="module", params=issuer_files())
def configured(request: pytest.FixtureRequest) -> Iterator[tuple[Issuers, Callable[[Mapping[str, str]], tuple[KeyServer, Handler]]]]:
    """One issuer with a document that grants something to everything that its tokens say, and cold handlers for it."""
    issuers = read_issuers_of(request.param)
    with mock_aws(), KeyServer(issuers.jwks()).running() as server:
        create_table(boto3.Session().client("dynamodb"), TABLE)
        open_table(TABLE)
        publish(document_of(refs_of(issuers)))
        made: dict[str, Handler] = {}

        def handler(settings: Mapping[str, str]) -> tuple[KeyServer, Handler]:
            name = json.dumps(settings, sort_keys=True)
            environment = {**issuers.environment(server.uri), "PERMISSIONS_TABLE": TABLE, **settings}
            made[name] = made.get(name) or build_handler(read_settings(environment), Clock())
            return server, made[name]

        yield issuers, handler


Configured = tuple[Issuers, Callable[[Mapping[str, str]], tuple[KeyServer, Handler]]]


def allows(response: Mapping[str, Any], event: Event) -> bool:
    """What the gateway would do with the request that the answer was made for."""
    if "isAuthorized" in response:
        return response["isAuthorized"] is True
    arn = str(event.get("methodArn") or event["routeArn"])
    return evaluate(response["policyDocument"], "execute-api:Invoke", arn) == "Allow"


@pytest.mark.parametrize("form", CALLS)
def test_a_bearer_may_call_what_is_granted_to_what_the_token_says(
    configured: Configured, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    issuers, handler = configured
    settings, build = CALLS[form]
    gate = Gate(*_parts(handler, settings, capsys))
    refs = refs_of(issuers)
    for shape in issuers.shapes.values():
        authorization = f"Bearer {shape.token}"
        if not shape.is_accepted:
            assert is_401(gate.fail(build("/r0", authorization))), shape.name
            assert gate.line["reason"] == shape.expected
            continue
        paths = {f"/r{number}": ref in shape.refs for number, ref in enumerate(refs)} | {"/nobody": False}
        for path, is_granted in paths.items():
            event = build(path, authorization)
            assert allows(gate.call(event), event) is is_granted, (shape.name, path)


def test_a_connection_is_told_the_messages_of_what_the_token_says(configured: Configured, capsys: pytest.CaptureFixture[str]) -> None:
    issuers, handler = configured
    gate = Gate(*_parts(handler, {}, capsys))
    refs = refs_of(issuers)
    for shape in issuers.shapes.values():
        event = websocket_event(headers=[("Authorization", f"Bearer {shape.token}")], query=())
        if not shape.is_accepted:
            assert is_401(gate.fail(event)), shape.name
            continue
        response = gate.call(event)
        assert allows(response, event), shape.name
        granted = {f"m{number}" for number, ref in enumerate(refs) if ref in shape.refs}
        assert {unquote(key) for key in response["context"]["routes"].split(",")} == {"$connect"} | granted, shape.name


def _parts(
    handler: Callable[[Mapping[str, str]], tuple[KeyServer, Handler]], settings: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> tuple[KeyServer, Clock, pytest.CaptureFixture[str], Handler]:
    server, made = handler(settings)
    return server, Clock(), capsys, made
