"""Which table a command works on, that it says so, and that it asks before it writes to anything but the local stack."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Run
from tests.support.aws_calls import Answer, AwsCalls, Call, answer
from tests.support.tables import TABLE, Table, create_table

SEED = "api: petstore\nroutes: [GET /]\n"
LOCAL = "http://127.0.0.1:4599"


@pytest.fixture(autouse=True)
def _seed(folder: Path) -> None:
    (folder / "seed.yaml").write_text(SEED)


def write_note(folder: Path, text: str | None = None) -> None:
    (folder / ".gatebook").mkdir()
    key = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "of this stack"}
    note = {"table": "local-table", "region": "us-east-1", "aws_endpoint": LOCAL, "users": {}, **key}
    (folder / ".gatebook" / "local.json").write_text(json.dumps(note) if text is None else text)


def emulated(call: Call) -> Answer:
    """The local stack's answers, as far as an empty table needs them."""
    if call.operation == "GetCallerIdentity":
        return answer({})
    return answer({})


def tables(wire: AwsCalls) -> set[tuple[str, str]]:
    """Which table was spoken to, and where."""
    named = set()
    for call in wire.take():
        items: list[Any] = [next(iter(item.values())) for item in call.body.get("TransactItems", [])] or [call.body]
        named |= {(item["TableName"], call.url) for item in items if "TableName" in item}
    return named


def test_no_target_is_a_mistake_of_usage(run: Run, wire: AwsCalls) -> None:
    for arguments in (["plan", "seed.yaml"], ["apply", "seed.yaml", "--yes"], ["export", "a"], ["log", "a"], ["init", "--yes"]):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        for word in ("--table", "PERMISSIONS_TABLE", "gatebook up"):
            assert word in result.stderr
    assert wire.calls == []


def test_the_option_comes_first(run: Run, wire: AwsCalls, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERMISSIONS_TABLE", "env-table")
    write_note(folder)
    wire.rule = emulated
    result = run("plan", "seed.yaml", "--table", "option-table", "--region", "eu-central-1")
    assert result.exit_code == 0
    assert tables(wire) == {("option-table", "https://dynamodb.eu-central-1.amazonaws.com/")}
    assert "option-table" in result.stderr
    assert "eu-central-1" in result.stderr


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_environment_comes_second(run: Run, wire: AwsCalls, folder: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv(variable, "eu-north-1")
    monkeypatch.setenv("PERMISSIONS_TABLE", "env-table")
    write_note(folder)
    wire.rule = emulated
    assert run("plan", "seed.yaml").exit_code == 0
    assert tables(wire) == {("env-table", "https://dynamodb.eu-north-1.amazonaws.com/")}


@pytest.mark.parametrize("environment", [None, ""])
def test_the_local_stack_comes_last(
    run: Run, wire: AwsCalls, folder: Path, monkeypatch: pytest.MonkeyPatch, environment: str | None
) -> None:
    if environment is not None:
        monkeypatch.setenv("PERMISSIONS_TABLE", environment)
    write_note(folder)
    wire.rule = emulated
    result = run("plan", "seed.yaml")
    assert result.exit_code == 0
    assert tables(wire) == {("local-table", f"{LOCAL}/")}
    assert f"local stack at {LOCAL}" in result.stderr


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '"x"', '{"table": 1, "region": "r", "aws_endpoint": "e"}', "null"])
def test_a_note_that_cannot_be_read_is_told(run: Run, folder: Path, note: str) -> None:
    write_note(folder, note)
    result = run("plan", "seed.yaml")
    assert result.exit_code == 2
    assert "local.json" in result.stderr
    assert "gatebook down" in result.stderr


@pytest.mark.parametrize(("answer", "code", "written"), [("y\n", 0, True), ("n\n", 2, False), ("\n", 2, False), ("", 1, False)])
def test_a_write_outside_the_local_stack_asks(run: Run, target: Table, answer: str, code: int, written: bool) -> None:
    result = run("apply", "seed.yaml", input=answer)
    assert result.exit_code == code
    assert f"table {TABLE}" in result.stderr
    assert bool(target.items()) is written


