"""The backend of the sample API: tells which route was reached and what the authorizer said about the caller."""

import json
import os
from collections.abc import Mapping
from typing import Any

PUBLIC_ROUTES = frozenset({"GET /health"})


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Echoes the route; answers 403 to a guarded route that no authorizer stood before.

    API Gateway always sends the authorizer's context along. A request without it came in by a door that nobody guards: a
    method whose authorizer was forgotten, or a direct invocation.
    """
    route = f"{event['httpMethod']} {event['resource']}"
    authorizer = event.get("requestContext", {}).get("authorizer")
    if route not in PUBLIC_ROUTES and not authorizer:
        return _answer(403, {"message": "no authorizer stood before this route"})
    return _answer(200, {"route": route, "path_parameters": event.get("pathParameters") or {}, "authorizer": authorizer or {}})


def _answer(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Access-Control-Allow-Origin": os.environ.get("ALLOW_ORIGIN", "*")}
    print(json.dumps({"status": status, "route": body.get("route")}))
    return {"statusCode": status, "headers": headers, "body": json.dumps(body)}
