"""A thousand routes and two hundred groups: two hundred thousand cells, of which only what is seen may exist."""

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Route, expect

from admin_api.schemas.presenters import matrix_row
from authorizer.policy.permission import EVERYONE
from tests.support.browser import ConsolePage
from tests.support.large_documents import large_document
from tests.support.tables import document

pytestmark = pytest.mark.stack

MOST_ELEMENTS = 2200
MOST_CELLS = 60_000
"""In one answer: Lambda answers with 6 MB at most ("Invocation payload" of its quotas), and a cell may be 90 bytes."""

Answers = Callable[[Route], None]

# What the page does after the last byte of its data has come, and each task that keeps it from answering a person.
OBSERVE = """
  window.tasks = [];
  new PerformanceObserver((list) => window.tasks.push(...list.getEntries().map((e) => [e.startTime, e.duration]))).observe({type: 'longtask', buffered: true});
  performance.setResourceTimingBufferSize(1000);
  new MutationObserver((_, watcher) => {
    if (!document.querySelector('[role=gridcell]')) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => performance.mark('grid')));
  }).observe(document, {subtree: true, childList: true});
"""
DRAWN = """
  performance.getEntriesByName('grid')[0].startTime
    - Math.max(...performance.getEntriesByType('resource').filter((e) => e.name.includes('/matrix?')).map((e) => e.responseEnd))
"""
HEADS = """
  (() => {
    const cell = document.activeElement, grid = cell.closest('.grid-scroll');
    const column = cell.getAttribute('aria-colindex');
    const heads = [cell.parentElement.querySelector('[role=rowheader]'), grid.querySelector(`[role=columnheader][aria-colindex="${column}"]`)];
    return heads.map((head) => {
      const {left, top, width, height} = head.getBoundingClientRect();
      return head.contains(document.elementFromPoint(left + width / 2, top + height / 2));
    });
  })()
"""
SCROLL = """
  async () => {
    const grid = document.querySelector('.grid-scroll');
    const frame = () => new Promise(requestAnimationFrame);
    const began = performance.now();
    let most = 0, frames = 0;
    for (const [x, y] of [[0, 160], [90, 0], [60, 800], [-200, -300], [0, 6000]]) {
      for (let step = 0; step < 20; step += 1) {
        grid.scrollBy(x, y);
        await frame();
        frames += 1;
        most = Math.max(most, grid.querySelectorAll('*').length);
      }
    }
    return {most, frames, took: performance.now() - began, tasks: window.tasks.filter(([at]) => at >= began).map(([, lasted]) => lasted)};
  }
"""


@pytest.fixture(scope="module")
def answers() -> Answers:
    """What the admin API answers about a large document. A stack would take minutes to publish it, and the page is not faster or slower for that."""
    source = large_document(1000, 200, 200)
    parsed = document(source)
    rows = [matrix_row(parsed, ref).model_dump(mode="json") for ref in sorted({EVERYONE, *parsed.subjects})]

    def answer(route: Route) -> None:
        url = urlsplit(route.request.url)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body: dict[str, Any] = {"name": "large", "writable": True, "version": 1}
        if url.path.endswith("/document"):
            body = source
        elif url.path.endswith("/matrix"):
            start, limit = int(query.get("cursor", 0)), int(query["limit"])
            following = str(start + limit) if start + limit < len(rows) else None
            body = {"version": 1, "rows": rows[start : start + limit], "next": following}
        route.fulfill(status=200, json=body, headers={"ETag": '"1-0"'})

    return answer


def test_a_large_matrix_is_drawn_and_scrolled_at_once(tab: ConsolePage, answers: Answers, capsys: pytest.CaptureFixture[str]) -> None:
    page = tab.page
    page.add_init_script(OBSERVE)
    page.route("**/v1/apis/large**", answers)
    tab.sign_in("admin", "#/large/matrix")
    page.get_by_role("gridcell").first.wait_for()
    expect(page.get_by_text("1,000 routes, 201 groups")).to_be_visible()
    page.wait_for_function("performance.getEntriesByName('grid').length")
    drawn = page.evaluate(DRAWN)
    scrolled = page.evaluate(SCROLL)
    longest = max(scrolled["tasks"], default=0)
    with capsys.disabled():
        per_frame = scrolled["took"] / scrolled["frames"]
        sys.stdout.write(
            f"\n  1,000 routes x 201 subjects: drawn {drawn:.0f} ms after the data came; {scrolled['frames']} frames of scrolling of {per_frame:.0f} ms each, "
            f"{len(scrolled['tasks'])} tasks over 50 ms, the longest {longest:.0f} ms; {scrolled['most']} elements at most\n"
        )
    limits = [parse_qs(urlsplit(request.url).query)["limit"] for request in tab.watch.requests if "/matrix?" in request.url]
    assert [1000 * int(limit) for [limit] in limits if 1000 * int(limit) > MOST_CELLS] == []
    assert len(limits) == 4
    # Of the 200,000 cells there are those on the screen. Times are told and bounded loosely: others may use the machine.
    assert 200 < scrolled["most"] < MOST_ELEMENTS
    assert drawn < 10_000
    assert longest < 1_000
    # The cells are those of where one is, and the last one is reached.
    page.locator("[role=gridcell][tabindex='0']").first.focus()
    page.keyboard.press("Control+End")
    rows = page.get_by_role("grid").get_attribute("aria-rowcount")
    assert page.evaluate("document.activeElement.closest('[role=row]').getAttribute('aria-rowindex')") == rows
    tab.screenshot("large")
    # However far one has gone, what a line and a column are called stays in sight.
    assert page.evaluate(HEADS) == [True, True]
