"""matrix for whom the whole table is too much: filters, CSV, and a picture."""

import csv
import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.integration.cli.conftest import Run, parsed

DOCUMENT = """\
api: petstore
routes: [GET /pets, "ANY /pets/{id}", "DELETE /pets/{id}", GET /admin/users]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: [{route: "GET /pets/{id}", where: {id: sub}}]}
  "=1+1": {allow: ["* /**"], deny: ["DELETE /pets/{id}"]}
  on-call: {allow: ["DELETE /pets/{id}"], deny: [{route: "DELETE /pets/{id}", until: 2030-01-01T00:00:00Z}]}
  "<script>": {}
---
api: other
routes: [GET /x]
"""


@pytest.fixture(autouse=True)
def _file(folder: Path) -> None:
    (folder / "m.yaml").write_text(DOCUMENT)
    (folder / "one.yaml").write_text(DOCUMENT.split("---", maxsplit=1)[0])


def test_groups_and_routes_are_chosen(run: Run) -> None:
    result = run("matrix", "one.yaml", "--group", "guest", "--subject", "everyone", "--route", "GET /pets/**")
    rows = [re.split(r"  +", line.strip()) for line in result.stdout.splitlines()]
    assert rows == [
        ["petstore"],
        ["route", "everyone", "group/guest"],
        ["GET /pets", "yes", "yes"],
        ["GET /pets/{id}", "·", "where {id} = sub"],
    ]


def test_json_shows_what_was_chosen_and_nothing_else(run: Run) -> None:
    [grid] = parsed(run("matrix", "one.yaml", "--group", "guest", "--route", "GET /pets", "--json"))
    assert grid["rows"] == [{"subject": "group/guest", "delegated": False, "cells": [{"route": "GET /pets", "access": "allowed"}]}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--group", "nobody"], "no document has `group/nobody`"),
        (["--subject", "x/y"], "x/y"),
        (["--route", "GOT /x"], "method `GOT`"),
        (["--svg", "m.svg"], "draws one API, and there are 2"),
    ],
)
def test_what_cannot_be_shown_is_told(run: Run, arguments: list[str], said: str) -> None:
    result = run("matrix", "m.yaml", *arguments)
    assert (result.exit_code, said in " ".join(result.stderr.replace("│", " ").split())) == (2, True), result.stderr


def test_csv_is_read_by_spreadsheets_and_holds_no_formula(run: Run) -> None:
    result = run("matrix", "m.yaml", "--csv")
    first, *rows = list(csv.reader(io.StringIO(result.stdout)))
    assert first == ["api", "route", "everyone", "group/<script>", "group/=1+1", "group/guest", "group/on-call"]
    assert rows[:2] == [
        ["petstore", "GET /admin/users", "", "", "allowed", "", ""],
        ["petstore", "GET /pets", "allowed", "allowed", "allowed", "allowed", "allowed"],
    ]
    assert ["other", "GET /x", ""] in rows


def test_the_picture_tells_each_kind_apart_by_its_shape(run: Run, folder: Path) -> None:
    result = run("matrix", "one.yaml", "--svg", "m.svg")
    assert (result.exit_code, result.stdout) == (0, "")
    text = (folder / "m.svg").read_text()
    assert "<script>" not in text
    root = ET.fromstring(text)  # noqa: S314  # our own
    svg = "{http://www.w3.org/2000/svg}"
    shapes = [shape for shape in root if shape.find(f"{svg}title") is not None]
    said = {shape.findtext(f"{svg}title"): (shape.tag.removeprefix(svg), shape.get("class")) for shape in shapes}
    assert said["group/guest GET /pets: allowed"] == ("circle", "yes")
    assert said["group/guest GET /pets/{id}: allowed where {id} = sub"] == ("circle", "if")
    assert said["group/=1+1 DELETE /pets/{id}: denied"] == ("path", "no")
    assert [kind for words, kind in said.items() if words and words.startswith("group/on-call DELETE")] == [("path", "mixed")]
    assert said["group/<script> GET /admin/users: nothing"] == ("circle", "none")
    forms = {(shape.tag, shape.get("r"), re.sub(r"^M[-\d. ]+", "", shape.get("d", ""))) for shape in shapes}
    assert len(forms) == 5


def test_one_api_of_a_file_is_chosen(run: Run, folder: Path) -> None:
    assert [grid["api"] for grid in parsed(run("matrix", "m.yaml", "--api", "other", "--json"))] == ["other"]
    assert run("matrix", "m.yaml", "--api", "petstore", "--svg", "m.svg").exit_code == 0
    assert run("matrix", "m.yaml", "--api", "shop").exit_code == 2


def test_the_picture_of_the_page_is_the_one_of_the_seeds(run: Run, folder: Path) -> None:
    root = Path(__file__).parents[3]
    assert run("matrix", str(root / "seed_data" / "dev.yaml"), "--api", "petstore", "--svg", "m.svg").exit_code == 0
    assert (folder / "m.svg").read_text() == (root / "docs" / "petstore-matrix.svg").read_text()
