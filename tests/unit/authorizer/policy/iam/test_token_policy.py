"""Sizes, prefixes and what one catalogue remembers of its callers. The policies themselves are in `tests/vectors/token_policies`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from authorizer.policy.decision import Grounds
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.pattern_coverage import reach_of
from authorizer.policy.iam.statement import MAX_POLICY_BYTES, PolicyDocument
from authorizer.policy.iam.token_policy import Refusal, RefusalReason, compile_token
from authorizer.policy.permission import EVERYONE
from tests.support.iam_evaluator import evaluate

PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"
SLASHES = ["GET/*%2F*", "GET/*%2f*", "GET/*//*", "GET//*"]
MANY = [f"GET /a/w{number:03}" for number in range(120)]  # 120 Resources of this length are over the budget, 60 are not
MINUTE = "1970-01-01T00:01:00Z"


def document(routes: Sequence[str], allow: Sequence[Any], deny: Sequence[str] = ()) -> PermissionDocument:
    return parse_document({"api": "x", "routes": list(routes), "everyone": {"allow": list(allow), "deny": list(deny)}})


def compiled(
    permissions: PermissionDocument,
    *,
    guards: bool = False,
    token_expiry: int | None = None,
    claims: Mapping[str, str] | None = None,
    arn: str = f"{PREFIX}GET/x",
) -> PolicyDocument | Refusal:
    grounds = Grounds(permissions.permissions(EVERYONE), permissions.catalog, claims or {}, 0)
    return compile_token(MethodArn.parse(arn), grounds, guards=guards, token_expiry=token_expiry)


def resources(policy: PolicyDocument | Refusal, effect: str = "Allow", prefix: str = PREFIX) -> list[str]:
    assert not isinstance(policy, Refusal), policy
    found = [resource for statement in policy["Statement"] if statement["Effect"] == effect for resource in statement["Resource"]]
    assert all(resource.startswith(prefix) for resource in found)
    return sorted(resource.removeprefix(prefix) for resource in found)


def refused(policy: PolicyDocument | Refusal) -> tuple[RefusalReason, str]:
    assert isinstance(policy, Refusal), policy
    return policy.reason, policy.message


@pytest.mark.parametrize(
    ("routes", "allow", "expected"),
    [
        pytest.param(MANY[:60], ["GET /**"], [route.replace(" /", "/") for route in MANY[:60]], id="a listing that fits stays"),
        pytest.param([*MANY, "GET /b", "POST /a/x"], ["GET /a/*"], ["GET/a/*"], id="one wildcard below `a`"),
        pytest.param([*MANY, "POST /b"], ["GET /a/*"], ["GET/*"], id="the widest that takes in nothing disallowed"),
        pytest.param([*MANY, "GET /a/x/{y}", "GET /b", "GET /c"], ["GET /a/**", "GET /b"], ["GET/a/*", "GET/b"], id="parameters too"),
        pytest.param([*MANY, "GET /a/{x}", "GET /b"], ["GET /a/**"], ["GET/a/*"], id="a pattern that is the wildcard already"),
        pytest.param(
            [*MANY[:110], "GET /b/c", "GET /b/d", "GET /z"], ["GET /a/*", "GET /b/*"], ["GET/a/*", "GET/b/*"], id="each prefix by itself"
        ),
        pytest.param(
            [*MANY[:50], *(route.replace("/a/", "/a/b/") for route in MANY[:60]), "GET /a/no"],
            ["GET /a/b/*", *MANY[:50]],
            [*(route.replace(" /", "/") for route in MANY[:50]), "GET/a/b/*"],
            id="only the subtree that is wholly allowed",
        ),
        pytest.param([*MANY, "GET /", "GET /a"], ["GET /**"], ["GET/", "GET/*"], id="the root by itself"),
    ],
)
def test_wildcards_stand_for_wholly_allowed_prefixes_once_the_listing_is_too_long(
    routes: list[str], allow: list[str], expected: list[str]
) -> None:
    policy = compiled(document(routes, allow))
    assert resources(policy) == sorted(expected)
    assert resources(policy, "Deny") == []


@pytest.mark.parametrize("path", ["a/w000", "a/w119"])
def test_a_wildcard_over_a_prefix_leaves_out_the_prefix_itself(path: str) -> None:
    policy = compiled(document([*MANY, "GET /a"], ["GET /a/*"]))
    assert not isinstance(policy, Refusal)
    assert resources(policy) == ["GET/a/?*"]
    assert evaluate(policy, "execute-api:Invoke", f"{PREFIX}GET/{path}") == "Allow"
    assert {evaluate(policy, "execute-api:Invoke", f"{PREFIX}GET/{other}") for other in ("a", "a/", "b", "")} == {"ImplicitDeny"}


def test_bound_routes_are_not_hidden_under_a_wildcard() -> None:
    routes = [*MANY, "GET /a/u/{id}"]
    own = [{"route": "GET /a/u/{id}", "where": {"id": "sub"}}]
    assert refused(compiled(document(routes, ["GET /a/*", *own]), claims={"sub": "alice"}))[0] is RefusalReason.TOO_LARGE


@pytest.mark.parametrize(
    ("routes", "allow"),
    [
        pytest.param([*MANY, "GET /a/no"], MANY, id="one route in the way"),
        pytest.param([*MANY, "GET /{x}/no"], ["GET /a/*"], id="a parameter in the way"),
        pytest.param([f"GET /w{number:03}/a" for number in range(120)] + ["GET /no"], ["GET /*/a"], id="no prefix in common"),
    ],
)
def test_a_listing_without_a_wholly_allowed_prefix_is_too_large(routes: list[str], allow: list[str]) -> None:
    reason, message = refused(compiled(document(routes, allow)))
    assert reason is RefusalReason.TOO_LARGE
    assert f"more than {MAX_POLICY_BYTES}: use `route` scope" in message


@pytest.mark.parametrize(("more", "refusal"), [(31, None), (32, "the policy has 7001 bytes, more than 7000: use `route` scope")])
def test_the_budget_is_met_to_the_byte(more: int, refusal: str | None) -> None:
    """An Allow of n Resources of 69 characters takes 107 + 73 n bytes: 94 of them 6,969."""
    routes = [*MANY[:93], f"GET /a/w999{'x' * more}"]
    policy = compiled(document([*routes, "GET /a/no"], routes))
    if refusal is None:
        assert len(json.dumps(policy)) == MAX_POLICY_BYTES == 7000
    else:
        assert refused(policy) == (RefusalReason.TOO_LARGE, refusal)


def test_a_wildcard_ends_with_the_first_of_the_routes_that_it_stands_for() -> None:
    allow = [*MANY[:60], *({"route": route, "until": MINUTE} for route in MANY[60:])]
    policy = compiled(document(MANY, allow), token_expiry=100)
    assert resources(policy) == ["GET/*"]
    assert isinstance(policy, dict)
    assert [statement.get("Condition") for statement in policy["Statement"]] == [{"NumericLessThan": {"aws:EpochTime": "60"}}]
    assert resources(compiled(document(MANY, allow))) == ["GET/*"]


def test_a_collapsed_wildcard_keeps_a_slash_too_many_out() -> None:
    policy = compiled(document([*MANY, "GET /a"], ["GET /a/*"]))
    assert not isinstance(policy, Refusal)
    assert resources(policy) == ["GET/a/?*"]
    for path in ("a", "a/", "a//", "a/%2F", "a/%2f"):
        assert evaluate(policy, "execute-api:Invoke", f"{PREFIX}GET/{path}") != "Allow", path


def test_a_deny_is_held_to_the_length_of_a_resource_too() -> None:
    reason, message = refused(compiled(document(["GET /a/{x}", "GET /a/{x}/" + "l" * 600], ["GET /a/{x}"]), guards=True))
    assert (reason, "characters, more than 512" in message) == (RefusalReason.TOO_LARGE, True)


@pytest.mark.parametrize("guards", [False, True])
def test_a_greedy_route_needs_no_path_that_another_route_takes(guards: bool) -> None:
    routes = ["ANY /x/{p+}", "GET /x/{y}"]
    assert resources(compiled(document(routes, ["GET /x/{p+}"]), guards=guards)) == ["GET/x/?*/?*"]
    assert resources(compiled(document([*routes, "GET /x"], ["GET /x/{p+}", "GET /x"]), guards=guards)) == ["GET/x", "GET/x/?*/?*"]


def test_a_greedy_route_that_never_takes_a_path_needs_no_pattern() -> None:
    routes = ["GET /{a}", "GET /{a}/{p+}", "GET /{q+}"]
    assert resources(compiled(document(routes, ["GET /{q+}"])), "Deny") == ["*"]
    assert resources(compiled(document(routes, ["GET /{a}", "GET /{a}/{p+}"]))) == ["GET/*", "GET/*/*"]


def test_a_bound_value_makes_a_route_no_more_specific() -> None:
    """API Gateway prefers `/{p}/x` and `/f/{x}` whatever the values are: what is bound below their siblings does not reach them."""
    mine = [{"route": "GET /{p}/{q}", "where": {"p": "sub"}}]
    refusal = compiled(document(["GET /{p}/{q}", "GET /{p}/x"], mine), claims={"sub": "alice"})
    assert refused(refusal)[0] is RefusalReason.INEXACT
    guarded = compiled(document(["GET /{p}/{q}", "GET /{p}/x"], mine), claims={"sub": "alice"}, guards=True)
    assert resources(guarded) == ["GET/alice/?*"]
    assert {"GET/alice/x", "GET/alice/x/"} <= set(resources(guarded, "Deny"))
    rest = [{"route": "GET /f/{rest+}", "where": {"rest": "sub"}}]
    assert resources(compiled(document(["GET /f/{x}", "GET /f/{rest+}"], rest), claims={"sub": "alice"}), "Deny") == ["*"]


def guarded_routes(words: int) -> list[str]:
    return ["GET /{x}", *(f"GET /{{x}}/n{number:03}" for number in range(words))]


def test_guards_count_towards_the_budget() -> None:
    policy = compiled(document(guarded_routes(40), ["GET /{x}"]), guards=True)
    assert resources(policy) == ["GET/?*"]
    assert resources(policy, "Deny") == sorted([*(f"GET/*/n{number:03}{end}" for number in range(40) for end in ("", "/")), *SLASHES])
    reason, message = refused(compiled(document(guarded_routes(60), ["GET /{x}"]), guards=True))
    assert (reason, "bytes, more than 7000" in message) == (RefusalReason.TOO_LARGE, True)


@pytest.mark.parametrize(
    ("words", "words_of_the_refusal"), [(150, "bytes, more than 7000"), (151, "`GET` would need more than 150 Denies")]
)
def test_a_search_for_guards_is_given_up_where_no_policy_could_hold_them(words: int, words_of_the_refusal: str) -> None:
    routes = ["GET /{x}", *(f"GET /n{number:03}" for number in range(words))]
    reason, message = refused(compiled(document(routes, ["GET /{x}"]), guards=True))
    assert reason is RefusalReason.TOO_LARGE
    assert words_of_the_refusal in message
    assert message.endswith(": use `route` scope")


def test_a_guard_that_takes_in_others_stands_for_them() -> None:
    routes = ["GET /{x}", "GET /{x}/a/b", "GET /{x}/a/{y}", "GET /{x}/a/{y}/c", "GET /{x}/d"]
    policy = compiled(document(routes, ["GET /{x}"]), guards=True)
    assert resources(policy, "Deny") == sorted(["GET/*/a/*", "GET/*/d", "GET/*/d/", *SLASHES])


@pytest.mark.parametrize(("stage", "refusal"), [(154, None), (155, "a resource of the policy has 513 characters, more than 512")])
def test_a_resource_has_512_characters_at_most(stage: int, refusal: str | None) -> None:
    """54 characters before the stage, 5 between it and the path, and the longest path that a document may have: 299 without its first slash."""
    path = "/".join(["l" * 59] * 5)
    policy = compiled(
        document([f"GET /{path}"], ["GET /**"]), arn=f"arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/{'s' * stage}/GET/x"
    )
    if refusal is None:
        assert not isinstance(policy, Refusal)
        assert len(policy["Statement"][0]["Resource"][0]) == 512
    else:
        assert refused(policy) == (RefusalReason.TOO_LARGE, f"{refusal}: shorten the stage's name or the route")


def test_the_prefix_is_the_incoming_one_and_verb_and_path_of_the_request_do_not_matter() -> None:
    prefix = "arn:aws-us-gov:execute-api:us-gov-west-1:444455556666:z9/$default/"
    petstore = document(["GET /pets", "GET /pets/{id}"], ["GET /pets/{id}"])
    for request in ("GET/pets", "POST/x/y", "BREW/*", "GET/", "$connect"):
        policy = compiled(petstore, arn=prefix + request)
        assert resources(policy, prefix=prefix) == ["GET/pets/?*"]
        assert resources(policy, "Deny", prefix) == SLASHES


def test_what_was_found_out_for_one_caller_is_not_told_to_the_next() -> None:
    where = {"route": "GET /o/{id}/{x}", "where": {"id": "sub"}}
    other = {"route": "GET /o/{id}/{x}", "where": {"x": "username"}}
    shared = document(["GET /o/{id}/{x}", "GET /o/{id}", "GET /me"], [where, other])
    for claims, expected in (
        ({"sub": "alice"}, ["GET/o/alice/?*"]),
        ({"sub": "bob"}, ["GET/o/bob/?*"]),
        ({"username": "bob"}, ["GET/o/?*/bob"]),
        ({"sub": "al", "username": "al"}, ["GET/o/?*/al", "GET/o/al/?*"]),
        ({"sub": "al", "username": "bo"}, ["GET/o/?*/bo", "GET/o/al/?*"]),
        ({}, []),
        ({"sub": "alice"}, ["GET/o/alice/?*"]),
    ):
        policy = compiled(shared, claims=claims)
        assert resources(policy) == expected, claims
        assert resources(policy, "Deny") == (SLASHES if expected else ["*"])
    assert refused(compiled(shared, claims={"sub": "me"}))[0] is RefusalReason.BINDING
    assert resources(compiled(shared, claims={"sub": "alice"})) == ["GET/o/alice/?*"]


def test_a_catalogue_remembers_no_more_for_a_hundred_callers_than_for_one() -> None:
    shared = document(["GET /o/{id}", "GET /o/{id}/pets", "ANY /f/{p+}"], [{"route": "GET /o/{id}", "where": {"id": "sub"}}, "GET /f/{p+}"])
    compiled(shared, claims={"sub": "alice"})
    kept = reach_of(shared.catalog).size
    for number in range(100):
        assert resources(compiled(shared, claims={"sub": f"user{number}"})) == ["GET/f/*", f"GET/o/user{number}"]
    assert reach_of(shared.catalog).size == kept > 0


@pytest.mark.parametrize("room", [0, 10])
def test_no_number_of_combinations_of_grants_fills_the_memory(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    names = [f"o{number:02}" for number in range(12)]
    shared = document(
        [f"GET /{name}/{{id}}" for name in names], [{"route": f"GET /{name}/{{id}}", "where": {"id": "sub"}} for name in names]
    )
    everything = shared.permissions(EVERYONE)
    reach = reach_of(shared.catalog)
    most = 0
    for number in [*range(1, 400), *range(1, 400)]:
        held = tuple(permission for place, permission in enumerate(everything) if number >> place & 1)
        policy = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), Grounds(held, shared.catalog, {"sub": "alice"}, 0))
        assert resources(policy) == [f"GET/{name}/alice" for place, name in enumerate(names) if number >> place & 1]
        if number == 1:
            most = (room + 1) * reach.size
            monkeypatch.setattr("authorizer.policy.iam.pattern_coverage.MAX_BYTES", room * reach.size)
        # What was made last stays, whatever it takes.
        assert reach.size <= 2 * most


def test_no_star_that_is_emptied_outlives_the_route_that_it_comes_to() -> None:
    """`GET/*` also takes in `GET/`, which is another route and ends before."""
    ends = document(["GET /", "GET /{rest+}"], ["GET /{rest+}", {"route": "GET /", "until": MINUTE}])
    policy = compiled(ends, token_expiry=90)
    assert resources(policy) == ["GET/", "GET/?*"]
    assert not isinstance(policy, Refusal)
    later = [
        {k: v for k, v in s.items() if k != "Condition"} for s in policy["Statement"] if "90" in json.dumps(s) or s["Effect"] == "Deny"
    ]
    for path, allowed in (("", False), ("a", True), ("a/b", True)):
        assert (evaluate({"Version": "2012-10-17", "Statement": later}, "execute-api:Invoke", f"{PREFIX}GET/{path}") == "Allow") is allowed
    # Where both end at once, the star may stand for nothing.
    assert resources(compiled(document(["GET /", "GET /{rest+}"], ["GET /{rest+}", "GET /"]), token_expiry=90)) == ["GET/", "GET/*"]


def test_a_value_that_nothing_depends_on_refuses_no_policy() -> None:
    """Where `{p}` alone has to be the caller, `{q}` may be anything, also a word of the catalogue."""
    wide, narrow = ({"route": "GET /{p}/b/{q}", "where": where} for where in ({"p": "sub"}, {"p": "sub", "q": "username"}))
    claims = {"sub": "alice-1", "username": "b"}
    policy = compiled(document(["GET /{p}/b/{q}"], [wide, narrow]), claims=claims)
    assert policy == compiled(document(["GET /{p}/b/{q}"], [wide]), claims=claims)
    assert not isinstance(policy, Refusal)
    refused = compiled(document(["GET /{p}/b/{q}"], [narrow]), claims=claims)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.BINDING
