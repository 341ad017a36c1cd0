"""The whole authorizer in this process: the real handler, moto's DynamoDB, and a key set that is fetched over HTTP on the loopback address."""

import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from authorizer.request_log import Metric
from authorizer.request_loop import Handler
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.events import Event, rest_request_event, rest_token_event
from tests.support.issuer import CLIENT_ID, POOL, Issuer
from tests.support.tables import TABLE, Table, publish

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets, "GET /pets/{petId}", "DELETE /pets/{petId}", "GET /owners/{ownerId}/pets", "ANY /files/{proxy+}", GET /files/list]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: ["GET /pets/{petId}"]}
  owner: {inherits: [guest], allow: [POST /pets, {route: "GET /owners/{ownerId}/pets", where: {ownerId: sub}}, "ANY /files/{proxy+}"]}
  admin: {allow: ["* /**"], deny: ["DELETE /pets/{petId}"]}
"""


COSTS = (Metric.COLD_STARTS, Metric.LATENCY, Metric.HEAD_AGE, Metric.KEY_FETCHES, Metric.KEY_FETCH_FAILURES)


class _Server(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up early: the authorizer does where a key set is too large."""


class KeyServer:
    """Serves one key set, and counts how often it is asked."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.status = 200
        self.requests: list[str] = []
        keys = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def do_GET(self) -> None:
                keys.requests.append(self.path)
                self.send_response(keys.status)
                self.send_header("Content-Length", str(len(keys.body)))
                self.end_headers()
                self.wfile.write(keys.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
                """Says nothing: only the authorizer's output is looked into."""

        self._server = _Server(("127.0.0.1", 0), Answer)
        self.uri = f"http://127.0.0.1:{self._server.server_port}/jwks.json"

    @contextmanager
    def running(self) -> Iterator["KeyServer"]:
        """Answer until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def take(self) -> list[str]:
        """The paths that were asked for since the last time."""
        taken, self.requests = self.requests, []
        return taken


class Context:
    """What is used of Lambda's context."""

    aws_request_id = "77777777-0000-4000-8000-000000000007"


