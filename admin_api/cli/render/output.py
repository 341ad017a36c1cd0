"""What the commands print: tables for people, JSON for programs, and how an error looks."""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from rich import markup
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.progress import Progress, TaskID
from rich.table import Table

from admin_api.analysis.access_changes import AccessChange, ChangeKind
from admin_api.analysis.findings import Finding
from admin_api.analysis.token_scope import TokenVerdict
from admin_api.documents.files import FileDocument
from admin_api.importers.imported import NotTaken
from admin_api.publishing.service import VersionRecord
from authorizer.policy.permission import PrincipalRef
from authorizer.policy.problems import DocumentError

OUT = Console(soft_wrap=True)
ERR = Console(stderr=True, soft_wrap=True)

_MAX_CHANGES_SHOWN = 5

DELEGATED_LEGEND = "delegated: what the client may by its own tokens; people through it need the consent of their tokens' scopes"
"""What the mark of `marked` means."""

_SIGNS = {
    ChangeKind.GAINS: ("+ gains", "green"),
    ChangeKind.LOSES: ("- loses", "red"),
    ChangeKind.CHANGES: ("~ changes", "yellow"),
}

_VERY_WIDE = 100_000

PROGRESS_AFTER = 1.0
"""Seconds that work may last before a bar shows how far it is."""

# Beyond that nobody reads, and Rich takes seconds.
_MAX_WRAPPED = 20_000


def shown(text: str) -> str:
    """Text from files and tables as part of what is printed: no markup, and nothing that a terminal would obey."""
    return markup.escape("".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text))


def marked(subject: PrincipalRef, *, delegated: bool) -> str:
    """Return a subject as tables name it: `client/5thirdparty (delegated)`."""
    return f"{subject} (delegated)" if delegated else str(subject)


def print_legend(*, delegated: bool) -> None:
    """Say below a table what its mark means, if it has one."""
    if delegated:
        OUT.print(DELEGATED_LEGEND, highlight=False)


def print_table(table: Table) -> None:
    """On a terminal long cells are wrapped; in a pipe each row is one line, and so it is where there are very many. Nothing is cut off."""
    if OUT.is_terminal and table.row_count * len(table.columns) <= _MAX_WRAPPED:
        for column in table.columns:
            column.overflow = "fold"
        OUT.print(table, soft_wrap=False)
    elif table.box is None and table.show_header:
        OUT.out("\n".join(_lines(table)), highlight=False)
    else:
        Console(width=_VERY_WIDE).print(table)


def _lines(table: Table) -> Iterator[str]:
    """Yield what Rich would print of a table without borders, styles apart. It measures and cuts each cell several times: a minute for 200,000 cells."""
    columns = [[_plain(str(cell)) for cell in (column.header, *column.cells)] for column in table.columns]
    widths = [max(map(_width, column)) for column in columns]
    if table.title is not None:
        yield _plain(str(table.title))
    for row in zip(*columns, strict=True):
        yield "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


@lru_cache(maxsize=4096)
def _plain(cell: str) -> str:
    return markup.render(cell).plain


@lru_cache(maxsize=4096)
def _width(cell: str) -> int:
    return cell_len(cell)


class _LateProgress(Progress):
    """A bar that shows nothing in the first second: work that is done by then needs none, and a terminal that flickers."""

    def __init__(self, **options: Any) -> None:
        self._since = time.monotonic()
        super().__init__(**options)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar, once the work has lasted a second."""
        if time.monotonic() - self._since >= PROGRESS_AFTER:
            yield from super().get_renderables()


class Bar:
    """Progress of work, called after each. `aside` lets something be printed while it goes on."""

    def __init__(self, bar: Progress | None, task: TaskID) -> None:
        self._bar, self._task = bar, task

    def __call__(self) -> None:
        """One part is done."""
        if self._bar is not None:
            self._bar.advance(self._task)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the bar off the terminal for as long as something else is printed."""
        if self._bar is None:
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()


