"""Commands that explain what is published: explain, who-can, what-can."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from admin_api.analysis.access import Access, groups_can, route_of_request, what_can, who_can
from admin_api.analysis.explanation import Explanation, explain_to
from admin_api.analysis.subjects import SubjectSyntaxError, parse_subject_ref
from admin_api.analysis.trusted_issuers import RefusedTokenError, bearer_of
from admin_api.cli.completion import (
    complete_api_or_subject,
    complete_group,
    complete_method,
    complete_path,
    complete_scope,
    complete_subject,
)
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
from admin_api.publishing.service import PermissionService
from admin_api.schemas import models, presenters
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

MethodArgument = Annotated[str, typer.Argument(help="Method, as in GET.", show_default=False, autocompletion=complete_method)]
PathArgument = Annotated[
    str,
    typer.Argument(help="Path as a client sends it, as in /pets/7, without the stage.", show_default=False, autocompletion=complete_path),
]
InApi = tuple[str, int, tuple[Access, ...]]
"""An API, its version, and what a caller may call there."""

Names = Annotated[
    list[str] | None, typer.Option("--group", "-g", help="A group of the caller; may be given again.", autocompletion=complete_group)
]


def explain(
    api: ApiArgument,
    method: MethodArgument,
    path: PathArgument,
    group: Names = None,
    client: Annotated[str | None, typer.Option("--client", help="Client id of a machine's token, or that a person came through.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="A scope of the token; may be given again.", autocompletion=complete_scope)
    ] = None,
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

    The claim `iss` says whose token it is, and without it the issuer's name before a group, as in `partner:staff`.

    Example: gatebook explain petstore DELETE /pets/7 --group guest"""
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
    """List the groups, clients and scopes that may make a request, and by which permissions.

    Example: gatebook who-can petstore GET /admin/reports"""
    service = service_on(named_target(table, region))
    published = service.published(api)
    document = published.document
    verb = method.upper()
    route = route_of_request(document, verb, path)
    if route is None:
        raise typer.BadParameter(f"`{verb} {path}` belongs to no route of the catalogue")
    _show(list(who_can(document, verb, route, time.time())), published.head.version, json, f"{verb} {route.path}")


def what_can_call(
    api: Annotated[
        str | None,
        typer.Argument(
            help="Name of the API in the table. None with --all-apis.", show_default=False, autocompletion=complete_api_or_subject
        ),
    ] = None,
    subject: Annotated[
        list[str] | None,
        typer.Argument(
            help="As in group/guest, client/ID, scope/NAME, everyone; several groups are one caller.",
            show_default=False,
            autocompletion=complete_subject,
        ),
    ] = None,
    all_apis: Annotated[bool, typer.Option("--all-apis", help="Ask about every API of the table, in place of one.")] = False,
    table: TableOption = None,
    region: RegionOption = None,
    json: JsonOption = False,
) -> None:
    """List what a group, client or scope may call, everyone's permissions included.

    Several groups are one caller who is in all of them: a deny of one takes away what another one allows.

    Example: gatebook what-can --all-apis group/guest group/owner"""
    # With --all-apis the first word is a subject already: what stands before an argument is no matter to the command line.
    words = [*([] if api is None else [api]), *(subject or ())]
    name = None if all_apis else _api(words)
    refs = _caller(words if name is None else words[1:], all_apis=all_apis)
    service = service_on(named_target(table, region))
    title = " + ".join(map(str, refs))
    if name is None:
        _show_apis(_in_all_apis(service, refs, quiet=json), refs, json, title)
        return
    published = service.published(name)
    _show(list(_what_can(published.document, refs)), published.head.version, json, title)


def _api(words: list[str]) -> str:
    """Return the API that the first word names."""
    if not words or "/" in words[0] or words == [str(EVERYONE)]:
        raise typer.BadParameter(
            "name the API before the subject, as in `what-can petstore group/guest`, or give --all-apis for all of them"
        )
    return words[0]


def _caller(words: list[str], *, all_apis: bool) -> list[PrincipalRef]:
    """Return the subjects that the words name: one, or the groups of one caller."""
    if not words:
        raise typer.BadParameter("name a subject: `everyone`, `group/NAME`, `client/NAME` or `scope/NAME`")
    if all_apis and "/" not in words[0] and words[0] != str(EVERYONE):
        raise typer.BadParameter(f"`{words[0]}` names an API, and --all-apis asks about all of them: leave one of the two out")
    try:
        refs = list(dict.fromkeys(map(parse_subject_ref, words)))
    except SubjectSyntaxError as error:
        raise typer.BadParameter(str(error)) from None
    if len(refs) > 1 and any(ref.kind != RefKind.GROUP for ref in refs):
        raise typer.BadParameter("several subjects must be groups, those of one caller: ask about a client, a scope or everyone by itself")
    return refs


def _what_can(document: PermissionDocument, refs: list[PrincipalRef]) -> tuple[Access, ...]:
    return what_can(document, refs[0], time.time()) if len(refs) == 1 else groups_can(document, refs, time.time())


def _in_all_apis(service: PermissionService, refs: list[PrincipalRef], *, quiet: bool) -> list[InApi]:
    names = service.apis()
    found = []
    with output.progress("reading the table", len(names), quiet=quiet) as advance:
        for name in names:
            published = service.published(name)
            found.append((name, published.head.version, _what_can(published.document, refs)))
            advance()
    return found


def _show_apis(found: list[InApi], refs: list[PrincipalRef], json: bool, title: str) -> None:
    if json:
        apis = [presenters.api_access(*each) for each in found]
        output.print_json(models.AccessInAllApis(subjects=[str(ref) for ref in refs], apis=apis))
        return
    if not found:
        output.OUT.print("the table has no API; `gatebook apply FILE` publishes one", highlight=False)
    for name, version, access in found:
        _show(list(access), version, json, f"{name}: {title}")


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
