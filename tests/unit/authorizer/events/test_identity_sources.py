"""What an HTTP API's cache key holds: seen where the event shows it, and never believed where the caller could have written it."""

from itertools import combinations
from typing import Any
from urllib.parse import quote, quote_plus, unquote

import pytest

from authorizer import events
from authorizer.events.identity_sources import keyed_parts, sent_values
from authorizer.policy.cache_scope import ALL_PARTS, KeyPart
from tests.support.events import AUTHORIZATION, Deployment, Event, http_1_event, http_2_event

HEADER = ("Authorization", AUTHORIZATION)
TOKEN, METHOD, ROUTE, PATH, HOST = KeyPart.TOKEN, KeyPart.METHOD, KeyPart.ROUTE, KeyPart.PATH, KeyPart.HOST
REQUEST = frozenset({TOKEN, METHOD, ROUTE, PATH})
BUILDERS = {"1.0": http_1_event, "2.0": http_2_event}
KEY = "ANY /orders/{orderId}"
VALUES = {TOKEN: AUTHORIZATION, METHOD: "GET", ROUTE: KEY, PATH: "/orders/42"}
ATTACKS = ["GET", KEY, "/orders/42", f"GET,{KEY},/orders/42", f"GET, {KEY}, /orders/42", AUTHORIZATION]


def keyed(event: Event) -> set[KeyPart]:
    shown = events.read_request(event).cache_key_parts
    assert shown is not None
    return set(shown)


def shown(sources: list[str] | None, untrusted: set[str], verb: str | None = "GET", route_key: str | None = KEY) -> set[KeyPart]:
    return set(keyed_parts(sources, tokens=["t"], verb=verb, route_key=route_key, paths=["/a", "/prod/a"], untrusted=untrusted))


@pytest.mark.parametrize(
    ("sources", "untrusted", "parts"),
    [
        (None, set(), ALL_PARTS),
        (None, {"t", "GET"}, ALL_PARTS),
        ([], set(), set()),
        ([""], set(), set()),
        (["other"], set(), set()),
        # Whoever wrote the token: no other request finds the entry without it.
        (["t"], {"t"}, {TOKEN}),
        (["t", "GET", KEY, "/a"], set(), REQUEST),
        (["t", "GET", KEY, "/prod/a"], set(), REQUEST),
        (["t", "GET", KEY, "/a"], {"GET"}, {TOKEN, ROUTE, PATH}),
        (["t", "GET", KEY, "/a"], {KEY}, {TOKEN, METHOD, PATH}),
        (["t", "GET", KEY, "/a"], {"/a"}, {TOKEN, METHOD, ROUTE}),
        (["t", "GET", KEY, "/a", "/prod/a"], {"/a"}, REQUEST),
        # The same value twice, once the gateway's and once the caller's.
        (["t", "GET", "GET"], {"GET"}, {TOKEN}),
        (["T", "get", KEY.lower(), "/A", "/a/", "a", " GET", "GET "], set(), set()),
    ],
)
def test_a_value_counts_once_nobody_else_can_have_written_it(sources: list[str] | None, untrusted: set[str], parts: set[KeyPart]) -> None:
    assert shown(sources, untrusted) == parts


@pytest.mark.parametrize(
    ("verb", "route_key", "parts"),
    [
        ("GET", "GET /a", {METHOD, ROUTE}),
        ("GET", "GETS /a", {ROUTE}),
        ("GET", "GE /a", {ROUTE}),
        ("GET", "ANY /a", {ROUTE}),
        ("ANY", "ANY /a", {METHOD, ROUTE}),
        ("GET", "$default", {ROUTE}),
        (None, "$default", {ROUTE}),
        (None, "ANY /a", {ROUTE}),
    ],
)
def test_a_route_key_shows_the_method_that_it_begins_with(verb: str | None, route_key: str, parts: set[KeyPart]) -> None:
    assert shown([route_key], set(), verb, route_key) == parts
    assert shown([route_key], {route_key}, verb, route_key) == set()


