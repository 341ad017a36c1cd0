"""docs/assurance.md is what its script counts, and the script counts what it should."""

from itertools import zip_longest
from pathlib import Path

import pytest

from tests.architecture.readme import DOCS, ROOT
from tests.tools import assurance


def test_the_page_is_what_the_script_writes() -> None:
    # Not compared as a whole: pytest would take minutes to show where two such texts differ.
    pairs = zip_longest(DOCS["assurance"].text.splitlines(), assurance.page().splitlines())
    different = next((f"has `{there}` where `{counted}` is counted" for there, counted in pairs if there != counted), None)
    assert different is None, f"docs/assurance.md {different}: renew it with `make assurance`"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('ROUNDS = 500 if os.environ.get("CI") else 60', [("ROUNDS", 60, 500)]),
        ("A, B = (8, 5) if CI else (3, 2)", [("A", 3, 8), ("B", 2, 5)]),
        ('RUNS = {"a": 10, "b": 20} if CI else {"a": 1}', [("RUNS", 1, 30)]),
        ("CI = bool(os.environ.get('CI'))", []),
        ("ROUNDS = 500 if FAST else 60", []),
    ],
)
def test_a_constant_that_ci_raises_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, expected: list[tuple[str, int, int]]
) -> None:
    monkeypatch.setattr(assurance, "ROOT", tmp_path)
    (tmp_path / "test_x.py").write_text(f"{line}\n")
    assert [(one.name, one.laptop, one.ci) for one in assurance.trials(tmp_path / "test_x.py")] == expected


def test_no_number_that_ci_raises_is_left_out() -> None:
    """A constant within an expression, `ROUNDS = 2 * (500 if CI else 60)`, would be passed over."""
    files = [path for folder in ("properties", "stack") for path in (ROOT / "tests" / folder).glob("test_*.py")]
    lines = {
        path: [line for line in path.read_text().splitlines() if " if CI else " in line or ' if os.environ.get("CI") else ' in line]
        for path in files
    }
    outside = {
        path.name: len(lines[path]) for path in files if any(line[:1].isupper() for line in lines[path]) and not assurance.trials(path)
    }
    assert outside == {}
