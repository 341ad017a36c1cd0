"""Commands that look back, go back and move: log, diff, rollback, promote, rename-group."""

import re
from dataclasses import replace
from itertools import islice
from typing import Annotated

import typer

from admin_api.cli.commands.publication import publish
from admin_api.cli.completion import complete_api, complete_group
from admin_api.cli.render import output
from admin_api.cli.render.plan import print_plan
from admin_api.cli.settings import Target
from admin_api.cli.target import (
    EXIT_FINDINGS,
    ApiArgument,
    AuthorOption,
    ForceOption,
    FullOption,
    JsonOption,
    ReasonOption,
    RegionOption,
    TableOption,
    YesOption,
    ask,
    identity,
    named_target,
    service_on,
)
from admin_api.publishing.edits import with_group_renamed
from admin_api.publishing.service import PermissionService, Plan
from admin_api.schemas import models, presenters
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

VersionArgument = Annotated[int, typer.Argument(min=1, help="Number of a version.", show_default=False)]


def log(
    api: ApiArgument,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many versions to show.")] = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole chain of hashes and every row that it names.")] = False,
    expect: Annotated[
        str | None, typer.Option("--expect", help="With --verify, a hash that you kept elsewhere: some version must have it.")
    ] = None,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Show the history: who changed what, when and why, the newest version first. With --verify, exits with 1 if anything was altered.

    Example: gatebook log petstore --verify"""
    service = service_on(named_target(table, region))
    if verify or expect:
        _verify(service, api, expect, json)
        return
    records = list(islice(service.history(api), limit))
    if json:
        output.print_json([presenters.version_record(record) for record in records])
    else:
        output.print_history(records)


def _verify(service: PermissionService, api: str, expect: str | None, json: bool) -> None:
    if expect is not None and not re.fullmatch(r"[0-9a-fA-F]{8,64}", expect):
        raise typer.BadParameter("--expect takes a hash as `log` shows it, 8 hexadecimal digits at least")
    head = service.head(api)
    with output.progress("verifying", head.version, quiet=json) as advance:
        verified = service.verify(api, head, expected=expect, on_version=advance)
    damaged, found = list(verified.damaged), verified.expected_at
    missing = expect is not None and found is None
    if json:
        output.print_json(models.Verification(api=api, version=head.version, hash=head.hash, damaged=damaged, expected_at=found))
    else:
        for place in damaged:
            output.OUT.print(f"[red]altered[/] {output.shown(place)}", highlight=False)
        if missing:
            output.OUT.print(f"[red]no version has the hash[/] {output.shown(expect or '')}: this is another history", highlight=False)
        if not damaged and not missing:
            known = f"; version {found} has the expected hash" if found else "; keep this hash elsewhere to prove it later"
            output.OUT.print(f"{api}: {head.version} versions and all that they wrote are intact, hash {head.hash}{known}", highlight=False)
    if damaged or missing:
        raise typer.Exit(EXIT_FINDINGS)


def diff(
    api: ApiArgument,
    old: VersionArgument,
    new: Annotated[int | None, typer.Argument(min=1, help="Another version. Else the newest.", show_default=False)] = None,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Show who gained or lost which route between two versions.

    Example: gatebook diff petstore 1"""
    service = service_on(named_target(table, region))
    upto = new or service.head(api).version
    with output.ERR.status("reading both versions"):
        found = service.diff(api, old, upto)
    if json:
        access = [presenters.access_change(change) for change in found.access]
        output.print_json(models.Diff(from_version=old, to_version=upto, rules=list(found.rules), access=access))
    else:
        output.OUT.print(f"[bold]{api}[/]: from version {old} to version {upto}", highlight=False)
        output.print_rules(found.rules)
        output.print_access(found.access)


def rollback(
    api: ApiArgument,
    version: VersionArgument,
    reason: ReasonOption = None,
    author: AuthorOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Publish an old version's document again, as a new version. Nothing of the history is lost.

    Example: gatebook rollback petstore 1 --reason "back to what was reviewed\""""
    target = named_target(table, region)
    service = service_on(target)
    with output.ERR.status("reading the table"):
        plan = service.plan_rollback(api, version)
    _write(
        service,
        plan,
        target,
        yes,
        on_behalf_of=author,
        reason=reason or f"roll back to version {version}",
        force=force,
        full=full,
        json=json,
    )


def promote(
    candidate: Annotated[
        str, typer.Argument(help="API whose document was tried in the shadow.", show_default=False, autocompletion=complete_api)
    ],
    api: ApiArgument,
    reason: ReasonOption = None,
    author: AuthorOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Make a candidate's document the one of an API, as a new version. The candidate stays as it is.

    Example: gatebook promote petstore-next petstore"""
    if candidate == api:
        raise typer.BadParameter("the candidate and the API are the same: a candidate is published under a name of its own")
    target = named_target(table, region)
    service = service_on(target)
    with output.ERR.status("reading the table"):
        tried = service.published(candidate)
        plan = service.plan(replace(tried.document, api=api))
    why = reason or f"promote {candidate} version {tried.head.version}"
    _write(service, plan, target, yes, on_behalf_of=author, reason=why, force=force, full=full, json=json)


def rename_group(
    api: ApiArgument,
    old: Annotated[str, typer.Argument(help="The group's name.", show_default=False, autocompletion=complete_group)],
    new: Annotated[str, typer.Argument(help="What it shall be called.", show_default=False)],
    reason: ReasonOption = None,
    author: AuthorOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    full: FullOption = False,
    json: JsonOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Call a group something else, wherever the document names it, as one version. Its members are moved in the user pool, not here.

    Example: gatebook rename-group petstore owner keeper"""
    target = named_target(table, region)
    service = service_on(target)
    with output.ERR.status("reading the table"):
        published = service.published(api)
    if PrincipalRef(RefKind.GROUP, old) not in published.document.subjects:
        raise typer.BadParameter(f"API `{api}` has no group `{old}`")
    try:
        plan = service.plan_from(published, with_group_renamed(published.document, old, new))
    except DocumentError as error:
        output.print_problems(f"API {api}", None, error)
        raise typer.Exit(EXIT_FINDINGS) from None
    _write(
        service, plan, target, yes, on_behalf_of=author, reason=reason or f"rename group {old} to {new}", force=force, full=full, json=json
    )
    if not json:
        output.print_notes_aside([f"tokens name groups as the user pool does: make `{new}` there and move the members of `{old}`"])


def _write(
    service: PermissionService,
    plan: Plan,
    target: Target,
    yes: bool,
    *,
    on_behalf_of: str | None,
    reason: str,
    force: bool,
    full: bool,
    json: bool,
) -> None:
    if not json:
        print_plan(plan, full=full)
    if plan.is_empty:
        done = presenters.write_result(plan, None, dry_run=False)
    else:
        ask(target, yes, "write this")
        done = publish(service, plan, by=identity(target), on_behalf_of=on_behalf_of, reason=reason, force=force, quiet=json)
    if json:
        output.print_json(done)
