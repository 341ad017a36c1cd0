"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from admin_api.cli.render import output
from admin_api.cli.target import EXIT_FINDINGS, JsonOption
from admin_api.importers.iam import IamSource
from admin_api.importers.iam_document import document_of_roles
from admin_api.importers.iam_files import ASSUMED_POOL, claims_of, read_combinations, read_groups, read_pool, read_roles, read_tags
from admin_api.importers.iam_policies import parse_api_arn
from admin_api.importers.imported import Imported, document_of
from admin_api.importers.routes_text import read_routes
from admin_api.importers.verified_permissions import read_verified_permissions
from admin_api.schemas.models import ImportResult, NotTakenItem, RoleDifference, RolesImportResult

NameOption = Annotated[
    str | None, typer.Option("--name", help="Name of the API in the table. Else what the source calls it.", show_default=False)
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
    "routes": import_routes,
    "iam": import_iam,
    "verified-permissions": import_verified_permissions,
}
"""The subcommands of `gatebook import`, by name."""
