"""plan, apply, export and log: what they print and how they end."""

from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ReadTimeoutError

from tests.integration.cli.conftest import Run, parsed
from tests.support.aws_calls import Answer, AwsCalls, Call, answer, error
from tests.support.chain import verify_chain
from tests.support.tables import Table, publish

SEED = """\
api: petstore
routes: [GET /pets, POST /pets, "GET /pets/{petId}"]
everyone: {allow: [GET /pets]}
groups:
  guest: {}
  owner: {inherits: [guest], allow: [{route: "GET /pets/{petId}", where: {petId: sub}}]}
"""
OTHER = "api: admin\nroutes: [GET /]\n"


@pytest.fixture
def seed(folder: Path) -> Path:
    file = folder / "seed.yaml"
    file.write_text(SEED)
    return file


def test_a_plan_says_what_would_change_and_writes_nothing(run: Run, target: Table, seed: Path) -> None:
    result = run("plan", "seed.yaml")
    assert result.exit_code == 0
    assert "petstore: version 0 becomes 1" in result.stdout
    assert "Nothing is written yet" in result.stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "+ gains everyone GET /pets nothing allowed" in lines
    assert "+ gains group/owner GET /pets/{petId} nothing allowed where {petId} = sub" in lines
    assert "rows: everyone: new, group/guest: new, group/owner: new, routes: new" in lines
    assert "gatebook-test" in result.stderr
    assert target.items() == {}


def test_nothing_of_a_plan_is_lost_in_a_narrow_pipe(run: Run, target: Table, folder: Path) -> None:
    route = f"/{'a' * 120}/{{{'b' * 60}}}"
    (folder / "seed.yaml").write_text(f"api: petstore\nroutes: ['GET {route}']\ngroups: {{{'g' * 90}: {{allow: ['* /**']}}}}\n")
    result = run("plan", "seed.yaml")
    assert f"GET {route}" in result.stdout
    assert f"group/{'g' * 90}" in result.stdout


def test_apply_publishes_and_a_second_time_changes_nothing(run: Run, target: Table, seed: Path) -> None:
    result = run("apply", "seed.yaml", "--yes", "--reason", "first seeds", "--author", "Jane")
    assert result.exit_code == 0, result.stderr
    head = target.get("api#petstore", "head")
    assert f"published petstore version 1, hash {head['hash']}" in result.stdout
    record = target.get("api#petstore", "version#000000000001")
    assert record["author"] == "arn:aws:sts::123456789012:user/moto"
    assert (record["on_behalf_of"], record["reason"]) == ("Jane", "first seeds")
    assert verify_chain(target.items(), "petstore") == 1
    before = target.items()
    again = run("apply", "seed.yaml", "--yes")
    assert again.exit_code == 0
    assert "nothing to change, version 1 already holds this document" in again.stdout
    assert target.items() == before


def test_the_file_is_the_reason_if_none_is_given(run: Run, target: Table, seed: Path) -> None:
    run("apply", "seed.yaml", "--yes")
    assert target.get("api#petstore", "version#000000000001")["reason"] == "apply seed.yaml"


def test_several_documents_of_several_files(run: Run, target: Table, seed: Path, folder: Path) -> None:
    (folder / "more.json").write_text('{"api": "third", "routes": ["GET /"]}')
    seed.write_text(f"{SEED}---\n{OTHER}")
    result = run("apply", "seed.yaml", "more.json", "--yes", "--json")
    assert [(one["api"], one["version"]) for one in parsed(result)] == [("petstore", 1), ("admin", 1), ("third", 1)]


def test_json_of_plan_and_apply(run: Run, target: Table, seed: Path) -> None:
    (planned,) = parsed(run("plan", "seed.yaml", "--json"))
    verdicts = planned.pop("token_scope")
    assert [(v["callers_in"], v["expressible"]) for v in verdicts] == [
        ([], True),
        (["group/guest"], True),
        (["group/owner"], True),
        (["group/guest", "group/owner"], True),
    ]
    assert planned == {
        "api": "petstore",
        "base_version": None,
        "version": 1,
        "hash": None,
        "changed": True,
        "dry_run": True,
        "parts": 1,
        "rows": ["everyone: new", "group/guest: new", "group/owner: new", "routes: new"],
        "rows_in_all": 4,
        "access_in_all": 2,
        "token_scope_in_all": 4,
        "flushed": [],
        "findings": [],
        "findings_in_all": 0,
        "notes": [],
        "rules": [],
        "access": [
            {
                "subject": "everyone",
                "route": "GET /pets",
                "before": "nothing",
                "after": "allowed",
                "sentence": "everyone gains GET /pets",
            },
            {
                "subject": "group/owner",
                "route": "GET /pets/{petId}",
                "before": "nothing",
                "after": "allowed where {petId} = sub",
                "sentence": "group/owner gains GET /pets/{petId} where {petId} = sub",
            },
        ],
    }
    (applied,) = parsed(run("apply", "seed.yaml", "--yes", "--json"))
    now_at = target.get("api#petstore", "head")["hash"]
    assert applied == planned | {"token_scope": verdicts, "dry_run": False, "hash": now_at}
    (again,) = parsed(run("apply", "seed.yaml", "--yes", "--json"))
    assert (again["changed"], again["parts"], again["base_version"], again["version"], again["hash"]) == (False, 0, 1, 1, now_at)


def test_an_export_is_yaml_that_apply_takes_back(run: Run, target: Table, seed: Path, folder: Path) -> None:
    run("apply", "seed.yaml", "--yes")
    result = run("export", "petstore")
    assert result.exit_code == 0
    exported = yaml.safe_load(result.stdout)
    assert exported["groups"]["guest"] == {}
    (folder / "exported.yaml").write_text(result.stdout)
    assert "nothing to change" in run("plan", "exported.yaml").stdout
    assert parsed(run("export", "petstore", "--json")) == exported


