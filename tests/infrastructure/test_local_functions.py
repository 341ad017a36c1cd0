"""How many functions the local stack runs at once: counted with an application and with workers that have no processes."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, dynamodb

from infra.local import serve
from infra.local.functions import Processes, in_turn

MOST = 3
API = {"host": "0a1b2c3d.execute-api.localhost:4599"}
EMULATOR = {"host": "127.0.0.1:4599"}


def scope(kind: str, headers: dict[str, str]) -> dict[str, Any]:
    return {"type": kind, "headers": [(name.encode(), value.encode()) for name, value in headers.items()]}


class Backend:
    """Counts what it works on; each piece of work lasts until the loop has gone round a few times."""

    def __init__(self) -> None:
        self.at_work = 0
        self.most = 0
        self.begun: list[int] = []

    async def work(self, number: int) -> None:
        self.begun.append(number)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        for _ in range(5):
            await asyncio.sleep(0)
        self.at_work -= 1

    async def app(self, asked: Any, receive: Any, _send: Any) -> None:
        if asked["type"] == "websocket":
            while (await receive())["type"] != "websocket.disconnect":
                await self.work(asked["number"])
            return
        await self.work(asked["number"])
        if asked.get("fails"):
            raise RuntimeError


async def nothing(*_: object) -> Any:
    return {"type": "http.request"}


def test_requests_wait_for_their_turn_in_the_order_in_which_they_came() -> None:
    backend = Backend()

    async def crowd() -> None:
        app = in_turn(backend.app, MOST)
        await asyncio.gather(*(app(scope("http", API) | {"number": number}, nothing, nothing) for number in range(50)))

    asyncio.run(crowd())
    assert backend.most == MOST
    assert backend.begun == list(range(50))


def test_a_request_that_fails_gives_its_place_back() -> None:
    backend = Backend()

    async def crowd() -> list[Any]:
        app = in_turn(backend.app, MOST)
        failing = scope("http", API) | {"fails": True}
        return await asyncio.gather(*(app(failing | {"number": number}, nothing, nothing) for number in range(10)), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(crowd())] == [RuntimeError] * 10
    assert backend.most == MOST


def test_the_emulator_itself_does_not_wait() -> None:
    # A function that holds a place asks it for rows of the table.
    backend = Backend()

    async def crowd() -> None:
        app = in_turn(backend.app, MOST)
        await asyncio.gather(*(app(scope("http", EMULATOR) | {"number": number}, nothing, nothing) for number in range(10)))
        await app({"type": "lifespan", "number": 0}, nothing, nothing)

    asyncio.run(crowd())
    assert backend.most == 10


def test_a_connection_takes_a_place_for_a_message_and_none_while_it_waits_for_the_next() -> None:
    backend = Backend()

    async def crowd() -> None:
        app = in_turn(backend.app, MOST)
        inboxes: list[asyncio.Queue[Any]] = [asyncio.Queue() for _ in range(10)]
        connections = [
            asyncio.create_task(app(scope("websocket", API) | {"number": number}, inbox.get, nothing))
            for number, inbox in enumerate(inboxes)
        ]
        for kind in ("websocket.connect", "websocket.receive", "websocket.receive"):
            for inbox in inboxes:
                inbox.put_nowait({"type": kind})
        while len(backend.begun) < 30 or backend.at_work:
            await asyncio.sleep(0)
        # All are connected and none says anything: requests are answered.
        await app(scope("http", API) | {"number": 99}, nothing, nothing)
        for inbox in inboxes:
            inbox.put_nowait({"type": "websocket.disconnect"})
        await asyncio.gather(*connections)
        await app(scope("http", API) | {"number": 100}, nothing, nothing)

    asyncio.run(asyncio.wait_for(crowd(), 20))
    assert backend.most == MOST
    assert len(backend.begun) == 32


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The workers that were ended, of a runtime that has none at first."""
    workers: list[Any] = []
    monkeypatch.setattr(lambda_runtime, "_workers", {})
    monkeypatch.setattr(lambda_runtime, "kill_workers", workers.extend)
    # What `install` replaces comes back after the test.
    monkeypatch.setattr(lambda_runtime, "acquire_worker", lambda_runtime.acquire_worker)
    monkeypatch.setattr(lambda_runtime, "release_worker", lambda_runtime.release_worker)
    return workers


def acquire(function: str) -> Any:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    worker, _ = lambda_runtime.acquire_worker(function, {"FunctionName": function, "FunctionArn": arn, "Runtime": "python3.13"}, b"")
    return worker


def kept() -> list[Any]:
    return [worker for pool in lambda_runtime._workers.values() for worker in pool]


def in_a_thread(work: Callable[[], None]) -> None:
    """Each execution of a function has a thread of its own."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def run_at_once(function: str, times: int) -> None:
    """Run a function as often at once: no worker is given back before the last is leased."""
    all_leased = threading.Barrier(times)

    def run() -> None:
        worker = acquire(function)
        all_leased.wait(20)
        lambda_runtime.release_worker(worker)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_processes_of_all_functions_together_are_bounded(ended: list[Any]) -> None:
    Processes(MOST).install()
    for function in ("a", "b", "c", "a"):
        run_at_once(function, MOST)
        assert len(kept()) == MOST
        assert {worker.func_name for worker in kept()} == {function}
    assert len(ended) == 3 * MOST


def test_the_one_that_idles_longest_ends_first(ended: list[Any]) -> None:
    Processes(MOST).install()
    for moment, function in enumerate(("a", "b", "c", "a", "d")):
        run_at_once(function, 1)
        for worker in kept():
            if worker.func_name == function:
                worker.last_used = moment
    assert [worker.func_name for worker in ended] == ["b"]
    assert sorted(worker.func_name for worker in kept()) == ["a", "c", "d"]


def test_what_runs_is_not_ended_for_what_comes(ended: list[Any]) -> None:
    Processes(2).install()
    running = acquire("a")
    for _ in range(3):
        run_at_once("b", 1)
        run_at_once("c", 1)
    assert running in kept()
    assert running not in ended


def test_a_process_whose_function_was_changed_while_it_started_ends_with_its_call(ended: list[Any]) -> None:
    Processes(MOST).install()

    def run() -> None:
        worker = acquire("a")
        lambda_runtime.invalidate_worker("a")
        ended.clear()
        lambda_runtime.release_worker(worker)
        assert ended == [worker]

    in_a_thread(run)
    assert kept() == []
    assert ended


def test_a_process_that_did_not_start_is_not_counted_any_more(ended: list[Any]) -> None:
    Processes(MOST).install()

    def fail() -> None:
        acquire("a")
        lambda_runtime.invalidate_worker("a")
        # As MiniStack does after an exception.
        lambda_runtime.release_worker(None)

    for _ in range(2 * MOST):
        in_a_thread(fail)
    run_at_once("b", MOST)
    ended.clear()
    run_at_once("b", MOST)
    assert ended == []


def test_the_functions_logs_are_not_saved_while_the_stack_runs() -> None:
    assert callable(cloudwatch_logs.get_state)
    states = serve.states_to_save()
    assert states["dynamodb"] == dynamodb.get_state
    assert "cloudwatch_logs" not in states
