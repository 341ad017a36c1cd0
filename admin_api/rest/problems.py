"""Problem documents (RFC 9457): one type for each kind of failure, stable, with the remedy in words."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from authorizer.policy.problems import Problem

CONTENT_TYPE = "application/problem+json"

_PREFIX = "urn:gatebook:problem:"

MAX_PROBLEMS = 100
MAX_TEXT = 1000
"""Mistakes that an answer shows, and characters of each: whoever sends five million bytes of mistakes gets no more back than this."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of failure. `name` is the stable end of the problem's `type`."""

    name: str
    status: HTTPStatus
    title: str

    @property
    def uri(self) -> str:
        """The `type` member."""
        return _PREFIX + self.name


UNAUTHENTICATED = ProblemType("unauthenticated", HTTPStatus.UNAUTHORIZED, "No verified caller")
NOT_FOUND = ProblemType("not-found", HTTPStatus.NOT_FOUND, "There is no such thing")
RESERVED_API = ProblemType("reserved-api", HTTPStatus.FORBIDDEN, "The admin API's own permissions are edited elsewhere")
BAD_REQUEST = ProblemType("bad-request", HTTPStatus.BAD_REQUEST, "The request cannot be read")
INVALID_REQUEST = ProblemType("invalid-request", HTTPStatus.UNPROCESSABLE_ENTITY, "The request has mistakes")
INVALID_DOCUMENT = ProblemType("invalid-document", HTTPStatus.UNPROCESSABLE_ENTITY, "The permissions have mistakes")
CHANGE_TOO_LARGE = ProblemType("change-too-large", HTTPStatus.UNPROCESSABLE_ENTITY, "One row would be too large for DynamoDB")
BODY_TOO_LARGE = ProblemType("body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large")
ANSWER_TOO_LARGE = ProblemType("answer-too-large", HTTPStatus.UNPROCESSABLE_ENTITY, "The answer would be too large")
TAKES_TOO_LONG = ProblemType("takes-too-long", HTTPStatus.UNPROCESSABLE_ENTITY, "The answer would take too long to compute")
UNSUPPORTED_MEDIA_TYPE = ProblemType("unsupported-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body is of another type than JSON")
PRECONDITION_REQUIRED = ProblemType("precondition-required", HTTPStatus.PRECONDITION_REQUIRED, "Say which version the change starts from")
STALE_VERSION = ProblemType("stale-version", HTTPStatus.PRECONDITION_FAILED, "Somebody else published first")
EXISTS = ProblemType("exists", HTTPStatus.PRECONDITION_FAILED, "It is there already")
LOCK_OUT = ProblemType("lock-out", HTTPStatus.CONFLICT, "The change would shut admins out")
DENYLIST_FULL = ProblemType("denylist-full", HTTPStatus.CONFLICT, "The denylist has no room")
IDEMPOTENCY_MISMATCH = ProblemType("idempotency-mismatch", HTTPStatus.CONFLICT, "The key belongs to another request")
UNAVAILABLE = ProblemType("unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "DynamoDB or Cognito cannot be reached, or others keep publishing")
NO_USERS = ProblemType("no-users", HTTPStatus.NOT_FOUND, "The admin API looks no users up")
USERS_REFUSED = ProblemType("users-refused", HTTPStatus.BAD_GATEWAY, "Cognito refuses to look users up")
DAMAGED = ProblemType("damaged", HTTPStatus.INTERNAL_SERVER_ERROR, "Something in the table cannot be read")
INTERNAL = ProblemType("internal", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong here")

ALL = (
    *(UNAUTHENTICATED, NOT_FOUND, RESERVED_API, BAD_REQUEST, INVALID_REQUEST, INVALID_DOCUMENT, CHANGE_TOO_LARGE, BODY_TOO_LARGE),
    *(
        ANSWER_TOO_LARGE,
        TAKES_TOO_LONG,
        UNSUPPORTED_MEDIA_TYPE,
        PRECONDITION_REQUIRED,
        STALE_VERSION,
        EXISTS,
        LOCK_OUT,
        DENYLIST_FULL,
        IDEMPOTENCY_MISMATCH,
        UNAVAILABLE,
        NO_USERS,
        USERS_REFUSED,
    ),
    *(DAMAGED, INTERNAL),
)


RETRY_LATER = {"Retry-After": "2"}


@dataclass
class ProblemError(Exception):
    """A request cannot be carried out. `detail` says why and what to do; `problems` are places in what was sent."""

    type: ProblemType
    detail: str
    problems: Sequence[Problem] = ()
    extensions: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.detail

    def document(self, instance: str) -> dict[str, Any]:
        """Return the body, RFC 9457 section 3."""
        body: dict[str, Any] = {
            "type": self.type.uri,
            "title": self.type.title,
            "status": self.type.status.value,
            "detail": self.detail,
            "instance": instance,
        }
        if self.problems:
            body["problems"] = [{"pointer": _short(p.pointer), "message": _short(p.message)} for p in self.problems[:MAX_PROBLEMS]]
        return body | self.extensions


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT // 2]} ... {text[-MAX_TEXT // 2 :]}"
