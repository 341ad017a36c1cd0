"""The command that runs policy tests: test."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from admin_api.analysis.policy_test_notation import PolicyTests, parse_policy_tests
from admin_api.analysis.policy_tests import coverage, format_matrix, problems_beside, run_suite
from admin_api.analysis.trusted_issuers import TrustedIssuers
from admin_api.cli.render import output
from admin_api.cli.render.junit import junit_xml
from admin_api.cli.render.policy_test_report import Coverages, TestedSuite, junit_suites, percent, present, print_tested
from admin_api.cli.target import EXIT_FINDINGS, AuthorizerOption, IssuersOption, JsonOption, named_issuers
from admin_api.documents.files import FileDocument, read_file
from authorizer.policy.document import PermissionDocument
from authorizer.policy.problems import DocumentError, Problem

_NOTHING_DONE = "no test was run"
_WHAT = "policy tests, as in `document: dev.yaml` and `tests:`"


@dataclass(frozen=True, slots=True)
class _Suite:
    """A suite of a file with the document that it is about, and that document's file."""

    source: FileDocument
    tests: PolicyTests
    document: PermissionDocument
    file: Path

    @property
    def matrix(self) -> Path:
        """Return the path of the golden file."""
        return self.source.path.parent / self.tests.matrix


def run_policy_tests(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files with policy tests, as in dev.test.yaml, or folders: all *.test.yaml below.", show_default=False),
    ],
    update: Annotated[bool, typer.Option("--update", help="Write the golden files that `matrix` names anew, then run the tests.")] = False,
    show_coverage: Annotated[
        bool, typer.Option("--coverage", help="Say which routes no test asks about for whom, and which permissions no test needs.")
    ] = False,
    fail_under: Annotated[
        float, typer.Option("--fail-under", min=0, max=100, help="Exit with 1 if fewer of a hundred routes x subjects are asked about.")
    ] = 0,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results to this file as JUnit XML too, for CI systems.", show_default=False)
    ] = None,
    issuers: IssuersOption = None,
    authorizer: AuthorizerOption = None,
    json: JsonOption = False,
) -> None:
    """Run policy tests: files that say who shall get which answer. Exits with 1 if a document answers otherwise, and says what decided.

    In place of a folder all `*.test.yaml` below it are run.

    Example: gatebook test seed_data/dev.test.yaml --coverage"""
    trusted, now = named_issuers(issuers, authorizer), time.time()
    suites = _read_suites(_files(files), trusted)
    tested: list[TestedSuite] = []
    for suite in suites:
        if update and suite.tests.matrix:
            suite.matrix.write_text(format_matrix(suite.document), encoding="utf-8")
        result = run_suite(suite.tests, suite.document, now, _golden(suite), trusted)
        tested.append(TestedSuite(suite.source, str(suite.file), suite.document.api, str(suite.matrix), result))
    coverages = _coverages(suites, tested)
    if junit is not None:
        junit.write_text(junit_xml(junit_suites(tested)), encoding="utf-8")
    if json:
        output.print_json(present(tested, coverages))
    else:
        print_tested(tested, coverages, show_coverage=show_coverage)
    is_low = percent(coverages) < fail_under
    if is_low:
        output.print_error(f"{percent(coverages):.1f} % of routes x subjects are asked about, fewer than {fail_under:g} %")
    if is_low or any(suite.result.failures for suite in tested):
        raise typer.Exit(EXIT_FINDINGS)


def _files(given: list[Path]) -> list[Path]:
    """Return the files, and in place of a folder all policy tests below it, by path. A file that is meant twice stands once.

    Ends the command if a folder has none.

    `seed_data` -> `seed_data/dev.test.yaml`, `seed_data/prod.test.yaml`
    """
    found: dict[Path, Path] = {}
    for path in given:
        below = sorted(each for each in path.rglob("*.test.yaml") if each.is_file()) if path.is_dir() else [path]
        if not below:
            raise typer.BadParameter(f"{path} has no policy tests below it: name files, or call them as in `dev.test.yaml`")
        for each in below:
            found.setdefault(each.resolve(), each)
    return list(found.values())


