"""The entry point of the `gatebook` command."""

import sys

from admin_api.cli.overview import overview


def main() -> None:
    """Run the command and exit."""
    if sys.argv[1:] in ([], ["--help"]):
        overview()()
    from admin_api.cli.app import app  # noqa: PLC0415  # most of a second, for whoever runs a command

    app()
