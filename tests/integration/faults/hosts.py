"""Upstreams that fail over real connections: a key server and a DynamoDB that stall, drip, hang up, reset, go away and return."""

import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError

from tests.integration.gates import KeyServer


class Cut(Enum):
    """Ways to end a connection that TCP's own end is not one of."""

    RESET = "reset"


Steps = Sequence[bytes | float | Cut]
"""What is done instead of an answer: bytes are sent, numbers are seconds to wait, at most until the fault is over."""


def play(handler: BaseHTTPRequestHandler, steps: Steps, over: threading.Event) -> None:
    """Carry out the steps, and hang up."""
    handler.close_connection = True
    for step in steps:
        if isinstance(step, bytes):
            handler.wfile.write(step)
        elif isinstance(step, Cut):
            reset(handler.connection)
        else:
            over.wait(step)


def reset(connection: socket.socket) -> None:
    """End a connection with RST: without lingering and without a FIN before."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """The block takes less time than this."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


class KeyHost(KeyServer):
    """A key server that can fail. Fetches are given `patience` seconds, which a test of a slow one cuts short."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self.patience = 5.0
        self._steps: Steps | None = None
        self._over = threading.Event()
        well: Callable[[BaseHTTPRequestHandler], None] = self._handler.do_GET

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if self._steps is None:
                well(handler)
            else:
                self.requests.append(handler.path)
                play(handler, self._steps, self._over)

        self._handler.do_GET = answer

    @property
    def _handler(self) -> Any:
        # A class of this server's own.
        return self._server.RequestHandlerClass

    @property
    def port(self) -> int:
        """Where it listens, or did."""
        return int(self.uri.split(":")[2].split("/")[0])

    @contextmanager
    def running(self) -> Iterator["KeyHost"]:
        """Answer until the block ends."""
        with super().running():
            try:
                yield self
            finally:
                self._over.set()

    @contextmanager
    def failing(self, steps: Steps | None, patience: float = 5.0) -> Iterator[None]:
        """Answer like this until the block ends; with None, nobody listens."""
        self.patience = patience
        if steps is None:
            with self._away():
                yield
        else:
            self._steps, self._over = steps, threading.Event()
            yield
            self._steps = None
            self._over.set()
        self.patience = 5.0

    @contextmanager
    def _away(self) -> Iterator[None]:
        gone = self._server
        gone.shutdown()
        gone.server_close()
        yield
        self._server = type(gone)(("127.0.0.1", self.port), gone.RequestHandlerClass)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}).start()


Reply = Callable[[int, bytes], Steps | None]
"""What is done instead of an answer, by the number of the connection and the answer. None lets the answer pass."""


class _TableServer(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are cut here on purpose."""


class TableHost:
    """DynamoDB as far as a client can tell: the emulator's answers over real connections, which can fail. `calls` is which connection asked for what."""

    def __init__(self, dynamodb: Any) -> None:
        self.calls: list[tuple[int, str]] = []
        self.connections: list[socket.socket] = []
        self.reply: Reply = lambda _number, _answer: None
        self._over = threading.Event()
        host = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 5

            def setup(self) -> None:
                super().setup()
                self.number = len(host.connections)
                host.connections.append(self.connection)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                operation = self.headers["X-Amz-Target"].split(".")[1]
                host.calls.append((self.number, operation))
                answer = _answer(dynamodb, operation, body)
                steps = host.reply(self.number, answer)
                if steps is None:
                    self.wfile.write(answer)
                else:
                    play(self, steps, host._over)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
                """Says nothing: only the authorizer's output is looked into."""

        self._server = _TableServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def running(self) -> Iterator["TableHost"]:
        """Answer until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._over.set()
            self.hang_up()
            self._server.server_close()

    def hang_up(self) -> None:
        """End every connection, as the far end does with idle ones."""
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def take(self) -> list[tuple[int, str]]:
        """The calls since the last time."""
        taken, self.calls = self.calls, []
        return taken


def _answer(dynamodb: Any, operation: str, body: dict[str, Any]) -> bytes:
    status, answer = 200, {}
    try:
        answer = getattr(dynamodb, xform_name(operation))(**body)
        del answer["ResponseMetadata"]
    except ClientError as error:
        status, answer = 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{error.response['Error']['Code']}"}
    data = json.dumps(answer).encode()
    return f"HTTP/1.1 {status} X\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
