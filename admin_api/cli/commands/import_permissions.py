"""Imports that read who may call what, and not the routes alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from admin_api.cli.commands.route_sources import READERS
from admin_api.cli.commands.source_kinds import told_apart
from admin_api.cli.render import output
from admin_api.cli.render.imported import print_imported, result_of
from admin_api.cli.settings import AWS
from admin_api.cli.target import EXIT_FINDINGS, JsonOption, client
from admin_api.importers.apigateway import unguarded_notes
from admin_api.importers.aws_sample import document_of_sample, read_sample
from admin_api.importers.casbin import ASSUMED_MODEL, ROUTES_OF_POLICY, document_of_casbin, read_policy_file, routes_of_policy
from admin_api.importers.casbin_model import CasbinModel, read_model
from admin_api.importers.iam import IamSource
from admin_api.importers.iam_account import PoolIds, deployed_stage, read_account
from admin_api.importers.iam_document import IamImport, document_of_roles
from admin_api.importers.iam_files import ASSUMED_POOL, claims_of, read_combinations, read_groups, read_pool, read_roles, read_tags
from admin_api.importers.iam_policies import parse_api_arn
from admin_api.importers.imported import FoundRoutes
from admin_api.importers.routes_text import read_routes
from admin_api.schemas.models import RoleDifference, RolesImportResult

NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the API in the table. Else what the source calls it.", show_default=False)
]
OpenApiOption = Annotated[Path | None, typer.Option("--openapi", help="Routes of an OpenAPI or Swagger definition.", show_default=False)]
TemplateOption = Annotated[Path | None, typer.Option("--template", help="Routes of a CloudFormation or SAM template.", show_default=False)]
RoutesOption = Annotated[Path | None, typer.Option("--routes", help="File with one route per line.", show_default=False)]
StageOption = Annotated[
    str | None, typer.Option("--stage", help="Stage of the API. Needed if it has several and no `$default`.", show_default=False)
]
ApiRegionOption = Annotated[str | None, typer.Option("--region", help="AWS region of the API. Else AWS_REGION.", show_default=False)]

SourceApiOption = Annotated[str | None, typer.Option("--source-api", help="Which API of a template that has several.", show_default=False)]


def import_iam(
    policies: Annotated[
        Path | None, typer.Option("--policies", help="Folder with groups, and the policies of their roles.", show_default=False)
    ] = None,
    api: Annotated[
        str | None,
        typer.Option(
            "--api",
            help="With --policies, the stage that requests are for: arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE.",
            show_default=False,
        ),
    ] = None,
    user_pool_id: Annotated[
        str | None, typer.Option("--user-pool-id", help="Ask AWS: the user pool of the groups.", show_default=False)
    ] = None,
    identity_pool_id: Annotated[
        str | None, typer.Option("--identity-pool-id", help="Ask AWS: the identity pool that gives them roles.", show_default=False)
    ] = None,
    api_id: Annotated[
        str | None, typer.Option("--api-id", help="Ask AWS: id of the REST, HTTP or WebSocket API.", show_default=False)
    ] = None,
    stage: StageOption = None,
    region: ApiRegionOption = None,
    client_id: Annotated[
        str | None,
        typer.Option(
            "--client-id", help="App client that people sign in through, if the identity pool tells them apart.", show_default=False
        ),
    ] = None,
    routes: Annotated[
        Path | None,
        typer.Option(
            "--routes", help="File with one route per line. Else routes.txt in the folder, or what is deployed.", show_default=False
        ),
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

    Asks AWS for them, or reads a folder of AWS's answers. Compares roles and document request by request, also for people in two groups, who had one role
    and now have both groups' permissions.

    Example: gatebook import iam --user-pool-id eu-west-1_AbCdEfGhI --identity-pool-id eu-west-1:1f2e3d4c-5b6a-7980-1a2b-3c4d5e6f7a8b
    --api-id a1b2c3d4e5 --stage prod > permissions.yaml

    Example: gatebook import iam --policies iam/ --api arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod > permissions.yaml"""
    asked = {"--user-pool-id": user_pool_id, "--identity-pool-id": identity_pool_id, "--api-id": api_id}
    of_aws = {**asked, "--stage": stage, "--region": region, "--client-id": client_id}
    if policies is not None or api is not None:
        _refuse_mixture(policies, api, of_aws)
    notes: tuple[str, ...] = ()
    if policies is not None and api is not None:
        pool, told = read_pool(policies)
        source = IamSource(parse_api_arn(api), read_groups(policies), read_roles(policies), pool, read_tags(policies))
        found = read_routes(routes or policies / "routes.txt")
        notes = () if told else (ASSUMED_POOL,)
    elif user_pool_id is not None and identity_pool_id is not None and api_id is not None:
        source, deployed = read_account(PoolIds(user_pool_id, identity_pool_id, client_id), api_id, stage, _clients(region))
        found = read_routes(routes) if routes is not None else deployed
        notes = unguarded_notes(found)
    else:
        missing = ", ".join(option for option, value in asked.items() if value is None)
        raise typer.BadParameter(f"{missing} missing: give {', '.join(asked)} to ask AWS, or --policies and --api to read a folder")
    source = replace(source, claims={**source.claims, **claims_of(claim or ())})
    made = document_of_roles(source, found, name, read_combinations(together) if together else None)
    _print_compared(replace(made, imported=replace(made.imported, notes=(*made.imported.notes, *notes))), json=json)


