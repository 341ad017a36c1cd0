"""Names, reasons and values that are markup are shown as they are written, in every view."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import ConsolePage
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

API = "xss"  # the last of all, so that it is no other test's first
GROUP = "<img src=x onerror=alert(1)>"
PARENT = '"><svg/onload=alert(2)>'
ROUTE = "GET /a&amp;(b)/{id}"
REASON = "<script>alert(3)</script>"
VALUE = "<iframe srcdoc='<script>alert(4)</script>'>"
WHY = "</td><b onmouseover=alert(5)>left</b>"
PASTED = "<math><mi href=javascript:alert(6)>"

DOCUMENT = {
    "api": API,
    "routes": [ROUTE, "POST /a&amp;(b)/{id}"],
    "groups": {PARENT: {"allow": [ROUTE]}, GROUP: {"inherits": [PARENT], "allow": ["POST /a&amp;(b)/{id}"]}},
}


@pytest.fixture
def refused(stack: LocalStack, tokens: dict[str, str]) -> Iterator[None]:
    """Everything that people write, published. An API cannot be taken out again, so that a second run finds it."""
    admin = tokens["admin"]
    path = f"/v1/apis/{API}/document"
    if stack.send("admin", "GET", path, admin).status == 404:
        made = stack.send("admin", "PUT", f"{path}?reason=%3Cscript%3Ealert(3)%3C/script%3E", admin, DOCUMENT, {"If-None-Match": "*"})
        assert made.status == 201, made.body
    entry = f"/v1/apis/{API}/denylist/sub/{_segment(VALUE)}"
    assert stack.send("admin", "PUT", entry, admin, {"reason": WHY, "expires_at": "2099-01-01T00:00:00Z"}).status == 200
    yield
    assert stack.send("admin", "DELETE", entry, admin).status == 200


def _segment(name: str) -> str:
    return "~" + base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def made_of_text(page: Page) -> list[str]:
    """Elements that no view of the console makes, and attributes that would run."""
    found: list[str] = page.evaluate(
        """[...document.body.querySelectorAll('*')].filter((e) =>
             e.matches('img, script, iframe, object, embed, b, math, svg:not(.cell-picture)')
             || [...e.attributes].some((a) => /^on|^srcdoc$/i.test(a.name) || /^\\s*javascript:/i.test(a.value))
           ).map((e) => e.outerHTML)"""
    )
    return found


def test_markup_is_text_in_every_view(tab: ConsolePage, refused: None) -> None:
    page = tab.page

    def holds(*texts: str) -> None:
        for text in texts:
            expect(page.get_by_text(text, exact=False).first).to_be_visible()
        assert made_of_text(page) == []

    tab.sign_in("admin", f"#/{API}/matrix")
    expect(page.get_by_role("columnheader")).to_have_text(["Route", "everyone", PARENT, GROUP])
    holds(GROUP, PARENT, ROUTE.partition(" ")[2])
    tab.cell(GROUP, ROUTE).click()
    page.get_by_role("heading", name="Why").wait_for()
    holds(f"inherited from {PARENT}")
    tab.panel.get_by_role("button", name="Take away").click()
    expect(tab.cell(GROUP, ROUTE)).to_have_accessible_name(f"{GROUP}, {ROUTE}: allowed, inherited; staged: to be taken away")
    tab.open_review()
    expect(tab.review.locator("tbody tr")).to_have_text([f"{GROUP}loses{ROUTE}alloweddenied"])
    holds()
    page.keyboard.press("Escape")
    tab.bar.get_by_role("button", name="Discard").click()

    tab.go(API, "explain", method="GET", path="/a&amp;(b)/<b>", groups=GROUP)
    expect(page.locator(".decision, .notice.bad").last).to_be_visible()
    holds()
    tab.go(API, "explain", method="POST", path="/a&amp;(b)/7", groups=f"{GROUP},{PASTED}")
    page.get_by_role("heading", name="Allowed").wait_for()
    holds(GROUP, PASTED)

    tab.go(API, "history", version="1")
    page.get_by_text("Hash", exact=True).wait_for()
    holds(REASON, WHY)
    tab.go(API, "denylist")
    holds(VALUE, WHY)

    # An address is written by whoever sends it.
    tab.open(f"#/{API}/matrix?group=group/{GROUP}&route=GET+/<b>&find={PASTED}")
    expect(tab.panel).to_contain_text("has no GET /<b>")
    holds()
    tab.watch.expect("404|400|422")
    tab.open(f"#/{GROUP}/matrix")
    expect(page.get_by_role("alert")).to_be_visible()
    holds()
