"""`python -m infra.deploy`, and `gatebook deploy` that starts it: whose account, which seeds, and how trouble ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import typer.testing
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from admin_api.cli.app import app
from admin_api.cli.commands import child
from admin_api.cli.commands import deploy as command
from infra import package
from infra.deploy import __main__ as deploy
from infra.deploy.deployment import Deployment
from infra.deploy.errors import DeployError
from infra.trim import PackageError
from tests.support.cloudformation import error

FILE = "dev: {region: eu-west-1, bucket: code}\nprod: {region: eu-west-1, bucket: code, account: '999999999999', seeds: [a.yaml, b.yaml]}\n"
DOCUMENT = "{api: petstore, routes: [GET /pets], groups: {guest: {allow: [GET /pets]}}}"


class Sts:
    """Says whose credentials these are."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/ann"}

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gatebook.deploy.yaml").write_text(FILE)
    monkeypatch.setattr(deploy, "_client", lambda _session, _service: Sts())
    # The process of the tests keeps its own.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return tmp_path


def noting(seen: list[Any], code: int = 0) -> Callable[[Any], int]:
    """Something that is called once and ends with a code; what it is called with is kept."""

    def note(given: Any) -> int:
        seen.append(given)
        return code

    return note


def runs(monkeypatch: pytest.MonkeyPatch, run: Callable[[Any], int]) -> None:
    """Let a deployment that everything is ready for do this."""
    monkeypatch.setattr(Deployment, "run", run)


def test_the_files_that_are_named_are_applied_and_else_those_of_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    runs(monkeypatch, noting(seen))
    assert deploy.main(["--env", "dev"]) == 0
    (folder / "seed_data").mkdir()
    (folder / "seed_data" / "dev.yaml").write_text(DOCUMENT)
    assert deploy.main(["--env", "dev", "--yes", "--accept-loss", "UserPool"]) == 0
    assert [each.seeds for each in seen] == [(deploy.SEEDS / "dev.yaml",), (Path("seed_data/dev.yaml"),)]
    wishes = seen[1].wishes
    assert (wishes.yes, wishes.dry_run, wishes.create_bucket, wishes.seeds, wishes.wait, wishes.accept_loss) == (
        True,
        False,
        False,
        True,
        True,
        ("UserPool",),
    )
    assert deploy.main(["--env", "dev", "--no-seeds", "--no-wait", "--dry-run", "--create-bucket"]) == 0
    wishes = seen[2].wishes
    assert (wishes.dry_run, wishes.create_bucket, wishes.seeds, wishes.wait) == (True, True, False, False)
    assert (seen[2].bucket.account, seen[2].bucket.region, seen[2].stack_of("x").name) == ("111122223333", "eu-west-1", "x")


def test_seeds_are_looked_through_before_anything_is_deployed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "gatebook.deploy.yaml").write_text(FILE.replace("account: '999999999999', ", ""))
    (folder / "a.yaml").write_text("{api: petstore, routes: [GET /pets], groups: {guest: {allow: [GET /cats]}}}")
    assert deploy.main(["--env", "prod"]) == 1
    told = capsys.readouterr()
    assert "error: a.yaml /groups/guest/allow/0: " in told.err
    assert "there is no b.yaml: name the files of `prod` as `seeds`" in told.err
    assert told.err.endswith("nothing was sent to AWS\n")
    assert told.out == ""


def test_credentials_of_another_account_deploy_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy.main(["--env", "prod", "--no-seeds", "--yes"]) == 2
    told = capsys.readouterr()
    assert "says that `prod` is account 999999999999, and these credentials are of 111122223333" in told.err
    assert told.out == "prod: account 111122223333, region eu-west-1, as arn:aws:iam::111122223333:user/ann\n"