def import_aws_sample(
    table: Annotated[str, typer.Argument(help="The sample's table, such as auth-policy-store.", show_default=False)],
    api_id: Annotated[
        str | None, typer.Option("--api-id", help="Id of the API that the policies are for, asked from AWS.", show_default=False)
    ] = None,
    stage: StageOption = None,
    api: Annotated[
        str | None,
        typer.Option("--api", help="In place of --api-id: arn:aws:execute-api:REGION:ACCOUNT:API_ID/STAGE.", show_default=False),
    ] = None,
    openapi: OpenApiOption = None,
    template: TemplateOption = None,
    routes: RoutesOption = None,
    source_api: SourceApiOption = None,
    region: Annotated[
        str | None, typer.Option("--region", help="AWS region of the table and the API. Else AWS_REGION.", show_default=False)
    ] = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Make a document of the table of AWS's sample `amazon-cognito-api-gateway`, which keeps an IAM policy for each group. Compares both, request by request.

    The sample's own API is one proxy route: list the routes of the application behind it with --routes or --openapi.

    Example: gatebook import aws-sample auth-policy-store --api-id a1b2c3d4e5 --stage dev --routes routes.txt > permissions.yaml"""
    if (api is None) is (api_id is None):
        raise typer.BadParameter("name the API by --api-id, or by --api and a file with its routes")
    if api is not None and stage is not None:
        raise typer.BadParameter("--stage belongs to --api-id: the ARN of --api has the stage")
    listed = routes_of_files({"--openapi": openapi, "--template": template, "--routes": routes}, source_api)
    clients = _clients(region)
    if api_id is not None:
        arn, deployed = deployed_stage(api_id, stage, clients)
        found = listed or deployed
    elif listed is None:
        raise typer.BadParameter("--api needs a file with the API's routes: --routes, --openapi or --template")
    else:
        arn, found = parse_api_arn(str(api)), listed
    policies = read_sample(clients("dynamodb", None), table)
    _print_compared(document_of_sample(policies, arn, found, name), json=json)


def import_casbin(
    file: Annotated[Path, typer.Argument(help="Casbin policy as CSV: `p, sub, obj, act[, eft]` and `g, user, role`.", show_default=False)],
    model: Annotated[
        Path | None,
        typer.Option("--model", help="Casbin model, whose matcher says how objects and actions are compared.", show_default=False),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", help="Subject that is a role though no `g` line gives it. As often as needed.", show_default=False),
    ] = None,
    openapi: OpenApiOption = None,
    template: TemplateOption = None,
    routes: RoutesOption = None,
    source_api: SourceApiOption = None,
    name: NameOption = None,
    json: JsonOption = False,
) -> None:
    """Make a document of a Casbin policy: roles become groups, `/pets/:id` and `/files/*` are compared with whole routes. What it cannot say is named.

    Example: gatebook import casbin policy.csv --model model.conf --openapi openapi.yaml > permissions.yaml"""
    compared = CasbinModel() if model is None else read_model(model)
    with told_apart(file, "casbin"):
        policy = read_policy_file(file, compared)
    listed = routes_of_files({"--openapi": openapi, "--template": template, "--routes": routes}, source_api)
    made = document_of_casbin(policy, compared, listed or routes_of_policy(policy), name, group or ())
    notes = (*made.notes, *([ASSUMED_MODEL] if model is None else ()), *([ROUTES_OF_POLICY] if listed is None else ()))
    print_imported(replace(made, notes=notes), json=json)


def routes_of_files(named: Mapping[str, Path | None], source_api: str | None) -> FoundRoutes | None:
    """Return the routes of the one file that an option names, None if none does."""
    files = [(option, path) for option, path in named.items() if path is not None]
    if len(files) > 1:
        raise typer.BadParameter(f"{files[0][0]} and {files[1][0]} both name the routes: give one of them")
    return READERS[files[0][0]](files[0][1], source_api) if files else None


def _refuse_mixture(policies: Path | None, api: str | None, of_aws: Mapping[str, str | None]) -> None:
    others = [option for option, value in of_aws.items() if value is not None]
    if others:
        raise typer.BadParameter(
            f"{others[0]} asks AWS, {'--policies' if policies else '--api'} belongs to a folder: give one or the other"
        )
    if policies is None or api is None:
        raise typer.BadParameter(f"{'--policies' if policies is None else '--api'} is missing: a folder is read with --policies and --api")


def _clients(region: str | None) -> Any:
    """Return what makes clients of AWS services: in a region that is named, else in that of the API."""
    return lambda service, named: client(service, replace(AWS, region=named or region))


def _print_compared(made: IamImport, *, json: bool) -> None:
    """Print a document that was compared with its source, for programs with each difference. Exits with 1 if anything was not taken."""
    if not json:
        print_imported(made.imported, json=False)
        return
    compared = [
        RoleDifference(
            groups=list(d.groups), roles=list(d.roles), route=d.route, request=d.request, allowed_by="document" if d.wider else "role"
        )
        for d in made.differences
    ]
    result = result_of(made.imported)
    output.print_json(RolesImportResult(document=result.document, not_taken=result.not_taken, notes=result.notes, differences=compared))
    if made.imported.not_taken:
        raise typer.Exit(EXIT_FINDINGS)
