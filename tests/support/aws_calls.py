"""Every AWS call of the process where it leaves botocore: counted, looked into, and answered otherwise where a test asks for it."""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.handlers import BUILTIN_HANDLERS
from moto.core.models import botocore_stubber

Answer = AWSResponse | Exception | None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt at a call, as it would be sent."""

    service: str
    operation: str
    url: str
    body: dict[str, Any]
    thread: threading.Thread = field(default_factory=threading.current_thread, compare=False)
    """The thread itself: a number is given to another thread as soon as one has ended."""

    @property
    def partition(self) -> str:
        """What is read: the partition key that a GetItem or a Query names, and the sort key of a GetItem."""
        values: dict[str, dict[str, str]] = self.body.get("Key") or self.body.get("ExpressionAttributeValues") or {}
        named: list[str] = [value["S"] for _, value in sorted(values.items()) if "S" in value]
        return " ".join(named) if self.operation == "GetItem" else named[0]

    @property
    def is_consistent(self) -> bool:
        """Whether a read is strongly consistent; the default is not."""
        return self.body.get("ConsistentRead") is True


@dataclass(slots=True)
class AwsCalls:
    """What was called, in order, and how many clients were made. `rule` may answer a call in place of AWS."""

    calls: list[Call] = field(default_factory=list)
    clients: int = 0
    rule: Callable[[Call], Answer] | None = None

    @contextlib.contextmanager
    def installed(self) -> Iterator["AwsCalls"]:
        """Listen to all clients of sessions that are made in the meantime."""
        hooks = [("before-send", self._before_send), ("creating-client-class", self._creating_client)]
        before = list(BUILTIN_HANDLERS)
        # botocore asks every listener even if the first has answered, and moto would carry out what a rule refuses: it is asked here instead.
        BUILTIN_HANDLERS[:] = [hook for hook in before if hook[1] is not botocore_stubber] + hooks
        try:
            yield self
        finally:
            BUILTIN_HANDLERS[:] = before

    def take(self) -> list[Call]:
        """The calls since the last time."""
        taken, self.calls = self.calls, []
        return taken

    def operations(self) -> list[str]:
        """The names of the calls since the last time."""
        return [call.operation for call in self.take()]

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        service, operation = event_name.split(".")[1:]
        body = request.body or b"{}"
        sent = body if isinstance(body, str) else body.decode()
        call = Call(service, operation, request.url, json.loads(sent) if sent.startswith("{") else {})
        self.calls.append(call)
        answer = self.rule(call) if self.rule else None
        if isinstance(answer, Exception):
            raise answer
        return botocore_stubber(event_name, request) if answer is None else answer

    def _creating_client(self, **_: Any) -> None:
        self.clients += 1


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def answer(body: dict[str, Any] | bytes, status: int = 200) -> AWSResponse:
    """What AWS would send."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = HTTPHeaders()
    headers["x-amzn-requestid"] = "0"
    return AWSResponse("https://dynamodb.test/", status, headers, _Raw(data))


def error(code: str, status: int = 400, **more: Any) -> AWSResponse:
    """An error that DynamoDB would send."""
    return answer({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}, status)
