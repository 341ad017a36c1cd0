"""What a gateway has to have as identity sources, told by where tokens come in."""

import pytest

from admin_api.identity_sources import identity_source_notes

COOKIES = "browsers send cookies by themselves: see that requests which change something are the page's own (docs/gateways.md tells how)"
SEVERAL = "tokens come in several places, and a gateway answers 401 where one of its identity sources is missing: name none of them and set the TTL to 0"


def needed(place: str, source: str) -> str:
    sources = f"`method.request.{source}` (REST API), `$request.{source}` (HTTP API), `route.request.{source}` (WebSocket API)"
    return f"tokens come in `{place}`: unless the gateway's TTL is 0, that has to be an identity source: {sources}"


HEADER = needed("header:x-token", "header.x-token")
COOKIE = needed("cookie:Session", "header.Cookie")
QUERY = needed("query:token", "querystring.token")
NOTES: list[tuple[str, list[str]]] = [
    ("", []),
    ("  ", []),
    ("header:authorization", []),
    ("header:X-Token", [HEADER]),
    ("cookie:Session", [COOKIE, COOKIES]),
    ("query:token", [QUERY]),
    ("header:X-Token, query:token", [HEADER, QUERY, SEVERAL]),
    ("query:token,cookie:Session", [QUERY, COOKIE, SEVERAL, COOKIES]),
]


@pytest.mark.parametrize(("text", "notes"), NOTES)
def test_what_must_be_an_identity_source(text: str, notes: list[str]) -> None:
    assert list(identity_source_notes({"TOKEN_FROM": text})) == notes


def test_without_the_setting_nothing_is_said() -> None:
    assert list(identity_source_notes({"API": "petstore"})) == []


def test_a_mistake_in_the_setting_is_told() -> None:
    assert list(identity_source_notes({"TOKEN_FROM": "session"})) == [
        "`TOKEN_FROM` has `session`: a place is `header:NAME`, `cookie:NAME` or `query:NAME`, and several are separated by commas"
    ]
