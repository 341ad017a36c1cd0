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
