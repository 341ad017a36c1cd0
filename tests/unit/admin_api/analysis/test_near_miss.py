"""Near misses: each is true, namely the only thing in the way, and none that is true is left out."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest

from admin_api.analysis.explanation import Explanation, explain
from admin_api.analysis.near_miss import NearMissKind
from admin_api.analysis.near_route import find_target
from authorizer.policy.decision import Decision, Grounds, Reason, decide
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import Effect, Permission, PrincipalRef, RefKind
from authorizer.tokens.claims import TrustedIssuer
from tests.support.random_apis import OWNER, START, random_document, random_request

PAST, FUTURE = "2000-01-01T00:00:00Z", "2001-09-09T02:00:00Z"
ROUTES = ["GET /a", "GET /o/{id}", "POST /o/me", "GET /o/{id}/p/{pet}", "GET /f/{rest+}"]
KINDS_OF_CLAIMS = {NearMissKind.CLAIM_MISSING, NearMissKind.CLAIM_DIFFERS, NearMissKind.NOT_BINDABLE, NearMissKind.RESERVED_WORD}


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


def near(groups: Mapping[str, Any], caller: str, request: str, claims: Mapping[str, str] | None = None) -> list[tuple[str, str]]:
    document = parse_document({"api": "x", "routes": ROUTES, "groups": groups})
    method, path = request.split(" ", 1)
    explanation = explain(document, [group(name) for name in caller.split()], claims or {}, method, path, START)
    return [(miss.kind.value, str(miss)) for miss in explanation.near_misses]


OWN = {"g": {"allow": [{"route": "GET /o/{id}", "where": {"id": "sub"}}]}}
OWN_ID = "group/g allow GET /o/{id} where {id} = sub"
COMPARED = 'only 1 to 128 printable ASCII characters are ever compared, no white space, none of `* ? $ { } / \\ % "` and the backtick, not `.` or `..`'


@pytest.mark.parametrize(
    ("request_line", "claims", "kind", "words"),
    [
        ("GET /o/x", {}, "claim_missing", "`{id}` must equal the claim `sub`, which the token lacks"),
        ("GET /o/x", {"sub": "y"}, "claim_differs", "`{id}` is `x`, but the token's `sub` is `y`"),
        ("GET /o/x", {"sub": "X"}, "claim_differs", "`{id}` is `x`, but the token's `sub` is `X`"),
        ("GET /o/x", {"sub": "x*"}, "not_bindable", f"the token's `sub` is 'x*', and {COMPARED}"),
        ("GET /o/x", {"sub": ""}, "not_bindable", f"the token's `sub` is '', and {COMPARED}"),
        ("GET /o/x", {"sub": ".."}, "not_bindable", f"the token's `sub` is '..', and {COMPARED}"),
        ("GET /o/x", {"sub": "\u202ex\n"}, "not_bindable", f"the token's `sub` is '\\u202ex\\n', and {COMPARED}"),
        ("GET /o/%78", {"sub": "y"}, "claim_differs", "`{id}` is `x`, but the token's `sub` is `y`"),
        ("GET /o/x%2540y", {"sub": "x@y"}, "not_bindable", f"`{{id}}` is 'x%40y', and {COMPARED}"),
        ("GET /o/x%C2%A0y", {}, "not_bindable", f"`{{id}}` is 'x\\xa0y', and {COMPARED}"),
        ("GET /o/x@y", {"sub": "x@z"}, "claim_differs", "`{id}` is `x@y`, but the token's `sub` is `x@z`"),
        ("GET /o/me", {"sub": "me"}, "reserved_word", "`{id}` is `me`, which another route has as a word in place of `{id}`"),
        ("GET /o/me", {"sub": "x"}, "reserved_word", "`{id}` is `me`, which another route has as a word in place of `{id}`"),
        ("GET /o/x", {"sub": "me"}, "reserved_word", "the token's `sub` is `me`, which another route has as a word in place of `{id}`"),
    ],
)
def test_a_binding_that_is_not_met_says_why(request_line: str, claims: dict[str, str], kind: str, words: str) -> None:
    assert near(OWN, "g", request_line, claims) == [(kind, f"{OWN_ID}: {words}")]


def test_a_claim_that_the_issuer_may_not_bind_says_so_whatever_its_value() -> None:
    document = parse_document({"api": "x", "routes": ROUTES, "groups": {"partner:g": OWN["g"]}})
    partner = TrustedIssuer("partner", "https://a.example", "https://a.example/keys", frozenset(), frozenset({"api"}), "none")
    for claims in ({"sub": "x"}, {"sub": "y"}, {}):
        found = explain(document, [group("partner:g")], claims, "GET", "/o/x", START, issuer=partner)
        assert not found.decision.allowed
        assert [(miss.kind.value, str(miss)) for miss in found.near_misses] == [
            (
                "not_listed",
                "group/partner:g allow GET /o/{id} where {id} = sub: `sub` of issuer `partner` may not be bound: list it in its `binding_claims`",
            )
        ]


def test_a_time_box_that_is_over_says_since_when() -> None:
    over = {"g": {"allow": [{"route": "GET /a", "until": PAST}]}}
    assert near(over, "g", "GET /a") == [("expired", "group/g allow GET /a until 946684800: was allowed until 2000-01-01T00:00:00Z")]


def test_a_permission_that_comes_by_inheritance_says_through_which_group() -> None:
    groups = {"base": {"allow": [{"route": "GET /a", "until": PAST}]}, "g": {"inherits": ["base"]}}
    assert near(groups, "g", "GET /a") == [
        ("expired", "group/base allow GET /a until 946684800, through group/g: was allowed until 2000-01-01T00:00:00Z")
    ]


def test_a_deny_is_named_with_each_allow_that_it_takes_away() -> None:
    groups = {
        "g": {"allow": ["GET /*", {"route": "GET /a", "until": FUTURE}, {"route": "GET /o/{id}", "where": {"id": "sub"}}]},
        "h": {"deny": ["* /**"]},
        "other": {"allow": ["GET /a"]},
    }
    assert near(groups, "g h", "GET /a") == [
        ("denied", "group/g allow GET /*: would allow this, but a deny takes it away: group/h deny * /**"),
        ("denied", "group/g allow GET /a until 1000000800: would allow this, but a deny takes it away: group/h deny * /**"),
    ]


@pytest.mark.parametrize(
    ("held", "request_line"),
    [
        ({"allow": [{"route": "GET /o/{id}", "where": {"id": "sub"}, "until": PAST}]}, "GET /o/x"),
        ({"allow": [{"route": "GET /o/{id}/p/{pet}", "where": {"id": "sub", "pet": "username"}}]}, "GET /o/x/p/y"),
        ({"allow": [{"route": "GET /a", "until": PAST}], "deny": ["GET /a"]}, "GET /a"),
        ({"allow": ["GET /a"]}, "GET /o/x"),
        ({"deny": [{"route": "GET /a", "until": PAST}]}, "GET /a"),
    ],
    ids=["over and unbound", "two bindings", "over and denied", "another route", "a deny that is over"],
)
def test_what_lacks_two_things_or_all_is_no_near_miss(held: dict[str, Any], request_line: str) -> None:
    assert near({"g": held}, "g", request_line) == []


def test_of_two_bindings_the_one_that_is_not_met_is_named() -> None:
    both = {"g": {"allow": [{"route": "GET /o/{id}/p/{pet}", "where": {"id": "sub", "pet": "username"}}]}}
    [(kind, sentence)] = near(both, "g", "GET /o/x/p/y", {"sub": "x", "username": "z"})
    assert (kind, sentence.rpartition(": ")[2]) == ("claim_differs", "`{pet}` is `y`, but the token's `username` is `z`")


def test_other_subjects_that_may_are_named_those_first_with_whom_the_request_would_pass() -> None:
    by_sub = {"route": "GET /o/{id}", "where": {"id": "sub"}}
    groups = {
        "g": {},
        "a-bound": {"allow": [by_sub]},
        "b-boxed": {"allow": [{"route": "GET /o/*", "until": FUTURE}, {"route": "GET /o/*", "until": PAST}]},
        "c-denied": {"allow": ["GET /o/{id}"], "deny": ["* /o/**"]},
        "d-over": {"allow": [{"route": "GET /o/*", "until": PAST}]},
        "e-heir": {"inherits": ["f-plain"]},
        "f-plain": {"allow": ["GET /o/{id}", by_sub]},
        "g-else": {"allow": ["GET /a"]},
    }
    assert near(groups, "g", "GET /o/x", {"sub": "y"}) == [
        ("other_subject", "would be allowed by group/b-boxed, which is allowed until 2001-09-09T02:00:00Z"),
        ("other_subject", "would be allowed by group/e-heir"),
        ("other_subject", "would be allowed by group/f-plain"),
        ("other_subject", "group/a-bound is allowed where {id} = sub, which this request does not meet"),
    ]
    assert near(groups, "g", "GET /o/x", {"sub": "x"})[0] == (
        "other_subject",
        "would be allowed by group/a-bound, which is allowed where {id} = sub",
    )


def test_subjects_that_hold_nothing_but_what_the_caller_has_too_are_not_named() -> None:
    groups = {**OWN, "caller": {"inherits": ["g"]}, "sibling": {"inherits": ["g"]}}
    assert [kind for kind, _ in near(groups, "caller", "GET /o/x")] == ["claim_missing"]


def test_other_subjects_come_with_their_permissions() -> None:
    document = parse_document(
        {
            "api": "x",
            "routes": ROUTES,
            "groups": {"a": {"inherits": ["b"], "allow": ["GET /*"]}, "b": {"allow": ["GET /a"]}},
            "scopes": {"read": {"allow": ["* /a"]}},
        }
    )
    found = explain(document, [], {}, "GET", "a", START).near_misses
    assert [(str(miss.subject), [str(held) for held in miss.permissions]) for miss in found] == [
        ("group/a", ["group/a allow GET /*", "group/b allow GET /a, through group/a"]),
        ("group/b", ["group/b allow GET /a"]),
        ("scope/read", ["scope/read allow * /a"]),
    ]


def test_in_random_apis_every_near_miss_is_true_and_none_is_left_out() -> None:
    random, seen = Random(11), dict.fromkeys(NearMissKind, 0)
    for _ in range(250):
        source = random_document(random)
        document = parse_document(source)
        for _ in range(8):
            verb, path, _ = random_request(random, source["routes"])
            refs = [group(name) for name in random.sample(["g1", "g2"], random.randint(0, 2))]
            claims = random.choice([{}, {"sub": OWNER}, {"sub": "a", "username": "me"}, {"sub": "a/b", "username": "7"}])
            explanation = explain(document, refs, claims, verb, path, START)
            for miss in explanation.near_misses:
                seen[miss.kind] += 1
            if explanation.decision.route is not None:
                _check(document, explanation, refs, claims)
    rare = {kind for kind, count in seen.items() if count < 5}
    # One's own pool may bind any claim.
    assert rare <= {NearMissKind.RESERVED_WORD, NearMissKind.UNKNOWN_METHOD, NearMissKind.NOT_LISTED}


def _check(document: PermissionDocument, explanation: Explanation, refs: list[PrincipalRef], claims: Mapping[str, str]) -> None:
    """Take away what is said to be in the way of each allow, and it must allow; what the explanation leaves out must not come to light either."""
    target = find_target(document.catalog, explanation.method, explanation.path)

    def alone(permission: Permission, now: float = START, changed: Mapping[str, str] = claims) -> Decision:
        return decide(Grounds((permission,), document.catalog, changed, now), target)

    allows = [p for ref in explanation.refs for p in document.permissions(ref) if p.effect is Effect.ALLOW]
    denied = explanation.decision.reason is Reason.EXPLICIT_DENY
    implicit = explanation.decision.reason is Reason.IMPLICIT_DENY
    over = {p for p in allows if implicit and p.until is not None and p.until <= START and alone(p, p.until - 1).allowed}
    wanting = {
        p
        for p in allows
        for value in map(unquote, explanation.parameters.values())
        if implicit and not alone(p).allowed and alone(p, changed={**claims, **{b.claim: value for b in p.where}}).allowed
    }
    assert _named(explanation, {NearMissKind.EXPIRED}) == over
    assert _named(explanation, {NearMissKind.DENIED}) == {p for p in allows if denied and alone(p).allowed}
    excepted = {p for p in allows if implicit and p.excepted and alone(replace(p, excepted=())).allowed}
    assert _named(explanation, {NearMissKind.EXCEPTED}) == excepted
    assert wanting <= _named(explanation, KINDS_OF_CLAIMS)
    assert _named(explanation, {NearMissKind.CLAIM_MISSING, NearMissKind.CLAIM_DIFFERS}) <= wanting
    helpful = {miss.subject for miss in explanation.near_misses if miss.kind is NearMissKind.OTHER_SUBJECT and "would be" in str(miss)}
    joined = {
        ref: explain(document, [*refs, ref], claims, explanation.method, explanation.path, START)
        for ref in document.subjects
        if implicit and ref not in explanation.refs
    }
    assert helpful == {ref for ref, other in joined.items() if other.decision.allowed}


def _named(explanation: Explanation, kinds: set[NearMissKind]) -> set[Permission]:
    return {held.permission for miss in explanation.near_misses if miss.kind in kinds for held in miss.permissions}
