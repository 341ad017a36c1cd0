"""Which identity sources a gateway needs, by where an authorizer looks for tokens.

API Gateway remembers answers under the values of the identity sources. If what the token comes in is none of them, one caller is given another's answer.
"""

from collections.abc import Iterator, Mapping

from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace, read_places

_SOURCES = {PlaceKind.HEADER: "header.{name}", PlaceKind.COOKIE: "header.Cookie", PlaceKind.QUERY: "querystring.{name}"}
_GATEWAYS = {"REST API": "method.request", "HTTP API": "$request", "WebSocket API": "route.request"}
_KINDS = {"rest": "REST API", "http": "HTTP API", "websocket": "WebSocket API"}


def identity_source_notes(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield, for people, what the gateway of an authorizer with this environment has to have as identity sources. Nothing for the Authorization header alone.

    `TOKEN_FROM=cookie:session` -> that of a REST API is `method.request.header.Cookie`. What is wrong with `TOKEN_FROM` is a note too: it stops the function.
    """
    problems: list[str] = []
    text = environ.get("TOKEN_FROM", "").strip()
    places = read_places(text, problems)
    if problems or places is AUTHORIZATION_HEADER:
        yield from problems
        return
    for place in places:
        sources = ", ".join(f"`{root}.{_source(place)}` ({gateway})" for gateway, root in _GATEWAYS.items())
        yield f"tokens come in `{place.kind}:{place.name}`: unless the gateway's TTL is 0, that has to be an identity source: {sources}"
    if len(places) > 1:
        yield (
            "tokens come in several places, and a gateway answers 401 where one of its identity sources is missing: "
            "name none of them and set the TTL to 0"
        )
    if any(place.kind is PlaceKind.COOKIE for place in places):
        yield "browsers send cookies by themselves: see that requests which change something are the page's own (docs/gateways.md tells how)"


def identity_source(place: TokenPlace, kind: str) -> str:
    """Return the identity source that holds what comes in a place, at an API of a kind: `rest`, `http` or `websocket`.

    `query:token` at a REST API -> `method.request.querystring.token`. A header is written as headers usually are, and counts in any case.
    """
    usual = place._replace(name=place.name.title()) if place.kind is PlaceKind.HEADER else place
    return f"{_GATEWAYS[_KINDS[kind]]}.{_source(usual)}"


def _source(place: TokenPlace) -> str:
    return _SOURCES[place.kind].format(name=place.name)
