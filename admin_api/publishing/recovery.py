"""Copies whole histories out of a table and back into one. What is written is checked before, and is nobody's to read until all of it is there."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from admin_api.publishing.service import PermissionService, Plan
from admin_api.publishing.verification import verify_history
from admin_api.table.backup_rows import BackupReader, BackupWriter, Snapshot
from admin_api.table.copied_history import CopiedHistory, CopiedItemError, Fields
from admin_api.table.history import History
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistEntry
from authorizer.table.reader import PermissionTable
from authorizer.table.records import Head

__all__ = ["CopiedHistory", "DamagedHistoryError", "Fields", "Recovery", "Restoration", "RestoreRefusedError", "Snapshot", "Way"]

_LOGGER = logging.getLogger(__name__)

_MOST_SHOWN = 10
"""Places of a damage that a message names; it says how many there are."""


class DamagedHistoryError(Exception):
    """A history does not hold what its chain of hashes says, or no chain holds."""


class RestoreRefusedError(Exception):
    """The table holds what a restoration would overwrite. Nothing was written."""


class Way(StrEnum):
    """How an API comes to hold what a copy says."""

    NEW = "new"
    """The table has nothing of the API: the whole history is written, its head last."""
    PRESENT = "present"
    """The table is at the copy's version already: items of the copy are written again only if replacing was asked for."""
    CONTINUED = "continued"
    """The copy goes on where the table's history ends: its versions follow, the head moves last."""
    PUBLISHED = "published"
    """The table went another way: its history stays, and the copy's newest document becomes its next version."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """What restoring an API would do, and from which `base` of the table. `repairs` tells that items of the copy are put back which the table should hold.

    For `PUBLISHED` there are the `plan` of the version to publish and the entries of the denylist to put back, `denials`.
    """

    copy: CopiedHistory
    way: Way
    base: Head | None
    repairs: bool = False
    plan: Plan | None = None
    denials: tuple[DenylistEntry, ...] = ()

    @property
    def api(self) -> str:
        """The API's name."""
        return self.copy.api


