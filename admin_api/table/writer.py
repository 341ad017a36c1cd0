"""The only code that writes to the permission table.

A change is one transaction: the new rows under the next version, the version's record, and the head moved on the condition that it is still where the
change started from. Rows are never changed, so a reader at any version keeps what it reads, and nothing is ever lost.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.exceptions import DoesNotExist, PutError, TableDoesNotExist, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from admin_api.table.version_record import (
    Authorship,
    Base,
    SeriesPart,
    VersionRecord,
    new_record,
    optional_fields,
    origin_field,
    touched_fields,
)
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistEntry, DenylistKind
from authorizer.policy.document import PermissionDocument, Subject, format_routes, format_rules, format_subject
from authorizer.policy.permission import PrincipalRef
from authorizer.policy.route import RouteCatalog
from authorizer.table import keys
from authorizer.table.digests import canonical_json
from authorizer.table.items import SCHEMA, ApiItem, DenylistItem, HeadItem, RegistryItem, RowItem, TableItem, VersionItem
from authorizer.table.reader import PermissionTable, error_code
from authorizer.table.records import DenylistChange, Head

MAX_ITEMS = 100
"""Items that one transaction may have (DynamoDB developer guide, "Service, account, and table quotas")."""

MAX_WRITTEN = MAX_ITEMS - 4
"""Rows and registry entries of one version: the rest is for the record, the head, a new API's name and the answer to a request."""

MAX_CONTENT_BYTES = 390_000
"""Content that one row may have: an item's 400 KB less its keys and names."""

MAX_CHANGE_BYTES = 3_300_000
"""Content that all rows of one version may have: a transaction's 4 MB less keys, names, the record and the answer to a request."""

_LOST_RACE = ("ConditionalCheckFailed", "TransactionConflict")
_UNDECIDED = ("InternalServerError", "ServiceUnavailable", "TransactionInProgressException")
"""Answers after which a change may be written all the same (DynamoDB API reference, TransactWriteItems, and its errors of status 500)."""


class IdempotencyItem(TableItem):
    """The answer to a request that was carried out, written in the same transaction as its change."""

    fingerprint = UnicodeAttribute()
    answer = UnicodeAttribute()
    expires_at = NumberAttribute()


class ConflictError(Exception):
    """Somebody else published first. Nothing was written."""


class ChangeTooLargeError(Exception):
    """One row of the change is larger than an item may be, so that no series of versions can hold it. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """Rows to write: content by key, None where a subject is removed; subjects that are new; and what the record shall say."""

    api: str
    base: Base | None
    rows: Mapping[str, str | None]
    new_subjects: frozenset[PrincipalRef]
    by: Authorship
    changes: tuple[str, ...]
    series: SeriesPart | None = None


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The answer to a request with an idempotency key. `fingerprint` tells whether a later request is the same."""

    key: str
    fingerprint: str
    text: str
    expires_at: int


AnswerFor = Callable[[Head], StoredAnswer]
"""Makes the answer to store from the version that the change becomes."""


def row_contents(document: PermissionDocument) -> dict[str, str]:
    """Return every row of a document: what each key would hold."""
    contents = {keys.routes_key(document.api): routes_content(document.enforced, document.catalog)}
    for ref, subject in document.subjects.items():
        contents[keys.subject_key(document.api, ref)] = subject_content(subject, document.ancestors(ref))
    if document.rules:
        contents[keys.rules_key(document.api)] = canonical_json(format_rules(document.rules))
    return contents


