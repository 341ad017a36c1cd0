"""WebSocket API, `$connect` ("Create a Lambda REQUEST authorizer function", developer guide): the only moment at which a connection can be refused.

Browsers cannot set headers there, so the token may also come in the query string or as a subprotocol, whatever other places `TOKEN_FROM` names.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from authorizer.events.token_places import PlaceKind, TokenPlace, TokenPlaces, header_values, query_values, token_values
from authorizer.events.wire import AuthorizationRequest, read_method_arn, write_policy_response
from authorizer.policy.cache_scope import ALL_PARTS

FORMAT = "websocket"
QUERY_PARAMETER = TokenPlace(PlaceKind.QUERY, "access_token")
"""RFC 6750 section 2.3."""


def read_request(event: Mapping[str, Any], places: TokenPlaces) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`. Nothing is remembered for a WebSocket API: the decision holds as long as the connection."""
    queried = () if QUERY_PARAMETER in places else query_values(event, QUERY_PARAMETER.name)
    tokens = (*token_values(event, places), *queried, *_subprotocols(event))
    return AuthorizationRequest(FORMAT, read_method_arn(event.get("methodArn")), tokens, None, ALL_PARTS)


def _subprotocols(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield what follows `bearer` in the list of subprotocols, as in `Sec-WebSocket-Protocol: bearer, <token>`."""
    offered = [word.strip() for value in header_values(event, "sec-websocket-protocol") for word in value.split(",")]
    for index, word in enumerate(offered):
        if word.lower() == "bearer":
            yield offered[index + 1] if index + 1 < len(offered) else ""


write_response = write_policy_response
