"""The command that deploys to an AWS account."""

from pathlib import Path
from typing import Annotated

import typer

from admin_api.cli.commands.child import module_command, run_in_foreground


def deploy(
    env: Annotated[str, typer.Option("--env", help="An environment of the file: dev, staging, prod.", show_default=False)],
    file: Annotated[Path, typer.Option("--file", help="What the environments are: region, bucket, stacks, parameters.")] = Path(
        "gatebook.deploy.yaml"
    ),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do not ask, in a pipeline. What loses a table or user pool is refused all the same.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes and make none.")] = False,
    create_bucket: Annotated[
        bool, typer.Option("--create-bucket", help="Make the bucket for code if there is none: closed, encrypted, versioned, TLS only.")
    ] = False,
    no_seeds: Annotated[bool, typer.Option("--no-seeds", help="Leave the permissions as they are.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Stop if somebody else works on a stack, in place of waiting.")] = False,
    accept_loss: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-loss",
            help="A table or user pool that may leave the stack or be made anew, by its name in the template.",
            show_default=False,
        ),
    ] = None,
    build_dir: Annotated[Path, typer.Option("--build-dir", help="Folder for the zips.")] = Path("build"),
) -> None:
    """Deploy an environment to AWS: package, upload, show the changes and ask, update the stacks, apply the seeds. Rolls back what fails, and says why.

    Example: gatebook deploy --env dev --dry-run"""
    options = {"--env": env, "--file": str(file), "--build-dir": str(build_dir)}
    flags = {"--yes": yes, "--dry-run": dry_run, "--create-bucket": create_bucket, "--no-seeds": no_seeds, "--no-wait": no_wait}
    # With `=`, a value that begins with a dash is no option.
    arguments = [f"{name}={value}" for name, value in options.items()] + [name for name, given in flags.items() if given]
    arguments += [f"--accept-loss={resource}" for resource in accept_loss or ()]
    raise typer.Exit(run_in_foreground(module_command("infra.deploy", *arguments)))
