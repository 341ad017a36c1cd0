"""What is staged and not published stays with the tab, and nothing else does."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack

ROUTE = "DELETE /pets/{petId}"


def test_staged_changes_survive_a_reload_which_signs_out(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    tab.stage("guest", ROUTE)
    tab.stage("owner", "GET /pets/{petId}", "Take away")
    kept = tab.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    assert "gatebook.staged.petstore" in kept
    assert "eyJ" not in kept
    assert "password" not in kept.lower()
    tab.page.reload()
    expect(tab.page.get_by_label("Password")).to_be_visible()
    tab.sign_in("admin")
    expect(tab.bar).to_contain_text("2 changes staged")
    expect(tab.cell("guest", ROUTE)).to_have_accessible_name(f"guest, {ROUTE}: not allowed; staged: to be allowed")
    tab.bar.get_by_role("button", name="Discard").click()
    expect(tab.bar).to_be_hidden()
    expect(tab.cell("guest", ROUTE)).to_have_accessible_name(f"guest, {ROUTE}: not allowed")
    assert tab.page.evaluate("sessionStorage.length + localStorage.length") == 0


def test_one_change_is_taken_back_and_the_others_stay(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    tab.stage("guest", ROUTE)
    tab.stage("guest", "GET /owners")
    tab.panel.get_by_role("button", name="Take this back").click()
    expect(tab.bar).to_contain_text("1 change staged")
    expect(tab.panel.get_by_role("button", name="Allow")).to_be_visible()
    tab.page.get_by_label("changed only").check()
    expect(tab.page.get_by_role("gridcell")).to_have_count(1)
    expect(tab.page.get_by_role("gridcell")).to_have_accessible_name(f"guest, {ROUTE}: not allowed; staged: to be allowed")