def test_what_is_not_told_is_in_no_key() -> None:
    assert shown(["None", ""], set(), None, None) == set()


@pytest.mark.parametrize(
    ("event", "values"),
    [
        ({}, set()),
        ({"headers": {"a": "x, y,z"}}, {"x, y,z", "x", "y", "z"}),
        ({"multiValueHeaders": {"a": ["x", "y,z"]}}, {"x", "y,z", "y", "z"}),
        ({"queryStringParameters": {"a": "x%2Cy"}}, {"x%2Cy", "x,y", "x", "y"}),
        ({"queryStringParameters": {"a": "x+y"}}, {"x+y", "x y"}),
        ({"multiValueQueryStringParameters": {"a": ["%47ET", "b"]}}, {"%47ET", "GET", "b"}),
        ({"cookies": ["a=b", "GET"]}, {"a=b", "GET"}),
        ({"requestContext": {"domainName": "x.example.com", "domainPrefix": "x"}}, {"x.example.com", "x"}),
        ({"requestContext": {"domainName": None, "stage": "prod", "httpMethod": "GET"}}, set()),
        ({"path": "/a", "httpMethod": "GET", "stageVariables": {"a": "b"}}, set()),
    ],
)
def test_what_the_caller_wrote_is_known_whole_decoded_and_between_commas(event: Event, values: set[str]) -> None:
    assert sent_values(event) >= values


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize(
    "parts", [set(c) for n in range(1, 5) for c in combinations(sorted(REQUEST), n)], ids=lambda parts: "+".join(sorted(parts))
)
def test_what_the_identity_sources_hold_is_seen(version: str, parts: set[KeyPart]) -> None:
    sources = [VALUES[part] for part in VALUES if part in parts]
    assert keyed(BUILDERS[version](route_key=KEY, identity_source=sources)) == parts
    assert keyed(BUILDERS[version](route_key=KEY, identity_source=["$default", *reversed(sources)])) == parts


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize("sources", [None, []])
def test_without_identity_sources_nothing_is_remembered(version: str, sources: list[str] | None) -> None:
    event = BUILDERS[version](identity_source=sources)
    assert keyed(event) == ALL_PARTS
    assert keyed({name: value for name, value in event.items() if name != "identitySource"}) == ALL_PARTS
    # `authorizationToken` says the same with payload 1.0, and is not what is gone by.
    assert keyed(event | {"authorizationToken": AUTHORIZATION}) == ALL_PARTS


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize(
    ("route_key", "parts"),
    [
        ("GET /orders/{orderId}", {TOKEN, METHOD, ROUTE}),
        ("ANY /orders/{orderId}", {TOKEN, ROUTE}),
        ("$default", {TOKEN, ROUTE}),
        ("POST /orders/{orderId}", {TOKEN, ROUTE}),
    ],
)
def test_a_route_key_holds_the_method_if_it_names_it(version: str, route_key: str, parts: set[KeyPart]) -> None:
    assert keyed(BUILDERS[version](route_key=route_key, identity_source=[AUTHORIZATION, route_key])) == parts


@pytest.mark.parametrize("version", BUILDERS)
def test_a_path_is_spelled_with_its_stage(version: str) -> None:
    event = BUILDERS[version](deployment=Deployment("prod"), identity_source=[AUTHORIZATION, "/prod/orders/42"])
    assert keyed(event) == {TOKEN, PATH}
    event = BUILDERS[version](deployment=Deployment("prod"), identity_source=[AUTHORIZATION, "/orders/42"])
    assert keyed(event) == {TOKEN}


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize("source", ["/orders/42", "/v2/orders/42"])
def test_the_event_tells_the_path_in_two_places_and_either_may_be_the_keys(version: str, source: str) -> None:
    event = BUILDERS[version](identity_source=[AUTHORIZATION, source])
    event["requestContext"] |= {"path": "/v2/orders/42", "http": {"path": "/v2/orders/42"}}
    assert keyed(event) == {TOKEN, PATH}


