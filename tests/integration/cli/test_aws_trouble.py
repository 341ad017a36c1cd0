"""A table or a stack that cannot be reached is told with the next step, and never in the words of the AWS SDK."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    CredentialRetrievalError,
    EndpointConnectionError,
    ReadTimeoutError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from admin_api.cli.aws_trouble import told
from authorizer.errors import TroubleError
from tests.integration.cli.conftest import Run
from tests.support.aws_calls import Answer, AwsCalls, Call, answer, error
from tests.support.tables import TABLE, Table

SEED = "api: petstore\nroutes: [GET /]\n"
NOT_RUNNING = "the local stack is not running: start it with gatebook up"


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    (folder / "seed.yaml").write_text(SEED)


@pytest.fixture
def address() -> Iterator[str]:
    """Where nothing listens, and nobody else comes to listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def stack(address: str, folder: Path) -> str:
    """The address of a local stack that was stopped, and whose note is still there."""
    note = {
        "table": "local-table",
        "region": "us-east-1",
        "aws_endpoint": address,
        "access_key_id": "AKIAEXAMPLE",
        "secret_access_key": "of this stack",
        "users": {"guest": {"password": "secret of guest"}},
        "client_id": "client",
        "client_secret": "secret of the client",
    }
    (folder / ".gatebook").mkdir()
    (folder / ".gatebook" / "local.json").write_text(json.dumps(note))
    return address