@contextlib.contextmanager
def progress(what: str, parts: int, *, quiet: bool = False) -> Iterator[Bar]:
    """Show a bar on standard error for work that lasts more than a second. Shows none in a pipe, and none if `quiet`. A single part says that it goes on.

    What it yields is called after each part: `with progress("reading", 3) as advance: ...; advance()`.
    """
    if quiet or not parts or not ERR.is_terminal:
        yield Bar(None, TaskID(0))
        return
    with _LateProgress(console=ERR, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        yield Bar(bar, bar.add_task(what, total=parts if parts > 1 else None))


def print_json(value: Any) -> None:
    """JSON on standard output, the same on a terminal and in a pipe. Answers of the admin API stand for the JSON that it sends."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    elif isinstance(value, list):
        value = [each.model_dump(mode="json") if isinstance(each, BaseModel) else each for each in value]
    OUT.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def print_error(message: str) -> None:
    """One error on standard error."""
    ERR.print(f"[bold red]error:[/] {shown(message)}", highlight=False)


def print_problems(name: str, document: FileDocument | None, error: DocumentError, outcome: str = "nothing was written") -> None:
    """Every problem of a file with its line, if it is known, and its place in the document; and what became of the command."""
    for problem in error.problems:
        line = f":{document.line(problem.pointer)}" if document is not None and document.lines else ""
        pointer = f" {problem.pointer}" if problem.pointer else ""
        ERR.print(f"[bold]{shown(name)}{line}[/][cyan]{shown(pointer)}[/] {shown(problem.message)}", highlight=False)
    count = len(error.problems)
    ERR.print(f"[bold red]{count} problem{'s' * (count != 1)}[/] in {shown(name)}; {outcome}", highlight=False)


def print_findings(found: Iterable[Finding]) -> None:
    """One line for each."""
    for finding in found:
        OUT.print(f"[yellow]{finding.kind}[/] {shown(finding.message)}", highlight=False)


def print_notes(notes: Iterable[str]) -> None:
    """One line for each: what is no mistake."""
    for note in notes:
        OUT.print(f"[dim]note[/] {shown(note)}", highlight=False)


def print_notes_aside(notes: Iterable[str]) -> None:
    """The same on standard error, beside a document on standard output."""
    for note in notes:
        ERR.print(f"[dim]note[/] {shown(note)}", highlight=False)


def print_not_taken(left: Sequence[NotTaken]) -> None:
    """Say on standard error what of a source a document does not say."""
    for each in left:
        ERR.print(f"[yellow]not taken[/] [bold]{shown(each.place)}[/] {shown(each.reason)}", highlight=False)
    if left:
        ERR.print(f"[bold yellow]{len(left)} not taken[/]; the document says the rest", highlight=False)


def print_rules(changes: Sequence[str]) -> None:
    """Which rules come and go: before all else, since they are what holds the rest."""
    for change in changes:
        OUT.print(f"[bold]{shown(change)}[/]", highlight=False)


def print_access(changes: Sequence[AccessChange]) -> None:
    """Who gains or loses which route."""
    table = Table("access", "subject", "route", "before", "after", title=None, box=None, pad_edge=False)
    for change in changes:
        sign, style = _SIGNS[change.kind]
        table.add_row(sign, shown(str(change.subject)), shown(change.route), shown(change.before), shown(change.after), style=style)
    if changes:
        print_table(table)
    else:
        OUT.print("no caller gains or loses any access", highlight=False)


def print_verdicts(verdicts: Sequence[TokenVerdict]) -> None:
    """For whom `token` scope has a policy, its size, and why not."""
    table = Table("callers in", "token scope", "bytes", "why not", box=None, pad_edge=False)
    for verdict in verdicts:
        word, style = ("yes", "green") if verdict.is_expressible else ("with guards", "yellow") if verdict.guarded else ("no", "red")
        who = " + ".join(map(str, verdict.refs)) or "no group"
        size = "" if verdict.size is None else str(verdict.size)
        table.add_row(shown(who), word, size, shown(verdict.refusal.message if verdict.refusal else ""), style=style)
    print_table(table)


def print_history(records: Sequence[VersionRecord]) -> None:
    """The history, newest first."""
    table = Table("version", "time", "author", "reason", "access", "hash", box=None, pad_edge=False)
    for record in records:
        changes = list(record.changes[:_MAX_CHANGES_SHOWN])
        if len(record.changes) > len(changes):
            changes.append(f"and {len(record.changes) - len(changes)} more (--json shows all)")
        author = record.author + (f"\nfor {record.on_behalf_of}" if record.on_behalf_of else "")
        table.add_row(
            str(record.version), record.time, shown(author), shown(record.reason), shown("\n".join(changes)) or "-", record.hash[:8]
        )
    print_table(table)
