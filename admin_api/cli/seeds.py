"""Commands that fill a table from files and show what is in it: init, plan, apply, export, log."""

import time
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
import yaml
from botocore.config import Config

from admin_api.cli import output
from admin_api.document_files import FileDocument, read_file
from admin_api.service import PermissionService, Plan
from admin_api.settings import Target, read_target
from authorizer.permission_table import bind_table
from authorizer.policy.document import PermissionDocument, format_document
from authorizer.policy.problems import DocumentError, Problem

EXIT_FINDINGS = 1
EXIT_USAGE = 2

TableOption = Annotated[str | None, typer.Option("--table", help="Table to work on. Else PERMISSIONS_TABLE, else the local stack.")]
RegionOption = Annotated[str | None, typer.Option("--region", help="AWS region of the table. Else AWS_REGION.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before writing to a table outside the local stack.")]
FilesArgument = Annotated[list[Path], typer.Argument(help="Files with permission documents, YAML or JSON.", show_default=False)]
ApiArgument = Annotated[str, typer.Argument(help="Name of the API in the table.", show_default=False)]


def init(table: TableOption = None, region: RegionOption = None, yes: YesOption = False) -> None:
    """Create the permission table, where no template did: for tests and trials."""
    target = _target(table, region)
    _ask(target, yes, "create the table")
    client = _client("dynamodb", target)
    with output.ERR.status("creating the table"):
        client.create_table(
            TableName=target.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            SSESpecification={"Enabled": True},
            DeletionProtectionEnabled=True,
        )
        client.get_waiter("table_exists").wait(TableName=target.table, WaiterConfig={"Delay": 1})
        client.update_time_to_live(TableName=target.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
        client.update_continuous_backups(TableName=target.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    output.OUT.print(f"created {target.table}; fill it with `gatebook apply FILE`", highlight=False)


def plan(files: FilesArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """Show what applying the files would change: rows, and who gains or loses which route. Writes nothing."""
    documents = read_documents(files)
    _target(table, region)
    plans = _plans(documents)
    if json:
        output.print_json([output.plan_as_json(p) for p in plans])
        return
    for one in plans:
        output.print_plan(one)
    if any(not p.is_empty for p in plans):
        output.OUT.print("Nothing is written yet: `gatebook apply` does that.", highlight=False)


def apply(
    files: FilesArgument,
    reason: Annotated[str | None, typer.Option("--reason", help="Why, for the history. Else the file's name.")] = None,
    author: Annotated[str | None, typer.Option("--author", help="For whom you do this; kept beside your own AWS identity.")] = None,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
    yes: YesOption = False,
) -> None:
    """Make the table hold what the files say: one version per API, or nothing at all for an API that already does."""
    documents = read_documents(files)
    target = _target(table, region)
    plans = _plans(documents)
    service = PermissionService(time.time)
    if not json:
        for one in plans:
            output.print_plan(one)
    wanted = [p for p in plans if not p.is_empty]
    if wanted:
        _ask(target, yes, "write this")
    identity = _identity(target) if wanted else ""
    done = []
    for one in plans:
        why = reason or f"apply {', '.join(f.name for f in files)}"
        head = service.apply(one, author=identity, on_behalf_of=author, reason=why)
        done.append(output.plan_as_json(one) | {"version": head.version if head else None, "hash": head.hash if head else None})
        if head is not None and not json:
            output.OUT.print(f"[bold green]published[/] {one.document.api} version {head.version}, hash {head.hash}", highlight=False)
    if json:
        output.print_json(done)


def export(api: ApiArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """Print the published document, as YAML that `apply` takes back without a change."""
    _target(table, region)
    document = format_document(PermissionService(time.time).published(api).document)
    if json:
        output.print_json(document)
    else:
        output.OUT.out(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), end="", highlight=False)


def log(
    api: ApiArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many versions to show.")] = 20,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Show the history: who changed what, when and why, the newest version first."""
    _target(table, region)
    records = list(islice(PermissionService(time.time).history(api), limit))
    if json:
        output.print_json([output.record_as_json(r) for r in records])
    else:
        output.print_history(records)


def _target(table: str | None, region: str | None) -> Target:
    target = read_target(table, region)
    output.ERR.print(f"[dim]{target}[/]", highlight=False)
    bind_table(target.table, target.region, target.endpoint, target.access_key)
    return target


def _plans(documents: list[PermissionDocument]) -> list[Plan]:
    service = PermissionService(time.time)
    try:
        with output.ERR.status("reading the table"):
            return [service.plan(document) for document in documents]
    except DocumentError as error:
        output.print_problems("the document", None, error)
        raise typer.Exit(EXIT_FINDINGS) from None


def read_documents(files: list[Path]) -> list[PermissionDocument]:
    """Every document of every file. Shows all problems of all files and ends the command if there is any."""
    documents: dict[str, PermissionDocument] = {}
    failed = False
    for path in files:
        sources: list[FileDocument] = []
        try:
            sources = read_file(path)
        except DocumentError as error:
            failed = True
            output.print_problems(str(path), None, error)
        for source in sources:
            try:
                document = source.parse()
                if document.api in documents:
                    raise DocumentError([Problem("/api", f"API `{document.api}` stands in these files twice: keep one document for it")])
                documents[document.api] = document
            except DocumentError as error:
                failed = True
                output.print_problems(str(path), source, error)
    if failed:
        raise typer.Exit(EXIT_FINDINGS)
    return list(documents.values())


def _ask(target: Target, yes: bool, what: str) -> None:
    if not yes and not target.is_local and not typer.confirm(f"{what} to {target}?", err=True):
        output.print_error("stopped; nothing was written")
        raise typer.Exit(EXIT_USAGE)


def _identity(target: Target) -> str:
    """The ARN of the AWS identity that writes: proven by AWS, not claimed."""
    arn: str = _client("sts", target).get_caller_identity()["Arn"]
    return arn


def _client(name: str, target: Target) -> Any:
    key, secret = target.access_key or (None, None)
    return boto3.client(  # type: ignore[call-overload]
        name,
        region_name=target.region,
        # An endpoint from the environment is left to the SDK: AWS_ENDPOINT_URL_DYNAMODB is none for STS.
        endpoint_url=target.endpoint if target.access_key else None,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        config=Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3}),
    )
