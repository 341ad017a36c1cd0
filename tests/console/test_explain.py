"""One request explained, by groups or by a token, and the address of a cell."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage
from tests.support.unverified import claims_of

pytestmark = pytest.mark.stack


def test_a_token_is_read_in_the_page_and_not_sent(tab: ConsolePage, tokens: dict[str, str]) -> None:
    token = tokens["owner"]
    tab.sign_in("admin", "#/petstore/explain")
    tab.page.get_by_label("Method").select_option("GET")
    tab.page.get_by_label("Path").fill("/owners/someone-else")
    tab.page.get_by_text("or take them from a token").click()
    tab.page.get_by_label("Access token").fill(f"Bearer {token}")
    expect(tab.page.locator(".claims")).to_contain_text(claims_of(token)["sub"])
    with tab.page.expect_request("**/explain") as sent:
        tab.page.get_by_role("button", name="Explain").click()
    assert (sent.value.post_data_json or {})["claims"]["cognito:groups"] == ["owner"]
    expect(tab.page.get_by_role("heading", name="Denied")).to_be_visible()
    tab.page.get_by_label("Path").fill(f"/owners/{claims_of(token)['sub']}")
    tab.page.get_by_role("button", name="Explain").click()
    expect(tab.page.get_by_role("heading", name="Allowed")).to_be_visible()
    secret = token.rpartition(".")[2]
    told = [f"{request.url} {request.post_data or ''}" for request in tab.watch.requests]
    assert not [line for line in told if secret in line]
    assert secret not in tab.page.url


@pytest.mark.parametrize("text", ["eyJhbGciOiJub25lIn0", "no token at all", "a.b.c"])
def test_what_is_no_token_is_said_to_be_none(tab: ConsolePage, text: str) -> None:
    tab.sign_in("admin", "#/petstore/explain")
    tab.page.get_by_text("or take them from a token").click()
    tab.page.get_by_label("Access token").fill(text)
    expect(tab.page.locator(".problem")).to_contain_text("This is no token")


def test_a_suggestion_is_staged_and_shown_in_the_matrix(tab: ConsolePage) -> None:
    tab.sign_in("admin", "#/petstore/explain?method=DELETE&path=/pets/7&groups=guest")
    tab.page.get_by_role("button", name="Stage this").click()
    expect(tab.bar).to_contain_text("1 change staged")
    expect(tab.panel.get_by_text("Staged: to be allowed.")).to_be_visible()


def test_the_address_of_a_cell_opens_it(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    tab.cell("owner", "GET /owners/{ownerId}").click()
    address = tab.page.url
    tab.open("#/petstore/history")
    expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
    tab.page.goto(address)
    expect(tab.panel.get_by_role("heading", name="owner")).to_be_visible()
    expect(tab.panel.locator(".route")).to_have_text(re.compile(r"GET\s*/owners/\{ownerId\}"))
    expect(tab.panel.get_by_text("allowed where {ownerId} = sub", exact=False).first).to_be_visible()
    expect(tab.cell("owner", "GET /owners/{ownerId}")).to_have_attribute("tabindex", "0")


def test_the_address_of_a_cell_that_is_gone_says_so(tab: ConsolePage) -> None:
    tab.sign_in("admin", "#/petstore/matrix?group=group/guest&route=GET+/gone")
    expect(tab.panel).to_contain_text("petstore has no GET /gone or no guest")
