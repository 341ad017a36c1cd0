"""The wire formats: each module reads one kind of event and writes its answer, nothing else."""

from collections.abc import Callable, Mapping
from typing import Any

from authorizer.errors import TroubleError
from authorizer.events import http_1, http_2, rest_request, rest_token, websocket
from authorizer.events.token_places import AUTHORIZATION_HEADER, TokenPlaces
from authorizer.events.wire import Answer, AuthorizationRequest, PolicyResponse, SimpleResponse

Response = PolicyResponse | SimpleResponse

_WRITERS: dict[str, Callable[[Answer], Response]] = {
    module.FORMAT: module.write_response for module in (rest_token, rest_request, http_1, http_2, websocket)
}


def read_request(event: Mapping[str, Any], places: TokenPlaces = AUTHORIZATION_HEADER) -> AuthorizationRequest:
    """Tell the format by the event's fields, never by `type` alone, and read it. Raises `TroubleError` for an event of no known format.

    `places` is where the token may be. The event of a TOKEN authorizer holds it alone, from whichever header the gateway was told.
    """
    context = event.get("requestContext")
    if isinstance(context, Mapping):
        if event.get("version") == "2.0" and "routeArn" in event and "methodArn" not in event:
            return http_2.read_request(event, places)
        if event.get("version") == "1.0" and "methodArn" in event and "routeArn" not in event:
            return http_1.read_request(event, places)
    if "version" not in event and "routeArn" not in event and "methodArn" in event:
        if context is None and "authorizationToken" in event:
            return rest_token.read_request(event)
        if isinstance(context, Mapping):
            if context.get("eventType") == "CONNECT":
                return websocket.read_request(event, places)
            if "eventType" not in context:
                # serverless-offline tells TOKEN authorizers a context too. Every REQUEST event has the headers, if only as null.
                if "authorizationToken" in event and "headers" not in event:
                    return rest_token.read_request(event)
                return rest_request.read_request(event, places)
    raise TroubleError("unknown_event", f"no known authorizer event has the fields {', '.join(sorted(map(str, event)))}")


def write_response(request: AuthorizationRequest, answer: Answer) -> Response:
    """Write the answer in the format of the request. Raises `TroubleError` if it does not fit."""
    return _WRITERS[request.format](answer)
