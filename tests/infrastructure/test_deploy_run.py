"""A deployment from the change set to the seeds, against a fake of CloudFormation: what is asked, how each state is met, and what is left behind."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.s3.models import s3_backends
from rich.console import Console

from infra.deploy.bucket import CodeBucket
from infra.deploy.deploy_file import Environment, StackSettings
from infra.deploy.deployment import Deployment, Wishes
from infra.deploy.errors import CONFLICT, FAILED, TROUBLE, USAGE, DeployError
from infra.deploy.stack import Stack
from infra.deploy.talk import Talk
from infra.deploy.template import Template, template_of
from tests.support.cloudformation import FakeCloudFormation, FakeStack, error

ACCOUNT, REGION = "123456789012", "eu-west-1"
OUTPUTS = {
    "TableName": "permissions",
    "AuthorizerReadPolicyArn": "arn",
    "UserPoolId": "eu-west-1_A",
    "AppClientIds": "client",
    "AdminApiId": "a1b2c3d4e5",
    "ConsoleUrl": "https://a1b2c3d4e5.test/admin/console",
}
PARAMETERS = """
Parameters:
  CodeBucket: {Type: String}
  AuthorizerCodeKey: {Type: String}
  AdminCodeKey: {Type: String}
  Architecture: {Type: String, Default: arm64}
  Days: {Type: Number, Default: 30}