@pytest.mark.parametrize(
    "source", ["/orders/4", "/orders/42/", "/orders/42?a=b", "/orders/%34%32", "orders/42", "/ORDERS/42", "/orders", "/"]
)
@pytest.mark.parametrize("version", BUILDERS)
def test_a_path_that_resembles_the_requests_is_not_it(version: str, source: str) -> None:
    assert keyed(BUILDERS[version](identity_source=[AUTHORIZATION, source])) == {TOKEN}


@pytest.mark.parametrize("path", ["/orders/4,2", "/orders/4 2", "/orders/\u00e9", "/orders/4%202"])
def test_a_path_that_can_be_spelled_in_several_ways_is_seen_unless_the_caller_may_have_spelled_it(path: str) -> None:
    sources = [AUTHORIZATION, path]
    assert keyed(http_2_event(path=path, identity_source=sources)) == {TOKEN, PATH}
    for spelled in (path, quote(path), f"x={path}", path.replace("/", ", ")):
        assert keyed(http_2_event(path=path, identity_source=sources, headers=[HEADER, ("X-Tenant", spelled)])) == {TOKEN}


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize("written", ATTACKS)
@pytest.mark.parametrize(
    "place", ["header", "header among others", "query", "query encoded", "query hidden", "query twice", "cookie", "host", "list"]
)
def test_what_the_caller_writes_is_no_part_of_the_key(version: str, written: str, place: str) -> None:
    """The authorizer's identity sources are the token and this one value of the caller's."""
    more: dict[str, Any] = {}
    headers = [HEADER]
    if place.startswith("header"):
        headers += [("X-Tenant", written)] + ([("X-Tenant", "another")] if "among" in place else [])
    elif place == "list":
        headers += [("X-Tenant", f"another, {written}")]
    elif place == "cookie":
        headers += [("Cookie", written)]
    elif place in ("query encoded", "query hidden"):
        more = {
            "query": [("tenant", quote_plus(written) if place == "query encoded" else "".join(f"%{byte:02X}" for byte in written.encode()))]
        }
    elif place.startswith("query"):
        more = {"query": [("tenant", written)] + ([("tenant", "another")] if "twice" in place else [])}
    event = BUILDERS[version](route_key=KEY, identity_source=[AUTHORIZATION, written], headers=headers, **more)
    if place == "host":
        event["requestContext"] |= {"domainName": f"{written}.example.com", "domainPrefix": written}
    assert keyed(event) == {TOKEN}


def test_with_payload_1_a_path_between_commas_is_no_part_of_the_key() -> None:
    """`/a,GET,ANY /orders/{orderId}` as a path would otherwise show a method and a route that are no identity sources."""
    path = f"/orders/x,GET,{KEY}"
    for sources in ([AUTHORIZATION, path], [path, AUTHORIZATION]):
        assert keyed(http_1_event(path=path, route_key=KEY, identity_source=sources)) == {TOKEN}
    path = "/a,$default"
    assert keyed(http_1_event(path=path, route_key="$default", identity_source=[AUTHORIZATION, path])) == {TOKEN}
    # Where method and route are sources as well, nothing tells: nothing is believed.
    path = f"/orders/x,GET,{KEY}"
    assert keyed(http_1_event(path=path, route_key=KEY, identity_source=[AUTHORIZATION, "GET", KEY, path])) == {TOKEN}


@pytest.mark.parametrize("place", ["path", "context"])
def test_with_payload_1_pieces_of_either_path_are_no_part_of_the_key(place: str) -> None:
    path = f"/orders/x,GET,{KEY}"
    event = http_1_event(route_key=KEY, identity_source=[AUTHORIZATION, path])
    changed = event | {"path": path} if place == "path" else event | {"requestContext": event["requestContext"] | {"path": path}}
    assert keyed(changed) == {TOKEN}


