"""All of it without a mouse: signing in, looking, staging, publishing's review and the way back."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until a control of this name has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if (
            page.evaluate("(e => e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent)(document.activeElement)")
            == name
        ):
            return
    raise AssertionError(f"{name} is not reached by {most} times Tab")


def focused(page: Page) -> str:
    """The label of the cell that has the focus."""
    label: str = page.evaluate("document.activeElement.getAttribute('aria-label') ?? ''")
    return label.partition(": ")[0]


def test_a_change_is_staged_reviewed_and_published_by_the_keyboard_alone(tab: ConsolePage, petstore: Any) -> None:
    page = tab.page
    tab.open("#/petstore/matrix")
    expect(page.get_by_label("User name")).to_be_focused()
    page.keyboard.type("admin")
    press(page, "Tab")
    page.keyboard.type(tab.stack.note["users"]["admin"]["password"])
    press(page, "Enter")
    tab.cell("guest", "DELETE /pets/{petId}").wait_for()
    # One cell of the grid is reached by Tab, and the arrows move from it.
    for _ in range(30):
        press(page, "Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "gridcell":
            break
    assert focused(page) == "everyone, DELETE /admin/caches/{name}"
    press(page, "ArrowDown", "ArrowRight", "ArrowRight")
    assert focused(page) == "guest, GET /admin/reports"
    press(page, "ArrowUp", "End", "ArrowRight")
    assert focused(page) == "owner, DELETE /admin/caches/{name}"
    press(page, "Control+End", "Home")
    assert focused(page) == "everyone, POST /pets/{petId}/photos"
    press(page, "PageUp", "Control+Home", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight")
    assert focused(page) == "guest, GET /files/{proxy+}"
    press(page, "Enter")
    expect(tab.panel.get_by_role("heading", name="guest")).to_be_focused()
    press(page, "Escape")
    expect(tab.panel).to_be_hidden()
    assert focused(page) == "guest, GET /files/{proxy+}"
    press(page, "Enter")
    tab_to(page, "Allow")
    press(page, "Enter")
    expect(tab.panel.get_by_role("button", name="Take this back")).to_be_focused()
    tab_to(page, "Review")
    press(page, "Enter")
    expect(tab.review.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by the keyboard")
    press(page, "Escape")
    expect(tab.review).to_have_count(0)
    expect(tab.bar).to_contain_text("1 change staged")
    expect(tab.bar.get_by_role("button", name="Review")).to_be_focused()
    press(page, "Enter")
    expect(tab.review.get_by_label("Reason")).to_be_focused()
    page.keyboard.type("by the keyboard")
    press(page, "Enter")
    expect(tab.review).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()
    expect(tab.bar).to_be_hidden()
    expect(tab.cell("guest", "GET /files/{proxy+}")).to_have_accessible_name("guest, GET /files/{proxy+}: allowed")


def test_groups_of_routes_fold_by_the_keyboard(tab: ConsolePage) -> None:
    tab.sign_in("auditor", "#/petstore/matrix")
    tab.cell("guest", "GET /files/{proxy+}").wait_for()
    fold = tab.page.get_by_role("button", name="/files 3 routes")
    fold.focus()
    press(tab.page, "Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(fold).to_be_focused()
    expect(tab.cell("guest", "GET /files/{proxy+}")).to_have_count(0)
    press(tab.page, "Enter")
    expect(tab.cell("guest", "GET /files/{proxy+}")).to_have_count(1)


def test_the_view_is_reached_at_once(tab: ConsolePage) -> None:
    tab.sign_in("auditor", "#/petstore/history")
    tab.page.locator(".version").first.wait_for()
    tab.page.get_by_role("link", name="Gatebook").focus()
    press(tab.page, "Shift+Tab")
    expect(tab.page.get_by_role("link", name="Skip to the view")).to_be_focused()
    press(tab.page, "Enter")
    expect(tab.page.get_by_role("main")).to_be_focused()
    expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
