"""Names of APIs, groups, scopes and routes as they were last read of a table, kept in a file: a shell completes words without asking AWS.

Imported at each press of the tabulator key, so it imports little.
"""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

SCHEMA = 1

MAX_BYTES = 256 * 1024
"""What the file may take. Beyond that the APIs that were read longest ago are forgotten."""

MAX_NAMES = 1000
"""Names that are kept of one kind and API. Nobody chooses among more."""


@dataclass(frozen=True, slots=True)
class ApiNames:
    """The names that a document uses: groups and scopes as tokens have them, routes as in `GET /pets`."""

    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


_NOTICED: ContextVar[dict[tuple[str, str], ApiNames] | None] = ContextVar("noticed", default=None)


def notice(target: str, api: str, names: ApiNames) -> None:
    """Note the names of an API that the command at hand read. Does nothing outside of `remembering`."""
    noticed = _NOTICED.get()
    if noticed is not None:
        noticed[target, api] = names


@contextlib.contextmanager
def remembering(path: Path | None) -> Iterator[None]:
    """Run a command, and keep in this file what it noticed, also if it fails later. None keeps nothing, and so does a file that cannot be written."""
    noticed: dict[tuple[str, str], ApiNames] = {}
    token = _NOTICED.set(noticed)
    try:
        yield
    finally:
        _NOTICED.reset(token)
        if noticed and path is not None:
            with contextlib.suppress(OSError):
                keep_names(path, noticed, time.time())


def keep_names(path: Path, noticed: Mapping[tuple[str, str], ApiNames], now: float) -> None:
    """Add names, by target and API, to what the file holds of others. It is replaced as a whole, and nobody else may read it. Raises `OSError`."""
    held = _read(path)
    for (target, api), names in noticed.items():
        cut = {kind: list(each)[:MAX_NAMES] for kind, each in asdict(names).items()}
        held.setdefault(target, {})[api] = {"read": int(now), **cut}
    text = _text(held)
    while len(text.encode()) > MAX_BYTES:
        target, api = min(
            ((target, api) for target, apis in held.items() for api in apis), key=lambda place: held[place[0]][place[1]]["read"]
        )
        del held[target][api]
        text = _text(held)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made for its owner alone, and in the same folder, so that it takes the file's place at once.
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(made).replace(path)
    except OSError:
        Path(made).unlink(missing_ok=True)
        raise


def read_names(path: Path | None, target: str) -> dict[str, ApiNames]:
    """Return the names by API of a target. None for a file that is missing or damaged: whoever completes a word can do without."""
    if path is None:
        return {}
    apis = _read(path).get(target, {})
    return {api: ApiNames(**{kind.name: tuple(names[kind.name]) for kind in fields(ApiNames)}) for api, names in sorted(apis.items())}


def _text(held: dict[str, dict[str, Any]]) -> str:
    return json.dumps({"schema": SCHEMA, "targets": held}, ensure_ascii=False, separators=(",", ":"))


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return what the file holds, by target and API, without whatever is not as `keep_names` writes it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return {}
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            return {}
        return {target: {api: names for api, names in apis.items() if _is_whole(names)} for target, apis in found["targets"].items()}
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return {}


def _is_whole(names: Any) -> bool:
    lists = [names[kind.name] for kind in fields(ApiNames)]
    return isinstance(names["read"], int) and all(isinstance(each, list) and all(isinstance(name, str) for name in each) for each in lists)
