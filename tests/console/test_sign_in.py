"""Signing in by name and password: the challenges that Cognito may put before the tokens, and what it says no to.

What the emulator does itself is asked of it. What it does not, such as locking somebody out, is answered in the words of the Amazon Cognito API reference.
"""

import base64
import hmac
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Request, Route, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import PASSWORD, LocalStack

pytestmark = pytest.mark.stack

TEMPORARY = "Temporary-Horse-7"
GROUP = "gatebook-auditors"
WRONG = "name or password is wrong"

REFUSALS = [
    ("NotAuthorizedException", "Incorrect username or password.", WRONG),
    ("UserNotFoundException", "User does not exist.", WRONG),
    ("NotAuthorizedException", "Password attempts exceeded", "too many wrong passwords: wait up to 15 minutes, then try again"),
    ("NotAuthorizedException", "User is disabled.", "this user is disabled: ask an admin"),
    (
        "NotAuthorizedException",
        "Temporary password has expired and must be reset by an administrator.",
        "the temporary password is too old: ask an admin for a new one",
    ),
    (
        "PasswordResetRequiredException",
        "Password reset required for the user",
        "the password has to be reset: ask an admin to set a new one",
    ),
    ("UserNotConfirmedException", "User is not confirmed.", "this user is not confirmed yet: use the code that was sent, or ask an admin"),
    ("TooManyRequestsException", "Rate exceeded", "too many attempts: wait a minute and try again"),
    (
        "InvalidParameterException",
        "USER_SRP_AUTH is not enabled for the client.",
        "the user pool refuses: USER_SRP_AUTH is not enabled for the client.",
    ),
]


@pytest.fixture
def new_user(stack: LocalStack) -> Iterator[Callable[[str], str]]:
    """Makes users who have to choose a password, and takes them out again."""
    cognito, pool = stack.client("cognito-idp"), stack.note["user_pool_id"]
    names: list[str] = []

    def make(name: str) -> str:
        cognito.admin_create_user(UserPoolId=pool, Username=name, TemporaryPassword=TEMPORARY, MessageAction="SUPPRESS")
        names.append(name)
        cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=GROUP)
        return name

    yield make
    for name in names:
        cognito.admin_delete_user(UserPoolId=pool, Username=name)


@pytest.fixture
def second_factor(stack: LocalStack) -> Iterator[None]:
    """A pool whose users may have a second factor."""
    cognito, pool = stack.client("cognito-idp"), stack.note["user_pool_id"]

    def set_to(configuration: str) -> None:
        software = {"SoftwareTokenMfaConfiguration": {"Enabled": configuration != "OFF"}}
        cognito.set_user_pool_mfa_config(UserPoolId=pool, MfaConfiguration=configuration, **software)

    set_to("OPTIONAL")
    yield
    set_to("OFF")


def code_of(secret: str, now: float) -> str:
    """The code that an authenticator app shows (RFC 6238, with SHA-1, 30 seconds and six digits)."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(now) // 30), "sha1")
    offset = digest[-1] & 0xF
    return f"{(struct.unpack_from('>I', digest, offset)[0] & 0x7FFFFFFF) % 1_000_000:06}"


def asked(request: Request) -> tuple[str, dict[str, Any]]:
    """The operation of the user pool that a request is, and its body."""
    return request.headers.get("x-amz-target", "").partition(".")[2], request.post_data_json or {}


def answer(route: Route, body: dict[str, Any]) -> None:
    """Answer as Cognito does: an error has `__type`."""
    route.fulfill(status=400 if "__type" in body else 200, json=body, headers={"Access-Control-Allow-Origin": "*"})


def on_challenge(tab: ConsolePage, name: str, respond: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Answer what is responded to a challenge of this name; where None comes back the emulator does."""

    def handle(route: Route) -> None:
        operation, body = asked(route.request)
        made = respond(body) if operation == "RespondToAuthChallenge" and body.get("ChallengeName") == name else None
        if made is None:
            route.fallback()
        else:
            answer(route, made)

    tab.page.route(f"{tab.stack.note['aws_endpoint']}/", handle)


