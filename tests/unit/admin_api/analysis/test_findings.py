"""What a reviewer is told of a document: permissions that do nothing, routes that nobody may call."""

from itertools import combinations, product
from typing import Any

import pytest

from admin_api.analysis.access_changes import access_words
from admin_api.analysis.findings import Finding, findings, unknown_names
from admin_api.analysis.invariants import parse_invariants
from authorizer.policy.document import format_document, parse_document
from authorizer.policy.permission import EVERYONE

ROUTES = ["GET /a", "POST /a", "GET /b", "GET /c/{id}"]
SOON, SOON_TOO = "1970-01-01T00:01:00Z", "1970-01-01T00:01:30Z"
EVERYBODY = {"allow": ["* /**"]}


def told(document: dict[str, Any], *, routes: list[Any] | None = None, now: float = 0) -> list[str]:
    found = findings(parse_document({"api": "x", "routes": ROUTES if routes is None else routes, **document}), now)
    return sorted(f"{finding.kind}: {finding.message}" for finding in found)


def of_permissions(groups: dict[str, Any], *, now: float = 0, **more: Any) -> list[str]:
    """Without the routes that nobody may call."""
    return [text for text in told({"groups": groups, **more}, now=now) if not text.startswith("uncovered")]


def test_a_document_in_order_has_none() -> None:
    groups = {
        "reader": {"allow": ["GET /a", "GET /b"]},
        "writer": {"inherits": ["reader"], "allow": ["POST /a", {"route": "GET /c/{id}", "where": {"id": "sub"}}]},
    }
    assert told({"groups": groups}) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (59.5, []),
        (60, ["expired: group/g allow GET /a until 60: over since 1970-01-01T00:01:00Z, take it out"]),
        (61, ["expired: group/g allow GET /a until 60: over since 1970-01-01T00:01:00Z, take it out"]),
    ],
)
def test_a_permission_that_is_over_is_told(now: float, expected: list[str]) -> None:
    assert of_permissions({"g": {"allow": [{"route": "GET /a", "until": SOON}]}}, now=now) == expected


def test_a_deny_that_is_over_is_told_and_shadows_nothing() -> None:
    groups = {"g": {"allow": ["GET /a"], "deny": [{"route": "GET /a", "until": SOON}]}}
    assert of_permissions(groups, now=60) == ["expired: group/g deny GET /a until 60: over since 1970-01-01T00:01:00Z, take it out"]


@pytest.mark.parametrize(
    ("groups", "more", "denies"),
    [
        ({"g": {"allow": ["GET /a"], "deny": ["GET /a"]}}, {}, "group/g deny GET /a"),
        ({"g": {"allow": ["GET /a"], "deny": ["* /**"]}}, {}, "group/g deny * /**"),
        ({"g": {"allow": ["GET /a"], "inherits": ["p"]}, "p": {"deny": ["* /a"]}}, {}, "group/p deny * /a"),
        ({"g": {"allow": ["GET /a"]}}, {"everyone": {"deny": ["GET /a"]}}, "everyone deny GET /a"),
    ],
)
def test_an_allow_that_a_deny_takes_away_is_shadowed(groups: dict[str, Any], more: dict[str, Any], denies: str) -> None:
    assert of_permissions(groups, **more) == [f"shadowed: group/g allow GET /a: all that it allows is taken away by {denies}"]


def test_an_allow_may_be_taken_away_by_several_denies() -> None:
    found = of_permissions({"g": {"allow": ["* /a"], "deny": ["POST /a", "GET /a"]}})
    assert found == ["shadowed: group/g allow * /a: all that it allows is taken away by group/g deny GET /a; group/g deny POST /a"]


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param({"g": {"allow": ["* /a"], "deny": ["GET /a"]}}, id="it takes away a part"),
        pytest.param({"g": {"allow": ["GET /a"], "deny": [{"route": "GET /a", "until": SOON}]}}, id="it ends one day"),
        pytest.param({"g": {"allow": ["GET /a"]}, "p": {"deny": ["GET /a"], "inherits": ["g"]}}, id="it is a child's"),
        pytest.param({"g": {"allow": ["GET /a"]}, "p": {"deny": ["GET /a"]}}, id="it is somebody else's"),
        pytest.param({"g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}], "deny": ["GET /a"]}}, id="it is of another route"),
    ],
)
def test_an_allow_is_not_shadowed_if_something_is_left_of_it(groups: dict[str, Any]) -> None:
    assert of_permissions(groups) == []


