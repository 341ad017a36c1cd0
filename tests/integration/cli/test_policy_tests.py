"""The command that runs policy tests: files in, a report and an exit code out. Nothing here needs a table."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run, parsed

ROOT = Path(__file__).parents[3]
SEED_TESTS = sorted((ROOT / "seed_data").glob("*.test.yaml"))
DOCUMENT = """\
api: petstore
routes: [GET /pets, "GET /pets/{petId}", "DELETE /pets/{petId}"]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: ["GET /pets/{petId}"]}
  admin: {allow: ["* /**"]}
"""
GOOD = """\
document: dev.yaml
callers:
  guest: {groups: [guest]}
tests:
  - name: guests read
    caller: guest
    allow: [GET /pets/7]
    deny: [DELETE /pets/7]
"""
BAD = GOOD.replace("deny: [DELETE", "deny: [GET /pets/8, DELETE")


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    (folder / "p").mkdir()
    for name, text in {"dev.yaml": DOCUMENT, "good.test.yaml": GOOD, "bad.test.yaml": BAD}.items():
        (folder / "p" / name).write_text(text)
    return folder / "p"


def write(files: Path, text: str) -> str:
    (files / "x.test.yaml").write_text(text)
    return "p/x.test.yaml"


def test_the_seeds_keep_what_their_tests_say(run: Run) -> None:
    assert [path.name for path in SEED_TESTS] == ["dev.test.yaml", "prod.test.yaml", "staging.test.yaml"]
    report = parsed(run("test", *map(str, SEED_TESTS), "--json", "--fail-under", "100"))
    assert (report["failed"], report["percent"]) == (0, 100.0)
    assert len(report["coverage"]) == 9
    assert [each["unneeded"] for each in report["coverage"]] == [[]] * 9


def test_a_folder_stands_for_all_tests_below_it_by_path(run: Run, files: Path) -> None:
    (files / "a" / "deep").mkdir(parents=True)
    (files / "a" / "deep" / "one.test.yaml").write_text(GOOD.replace("dev.yaml", "../../dev.yaml"))
    (files / "z.test.yaml").mkdir()
    (files / "notes.yaml").write_text("[")
    (files / "bad.test.yaml").unlink()
    report = parsed(run("test", "p", "--json"))
    assert [suite["file"] for suite in report["suites"]] == ["p/a/deep/one.test.yaml", "p/good.test.yaml"]
    again = parsed(run("test", "p/good.test.yaml", "p", str(files / "a"), "--json"))
    assert [suite["file"] for suite in again["suites"]] == ["p/good.test.yaml", "p/a/deep/one.test.yaml"]


def test_the_seeds_are_a_folder_of_tests(run: Run) -> None:
    whole, each = (parsed(run("test", *named, "--json")) for named in ([str(ROOT / "seed_data")], map(str, SEED_TESTS)))
    assert whole == each


def test_a_folder_without_tests_is_a_mistake_of_usage(run: Run, folder: Path) -> None:
    (folder / "empty").mkdir()
    result = run("test", "p/good.test.yaml", "empty")
    assert result.exit_code == 2
    assert "empty has no policy tests below it" in " ".join(result.stderr.replace("│", "").split())
    assert "passed" not in result.stdout


def test_all_that_passes_is_a_number(run: Run) -> None:
    result = run("test", "p/good.test.yaml")
    assert (result.exit_code, result.stdout) == (0, "2 passed, 0 failed in 1 file; 22.2 % of routes x subjects asked about\n")


def test_a_failure_is_told_in_one_block(run: Run) -> None:
    result = run("test", "p/bad.test.yaml", "p/good.test.yaml")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "failed p/bad.test.yaml:8 guests read",
        "  guest GET /pets/8",
        "  expected: deny",
        "  got:      allow",
        "  GET /pets/8 is allowed by group/guest allow GET /pets/{petId}",
        "",
        "4 passed, 1 failed in 2 files; 22.2 % of routes x subjects asked about",
    ]


def test_programs_get_every_case(run: Run) -> None:
    result = run("test", "p/bad.test.yaml", "--json")
    assert result.exit_code == 1
    assert '"place": "p/bad.test.yaml:8"' in result.stdout
    report = parsed(run("test", "p/good.test.yaml", "--json"))
    [suite] = report["suites"]
    assert (suite["file"], suite["document"], suite["api"], suite["passed"], suite["failed"]) == (
        "p/good.test.yaml",
        "p/dev.yaml",
        "petstore",
        2,
        0,
    )
    assert suite["cases"][0] == {
        "test": "guests read",
        "caller": "guest",
        "request": "GET /pets/7",
        "expected": "allow",
        "got": "allow",
        "passed": True,
        "place": "p/good.test.yaml:7",
        "details": [],
    }
    [found] = report["coverage"]
    assert (found["cells"], found["asked"], found["percent"], found["permissions"]) == (9, 2, 22.2, 3)
    assert found["unneeded"] == ["everyone allow GET /pets", "group/admin allow * /**"]


def test_coverage_is_printed_if_asked_for(run: Run) -> None:
    lines = run("test", "p/good.test.yaml", "--coverage").stdout.splitlines()
    assert lines[0] == "petstore of p/dev.yaml: 2 of 9 routes x subjects asked about (22.2 %)"
    assert "  no test asks about group/guest GET /pets" in lines
    assert "  1 of 3 permissions are needed by a test" in lines
    assert "  no test needs group/admin allow * /**" in lines


def test_long_lists_are_cut(run: Run, files: Path) -> None:
    (files / "dev.yaml").write_text(DOCUMENT.replace("routes: [", "routes: [" + "".join(f"GET /a{n}, " for n in range(20))))
    lines = run("test", "p/good.test.yaml", "--coverage").stdout.splitlines()
    assert "  and 47 more (--json shows all)" in lines


def test_too_little_coverage_ends_with_1(run: Run) -> None:
    result = run("test", "p/good.test.yaml", "--fail-under", "50")
    assert (result.exit_code, result.stderr) == (1, "error: 22.2 % of routes x subjects are asked about, fewer than 50 %\n")
    assert run("test", "p/good.test.yaml", "--fail-under", "22").exit_code == 0


def test_results_are_written_for_ci_systems(run: Run, files: Path) -> None:
    assert run("test", "p/bad.test.yaml", "--junit", "out.xml").exit_code == 1
    root = ET.parse("out.xml").getroot()  # noqa: S314  # our own text
    assert root.attrib == {"tests": "3", "failures": "1", "errors": "0"}
    cases = {case.get("name"): case for case in root.iter("testcase")}
    failed = cases["guests read: guest GET /pets/8"]
    assert (failed.get("file"), failed.get("line"), failed.get("classname")) == ("p/bad.test.yaml", "8", "p/bad.test.yaml: petstore")
    [failure] = failed
    assert failure.get("message") == "expected deny, got allow"
    assert "is allowed by group/guest allow" in (failure.text or "")


def test_a_golden_file_is_written_and_compared(run: Run, files: Path) -> None:
    tests = write(files, "document: dev.yaml\nmatrix: dev.matrix.csv\n")
    missing = run("test", tests)
    assert missing.exit_code == 1
    assert "p/x.test.yaml:2" in missing.stdout
    assert "`gatebook test --update` writes it" in missing.stdout
    assert run("test", tests, "--update").exit_code == 0
    golden = files / "dev.matrix.csv"
    assert golden.read_text().splitlines() == [
        "route,everyone,group/admin,group/guest",
        "GET /pets,allowed,allowed,allowed",
        "GET /pets/{petId},nothing,allowed,allowed",
        "DELETE /pets/{petId},nothing,allowed,nothing",
    ]
    (files / "dev.yaml").write_text(DOCUMENT.replace('guest: {allow: ["GET', 'guest: {allow: ["*'))
    result = run("test", tests)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:4] == [
        "failed p/dev.matrix.csv:4 matrix",
        "  group/guest DELETE /pets/{petId}",
        "  expected: nothing",
        "  got:      allowed",
    ]
    golden.write_bytes(b"\xff")
    assert "is not UTF-8" in run("test", tests).stderr


def test_every_mistake_of_every_file_is_told(run: Run, files: Path) -> None:
    first = write(files, GOOD.replace("caller: guest", "caller: gest").replace("DELETE /pets/7", "delete /pets/7"))
    (files / "y.test.yaml").write_text("document: dev.yaml\nonly:\n  group/guest:\n    - GET /cars\n  group/gast: []\n")
    (files / "empty.test.yaml").write_text("# nothing\n")
    (files / "broken.test.yaml").write_text("a: [\n")
    result = run("test", first, "p/y.test.yaml", "p/empty.test.yaml", "p/broken.test.yaml")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith("p/x.test.yaml:6 /tests/0/caller there is no caller `gest`")
    assert lines[1].startswith("p/x.test.yaml:8 /tests/0/deny/0 `delete /pets/7` is no request")
    assert lines[2] == "2 problems in p/x.test.yaml; no test was run"
    assert lines[3].startswith("p/y.test.yaml:4 /only/group~1guest/0 `GET /cars` means no route")
    assert lines[4].startswith("p/y.test.yaml:5 /only/group~1gast caller `group/gast`: the document has no group/gast")
    assert "p/empty.test.yaml the file is empty: it must hold policy tests, as in `document: dev.yaml` and `tests:`" in lines
    assert any(line.startswith("p/broken.test.yaml the file cannot be read") for line in lines)


def test_a_name_that_stands_twice_is_told_with_the_rest(run: Run, files: Path) -> None:
    result = run("test", write(files, GOOD + "document: dev.yaml\nonly: {gest: []}\n"))
    assert result.exit_code == 1
    assert "stands here and again in line 9" in result.stderr
    assert "there is no caller `gest`" in result.stderr


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (
            "document: none.yaml",
            "p/x.test.yaml:1 /document p/none.yaml: No such file or directory; the path is relative to the file of the tests",
        ),
        ("document: two.yaml", "p/x.test.yaml:1 `api` must choose one of the documents of p/two.yaml: `a`, `b`"),
        ("document: two.yaml\napi: c", "p/x.test.yaml:2 /api `api` must choose one of the documents of p/two.yaml: `a`, `b`"),
    ],
)
def test_the_document_must_be_there(run: Run, files: Path, head: str, words: str) -> None:
    (files / "two.yaml").write_text("api: a\nroutes: [GET /pets]\n---\napi: b\nroutes: [GET /pets]\n")
    result = run("test", write(files, f"{head}\nonly: {{everyone: []}}\n"))
    assert (result.exit_code, result.stderr.splitlines()[0]) == (1, words)
    assert run("test", write(files, "document: two.yaml\napi: b\nonly: {everyone: []}\n")).exit_code == 0


def test_a_document_with_mistakes_is_told_once(run: Run, files: Path) -> None:
    (files / "dev.yaml").write_text(DOCUMENT.replace("everyone: {allow: [GET /pets]}", "everyone: {allow: [GET /cars]}"))
    result = run("test", "p/good.test.yaml", "p/bad.test.yaml")
    assert result.exit_code == 1
    assert result.stderr.count("means no route of the catalogue") == 1
    assert "p/dev.yaml:3 /everyone/allow/0" in result.stderr
    assert "p/bad.test.yaml:1 /document p/dev.yaml has problems, which are listed above" in result.stderr


def test_a_file_that_is_not_there_is_wrong_usage(run: Run) -> None:
    result = run("test", "p/none.test.yaml")
    assert (result.exit_code, result.stderr) == (2, "error: p/none.test.yaml: No such file or directory\n")


def test_the_issuers_say_what_their_tokens_may_have(run: Run, files: Path) -> None:
    one = {"name": "lax", "issuer": "https://lax.example", "jwks_uri": "https://lax.example/keys", "audience": ["api"]}
    (files / "issuers.json").write_text(json.dumps([one]))
    result = run(
        "test", write(files, GOOD.replace("[guest]}", "[guest], claims: {iss: 'https://x.example'}}")), "--issuers", "p/issuers.json"
    )
    assert result.exit_code == 1
    assert "refused with 401" in result.stderr


def test_the_page_says_what_the_command_does(run: Run, folder: Path) -> None:
    page = (ROOT / "docs" / "policy-tests.md").read_text()
    example, shown = re.findall(r"```(?:yaml)?\n(.+?)```", page, re.DOTALL)[:2]
    seed = (ROOT / "seed_data" / "dev.yaml").read_text()
    (folder / "petstore.test.yaml").write_text(example)
    (folder / "dev.yaml").write_text(seed)
    assert run("test", "petstore.test.yaml").exit_code == 0
    bound = "      - route: GET /owners/{ownerId}/pets\n        where: {ownerId: sub}\n"
    assert bound in seed
    (folder / "dev.yaml").write_text(seed.replace(bound, "      - GET /owners/{ownerId}/pets\n"))
    assert f"$ gatebook test petstore.test.yaml\n{run('test', 'petstore.test.yaml').stdout}" == shown
