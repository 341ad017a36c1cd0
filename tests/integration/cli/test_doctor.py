"""doctor: what it prints of an API that is deployed, and how it ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from admin_api.cli.commands import doctor
from admin_api.cli.settings import AWS
from admin_api.doctor.aws_reader import NEEDS
from admin_api.doctor.checks import CHECKS
from admin_api.doctor.deployment import Deployment, Unread
from admin_api.importers.imported import ImportSourceError
from tests.integration.cli.conftest import Run
from tests.support.aws_calls import AwsCalls
from tests.support.deployed_stack import API, DeployedStack, authorizer, guarded, rest_authorizer
from tests.support.deployments import sound_authorizer, sound_function, sound_http, sound_rest

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


def reads(monkeypatch: pytest.MonkeyPatch, deployment: Deployment) -> None:
    """Have the command find this."""
    monkeypatch.setattr(doctor, "read_deployment", lambda *_: deployment)


@pytest.mark.parametrize("deployment", [sound_rest(), sound_http()], ids=["rest", "http"])
def test_a_sound_api_is_told_as_one(run: Run, monkeypatch: pytest.MonkeyPatch, deployment: Deployment) -> None:
    reads(monkeypatch, deployment)
    result = run("doctor", "a1b2c3d4e5")
    assert result.exit_code == 0, result.stdout
    lines = result.stdout.splitlines()
    assert len([line for line in lines if line.startswith("ok ")]) == len(CHECKS)
    assert lines[-1] == f"petstore: nothing is wrong in {len(CHECKS)} checks"


def test_what_is_wrong_has_its_remedy(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = sound_rest(function=sound_function(timeout=60), authorizer=sound_authorizer(sources=("method.request.header.Authorization",)))
    reads(monkeypatch, broken)
    result = run("doctor", "a1b2c3d4e5")
    assert result.exit_code == 1
    assert re.search(r"^error +identity sources", result.stdout, re.MULTILINE)
    assert re.search(r"^warning +function limits", result.stdout, re.MULTILINE)
    assert result.stdout.count("remedy:") >= 2
    assert re.search(r"petstore: \d+ errors? and \d+ warnings? in", result.stdout)


def test_programs_are_told_the_same(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reads(monkeypatch, sound_rest(function=sound_function(timeout=60)))
    result = run("doctor", "a1b2c3d4e5", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert {name: told[name] for name in ("api_id", "stage", "kind", "authorizer", "unread")} == {
        "api_id": "a1b2c3d4e5",
        "stage": "prod",
        "kind": "rest",
        "authorizer": "z9y8x7",
        "unread": [],
    }
    assert [each["name"] for each in told["checks"]] == [each.name for each in CHECKS]
    [finding] = [finding for each in told["checks"] for finding in each["findings"]]
    assert (finding["severity"], finding["about"]) == ("warning", "function petstore-authorizer")
    assert finding["message"]
    assert finding["remedy"]


def test_what_could_not_be_read_is_no_sound_api(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reads(monkeypatch, sound_rest(table=None, unread=(Unread("table `permissions`", "it is refused", "dynamodb:DescribeTable"),)))
    result = run("doctor", "a1b2c3d4e5")
    assert result.exit_code == 1
    assert "unread   table `permissions`: it is refused" in result.stdout
    assert "remedy: dynamodb:DescribeTable" in result.stdout
    assert result.stdout.splitlines()[-1].endswith("; 1 thing could not be read")


# From the account on.


@pytest.fixture
def stack(wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> DeployedStack:
    """An account with a REST API, and permissions published in its table."""
    stack = DeployedStack(wire)
    stack.rest(rest_authorizer(identitySource="method.request.header.Authorization"))
    monkeypatch.setattr(doctor, "client", lambda service, target: stack.client(service) if target == AWS else None)
    monkeypatch.setattr(doctor, "download", lambda _url: stack.issuer.jwks())
    return stack


def publish(run: Run, stack: DeployedStack, folder: Path) -> None:
    (folder / "p.yaml").write_text("api: petstore\nroutes: [GET /pets, POST /pets]\neveryone: {allow: [GET /pets]}\n")
    assert run("apply", "p.yaml", "--table", stack.table, "--yes").exit_code == 0


def findings(result: Any) -> dict[str, list[str]]:
    told = json.loads(result.stdout)
    return {each["name"]: [finding["severity"] for finding in each["findings"]] for each in told["checks"] if each["findings"]}


def test_an_account_is_read_and_judged(run: Run, stack: DeployedStack, folder: Path) -> None:
    publish(run, stack, folder)
    result = run("doctor", API, "--json")
    assert result.exit_code == 1, result.stderr
    found = findings(result)
    # The cache key holds the token alone, and nobody may invoke the function.
    assert "error" in found["identity sources"]
    assert "error" in found["invoke permission"]
    assert "published document" not in found
    assert json.loads(result.stdout)["unread"] == []


def test_a_table_without_the_document_is_told(run: Run, stack: DeployedStack) -> None:
    result = run("doctor", API, "--json")
    assert findings(result)["published document"] == ["error"]


def test_an_http_api_is_read_too(run: Run, stack: DeployedStack, folder: Path) -> None:
    publish(run, stack, folder)
    stack.newer("HTTP", authorizer(), routes={"GET /pets": guarded(), "POST /pets": {"authorizationType": "NONE"}})
    result = run("doctor", API, "--json")
    assert "error" in findings(result)["unguarded routes"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--stage", "nothing"), "no stage `nothing`"),
        (("--authorizer", "nobody"), "nobody"),
    ],
)
def test_what_is_not_there_is_a_mistake_in_the_command(run: Run, stack: DeployedStack, arguments: tuple[str, ...], told: str) -> None:
    result = run("doctor", API, *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_an_api_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: object) -> Deployment:
        raise ImportSourceError("there is no API `x`")

    monkeypatch.setattr(doctor, "read_deployment", nothing)
    assert run("doctor", "x").exit_code == 2


# The page.


def test_the_page_lists_every_check_and_every_permission() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert re.findall(r"^\| ([^|`]+?) \| ([^|]+?) \|$", text, re.MULTILINE)[1:] == [(each.name, each.looks_at) for each in CHECKS]
    [listed] = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert listed.split() == sorted(set(NEEDS))
