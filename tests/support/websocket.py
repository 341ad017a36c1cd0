"""A WebSocket client for tests: one connection, one message at a time, over a plain socket."""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage

SECONDS = 20


class RefusedError(Exception):
    """The handshake was answered by another status than 101."""

    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status = status


class Connection:
    """An open connection."""

    def __init__(self, wire: socket.socket, state: WSConnection) -> None:
        self._wire = wire
        self._state = state

    def ask(self, **message: Any) -> Any:
        """Sends a message as JSON; the next message that comes, parsed."""
        self._wire.sendall(self._state.send(TextMessage(json.dumps(message))))
        text = ""
        while True:
            for event in self.received():
                if isinstance(event, TextMessage):
                    text += event.data
                    if event.message_finished:
                        return json.loads(text)

    def received(self) -> list[Any]:
        """What the next bytes say."""
        data = self._wire.recv(65_536)
        self._state.receive_data(data or None)
        return list(self._state.events())


@contextmanager
def connected(
    note: dict[str, str], query: str = "", headers: Sequence[tuple[str, str]] = (), protocols: Sequence[str] = ()
) -> Iterator[Connection]:
    """A connection to an API of `local.json`. Raises `RefusedError`."""
    url = urlsplit(note["url"])
    with socket.create_connection((url.hostname or "", url.port or 80), timeout=SECONDS) as wire:
        state = WSConnection(ConnectionType.CLIENT)
        extra = [(name.encode(), value.encode()) for name, value in headers]
        wire.sendall(
            state.send(Request(host=note["host_header"], target=url.path + query, subprotocols=list(protocols), extra_headers=extra))
        )
        connection = Connection(wire, state)
        while True:
            for event in connection.received():
                if isinstance(event, RejectConnection):
                    raise RefusedError(event.status_code)
                if isinstance(event, AcceptConnection):
                    yield connection
                    return
