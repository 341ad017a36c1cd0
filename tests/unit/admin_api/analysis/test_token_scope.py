"""For whom answers can be remembered under the token alone, and what of a catalogue stands in the way."""

from itertools import islice

import pytest

from admin_api.analysis.token_scope import MAX_COMBINATIONS, TokenVerdict, caller_kinds, enforced_verdicts, risky_triples, token_verdicts
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.iam.token_policy import Refusal
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.route import RouteCatalog, parse_route

PREFIX = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/"
SAMPLE = "00000000-sample-0000-0000-000000000000"

DOCUMENT = parse_document(
    {
        "api": "x",
        "routes": ["GET /news", "GET /o/{id}", "GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"],
        "everyone": {"allow": ["GET /news"]},
        "groups": {
            "first": {"allow": ["GET /a/{x}"]},
            "second": {"allow": ["GET /a/{x}/{y}"]},
            "third": {"allow": ["GET /a/{x}/{y}/{z}", {"route": "GET /o/{id}", "where": {"id": "sub"}}]},
            "boxed": {"allow": [{"route": "GET /a/{x}", "until": "1970-01-01T00:01:00Z"}]},
        },
        "clients": {"c1": {"allow": [{"route": "GET /o/{id}", "where": {"id": "client_id"}}]}},
        "scopes": {"pets/read": {}},
    }
)


def group(*names: str) -> tuple[PrincipalRef, ...]:
    return tuple(PrincipalRef(RefKind.GROUP, name) for name in names)


def verdict(*refs: PrincipalRef, now: float = 0) -> TokenVerdict:
    [found] = token_verdicts(DOCUMENT, [refs], now)
    assert found.refs == refs
    return found


def size(*resources: str, denies: tuple[str, ...] = ()) -> int:
    """The bytes of a policy, written down by hand."""
    allowed, denied = ([f'"{PREFIX}{resource}"' for resource in listed] for listed in (resources, denies))
    text = '{"Version": "2012-10-17", "Statement": [{"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": ['
    text += ", ".join(allowed) + "]}"
    if denied:
        text += ', {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [' + ", ".join(denied) + "]}"
    return len(text + "]}")


def test_kinds_of_callers_are_nobody_each_subject_alone_then_machines_and_users_in_turn() -> None:
    document = parse_document(
        {
            "api": "x",
            "routes": ["GET /a"],
            "everyone": {},
            "groups": {"c": {}, "a": {}, "b": {}},
            "scopes": {"s": {}, "t": {}},
            "clients": {"two": {}, "one": {}},
        }
    )
    assert [" + ".join(ref.name for ref in kind) for kind in caller_kinds(document)] == [
        "",
        "one",
        "two",
        *("s", "t"),
        *("a", "b", "c"),
        *("one + s", "a + b"),
        *("one + t", "a + c"),
        *("two + s", "b + c"),
        *("two + t", "a + b + c"),
    ]


def test_many_machines_leave_room_for_users_and_the_other_way_round() -> None:
    names: dict[str, object] = {f"n{number:02}": {} for number in range(20)}
    document = parse_document({"api": "x", "routes": ["GET /a"], "groups": names, "scopes": names, "clients": names})
    kinds = list(caller_kinds(document, 200))
    assert len(kinds) == len(set(kinds)) == 200
    assert [len(kind) for kind in kinds] == [0] + [1] * 60 + [2] * 139
    assert sum(kind[0].kind is RefKind.CLIENT for kind in kinds[61:]) == 70


def of_groups(count: int) -> PermissionDocument:
    return parse_document({"api": "x", "routes": ["GET /a"], "groups": {f"g{number:02}": {} for number in range(count)}})


@pytest.mark.parametrize(
    ("groups", "most", "sizes"),
    [
        (0, 200, [1]),
        (5, 200, [1, 5, 10, 10, 5, 1]),
        (5, 8, [1, 5, 2]),
        (12, MAX_COMBINATIONS, [1, 12, 66, 121]),
        (40, 41, [1, 40]),
    ],
)
def test_there_are_no_more_kinds_than_asked_for(groups: int, most: int, sizes: list[int]) -> None:
    """`sizes` counts the kinds by how many groups they have, from none on."""
    kinds = list(caller_kinds(of_groups(groups), most))
    assert [sum(len(kind) == length for kind in kinds) for length in range(len(sizes))] == sizes
    assert len(kinds) == len(set(kinds)) == sum(sizes)


