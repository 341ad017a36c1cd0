"""Files with mistakes: every mistake is told with its place, and nothing is read from or written to AWS."""

from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run
from tests.support.aws_calls import AwsCalls
from tests.support.tables import Table

TEN_MISTAKES = """\
api: pet store
enforced: [everything]
routes:
  - GOT /pets
  - GET /pets
  - GET /pets
everyone:
  allow: GET /pets
groups:
  guest:
    inherits: [nobody]
    deny: [{route: GET /pets, where: {petId: sub}}]
  on: {}
  owner:
    alow: [GET /pets]
    allow:
      - {route: GET /pets, until: soon}
  guest: {}
"""


@pytest.fixture
def bad(run: Run, target: Table, wire: AwsCalls, folder: Path) -> None:
    (folder / "bad.yaml").write_text(TEN_MISTAKES)


PLACES = [
    ("bad.yaml:1 /api", "`pet store`"),
    ("bad.yaml:2 /enforced/0", "`everything`"),
    ("bad.yaml:4 /routes/0", "method `GOT`"),
    ("bad.yaml:6 /routes/2", "same route"),
    ("bad.yaml:8 /everyone/allow", "must be a list"),
    ("bad.yaml:11 /groups/guest/inherits", "`nobody`"),
    ("bad.yaml:12 /groups/guest/deny/0/where", "a deny cannot have `where`"),
    ("bad.yaml:13 /groups/True", "quotes"),
    ("bad.yaml:15 /groups/owner/alow", "`alow`"),
    ("bad.yaml:17 /groups/owner/allow/0/until", "`soon`"),
    ("bad.yaml:10 /groups/guest", "line 18"),
]


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_each_of_many_mistakes_is_told_with_its_place(run: Run, target: Table, wire: AwsCalls, bad: None, command: str) -> None:
    wire.take()
    result = run(command, "bad.yaml")
    assert result.exit_code == 1
    assert result.stdout == ""
    for place, words in PLACES:
        assert [line for line in result.stderr.splitlines() if line.startswith(f"{place} ") and words in line], (place, result.stderr)
    assert "nothing was written" in result.stderr
    assert (wire.take(), target.items()) == ([], {})


def test_mistakes_in_several_files_and_documents_are_told_in_one_run(run: Run, target: Table, folder: Path) -> None:
    (folder / "one.yaml").write_text("api: a b\nroutes: [GET /]\n---\napi: c d\nroutes: [GET /]\n")
    (folder / "two.yaml").write_text("[")
    (folder / "three.yaml").write_text("api: e f\nroutes: [GET /]\n")
    result = run("plan", "one.yaml", "two.yaml", "three.yaml")
    assert result.exit_code == 1
    for place in ("one.yaml:1 /api", "one.yaml:4 /api", "two.yaml", "three.yaml:1 /api"):
        assert any(line.startswith(place) for line in result.stderr.splitlines()), place


def test_one_bad_file_stops_the_good_ones(run: Run, target: Table, folder: Path) -> None:
    (folder / "good.yaml").write_text("api: a\nroutes: [GET /]\n")
    (folder / "bad.yaml").write_text("api: b\n")
    assert run("apply", "good.yaml", "bad.yaml", "--yes").exit_code == 1
    assert target.items() == {}


@pytest.mark.parametrize("second", ["one.yaml", "two.yaml"])
def test_one_api_in_two_documents(run: Run, target: Table, folder: Path, second: str) -> None:
    text = "api: petstore\nroutes: [GET /]\n"
    (folder / "one.yaml").write_text(f"{text}---\n{text}" if second == "one.yaml" else text)
    (folder / "two.yaml").write_text(text)
    result = run("apply", *{"one.yaml": None, second: None}, "--yes")
    assert result.exit_code == 1
    assert "twice" in result.stderr
    assert target.items() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("groups: {a: {}, a: {}}", "twice"),
        ("a: &x 1\nb: *x", "alias"),
        ("api: !!python/object/apply:os.getcwd []", "tag"),
        ("[" * 5000, "nested too deeply"),
        ("api: \x07", "cannot be read"),
    ],
)
def test_a_file_that_is_no_document(run: Run, target: Table, folder: Path, text: str, words: str) -> None:
    (folder / "bad.yaml").write_text(text)
    result = run("plan", "bad.yaml")
    assert result.exit_code == 1
    assert words in result.stderr


def test_a_file_that_is_not_utf_8(run: Run, target: Table, folder: Path) -> None:
    (folder / "bad.yaml").write_bytes("api: é".encode("latin-1"))
    result = run("plan", "bad.yaml")
    assert result.exit_code == 1
    assert "not UTF-8" in result.stderr


def test_markup_and_control_characters_in_a_mistake_are_shown_and_not_obeyed(run: Run, target: Table, folder: Path) -> None:
    (folder / "[red]bad.yaml").write_text('api: "[link=http://x]a\\e[31m"\nroutes: [GET /]\n')
    result = run("plan", "[red]bad.yaml")
    assert result.exit_code == 1
    assert "[red]bad.yaml:1" in result.stderr
    assert "[link=http://x]a" in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_a_file_that_cannot_be_read_is_a_mistake_of_usage(run: Run, target: Table, name: str) -> None:
    result = run("apply", name)
    assert result.exit_code == 2
    assert name in result.stderr
    assert target.items() == {}
