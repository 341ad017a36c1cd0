"""What the tools do for large documents: calls, policies that are compiled, and lines of Python, none of which depends on the machine."""

import json
import threading
from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import typer.testing
import yaml

from admin_api.analysis import token_scope
from admin_api.cli.app import app
from admin_api.documents.files import read_file
from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.table.history import AT_ONCE, IN_TURN
from authorizer.errors import TroubleError
from authorizer.policy.iam.token_policy import RefusalReason, compile_token
from tests.integration.rest.client import Client
from tests.support.aws_calls import AwsCalls, Call, error
from tests.support.clock import Clock
from tests.support.large_documents import large_document
from tests.support.steps import steps
from tests.support.tables import TABLE, Table, document, opened, publish

SIZES = (3, 60)

LINEAR = 1.3


def read_once(groups: int) -> dict[str, int]:
    """The head; the record, the registry, the catalogue, the rules, `everyone`, and each group."""
    return {"GetItem": 1, "Query": 5 + groups}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "large.yaml"


def write(file: Path, value: dict[str, Any]) -> None:
    file.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")


def run(*arguments: str) -> str:
    result = typer.testing.CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each policy that is compiled, whether with guards."""
    calls: list[bool] = []

    def counted(*args: Any, guards: bool = False) -> Any:
        calls.append(guards)
        return compile_token(*args, guards=guards)

    monkeypatch.setattr(token_scope, "compile_token", counted)
    return calls


@pytest.mark.parametrize("groups", SIZES)
def test_a_file_that_changes_nothing_costs_a_read(
    table: Table, wire: AwsCalls, file: Path, groups: int, compiled: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERMISSIONS_TABLE", TABLE)
    value = large_document(80, groups, 10)
    write(file, value)
    PermissionService(opened(), Clock()).apply(
        PermissionService(opened(), Clock()).plan(document(value), 0), author="jane", reason="a test", from_file=True
    )
    compiled.clear()
    for command in (("plan",), ("apply", "--yes")):
        wire.take()
        assert "nothing to change" in run(*command, str(file))
        assert Counter(wire.operations()) == read_once(groups)
    assert compiled == [], "nobody sees verdicts on what stays as it is"
    [planned] = json.loads(run("plan", "--json", str(file)))
    assert planned["token_scope"]
    assert len(compiled) >= len(planned["token_scope"])


@pytest.mark.parametrize("groups", SIZES)
def test_a_dry_run_costs_a_read(table: Table, wire: AwsCalls, groups: int, compiled: list[bool]) -> None:
    clock = Clock()
    publish(large_document(80, groups, 10), clock=clock)
    client = Client(AdminApi(PermissionService(opened(), clock), now=clock, flush=lambda _: (), clock=clock))
    compiled.clear()
    wire.take()
    reply = client.put("/v1/apis/large/subjects/groups/team-001", {"allow": ["GET /**"]}, if_match="*", query={"dry_run": "true"})
    assert reply.status == 200, reply.body
    assert Counter(wire.operations()) == read_once(groups)
    assert compiled.count(False) == reply.body["token_scope_in_all"]


def test_where_a_document_enforces_token_scope_it_is_judged_though_it_stays(table: Table, compiled: list[bool]) -> None:
    value = {"api": "x", "enforced": ["token"], "routes": ["GET /a"], "groups": {"g": {"allow": ["GET /a"]}}}
    publish(value)
    compiled.clear()
    plan = PermissionService(opened(), Clock()).plan(document(value), judge_unchanged=False)
    assert (plan.is_empty, compiled) == (True, [False, False])


def test_a_policy_is_compiled_again_only_where_guards_may_help(compiled: list[bool]) -> None:
    """Two groups: one may do so much that its policy is too large, of the other's routes one takes in another that it may not use."""
    value = large_document(400, 1, 150)
    value["routes"] += ["GET /a/{x}", "GET /a/{x}/b"]
    value["groups"] = {"many": value["groups"]["team-000"], "apart": {"allow": ["GET /a/{x}"]}}
    judged = document(value)
    found = list(token_scope.token_verdicts(judged, token_scope.caller_kinds(judged), 0))
    reasons = {" ".join(ref.name for ref in one.refs): one.refusal.reason for one in found if one.refusal}
    assert reasons["many"] is RefusalReason.TOO_LARGE
    assert reasons["apart"] is RefusalReason.INEXACT
    assert compiled == [False, False, True, False, False, True], "with guards for `apart`, and for whoever is in both"


def test_rows_are_read_at_once_and_not_more_than_there_are_connections(table: Table, wire: AwsCalls) -> None:
    publish(large_document(80, AT_ONCE * IN_TURN, 2))
    arrivals = count()
    together = threading.Barrier(AT_ONCE, timeout=60)

    def meet(call: Call) -> None:
        # Nobody gets through before the last of them is there, so that this ends only if all of them read at the same time.
        if is_row(call) and next(arrivals) < AT_ONCE:
            together.wait()

    wire.take()
    wire.rule = meet
    PermissionService(opened(), Clock()).published("large")
    assert len({call.thread for call in wire.take() if is_row(call)}) == AT_ONCE


def is_row(call: Call) -> bool:
    return call.operation == "Query" and "#subject#" in call.partition


def test_few_rows_are_read_by_one_thread(table: Table, wire: AwsCalls) -> None:
    publish(large_document(80, IN_TURN - 1, 2))
    wire.take()
    PermissionService(opened(), Clock()).published("large")
    assert {call.thread for call in wire.take()} == {threading.current_thread()}


def test_a_row_that_cannot_be_read_ends_the_reading(table: Table, wire: AwsCalls) -> None:
    publish(large_document(80, 60, 2))
    wire.rule = lambda call: error("ProvisionedThroughputExceededException") if call.partition.endswith("group/team-007") else None
    with pytest.raises(TroubleError, match="ProvisionedThroughputExceededException"):
        PermissionService(opened(), Clock()).published("large")


def test_reading_a_file_grows_with_its_length(file: Path) -> None:
    def read(groups: int) -> int:
        write(file, large_document(80, groups, 40))

        def work() -> None:
            read_file(file)[0].parse()

        return steps(work)

    assert read(40) < 4 * LINEAR * read(10)


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml here")
def test_plain_yaml_is_parsed_in_c(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(file, large_document(80, 5, 40))
    fast = steps(lambda: read_file(file))
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert 5 * fast < steps(lambda: read_file(file))


@pytest.mark.parametrize("is_changed", [False, True])
def test_comparing_documents_grows_with_their_length(table: Table, *, is_changed: bool) -> None:
    def compared(groups: int) -> int:
        value = large_document(80, groups, 10, f"large{groups}{is_changed}")
        publish(value)
        service = PermissionService(opened(), Clock())
        published = service.published(value["api"])
        value["groups"]["team-000"]["allow"] = ["GET /**"] if is_changed else value["groups"]["team-000"]["allow"]
        new = document(value)
        return steps(lambda: service.plan_from(published, new, 0))

    # Nine groups inherit from the one that changes, however many there are.
    assert compared(80) < 4 * LINEAR * compared(20)