def test_an_export_survives_names_that_look_like_something_else(run: Run, target: Table, folder: Path) -> None:
    names = ["on", "123", "1.5", "~", "null", "2026-12-01", "🦊", "[bold]", "a: b"[:2] + "b", "#x", "*x", "&x", "!x", "x" * 200, "<<", "="]
    publish({"api": "petstore", "routes": ["GET /pets"], "groups": {name: {"allow": ["GET /pets"]} for name in names}})
    (folder / "exported.yaml").write_text(run("export", "petstore").stdout)
    result = run("plan", "exported.yaml")
    assert "nothing to change" in result.stdout, result.stderr


def test_the_log_tells_who_did_what(run: Run, target: Table, seed: Path) -> None:
    run("apply", "seed.yaml", "--yes", "--reason", "first [bold]seeds[/bold]", "--author", "Jane")
    seed.write_text(SEED.replace("everyone: {allow: [GET /pets]}", "everyone: {}"))
    run("apply", "seed.yaml", "--yes", "--reason", "second")
    text = run("log", "petstore").stdout
    for word in ("first [bold]seeds[/bold]", "second", "for Jane", "arn:aws:sts::123456789012:user/moto", "everyone loses GET /pets"):
        assert word in text
    records = parsed(run("log", "petstore", "--json"))
    assert [record["version"] for record in records] == [2, 1]
    assert records[0]["parent_hash"] == records[1]["hash"]
    assert records[0]["changes"] == ["everyone loses GET /pets"]
    assert [t["pk"] for t in records[0]["touched"]] == ["api#petstore#subject#everyone/"]
    assert [record["version"] for record in parsed(run("log", "petstore", "--json", "--limit", "1"))] == [2]


def test_a_long_history_is_read_to_its_end(run: Run, target: Table) -> None:
    for number in range(105):
        publish({"api": "petstore", "routes": ["GET /pets", f"GET /{number % 2}"]})
    records = parsed(run("log", "petstore", "--json", "--limit", "1000"))
    assert [record["version"] for record in records] == list(range(105, 0, -1))


@pytest.mark.parametrize("command", ["export", "log"])
def test_an_api_that_was_never_published_is_a_mistake_of_usage(run: Run, target: Table, command: str) -> None:
    result = run(command, "petstore")
    assert result.exit_code == 2
    assert "`petstore`" in result.stderr


def test_somebody_else_was_first(run: Run, target: Table, seed: Path, wire: AwsCalls) -> None:
    def rule(call: Call) -> None:
        if call.operation == "GetCallerIdentity":
            wire.rule = None
            publish(OTHER.replace("admin", "petstore"))

    wire.rule = rule
    result = run("apply", "seed.yaml", "--yes")
    assert result.exit_code == 3
    assert "changed by somebody else" in result.stderr
    assert target.get("api#petstore", "head")["version"] == 1


def refusal(call: Call, code: str) -> Answer:
    """An error in the protocol of the service that is called, or silence."""
    if code == "silence":
        return ReadTimeoutError(endpoint_url=call.url)
    status = 500 if code == "InternalServerError" else 400
    xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>"
    return answer(xml.encode(), status) if call.service == "sts" else error(code, status)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "InternalServerError", "silence"])
@pytest.mark.parametrize("operation", ["GetItem", "TransactWriteItems", "GetCallerIdentity"])
def test_trouble_with_aws_ends_with_4(run: Run, target: Table, seed: Path, wire: AwsCalls, code: str, operation: str) -> None:
    wire.rule = lambda call: refusal(call, code) if call.operation == operation else None
    result = run("apply", "seed.yaml", "--yes")
    assert result.exit_code == 4
    assert result.stderr.count("error:") == 1
    assert target.items() == {}


def test_an_item_that_cannot_be_read_is_trouble(run: Run, target: Table, seed: Path) -> None:
    run("apply", "seed.yaml", "--yes")
    target.change("api#petstore#routes", "000000000001", content="{")
    result = run("plan", "seed.yaml")
    assert result.exit_code == 4
    assert "api#petstore#routes" in result.stderr


def test_a_large_change_says_in_how_many_parts(run: Run, target: Table, folder: Path) -> None:
    groups = ", ".join(f"g{n}: {{}}" for n in range(60))
    (folder / "seed.yaml").write_text(f"api: petstore\nroutes: [GET /pets]\ngroups: {{{groups}}}\n")
    assert "version 0 becomes 2, in 2 parts" in run("plan", "seed.yaml").stdout
    result = run("apply", "seed.yaml", "--yes")
    assert result.exit_code == 0
    assert "published petstore version 2" in result.stdout
    assert "nothing to change" in run("plan", "seed.yaml").stdout


def test_a_row_that_no_item_can_hold_is_a_finding(run: Run, target: Table, folder: Path) -> None:
    routes = ", ".join(f"GET /{'x' * 200}/{n}" for n in range(2000))
    (folder / "seed.yaml").write_text(f"api: petstore\nroutes: [{routes}]\n")
    result = run("apply", "seed.yaml", "--yes")
    assert result.exit_code == 1
    assert "an item takes 390000" in result.stderr
    assert target.items() == {}


def test_no_command_ends_in_a_traceback_for_wrong_arguments(run: Run) -> None:
    for arguments in ([], ["plan"], ["apply"], ["export"], ["log", "x", "--limit", "0"], ["nothing"], ["plan", "--wrong", "x"]):
        assert run(*arguments).exit_code == 2, arguments
