"""The record of one version: what it says, and the hash that chains it to the one before."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from authorizer.table.digests import canonical_json, digest, item_digest
from authorizer.table.fields import text_of, texts_of
from authorizer.table.items import TableItem, VersionItem
from authorizer.table.reader import link_fields
from authorizer.table.records import DenylistChange, Head, Touched, VersionLink

MAX_CHANGES = 500
MAX_CHANGES_BYTES = 150_000
"""Sentences on access that a record keeps, and their size; a larger change says how many more there were. A record is an item too, with its 400 KB."""


@dataclass(frozen=True, slots=True)
class SeriesPart:
    """Part `number` of `total` of one change that no single transaction can hold. `base` is the version that the series started from."""

    id: str
    number: int
    total: int
    base: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where what a version shows comes from, so that nobody has to walk back for it.

    `document` is the newest version up to this one that changed the document, with its hash unless that is this one; `file` the newest one that was applied
    from a file, 0 if none was. No hash covers it, so that earlier releases can verify the history; it is held against the records themselves instead.
    """

    document: int
    document_hash: str
    file: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord(VersionLink):
    """One entry of the history. `time` is RFC 3339 in UTC; `changes` are sentences. Versions of earlier releases have no `origin`."""

    author: str
    on_behalf_of: str | None
    reason: str
    time: str
    changes: tuple[str, ...]
    series: SeriesPart | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Base:
    """What a change starts from: the head, and its record, None if that cannot be read."""

    head: Head
    record: VersionRecord | None


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who makes a change and why. `on_behalf_of` is said by the author and proven by nobody; `from_file` tells that it was applied from a file."""

    author: str
    reason: str
    on_behalf_of: str | None = None
    from_file: bool = False


def new_record(
    api: str,
    base: Base | None,
    items: Iterable[TableItem],
    by: Authorship,
    changes: tuple[str, ...],
    now: float,
    *,
    series: SeriesPart | None = None,
    denylist: DenylistChange | None = None,
) -> VersionRecord:
    """Return the record of the version after `base` that writes `items`, with its hash."""
    version = (base.head.version if base else 0) + 1
    record = VersionRecord(
        version=version,
        author=by.author,
        on_behalf_of=by.on_behalf_of,
        reason=by.reason,
        time=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        changes=_as_many_as_fit(changes),
        touched=tuple(Touched(item.pk, item.sk, item_digest(item)) for item in items),
        parent_hash=base.head.hash if base else "",
        hash="",
        series=series,
        denylist=denylist,
        origin=_origin(base, version, denylist, from_file=by.from_file),
    )
    return replace(record, hash=record_hash(api, record))


def _origin(base: Base | None, version: int, denylist: DenylistChange | None, *, from_file: bool) -> Origin | None:
    record = base.record if base else None
    before = record.origin if record else None
    file = version if from_file else before.file if before else 0
    if denylist is None:
        return Origin(version, "", file)
    if base is None or record is None:
        return None
    if record.denylist is None:
        return Origin(base.head.version, base.head.hash, file)
    # None if an earlier release wrote the base: which version changed the document is to be found by walking.
    return before


def parse_record(item: VersionItem) -> VersionRecord:
    """Return what the item of a version says. Raises `ValueError`, `TypeError` or `KeyError` for an item that says something else."""
    series: str | None = item.series
    origin: str | None = item.origin
    return VersionRecord(
        **link_fields(item),
        author=text_of(item.author),
        on_behalf_of=item.on_behalf_of,
        reason=text_of(item.reason),
        time=text_of(item.time),
        changes=texts_of(json.loads(text_of(item.changes))),
        series=None if series is None else _series(json.loads(text_of(series))),
        origin=None if origin is None else _read_origin(json.loads(text_of(origin))),
    )


def _read_origin(fields: Any) -> Origin:
    return Origin(int(fields["document"]), text_of(fields["document_hash"]), int(fields["file"]))


def _series(fields: Any) -> SeriesPart:
    return SeriesPart(text_of(fields["id"]), int(fields["number"]), int(fields["total"]), int(fields["base"]))


def record_hash(api: str, record: VersionRecord) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of all that the record says, and so over the items that it names and over its parent."""
    content: dict[str, Any] = {
        "api": api,
        "version": record.version,
        "parent_hash": record.parent_hash,
        "author": record.author,
        "on_behalf_of": record.on_behalf_of,
        "reason": record.reason,
        "time": record.time,
        "changes": record.changes,
        "touched": touched_fields(record),
    }
    content |= {name: json.loads(text) for name, text in optional_fields(record).items()}
    return digest(content)


def optional_fields(record: VersionRecord) -> dict[str, str]:
    """Return the JSON of what only some records have."""
    parts = {"series": record.series, "denylist": record.denylist}
    return {name: canonical_json(asdict(part)) for name, part in parts.items() if part is not None}


def origin_field(record: VersionRecord) -> str | None:
    """Return the JSON of a record's origin, None if it has none."""
    return None if record.origin is None else canonical_json(asdict(record.origin))


def touched_fields(record: VersionRecord) -> list[list[str]]:
    """Return the items that a version wrote: key and digest of each."""
    return [[t.pk, t.sk, t.sha256] for t in record.touched]


def _as_many_as_fit(changes: tuple[str, ...]) -> tuple[str, ...]:
    size = 0
    for kept, sentence in enumerate(changes):
        size += len(sentence.encode())
        if kept == MAX_CHANGES or size > MAX_CHANGES_BYTES:
            return (*changes[:kept], f"and {len(changes) - kept} changes more")
    return changes