def test_kinds_are_made_as_they_are_asked_for() -> None:
    assert len(list(islice(caller_kinds(of_groups(60), 10**18), 100))) == 100


def test_a_caller_that_can_be_told_in_one_policy() -> None:
    found = verdict()
    assert (found.size, found.guarded, found.refusal, found.is_expressible) == (size("GET/news"), False, None, True)
    assert str(found) == f"everyone: {size('GET/news')} bytes"


def test_a_caller_that_can_be_told_with_guards_only() -> None:
    found = verdict(*group("first"))
    slashes = ("GET//*", "GET/*//*", "GET/*%2F*", "GET/*%2f*")
    assert found.size == size("GET/a/?*", "GET/news", denies=("GET/a/*/*", *slashes))
    assert (found.guarded, found.is_expressible) == (True, False)
    assert found.refusal is not None
    assert found.refusal.counterexample is not None
    assert found.refusal.counterexample.routes == ("GET /a/{x}", "GET /a/{x}/{y}")
    assert str(found).startswith(f"group/first: {found.size} bytes, but only with TOKEN_SCOPE_GUARDS=1; allowing `GET /a/{{x}}` and not")


def test_a_caller_that_cannot_be_told_in_one_policy() -> None:
    found = verdict(*group("first", "third"))
    assert (found.size, found.guarded, found.is_expressible) == (None, False, False)
    assert found.refusal is not None
    assert found.refusal.counterexample is not None
    assert found.refusal.counterexample.routes == ("GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"), "what guards cannot mend either"
    assert str(found).startswith(
        "group/first + group/third: allowing `GET /a/{x}` and `GET /a/{x}/{y}/{z}` and not `GET /a/{x}/{y}` cannot"
    )


def test_groups_together_may_be_told_where_one_of_them_may_not() -> None:
    found = verdict(*group("first", "second", "third"))
    assert found.size == size("GET/a/*", "GET/a/*/*", "GET/a/*/*/*", "GET/news", f"GET/o/{SAMPLE}")
    assert found.is_expressible


def test_values_of_claims_stand_as_samples() -> None:
    assert verdict(PrincipalRef(RefKind.CLIENT, "c1")).size == size("GET/news", f"GET/o/{SAMPLE}")


def test_permissions_that_are_over_do_not_count() -> None:
    assert not verdict(*group("boxed"), now=59).is_expressible
    assert verdict(*group("boxed"), now=60).size == size("GET/news")


def test_what_nobody_holds_is_nothing() -> None:
    assert verdict(PrincipalRef(RefKind.SCOPE, "pets/read"), PrincipalRef(RefKind.GROUP, "unknown")).size == size("GET/news")


def test_everyone_is_counted_once() -> None:
    assert verdict(EVERYONE).size == size("GET/news")


def test_a_verdict_too_large_says_so() -> None:
    routes = ["GET /a/no", *(f"GET /a/w{number:03}" for number in range(120))]
    document = parse_document({"api": "x", "routes": routes, "everyone": {"allow": routes[1:]}})
    [found] = token_verdicts(document, [()], 0)
    assert isinstance(found.refusal, Refusal)
    assert (found.size, found.refusal.reason) == (None, "too_large")
    assert "bytes, more than 7000" in str(found)


LETTERS = {
    "api": "x",
    "routes": ["GET /news", "GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"],
    "groups": {"broad": {"allow": ["* /**"]}, "first": {"allow": ["GET /a/{x}"]}},
    "clients": {"c": {"allow": ["GET /a/{x}"]}, "d": {"allow": ["GET /a/{x}/{y}/{z}"]}},
    "scopes": {"s": {"allow": ["GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"]}, "t": {"allow": ["GET /a/{x}/{y}"]}},
}


def refused(enforced: list[str], *judged: tuple[PrincipalRef, ...]) -> list[str]:
    document = parse_document({**LETTERS, "enforced": enforced})
    return [" + ".join(map(str, v.refs)) for v in enforced_verdicts(document, list(token_verdicts(document, judged, 0)), 0)]


def test_an_enforced_scope_is_kept_to_for_each_subject_alone_whoever_was_judged() -> None:
    alone = ["client/c", "group/first", "scope/t"]
    assert refused(["token"]) == alone
    assert refused(["route", "token"], (), group("first"), group("broad")) == ["group/first", "client/c", "scope/t"]
    assert refused(["token"], group("broad", "first")) == alone
    assert refused(["token"], group("first", "unknown")) == ["group/first + group/unknown", *alone]


