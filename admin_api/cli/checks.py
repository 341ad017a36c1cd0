"""Commands that look at documents without a table: check, matrix."""

import time
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from admin_api.cli import output
from admin_api.cli.output import shown
from admin_api.cli.seeds import read_documents
from admin_api.cli.target import EXIT_FINDINGS, FilesArgument, JsonOption
from admin_api.document_files import read_file
from authorizer.policy.analysis import ALLOWED, DENIED, NOTHING, describe_access
from authorizer.policy.cache_safety import MAX_COMBINATIONS, TokenVerdict, caller_kinds, risky_triples, token_verdicts
from authorizer.policy.document import PermissionDocument
from authorizer.policy.findings import findings
from authorizer.policy.invariants import Invariant, cells, parse_invariants, violations
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

_MAX_SHOWN = 20


def check(
    files: FilesArgument,
    invariants: Annotated[
        Path | None, typer.Option("--invariants", help="File of statements that must hold, such as `- never: guest -> DELETE /**`.")
    ] = None,
    callers: Annotated[
        Path | None, typer.Option("--callers", help="File with the combinations of groups that occur, one per line, comma separated.")
    ] = None,
    combinations: Annotated[
        int, typer.Option("--combinations", min=1, help="How many combinations of groups to judge, if no --callers are given.")
    ] = MAX_COMBINATIONS,
    json: JsonOption = False,
) -> None:
    """Look for what is wrong with documents that are well formed: broken invariants, permissions that do nothing, routes that nobody may call, and what
    `token` scope cannot say. Exits with 1 if there is anything to see to."""
    documents = read_documents(files)
    demanded = _invariants(invariants) if invariants is not None else []
    kinds = _callers(callers) if callers is not None else None
    reports = [_report(document, demanded, kinds, combinations) for document in documents]
    if json:
        output.print_json([report for report, _ in reports])
    else:
        for document, (report, verdicts) in zip(documents, reports, strict=True):
            _print(document, report, verdicts)
    if any(report["violations"] or report["findings"] or report["enforced"] for report, _ in reports):
        raise typer.Exit(EXIT_FINDINGS)


def matrix(files: FilesArgument, json: JsonOption = False) -> None:
    """Show who may call what: every route against every group, client and scope, each with what everyone may."""
    documents = read_documents(files)
    if json:
        output.print_json([_matrix(document) for document in documents])
        return
    for document in documents:
        _print_matrix(document)


def _invariants(path: Path) -> list[Invariant]:
    try:
        return [invariant for source in read_file(path) for invariant in parse_invariants(source.value)]
    except DocumentError as error:
        output.print_problems(str(path), None, error)
        raise typer.Exit(EXIT_FINDINGS) from None


def _callers(path: Path) -> list[tuple[PrincipalRef, ...]]:
    lines = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    kinds = {tuple(sorted({name.strip() for name in line.split(",") if name.strip()})) for line in lines if line}
    return [tuple(PrincipalRef(RefKind.GROUP, name) for name in names) for names in sorted(kinds)]


def _report(
    document: PermissionDocument, demanded: list[Invariant], kinds: list[tuple[PrincipalRef, ...]] | None, most: int
) -> tuple[dict[str, object], list[TokenVerdict]]:
    now = time.time()
    with output.ERR.status(f"checking {document.api}"):
        verdicts = list(token_verdicts(document, caller_kinds(document, most) if kinds is None else kinds, now))
        triples = [str(triple) for triple in islice(risky_triples(document.catalog), _MAX_SHOWN + 1)]
        broken = [violation for invariant in demanded for violation in violations(document, invariant)]
        found = list(findings(document, now))
    enforced = [str(verdict) for verdict in verdicts if "token" in document.enforced and not verdict.is_expressible]
    report: dict[str, object] = {
        "api": document.api,
        "violations": [{"invariant": v.invariant, "counter_example": v.message} for v in broken],
        "findings": [{"kind": f.kind, "message": f.message} for f in found],
        "enforced": enforced,
        "token_scope": [output.verdict_as_json(verdict) for verdict in verdicts],
        "risky_triples": triples,
    }
    return report, verdicts


def _print(document: PermissionDocument, report: dict[str, object], verdicts: list[TokenVerdict]) -> None:
    out = output.OUT
    out.print(f"[bold]{document.api}[/]: {len(document.catalog.routes)} routes, {len(document.subjects)} subjects", highlight=False)
    for violation in _entries(report["violations"]):
        out.print(f"[red]broken[/] {shown(violation['invariant'])}: {shown(violation['counter_example'])}", highlight=False)
    for finding in _entries(report["findings"]):
        out.print(f"[yellow]{finding['kind']}[/] {shown(finding['message'])}", highlight=False)
    if not report["violations"] and not report["findings"]:
        out.print("nothing to see to in the permissions", highlight=False)
    output.print_verdicts(verdicts)
    triples = report["risky_triples"]
    if isinstance(triples, list) and triples:
        out.print("Routes that a token-only key cannot keep apart, whatever the permissions are:", highlight=False)
        for triple in triples[:_MAX_SHOWN]:
            out.print(f"  {shown(triple)}", highlight=False)
        if len(triples) > _MAX_SHOWN:
            out.print("  and more", highlight=False)


def _entries(value: object) -> list[dict[str, str]]:
    return value if isinstance(value, list) else []


def _subjects(document: PermissionDocument) -> list[PrincipalRef]:
    return sorted({EVERYONE, *document.subjects})


def _matrix(document: PermissionDocument) -> dict[str, object]:
    return {
        "api": document.api,
        "access": [
            {"subject": str(ref), "route": f"{verb} {route.path}", "access": access}
            for ref in _subjects(document)
            for permissions in [[*document.permissions(EVERYONE), *(document.permissions(ref) if ref != EVERYONE else ())]]
            for verb, route in cells(document)
            if (access := describe_access(permissions, verb, route)) != NOTHING
        ],
    }


def _print_matrix(document: PermissionDocument) -> None:
    subjects = _subjects(document)
    table = Table("route", *(shown(str(ref)) for ref in subjects), title=document.api, title_justify="left", box=None, pad_edge=False)
    held = [[*document.permissions(EVERYONE), *(document.permissions(ref) if ref != EVERYONE else ())] for ref in subjects]
    for route in document.catalog.routes:
        served = [verb for verb, known in cells(document) if known is route]
        rows = {verb: [describe_access(permissions, verb, route) for permissions in held] for verb in served}
        same = len({tuple(row) for row in rows.values()}) == 1
        for verb, row in list(rows.items())[: 1 if same else None]:
            name = str(route) if same else f"{verb} {route.path}"
            table.add_row(shown(name) + (" [dim](public)[/]" if route.public else ""), *map(_cell, row))
    output.print_table(table)


def _cell(access: str) -> str:
    if access == NOTHING:
        return "[dim]·[/]"
    if access == DENIED:
        return "[red]denied[/]"
    if access == ALLOWED:
        return "[green]yes[/]"
    return f"[yellow]{shown(access.removeprefix(ALLOWED).strip())}[/]"