def test_each_refusal_says_what_to_do_next(tab: ConsolePage) -> None:
    tab.watch.expect("400")
    tab.open()
    tab.fill_in("nobody-of-this-name", "Wrong-Horse-7")
    expect(tab.page.get_by_role("alert")).to_have_text(WRONG)
    said = list(REFUSALS)
    on_challenge(tab, "PASSWORD_VERIFIER", lambda _: dict(zip(("__type", "message"), said[0], strict=False)))
    for _, _, words in REFUSALS:
        tab.fill_in("admin", "Wrong-Horse-7")
        expect(tab.page.get_by_role("alert")).to_have_text(words)
        expect(tab.page.get_by_label("Password")).to_be_focused()
        said.pop(0)


def test_a_new_password_is_chosen(stack: LocalStack, tab: ConsolePage, new_user: Callable[[str], str]) -> None:
    name = new_user("console-newcomer")
    chosen = f" {PASSWORD} "  # no space is taken off what somebody will have to type again
    tab.watch.expect("400")
    tab.open("#/petstore/history")
    tab.fill_in(name, TEMPORARY)
    field = tab.page.get_by_label("New password")
    expect(field).to_be_focused()
    said = [{"__type": "InvalidPasswordException", "message": "Password did not conform with policy: Password not long enough"}]
    on_challenge(tab, "NEW_PASSWORD_REQUIRED", lambda _: said.pop() if said else None)
    field.fill("short")
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.get_by_role("alert")).to_have_text(
        "the new password does not follow the pool's rules: Password did not conform with policy: Password not long enough"
    )
    expect(field).to_be_focused()
    field.fill(chosen)
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
    assert stack.sign_in(name, chosen)["AccessToken"]


def test_a_pool_that_lacks_an_attribute_is_given_it(tab: ConsolePage) -> None:
    responses: list[dict[str, Any]] = []

    def finish(body: dict[str, Any]) -> dict[str, Any]:
        responses.append(body)
        return {"AuthenticationResult": tokens_of(tab.stack, "auditor")}

    parameters = {"USER_ID_FOR_SRP": "auditor", "requiredAttributes": '["userAttributes.name"]', "userAttributes": "{}"}
    challenge = {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "session-1", "ChallengeParameters": parameters}
    on_challenge(tab, "PASSWORD_VERIFIER", lambda _: challenge)
    on_challenge(tab, "NEW_PASSWORD_REQUIRED", finish)
    tab.open("#/petstore/history")
    tab.fill_in("auditor", TEMPORARY)
    tab.page.get_by_label("New password").fill(PASSWORD)
    tab.page.get_by_label("name", exact=True).fill("Au Ditor")
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
    [body] = responses
    assert body["Session"] == "session-1"
    assert body["ChallengeResponses"] == {"USERNAME": "auditor", "NEW_PASSWORD": PASSWORD, "userAttributes.name": "Au Ditor"}


def test_a_code_of_an_app_is_asked_for(stack: LocalStack, tab: ConsolePage, new_user: Callable[[str], str], second_factor: None) -> None:
    cognito, pool = stack.client("cognito-idp"), stack.note["user_pool_id"]
    name = new_user("console-careful")
    cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
    token = stack.sign_in(name, PASSWORD)["AccessToken"]
    secret = cognito.associate_software_token(AccessToken=token)["SecretCode"]
    cognito.verify_software_token(AccessToken=token, UserCode=code_of(secret, time.time()))

    tab.watch.expect("400")
    tab.open("#/petstore/history")
    tab.fill_in(name, PASSWORD)
    field = tab.page.get_by_label("Code")
    expect(field).to_be_focused()
    expect(tab.page.get_by_text("Six digits of your authenticator app.")).to_be_visible()
    tab.screenshot("code")
    field.fill("000000" if code_of(secret, time.time()) != "000000" else "111111")
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.get_by_role("alert")).to_have_text("that code is wrong: look at it again, or wait for the next one")
    expect(field).to_be_focused()
    field.fill(f" {code_of(secret, time.time())} ")
    tab.page.get_by_role("button", name="Go on").click()
    expect(tab.page.get_by_role("heading", name="History")).to_be_visible()
    expect(tab.page.locator(".person")).to_have_text(name)


