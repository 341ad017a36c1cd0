"""Where the token is: headers, cookies and query parameters by `TOKEN_FROM`, and what of a cache key holds it then."""

import os
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from authorizer import events
from authorizer.errors import TokenError
from authorizer.events.token_places import AUTHORIZATION_HEADER, PlaceKind, TokenPlace, TokenPlaces, cookie_values, header_values
from authorizer.policy.cache_scope import KeyPart
from authorizer.tokens.verifier import bearer_token
from tests.support.events import Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event

SEED = int(os.environ.get("GATEBOOK_SEED", "20261128"))

TOKEN = "not.a.token"
COOKIE, QUERY, HEADER = (
    (TokenPlace(PlaceKind.COOKIE, "session"),),
    (TokenPlace(PlaceKind.QUERY, "token"),),
    (TokenPlace(PlaceKind.HEADER, "x-token"),),
)
BUILDERS: dict[str, Any] = {
    "rest_request": rest_request_event,
    "http_1": http_1_event,
    "http_2": http_2_event,
    "websocket": lambda **sent: websocket_event(**{"query": ()} | sent),
}
HTTP = ("http_1", "http_2")


def values(event: Event, places: TokenPlaces) -> tuple[str, ...]:
    return events.read_request(event, places).authorization


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_token_is_found_where_it_is_said_to_be_and_nowhere_else(kind: str) -> None:
    """All four of one request, each with a text of its own."""
    headers = [("Authorization", "a"), ("X-Token", "h"), ("Cookie", "other=o; session=c")]
    event = BUILDERS[kind](headers=headers, query=[("token", "q"), ("page", "2")])
    assert values(event, AUTHORIZATION_HEADER) == ("a",)
    assert values(event, HEADER) == ("h",)
    assert values(event, COOKIE) == ("c",)
    assert values(event, QUERY) == ("q",)
    assert values(event, (*QUERY, *COOKIE, *HEADER, *AUTHORIZATION_HEADER)) == ("q", "c", "h", "a")


@pytest.mark.parametrize("places", [COOKIE, QUERY, HEADER, (*COOKIE, *QUERY)])
@pytest.mark.parametrize("kind", BUILDERS)
def test_a_token_in_the_authorization_header_is_none_where_it_is_not_named(kind: str, places: TokenPlaces) -> None:
    assert values(BUILDERS[kind](headers=[("Authorization", f"Bearer {TOKEN}")]), places) == ()


@pytest.mark.parametrize("places", [AUTHORIZATION_HEADER, COOKIE, QUERY, (*COOKIE, *QUERY, *HEADER)])
def test_a_token_authorizers_event_holds_the_token_alone(places: TokenPlaces) -> None:
    """The gateway was told its header, whatever name that has."""
    assert values(rest_token_event(authorization=f"Bearer {TOKEN}"), places) == (f"Bearer {TOKEN}",)
    more = {"headers": {"x-token": "h", "cookie": "session=c"}, "queryStringParameters": {"token": "q"}}
    assert values(rest_token_event(authorization="a") | more, places) == ("a",)


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("name", ["X-Token", "x-token", "X-TOKEN", "x-ToKeN"])
def test_a_header_is_found_in_any_case(kind: str, name: str) -> None:
    assert values(BUILDERS[kind](headers=[(name, TOKEN)]), HEADER) == (TOKEN,)


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_header_that_is_sent_twice_is_two_values_or_no_token(kind: str) -> None:
    found = values(BUILDERS[kind](headers=[("X-Token", "a.b.c"), ("X-Token", "d.e.f")]), HEADER)
    assert found == (("a.b.c,d.e.f",) if kind == "http_2" else ("a.b.c", "d.e.f"))
    if kind == "http_2":
        with pytest.raises(TokenError):
            bearer_token(found[0])


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ("session=a.b-c_d", ("a.b-c_d",)),
        ("a=b; session=x; c=d", ("x",)),
        ("a=b;session=x;c=d", ("x",)),
        ("session = x ", ("x",)),
        ("\tsession=x", ("x",)),
        ('session="x"', ("x",)),
        ('session="x', ('"x',)),
        ('session="', ('"',)),
        ('session=""', ("",)),
        ("session=a=b==", ("a=b==",)),
        ("session=", ("",)),
        ("session=x; session=y", ("x", "y")),
        ("session=x; session=x", ("x", "x")),
        ("session=x; session=", ("x", "")),
        ("session", ()),
        ("session; a=b", ()),
        ("Session=x", ()),
        ("SESSION=x", ()),
        ("xsession=x", ()),
        ("session2=x", ()),
        ("__Host-session=x", ()),
        ("a=session=x", ()),
        ("a=b, session=x", ()),
        ("=session", ()),
        ("", ()),
        (";;", ()),
    ],
)
@pytest.mark.parametrize("kind", BUILDERS)
def test_a_cookie_is_found_by_its_name(kind: str, sent: str, found: tuple[str, ...]) -> None:
    assert values(BUILDERS[kind](headers=[("Cookie", sent)]), COOKIE) == found


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("names", [("Cookie", "Cookie"), ("cookie", "COOKIE")])
def test_cookies_may_come_in_several_headers(kind: str, names: tuple[str, str]) -> None:
    """HTTP/2 lets a client cut the header into pieces (RFC 9113 section 8.2.3). One cookie in two of them is two values."""
    first, second = names
    event = BUILDERS[kind](headers=[(first, "a=b"), (second, "session=x")])
    assert values(event, COOKIE) == ("x",)
    event = BUILDERS[kind](headers=[(first, "session=x"), (second, "session=y")])
    assert sorted(values(event, COOKIE)) == ["x", "y"]


