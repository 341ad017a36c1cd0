"""What permissions amount to, and what a change does, in words that an admin is shown before publishing."""

from typing import Any

import pytest

from admin_api.analysis.access_changes import access_changes, describe_access
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.route import parse_route

ROUTES = ["GET /a", "ANY /b", "GET /b", "GET /c/{id}", "WS $connect"]
UNTIL = "2030-01-01T00:00:00Z"


def document(groups: dict[str, Any], routes: list[str] | None = None, **more: Any) -> PermissionDocument:
    return parse_document({"api": "x", "routes": ROUTES if routes is None else routes, "groups": groups, **more})


def changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[str]:
    return [str(change) for change in access_changes(document(before) if before is not None else None, document(after))]


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ({}, "nothing"),
        ({"allow": ["GET /a"]}, "nothing"),
        ({"allow": ["GET /c/{id}"]}, "allowed"),
        ({"deny": ["GET /c/{id}"]}, "denied"),
        ({"allow": ["GET /c/{id}"], "deny": ["* /**"]}, "denied"),
        ({"allow": ["* /**", {"route": "GET /c/{id}", "where": {"id": "sub"}}]}, "allowed"),
        ({"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}]}, "allowed where {id} = sub"),
        ({"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}, "until": UNTIL}]}, f"allowed where {{id}} = sub until {UNTIL}"),
        ({"allow": [{"route": "GET /c/{id}", "until": UNTIL}]}, f"allowed until {UNTIL}"),
        ({"deny": [{"route": "GET /c/{id}", "until": UNTIL}]}, f"denied until {UNTIL}"),
        ({"allow": ["* /**"], "deny": [{"route": "GET /c/{id}", "until": UNTIL}]}, f"allowed or denied until {UNTIL}"),
        (
            {"allow": [{"route": "GET /c/{id}", "where": {"id": "username"}}, {"route": "GET /c/*", "where": {"id": "sub"}}]},
            "allowed where {id} = sub or allowed where {id} = username",
        ),
    ],
)
def test_access_in_words(held: dict[str, Any], words: str) -> None:
    permissions = document({"g": held}).permissions(PrincipalRef(RefKind.GROUP, "g"))
    assert describe_access(permissions, "GET", parse_route("GET /c/{id}")) == words


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, {"g": {"allow": ["GET /a"]}}, ["group/g gains GET /a"]),
        ({}, {"g": {}}, []),
        ({"g": {"allow": ["GET /a"]}}, {"g": {"allow": ["* /a"]}}, []),
        ({"g": {"allow": ["GET /a"]}}, {}, ["group/g loses GET /a"]),
        ({"g": {"allow": ["GET /a"]}}, {"g": {"allow": ["GET /a"], "deny": ["GET /a"]}}, ["group/g loses GET /a, which is now denied"]),
        ({"g": {}}, {"g": {"deny": ["GET /a"]}}, ["group/g on GET /a: nothing becomes denied"]),
        ({"g": {"deny": ["GET /a"]}}, {"g": {"allow": ["GET /a"]}}, ["group/g gains GET /a"]),
        (
            {"g": {}},
            {"g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}]}},
            ["group/g gains GET /c/{id} where {id} = sub"],
        ),
        (
            {"g": {"allow": [{"route": "GET /c/{id}", "where": {"id": "sub"}}]}},
            {"g": {"allow": ["GET /c/{id}"]}},
            ["group/g on GET /c/{id}: allowed where {id} = sub becomes allowed"],
        ),
        (
            {"base": {}, "g": {"inherits": ["base"]}},
            {"base": {"allow": ["GET /a"]}, "g": {"inherits": ["base"]}},
            ["group/base gains GET /a", "group/g gains GET /a"],
        ),
        (
            {"g": {}},
            {"g": {"allow": ["* /b", "WS *"]}},
            ["group/g gains ANY /b", "group/g gains WS $connect"],
        ),
    ],
)
def test_changes_in_words(before: dict[str, Any] | None, after: dict[str, Any], expected: list[str]) -> None:
    assert changes(before, after) == expected


def test_a_change_of_the_catalogue_changes_access_too() -> None:
    groups = {"g": {"allow": ["* /**"]}}
    before, after = document(groups, ["GET /a", "ANY /b"]), document(groups, ["GET /a", "POST /b"])
    lost = [f"group/g loses {verb} /b" for verb in ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "PUT")]
    assert [str(change) for change in access_changes(before, after)] == lost


def test_a_verb_is_counted_at_the_route_that_serves_it() -> None:
    only_get = document({"g": {"deny": ["GET /b"]}})
    [change] = access_changes(None, only_get)
    assert str(change) == "group/g on GET /b: nothing becomes denied"


def test_everyone_counts_for_itself() -> None:
    before, after = document({"g": {}}), document({"g": {}}, everyone={"allow": ["GET /a"]})
    assert [str(change) for change in access_changes(before, after)] == ["everyone gains GET /a"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {"c": {}},
            {"c": {"delegated": True}},
            "loses whatever people through it may beyond the scopes of their tokens: it is delegated now",
        ),
        ({}, {"c": {"delegated": True}}, "loses whatever people through it may beyond the scopes of their tokens: it is delegated now"),
        (
            {"c": {"delegated": True}},
            {"c": {}},
            "gains whatever people through it may beyond the scopes of their tokens: it is delegated no more",
        ),
        ({"c": {"delegated": True}}, {}, "gains whatever people through it may beyond the scopes of their tokens: it is delegated no more"),
    ],
)
def test_that_a_client_is_delegated_or_no_more_is_a_change(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    [change] = access_changes(document({}, clients=before), document({}, clients=after))
    assert str(change) == f"client/c {expected}"
    words = ("not delegated", "delegated") if "loses" in expected else ("delegated", "not delegated")
    assert (change.route, change.before, change.after) == ("* /**", *words)


def test_a_first_document_tells_its_delegated_clients_and_the_same_one_none() -> None:
    held = document({}, clients={"c": {"delegated": True, "allow": ["GET /a"]}})
    assert [str(change) for change in access_changes(None, held)] == [
        "client/c loses whatever people through it may beyond the scopes of their tokens: it is delegated now",
        "client/c gains GET /a",
    ]
    assert access_changes(held, held) == ()
