"""Registers routes with Powertools' resolver, and gives them what they share: the service, the caller, and how answers are written."""

import functools
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from admin_api.publishing.lockout import ADMIN_API, Actor
from admin_api.publishing.service import PermissionService
from admin_api.publishing.time_limit import TimeLimit
from admin_api.rest.problems import (
    ANSWER_TOO_LARGE,
    BAD_REQUEST,
    DAMAGED,
    INTERNAL,
    INVALID_REQUEST,
    NOT_FOUND,
    RESERVED_API,
    TAKES_TOO_LONG,
    UNAUTHENTICATED,
    UNAVAILABLE,
    ProblemError,
    ProblemType,
)
from admin_api.user_directory import UserDirectory
from authorizer.policy.document import API_NAME
from authorizer.policy.problems import Problem, child

_Route = TypeVar("_Route", bound=Callable[..., Any])

API_PATH = "/v1/apis/<api>"
OWN_PATH = f"/v1/apis/{ADMIN_API}"
OWN_SUFFIX = f"_of_{ADMIN_API.replace('-', '_')}"
"""What the operation id of a route for the admin API itself ends in."""

MAX_ANSWER_BYTES = 6_000_000
"""What the body of an answer may have as a text in JSON, as which Lambda carries it: 6 MB less headers and the rest around it."""


@dataclass(frozen=True, slots=True)
class Meta:
    """What the OpenAPI document says of a route besides its signature.

    `also` are statuses of success besides 200, `body` and `answer` name schemas that the signature does not, `tagged` tells that answers have an
    `ETag`, and `never` are problems that all other routes have.
    """

    summary: str
    tag: str
    problems: tuple[ProblemType, ...] = ()
    also: tuple[int, ...] = ()
    body: str | None = None
    answer: str | None = None
    tagged: bool = True
    never: tuple[ProblemType, ...] = ()


class Endpoints:
    """One resolver's routes. `described` tells for each method and path what the OpenAPI document has to add."""

    def __init__(
        self,
        resolver: APIGatewayRestResolver,
        service: PermissionService,
        now: Callable[[], float],
        flush: Callable[[str], tuple[str, ...]],
        *,
        flush_on_publish: bool = False,
        users: UserDirectory | None = None,
    ) -> None:
        self.resolver = resolver
        self.service = service
        self.now = now
        self.flush = flush
        self.flush_on_publish = flush_on_publish
        self.users = users
        self.described: dict[tuple[str, str], Meta] = {}

    @property
    def actor(self) -> Actor:
        """Who makes the request that is being served."""
        actor: Actor = self.resolver.context["actor"]
        return actor

    @property
    def limit(self) -> TimeLimit:
        """How long the request that is being served may compute."""
        limit: TimeLimit = self.resolver.context["limit"]
        return limit

    @property
    def event(self) -> Mapping[str, Any]:
        """The request that is being served, admitted."""
        raw: Mapping[str, Any] = self.resolver.current_event.raw_event
        return raw

    @property
    def body(self) -> Any:
        """The body as plain values. Raises `ProblemError` if there is none."""
        body = self.event.get("body")
        if body is None:
            raise ProblemError(BAD_REQUEST, "the request has no body: send JSON")
        return json.loads(body)

    def add(self, method: str, path: str, meta: Meta) -> Callable[[_Route], _Route]:
        """Register a route at a path of its own."""

        def register(route: _Route) -> _Route:
            self._register(method, path, meta, route)
            return route

        return register

    def add_for_api(self, method: str, below: str, meta: Meta) -> Callable[[_Route], _Route]:
        """Register a route for `{api}`, and for the admin API itself at its own literal path: that one is permitted apart.

        The function takes the API's name as `api`. Under `{api}` the admin API's name is refused, however it got there.
        """

        def register(route: _Route) -> _Route:
            @functools.wraps(route)
            def for_any(api: str, **arguments: Any) -> Any:
                if api == ADMIN_API:
                    raise ProblemError(RESERVED_API, f"`{ADMIN_API}` is edited at `{OWN_PATH}` only")
                if not API_NAME.fullmatch(api):
                    raise ProblemError(NOT_FOUND, f"`{api}` is no name of an API: letters, digits and `._-`, 64 at most")
                return route(api=api, **arguments)

            @functools.wraps(route)
            def for_own(**arguments: Any) -> Any:
                self._refuse_unless_granted_apart()
                return route(api=ADMIN_API, **arguments)

            signature = inspect.signature(route)
            without_api = [p for name, p in signature.parameters.items() if name != "api"]
            for_own.__signature__ = signature.replace(parameters=without_api)  # type: ignore[attr-defined]  # what `inspect` reads
            for_own.__name__ = route.__name__ + OWN_SUFFIX
            # The literal path first: routes with parameters are tried in the order in which they came.
            self._register(method, OWN_PATH + below, meta, for_own)
            self._register(method, API_PATH + below, meta, for_any)
            return route

        return register

    def _refuse_unless_granted_apart(self) -> None:
        """Raise `ProblemError` unless the authorizer says that it allowed a route of the admin API itself: `GET /v1/apis/{api}/document` is none.

        A decision about any API would reach further here than it was meant to, and an authorizer that names no route may have made such a one.
        """
        granted = self.event["requestContext"]["authorizer"].get("route")
        if not isinstance(granted, str) or not granted:
            raise ProblemError(
                RESERVED_API,
                f"the authorizer does not say which route it allowed, and those of `{ADMIN_API}` are granted apart: give the admin API's authorizer "
                "`CACHE_SCOPE=request`, and identity sources that hold method, route and path",
            )
        path = granted.partition(" ")[2]
        if path != OWN_PATH and not path.startswith(f"{OWN_PATH}/"):
            raise ProblemError(RESERVED_API, f"`{granted}` does not grant access to `{ADMIN_API}`: its routes are granted apart")

    def _register(self, method: str, path: str, meta: Meta, route: Callable[..., Any]) -> None:
        self.described[method, path] = meta
        known = _query_parameters(route)

        @functools.wraps(route)
        def checked(**arguments: Any) -> Any:
            self._refuse_unknown_query(known)
            return route(**arguments)

        self.resolver.route(
            path,
            method,
            summary=meta.summary,
            tags=[meta.tag],
            operation_id=f"{route.__name__}",
        )(checked)

    def _refuse_unknown_query(self, known: frozenset[str]) -> None:
        """Raise `ProblemError` for a parameter that the route does not have: `dryrun=true` must not write."""
        given = {**(self.event.get("queryStringParameters") or {}), **(self.event.get("multiValueQueryStringParameters") or {})}
        listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        places = [Problem(child("/query", n), f"`{n}` is no parameter here: there are {listed}") for n in sorted(given.keys() - known)]
        if places:
            raise ProblemError(INVALID_REQUEST, "the query has parameters that mean nothing here", places)


def _query_parameters(route: Callable[..., Any]) -> frozenset[str]:
    parameters = inspect.signature(route).parameters.items()
    return frozenset(name for name, p in parameters if any(isinstance(m, Query) for m in getattr(p.annotation, "__metadata__", ())))


def answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> "Response[Any]":
    """Return an answer that nobody may keep: permissions change."""
    return Response(status, "application/json", body, headers={"Cache-Control": "no-store", **(headers or {})})


ALWAYS = (UNAUTHENTICATED, INVALID_REQUEST, BAD_REQUEST, ANSWER_TOO_LARGE, TAKES_TOO_LONG, UNAVAILABLE, DAMAGED, INTERNAL)
"""Problems that every route with a caller may answer with."""
