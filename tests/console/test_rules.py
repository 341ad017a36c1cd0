"""Rules: whether each holds, what breaks one, and how one is added, refused and taken out."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack

RULE = "never: <img src=x onerror=alert(1)> -> DELETE /**"
BROKEN = "never: guest -> GET /pets/{petId}"
WHY = "<img src=x onerror=alert(1)> may DELETE /pets/{petId} by <b>nobody</b>"


def add(tab: ConsolePage, rule: str) -> None:
    """Write a rule into the form, and ask for its review."""
    tab.page.get_by_label("Rule", exact=True).fill(rule)
    tab.page.get_by_role("button", name="Review", exact=True).click()


def state_of(tab: ConsolePage, rule: str) -> Locator:
    """What the table says of a rule."""
    return tab.page.get_by_role("row", name=rule).locator(".state")


def test_a_rule_is_added_shown_and_taken_out(tab: ConsolePage, petstore: Any) -> None:
    page = tab.page
    tab.watch.expect("422")
    tab.sign_in("admin", "#/petstore/rules")
    expect(page.get_by_text("No rules yet.")).to_be_visible()
    add(tab, "guest must not delete")
    expect(page.get_by_role("alert")).to_contain_text("a rule begins with `never:`")

    # What breaks it already is the counter-example, and the line that was written is still there.
    add(tab, BROKEN)
    expect(tab.review.get_by_role("alert")).to_contain_text("group/guest may GET /pets/{petId} by group/guest allow GET /pets/{petId}")
    tab.review.get_by_role("button", name="Back").click()
    expect(page.get_by_label("Rule", exact=True)).to_have_value(BROKEN)

    add(tab, RULE)
    expect(tab.review.get_by_role("listitem")).to_have_text(f"rule added: {RULE}")
    expect(tab.review.get_by_text("Nobody gains or loses anything.")).to_be_visible()
    tab.publish("nobody deletes by chance")
    expect(state_of(tab, RULE)).to_have_text("holds")
    expect(page.locator("main img, main b")).to_have_count(0)

    # No publish lets a rule be broken, but time may: then a change of nothing is refused.
    problem = {"pointer": "/rules/0", "message": f"the rule `{RULE}` is broken: {WHY}"}
    page.route("**/document?dry_run=true", lambda route: route.fulfill(status=422, json={"title": "mistakes", "problems": [problem]}))
    tab.open("#/petstore/routes")
    tab.open("#/petstore/rules")
    expect(state_of(tab, RULE)).to_have_text(f"broken: {WHY}")
    expect(page.get_by_text("1 of 1 rule broken")).to_be_visible()
    expect(page.locator("main img, main b")).to_have_count(0)
    tab.screenshot("rules-broken")
    page.unroute_all()

    page.get_by_role("button", name=f"Remove {RULE}").click()
    expect(tab.review.get_by_role("listitem")).to_have_text(f"rule removed: {RULE}")
    tab.publish("it says nothing")
    expect(page.get_by_text("No rules yet.")).to_be_visible()


def test_who_may_only_look_sees_what_holds(tab: ConsolePage) -> None:
    """By the version, since a change may not be tried."""
    tab.page.route(
        "**/v1/apis/petstore/document",
        lambda route: route.fulfill(json={"api": "petstore", "rules": [{"never": "guest -> DELETE /**"}]}, headers={"ETag": '"7-abc"'}),
    )
    tab.sign_in("auditor", "#/petstore/rules")
    expect(state_of(tab, "never: guest -> DELETE /**")).to_have_text("holds at version 7")
    expect(tab.page.get_by_role("button", name="Remove")).to_have_count(0)
    expect(tab.page.get_by_label("Rule", exact=True)).to_have_count(0)
