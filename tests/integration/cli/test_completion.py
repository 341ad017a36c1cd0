"""Shells complete commands, options and the names that were last read of the table, at once and without AWS."""

import inspect
import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import typer.testing
from typer.models import OptionInfo

from admin_api.cli import known_names
from admin_api.cli.app import app
from admin_api.cli.completion import COMMANDS, KINDS, completion_app
from admin_api.cli.known_names import ApiNames, keep_names, read_names, remembering
from admin_api.cli.overview import overview
from admin_api.cli.settings import Target, completed_line, names_file
from tests.integration.cli.conftest import Run
from tests.support.aws_calls import AwsCalls
from tests.support.tables import TABLE, Table, publish

# What completing a word has to do without: each takes a tenth of a second or more, or asks AWS.
SLOW = ("boto3", "botocore", "pynamodb", "rich", "yaml", "urllib3", "admin_api.publishing", "admin_api.schemas", "authorizer")

PETSTORE = """
api: petstore
routes: [GET /pets, "GET /pets/{petId}", POST /pets, "ANY /files/{proxy+}", "WS $connect"]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: [GET /pets]}
  Domain Admins: {allow: ["* /**"]}
  "x'$(id)": {allow: [GET /pets]}
clients: {5thirdparty: {allow: [GET /pets]}}
scopes: {pets/read: {allow: [GET /pets]}}
"""
TOYS = "{api: toys, routes: [GET /toys], groups: {keeper: {allow: [GET /toys]}}}"


@pytest.fixture
def cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where names are kept, in a folder of this test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder / "cache" / "gatebook" / "names.json"


@pytest.fixture
def known(run: Run, target: Table, cache: Path) -> Path:
    """A table that a command has read."""
    publish(PETSTORE)
    publish(TOYS)
    assert run("what-can", "--all-apis", "everyone").exit_code == 0
    return cache


def complete(*words: str, within: str = "bash") -> list[str]:
    """What a shell is offered for the last word, in this process."""
    line = " ".join(("gatebook", *words))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in protocol(line, within).items():
            patch.setenv(name, value)
        result = typer.testing.CliRunner().invoke(completion_app(completed_line()), [], prog_name="gatebook")
    assert result.exit_code == 0, result.output
    return [word for word in result.stdout.splitlines() if word]


def protocol(line: str, within: str) -> dict[str, str]:
    """The environment by which the script of a shell asks to complete a line. Its last word begins with a space if it is empty."""
    return {
        "_GATEBOOK_COMPLETE": f"complete_{within}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }


def started(script: str, environ: dict[str, str]) -> list[str]:
    """What `gatebook` prints in a process of its own."""
    code = f"import sys\nsys.argv = ['gatebook']\nfrom admin_api.cli.main import main\n{script}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ | environ)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout.splitlines()


def described(command: Any) -> str:
    """What a line of `COMMANDS` must say of a command."""
    words = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        held, info = get_args(parameter.annotation)
        types = [each for each in get_args(held) or (held,) if each is not type(None)]
        several = any(get_origin(each) is list for each in types) or get_origin(held) is list
        kind = get_args(types[0])[0] if get_origin(types[0]) is list else types[0]
        completed = [word for word, complete in KINDS.items() if complete is info.autocompletion]
        word = "FILE" if kind is Path else f"{{{','.join(kind)}}}" if issubclass(kind, Enum) else completed[0] if completed else "TEXT"
        if isinstance(info, OptionInfo):
            names = "/".join(name for name in (info.default, *(info.param_decls or ())) if isinstance(name, str))
            word = names if kind is bool else f"{names}={word}"
        words.append(word + "..." * several)
    return " ".join(words)


def test_what_is_completed_is_the_command_line() -> None:
    commands = {each.name: each.callback for each in app.registered_commands}
    [imports] = [each.typer_instance for each in app.registered_groups]
    assert imports is not None
    commands |= {f"import {each.name}": each.callback for each in imports.registered_commands}
    wanted = {name: described(inspect.unwrap(command)) for name, command in commands.items() if command is not None}
    # The lines to put into `admin_api/cli/completion.py`.
    assert wanted == COMMANDS


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("what",), ["what-can"]),
        (("plan", "--det"), ["--detailed-exitcode"]),
        (("import", "ser"), ["serverless"]),
        (("import", "openapi", "--base-path", "p"), ["prepend"]),
        (("deny", "petstore", "c"), ["client_id"]),
        (("export", ""), ["petstore", "toys"]),
        (("export", "pet"), ["petstore"]),
        (("promote", "toys", "p"), ["petstore"]),
        (("what-can", "petstore", "g"), ["group/Domain\\ Admins", "group/guest"]),
        (("what-can", "toys", ""), ["everyone", "group/keeper"]),
        (("what-can", "--all-apis", "group/k"), ["group/keeper"]),
        (("what-can", "--all-apis", "group/guest", "group/k"), ["group/keeper"]),
        (("what-can", "petstore", "scope/"), ["scope/pets/read"]),
        (("rename-group", "petstore", "gu"), ["guest"]),
        (("explain", "petstore", "P"), ["PATCH", "POST", "PUT"]),
        (("explain", "toys", ""), ["GET"]),
        (("explain", "petstore", "get", "/pets"), ["/pets", "/pets/\\{petId\\}"]),
        (("who-can", "petstore", "DELETE", "/"), ["/files/\\{proxy+\\}"]),
        (("explain", "petstore", "GET", "/pets", "--group", "g"), ["guest"]),
        (("explain", "petstore", "GET", "/pets", "--scope", ""), ["pets/read"]),
        (("matrix", "dev.yaml", "--api", "toys", "--route", "GET"), ["GET\\ /toys"]),
        (("matrix", "dev.yaml", "--group", "k"), ["keeper"]),
        (("export", "nothing"), []),
        (("export", "petstore", "--table", "other-table", ""), []),
        (("export", "--table", "other-table", ""), []),
        (("plan", "pet"), []),
        (("token", "g"), []),
    ],
)
def test_bash_is_offered(known: Path, words: tuple[str, ...], offered: list[str]) -> None:
    assert complete(*words) == offered


