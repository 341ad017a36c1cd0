"""The history says that its chain of hashes was verified, sounds the alarm where it is broken, and names people as the user pool does."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack
from tests.support.unverified import claims_of

pytestmark = pytest.mark.stack

API = "notes"
PATH = f"/v1/apis/{API}/document"
DOCUMENT = {"api": API, "routes": ["GET /notes"], "groups": {"guest": {"allow": ["GET /notes"]}}}
DAMAGE = "the record of version 1 of `notes` does not hash to what it says: somebody edited it"


@pytest.fixture
def published(stack: LocalStack, tokens: dict[str, str]) -> None:
    """Two versions by `admin`. An API cannot be taken out again, so that a second run finds it."""
    if stack.send("admin", "GET", PATH, tokens["admin"]).status == 404:
        made = stack.send("admin", "PUT", f"{PATH}?reason=made", tokens["admin"], DOCUMENT, {"If-None-Match": "*"})
        assert made.status == 201, made.body
        changed = stack.send("admin", "PUT", f"{PATH}?reason=changed", tokens["admin"], {**DOCUMENT, "groups": {}}, {"If-Match": "*"})
        assert changed.status == 200, changed.body


@pytest.fixture
def damaged(stack: LocalStack, published: None) -> Iterator[None]:
    """What whoever holds AWS credentials may write: another reason for version 1."""
    dynamodb: Any = stack.client("dynamodb")
    table = stack.note["table"]
    key = {"pk": {"S": f"api#{API}"}, "sk": {"S": "version#000000000001"}}
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    assert item["reason"] == {"S": "made"}
    dynamodb.put_item(TableName=table, Item=item | {"reason": {"S": "made up"}})
    yield
    dynamodb.put_item(TableName=table, Item=item)


def test_the_chain_is_told_to_be_verified_and_authors_have_names(tab: ConsolePage, published: None, tokens: dict[str, str]) -> None:
    sub = claims_of(tokens["admin"])["sub"]
    tab.sign_in("auditor", f"#/{API}/history")
    expect(tab.page.get_by_role("status").filter(has_text="Verified: the chain of hashes of versions 2 to 1 is unbroken.")).to_be_visible()
    expect(tab.page.locator(".chain .cell-picture.allowed")).to_be_visible()
    expect(tab.page.locator(".version small")).to_have_text(["admin", "admin"])
    # The `sub` is what the version says: the name is the pool's.
    expect(tab.page.locator("dd").first).to_have_text(f"admin {sub}")
    expect(tab.page.locator(".sub")).to_be_visible()
    assert len([request for request in tab.watch.requests if "/v1/users" in request.url]) == 1


def test_who_may_not_look_users_up_sees_the_sub(tab: ConsolePage, tokens: dict[str, str]) -> None:
    tab.watch.expect("403.*/v1/(apis|users)")
    tab.sign_in("petadmin", "#/petstore/history")
    expect(tab.page.get_by_role("status").filter(has_text="Verified: ")).to_be_visible()
    expect(tab.page.locator(".version").first).to_be_visible()
    expect(tab.page.locator("dd").first).to_be_visible()
    # Not twice.
    expect(tab.page.locator(".sub")).to_be_hidden()
    expect(tab.page.get_by_role("alert")).to_have_count(0)


def test_a_broken_chain_is_an_alarm_that_names_the_version(tab: ConsolePage, damaged: None) -> None:
    tab.watch.expect("500.*/versions")
    tab.sign_in("auditor", f"#/{API}/history")
    alarm = tab.page.get_by_role("alert").filter(has=tab.page.get_by_role("heading", name="The history is damaged"))
    expect(alarm).to_contain_text(DAMAGE)
    expect(tab.page.get_by_role("alert")).to_have_count(1)
    expect(alarm.locator(".cell-picture.denied")).to_be_visible()
    expect(tab.page.get_by_text("Verified: ")).to_have_count(0)


def test_a_version_that_the_list_does_not_reach_is_read_by_itself(tab: ConsolePage, published: None) -> None:
    def newest_alone(route: Route) -> None:
        route.continue_(url=route.request.url.replace("limit=25", "limit=1"))

    tab.page.route("**/versions?*", newest_alone)
    tab.sign_in("auditor", f"#/{API}/history?version=1")
    expect(tab.page.get_by_role("heading", name="Version 1")).to_be_visible()
    expect(tab.page.locator("dd", has_text="made")).to_be_visible()
    expect(tab.page.locator("dd").first).to_contain_text("admin")
    expect(tab.page.get_by_text("Verified: the chain of hashes of version 2 is unbroken.")).to_be_visible()
    tab.page.get_by_role("button", name="Older versions").click()
    expect(tab.page.get_by_text("Verified: the chain of hashes of versions 2 to 1 is unbroken.")).to_be_visible()
