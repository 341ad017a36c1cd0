"""Who may only look finds nothing to press, and an admin of one API finds that one."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

ROUTE = "DELETE /pets/{petId}"


def test_an_auditor_looks_at_everything_and_changes_nothing(stack: LocalStack, tokens: dict[str, str], tab: ConsolePage) -> None:
    tab.sign_in("auditor")
    tab.cell("guest", ROUTE).click()
    expect(tab.panel.get_by_text("You may look at these permissions and not change them.")).to_be_visible()
    # An answer of the API, for which the auditor has to be asked nothing more.
    expect(tab.panel.get_by_role("heading", name="Why")).to_be_visible()
    for name in ("Allow", "Take away"):
        expect(tab.panel.get_by_role("button", name=name)).to_have_count(0)
    tab.go("petstore", "history", version="1")
    expect(tab.page.get_by_role("heading", name="Version 1")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Look at a rollback")).to_have_count(0)
    tab.go("petstore", "denylist")
    expect(tab.page.get_by_role("heading", name="Denylist")).to_be_visible()
    expect(tab.page.get_by_text("Nobody is refused.")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Refuse")).to_have_count(0)
    tab.go("petstore", "explain", method="DELETE", path="/pets/7", groups="guest")
    expect(tab.page.get_by_text("What would allow it")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Stage this")).to_have_count(0)
    # That there is no button keeps nobody out: the API does.
    answer = stack.send("admin", "PATCH", "/v1/apis/petstore/document", tokens["auditor"], {"groups": {}}, {"If-Match": "*"})
    assert answer.status == 403


def test_an_admin_of_one_api_names_it(tab: ConsolePage) -> None:
    tab.watch.expect("403.*/v1/apis$")
    tab.sign_in("petadmin", "")
    tab.page.get_by_label("Name of the API").fill("petstore")
    tab.page.get_by_role("button", name="Open").click()
    tab.stage("guest", ROUTE)
    tab.open_review()
    expect(tab.review.locator("tbody tr")).to_have_count(2)


def test_an_admin_of_one_api_comes_by_an_address(tab: ConsolePage) -> None:
    tab.watch.expect("403.*/v1/apis$")
    tab.sign_in("petadmin", "#/petstore/matrix")
    tab.stage("guest", ROUTE)
    expect(tab.bar).to_contain_text("1 change staged")
    expect(tab.page.get_by_label("Name of the API")).to_have_count(0)
