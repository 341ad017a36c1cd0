"""The commands of docs/recovery.md, run as they stand and in their order: each ends well, and the permissions are what the page says."""

import json
import re
import shlex
from typing import Any

import pytest
from botocore import xform_name

from tests.architecture.readme import ROOT, Page
from tests.integration.cli.conftest import Run
from tests.support.tables import Table, create_table, open_table, publish

TABLE = "gatebook-permissions"
PAGE = Page((ROOT / "docs/recovery.md").read_text(encoding="utf-8"))
LINES = [re.split(r"\s+#", line.removeprefix("$ "))[0] for block in PAGE.blocks("console") for line in block.splitlines()]
REVIEWED = "{api: petstore, routes: [GET /pets, POST /pets], everyone: {allow: [GET /pets]}, clients: {5reporting: {allow: [GET /pets]}}}"
WIDER = REVIEWED.replace("everyone: {allow: [GET /pets]}", 'everyone: {allow: ["* /**"]}')


@pytest.fixture
def lived_in(dynamodb: Any, wire: Any, monkeypatch: pytest.MonkeyPatch) -> Table:
    """A table as the page's reader has one, with point-in-time recovery."""
    monkeypatch.setenv("PERMISSIONS_TABLE", TABLE)
    create_table(dynamodb, TABLE)
    dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    open_table(TABLE, "eu-west-1")
    publish(REVIEWED)
    publish(WIDER)
    return Table(dynamodb, TABLE)


def of_dynamodb(dynamodb: Any, words: list[str]) -> None:
    """Make a call as `aws dynamodb` would."""
    operation, *rest = words
    waits = operation == "wait"
    if waits:
        operation = rest.pop(0)
    shape = dynamodb.meta.service_model.operation_model("DescribeTable" if waits else _operation(dynamodb, operation)).input_shape
    names = {f"--{xform_name(name, '-')}": name for name in shape.members}
    given = {names[option]: value for option, value in zip(rest[::2], rest[1::2], strict=True)}
    if waits:
        dynamodb.get_waiter(operation.replace("-", "_")).wait(**given)
    else:
        getattr(dynamodb, operation.replace("-", "_"))(**given)


def _operation(dynamodb: Any, name: str) -> str:
    [found] = [each for each in dynamodb.meta.service_model.operation_names if xform_name(each, "-") == name]
    return str(found)


def test_the_commands_do_what_the_page_says(run: Run, lived_in: Table) -> None:
    ran = 0
    for line in LINES:
        sent: str | bytes = "y\n"
        for piece in line.split(" | "):
            program, *words = shlex.split(piece)
            if program == "aws":
                if words[0] == "dynamodb":
                    of_dynamodb(lived_in.dynamodb, words[1:])
                continue
            assert program == ".venv/bin/gatebook"
            result = run(*words, input=sent)
            assert result.exit_code == 0, (piece, result.output)
            sent = result.stdout_bytes
            ran += 1
    assert ran > 20
    histories = {name: Table(lived_in.dynamodb, name).items() for name in (TABLE, "gatebook-permissions-2", "gatebook-restored")}
    held = {name: json.loads(str(newest(items, "api#petstore#subject#everyone/"))) for name, items in histories.items()}
    assert {name: each["held"]["allow"] for name, each in held.items()} == {name: ["* /**"] for name in histories}


def newest(items: dict[tuple[str, str], Any], pk: str) -> Any:
    """The content of a partition's newest row."""
    return items[max(key for key in items if key[0] == pk)]["content"]
