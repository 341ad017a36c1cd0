"""HTTP API, payload format 2.0 ("AWS Lambda authorizers for HTTP APIs", developer guide): a route key, a list of identity sources, two forms of answers."""

from collections.abc import Mapping
from typing import Any

from authorizer.events.fields import map_of, text_of, texts_of
from authorizer.events.identity_sources import host_name, keyed_parts, sent_values
from authorizer.events.token_places import TokenPlaces, token_sources, token_values
from authorizer.events.wire import (
    Answer,
    AuthorizationRequest,
    PolicyResponse,
    SimpleResponse,
    read_method_arn,
    write_policy_response,
    write_simple_response,
)

FORMAT = "http_2"


def read_request(event: Mapping[str, Any], places: TokenPlaces) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`.

    `rawPath` carries stages and mapping keys of custom domains and is not routed by: the path is the ARN's.
    """
    http = map_of(map_of(event, "requestContext"), "http")
    arn = read_method_arn(event.get("routeArn"))
    tokens = token_values(event, places)
    route_key = text_of(event.get("routeKey"))
    _, _, told = (route_key or "").partition(" ")
    paths = [path for path in (text_of(event.get("rawPath")), text_of(http.get("path"))) if path is not None]
    sources = _identity_sources(event.get("identitySource"))
    parts = keyed_parts(
        sources,
        tokens=token_sources(event, places, tokens, sources or ()),
        verb=arn.verb,
        route_key=route_key,
        paths=paths,
        untrusted=sent_values(event),
        host=host_name(event),
    )
    template = told if told.startswith("/") else None
    return AuthorizationRequest(FORMAT, arn, tokens, template, parts, texts_of(event, "pathParameters"))


def _identity_sources(value: object) -> list[str] | None:
    """Their values, None if there are none. What cannot be read vouches for nothing."""
    if value is None or value == []:
        return None
    values = value if isinstance(value, list) else [value]
    return [source for source in values if isinstance(source, str)]


def write_response(answer: Answer) -> PolicyResponse | SimpleResponse:
    """Write the answer: as a policy, or as one word where that is what the answer is. Raises `TroubleError` if it does not fit."""
    if answer.is_authorized is None:
        return write_policy_response(answer)
    return write_simple_response(answer, is_authorized=answer.is_authorized)
