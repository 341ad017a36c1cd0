"""Commands that fill a table from files and read it back: init, plan, apply, export."""

from pathlib import Path

import typer
import yaml

from admin_api.cli.commands.publication import publish
from admin_api.cli.render import output
from admin_api.cli.target import (
    EXIT_FINDINGS,
    ApiArgument,
    AuthorOption,
    FilesArgument,
    ForceOption,
    JsonOption,
    ReasonOption,
    RegionOption,
    TableOption,
    YesOption,
    ask,
    client,
    identity,
    named_target,
    service_on,
)
from admin_api.documents.files import FileDocument, read_file
from admin_api.publishing.service import PermissionService, Plan
from admin_api.schemas import presenters
from authorizer.policy.document import PermissionDocument, format_document
from authorizer.policy.problems import DocumentError, Problem


def init(table: TableOption = None, region: RegionOption = None, yes: YesOption = False) -> None:
    """Create the permission table, where no template did: for tests and trials."""
    target = named_target(table, region)
    ask(target, yes, "create the table")
    dynamodb = client("dynamodb", target)
    with output.ERR.status("creating the table"):
        dynamodb.create_table(
            TableName=target.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            SSESpecification={"Enabled": True},
            DeletionProtectionEnabled=True,
        )
        dynamodb.get_waiter("table_exists").wait(TableName=target.table, WaiterConfig={"Delay": 1})
        dynamodb.update_time_to_live(TableName=target.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
        dynamodb.update_continuous_backups(TableName=target.table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    output.OUT.print(f"created {target.table}; fill it with `gatebook apply FILE`", highlight=False)


def plan(files: FilesArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """Show what applying the files would change: rows, and who gains or loses which route. Writes nothing."""
    documents = read_documents(files)
    service = service_on(named_target(table, region))
    plans = _plans(service, documents)
    if json:
        output.print_json([presenters.write_result(each, None, dry_run=True) for each in plans])
        return
    for one in plans:
        output.print_plan(one)
    if any(not p.is_empty for p in plans):
        output.OUT.print("Nothing is written yet: `gatebook apply` does that.", highlight=False)


def apply(
    files: FilesArgument,
    reason: ReasonOption = None,
    author: AuthorOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Make the table hold what the files say: one version per API, several for a very large change, none for an API that already does."""
    documents = read_documents(files)
    target = named_target(table, region)
    service = service_on(target)
    plans = _plans(service, documents)
    if not json:
        for one in plans:
            output.print_plan(one)
    wanted = [p for p in plans if not p.is_empty]
    if wanted:
        ask(target, yes, "write this")
    me = identity(target) if wanted else ""
    done = []
    for one in plans:
        why = reason or f"apply {', '.join(f.name for f in files)}"
        done.append(publish(service, one, by=me, on_behalf_of=author, reason=why, force=force, quiet=json))
    if json:
        output.print_json(done)


def export(api: ApiArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """Print the published document, as YAML that `apply` takes back without a change."""
    service = service_on(named_target(table, region))
    document = format_document(service.published(api).document)
    if json:
        output.print_json(document)
    else:
        output.OUT.out(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), end="", highlight=False)


def _plans(service: PermissionService, documents: list[PermissionDocument]) -> list[Plan]:
    plans = []
    for document in documents:
        try:
            with output.ERR.status("reading the table"):
                plans.append(service.plan(document))
        except DocumentError as error:
            output.print_problems(f"API {document.api}", None, error)
            raise typer.Exit(EXIT_FINDINGS) from None
    return plans


def read_documents(files: list[Path], outcome: str = "nothing was written") -> list[PermissionDocument]:
    """Return every document of every file. Shows all problems of all files and ends the command with this outcome if there is any."""
    documents: dict[str, PermissionDocument] = {}
    failed = False
    for path in files:
        sources: list[FileDocument] = []
        try:
            sources = read_file(path)
        except DocumentError as error:
            failed = True
            output.print_problems(str(path), None, error, outcome)
        for source in sources:
            try:
                document = source.parse()
                if document.api in documents:
                    raise DocumentError([Problem("/api", f"API `{document.api}` stands in these files twice: keep one document for it")])
                documents[document.api] = document
            except DocumentError as error:
                failed = True
                output.print_problems(str(path), source, error, outcome)
    if failed:
        raise typer.Exit(EXIT_FINDINGS)
    return list(documents.values())
