"""More callers at once than functions may run: each is answered, and no more functions run than may."""

import threading

import pytest

from infra.local.emulator import CONCURRENT_FUNCTIONS
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

APIS = ("rest_request", "rest_token")
CALLERS = CONCURRENT_FUNCTIONS + 6


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

    callers = [threading.Thread(target=call, args=(number,)) for number in range(CALLERS)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    over.set()
    watcher.join()
    assert answers == [200] * CALLERS
    assert 1 < max(seen) <= CONCURRENT_FUNCTIONS
