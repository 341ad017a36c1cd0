"""A client of the admin API in this process: requests as API Gateway hands them on, and answers as a browser would see them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from admin_api.rest.app import AdminApi

_NOTHING: Any = object()

PROBLEM_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the authorizer tells API Gateway: everything is text.

    Machines have `scopes` in place of groups, and people who came through a delegated client a `consent`.
    """

    subject: str
    groups: tuple[str, ...] = ()
    client_id: str = "app1"
    scopes: tuple[str, ...] | None = None
    consent: tuple[str, ...] | None = None

    def context(self, route: str | None = None) -> dict[str, str]:
        """What stands under `requestContext.authorizer`, once `route` was allowed."""
        context = {"principalId": self.subject, "groups": _as_text(self.groups), "client_id": self.client_id, "version": "1"}
        context |= {} if route is None else {"route": route}
        context |= {} if self.consent is None else {"consent": _as_text(self.consent)}
        return context if self.scopes is None else context | {"scopes": _as_text(self.scopes)}


def _as_text(names: tuple[str, ...]) -> str:
    """As the authorizer's context has a list."""
    return ",".join(
        "".join(c if c.isascii() and (c.isalnum() or c in "-._~") else "".join(f"%{b:02X}" for b in c.encode()) for c in n) for n in names
    )


ADMIN = Caller("jane", ("gatebook-admins",))
OTHER_ADMIN = Caller("paul", ("gatebook-admins",))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `headers` are by lower-case name, `body` is what its JSON says."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def tag(self) -> str:
        """The entity tag, which must be there."""
        return self.headers["etag"]

    def problem(self, status: int, name: str) -> Any:
        """The body, which must be a whole problem document of this type (RFC 9457 section 3)."""
        assert (self.status, self.body.get("type")) == (status, f"urn:gatebook:problem:{name}"), self.body
        assert self.headers["content-type"] == PROBLEM_TYPE
        assert self.headers["cache-control"] == "no-store"
        assert self.body["status"] == status
        assert all(isinstance(self.body[member], str) and self.body[member] for member in ("title", "detail", "instance"))
        for place in self.body.get("problems", []):
            assert place.keys() == {"pointer", "message"}
            assert place["message"]
        return self.body

    def pointers(self) -> list[str]:
        """Where the mistakes are that a problem document tells of."""
        return [place["pointer"] for place in self.body["problems"]]


@dataclass
class Client:
    """Sends requests to `api`. `sent` is the event of the last one."""

    api: AdminApi
    sent: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, /, **query: Any) -> Reply:
        """Ask for something. `as_` is who asks; all else is the query."""
        as_ = query.pop("as_", ADMIN)
        return self.call("GET", path, query=query, as_=as_)

    def put(self, path: str, body: Any = _NOTHING, **more: Any) -> Reply:
        """Replace something; `if_match` and the rest as in `call`."""
        return self.call("PUT", path, body, **more)

    def patch(self, path: str, body: Any = _NOTHING, **more: Any) -> Reply:
        """Change parts of something."""
        return self.call("PATCH", path, body, **more)

    def post(self, path: str, body: Any = _NOTHING, **more: Any) -> Reply:
        """Ask a question with a body, or roll back."""
        return self.call("POST", path, body, **more)

    def delete(self, path: str, **more: Any) -> Reply:
        """Remove something."""
        return self.call("DELETE", path, **more)

    def publish(self, document: dict[str, Any], as_: Caller = ADMIN) -> Reply:
        """Make an API hold a document. Fails if it does already."""
        known = self.get(f"/v1/apis/{document['api']}").status == 200
        precondition = {"if_match": "*"} if known else {"if_none_match": "*"}
        reply = self.put(f"/v1/apis/{document['api']}/document", document, as_=as_, **precondition)
        assert reply.status in (200, 201), reply.body
        assert reply.body["changed"]
        return reply

    def call(
        self,
        method: str,
        path: str,
        body: Any = _NOTHING,
        *,
        as_: Caller | None = ADMIN,
        context: Any = _NOTHING,
        query: Mapping[str, str | list[str]] | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        raw: str | None = None,
        encoded: bool = False,
    ) -> Reply:
        """One request. `raw` is a body as it goes over the wire, `encoded` if that is base64; `context` is what stands in place of a caller."""
        given = {"If-Match": if_match, "If-None-Match": if_none_match, "Idempotency-Key": key}
        sent = {"Content-Type": "application/json", **{n: v for n, v in given.items() if v is not None}, **(headers or {})}
        parameters = {name: value if isinstance(value, list) else [value] for name, value in (query or {}).items()}
        caller = (as_.context(f"{method} {path}") if as_ else None) if context is _NOTHING else context
        below = "/access/v1/" if path.startswith("/access/") else "/v1/"
        self.sent = {
            "resource": below + "{proxy+}",
            "path": path,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
            "multiValueQueryStringParameters": parameters or None,
            "pathParameters": {"proxy": path.removeprefix(below)},
            "stageVariables": None,
            "requestContext": {
                "resourcePath": below + "{proxy+}",
                "httpMethod": method,
                "path": f"/admin{path}?{urlencode(parameters, doseq=True, errors='replace')}",
                **({} if caller is None else {"authorizer": caller}),
            },
            "body": raw if raw is not None else None if body is _NOTHING else json.dumps(body),
            "isBase64Encoded": encoded,
        }
        return read_answer(self.api(self.sent, None))


def pets(api: str, **changes: Any) -> dict[str, Any]:
    """A small document with every kind of subject."""
    return {
        "api": api,
        "routes": ["GET /pets", "POST /pets", "DELETE /pets/{petId}", "GET /pets/{petId}"],
        "everyone": {"allow": ["GET /pets"]},
        "groups": {"guest": {"allow": ["GET /pets/{petId}"]}, "owner": {"inherits": ["guest"], "allow": ["POST /pets"]}},
        "clients": {"job": {"allow": ["POST /pets"]}},
        "scopes": {"pets/read": {"allow": ["GET /pets/{petId}"]}},
        **changes,
    }


def read_answer(answer: Mapping[str, Any]) -> Reply:
    """What API Gateway would send of a Lambda proxy answer. Its body is JSON with unique names."""
    headers = {}
    for name, values in answer["multiValueHeaders"].items():
        assert len(values) == 1, (name, values)
        assert all(isinstance(value, str) and value.isprintable() for value in values)
        headers[name.lower()] = values[0]
    assert answer["isBase64Encoded"] is False
    return Reply(answer["statusCode"], headers, json.loads(answer["body"], object_pairs_hook=_unique))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), pairs
    return dict(pairs)
