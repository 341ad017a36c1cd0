"""Commands of the denylist: deny, undeny, denied."""

import time
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.cli.target import (
    ApiArgument,
    ForceOption,
    JsonOption,
    RegionOption,
    TableOption,
    YesOption,
    ask,
    identity,
    named_target,
    service_on,
)
from admin_api.schemas import models, presenters
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.document import format_time

KindArgument = Annotated[DenylistKind, typer.Argument(help="What of the token the value is.", show_default=False)]
ValueArgument = Annotated[str, typer.Argument(help="The value, exactly as it stands in the token.", show_default=False)]


def deny(
    api: ApiArgument,
    kind: KindArgument,
    value: ValueArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.", show_default=False)],
    hours: Annotated[float, typer.Option("--hours", min=0.01, max=24 * 3650, help="How long tokens are refused.")] = 24,
    sign_in_again: Annotated[
        bool, typer.Option("--sign-in-again", help="Refuse only tokens of sign-ins before now: a new sign-in is accepted.")
    ] = False,
    table: TableOption = None,
    region: RegionOption = None,
    yes: YesOption = False,
    force: ForceOption = False,
) -> None:
    """Refuse tokens of a user, a client, or one sign-in, whatever they say otherwise. Takes effect after the authorizers' refresh interval.

    Example: gatebook deny petstore sub 9a1b2c3d-0000-4000-8000-000000000001 --reason "lost phone\""""
    target = named_target(table, region)
    ask(target, yes, "write this")
    now = datetime.now(UTC)
    head = service_on(target).add_entry(
        api,
        kind,
        value,
        author=identity(target),
        reason=reason,
        expires_at=int((now + timedelta(hours=hours)).timestamp()),
        issued_before=int(now.timestamp()) if sign_in_again else None,
        force=force,
    )
    output.OUT.print(f"[bold green]published[/] {api} version {head.version}: {kind} {shown(value)} is refused", highlight=False)


def undeny(
    api: ApiArgument,
    kind: KindArgument,
    value: ValueArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the history.")] = "accepted again",
    table: TableOption = None,
    region: RegionOption = None,
    yes: YesOption = False,
) -> None:
    """Accept tokens again that were refused.

    Example: gatebook undeny petstore sub 9a1b2c3d-0000-4000-8000-000000000001 --reason "the phone was found\""""
    target = named_target(table, region)
    ask(target, yes, "write this")
    head = service_on(target).remove_entry(api, kind, value, author=identity(target), reason=reason)
    if head is None:
        output.OUT.print(f"nothing to change: the denylist of {api} has no {kind} {shown(value)}", highlight=False)
    else:
        output.OUT.print(f"[bold green]published[/] {api} version {head.version}: {kind} {shown(value)} is accepted again", highlight=False)


def denied(api: ApiArgument, table: TableOption = None, region: RegionOption = None, json: JsonOption = False) -> None:
    """List whose tokens are refused, until when and why.

    Example: gatebook denied petstore"""
    service = service_on(named_target(table, region))
    entries = service.denylist(api).entries()
    if json:
        shown_entries = [presenters.denylist_entry(e, time.time()) for e in entries]
        output.print_json(models.Denylist(entries=shown_entries))
        return
    shown_table = Table("kind", "value", "until", "reason", "author", box=None, pad_edge=False)
    for entry in entries:
        until = format_time(entry.expires_at) + ("" if time.time() < entry.expires_at else " (ended)")
        shown_table.add_row(entry.kind, shown(entry.value), until, shown(entry.reason), shown(entry.author))
    output.print_table(shown_table)
