"""Routes that explain: the matrix, who can, what can, and why."""

from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from admin_api.analysis.access import Access, route_of_request, what_can, who_can
from admin_api.analysis.explanation import explain_to
from admin_api.analysis.subjects import SubjectSyntaxError, parse_subject_ref
from admin_api.analysis.trusted_issuers import RefusedTokenError, bearer_of
from admin_api.rest.endpoints import Endpoints, Meta, answer
from admin_api.rest.paging import Cursor, Limit, page_of
from admin_api.rest.preconditions import entity_tag
from admin_api.rest.problems import BODY_TOO_LARGE, INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, ProblemError
from admin_api.rest.routes.documents import READ_PROBLEMS
from admin_api.schemas import models, presenters
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import Problem
from authorizer.policy.route import VERBS, RouteTemplate

Route = Annotated[models.Text | None, Query(description="A route of the catalogue, as in `GET /pets/{petId}`")]


def register(endpoints: Endpoints) -> None:
    """Add these routes."""
    _register_matrix(endpoints)
    _register_access(endpoints)
    _register_explain(endpoints)


def _register_matrix(endpoints: Endpoints) -> None:
    @endpoints.add_for_api("GET", "/matrix", Meta("Who may call what: every subject against every route", "access", READ_PROBLEMS))
    def read_matrix(api: str, limit: Limit = 20, cursor: Cursor = None) -> Response[models.Matrix]:
        """What reading the document costs. A page has `limit` subjects."""
        published = endpoints.service.published(api)
        document = published.document
        refs, following = page_of(sorted({EVERYONE, *document.subjects}), limit, cursor)
        rows = []
        for ref in refs:
            endpoints.limit.check()
            rows.append(presenters.matrix_row(document, ref))
        return answer(
            models.Matrix(version=published.head.version, rows=rows, next=following), headers={"ETag": entity_tag(published.head)}
        )


def _register_access(endpoints: Endpoints) -> None:
    @endpoints.add_for_api("GET", "/access", Meta("Who can call a route, or what a subject can call", "access", READ_PROBLEMS))
    def read_access(
        api: str,
        method: Annotated[models.Text | None, Query()] = None,
        path: Annotated[str | None, Query(max_length=2000, description="A path as a client would send it, or a template")] = None,
        route: Route = None,
        subject: Annotated[models.Text | None, Query(description="As in `group/guest`, `everyone`")] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Response[models.AccessList]:
        """What reading the document costs."""
        asked = [name for name, given in (("method and path", method and path), ("route", route), ("subject", subject)) if given]
        if len(asked) != 1 or bool(method) != bool(path):
            raise _mistake("/query", "ask for `method` and `path`, or for a `route`, or for a `subject`")
        published = endpoints.service.published(api)
        document, now = published.document, endpoints.now()
        if subject:
            found = sorted(what_can(document, _subject(subject, "/query/subject"), now), key=_place)
        else:
            verb, template = _route(document, route) if route else _routed(document, method or "", path or "")
            found = list(who_can(document, verb, template, now, endpoints.limit.check)) if template is not None else []
        page, following = page_of(found, limit, cursor, key=_place)
        body = models.AccessList(version=published.head.version, access=[presenters.access_entry(a) for a in page], next=following)
        return answer(body, headers={"ETag": entity_tag(published.head)})


def _place(access: Access) -> list[str]:
    return [str(access.subject), access.route.path, access.verb]


def _route(document: PermissionDocument, text: str) -> tuple[str, RouteTemplate | None]:
    verb, _, path = text.partition(" ")
    known = document.catalog.find(verb, path)
    if known is None:
        raise _mistake("/query/route", f"`{text}` is no route of the catalogue: name verb and template as the catalogue has them")
    return verb, known


def _routed(document: PermissionDocument, method: str, path: str) -> tuple[str, RouteTemplate | None]:
    is_template = "{" in path and document.catalog.find(method, path) is not None
    if method not in VERBS and not is_template:
        raise _mistake("/query/method", f"`{method}` is none of {' '.join(VERBS)}")
    return method, route_of_request(document, method, path)


def _register_explain(endpoints: Endpoints) -> None:
    problems = (*READ_PROBLEMS, BODY_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE)

    @endpoints.add_for_api("POST", "/explain", Meta("Why a request is allowed or denied, and what would allow it", "access", problems))
    def explain_request(api: str, request: models.ExplainRequest) -> Response[models.Explanation]:
        """What reading the document costs. Writes nothing."""
        published = endpoints.service.published(api)
        refs = [PrincipalRef(RefKind.GROUP, name) for name in request.groups]
        refs += [PrincipalRef(RefKind.CLIENT, name) for name in request.clients]
        refs += [PrincipalRef(RefKind.SCOPE, name) for name in request.scopes]
        try:
            bearer = bearer_of(request.claims, refs, endpoints.service.issuers)
        except RefusedTokenError as error:
            raise _mistake(f"/claims/{error.claim}" if error.claim else "/claims", str(error)) from None
        found = explain_to(bearer, published.document, request.method, request.path, endpoints.now())
        return answer(presenters.explanation(found, published.head.version), headers={"ETag": entity_tag(published.head)})


def _subject(text: str, pointer: str) -> PrincipalRef:
    try:
        return parse_subject_ref(text)
    except SubjectSyntaxError as error:
        raise _mistake(pointer, str(error)) from None


def _mistake(pointer: str, message: str) -> ProblemError:
    return ProblemError(INVALID_REQUEST, message, [Problem(pointer, message)])
