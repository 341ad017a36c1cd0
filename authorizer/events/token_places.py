"""Where requests carry their tokens: a header, a cookie or a query parameter, as `TOKEN_FROM` names them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from authorizer.events.fields import list_of, map_of


class PlaceKind(StrEnum):
    """The kinds of places, by the words of `TOKEN_FROM`."""

    HEADER = "header"
    COOKIE = "cookie"
    QUERY = "query"


class TokenPlace(NamedTuple):
    """One place, as `cookie:session`. The name of a header is in lower case; those of cookies and query parameters count as they are written."""

    kind: PlaceKind
    name: str


TokenPlaces = tuple[TokenPlace, ...]

AUTHORIZATION_HEADER: TokenPlaces = (TokenPlace(PlaceKind.HEADER, "authorization"),)
"""Where tokens are if nobody says otherwise (RFC 6750 section 2.1)."""

# Names of headers and cookies are tokens (RFC 9110 section 5.1, RFC 6265 section 4.1.1). Those of query parameters are what is left once they are decoded.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PARAMETER_NAME = re.compile(r"[!-~]+")


def read_places(text: str, problems: list[str]) -> TokenPlaces:
    """Return the places that a text names, such as `header:Authorization, cookie:session`; the Authorization header if it is empty.

    What is wrong is added to `problems`.
    """
    if not text:
        return AUTHORIZATION_HEADER
    places: list[TokenPlace] = []
    for entry in text.split(","):
        place = _read_place(entry.strip(), problems)
        if place in places:
            problems.append(f"`TOKEN_FROM` has `{entry.strip()}` twice: keep one")
        elif place is not None:
            places.append(place)
    # The very object, which is looked for at each request.
    return AUTHORIZATION_HEADER if tuple(places) == AUTHORIZATION_HEADER else tuple(places)


def _read_place(entry: str, problems: list[str]) -> TokenPlace | None:
    kind, _, name = entry.partition(":")
    if kind not in (*PlaceKind,) or not name:
        problems.append(
            f"`TOKEN_FROM` has `{entry}`: a place is `header:NAME`, `cookie:NAME` or `query:NAME`, and several are separated by commas"
        )
    elif not (_PARAMETER_NAME if kind == PlaceKind.QUERY else _NAME).fullmatch(name):
        problems.append(f"`TOKEN_FROM` has `{entry}`: no {kind} has such a name")
    elif kind == PlaceKind.HEADER and name.lower() == "cookie":
        problems.append(f"`TOKEN_FROM` has `{entry}`: name the cookie that is the token, as in `cookie:session`")
    else:
        return TokenPlace(PlaceKind(kind), name.lower() if kind == PlaceKind.HEADER else name)
    return None


def token_values(event: Mapping[str, Any], places: TokenPlaces) -> tuple[str, ...]:
    """Return every value in these places, each of which may be the token. An empty text is one too: whoever sends it beside another has sent two."""
    if places is AUTHORIZATION_HEADER:  # the rule, and the rest would cost every request more
        return header_values(event, "authorization")
    return tuple(value for kind, name in places for value in _READERS[kind](event, name))


def token_sources(event: Mapping[str, Any], places: TokenPlaces, tokens: tuple[str, ...], sources: Sequence[str]) -> Collection[str]:
    """Return the values of identity sources that hold the token: whoever sends the same one sends the same token in it.

    A header holds its whole value, a query parameter its value, decoded or as it was sent. No identity source is one cookie: `a=b; session=TOKEN`, the whole
    Cookie header, holds the token of `cookie:session` ("AWS Lambda authorizers for HTTP APIs", developer guide).
    """
    if places is AUTHORIZATION_HEADER:
        return tokens
    # Of several values none is the token, and the request is refused.
    if len(tokens) != 1:
        return ()
    return [source for source in sources if any(_holds(source, event, place) for place in places)]


def _holds(source: str, event: Mapping[str, Any], place: TokenPlace) -> bool:
    values = _READERS[place.kind](event, place.name)
    if place.kind is PlaceKind.COOKIE:
        # The header is told in pieces, and no page says how they were joined: what counts is that it names this very value.
        return bool(values) and tuple(_cookies_named(place.name, source)) == values
    return source in values or (place.kind is PlaceKind.QUERY and unquote_plus(source) in values)


def header_values(event: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return every value of a header (its name in lower case), whatever case it was sent in. A header sent twice shows in `multiValueHeaders` only."""
    many, one = map_of(event, "multiValueHeaders"), map_of(event, "headers")
    values = [value for sent_name in many if sent_name.lower() == name for value in list_of(many, sent_name) if isinstance(value, str)]
    return tuple(values or [value for sent_name, value in one.items() if sent_name.lower() == name and isinstance(value, str)])


def query_values(event: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return every value of a query parameter. One that is sent twice shows in the map of many values only, or joined by commas, which no token has."""
    many = list_of(map_of(event, "multiValueQueryStringParameters"), name)
    one = map_of(event, "queryStringParameters").get(name)
    return tuple(value for value in (many or [one]) if isinstance(value, str))


def cookie_values(event: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return every value of a cookie. Payload 2.0 tells cookies in a list of their own, everything else in headers. Emulators tell both of one request."""
    told = [cookie for cookie in list_of(event, "cookies") if isinstance(cookie, str)] or header_values(event, "cookie")
    return tuple(value for text in told for value in _cookies_named(name, text))


def _cookies_named(name: str, text: str) -> Iterator[str]:
    """Yield the values of a cookie in a text such as `a=b; session="TOKEN"`, without their quotes (RFC 6265 section 4.1.1)."""
    for pair in text.split(";"):
        sent_name, equals, value = pair.partition("=")
        if equals and sent_name.strip() == name:
            bare = value.strip()
            yield bare[1:-1] if len(bare) > 1 and bare[0] == bare[-1] == '"' else bare


_READERS = {PlaceKind.HEADER: header_values, PlaceKind.COOKIE: cookie_values, PlaceKind.QUERY: query_values}
