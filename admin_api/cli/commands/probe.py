"""The command that settles on an account of one's own what no AWS document says."""

import subprocess
import sys
from typing import Annotated

import typer

from admin_api.cli.aws_trouble import works_on
from admin_api.cli.render import output
from admin_api.cli.settings import aws_environment, local_target, read_local_stack
from admin_api.cli.target import EXIT_USAGE, JsonOption


def probe(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="QUESTION", help="Ask this question alone. As often as needed.", show_default=False),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the questions and ask none.")] = False,
    local: Annotated[bool, typer.Option("--local", help="Ask the local stack's emulator in place of AWS.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the probe's stack where it is.")] = False,
    region: Annotated[str | None, typer.Option("--region", help="AWS region to ask in. Else AWS_REGION.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a stack is made on AWS.")] = False,
    json: JsonOption = False,
) -> None:
    """Settle on your account what no AWS document says: how API Gateway writes ARNs, what it remembers, which conditions it evaluates. Makes a stack of three
    small APIs, asks, proposes settings and deletes it. Exits with 1 if an outcome was not expected.

    Example: gatebook probe --region eu-west-1 --yes"""
    # `-P`: without it Python looks for modules in the current folder first, and would run an `infra` of the user's.
    command = [sys.executable, "-P", "-m", "infra.probe", *(["--region", region] if region else []), *(["--json"] if json else [])]
    command += [*(["--list"] if list_ else []), *(["--keep"] if keep else [])]
    for name in only or ():
        command += ["--only", name]
    environment = None
    if local and not list_:
        note = read_local_stack()
        works_on(local_target(note))
        command += ["--endpoint", note["aws_endpoint"]]
        environment = aws_environment(note)
    elif not list_ and not yes and not typer.confirm("make a stack with three public APIs in this account for some minutes?", err=True):
        output.print_error("stopped; nothing was made")
        raise typer.Exit(EXIT_USAGE)
    raise typer.Exit(subprocess.run(command, check=False, env=environment).returncode)  # noqa: S603  # our own module, started with our own interpreter
