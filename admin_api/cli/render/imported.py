"""Prints what imports give: documents on standard output, and what they do not say beside them."""

from collections.abc import Sequence
from typing import Any

import typer
import yaml

from admin_api.cli.render import output
from admin_api.cli.target import EXIT_FINDINGS
from admin_api.importers.imported import Imported
from admin_api.schemas.models import ImportResult, ImportResults, NotTakenItem


def print_imported(imported: Imported, *, json: bool) -> None:
    """Print the document, and on standard error what it does not say. Exits with 1 if that is anything."""
    if json:
        output.print_json(result_of(imported))
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


def print_several(imported: Sequence[Imported], *, json: bool) -> None:
    """Print documents one after the other, and on standard error what they do not say. Exits with 1 if that is anything."""
    if json:
        output.print_json(ImportResults(apis=[result_of(each) for each in imported]))
    else:
        output.OUT.out("---\n".join(as_yaml(each.document) for each in imported), end="", highlight=False)
        for each in imported:
            output.print_notes_aside(f"{each.document['api']}: {note}" for note in each.notes)
        output.print_not_taken([left for each in imported for left in each.not_taken])
    if any(each.not_taken for each in imported):
        raise typer.Exit(EXIT_FINDINGS)


def result_of(imported: Imported) -> ImportResult:
    """Return what an import gives for programs."""
    left = [NotTakenItem(place=each.place, reason=each.reason) for each in imported.not_taken]
    return ImportResult(document=dict(imported.document), not_taken=left, notes=list(imported.notes))
