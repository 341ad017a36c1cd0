"""What docs/issuers.md says is true: every entry is that of a file of `tests/vectors/tokens/issuers`, whose tokens are verified with it."""

import json
from typing import Any

import pytest

from authorizer.tokens.issuer_entries import ALGORITHMS, FIELDS, read_issuers
from tests.architecture.readme import ROOT, Page
from tests.support.issuer_shapes import issuer_files, read_issuers_of

PAGE = Page((ROOT / "docs" / "issuers.md").read_text(encoding="utf-8"))
VECTORS = {name: read_issuers_of(name) for name in issuer_files()}
SECTIONS = sorted({vector.section for vector in VECTORS.values() if vector.section})
LEFT_OUT = {"token_use": "access", "groups_claim": "cognito:groups", "client_claim": "client_id", "algorithms": '["RS256"]'}
"""Defaults that the page gives as they are written."""


def entries(page: Page) -> list[list[dict[str, Any]]]:
    return [json.loads(block) for block in page.blocks("json")]


@pytest.mark.parametrize("section", SECTIONS)
def test_the_entries_of_a_section_are_those_that_tokens_were_verified_with(section: str) -> None:
    shown = entries(PAGE.section(section))
    verified = [vector.issuers for vector in VECTORS.values() if vector.section == section]
    assert sorted(map(str, shown)) == sorted(map(str, verified))


def test_no_entry_stands_elsewhere() -> None:
    assert len(entries(PAGE)) == len([vector for vector in VECTORS.values() if vector.section]) > len(SECTIONS) > 10


def test_the_fields_are_the_fields() -> None:
    rows = PAGE.table("field", "if left out", "meaning")
    assert [name.strip("`") for name, _, _ in rows] == list(FIELDS)
    assert {name.strip("`"): default.strip("`") for name, default, _ in rows if name.strip("`") in LEFT_OUT} == LEFT_OUT
    needed = {"name": "x", "issuer": "https://id.example", "jwks_uri": "https://id.example/keys", "client_ids": ["web"]}
    problems: list[str] = []
    written = {name: json.loads(value) if value.startswith("[") else value for name, value in LEFT_OUT.items()}
    said, left_out = (read_issuers(json.dumps([entry]), None, problems) for entry in (needed | written, needed))
    assert (said, problems) == (left_out, [])


def test_the_algorithms_are_named() -> None:
    [meaning] = [meaning for name, _, meaning in PAGE.table("field", "if left out", "meaning") if name == "`algorithms`"]
    assert meaning == f"what may sign: {', '.join(ALGORITHMS)}"