def test_where_cookies_have_a_list_the_header_is_not_looked_at() -> None:
    """SAM CLI tells the cookies of one request in both."""
    event = http_2_event(headers=[("Cookie", "a=b; session=x")])
    assert values(event | {"headers": {"Cookie": "session=x"}}, COOKIE) == ("x",)
    assert values(event | {"headers": {"Cookie": "session=x"}, "cookies": []}, COOKIE) == ("x",)
    assert values(event | {"headers": {"Cookie": "session=x"}, "cookies": None}, COOKIE) == ("x",)
    assert values(event | {"cookies": [7, None, "session=y"]}, COOKIE) == ("y",)
    assert cookie_values({"cookies": ["a=b; session=x", "session=y"]}, "session") == ("x", "y")
    assert header_values({"headers": {"a": 1}}, "cookie") == ()


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_query_parameter_is_found_by_its_very_name(kind: str) -> None:
    for name in ("Token", "token2", "xtoken", "token[]"):
        assert values(BUILDERS[kind](query=[(name, "x")]), QUERY) == ()
    assert values(BUILDERS[kind](query=[("token", "")]), QUERY) == ("",)
    twice = values(BUILDERS[kind](query=[("token", "x"), ("token", "y")]), QUERY)
    assert twice == (("x,y",) if kind == "http_2" else ("x", "y"))


@pytest.mark.parametrize("kind", BUILDERS)
def test_an_empty_value_is_a_value(kind: str) -> None:
    """Alone it is a token that is missing, beside another it is one too many: a request that says two things is refused."""
    headers = [("X-Token", ""), ("Cookie", "session=")]
    event = BUILDERS[kind](headers=headers, query=[("token", "")])
    for places in (HEADER, COOKIE, QUERY):
        [value] = values(event, places)
        with pytest.raises(TokenError) as caught:
            bearer_token(value)
        assert caught.value.reason == "missing_token"
    assert values(event, (*HEADER, *COOKIE, *QUERY)) == ("", "", "")


# -- `$connect` ------------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("places", [AUTHORIZATION_HEADER, COOKIE, QUERY, HEADER])
def test_on_connect_the_places_of_browsers_count_besides(places: TokenPlaces) -> None:
    headers = [("Authorization", "a"), ("X-Token", "h"), ("Cookie", "session=c"), ("Sec-WebSocket-Protocol", "bearer, s")]
    event = websocket_event(headers=headers, query=[("token", "q"), ("access_token", "t")])
    told = {AUTHORIZATION_HEADER: "a", COOKIE: "c", QUERY: "q", HEADER: "h"}[places]
    assert values(event, places) == (told, "t", "s")


def test_on_connect_one_parameter_is_not_two_values() -> None:
    places = (TokenPlace(PlaceKind.QUERY, "access_token"),)
    assert values(websocket_event(query=[("access_token", TOKEN)]), places) == (TOKEN,)


@pytest.mark.parametrize("kind", ["rest_request", *HTTP])
def test_elsewhere_the_places_of_browsers_count_if_they_are_named(kind: str) -> None:
    event = BUILDERS[kind](headers=[("Sec-WebSocket-Protocol", "bearer, s")], query=[("access_token", "t")])
    assert values(event, COOKIE) == ()
    assert values(event, (TokenPlace(PlaceKind.QUERY, "access_token"),)) == ("t",)


# -- what of a cache key holds the token ----------------------------------------------------------------------------------------------------------------