def _coverages(suites: list[_Suite], tested: list[TestedSuite]) -> Coverages:
    documents = {(str(suite.file), suite.document.api): suite.document for suite in suites}
    return {
        key: coverage(document, [each.result for each in tested if (each.document, each.api) == key]) for key, document in documents.items()
    }


def _golden(suite: _Suite) -> str | None:
    """Return the text of a golden file, None if there is none."""
    if not suite.tests.matrix:
        return None
    try:
        return suite.matrix.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as error:
        output.print_error(f"{suite.matrix}: the file is not UTF-8: {error}")
        raise typer.Exit(EXIT_FINDINGS) from None


def _read_suites(files: list[Path], trusted: TrustedIssuers) -> list[_Suite]:
    """Return the suites of all files. Prints every mistake of all of them, and then ends the command."""
    suites: list[_Suite] = []
    documents = _Documents()
    for path in files:
        try:
            sources = read_file(path, _WHAT)
        except DocumentError as error:
            documents.report(path, None, error)
            continue
        for source in sources:
            try:
                suites.append(_read_suite(source, documents, trusted))
            except DocumentError as error:
                documents.report(path, source, error)
    if documents.has_problems:
        raise typer.Exit(EXIT_FINDINGS)
    return suites


class _Documents:
    """The permission documents that suites name, each file read once, and whether any mistake was printed."""

    def __init__(self) -> None:
        self._read: dict[Path, list[PermissionDocument] | None] = {}
        self.has_problems = False

    def report(self, path: Path, source: FileDocument | None, error: DocumentError) -> None:
        """Print the mistakes of a file."""
        self.has_problems = True
        output.print_problems(str(path), source, error, _NOTHING_DONE)

    def of(self, path: Path) -> list[PermissionDocument] | None:
        """Return the documents of a file, None if it has mistakes, which are printed once. Raises `OSError`."""
        key = path.resolve()
        if key not in self._read:
            self._read[key] = self._documents(path)
        return self._read[key]

    def _documents(self, path: Path) -> list[PermissionDocument] | None:
        source: FileDocument | None = None
        found = []
        try:
            for source in read_file(path):
                found.append(source.parse())  # `source` is named where a mistake is told
        except DocumentError as error:
            self.report(path, source, error)
            return None
        return found


def _read_suite(source: FileDocument, documents: _Documents, trusted: TrustedIssuers) -> _Suite:
    """Raises `DocumentError` with the problems of the text, of its meaning, and of both beside the document."""
    problems = list(source.problems)
    tests: PolicyTests | None = None
    try:
        tests = parse_policy_tests(source.value)
    except DocumentError as error:
        problems += error.problems
    suite = None
    if tests is not None:
        file = source.path.parent / tests.document
        document = _document(tests, file, documents, problems)
        if document is not None:
            problems += problems_beside(tests, document, trusted)
            suite = _Suite(source, tests, document, file)
    if problems or suite is None:
        raise DocumentError(sorted(problems, key=lambda p: (source.line(p.pointer), p)))
    return suite


def _document(tests: PolicyTests, file: Path, documents: _Documents, problems: list[Problem]) -> PermissionDocument | None:
    try:
        found = documents.of(file)
    except OSError as error:
        problems.append(Problem("/document", f"{file}: {error.strerror}; the path is relative to the file of the tests"))
        return None
    if found is None:
        problems.append(Problem("/document", f"{file} has problems, which are listed above"))
        return None
    chosen = [document for document in found if tests.api in ("", document.api)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(f"`{document.api}`" for document in found)
    problems.append(Problem("/api" if tests.api else "", f"`api` must choose one of the documents of {file}: {names}"))
    return None
