"""Calls the probe's APIs. A path goes out as it is written: no library normalises it."""

import base64
import http.client
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from infra.probe.questions import Answer, Api, Call, Question

_SECONDS = 45
_ATTEMPTS = 4
_THROTTLED = 429


class CallError(Exception):
    """An API did not answer; the message names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an API is: `https://a1b2.execute-api.eu-west-1.amazonaws.com`, and what to write into the header `Host`, "" for the address's own."""

    url: str
    host: str = ""


class Caller:
    """Asks questions of the APIs at their places. `key` is what the function wants to hear; `sleep` waits some seconds."""

    def __init__(self, places: Mapping[Api, Place], key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._places = places
        self._key = key
        self._sleep = sleep

    def ask(self, question: Question) -> tuple[Answer, ...]:
        """Return the answers to a question's calls. Raises `CallError`."""
        run = secrets.token_hex(8)
        answers = []
        for call in question.calls:
            self._sleep(call.wait)
            answers.append(self._call(question.api, call, f"{run}-{call.token}"))
        return tuple(answers)

    def is_ready(self, api: Api) -> bool:
        """Return whether an API lets through what its authorizer allows. One that was just deployed may refuse for two minutes."""
        path = {Api.REST: "/ready", Api.HTTP: "/two/ready", Api.WEBSOCKET: ""}[api]
        try:
            answer = self._call(api, Call(path, {"resource": "any"}), secrets.token_hex(8))
        except CallError:
            return False
        return answer.status in (200, 101)

    def _call(self, api: Api, call: Call, token: str) -> Answer:
        for attempt in range(_ATTEMPTS):
            answer = self._once(api, call, token)
            if answer.status != _THROTTLED:
                return answer
            self._sleep(2**attempt)
        raise CallError(f"the {api} API throttles every call: ask again when the account has less to do")

    def _once(self, api: Api, call: Call, token: str) -> Answer:
        place = self._places[api]
        parts = urlsplit(place.url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(parts.netloc, timeout=_SECONDS)
        headers = {"Authorization": token, "x-probe": json.dumps(call.order), "x-probe-key": self._key}
        headers |= {"Host": place.host} if place.host else {}
        if api is Api.WEBSOCKET:
            # RFC 6455 section 4.1.
            nonce = base64.b64encode(secrets.token_bytes(16)).decode()
            headers |= {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": nonce}
        begun = time.monotonic()
        try:
            connection.request("GET", f"{parts.path}{call.path}", headers=headers)
            response = connection.getresponse()
            body = b"" if response.status == http.client.SWITCHING_PROTOCOLS else response.read()
        except (OSError, http.client.HTTPException) as error:
            raise CallError(f"the {api} API does not answer: {str(error) or type(error).__name__}") from error
        finally:
            connection.close()
        return Answer(response.status, _told(body) if response.status == http.client.OK else {}, time.monotonic() - begun)


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
