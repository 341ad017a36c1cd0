"""Every user on every route of the petstore, over HTTP: a table by hand, the meaning, the compiled policy and the gateway must agree."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from admin_api.documents.files import read_file
from authorizer import events
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from authorizer.settings import read_settings
from authorizer.table.reader import PermissionTable
from authorizer.wiring import build_authorizer
from tests.support.events import Deployment, http_2_event, rest_request_event, rest_token_event
from tests.support.iam_evaluator import evaluate
from tests.support.local_stack import LocalStack
from tests.support.unverified import claims_of

pytestmark = pytest.mark.stack

SEED = Path(__file__).parents[2] / "seed_data" / "dev.yaml"

KINDS = ("rest_request", "rest_token", "http")

# Method, path as called, path template, and who gets through. {me} is the caller's own sub, {other} another owner's.
EXPECTED: list[tuple[str, str, str, set[str]]] = [
    ("GET", "/pets", "/pets", {"admin", "owner", "owner2", "guest", "nobody", "auditor", "petadmin"}),
    ("POST", "/pets", "/pets", {"admin", "owner", "owner2"}),
    ("GET", "/pets/7", "/pets/{petId}", {"admin", "owner", "owner2", "guest"}),
    ("PUT", "/pets/7", "/pets/{petId}", {"admin", "owner", "owner2"}),
    ("DELETE", "/pets/7", "/pets/{petId}", {"admin"}),
    ("GET", "/pets/7/photos", "/pets/{petId}/photos", {"admin", "owner", "owner2", "guest"}),
    ("POST", "/pets/7/photos", "/pets/{petId}/photos", {"admin", "owner", "owner2"}),
    ("GET", "/owners", "/owners", {"admin"}),
    ("POST", "/owners", "/owners", {"admin"}),
    ("GET", "/owners/{me}", "/owners/{ownerId}", {"admin", "owner", "owner2"}),
    ("GET", "/owners/{other}", "/owners/{ownerId}", {"admin"}),
    ("GET", "/owners/{me}/pets", "/owners/{ownerId}/pets", {"admin", "owner", "owner2"}),
    ("GET", "/owners/{other}/pets", "/owners/{ownerId}/pets", {"admin"}),
    ("GET", "/files/a/b.txt", "/files/{proxy+}", {"admin", "owner", "owner2"}),
    ("PUT", "/files/a/b.txt", "/files/{proxy+}", {"admin"}),
    ("DELETE", "/files/a/b.txt", "/files/{proxy+}", {"admin"}),
    ("GET", "/admin/reports", "/admin/reports", {"admin"}),
    ("DELETE", "/admin/caches/pets", "/admin/caches/{name}", set()),
]


@pytest.mark.parametrize("kind", KINDS)
def test_table_meaning_policy_and_gateway_agree(
    stack: LocalStack, tokens: dict[str, str], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", stack.key[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", stack.key[1])
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.note["aws_endpoint"])
    document = read_file(SEED)[0].parse()
    authorizer = build_authorizer(
        read_settings(
            {
                "PERMISSIONS_TABLE": stack.note["table"],
                "API": "petstore",
                "USER_POOL_ID": stack.note["user_pool_id"],
                "APP_CLIENT_IDS": stack.note["client_id"],
                "JWKS_URI": stack.note["jwks_uri"],
                "CACHE_SCOPE": "token" if kind == "rest_token" else "route",
            }
        ),
        PermissionTable(stack.note["table"], stack.note["region"]),
    )
    subs = {user: claims_of(token)["sub"] for user, token in tokens.items()}
    wrong = []
    for user, token in tokens.items():
        refs = (EVERYONE, *(PrincipalRef(RefKind.GROUP, g) for g in claims_of(token).get("cognito:groups", [])))
        grounds = Grounds(tuple(p for ref in refs for p in document.permissions(ref)), document.catalog, {"sub": subs[user]}, 0)
        for method, pattern, template, through in EXPECTED:
            path = pattern.format(me=subs[user], other=subs["owner2" if user != "owner2" else "owner"])
            exact = kind == "rest_token"
            decision = decide(grounds, resolve(document.catalog, method, path[1:], None if exact else template, exact=exact))
            deployment = Deployment("v1", "aws", "eu-west-1", "111122223333", "a1b2c3d4e5")
            authorization = f"Bearer {token}"
            event: dict[str, Any]
            if kind == "rest_token":
                event = rest_token_event(method, path, authorization=authorization, deployment=deployment)
            elif kind == "rest_request":
                event = rest_request_event(method, path, template, headers=[("Authorization", authorization)], deployment=deployment)
            else:
                key, headers = f"{method} {template}", [("Authorization", authorization)]
                keyed = [authorization, method, key, deployment.stage]
                event = http_2_event(method, path, key, identity_source=keyed, headers=headers, deployment=deployment)
            request = events.read_request(event)
            response: Any = events.write_response(request, authorizer.authorize(request).answer)
            verdict = evaluate(response["policyDocument"], "execute-api:Invoke", str(request.method_arn))
            status = stack.call(kind, method, path, f"Bearer {token}").status
            answers = (user in through, decision.allowed, verdict == "Allow", status == 200)
            if len(set(answers)) > 1 or status not in (200, 403):
                wrong.append(f"{user} {method} {path}: table, meaning, policy, gateway = {answers}, status {status}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("kind", KINDS)
def test_the_backend_learns_who_called_and_by_which_version(stack: LocalStack, tokens: dict[str, str], kind: str) -> None:
    body = json.loads(stack.call(kind, "GET", "/pets/7", f"Bearer {tokens['guest']}").body)
    context = body["authorizer"]
    assert context["sub"] == claims_of(tokens["guest"])["sub"]
    assert context["groups"] == "guest"
    assert int(context["version"]) >= 1


def test_a_public_route_needs_no_token(stack: LocalStack) -> None:
    assert [stack.call(kind, "GET", "/health").status for kind in KINDS] == [200, 200, 200]


def test_a_route_taken_away_is_refused_after_the_refresh_and_given_back_it_works(stack: LocalStack, tokens: dict[str, str]) -> None:
    changed = stack.folder / "changed.yaml"
    changed.write_text(SEED.read_text().replace("      - GET /pets/{petId}\n", ""))
    authorization = f"Bearer {tokens['guest']}"
    assert stack.call("rest_request", "GET", "/pets/7", authorization).status == 200
    plan = stack.gatebook("plan", str(changed)).stdout
    assert "loses" in plan
    assert "group/guest" in plan
    stack.gatebook("apply", str(changed), "--reason", "try it")
    # The stack polls every second and its gateway remembers nothing.
    time.sleep(1.1)
    for kind in KINDS:
        assert stack.call(kind, "GET", "/pets/7", authorization).status == 403
    stack.gatebook("apply", str(SEED))
    time.sleep(1.1)
    for kind in KINDS:
        assert stack.call(kind, "GET", "/pets/7", authorization).status == 200
    again = stack.gatebook("apply", str(SEED)).stdout
    assert "nothing to change" in again
    newest, before = json.loads(stack.gatebook("log", "petstore", "--json", "-n", "2").stdout)
    assert newest["changes"] == ["group/guest gains GET /pets/{petId}", "group/owner gains GET /pets/{petId}"]
    assert before["reason"] == "try it"
    assert newest["parent_hash"] == before["hash"]