def test_zsh_and_fish_get_names_as_they_are(known: Path) -> None:
    assert complete("what-can", "petstore", "group/", within="fish") == ["group/Domain Admins", "group/guest"]
    zsh = " ".join(complete("what-can", "petstore", "group/", within="zsh"))
    for name in ('"group/Domain Admins"', '"group/guest"'):
        assert name in zsh


def test_a_name_that_a_shell_could_obey_is_not_offered(known: Path) -> None:
    assert "x'$(id)" in known.read_text()
    for shell in ("bash", "zsh", "fish"):
        assert not any("$" in each for each in complete("what-can", "petstore", "group/", within=shell))


def test_completing_waits_for_nothing_slow_and_asks_nobody(known: Path) -> None:
    script = "try: main()\nfinally: print(*sys.modules, sep='\\n')"
    loaded = started(script, protocol("gatebook what-can petstore group/gu", "bash"))
    assert loaded[0] == "group/guest"
    assert [name for name in loaded if name.startswith(SLOW)] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_shown_and_calls_the_command(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_GATEBOOK_COMPLETE", f"source_{shell}")
    shown = typer.testing.CliRunner().invoke(completion_app(""), [], prog_name="gatebook")
    assert f"_GATEBOOK_COMPLETE=complete_{shell}" in shown.stdout
    monkeypatch.delenv("_GATEBOOK_COMPLETE")
    helped = typer.testing.CliRunner().invoke(overview(), ["--help"]).stdout
    for option in ("--install-completion", "--show-completion"):
        assert option in helped


def test_names_of_the_local_stack_are_offered_from_its_note(cache: Path, folder: Path) -> None:
    (folder / ".gatebook").mkdir()
    note = {"table": "t", "region": "r", "aws_endpoint": "http://127.0.0.1:1", "access_key_id": "a", "secret_access_key": "of the stack"}
    (folder / ".gatebook" / "local.json").write_text(json.dumps(note))
    here = Target("t", "r", "http://127.0.0.1:1", ("a", "of the stack"), is_local=True)
    keep_names(cache, {(here.key, "petstore"): ApiNames(), (replace(here, endpoint="http://127.0.0.1:2").key, "toys"): ApiNames()}, 0)
    assert complete("export", "") == ["petstore"]
    (folder / ".gatebook" / "local.json").write_text("{")
    assert complete("export", "") == []


def test_what_is_kept_is_for_its_owner_alone_and_has_no_secret(known: Path) -> None:
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert stat.S_IMODE(known.parent.stat().st_mode) == 0o700
    assert [each.name for each in known.parent.iterdir()] == ["names.json"]
    for word in (TABLE, "testing", "eu-west-1", "5thirdparty", "arn:"):
        assert word not in known.read_text()


def test_publishing_is_a_read_too_and_a_failure_after_it_forgets_nothing(run: Run, target: Table, cache: Path, folder: Path) -> None:
    (folder / "toys.yaml").write_text(TOYS)
    assert run("plan", "toys.yaml").exit_code == 0
    assert not cache.exists()
    assert run("apply", "toys.yaml", "--yes").exit_code == 0
    assert [api for apis in json.loads(cache.read_text())["targets"].values() for api in apis] == ["toys"]
    publish(PETSTORE)
    assert run("rename-group", "petstore", "nobody", "somebody").exit_code == 2
    assert [api for apis in json.loads(cache.read_text())["targets"].values() for api in apis] == ["toys", "petstore"]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "null", '{"schema": 1}', '{"schema": 2, "targets": {}}', '{"schema": 1, "targets": []}', "[" * 100_000),
        *('{"schema": 1, "targets": {"KEY": 1}}', '{"schema": 1, "targets": {"KEY": {"petstore": null}}}'),
        '{"schema": 1, "targets": {"KEY": {"petstore": {"read": 1, "groups": [1], "scopes": [], "routes": []}}}}',
        '{"schema": 1, "targets": {"KEY": {"petstore": {"read": 1, "groups": "guest", "scopes": [], "routes": []}}}}',
        '{"schema": 1, "targets": {"KEY": {"petstore": {"read": "x", "groups": [], "scopes": [], "routes": []}}}}',
        "x" * (known_names.MAX_BYTES + 1),
    ],
    ids=range(14),
)
def test_a_damaged_file_is_ignored_and_written_anew(run: Run, target: Table, cache: Path, text: str) -> None:
    publish(PETSTORE)
    cache.parent.mkdir(parents=True)
    key = Target(TABLE, "eu-west-1", None, None, is_local=False).key
    cache.write_text(text.replace("KEY", key))
    assert read_names(cache, key) == {}
    assert run("export", "petstore").exit_code == 0
    assert list(read_names(cache, key)) == ["petstore"]


