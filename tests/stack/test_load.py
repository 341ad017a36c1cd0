"""More callers at once than functions may run: each gets its turn, and no more processes run than may."""

import threading
import time

import pytest

from infra.local.emulator import CONCURRENT_FUNCTIONS
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

AUTHORIZERS_LOG = "/aws/cloudformation/gatebook-sample/AuthorizerLogGroup"
APIS = ("rest_request", "rest_token")
CALLERS = 3 * CONCURRENT_FUNCTIONS


def authorizer_calls(stack: LocalStack, since: int) -> int:
    """Return how often the sample's authorizers were called since then (milliseconds since 1970)."""
    pages = stack.client("logs").get_paginator("filter_log_events").paginate(logGroupName=AUTHORIZERS_LOG, startTime=since)
    return sum(event["message"].startswith("START ") for page in pages for event in page["events"])


def test_a_crowd_waits_and_is_answered(stack: LocalStack, tokens: dict[str, str]) -> None:
    answers: list[int] = []
    seen: list[int] = []
    together, over = threading.Barrier(CALLERS), threading.Event()

    def call(number: int) -> None:
        together.wait(60)
        answers.append(stack.call(APIS[number % len(APIS)], "GET", "/pets/7", f"Bearer {tokens['guest']}").status)

    def watch() -> None:
        while not over.wait(0.2):
            seen.append(len(stack.functions()))

    since = int(time.time() * 1000)
    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    over.set()
    watcher.join()
    # A 500 would not tell whether the gateway refused to call the authorizer, or the authorizer's table was too slow for this machine. A 429 is the backend's.
    assert authorizer_calls(stack, since) == CALLERS
    assert set(answers) <= {200, 500}
    assert answers.count(200) > CONCURRENT_FUNCTIONS // 2
    assert 1 < max(seen) <= CONCURRENT_FUNCTIONS
