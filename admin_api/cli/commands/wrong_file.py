"""Files that are no permission documents at all: what they are, and which import makes a document of them."""

from pathlib import Path

from admin_api.cli.commands.import_ import COMMANDS
from admin_api.importers.foreign_text import read_foreign
from admin_api.importers.imported import ImportSourceError
from admin_api.importers.recognition import OURS, recognised
from authorizer.policy.problems import DocumentError, Problem


def told_as_wrong_file(path: Path, value: object = None) -> DocumentError | None:
    """Return the one problem of a file that something is wrong with if it is another tool's, None for a permission document. `value` is what was read of it."""
    if isinstance(value, dict) and any(name in value for name in OURS):
        return None
    try:
        kind = recognised(read_foreign(str(path.absolute())))
    except (ImportSourceError, OSError):
        return None
    return (
        None
        if kind is None
        else DocumentError([Problem("", f"this is {kind.what}, not a permission document{kind.remedy(COMMANDS, str(path))}")])
    )
