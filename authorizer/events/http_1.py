"""HTTP API, payload format 1.0 ("AWS Lambda authorizers for HTTP APIs", developer guide): a REST event with the values of the identity sources in one text."""

from collections.abc import Mapping
from typing import Any

from authorizer.events.fields import map_of, text_of, texts_of
from authorizer.events.identity_sources import keyed_parts, sent_values
from authorizer.events.token_places import TokenPlaces, token_sources, token_values
from authorizer.events.wire import AuthorizationRequest, read_method_arn, write_policy_response
from authorizer.policy.cache_scope import KeyPart

FORMAT = "http_1"


def read_request(event: Mapping[str, Any], places: TokenPlaces) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`."""
    context = map_of(event, "requestContext")
    arn = read_method_arn(event.get("methodArn"))
    tokens = token_values(event, places)
    told = text_of(context.get("resourcePath")) or text_of(event.get("resource"))
    return AuthorizationRequest(
        FORMAT,
        arn,
        tokens,
        # The route that takes all others is told as `$default`, which is no template.
        told if told is not None and told.startswith("/") and told != "/$default" else None,
        _keyed(event, context, arn.verb, tokens, places),
        texts_of(event, "pathParameters"),
    )


def _keyed(
    event: Mapping[str, Any], context: Mapping[str, Any], verb: str | None, tokens: tuple[str, ...], places: TokenPlaces
) -> frozenset[KeyPart]:
    """The values are joined by commas, which values of the caller's may hold as well. So a piece that is none of the gateway's own makes all but the token
    doubtful."""
    joined = event.get("identitySource")
    pieces = joined.split(",") if isinstance(joined, str) else []
    holding = token_sources(event, places, tokens, pieces)
    route_key = _route_key(context, verb, pieces)
    paths = [path for path in (text_of(context.get("path")), text_of(event.get("path"))) if path is not None]
    if not {*pieces} <= {*holding, *paths, verb, route_key, text_of(context.get("stage"))}:
        pieces = [piece for piece in pieces if piece in holding]
    return keyed_parts(
        None if joined is None or joined == "" else pieces,
        tokens=holding,
        verb=verb,
        route_key=route_key,
        paths=paths,
        # One of the two paths could explain the first piece of the other.
        untrusted=sent_values(event) | {piece for path in paths if "," in path for piece in path.split(",")},
    )


def _route_key(context: Mapping[str, Any], verb: str | None, pieces: list[str]) -> str | None:
    """Return the route key: `resourceId` where real APIs write it (`GET /pets`), else the key among the cache key's pieces that fits the template.

    The sample in the developer guide has `05c7jb` as `resourceId`; with the template `/pets` and the piece `ANY /pets` the key is `ANY /pets`.
    """
    told, template = text_of(context.get("resourceId")), text_of(context.get("resourcePath"))
    if told in pieces or template is None:
        return told
    return next((key for key in (f"{verb} {template}", f"ANY {template}") if key in pieces), told)


write_response = write_policy_response
