"""Checks the whole history of an API against what the table holds now."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from admin_api.table.history import Written
from admin_api.table.version_record import Origin, VersionRecord
from authorizer.table.records import Head


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check of the history found. `damaged` names items that were altered or lost; `expected_at` is the version with the hash that was asked for."""

    head: Head
    damaged: tuple[str, ...]
    expected_at: int | None


class Verifiable(Protocol):
    """A history with what its versions wrote: a table's, or that of a copy."""

    def read_records(self, api: str, head: Head) -> Iterator[VersionRecord]:
        """Yield the records from `head` down to the first. Raises `TroubleError` where the chain is broken."""

    def damaged_items(self, record: VersionRecord) -> Iterator[str]:
        """Yield what a version wrote and is gone or holds something else."""

    def unrecorded_items(self, api: str, head: Head, written: Written, now: float) -> Iterator[str]:
        """Yield what is there and no version wrote."""


def verify_history(
    history: Verifiable, api: str, head: Head, *, now: float, expected: str | None = None, on_version: Callable[[], object] = lambda: None
) -> Verification:
    """Follow the chain of hashes from `head` to version 1 and hold every item that it names against the table.

    `expected` is the beginning of a hash that was kept elsewhere, as in `3f9a01bc`. `on_version` is called after each version. Raises `TroubleError` where
    the chain is broken. One Query for each 50 versions, and one GetItem for each item that they wrote.
    """
    damaged: list[str] = []
    found = None
    written = Written()
    after: VersionRecord | None = None
    for record in history.read_records(api, head):
        if after is not None and not _follows(after, record):
            damaged.append(f"version {after.version}: its origin is not what the versions before it say")
        after = record
        written.add(record)
        damaged += [f"version {record.version}: {key}" for key in history.damaged_items(record)]
        if expected and record.hash.startswith(expected.lower()):
            found = record.version
        on_version()
    if after is not None and after.origin not in (None, Origin(1, "", 0), Origin(1, "", 1)):
        damaged.append(f"version {after.version}: its origin is not itself")
    damaged += history.unrecorded_items(api, head, written, now)
    return Verification(head, tuple(damaged), found)


def _follows(record: VersionRecord, before: VersionRecord) -> bool:
    """Return whether a record's origin is what the record before it leads to."""
    origin, known = record.origin, before.origin
    if origin is None or known is None:
        # Earlier releases say nothing.
        return True
    if record.denylist is None:
        return origin in (Origin(record.version, "", record.version), Origin(record.version, "", known.file))
    document = (before.version, before.hash) if before.denylist is None else (known.document, known.document_hash)
    return (origin.document, origin.document_hash) == document and origin.file == known.file
