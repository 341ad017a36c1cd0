"""The document as text: completion, mistakes in their places, download, and the way to a publish."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from admin_api.cli.render.imported import as_yaml
from admin_api.documents.files import read_file
from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

DOCUMENT = "/v1/apis/petstore/document"
EDITOR = "Document of petstore as YAML"
NEW_LINE = "\n"


def open_document(tab: ConsolePage, user: str = "admin") -> Locator:
    """Go to the petstore's document, and return the editor's text."""
    tab.sign_in(user, "#/petstore/document")
    editor = tab.page.get_by_role("textbox", name=EDITOR)
    editor.wait_for()
    return editor


def text_of(tab: ConsolePage) -> str:
    """The whole text, also what is not on the screen."""
    text: str = tab.page.locator("yaml-editor").evaluate("editor => editor.text")
    return text


def put(tab: ConsolePage, text: str) -> None:
    """Paste a text in place of all that the editor has."""
    tab.page.get_by_role("textbox", name=EDITOR).focus()
    tab.page.keyboard.press("Control+A")
    tab.page.keyboard.insert_text(text)


def go_to_end_of(tab: ConsolePage, line: str) -> None:
    """Move the cursor behind the first line that reads so."""
    number = text_of(tab).split("\n").index(line)
    tab.page.get_by_role("textbox", name=EDITOR).focus()
    tab.page.keyboard.press("Control+Home")
    for _ in range(number):
        tab.page.keyboard.press("ArrowDown")
    tab.page.keyboard.press("End")


def mistakes(tab: ConsolePage) -> Locator:
    return tab.page.get_by_role("list", name="Mistakes").get_by_role("button")


def choose(tab: ConsolePage, offer: str) -> None:
    """Take the first of what is offered, which must be this."""
    offers = tab.page.get_by_role("listbox")
    expect(offers.get_by_role("option").first).to_have_text(offer)
    # CodeMirror takes no key for an answer to what has only just come up.
    tab.page.wait_for_timeout(100)
    tab.page.keyboard.press("Enter")
    expect(offers).to_have_count(0)


def test_the_document_is_shown_as_the_command_writes_it(tab: ConsolePage, petstore: Any) -> None:
    editor = open_document(tab)
    expect(editor).to_contain_text("api: petstore")
    assert text_of(tab) == as_yaml(petstore)
    expect(tab.page.get_by_role("status").first).to_contain_text("as published")
    expect(tab.page.get_by_role("button", name="Review")).to_be_disabled()
    expect(tab.page.locator(".cm-line.mistaken")).to_have_count(0)


def test_a_mistake_is_marked_at_its_line(tab: ConsolePage) -> None:
    open_document(tab)
    go_to_end_of(tab, "api: petstore")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.insert_text("api: again")
    expect(mistakes(tab)).to_have_text("Line 2`api` stands in line 1 already: YAML would silently keep the last, so join them")
    expect(tab.page.locator(".cm-line.mistaken")).to_have_text("api: again")
    expect(tab.page.locator(".mistake")).to_have_text("api")
    expect(tab.page.locator(".cm-gutterElement.mistaken")).to_have_text("2")
    editor = tab.page.get_by_role("textbox", name=EDITOR)
    expect(editor).to_have_attribute("aria-invalid", "true")
    tab.page.keyboard.press("Control+Home")
    mistakes(tab).click()
    expect(editor).to_be_focused()
    assert tab.page.evaluate("document.querySelector('yaml-editor').view.state.selection.main.from") == len("api: petstore\n")
    tab.page.keyboard.press("Control+Z")
    tab.page.keyboard.press("Control+Z")
    expect(mistakes(tab)).to_have_count(0)
    expect(editor).to_have_attribute("aria-invalid", "false")


def test_what_the_admin_api_refuses_is_marked_while_somebody_writes(tab: ConsolePage, petstore: Any) -> None:
    open_document(tab)
    tab.watch.expect("422")
    wrong = as_yaml(petstore).replace("    inherits:\n    - guest\n", "    inherits:\n    - gest\n", 1)
    assert wrong != as_yaml(petstore)
    put(tab, wrong)
    expect(mistakes(tab)).to_have_text(
        [re.compile(f"^Line {wrong.split(NEW_LINE).index('    - gest')}there is no group `gest` to inherit from")]
    )
    expect(tab.page.locator(".cm-line.mistaken")).to_have_text("    inherits:")
    # It is gone when the text is as published again, without being asked for.
    tab.page.keyboard.press("Control+Z")
    expect(mistakes(tab)).to_have_count(0)
    assert text_of(tab) == as_yaml(petstore)
    put(tab, wrong)
    tab.page.get_by_role("button", name="Review").click()
    # Nobody is asked for a reason: the cursor is where the mistake is.
    expect(mistakes(tab)).to_have_count(1)
    expect(tab.page.get_by_role("textbox", name=EDITOR)).to_be_focused()
    expect(tab.review).to_have_count(0)


def test_what_may_stand_there_is_completed_by_the_keyboard(tab: ConsolePage) -> None:
    open_document(tab)
    go_to_end_of(tab, "    inherits:")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("- ad")
    choose(tab, "admingroup")
    assert "    inherits:\n    - admin\n    - guest\n" in text_of(tab)
    # A name of the schema, and a route of the catalogue below it.
    go_to_end_of(tab, "    - guest")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("de")
    choose(tab, "denyDenied routes")
    tab.page.keyboard.type("/own")
    choose(tab, "GET /ownersroute")
    assert "    - guest\n    deny:\n    - GET /owners\n" in text_of(tab)
    expect(mistakes(tab)).to_have_count(0)


def test_tab_indents_and_escape_then_tab_leaves(tab: ConsolePage) -> None:
    editor = open_document(tab)
    expect(editor).to_have_accessible_description(re.compile("Escape, then Tab, leaves the editor"))
    editor.focus()
    tab.page.keyboard.press("Control+Home")
    tab.page.keyboard.press("Tab")
    assert text_of(tab).startswith("  api: petstore\n")
    tab.page.keyboard.press("Shift+Tab")
    assert text_of(tab).startswith("api: petstore\n")
    expect(editor).to_be_focused()
    tab.page.keyboard.press("Escape")
    tab.page.keyboard.press("Shift+Tab")
    expect(editor).not_to_be_focused()
    assert text_of(tab).startswith("api: petstore\n")


def test_what_was_written_is_downloaded_as_the_command_reads_it(tab: ConsolePage, petstore: Any, tmp_path: Path) -> None:
    open_document(tab)
    with tab.page.expect_download() as waited:
        tab.page.get_by_role("button", name="Download").click()
    assert waited.value.suggested_filename == "petstore.yaml"
    file = tmp_path / "petstore.yaml"
    waited.value.save_as(file)
    assert file.read_text(encoding="utf-8") == as_yaml(petstore)
    assert [each.value for each in read_file(file)] == [petstore]


def test_a_change_is_reviewed_and_published(tab: ConsolePage, stack: LocalStack, tokens: dict[str, str], petstore: Any) -> None:
    open_document(tab)
    go_to_end_of(tab, "    - GET /pets/{petId}")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.insert_text("- DELETE /pets/{petId}")
    tab.page.get_by_role("button", name="Review").click()
    expect(tab.review.locator("tbody tr")).to_have_text([f"{who}gainsDELETE /pets/{{petId}}nothingallowed" for who in ("guest", "owner")])
    expect(tab.review.locator(".lines .added")).to_have_text("+     - DELETE /pets/{petId}")
    expect(tab.review.locator(".lines .gone")).to_have_count(0)
    tab.publish("guests may clean up, on trial")
    expect(tab.page.get_by_role("button", name="Review")).to_be_disabled()
    published = stack.send("admin", "GET", DOCUMENT, tokens["admin"]).json
    assert "DELETE /pets/{petId}" in published["groups"]["guest"]["allow"]
    assert text_of(tab) == as_yaml(published)


def test_json_is_read_too_and_tidied_to_yaml(tab: ConsolePage, petstore: Any) -> None:
    open_document(tab)
    put(tab, json.dumps(petstore, indent=2))
    expect(mistakes(tab)).to_have_count(0)
    tab.page.get_by_role("button", name="Tidy").click()
    assert text_of(tab) == as_yaml(petstore)
    expect(tab.page.get_by_role("button", name="Review")).to_be_disabled()
    put(tab, json.dumps(petstore, indent=2).replace('"petstore",', '"petstore"', 1))
    expect(mistakes(tab)).not_to_have_count(0)


def test_markup_stays_text(tab: ConsolePage, petstore: Any) -> None:
    open_document(tab)
    tab.watch.expect("422")
    name = "<img src=x onerror=alert(1)>"
    put(tab, as_yaml({**petstore, "groups": {**petstore["groups"], name: {"inherits": [f"{name}s"]}}}))
    expect(mistakes(tab)).to_contain_text([f"{name}s"])
    go_to_end_of(tab, "    inherits:")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.type("- <im")
    choose(tab, f"{name}group")
    assert tab.page.evaluate("[document, document.querySelector('yaml-editor').shadowRoot].every(root => !root.querySelector('img'))")


def test_who_may_not_change_it_may_read_it(tab: ConsolePage, petstore: Any) -> None:
    editor = open_document(tab, "auditor")
    expect(editor).to_have_attribute("aria-readonly", "true")
    editor.focus()
    tab.page.keyboard.type("x")
    assert text_of(tab) == as_yaml(petstore)
    tab.page.keyboard.press("Tab")
    expect(editor).not_to_be_focused()
    expect(tab.page.get_by_role("button", name="Review")).to_have_count(0)


def test_the_editor_is_loaded_where_it_is_needed(tab: ConsolePage) -> None:
    def loaded() -> list[str]:
        return [url for request in tab.watch.requests if "/vendor/" in (url := request.url)]

    tab.sign_in("admin", "#/petstore/matrix")
    tab.page.get_by_role("gridcell").first.wait_for()
    assert loaded() == []
    tab.page.get_by_role("link", name="Document").click()
    tab.page.get_by_role("textbox", name=EDITOR).wait_for()
    assert len(loaded()) == 2
