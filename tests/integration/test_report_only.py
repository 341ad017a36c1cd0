"""Report-only mode: every good token passes, and what would be denied is told loudly."""

import json
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind
from tests.integration.gates import Gate, KeyServer, bearer, build_gate, keys, published, request_event, token_event
from tests.support.clock import Clock
from tests.support.events import Deployment
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import NOW
from tests.support.tables import Table, opened

__all__ = ["keys", "published"]


@pytest.fixture
def reporting(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Gate:
    return build_gate(keys, clock, capsys, REPORT_ONLY="1")


def test_it_says_so_when_it_starts(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    gate = build_gate(keys, clock, capsys, REPORT_ONLY="1")
    gate.call(token_event(bearer()))
    build_gate(keys, clock, capsys)
    [line] = [parsed for parsed in map(json.loads, gate.printed) if parsed.get("message") == "decision"]
    assert line["effect"] == "allow"


@pytest.mark.parametrize(
    ("groups", "verb", "path", "effect", "reason"),
    [
        ("", "GET", "/pets", "allow", "allowed"),
        ("guest", "POST", "/pets", "deny", "implicit_deny"),
        ("admin", "DELETE", "/pets/7", "deny", "explicit_deny"),
        ("owner", "GET", "/owners/u2/pets", "deny", "implicit_deny"),
    ],
)
def test_what_would_be_denied_passes_and_is_told(reporting: Gate, groups: str, verb: str, path: str, effect: str, reason: str) -> None:
    event = request_event(bearer(*groups.split()), verb=verb, path=path)
    response = reporting.call(event)
    assert evaluate(response["policyDocument"], "execute-api:Invoke", event["methodArn"]) == "Allow"
    line = reporting.line
    assert (line["effect"], line["reason"]) == (effect, reason)
    told = ("INFO", "decision") if effect == "allow" else ("WARNING", "report_only: let pass what would be denied")
    assert (line["level"], line["message"]) == told
    assert reporting.counted == {"allowed" if effect == "allow" else "would_be_denied": 1}


@pytest.mark.parametrize("path", ["/nowhere", "/pets/a%2Fb", "/pets//7", "/pets/7/"])
def test_only_the_requested_path_passes(reporting: Gate, path: str) -> None:
    event = token_event(bearer("guest"), verb="DELETE", path=path)
    policy = reporting.call(event)["policyDocument"]
    assert evaluate(policy, "execute-api:Invoke", event["methodArn"]) == "Allow"
    for other in (Deployment().method_arn("DELETE", "/pets/8"), Deployment().method_arn("GET", path), event["methodArn"] + "/x"):
        assert evaluate(policy, "execute-api:Invoke", other) != "Allow"


@pytest.mark.parametrize("path", ["/pets/*", "/pets/?", "/pets/${x}", "/pets/" + "x" * 600])
def test_a_path_that_no_policy_can_name_alone_does_not_pass(reporting: Gate, path: str) -> None:
    """An Allow with such text would be one for other paths, too."""
    event = token_event(bearer("admin"), path=path)
    policy: Any = reporting.call(event)["policyDocument"]
    assert [statement["Effect"] for statement in policy["Statement"]] == ["Deny"]
    assert (reporting.line["message"], reporting.counted) == ("decision", {"denied": 1})


@pytest.mark.parametrize("authorization", ["", "Bearer a.b.c", "expired", "id"])
def test_a_bad_token_does_not_pass(reporting: Gate, authorization: str) -> None:
    bad = {"expired": bearer("admin", exp=1), "id": bearer("admin", token_use="id")}.get(authorization, authorization)
    assert str(reporting.fail(request_event(bad, path="/pets"))) == "Unauthorized"


def test_neither_does_a_denylisted_one(reporting: Gate, published: Table, clock: Clock) -> None:
    reporting.call(request_event(bearer("admin"), path="/pets"))
    service = PermissionService(opened(), clock)
    service.add_entry("petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=2_000_000_000)
    clock.advance(11)
    assert str(reporting.fail(request_event(bearer("admin"), path="/pets"))) == "Unauthorized"


def test_what_no_permission_allows_passes_until_the_token_ends(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = build_gate(keys, clock, capsys, REPORT_ONLY="1", EXPIRY_CONDITIONS="1")
    asks = bearer("stranger", exp=NOW + 100)
    for event in (token_event(asks, "DELETE", "/pets/7"), request_event(asks, verb="DELETE", path="/pets/7")):
        [statement] = gate.call(event)["policyDocument"]["Statement"]
        assert (statement["Effect"], statement["Condition"]) == ("Allow", {"NumericLessThan": {"aws:EpochTime": str(int(NOW) + 100)}})