@dataclass(slots=True)
class Gate:
    """An authorizer with cold caches, and all that it printed."""

    keys: KeyServer
    clock: Clock
    capture: pytest.CaptureFixture[str]
    handler: Handler
    printed: list[str] = field(default_factory=list)

    def call(self, event: Event) -> dict[str, Any]:
        """What Lambda would return to API Gateway, or raise. Whatever the event, its token must not be in the output."""
        self.printed = []
        self.capture.readouterr()
        _print_to(sys.stdout)
        try:
            return dict(self.handler(event, Context()))
        finally:
            _print_to(sys.__stdout__)
            output = self.capture.readouterr()
            assert output.err == ""
            assert [secret for secret in secrets(event) if secret in output.out] == []
            self.printed = output.out.splitlines()

    def fail(self, event: Event) -> Exception:
        """What is raised in place of an answer."""
        with pytest.raises(Exception) as caught:  # noqa: PT011  # what is raised is looked into by each test
            self.call(event)
        # Lambda's runtime logs an exception with its traceback.
        logged = "".join(traceback.format_exception(caught.value))
        assert [secret for secret in secrets(event) if secret in logged] == []
        return caught.value

    @property
    def line(self) -> dict[str, Any]:
        """The one log line of the last call."""
        [line] = [parsed for parsed in map(json.loads, self.printed) if "message" in parsed]
        return dict(line)

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """The lines of the last call that tell metrics, in CloudWatch's embedded metric format."""
        return [parsed for parsed in map(json.loads, self.printed) if "_aws" in parsed]

    @property
    def measured(self) -> dict[str, float]:
        """The metrics of the last call by name. Each stands first in the description that is for all of a line's metrics."""
        told = [(line, metric["Name"]) for line in self.metrics for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        assert len({name for _, name in told}) == len(told)
        return {name: sum(line[name]) for line, name in told}

    @property
    def counted(self) -> dict[str, float]:
        """What became of the last call: its metrics without those of what it cost."""
        return {name: value for name, value in self.measured.items() if name not in COSTS}


def secrets(event: Event) -> set[str]:
    """Every piece of the event's Authorization values that is long enough to be found by itself."""
    values = re.findall(r'"((?:Bearer|Basic) [^"]*)"', json.dumps(event))
    return {piece for value in values for piece in re.split(r"[ ,.]", value) if len(piece) > 8}


def settings_of(keys: KeyServer, **more: str) -> dict[str, str]:
    """The environment of an authorizer that trusts the test's issuer."""
    return {"PERMISSIONS_TABLE": TABLE, "API": "petstore", "USER_POOL_ID": POOL, "APP_CLIENT_IDS": CLIENT_ID, "JWKS_URI": keys.uri} | more


def build_gate(keys: KeyServer, clock: Clock, capture: pytest.CaptureFixture[str], **settings: str) -> Gate:
    """An authorizer as a cold start builds it."""
    return Gate(keys, clock, capture, build_handler(read_settings(settings_of(keys, **settings)), clock))


def _print_to(stream: Any) -> None:
    # Powertools keeps one log handler per process, and with it what standard output was when the first one was made.
    for log_handler in logging.getLogger("gatebook").handlers:
        assert isinstance(log_handler, logging.StreamHandler)
        log_handler.stream = stream


@pytest.fixture
def keys() -> Iterator[KeyServer]:
    with KeyServer(Issuer().jwks()).running() as server:
        yield server


@pytest.fixture
def published(table: Table) -> Table:
    publish(DOCUMENT)
    return table


@pytest.fixture
def gate(published: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    """A cold authorizer in `request` scope."""
    gate = build_gate(keys, clock, capsys)
    wire.take()
    return gate


@pytest.fixture
def route_gate(published: Table, keys: KeyServer, wire: AwsCalls, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    """A cold authorizer in `route` scope."""
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="route")
    wire.take()
    return gate


TEMPLATES = {
    "/pets": "/pets",
    "/pets/7": "/pets/{petId}",
    "/owners/u1/pets": "/owners/{ownerId}/pets",
    "/owners/u2/pets": "/owners/{ownerId}/pets",
    "/files/a/b": "/files/{proxy+}",
}
"""The gateway's template of each path that is asked for."""


def token_event(authorization: str, verb: str = "GET", path: str = "/pets") -> Event:
    """A request as a TOKEN authorizer is told of it."""
    return rest_token_event(verb, path, authorization=authorization)


def request_event(*authorization: str, verb: str = "GET", path: str = "/pets", template: str | None = None) -> Event:
    """A request as a REQUEST authorizer is told of it."""
    headers: Sequence[tuple[str, str]] = [("Authorization", value) for value in authorization]
    return rest_request_event(verb, path, template or TEMPLATES[path], headers=headers)


def bearer(*groups: str, **changes: Any) -> str:
    """The Authorization value of a user in these groups."""
    return "Bearer " + Issuer().access_token(*groups, **{"sub": "u1", **changes})


def is_401(raised: Exception) -> bool:
    """API Gateway answers 401 for exactly this message, and 500 for every other."""
    return raised.args == ("Unauthorized",) and str(raised) == "Unauthorized"


def is_allowed(gate: Gate, event: Event) -> bool:
    """Whether the answer is an Allow."""
    effect: str = gate.call(event)["policyDocument"]["Statement"][0]["Effect"]
    return effect == "Allow"


def trouble(gate: Gate, event: Event) -> dict[str, Any]:
    """The log line of a call that must fail, but neither as 401 nor by an answer."""
    raised = gate.fail(event)
    assert "Unauthorized" not in str(raised)
    line = gate.line
    assert (line["message"], line["level"], line["request_id"]) == ("trouble", "ERROR", Context.aws_request_id)
    assert gate.counted == {"trouble": 1}
    assert line["reason"] == getattr(raised, "reason", type(raised).__name__)
    return line
