"""The admin API put together: every request is admitted, routed, and answered, whatever happens on the way."""

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, CORSConfig, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError, ResponseValidationError

from admin_api.publishing.lockout import LockOutError
from admin_api.publishing.service import ChangeTooLargeError, ConflictError, DenylistFullError, NotPublishedError, PermissionService
from admin_api.publishing.time_limit import TakesTooLongError, TimeLimit
from admin_api.rest import problems
from admin_api.rest.authentication import PUBLIC_PATHS, actor_of
from admin_api.rest.console import Console, ConsoleConfig
from admin_api.rest.endpoints import MAX_ANSWER_BYTES, Endpoints
from admin_api.rest.openapi.document import describe
from admin_api.rest.problems import ProblemError
from admin_api.rest.request_body import admitted
from admin_api.rest.request_path import requested_path
from admin_api.rest.routes import access, authzen, denylist, documents, versions
from admin_api.rest.routes import users as user_routes
from admin_api.user_directory import DirectoryRefusedError, DirectoryUnavailableError, UserDirectory
from authorizer.errors import TroubleError
from authorizer.policy.problems import DocumentError, Problem, child

_LOGGER = logging.getLogger(__name__)

COMPUTING_SECONDS = 10.0
"""What a request may compute for; reading the table comes besides. API Gateway waits 29 s, and other requests wait for the function."""

_INSTEAD = "ask for a page with a smaller `limit`, read or write subject by subject, or use the command line"

_DAMAGE = ("unreadable_row", "altered_row", "broken_chain", "lagging_row", "leftover_rows")

_AUTHZEN = "/access/v1/"

_REMEDIES = {
    "extra_forbidden": "there is no such field: take it out, or correct its name",
    "missing": "it is missing: add it",
    "string_pattern_mismatch": "it has a character that cannot stand here: take out control characters, and what changes the direction of text",
}
"""Words for mistakes of which pydantic names the rule but not the way out."""

Flush = Callable[[str], tuple[str, ...]]


