"""What an HTTP API's cache key holds: seen where the event shows it, and never believed where the caller could have written it."""

from itertools import combinations
from typing import Any

import pytest

from authorizer import events
from authorizer.events.identity_sources import ALL_PARTS, KeyPart
from tests.support.events import AUTHORIZATION, Deployment, Event, http_1_event, http_2_event

TOKEN, METHOD, ROUTE, PATH = KeyPart.TOKEN, KeyPart.METHOD, KeyPart.ROUTE, KeyPart.PATH
BUILDERS = {"1.0": http_1_event, "2.0": http_2_event}
KEY = "ANY /orders/{orderId}"
VALUES = {TOKEN: AUTHORIZATION, METHOD: "GET", ROUTE: KEY, PATH: "/orders/42"}
ATTACKS = ["GET", KEY, "/orders/42", f"GET,{KEY},/orders/42", f"GET, {KEY}, /orders/42"]


def keyed(event: Event) -> set[KeyPart]:
    shown = events.read_request(event).keyed
    assert shown is not None
    return set(shown)


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize(
    "parts", [set(c) for n in range(1, 5) for c in combinations(KeyPart, n)], ids=lambda parts: "+".join(sorted(parts))
)
def test_what_the_identity_sources_hold_is_seen(version: str, parts: set[KeyPart]) -> None:
    sources = [VALUES[part] for part in KeyPart if part in parts]
    assert keyed(BUILDERS[version](route_key=KEY, identity_source=sources)) == parts
    assert keyed(BUILDERS[version](route_key=KEY, identity_source=["prod", *reversed(sources)])) == parts


@pytest.mark.parametrize("version", BUILDERS)
@pytest.mark.parametrize("sources", [None, []])
def test_without_identity_sources_nothing_is_remembered(version: str, sources: list[str] | None) -> None:
    assert keyed(BUILDERS[version](identity_source=sources)) == ALL_PARTS


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
@pytest.mark.parametrize("written", ATTACKS)
@pytest.mark.parametrize("place", ["header", "header among others", "query", "query encoded", "query twice", "cookie", "host", "list"])
def test_what_the_caller_writes_is_no_part_of_the_key(version: str, written: str, place: str) -> None:
    """The authorizer's identity sources are the token and this one value of the caller's."""
    more: dict[str, Any] = {}
    headers = [("Authorization", AUTHORIZATION)]
    if place.startswith("header"):
        headers += [("X-Tenant", written)] + ([("X-Tenant", "another")] if "among" in place else [])
    elif place == "list":
        headers += [("X-Tenant", f"another, {written}")]
    elif place == "cookie":
        headers += [("Cookie", written)]
    elif place == "query encoded":
        more = {"query": [("tenant", written.replace("/", "%2F").replace(" ", "+").replace("{", "%7B").replace("}", "%7D"))]}
    elif place.startswith("query"):
        more = {"query": [("tenant", written)] + ([("tenant", "another")] if "twice" in place else [])}
    event = BUILDERS[version](route_key=KEY, identity_source=[AUTHORIZATION, written], headers=headers, **more)
    if place == "host":
        event["requestContext"] |= {"domainName": f"{written}.example.com", "domainPrefix": written}
    assert keyed(event) == {TOKEN}


def test_with_payload_1_a_path_between_commas_is_no_part_of_the_key() -> None:
    """`/a,GET,ANY /orders/{orderId}` as a path would otherwise show a method and a route that are no identity sources."""
    path = f"/orders/x,GET,{KEY}"
    event = http_1_event(path=path, route_key=KEY, identity_source=[AUTHORIZATION, path])
    assert keyed(event) == {TOKEN}


def test_another_header_than_the_tokens_is_not_the_token() -> None:
    event = http_2_event(identity_source=["tenant-1"], headers=[("Authorization", AUTHORIZATION), ("X-Tenant", "tenant-1")])
    assert keyed(event) == set()


@pytest.mark.parametrize("sources", ["GET", {"method": "GET"}, 7, [7, None, ["GET"], {"GET": 1}]])
def test_identity_sources_of_another_shape_show_nothing_more_than_there_is(sources: object) -> None:
    assert keyed(http_2_event() | {"identitySource": sources}) == ALL_PARTS


@pytest.mark.parametrize("name", ["headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters", "cookies"])
def test_maps_that_are_null_or_hold_nulls_are_read(name: str) -> None:
    event = http_1_event(route_key=KEY, identity_source=["GET"], headers=[])
    for value in (None, [] if name == "cookies" else {"x": None}, ["a=b"] if name == "cookies" else {"x": ["y", None]}):
        assert keyed(event | {name: value}) == {METHOD}
