"""gatebook import casbin: a policy and its model become a document."""

from pathlib import Path

import pytest
import yaml

from tests.integration.cli.conftest import Run

POLICY = "p, reader, /pets/:id, GET\np, editor, /pets, POST\ng, alice, editor\ng, editor, reader\ng, bob, reader\n"
MODEL = """\
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act
"""


@pytest.fixture(autouse=True)
def files(folder: Path) -> None:
    (folder / "policy.csv").write_text(POLICY)
    (folder / "model.conf").write_text(MODEL)
    (folder / "routes.txt").write_text("GET /pets/{petId}\nPOST /pets\nDELETE /pets\n")


def test_a_policy_becomes_a_document_that_check_reads(run: Run, folder: Path) -> None:
    result = run("import", "casbin", "policy.csv", "--model", "model.conf", "--routes", "routes.txt", "--name", "petstore")
    assert (result.exit_code, "--model" in result.stderr) == (0, False), result.stderr
    assert yaml.safe_load(result.stdout) == {
        "api": "petstore",
        "routes": ["GET /pets/{petId}", "POST /pets", "DELETE /pets"],
        "groups": {"editor": {"allow": ["POST /pets", "GET /pets/{petId}"]}, "reader": {"allow": ["GET /pets/{petId}"]}},
    }
    (folder / "permissions.yaml").write_text(result.stdout)
    assert run("matrix", "permissions.yaml").exit_code == 0


def test_what_is_assumed_is_said(run: Run) -> None:
    result = run("import", "casbin", "policy.csv")
    assert (result.exit_code, yaml.safe_load(result.stdout)["routes"]) == (0, ["GET /pets/{id}", "POST /pets"])
    assert "there is no --model: objects are read as `keyMatch2` reads them" in result.stderr
    assert "the routes are those that the policy names" in result.stderr


def test_a_subject_may_be_called_a_role(run: Run, folder: Path) -> None:
    (folder / "policy.csv").write_text(POLICY + "p, alice, /pets, DELETE\n")
    result = run("import", "casbin", "policy.csv", "--routes", "routes.txt")
    assert (result.exit_code, "`alice` is a user, or a role" in result.stderr) == (1, True)
    result = run("import", "casbin", "policy.csv", "--routes", "routes.txt", "--group", "alice")
    assert yaml.safe_load(result.stdout)["groups"]["alice"]["allow"] == ["* /**"]


def test_check_says_what_a_policy_is(run: Run) -> None:
    assert "this is a Casbin policy, not a permission document: `gatebook import casbin policy.csv`" in run("check", "policy.csv").stderr
