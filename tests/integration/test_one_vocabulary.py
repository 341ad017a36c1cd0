"""The command's `--json` and the admin API's bodies say the same thing in the same words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

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
    return Client(AdminApi(service, now=lambda: 1_800_000_000, flush=lambda _: (), clock=lambda: 0.0))


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


def test_a_plan_is_the_answer_to_a_dry_run(client: Client, run: Run, tmp_path: Path) -> None:
    wanted = DOCUMENT.replace("groups:", "groups:\n  guest: {allow: [POST /pets]}")
    (tmp_path / "wanted.yaml").write_text(wanted)
    asked = client.call("PUT", "/v1/apis/petstore/document", body=yaml.safe_load(wanted), if_match="*", query={"dry_run": "true"})
    [planned] = parsed(run("plan", str(tmp_path / "wanted.yaml"), "--json"))
    assert planned == asked.body
    assert planned["changed"]


def test_an_apply_and_a_rollback_are_answers_to_writes(client: Client, run: Run, tmp_path: Path) -> None:
    wanted = DOCUMENT.replace("{allow: [GET /pets]}\ngroups:", "{allow: [GET /pets, POST /pets]}\ngroups:\n  guest: {allow: [POST /pets]}")
    (tmp_path / "wanted.yaml").write_text(wanted)
    [applied] = parsed(run("apply", str(tmp_path / "wanted.yaml"), "--yes", "--json"))
    back = parsed(run("rollback", "petstore", str(applied["base_version"]), "--yes", "--json"))
    again = client.call("PUT", "/v1/apis/petstore/document", body=yaml.safe_load(wanted), if_match="*").body
    # Only what a plan was judged for differs: a write over HTTP does not wait for verdicts.
    same = {
        name: value for name, value in again.items() if name not in ("base_version", "version", "hash", "token_scope", "token_scope_in_all")
    }
    assert same == {name: applied[name] for name in same}
    assert again.keys() == applied.keys() == back.keys()
    assert (back["base_version"], back["version"], again["base_version"]) == (applied["version"], applied["version"] + 1, back["version"])


def test_the_log_is_the_history_with_what_each_version_wrote(client: Client, run: Run) -> None:
    answered = client.get("/v1/apis/petstore/versions").body["versions"]
    logged = parsed(run("log", "petstore", "--json"))
    assert [{name: value for name, value in record.items() if name != "touched"} for record in logged] == answered
    assert all(record["touched"] for record in logged)


def test_the_matrix_of_a_file_has_the_rows_of_the_published_one(client: Client, run: Run, tmp_path: Path) -> None:
    (tmp_path / "published.json").write_text(run("export", "petstore", "--json").stdout)
    [drawn] = parsed(run("matrix", str(tmp_path / "published.json"), "--json"))
    assert in_order(drawn)["rows"] == in_order(client.get("/v1/apis/petstore/matrix").body)["rows"]