@pytest.mark.parametrize("place", ["path", "context"])
def test_with_payload_1_one_path_does_not_explain_pieces_of_the_other(place: str) -> None:
    """The first piece is a path that the event tells as well: what follows it is the caller's all the same."""
    long, short = f"/orders/x,GET,{KEY}", "/orders/x"
    told = (long, short) if place == "path" else (short, long)
    event = http_1_event(route_key=KEY, identity_source=[AUTHORIZATION, long])
    changed = event | {"path": told[0], "requestContext": event["requestContext"] | {"path": told[1]}}
    assert not keyed(changed) & {METHOD, ROUTE}


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        ("GET /orders/{orderId}", {TOKEN, METHOD, ROUTE}),
        ("ANY /orders/{orderId}", {TOKEN, ROUTE}),
        ("POST /orders/{orderId}", {TOKEN}),
        ("GET /orders/{id}", {TOKEN}),
        ("05c7jb", {TOKEN, ROUTE}),
    ],
)
def test_with_payload_1_the_route_key_may_be_told_as_the_template_alone(source: str, parts: set[KeyPart]) -> None:
    def event(headers: list[tuple[str, str]]) -> Event:
        built = http_1_event(route_key="GET /orders/{orderId}", identity_source=[AUTHORIZATION, source], headers=headers)
        return built | {"requestContext": built["requestContext"] | {"resourceId": "05c7jb"}}

    assert keyed(event([HEADER])) == parts
    assert keyed(event([HEADER, ("X-Tenant", source)])) == {TOKEN}


def test_with_payload_1_a_route_key_with_a_comma_is_not_seen() -> None:
    assert keyed(http_1_event(route_key="GET /a,b", path="/a,b", identity_source=[AUTHORIZATION, "GET /a,b"])) == {TOKEN}


def test_another_header_than_the_tokens_is_not_the_token() -> None:
    event = http_2_event(identity_source=["tenant-1"], headers=[("Authorization", AUTHORIZATION), ("X-Tenant", "tenant-1")])
    assert keyed(event) == set()


def test_values_that_are_no_texts_are_none_of_the_parts() -> None:
    assert keyed(http_2_event() | {"identitySource": [AUTHORIZATION, 7, None, ["GET"], {"GET": 1}]}) == {TOKEN}


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize("sources", [{"method": "GET"}, 7, [None], [7, None, ["GET"], {"GET": 1}], True, {}, 0, False])
def test_identity_sources_that_cannot_be_read_vouch_for_nothing(version: str, sources: object) -> None:
    assert keyed(BUILDERS[version]() | {"identitySource": sources}) == set()


def test_with_payload_2_an_empty_text_is_an_identity_source() -> None:
    """Only null, nothing and the empty list say that there are none."""
    assert keyed(http_2_event() | {"identitySource": ""}) == set()


@pytest.mark.parametrize("version", BUILDERS)
def test_an_empty_value_is_none_of_what_the_event_tells_as_empty(version: str) -> None:
    event = BUILDERS[version](identity_source=[AUTHORIZATION, ""], headers=[HEADER])
    told = {"path": "", "resourceId": "", "http": {"path": "", "method": ""}, "domainName": None, "domainPrefix": None}
    empty = event | {"path": "", "rawPath": "", "routeKey": "", "requestContext": event["requestContext"] | told}
    assert keyed(empty) == {TOKEN}


def test_one_text_instead_of_a_list_is_one_identity_source() -> None:
    assert keyed(http_2_event() | {"identitySource": AUTHORIZATION}) == {TOKEN}


