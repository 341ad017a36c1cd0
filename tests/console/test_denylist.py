"""A user is refused by the form, within the refresh interval of the guarded API, and accepted again."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack, until
from tests.support.unverified import claims_of

pytestmark = pytest.mark.stack


def test_a_user_is_refused_and_accepted_again(stack: LocalStack, tab: ConsolePage) -> None:
    token = stack.new_user("console-leaver", "guest")
    until(200, lambda: stack.send("rest_request", "GET", "/pets/7", token))
    tab.sign_in("admin", "#/petstore/denylist")
    tab.page.get_by_label("Value").fill(claims_of(token)["sub"])
    tab.page.get_by_label("Reason").fill("laptop stolen")
    tab.page.get_by_role("button", name="Refuse").click()
    row = tab.page.get_by_role("row", name=claims_of(token)["sub"])
    expect(row).to_contain_text("laptop stolen")
    until(401, lambda: stack.send("rest_request", "GET", "/pets/7", token))
    row.get_by_role("button", name="Accept").click()
    expect(row.get_by_role("button")).to_have_count(0)
    until(200, lambda: stack.send("rest_request", "GET", "/pets/7", token))