"""
BASE = template_of(
    f"{PARAMETERS}\nResources:\n  Table: {{Type: AWS::DynamoDB::Table, DeletionPolicy: Retain}}\n  Role: {{Type: AWS::IAM::Role}}\n"
    "  One: {Type: AWS::Test::Thing}\n  Two: {Type: AWS::Test::Thing}\n",
    "template.yaml",
)
LESS = template_of(f"{PARAMETERS}\nResources:\n  Role: {{Type: AWS::IAM::Role}}\n  One: {{Type: AWS::Test::Thing}}\n", "template.yaml")
SAMPLE = template_of(f"{PARAMETERS}\n  TableName: {{Type: String}}\nResources:\n  Api: {{Type: AWS::Test::Thing}}\n", "sample_api.yaml")


@dataclass(slots=True)
class Scene:
    """What a deployment works on, what it says, and how its questions are answered."""

    aws: FakeCloudFormation
    folder: Path
    s3: Any
    text: io.StringIO = field(default_factory=io.StringIO)
    answers: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    applied: list[tuple[tuple[Path, ...], str]] = field(default_factory=list)
    apply_code: int = 0
    interactive: bool = True
    architectures: list[str] = field(default_factory=list)

    def deploy(
        self,
        *answers: str,
        base: Template = BASE,
        sample: StackSettings | None = None,
        parameters: dict[str, str] | None = None,
        release: str = "1.0.0",
        **wishes: Any,
    ) -> int:
        """Deploy; the answers are given to its questions in turn, and an end of input after them."""
        self.answers, self.questions = list(answers), []
        self.text.truncate(self.text.seek(0))
        environment = Environment("dev", REGION, "code", None, StackSettings("gatebook-dev", parameters or {}), sample, None)
        return Deployment(
            environment=environment,
            base=base,
            sample=SAMPLE,
            wishes=Wishes(**wishes),
            talk=Talk(Console(file=self.text, width=160), self.interactive, self.read),
            bucket=CodeBucket(self.s3, "code", REGION, ACCOUNT),
            stack_of=lambda name: Stack(self.aws, name, self.aws.sleep),  # type: ignore[arg-type]
            package=self.package,
            apply=self.apply,
            seeds=(self.folder / "dev.yaml",),
            release=release,
        ).run()

    def refused(self, code: int, *answers: str, **more: Any) -> str:
        """What a deployment that is stopped with this exit code says."""
        with pytest.raises(DeployError) as refused:
            self.deploy(*answers, **more)
        assert refused.value.exit_code == code
        return str(refused.value)

    @property
    def said(self) -> str:
        return self.text.getvalue()

    def read(self, question: str) -> str:
        self.questions.append(question)
        if not self.answers:
            raise EOFError
        answer = self.answers.pop(0)
        if answer == "^C":
            raise KeyboardInterrupt
        return answer

    def package(self, architecture: str) -> tuple[Path, Path]:
        self.architectures.append(architecture)
        for name in ("authorizer", "admin"):
            (self.folder / f"gatebook-{name}-1.zip").write_text(name)
        return self.folder / "gatebook-authorizer-1.zip", self.folder / "gatebook-admin-1.zip"

    def apply(self, files: tuple[Path, ...], table: str) -> int:
        self.applied.append((files, table))
        return self.apply_code


@pytest.fixture(scope="module")
def s3() -> Any:
    """A client of S3: a fifth of a second to make."""
    with mock_aws():
        yield boto3.client("s3", region_name=REGION, aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def scene(tmp_path: Path, s3: Any) -> Any:
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": REGION})
    yield Scene(FakeCloudFormation(outputs={"gatebook-dev": OUTPUTS, "petstore-dev": {"ApiUrl": "https://sample.test"}}), tmp_path, s3)
    s3_backends[ACCOUNT]["aws"].reset()


def deployed(scene: Scene, template: Template = BASE, **more: Any) -> FakeStack:
    """A stack that this release has deployed."""
    assert scene.deploy("y", base=template, **more) == 0
    scene.aws.calls.clear()
    return scene.aws.stacks[-1]


def test_a_first_deployment_asks_once_and_says_what_is_next(scene: Scene) -> None:
    assert scene.deploy("y") == 0
    [stack] = scene.aws.stacks
    assert (stack.status, set(stack.resources)) == ("CREATE_COMPLETE", {"Table", "Role", "One", "Two"})
    assert stack.parameters == {
        "CodeBucket": "code",
        "AuthorizerCodeKey": "gatebook-authorizer-1.zip",
        "AdminCodeKey": "gatebook-admin-1.zip",
        "Architecture": "arm64",
        "Days": "30",
    }
    assert {each["Key"] for each in scene.s3.list_objects_v2(Bucket="code")["Contents"]} == {
        "gatebook-authorizer-1.zip",
        "gatebook-admin-1.zip",
    }
    assert scene.questions == ["Make these changes to gatebook-dev? [y/N] "]
    assert scene.applied == [((scene.folder / "dev.yaml",), "permissions")]
    # A change set has pages, and all of them are shown.
    assert "creates 4 resources" in scene.said
    for line in (
        "CREATE_COMPLETE      Two AWS::Test::Thing",
        "gatebook-dev: CREATE_COMPLETE",
        "--group-name gatebook-admins",
        "https://a1b2c3d4e5.test/admin/console",
    ):
        assert line in scene.said
    assert "gatebook doctor a1b2c3d4e5 --stage admin --region eu-west-1" in scene.said
    assert "create-group" not in scene.said


def test_the_same_again_changes_nothing_and_leaves_no_change_set(scene: Scene) -> None:
    deployed(scene)
    assert scene.deploy() == 0
    assert (scene.questions, scene.aws.change_sets) == ([], {})
    assert "gatebook-dev: nothing to change" in scene.said
    assert "is in the bucket already" in scene.said
    assert "admin-create-user" not in scene.said
    assert "execute_change_set" not in scene.aws.calls
    assert len(scene.applied) == 2


def test_an_update_shows_which_parameters_change_and_resets_what_the_file_leaves_out(scene: Scene) -> None:
    scene.aws.replaced = {"One": "False"}
    stack = deployed(scene, parameters={"Days": "90"})
    assert scene.deploy("yes", parameters={"Architecture": "x86_64"}) == 0
    assert stack.status == "UPDATE_COMPLETE"
    assert (stack.parameters["Days"], stack.parameters["Architecture"]) == ("30", "x86_64")
    assert "  parameter Days: `90` -> `30`" in scene.said
    assert "  parameter Architecture: `arm64` -> `x86_64`" in scene.said
    assert "parameter CodeBucket" not in scene.said
    assert scene.architectures == ["arm64", "x86_64"]


@pytest.mark.parametrize("answer", ["n", "", None, "^C"])
def test_a_no_changes_nothing_and_leaves_nothing(scene: Scene, answer: str | None) -> None:
    stack = deployed(scene, LESS)
    if answer == "^C":
        with pytest.raises(KeyboardInterrupt):
            scene.deploy("^C")
    else:
        assert "nothing was changed" in scene.refused(USAGE, *([] if answer is None else [answer]))
    assert (stack.status, scene.aws.change_sets) == ("CREATE_COMPLETE", {})


def test_a_no_to_a_first_deployment_leaves_no_stack(scene: Scene) -> None:
    scene.refused(USAGE, "n")
    assert [each.status for each in scene.aws.stacks] == ["DELETE_COMPLETE"]
    assert scene.aws.change_sets == {}


def test_somebody_elses_review_is_left_alone(scene: Scene) -> None:
    stack = scene.aws.stack("gatebook-dev", "REVIEW_IN_PROGRESS")
    theirs = scene.aws.create_change_set(
        StackName="gatebook-dev", ChangeSetType="CREATE", ChangeSetName="theirs", Parameters=[], TemplateBody=LESS.text
    )
    scene.refused(USAGE, "n")
    assert (stack.status, list(scene.aws.change_sets)) == ("REVIEW_IN_PROGRESS", [theirs["Id"]])
    assert scene.deploy("y") == 0
    assert stack.status == "CREATE_COMPLETE"


def test_a_dry_run_shows_changes_and_leaves_nothing(scene: Scene) -> None:
    scene.interactive = False
    assert scene.deploy(dry_run=True) == 0
    assert "creates 4 resources" in scene.said
    assert scene.said.endswith("nothing was changed\n")
    assert [each.status for each in scene.aws.stacks] == ["DELETE_COMPLETE"]
    assert "Contents" not in scene.s3.list_objects_v2(Bucket="code")
    assert (scene.applied, scene.aws.change_sets, "execute_change_set" in scene.aws.calls) == ([], {}, False)
    scene.interactive = True
    stack = deployed(scene, LESS)
    assert scene.deploy(dry_run=True) == 0
    assert "changes 2 resources" in scene.said
    assert (stack.status, set(stack.resources)) == ("CREATE_COMPLETE", {"Role", "One"})
    assert scene.deploy(base=LESS, dry_run=True) == 0
    assert "nothing to change" in scene.said


def test_without_a_terminal_only_yes_or_a_dry_run_goes_on(scene: Scene) -> None:
    scene.interactive = False
    assert "--dry-run, and let a pipeline make them with --yes" in scene.refused(USAGE)
    assert (scene.aws.calls, scene.architectures) == ([], [])
    assert scene.deploy(yes=True) == 0
    assert scene.questions == []


def test_a_table_that_leaves_the_stack_wants_the_stacks_name_typed(scene: Scene) -> None:
    stack = deployed(scene)
    for answer in ("y", "yes", "gatebook-de", ""):
        assert "nothing was changed" in scene.refused(USAGE, answer, base=LESS)
    assert scene.questions == ["Whatever reads them stops working until it is told the new ones. Type gatebook-dev to go on: "]
    assert "! these hold data, and the stack would go on with empty ones or none: Table (AWS::DynamoDB::Table)" in scene.said
    assert (stack.status, scene.aws.change_sets) == ("CREATE_COMPLETE", {})
    assert scene.deploy("gatebook-dev", base=LESS) == 0
    assert stack.resources.keys() == {"Role", "One"}


@pytest.mark.parametrize("replacement", ["True", "Conditional"])
def test_a_pipeline_names_the_table_that_may_be_made_anew(scene: Scene, replacement: str) -> None:
    stack = deployed(scene)
    scene.aws.replaced = {"Table": replacement}
    told = scene.refused(USAGE, parameters={"Days": "1"}, yes=True)
    assert told == "--yes does not agree to that, and nothing was changed: --accept-loss Table does"
    assert scene.aws.change_sets == {}
    scene.refused(USAGE, parameters={"Days": "1"}, yes=True, accept_loss=("Role",))
    assert scene.deploy(parameters={"Days": "1"}, yes=True, accept_loss=("Table",)) == 0
    assert (stack.status, stack.parameters["Days"]) == ("UPDATE_COMPLETE", "1")


def test_a_failed_update_is_rolled_back_and_its_first_cause_told(scene: Scene) -> None:
    stack = deployed(scene, LESS)
    scene.aws.fails = {"Two": "no such key"}
    told = scene.refused(FAILED, "y")
    assert told.splitlines()[:2] == [
        "stack `gatebook-dev` could not be deployed (UPDATE_ROLLBACK_COMPLETE). It failed for:",
        "Two (AWS::Test::Thing): no such key",
    ]
    assert told.endswith("The update was rolled back, and the stack works as before.")
    assert stack.resources.keys() == {"Role", "One"}
    assert len(scene.applied) == 1
    # An older failure is not taken for the cause of a newer one.
    scene.aws.fails = {"Table": "not authorized to perform: dynamodb:CreateTable"}
    told = scene.refused(FAILED, "y")
    assert "Table (AWS::DynamoDB::Table): not authorized" in told
    assert "allow dynamodb:CreateTable to whoever deploys" in told
    scene.aws.fails = {}
    assert scene.deploy("y") == 0


def test_a_failed_creation_is_deleted_when_that_is_wanted(scene: Scene) -> None:
    scene.aws.fails = {"One": "no such key"}
    assert "run `gatebook deploy` again, which offers to delete the empty stack first" in scene.refused(FAILED, "y")
    [stack] = scene.aws.stacks
    scene.aws.fails = {}
    assert "without --dry-run deletes" in scene.refused(FAILED, dry_run=True)
    assert scene.refused(USAGE, "n") == "stopped; nothing was deleted"
    assert "One (AWS::Test::Thing): no such key" in scene.said
    assert stack.status == "ROLLBACK_COMPLETE"
    stack.retained = {"Table": "AWS::DynamoDB::Table"}
    assert scene.deploy("y", "y") == 0
    assert scene.questions == [
        "Delete stack gatebook-dev, which holds nothing, and create it anew? [y/N] ",
        "Make these changes to gatebook-dev? [y/N] ",
    ]
    assert "kept in the account, outside of any stack, as the template asks: Table (AWS::DynamoDB::Table) gatebook-dev-Table" in scene.said
    assert [each.status for each in scene.aws.stacks] == ["DELETE_COMPLETE", "CREATE_COMPLETE"]


def test_a_pipeline_clears_a_failed_creation_by_itself(scene: Scene) -> None:
    scene.aws.stack("gatebook-dev", "ROLLBACK_COMPLETE")
    assert scene.deploy(yes=True) == 0
    assert [each.status for each in scene.aws.stacks] == ["DELETE_COMPLETE", "CREATE_COMPLETE"]


def test_a_rollback_that_failed_is_told_with_its_way_out(scene: Scene) -> None:
    deployed(scene, LESS)
    scene.aws.fails, scene.aws.rollback_fails = {"Two": "no such key"}, {"Role": "Role is gone", "Other": ""}
    told = scene.refused(FAILED, "y")
    assert "Two (AWS::Test::Thing): no such key" in told
    for text in (told, scene.refused(FAILED)):
        assert "  Role (AWS::Test::Thing): Role is gone\n  Other (AWS::Test::Thing): UPDATE_FAILED\n" in text
        assert "aws cloudformation continue-update-rollback --region eu-west-1 --stack-name gatebook-dev" in text
        assert "--resources-to-skip Role Other" in text
    assert scene.questions == []


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("UPDATE_ROLLBACK_FAILED", "--resources-to-skip RESOURCE"),
        ("CREATE_FAILED", "aws cloudformation rollback-stack --region eu-west-1 --stack-name gatebook-dev"),
        ("UPDATE_FAILED", "aws cloudformation rollback-stack"),
        ("ROLLBACK_FAILED", "aws cloudformation delete-stack --region eu-west-1 --stack-name gatebook-dev"),
        ("DELETE_FAILED", "aws cloudformation describe-stack-resources"),
    ],
)
def test_a_stack_that_nothing_leads_on_from_is_not_touched(scene: Scene, status: str, command: str) -> None:
    scene.aws.stack("gatebook-dev", status)
    assert command in scene.refused(FAILED, yes=True)
    assert {"create_change_set", "delete_stack"}.isdisjoint(scene.aws.calls)


def test_a_first_creation_whose_rollback_failed_is_told(scene: Scene) -> None:
    scene.aws.fails, scene.aws.rollback_fails = {"Two": "no such key"}, {"One": "in use"}
    told = scene.refused(FAILED, "y")
    assert "Two (AWS::Test::Thing): no such key" in told
    assert "aws cloudformation delete-stack" in told


def test_somebody_elses_operation_is_waited_for(scene: Scene) -> None:
    stack = deployed(scene, LESS)
    scene.aws.somebody_updates(stack)
    assert "run `gatebook deploy` again when that has ended" in scene.refused(CONFLICT, wait=False)
    assert "create_change_set" not in scene.aws.calls
    assert scene.deploy("y") == 0
    assert "somebody else works on stack `gatebook-dev`, which is UPDATE_IN_PROGRESS; waiting" in scene.said
    assert "UPDATE_COMPLETE      gatebook-dev" in scene.said
    assert stack.resources.keys() == {"Table", "Role", "One", "Two"}


def test_the_waiting_for_somebody_else_can_be_stopped(scene: Scene) -> None:
    scene.aws.somebody_updates(deployed(scene), steps=100)
    scene.aws.on_sleep = press_ctrl_c
    assert scene.refused(USAGE) == "stopped; nothing was done"


def test_a_stack_that_is_deleted_meanwhile_is_told(scene: Scene) -> None:
    stack = deployed(scene, LESS)
    scene.aws.somebody_updates(stack, becomes="DELETE_COMPLETE")
    assert "nothing leads out of that" in scene.refused(FAILED)
    other = deployed(scene, LESS)
    scene.aws.somebody_updates(other)
    scene.aws.on_sleep = scene.aws.stacks.clear
    assert "is gone: somebody has deleted it" in scene.refused(CONFLICT)


def press_ctrl_c() -> None:
    raise KeyboardInterrupt


def when(calls: list[str], operation: str, act: Callable[[], None]) -> Callable[[], None]:
    """Act at each wait that comes after an operation."""
    return lambda: act() if operation in calls else None


def test_ctrl_c_while_waiting_says_that_the_stack_goes_on(scene: Scene) -> None:
    scene.aws.on_sleep = when(scene.aws.calls, "execute_change_set", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        scene.deploy("y")
    assert "AWS goes on with stack `gatebook-dev`" in scene.said
    assert "aws cloudformation describe-stack-events --region eu-west-1 --stack-name gatebook-dev" in scene.said
    scene.aws.on_sleep = lambda: None
    assert scene.deploy() == 0
    assert scene.aws.stacks[0].status == "CREATE_COMPLETE"
    assert "nothing to change" in scene.said


def test_ctrl_c_while_changes_are_worked_out_leaves_nothing(scene: Scene) -> None:
    scene.aws.on_sleep = press_ctrl_c
    with pytest.raises(KeyboardInterrupt):
        scene.deploy()
    assert ([each.status for each in scene.aws.stacks], scene.aws.change_sets) == (["DELETE_COMPLETE"], {})


def test_trouble_while_waiting_says_that_the_stack_goes_on(scene: Scene) -> None:
    expired = error("DescribeStacks", "ExpiredToken", "The security token included in the request is expired")
    scene.aws.on_sleep = when(scene.aws.calls, "execute_change_set", lambda: scene.aws.refuses.update(describe_stacks=expired))
    with pytest.raises(type(expired)):
        scene.deploy("y")
    assert "AWS goes on with stack `gatebook-dev`" in scene.said


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidChangeSetStatus", "ChangeSet [x] cannot be executed in its current execution status of [OBSOLETE]"),
        ("ChangeSetNotFound", "ChangeSet [x] does not exist"),
        ("ValidationError", "Stack:x is in UPDATE_IN_PROGRESS state and can not be updated."),
    ],
)
def test_a_change_set_that_is_overtaken_is_told(scene: Scene, code: str, message: str) -> None:
    deployed(scene, LESS)
    scene.aws.refuses = {"execute_change_set": error("ExecuteChangeSet", code, message)}
    assert "somebody has changed stack `gatebook-dev`" in scene.refused(CONFLICT, "y")
    assert scene.aws.change_sets == {}


def test_a_change_set_that_is_refused_is_told(scene: Scene) -> None:
    busy = error("CreateChangeSet", "ValidationError", "Stack:x is in UPDATE_IN_PROGRESS state and can not be updated.")
    wrong = error("CreateChangeSet", "ValidationError", "Template format error: Unresolved resource dependencies [X]")
    for refusal, exit_code, told in (
        (busy, CONFLICT, "somebody else works on stack"),
        (wrong, FAILED, "Unresolved resource dependencies [X]"),
    ):
        scene.aws.refuses = {"create_change_set": refusal}
        assert told in scene.refused(exit_code)


def test_a_change_set_that_fails_is_told_and_deleted(scene: Scene) -> None:
    deployed(scene, LESS)
    failed = {"StatusReason": "Transform AWS::Serverless-2016-10-31 failed with: Invalid Serverless Application Specification document."}

    def fail() -> None:
        for each in scene.aws.change_sets.values():
            each.update(failed)

    scene.aws.on_sleep = fail
    assert "Invalid Serverless Application Specification" in scene.refused(FAILED)
    assert scene.aws.change_sets == {}


def test_a_change_of_outputs_alone_is_a_change(scene: Scene) -> None:
    stack = deployed(scene)
    scene.aws.changes_outputs = True
    assert scene.deploy("y") == 0
    assert "changes 0 resources" in scene.said
    assert "outputs or metadata alone" in scene.said
    assert stack.status == "UPDATE_COMPLETE"


@pytest.mark.parametrize("operation", ["describe_stacks", "create_change_set", "execute_change_set", "describe_stack_events"])
def test_missing_rights_end_the_deployment(scene: Scene, operation: str) -> None:
    refused = error(operation, "AccessDenied", "is not authorized")
    scene.aws.refuses = {operation: refused}
    with pytest.raises(type(refused)) as raised:
        scene.deploy("y")
    assert raised.value is refused


def test_a_stack_of_a_newer_release_is_told(scene: Scene) -> None:
    deployed(scene, release="1.10.0")
    scene.deploy(release="1.9.0")
    assert "was deployed by release 1.10.0, which is newer than this one, 1.9.0: going on takes back what came since" in scene.said
    for release in ("1.10.0", "1.11.0"):
        scene.deploy(release=release)
        assert "which is newer than" not in scene.said


def test_a_stack_with_parameters_of_another_template_is_told(scene: Scene) -> None:
    stack = deployed(scene)
    for template in ("{}", "Resources: [", '{"Metadata": {"Gatebook": {"Release": "1.0.0"}}}'):
        stack.template, stack.parameters = template, {**stack.parameters, "Later": "1"}
        assert scene.deploy("y") == 0
        assert "has parameters that this release does not know, and going on drops them: Later." in scene.said
    stack.template = '{"Metadata": {"Gatebook": {"Release": "7"}}}'
    scene.deploy("y")
    assert "was deployed by release 7" in scene.said


def test_a_secret_keeps_the_value_that_the_stack_has(scene: Scene) -> None:
    secret = template_of(
        BASE.text.replace("Resources:", "  Password: {Type: String, Default: '', NoEcho: true}\nResources:"), "template.yaml"
    )
    stack = deployed(scene, secret)
    stack.parameters["Password"] = "****"
    scene.aws.replaced = {"One": "False"}
    assert scene.deploy("y", base=secret, parameters={"Days": "1"}) == 0
    assert stack.parameters["Password"] == "****"
    assert "Password" not in scene.said


def test_the_sample_takes_what_the_base_gives(scene: Scene) -> None:
    settings = StackSettings("petstore-dev", {"Days": "7"})
    assert scene.deploy(dry_run=True, sample=settings) == 0
    assert "petstore-dev: what would change is known once gatebook-dev is there, which gives TableName, " in scene.said
    assert scene.deploy("y", "y", sample=settings) == 0
    base, sample = scene.aws.stacks[-2:]
    assert (base.name, sample.name, sample.status) == ("gatebook-dev", "petstore-dev", "CREATE_COMPLETE")
    assert (sample.parameters["TableName"], sample.parameters["Days"], base.parameters["Days"]) == ("permissions", "7", "30")
    assert "ApiUrl" in scene.said
    assert scene.deploy(dry_run=True, sample=settings) == 0
    assert "petstore-dev: nothing to change" in scene.said


@pytest.mark.parametrize(("code", "seeds"), [(CONFLICT, True), (FAILED, True), (0, False)])
def test_seeds_that_are_not_applied_are_told(scene: Scene, code: int, seeds: bool) -> None:
    scene.apply_code = code
    assert scene.deploy("y", seeds=seeds, parameters={"UserPoolId": "eu-west-1_A"}) == code
    assert f"gatebook apply {scene.folder}/dev.yaml --table permissions --region eu-west-1" in scene.said
    assert ("The seeds were not applied" in scene.said) is seeds
    assert len(scene.applied) == seeds
    # The pool is somebody else's, and may lack the group.
    assert "aws cognito-idp create-group" in scene.said
    assert scene.deploy(seeds=seeds, parameters={"UserPoolId": "eu-west-1_A"}) == code
    assert ("The seeds were not applied" in scene.said) is seeds
    assert "aws cognito-idp" not in scene.said


def without_bucket(scene: Scene) -> None:
    scene.s3.delete_bucket(Bucket="code")


def test_a_bucket_is_made_only_if_that_is_asked_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    without_bucket(scene)
    policies: list[str] = []
    # moto passes over conditions, and a policy that refuses what comes without TLS would refuse everything.
    monkeypatch.setattr(scene.s3, "put_bucket_policy", lambda Bucket, Policy: policies.append(Policy))  # noqa: N803
    assert (
        scene.refused(USAGE, yes=True)
        == "there is no bucket `code` in eu-west-1: --create-bucket makes it, or name one that is there as `bucket`"
    )
    for create, told in ((False, "--create-bucket makes it"), (True, "it would be created")):
        assert scene.deploy(dry_run=True, create_bucket=create) == 0
        assert f"there is no bucket `code` in eu-west-1: {told}" in scene.said
    assert scene.s3.list_buckets()["Buckets"] == []
    assert scene.deploy(yes=True, create_bucket=True) == 0
    closed = scene.s3.get_public_access_block(Bucket="code")["PublicAccessBlockConfiguration"]
    assert (len(closed), set(closed.values())) == (4, {True})
    [rule] = scene.s3.get_bucket_encryption(Bucket="code")["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert scene.s3.get_bucket_versioning(Bucket="code")["Status"] == "Enabled"
    [policy] = policies
    for word in ('"Effect": "Deny"', '"aws:SecureTransport": "false"', '"arn:aws:s3:::code/*"', '"arn:aws:s3:::code"'):
        assert word in policy
    assert scene.s3.get_bucket_location(Bucket="code")["LocationConstraint"] == REGION


def test_a_bucket_that_could_not_be_closed_is_not_left(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    without_bucket(scene)
    refused = error("PutBucketPolicy", "AccessDenied", "no", 403)

    def refuse(**_: Any) -> None:
        raise refused

    monkeypatch.setattr(scene.s3, "put_bucket_policy", refuse)
    with pytest.raises(type(refused)):
        scene.deploy(yes=True, create_bucket=True)
    assert scene.s3.list_buckets()["Buckets"] == []


@pytest.mark.parametrize(
    ("operation", "refusal", "code", "told"),
    [
        (
            "head_bucket",
            error("HeadBucket", "403", "Forbidden", 403),
            TROUBLE,
            "it belongs to another account than 123456789012, or they lack",
        ),
        ("head_bucket", error("HeadBucket", "301", "Moved", 301), USAGE, "is in another region"),
        ("head_object", error("HeadObject", "403", "Forbidden", 403), TROUBLE, "allow s3:GetObject and s3:ListBucket there"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_told(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, operation: str, refusal: Exception, code: int, told: str
) -> None:
    def refuse(**_: Any) -> None:
        raise refusal

    monkeypatch.setattr(scene.s3, operation, refuse)
    assert told in scene.refused(code, yes=True)
    assert scene.aws.stacks == []


@pytest.mark.parametrize("operation", ["head_bucket", "head_object", "create_bucket"])
def test_other_trouble_with_the_bucket_is_no_other_trouble(scene: Scene, monkeypatch: pytest.MonkeyPatch, operation: str) -> None:
    trouble = error(operation, "InternalError", "again", 500)

    def refuse(**_: Any) -> None:
        raise trouble

    if operation == "create_bucket":
        without_bucket(scene)
    monkeypatch.setattr(scene.s3, operation, refuse)
    with pytest.raises(type(trouble)) as raised:
        scene.deploy(yes=True, create_bucket=True)
    assert raised.value is trouble


def test_a_bucket_elsewhere_or_of_somebody_else_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene.s3, "head_bucket", lambda **_: {"BucketRegion": "us-east-1"})
    assert "bucket `code` is in us-east-1, and functions in eu-west-1 are deployed from a bucket of their own region" in scene.refused(
        USAGE, yes=True
    )
    monkeypatch.undo()
    without_bucket(scene)
    taken = error("CreateBucket", "BucketAlreadyExists", "taken", 409)

    def refuse(**_: Any) -> None:
        raise taken

    monkeypatch.setattr(scene.s3, "create_bucket", refuse)
    assert "the name `code` is taken by somebody else's bucket" in scene.refused(USAGE, yes=True, create_bucket=True)


def test_a_bucket_of_us_east_1_names_no_location(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr(scene.s3, "create_bucket", lambda **how: asked.append(how))
    for region in ("us-east-1", REGION):
        CodeBucket(scene.s3, "code", region, ACCOUNT).create()
    assert asked == [{"Bucket": "code"}, {"Bucket": "code", "CreateBucketConfiguration": {"LocationConstraint": REGION}}]


def test_a_template_that_is_too_large_to_send_lies_in_the_bucket(scene: Scene) -> None:
    bucket = CodeBucket(scene.s3, "code", REGION, ACCOUNT)
    small, large = "x" * 51_200, "é" * 25_601
    assert bucket.body_of("template.yaml", small) == {"TemplateBody": small}
    body = bucket.body_of("template.yaml", large)
    assert bucket.body_of("template.yaml", large) == body
    [kept] = scene.s3.list_objects_v2(Bucket="code")["Contents"]
    assert body["TemplateURL"].endswith(f"/{kept['Key']}")
    assert body["TemplateURL"].startswith("https://")
    assert "?" not in body["TemplateURL"]
    assert scene.s3.get_object(Bucket="code", Key=kept["Key"])["Body"].read().decode() == large