def test_a_bound_allow_may_be_shadowed_too() -> None:
    groups = {"g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}], "deny": ["GET /c/*"]}}
    assert of_permissions(groups) == [
        "shadowed: group/g allow GET /c/{id} where {id} = sub: all that it allows is taken away by group/g deny GET /c/*"
    ]


@pytest.mark.parametrize(
    ("groups", "more", "redundant"),
    [
        ({"g": {"allow": ["GET /a", "* /a"]}}, {}, ["group/g allow GET /a"]),
        ({"g": {"allow": ["* /a"], "inherits": ["p"]}, "p": {"allow": ["GET /a", "POST /a"]}}, {}, ["group/g allow * /a"]),
        ({"g": {"allow": ["GET /a"]}}, {"everyone": {"allow": ["GET /**"]}}, ["group/g allow GET /a"]),
        (
            {"g": {"allow": ["GET /c/{id}", {"route": "GET /c/{id}", "where": {"id": "sub"}}]}},
            {},
            ["group/g allow GET /c/{id} where {id} = sub"],
        ),
        ({"g": {"allow": ["GET /a", {"route": "GET /a", "until": SOON}]}}, {}, ["group/g allow GET /a until 60"]),
        ({"g": {"deny": ["GET /a", "* /**"]}}, {}, ["group/g deny GET /a"]),
        ({"g": {"deny": ["GET /a"]}}, {"everyone": {"deny": ["GET /a"]}}, ["group/g deny GET /a"]),
    ],
)
def test_a_permission_that_others_say_already_is_redundant(groups: dict[str, Any], more: dict[str, Any], redundant: list[str]) -> None:
    told_of = [text.removeprefix("redundant: ").partition(":")[0] for text in of_permissions(groups, **more)]
    assert told_of == redundant


@pytest.mark.parametrize(
    "groups",
    [
        pytest.param({"g": {"allow": ["* /a", "GET /b"]}}, id="of another route"),
        pytest.param({"g": {"allow": ["* /a"]}, "p": {"allow": ["GET /a"]}}, id="of another group"),
        pytest.param({"g": {"allow": ["GET /a"]}, "p": {"allow": ["GET /a", "GET /b"], "inherits": ["o"]}, "o": {}}, id="of a stranger"),
        pytest.param({"g": {"allow": ["GET /a", {"route": "* /a", "until": SOON}]}}, id="of one that ends"),
        pytest.param({"g": {"allow": [{"route": "GET /a", "until": SOON}, {"route": "GET /a", "until": SOON_TOO}]}}, id="of two that end"),
        pytest.param({"g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}, "GET /a"]}}, id="of one that is bound"),
        pytest.param({"g": {"deny": ["GET /a"], "allow": ["POST /a"]}}, id="of the other effect"),
        pytest.param({"g": {"deny": ["GET /a"]}}, id="of nobody"),
    ],
)
def test_a_permission_is_not_redundant_beside_others(groups: dict[str, Any]) -> None:
    assert of_permissions(groups) == []


@pytest.mark.parametrize(
    ("groups", "more", "others"),
    [
        ({"g": {"allow": ["GET /a", "* /a"]}}, {}, "group/g allow * /a"),
        ({"g": {"allow": ["GET /a"]}}, {"everyone": {"allow": ["GET /**"]}}, "everyone allow GET /**"),
        ({"g": {"allow": ["* /a"]}}, {"everyone": {"allow": ["GET /**", "* /**"]}}, "everyone allow * /**"),
        (
            {"g": {"allow": ["GET /a"], "inherits": ["p"]}, "p": {"allow": ["* /a"]}},
            {"everyone": {"allow": ["GET /**"]}},
            "everyone allow GET /**",
        ),
        (
            {"g": {"allow": ["* /a"], "inherits": ["p"]}, "p": {"allow": ["GET /a", "POST /a"]}},
            {},
            "group/p allow GET /a; group/p allow POST /a",
        ),
        (
            {"g": {"allow": ["* /**"]}},
            {"everyone": {"allow": ["GET /a", "POST /a", "GET /b", "GET /c/{id}"]}},
            "everyone allow GET /a; everyone allow POST /a; everyone allow GET /b and 1 more",
        ),
    ],
)
def test_a_redundant_permission_comes_with_those_that_say_so_already(groups: dict[str, Any], more: dict[str, Any], others: str) -> None:
    [found] = [text for text in of_permissions(groups, **more) if "redundant: group/g" in text]
    assert found.endswith(f": the same is said by {others}")


def test_of_two_that_say_the_same_one_is_redundant() -> None:
    assert of_permissions({"g": {"allow": ["ANY /a", "* /a"]}}) == [
        "redundant: group/g allow * /a: the same is said by group/g allow ANY /a"
    ]
    assert of_permissions({"g": {"deny": ["ANY /a", "* /a"]}}) == ["redundant: group/g deny * /a: the same is said by group/g deny ANY /a"]


def test_of_two_and_one_that_says_as_much_the_two_are_redundant() -> None:
    found = of_permissions({"g": {"allow": ["GET /a", "POST /a", "* /a"]}})
    assert [text.split(":")[1].strip() for text in found] == ["group/g allow GET /a", "group/g allow POST /a"]


HELD = ("GET /a", "* /a", "ANY /a", "POST /a")
PAIRS = [chosen for size in range(3) for chosen in combinations(HELD, size)]
HOLDERS = [dict(zip("gpe", chosen, strict=True)) for chosen in product(PAIRS, PAIRS[:5], PAIRS[:5])]


@pytest.mark.parametrize("effect", ["allow", "deny"])
def test_no_access_changes_if_all_that_is_redundant_goes(effect: str) -> None:
    """Every way in which a group may hold up to two of four permissions that overlap, one that it inherits from one of them, and everyone too."""
    for holders in HOLDERS:
        groups = {"g": {effect: list(holders["g"]), "inherits": ["p"]}, "p": {effect: list(holders["p"])}}
        before = parse_document({"api": "x", "routes": ROUTES, "groups": groups, "everyone": {effect: list(holders["e"])}})
        spare = {finding.message.partition(":")[0] for finding in findings(before, 0) if finding.kind == "redundant"}
        after = format_document(before)
        for name, subject in (("everyone", after.get("everyone", {})), *((f"group/{group}", after["groups"][group]) for group in "gp")):
            subject[effect] = [route for route in subject.get(effect, ()) if f"{name} {effect} {route}" not in spare]
        left = parse_document(after)
        for ref in before.subjects:
            held, kept = ([*d.permissions(ref), *d.permissions(EVERYONE)] for d in (before, left))
            assert access_words(held, before.catalog) == access_words(kept, left.catalog), holders


@pytest.mark.parametrize(
    ("routes", "document", "expected"),
    [
        (
            ["ANY /c/{x}", "GET /c/{y}"],
            {"everyone": {"allow": ["* /c/*"]}, "groups": {"g": {"deny": ["GET /c/{x}"]}}},
            ["unreachable: group/g deny GET /c/{x}: no request comes to it, they all go to `GET /c/{y}`"],
        ),
        (
            ["ANY /c/{x}", "GET /c/{y}"],
            {"everyone": {"allow": ["* /c/*"]}, "groups": {"g": {"allow": ["GET /c/{x}"], "deny": ["* /**"]}}},
            ["unreachable: group/g allow GET /c/{x}: no request comes to it, they all go to `GET /c/{y}`"],
        ),
        (
            ["ANY /c/{x}", "GET /c/{y}", "GET /c"],
            {"everyone": {"allow": ["* /**"]}, "groups": {"g": {"allow": ["GET /c/{x}", "ANY /c/{x}"]}}},
            [
                "redundant: group/g allow ANY /c/{x}: the same is said by everyone allow * /**",
                "unreachable: group/g allow GET /c/{x}: no request comes to it, they all go to `GET /c/{y}`",
            ],
        ),
        (
            ["ANY /c/{x}", "GET /c/{y}", "ANY /d/{x}", "GET /d/{y}"],
            {"everyone": {"allow": ["* /**", {"route": "GET /*/{x}", "until": SOON}]}},
            ["unreachable: everyone allow GET /*/{x} until 60: no request comes to it, they all go to `GET /c/{y}` and `GET /d/{y}`"],
        ),
    ],
)
def test_a_permission_for_requests_that_another_route_takes_is_unreachable(
    routes: list[str], document: dict[str, Any], expected: list[str]
) -> None:
    found = told(document, routes=routes)
    assert [text for text in found if not text.startswith("uncovered")] == expected