def is_keyed(kind: str, places: TokenPlaces, sources: Sequence[str] | None, **sent: Any) -> bool:
    parts = events.read_request(BUILDERS[kind](identity_source=sources, **{"headers": ()} | sent), places).cache_key_parts
    assert parts is not None
    return KeyPart.TOKEN in parts


@pytest.mark.parametrize("kind", HTTP)
def test_a_key_holds_the_token_in_the_value_that_it_came_in(kind: str) -> None:
    bearer, cookies = f"Bearer {TOKEN}", f"a=b; session={TOKEN}; c=d"
    assert is_keyed(kind, HEADER, [bearer], headers=[("X-Token", bearer)])
    assert is_keyed(kind, QUERY, [TOKEN], query=[("token", TOKEN)])
    assert is_keyed(kind, COOKIE, [cookies], headers=[("Cookie", cookies)])
    assert is_keyed(kind, COOKIE, ["GET", cookies, "/orders/42"], headers=[("Cookie", cookies)])
    assert is_keyed(kind, (*AUTHORIZATION_HEADER, *COOKIE), [cookies], headers=[("Cookie", cookies)])
    assert is_keyed(kind, COOKIE, None, headers=[("Cookie", cookies)])


@pytest.mark.parametrize("kind", HTTP)
def test_a_query_parameter_may_be_keyed_as_it_was_sent(kind: str) -> None:
    assert is_keyed(kind, QUERY, ["not%2Ea%2Etoken"], query=[("token", TOKEN)])
    assert not is_keyed(kind, QUERY, ["not%252Ea%2Etoken"], query=[("token", TOKEN)])
    # A header is never decoded, and is another one as soon as it is written otherwise.
    assert not is_keyed(kind, HEADER, ["not%2Ea%2Etoken"], headers=[("X-Token", TOKEN)])


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize("joined", ["a=b; session={}", "a=b;session={}", "session={}; a=b", 'a=b; session="{}"', "session={}"])
def test_cookies_may_be_keyed_in_any_order_that_names_the_token(kind: str, joined: str) -> None:
    """Payload 2.0 tells the header in pieces, and no page says how they were joined."""
    assert is_keyed(kind, COOKIE, [joined.format(TOKEN)], headers=[("Cookie", f"a=b; session={TOKEN}")])


@pytest.mark.parametrize("kind", HTTP)
@pytest.mark.parametrize(
    "source",
    [
        *("acme", "session=", "session", "a=b", "GET", f"Session={TOKEN}", f"other={TOKEN}", "session=not.a.toke", f"session=x{TOKEN}"),
        *(f"session={TOKEN}; session=x", f"session=x; session={TOKEN}", f"session={TOKEN}; session={TOKEN}", f"Bearer {TOKEN}"),
        # One cookie cannot be an identity source: this is the value of something else.
        TOKEN,
    ],
)
def test_what_names_another_token_or_none_does_not_hold_it(kind: str, source: str) -> None:
    assert not is_keyed(kind, COOKIE, [source], headers=[("Cookie", f"a=b; session={TOKEN}"), ("X-Tenant", source)])


@pytest.mark.parametrize("kind", HTTP)
def test_a_key_of_another_place_than_the_tokens_does_not_hold_it(kind: str) -> None:
    """The Authorization header is the identity source as ever, and the token comes in a cookie: all callers would share one answer."""
    sent = [("Authorization", "Basic eDp5"), ("Cookie", f"session={TOKEN}")]
    assert not is_keyed(kind, COOKIE, ["Basic eDp5"], headers=sent)
    assert not is_keyed(kind, QUERY, ["Basic eDp5"], headers=sent, query=[("token", TOKEN)])
    assert not is_keyed(kind, HEADER, ["Basic eDp5"], headers=[*sent, ("X-Token", TOKEN)])
    assert not is_keyed(kind, QUERY, [f"session={TOKEN}"], headers=sent, query=[("token", TOKEN)])
    # Nor does a value without any cookie hold the token of a request without any.
    both = (*AUTHORIZATION_HEADER, *COOKIE)
    assert not is_keyed(kind, both, ["acme"], headers=[("Authorization", f"Bearer {TOKEN}"), ("X-Tenant", "acme")])


@pytest.mark.parametrize("kind", HTTP)
def test_of_several_values_none_is_in_the_key(kind: str) -> None:
    """The request is refused. Its key may be that of a request with one of them."""
    cookies = f"session={TOKEN}; session=other"
    assert not is_keyed(kind, COOKIE, [cookies], headers=[("Cookie", cookies)])
    both = (*HEADER, *QUERY)
    assert not is_keyed(kind, both, [TOKEN], headers=[("X-Token", "other")], query=[("token", TOKEN)])