@pytest.mark.parametrize("name", ["headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "cookies"])
def test_maps_that_are_null_or_hold_nulls_are_read(name: str) -> None:
    event = http_1_event(route_key=KEY, identity_source=["GET"], headers=[])
    for value in (None, [] if name == "cookies" else {"x": None}, ["a=b"] if name == "cookies" else {"x": ["y", None]}):
        assert keyed(event | {name: value}) == {METHOD}


# -- values of the caller's that reach the identity source in another spelling than the event's maps ------------------------------------------------

PIECES = "/orders/4; 2"
LIST = "/orders/4,2"
ENCODED = "/orders/%34%32"
NOTHING_SPECIAL = [HEADER, ("X-Tenant", "acme")]


def of_the_callers(written: str, path: str | None = None, **sent: Any) -> Event:
    """Payload 2.0: the identity sources are all that a simple response needs but the path, and one that the caller writes."""
    return http_2_event(path=path or written, route_key=KEY, identity_source=[AUTHORIZATION, "GET", KEY, written], **sent)


@pytest.mark.parametrize(
    "event",
    [
        # No doubt about this one: payload 2.0 tells the Cookie header in pieces, an identity source is the header.
        of_the_callers(PIECES, headers=[HEADER, ("Cookie", PIECES)]),
        # No page says which of the values an identity source is if a name is sent twice, and payload 2.0 joins them.
        of_the_callers(LIST, headers=[HEADER, ("X-Tenant", LIST), ("X-Tenant", "x")]),
        of_the_callers(LIST, headers=[HEADER, ("X-Tenant", "x"), ("X-Tenant", LIST)]),
        of_the_callers(LIST, query=[("tenant", LIST), ("tenant", "x")]),
        of_the_callers("/orders/4, 2", headers=[HEADER, ("X-Tenant", "/orders/4"), ("X-Tenant", "2")]),
        # ... nor whether it is trimmed.
        of_the_callers(LIST, query=[("tenant", f" {LIST} ")]),
        # ... nor whether it is decoded: the map is, as `rawQueryString` beside it shows, and the path may hold what looks encoded.
        of_the_callers(ENCODED, query=[("tenant", "/orders/42")]) | {"rawQueryString": f"tenant={ENCODED}"},
    ],
    ids=["cookies", "header_first", "header_last", "query_first", "joined_otherwise", "trimmed", "as_sent"],
)
def test_another_spelling_of_what_the_caller_wrote_is_no_path(event: Event) -> None:
    """Each of these made one word, given for a path of the caller's own, stand for every other path of that route."""
    assert keyed(event) == {TOKEN, METHOD, ROUTE}


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": [*NOTHING_SPECIAL, ("Cookie", "a=b; c=d")]},
        {"headers": NOTHING_SPECIAL, "query": [("tenant", "acme"), ("tenant", "x")]},
        {"headers": NOTHING_SPECIAL, "query": [("next", "/orders")]},
    ],
)
def test_a_plain_path_is_seen_beside_what_the_caller_writes(sent: dict[str, Any]) -> None:
    assert keyed(of_the_callers("/orders/42", **sent)) == REQUEST


DEEP = "/orders/%25252534%32"
ACCENT = "/orders/\u00e9"


@pytest.mark.parametrize(
    "event",
    [
        # The event tells the path as sent, and the parameter decoded once more.
        of_the_callers(DEEP, query=[("tenant", unquote(DEEP))]),
        # Bytes of a header are told as Latin-1 by one, as UTF-8 by the other.
        of_the_callers(ACCENT, headers=[HEADER, ("X-Tenant", ACCENT.encode().decode("latin-1"))]),
    ],
    ids=["decoded_more_often", "another_character_set"],
)
def test_a_spelling_far_off_is_no_path_either(event: Event) -> None:
    assert keyed(event) == {TOKEN, METHOD, ROUTE}


@pytest.mark.parametrize("values", [("ANY /a,b", "x"), ("x", "ANY /a,b")])
def test_one_of_two_values_is_no_route_key(values: tuple[str, str]) -> None:
    headers = [HEADER, *(("X-Tenant", value) for value in values)]
    assert keyed(http_2_event(path="/a,c", route_key="ANY /a,b", identity_source=[AUTHORIZATION, "ANY /a,b"], headers=headers)) == {TOKEN}


