"""WebSocket API, `$connect` ("Create a Lambda REQUEST authorizer function", developer guide): the only moment at which a connection can be refused.

Browsers cannot set headers there, so the token may also come in the query string or as a subprotocol.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from authorizer.events.fields import list_of, map_of
from authorizer.events.wire import AuthorizationRequest, authorization_values, header_values, read_method_arn, write_policy_response
from authorizer.policy.cache_scope import ALL_PARTS

FORMAT = "websocket"
QUERY_PARAMETER = "access_token"
"""RFC 6750 section 2.3."""


def read_request(event: Mapping[str, Any]) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`. Nothing is remembered for a WebSocket API: the decision holds as long as the connection."""
    tokens = (*authorization_values(event), *_queried(event), *_subprotocols(event))
    return AuthorizationRequest(FORMAT, read_method_arn(event.get("methodArn")), tokens, None, ALL_PARTS)


def _queried(event: Mapping[str, Any]) -> list[str]:
    """Return every value of the parameter. One that is sent twice shows in the map of many values only."""
    many = list_of(map_of(event, "multiValueQueryStringParameters"), QUERY_PARAMETER)
    one = map_of(event, "queryStringParameters").get(QUERY_PARAMETER)
    return [value for value in (many or [one]) if isinstance(value, str)]


def _subprotocols(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield what follows `bearer` in the list of subprotocols, as in `Sec-WebSocket-Protocol: bearer, <token>`."""
    offered = [word.strip() for value in header_values(event, "sec-websocket-protocol") for word in value.split(",")]
    for index, word in enumerate(offered):
        if word.lower() == "bearer":
            yield offered[index + 1] if index + 1 < len(offered) else ""


write_response = write_policy_response