class TableWriter:
    """Writes to one table."""

    def __init__(self, table: PermissionTable) -> None:
        self._table = table

    def publish(self, change: Change, now: float, answer_for: AnswerFor | None = None) -> Base:
        """Write a change, which must fit into one transaction, as the next version.

        Raises `ConflictError`, `ChangeTooLargeError` or `TroubleError`; then nothing was written. If the answer of DynamoDB is lost, `TroubleError` says that
        the outcome is unknown. With `answer_for` the answer to the request is written in the same transaction.
        """
        version = (change.base.head.version if change.base else 0) + 1
        check_rows(change.rows)
        items = self._items(change, version)
        record = new_record(change.api, change.base, items, change.by, change.changes, now, series=change.series)

        def write(transaction: TransactWrite) -> None:
            for item in items:
                # The registry's entries are alike whoever writes them; everything else is written once.
                transaction.save(item, condition=None if isinstance(item, RegistryItem) else type(item).pk.does_not_exist())

        return self._commit(change.api, change.base.head if change.base else None, record, now, write, answer_for)

    def add_entry(self, api: str, base: Base, entry: DenylistEntry, by: Authorship, now: float) -> Base:
        """Write an entry of the denylist, whose `version` is the one after `base`, as a version. Raises what `publish` raises."""
        item = self._denylist_item(api, entry)
        change = DenylistChange(entry.kind, entry.value, entry.expires_at)
        sentence = f"tokens with {entry.kind} {entry.value} are refused"
        record = new_record(api, base, [item], by, (sentence,), now, denylist=change)
        return self._commit(api, base.head, record, now, lambda transaction: transaction.save(item))

    def remove_entry(self, api: str, base: Base, kind: DenylistKind, value: str, by: Authorship, now: float) -> Base:
        """Remove an entry of the denylist as a version. Raises what `publish` raises; an entry that is gone in the meantime is a conflict too."""
        key = self._table.items(DenylistItem)(pk=keys.denylist_key(api), sk=keys.denylist_sort_key(kind, value))
        sentence = f"tokens with {kind} {value} are no longer refused"
        record = new_record(api, base, [], by, (sentence,), now, denylist=DenylistChange(kind, value, None))
        return self._commit(api, base.head, record, now, lambda transaction: transaction.delete(key, condition=DenylistItem.pk.exists()))

    def read_answer(self, api: str, key: str, now: float) -> StoredAnswer | None:
        """Return the answer that was stored under an idempotency key and has not expired, or None. One GetItem, consistent."""
        pk = keys.idempotency_key(api)
        with self._table.trouble(pk):
            try:
                item = self._table.items(IdempotencyItem).get(pk, keys.escape(key), consistent_read=True)
            except DoesNotExist:
                return None
            expires_at = int(item.expires_at)
        if expires_at <= now:
            return None
        return StoredAnswer(key, item.fingerprint, item.answer, expires_at)

    def keep_answer(self, api: str, answer: StoredAnswer, now: float) -> None:
        """Store the answer to a request that had nothing to change. One PutItem. Raises `ConflictError` if its key has an answer already."""
        item = self._idempotency_item(api, answer)
        with self._table.trouble(item.pk):
            try:
                item.save(condition=_unanswered(now))
            except PutError as error:
                if error_code(error) == "ConditionalCheckFailedException":
                    raise ConflictError(f"key `{answer.key}` was answered in the meantime") from error
                raise

    def _commit(
        self,
        api: str,
        base: Head | None,
        record: VersionRecord,
        now: float,
        write: Callable[[TransactWrite], None],
        answer_for: AnswerFor | None = None,
    ) -> Base:
        """Write the record, move the head from `base` to it, and whatever `write` adds: all of it or nothing."""
        stamp = record.version if record.denylist is not None else (base.denylist_stamp if base else 0)
        head = Head(record.version, record.hash, stamp)
        unmoved = HeadItem.version.does_not_exist() if base is None else (HeadItem.version == base.version) & (HeadItem.hash == base.hash)
        actions: list[Action] = [
            HeadItem.schema.set(SCHEMA),
            HeadItem.version.set(record.version),
            HeadItem.hash.set(record.hash),
            HeadItem.updated_at.set(record.time),
        ]
        if record.denylist is not None:
            actions.append(HeadItem.denylist_stamp.set(record.version))
        try:
            with TransactWrite(connection=self._table.connection) as transaction:
                write(transaction)
                transaction.save(self._version_item(api, record), condition=VersionItem.pk.does_not_exist())
                transaction.update(self._table.items(HeadItem)(pk=keys.api_key(api), sk=keys.HEAD), actions=actions, condition=unmoved)
                if base is None:
                    transaction.save(self._table.items(ApiItem)(pk=keys.APIS, sk=keys.escape(api), schema=SCHEMA, name=api))
                if answer_for is not None:
                    transaction.save(self._idempotency_item(api, answer_for(head)), condition=_unanswered(now))
        except TransactWriteError as error:
            raise _write_error(
                error, self._table.name, api, record.version, answered=answer_for is not None, is_document=record.denylist is None
            ) from error
        except TableDoesNotExist as error:
            raise TroubleError("no_table", f"table `{self._table.name}` does not exist") from error
        return Base(head, record)

    def _items(self, change: Change, version: int) -> list[TableItem]:
        rows: list[TableItem] = [
            self._table.items(RowItem)(pk=key, sk=keys.number(version), schema=SCHEMA, content=content)
            for key, content in sorted(change.rows.items())
        ]
        return rows + [
            self._table.items(RegistryItem)(
                pk=keys.api_key(change.api), sk=keys.registry_sort_key(ref), schema=SCHEMA, kind=ref.kind.value, name=ref.name
            )
            for ref in sorted(change.new_subjects)
        ]

    def _denylist_item(self, api: str, entry: DenylistEntry) -> DenylistItem:
        return self._table.items(DenylistItem)(
            pk=keys.denylist_key(api),
            sk=keys.denylist_sort_key(entry.kind, entry.value),
            schema=SCHEMA,
            kind=entry.kind.value,
            value=entry.value,
            reason=entry.reason,
            author=entry.author,
            version=entry.version,
            issued_before=entry.issued_before,
            expires_at=entry.expires_at,
        )

    def _version_item(self, api: str, record: VersionRecord) -> VersionItem:
        return self._table.items(VersionItem)(**version_fields(api, record))

    def _idempotency_item(self, api: str, answer: StoredAnswer) -> IdempotencyItem:
        return self._table.items(IdempotencyItem)(
            pk=keys.idempotency_key(api),
            sk=keys.escape(answer.key),
            schema=SCHEMA,
            fingerprint=answer.fingerprint,
            answer=answer.text,
            expires_at=answer.expires_at,
        )


