"""The only code that writes to the permission table.

A change is one transaction: the new rows under the next version, the version's record, and the head moved on the condition that it is still where the
change started from. Rows are never changed, so a reader at any version keeps what it reads, and nothing is ever lost.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pynamodb.exceptions import TableDoesNotExist, TransactWriteError
from pynamodb.transactions import TransactWrite

from authorizer import permission_table as table
from authorizer import table_keys as keys
from authorizer.errors import TroubleError
from authorizer.permission_table import Head, HeadItem, RegistryItem, RowItem, TableItem, Touched, VersionItem, VersionRecord
from authorizer.policy.document import PermissionDocument, Subject
from authorizer.policy.permission import PrincipalRef

MAX_ITEMS = 100
"""Items that one transaction may have (DynamoDB developer guide, "Service, account, and table quotas"). Two are the record and the head."""

MAX_CONTENT_BYTES = 390_000
"""Content that one row may have: an item's 400 KB less its keys and names."""

MAX_CHANGE_BYTES = 3_700_000
"""Content that all rows of one change may have: a transaction's 4 MB less keys, names and the record."""

MAX_CHANGES = 500
MAX_CHANGES_BYTES = 150_000
"""Sentences on access that a record keeps, and their size; a larger change says how many more there were. A record is an item too, with its 400 KB."""

_LOST_RACE = ("ConditionalCheckFailed", "TransactionConflict")
_UNDECIDED = ("InternalServerError", "ServiceUnavailable", "TransactionInProgressException")
"""Answers after which a change may be written all the same (DynamoDB API reference, TransactWriteItems, and its errors of status 500)."""


class ConflictError(Exception):
    """Somebody else published first. Nothing was written."""


class ChangeTooLargeError(Exception):
    """The change does not fit into one transaction. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Published:
    """One API's document at its newest version, and every subject that ever was."""

    head: Head
    document: PermissionDocument
    known: frozenset[PrincipalRef]


@dataclass(frozen=True, slots=True)
class Change:
    """Rows to write: content by key, None where a subject is removed; subjects that are new; and what the record shall say."""

    api: str
    base: Head | None
    rows: Mapping[str, str | None]
    new_subjects: frozenset[PrincipalRef]
    author: str
    on_behalf_of: str | None
    reason: str
    changes: tuple[str, ...]


def row_contents(document: PermissionDocument) -> dict[str, str]:
    """Every row of a document: what each key would hold."""
    contents = {keys.routes_key(document.api): table.routes_content(document.enforced, document.catalog)}
    for ref, subject in document.subjects.items():
        contents[keys.subject_key(document.api, ref)] = table.subject_content(subject, document.ancestors(ref))
    return contents


def read_published(api: str) -> Published | None:
    """The newest document, all of one version, or None if there is none. Costs one GetItem and a Query for the registry, the routes and each subject."""
    head = table.read_head(api, consistent=True)
    if head is None:
        return None
    routes = table.read_routes(api, head.version)
    if routes is None:
        raise TroubleError("unreadable_row", f"API `{api}` has version {head.version} but no catalogue")
    known = table.read_known_subjects(api)
    subjects: dict[PrincipalRef, Subject] = {}
    for ref in sorted(known):
        row = table.read_subject(api, ref, head.version)
        if row.subject is not None:
            subjects[ref] = row.subject
    return Published(head, PermissionDocument(api, routes.catalog, subjects, routes.enforced), known)


def read_history(api: str, newest: int, page: int = 50) -> Iterator[VersionRecord]:
    """The records from `newest` down to the first, read page by page as they are asked for."""
    while newest > 0:
        oldest = max(newest - page, 0)
        yield from reversed(table.read_versions(api, oldest, newest))
        newest = oldest


def publish(change: Change, now: float) -> Head:
    """Write a change as the next version. Raises `ConflictError`, `ChangeTooLargeError` or `TroubleError`; then nothing was written.

    If the answer of DynamoDB is lost, `TroubleError` says that the outcome is unknown.
    """
    version = (change.base.version if change.base else 0) + 1
    items = _items(change, version)
    record = _record(change, version, items, now)
    count = len(items) + 2
    if count > MAX_ITEMS:
        raise ChangeTooLargeError(
            f"the change writes {count} items, and a transaction takes {MAX_ITEMS}: publish it in steps, some groups, clients or scopes at a time"
        )
    total = 0
    for item in items:
        size = len((getattr(item, "content", None) or "").encode())
        total += size
        if size > MAX_CONTENT_BYTES:
            raise ChangeTooLargeError(
                f"`{item.pk}` would hold {size} bytes, and an item takes {MAX_CONTENT_BYTES}: use selectors instead of single routes"
            )
    if total > MAX_CHANGE_BYTES:
        raise ChangeTooLargeError(f"the change writes {total} bytes, and a transaction takes {MAX_CHANGE_BYTES}: publish it in steps")
    _write(change.base, items, record, change.api)
    return Head(record.version, record.hash)


