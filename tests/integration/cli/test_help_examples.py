"""Each command's help has an example, and the example is true: it is run as it stands, on files of the names that it uses."""

import inspect
import json
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from admin_api.cli.app import app
from admin_api.documents.files import read_file
from authorizer.policy.document import format_document
from tests.architecture.readme import ROOT
from tests.integration.cli.conftest import Run
from tests.support.tables import Table, publish

NOT_RUN = {
    "up": "starts the local stack, as tests/stack does",
    "token": "signs in to the local stack",
    "issuer": "asks a server of the internet",
    "import apigateway": "asks AWS about a deployed API",
    "drift": "asks AWS about a deployed API",
    "doctor": "asks AWS about a deployed API",
    "probe": "makes a stack on AWS, as tests/stack does on the emulator",
    "import aws-sample": "asks AWS about a deployed API",
}
"""Why the examples of a command are not run. Their options are looked at all the same."""

ASKS_AWS = "--user-pool-id"
"""An example with this option is not run either: a user pool, an identity pool and roles are asked for."""

FILES = {
    "policy.csv": "p, guest, /pets, GET\ng, ann, guest\n",
    "model.conf": (
        "[request_definition]\nr = sub, obj, act\n[policy_definition]\np = sub, obj, act\n[role_definition]\ng = _, _\n"
        "[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act\n"
    ),
    "rules.yaml": "- never: guest -> DELETE /**\n",
    "routes.txt": "GET /pets\nPOST /pets\n",
    "openapi.yaml": "openapi: 3.0.0\ninfo: {title: Petstore, version: '1'}\npaths: {/pets: {get: {responses: {}}}}\n",
    "policies.cedar": 'permit(principal in Shop::UserGroup::"eu-west-1_abc|guest", action == Shop::Action::"get /pets", resource);\n',
    "template.yaml": (
        "Parameters: {Stage: {Type: String}}\nTransform: AWS::Serverless-2016-10-31\nResources:\n"
        "  PetsApi: {Type: AWS::Serverless::Api, Properties: {StageName: !Ref Stage}}\n"
        "  Pets:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      Events: {List: {Type: Api, Properties: {Path: /pets, Method: get, RestApiId: !Ref PetsApi}}}\n"
    ),
    "serverless.yml": (
        "service: petstore-${opt:stage}\nprovider: {name: aws}\n"
        "functions:\n  pets: {handler: a.b, events: [{http: {path: pets, method: get}}, {httpApi: GET /toys}]}\n"
    ),
    "iam/routes.txt": "GET /pets\n",
    "iam/groups.json": json.dumps({"Groups": [{"GroupName": "guest", "Precedence": 1, "RoleArn": "arn:aws:iam::111122223333:role/guest"}]}),
    "iam/roles/guest.json": json.dumps(
        {
            "PolicyName": "guest",
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "execute-api:Invoke",
                        "Resource": "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/*/GET/pets",
                    }
                ],
            },
        }
    ),
}
"""What the files that examples name hold."""

FINDINGS = ("check",)
"""Commands whose examples find something: token scope cannot say all that the seed's callers may."""

EMPTY = ("plan", "apply", "init")
"""Commands whose examples start from a table without APIs."""


def commands() -> dict[str, Callable[..., Any]]:
    """Every command by the words that call it."""
    [imports] = [each.typer_instance for each in app.registered_groups]
    assert imports is not None
    found = {each.name: each.callback for each in app.registered_commands}
    found |= {f"import {each.name}": each.callback for each in imports.registered_commands}
    return {name: inspect.unwrap(command) for name, command in found.items() if name is not None and command is not None}


def examples(name: str) -> list[tuple[list[str], str | None]]:
    """The arguments of each example of a command, and the file that its output goes to."""
    text = inspect.getdoc(commands()[name]) or ""
    lines = [line.removeprefix("Example: ") for line in text.splitlines() if line.startswith("Example: ")]
    assert lines, f"the help of `gatebook {name}` must have a line that begins with `Example: gatebook {name}`"
    found: list[tuple[list[str], str | None]] = []
    for line in lines:
        words = shlex.split(line)
        assert words[: 1 + len(name.split())] == ["gatebook", *name.split()]
        found.append((words[1:-2], words[-1]) if words[-2] == ">" else (words[1:], None))
    return found


def is_run(name: str, arguments: list[str]) -> bool:
    return name not in NOT_RUN and ASKS_AWS not in arguments


EXAMPLES = [(name, arguments, output) for name in commands() for arguments, output in examples(name)]


@pytest.fixture
def files(folder: Path) -> Path:
    """The files that the examples name."""
    shutil.copytree(ROOT / "seed_data", folder / "seed_data")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def fill() -> None:
    """A history of two versions, and a candidate."""
    dev = format_document(read_file(ROOT / "seed_data" / "dev.yaml")[0].parse())
    publish({**dev, "everyone": {}})
    publish(dev)
    publish({**dev, "api": "petstore-next", "everyone": {}})


@pytest.mark.parametrize(("name", "arguments", "output"), [each for each in EXAMPLES if is_run(*each[:2])])
def test_an_example_does_what_it_says(run: Run, target: Table, files: Path, name: str, arguments: list[str], output: str | None) -> None:
    for word in arguments:
        if "." in word and "/" not in word.removeprefix("seed_data/") and word != "plan.json":
            assert (files / word).exists(), word
    if name not in EMPTY:
        fill()
    if name == "undeny":
        assert run(*examples("deny")[0][0], "--yes").exit_code == 0
    result = run(*arguments, input="y\n")
    assert result.exit_code == (1 if name in FINDINGS else 0), result.output
    assert "nothing to change" not in result.output
    if output is not None:
        (files / output).write_text(result.stdout)
        assert run("check", output).exit_code in (0, 1)
    if name == "apply":
        assert run("export", "petstore").exit_code == 0


@pytest.mark.parametrize(("name", "arguments"), [each[:2] for each in EXAMPLES if not is_run(*each[:2])])
def test_an_example_that_is_not_run_names_options_that_are_there(run: Run, name: str, arguments: list[str]) -> None:
    helped = run(*name.split(), "--help")
    assert helped.exit_code == 0
    assert f"Example: gatebook {name}" in " ".join(helped.stdout.replace("│", "").split())
    for word in arguments:
        if word.startswith("-"):
            assert word in helped.stdout
