"""Calls the deployed APIs over HTTP, as any client would."""

import base64
import http.client
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from infra.local.state import Api


@dataclass(frozen=True, slots=True)
class Answer:
    """Status 0: nobody answered."""

    status: int
    body: str
    etag: str = ""

    @property
    def message(self) -> str:
        """The sentence in an error answer of the gateway or the admin API, or the whole body."""
        try:
            parsed = json.loads(self.body)
        except ValueError:
            return self.body
        if isinstance(parsed, dict):
            return str(parsed.get("message") or parsed.get("Message") or parsed.get("detail") or self.body)
        return self.body

    @property
    def json(self) -> Any:
        """The body of an answer that is known to be JSON."""
        return json.loads(self.body)


def call(api: Api, method: str, path: str, token: str | None = None, body: object = None, if_match: str = "") -> Answer:
    """One request, with the token as a bearer token and the body as JSON if there are any."""
    url = urlsplit(api["url"])
    headers = {"Host": api["host_header"]} | ({"Authorization": f"Bearer {token}"} if token else {})
    headers |= ({"Content-Type": "application/json"} if body is not None else {}) | ({"If-Match": if_match} if if_match else {})
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        connection.request(method, url.path + path, None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        return Answer(response.status, response.read().decode("utf-8", "replace"), response.headers.get("ETag", ""))
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error))
    finally:
        connection.close()


def connect(api: Api, token: str | None = None) -> Answer:
    """Asks for a WebSocket connection (RFC 6455 section 4.1) and hangs up: status 101 is a yes."""
    url = urlsplit(api["url"])
    headers = {"Host": api["host_header"], "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    headers |= {"Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode("ascii")} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    try:
        connection.request("GET", url.path, None, headers)
        response = connection.getresponse()
        return Answer(response.status, response.reason)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, str(error))
    finally:
        connection.close()


def call_until(status: int, request: Callable[[], Answer], seconds: float = 15.0) -> tuple[Answer, float]:
    """Repeats `request` until it answers with `status` or time is up; returns the last answer and how long it took."""
    started = time.monotonic()
    while True:
        answer = request()
        elapsed = time.monotonic() - started
        if answer.status == status or elapsed > seconds:
            return answer, elapsed
        time.sleep(0.2)
