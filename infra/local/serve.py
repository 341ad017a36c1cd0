"""The emulator's own process: MiniStack on loopback behind the request guard, its functions bounded, saved every few seconds.

`emulator.py` starts it with its settings in place.

MiniStack by itself saves at a clean stop only. Here a `kill -9` costs at most the last SAVE_SECONDS, and the functions' logs. And a parent that dies
without a word (`kill -9` again) leaves no orphan: this process notices that it was adopted, saves and ends.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import os
import signal
import time
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack import app as ministack
from ministack.core import lambda_runtime
from ministack.core.persistence import save_all

from infra.local.functions import Processes, in_turn
from infra.local.request_guard import RequestGuard, guarded
from infra.local.state import AccessKey

SAVE_SECONDS = 2.0
# Each call of a function adds to the logs, so that saving them takes ever longer: seconds after a few thousand calls, in which nothing is answered and an
# authorizer gives up on its table.
SAVED_AT_THE_STOP_ONLY = frozenset({"cloudwatch_logs"})


class Watched:
    """MiniStack's application, and the time of its last request."""

    def __init__(self) -> None:
        self.asked_at = 0.0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked_at = time.monotonic()
        await ministack.app(scope, receive, send)
        self.asked_at = time.monotonic()


async def main() -> None:
    """Serves until SIGTERM or until the parent is gone; saves while it runs and when it stops."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    port, key = int(os.environ["GATEWAY_PORT"]), AccessKey(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    functions = int(os.environ["LAMBDA_ACCOUNT_CONCURRENCY"])
    _hide_session_keys(key)
    Processes(functions).install()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    watched = Watched()
    keeper = asyncio.create_task(_keep(watched, stop, os.getppid()))
    # A request runs one function at a time, but two of them, authorizer and backend: with half as many requests as processes, neither function's are ended for
    # the other's. And what is invoked by other ways than the APIs finds room.
    app: Any = guarded(in_turn(watched, functions // 2), RequestGuard(port, key))
    await serve(app, config, shutdown_trigger=stop.wait)
    keeper.cancel()


def _hide_session_keys(key: AccessKey) -> None:
    """Make the keys of the functions' roles depend on the stack's secret. MiniStack derives them from the functions' names, which anybody can guess."""
    derive = lambda_runtime.execution_credentials

    def execution_credentials(config: dict[str, Any]) -> dict[str, str]:
        name = config["FunctionArn"]
        salt = hmac.new(key.secret.encode(), name.encode(), hashlib.sha256).hexdigest()
        # As a qualifier, which goes into the keys and into nothing else.
        credentials: dict[str, str] = derive(config | {"FunctionArn": f"{name}:{salt}"})
        return credentials

    # Before the first function is loaded, with which MiniStack imports it by name.
    lambda_runtime.execution_credentials = execution_credentials


def states_to_save() -> dict[str, Any]:
    """Return what is saved while the stack runs: by the name of each service that was asked for something, what returns its state."""
    return {name: state for name, state in ministack._build_persistence_save_dict().items() if name not in SAVED_AT_THE_STOP_ONLY}


async def _keep(watched: Watched, stop: asyncio.Event, parent: int) -> None:
    saved_at = time.monotonic()
    while not stop.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)
        if os.getppid() != parent:
            stop.set()
        # Once more after the last request, for what its background work changes; then an idle stack leaves the disk alone.
        elif time.monotonic() - saved_at >= SAVE_SECONDS and watched.asked_at + SAVE_SECONDS >= saved_at:
            # On the event loop, so that no request changes the state halfway through. It is the only handle MiniStack offers.
            save_all(states_to_save())
            saved_at = time.monotonic()


if __name__ == "__main__":
    # One line per saved service every two seconds would bury everything else in the log.
    logging.getLogger("persistence").setLevel(logging.WARNING)
    asyncio.run(main())
