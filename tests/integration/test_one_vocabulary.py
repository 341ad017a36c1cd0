"""The command's `--json` and the admin API's bodies say the same thing in the same words."""

from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from authorizer.policy.denylist import DenylistKind
from tests.integration.cli.conftest import Run, parsed, run, target
from tests.integration.rest.client import Client
from tests.support.tables import Table, opened, publish

__all__ = ["run", "target"]

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets, "GET /owners/{ownerId}/pets"]
everyone: {allow: [GET /pets]}
groups:
  owner: {allow: [{route: "GET /owners/{ownerId}/pets", where: {ownerId: sub}}]}
"""


@pytest.fixture
def client(target: Table, run: Run) -> Client:
    """The admin API on the table that the command works on, where two versions and an entry of the denylist are published."""
    publish(DOCUMENT)
    publish(DOCUMENT.replace("everyone: {allow: [GET /pets]}", "everyone: {allow: [GET /pets, POST /pets]}"))
    service = PermissionService(opened(), lambda: 1_800_000_000)
    service.add_entry("petstore", DenylistKind.SUB, "u 1", author="jane", reason="stolen", expires_at=4_000_000_000)
    return Client(AdminApi(service, now=lambda: 1_800_000_000, flush=lambda _: ()))


CASES: dict[str, tuple[tuple[str, ...], str, dict[str, str]]] = {
    "who can": (("who-can", "petstore", "GET", "/owners/7/pets"), "/access", {"method": "GET", "path": "/owners/7/pets"}),
    "what can": (("what-can", "petstore", "group/owner"), "/access", {"subject": "group/owner"}),
    "diff": (("diff", "petstore", "1", "2"), "/versions/1/diff", {"to": "2"}),
    "denied": (("denied", "petstore"), "/denylist", {}),
}


def in_order(body: Any) -> Any:
    """The API sorts for its pages, the command in the order of the catalogue."""
    return {name: sorted(value, key=str) if isinstance(value, list) else value for name, value in body.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_command_prints_what_the_api_answers(client: Client, run: Run, case: str) -> None:
    arguments, path, query = CASES[case]
    answered = client.get(f"/v1/apis/petstore{path}", **query).body
    assert in_order(parsed(run(*arguments, "--json"))) == in_order(answered)
    assert any(value for value in answered.values() if isinstance(value, list))


def test_explain_too(client: Client, run: Run) -> None:
    asked = {"method": "POST", "path": "/owners/7/pets", "groups": ["owner"], "claims": {"sub": "7"}}
    answered = client.call("POST", "/v1/apis/petstore/explain", body=asked).body
    assert parsed(run("explain", "petstore", "POST", "/owners/7/pets", "--group", "owner", "--claim", "sub=7", "--json")) == answered
