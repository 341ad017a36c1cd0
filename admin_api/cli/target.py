"""What the commands that work on a table share: the options that name it, asking before writing, and who writes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.cli.aws_trouble import works_on
from admin_api.cli.completion import complete_api
from admin_api.cli.known_names import ApiNames, notice
from admin_api.cli.render import output
from admin_api.cli.settings import AWS, Target, TargetError, read_target
from admin_api.issuers import environment_of, issuers_of_file, issuers_of_function
from admin_api.publishing.recovery import Recovery
from admin_api.publishing.service import PermissionService
from admin_api.wiring import open_recovery, open_service
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import RefKind

EXIT_FINDINGS = 1
EXIT_USAGE = 2
EXIT_CONFLICT = 3
EXIT_CHANGES = 5

TableOption = Annotated[str | None, typer.Option("--table", help="Table to work on. Else PERMISSIONS_TABLE, else the local stack.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="AWS region of the table. Else AWS_REGION.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
FullOption = Annotated[bool, typer.Option("--full", help="Show every change, where a long plan names the most telling ones.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing to a table outside the local stack.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Write even what would shut every group out of the admin API.")]
FilesArgument = Annotated[list[Path], typer.Argument(help="Files with permission documents, YAML or JSON.", show_default=False)]
ApiArgument = Annotated[str, typer.Argument(help="Name of the API in the table.", show_default=False, autocompletion=complete_api)]
ReasonOption = Annotated[str | None, typer.Option("--reason", help="Why, for the history.")]
AuthorOption = Annotated[str | None, typer.Option("--author", help="For whom you do this; kept beside your own AWS identity.")]
IssuersOption = Annotated[
    Path | None,
    typer.Option(
        "--issuers",
        help="File with the text of the authorizer's TRUSTED_ISSUERS: says what named issuers give and which claims `where` may name.",
        show_default=False,
    ),
]
AuthorizerOption = Annotated[
    str | None,
    typer.Option(
        "--authorizer", help="Name of the authorizer's function, whose settings say which issuers are trusted.", show_default=False
    ),
]


def named_target(table: str | None, region: str | None) -> Target:
    """Return the table that the options name, printed."""
    target = read_target(table, region)
    works_on(target)
    output.ERR.print(f"[dim]{target}[/]", highlight=False)
    return target


def service_on(target: Target, issuers: TrustedIssuers = NOT_KNOWN) -> PermissionService:
    """Return the one door to what is published in a table."""
    return open_service(
        target.table, target.region, target.endpoint, target.access_key, issuers, lambda document: _notice(target, document)
    )


def recovery_on(target: Target) -> Recovery:
    """Return what backs up and restores the APIs of a table."""
    return open_recovery(target.table, target.region, target.endpoint, target.access_key)


def _notice(target: Target, document: PermissionDocument) -> None:
    """Keep what a document calls things: shells complete by it."""
    groups, scopes = (sorted(ref.name for ref in document.subjects if ref.kind == kind) for kind in (RefKind.GROUP, RefKind.SCOPE))
    routes = sorted(str(route) for route in document.catalog.routes)
    notice(target.key, document.api, ApiNames(tuple(groups), tuple(scopes), tuple(routes)))


def named_issuers(issuers: Path | None, authorizer: str | None, target: Target = AWS) -> TrustedIssuers:
    """Return the issuers that the options name, or that nothing is known of them."""
    if issuers is not None and authorizer is not None:
        raise typer.BadParameter("--issuers and --authorizer both say which issuers are trusted: give one of them")
    if issuers is not None:
        return issuers_of_file(issuers)
    if authorizer is not None:
        return issuers_of_function(authorizer, lambda service: client(service, target))
    return NOT_KNOWN


def named_environment(authorizer: str | None) -> Mapping[str, str]:
    """Return the environment of the function that the option names, an empty one if it names none."""
    return {} if authorizer is None else environment_of(authorizer, client("lambda", AWS))


def ask(target: Target, yes: bool, what: str) -> None:
    """Ask before anything is written outside of a local stack. Ends the command at a no."""
    if not yes and not target.is_local and not typer.confirm(f"{what} to {target}?", err=True):
        output.print_error("stopped; nothing was written")
        raise typer.Exit(EXIT_USAGE)


def identity(target: Target) -> str:
    """Return the ARN of the AWS identity that writes: proven by AWS, not claimed."""
    arn: str = client("sts", target).get_caller_identity()["Arn"]
    return arn


def client(name: str, target: Target) -> Any:
    """Return an AWS client for the target. Raises `TargetError` if an endpoint of the environment is no address."""
    key, secret = target.access_key or (None, None)
    try:
        return boto3.client(  # type: ignore[call-overload]
            name,
            region_name=target.region,
            # An endpoint from the environment is left to the SDK: AWS_ENDPOINT_URL_DYNAMODB is none for STS.
            endpoint_url=target.endpoint if target.access_key else None,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}),
        )
    except BotoCoreError:
        raise
    except ValueError as error:
        # The SDK's plain word for an address that is none.
        raise TargetError(f"{error}: AWS_ENDPOINT_URL and its like take addresses such as `http://localhost:8000`") from error
