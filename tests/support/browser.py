"""The web console in a real browser: driven as a person drives it, and watched for what a person does not see."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, Playwright, Request, WebError

from tests.support.local_stack import LocalStack

PATIENCE_MILLISECONDS = 30_000
"""How long a step may take: the functions of a stack start anew now and then, and machines of CI are slow."""

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"

REMEDY = "there is no Chromium: `apt-get install chromium`, or `playwright install chromium`"

# Nothing that a browser does by itself may look like the page's doing, and a container has no user to shut in.
_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
]


def launched(playwright: Playwright) -> Browser | None:
    """Start the system's Chromium, else Playwright's own; None where there is neither."""
    places = ["/usr/bin/chromium", shutil.which("chromium") or "", playwright.chromium.executable_path]
    found = next((place for place in places if place and os.access(place, os.X_OK)), None)
    return None if found is None else playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)


def origin_of(url: str) -> str:
    """The origin of an address: `http://127.0.0.1:4599/a` -> `http://127.0.0.1:4599`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


class Watch:
    """Everything that goes wrong behind a page: what the console says, errors, dialogs, and requests to where a page must not ask.

    A breach of the Content Security Policy is among what the console says (Content Security Policy Level 3, "Report a violation").
    """

    def __init__(self, context: BrowserContext, origins: set[str]) -> None:
        self.problems: list[str] = []
        self.requests: list[Request] = []
        self._origins = origins
        self._expected: list[re.Pattern[str]] = []
        context.on("console", self._said)
        context.on("weberror", self._failed)
        context.on("dialog", self._asked)
        context.on("request", self._requested)

    def expect(self, *patterns: str) -> None:
        """From here on the console may say this, each a regular expression over the message and the address it is about."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def allow(self, url: str) -> None:
        """From here on the page may ask the origin of this address."""
        self._origins |= {origin_of(url)}

    def _said(self, message: ConsoleMessage) -> None:
        said = f"{message.text} {message.location.get('url', '')}"
        if message.type in ("error", "warning") and not any(pattern.search(said) for pattern in self._expected):
            self.problems.append(f"the console says ({message.type}): {said}")

    def _failed(self, error: WebError) -> None:
        self.problems.append(f"the page fails: {error.error}")

    def _asked(self, dialog: Dialog) -> None:
        self.problems.append(f"the page opens a dialog: {dialog.type} {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Request) -> None:
        self.requests.append(request)
        if urlsplit(request.url).scheme not in ("blob", "data") and origin_of(request.url) not in self._origins:
            self.problems.append(f"the page asks another origin: {request.method} {request.url}")


class ConsolePage:
    """One tab of the console, and what a person does there."""

    def __init__(self, stack: LocalStack, context: BrowserContext, watch: Watch) -> None:
        self.stack = stack
        self.watch = watch
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MILLISECONDS)
        self.url: str = stack.note["console"]

    def open(self, place: str = "") -> None:
        """Go to a place of the console, such as `#/petstore/history`."""
        self.page.goto(self.url + place)

    def sign_in(self, user: str, place: str = "#/petstore/matrix") -> None:
        """Open a place, and sign in there by the form. Ends where the view is, or what stands for it."""
        self.open(place)
        self.fill_in(user, self.stack.note["users"][user]["password"])
        self.page.locator("header.top").wait_for()

    def fill_in(self, user: str, password: str) -> None:
        """Fill in the form for signing in, and send it."""
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def go(self, api: str, view: str, **query: str) -> None:
        """Change the address within the page."""
        self.open(f"#/{api}/{view}{'?' if query else ''}{urlencode(query)}")

    def cell(self, subject: str, route: str) -> Locator:
        """The matrix's cell of a subject, as its label names it, and a route."""
        return self.page.locator(f"[role=gridcell][aria-label^={json.dumps(f'{subject}, {route}: ')}]")

    def stage(self, subject: str, route: str, button: str = "Allow") -> None:
        """Open a cell and press a button of its panel."""
        self.cell(subject, route).click()
        self.panel.get_by_role("button", name=button, exact=True).click()
        self.panel.get_by_text("Staged:").wait_for()

    @property
    def panel(self) -> Locator:
        """What stands beside the matrix about one cell."""
        return self.page.get_by_role("complementary", name="Cell")

    @property
    def bar(self) -> Locator:
        """What stands below the matrix while something is staged."""
        return self.page.locator(".review-bar")

    @property
    def review(self) -> Locator:
        """The dialog that comes before a publish."""
        return self.page.get_by_role("dialog")

    def open_review(self) -> None:
        """Ask for the review of what is staged, and wait until it can be published or is refused."""
        self.page.get_by_role("button", name="Review", exact=True).click()
        self.review.locator("form, .notice.bad").first.wait_for()

    def publish(self, reason: str) -> None:
        """Publish what the review shows, and wait until nothing is staged any more."""
        self.review.get_by_label("Reason").fill(reason)
        self.review.get_by_role("button", name="Publish").click()
        self.review.wait_for(state="detached")

    def screenshot(self, name: str) -> None:
        """Keep a picture for people to look at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@contextmanager
def watched(browser: Browser, stack: LocalStack, **options: object) -> Iterator[ConsolePage]:
    """A tab in a context of its own. Fails at the end if anything went wrong behind it."""
    note = stack.note
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 1000}, "locale": "en-GB", **options})  # type: ignore[arg-type]  # names are checked by the caller
    watch = Watch(context, {origin_of(note["console"]), origin_of(note["aws_endpoint"])})
    try:
        yield ConsolePage(stack, context, watch)
    finally:
        context.close()
    assert not watch.problems, "\n".join(watch.problems)
