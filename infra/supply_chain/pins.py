"""The versions that a lock file pins."""

import re
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins_of(*lock_files: Path) -> dict[NormalizedName, set[Version]]:
    """Return the versions of each package that the lock files pin, by its normal name: `boolean.py==5.0` -> `boolean-py`. Raises `OSError`."""
    pins: dict[NormalizedName, set[Version]] = {}
    for name, version in _pins(lock_files):
        pins.setdefault(canonicalize_name(name), set()).add(Version(version))
    return pins


def _pins(lock_files: tuple[Path, ...]) -> Iterator[tuple[str, str]]:
    for file in lock_files:
        yield from _PIN.findall(file.read_text(encoding="utf-8"))