def test_a_scope_that_is_not_enforced_is_not_kept_to() -> None:
    assert refused(["route", "request"], (), group("first")) == refused([]) == []


def test_everyone_is_a_subject_alone() -> None:
    document = parse_document({**LETTERS, "enforced": ["token"], "everyone": {"allow": ["GET /a/{x}"]}, "clients": {}, "scopes": {}})
    assert [verdict.refs for verdict in enforced_verdicts(document, [], 0)] == [(), group("first")]


def test_a_client_may_be_told_with_one_scope_and_not_with_another() -> None:
    document = parse_document(LETTERS)
    verdicts = token_verdicts(document, caller_kinds(document), 0)
    machines = {
        " + ".join(ref.name for ref in v.refs): v.is_expressible for v in verdicts if len(v.refs) == 2 and v.refs[1].kind is RefKind.SCOPE
    }
    assert machines == {"c + s": True, "c + t": False, "d + s": True, "d + t": True}


def triples(*routes: str) -> list[str]:
    return [str(triple) for triple in risky_triples(RouteCatalog(map(parse_route, routes)))]


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        (["GET /pets", "POST /pets", "GET /pets/{id}", "GET /pets/{id}/photos", "WS $connect"], []),
        (["GET /a/{x}", "GET /a/{x}/{y}"], []),
        (
            ["GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"],
            ["GET: /a/{x} and /a/{x}/{y}/{z} without /a/{x}/{y}"],
        ),
        (["GET /a/{x}", "POST /a/{x}/{y}", "GET /a/{x}/{y}/{z}"], []),
        (["ANY /{p+}", "GET /a/{x}"], ["GET: /{p+} and /{p+} without /a/{x}"]),
        (["GET /{y}/{z}", "GET /a/{x}", "GET /a/b"], ["GET: /{y}/{z} and /a/b without /a/{x}"]),
        (
            ["DELETE /c/{c}", "DELETE /c/{c}/discount", "DELETE /c/{c}/tax_ids/{id}"],
            ["DELETE: /c/{c} and /c/{c}/tax_ids/{id} without /c/{c}/discount"],
        ),
        (
            ["GET /a/{x}", "GET /a/mine", "GET /a/{x}/t/{y}", "GET /a/{x}/t/{y}/{z}"],
            ["GET: /a/{x} and /a/{x}/t/{y}/{z} without /a/{x}/t/{y}"],
        ),
        (
            ["GET /a/{x}", "GET /a/{x}/b", "GET /a/{x}/c", "GET /a/{x}/{y}/{z}"],
            [
                "GET: /a/{x} and /a/{x}/{y}/{z} without /a/{x}/b",
                "GET: /a/{x} and /a/{x}/{y}/{z} without /a/{x}/c",
            ],
        ),
    ],
)
def test_the_triples_that_no_policy_can_tell_apart(routes: list[str], expected: list[str]) -> None:
    assert sorted(triples(*routes)) == expected


def test_a_triple_is_told_for_each_verb() -> None:
    found = triples("ANY /a/{x}", "ANY /a/{x}/{y}", "ANY /a/{x}/{y}/{z}")
    verbs = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
    assert sorted(found) == [f"{verb}: /a/{{x}} and /a/{{x}}/{{y}}/{{z}} without /a/{{x}}/{{y}}" for verb in verbs]


def test_triples_are_found_as_they_are_asked_for() -> None:
    many = [f"GET /{{x}}/w{number:03}" for number in range(200)]
    catalog = RouteCatalog(map(parse_route, ["GET /{x}", *many, "GET /{x}/{y}/{z}"]))
    assert len(set(islice(risky_triples(catalog), 20))) == 20


def test_a_triple_that_several_paths_prove_is_told_once() -> None:
    """Below `/a` both `/a/F` and `/a/b/F` belong to the greedy route, and what denies either also denies `/a/b/c`."""
    routes = ["GET /{x}", "GET /a/{rest+}", "GET /a/b", "GET /a/b/c"]
    found = list(risky_triples(parse_document({"api": "x", "routes": routes}).catalog))
    assert len(found) == len(set(found))
    assert ("/{x}", "/a/{rest+}", "/a/b/c") in {(t.first, t.second, t.third) for t in found}
