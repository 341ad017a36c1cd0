"""Routes for looking back and going back: APIs, versions, differences, rollback."""

from collections.abc import Iterable, Iterator
from itertools import dropwhile, islice
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query

from admin_api.analysis.access_changes import AccessChange
from admin_api.publishing.lockout import ADMIN_API
from admin_api.publishing.own_rights import may_edit
from admin_api.publishing.service import PermissionService, VersionRecord
from admin_api.rest import problems
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.idempotency import IdempotencyKey, Replay
from admin_api.rest.paging import Cursor, Limit, page_of, read_cursor, unknown_cursor, write_cursor
from admin_api.rest.preconditions import entity_tag, require_match
from admin_api.rest.routes.documents import READ_PROBLEMS, WRITE_PROBLEMS, DryRun, IfMatch, Reason
from admin_api.rest.writes import Write, Writer
from admin_api.schemas import models, presenters
from authorizer.policy.document import format_document

Number = Annotated[int, Path(ge=1, le=999_999_999_999)]


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    _register_apis(endpoints)
    _register_history(endpoints)
    _register_rollback(endpoints, Writer(endpoints))


def _register_apis(endpoints: Endpoints) -> None:
    service = endpoints.service

    @endpoints.add("GET", "/v1/apis", Meta("List the APIs", "apis", tagged=False))
    def list_apis(limit: Limit = 50, cursor: Cursor = None) -> Response[models.ApiList]:
        """One Query, and one GetItem for each API of the page."""
        names, following = page_of(service.apis(), limit, cursor)
        heads = [(name, service.find_head(name)) for name in names]
        apis = [models.ApiSummary(name=name, version=head.version, hash=head.hash) for name, head in heads if head is not None]
        return answer(models.ApiList(apis=apis, next=following))

    @endpoints.add_for_api("GET", "", Meta("Read about one API", "apis", READ_PROBLEMS))
    def read_api(api: str) -> Response[models.ApiDetail]:
        """One GetItem and two Queries, and what reading the admin API's own document takes. One Query more if the newest version changed the denylist."""
        head = service.head(api)
        record = service.newest_record(api, head)
        row = service.catalogue(api, head)
        part = service.unfinished(api, head, record)
        unfinished = None
        if part is not None:
            unfinished = models.UnfinishedSeries(id=part.id, part=part.number, parts=part.total, base_version=part.base)
        own = service.find_published(ADMIN_API)
        detail = models.ApiDetail(
            name=api,
            version=head.version,
            hash=head.hash,
            updated_at=record.time,
            author=record.author,
            reason=record.reason,
            enforced=list(row.enforced),
            routes=len(row.catalog.routes),
            unfinished=unfinished,
            writable=own is not None and may_edit(own.document, endpoints.actor, api, endpoints.now()),
        )
        return answer(detail, headers={"ETag": entity_tag(head)})


def _register_history(endpoints: Endpoints) -> None:
    service = endpoints.service

    @endpoints.add_for_api("GET", "/versions", Meta("List the changes, the newest first", "history", READ_PROBLEMS, tagged=False))
    def list_versions(api: str, limit: Limit = 50, cursor: Cursor = None) -> Response[models.VersionList]:
        """One GetItem, and one Query for each 50 records, the first of the next page included. One more of both for a page with a cursor."""
        records = service.history(api) if cursor is None else _records_from(service, api, cursor)
        entries = list(islice(_merged(records), limit + 1))
        more = entries[limit].version if len(entries) > limit else None
        last = entries[:limit][-1]
        verified = last.version if last.series is None else last.series.first_version
        following = None if more is None else write_cursor(more)
        return answer(models.VersionList(versions=entries[:limit], verified_down_to=verified, next=following))

    @endpoints.add_for_api(
        "GET", "/versions/<number>", Meta("Read one change and the document after it", "history", READ_PROBLEMS, tagged=False)
    )
    def read_one_version(api: str, number: Number) -> Response[models.VersionDetail]:
        """What reading the document costs, of then."""
        published = service.version(api, number)
        fields = presenters.version([published.record]).model_dump() | {"document": format_document(published.document)}
        return answer(models.VersionDetail(**fields))

    @endpoints.add_for_api(
        "GET", "/versions/<number>/diff", Meta("What access differs between two versions", "history", READ_PROBLEMS, tagged=False)
    )
    def compare_versions(
        api: str, number: Number, to: Annotated[int, Query(ge=1, le=999_999_999_999)], limit: Limit = 50, cursor: Cursor = None
    ) -> Response[models.Diff]:
        """Twice what reading a version costs."""
        found = service.diff(api, number, to, endpoints.limit)
        changes, following = page_of(sorted(found.access, key=_place), limit, cursor, key=_place)
        access = [presenters.access_change(change) for change in changes]
        return answer(models.Diff(from_version=number, to_version=to, rules=list(found.rules), access=access, next=following))


def _register_rollback(endpoints: Endpoints, writer: Writer) -> None:
    service = endpoints.service

    @endpoints.add_for_api(
        "POST",
        "/versions/<number>/rollback",
        Meta("Publish an old version's document again, as a new version", "history", (*WRITE_PROBLEMS, problems.IDEMPOTENCY_MISMATCH)),
    )
    def roll_back(
        api: str,
        number: Number,
        if_match: IfMatch = None,
        dry_run: DryRun = "false",
        reason: Reason = None,
        idempotency_key: Annotated[IdempotencyKey, Header(alias="Idempotency-Key")] = None,
    ) -> Response[models.WriteResult]:
        """Twice what reading the document costs, and one transaction for each of `parts`.

        With a key one GetItem more, and one PutItem if nothing changed. One Query more if the newest version changed the denylist.
        """
        replay = Replay.of(endpoints, api, idempotency_key, dry_run=dry_run == "true")
        stored = replay.stored()
        if stored is not None:
            return stored

        def write() -> Response[models.WriteResult]:
            published = service.published(api)
            require_match(service, api, published, if_match, endpoints.limit)
            target = service.rollback_target(api, number)
            why = reason or f"roll back to version {number}"
            return writer.publish(Write(api, published, target.document, dry_run == "true", why), replay)

        return replay.carry_out(write)


def _place(change: AccessChange) -> list[str]:
    return [str(change.subject), change.route]


def _records_from(service: PermissionService, api: str, cursor: str) -> Iterator[VersionRecord]:
    """Yield the records from the cursor's version down. The record before it in the page is read again, since it names the hash of the first."""
    newest = read_cursor(cursor)
    if not isinstance(newest, int) or isinstance(newest, bool) or newest < 1:
        raise unknown_cursor()
    return dropwhile(lambda record: record.version > newest, service.history(api, newest + 1))


def _merged(records: Iterable[VersionRecord]) -> Iterator[models.Version]:
    """Entries of the history, in which the parts of one series are one entry."""
    parts: list[VersionRecord] = []
    for record in records:
        if parts and (record.series is None or parts[-1].series is None or record.series.id != parts[-1].series.id):
            yield presenters.version(parts)
            parts = []
        parts.append(record)
        if record.series is None:
            yield presenters.version(parts)
            parts = []
    if parts:
        yield presenters.version(parts)
