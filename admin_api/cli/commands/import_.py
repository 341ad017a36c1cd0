"""Commands that make a document of what a team already has. Each prints the document on standard output and what it could not take beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from admin_api.cli.render import output
from admin_api.cli.target import EXIT_FINDINGS, JsonOption
from admin_api.importers.imported import Imported, document_of
from admin_api.importers.routes_text import read_routes
from admin_api.importers.verified_permissions import read_verified_permissions
from admin_api.schemas.models import ImportResult, NotTakenItem

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
    "verified-permissions": import_verified_permissions,
}
"""The subcommands of `gatebook import`, by name."""
