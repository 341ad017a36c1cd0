"""gatebook import iam: a folder with answers of the `aws` command becomes a document, with the differences beside it."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.cli.conftest import Run

API = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod"
RESOURCE = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/*"


def statement(*resources: str, effect: str = "Allow") -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": [f"{RESOURCE}/{each}" for each in resources]}


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture
def source(folder: Path) -> Path:
    """Two groups: readers, and admins who may not read pet 7."""
    place = folder / "iam"
    (place / "roles/admin").mkdir(parents=True)
    _write(
        place / "groups.json",
        {
            "Groups": [
                {"GroupName": "reader", "Precedence": 10, "RoleArn": "arn:aws:iam::111122223333:role/x/reader"},
                {"GroupName": "admin", "Precedence": 1, "RoleArn": "arn:aws:iam::111122223333:role/admin"},
            ]
        },
    )
    (place / "routes.txt").write_text("GET /pets\nPOST /pets\nGET /pets/{id}\nDELETE /pets/{id}\nGET /users/{u}\n")
    read = statement("GET/pets", "GET/pets/*", "GET/users/${aws:PrincipalTag/u}")
    _write(place / "roles/reader.json", {"PolicyName": "p", "PolicyDocument": policy(read)})
    attached = policy(statement("*"), statement("GET/pets/7", effect="Deny"))
    _write(place / "roles/admin/attached-p.json", {"PolicyVersion": {"Document": attached}})
    _write(place / "roles/admin/role.json", {"Role": {"RoleName": "admin"}})
    _write(place / "principal-tags.json", {"PrincipalTags": {"u": "username"}})
    return place


def _write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def test_a_folder_becomes_a_document(run: Run, source: Path) -> None:
    result = run("import", "iam", "--policies", "iam", "--api", API, "--name", "petstore")
    assert result.exit_code == 1
    document = yaml.safe_load(result.stdout)
    assert document["api"] == "petstore"
    assert document["groups"]["reader"] == {"allow": ["GET /pets/**", {"route": "GET /users/{u}", "where": {"u": "username"}}]}
    assert document["groups"]["admin"] == {"allow": [{"route": "* /**", "except": ["GET /pets/{id}"]}]}
    assert "a part only of `GET /pets/{id}` (`pets/7`)" in result.stderr
    assert "groups reader + admin together they may `GET /pets/7`" in result.stderr
    assert "there is no identity-pool-roles.json" in result.stderr


def test_differences_as_json(run: Run, source: Path) -> None:
    _write(source / "together.json", [["admin"]])
    arguments = ("import", "iam", "--policies", "iam", "--api", API, "--json")
    found = json.loads(run(*arguments).stdout)["differences"]
    assert {(*d["groups"], d["allowed_by"]) for d in found} == {("admin", "role"), ("reader", "admin", "document")}
    found = json.loads(run(*arguments, "--combinations", "iam/together.json").stdout)["differences"]
    assert {(*d["groups"], d["route"]) for d in found} == {("admin", "GET /pets/{id}")}


def test_rules_of_an_identity_pool(run: Run, source: Path) -> None:
    rule = {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "reader", "RoleARN": "arn:aws:iam::111122223333:role/reader"}
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "Deny", "RulesConfiguration": {"Rules": [rule]}}
    _write(source / "identity-pool-roles.json", {"RoleMappings": {"pool": mapping}})
    result = run("import", "iam", "--policies", "iam", "--api", API)
    assert yaml.safe_load(result.stdout)["groups"]["admin"] == {}
    assert "group admin the identity pool gives its members no role" in result.stderr
    mapping["AmbiguousRoleResolution"] = "AuthenticatedRole"
    roles = {"authenticated": "arn:aws:iam::111122223333:role/reader"}
    for value in (
        {"Roles": roles, "RoleMappings": {"pool": mapping}},
        {"Roles": roles},
        {"Roles": roles, "RoleMappings": {"pool": {"Type": "Token"}}},
    ):
        _write(source / "identity-pool-roles.json", value)
        assert "reader" in yaml.safe_load(run("import", "iam", "--policies", "iam", "--api", API).stdout)["groups"]


@pytest.mark.parametrize(
    ("file", "value", "words"),
    [
        ("groups.json", [], "must be a list of groups"),
        ("groups.json", [{"name": ""}], "entry 1: a group is written as in"),
        ("groups.json", [{"name": "a", "precedence": True}], "entry 1"),
        ("groups.json", [{"name": "a"}, {"name": "a"}], "`a` stands twice"),
        ("roles/reader.json", {"PolicyName": "p"}, "this is no IAM policy"),
        ("roles/reader.json", [], "this is no IAM policy"),
        ("identity-pool-roles.json", [], "get-identity-pool-roles"),
        ("identity-pool-roles.json", {"RoleMappings": {"a": {}, "b": {}}}, "2 identity providers"),
        ("identity-pool-roles.json", {"RoleMappings": {"a": {"Type": "Rules"}}}, "a rule needs"),
        ("principal-tags.json", {}, "get-principal-tag-attribute-map"),
    ],
)
def test_files_that_mean_nothing(run: Run, source: Path, file: str, value: object, words: str) -> None:
    _write(source / file, value)
    result = run("import", "iam", "--policies", "iam", "--api", API)
    assert (result.exit_code, words in result.stderr, file.rpartition("/")[2] in result.stderr) == (2, True, True), result.stderr


def test_arguments_and_files_that_are_missing(run: Run, source: Path) -> None:
    arguments = ("import", "iam", "--policies", "iam", "--api", API)
    assert "names no claim of a variable" in run(*arguments, "--claim", "sub").stderr
    _write(source / "together.json", ["admin"])
    assert "list of lists" in run(*arguments, "--combinations", "iam/together.json").stderr
    (source / "roles/admin/role.json").write_text('{"a": 1, "a": 2}')
    assert "stands twice in one object" in run(*arguments).stderr
    (source / "roles/admin/role.json").write_text("{")
    assert "cannot be read" in run(*arguments).stderr
    _write(source / "roles/admin/role.json", {"Role": {"PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::1:policy/edge"}}})
    assert "`arn:aws:iam::1:policy/edge` may take away anything" in run(*arguments).stderr
    (source / "groups.json").rename(source / "groups.yaml")
    assert run(*arguments).exit_code == 1
    (source / "groups.yaml").write_text("- {name: a, role: reader}\n---\n- {name: b}\n")
    assert "several documents" in run(*arguments).stderr
    (source / "groups.yaml").unlink()
    assert "neither groups.json nor groups.yaml" in run(*arguments).stderr
    _write(source / "groups.json", [{"name": "a ", "role": "reader"}])
    assert "/groups/a " in run(*arguments).stderr
