"""What ends a sign-in, what renews it, and what the page says when nobody answers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

ROUTE = "DELETE /pets/{petId}"


def operations(requests: list[Request]) -> list[str]:
    """Operations of the user pool, with the flow of each sign-in."""
    asked = [(request.headers.get("x-amz-target", ""), request.post_data or "{}") for request in requests]
    return [f"{target.partition('.')[2]} {json.loads(body).get('AuthFlow', '')}".strip() for target, body in asked if target]


def test_a_wrong_password_is_told_without_a_reload(tab: ConsolePage) -> None:
    tab.watch.expect("400.*")
    tab.open()
    tab.page.evaluate("window.isSamePage = true")
    tab.fill_in("admin", "Wrong-Horse-7")
    expect(tab.page.get_by_role("alert")).to_have_text("name or password is wrong")
    expect(tab.page.get_by_label("Password")).to_have_value("Wrong-Horse-7")
    tab.fill_in("admin", tab.stack.note["users"]["admin"]["password"])
    tab.page.locator("header.top").wait_for()
    assert tab.page.evaluate("window.isSamePage")


def test_the_password_never_leaves_the_page(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    password = tab.stack.note["users"]["admin"]["password"]
    assert operations(tab.watch.requests) == ["InitiateAuth USER_SRP_AUTH", "RespondToAuthChallenge"]
    assert not [request.url for request in tab.watch.requests if password in request.url + (request.post_data or "")]


def test_a_token_that_is_taken_no_more_leads_to_the_form_and_loses_nothing(tab: ConsolePage) -> None:
    tab.watch.expect("401.*")
    tab.sign_in("admin")
    tab.stage("guest", ROUTE)
    tab.page.route("**/v1/apis/**", lambda route: route.fulfill(status=401, json={"message": "Unauthorized"}))
    tab.page.get_by_role("button", name="Review", exact=True).click()
    expect(tab.page.get_by_role("alert")).to_contain_text("sign in again")
    # Nothing stands before the form.
    expect(tab.review).to_have_count(0)
    tab.page.unroute_all()
    tab.fill_in("admin", tab.stack.note["users"]["admin"]["password"])
    expect(tab.bar).to_contain_text("1 change staged")
    tab.open_review()
    expect(tab.review.locator("tbody tr")).to_have_count(2)


def test_a_token_is_renewed_before_it_ends(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    tab.cell("guest", ROUTE).wait_for()
    asked = len(tab.watch.requests)
    tab.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=59, seconds=30))
    # Two questions at once find the token old: one renewal is enough for both.
    with tab.page.expect_response("**/explain"):
        tab.page.evaluate("for (const at of [0, 1]) document.querySelectorAll('[role=gridcell]')[at].click()")
    expect(tab.panel.get_by_role("heading", name="Why")).to_be_visible()
    assert len([request for request in tab.watch.requests[asked:] if request.url.endswith("/explain")]) == 2
    assert operations(tab.watch.requests[asked:]) == ["InitiateAuth REFRESH_TOKEN_AUTH"]


def test_a_sign_in_that_ends_while_a_review_is_open_loses_nothing(tab: ConsolePage, petstore: Any) -> None:
    page, pool = tab.page, f"{tab.stack.note['aws_endpoint']}/"
    publish = tab.review.get_by_role("button", name="Publish")

    def after(minutes: float) -> None:
        page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=minutes))

    def renew(answer: dict[str, str] | None) -> None:
        page.unroute_all()
        if answer is None:
            page.route(pool, lambda route: route.abort())
        else:
            page.route(pool, lambda route: route.fulfill(status=400, json=answer, headers={"Access-Control-Allow-Origin": "*"}))

    tab.watch.expect("400|ERR_FAILED")
    tab.sign_in("admin")
    tab.stage("guest", ROUTE)
    tab.open_review()
    # The pool is away: nobody is signed out for that.
    renew(None)
    after(20)
    tab.review.get_by_label("Reason").fill("a first attempt")
    publish.click()
    expect(tab.review.get_by_role("alert")).to_have_text("the user pool does not answer: check the network, and try again")
    page.unroute_all()
    tab.review.get_by_role("button", name="Back").click()
    tab.open_review()
    # The sign-in was taken back meanwhile.
    renew({"__type": "NotAuthorizedException", "message": "Refresh Token has been revoked"})
    after(40)
    tab.review.get_by_label("Reason").fill("a second attempt")
    publish.click()
    expect(page.get_by_role("alert")).to_have_text("Your sign-in is over: sign in again. What you have staged is kept.")
    expect(tab.review).to_have_count(0)
    page.unroute_all()
    after(0)
    tab.fill_in("admin", tab.stack.note["users"]["admin"]["password"])
    expect(tab.bar).to_contain_text("1 change staged")
    # An access token that ends is renewed, and the review goes on.
    tab.open_review()
    after(20)
    asked = len(tab.watch.requests)
    tab.publish("a third attempt")
    assert operations(tab.watch.requests[asked:]) == ["InitiateAuth REFRESH_TOKEN_AUTH"]
    expect(tab.cell("guest", ROUTE)).to_have_accessible_name(f"guest, {ROUTE}: allowed")


def test_an_address_with_a_slash_at_its_end_is_the_pages(tab: ConsolePage) -> None:
    tab.open("/#/petstore/rules")
    expect(tab.page.get_by_label("Password")).to_be_visible()
    assert tab.page.url == f"{tab.url}#/petstore/rules"


def test_a_sign_out_takes_the_sign_in_back(tab: ConsolePage) -> None:
    tab.sign_in("admin")
    with tab.page.expect_response(lambda response: response.request.headers.get("x-amz-target", "").endswith(".RevokeToken")) as answered:
        tab.page.get_by_role("button", name="Sign out").click()
    assert answered.value.status == 200
    expect(tab.page.get_by_label("Password")).to_be_visible()
    expect(tab.page.get_by_role("grid")).to_have_count(0)


def test_a_sign_out_ends_the_managed_logins_session_too(stack: LocalStack, tab: ConsolePage, tokens: dict[str, str]) -> None:
    # The refresh token is none, and that the pool says so keeps nobody signed in.
    tab.watch.expect("400.*")
    page, login = tab.page, "{0.scheme}://{0.netloc}".format(urlsplit(tab.url))
    config = stack.send("admin", "GET", "/console/config.json").json | {"login_url": login}
    kept = json.dumps(json.dumps({"state": "s1", "verifier": "v1", "place": "#/petstore/denylist"}))
    page.route("**/console/config.json", lambda route: route.fulfill(json=config))
    page.route(
        "**/oauth2/token", lambda route: route.fulfill(json={"access_token": tokens["admin"], "refresh_token": "r1", "expires_in": 900})
    )
    page.route("**/logout?*", lambda route: route.fulfill(body="signed out there", content_type="text/plain"))
    page.add_init_script(f"sessionStorage.setItem('gatebook.sign-in', {kept})")
    tab.open("?code=c1&state=s1")
    expect(page.get_by_role("heading", name="Denylist")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/logout?*")
    query = parse_qs(urlsplit(page.url).query)
    assert query == {"client_id": [config["client_id"]], "logout_uri": [tab.url]}
    # Before the page left, it had revoked its own sign-in.
    assert operations(tab.watch.requests) == ["RevokeToken"]


@pytest.mark.parametrize(
    ("view", "asked", "shown"),
    [
        ("matrix", "**/v1/apis/petstore/matrix*", "[role=gridcell]"),
        ("history", "**/v1/apis/petstore/versions?*", ".version"),
        ("denylist", "**/v1/apis/petstore/denylist*", "text=Nobody is refused."),
        ("explain?method=GET&path=/pets", "**/v1/apis/petstore/explain", ".decision"),
    ],
)
def test_a_view_says_that_nobody_answers_and_tries_again(tab: ConsolePage, view: str, asked: str, shown: str) -> None:
    tab.watch.expect("ERR_FAILED")
    tab.page.route(asked, lambda route: route.abort())
    tab.sign_in("auditor", f"#/petstore/{view}")
    expect(tab.page.get_by_role("alert")).to_contain_text("the admin API does not answer")
    tab.page.unroute_all()
    tab.page.get_by_role("button", name="Try again").click()
    expect(tab.page.locator(shown).first).to_be_visible()
    expect(tab.page.get_by_role("alert")).to_have_count(0)
