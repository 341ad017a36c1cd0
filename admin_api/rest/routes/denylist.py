"""Routes of the denylist: which tokens are refused whatever they say."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from aws_lambda_powertools.event_handler import Response

from admin_api.publishing.lockout import ADMIN_API
from admin_api.publishing.service import ConflictError
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.names import decode_name, denylist_kind_of, denylist_value_of
from admin_api.rest.paging import Cursor, Limit, page_of
from admin_api.rest.problems import (
    BODY_TOO_LARGE,
    DENYLIST_FULL,
    INVALID_REQUEST,
    LOCK_OUT,
    NOT_FOUND,
    RETRY_LATER,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemError,
)
from admin_api.rest.routes.documents import READ_PROBLEMS, DryRun, Reason
from admin_api.schemas import models, presenters
from authorizer.policy.denylist import DenylistEntry
from authorizer.policy.problems import Problem

_WRITE_PROBLEMS = (*READ_PROBLEMS, LOCK_OUT, DENYLIST_FULL, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)
_ENTRY = "/denylist/<kind>/<value>"

_Written = TypeVar("_Written")


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    _register_reads(endpoints)
    _register_writes(endpoints)


def _register_reads(endpoints: Endpoints) -> None:
    @endpoints.add_for_api("GET", "/denylist", Meta("List the entries of the denylist", "denylist", READ_PROBLEMS, tagged=False))
    def list_denylist(api: str, limit: Limit = 50, cursor: Cursor = None) -> Response[models.Denylist]:
        """One GetItem and one Query."""
        entries = endpoints.service.denylist(api).entries()
        page, following = page_of(entries, limit, cursor, key=lambda e: [e.kind, e.value])
        return answer(models.Denylist(entries=[presenters.denylist_entry(e, endpoints.now()) for e in page], next=following))

    @endpoints.add_for_api("GET", _ENTRY, Meta("Read an entry of the denylist", "denylist", READ_PROBLEMS, tagged=False))
    def read_denylist_entry(api: str, kind: str, value: str) -> Response[models.DenylistEntry]:
        """One GetItem and one Query."""
        entry = endpoints.service.denylist(api).get(denylist_kind_of(kind), decode_name(value))
        if entry is None:
            raise _missing(kind, value)
        return answer(presenters.denylist_entry(entry, endpoints.now()))


def _register_writes(endpoints: Endpoints) -> None:
    service = endpoints.service

    @endpoints.add_for_api("PUT", _ENTRY, Meta("Refuse tokens from now on", "denylist", _WRITE_PROBLEMS, tagged=False))
    def write_denylist_entry(
        api: str, kind: str, value: str, request: models.DenylistRequest, dry_run: DryRun = "false"
    ) -> Response[models.DenylistResult]:
        """One GetItem, two Queries and one transaction; for the admin API what reading its document costs besides."""
        actor, now = endpoints.actor, endpoints.now()
        expires_at = _moment(request.expires_at, "/expires_at")
        issued_before = None if request.issued_before is None else _moment(request.issued_before, "/issued_before")
        if expires_at <= now:
            raise ProblemError(INVALID_REQUEST, "the entry would have ended already", [Problem("/expires_at", "this moment is past")])
        what = denylist_kind_of(kind), denylist_value_of(value)
        # The kill switch of other APIs must work whatever is the matter with their documents, which nobody needs to read for it.
        guarded = actor if api == ADMIN_API else None
        if dry_run == "true":
            head = service.head(api)
            entry = DenylistEntry(*what, request.reason, actor.subject, head.version + 1, expires_at, issued_before)
            service.check_entry(api, entry, guarded)
            return answer(_result(api, head.version + 1, dry_run=True, entry=presenters.denylist_entry(entry, now)))
        head = _unless_race_is_lost(
            lambda: service.add_entry(
                api, *what, author=actor.subject, reason=request.reason, expires_at=expires_at, issued_before=issued_before, actor=guarded
            )
        )
        entry = DenylistEntry(*what, request.reason, actor.subject, head.version, expires_at, issued_before)
        return answer(_result(api, head.version, dry_run=False, entry=presenters.denylist_entry(entry, now), flushed=endpoints.flush(api)))

    @endpoints.add_for_api("DELETE", _ENTRY, Meta("Accept tokens again", "denylist", _WRITE_PROBLEMS, tagged=False))
    def delete_denylist_entry(
        api: str, kind: str, value: str, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.DenylistResult]:
        """One GetItem, two Queries and one transaction."""
        what = denylist_kind_of(kind), decode_name(value)
        if dry_run == "true":
            head = service.head(api)
            if service.denylist(api, head).get(*what) is None:
                raise _missing(kind, value)
            return answer(_result(api, head.version + 1, dry_run=True))
        why = reason or "accepted again"
        written = _unless_race_is_lost(lambda: service.remove_entry(api, *what, author=endpoints.actor.subject, reason=why))
        if written is None:
            raise _missing(kind, value)
        return answer(_result(api, written.version, dry_run=False, flushed=endpoints.flush(api)))


def _unless_race_is_lost(write: Callable[[], _Written]) -> _Written:
    """Return what `write` returns. A write that lost every race is answered 503: an entry starts from no version that could be stale, so nothing is 412."""
    try:
        return write()
    except ConflictError:
        detail = "others kept publishing at the same time, and nothing was written: send the request again"
        raise ProblemError(UNAVAILABLE, detail, headers=RETRY_LATER) from None


def _result(
    api: str, version: int, *, dry_run: bool, entry: models.DenylistEntry | None = None, flushed: tuple[str, ...] = ()
) -> models.DenylistResult:
    return models.DenylistResult(api=api, version=version, changed=True, dry_run=dry_run, flushed=list(flushed), entry=entry)


def _moment(value: datetime, pointer: str) -> int:
    seconds = int(value.timestamp())
    if not 0 <= seconds < 253_402_300_800:
        raise ProblemError(INVALID_REQUEST, "a moment is too far away", [Problem(pointer, "it must lie between the years 1970 and 9999")])
    return seconds


def _missing(kind: str, value: str) -> ProblemError:
    return ProblemError(NOT_FOUND, f"the denylist has no entry `{kind}/{value}`")
