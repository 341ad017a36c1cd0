"""How many functions the local stack runs at once, and what becomes of requests beyond that: they wait, in the order in which they came.

MiniStack by itself refuses what goes beyond its limit of running functions: the gateway answers 500 where the authorizer found no place, and 429 where the
backend found none. AWS has room for a thousand, so that neither tells a developer anything. And MiniStack limits what runs, not what stays: each function keeps
the processes of its busiest moment for minutes, and there are several functions.
"""

import asyncio
import threading
from typing import Any

from ministack.core import lambda_runtime

from infra.local.request_guard import App, Message, Receive, Scope, Send, is_api_call


def in_turn(app: App, most: int) -> App:
    """Return the ASGI application that works on at most `most` requests to the deployed APIs at once; the others wait, first come, first served.

    A request keeps its place until it is answered; a WebSocket connection keeps one while a message of its client is worked on, and none while it
    waits for the next. A function that called an API of its own stack would hold a place while it waits for another: none of the deployed ones does.
    """
    places = asyncio.Semaphore(most)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if not is_api_call(scope):
            await app(scope, receive, send)
        elif scope["type"] == "http":
            async with places:
                await app(scope, receive, send)
        else:
            turn = _Turn(places, receive)
            try:
                await app(scope, turn.receive, send)
            finally:
                turn.end()

    return answer


class _Turn:
    """The place of a connection: taken with each message, given back with the question for the next."""

    def __init__(self, places: asyncio.Semaphore, receive: Receive) -> None:
        self._places = places
        self._receive = receive
        self._held = False

    async def receive(self) -> Message:
        self.end()
        message = await self._receive()
        await self._places.acquire()
        self._held = True
        return message

    def end(self) -> None:
        if self._held:
            self._held = False
            self._places.release()


class Processes:
    """MiniStack's lease of function processes, bounded: before one more than `most` starts, those that idle longest end, whatever function they are of.

    The bound holds as long as no more than `most` functions run at once, which is MiniStack's own limit to hold.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # By the thread that runs the function.
        self._leased: dict[int, Any] = {}
        self._ending = threading.Lock()
        self._acquire = lambda_runtime.acquire_worker
        self._release = lambda_runtime.release_worker

    def install(self) -> None:
        """Take the place of MiniStack's own lease. Before the first function is loaded, with which MiniStack imports it by name."""
        lambda_runtime.acquire_worker = self.acquire
        lambda_runtime.release_worker = self.release

    def acquire(self, *arguments: Any, **named: Any) -> tuple[Any, str]:
        """Lease a worker of a function to this thread, as `lambda_runtime.acquire_worker` does. A new one has no process yet: the caller starts it."""
        worker, how = self._acquire(*arguments, **named)
        # One at a time, so that a process has ended before the next one starts.
        with self._ending:
            with lambda_runtime._lock:
                self._leased[threading.get_ident()] = worker
                surplus = self._take_surplus()
            lambda_runtime.kill_workers(surplus)
        return worker, how

    def release(self, worker: Any) -> None:
        """End this thread's lease, as `lambda_runtime.release_worker` does. MiniStack passes None where it has dropped the worker."""
        self._release(worker)
        with lambda_runtime._lock:
            leased = self._leased.pop(threading.get_ident(), None)
            is_forgotten = leased not in _kept()
        if is_forgotten:
            # Its function was changed, or another process of it failed, while this one was starting: nobody would use or end it any more.
            lambda_runtime.kill_workers([leased])

    def _take_surplus(self) -> list[Any]:
        """Return the idle workers that are too many, taken out of their pools; the lock is held."""
        kept = _kept()
        idle = sorted((worker for worker in kept if not worker.in_use), key=lambda worker: worker.last_used)
        surplus = idle[: max(0, len({*kept, *self._leased.values()}) - self._most)]
        for pool in lambda_runtime._workers.values():
            pool[:] = [worker for worker in pool if worker not in surplus]
        return surplus


def _kept() -> list[Any]:
    return [worker for pool in lambda_runtime._workers.values() for worker in pool]
