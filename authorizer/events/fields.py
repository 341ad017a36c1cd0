"""Fields of an event, by the type that API Gateway gives them. What has another type cannot have come from it, and is not guessed at."""

from collections.abc import Mapping
from typing import Any

from authorizer.errors import TroubleError


def map_of(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a map of the event, empty if it is missing or null. Raises `TroubleError` for anything else."""
    value = event.get(name)
    if type(value) is dict:  # which is what Lambda makes of JSON, and asking for any `Mapping` takes longer
        return value
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TroubleError("unreadable_event", f"`{name}` of the event is not a map")
    return value


def list_of(values: Mapping[str, Any], name: str) -> list[Any]:
    """Return a list of the event, empty if it is missing or null. Raises `TroubleError` for anything else."""
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise TroubleError("unreadable_event", f"`{name}` of the event is not a list")
    return value


def text_of(value: object) -> str | None:
    """Return the value if it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def texts_of(event: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return a map of texts, empty if it is missing or null. Raises `TroubleError` for anything else."""
    values = map_of(event, name)
    if not all(isinstance(value, str) for value in values.values()):
        raise TroubleError("unreadable_event", f"a value of `{name}` of the event is not a text")
    return dict(values)
