"""The catalogue, and what an OpenAPI file has otherwise: chosen or dropped, and read in the page."""

import json
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack

FIELD = "Choose a file, or drop it here"
MANY = 10_000
SHOWN = 200
CHOOSE = "choose an OpenAPI or Swagger definition in JSON"

WRONG = {
    ("api.yaml", "openapi: 3.0.3\n"): (
        "api.yaml is YAML, which this page does not read. The command does: gatebook drift permissions.yaml --openapi api.yaml"
    ),
    ("api.txt", "---\nswagger: '2.0'\n"): (
        "api.txt is YAML, which this page does not read. The command does: gatebook drift permissions.yaml --openapi api.txt"
    ),
    ("photo.png", "\N{REPLACEMENT CHARACTER}PNG\r\n\x1a\n\0"): f"photo.png is no JSON: {CHOOSE}",
    ("empty.json", " \n"): f"empty.json is empty: {CHOOSE}",
    ("cut.json", '{"openapi": "3.0.3", "paths": {'): "cut.json is JSON with a mistake: ",
    ("list.json", "[]"): f"list.json is no OpenAPI definition, but a list or a single value: {CHOOSE}",
    ("petstore.json", '{"api": "petstore", "routes": []}'): f"petstore.json is the permission document of petstore: {CHOOSE}",
    ("sam.json", '{"Resources": {}}'): f"sam.json is a CloudFormation template, which the command gatebook drift reads: {CHOOSE}",
    ("postman.json", '{"info": {}, "item": []}'): f"postman.json is a Postman collection: {CHOOSE}",
    ("<b>.json", '{"name": "npm"}'): f"<b>.json is no OpenAPI definition, since it has neither `openapi` nor `swagger`: {CHOOSE}",
    ("bare.json", '{"swagger": "2.0"}'): "bare.json has no `paths`, so that there is no route to compare",
}
"""What a person may take for the right file, and the sentence for it."""


def definition(*routes: str, **described: str) -> str:
    """An OpenAPI definition of these routes."""
    paths: dict[str, Any] = {}
    for route in routes:
        verb, _, path = route.partition(" ")
        paths.setdefault(path, {})[verb.lower()] = {"responses": {}, **described}
    return json.dumps({"openapi": "3.0.3", "info": {"title": "Pets <b>1</b>", "version": "1"}, "paths": paths})


def choose(tab: ConsolePage, name: str, text: str) -> None:
    tab.page.get_by_label(FIELD).set_input_files({"name": name, "mimeType": "application/octet-stream", "buffer": text.encode()})


def drop(tab: ConsolePage, name: str, text: str) -> None:
    """Drop a file on the card, as the browser tells the page of it."""
    files = tab.page.evaluate_handle(
        "([name, text]) => { const held = new DataTransfer(); held.items.add(new File([text], name)); return held; }", [name, text]
    )
    for event in ("dragover", "drop"):
        tab.page.locator(".drift").dispatch_event(event, {"dataTransfer": files})


def test_drift_is_shown_of_a_file_that_is_chosen_or_dropped_and_added(tab: ConsolePage, petstore: Any) -> None:
    page, card = tab.page, tab.page.locator(".drift")
    tab.sign_in("admin", "#/petstore/routes")
    expect(page.locator("table.catalogue tbody tr")).to_have_count(len(petstore["routes"]))
    expect(page.locator("table.catalogue tbody", has=page.get_by_text("/health"))).to_have_text("/healthGETpublicanybody, without a token")
    catalogue = [each if isinstance(each, str) else each["route"] for each in petstore["routes"]]

    asked = len(tab.watch.requests)
    choose(tab, "same.json", definition(*catalogue))
    expect(card.locator(".notice")).to_have_text(f"Pets <b>1</b>: {len(catalogue)} routes compared, nothing differs.")
    others = [route for route in catalogue if route != "GET /owners"]
    drop(tab, "other.json", definition(*others, "PATCH /pets/{id}", "OPTIONS /pets"))
    expect(card.locator(".notice")).to_have_text(f"Pets <b>1</b>: {len(others) + 2} routes compared, 3 differences.")
    expect(card).to_have_class("card drift")
    expect(page.get_by_label(FIELD)).to_have_value("")
    lists = card.locator("ul.differing")
    expect(lists.nth(0).get_by_role("listitem")).to_have_text(
        ["OPTIONS/petsperhaps a browser's preflight, which nobody guards/paths/~1pets/options", "PATCH/pets/{id}/paths/~1pets~1{id}/patch"]
    )
    expect(lists.nth(1).get_by_role("listitem")).to_have_text(["GET/owners"])
    card.locator("summary").click()
    expect(card.locator("ul.notes")).to_contain_text("/pets/{petId} is /pets/{id} in the file")
    tab.screenshot("drift")
    # The file goes nowhere.
    assert tab.watch.requests[asked:] == []

    card.get_by_role("button", name="Add 1 route to the catalogue").click()
    expect(tab.review.get_by_label("Reason")).to_be_focused()
    tab.publish("a new route")
    # With the name of the parameter that the catalogue uses.
    entries = page.locator("table.catalogue tbody", has=page.get_by_text("/pets/{petId}", exact=True))
    expect(entries.get_by_role("row")).to_have_count(4)
    expect(entries).to_contain_text("PATCH")


def test_a_wrong_file_is_told_what_it_is(tab: ConsolePage) -> None:
    tab.sign_in("auditor", "#/petstore/routes")
    for (name, text), words in WRONG.items():
        choose(tab, name, text)
        alert = tab.page.get_by_role("alert")
        expect(alert).to_contain_text(words)
    expect(tab.page.locator(".drift b")).to_have_count(0)


def test_a_file_of_five_megabytes_is_read_and_its_lines_are_shown_by_and_by(tab: ConsolePage) -> None:
    card = tab.page.locator(".drift")
    text = definition(*(f"GET /s{n}/{{id}}" for n in range(MANY)), description="x" * 440)
    assert len(text) > 5_000_000
    tab.sign_in("auditor", "#/petstore/routes")
    drop(tab, "large.json", text)
    expect(card.locator(".notice")).to_contain_text("10,000 routes compared")
    # What freezes a page are elements: a list of thousands is not drawn before somebody asks for it.
    lines = card.locator("ul.differing").first.get_by_role("listitem")
    expect(lines).to_have_count(SHOWN)
    card.get_by_role("button", name="Show 9,800 more").click()
    expect(lines).to_have_count(MANY)
    expect(lines.last).to_contain_text("/s9999/{id}")
    choose(tab, "small.json", definition("GET /pets"))
    expect(card.locator(".notice")).to_contain_text("1 route compared")
