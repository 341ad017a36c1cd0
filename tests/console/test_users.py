"""A person found by the beginning of a name: by mouse, by keyboard alone, by whoever may look only, and the ways in which nobody is found."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Route, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

PLACE = "#/petstore/explain?method=GET&path=/pets"


def user(tab: ConsolePage) -> Locator:
    return tab.page.get_by_role("combobox", name="A user")


def options(tab: ConsolePage) -> Locator:
    return tab.page.get_by_role("listbox", name="Users").get_by_role("option")


def groups(tab: ConsolePage) -> Locator:
    return tab.page.get_by_label("Groups of the caller")


def answering(status: int, body: Any) -> Callable[[Route], None]:
    return lambda route: route.fulfill(status=status, json=body)


def test_choosing_a_user_fills_in_the_groups(tab: ConsolePage) -> None:
    tab.sign_in("admin", "#/petstore/explain")
    user(tab).fill("owner")
    expect(options(tab)).to_have_text(["ownerowner", "owner2owner"])
    assert user(tab).get_attribute("aria-expanded") == "true"
    assert Axe().run(tab.page).response["violations"] == []
    options(tab).nth(1).click()
    expect(user(tab)).to_have_value("owner2")
    expect(groups(tab)).to_have_value("owner")
    expect(options(tab)).to_have_count(0)
    tab.page.get_by_label("Path").fill("/pets")
    with tab.page.expect_request("**/explain") as sent:
        tab.page.get_by_role("button", name="Explain").click()
    assert (sent.value.post_data_json or {})["groups"] == ["owner"]
    assert "owner2" not in tab.page.url


def test_the_keyboard_alone_chooses(tab: ConsolePage) -> None:
    tab.sign_in("auditor", "#/petstore/explain")
    field, keys = user(tab), tab.page.keyboard
    field.focus()
    keys.type("admin")
    expect(options(tab)).to_have_count(1)
    expect(tab.page.get_by_role("status").filter(has_text="1 user")).to_be_visible()
    keys.press("ArrowDown")
    active = field.get_attribute("aria-activedescendant")
    expect(tab.page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
    keys.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    assert field.get_attribute("aria-activedescendant") is None
    keys.press("ArrowUp")
    keys.press("Enter")
    expect(groups(tab)).to_have_value("admin, gatebook-admins")
    # The list is gone, so Enter asks.
    tab.page.get_by_label("Path").fill("/pets")
    with tab.page.expect_request("**/explain") as sent:
        field.press("Enter")
    assert (sent.value.post_data_json or {})["groups"] == ["admin", "gatebook-admins"]
    keys.press("Escape")
    expect(field).to_have_value("")


def test_a_token_and_a_user_take_each_others_place(tab: ConsolePage, tokens: dict[str, str]) -> None:
    tab.sign_in("admin", PLACE)
    tab.page.get_by_text("or take them from a token").click()
    tab.page.get_by_label("Access token").fill(tokens["guest"])
    user(tab).fill("nobody")
    options(tab).click()
    expect(tab.page.get_by_label("Access token")).to_have_value("")
    expect(tab.page.locator(".claims")).to_have_count(0)
    expect(tab.page.get_by_text("nobody has no group.")).to_be_visible()
    tab.page.get_by_label("Access token").fill(tokens["guest"])
    expect(user(tab)).to_have_value("")


def test_nobody_of_that_name(tab: ConsolePage) -> None:
    tab.sign_in("admin", "#/petstore/explain")
    user(tab).fill("no such person")
    expect(tab.page.get_by_text("No user's name begins like this.")).to_be_visible()
    expect(user(tab)).to_have_attribute("aria-expanded", "false")


def test_names_are_text_and_one_with_a_comma_is_one(tab: ConsolePage) -> None:
    name = "<img src=x onerror=alert(1)>"
    found = {"users": [{"name": name, "display_name": "<b>", "status": "DISABLED", "groups": ["a,b", "c"]}], "more": True}
    tab.sign_in("admin", PLACE)
    tab.page.route("**/v1/users?*", answering(200, found))
    user(tab).fill("<")
    expect(options(tab)).to_have_text(f"{name}<b>a,b, c; disabled")
    expect(tab.page.get_by_text("1 user, and there are more: type more of the name")).to_be_visible()
    options(tab).click()
    with tab.page.expect_request("**/explain") as sent:
        tab.page.get_by_role("button", name="Explain").click()
    assert (sent.value.post_data_json or {})["groups"] == ["a,b", "c"]


def test_an_answer_that_comes_late_changes_nothing(tab: ConsolePage) -> None:
    held: list[Route] = []
    tab.sign_in("admin", "#/petstore/explain")

    def hold(route: Route) -> None:
        held.append(route)

    tab.page.route(re.compile(r"/v1/users\?begins_with=own$"), hold)
    with tab.page.expect_request("**/v1/users?begins_with=own"):
        user(tab).fill("own")
    user(tab).fill("guest")
    expect(options(tab)).to_have_text(["guestguest"])
    with tab.page.expect_response("**/v1/users?begins_with=own"):
        held[0].continue_()
    expect(options(tab)).to_have_text(["guestguest"])


@pytest.mark.parametrize("status", [404, 502])
def test_the_field_goes_where_nobody_is_looked_up(tab: ConsolePage, status: int) -> None:
    tab.watch.expect(f"{status}.*/v1/users")
    tab.sign_in("admin", "#/petstore/explain")
    tab.page.route("**/v1/users?*", answering(status, {"detail": "Cognito refuses"}))
    user(tab).fill("owner")
    expect(tab.page.get_by_text("Cognito refuses").first).to_be_visible()
    expect(user(tab)).to_have_count(0)
    expect(groups(tab)).to_be_focused()


def test_who_may_not_look_users_up_names_the_groups(tab: ConsolePage) -> None:
    tab.watch.expect("403.*/v1/(apis|users)")
    tab.sign_in("petadmin", "#/petstore/explain")
    user(tab).fill("owner")
    expect(tab.page.get_by_text("You may not look users up: name the groups.").first).to_be_visible()
    expect(user(tab)).to_have_count(0)


def test_a_pool_that_is_busy_may_be_asked_again(tab: ConsolePage) -> None:
    tab.watch.expect("503.*/v1/users")
    tab.sign_in("admin", "#/petstore/explain")
    tab.page.route("**/v1/users?*", answering(503, {"detail": "ask again in a moment"}), times=1)
    user(tab).fill("own")
    expect(tab.page.get_by_text("ask again in a moment")).to_be_visible()
    user(tab).fill("owner2")
    expect(options(tab)).to_have_count(1)


def test_where_it_is_off_there_is_no_field(stack: LocalStack, tab: ConsolePage) -> None:
    config = stack.send("admin", "GET", "/console/config.json").json
    assert config["user_directory"] is True
    tab.page.route("**/config.json", answering(200, config | {"user_directory": False}))
    tab.sign_in("admin", "#/petstore/explain")
    expect(groups(tab)).to_be_visible()
    expect(user(tab)).to_have_count(0)
