"""REST API, TOKEN authorizer ("Input to an API Gateway Lambda authorizer", developer guide): one header's value and the method ARN, no template."""

from collections.abc import Mapping
from typing import Any

from authorizer.events.wire import AuthorizationRequest, read_method_arn, write_policy_response

FORMAT = "rest_token"


def read_request(event: Mapping[str, Any]) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`."""
    value = event.get("authorizationToken")
    return AuthorizationRequest(FORMAT, read_method_arn(event.get("methodArn")), (value,) if isinstance(value, str) else ())


write_response = write_policy_response
