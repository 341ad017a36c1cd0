"""Events of serverless-offline, SAM CLI and MiniStack, as their sources write them: with a good token they are decided like any other.

An emulator holds the answer against the ARN that it sent, which may have the template in place of the path: so do these tests.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gates import Gate, KeyServer, build_gate, is_401, keys
from tests.support.clock import Clock
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import Issuer
from tests.support.tables import Table, publish

__all__ = ["keys"]

NAMES = ("serverless_offline", "sam_cli", "ministack")
FILES = sorted(file for file in (Path(__file__).parents[1] / "events").glob("*.json") if any(f"_{name}" in file.stem for name in NAMES))
DOCUMENT = """
api: petstore
routes: ["GET /orders/{orderId}", "GET /owners/{ownerId}/pets", "GET /files/{proxy+}", WS $connect, WS say]
groups:
  guest: {allow: ["GET /orders/{orderId}", {route: "GET /owners/{ownerId}/pets", where: {ownerId: sub}}, "GET /files/{proxy+}", WS $connect]}
  nobody: {}
"""

Build = Callable[..., Gate]


@pytest.fixture
def build(table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Build:
    publish(DOCUMENT)
    return lambda **settings: build_gate(keys, clock, capsys, **settings)


def sent(file: Path, group: str) -> Any:
    return json.loads(
        json.dumps(json.loads(file.read_text("utf-8"))["event"]).replace("not.a.token", Issuer().access_token(group, sub="u1"))
    )


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_an_emulators_event_is_decided_like_any_other(build: Build, file: Path, scope: str) -> None:
    gate = build(CACHE_SCOPE=scope)
    for group, expected in (("guest", "Allow"), ("nobody", "ImplicitDeny"), ("stranger", "ImplicitDeny")):
        event = sent(file, group)
        answer = evaluate(gate.call(event)["policyDocument"], "execute-api:Invoke", event.get("methodArn") or event["routeArn"])
        assert answer == expected or (expected != "Allow" and answer == "ExplicitDeny"), group


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_emulators_event_without_a_good_token_is_401(build: Build, file: Path) -> None:
    gate = build()
    assert is_401(gate.fail(json.loads(file.read_text("utf-8"))["event"]))
    assert gate.line["reason"] == "malformed"


@pytest.mark.parametrize("name", ["rest_request_serverless_offline", "http_1_serverless_offline_token", "http_2_serverless_offline"])
@pytest.mark.parametrize("scope", ["request", "route"])
@pytest.mark.parametrize(("template", "told"), [("/owners/{ownerId}/pets", {"ownerId": "u1"}), ("/files/{proxy*}", {"proxy": "a"})])
def test_what_a_template_in_the_arn_cannot_say_is_denied(build: Build, name: str, scope: str, template: str, told: dict[str, str]) -> None:
    """serverless-offline sends it in place of the path, with a notation of its own for greedy parameters."""
    [file] = [file for file in FILES if file.stem == name]
    event = json.loads(json.dumps(sent(file, "guest")).replace("/orders/{orderId}", template)) | {"pathParameters": told}
    gate = build(CACHE_SCOPE=scope)
    arn = event.get("methodArn") or event["routeArn"]
    assert evaluate(gate.call(event)["policyDocument"], "execute-api:Invoke", arn) != "Allow"
    assert gate.line["reason"] == ("catalogue_drift" if "*" in template else "implicit_deny")
