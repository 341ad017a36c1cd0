"""What a deployment shows and asks: changes as a table, events as they come, and questions that only a terminal can answer."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.status import Status
from rich.table import Table

from admin_api.cli.render.output import shown
from infra.deploy.changes import Change, Replacement
from infra.deploy.events import Event

_STYLES = {"Add": "green", "Remove": "bold red", "Modify": "yellow"}
_VERY_WIDE = 100_000


@dataclass(slots=True)
class Talk:
    """A person at a terminal, or the log of a pipeline. `read` returns the answer to a question."""

    console: Console
    is_interactive: bool
    read: Callable[[str], str] = input

    def say(self, text: str, style: str = "") -> None:
        """Print a line. Nothing in it is taken for markup, and nothing that a terminal would obey."""
        self.console.print(f"[{style}]{shown(text)}[/]" if style else shown(text), highlight=False, soft_wrap=True)

    def confirm(self, question: str) -> bool:
        """Ask for a yes. Anything else, and the end of input, is a no."""
        return self._answer(f"{question} [y/N] ").lower() in ("y", "yes")

    def typed(self, question: str, word: str) -> bool:
        """Ask for a word to be typed, where a yes comes too easily."""
        return self._answer(f"{question} Type {word} to go on: ") == word

    def show_changes(self, changes: Sequence[Change]) -> None:
        """Print a table: action, resource, type, replacement. What endangers data stands first and in red, with words besides the colour."""
        table = Table("", "action", "resource", "type", "replacement", box=None, header_style="bold")
        for each in changes:
            style = "bold red" if each.endangers_data else _STYLES.get(each.action, "")
            cells = ("!" if each.endangers_data else " ", each.action, each.logical_id, each.kind, _replacement(each))
            table.add_row(*(f"[{style}]{shown(cell)}[/]" if style else shown(cell) for cell in cells))
        if self.console.is_terminal:
            for column in table.columns:
                # A name that is cut off names nothing.
                column.overflow = "fold"
            self.console.print(table)
        else:
            # In a pipe each change is one line, whatever COLUMNS says.
            Console(file=self.console.file, width=_VERY_WIDE).print(table)

    def show_values(self, values: Mapping[str, str]) -> None:
        """Print names and values."""
        width = max(map(len, values), default=0)
        for name, value in values.items():
            self.say(f"  {name:<{width}}  {value}")

    @contextlib.contextmanager
    def progress(self, what: str, resources: int | None = None) -> Iterator[Callable[[Event], None]]:
        """Show how far a stack is while it works: on a terminal also what is being worked on. What it yields is called with each event."""
        settled: set[str] = set()
        with self._status(what) as status:

            def on_event(event: Event) -> None:
                if event.is_settled and not event.is_of_stack:
                    settled.add(event.logical_id)
                if event.is_settled or event.is_of_stack:
                    self.say(_line(event), "red" if event.is_failure and not event.is_cascade else "")
                count = f" {len(settled)} of {resources}" if resources else ""
                if status is not None:
                    status.update(f"{shown(what)}{count}: {shown(event.logical_id)} {shown(event.status)}")

            yield on_event

    def _status(self, what: str) -> contextlib.AbstractContextManager[Status | None]:
        return self.console.status(shown(what)) if self.console.is_terminal else contextlib.nullcontext()

    def _answer(self, question: str) -> str:
        try:
            return self.read(question).strip()
        except EOFError:
            return ""


def _replacement(change: Change) -> str:
    if change.action == "Remove":
        return "leaves the stack, and is kept" if change.is_kept else "is deleted"
    if change.replacement is Replacement.NO:
        return "-"
    kept = ", and the old one is kept" if change.is_kept else ""
    return ("made anew" if change.replacement is Replacement.YES else "perhaps made anew") + kept


def _line(event: Event) -> str:
    reason = f": {event.reason}" if event.reason else ""
    return f"{event.time} {event.status:<20} {event.logical_id} {event.kind}{reason}"
