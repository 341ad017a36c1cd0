"""What `check` reports of a document, for people and for programs."""

from collections.abc import Sequence
from dataclasses import dataclass

from admin_api.analysis.findings import Finding
from admin_api.analysis.invariants import Violation
from admin_api.analysis.token_scope import TokenVerdict
from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.schemas import models, presenters
from authorizer.policy.document import PermissionDocument


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` has to say of one document. `refused` are the callers for whom `enforced: [token]` cannot be kept; `triples` are not all if there are
    `more_triples`. `notes` are no mistakes."""

    document: PermissionDocument
    violations: list[Violation]
    findings: list[Finding]
    refused: list[TokenVerdict]
    verdicts: list[TokenVerdict]
    triples: list[str]
    more_triples: bool
    notes: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether there is nothing to see to."""
        return not (self.violations or self.findings or self.refused)


def print_report(report: Report) -> None:
    """A report for people."""
    out, document = output.OUT, report.document
    out.print(f"[bold]{document.api}[/]: {len(document.catalog.routes)} routes, {len(document.subjects)} subjects", highlight=False)
    for violation in report.violations:
        out.print(f"[red]broken[/] {shown(violation.invariant)}: {shown(violation.message)}", highlight=False)
    output.print_findings(report.findings)
    for verdict in report.refused:
        out.print(f"[red]enforced[/] `token` scope cannot say what is permitted to {shown(str(verdict))}", highlight=False)
    if report.is_clean:
        out.print("nothing to see to in the permissions", highlight=False)
    output.print_notes(report.notes)
    output.print_verdicts(report.verdicts)
    if report.triples:
        out.print("Routes that a token-only key cannot keep apart, whatever the permissions are:", highlight=False)
        for triple in report.triples:
            out.print(f"  {shown(triple)}", highlight=False)
        if report.more_triples:
            out.print("  and more", highlight=False)


def present(report: Report, unknown: Sequence[Finding]) -> models.CheckReport:
    """Return a report for programs. `unknown` was found out about all documents together."""
    return models.CheckReport(
        api=report.document.api,
        violations=[presenters.violation(each) for each in report.violations],
        findings=[presenters.finding(each) for each in (*unknown, *report.findings)],
        enforced=[str(verdict) for verdict in report.refused],
        token_scope=[presenters.token_verdict(verdict) for verdict in report.verdicts],
        risky_triples=report.triples,
        more_risky_triples=report.more_triples,
        notes=report.notes,
    )
