"""What `doctor` found: for people, and as JSON."""

from dataclasses import dataclass

from admin_api.cli.render import output
from admin_api.cli.render.output import shown
from admin_api.doctor.checks import Examined
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.schemas.models import DoctorCheck, DoctorFinding, DoctorResult, DoctorUnread

_STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
_SOUND = "ok"


@dataclass(frozen=True, slots=True)
class DoctorOutcome:
    """One deployment and what every check said of it."""

    deployment: Deployment
    examined: tuple[Examined, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found, and all could be read."""
        return not self.deployment.unread and not any(each.findings for each in self.examined)

    @property
    def headline(self) -> str:
        """One sentence: `2 errors and 1 warning in 16 checks; 1 thing could not be read`."""
        severities = [finding.severity for each in self.examined for finding in each.findings]
        counts = [_count(severities.count(severity), severity.value) for severity in Severity if severity in severities]
        unread = len(self.deployment.unread)
        left = f"; {_count(unread, 'thing')} could not be read" if unread else ""
        return f"{' and '.join(counts) or 'nothing is wrong'} in {_count(len(self.examined), 'check')}{left}"


def print_doctor(outcome: DoctorOutcome) -> None:
    """Each check with its result; below it what was found, with its remedy; last what could not be read."""
    deployment = outcome.deployment
    about = f"{deployment.gateway.value} API {deployment.name} ({deployment.api_id}), stage {deployment.stage}, authorizer {deployment.authorizer.name}"
    output.OUT.print(f"[bold]{shown(about)}[/]\n", highlight=False)
    for each in outcome.examined:
        verdict = _verdict(each)
        style = _STYLES[verdict] if verdict is not None else "green"
        word = verdict.value if verdict is not None else _SOUND
        output.OUT.print(f"[{style}]{word:<8}[/] [bold]{each.name}[/]  {shown(each.looks_at)}", highlight=False)
        for finding in each.findings:
            mark = "" if finding.severity is verdict else f"[{_STYLES[finding.severity]}]{finding.severity.value}:[/] "
            output.OUT.print(f"         {mark}[cyan]{shown(finding.about)}[/]: {shown(finding.message)}", highlight=False)
            output.OUT.print(f"         [bold]remedy:[/] {shown(finding.remedy)}", highlight=False)
    for unread in deployment.unread:
        output.OUT.print(f"[yellow]{'unread':<8}[/] [bold]{shown(unread.what)}[/]: {shown(unread.reason)}", highlight=False)
        output.OUT.print(f"         [bold]remedy:[/] {shown(unread.needs)}", highlight=False)
    output.OUT.print(f"\n[bold]{shown(deployment.name)}[/]: {outcome.headline}", highlight=False)


def present_doctor(outcome: DoctorOutcome) -> DoctorResult:
    """Return the same for programs."""
    deployment = outcome.deployment
    checks = [
        DoctorCheck(
            name=each.name,
            looks_at=each.looks_at,
            findings=[DoctorFinding(severity=f.severity.value, about=f.about, message=f.message, remedy=f.remedy) for f in each.findings],
        )
        for each in outcome.examined
    ]
    return DoctorResult(
        api_id=deployment.api_id,
        stage=deployment.stage,
        kind=deployment.gateway.value,
        authorizer=deployment.authorizer.id,
        checks=checks,
        unread=[DoctorUnread(what=each.what, reason=each.reason, needs=each.needs) for each in deployment.unread],
    )


def _verdict(examined: Examined) -> Severity | None:
    """Return the worst that a check found."""
    found = {finding.severity for finding in examined.findings}
    return next((severity for severity in Severity if severity in found), None)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
