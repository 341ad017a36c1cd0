"""The emulator's own process: MiniStack on loopback behind the request guard, saved every few seconds. Started by `emulator.py` with its settings in place.

MiniStack by itself saves at a clean stop only. Here a `kill -9` costs at most the last SAVE_SECONDS. And a parent that dies without
a word (`kill -9` again) leaves no orphan: this process notices that it was adopted, saves and ends.
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

from infra.local.request_guard import RequestGuard, guarded
from infra.local.state import AccessKey

SAVE_SECONDS = 2.0


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
    _hide_session_keys(key)
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{port}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1
    watched = Watched()
    keeper = asyncio.create_task(_keep(watched, stop, os.getppid()))
    app: Any = guarded(watched, RequestGuard(port, key))
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
            save_all(ministack._build_persistence_save_dict())
            saved_at = time.monotonic()


if __name__ == "__main__":
    # One line per saved service every two seconds would bury everything else in the log.
    logging.getLogger("persistence").setLevel(logging.WARNING)
    asyncio.run(main())