def certified(subject: str, *headers: tuple[str, str]) -> Event:
    """Payload 1.0 behind mutual TLS, with the subject of the client's certificate as an identity source (RFC 4514 spells it)."""
    event = http_1_event(route_key=KEY, identity_source=[AUTHORIZATION, subject], headers=[HEADER, *headers])
    event["requestContext"]["identity"]["clientCert"] = {"subjectDN": subject}
    return event


@pytest.mark.parametrize(
    "event",
    [
        certified("O=Example,CN=a\\,GET"),
        certified(f"CN=a\\,{KEY},O=Example"),
        http_1_event(path="/orders/x%2CGET", route_key=KEY, identity_source=[AUTHORIZATION, "/orders/x,GET"]),
        # The path of an event ends at a decoded `?`, by what users of HTTP APIs report.
        http_1_event(path="/orders/x", route_key=KEY, identity_source=[AUTHORIZATION, f"/orders/x?,GET,{KEY}"]),
    ],
    ids=["subject_of_a_certificate", "subject_with_a_route_key", "path_told_as_sent", "path_cut_off"],
)
def test_with_payload_1_no_piece_of_a_value_of_the_callers_is_a_part(event: Event) -> None:
    assert keyed(event) == {TOKEN}


@pytest.mark.parametrize(
    "event",
    [
        certified("O=Example,CN=a\\,GET", ("X-A", "O=Example"), ("X-B", "CN=a\\")),
        http_1_event(
            path="/orders/x%2CGET", route_key=KEY, identity_source=[AUTHORIZATION, "/orders/x,GET"], headers=[HEADER, ("X-A", "/orders/x")]
        ),
        http_1_event(
            path="/orders/x",
            route_key=KEY,
            identity_source=[AUTHORIZATION, f"/orders/x?,GET,{KEY}"],
            headers=[HEADER, ("X-A", "/orders/x?")],
        ),
    ],
    ids=["subject_of_a_certificate", "path_told_as_sent", "path_cut_off"],
)
def test_with_payload_1_the_caller_does_not_explain_the_rest_of_a_value(event: Event) -> None:
    assert keyed(event) == {TOKEN}


HOST_NAME = http_2_event()["requestContext"]["domainName"]


def test_with_payload_2_the_host_name_is_seen() -> None:
    assert keyed(http_2_event(route_key=KEY, identity_source=[*VALUES.values(), HOST_NAME])) == ALL_PARTS
    assert keyed(http_2_event(identity_source=[AUTHORIZATION, HOST_NAME])) == {TOKEN, HOST}
    assert keyed(http_2_event(identity_source=[AUTHORIZATION, f"x.{HOST_NAME}"])) == {TOKEN}


@pytest.mark.parametrize(
    "sent",
    [
        {"headers": [HEADER, ("X-Tenant", HOST_NAME)]},
        {"headers": [HEADER, ("X-Tenant", f"a, {HOST_NAME}")]},
        {"headers": [HEADER, ("Cookie", HOST_NAME)]},
        {"query": [("tenant", HOST_NAME)]},
        {"query": [("tenant", HOST_NAME.replace(".", "%2E"))]},
    ],
)
def test_a_host_name_that_the_caller_writes_elsewhere_is_no_part_of_the_key(sent: dict[str, Any]) -> None:
    assert keyed(http_2_event(identity_source=[AUTHORIZATION, HOST_NAME], **{"headers": [HEADER]} | sent)) == {TOKEN}


def test_a_host_name_that_is_not_told_is_in_no_key() -> None:
    event = http_2_event(identity_source=[AUTHORIZATION, ""])
    for name in (None, "", 7):
        assert keyed(event | {"requestContext": event["requestContext"] | {"domainName": name}}) == {TOKEN}