def test_with_payload_1_a_cookie_with_commas_makes_nothing_else_certain() -> None:
    """The values of all identity sources are joined by commas, and the caller writes this one."""
    key = "ANY /orders/{orderId}"
    for cookies in (f"a=1; session={TOKEN}; b=,GET,{key},/orders/42", f"b=,GET,{key},/orders/42,; session={TOKEN}"):
        event = http_1_event(route_key=key, identity_source=[cookies], headers=[("Cookie", cookies)])
        assert set(events.read_request(event, COOKIE).cache_key_parts or ()) == {KeyPart.TOKEN}
    whole = http_1_event(
        route_key=key, identity_source=[f"session={TOKEN}", "GET", key, "/orders/42"], headers=[("Cookie", f"session={TOKEN}")]
    )
    parts = events.read_request(whole, COOKIE).cache_key_parts or ()
    assert set(parts) == {KeyPart.TOKEN, KeyPart.METHOD, KeyPart.ROUTE, KeyPart.PATH}


TOKENS = ("a.b.c", "d.e.f")
WRITTEN = (*TOKENS, *(f"Bearer {token}" for token in TOKENS), *(f"session={token}" for token in TOKENS), "x", "")
PLACES: tuple[TokenPlaces, ...] = (
    *(AUTHORIZATION_HEADER, COOKIE, QUERY, HEADER),
    *((*AUTHORIZATION_HEADER, *COOKIE), (*COOKIE, *QUERY), (*HEADER, *QUERY, *COOKIE)),
)
SENT = ("Authorization", "X-Token", "Cookie", "X-Tenant")


def _request(chance: Random) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Headers, and the query parameters `token` and `tenant`, of which a caller writes what it likes."""
    headers = {name: chance.choice(WRITTEN) for name in SENT if chance.random() < 0.6}
    if chance.random() < 0.5:
        headers["Cookie"] = "; ".join(chance.choice((f"session={token}", f'session="{token}"', f"a={token}", "a=b")) for token in TOKENS)
    return headers, [(name, chance.choice(WRITTEN)) for name in ("token", "tenant") if chance.random() < 0.6]


def _like(chance: Random, headers: dict[str, str], query: list[tuple[str, str]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The same, but for some of it."""
    other_headers, other_query = _request(chance)
    mixed = {name: value for name, value in (headers | other_headers).items() if chance.random() < 0.8}
    mixed |= {name: headers[name] for name in mixed if name in headers and chance.random() < 0.7}
    return mixed, query if chance.random() < 0.6 else other_query


def _texts(headers: dict[str, str], query: list[tuple[str, str]]) -> str:
    return "\n".join([*headers.values(), *(value for _, value in query)])


@pytest.mark.parametrize("kind", HTTP)
def test_no_request_finds_an_answer_to_another_token_without_sending_that_token(kind: str) -> None:
    """Two callers, any identity sources: where both are told that the key holds the token, and it is one key, both have the same token, or know the other's."""
    print(f"\nGATEBOOK_SEED={SEED}")
    counts: Counter[str] = Counter()
    for number in range(4_000):
        chance = Random(f"{SEED} {kind} {number}")
        places = chance.choice(PLACES)
        sources = chance.sample(("Authorization", "X-Token", "Cookie", "X-Tenant", "token", "tenant"), chance.choice((1, 1, 2, 3)))
        first = _request(chance)
        second = _like(chance, *first)
        told = []
        for headers, query in (first, second):
            sent = headers | dict(query)
            # The gateway itself refuses who lacks an identity source.
            key = [sent.get(name, "") for name in sources]
            event = BUILDERS[kind](headers=list(headers.items()), query=query, identity_source=key)
            request = events.read_request(event, places)
            told.append((key, request.authorization, KeyPart.TOKEN in (request.cache_key_parts or ())))
        (one_key, one, one_held), (other_key, other, other_held) = told
        if not (one_held and other_held and one_key == other_key and len(one) == len(other) == 1 and all(one_key)):
            continue
        counts["shared"] += 1
        tokens = [value.removeprefix("Bearer ") for value in (*one, *other)]
        if tokens[0] != tokens[1]:
            counts["of different tokens"] += 1
            assert tokens[0] in _texts(*second), (number, places, sources, first, second)
            assert tokens[1] in _texts(*first), (number, places, sources, first, second)
    print(dict(counts))
    assert counts["shared"] > 100, counts
