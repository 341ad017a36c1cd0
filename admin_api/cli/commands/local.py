"""Commands around the local stack: up, down, token."""

import base64
import fcntl
import hashlib
import hmac
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer

from admin_api.cli.aws_trouble import works_on
from admin_api.cli.commands.child import module_command, run_in_foreground
from admin_api.cli.render import output
from admin_api.cli.settings import LOCAL_STATE, TargetError, local_target, read_local_stack

_START_SECONDS = 180
_STOP_SECONDS = 20

_READY = LOCAL_STATE / "ready"
_LOG = LOCAL_STATE / "local.log"


def up(
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when the stack answers, and leave it running.")] = False,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port on the loopback address.")] = None,
) -> None:
    """Start the local stack: an AWS emulator with the real templates deployed, seeds applied and users to sign in as.

    Example: gatebook up --detach"""
    command = stack_command(port)
    if not detach:
        raise typer.Exit(run_in_foreground(command))
    LOCAL_STATE.mkdir(mode=0o700, exist_ok=True)
    _READY.unlink(missing_ok=True)
    with _LOG.open("w") as log:
        child = subprocess.Popen(  # noqa: S603  # our own module, started with our own interpreter
            [*command, "--ready-file", str(_READY), "--no-tour"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with output.ERR.status("starting the local stack"):
        _wait_until_ready(child)
    output.OUT.print(f"The local stack runs: {LOCAL_STATE / 'local.json'} says how to reach it, `gatebook down` stops it.", highlight=False)


def stack_command(port: int | None) -> list[str]:
    """Return the command that runs the local stack of this folder: `stack_command(4570)` ends in `--port 4570`."""
    command = module_command("infra.local", "--state-dir", str(LOCAL_STATE))
    return [*command, "--port", str(port)] if port else command


def down() -> None:
    """Stop the local stack that runs with the state of this folder. Its state stays for the next start.

    Example: gatebook down"""
    pid = _running_pid()
    if pid is None:
        output.OUT.print("no local stack is running here")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    with output.ERR.status("stopping the local stack"):
        while _running_pid() is not None:
            if time.monotonic() > deadline:
                output.print_error(f"process {pid} has not stopped within {_STOP_SECONDS} s: see {_LOG}")
                raise typer.Exit(1)
            time.sleep(0.1)
    output.OUT.print("stopped; its state is kept")


def token(
    user: Annotated[str, typer.Argument(help="One of the local stack's users, such as guest.", show_default=False)],
) -> None:
    """Sign in to the local stack's Cognito as USER and print the access token, for use in `curl`.

    Example: gatebook token guest"""
    local = read_local_stack()
    works_on(local_target(local))
    if user not in local["users"]:
        raise TargetError(f"there is no user `{user}`: there are {', '.join(sorted(local['users']))}")
    client: Any = boto3.client(
        "cognito-idp",
        region_name=local["region"],
        endpoint_url=local["aws_endpoint"],
        aws_access_key_id=local["access_key_id"],
        aws_secret_access_key=local["secret_access_key"],
    )
    answer = client.initiate_auth(
        ClientId=local["client_id"],
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": user,
            "PASSWORD": local["users"][user]["password"],
            "SECRET_HASH": secret_hash(user, local["client_id"], local["client_secret"]),
        },
    )
    output.OUT.out(answer["AuthenticationResult"]["AccessToken"], highlight=False)


def secret_hash(username: str, client_id: str, client_secret: str) -> str:
    """Return what Cognito asks of clients with a secret ("Computing secret hash values", Cognito developer guide)."""
    digest = hmac.new(client_secret.encode(), (username + client_id).encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _wait_until_ready(child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _READY.exists():
        if child.poll() is not None or time.monotonic() > deadline:
            child.terminate()
            output.print_error(f"the local stack did not start; {_LOG} ends with:\n{_tail(_LOG)}")
            raise typer.Exit(1)
        time.sleep(0.1)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-15:])


def _running_pid() -> int | None:
    """Return the process that holds the lock of the state folder."""
    try:
        with (LOCAL_STATE / "lock").open("r+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                text = lock.read().strip()
                return int(text) if text.isdigit() else None
    except FileNotFoundError:
        pass
    return None
