"""Spellings of bound values: what clients write, each of which says the value and nothing else."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from authorizer.policy.decision import Grounds
from authorizer.policy.document import parse_document
from authorizer.policy.iam.method_arn import MethodArn, is_literal
from authorizer.policy.iam.route_policy import compile_route
from authorizer.policy.iam.spellings import spellings_of
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.permission import bindable_text
from authorizer.policy.route import parse_route

PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"


@pytest.mark.parametrize(
    ("value", "spellings"),
    [
        ("9a1b2c3d-0000-4000-8000-000000000001", ["9a1b2c3d-0000-4000-8000-000000000001"]),
        ("A.b_c~d", ["A.b_c~d"]),
        ("alice@x.com", ["alice@x.com", "alice%40x.com"]),
        ("auth0|1", ["auth0|1", "auth0%7C1", "auth0%7c1"]),
        ("eu-west-1:9a", ["eu-west-1:9a", "eu-west-1%3A9a", "eu-west-1%3a9a"]),
        ("a+b=c", ["a+b=c", "a%2Bb%3Dc", "a%2bb%3dc"]),
        ("it's(1)", ["it's(1)", "it%27s%281%29"]),
        ("a'b;c", ["a'b;c", "a'b%3Bc", "a%27b%3Bc", "a'b%3bc", "a%27b%3bc"]),
        ("a;b|c", ["a;b|c", "a;b%7Cc", "a%3Bb%7Cc", "a;b%7cc", "a%3bb%7cc"]),
    ],
)
def test_a_value_is_spelled_as_clients_do(value: str, spellings: list[str]) -> None:
    assert [spelled["id"] for spelled in spellings_of({"id": value})] == spellings


def test_all_values_of_one_path_are_spelled_alike() -> None:
    assert spellings_of({"a": "x@y", "b": "plain", "c": "p:q"}) == [
        {"a": "x@y", "b": "plain", "c": "p:q"},
        {"a": "x%40y", "b": "plain", "c": "p%3Aq"},
        {"a": "x%40y", "b": "plain", "c": "p%3aq"},
    ]
    assert spellings_of({}) == [{}]


def test_every_spelling_says_the_value_and_iam_reads_it_as_it_is() -> None:
    for code in range(0x21, 0x7F):
        value = f"a{chr(code)}b"
        if bindable_text(value) is not None:
            found = [spelled["id"] for spelled in spellings_of({"id": value})]
            assert found[0] == value
            assert len(found) == len({*found}) <= 3
            for spelling in found:
                assert unquote(spelling) == value
                assert is_literal(spelling)
                assert not {*spelling} & {*"*?$/"}


def _grounds(routes: list[str], claims: dict[str, str], *, bindings: dict[str, str]) -> Grounds:
    allow: list[Any] = [{"route": route, "where": bindings} for route in routes]
    document = parse_document({"api": "x", "routes": routes, "everyone": {"allow": allow}})
    [subject] = document.subjects.values()
    return Grounds(subject.permissions, document.catalog, claims, 0)


def _paths(policy: Any, prefix: str) -> list[str]:
    return [resource.removeprefix(prefix) for statement in policy["Statement"] for resource in statement["Resource"]]


def test_a_spelling_that_is_too_long_for_a_resource_is_left_out() -> None:
    value = "@" * 128
    for extra, encoded in ((0, ["%40" * 128]), (1, [])):
        word = "w" * (512 - len(f"{PREFIX}GET//") - 3 * 128 + extra)
        route = f"GET /{word}/{{id}}"
        policy = compile_route(
            MethodArn.parse(f"{PREFIX}GET/o/x"), _grounds([route], {"sub": value}, bindings={"id": "sub"}), parse_route(route)
        )
        # With a slash at its end an encoded one is always too long.
        assert _paths(policy, f"{PREFIX}GET/{word}/") == [*encoded, value, f"{value}/"]


def test_spellings_that_are_too_many_for_a_policy_are_left_out() -> None:
    arn = MethodArn.parse(f"{PREFIX}GET/o/x")
    names = [f"c{n}" for n in range(6)]
    for length, encoded in ((10, True), (60, False)):
        allow = [{"route": "GET /o/{id}", "where": {"id": name}} for name in names]
        document = parse_document({"api": "x", "routes": ["GET /o/{id}"], "everyone": {"allow": allow}})
        [subject] = document.subjects.values()
        claims = {name: f"{n:02}" + "|" * length for n, name in enumerate(names)}
        policy = compile_route(arn, Grounds(subject.permissions, document.catalog, claims, 0), parse_route("GET /o/{id}"))
        found = _paths(policy, f"{PREFIX}GET/")
        assert {f"o/{value}" for value in claims.values()} <= {*found}
        assert any("%7C" in path for path in found) is encoded
        assert len(json.dumps(policy)) <= 7000


@pytest.mark.parametrize(("length", "encoded"), [(10, True), (90, False)])
def test_a_policy_for_all_routes_leaves_out_all_spellings_or_none(length: int, encoded: bool) -> None:
    routes = [f"GET /o{n}/{{id}}" for n in range(12)]
    value = "|" * length
    policy = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), _grounds(routes, {"sub": value}, bindings={"id": "sub"}))
    assert not isinstance(policy, Refusal)
    found = _paths(policy, f"{PREFIX}GET/")
    assert {f"o{n}/{value}" for n in range(12)} <= {*found}
    assert len(found) == 12 * (3 if encoded else 1)


def test_a_spelling_that_is_too_long_leaves_the_policy_for_all_routes_without_any() -> None:
    value, word = "|" * 100, "w" * 190
    grounds = _grounds([f"GET /{word}/{{id}}", "GET /o/{id}"], {"sub": value}, bindings={"id": "sub"})
    policy = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), grounds)
    assert _paths(policy, f"{PREFIX}GET/") == [f"o/{value}", f"{word}/{value}"]


def test_a_policy_that_is_too_large_without_spellings_too_is_refused() -> None:
    routes = [f"GET /o{n}/{{id}}" for n in range(60)]
    refusal = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), _grounds(routes, {"sub": "|" * 90}, bindings={"id": "sub"}))
    assert isinstance(refusal, Refusal)
    assert "bytes, more than 7000" in refusal.message


def test_the_fresh_character_of_a_counterexample_stands_in_no_spelling() -> None:
    routes = ["GET /p/{id}/{x}", "GET /p/{id}/{x}/y"]
    document = parse_document({"api": "x", "routes": routes, "everyone": {"allow": [{"route": routes[0], "where": {"id": "sub"}}]}})
    [subject] = document.subjects.values()
    # `a` and `b` stand in the value's escapes in lower case, and nowhere else.
    refusal = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), Grounds(subject.permissions, document.catalog, {"sub": "+:"}, 0))
    assert isinstance(refusal, Refusal)
    assert refusal.counterexample is not None
    assert refusal.counterexample.fresh == "c"
