"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from admin_api.cli.commands.import_permissions import ApiRegionOption, NameOption, StageOption, import_aws_sample, import_casbin, import_iam
from admin_api.cli.commands.route_sources import template_apis
from admin_api.cli.commands.source_kinds import told_apart, told_kind, wrong_kind
from admin_api.cli.render.imported import print_imported, print_several
from admin_api.cli.settings import AWS
from admin_api.cli.target import JsonOption, client
from admin_api.importers.api_collector import FoundApis
from admin_api.importers.apigateway import read_deployed, unguarded_notes
from admin_api.importers.foreign_text import ForeignText, parse_foreign, read_foreign
from admin_api.importers.imported import FoundRoutes, ImportSourceError, api_name, document_of
from admin_api.importers.openapi import BasePath, is_openapi, read_openapi
from admin_api.importers.routes_text import read_routes
from admin_api.importers.serverless import read_serverless
from admin_api.importers.verified_permissions import read_verified_permissions

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
    found = read_routes(file)
    trouble = told_kind(file, "routes") if found.not_taken or not found.routes else None
    if trouble is not None:
        raise trouble
    print_imported(document_of(found, name), json=json)


def import_verified_permissions(
    file: Annotated[Path, typer.Argument(help="Cedar policies, or JSON as `aws verifiedpermissions` prints it.", show_default=False)],
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the policies of Amazon Verified Permissions for an API: which group may which action, such as `get /pets`. Conditions are told, never guessed.

    Example: gatebook import verified-permissions policies.cedar > permissions.yaml"""
    with told_apart(file, "verified-permissions"):
        imported = read_verified_permissions(file, name)
    print_imported(imported, json=json)


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
    print_imported(document_of(_openapi_routes(read_foreign(file), base_path, file), name), json=json)


def _openapi_routes(source: ForeignText, base_path: BasePath, file: str) -> FoundRoutes:
    """Return the routes. Raises `ImportSourceError`, which says of another tool's file what it is."""
    try:
        value = parse_foreign(source)
        if is_openapi(value.value):
            return read_openapi(value, base_path)
        trouble = ImportSourceError(f"{source.name}: this is no OpenAPI definition: it has neither `openapi` nor `swagger`")
    except ImportSourceError as error:
        trouble = error
    raise wrong_kind(source, "openapi", file) or trouble


def import_apigateway(
    api_id: Annotated[str, typer.Option("--api-id", help="Id of the REST, HTTP or WebSocket API.", show_default=False)],
    stage: StageOption = None,
    region: ApiRegionOption = None,
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


def import_template(
    file: Annotated[Path, typer.Argument(help="CloudFormation or SAM template, YAML or JSON.", show_default=False)],
    api: Annotated[str | None, typer.Option("--api", help="Logical id of one API. Else one document for each.", show_default=False)] = None,
    parameter: ParameterOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the routes that a CloudFormation or SAM template declares. With several APIs in it, prints a document for each, with `---` between them.

    Example: gatebook import template template.yaml --api PetsApi --parameter Stage=prod > permissions.yaml"""
    parameters = _parameters(parameter)
    with told_apart(file, "template"):
        apis = template_apis(file, parameters)
    print_apis(apis, file, api, name, json=json)


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
    parameters = _parameters(parameter)
    with told_apart(file, "serverless"):
        apis = read_serverless(file, parameters)
    print_apis(apis, file, api, name, json=json)


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


COMMANDS: dict[str, Callable[..., None]] = {
    "openapi": import_openapi,
    "template": import_template,
    "serverless": import_serverless,
    "apigateway": import_apigateway,
    "routes": import_routes,
    "iam": import_iam,
    "aws-sample": import_aws_sample,
    "casbin": import_casbin,
    "verified-permissions": import_verified_permissions,
}
"""The subcommands of `gatebook import`, by name."""
