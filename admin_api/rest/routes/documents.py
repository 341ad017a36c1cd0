"""Routes for whole documents, the catalogue, and single subjects: read, replace, patch, remove."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query

from admin_api.publishing import edits
from admin_api.rest import problems
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.names import ref_of
from admin_api.rest.paging import Cursor, Limit, page_of
from admin_api.rest.preconditions import entity_tag, refuse_existing, require_absent, require_match
from admin_api.rest.problems import NOT_FOUND, ProblemError
from admin_api.rest.writes import Write, Writer
from admin_api.schemas import models
from admin_api.schemas.places import place_of
from authorizer.policy.document import PermissionDocument, Subject, format_document, format_routes, format_subject, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef
from authorizer.policy.problems import Problem

IfMatch = Annotated[str | None, Header(alias="If-Match")]
IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match")]
DryRun = Annotated[models.DryRun, Query()]
Reason = Annotated[models.Text | None, Query()]

WRITE_PROBLEMS = (
    *(problems.NOT_FOUND, problems.RESERVED_API, problems.INVALID_DOCUMENT, problems.CHANGE_TOO_LARGE, problems.PRECONDITION_REQUIRED),
    *(problems.STALE_VERSION, problems.LOCK_OUT, problems.BODY_TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE),
)
READ_PROBLEMS = (problems.NOT_FOUND, problems.RESERVED_API)


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    _register_document(endpoints, Writer(endpoints))
    _register_routes(endpoints, Writer(endpoints))
    _register_subjects(endpoints, Writer(endpoints))


def _register_document(endpoints: Endpoints, writer: Writer) -> None:
    service = endpoints.service

    @endpoints.add_for_api("GET", "/document", Meta("Read the whole document", "documents", READ_PROBLEMS, answer="PermissionDocument"))
    def read_document(api: str) -> Response[dict[str, Any]]:
        """One GetItem, and one Query each for the record, the registry, the routes, the rules and every subject that ever was."""
        published = service.published(api)
        return answer(format_document(published.document), headers={"ETag": entity_tag(published.head)})

    @endpoints.add_for_api(
        "PUT",
        "/document",
        Meta("Replace the whole document, or create it", "documents", (*WRITE_PROBLEMS, problems.EXISTS), also=(201,), body="document"),
    )
    def write_document(
        api: str, if_match: IfMatch = None, if_none_match: IfNoneMatch = None, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.WriteResult]:
        """What reading costs, and one transaction for each of `parts`.

        One Query more if the newest version changed the denylist.
        """
        published = service.find_published(api)
        if published is None:
            require_absent(if_match, if_none_match, api)
        else:
            refuse_existing(published, if_none_match)
            require_match(service, api, published, if_match, endpoints.limit)
        document = _named(parse_document(endpoints.body), api)
        return writer.publish(Write(api, published, document, dry_run == "true", reason, created=published is None))

    @endpoints.add_for_api(
        "PATCH",
        "/document",
        Meta("Change parts of the document by a JSON merge patch (RFC 7396)", "documents", WRITE_PROBLEMS, body="patch"),
    )
    def patch_document(
        api: str, if_match: IfMatch = None, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.WriteResult]:
        """What reading costs, and one transaction for each of `parts`.

        One Query more if the newest version changed the denylist.
        """
        published = service.published(api)
        require_match(service, api, published, if_match, endpoints.limit)
        document = _named(edits.patched(published.document, endpoints.body), api)
        return writer.publish(Write(api, published, document, dry_run == "true", reason))


def _register_routes(endpoints: Endpoints, writer: Writer) -> None:
    service = endpoints.service

    @endpoints.add_for_api("GET", "/routes", Meta("Read the catalogue", "documents", READ_PROBLEMS))
    def read_catalogue(api: str) -> Response[models.Routes]:
        """One GetItem and one Query."""
        head = service.head(api)
        row = service.catalogue(api, head)
        return answer(models.Routes(**format_routes(row.enforced, row.catalog)), headers={"ETag": entity_tag(head)})

    @endpoints.add_for_api("PUT", "/routes", Meta("Replace the catalogue", "documents", WRITE_PROBLEMS, body="routes"))
    def write_catalogue(
        api: str, if_match: IfMatch = None, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.WriteResult]:
        """What reading the document costs, and one transaction for each of `parts`.

        One Query more if the newest version changed the denylist.
        """
        published = service.published(api)
        require_match(service, api, published, if_match, endpoints.limit)
        document = edits.with_routes(published.document, endpoints.body)
        return writer.publish(Write(api, published, document, dry_run == "true", reason))


def _register_subjects(endpoints: Endpoints, writer: Writer) -> None:
    service = endpoints.service

    @endpoints.add_for_api("GET", "/subjects", Meta("List who holds permissions", "documents", READ_PROBLEMS))
    def list_subjects(api: str, limit: Limit = 50, cursor: Cursor = None) -> Response[models.SubjectList]:
        """One GetItem, one Query for the registry, and one for each subject of the page."""
        head = service.head(api)
        refs, following = page_of(service.subjects(api), limit, cursor)
        rows = [(ref, service.subject(api, ref, head)) for ref in refs]
        summaries = [_summary(ref, row.subject) for ref, row in rows if row.subject is not None]
        return answer(models.SubjectList(version=head.version, subjects=summaries, next=following), headers={"ETag": entity_tag(head)})

    @endpoints.add_for_api("GET", "/subjects/<kind>/<name>", Meta("Read what one subject holds", "documents", READ_PROBLEMS))
    def read_one_subject(api: str, kind: str, name: str) -> Response[models.Subject]:
        """One GetItem and one Query."""
        ref = ref_of(kind, name)
        head = service.head(api)
        row = service.subject(api, ref, head)
        if row.subject is None:
            raise ProblemError(NOT_FOUND, f"API `{api}` has no {ref}")
        held = models.Held(**format_subject(row.subject))
        body = models.Subject(kind=ref.kind.value, name=ref.name, place=place_of(ref), held=held, ancestors=list(row.ancestors))
        return answer(body, headers={"ETag": entity_tag(head)})

    @endpoints.add_for_api(
        "PUT",
        "/subjects/<kind>/<name>",
        Meta("Replace what one subject holds, or add it", "documents", WRITE_PROBLEMS, also=(201,), body="subject"),
    )
    def write_subject(
        api: str, kind: str, name: str, if_match: IfMatch = None, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.WriteResult]:
        """What reading the document costs, and one transaction for each of `parts`.

        One Query more if the newest version changed the denylist.
        """
        ref = ref_of(kind, name)
        published = service.published(api)
        require_match(service, api, published, if_match, endpoints.limit)
        document = edits.with_subject(published.document, ref, endpoints.body)
        created = ref not in published.document.subjects
        return writer.publish(Write(api, published, document, dry_run == "true", reason, created=created))

    @endpoints.add_for_api("DELETE", "/subjects/<kind>/<name>", Meta("Remove a subject", "documents", WRITE_PROBLEMS))
    def delete_subject(
        api: str, kind: str, name: str, if_match: IfMatch = None, dry_run: DryRun = "false", reason: Reason = None
    ) -> Response[models.WriteResult]:
        """What reading the document costs, and one transaction for each of `parts`.

        One Query more if the newest version changed the denylist.
        """
        ref = ref_of(kind, name)
        published = service.published(api)
        require_match(service, api, published, if_match, endpoints.limit)
        try:
            document = edits.without_subject(published.document, ref)
        except KeyError:
            raise ProblemError(NOT_FOUND, f"API `{api}` has no {ref}") from None
        return writer.publish(Write(api, published, document, dry_run == "true", reason))


def _named(document: PermissionDocument, api: str) -> PermissionDocument:
    if document.api != api:
        place = [Problem("/api", f"the document is for API `{document.api}`, and was sent to `{api}`: correct one of them")]
        raise ProblemError(problems.INVALID_DOCUMENT, "the document belongs to another API", place)
    return document


def _summary(ref: PrincipalRef, subject: Subject) -> models.SubjectSummary:
    fields = format_subject(subject)
    return models.SubjectSummary(
        kind=ref.kind.value,
        name=ref.name if ref != EVERYONE else "",
        place=place_of(ref),
        allows=len(fields.get("allow", [])),
        denies=len(fields.get("deny", [])),
        inherits=list(subject.inherits),
    )
