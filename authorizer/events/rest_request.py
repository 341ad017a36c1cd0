"""REST API, REQUEST authorizer ("Input to an API Gateway Lambda authorizer", developer guide): the whole request and its resource template."""

from collections.abc import Mapping
from typing import Any

from authorizer.events.fields import map_of, text_of, texts_of
from authorizer.events.token_places import TokenPlaces, token_values
from authorizer.events.wire import AuthorizationRequest, read_method_arn, write_policy_response

FORMAT = "rest_request"


def read_request(event: Mapping[str, Any], places: TokenPlaces) -> AuthorizationRequest:
    """Read the event. Raises `TroubleError`.

    `path` carries stages and base paths of custom domains and is not used: the path is the ARN's.
    """
    told = text_of(map_of(event, "requestContext").get("resourcePath")) or text_of(event.get("resource"))
    return AuthorizationRequest(
        FORMAT,
        read_method_arn(event.get("methodArn")),
        token_values(event, places),
        told,
        path_parameters=texts_of(event, "pathParameters"),
    )


write_response = write_policy_response
