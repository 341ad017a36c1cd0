"""The admin API put together: every request is admitted, routed, and answered, whatever happens on the way."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError, ResponseValidationError

from admin_api.history import NotPublishedError
from admin_api.lockout import LockOutError
from admin_api.rest import access, authzen, denials, documents, problems, versions
from admin_api.rest.admission import PUBLIC_PATHS, actor_of, admitted
from admin_api.rest.endpoints import MAX_ANSWER_BYTES, Endpoints
from admin_api.rest.openapi import describe
from admin_api.rest.problems import ProblemError
from admin_api.service import PermissionService
from admin_api.store import ChangeTooLargeError, ConflictError
from authorizer.errors import TroubleError
from authorizer.policy.problems import DocumentError, Problem, child

_LOGGER = logging.getLogger(__name__)

_RETRY = {"Retry-After": "2"}
_DAMAGE = ("unreadable_row", "broken_chain", "lagging_row")

Flush = Callable[[str], tuple[str, ...]]


class AdminApi:
    """Serves REST API proxy events. `flush` drops what API Gateway remembers for an API and names the stages."""

    def __init__(self, service: PermissionService, *, now: Callable[[], float], flush: Flush, allow_origin: str = "*") -> None:
        cors = CORSConfig(allow_origin=allow_origin, expose_headers=["ETag", "Location", "Idempotency-Replayed"], max_age=600)
        self._allow_origin = allow_origin
        self._resolver = APIGatewayRestResolver(cors=cors, enable_validation=True, response_validation_error_http_code=500)
        self._endpoints = Endpoints(self._resolver, service, now, flush)
        for module in (documents, versions, access, denials, authzen):
            module.register(self._endpoints)
        self._add_openapi()
        self._add_problems()

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """The answer to one event. Nothing of the request is read before its caller is known."""
        path = str(event.get("path"))
        try:
            actor = None if path in PUBLIC_PATHS else actor_of(event)
            event = admitted(event)
        except ProblemError as error:
            return self._proxied(_problem(error, path))
        self._resolver.context["actor"] = actor
        answer: dict[str, Any] = self._resolver.resolve(dict(event), context)
        if len(answer.get("body") or "") > MAX_ANSWER_BYTES:
            detail = "the document is too large for one answer: read subject by subject, or by the command line"
            return self._proxied(_problem(ProblemError(problems.ANSWER_TOO_LARGE, detail), path))
        return answer

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return describe(self._endpoints)

    def _proxied(self, response: "Response[Any]") -> dict[str, Any]:
        """An answer that no route gave, as API Gateway takes it."""
        headers = {name: [str(value)] for name, value in response.headers.items()} | {"Content-Type": [str(response.content_type)]}
        headers["Access-Control-Allow-Origin"] = [self._allow_origin]
        return {"statusCode": response.status_code, "body": response.body, "isBase64Encoded": False, "multiValueHeaders": headers}

    def _add_openapi(self) -> None:
        @self._resolver.get("/v1/openapi.json", include_in_schema=False, enable_validation=False)
        def openapi() -> Response[Any]:
            return Response(200, "application/json", json.dumps(self.openapi()), headers={"Cache-Control": "max-age=300"})

    def _add_problems(self) -> None:
        handlers: dict[type[Exception], Callable[[Any], ProblemError]] = {
            ProblemError: lambda error: error,
            RequestValidationError: _invalid_request,
            DocumentError: lambda error: ProblemError(problems.INVALID_DOCUMENT, _count(error.problems), error.problems),
            NotPublishedError: lambda error: ProblemError(problems.NOT_FOUND, str(error)),
            NotFoundError: lambda _: ProblemError(
                problems.NOT_FOUND, "no route of the admin API has this method and path: see /v1/openapi.json"
            ),
            ConflictError: lambda error: ProblemError(problems.STALE_VERSION, str(error)),
            ChangeTooLargeError: lambda error: ProblemError(problems.CHANGE_TOO_LARGE, str(error)),
            LockOutError: lambda error: ProblemError(problems.LOCK_OUT, str(error)),
            TroubleError: _trouble,
        }

        def convert(error: Exception) -> "Response[Any]":
            make = next((make for kind, make in handlers.items() if isinstance(error, kind)), None)
            if make is None:
                _LOGGER.error("internal", exc_info=error)
                problem = ProblemError(problems.INTERNAL, "the request met a fault of the admin API, which is in its log")
            else:
                problem = make(error)
            return _problem(problem, str(self._resolver.current_event.path))

        self._resolver.exception_handler([*handlers, ResponseValidationError, Exception])(convert)
        self._resolver.not_found(convert)


def _invalid_request(error: RequestValidationError) -> ProblemError:
    found = [Problem(_pointer(e["loc"]), str(e["msg"])) for e in error.errors()]
    return ProblemError(problems.INVALID_REQUEST, _count(found), found)


def _pointer(location: tuple[str | int, ...]) -> str:
    """Where a mistake is: a pointer into the body, or `/query/...`, `/path/...`, `/header/...`."""
    where, *steps = location
    pointer = "" if where == "body" else f"/{where}"
    for step in steps:
        pointer = child(pointer, step)
    return pointer


def _trouble(error: TroubleError) -> ProblemError:
    _LOGGER.error("trouble", extra={"reason": error.reason, "detail": str(error)})
    if error.reason in _DAMAGE:
        return ProblemError(problems.DAMAGED, str(error))
    return ProblemError(problems.UNAVAILABLE, str(error), headers=_RETRY)


def _count(found: Any) -> str:
    return f"{len(found)} mistake{'s' * (len(found) != 1)}: each is in `problems` with its place and the remedy"


def _problem(error: ProblemError, path: str) -> "Response[Any]":
    body = json.dumps(error.document(path))
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(error.type.status.value, problems.CONTENT_TYPE, body, headers=headers)
