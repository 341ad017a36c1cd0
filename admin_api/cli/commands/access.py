"""Commands that explain what is published: explain, who-can."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from admin_api.analysis.access import Access, route_of_request, what_can, who_can
from admin_api.analysis.explanation import Explanation, explain_to
from admin_api.analysis.subjects import SubjectSyntaxError, parse_subject_ref
from admin_api.analysis.trusted_issuers import RefusedTokenError, bearer_of
from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.cli.target import (
    ApiArgument,
    AuthorizerOption,
    IssuersOption,
    JsonOption,
    RegionOption,
    TableOption,
    named_issuers,
    named_target,
    service_on,
)
from admin_api.documents.strict_json import read_json
from admin_api.schemas import models, presenters
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

MethodArgument = Annotated[str, typer.Argument(help="Method, as in GET.", show_default=False)]
PathArgument = Annotated[str, typer.Argument(help="Path as a client sends it, as in /pets/7, without the stage.", show_default=False)]
Names = Annotated[list[str] | None, typer.Option("--group", "-g", help="A group of the caller; may be given again.")]


def explain(
    api: ApiArgument,
    method: MethodArgument,
    path: PathArgument,
    group: Names = None,
    client: Annotated[str | None, typer.Option("--client", help="Client id of a machine's token, or that a person came through.")] = None,
    scope: Annotated[list[str] | None, typer.Option("--scope", help="A scope of the token; may be given again.")] = None,
    claim: Annotated[list[str] | None, typer.Option("--claim", help="A claim of the token, as in sub=u1; may be given again.")] = None,
    claims: Annotated[
        Path | None,
        typer.Option("--claims", help="File with the claims of a token, a JSON object: groups come from there.", show_default=False),
    ] = None,
    issuers: IssuersOption = None,
    authorizer: AuthorizerOption = None,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """Say whether a caller may make a request, which permissions decide, what nearly would, and what a grant would look like.

    The claim `iss` says whose token it is, and without it the issuer's name before a group, as in `partner:staff`."""
    refs = [PrincipalRef(RefKind.GROUP, name) for name in group or ()]
    refs += [PrincipalRef(RefKind.CLIENT, client)] if client else []
    refs += [PrincipalRef(RefKind.SCOPE, name) for name in scope or ()]
    given = {**(_claims(claims) if claims is not None else {}), **dict(_claim(text) for text in claim or ())}
    target = named_target(table, region)
    service = service_on(target, named_issuers(issuers, authorizer, target))
    try:
        bearer = bearer_of(given, refs, service.issuers)
    except RefusedTokenError as error:
        raise typer.BadParameter(str(error)) from None
    published = service.published(api)
    found = explain_to(bearer, published.document, method.upper(), path, time.time())
    if json:
        output.print_json(presenters.explanation(found, published.head.version))
    else:
        _print(found)


def who_can_call(
    api: ApiArgument,
    method: MethodArgument,
    path: PathArgument,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """List the groups, clients and scopes that may make a request, and by which permissions."""
    service = service_on(named_target(table, region))
    published = service.published(api)
    document = published.document
    verb = method.upper()
    route = route_of_request(document, verb, path)
    if route is None:
        raise typer.BadParameter(f"`{verb} {path}` belongs to no route of the catalogue")
    _show(list(who_can(document, verb, route, time.time())), published.head.version, json, f"{verb} {route.path}")


def what_can_call(
    api: ApiArgument,
    subject: Annotated[str, typer.Argument(help="As in group/guest, client/ID, scope/NAME, everyone.", show_default=False)],
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """List what a group, client or scope may call, everyone's permissions included."""
    try:
        ref = parse_subject_ref(subject)
    except SubjectSyntaxError as error:
        raise typer.BadParameter(str(error)) from None
    service = service_on(named_target(table, region))
    published = service.published(api)
    document = published.document
    _show(list(what_can(document, ref, time.time())), published.head.version, json, subject)


def _claims(path: Path) -> dict[str, Any]:
    try:
        claims = read_json(path.read_text(encoding="utf-8-sig"))
    except (DocumentError, ValueError) as error:
        raise typer.BadParameter(f"{path} is no JSON: {error}") from None
    if not isinstance(claims, dict):
        raise typer.BadParameter(f"{path} must be a JSON object, the claims of one token")
    return claims


def _claim(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise typer.BadParameter(f"`{text}` is no claim: write it as in sub=u1")
    return name, value


def _show(found: list[Access], version: int, json: bool, title: str) -> None:
    if json:
        entries = [presenters.access_entry(a) for a in found]
        output.print_json(models.AccessList(version=version, access=entries))
        return
    if not found:
        output.OUT.print(f"{shown(title)}: nobody and nothing", highlight=False)
        return
    table = Table("subject", "route", "access", "by", title=shown(title), title_justify="left", box=None, pad_edge=False)
    for access in found:
        by, subject = "; ".join(access.permissions), output.marked(access.subject, delegated=access.delegated)
        table.add_row(
            shown(subject),
            shown(f"{access.verb} {access.route.path}"),
            shown(access.words),
            shown(by),
        )
    output.print_table(table)
    output.print_legend(delegated=any(access.delegated for access in found))


def _print(found: Explanation) -> None:
    style = "green" if found.decision.allowed else "red"
    output.OUT.print(f"[{style}]{shown(str(found))}[/]", highlight=False)
    if found.delegation is not None:
        output.OUT.print(shown(str(found.delegation)), highlight=False)
    if found.unknown_refs:
        output.OUT.print(f"not in the document: {shown(', '.join(map(str, found.unknown_refs)))}", highlight=False)
    output.print_notes(found.notes)
    for miss in found.near_misses:
        output.OUT.print(f"[yellow]{miss.kind}[/] {shown(miss.message)}", highlight=False)
    if found.more_subjects:
        output.OUT.print(f"and {found.more_subjects} more that may", highlight=False)
    if found.suggested_grant is not None:
        output.OUT.print(f"to allow it: {shown(str(found.suggested_grant))}", highlight=False)
    elif found.why_no_grant:
        output.OUT.print(f"no grant would do: {shown(found.why_no_grant)}", highlight=False)
