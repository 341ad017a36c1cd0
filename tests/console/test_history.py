"""The history of an API that has more versions than a page, what differs between any two of them, and the way back."""

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

API = "x-versions"
PAGE = 3
VERSIONS = 2 * PAGE + 1
RULE = "guest -> POST /a"


def document(number: int) -> dict[str, Any]:
    """Version n: guests may read one of three routes, and from version 4 on a rule keeps them from writing."""
    rules = {"rules": [{"never": RULE}]} if number >= 4 else {}
    routes = ["GET /a", "GET /b", "GET /c", "POST /a"]
    return {"api": API, "routes": routes, "groups": {"guest": {"allow": [routes[number % 3]]}}, **rules}


@pytest.fixture
def long_history(stack: LocalStack, tokens: dict[str, str], tab: ConsolePage) -> None:
    """An API with more versions than the console reads at once, since it is made to read few."""
    path = f"/v1/apis/{API}/document"
    if stack.send("admin", "GET", path, tokens["admin"]).status == 404:
        for number in range(1, VERSIONS + 1):
            condition = {"If-None-Match": "*"} if number == 1 else {"If-Match": "*"}
            made = stack.send("admin", "PUT", f"{path}?reason=step+{number}", tokens["admin"], document(number), condition)
            assert made.status == (201 if number == 1 else 200), made.body

    def shorten(route: Route) -> None:
        route.continue_(url=re.sub(r"limit=\d+", f"limit={PAGE}", route.request.url))

    tab.page.route("**/versions?*", shorten)


def test_older_versions_are_read_and_any_two_are_compared(tab: ConsolePage, long_history: None) -> None:
    page = tab.page
    tab.sign_in("auditor", f"#/{API}/history")
    numbers = page.get_by_role("region", name="Versions").locator(".number")
    expect(numbers).to_have_text(["7", "6", "5"])
    expect(page.get_by_role("heading", name="From version 6 to 7")).to_be_visible()
    page.get_by_role("button", name="Older versions").click()
    expect(numbers).to_have_text(["7", "6", "5", "4", "3", "2"])
    page.get_by_role("button", name="Older versions").click()
    expect(numbers).to_have_text(["7", "6", "5", "4", "3", "2", "1"])
    expect(page.get_by_role("button", name="Older versions")).to_have_count(0)

    page.get_by_role("button", name="step 1").click()
    expect(page.get_by_text("It is the first: everything in it is new.")).to_be_visible()
    page.get_by_role("button", name="step 2").click()
    rows = page.locator(".detail tbody tr")
    expect(rows).to_have_text(["guestGET /ballowednothing", "guestGET /cnothingallowed"])
    # Any two: a later one as well, and one far away, by the keyboard.
    other = page.get_by_label("Compare with version")
    other.fill("6")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="From version 6 to 2")).to_be_visible()
    expect(page.get_by_text(f"rule removed: never: {RULE}")).to_be_visible()
    expect(rows).to_have_text(["guestGET /aallowednothing", "guestGET /cnothingallowed"])
    other.fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="From version 5 to 2")).to_be_visible()
    expect(page.get_by_text("Nobody gained or lost anything.")).to_be_visible()


def test_a_version_of_an_older_page_is_reached_by_its_address(tab: ConsolePage, long_history: None) -> None:
    page = tab.page
    tab.sign_in("auditor", f"#/{API}/history?version=2")
    expect(page.get_by_role("heading", name="Version 2")).to_be_visible()
    expect(page.locator(".detail dl")).to_contain_text("step 2")
    expect(page.get_by_role("heading", name="From version 1 to 2")).to_be_visible()
    tab.watch.expect("404|422")
    tab.go(API, "history", version="99")
    expect(page.get_by_role("alert")).to_contain_text(f"API `{API}` has no version 99: its versions are 1 to {VERSIONS}")
    expect(page.get_by_role("heading", name="Version 99")).to_have_count(0)
    page.get_by_role("button", name="step 6").click()
    expect(page.get_by_role("heading", name="From version 5 to 6")).to_be_visible()


def test_a_preview_of_a_rollback_names_the_rules_that_go(
    stack: LocalStack, tokens: dict[str, str], tab: ConsolePage, long_history: None
) -> None:
    tab.sign_in("admin", f"#/{API}/history?version=2")
    tab.page.get_by_role("button", name="Look at a rollback").click()
    preview = tab.page.locator(".way-back form")
    expect(preview.get_by_role("listitem")).to_have_text(f"rule removed: never: {RULE}")
    expect(preview.locator("tbody tr")).to_have_text(["guestGET /ballowednothing", "guestGET /cnothingallowed"])
    tab.screenshot("rollback")
    # A look writes nothing.
    assert stack.send("admin", "GET", f"/v1/apis/{API}", tokens["admin"]).json["version"] == VERSIONS
    tab.go(API, "history", version=str(VERSIONS))
    expect(tab.page.get_by_role("heading", name=f"Version {VERSIONS}")).to_be_visible()
    expect(tab.page.get_by_role("button", name="Look at a rollback")).to_have_count(0)