@pytest.mark.parametrize(
    ("raised", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "stopped"),
        (DeployError("so it is", 3), 3, "error: so it is"),
        (PackageError("pip is not there"), 1, "error: pip is not there"),
        (
            EndpointConnectionError(endpoint_url="https://sts.eu-wst-1.amazonaws.com/"),
            4,
            "look at the network, and at `region` in gatebook.deploy.yaml",
        ),
        (NoCredentialsError(), 4, "error: there are no AWS credentials: run `aws configure`"),
        (
            error("CreateChangeSet", "AccessDenied", "not yours"),
            4,
            "error: AWS refuses CreateChangeSet to these credentials (AccessDenied): not yours",
        ),
        (error("DescribeStacks", "ExpiredToken", "old"), 4, "error: the AWS session has ended (ExpiredToken): sign in again"),
        (PermissionError(13, "Permission denied", "build"), 2, "error: build: Permission denied"),
        (OSError("broken"), 2, "error: gatebook.deploy.yaml: broken"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_what_goes_wrong_ends_with_words_and_a_code(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: BaseException, code: int, told: str
) -> None:
    def fail(_: Any) -> int:
        raise raised

    runs(monkeypatch, fail)
    assert deploy.main(["--env", "dev"]) == code
    assert told in capsys.readouterr().err


def test_a_signal_to_stop_is_ctrl_c() -> None:
    with pytest.raises(KeyboardInterrupt):
        deploy._stop(15, None)


def test_both_zips_are_built_and_seeds_are_applied_by_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    runs(monkeypatch, noting(seen))
    started: list[list[str]] = []

    def start(arguments: list[str], *, check: bool) -> "subprocess.CompletedProcess[bytes]":
        started.append(arguments)
        return subprocess.CompletedProcess(arguments, 3)

    monkeypatch.setattr(package, "build", lambda artefact, output, **how: output / f"{artefact.name}-{how['arch']}-{how['code_only']}.zip")
    monkeypatch.setattr(subprocess, "run", start)
    for given in ([], ["--yes"]):
        assert deploy.main(["--env", "dev", *given]) == 0
        assert seen[-1].package("x86_64") == (Path("build/authorizer-x86_64-False.zip"), Path("build/admin-x86_64-False.zip"))
        assert seen[-1].apply((Path("a.yaml"), Path("b.yaml")), "permissions") == 3
    called = [sys.executable, "-P", "-m", "admin_api.cli", "apply", "a.yaml", "b.yaml", "--table", "permissions", "--region", "eu-west-1"]
    assert started == [called, [*called, "--yes"]]


def test_a_client_gives_up_in_time() -> None:
    client = deploy._client(boto3.Session(region_name="eu-west-1"), "sts")
    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (5, 60)
    client.close()


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        (["--env", "dev"], ["--env=dev", "--file=gatebook.deploy.yaml", "--build-dir=build"]),
        (
            ["--env", "-x", "--file", "a.yaml", "--yes", "--dry-run", "--create-bucket", "--no-seeds", "--no-wait", "--build-dir", "b"],
            ["--env=-x", "--file=a.yaml", "--build-dir=b", "--yes", "--dry-run", "--create-bucket", "--no-seeds", "--no-wait"],
        ),
        (
            ["--env", "dev", "-y", "--accept-loss", "A", "--accept-loss", "B"],
            ["--env=dev", "--file=gatebook.deploy.yaml", "--build-dir=build", "--yes", "--accept-loss=A", "--accept-loss=B"],
        ),
    ],
)
def test_the_command_hands_its_options_on(monkeypatch: pytest.MonkeyPatch, arguments: list[str], passed: list[str]) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(command, "run_in_foreground", noting(started, 3))
    assert typer.testing.CliRunner().invoke(app, ["deploy", *arguments]).exit_code == 3
    assert started == [[sys.executable, "-P", "-m", "infra.deploy", *passed]]
    options = deploy._parse(passed)
    assert (options.env, options.seeds, options.wait) == (arguments[1], "--no-seeds" not in arguments, "--no-wait" not in arguments)


def test_the_command_ends_as_what_it_starts(folder: Path) -> None:
    """In processes of their own, as a pipeline runs them: a wrong file is told before AWS is asked."""
    (folder / "gatebook.deploy.yaml").write_text("dev: {regoin: eu-west-1}\n")
    environment = os.environ | {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "PYTHONPATH": str(package.ROOT)}
    line = [sys.executable, "-P", "-m", "admin_api.cli", "deploy", "--env", "dev"]
    ended = subprocess.run(line, cwd=folder, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "gatebook.deploy.yaml:1: `regoin` is no key of `dev`" in ended.stderr


def test_ctrl_c_is_the_childs_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both get it from the terminal, and whoever waits goes on waiting."""

    class Process:
        waits = 0

        def wait(self) -> int:
            self.waits += 1
            if self.waits == 1:
                raise KeyboardInterrupt
            return 130

        def terminate(self) -> None:
            self.waits = -1

    process = Process()
    handlers: list[Callable[..., None]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda _, env: process)
    monkeypatch.setattr(signal, "signal", lambda _, handler: handlers.append(handler))
    assert child.run_in_foreground(["x"]) == 130
    handlers[0]()
    assert process.waits == -1