def words(run: Run, *arguments: str, code: int = 4) -> str:
    """What a command says went wrong."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, result.stderr
    return told[0].removeprefix("error: ")


COMMANDS = [
    ["plan", "seed.yaml"],
    ["apply", "seed.yaml"],
    ["export", "petstore"],
    ["init"],
    ["log", "petstore"],
    ["log", "petstore", "--verify"],
    ["diff", "petstore", "1"],
    ["rollback", "petstore", "1"],
    ["promote", "petstore-next", "petstore"],
    ["rename-group", "petstore", "a", "b"],
    ["explain", "petstore", "GET", "/"],
    ["who-can", "petstore", "GET", "/"],
    ["what-can", "petstore", "everyone"],
    ["what-can", "--all-apis", "everyone"],
    ["deny", "petstore", "sub", "u1", "--reason", "lost"],
    ["undeny", "petstore", "sub", "u1"],
    ["denied", "petstore"],
    ["token", "guest"],
]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_stopped_stack_is_told_by_every_command_that_works_on_it(run: Run, stack: str, arguments: list[str]) -> None:
    assert words(run, *arguments) == NOT_RUNNING


def test_a_stack_that_stops_in_the_middle_leaves_open_what_was_written(run: Run, wire: AwsCalls, stack: str) -> None:
    xml = b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"

    def rule(call: Call) -> Answer:
        if call.operation == "TransactWriteItems":
            return EndpointConnectionError(endpoint_url=stack)
        return answer(xml if call.operation == "GetCallerIdentity" else {})

    wire.rule = rule
    said = words(run, "apply", "seed.yaml")
    assert "may be written or not: plan again to see" in said
    assert said.endswith("The local stack is not running: start it with gatebook up")


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [
        (lambda: ReadTimeoutError(endpoint_url="http://127.0.0.1:1"), "does not answer (ReadTimeoutError): stop it with `gatebook down`"),
        (lambda: error("UnrecognizedClientException"), "does not take the key of .gatebook/local.json"),
        (
            lambda: error("ResourceNotFoundException"),
            "has no table `local-table`: stop it with `gatebook down` and start it with `gatebook up`",
        ),
    ],
)
def test_a_stack_that_runs_and_is_no_good(run: Run, wire: AwsCalls, stack: str, trouble: type, remedy: str) -> None:
    wire.rule = lambda _: trouble()
    assert remedy in words(run, "export", "petstore")


def test_no_region_names_what_gives_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    for arguments in (
        ["export", "petstore", "--table", "t"],
        ["init", "--table", "t", "--yes"],
        ["check", "seed.yaml", "--authorizer", "f"],
    ):
        said = words(run, *arguments)
        for word in ("--region", "AWS_REGION", "aws configure"):
            assert word in said


def test_a_region_that_is_none_names_how_to_write_one(run: Run) -> None:
    assert "`eu west` is no AWS region: give --region" in words(run, "export", "petstore", "--table", "t", "--region", "eu west")


def test_no_credentials_names_what_gives_some(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    said = words(run, "export", "petstore", "--table", "t")
    assert "incomplete, AWS_SECRET_ACCESS_KEY is missing" in said
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    for arguments in (["export", "petstore", "--table", "t"], ["init", "--table", "t", "--yes"]):
        said = words(run, *arguments)
        for word in ("there are no AWS credentials", "aws configure", "AWS_PROFILE"):
            assert word in said


def test_a_profile_that_is_not_there_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    for arguments in (["export", "petstore", "--table", "t"], ["init", "--table", "t", "--yes"]):
        assert "no profile `nobody`, which AWS_PROFILE names" in words(run, *arguments)


@pytest.mark.parametrize("region", ["AWS_REGION", "--region", "the configuration"])
def test_a_table_that_is_not_there_names_table_and_region(
    run: Run, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch, folder: Path, region: str
) -> None:
    options = ["--region", "eu-west-3"] if region == "--region" else []
    if region == "AWS_REGION":
        monkeypatch.setenv("AWS_REGION", "eu-west-3")
    if region == "the configuration":
        monkeypatch.delenv("AWS_DEFAULT_REGION")
        (folder / "config").write_text("[default]\nregion = eu-west-3\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    said = words(run, "export", "petstore", "--table", "nowhere", *options)
    assert said.startswith("there is no table `nowhere` in region eu-west-3: name another one with --table or --region")


def test_a_table_that_is_gone_before_the_write_is_told_alike(run: Run, target: Table, wire: AwsCalls) -> None:
    wire.rule = lambda call: error("ResourceNotFoundException") if call.operation == "TransactWriteItems" else None
    assert f"there is no table `{TABLE}` in region eu-west-1" in words(run, "apply", "seed.yaml", "--yes")


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"])
def test_a_throttled_table_says_to_wait(run: Run, target: Table, wire: AwsCalls, code: str) -> None:
    wire.rule = lambda call: error(code) if call.service == "dynamodb" else None
    said = words(run, "export", "petstore")
    assert said.startswith(f"DynamoDB throttles table `{TABLE}` ({code}): run the command again")


def test_a_throttled_write_says_to_wait(run: Run, target: Table, wire: AwsCalls) -> None:
    reasons = [{"Code": "None"}, {"Code": "ThrottlingError", "Message": "x"}]
    cancelled = "TransactionCanceledException"
    wire.rule = lambda call: error(cancelled, CancellationReasons=reasons) if call.operation == "TransactWriteItems" else None
    assert f"DynamoDB throttles table `{TABLE}` (ThrottlingError)" in words(run, "apply", "seed.yaml", "--yes")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("ExpiredTokenException", "the AWS session has ended (ExpiredTokenException): sign in again"),
        ("UnrecognizedClientException", "AWS does not take these credentials"),
        ("AccessDeniedException", "AWS refuses GetItem to these credentials (AccessDeniedException)"),
    ],
)
def test_credentials_that_are_refused_say_what_to_do(run: Run, target: Table, wire: AwsCalls, code: str, remedy: str) -> None:
    wire.rule = lambda call: error(code) if call.service == "dynamodb" else None
    assert remedy in words(run, "export", "petstore")


@pytest.mark.parametrize(
    ("trouble", "remedy"),
    [
        (UnauthorizedSSOTokenError(), "the AWS sign-in has ended (UnauthorizedSSOTokenError): sign in again, as with `aws sso login`"),
        (TokenRetrievalError(provider="sso", error_msg="x"), "the AWS sign-in has ended (TokenRetrievalError)"),
        (CredentialRetrievalError(provider="p", error_msg="secret"), "the AWS credentials cannot be had (CredentialRetrievalError)"),
        (
            EndpointConnectionError(endpoint_url="https://dynamodb.eu-west-9.amazonaws.com/"),
            "look at the network and at the region, which --region",
        ),
    ],
)
def test_what_the_sdk_raises_by_itself(run: Run, target: Table, wire: AwsCalls, trouble: BotoCoreError, remedy: str) -> None:
    wire.rule = lambda _: trouble
    said = words(run, "export", "petstore")
    assert remedy in said
    assert "secret" not in said


def test_an_endpoint_of_the_environment_where_nothing_answers(run: Run, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    said = words(run, "export", "petstore", "--table", "t")
    assert said == f"nothing answers at {address}/: start what AWS_ENDPOINT_URL names, or unset the variable"


@pytest.mark.parametrize("endpoint", ["local", "localhost:8000", "ftp://localhost", "http://", "http://[::1", "http://localhost:port"])
def test_an_endpoint_that_is_no_address(run: Run, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
    said = words(run, "export", "petstore", "--table", "t", code=2)
    assert said.startswith(f"AWS_ENDPOINT_URL_DYNAMODB is `{endpoint}`, which is no address")
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert words(run, "export", "petstore", "--table", "t", code=2).startswith("AWS_ENDPOINT_URL is")


def test_an_endpoint_for_another_service_that_is_no_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "local")
    assert "take addresses such as" in words(run, "check", "seed.yaml", "--authorizer", "f", code=2)


def test_a_function_that_is_not_there_is_no_table(run: Run, target: Table, wire: AwsCalls) -> None:
    wire.rule = lambda call: error("ResourceNotFoundException", 404) if call.service == "lambda" else None
    said = words(run, "plan", "seed.yaml", "--authorizer", "gone")
    assert said == "AWS knows no such function in region eu-west-1: name another one with --authorizer, or its region with AWS_REGION"
    wire.rule = lambda call: error("TooManyRequestsException", 429) if call.service == "lambda" else None
    assert "AWS throttles GetFunctionConfiguration" in words(run, "plan", "seed.yaml", "--authorizer", "gone")


def test_init_of_a_table_that_exists_says_what_to_do_with_it(run: Run, target: Table) -> None:
    assert words(run, "init", "--yes") == f"table `{TABLE}` exists already: fill it with `gatebook apply FILE`"


def test_other_errors_of_aws_stay_what_they_are(run: Run, target: Table, wire: AwsCalls) -> None:
    wire.rule = lambda call: error("ValidationException") if call.service == "dynamodb" else None
    assert words(run, "export", "petstore") == f"table `{TABLE}` cannot be read: ValidationException"
    wire.rule = lambda _: error("LimitExceededException")
    assert "LimitExceededException" in words(run, "init", "--yes")
    assert told(BotoCoreError()) == "An unspecified error occurred"
    assert told(TroubleError("lagging_row", "a row is not there yet")) == "a row is not there yet"
