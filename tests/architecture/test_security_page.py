"""docs/security.md names tests that there are, and at least one for each threat."""

import re

import pytest

from tests.architecture.readme import DOCS, ROOT

PAGE = DOCS["security"]
NAMED = re.findall(r"`(test_\w+)`", PAGE.prose)
TABLES = [(heading, rows) for heading, *rows in PAGE.tables() if heading[-1] == "proven by"]
WRITTEN = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_is_there(name: str) -> None:
    assert name in WRITTEN, f"docs/security.md names `{name}`, which no file of tests/ has: name the test that proves the row now"


def test_no_test_is_named_twice() -> None:
    assert sorted(set(NAMED)) == sorted(NAMED)


def test_each_threat_has_a_mitigation_and_a_test() -> None:
    rows = [row for _, table in TABLES for row in table]
    assert len(rows) > 40
    assert [row[0] for row in rows if len(row) != 3 or not all(row) or not re.findall(r"`test_\w+`", row[2])] == []
