"""What the commands print: tables for people, JSON for programs, and how an error looks."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from admin_api.document_files import FileDocument
from admin_api.service import Plan
from authorizer.permission_table import VersionRecord
from authorizer.policy.analysis import AccessChange
from authorizer.policy.problems import DocumentError

OUT = Console(soft_wrap=True)
ERR = Console(stderr=True, soft_wrap=True)

_MAX_CHANGES_SHOWN = 5


def print_json(value: Any) -> None:
    """JSON on standard output, the same on a terminal and in a pipe."""
    OUT.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def print_error(message: str) -> None:
    """One error on standard error."""
    ERR.print(f"[bold red]error:[/] {escape(message)}", highlight=False)


def print_problems(name: str, document: FileDocument | None, error: DocumentError) -> None:
    """Every problem of a file with its line, if it is known, and its place in the document."""
    for problem in error.problems:
        line = f":{document.line(problem.pointer)}" if document is not None and document.lines else ""
        pointer = f" {problem.pointer}" if problem.pointer else ""
        ERR.print(f"[bold]{escape(name)}{line}[/][cyan]{escape(pointer)}[/] {escape(problem.message)}", highlight=False)
    count = len(error.problems)
    ERR.print(f"[bold red]{count} problem{'s' * (count != 1)}[/] in {escape(name)}; nothing was written", highlight=False)


def print_plan(plan: Plan) -> None:
    """What a plan would do."""
    api, version = plan.document.api, plan.base.version if plan.base else 0
    if plan.is_empty:
        OUT.print(f"[bold]{api}[/]: nothing to change, version {version} already holds this document", highlight=False)
        return
    OUT.print(f"[bold]{api}[/]: version {version} becomes {version + 1}", highlight=False)
    table = Table("access", "subject", "route", "before", "after", title=None, box=None, pad_edge=False)
    for change in plan.access:
        sign, style = _sign(change)
        table.add_row(sign, escape(str(change.subject)), escape(change.route), escape(change.before), escape(change.after), style=style)
    if plan.access:
        OUT.print(table)
    else:
        OUT.print("no caller gains or loses any access", highlight=False)
    OUT.print(f"rows: {escape(', '.join(plan.row_changes))}", highlight=False)


def _sign(change: AccessChange) -> tuple[str, str]:
    words = str(change)
    if " gains " in words:
        return "+ gains", "green"
    if " loses " in words:
        return "- loses", "red"
    return "~ changes", "yellow"


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "api": plan.document.api,
        "base_version": plan.base.version if plan.base else None,
        "changes": not plan.is_empty,
        "rows": list(plan.row_changes),
        "access": [{"subject": str(c.subject), "route": c.route, "before": c.before, "after": c.after} for c in plan.access],
    }


def print_history(records: Sequence[VersionRecord]) -> None:
    """The history, newest first."""
    table = Table("version", "time", "author", "reason", "access", "hash", box=None, pad_edge=False)
    for record in records:
        shown = list(record.changes[:_MAX_CHANGES_SHOWN])
        if len(record.changes) > len(shown):
            shown.append(f"and {len(record.changes) - len(shown)} more (--json shows all)")
        author = record.author + (f"\nfor {record.on_behalf_of}" if record.on_behalf_of else "")
        table.add_row(
            str(record.version), record.time, escape(author), escape(record.reason), escape("\n".join(shown)) or "-", record.hash[:8]
        )
    OUT.print(table)


def record_as_json(record: VersionRecord) -> dict[str, Any]:
    """A record for programs."""
    return {
        "version": record.version,
        "time": record.time,
        "author": record.author,
        "on_behalf_of": record.on_behalf_of,
        "reason": record.reason,
        "changes": list(record.changes),
        "touched": [{"pk": t.pk, "sk": t.sk, "sha256": t.sha256} for t in record.touched],
        "parent_hash": record.parent_hash,
        "hash": record.hash,
    }
