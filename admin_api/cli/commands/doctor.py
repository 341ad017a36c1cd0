"""The command that looks at a deployed API, its authorizer and its table."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import typer

from admin_api.cli.commands.import_permissions import StageOption
from admin_api.cli.render import output
from admin_api.cli.render.doctor_report import DoctorOutcome, present_doctor, print_doctor
from admin_api.cli.render.output import shown
from admin_api.cli.settings import AWS
from admin_api.cli.target import EXIT_FINDINGS, JsonOption, client, service_on
from admin_api.doctor.aws_reader import read_deployment
from admin_api.doctor.checks import examine
from admin_api.doctor.deployment import Published
from admin_api.importers.download import download


def doctor(
    api_id: Annotated[str, typer.Argument(help="Id of the REST, HTTP or WebSocket API, such as a1b2c3d4e5.", show_default=False)],
    stage: StageOption = None,
    authorizer: Annotated[
        str | None,
        typer.Option(
            "--authorizer", help="Id or function name of the authorizer that is meant, if the API has several.", show_default=False
        ),
    ] = None,
    region: Annotated[str | None, typer.Option("--region", help="AWS region of the API. Else AWS_REGION.", show_default=False)] = None,
    json: JsonOption = False,
) -> None:
    """Look at a deployed API with its authorizer, function, role, table and user pool: what lets somebody in, keeps somebody out, or will one day. Each finding
    says what to do. Writes nothing. Exits with 1 if anything is found, or could not be read.

    Example: gatebook doctor a1b2c3d4e5 --stage prod"""
    target = replace(AWS, region=region)

    def aws(service: str) -> Any:
        return client(service, target)

    with output.ERR.status(f"reading {shown(api_id)}"):
        deployment = read_deployment(api_id, stage, authorizer, aws, _published_in(region), download, time.time())
    outcome = DoctorOutcome(deployment, examine(deployment))
    if json:
        output.print_json(present_doctor(outcome))
    else:
        print_doctor(outcome)
    if not outcome.is_sound:
        raise typer.Exit(EXIT_FINDINGS)


def _published_in(region: str | None) -> Callable[[str, str], Published | None]:
    """Return what reads the permissions that a table holds for an API, with what its history does not bear out."""

    def published(table: str, api: str) -> Published | None:
        service = service_on(replace(AWS, table=table, region=region))
        found = service.find_published(api)
        if found is None:
            return None
        return Published(found.document, found.head.version, service.verify(api, found.head, expected=None).damaged)

    return published