def test_the_parent_is_not_redundant_because_of_the_child() -> None:
    groups = {"g": {"allow": ["GET /a"], "inherits": ["p"]}, "p": {"allow": ["GET /a"]}}
    assert [text for text in of_permissions(groups) if "group/p" in text.partition(":")[2].partition(":")[0]] == []


@pytest.mark.parametrize(
    ("document", "uncovered"),
    [
        ({"everyone": EVERYBODY}, []),
        ({"everyone": {"allow": ["GET /a", "GET /b"]}}, ["GET /c/{id}", "POST /a"]),
        ({"everyone": {"allow": ["* /a"]}, "groups": {"g": {"allow": ["GET /b"]}}, "scopes": {"s": {"allow": ["GET /c/{id}"]}}}, []),
        ({"clients": {"c": EVERYBODY}}, []),
        ({"everyone": EVERYBODY, "groups": {"g": {"deny": ["* /**"]}}}, []),
        ({"everyone": {"deny": ["* /a"]}, "groups": {"g": EVERYBODY}}, ["GET /a", "POST /a"]),
        ({"groups": {"g": {"allow": ["* /a", "GET /b", {"route": "GET /c/{id}", "where": {"id": "sub"}}]}}}, []),
        ({"groups": {"g": {"allow": ["* /a", "GET /b", {"route": "GET /c/{id}", "until": SOON}]}}}, []),
        ({"everyone": EVERYBODY | {"deny": [{"route": "GET /a", "until": SOON}]}}, []),
    ],
)
def test_a_route_that_nobody_may_call_is_told(document: dict[str, Any], uncovered: list[str]) -> None:
    assert [text for text in told(document) if text.startswith("uncovered")] == [
        f"uncovered: nobody may call {route}" for route in uncovered
    ]


