"""On a phone a cell's panel is a sheet below the grid, and the cell that it is about stays in sight."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.support.browser import ConsolePage

pytestmark = pytest.mark.stack

PHONE = {"width": 390, "height": 844}


def box(locator: Locator) -> dict[str, float]:
    found: Any = locator.bounding_box()
    assert found is not None
    return {**found, "bottom": found["y"] + found["height"]}


@pytest.mark.parametrize("route", ["GET /owners/{ownerId}/pets", "WS watchPets"])
def test_the_cell_stays_in_sight(console: Any, route: str) -> None:
    api = "petstore-live" if route.startswith("WS") else "petstore"
    tab: ConsolePage = console(viewport=PHONE, has_touch=True, reduced_motion="reduce")
    tab.sign_in("admin", f"#/{api}/matrix?group=group/guest&route={route}")
    expect(tab.panel.get_by_role("heading", name="Why")).to_be_visible()
    cell, sheet = tab.cell("guest", route), box(tab.panel)
    seen = box(cell)
    assert sheet["height"] <= 0.6 * PHONE["height"]
    assert sheet["bottom"] <= PHONE["height"] + 1
    assert box(tab.page.locator(".grid-top"))["bottom"] <= seen["y"] + 1
    assert seen["bottom"] <= sheet["y"] + 1
    assert box(tab.page.locator(".grid-corner"))["width"] <= seen["x"]
    tab.panel.get_by_role("button", name="Close").click()
    expect(tab.page.get_by_label("Routes")).to_be_visible()
    expect(cell).to_be_focused()
