"""What axe finds in each view, in light and dark and on a phone. The pictures that the tests leave are for people to look at."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

ROUTE = "DELETE /pets/{petId}"
ENTRY = "/v1/apis/petstore/denylist/sub/5a4a6d1e-left-in-october"

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def refused(stack: LocalStack, tokens: dict[str, str]) -> Iterator[str]:
    """An entry of the petstore's denylist."""
    entry = {"reason": "left the company in October", "expires_at": "2099-01-01T00:00:00Z"}
    assert stack.send("admin", "PUT", ENTRY, tokens["admin"], entry).status == 200
    yield ENTRY.rpartition("/")[2]
    assert stack.send("admin", "DELETE", ENTRY, tokens["admin"]).status == 200


def violations(page: Page) -> list[str]:
    """What axe finds: the rule, its help, and the elements."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['help']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing(console: Any, refused: str, scheme: str, viewport: dict[str, int]) -> None:
    device = "phone" if viewport is PHONE else "desktop"
    # Animations are off, so that no colour is measured half-way.
    options = {"color_scheme": scheme, "viewport": viewport, "reduced_motion": "reduce", "has_touch": viewport is PHONE}
    tab: ConsolePage = console(**options)
    page = tab.page
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        tab.screenshot(f"{name}-{device}-{scheme}")
        found[name] = violations(page)

    tab.open()
    expect(page.get_by_label("User name")).to_be_focused()
    look("sign-in")
    tab.sign_in("admin", "#/petstore/matrix")
    page.get_by_role("gridcell").first.wait_for()
    look("matrix")
    tab.go("petstore", "matrix", group="group/owner", route="GET /owners/{ownerId}")
    page.get_by_role("heading", name="Why").wait_for()
    look("cell")
    tab.panel.get_by_role("button", name="Close").click()
    tab.go("petstore", "matrix", find="pets")
    tab.stage("guest", ROUTE)
    tab.panel.get_by_role("button", name="Close").click()
    look("staged")
    tab.open_review()
    look("review")
    page.keyboard.press("Escape")
    tab.go("petstore", "explain", method="GET", path="/owners/7", groups="owner,unheard-of")
    page.locator(".decision").wait_for()
    look("explain")
    tab.go("petstore", "history")
    page.get_by_text("Hash", exact=True).wait_for()
    page.get_by_text("comparing", exact=True).wait_for(state="detached")
    look("history")
    tab.go("petstore", "denylist")
    page.get_by_text(refused).wait_for()
    look("denylist")
    # Other views, as many as there are.
    links = page.get_by_role("navigation").get_by_role("link")
    for title in [each for each in links.all_inner_texts() if each not in ("Matrix", "Explain", "History", "Denylist")]:
        page.get_by_role("link", name=title, exact=True).click()
        page.locator("main .waiting").wait_for(state="detached")
        look(title.lower().replace(" ", "-"))
    assert {name: each for name, each in found.items() if each} == {}


def test_nothing_is_wider_than_a_phone(console: Any, refused: str) -> None:
    tab: ConsolePage = console(viewport=PHONE)
    tab.sign_in("admin", "#/petstore/matrix")
    for view in ("matrix", "document", "explain?method=GET&path=/pets", "history", "denylist"):
        tab.open(f"#/petstore/{view}")
        tab.page.get_by_role("heading", level=1).wait_for(state="attached")
        tab.page.locator("main .waiting").first.wait_for(state="detached")
        assert tab.page.evaluate("[document.documentElement, document.querySelector('main')].map(e => e.scrollWidth <= innerWidth)") == [
            True,
            True,
        ], view
