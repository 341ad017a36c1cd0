"""`infra.deploy` against the emulator's CloudFormation, with the real templates and the real seeds: fresh, again, changed, failed, and the sample."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.deploy import __main__ as deploy
from infra.local.emulator import REGION, Aws, running
from infra.local.state import StateFolder

pytestmark = pytest.mark.stack

ENVIRONMENTS = f"""
dev:
  region: {REGION}
  bucket: gatebook-deploy-code
  parameters: {{LogRetentionDays: 7}}
changed:
  region: {REGION}
  bucket: gatebook-deploy-code
  stack: gatebook-dev
  parameters: {{LogRetentionDays: 30, PolicyRefreshSeconds: 5}}
  sample: {{parameters: {{AuthorizerTtl: 0, MiniStack: true}}}}
prod: {{region: {REGION}, bucket: gatebook-deploy-code}}
"""
BROKEN = """
Resources:
  Broken:
    Type: AWS::CloudWatch::Alarm
    Properties:
      ComparisonOperator: GreaterThanThreshold
      EvaluationPeriods: 1
      Metrics: [{Id: a, Expression: "1"}]
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An emulator without stacks, the folder that is deployed from, and what a command has printed."""

    aws: Aws
    folder: Path
    capture: pytest.CaptureFixture[str]

    def deploy(self, *arguments: str) -> tuple[int, str]:
        """The exit code, and what was printed on both."""
        code = deploy.main(["--code-only", "--poll-seconds", "0.1", "--file", str(self.folder / "gatebook.deploy.yaml"), *arguments])
        printed = self.capture.readouterr()
        return code, printed.out + printed.err

    def status(self, stack: str) -> str | None:
        """What the emulator says of a stack."""
        summaries = self.aws.cloudformation.list_stacks()["StackSummaries"]
        return next(
            (each["StackStatus"] for each in summaries if each["StackName"] == stack and each["StackStatus"] != "DELETE_COMPLETE"), None
        )


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = StateFolder(tmp_path_factory.mktemp("deploy") / ".gatebook")
    with folder.locked() as lock, running(folder, Aws(port, folder.access_key()), lock) as emulator:
        yield emulator.aws
        for client in (emulator.aws.cloudformation, emulator.aws.s3, emulator.aws.cognito):
            client.close()


@pytest.fixture
def site(emulator: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Site:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatebook.deploy.yaml").write_text(ENVIRONMENTS)
    return Site(emulator, tmp_path, capfd)


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """The templates, the base with a resource that the emulator cannot make."""
    (tmp_path / "templates").mkdir()
    for template in deploy.TEMPLATES.glob("*.yaml"):
        text = template.read_text()
        (tmp_path / "templates" / template.name).write_text(
            text.replace("\nResources:\n", BROKEN) if template.name == "template.yaml" else text
        )
    return tmp_path / "templates"


def test_fresh_again_and_changed(site: Site) -> None:
    code, said = site.deploy("--env", "dev", "--dry-run", "--create-bucket")
    assert (code, site.status("gatebook-dev")) == (0, None), said
    assert re.search(r"Add +PermissionTable +AWS::DynamoDB::Table +-", said)

    code, said = site.deploy("--env", "dev", "--yes", "--create-bucket")
    assert (code, site.status("gatebook-dev")) == (0, "CREATE_COMPLETE"), said
    assert "published gatebook-admin version 1" in said
    policy = site.aws.s3.get_bucket_policy(Bucket="gatebook-deploy-code")["Policy"]
    assert "aws:SecureTransport" in policy
    pool = re.search(r"admin-add-user-to-group .* --user-pool-id (\S+) .* --group-name (\S+)", said)
    assert pool is not None
    assert site.aws.cognito.get_group(UserPoolId=pool[1], GroupName=pool[2])["Group"]["GroupName"] == "gatebook-admins"

    code, said = site.deploy("--env", "dev", "--yes")
    assert code == 0, said
    assert "gatebook-dev: nothing to change" in said
    assert "petstore: nothing to change, version 1 already holds this document" in said
    assert site.status("gatebook-dev") == "CREATE_COMPLETE"

    code, said = site.deploy("--env", "changed", "--dry-run", "--no-seeds")
    assert code == 0, said
    assert "parameter LogRetentionDays: `7` -> `30`" in said
    assert re.search(r"Modify +AdminLogGroup +AWS::Logs::LogGroup", said)
    assert site.status("gatebook-dev") == "CREATE_COMPLETE"

    code, said = site.deploy("--env", "changed", "--yes", "--no-seeds")
    assert code == 0, said
    assert (site.status("gatebook-dev"), site.status("petstore-changed")) == ("UPDATE_COMPLETE", "CREATE_COMPLETE")
    assert "HttpApiUrl" in said
    code, said = site.deploy("--env", "changed", "--yes", "--no-seeds")
    assert code == 0, said
    assert "petstore-changed: nothing to change" in said
    # What is left are those that were executed, which AWS keeps as well.
    for stack in ("gatebook-dev", "petstore-changed"):
        left = site.aws.cloudformation.list_change_sets(StackName=stack)["Summaries"]
        assert {each["ExecutionStatus"] for each in left} <= {"EXECUTE_COMPLETE"}


def test_a_failed_creation_is_cleared_and_a_failed_update_rolled_back(site: Site, broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def prod(templates: Path) -> tuple[int, str | None, str]:
        monkeypatch.setattr(deploy, "TEMPLATES", templates)
        code, said = site.deploy("--env", "prod", "--yes", "--no-seeds", "--create-bucket")
        return code, site.status("gatebook-prod"), said

    sound = deploy.TEMPLATES
    code, status, said = prod(broken)
    assert (code, status) == (1, "ROLLBACK_COMPLETE"), said
    assert "could not be deployed (ROLLBACK_COMPLETE). It failed for:\nBroken (AWS::CloudWatch::Alarm): " in said

    code, status, said = prod(sound)
    assert (code, status) == (0, "CREATE_COMPLETE"), said
    assert "nothing leads out of ROLLBACK_COMPLETE but deleting it. It failed for:\nBroken (AWS::CloudWatch::Alarm): " in said

    code, status, said = prod(broken)
    assert (code, status) == (1, "UPDATE_ROLLBACK_COMPLETE"), said
    assert "It failed for:\nBroken (AWS::CloudWatch::Alarm): " in said
    assert "The update was rolled back, and the stack works as before." in said

    code, status, said = prod(sound)
    assert code == 0, said
