"""A file that was handed to the wrong import is told what it is, and which import reads it."""

from pathlib import Path

import pytest

from admin_api.cli.commands.import_ import COMMANDS
from admin_api.cli.commands.source_kinds import IMPORTS, WANTED
from tests.integration.cli.conftest import Run

SWAGGER = "swagger: '2.0'\ninfo: {title: Shop}\npaths:\n  /a:\n    get: {}\n"
SAM = (
    "Transform: AWS::Serverless-2016-10-31\nResources:\n  F:\n    Type: AWS::Serverless::Function\n"
    "    Properties: {Events: {A: {Type: Api, Properties: {Path: /a, Method: get}}}}\n"
)
SERVERLESS = "service: shop\nprovider: {name: aws}\nfunctions:\n  f:\n    handler: f.f\n    events:\n      - http: GET /a\n"
CEDAR = 'permit(principal, action == S::Action::"get /a", resource);\n'
IAM = '{"Version": "2012-10-17", "Statement": []}'

FILES = {
    "openapi": ("swagger.yaml", SWAGGER, "a Swagger 2.0 definition"),
    "template": ("template.yaml", SAM, "a SAM template"),
    "serverless": ("serverless.yml", SERVERLESS, "a definition of the Serverless Framework"),
    "routes": ("routes.txt", "GET /a\n", "a plain list of routes"),
    "verified-permissions": ("policies.cedar", CEDAR, "a Cedar policy"),
    "casbin": ("policy.csv", "p, admin, /a, GET\n", "a Casbin policy"),
}


@pytest.mark.parametrize("command", WANTED)
@pytest.mark.parametrize("kind", FILES)
def test_each_import_says_what_the_others_read(run: Run, folder: Path, command: str, kind: str) -> None:
    name, text, what = FILES[kind]
    (folder / name).write_text(text)
    result = run("import", command, name)
    if command == kind:
        assert result.exit_code == 0, result.stderr
        return
    said = f"error: {name}: this is {what}, not {WANTED[command]}: `gatebook import {kind} {name}` reads it\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)


@pytest.mark.parametrize("command", WANTED)
def test_a_policy_of_iam_has_an_import_that_reads_folders(run: Run, folder: Path, command: str) -> None:
    (folder / "policy.json").write_text(IAM)
    said = f"policy.json: this is an IAM policy document, not {WANTED[command]}: `gatebook import iam --policies FOLDER --api ARN` reads it"
    assert said in run("import", command, "policy.json").stderr


@pytest.mark.parametrize("command", WANTED)
def test_what_no_import_reads_is_told_too(run: Run, folder: Path, command: str) -> None:
    (folder / "main.tf").write_text('resource "aws_s3_bucket" "a" {\n  x = [\n}\n')
    result = run("import", command, "main.tf")
    assert (result.exit_code, result.stderr) == (2, f"error: main.tf: this is a Terraform file, not {WANTED[command]}\n")


@pytest.mark.parametrize(
    ("command", "text", "said"),
    [
        ("template", "x: 1\n", "give a CloudFormation or SAM template"),
        ("serverless", "x: 1\n", "give a file of the Serverless Framework"),
        ("casbin", "x: 1\n", "is no line of a Casbin policy"),
        ("verified-permissions", "x: 1\n", "stands where `permit` or `forbid` is expected"),
        ("verified-permissions", "\udcff", "the file is not UTF-8"),
        ("template", "AWSTemplateFormatVersion: '2010-09-09'\n", "give a CloudFormation or SAM template"),
    ],
)
def test_what_is_not_known_has_the_error_of_its_import(run: Run, folder: Path, command: str, text: str, said: str) -> None:
    (folder / "file").write_bytes(text.encode("utf-8", "surrogateescape"))
    result = run("import", command, "file")
    assert (result.exit_code, "this is" in result.stderr, said in result.stderr) == (2, False, True), result.stderr


DOCUMENT = "api: shop\nroutes: [GET /a]\ngroups: {admin: {allow: [GET /a]}}\n"
OURS = "api: shop\nroutes:\n  GET /a:\ngroups: {}\n"


@pytest.mark.parametrize("command", sorted(WANTED))
def test_a_permission_document_needs_no_import(run: Run, folder: Path, command: str) -> None:
    (folder / "permissions.yaml").write_text(OURS)
    result = run("import", command, "permissions.yaml")
    said = f"error: permissions.yaml: this is a permission document already, not {WANTED[command]}: `gatebook check permissions.yaml` reads it\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)


SOURCES = ("openapi", "template", "serverless", "routes")


@pytest.mark.parametrize("option", SOURCES)
@pytest.mark.parametrize("kind", FILES)
def test_drift_says_what_a_wrong_file_is_and_which_option_compares_with_it(run: Run, folder: Path, option: str, kind: str) -> None:
    (folder / "permissions.yaml").write_text(DOCUMENT)
    name, text, what = FILES[kind]
    (folder / name).write_text(text)
    result = run("drift", "permissions.yaml", f"--{option}", name)
    if option == kind:
        assert result.exit_code in (0, 1), result.stderr
        return
    other = f": `--{kind} {name}` compares with it" if kind in SOURCES else ""
    assert (result.exit_code, result.stderr) == (2, f"error: {name}: this is {what}, not {WANTED[option]}{other}\n")


def test_a_list_without_any_route_stays_a_list(run: Run, folder: Path) -> None:
    (folder / "routes.txt").write_text("TRACE /a\nGET\n")
    result = run("import", "routes", "routes.txt")
    assert (result.exit_code, "2 not taken" in result.stderr) == (1, True)


def test_the_imports_are_listed_once() -> None:
    assert tuple(COMMANDS) == IMPORTS
