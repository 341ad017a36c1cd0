"""Commands that fill a table from files and read it back: init, plan, apply, export."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
import yaml

from admin_api.analysis.rules import own_rules
from admin_api.cli.commands.publication import publish_all
from admin_api.cli.commands.wrong_file import told_as_wrong_file
from admin_api.cli.render import output
from admin_api.cli.render.plan import print_plan
from admin_api.cli.target import (
    EXIT_CHANGES,
    EXIT_CONFLICT,
    EXIT_FINDINGS,
    ApiArgument,
    AuthorizerOption,
    AuthorOption,
    FilesArgument,
    ForceOption,
    FullOption,
    IssuersOption,
    JsonOption,
    ReasonOption,
    RegionOption,
    TableOption,
    YesOption,
    ask,
    client,
    identity,
    named_issuers,
    named_target,
    service_on,
)
from admin_api.documents.files import FileDocument, base_line, read_file
from admin_api.documents.plan_files import KeptPlan, is_plan, read_plans, write_plans
from admin_api.publishing.service import PermissionService, Plan
from admin_api.publishing.stale_files import FileBase, StaleFileError, refuse_if_changed, refuse_if_it_takes_back
from admin_api.schemas import presenters
from authorizer.policy.document import PermissionDocument, format_document
from authorizer.policy.problems import DocumentError, Problem

BaseOption = Annotated[
    int | None,
    typer.Option(
        "--base", min=1, help="Version that the file was made from: refuse if the document was changed since.", show_default=False
    ),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document of a file, and the version that it was made from if anybody says so. `is_exact`: nothing may have changed since."""

    document: PermissionDocument
    base: FileBase | None
    is_exact: bool


def init(table: TableOption = None, region: RegionOption = None, yes: YesOption = False) -> None:
    """Create the permission table, where no template did: for tests and trials.

    Example: gatebook init --table my-permissions"""
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


def plan(
    files: FilesArgument,
    base: BaseOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Keep the plan in this file, for `apply` to carry out exactly that.")] = None,
    detailed: Annotated[
        bool,
        typer.Option("--detailed-exitcode", help="Exit with 5 if there is something to change, and with 3 if `apply` would refuse it."),
    ] = False,
    issuers: IssuersOption = None,
    authorizer: AuthorizerOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
) -> None:
    """Show what applying the files would change: rows, and who gains or loses which route. Writes nothing to the table.

    Example: gatebook plan seed_data/dev.yaml --out plan.json"""
    wanted = read_wanted(files, base, quiet=json)
    target = named_target(table, region)
    service = service_on(target, named_issuers(issuers, authorizer, target))
    plans = _plans(service, wanted, judge_unchanged=json, quiet=json)
    refusals = list(_refusals(service, wanted, plans))
    if out is not None:
        out.write_text(write_plans([_kept(each) for each in plans]), encoding="utf-8")
    if json:
        output.print_json([presenters.write_result(each, None, dry_run=True) for each in plans])
    else:
        for one in plans:
            print_plan(one, full=full)
    for refusal in refusals:
        output.ERR.print(f"[yellow]`gatebook apply` would refuse this:[/] {output.shown(str(refusal))}", highlight=False)
    if not json and any(not p.is_empty for p in plans):
        kept = f" {out}" if out is not None else ""
        output.OUT.print(f"Nothing is written yet: `gatebook apply{output.shown(kept)}` does that.", highlight=False)
    if detailed and (refusals or any(not p.is_empty for p in plans)):
        raise typer.Exit(EXIT_CONFLICT if refusals else EXIT_CHANGES)


def apply(
    files: FilesArgument,
    base: BaseOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take back what others have published since the file was made, knowingly.")
    ] = False,
    reason: ReasonOption = None,
    author: AuthorOption = None,
    issuers: IssuersOption = None,
    authorizer: AuthorizerOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Make the table hold what the files say: one version per API, several for a very large change, none for an API that already does.

    A file may be a plan that `gatebook plan --out` kept. Refuses with 3 what would take back a change that the file does not know of.

    Example: gatebook apply seed_data/dev.yaml --reason "what the review of May asked for\""""
    wanted = read_wanted(files, base, quiet=json)
    target = named_target(table, region)
    service = service_on(target, named_issuers(issuers, authorizer, target))
    plans = _plans(service, wanted, judge_unchanged=json, quiet=json)
    if not json:
        for one in plans:
            print_plan(one, full=full)
    refusal = None if overwrite else next(_refusals(service, wanted, plans), None)
    if refusal is not None:
        # Nothing of several documents is written, so that what was reviewed together is applied together.
        raise refusal
    changing = [p for p in plans if not p.is_empty]
    if changing:
        ask(target, yes, "write this")
    me = identity(target) if changing else ""
    why = reason or f"apply {', '.join(f.name for f in files)}"
    done = publish_all(service, plans, by=me, on_behalf_of=author, reason=why, force=force, quiet=json, from_file=True)
    if json:
        output.print_json(done)


