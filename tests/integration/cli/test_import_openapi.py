"""`gatebook import openapi`, and what the other commands say of files that are no permission documents."""

import json
import shutil
from pathlib import Path

import pytest
import yaml

from admin_api.cli.commands.import_ import COMMANDS
from tests.integration.cli.conftest import Run

VECTORS = Path(__file__).parents[2] / "vectors" / "imports" / "openapi"

OPENAPI = "openapi: 3.0.0\ninfo: {title: Shop}\nservers: [{url: https://shop.example/v1}]\npaths:\n  /orders:\n    get: {}\n    post: {security: []}\n"


def test_a_definition_becomes_a_document_that_check_takes(run: Run, folder: Path) -> None:
    (folder / "openapi.yaml").write_text(OPENAPI)
    result = run("import", "openapi", "openapi.yaml")
    assert result.exit_code == 0
    assert yaml.safe_load(result.stdout) == {"api": "shop", "routes": ["GET /orders", {"route": "POST /orders", "public": True}]}
    assert "`/v1`" in result.stderr
    (folder / "permissions.yaml").write_text(result.stdout)
    assert run("matrix", "permissions.yaml").exit_code == 0


def test_options(run: Run, folder: Path) -> None:
    (folder / "openapi.yaml").write_text(OPENAPI)
    result = run("import", "openapi", "openapi.yaml", "--base-path", "prepend", "--name", "orders", "--json")
    said = json.loads(result.stdout)
    assert said["document"] == {"api": "orders", "routes": ["GET /v1/orders", {"route": "POST /v1/orders", "public": True}]}
    assert (said["not_taken"], result.exit_code) == ([], 0)


def test_what_is_not_taken_is_a_finding(run: Run, folder: Path) -> None:
    shutil.copy(VECTORS / "swagger_2.yaml", folder)
    result = run("import", "openapi", "swagger_2.yaml")
    assert result.exit_code == 1
    assert "not taken swagger_2.yaml:42 `trace /trace`" in result.stderr
    assert json.loads(run("import", "openapi", "swagger_2.yaml", "--json").stdout)["not_taken"][-1]["place"] == "swagger_2.yaml:42"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("AWSTemplateFormatVersion: 2010-09-09\n", "this is a CloudFormation template, not an OpenAPI definition"),
        ("p, alice, /x, GET\n", "this is a Casbin policy, not an OpenAPI definition"),
        ("- GET /x\n", "this is a plain list of routes, not an OpenAPI definition: `gatebook import routes a.yaml` reads it"),
        ("title: shop\nroute: [GET /x]\n", "no OpenAPI definition: it has neither"),
        ("openapi: 3.0.0\npaths: null\n", "no paths"),
        ("openapi: 3.0.0\npaths: [\n", "cannot be read"),
        ("", "neither"),
    ],
)
def test_wrong_files_are_told_what_they_are(run: Run, folder: Path, text: str, words: str) -> None:
    (folder / "a.yaml").write_text(text)
    result = run("import", "openapi", "a.yaml")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: a.yaml: ")
    assert words in result.stderr


def test_a_file_that_is_not_there(run: Run) -> None:
    result = run("import", "openapi", "none.yaml")
    assert result.exit_code == 2
    assert "none.yaml: No such file" in result.stderr


@pytest.mark.parametrize("command", ["plan", "apply", "check", "matrix"])
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "a.yaml",
            OPENAPI,
            "this is an OpenAPI 3.0 definition, not a permission document: `gatebook import openapi a.yaml` makes one of it",
        ),
        ("a.yaml", "openapi: 3.0.0\npaths: {/a: &a {}, /b: *a}\n", "this is an OpenAPI 3.0 definition, not"),
        ("a.json", '{"swagger": "2.0", "a": 1, "a": 2}', "this is a Swagger 2.0 definition, not"),
        ("a.txt", "GET /a\nPOST /b\n", "this is a plain list of routes, not a permission document: `gatebook import routes a.txt`"),
        (
            "a.yaml",
            "service: a\nprovider: {name: aws}\n---\nx: 1\n",
            "this is a definition of the Serverless Framework, not a permission document",
        ),
        ("a.tf", 'resource "aws_s3_bucket" "a" {\n  x = [\n}\n', "this is a Terraform file, not a permission document"),
    ],
)
def test_the_wrong_kind_of_file_is_one_sentence(run: Run, folder: Path, command: str, name: str, text: str, words: str) -> None:
    (folder / name).write_text(text)
    result = run(command, name)
    first, last = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (1, "")
    assert first.startswith(f"{name} {words}")
    assert last.startswith(f"1 problem in {name}; nothing was ")


def test_a_large_definition_is_told_what_it_is(run: Run, folder: Path) -> None:
    """It is larger than a permission document may be."""
    (folder / "a.json").write_text(json.dumps({"openapi": "3.0.0", "x": "y" * 6_000_000}))
    assert "this is an OpenAPI 3.0 definition" in run("check", "a.json").stderr


@pytest.mark.parametrize(
    "text",
    [
        "api: shop\nopenapi: 3.0.0\n",
        "routes: [GET /x]\nswagger: '2.0'\n",
        "api: [\nopenapi: 3.0.0\n",
        "api: shop\nroutes: &a [*a]\nopenapi: 3.0.0\n",
    ],
)
def test_a_permission_document_keeps_its_own_problems(run: Run, folder: Path, text: str) -> None:
    (folder / "a.yaml").write_text(text)
    result = run("check", "a.yaml")
    assert result.exit_code == 1
    assert "definition" not in result.stderr


def test_one_wrong_file_does_not_hide_the_problems_of_another(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(OPENAPI)
    (folder / "b.yaml").write_text("api: b\nroutes: [pets]\n")
    result = run("check", "a.yaml", "b.yaml")
    assert "a.yaml this is an OpenAPI 3.0 definition" in result.stderr
    assert "b.yaml:2 /routes/0" in result.stderr


def test_the_imports_that_messages_name_are_there() -> None:
    assert {"openapi", "routes"} <= COMMANDS.keys()
