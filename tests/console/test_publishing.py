"""An admin changes who may do what, and what the console shows is what the guarded API then does."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import Answer, LocalStack, until

pytestmark = pytest.mark.stack

ROUTE = "DELETE /pets/{petId}"


def test_what_is_published_takes_effect_and_is_rolled_back(
    stack: LocalStack, tokens: dict[str, str], tab: ConsolePage, petstore: Any
) -> None:
    def delete() -> Answer:
        return stack.send("rest_request", "DELETE", "/pets/7", tokens["guest"])

    assert delete().status == 403
    tab.sign_in("admin")
    tab.stage("guest", ROUTE)
    expect(tab.cell("guest", ROUTE)).to_have_accessible_name(f"guest, {ROUTE}: not allowed; staged: to be allowed")
    tab.open_review()
    expect(tab.review.locator("tbody tr")).to_have_text([f"guestgains{ROUTE}nothingallowed", f"ownergains{ROUTE}nothingallowed"])
    assert delete().status == 403
    tab.publish("guests may clean up, on trial")
    expect(tab.bar).to_be_hidden()
    expect(tab.cell("guest", ROUTE)).to_have_accessible_name(f"guest, {ROUTE}: allowed")
    expect(tab.cell("owner", ROUTE)).to_have_accessible_name(f"owner, {ROUTE}: allowed, inherited")
    until(200, delete)

    tab.page.get_by_role("link", name="History").click()
    versions = tab.page.get_by_role("region", name="Versions").get_by_role("listitem")
    expect(versions.first).to_contain_text("guests may clean up, on trial")
    versions.nth(1).click()
    tab.page.get_by_role("button", name="Look at a rollback").click()
    preview = tab.page.locator(".way-back")
    expect(preview.locator("tbody tr")).to_have_text([f"guest{ROUTE}allowednothing", f"owner{ROUTE}allowednothing"])
    assert delete().status == 200
    preview.get_by_label("Reason").fill("the trial is over")
    preview.get_by_role("button", name="Roll back to version").click()
    expect(versions.first).to_contain_text("the trial is over")
    until(403, delete)


@pytest.mark.parametrize("other", ["before the review", "during the review"])
def test_of_two_admins_the_second_sees_both_changes_and_publishes_on_top(
    stack: LocalStack, tokens: dict[str, str], tab: ConsolePage, petstore: Any, other: str
) -> None:
    def publish_theirs() -> None:
        theirs = {"groups": {"guest": {"allow": [*petstore["groups"]["guest"]["allow"], "POST /pets"]}}}
        path = "/v1/apis/petstore/document?reason=theirs"
        published = stack.send("admin", "PATCH", path, tokens["petadmin"], theirs, {"If-Match": "*"})
        assert published.status == 200, published.body

    tab.watch.expect("412")
    tab.sign_in("admin")
    tab.stage("guest", "GET /owners")
    if other == "before the review":
        publish_theirs()
        tab.open_review()
    else:
        tab.open_review()
        publish_theirs()
        tab.review.get_by_label("Reason").fill("mine")
        tab.review.get_by_role("button", name="Publish").click()
    expect(tab.review.get_by_role("alert")).to_contain_text("Somebody else published")
    expect(tab.review.get_by_role("list").nth(0)).to_contain_text("group/guest gains POST /pets")
    expect(tab.review.get_by_role("list").nth(1)).to_have_text("guest: allow GET /owners")
    tab.review.get_by_role("button", name="Make my changes on theirs").click()
    expect(tab.review.locator("tbody tr")).to_have_text(["guestgainsGET /ownersnothingallowed", "ownergainsGET /ownersnothingallowed"])
    tab.publish("mine")
    for route in ("GET /owners", "POST /pets"):
        expect(tab.cell("guest", route)).to_have_accessible_name(f"guest, {route}: allowed")
