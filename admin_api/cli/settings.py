"""Which table the command works on: named on the command line, by the environment, or by the local stack's own note."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NEEDED = ("table", "region", "aws_endpoint", "access_key_id", "secret_access_key")

LOCAL_STATE = Path(".gatebook")
"""Where the local stack keeps its state, below the folder that it was started in."""


class TargetError(Exception):
    """No table is named, or the note of the local stack cannot be read."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table and how to reach it. What is None follows the AWS SDK's own rules."""

    table: str
    region: str | None
    endpoint: str | None
    access_key: tuple[str, str] | None = field(repr=False)
    is_local: bool

    @property
    def key(self) -> str:
        """Return what tells this table from others, without a name or an address in it."""
        return hashlib.sha256("\n".join((self.table, self.region or "", self.endpoint or "")).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        place = f"local stack at {self.endpoint}" if self.is_local else f"region {self.region or 'of the AWS configuration'}"
        return f"table {self.table}, {place}"


AWS = Target("", None, None, None, is_local=False)
"""No table: whatever account and region the AWS SDK's own configuration names."""


def names_file(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return where names for the completion of shells are kept: `$XDG_CACHE_HOME/gatebook/names.json`, or below `~/.cache`. None without a home."""
    environ = os.environ if environ is None else environ
    folder = environ.get("XDG_CACHE_HOME", "")
    try:
        # One that is not absolute does not count (XDG Base Directory Specification).
        return (Path(folder) if Path(folder).is_absolute() else Path.home() / ".cache") / "gatebook" / "names.json"
    except RuntimeError:
        return None


def completing_shell(environ: Mapping[str, str] | None = None) -> str | None:
    """Return the shell that asks for completions in place of a command, as in `bash`. None if a command is to be run."""
    environ = os.environ if environ is None else environ
    return environ.get("_GATEBOOK_COMPLETE", "").rpartition("_")[2] or None


def completed_line(environ: Mapping[str, str] | None = None) -> str:
    """Return the command line that a shell asks to complete."""
    environ = os.environ if environ is None else environ
    return " ".join(environ.get(name, "") for name in ("COMP_WORDS", "_TYPER_COMPLETE_ARGS"))


def read_target(table: str | None, region: str | None, environ: Mapping[str, str] | None = None) -> Target:
    """The command line first, then `PERMISSIONS_TABLE`, then `.gatebook/local.json`. Raises `TargetError`."""
    environ = os.environ if environ is None else environ
    name = table or environ.get("PERMISSIONS_TABLE")
    if not name:
        return local_target(read_local_stack())
    endpoint = environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL")
    if endpoint is not None and not _is_address(endpoint):
        variable = "AWS_ENDPOINT_URL_DYNAMODB" if environ.get("AWS_ENDPOINT_URL_DYNAMODB") else "AWS_ENDPOINT_URL"
        raise TargetError(f"{variable} is `{endpoint}`, which is no address: write it as in `http://localhost:8000`, or unset the variable")
    is_local = endpoint is not None and urlsplit(endpoint).hostname in _LOOPBACK
    return Target(name, region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION"), endpoint, None, is_local)


def _is_address(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def local_target(note: Mapping[str, Any]) -> Target:
    """Return the table of the local stack that left this note."""
    key = note["access_key_id"], note["secret_access_key"]
    return Target(note["table"], note["region"], note["aws_endpoint"], key, is_local=True)


def read_local_stack() -> dict[str, Any]:
    """Return the note that a local stack leaves of itself. Raises `TargetError` if there is none."""
    path = LOCAL_STATE / "local.json"
    try:
        note = json.loads(path.read_text())
        missing = [name for name in _NEEDED if not isinstance(note.get(name), str)]
    except FileNotFoundError:
        raise TargetError(
            f"no table is named: give --table, set PERMISSIONS_TABLE, or start the local stack with `gatebook up` (there is no {path} here)"
        ) from None
    except (ValueError, AttributeError) as error:
        raise TargetError(f"{path} cannot be read ({error}): stop the local stack with `gatebook down` and start it again") from error
    if missing:
        raise TargetError(f"{path} lacks {', '.join(missing)}: stop the local stack with `gatebook down` and start it again")
    return dict(note)


def aws_environment(note: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a program that is to ask the local stack for AWS, without a trace of the user's own AWS settings."""
    environ = os.environ if environ is None else environ
    kept = {name: value for name, value in environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ACCESS_KEY_ID": note["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": note["secret_access_key"],
        "AWS_REGION": note["region"],
        "AWS_DEFAULT_REGION": note["region"],
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1,localhost",
    }
