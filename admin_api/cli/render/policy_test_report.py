"""What `test` reports: each failure with its place and what decided, and what the tests look at; for people, for programs and for CI systems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from admin_api.analysis.policy_tests import Case, Coverage, SuiteResult, percent_of
from admin_api.cli.render import output
from admin_api.cli.render.junit import JUnitCase, JUnitSuite
from admin_api.cli.render.output import shown
from admin_api.documents.files import FileDocument
from admin_api.schemas import models

_MAX_NAMED = 20


@dataclass(frozen=True, slots=True)
class TestedSuite:
    """A suite of a file and what became of it. `matrix` is the path of its golden file, as messages name it."""

    source: FileDocument
    document: str
    api: str
    matrix: str
    result: SuiteResult

    def place(self, case: Case) -> tuple[str, int]:
        """Return file and line of a case: for a cell of a golden file that of the cell."""
        return (self.matrix, case.matrix_line) if case.matrix_line else (str(self.source.path), self.source.line(case.pointer))


Coverages = Mapping[tuple[str, str], Coverage]
"""By the document's file and API."""


def percent(coverages: Coverages) -> float:
    """Return how many of a hundred cells of all documents were asked about."""
    found = coverages.values()
    return percent_of(sum(each.cells - len(each.unasked) for each in found), sum(each.cells for each in found))


def print_tested(suites: Sequence[TestedSuite], coverages: Coverages, *, show_coverage: bool) -> None:
    """A report for people: failures in full, successes as a number."""
    out = output.OUT
    for suite in suites:
        for case in suite.result.failures:
            file, line = suite.place(case)
            out.print(f"[red]failed[/] [bold]{shown(file)}:{line}[/] {shown(case.test)}", highlight=False)
            for text in _block(case):
                out.print(f"  {shown(text)}", highlight=False)
            out.print()
    if show_coverage:
        for (file, api), found in coverages.items():
            _print_coverage(f"{api} of {file}", found)
    failed = sum(len(suite.result.failures) for suite in suites)
    passed = sum(len(suite.result.cases) for suite in suites) - failed
    files = len({suite.source.path for suite in suites})
    style = "red" if failed else "green"
    summary = (
        f"{passed} passed, {failed} failed in {files} file{'s' * (files != 1)}; {percent(coverages):.1f} % of routes x subjects asked about"
    )
    out.print(f"[{style}]{summary}[/]", highlight=False)


def present(suites: Sequence[TestedSuite], coverages: Coverages) -> models.PolicyTestReport:
    """Return the report for programs."""
    tested = [_present_suite(suite) for suite in suites]
    return models.PolicyTestReport(
        passed=sum(suite.passed for suite in tested),
        failed=sum(suite.failed for suite in tested),
        percent=round(percent(coverages), 1),
        suites=tested,
        coverage=[
            models.PolicyTestCoverage(
                document=file,
                api=api,
                cells=found.cells,
                asked=found.cells - len(found.unasked),
                percent=round(found.percent, 1),
                unasked=list(found.unasked),
                permissions=found.permissions,
                unneeded=list(found.unneeded),
            )
            for (file, api), found in coverages.items()
        ],
    )


def junit_suites(suites: Sequence[TestedSuite]) -> list[JUnitSuite]:
    """Return the same as suites for CI systems."""
    return [JUnitSuite(f"{suite.source.path}: {suite.api}", [_junit_case(suite, case) for case in suite.result.cases]) for suite in suites]


def _present_suite(suite: TestedSuite) -> models.PolicyTestSuite:
    failed = len(suite.result.failures)
    return models.PolicyTestSuite(
        file=str(suite.source.path),
        document=suite.document,
        api=suite.api,
        passed=len(suite.result.cases) - failed,
        failed=failed,
        cases=[
            models.PolicyTestCase(
                test=case.test,
                caller=case.caller,
                request=case.request,
                expected=case.expected,
                got=case.got,
                passed=case.passed,
                place="{}:{}".format(*suite.place(case)),
                details=list(case.details),
            )
            for case in suite.result.cases
        ],
    )


def _junit_case(suite: TestedSuite, case: Case) -> JUnitCase:
    file, line = suite.place(case)
    failure = "" if case.passed else f"expected {case.expected}, got {case.got}"
    return JUnitCase(f"{case.test}: {_asked(case)}", failure, "" if case.passed else "\n".join(_block(case)), file, line)


def _block(case: Case) -> list[str]:
    return [_asked(case), f"expected: {case.expected}", f"got:      {case.got}", *case.details]


def _asked(case: Case) -> str:
    return " ".join(filter(None, (case.caller, case.request))) or "the file"


def _print_coverage(name: str, found: Coverage) -> None:
    out = output.OUT
    asked = found.cells - len(found.unasked)
    out.print(f"[bold]{shown(name)}[/]: {asked} of {found.cells} routes x subjects asked about ({found.percent:.1f} %)", highlight=False)
    needed = found.permissions - len(found.unneeded)
    _print_some("no test asks about", found.unasked)
    out.print(f"  {needed} of {found.permissions} permissions are needed by a test", highlight=False)
    _print_some("no test needs", found.unneeded)


def _print_some(words: str, items: Sequence[str]) -> None:
    for item in items[:_MAX_NAMED]:
        output.OUT.print(f"  [yellow]{words}[/] {shown(item)}", highlight=False)
    if len(items) > _MAX_NAMED:
        output.OUT.print(f"  and {len(items) - _MAX_NAMED} more (--json shows all)", highlight=False)
