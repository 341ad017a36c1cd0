"""The command that compares a document with what is deployed, or with the file that it is deployed from."""

import time
from pathlib import Path
from typing import Annotated

import typer

from admin_api.analysis.drift import drift as differences_of
from admin_api.analysis.found_routes import FoundRoutes
from admin_api.cli.commands.import_ import deployed
from admin_api.cli.commands.import_permissions import StageOption
from admin_api.cli.commands.route_sources import READERS
from admin_api.cli.commands.source_kinds import told_apart, told_kind
from admin_api.cli.completion import complete_api
from admin_api.cli.render import output
from admin_api.cli.render.drift_junit import drift_as_junit
from admin_api.cli.render.drift_report import DriftOutcome, present_drift, print_drift
from admin_api.cli.render.markdown import drift_as_markdown
from admin_api.cli.render.sarif import drift_as_sarif
from admin_api.cli.target import EXIT_FINDINGS, JsonOption
from admin_api.documents.files import FileDocument, read_file
from admin_api.importers.recognition import Kind
from authorizer.policy.document import PermissionDocument
from authorizer.policy.problems import DocumentError

_NOTHING_DONE = "nothing was compared"
_STANDARD_OUTPUT = Path("-")


def drift(
    file: Annotated[Path, typer.Argument(help="File with the permission document, YAML or JSON.", show_default=False)],
    openapi: Annotated[
        Path | None, typer.Option("--openapi", help="Compare with an OpenAPI or Swagger definition.", show_default=False)
    ] = None,
    template: Annotated[
        Path | None, typer.Option("--template", help="Compare with a CloudFormation or SAM template.", show_default=False)
    ] = None,
    serverless: Annotated[
        Path | None, typer.Option("--serverless", help="Compare with a file of the Serverless Framework.", show_default=False)
    ] = None,
    source_api: Annotated[
        str | None, typer.Option("--source-api", help="Which API of a template or Serverless file that has several.", show_default=False)
    ] = None,
    routes: Annotated[
        Path | None, typer.Option("--routes", help="Compare with a list of routes, one per line.", show_default=False)
    ] = None,
    api_id: Annotated[
        str | None,
        typer.Option("--api-id", help="Compare with what is deployed: id of the REST, HTTP or WebSocket API.", show_default=False),
    ] = None,
    stage: StageOption = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the API. Else AWS_REGION.", show_default=False)] = None,
    api: Annotated[
        str | None,
        typer.Option(
            "--api",
            help="Which document of the file, by its API's name. Needed if it has several.",
            show_default=False,
            autocompletion=complete_api,
        ),
    ] = None,
    json: JsonOption = False,
    sarif: Annotated[Path | None, typer.Option("--sarif", help="Write SARIF 2.1.0 to this file as well.", show_default=False)] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML to this file as well.", show_default=False)] = None,
    markdown: Annotated[
        Path | None,
        typer.Option(
            "--markdown",
            help="Write Markdown for a pull request to this file as well; `-` prints it in place of the table.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare a document's catalogue with what is deployed: routes that it lacks, routes that are gone or renamed, and routes without an authorizer. Exits
    with 1 if anything differs.

    Example: gatebook drift permissions.yaml --api-id a1b2c3d4e5 --stage prod"""
    if json and markdown == _STANDARD_OUTPUT:
        raise typer.BadParameter("--json and --markdown - both print: write one of them to a file")
    named = {"--openapi": openapi, "--template": template, "--serverless": serverless, "--routes": routes}
    files = {name: path for name, path in named.items() if path is not None}
    if len(files) + (api_id is not None) != 1:
        raise typer.BadParameter(f"name one source to compare with: {', '.join(READERS)} or --api-id")
    if stage is not None and api_id is None:
        raise typer.BadParameter("--stage belongs to --api-id")
    source, document = _document(file, api)
    if api_id is not None:
        found, name = deployed(api_id, stage, region), api_id
    else:
        [(option, path)] = files.items()
        found, name = _declared(option, path, source_api), path.name
    outcome = DriftOutcome(document.api, name, source, differences_of(document, found, time.time(), source.value))
    in_file = markdown if markdown != _STANDARD_OUTPUT else None
    for written, text in (sarif, drift_as_sarif), (junit, drift_as_junit), (in_file, drift_as_markdown):
        if written is not None:
            written.write_text(text(outcome), encoding="utf-8")
    if json:
        output.print_json(present_drift(outcome))
    elif markdown == _STANDARD_OUTPUT:
        output.OUT.out(drift_as_markdown(outcome), end="", highlight=False)
    else:
        print_drift(outcome)
    if outcome.report.differences:
        raise typer.Exit(EXIT_FINDINGS)


def _declared(option: str, path: Path, source_api: str | None) -> FoundRoutes:
    """Return the routes of a file. Raises `ImportSourceError`, which says of another tool's file what it is."""
    kind = option.removeprefix("--")
    with told_apart(path, kind, _by_option):
        found = READERS[option](path, source_api)
    trouble = told_kind(path, kind, _by_option) if found.not_taken or not found.routes else None
    if trouble is not None:
        raise trouble
    return found


def _by_option(kind: Kind, file: str) -> str:
    """Offer the option that compares with a file: "`--openapi swagger.yaml` compares with it"."""
    option = next((f"--{name}" for name in kind.importers if f"--{name}" in READERS), None)
    return "" if option is None else f"`{option} {file}` compares with it"


def _document(path: Path, api: str | None) -> tuple[FileDocument, PermissionDocument]:
    """Return the document that is meant, with what is known of its text. Shows the problems of a file and ends the command if there are any."""
    source: FileDocument | None = None
    documents: dict[str, tuple[FileDocument, PermissionDocument]] = {}
    try:
        for source in read_file(path):
            document = source.parse()
            documents[document.api] = source, document
    except DocumentError as error:
        output.print_problems(str(path), source, error, _NOTHING_DONE)
        raise typer.Exit(EXIT_FINDINGS) from None
    names = ", ".join(documents)
    if api is None and len(documents) > 1:
        raise typer.BadParameter(f"{path} has several documents: choose one with --api, there are {names}")
    if api is not None and api not in documents:
        raise typer.BadParameter(f"{path} has no document of API `{api}`: there are {names}")
    return documents[api] if api is not None else next(iter(documents.values()))
