"""Signing in at the managed login: authorization code with PKCE (RFC 6749, RFC 7636), against the emulator's login and token endpoint."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.support.browser import ConsolePage, watched
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

PLACE = "#/petstore/history?version=1"
Open = Callable[[], ConsolePage]
TOKEN = "**/oauth2/token"


@pytest.fixture(scope="module")
def login(stack: LocalStack) -> Iterator[str]:
    """The address of the managed login, which the admin API and the console's client are set up with as by `ConsoleLoginUrl` and `ConsoleUrl`."""
    # A browser takes all names below `execute-api.localhost` for one site, and the local stack answers no page of another one.
    login = f"http://login.execute-api.localhost:{urlsplit(stack.note['aws_endpoint']).port}"
    cognito, functions = stack.client("cognito-idp"), stack.client("lambda")
    found = cognito.describe_user_pool_client(UserPoolId=stack.note["user_pool_id"], ClientId=stack.note["console_client_id"])
    client = {
        name: value
        for name, value in found["UserPoolClient"].items()
        if name not in ("LastModifiedDate", "CreationDate", "DefaultRedirectURI")
    }
    managed = {
        "AllowedOAuthFlowsUserPoolClient": True,
        "AllowedOAuthFlows": ["code"],
        "AllowedOAuthScopes": ["openid"],
        "SupportedIdentityProviders": ["COGNITO"],
        "CallbackURLs": [stack.note["console"]],
    }
    [admin] = [each for each in functions.list_functions()["Functions"] if "CONSOLE_CLIENT_ID" in each["Environment"]["Variables"]]

    def set_up(client: dict[str, Any], environment: dict[str, str]) -> None:
        cognito.update_user_pool_client(**client)
        functions.update_function_configuration(FunctionName=admin["FunctionName"], Environment={"Variables": environment})
        config = stack.send("admin", "GET", "/console/config.json")
        assert config.json["login_url"] == environment.get("CONSOLE_LOGIN_URL", "")

    set_up(client | managed, admin["Environment"]["Variables"] | {"CONSOLE_LOGIN_URL": login})
    yield login
    set_up(client, admin["Environment"]["Variables"])


@pytest.fixture
def console(stack: LocalStack, browser: Browser, login: str) -> Iterator[Open]:
    """Opens a tab of a console that is set up with the managed login."""
    with ExitStack() as opened:

        def open_tab() -> ConsolePage:
            tab = opened.enter_context(watched(browser, stack))
            tab.watch.allow(login)
            # The browser asks for a picture of the login page when it likes, and the emulator has none.
            tab.watch.expect(r"403 \(Forbidden\) http://login\.\S+/favicon\.ico$")
            return tab

        yield open_tab


def sign_in_there(tab: ConsolePage, user: str = "admin") -> dict[str, str]:
    """Leave for the managed login and sign in there. Returns what the console asked the authorization endpoint for."""
    with tab.page.expect_request("**/oauth2/authorize?*") as left:
        tab.page.get_by_role("button", name="Sign in").click()
    tab.page.locator("[name=username]").fill(user)
    tab.page.locator("[name=password]").fill(tab.stack.note["users"][user]["password"])
    tab.page.get_by_role("button", name="Sign in").click()
    return dict(parse_qsl(urlsplit(left.value.url).query))


def form_of(request: Request) -> dict[str, str]:
    """The fields of a form that was sent."""
    return dict(parse_qsl(request.post_data or ""))


def redeem(login: str, **form: str) -> tuple[int, dict[str, Any]]:
    """Ask the token endpoint, as anybody can who has these fields."""
    # Not every machine's resolver knows names below `localhost`.
    request = HttpRequest(f"http://127.0.0.1:{urlsplit(login).port}/oauth2/token", urlencode(form).encode())
    try:
        with urlopen(request, timeout=30) as answered:  # noqa: S310  # the emulator's
            return answered.status, json.load(answered)
    except HTTPError as refused:
        return refused.code, json.load(refused)


