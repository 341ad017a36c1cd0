"""One browser for all tests of the console, a context of its own for each, and a petstore that is left as it was found."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.support.browser import PATIENCE_MILLISECONDS, REMEDY, ConsolePage, launched, watched
from tests.support.local_stack import LocalStack

PETSTORE = "/v1/apis/petstore/document"

expect.set_options(timeout=PATIENCE_MILLISECONDS)


# No longer than this folder: while Playwright runs, no test of another folder could run a loop of its own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = launched(playwright)
        if started is None:
            if os.environ.get("CI"):
                pytest.fail(REMEDY)
            pytest.skip(REMEDY)
        yield started
        started.close()


Open = Callable[..., ConsolePage]


@pytest.fixture
def console(stack: LocalStack, browser: Browser) -> Iterator[Open]:
    """Opens a tab, with options of `Browser.new_context`. The test fails at its end if anything went wrong behind one of them."""
    with ExitStack() as opened:
        yield lambda **options: opened.enter_context(watched(browser, stack, **options))


@pytest.fixture
def tab(console: Open) -> ConsolePage:
    """One tab."""
    return console()


@pytest.fixture
def petstore(stack: LocalStack, tokens: dict[str, str]) -> Iterator[Any]:
    """The petstore's document, which is published again after a test that changed it."""
    before = stack.send("admin", "GET", PETSTORE, tokens["admin"])
    assert before.status == 200, before.body
    yield before.json
    if stack.send("admin", "GET", PETSTORE, tokens["admin"]).json != before.json:
        again = stack.send("admin", "PUT", f"{PETSTORE}?reason=as+found", tokens["admin"], before.json, {"If-Match": "*"})
        assert again.status == 200, again.body
