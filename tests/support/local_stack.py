"""A local stack of the tests' own, started by the command as a user would, and called over HTTP."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

PASSWORD = "Correct-Horse-7"

GATEBOOK = [sys.executable, "-m", "admin_api.cli"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By their names in lower case."""

    @property
    def json(self) -> Any:
        """The body of an answer that must be JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class LocalStack:
    """A running stack whose state is in `folder`."""

    folder: Path
    port: int

    @property
    def note(self) -> dict[str, Any]:
        """`local.json`, as it is now."""
        value: dict[str, Any] = json.loads((self.folder / ".gatebook" / "local.json").read_text())
        return value

    @property
    def key(self) -> tuple[str, str]:
        """Its access key: id and secret."""
        return self.note["access_key_id"], self.note["secret_access_key"]

    def gatebook(self, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
        """Run the command in the stack's folder."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PERMISSIONS_"))}
        result = subprocess.run(
            [*GATEBOOK, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result

    def start(self) -> None:
        """`gatebook up --detach`."""
        self.gatebook("up", "--detach", "--port", str(self.port))

    def token(self, user: str) -> str:
        """`gatebook token USER`."""
        return self.gatebook("token", user).stdout.strip()

    def client(self, service: str) -> Any:
        """A client of the emulator."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.note["aws_endpoint"],
            region_name=self.note["region"],
            aws_access_key_id=self.key[0],
            aws_secret_access_key=self.key[1],
        )

    def sign_in(self, user: str, password: str, client_id: str | None = None, secret: str | None = None) -> dict[str, str]:
        """Access and ID token, by password and secret hash."""
        from admin_api.cli.commands.local import secret_hash  # noqa: PLC0415  # half a second, which every process of tests would pay

        client_id, secret = client_id or self.note["client_id"], secret or self.note["client_secret"]
        answer = self.client("cognito-idp").initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": user, "PASSWORD": password, "SECRET_HASH": secret_hash(user, client_id, secret)},
        )
        tokens: dict[str, str] = answer["AuthenticationResult"]
        return tokens

    def call(self, api: str, method: str, path: str, *authorization: str) -> Answer:
        """One request with any number of Authorization headers."""
        return self._exchange(api, method, path, [("Authorization", value) for value in authorization], b"")

    def send(
        self, api: str, method: str, path: str, token: str | None = None, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request with a bearer token, a body as JSON, and more headers, each if given."""
        sent = [*(headers or {}).items()]
        sent += [("Authorization", f"Bearer {token}")] if token else []
        sent += [("Content-Type", "application/json")] if body is not None else []
        return self._exchange(api, method, path, sent, b"" if body is None else json.dumps(body).encode())

    def new_user(self, name: str, *groups: str) -> str:
        """Registers a user of these groups, and returns its access token."""
        cognito, pool = self.client("cognito-idp"), self.note["user_pool_id"]
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password=PASSWORD, Permanent=True)
        for group in groups:
            with contextlib.suppress(cognito.exceptions.GroupExistsException):
                cognito.create_group(UserPoolId=pool, GroupName=group)
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName=group)
        return self.sign_in(name, PASSWORD)["AccessToken"]

    def functions(self) -> list[str]:
        """Return the command of each process of a function that this stack has now, and of no other stack's."""
        # Each works in a folder of its own, below the folder for temporary files that the emulator was given.
        below = str(self.folder.resolve() / ".gatebook")
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
        return [line for line in listed.stdout.splitlines() if below in line and line.endswith("/_worker.py")]

    def _exchange(self, api: str, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        note = self.note["apis"][api]
        url = urlsplit(note["url"])
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        try:
            connection.putrequest(method, url.path + path, skip_host=True, skip_accept_encoding=True)
            for name, value in [("Host", note["host_header"]), *headers, ("Content-Length", str(len(body)))]:
                connection.putheader(name, value)
            connection.endheaders(body)
            response = connection.getresponse()
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read().decode(), received)
        finally:
            connection.close()


def until(status: int, request: Callable[[], Answer], seconds: float = 20.0) -> tuple[Answer, float]:
    """Repeats a request until it is answered by this status; that answer, and the seconds it took. Functions may have to start anew meanwhile."""
    started = time.monotonic()
    while (answer := request()).status != status:
        assert time.monotonic() - started < seconds, f"still {answer.status} {answer.body}"
        time.sleep(0.05)
    return answer, time.monotonic() - started


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def kill(pids: Sequence[int]) -> None:
    """`kill -9`."""
    for pid in pids:
        os.kill(pid, 9)