def test_a_file_that_is_no_text_is_ignored(known: Path) -> None:
    known.write_bytes(b"\xff")
    assert complete("export", "") == []
    known.unlink()
    known.mkdir()
    assert complete("export", "") == []


def test_a_folder_that_cannot_be_written_to_is_no_trouble(run: Run, target: Table, wire: AwsCalls) -> None:
    publish(PETSTORE)
    assert names_file() == Path(os.devnull) / "gatebook" / "names.json"
    assert run("export", "petstore").exit_code == 0


def test_the_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "names.json"
    many = ApiNames(groups=tuple(f"group-{number}" for number in range(3000)))
    for number in range(40):
        keep_names(path, {("t", f"api-{number}"): many}, number)
    held = read_names(path, "t")
    assert path.stat().st_size <= known_names.MAX_BYTES
    assert len(held["api-39"].groups) == known_names.MAX_NAMES
    assert "api-0" not in held
    assert 10 < len(held) < 40
    monkeypatch.setattr(known_names, "MAX_BYTES", 100)
    keep_names(path, {("t", "large"): many}, 50)
    assert read_names(path, "t") == {}


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "names.json"
    keep_names(path, {("t", "a"): ApiNames()}, 1)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        keep_names(path, {("t", "b"): ApiNames()}, 2)
    assert list(read_names(path, "t")) == ["a"]
    assert [each.name for each in tmp_path.iterdir()] == ["names.json"]


def test_without_a_home_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    assert names_file({"XDG_CACHE_HOME": "relative"}) == Path.home() / ".cache" / "gatebook" / "names.json"
    monkeypatch.setattr(Path, "home", homeless)
    assert names_file({}) is None
    with remembering(None):
        known_names.notice("t", "a", ApiNames())
    assert read_names(None, "t") == {}
    known_names.notice("t", "a", ApiNames())
