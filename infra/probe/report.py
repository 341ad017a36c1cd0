"""Shows what the probe found: for people, and as JSON for programs."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infra.probe.findings import Finding, Verdict, proposed_settings

_STYLES = {
    Verdict.AS_KNOWN: "green",
    Verdict.SETTLED: "cyan",
    Verdict.DIFFERS: "yellow",
    Verdict.SURPRISE: "red",
    Verdict.UNANSWERED: "red",
}


def is_expected(finding: Finding, *, emulated: bool) -> bool:
    """Return whether an outcome is one to build on: as known or newly settled on AWS, as the emulator is known to do on an emulator."""
    return finding.is_as_emulated if emulated else finding.verdict in (Verdict.AS_KNOWN, Verdict.SETTLED)


def print_report(findings: Sequence[Finding], console: Console, *, emulated: bool) -> None:
    """Print each question with its outcome, what to look at again, and the settings that follow."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "question", "outcome", "it means"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(
            f"[{_STYLES[finding.verdict]}]{finding.verdict}[/]", finding.question.name, escape(finding.outcome), escape(finding.means)
        )
    console.print(table)
    again = [each for each in findings if not is_expected(each, emulated=emulated)]
    for finding in again:
        known = finding.question.emulated if emulated else finding.question.known
        expected = f"; `{known}` was expected" if known else ""
        console.print(f"\n[bold]{finding.question.name}[/]: {escape(finding.question.asks)} `{escape(finding.outcome)}`{escape(expected)}")
    if emulated:
        console.print("\nThis is the emulator, which is no AWS: no setting follows from it.")
        return
    settings = proposed_settings(findings)
    console.print("\nSettings of the authorizer that follow:" if settings else "\nNo setting follows.")
    for name, value in settings.items():
        console.print(f"  {name}={value}")
    if again:
        console.print("\nWhat was not expected is worth an issue with the output of --json: it holds no token and no address.")


def present_report(findings: Sequence[Finding], *, emulated: bool) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        "emulated": emulated,
        "questions": [
            {
                "name": each.question.name,
                "asks": each.question.asks,
                "api": each.question.api.value,
                "outcome": each.outcome,
                "verdict": each.verdict.value,
                "known": each.question.known,
                "means": each.means,
                "expected": is_expected(each, emulated=emulated),
                "statuses": [answer.status for answer in each.answers],
            }
            for each in findings
        ],
        "settings": {} if emulated else dict(proposed_settings(findings)),
    }