def _items(change: Change, version: int) -> list[TableItem]:
    rows: list[TableItem] = [
        RowItem(pk=key, sk=keys.number(version), schema=table.SCHEMA, content=content) for key, content in sorted(change.rows.items())
    ]
    return rows + [
        RegistryItem(pk=keys.api_key(change.api), sk=keys.registry_sort_key(ref), schema=table.SCHEMA, kind=ref.kind.value, name=ref.name)
        for ref in sorted(change.new_subjects)
    ]


def _record(change: Change, version: int, items: list[TableItem], now: float) -> VersionRecord:
    record = VersionRecord(
        version=version,
        author=change.author,
        on_behalf_of=change.on_behalf_of,
        reason=change.reason,
        time=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        changes=_as_many_as_fit(change.changes),
        touched=tuple(Touched(item.pk, item.sk, table.digest(_attributes(item))) for item in items),
        parent_hash=change.base.hash if change.base else "",
        hash="",
    )
    return replace(record, hash=record_hash(change.api, record))


def _as_many_as_fit(changes: tuple[str, ...]) -> tuple[str, ...]:
    size = 0
    for kept, sentence in enumerate(changes):
        size += len(sentence.encode())
        if kept == MAX_CHANGES or size > MAX_CHANGES_BYTES:
            return (*changes[:kept], f"and {len(changes) - kept} changes more")
    return changes


def _attributes(item: TableItem) -> dict[str, Any]:
    return {name: getattr(item, name) for name in sorted(item.get_attributes()) if getattr(item, name) is not None}


def record_hash(api: str, record: VersionRecord) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of all that the record says, and so over the items that it names and over its parent."""
    return table.digest(
        {
            "api": api,
            "version": record.version,
            "parent_hash": record.parent_hash,
            "author": record.author,
            "on_behalf_of": record.on_behalf_of,
            "reason": record.reason,
            "time": record.time,
            "changes": record.changes,
            "touched": [[t.pk, t.sk, t.sha256] for t in record.touched],
        }
    )


def _write(base: Head | None, items: list[TableItem], record: VersionRecord, api: str) -> None:
    partition = keys.api_key(api)
    version_item = VersionItem(
        pk=partition,
        sk=keys.VERSION_PREFIX + keys.number(record.version),
        schema=table.SCHEMA,
        author=record.author,
        on_behalf_of=record.on_behalf_of,
        reason=record.reason,
        time=record.time,
        changes=table.canonical_json(record.changes),
        touched=table.canonical_json([[t.pk, t.sk, t.sha256] for t in record.touched]),
        parent_hash=record.parent_hash,
        hash=record.hash,
    )
    unmoved = HeadItem.version.does_not_exist() if base is None else (HeadItem.version == base.version) & (HeadItem.hash == base.hash)
    try:
        with TransactWrite(connection=TableItem._get_connection().connection) as transaction:
            for item in items:
                # The registry's entries are alike whoever writes them; everything else is written once.
                transaction.save(item, condition=None if isinstance(item, RegistryItem) else type(item).pk.does_not_exist())
            transaction.save(version_item, condition=VersionItem.pk.does_not_exist())
            transaction.update(
                HeadItem(pk=partition, sk=keys.HEAD),
                actions=[
                    HeadItem.schema.set(table.SCHEMA),
                    HeadItem.version.set(record.version),
                    HeadItem.hash.set(record.hash),
                    HeadItem.updated_at.set(record.time),
                ],
                condition=unmoved,
            )
    except TransactWriteError as error:
        raise _write_error(error, api) from error
    except TableDoesNotExist as error:
        raise TroubleError("no_table", f"table `{TableItem.Meta.table_name}` does not exist") from error


def _write_error(error: TransactWriteError, api: str) -> Exception:
    codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
    code = table.error_code(error)
    if codes & set(_LOST_RACE) or code == "TransactionConflictException":
        return ConflictError(f"API `{api}` was changed by somebody else in the meantime: plan again to see both changes together")
    if code is None or code in _UNDECIDED:
        said = "no answer came from DynamoDB" if code is None else f"DynamoDB said {code}"
        return TroubleError("outcome_unknown", f"{said}, the change to `{api}` may be written or not: plan again to see")
    if code == "ResourceNotFoundException":
        return TroubleError("no_table", f"table `{TableItem.Meta.table_name}` does not exist")
    return TroubleError("dynamodb_unavailable", f"DynamoDB refused the change to `{api}`: {', '.join(sorted(codes)) or code}")
