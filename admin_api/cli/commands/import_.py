"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from admin_api.cli.render import output
from admin_api.cli.target import EXIT_FINDINGS, JsonOption
from admin_api.importers.api_collector import FoundApis
from admin_api.importers.imported import Imported, ImportSourceError, api_name, document_of
from admin_api.importers.routes_text import read_routes
from admin_api.importers.serverless import read_serverless
from admin_api.importers.template import read_template
from admin_api.schemas.models import ImportResult, ImportResults, NotTakenItem

NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the API in the table. Else what the source calls it.", show_default=False)
]

ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter", metavar="NAME=VALUE", help="Value that the source leaves to the deployment. As often as needed.", show_default=False
    ),
]


def import_routes(
    file: Annotated[Path, typer.Argument(help="File with one route per line, as in `GET /pets`.", show_default=False)],
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read a plain list of routes, one per line: `GET /pets`, `get pets/:id`, `any /files/{proxy+}`, `$default`. Lines that start with `#` are comments.

    Example: gatebook import routes routes.txt > permissions.yaml"""
    print_imported(document_of(read_routes(file), name), json=json)


def import_template(
    file: Annotated[Path, typer.Argument(help="CloudFormation or SAM template, YAML or JSON.", show_default=False)],
    api: Annotated[str | None, typer.Option("--api", help="Logical id of one API. Else one document for each.", show_default=False)] = None,
    parameter: ParameterOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the routes that a CloudFormation or SAM template declares. With several APIs in it, prints a document for each, with `---` between them.

    Example: gatebook import template template.yaml --api PetsApi --parameter Stage=prod > permissions.yaml"""
    print_apis(read_template(file, _parameters(parameter)), file, api, name, json=json)


def import_serverless(
    file: Annotated[Path, typer.Argument(help="File of the Serverless Framework: `serverless.yml`.", show_default=False)],
    api: Annotated[
        str | None,
        typer.Option(
            "--api", help="`http`, `httpApi` or `websocket`: the events of one API. Else one document for each.", show_default=False
        ),
    ] = None,
    parameter: ParameterOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the routes that a file of the Serverless Framework declares. With several APIs in it, prints a document for each, with `---` between them.

    Example: gatebook import serverless serverless.yml --api http --parameter opt:stage=prod > permissions.yaml"""
    print_apis(read_serverless(file, _parameters(parameter)), file, api, name, json=json)


def _parameters(given: Iterable[str] | None) -> dict[str, str]:
    """Return the values of `--parameter NAME=VALUE` by their names."""
    parameters = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise ImportSourceError(f"--parameter `{each}` is not a name and a value: write it as in `--parameter Stage=prod`")
        parameters[name] = value
    return parameters


def print_apis(apis: FoundApis, file: Path, api: str | None, name: str | None, *, json: bool) -> None:
    """Print one API's document, or that of each. Two APIs that are called alike are told apart by what the source refers to them by."""
    chosen = apis.chosen(api, file.name)
    if len(chosen) == 1:
        print_imported(document_of(chosen[0], name), json=json)
        return
    if name is not None:
        raise ImportSourceError(f"{file.name}: one name for {len(chosen)} APIs: choose one of {', '.join(apis.apis)} with `--api`")
    names = [api_name(each.name, api_name(key)) for key, each in zip(apis.apis, chosen, strict=True)]
    if len(set(names)) < len(names):
        names = [f"{known}-{number}" if names.count(known) > 1 else known for number, known in enumerate(names, 1)]
    print_several([document_of(each, known) for each, known in zip(chosen, names, strict=True)], json=json)


def print_several(imported: Sequence[Imported], *, json: bool) -> None:
    """Print documents one after the other, and on standard error what they do not say. Exits with 1 if that is anything."""
    if json:
        output.print_json(ImportResults(apis=[_result(each) for each in imported]))
    else:
        output.OUT.out("---\n".join(as_yaml(each.document) for each in imported), end="", highlight=False)
        for each in imported:
            output.print_notes_aside(f"{each.document['api']}: {note}" for note in each.notes)
        output.print_not_taken([left for each in imported for left in each.not_taken])
    if any(each.not_taken for each in imported):
        raise typer.Exit(EXIT_FINDINGS)


def _result(imported: Imported) -> ImportResult:
    left = [NotTakenItem(place=each.place, reason=each.reason) for each in imported.not_taken]
    return ImportResult(document=dict(imported.document), not_taken=left, notes=list(imported.notes))


def print_imported(imported: Imported, *, json: bool) -> None:
    """Print the document, and on standard error what it does not say. Exits with 1 if that is anything."""
    if json:
        output.print_json(_result(imported))
    else:
        output.OUT.out(as_yaml(imported.document), end="", highlight=False)
        output.print_notes_aside(imported.notes)
        output.print_not_taken(imported.not_taken)
    if imported.not_taken:
        raise typer.Exit(EXIT_FINDINGS)


def as_yaml(document: Any) -> str:
    """Return a document as `export` writes it."""
    text: str = yaml.safe_dump(dict(document), sort_keys=False, allow_unicode=True, width=120)
    return text


COMMANDS: dict[str, Callable[..., None]] = {
    "routes": import_routes,
    "template": import_template,
    "serverless": import_serverless,
}
"""The subcommands of `gatebook import`, by name."""