class Recovery:
    """Backs up and restores the APIs of one table."""

    def __init__(
        self, table: PermissionTable, service: PermissionService, now: Callable[[], float], wait: Callable[[float], None] = time.sleep
    ) -> None:
        self._table = table
        self._service = service
        self._history = History(table)
        self._reader = BackupReader(table)
        self._writer = BackupWriter(table, wait)
        self._now = now

    def snapshots(self, apis: Iterable[str]) -> list[Snapshot]:
        """Return the newest version of each API, of every API of the table if none is named. Raises `NotPublishedError`, `ConflictError`."""
        return [self._reader.snapshot(api) for api in sorted(set(apis)) or self._service.apis()]

    def read(self, snapshot: Snapshot, on_part: Callable[[], object] = lambda: None) -> Iterator[Fields]:
        """Yield every item of a version, its head last. `on_part` is called after each of `snapshot.parts`.

        At the end raises `DamagedHistoryError` if they are not what the chain of hashes says: no restoration would take them.
        """
        copy = CopiedHistory(snapshot.api)
        for number, fields in enumerate(self._reader.items(snapshot, on_part), 1):
            copy.add(fields, number)
            yield fields
        _verify(copy, self._now(), f"the table's history of `{snapshot.api}`", "look at it with `gatebook log --verify`")

    def check(self, api: str, items: Iterable[tuple[int, Fields]], at: float) -> CopiedHistory:
        """Return the history that these items of a copy are, each with its line. Entries of the denylist that had ended `at` that time may be missing.

        Raises `DamagedHistoryError`, with the places, if they are no whole history: an item was altered, is gone, or was put in.
        """
        copy = CopiedHistory(api)
        for line, fields in items:
            try:
                copy.add(fields, line)
            except (CopiedItemError, TroubleError) as error:
                raise DamagedHistoryError(f"line {line}: {error}") from None
        _verify(copy, at, f"the backup's history of `{api}`", "take another backup; nothing was written")
        return copy

    def assess(self, copy: CopiedHistory, *, replacing: bool) -> Restoration:
        """Return what restoring an API would do. Reads only.

        Raises `RestoreRefusedError` if the table has the API at another version and `replacing` was not asked for, or holds items of another history that a
        head would make readable, and what `PermissionService.plan` raises.
        """
        base, wanted = self._service.find_head(copy.api), copy.head
        if base is not None and base.hash == wanted.hash and not replacing:
            return Restoration(copy, Way.PRESENT, base)
        if base is not None and not replacing:
            raise RestoreRefusedError(
                f"the table has API `{copy.api}` at version {base.version} ({base.hash[:8]}), and the backup has version {wanted.version} "
                f"({wanted.hash[:8]}): `--replace` makes the table hold what the backup says"
            )
        if base is None:
            self._refuse_foreign_items(copy)
            return Restoration(copy, Way.NEW, None)
        if base.version <= wanted.version and copy.record(base.version).hash == base.hash:
            self._refuse_foreign_items(copy)
            return Restoration(copy, Way.PRESENT if base.version == wanted.version else Way.CONTINUED, base, repairs=True)
        return Restoration(copy, Way.PUBLISHED, base, repairs=self._went_on_from(copy, base), denials=self._missing_denials(copy))

    def restore(
        self,
        restoration: Restoration,
        items: Iterable[Fields],
        *,
        author: str,
        reason: str,
        force: bool = False,
        on_item: Callable[[], object] = lambda: None,
    ) -> Head:
        """Carry out what was assessed, with the `items` of the API that were checked. Returns the version that the table is at then.

        Interrupted, it leaves no version that can be read, and the same restoration goes on.
        Raises `ConflictError` if somebody has published in the meantime, and what `PermissionService.plan` and `apply` raise.
        """
        copy, base = restoration.copy, restoration.base
        if restoration.way is Way.PUBLISHED:
            if restoration.repairs:
                self._writer.put(copy.api, items, denylist=False, on_item=on_item)
            return self._publish(restoration, author=author, reason=reason, force=force)
        if restoration.way is Way.PRESENT and not restoration.repairs:
            return copy.head
        if base is None or base.version < copy.head.version:
            self._writer.claim(copy, base)
        self._writer.put(copy.api, items, denylist=True, on_item=on_item)
        head = self._writer.finish(copy, base)
        _LOGGER.info("restored", extra={"api": copy.api, "version": head.version, "hash": head.hash})
        return head

    def plan(self, restoration: Restoration) -> Plan:
        """Return what publishing the copy's newest document would change. Raises what `PermissionService.plan` raises."""
        return self._service.plan(restoration.copy.document())

    def _publish(self, restoration: Restoration, *, author: str, reason: str, force: bool) -> Head:
        plan = self.plan(restoration)
        self._service.apply(plan, author=author, reason=reason, force=force)
        for entry in restoration.denials:
            self._service.add_entry(
                restoration.api,
                entry.kind,
                entry.value,
                author=author,
                reason=entry.reason,
                expires_at=entry.expires_at,
                issued_before=entry.issued_before,
                force=True,
            )
        return self._service.head(restoration.api)

    def _missing_denials(self, copy: CopiedHistory) -> tuple[DenylistEntry, ...]:
        """Return entries of a copy that are in force and that the table lacks. What the table refuses besides stays refused."""
        now, known = self._now(), self._table.read_denylist(copy.api)
        return tuple(
            entry
            for entry in copy.denylist.entries()
            if now < entry.expires_at and ((there := known.get(entry.kind, entry.value)) is None or there.expires_at <= now)
        )

    def _went_on_from(self, copy: CopiedHistory, base: Head) -> bool:
        """Return whether the table's history holds the copy's newest version, so that what the copy's versions wrote is the table's too."""
        wanted = copy.head
        if base.version <= wanted.version:
            return False
        # Not one record more: the copy's own may be what the table has lost.
        *_, first = islice(self._history.read_records(copy.api, base, page=1), base.version - wanted.version)
        return first.parent_hash == wanted.hash

    def _refuse_foreign_items(self, copy: CopiedHistory) -> None:
        foreign = list(self._writer.foreign_items(copy))
        if foreign:
            raise RestoreRefusedError(
                f"the table holds items of API `{copy.api}` that the backup does not, and a restoration would make them readable: "
                f"{_shown(foreign)}. Restore into another table (`gatebook init --table NAME`), or delete them"
            )


def _verify(copy: CopiedHistory, at: float, what: str, remedy: str) -> None:
    try:
        damaged = verify_history(copy, copy.api, copy.head, now=at).damaged
        if not damaged:
            copy.document()
    except (CopiedItemError, TroubleError) as error:
        damaged = (str(error),)
    if damaged:
        raise DamagedHistoryError(f"{what} is not what its chain of hashes says: {_shown(damaged)}: {remedy}")


def _shown(places: Iterable[str]) -> str:
    found = list(places)
    more = f", and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return ", ".join(found[:_MOST_SHOWN]) + more