def test_yes_does_not_ask(run: Run, target: Table) -> None:
    result = run("apply", "seed.yaml", "--yes", input="")
    assert result.exit_code == 0
    assert "?" not in result.stderr
    assert target.items()


def test_nothing_to_write_does_not_ask(run: Run, target: Table) -> None:
    run("apply", "seed.yaml", "--yes")
    result = run("apply", "seed.yaml", input="")
    assert result.exit_code == 0
    assert "?" not in result.stderr


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:4566", "http://localhost:8000", "http://[::1]:8000"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_a_loopback_endpoint_is_local(run: Run, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch, endpoint: str, variable: str) -> None:
    monkeypatch.setenv("PERMISSIONS_TABLE", "env-table")
    monkeypatch.setenv(variable, endpoint)
    wire.rule = lambda call: None if call.operation == "GetCallerIdentity" and variable.endswith("DYNAMODB") else identity(call)
    result = run("apply", "seed.yaml", input="")
    assert result.exit_code == 0, result.stderr
    assert tables(wire) == {("env-table", f"{endpoint}/")}


@pytest.mark.parametrize("endpoint", ["https://dynamodb.example.com", "http://localhost.example.com", "http://127.0.0.1.example.com"])
def test_another_endpoint_is_not_local(run: Run, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("PERMISSIONS_TABLE", "env-table")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
    wire.rule = emulated
    result = run("apply", "seed.yaml", input="n\n")
    assert result.exit_code == 2
    assert [call.operation for call in wire.calls] == ["GetItem"]


def test_an_endpoint_for_dynamodb_is_none_for_sts(run: Run, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERMISSIONS_TABLE", "env-table")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "https://vpce-1.dynamodb.eu-west-1.vpce.amazonaws.com")
    wire.rule = lambda call: answer({}) if call.service == "dynamodb" else None
    assert run("apply", "seed.yaml", "--yes").exit_code == 0
    assert [call.url for call in wire.calls if call.operation == "GetCallerIdentity"] == ["https://sts.eu-west-1.amazonaws.com/"]


def identity(call: Call) -> Answer:
    if call.operation != "GetCallerIdentity":
        return answer({})
    xml = b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>"
    return answer(xml)


def test_the_local_stack_is_written_to_without_a_question(run: Run, wire: AwsCalls, folder: Path) -> None:
    write_note(folder)
    wire.rule = identity
    assert run("apply", "seed.yaml", input="").exit_code == 0
    assert [call.url for call in wire.calls] == [f"{LOCAL}/"] * 3


def test_init_makes_the_table_that_the_tests_use(run: Run, dynamodb: Any, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("init", "--table", "new-table", input="y\n")
    assert result.exit_code == 0, result.stderr
    create_table(dynamodb, TABLE)
    made, ours = (dynamodb.describe_table(TableName=name)["Table"] for name in ("new-table", TABLE))
    for field in ("KeySchema", "AttributeDefinitions"):
        assert made[field] == ours[field]
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert made["DeletionProtectionEnabled"] is True
    assert made["SSEDescription"]["Status"] == "ENABLED"
    ttl = dynamodb.describe_time_to_live(TableName="new-table")["TimeToLiveDescription"]
    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    backups = dynamodb.describe_continuous_backups(TableName="new-table")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    assert run("apply", "seed.yaml", "--table", "new-table", "--yes").exit_code == 0


def test_init_asks_first(run: Run, dynamodb: Any, wire: AwsCalls) -> None:
    assert run("init", "--table", "new-table", input="n\n").exit_code == 2
    assert dynamodb.list_tables()["TableNames"] == []


def test_init_of_a_table_that_exists_changes_nothing(run: Run, target: Table) -> None:
    run("apply", "seed.yaml", "--yes")
    before = target.items()
    result = run("init", "--yes")
    assert result.exit_code == 4
    assert target.items() == before
