"""What `drift` found, with the lines of the document's file: for people and as JSON. Other formats are in modules of their own."""

from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from admin_api.analysis.drift import Difference, DriftReport, Severity
from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.documents.files import FileDocument
from admin_api.schemas.models import DriftItem, DriftResult

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}


@dataclass(frozen=True, slots=True)
class DriftOutcome:
    """One document compared with one source. `source` is what people call the source: the name of a file, or the id of an API."""

    api: str
    source: str
    file: FileDocument
    report: DriftReport

    @property
    def path(self) -> Path:
        """Where the document stands."""
        return self.file.path

    def line(self, difference: Difference) -> int:
        """Return the line of the document's file that a difference is about."""
        return self.file.line(difference.pointer)

    @property
    def headline(self) -> str:
        """One sentence."""
        count, compared = len(self.report.differences), self.report.compared
        found = "nothing differs" if not count else f"{count} difference{'s' * (count != 1)}"
        return f"{found} between {self.path.name} and {self.source}, {compared} route{'s' * (compared != 1)}"


def print_drift(outcome: DriftOutcome) -> None:
    """A table for people."""
    if outcome.report.differences:
        table = Table("line", "difference", "route", "what", box=None, pad_edge=False)
        for each in outcome.report.differences:
            style = _STYLES[each.severity]
            table.add_row(f"{outcome.path.name}:{outcome.line(each)}", f"[{style}]{each.kind}[/]", shown(each.route), shown(each.message))
        output.print_table(table)
    output.print_notes(outcome.report.notes)
    output.OUT.print(f"[bold]{outcome.api}[/]: {shown(outcome.headline)}", highlight=False)


def present_drift(outcome: DriftOutcome) -> DriftResult:
    """Return the same for programs."""
    items = [
        DriftItem(
            kind=each.kind.value,
            severity=each.severity.value,
            route=each.route,
            message=each.message,
            place=each.place,
            line=outcome.line(each),
        )
        for each in outcome.report.differences
    ]
    return DriftResult(
        api=outcome.api, source=outcome.source, differences=items, notes=list(outcome.report.notes), compared=outcome.report.compared
    )
