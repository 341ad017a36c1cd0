"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from admin_api.cli.commands.route_sources import template_apis
from admin_api.cli.render import output
from admin_api.cli.settings import AWS
from admin_api.cli.target import EXIT_FINDINGS, JsonOption, client
from admin_api.importers.api_collector import FoundApis
from admin_api.importers.apigateway import read_deployed, unguarded_notes
from admin_api.importers.foreign_text import ForeignText, parse_foreign, read_foreign
from admin_api.importers.iam import IamSource
from admin_api.importers.iam_document import document_of_roles
from admin_api.importers.iam_files import ASSUMED_POOL, claims_of, read_combinations, read_groups, read_pool, read_roles, read_tags
from admin_api.importers.iam_policies import parse_api_arn
from admin_api.importers.imported import FoundRoutes, Imported, ImportSourceError, api_name, document_of
from admin_api.importers.openapi import BasePath, is_openapi, read_openapi
from admin_api.importers.recognition import recognised
from admin_api.importers.routes_text import read_routes
from admin_api.importers.serverless import read_serverless
from admin_api.importers.verified_permissions import read_verified_permissions
from admin_api.schemas.models import ImportResult, ImportResults, NotTakenItem, RoleDifference, RolesImportResult

NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the API in the table. Else what the source calls it.", show_default=False)
]

StageOption = Annotated[
    str | None, typer.Option("--stage", help="Stage of the API. Needed if it has several and no `$default`.", show_default=False)
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


def import_template(
    file: Annotated[Path, typer.Argument(help="CloudFormation or SAM template, YAML or JSON.", show_default=False)],
    api: Annotated[str | None, typer.Option("--api", help="Logical id of one API. Else one document for each.", show_default=False)] = None,
    parameter: ParameterOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Read the routes that a CloudFormation or SAM template declares. With several APIs in it, prints a document for each, with `---` between them.

    Example: gatebook import template template.yaml --api PetsApi --parameter Stage=prod > permissions.yaml"""
    print_apis(template_apis(file, _parameters(parameter)), file, api, name, json=json)


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


def import_iam(
    policies: Annotated[Path, typer.Option("--policies", help="Folder with groups, and the policies of their roles.", show_default=False)],
    api: Annotated[
        str,
        typer.Option("--api", help="The stage that requests are for: arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE.", show_default=False),
    ],
    routes: Annotated[
        Path | None, typer.Option("--routes", help="File with one route per line. Else routes.txt in the folder.", show_default=False)
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option("--claim", help="VARIABLE=CLAIM: the token's claim that a policy variable stands for.", show_default=False),
    ] = None,
    together: Annotated[
        Path | None, typer.Option("--combinations", help="File with groups that people have together: a list of lists.", show_default=False)
    ] = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Make a document of a user pool's groups and the IAM roles that an identity pool gives them. Nobody in one group gets more than the role allowed.

    Compares roles and document request by request, also for people in two groups, who had one role and now have both groups' permissions.

    Example: gatebook import iam --policies iam/ --api arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod > permissions.yaml"""
    pool, told = read_pool(policies)
    claims = {**read_tags(policies), **claims_of(claim or ())}
    source = IamSource(parse_api_arn(api), read_groups(policies), read_roles(policies), pool, claims)
    made = document_of_roles(
        source, read_routes(routes or policies / "routes.txt"), name, read_combinations(together) if together else None
    )
    notes = made.imported.notes if told else (*made.imported.notes, ASSUMED_POOL)
    imported = Imported(made.imported.document, made.imported.not_taken, notes)
    if not json:
        print_imported(imported, json=False)
        return
    left = [NotTakenItem(place=each.place, reason=each.reason) for each in imported.not_taken]
    compared = [
        RoleDifference(
            groups=list(d.groups), roles=list(d.roles), route=d.route, request=d.request, allowed_by="document" if d.wider else "role"
        )
        for d in made.differences
    ]
    output.print_json(RolesImportResult(document=dict(imported.document), not_taken=left, notes=list(notes), differences=compared))
    if left:
        raise typer.Exit(EXIT_FINDINGS)


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
    "openapi": import_openapi,
    "template": import_template,
    "serverless": import_serverless,
    "apigateway": import_apigateway,
    "routes": import_routes,
    "iam": import_iam,
    "verified-permissions": import_verified_permissions,
}
"""The subcommands of `gatebook import`, by name."""
