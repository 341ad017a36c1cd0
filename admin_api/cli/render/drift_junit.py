"""What `drift` found as JUnit cases: one that failed for each difference, one that passed if there is none."""

from admin_api.cli.render.drift_report import DriftOutcome
from admin_api.cli.render.junit import JUnitCase, JUnitSuite, junit_xml


def drift_as_junit(outcome: DriftOutcome) -> str:
    """Return the text of a JUnit file."""
    cases = [
        JUnitCase(
            f"{each.kind.value} {each.route}",
            each.message,
            f"{outcome.path}:{outcome.line(each)}: {each.message}" + (f"\n{each.place}" if each.place else ""),
            str(outcome.path),
            outcome.line(each),
        )
        for each in outcome.report.differences
    ]
    return junit_xml([JUnitSuite(f"drift {outcome.api}", cases or [JUnitCase(outcome.headline)])])