def version_fields(api: str, record: VersionRecord) -> dict[str, Any]:
    """Return the fields of a record's item, None for what it does not have."""
    return {
        "pk": keys.api_key(api),
        "sk": keys.VERSION_PREFIX + keys.number(record.version),
        "schema": SCHEMA,
        "author": record.author,
        "on_behalf_of": record.on_behalf_of,
        "reason": record.reason,
        "time": record.time,
        "changes": canonical_json(record.changes),
        "touched": canonical_json(touched_fields(record)),
        "parent_hash": record.parent_hash,
        "hash": record.hash,
        "series": optional_fields(record).get("series"),
        "denylist": optional_fields(record).get("denylist"),
        "origin": origin_field(record),
    }


def _unanswered(now: float) -> Condition:
    condition: Condition = IdempotencyItem.pk.does_not_exist() | (IdempotencyItem.expires_at <= int(now))
    return condition


def check_rows(rows: Mapping[str, str | None]) -> None:
    """Raise `ChangeTooLargeError` for a row that no item can hold. Nothing is read or written."""
    for key, content in rows.items():
        size = len((content or "").encode())
        if size > MAX_CONTENT_BYTES:
            raise ChangeTooLargeError(
                f"`{key}` would hold {size} bytes, and an item takes {MAX_CONTENT_BYTES}: use selectors instead of single routes"
            )


def subject_content(subject: Subject, ancestors: Iterable[str]) -> str:
    """Return what the row of a subject holds; `read_subject` reads it back."""
    return canonical_json({"held": format_subject(subject), "ancestors": sorted(ancestors)})


def routes_content(enforced: tuple[str, ...], catalog: RouteCatalog) -> str:
    """Return what the row of a catalogue holds; `read_routes` reads it back."""
    return canonical_json(format_routes(enforced, catalog))


def _write_error(error: TransactWriteError, table: str, api: str, version: int, *, answered: bool, is_document: bool) -> Exception:
    """Return what a failed transaction means. The head is its last item, the answer to a request, if there is one, the last before."""
    reasons = [None if reason is None else reason.code for reason in error.cancellation_reasons]
    codes = {code for code in reasons if code is not None and code != "None"}
    rows = reasons[: -2 if answered else -1]
    # An entry of the denylist that is gone is no leftover, so that of a change of the denylist the record alone tells. It is the last item that is put.
    left = rows if is_document else reasons[-2:-1]
    if codes == {"ConditionalCheckFailed"} and reasons[-1] in (None, "None") and "ConditionalCheckFailed" in left:
        # Nobody has published this version, and yet some of it is there: DynamoDB does not restore all items of a transaction or none.
        return TroubleError(
            "leftover_rows",
            f"version {version} of `{api}` is partly in the table although it was never published, as after a restore from a backup: "
            "run a `gatebook restore` that was interrupted once more, or delete the items of "
            f"`{keys.api_key(api)}` and `{keys.api_key(api)}#...` whose sort key ends in `{keys.number(version)}`",
        )
    code = error_code(error)
    if codes & set(_LOST_RACE) or code == "TransactionConflictException":
        return ConflictError(f"API `{api}` was changed by somebody else in the meantime: plan again to see both changes together")
    if code is None or code in _UNDECIDED:
        said = "no answer came from DynamoDB" if code is None else f"DynamoDB said {code}"
        return TroubleError("outcome_unknown", f"{said}, the change to `{api}` may be written or not: plan again to see")
    if code == "ResourceNotFoundException":
        return TroubleError("no_table", f"table `{table}` does not exist")
    return TroubleError("dynamodb_unavailable", f"DynamoDB refused the change to `{api}`: {', '.join(sorted(codes)) or code}")
