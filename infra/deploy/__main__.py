"""`python -m infra.deploy`: package, upload, show the changes, ask, deploy, apply the seeds."""

import argparse
import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError
from rich.console import Console

from admin_api.cli.aws_trouble import told
from admin_api.documents.files import read_file
from authorizer.policy.problems import DocumentError
from infra import package
from infra.deploy.bucket import CodeBucket
from infra.deploy.deploy_file import DEFAULT_NAME, Environment, read_environment
from infra.deploy.deployment import Deployment, Wishes
from infra.deploy.errors import FAILED, INTERRUPTED, TROUBLE, USAGE, DeployError
from infra.deploy.stack import POLL_SECONDS, Stack
from infra.deploy.talk import Talk
from infra.deploy.template import Template, read_template
from infra.trim import PackageError

TEMPLATES = Path(__file__).resolve().parent.parent
SEEDS = package.ROOT / "seed_data"


def main(arguments: list[str] | None = None) -> int:
    """Deploy, and return the exit code: 0 done, 1 it failed, 2 the call or the file is wrong, 3 somebody else is at work, 4 trouble with AWS, 130 Ctrl-C."""
    options = _parse(arguments)
    talk = Talk(Console(), is_interactive=sys.stdin.isatty())
    errors = Talk(Console(stderr=True), is_interactive=False)
    # A pipeline that is stopped says as much as a person who presses Ctrl-C gets to know.
    signal.signal(signal.SIGTERM, _stop)
    try:
        return _run(options, talk)
    except KeyboardInterrupt:
        errors.say("stopped")
        return INTERRUPTED
    except (DeployError, PackageError, BotoCoreError, ClientError, OSError) as error:
        words, code = _told(error, options.file)
        errors.say(f"error: {words}")
        return code


def _told(error: Exception, file: Path) -> tuple[str, int]:
    """Return an error in words that name the next step, and its exit code."""
    if isinstance(error, DeployError):
        return str(error), error.exit_code
    if isinstance(error, PackageError):
        return str(error), FAILED
    if isinstance(error, EndpointConnectionError):
        return f"no answer from {error.kwargs['endpoint_url']}: look at the network, and at `region` in {file}", TROUBLE
    if isinstance(error, OSError):
        return f"{error.filename or file}: {error.strerror or error}", USAGE
    return told(error), TROUBLE


def _run(options: argparse.Namespace, talk: Talk) -> int:
    base, sample = (read_template(TEMPLATES / name) for name in ("template.yaml", "sample_api.yaml"))
    environment = read_environment(options.file, options.env, base, sample)
    seeds = _seeds(environment, options.file) if options.seeds else (environment.seeds or ())
    session = boto3.Session(region_name=environment.region)
    with contextlib.ExitStack() as opened:

        def client(service: str) -> Any:
            return opened.enter_context(contextlib.closing(_client(session, service)))

        account = _account(client("sts"), environment, talk, options.file)
        return _deployment(options, environment, (base, sample), client, account, talk, seeds).run()


def _deployment(
    options: argparse.Namespace,
    environment: Environment,
    templates: tuple[Template, Template],
    client: Callable[[str], Any],
    account: str,
    talk: Talk,
    seeds: tuple[Path, ...],
) -> Deployment:
    cloudformation = client("cloudformation")

    def packaged(architecture: str) -> tuple[Path, Path]:
        talk.say(f"packaging for {architecture}", "dim")
        authorizer, admin = (
            package.build(each, options.build_dir, code_only=options.code_only, arch=architecture)
            for each in (package.AUTHORIZER, package.ADMIN)
        )
        return authorizer, admin

    def apply(files: tuple[Path, ...], table: str) -> int:
        command = [sys.executable, "-P", "-m", "admin_api.cli", "apply", *map(str, files), "--table", table, "--region", environment.region]
        command += ["--yes"] if options.yes else []
        talk.console.file.flush()
        return subprocess.run(command, check=False).returncode

    return Deployment(
        environment=environment,
        base=templates[0],
        sample=templates[1],
        wishes=Wishes(
            yes=options.yes,
            dry_run=options.dry_run,
            create_bucket=options.create_bucket,
            seeds=options.seeds,
            wait=options.wait,
            accept_loss=tuple(options.accept_loss),
        ),
        talk=talk,
        bucket=CodeBucket(client("s3"), environment.bucket, environment.region, account),
        stack_of=lambda name: Stack(cloudformation, name, time.sleep, options.poll_seconds),
        package=packaged,
        apply=apply,
        seeds=seeds or (_default_seeds(environment.name, options.file),),
        release=version("gatebook"),
    )


def _client(session: boto3.Session, service: str) -> Any:
    untyped: Any = session
    return untyped.client(service, config=Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 5}))


def _account(sts: Any, environment: Environment, talk: Talk, file: Path) -> str:
    """Return the account of the credentials. Raises `DeployError` if the file names another one."""
    identity = sts.get_caller_identity()
    account = str(identity["Account"])
    talk.say(f"{environment.name}: account {account}, region {environment.region}, as {identity['Arn']}", "dim")
    if environment.account not in (None, account):
        raise DeployError(
            f"{file} says that `{environment.name}` is account {environment.account}, and these credentials are of {account}: "
            "name a profile of the right one with AWS_PROFILE",
            USAGE,
        )
    return account


def _default_seeds(name: str, file: Path) -> Path:
    """Return `seed_data/NAME.yaml` beside the file, or this release's own."""
    beside = file.parent / "seed_data" / f"{name}.yaml"
    return beside if beside.exists() else SEEDS / f"{name}.yaml"


def _seeds(environment: Environment, file: Path) -> tuple[Path, ...]:
    """Return the files with permissions, looked through before anything is deployed. Raises `DeployError` with their problems."""
    files = environment.seeds or (_default_seeds(environment.name, file),)
    problems = []
    for each in files:
        if not each.exists():
            problems.append(
                f"there is no {each}: name the files of `{environment.name}` as `seeds` in {file}, or leave them out with --no-seeds"
            )
            continue
        try:
            for document in read_file(each):
                document.parse()
        except DocumentError as error:
            problems += [f"{each}{problem.pointer and f' {problem.pointer}'}: {problem.message}" for problem in error.problems]
    if problems:
        raise DeployError("\n".join([*problems, "nothing was sent to AWS"]), FAILED)
    return files


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy", description="deploy an environment with CloudFormation")
    parser.add_argument("--env", required=True, help="an environment of the file, such as dev")
    parser.add_argument("--file", type=Path, default=Path(DEFAULT_NAME), help="what the environments are (default: %(default)s)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show the changes and make none")
    parser.add_argument("--create-bucket", action="store_true", help="make the bucket for code if there is none")
    parser.add_argument("--no-seeds", dest="seeds", action="store_false", help="leave permissions as they are")
    parser.add_argument("--no-wait", dest="wait", action="store_false", help="stop if somebody else works on a stack")
    parser.add_argument(
        "--accept-loss", action="append", default=[], metavar="RESOURCE", help="a table or user pool that --yes may replace or remove"
    )
    parser.add_argument("--build-dir", type=Path, default=Path("build"), help="folder for the zips (default: %(default)s/)")
    parser.add_argument("--code-only", action="store_true", help="leave the dependencies out of the zips, for an emulator")
    parser.add_argument("--poll-seconds", type=float, default=POLL_SECONDS, help="how often to look (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
