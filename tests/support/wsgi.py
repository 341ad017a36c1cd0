"""A WSGI application in front of a Lambda function: what API Gateway's REST proxy integration makes of requests and answers, for clients that speak WSGI."""

import base64
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class LambdaProxy:
    """Calls `handler` for each request. `context` is what the authorizer would have told API Gateway of the caller; None if there is no authorizer."""

    def __init__(self, handler: Handler, context: Mapping[str, str] | None, resource: str = "/{proxy+}") -> None:
        self._handler = handler
        self._context = context
        self._resource = resource

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request, as PEP 3333 has it."""
        answer = self._handler(self.event(environ), None)
        status = HTTPStatus(answer["statusCode"])
        headers = [(name, value) for name, values in answer["multiValueHeaders"].items() for value in values]
        start_response(f"{status.value} {status.phrase}", headers)
        body = answer.get("body") or ""
        return [base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()]

    def event(self, environ: Mapping[str, Any]) -> dict[str, Any]:
        """The event ("Set up Lambda proxy integrations", developer guide). The path is as it was sent, the query is decoded."""
        path = str(environ["REQUEST_URI"]).partition("?")[0]
        names = {"CONTENT_TYPE": "Content-Type"}
        headers = {names.get(key, key.removeprefix("HTTP_").replace("_", "-").title()): value for key, value in _headers(environ)}
        query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="surrogateescape")
        body, encoded = _text(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        return {
            "resource": self._resource,
            "path": path,
            "httpMethod": environ["REQUEST_METHOD"],
            "headers": headers,
            "multiValueHeaders": {name: [value] for name, value in headers.items()},
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {"httpMethod": environ["REQUEST_METHOD"]}
            # The authorizer says which route it allowed; here it is the path itself, which is literal where it matters.
            | ({} if self._context is None else {"authorizer": {"route": f"{environ['REQUEST_METHOD']} {path}", **self._context}}),
            "body": body,
            "isBase64Encoded": encoded,
        }


def _headers(environ: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return [(key, value) for key, value in environ.items() if (key.startswith("HTTP_") or key == "CONTENT_TYPE") and value]


def _text(data: bytes) -> tuple[str | None, bool]:
    """A body, and whether it is base64: what is no text comes as that."""
    try:
        return data.decode() or None, False
    except UnicodeDecodeError:
        return base64.b64encode(data).decode("ascii"), True