def _refusals(service: PermissionService, wanted: list[Wanted], plans: list[Plan]) -> Iterator[StaleFileError]:
    for each, one in zip(wanted, plans, strict=True):
        try:
            if each.is_exact:
                refuse_if_changed(service, one, each.base or FileBase(0))
            else:
                refuse_if_it_takes_back(service, one, each.base)
        except StaleFileError as error:
            yield error


def _kept(one: Plan) -> KeptPlan:
    return KeptPlan(one.document, one.base.version, one.base.hash) if one.base else KeptPlan(one.document, 0, "")


def export(api: ApiArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """Print the published document, as YAML that `apply` takes back without a change. Its first line says which version it is: `apply` refuses to take back
    what somebody else has published since.

    Example: gatebook export petstore > permissions.yaml"""
    service = service_on(named_target(table, region))
    published = service.published(api)
    document = format_document(published.document)
    if json:
        output.print_json(document)
    else:
        output.OUT.out(base_line(api, published.head.version, published.head.hash), end="", highlight=False)
        output.OUT.out(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120), end="", highlight=False)


def _plans(service: PermissionService, wanted: list[Wanted], *, judge_unchanged: bool, quiet: bool) -> list[Plan]:
    """Return what applying the documents would do. Verdicts on documents that stay as they are take seconds for a large one, and only JSON has them."""
    plans: list[Plan] = []
    try:
        with output.progress("planning", len(wanted), quiet=quiet) as advance:
            for each in wanted:
                plans.append(service.plan(each.document, judge_unchanged=judge_unchanged))
                advance()
    except DocumentError as error:
        output.print_problems(f"API {wanted[len(plans)].document.api}", None, error)
        raise typer.Exit(EXIT_FINDINGS) from None
    return plans


def read_documents(files: list[Path], outcome: str = "nothing was written", *, quiet: bool = False) -> list[PermissionDocument]:
    """Return every document of every file. Shows all problems of all files and ends the command with this outcome if there is any.

    A bar shows how far it is, unless `quiet`."""
    return [each.document for each in _read(files, outcome, quiet=quiet)]


def read_wanted(files: list[Path], base: int | None, *, quiet: bool = False) -> list[Wanted]:
    """Return every document of every file with what it was made from; `base` is what was asked for on the command line, for one document.

    A bar shows how far it is, unless `quiet`."""
    wanted = _read(files, "nothing was written", quiet=quiet)
    if base is not None:
        if len(wanted) != 1:
            raise typer.BadParameter(
                f"--base names a version of one API, and these files have {len(wanted)} documents: apply them one by one"
            )
        wanted = [Wanted(wanted[0].document, FileBase(base), is_exact=True)]
    return wanted


def _read(files: list[Path], outcome: str, *, quiet: bool) -> list[Wanted]:
    found: dict[str, Wanted] = {}
    with output.progress("reading", len(files), quiet=quiet) as advance:
        good = []
        for path in files:
            good.append(_read_one(path, outcome, found))
            advance()
    if not all(good):
        raise typer.Exit(EXIT_FINDINGS)
    return list(found.values())


def _read_one(path: Path, outcome: str, found: dict[str, Wanted]) -> bool:
    """Add the documents of a file to those that were found, by API. Shows its problems, and returns whether it has none."""
    try:
        sources = read_file(path)
    except DocumentError as error:
        output.print_problems(str(path), None, told_as_wrong_file(path) or error, outcome)
        return False
    good = True
    for source in sources:
        try:
            for wanted in _wanted(source):
                # Told here with its line, where publishing tells its place alone.
                own_rules(wanted.document)
                api = wanted.document.api
                if api in found:
                    raise DocumentError([Problem("/api", f"API `{api}` stands in these files twice: keep one document for it")])
                found[api] = wanted
        except DocumentError as error:
            good = False
            wrong = told_as_wrong_file(path, source.value)
            if wrong is not None:
                output.print_problems(str(path), None, wrong, outcome)
                break
            output.print_problems(str(path), source, error, outcome)
    return good


def _wanted(source: FileDocument) -> list[Wanted]:
    if is_plan(source):
        return [Wanted(plan.document, FileBase(plan.version, plan.hash), is_exact=True) for plan in read_plans(source)]
    document = source.parse()
    base = source.bases.get(document.api)
    return [Wanted(document, FileBase(*base) if base else None, is_exact=False)]
