"""Which imports there are, and what a file is that was handed to the wrong one of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from admin_api.importers.foreign_text import ForeignText, read_foreign
from admin_api.importers.imported import ImportSourceError
from admin_api.importers.recognition import Kind, is_ours, recognised

IMPORTS = ("openapi", "template", "serverless", "apigateway", "routes", "iam", "aws-sample", "casbin", "verified-permissions")
"""The subcommands of `gatebook import`."""

WANTED = {
    "openapi": "an OpenAPI definition",
    "template": "a CloudFormation or SAM template",
    "serverless": "a file of the Serverless Framework",
    "routes": "a list of routes",
    "casbin": "a Casbin policy",
    "verified-permissions": "a Cedar policy",
}
"""What the imports of files take."""


Offer = Callable[[Kind, str], str]
"""Says what reads a file of a kind, `""` if nothing does. The second argument is the file."""


def by_import(kind: Kind, file: str) -> str:
    """Offer an import: "`gatebook import openapi swagger.yaml` reads it"."""
    command = kind.command(IMPORTS, file)
    return f"`{command}` reads it" if command else ""


def wrong_kind(source: ForeignText, command: str, file: str, offer: Offer = by_import) -> ImportSourceError | None:
    """Return the error that says what a text is, None if it is what the import takes, or nothing that is known: `swagger.yaml` for `serverless` -> "this is a
    Swagger 2.0 definition, not a file of the Serverless Framework: `gatebook import openapi swagger.yaml` reads it"."""
    if is_ours(source):
        return ImportSourceError(
            f"{source.name}: this is a permission document already, not {WANTED[command]}: `gatebook check {file}` reads it"
        )
    kind = recognised(source)
    if kind is None or kind.importer(IMPORTS) == command:
        return None
    offered = offer(kind, file)
    return ImportSourceError(f"{source.name}: this is {kind.what}, not {WANTED[command]}{f': {offered}' if offered else ''}")


@contextmanager
def told_apart(path: Path, command: str, offer: Offer = by_import) -> Iterator[None]:
    """Say of a file that the import cannot read what it is, if that is known."""
    try:
        yield
    except ImportSourceError as error:
        raise told_kind(path, command, offer) or error from None


def told_kind(path: Path, command: str, offer: Offer = by_import) -> ImportSourceError | None:
    """Return the error that says what a file is, None if it is what the import takes, or nothing that is known."""
    try:
        source = read_foreign(str(path.absolute()))
    except ImportSourceError:
        return None
    return wrong_kind(source, command, str(path), offer)
