"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from admin_api.cli.render import output
from admin_api.cli.settings import AWS
from admin_api.cli.target import EXIT_FINDINGS, JsonOption, client
from admin_api.importers.apigateway import read_deployed, unguarded_notes
from admin_api.importers.foreign_text import ForeignText, parse_foreign, read_foreign
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError, document_of
from admin_api.importers.openapi import BasePath, is_openapi, read_openapi
from admin_api.importers.recognition import recognised
from admin_api.importers.routes_text import read_routes
from admin_api.importers.verified_permissions import read_verified_permissions
from admin_api.schemas.models import ImportResult, NotTakenItem

NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the API in the table. Else what the source calls it.", show_default=False)
]

StageOption = Annotated[
    str | None, typer.Option("--stage", help="Stage of the API. Needed if it has several and no `$default`.", show_default=False)
]


def import_routes(
    file: Annotated[Path, typer.Argument(help="File with one route per line, as in `GET /pets`.", show_default=False)],
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read a plain list of routes, one per line: `GET /pets`, `get pets/:id`, `any /files/{proxy+}`, `$default`. Lines that start with `#` are comments.

    Example: gatebook import routes routes.txt > permissions.yaml"""
    print_imported(document_of(read_routes(file), name), json=json)


def import_verified_permissions(
    file: Annotated[Path, typer.Argument(help="Cedar policies, or JSON as `aws verifiedpermissions` prints it.", show_default=False)],
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the policies of Amazon Verified Permissions for an API: which group may which action, such as `get /pets`. Conditions are told, never guessed.

    Example: gatebook import verified-permissions policies.cedar > permissions.yaml"""
    print_imported(read_verified_permissions(file, name), json=json)


def import_openapi(
    file: Annotated[str, typer.Argument(metavar="FILE|URL", help="Definition in JSON or YAML, or its https address.", show_default=False)],
    base_path: Annotated[
        BasePath,
        typer.Option(
            "--base-path",
            help="What becomes of the definition's base path: `prepend` puts it before each route, as API Gateway's import can.",
        ),
    ] = BasePath.IGNORE,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read an OpenAPI 3 or Swagger 2.0 definition, with API Gateway's extensions where it has any. Operations with `security: []` become `public`.

    Example: gatebook import openapi openapi.yaml > permissions.yaml"""
    print_imported(document_of(_openapi_routes(read_foreign(file), base_path), name), json=json)


def _openapi_routes(source: ForeignText, base_path: BasePath) -> FoundRoutes:
    """Return the routes. Raises `ImportSourceError`, which says of another tool's file what it is."""
    try:
        value = parse_foreign(source)
        if is_openapi(value.value):
            return read_openapi(value, base_path)
        trouble = ImportSourceError(f"{source.name}: this is no OpenAPI definition: it has neither `openapi` nor `swagger`")
    except ImportSourceError as error:
        trouble = error
    kind = recognised(source)
    if kind is None or "openapi" in kind.importers:
        raise trouble
    raise ImportSourceError(f"{source.name}: this is {kind.what}, not an OpenAPI definition{kind.remedy(COMMANDS)}")


def import_apigateway(
    api_id: Annotated[str, typer.Option("--api-id", help="Id of the REST, HTTP or WebSocket API.", show_default=False)],
    stage: StageOption = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the API. Else AWS_REGION.", show_default=False)] = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the routes of an API that is deployed: a REST API's as its stage serves them, an HTTP or WebSocket API's as they are configured.

    Example: gatebook import apigateway --api-id a1b2c3d4e5 --stage prod > permissions.yaml"""
    found = deployed(api_id, stage, region)
    imported = document_of(found, name)
    print_imported(replace(imported, notes=(*imported.notes, *unguarded_notes(found))), json=json)


def deployed(api_id: str, stage: str | None, region: str | None) -> FoundRoutes:
    """Return the routes of an API in the account that the AWS configuration names."""
    target = replace(AWS, region=region)
    return read_deployed(api_id, stage, lambda service: client(service, target))


def print_imported(imported: Imported, *, json: bool) -> None:
    """Print the document, and on standard error what it does not say. Exits with 1 if that is anything."""
    if json:
        left = [NotTakenItem(place=each.place, reason=each.reason) for each in imported.not_taken]
        output.print_json(ImportResult(document=dict(imported.document), not_taken=left, notes=list(imported.notes)))
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
    "openapi": import_openapi,
    "routes": import_routes,
    "verified-permissions": import_verified_permissions,
    "apigateway": import_apigateway,
}
"""The subcommands of `gatebook import`, by name."""
