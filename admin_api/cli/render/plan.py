"""How a plan looks: who gains and loses how much, then what to look at first; all of it with `--full`."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.cells import cell_len

from admin_api.analysis.access_changes import AccessChange
from admin_api.analysis.access_summary import SubjectSummary, most_telling_first, summaries
from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.publishing.service import Plan

_SUBJECTS = 15
_CHANGES = 20
_FINDINGS = 5
_ROWS = 8

T = TypeVar("T")


def print_plan(plan: Plan, *, full: bool = False) -> None:
    """Print what a plan would do. Without `full` a long one names the most telling changes, and how many there are besides."""
    api, version = shown(plan.document.api), plan.base.version if plan.base else 0
    if plan.is_empty:
        output.OUT.print(f"[bold]{api}[/]: nothing to change, version {version} already holds this document", highlight=False)
        return
    parts = len(plan.steps)
    how = "" if parts == 1 else f", in {parts} parts: each takes its own version, and none grants what neither end grants"
    output.OUT.print(f"[bold]{api}[/]: version {version} becomes {version + parts}{how}", highlight=False)
    if plan.unfinished:
        stopped = f"an earlier change stopped at part {plan.unfinished.number} of {plan.unfinished.total}"
        output.OUT.print(
            f"[yellow]{stopped}: this goes on from there; `gatebook rollback {api} {plan.unfinished.base}` goes back[/]", highlight=False
        )
    output.print_rules(plan.rules)
    _print_summary(plan.access, full=full)
    _print_some(plan.access if full else most_telling_first(plan.access), _CHANGES, output.print_access, full=full)
    _print_some(plan.bindings.findings, _FINDINGS, output.print_findings, full=full)
    _print_some(plan.bindings.notes, _FINDINGS, output.print_notes, full=full)
    output.OUT.print(f"rows: {shown(_rows(plan.row_changes, full=full))}", highlight=False)
    good = sum(verdict.is_expressible for verdict in plan.verdicts)
    more = "" if good == len(plan.verdicts) else "; `gatebook check FILE` says why not all"
    output.OUT.print(f"token scope: could answer {good} of {len(plan.verdicts)} kinds of callers{more}", highlight=False)


def _print_summary(changes: Sequence[AccessChange], *, full: bool) -> None:
    """Print a line for each subject. One change alone is its own summary."""
    if len(changes) > 1:
        _print_some(summaries(changes), _SUBJECTS, _print_subjects, full=full, what=" subjects")


def _print_subjects(some: Sequence[SubjectSummary]) -> None:
    names = [shown(str(summary.subject)) for summary in some]
    width = max(map(cell_len, names))
    for name, summary in zip(names, some, strict=True):
        output.OUT.print(f"[bold]{name}[/]{' ' * (width - cell_len(name))}  {summary}", highlight=False)


def _print_some(every: Sequence[T], most: int, show: Callable[[Sequence[T]], None], *, full: bool, what: str = "") -> None:
    """Show the first of them, and say how many more there are. One more is shown rather than counted."""
    few = every if full or len(every) <= most + 1 else every[:most]
    show(few)
    if len(few) < len(every):
        output.OUT.print(f"... and {len(every) - len(few):,} more{what}: --full shows them", highlight=False)


def _rows(changes: Sequence[str], *, full: bool) -> str:
    """Return which rows change: `everyone: new, routes: new`, and `48 changed, 2 new (--full names them)` where they are many."""
    if full or len(changes) <= _ROWS:
        return ", ".join(changes)
    verbs = [change.rpartition(": ")[2] for change in changes]
    counted = ", ".join(f"{verbs.count(verb):,} {verb}" for verb in dict.fromkeys(sorted(verbs)))
    return f"{counted} (--full names them)"
