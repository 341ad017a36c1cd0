"""The entry point of the `gatebook` command."""

import gc
import sys

from admin_api.cli.overview import overview
from admin_api.cli.settings import completed_line, completing_shell


def main() -> None:
    """Run the command and exit."""
    # A document is a hundred thousand small objects that live until the end. To look through them for cycles every 700 objects takes a fifth of the time.
    gc.set_threshold(50_000, 20, 100)
    if completing_shell() is not None:
        from admin_api.cli.completion import completion_app  # noqa: PLC0415  # needed by shells alone

        completion_app(completed_line())(prog_name="gatebook")
    if sys.argv[1:] in ([], ["--help"], ["--install-completion"], ["--show-completion"]):
        overview()()
    from admin_api.cli.app import app  # noqa: PLC0415  # most of a second, for whoever runs a command

    app()