def challenge_of(verifier: str) -> str:
    """The S256 challenge (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def kept(page: Page) -> str:
    """All that a browser keeps for a page, and its address."""
    return str(
        page.evaluate(
            "[{...localStorage}, {...sessionStorage}, document.cookie, location.href, history.state].map((e) => JSON.stringify(e))"
        )
    )


def test_a_sign_in_comes_back_to_where_it_began_and_keeps_no_token(tab: ConsolePage, login: str) -> None:
    page = tab.page
    tab.open(PLACE)
    with page.expect_response(TOKEN) as answered:
        asked = sign_in_there(tab)
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert page.url == tab.url + PLACE

    form = form_of(answered.value.request)
    client = tab.stack.note["console_client_id"]
    assert {name: value for name, value in asked.items() if name not in ("state", "code_challenge")} == {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": tab.url,
        "scope": "openid",
        "code_challenge_method": "S256",
    }
    assert {name: value for name, value in form.items() if name not in ("code", "code_verifier")} == {
        "grant_type": "authorization_code",
        "client_id": client,
        "redirect_uri": tab.url,
    }
    assert challenge_of(form["code_verifier"]) == asked["code_challenge"]
    # RFC 7636 section 4.1, and RFC 6749 section 10.10: 128 bits at least.
    assert len(form["code_verifier"]) >= 43
    assert len(asked["state"]) >= 22

    given = answered.value.json()
    secrets = [given["access_token"], given["refresh_token"], given["id_token"], form["code_verifier"], form["code"], asked["state"]]
    addresses = [request.url for request in tab.watch.requests if urlsplit(request.url).path != "/oauth2/authorize"]
    everything = kept(page) + json.dumps([page.context.cookies(), page.context.storage_state(indexed_db=True)])
    assert [secret for secret in secrets if secret in everything] == []
    assert [url for url in addresses for secret in secrets[:4] if secret in url] == []
    # The code and the state come in one address, which is gone from the history.
    page.go_back()
    page.wait_for_load_state()
    assert "code=" not in page.url


def test_a_code_is_of_no_use_to_whoever_steals_it(tab: ConsolePage, console: Open, login: str) -> None:
    stolen: list[dict[str, str]] = []
    states: list[str] = []

    def steal(route: Route) -> None:
        stolen.append(form_of(route.request))
        route.abort()

    tab.watch.expect("ERR_FAILED")
    tab.page.route(TOKEN, steal)
    tab.open(PLACE)
    states.append(sign_in_there(tab)["state"])
    expect(tab.page.get_by_role("alert")).to_have_text("the managed login does not answer: check the network, and try again")
    assert tab.page.url == tab.url + PLACE
    [form] = stolen

    other = console()
    other.open(f"?{urlencode({'code': form['code'], 'state': states[0]})}")
    expect(other.page.get_by_role("alert")).to_have_text("this answer belongs to another sign-in: sign in again")
    assert "code=" not in other.page.url
    assert not [request.url for request in other.watch.requests if "/oauth2/" in request.url]

    without = {name: value for name, value in form.items() if name != "code_verifier"}
    for wrong in (
        without,
        form | {"code_verifier": "x" * 43},
        form | {"redirect_uri": "https://attacker.example/"},
        form | {"client_id": "other"},
    ):
        status, answer = redeem(login, **wrong)
        assert (status, answer["error"]) == (400, "invalid_grant")
    assert redeem(login, **form)[0] == 200  # all along it was good, for the page that left
    assert redeem(login, **form)[0] == 400


@pytest.mark.parametrize(
    "answer", [{"code": "a-code"}, {"error": "access_denied", "error_description": "call 555-0100"}], ids=["code", "error"]
)
def test_an_answer_with_another_state_is_refused(tab: ConsolePage, login: str, answer: dict[str, str]) -> None:
    # The page has left, and the answer that comes is not the one that it waits for.
    location = f"{tab.url}?{urlencode(answer | {'state': 'other'})}"
    tab.page.route("**/oauth2/authorize?*", lambda route: route.fulfill(status=302, headers={"Location": location}))
    tab.open(PLACE)
    tab.page.get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("alert")).to_have_text("this answer belongs to another sign-in: sign in again")
    assert tab.page.url == tab.url + PLACE
    assert not [request.url for request in tab.watch.requests if request.url.endswith("/oauth2/token")]
    # What was kept for the answer is used up.
    assert "verifier" not in kept(tab.page)
    tab.page.unroute("**/oauth2/authorize?*")
    sign_in_there(tab)
    expect(tab.page.get_by_role("heading", name="Version 1")).to_be_visible()


def test_a_login_that_is_refused_there_is_told(tab: ConsolePage, login: str) -> None:
    def refuse(route: Route) -> None:
        state = dict(parse_qsl(urlsplit(route.request.url).query))["state"]
        said = {"error": "access_denied", "error_description": "<b>User</b> is not enabled", "state": state}
        route.fulfill(status=302, headers={"Location": f"{tab.url}?{urlencode(said)}"})

    tab.page.route("**/oauth2/authorize?*", refuse)
    tab.open(PLACE)
    tab.page.get_by_role("button", name="Sign in").click()
    expect(tab.page.get_by_role("alert")).to_have_text("the sign-in was refused: <b>User</b> is not enabled")
    expect(tab.page.get_by_role("button", name="Sign in")).to_be_visible()
    assert tab.page.url == tab.url + PLACE


def test_a_code_that_the_token_endpoint_refuses_is_told(tab: ConsolePage, login: str) -> None:
    tab.watch.expect("400")
    tab.page.route(
        TOKEN, lambda route: route.continue_(post_data=(route.request.post_data or "").replace("code_verifier=", "code_verifier=x"))
    )
    tab.open(PLACE)
    sign_in_there(tab)
    expect(tab.page.get_by_role("alert")).to_have_text("the sign-in was refused: invalid_grant")


def test_a_token_is_renewed_and_a_refused_renewal_ends_the_sign_in(tab: ConsolePage, tokens: dict[str, str], login: str) -> None:
    page = tab.page
    tab.open("#/petstore/matrix")
    with page.expect_response(TOKEN) as answered:
        sign_in_there(tab)
    tab.stage("guest", "GET /owners")

    def renew(route: Route) -> None:
        # The emulator's answer lacks the groups of the person, which Cognito's has.
        status, answer = redeem(login, **form_of(route.request))
        route.fulfill(status=status, json=answer | {"access_token": tokens["admin"]}, headers={"Access-Control-Allow-Origin": "*"})

    page.route(TOKEN, renew)
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(minutes=14, seconds=30))
    with page.expect_response(TOKEN) as renewed, page.expect_request("**/document?dry_run=true") as sent:
        page.get_by_role("button", name="Review", exact=True).click()
    assert renewed.value.status == 200
    assert form_of(renewed.value.request) == {
        "grant_type": "refresh_token",
        "client_id": tab.stack.note["console_client_id"],
        "refresh_token": answered.value.json()["refresh_token"],
    }
    assert sent.value.headers["authorization"] == f"Bearer {tokens['admin']}"
    expect(tab.review.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("Escape")

    tab.watch.expect("400")
    page.unroute(TOKEN)
    page.route(TOKEN, lambda route: route.continue_(post_data=(route.request.post_data or "").replace("refresh_token=", "refresh_token=x")))
    page.clock.set_fixed_time(datetime.now(UTC) + timedelta(hours=1))
    page.get_by_role("button", name="Review", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("Your sign-in is over: sign in again. What you have staged is kept.")
    expect(tab.review).to_have_count(0)
    page.unroute(TOKEN)
    sign_in_there(tab)
    expect(tab.bar).to_contain_text("1 change staged")


def test_a_sign_out_leaves_no_token(tab: ConsolePage, login: str) -> None:
    tab.open(PLACE)
    with tab.page.expect_response(TOKEN) as answered:
        sign_in_there(tab)
    tab.page.get_by_role("heading", name="Version 1").wait_for()
    given = answered.value.json()
    with tab.page.expect_response(lambda response: response.request.headers.get("x-amz-target", "").endswith(".RevokeToken")) as revoked:
        tab.page.get_by_role("button", name="Sign out").click()
    assert revoked.value.status == 200
    expect(tab.page.get_by_role("heading", name="Version 1")).to_have_count(0)
    assert [token for token in (given["access_token"], given["refresh_token"]) if token in kept(tab.page)] == []
    refresh = {"grant_type": "refresh_token", "client_id": tab.stack.note["console_client_id"], "refresh_token": given["refresh_token"]}
    assert redeem(login, **refresh)[0] == 400
