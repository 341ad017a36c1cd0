"""The backend of the sample APIs: tells which route was reached and what the authorizer said about the caller."""

import json
import os
from collections.abc import Mapping
from typing import Any

from authorizer.caller import NoCallerError, may_send, read_caller

PUBLIC_ROUTES = frozenset({"GET /health"})


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Echoes the route; answers 403 to a guarded route that no authorizer stood before.

    A request without the authorizer's context came in by a door that nobody guards: a method whose authorizer was forgotten, or a direct invocation.
    """
    context = event.get("requestContext") or {}
    route = _route(event, context)
    authorizer = context.get("authorizer") or {}
    if route not in PUBLIC_ROUTES and not _is_guarded(event):
        return _answer(403, {"message": "no authorizer stood before this route"})
    if "connectionId" in context and route != "$connect" and not may_send(event):
        return _answer(403, {"message": f"your permissions do not include `{route}`"})
    caller = authorizer.get("lambda", authorizer)
    return _answer(200, {"route": route, "path_parameters": event.get("pathParameters") or {}, "authorizer": caller})


def _route(event: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    """HTTP and WebSocket APIs name the route by its key, REST APIs by method and resource."""
    key = context.get("routeKey") or event.get("routeKey")
    return str(key) if key else f"{event['httpMethod']} {event['resource']}"


def _is_guarded(event: Mapping[str, Any]) -> bool:
    try:
        read_caller(event)
    except NoCallerError:
        return False
    return True


def _answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": os.environ.get("ALLOW_ORIGIN", "*")}
    print(json.dumps({"status": status, "route": body.get("route")}))
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
