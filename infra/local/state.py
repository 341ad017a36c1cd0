"""What the local stack keeps between runs: the state folder, its lock, and `local.json`, by which other programs find the stack."""

import contextlib
import fcntl
import json
import os
import secrets
import string
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NotRequired, TypedDict

LOCK_PATIENCE_SECONDS = 3.0


class LocalStackError(Exception):
    """The local stack cannot go on; the message says what to do."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What signs requests to the emulator. It runs code for whoever has the secret."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls) -> "AccessKey":
        """Return a random key in the form of AWS's own."""
        letters = string.ascii_uppercase + "234567"
        return cls("AKIA" + "".join(secrets.choice(letters) for _ in range(16)), secrets.token_hex(20))


class Api(TypedDict):
    """How an API is called: `url` includes the stage; `host_header` because `*.localhost` does not resolve everywhere."""

    url: str
    host_header: str


class User(TypedDict):
    """Made up for this machine alone, hence with the password in plain text."""

    password: str
    groups: list[str]


class Local(TypedDict):
    """`local.json`. What does not exist is left out."""

    aws_endpoint: str
    access_key_id: str
    secret_access_key: str
    region: str
    table: str
    user_pool_id: str
    client_id: str
    client_secret: str
    issuer: str
    jwks_uri: str
    apis: dict[str, Api]
    users: dict[str, User]
    console_client_id: NotRequired[str]
    console: NotRequired[str]


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder (`.gatebook`) and the names in it."""

    root: Path

    @property
    def local_file(self) -> Path:
        return self.root / "local.json"

    @property
    def emulator(self) -> Path:
        """The emulator's saved state."""
        return self.root / "ministack"

    @property
    def emulator_log(self) -> Path:
        return self.root / "ministack.log"

    @property
    def scratch(self) -> Path:
        """Emptied at each start: unpacked functions of a run that was killed would pile up otherwise."""
        return self.root / "tmp"

    @property
    def lock_file(self) -> Path:
        """Holds the process number of the running stack."""
        return self.root / "lock"

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Yields the descriptor of the lock; whoever inherits it holds the lock too. Raises LocalStackError if it is taken."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._acquire(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield descriptor
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def _acquire(self, descriptor: int) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                # The emulator of a stack that was killed holds it for a moment, until it has saved.
                if time.monotonic() >= deadline:
                    holder = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
                    raise LocalStackError(
                        f"a local stack with the state in `{self.root}` runs already (process {holder}); stop it with Ctrl-C or "
                        f"`kill {holder}`, or start another beside it with `--state-dir` and `--port`"
                    ) from None
                time.sleep(0.1)
            else:
                return

    def read_local(self) -> Local | None:
        """Return what the last run wrote, or None if there was none or it cannot be read."""
        try:
            local: Local = json.loads(self.local_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return local

    def access_key(self) -> AccessKey:
        """Return the key of this stack, or a new one where there is none yet: who exported it in a shell goes on after a restart."""
        local = self.read_local()
        try:
            return AccessKey(local["access_key_id"], local["secret_access_key"]) if local else AccessKey.new()
        except KeyError:
            return AccessKey.new()

    def write_local(self, local: Local) -> None:
        """Replaces `local.json` in one step; it holds passwords and the access key, so only its owner may read it."""
        partial = self.local_file.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(local, file, indent=2)
            file.write("\n")
        partial.replace(self.local_file)
