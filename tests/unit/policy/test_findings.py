"""What a reviewer is told of a document: permissions that do nothing, routes that nobody may call."""

from typing import Any

import pytest

from authorizer.policy.document import parse_document
from authorizer.policy.findings import Finding, findings

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
    ("groups", "more"),
    [
        ({"g": {"allow": ["GET /a"], "deny": ["GET /a"]}}, {}),
        ({"g": {"allow": ["GET /a"], "deny": ["* /**"]}}, {}),
        ({"g": {"allow": ["GET /a"], "inherits": ["p"]}, "p": {"deny": ["* /a"]}}, {}),
        ({"g": {"allow": ["GET /a"]}}, {"everyone": {"deny": ["GET /a"]}}),
    ],
)
def test_an_allow_that_a_deny_takes_away_is_shadowed(groups: dict[str, Any], more: dict[str, Any]) -> None:
    assert of_permissions(groups, **more) == ["shadowed: group/g allow GET /a: a deny takes away all that it allows"]


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
    assert of_permissions(groups) == ["shadowed: group/g allow GET /c/{id} where {id} = sub: a deny takes away all that it allows"]


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
    ],
)
def test_a_route_that_nobody_may_call_is_told(document: dict[str, Any], uncovered: list[str]) -> None:
    assert [text for text in told(document) if text.startswith("uncovered")] == [
        f"uncovered: nobody may call {route}" for route in uncovered
    ]


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


def test_findings_can_be_sorted() -> None:
    assert sorted([Finding("shadowed", "b"), Finding("expired", "z"), Finding("shadowed", "a")]) == [
        Finding("expired", "z"),
        Finding("shadowed", "a"),
        Finding("shadowed", "b"),
    ]
