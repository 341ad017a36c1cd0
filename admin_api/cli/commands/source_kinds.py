"""Which imports there are, and what a file is that was handed to the wrong one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from admin_api.importers.foreign_text import ForeignText, read_foreign
from admin_api.importers.imported import ImportSourceError
from admin_api.importers.recognition import recognised

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


def wrong_kind(source: ForeignText, command: str, file: str) -> ImportSourceError | None:
    """Return the error that says what a text is, None if it is what the import takes, or nothing that is known: `swagger.yaml` for `serverless` -> "this is a
    Swagger 2.0 definition, not a file of the Serverless Framework: `gatebook import openapi swagger.yaml` reads it"."""
    kind = recognised(source)
    if kind is None or kind.importer(IMPORTS) == command:
        return None
    other = kind.command(IMPORTS, file)
    return ImportSourceError(f"{source.name}: this is {kind.what}, not {WANTED[command]}{f': `{other}` reads it' if other else ''}")


@contextmanager
def told_apart(path: Path, command: str) -> Iterator[None]:
    """Say of a file that the import cannot read what it is, if that is known."""
    try:
        yield
    except ImportSourceError as error:
        raise told_kind(path, command) or error from None


def told_kind(path: Path, command: str) -> ImportSourceError | None:
    """Return the error that says what a file is, None if it is what the import takes, or nothing that is known."""
    try:
        source = read_foreign(str(path.absolute()))
    except ImportSourceError:
        return None
    return wrong_kind(source, command, str(path))