class AdminApi:
    """Serves REST API proxy events. `flush` drops what API Gateway remembers for an API and names the stages: with each change of the denylist, and with
    `flush_on_publish` with each version. In `users` people are looked up, None where that is switched off."""

    def __init__(
        self,
        service: PermissionService,
        *,
        now: Callable[[], float],
        flush: Flush,
        flush_on_publish: bool = False,
        allow_origin: str = "*",
        console: ConsoleConfig = ConsoleConfig(),  # noqa: B008  # it is frozen
        users: UserDirectory | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        cors = CORSConfig(
            allow_origin=allow_origin, expose_headers=["ETag", "Idempotency-Replayed", "Retry-After", "X-Request-ID"], max_age=600
        )
        self._allow_origin = allow_origin
        self._clock = clock
        self._console = Console(console)
        self._resolver = APIGatewayRestResolver(cors=cors, enable_validation=True, response_validation_error_http_code=500)
        self._endpoints = Endpoints(self._resolver, service, now, flush, flush_on_publish=flush_on_publish, users=users)
        for module in (documents, versions, access, denylist, authzen, user_routes):
            module.register(self._endpoints)
        self._add_openapi()
        self._add_problems()

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Return the answer to one event. Nothing of the request is read before its caller is known."""
        answer = self._answer(event, context)
        answer["multiValueHeaders"] |= _request_id(event)
        return answer

    def _answer(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        path = requested_path(event)
        if self._console.has(path):
            file = self._console.answer(str(event.get("httpMethod")), path)
            missing = ProblemError(problems.NOT_FOUND, "the console has no such file: reload the page")
            return self._proxied(file or _problem(missing, path))
        event = {**event, "path": path}
        try:
            actor = None if path in PUBLIC_PATHS else actor_of(event)
            event = admitted(event)
        except ProblemError as error:
            return self._proxied(_problem(error, path))
        self._resolver.context |= {"actor": actor, "limit": TimeLimit(COMPUTING_SECONDS, self._clock)}
        answer: dict[str, Any] = self._resolver.resolve(dict(event), context)
        if _is_too_large(answer.get("body") or ""):
            detail = f"everything does not fit into one answer: {_INSTEAD}"
            return self._proxied(_problem(ProblemError(problems.ANSWER_TOO_LARGE, detail), path))
        return answer

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        return describe(self._endpoints)

    @cached_property
    def _openapi_text(self) -> str:
        """Anybody may ask for it as often as they like: it is made once."""
        return json.dumps(self.openapi())

    def _proxied(self, response: "Response[Any]") -> dict[str, Any]:
        """Return an answer that no route gave, as API Gateway takes it."""
        headers = {name: [str(value)] for name, value in response.headers.items()} | {"Content-Type": [str(response.content_type)]}
        headers["Access-Control-Allow-Origin"] = [self._allow_origin]
        return {"statusCode": response.status_code, "body": response.body, "isBase64Encoded": False, "multiValueHeaders": headers}

    def _add_openapi(self) -> None:
        @self._resolver.get("/v1/openapi.json", include_in_schema=False, enable_validation=False)
        def openapi() -> Response[Any]:
            return Response(200, "application/json", self._openapi_text, headers={"Cache-Control": "max-age=300"})

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
            TakesTooLongError: lambda error: ProblemError(problems.TAKES_TOO_LONG, f"{error}: {_INSTEAD}"),
            LockOutError: lambda error: ProblemError(problems.LOCK_OUT, str(error)),
            DenylistFullError: lambda error: ProblemError(problems.DENYLIST_FULL, str(error)),
            DirectoryRefusedError: lambda error: ProblemError(problems.USERS_REFUSED, str(error)),
            DirectoryUnavailableError: lambda error: ProblemError(problems.UNAVAILABLE, str(error), headers=problems.RETRY_LATER),
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
    found = [Problem(_pointer(e["loc"]), _REMEDIES.get(e["type"], str(e["msg"]).removeprefix("Value error, "))) for e in error.errors()]
    return ProblemError(problems.INVALID_REQUEST, _count(found), found)


def _pointer(location: tuple[str | int, ...]) -> str:
    """Return where a mistake is: a pointer into the body, or `/query/...`, `/path/...`, `/header/...`."""
    where, *steps = location
    pointer = "" if where == "body" else f"/{where}"
    for step in steps:
        pointer = child(pointer, step)
    return pointer


def _trouble(error: TroubleError) -> ProblemError:
    _LOGGER.error("trouble", extra={"reason": error.reason, "detail": str(error)})
    if error.reason in _DAMAGE:
        return ProblemError(problems.DAMAGED, str(error))
    return ProblemError(problems.UNAVAILABLE, str(error), headers=problems.RETRY_LATER)


def _count(found: Any) -> str:
    shown = "each is" if len(found) <= problems.MAX_PROBLEMS else f"the first {problems.MAX_PROBLEMS} are"
    return f"{len(found)} mistake{'s' * (len(found) != 1)}: {shown} in `problems` with its place and the remedy"


def _request_id(event: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the caller's own name for the request, given back whatever the answer (AuthZEN 1.0 section 10.1.3)."""
    sent = {str(name).lower(): value for name, value in (event.get("headers") or {}).items()}.get("x-request-id")
    fits = isinstance(sent, str) and sent.isascii() and sent.isprintable() and 0 < len(sent) <= 200
    return {"X-Request-ID": [str(sent)]} if fits else {}


def _is_too_large(body: str) -> bool:
    """Return whether Lambda would refuse to carry it. A character of the body takes six bytes there at most, so that most bodies need not be measured."""
    return len(body) * 6 > MAX_ANSWER_BYTES and len(json.dumps(body)) > MAX_ANSWER_BYTES


def _problem(error: ProblemError, path: str) -> "Response[Any]":
    if path.startswith(_AUTHZEN) and error.type in (problems.INVALID_REQUEST, problems.UNSUPPORTED_MEDIA_TYPE):
        # AuthZEN knows one status for requests that it cannot use (section 10.1.2).
        error = replace(error, type=problems.BAD_REQUEST)
    body = json.dumps(error.document(path))
    headers = {"Cache-Control": "no-store", **error.headers}
    return Response(error.type.status.value, problems.CONTENT_TYPE, body, headers=headers)
