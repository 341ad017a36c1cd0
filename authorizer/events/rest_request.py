"""REST API, REQUEST authorizer ("Input to an API Gateway Lambda authorizer", developer guide): the whole request and its resource template."""

from collections.abc import Mapping
from typing import Any

from authorizer.events.wire import AuthorizationRequest, read_method_arn, write_policy_response

FORMAT = "rest_request"


def read_request(event: Mapping[str, Any]) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`.

    `path` carries stages and base paths of custom domains and is not used: the path is the ARN's.
    """
    context = event.get("requestContext") or {}
    told = context.get("resourcePath") or event.get("resource")
    return AuthorizationRequest(
        FORMAT,
        read_method_arn(event.get("methodArn")),
        authorization_values(event),
        told if isinstance(told, str) else None,
    )


def authorization_values(event: Mapping[str, Any]) -> tuple[str, ...]:
    """Every value of the Authorization header, whatever its case. A header sent twice shows in `multiValueHeaders` only."""
    values: list[str] = []
    for name, sent in (event.get("multiValueHeaders") or {}).items():
        if name.lower() == "authorization":
            values += [value for value in sent or [] if isinstance(value, str)]
    if not values:
        values = [
            value for name, value in (event.get("headers") or {}).items() if name.lower() == "authorization" and isinstance(value, str)
        ]
    return tuple(values)


write_response = write_policy_response
