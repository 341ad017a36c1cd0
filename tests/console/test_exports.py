"""The matrix as a file: the numbers of the API in a table that no spreadsheet computes, and a picture in which names are text."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

API = "x-exports"
NAMES = ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", 'a "quoted", name', "<script>alert(1)</script>", "&amp; 日本 \N{GRINNING FACE}"]
DOCUMENT: dict[str, Any] = {
    "api": API,
    "routes": ["GET /a&(b)", "ANY /a&(b)/{id}", {"route": "GET /open", "public": True}],
    "everyone": {"allow": ["GET /a&(b)"]},
    "groups": {
        **{name: {"allow": ["GET /a&(b)/{id}"]} for name in NAMES},
        "bound": {"allow": [{"route": "GET /a&(b)/{id}", "where": {"id": "custom:a"}}], "deny": ["DELETE /a&(b)/{id}"]},
        "timed": {"allow": [{"route": "POST /a&(b)/{id}", "until": "2099-01-01T00:00:00Z"}]},
    },
    "clients": {"=client": {"allow": ["GET /a&(b)"]}},
}
VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What spreadsheets take for a formula (OWASP, CSV Injection)."""

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def exported(stack: LocalStack, tokens: dict[str, str]) -> dict[str, dict[str, str]]:
    """An API whose names are the worst for files, as the admin API's matrix has it: the access of each subject to each route."""
    path = f"/v1/apis/{API}"
    if stack.send("admin", "GET", f"{path}/document", tokens["admin"]).status == 404:
        made = stack.send("admin", "PUT", f"{path}/document?reason=a+test", tokens["admin"], DOCUMENT, {"If-None-Match": "*"})
        assert made.status == 201, made.body
    rows = stack.send("admin", "GET", f"{path}/matrix?limit=100", tokens["admin"]).json["rows"]
    assert len(rows) == len(NAMES) + 4
    return {row["subject"]: {cell["route"]: cell["access"] for cell in row["cells"]} for row in rows}


def saved(tab: ConsolePage, button: str) -> tuple[str, str]:
    """The name and the text of what a button offers for download."""
    with tab.page.expect_download() as offered:
        tab.page.get_by_role("button", name=button, exact=True).click()
    return offered.value.suggested_filename, Path(offered.value.path()).read_bytes().decode()


def test_a_table_says_what_the_api_says_and_no_spreadsheet_computes_it(console: Any, exported: dict[str, dict[str, str]]) -> None:
    tab: ConsolePage = console(accept_downloads=True)
    # All of it, whatever the page filters.
    tab.sign_in("auditor", f"#/{API}/matrix?find=open")
    expect(tab.page.get_by_role("gridcell")).to_have_count(len(exported))
    name, text = saved(tab, "CSV")
    assert name == f"{API}.csv"
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header[:3] == ["api", "route", "everyone"]
    assert sorted(header[2:]) == sorted(exported)
    assert sorted(line[1] for line in lines) == sorted(["GET /a&(b)", "GET /open", *(f"{verb} /a&(b)/{{id}}" for verb in VERBS)])
    for api, route, *cells in lines:
        assert api == API
        assert dict(zip(header[2:], cells, strict=True)) == {subject: access.get(route, "") for subject, access in exported.items()}, route
    assert not [cell for line in (header, *lines) for cell in line if cell.startswith(FORMULA)]


def test_a_table_is_the_one_that_the_command_prints(stack: LocalStack, console: Any, petstore: Any, tmp_path: Path) -> None:
    document = tmp_path / "petstore.json"
    document.write_text(json.dumps(petstore))
    tab: ConsolePage = console(accept_downloads=True)
    tab.sign_in("auditor")
    tab.cell("guest", "GET /pets").wait_for()
    assert saved(tab, "CSV") == ("petstore.csv", stack.gatebook("matrix", str(document), "--csv").stdout.replace("\n", "\r\n"))


def test_a_picture_shows_names_as_text_and_all_of_itself(console: Any, exported: dict[str, dict[str, str]]) -> None:
    tab: ConsolePage = console(accept_downloads=True)
    tab.sign_in("auditor", f"#/{API}/matrix")
    tab.page.get_by_role("gridcell").first.wait_for()
    name, text = saved(tab, "SVG")
    assert name == f"{API}.svg"
    root = ET.fromstring(text)  # noqa: S314  # what is well-formed is what a parser takes
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {"svg", "title", "g", "text", "circle", "rect", "path"}
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert [name for name in (*NAMES, "bound", "timed", "client/=client", "GET /open (public)") if name not in texts] == []
    assert [element.text for element in root.iter(f"{SVG}title")] == [
        f"{API}: who may call what",
        "allowed where {id} = custom:a",
        "allowed until 2099-01-01T00:00:00Z",
    ]
    # A shape for each route and subject, and one of each kind in the legend.
    held = [access for cells in exported.values() for access in cells.values()]
    counts = Counter("allowed on" if " where " in each else "allowed until" if " until " in each else each for each in held)
    colours = {"allowed": "#1a7f37", "allowed on": "#9a6700", "allowed until": "#0a62c4", "denied": "#c62828"}
    drawn = Counter(element.get("stroke") or element.get("fill") for element in root.iter() if element.tag != f"{SVG}text")
    assert {kind: drawn[colour] for kind, colour in colours.items()} == {kind: counts[kind] + 1 for kind in colours}
    assert drawn["#b7bdc6"] == (len(VERBS) + 2) * len(exported) - len(held) + 1

    # A browser draws it, runs nothing, and cuts nothing off.
    page = tab.page
    page.goto("about:blank")
    page.set_content(text)
    outside = page.evaluate(
        """(() => {
             const all = document.querySelector('svg').getBoundingClientRect();
             return [...document.querySelectorAll('svg text')].filter((each) => {
               const {left, top, right, bottom} = each.getBoundingClientRect();
               return left < all.left || top < all.top || right > all.right || bottom > all.bottom;
             }).map((each) => each.textContent);
           })()"""
    )
    assert outside == []
    tab.screenshot("picture")
