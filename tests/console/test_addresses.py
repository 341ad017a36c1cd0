"""What an address names is what is shown, after signing in and after a reload, and what it cannot name is told."""

import pytest
from playwright.sync_api import expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack

CELL = "#/petstore/matrix?group=group%2Fguest&route=GET+%2Fpets"

VIEWS = {
    "matrix?find=owners": "Permissions of petstore",
    "document": "Document",
    "explain?method=GET&path=%2Fpets&groups=guest": "Explain",
    "history?version=1": "Version 1",
    "denylist": "Denylist",
    "routes?find=owners": "Routes",
    "rules": "Rules",
}
"""The heading of each view, or the label of the matrix."""


def shown(tab: ConsolePage, view: str) -> None:
    """Wait until a view is there."""
    if view.startswith("matrix"):
        expect(tab.page.get_by_role("grid", name=VIEWS[view])).to_be_visible()
    else:
        expect(tab.page.get_by_role("heading", name=VIEWS[view]).first).to_be_visible()
    expect(tab.page.locator("nav [aria-current=page]")).to_have_text(view.partition("?")[0].capitalize())


def sign_in_again(tab: ConsolePage) -> None:
    tab.fill_in("auditor", tab.stack.note["users"]["auditor"]["password"])


def test_a_view_is_there_by_its_address(tab: ConsolePage) -> None:
    tab.sign_in("auditor", f"#/petstore/{next(iter(VIEWS))}")
    for view in VIEWS:
        tab.open(f"#/petstore/{view}")
        shown(tab, view)
        assert tab.page.url == f"{tab.url}#/petstore/{view}"


def test_a_view_survives_a_sign_in_and_a_reload(tab: ConsolePage) -> None:
    view = "routes?find=owners"
    tab.sign_in("auditor", f"#/petstore/{view}")
    shown(tab, view)
    tab.page.reload()
    sign_in_again(tab)
    shown(tab, view)
    assert tab.page.url == f"{tab.url}#/petstore/{view}"
    expect(tab.page.get_by_label("Find routes")).to_have_value("owners")


def test_a_cell_survives_a_reload_also_where_a_search_hides_it(tab: ConsolePage) -> None:
    tab.sign_in("auditor", CELL)
    expect(tab.panel.get_by_role("heading", name="guest")).to_be_visible()
    # Somebody looks for other routes, and the panel stays.
    tab.page.get_by_label("Routes").fill("owners")
    expect(tab.cell("guest", "GET /pets")).to_have_count(0)
    tab.page.reload()
    sign_in_again(tab)
    expect(tab.panel.get_by_role("heading", name="guest")).to_be_visible()
    expect(tab.cell("guest", "GET /pets")).to_be_visible()
    expect(tab.page.get_by_label("Routes")).to_have_value("")


def test_an_api_that_is_not_there_is_named_in_every_view(tab: ConsolePage) -> None:
    tab.watch.expect("404")
    tab.sign_in("auditor", "#/petstore/rules")
    for view in VIEWS:
        tab.open(f"#/unheard-of/{view}")
        expect(tab.page.get_by_role("alert").first).to_contain_text("unheard-of")


def test_an_address_that_nobody_writes_breaks_nothing(tab: ConsolePage) -> None:
    tab.watch.expect("404|400|422")
    tab.sign_in("auditor", "#/petstore/history")
    for path in (
        "%E0%A4%A/matrix",
        "petstore/%",
        "%E0%A4%A/history",
        "petstore/constructor",
        "petstore/history",
        "petstore/__proto__/more",
    ):
        tab.open(f"#/{path}")
        view = "History" if path.endswith("/history") else "Matrix"
        expect(tab.page.get_by_role("link", name=view)).to_have_attribute("aria-current", "page")
        there = {"Matrix": tab.page.get_by_role("grid"), "History": tab.page.locator(".version").first}[view]
        expect(there if path.startswith("petstore") else tab.page.get_by_role("alert").first).to_be_visible()