@pytest.mark.parametrize(("now", "kinds"), [(59, []), (60, ["expired", "uncovered"])])
def test_a_route_whose_only_grant_is_over_is_uncovered(now: float, kinds: list[str]) -> None:
    found = told({"everyone": {"allow": [{"route": "GET /a", "until": SOON}]}}, routes=["GET /a"], now=now)
    assert [text.partition(":")[0] for text in found] == kinds


def test_a_public_route_is_nobodys_to_cover() -> None:
    assert told({}, routes=[{"route": "GET /health", "public": True}, "GET /a"]) == ["uncovered: nobody may call GET /a"]


@pytest.mark.parametrize(
    ("allow", "uncovered"),
    [
        (["PUT /b"], ["GET /b", "WS $connect"]),
        (["GET /b"], ["ANY /b", "WS $connect"]),
        (["ANY /b", "WS *"], []),
    ],
)
def test_a_route_for_any_verb_is_covered_by_one_that_it_serves(allow: list[str], uncovered: list[str]) -> None:
    found = told({"everyone": {"allow": allow}}, routes=["ANY /b", "GET /b", "WS $connect"])
    assert found == [f"uncovered: nobody may call {route}" for route in uncovered]


def test_a_route_that_serves_no_verb_is_not_uncovered() -> None:
    verbs = [f"{verb} /b" for verb in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")]
    found = told({"everyone": {"allow": [verbs[0]]}}, routes=["ANY /b", *verbs])
    assert found == sorted(f"uncovered: nobody may call {verb}" for verb in verbs[1:])


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ({"never": "guest -> GET /a"}, []),
        ({"never": "gusts -> GET /a"}, ["never: gusts -> GET /a: no document has `group/gusts`"]),
        ({"never": "guest -> GET /aa"}, ["never: guest -> GET /aa: `GET /aa` means no route of any document"]),
        ({"never": "guest -> PUT /a"}, ["never: guest -> PUT /a: `PUT /a` means no route of any document"]),
        ({"never": "guest -> /aa/**"}, ["never: guest -> /aa/**: `* /aa/**` means no route of any document"]),
        ({"never": "guest -> GET /c/{x}"}, ["never: guest -> GET /c/{x}: `GET /c/{x}` means no route of any document"]),
        ({"never": "guest -> DELETE /**"}, []),
        ({"never": "guest -> WS"}, []),
        ({"never": "everyone -> /*/*/*"}, []),
        ({"only": "guest, other -> /only-there"}, []),
        ({"only": "client/guest, scope/s -> /a"}, ["only: client/guest, scope/s -> /a: no document has `client/guest`"]),
        ({"implies": "GET /a -> GET /bb"}, ["implies: GET /a -> GET /bb: `GET /bb` means no route of any document"]),
        (
            {"disjoint": ["x", "guest", "y"]},
            ["disjoint: [x, guest, y]: no document has `group/x`", "disjoint: [x, guest, y]: no document has `group/y`"],
        ),
    ],
)
def test_an_invariant_about_what_no_document_has_is_told(statement: dict[str, Any], expected: list[str]) -> None:
    """Wildcards alone are meant for routes to come."""
    documents = [
        parse_document({"api": "x", "routes": [*ROUTES, "ANY /c/{x}"], "groups": {"guest": {}}, "scopes": {"s": {}}}),
        parse_document({"api": "y", "routes": ["GET /only-there", "GET /c/{x}/y"], "groups": {"other": {}}}),
    ]
    found = list(unknown_names(documents, parse_invariants([statement])))
    assert found == [Finding("unknown", message) for message in expected]


def test_findings_can_be_sorted() -> None:
    assert sorted([Finding("shadowed", "b"), Finding("expired", "z"), Finding("shadowed", "a")]) == [
        Finding("expired", "z"),
        Finding("shadowed", "a"),
        Finding("shadowed", "b"),
    ]


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        ({}, True),
        ({"s": {"deny": ["GET /a"]}}, True),
        ({"s": {"allow": [{"route": "GET /a", "until": SOON}]}}, True),
        ({"s": {"allow": [{"route": "GET /a", "until": "1970-01-01T00:02:00Z"}]}}, False),
        ({"s": {"allow": ["GET /a"]}}, False),
    ],
)
def test_a_delegated_client_without_any_consent_to_be_had(scopes: dict[str, Any], expected: bool) -> None:
    clients = {"ours": {"allow": ["GET /a"]}, "third": {"delegated": True}}
    told_of = [text for text in of_permissions({}, clients=clients, scopes=scopes, now=60) if text.startswith("unconsented")]
    assert told_of == ["unconsented: client/third is delegated, and no scope allows anything: people through it may do nothing"] * expected
