"""The command that looks for what is wrong with documents, without a table."""

import time
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from admin_api.analysis.bindings import judge_bindings
from admin_api.analysis.findings import findings, unknown_names
from admin_api.analysis.invariants import Invariant, parse_invariants, violations
from admin_api.analysis.notation import notation_notes
from admin_api.analysis.rules import own_rules
from admin_api.analysis.token_scope import MAX_COMBINATIONS, caller_kinds, enforced_verdicts, risky_triples, token_verdicts
from admin_api.analysis.trusted_issuers import TrustedIssuers
from admin_api.cli.commands.permissions import read_documents
from admin_api.cli.render import output
from admin_api.cli.render.check_report import Report, present, print_report
from admin_api.cli.target import (
    EXIT_FINDINGS,
    EXIT_USAGE,
    AuthorizerOption,
    FilesArgument,
    IssuersOption,
    JsonOption,
    named_environment,
    named_issuers,
)
from admin_api.documents.files import FileDocument, read_file
from admin_api.identity_sources import identity_source_notes
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

_MAX_TRIPLES = 20

_NOTHING_DONE = "nothing was looked at"


def check(
    files: FilesArgument,
    invariants: Annotated[
        Path | None, typer.Option("--invariants", help="File of statements that must hold, such as `- never: guest -> DELETE /**`.")
    ] = None,
    callers: Annotated[
        Path | None, typer.Option("--callers", help="File with the combinations of groups that occur, one per line, comma separated.")
    ] = None,
    combinations: Annotated[
        int, typer.Option("--combinations", min=1, help="How many kinds of callers to judge, if no --callers are given.")
    ] = MAX_COMBINATIONS,
    issuers: IssuersOption = None,
    authorizer: AuthorizerOption = None,
    json: JsonOption = False,
) -> None:
    """Look for what is wrong with documents that are well formed: broken rules and invariants, permissions that do nothing, routes that nobody may call, and
    what `token` scope cannot say. Exits with 1 if there is anything to see to.

    With --issuers or --authorizer also for `where` that the issuer's tokens never meet, and for groups that no issuer gives. With --authorizer notes say which
    identity sources its gateway needs, if tokens come in anything but the Authorization header.

    Example: gatebook check seed_data/dev.yaml --invariants rules.yaml"""
    trusted = named_issuers(issuers, authorizer)
    wiring = list(identity_source_notes(named_environment(authorizer)))
    documents = read_documents(files, _NOTHING_DONE, quiet=json)
    demanded = _invariants(invariants) if invariants is not None else []
    kinds = _callers(callers) if callers is not None else None
    unknown = [*unknown_names(documents, demanded), *(found for each in documents for found in unknown_names([each], own_rules(each)))]
    reports = [_report(document, demanded, kinds, combinations, trusted, wiring) for document in documents]
    if json:
        output.print_json([present(report, unknown) for report in reports])
    else:
        output.print_findings(unknown)
        for report in reports:
            print_report(report)
    if unknown or not all(report.is_clean for report in reports):
        raise typer.Exit(EXIT_FINDINGS)


def _invariants(path: Path) -> list[Invariant]:
    source: FileDocument | None = None
    demanded = []
    try:
        for source in read_file(path):
            demanded += _invariants_of(source)
    except DocumentError as error:
        output.print_problems(str(path), source, error, _NOTHING_DONE)
        raise typer.Exit(EXIT_FINDINGS) from None
    return demanded


def _invariants_of(source: FileDocument) -> list[Invariant]:
    """Raises `DocumentError` with the problems of the text and of its meaning together."""
    problems = list(source.problems)
    try:
        demanded = parse_invariants(source.value)
    except DocumentError as error:
        problems += error.problems
    if problems:
        raise DocumentError(sorted(problems, key=lambda p: (source.line(p.pointer), p)))
    return demanded


def _callers(path: Path) -> list[tuple[PrincipalRef, ...]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        output.print_error(f"{path}: the file is not UTF-8: {error}")
        raise typer.Exit(EXIT_USAGE) from None
    lines = [line.split("#")[0].strip() for line in text.splitlines()]
    kinds = {tuple(sorted({name.strip() for name in line.split(",") if name.strip()})) for line in lines if line}
    return [tuple(PrincipalRef(RefKind.GROUP, name) for name in names) for names in sorted(kinds)]


def _report(
    document: PermissionDocument,
    demanded: list[Invariant],
    kinds: list[tuple[PrincipalRef, ...]] | None,
    most: int,
    trusted: TrustedIssuers,
    wiring: list[str],
) -> Report:
    now, bindings = time.time(), judge_bindings(document, trusted)
    with output.ERR.status(f"checking {document.api}"):
        verdicts = list(token_verdicts(document, caller_kinds(document, most) if kinds is None else kinds, now))
        triples = [str(triple) for triple in islice(risky_triples(document.catalog), _MAX_TRIPLES + 1)]
        return Report(
            document=document,
            violations=[violation for invariant in (*demanded, *own_rules(document)) for violation in violations(document, invariant)],
            findings=[*findings(document, now), *bindings.findings],
            refused=list(enforced_verdicts(document, verdicts, now)),
            verdicts=verdicts,
            triples=triples[:_MAX_TRIPLES],
            more_triples=len(triples) > _MAX_TRIPLES,
            notes=[*notation_notes(document.catalog.routes), *bindings.notes, *wiring],
        )