def test_a_code_by_text_message_is_asked_for_and_one_may_start_again(tab: ConsolePage) -> None:
    said: list[dict[str, Any]] = [
        {"__type": "CodeMismatchException", "message": "Invalid code or auth state for the user."},
        {"__type": "NotAuthorizedException", "message": "Invalid session for the user, session is expired."},
        {"AuthenticationResult": tokens_of(tab.stack, "auditor")},
    ]
    responses: list[dict[str, Any]] = []

    def respond(body: dict[str, Any]) -> dict[str, Any]:
        responses.append(body)
        return said.pop(0)

    parameters = {"CODE_DELIVERY_DELIVERY_MEDIUM": "SMS", "CODE_DELIVERY_DESTINATION": "+*******1234", "USER_ID_FOR_SRP": "auditor"}
    on_challenge(
        tab, "PASSWORD_VERIFIER", lambda _: {"ChallengeName": "SMS_MFA", "Session": "session-1", "ChallengeParameters": parameters}
    )
    on_challenge(tab, "SMS_MFA", respond)
    tab.watch.expect("400")
    tab.open("#/petstore/history")
    page = tab.page

    def enter(code: str) -> None:
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Go on").click()

    tab.fill_in("auditor", PASSWORD)
    expect(page.get_by_text("Six digits that were sent to your phone, +*******1234.")).to_be_visible()
    page.get_by_role("button", name="Start again").click()
    tab.fill_in("auditor", PASSWORD)
    enter("111111")
    expect(page.get_by_role("alert")).to_have_text("that code is wrong: look at it again, or wait for the next one")
    # A code came too late: it is the password's turn again.
    enter("222222")
    expect(page.get_by_role("alert")).to_have_text("that took too long: sign in again")
    expect(page.get_by_label("User name")).to_be_focused()
    tab.fill_in("auditor", PASSWORD)
    expect(page.get_by_role("alert")).to_have_count(0)
    enter("333333")
    expect(page.get_by_role("heading", name="History")).to_be_visible()
    assert [body["ChallengeResponses"]["SMS_MFA_CODE"] for body in responses] == ["111111", "222222", "333333"]
    assert {(body["Session"], body["ChallengeResponses"]["USERNAME"]) for body in responses} == {("session-1", "auditor")}


def test_a_challenge_that_the_page_does_not_know_is_named(tab: ConsolePage) -> None:
    on_challenge(tab, "PASSWORD_VERIFIER", lambda _: {"ChallengeName": "MFA_SETUP", "Session": "session-1", "ChallengeParameters": {}})
    tab.open()
    tab.fill_in("auditor", PASSWORD)
    expect(tab.page.get_by_role("alert")).to_have_text(
        "the pool asks for MFA_SETUP, which this page does not know: set up managed login for the pool"
    )


def test_a_pool_that_does_not_answer_is_named(tab: ConsolePage) -> None:
    tab.watch.expect("ERR_FAILED")
    tab.page.route(f"{tab.stack.note['aws_endpoint']}/", lambda route: route.abort())
    tab.open()
    tab.fill_in("auditor", PASSWORD)
    expect(tab.page.get_by_role("alert")).to_have_text("the user pool does not answer: check the network, and try again")


def tokens_of(stack: LocalStack, user: str) -> dict[str, str]:
    """What Cognito gives at the end: real tokens."""
    return stack.sign_in(user, stack.note["users"][user]["password"])
