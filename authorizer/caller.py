"""For the backend behind the gateway: who calls, as the authorizer found out. One file that imports the standard library only, free to be copied.

A backend must never take the lack of an authorizer's context for a caller without groups: a route without an authorizer, or a spelling that the gateway
let past it, would then be served to anybody. So everything here fails closed.

    from authorizer.caller import NoCallerError, read_caller

    def handler(event, context):
        try:
            caller = read_caller(event)
        except NoCallerError:
            return {"statusCode": 403}
        pets = pets_of(caller.subject)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote


class NoCallerError(Exception):
    """The event has no context of the authorizer, or one that cannot be read: answer 403. The message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The verified caller. `version` is that of the permissions, `client_id` is `""` where the token names none.

    `delegated` tells a person who came through a delegated client, with the scopes `consent`, which are None where they did not fit.

    `groups` and `scopes` are None where they did not fit into the authorizer's answer; `username` where the authorizer is not set to tell it. `routes` are the
    route keys of a WebSocket API that the caller may use, none for other APIs.
    """

    subject: str
    client_id: str
    version: int
    groups: tuple[str, ...] | None
    scopes: tuple[str, ...] | None
    username: str | None
    routes: tuple[str, ...]
    delegated: bool = False
    consent: tuple[str, ...] | None = ()

    def is_in(self, group: str) -> bool:
        """Return whether the caller is in a group. Raises `NoCallerError` if the groups did not fit: nobody knows, then."""
        if self.groups is None:
            raise NoCallerError("the caller's groups did not fit into the authorizer's answer")
        return group in self.groups


def read_caller(event: Mapping[str, Any]) -> Caller:
    """Return the caller of the request that a Lambda function is invoked with, by a REST, HTTP or WebSocket API. Raises `NoCallerError`."""
    context = _context(event)
    delegated = "consent" in context or "consent_omitted" in context
    return Caller(
        subject=_text(context, "sub"),
        client_id=_text(context, "client_id", required=False),
        version=_number(context, "version"),
        groups=_names(context, "groups"),
        scopes=() if "scopes" not in context and "scopes_omitted" not in context else _names(context, "scopes"),
        username=_text(context, "username") if "username" in context else None,
        routes=(_names(context, "routes") or ()) if "routes" in context else (),
        delegated=delegated,
        consent=_names(context, "consent") if delegated else (),
    )


def may_send(event: Mapping[str, Any]) -> bool:
    """Return whether the caller of a WebSocket message may use its route, by what was permitted when the connection was made. False where that is not known."""
    try:
        return event["requestContext"]["routeKey"] in read_caller(event).routes
    except (NoCallerError, KeyError, TypeError):
        return False


def read_names(text: object) -> tuple[str, ...]:
    """Return a list that travels as one text: percent-encoded names, joined by commas, as in `guest,Domain%20Admins`. An empty text is an empty list.

    Only what the authorizer writes is read: everything but letters, digits and `-._~` is encoded, in capitals. A JSON list is what it wrote before, and may be
    remembered by a gateway until its TTL is over; it begins with `[`, which no other text does. Raises `NoCallerError` for anything else.
    """
    if not isinstance(text, str):
        raise NoCallerError("a list of names is no text")
    if text.startswith("["):
        return _read_json(text)
    try:
        names = tuple(unquote(name, errors="surrogatepass") for name in text.split(",")) if text else ()
    except UnicodeError:
        names = ("",)
    # What the authorizer would not write so is not guessed at, and it writes no empty name.
    if not all(names) or ",".join(quote(name, safe="", errors="surrogatepass") for name in names) != text:
        raise NoCallerError("a list of names is not written as the authorizer writes it")
    return names


def _read_json(text: str) -> tuple[str, ...]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise NoCallerError("a list of names is not a JSON list of texts")
    return tuple(value)


def _context(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """REST, WebSocket and payload 1.0 have the values under `authorizer`, payload 2.0 of HTTP APIs under `authorizer.lambda`."""
    found: Any = event
    for name in ("requestContext", "authorizer"):
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, Mapping) and isinstance(found.get("lambda"), Mapping):
        found = found["lambda"]
    if not isinstance(found, Mapping) or not found:
        raise NoCallerError("the event has no authorizer context: the route has no authorizer, or the request got past it")
    return found


def _text(context: Mapping[str, Any], name: str, *, required: bool = True) -> str:
    value = context.get(name)
    if not isinstance(value, str) or (required and not value):
        raise NoCallerError(f"the authorizer context has no `{name}`: it is another authorizer's, or incomplete")
    return value


def _number(context: Mapping[str, Any], name: str) -> int:
    text = _text(context, name)
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise NoCallerError(f"`{name}` of the authorizer context is not a number")
    return int(text)


def _names(context: Mapping[str, Any], name: str) -> tuple[str, ...] | None:
    """Return a list of the context, None if it is marked as omitted."""
    if context.get(f"{name}_omitted") == "true":
        return None
    try:
        return read_names(context.get(name))
    except NoCallerError as error:
        raise NoCallerError(f"`{name}` of the authorizer context: {error}") from None
