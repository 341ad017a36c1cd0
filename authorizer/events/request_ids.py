"""The gateway's own names of a request, by which a caller's complaint is followed from the access log to the decision."""

from collections.abc import Mapping

NAMES = ("requestId", "extendedRequestId", "connectionId")
"""What the fields are called in the event's `requestContext`, in access logs (`$context.requestId`), and therefore in log lines."""

_LONGEST = 128


def read_request_ids(event: object) -> dict[str, str]:
    """Return the ids that the event tells: `requestId`; of REST APIs `extendedRequestId`; of WebSocket APIs `connectionId`. Raises nothing.

    The event of a TOKEN authorizer has none: `{}`. An extended id that is the request's id again, as HTTP APIs send it, is left out. For example:
    `{"requestContext": {"requestId": "JKJaXmPLvHcESHA=", "extendedRequestId": "JKJaXmPLvHcESHA="}}` -> `{"requestId": "JKJaXmPLvHcESHA="}`.
    """
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    if not isinstance(context, Mapping):
        return {}
    told = {name: value for name in NAMES if isinstance(value := context.get(name), str) and 0 < len(value) <= _LONGEST}
    if told.get("extendedRequestId") == told.get("requestId"):
        told.pop("extendedRequestId", None)
    return told
