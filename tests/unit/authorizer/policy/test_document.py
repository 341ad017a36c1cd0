"""Parts of documents as the table's rows hold them. Whole documents are in `tests/vectors/documents`."""

from typing import Any

import pytest

from authorizer.policy.document import Subject, format_routes, format_subject, format_time, parse_document, parse_routes, parse_subject
from authorizer.policy.permission import EVERYONE, Effect, Permission, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

GUEST = PrincipalRef(RefKind.GROUP, "guest")


def test_parse_routes_reads_the_content_of_a_catalogue_row() -> None:
    row = {"enforced": ["route"], "routes": ["GET /a", {"route": "GET /b", "public": True}]}
    enforced, catalog = parse_routes(row)
    assert enforced == ("route",)
    assert [(str(r), r.public) for r in catalog.routes] == [("GET /a", False), ("GET /b", True)]
    assert format_routes(enforced, catalog) == row
    assert format_routes(*parse_routes({"routes": ["GET /a"]})) == {"routes": ["GET /a"]}


@pytest.mark.parametrize(
    ("row", "pointers"),
    [
        ([], ["", "/routes"]),
        ({}, ["/routes"]),
        ({"routes": ["got /"], "api": "x"}, ["/api", "/routes/0"]),
        ({"routes": ["GET /"], "enforced": ["x"]}, ["/enforced/0"]),
    ],
)
def test_parse_routes_refuses(row: Any, pointers: list[str]) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_routes(row)
    assert [p.pointer for p in caught.value.problems] == pointers


def test_parse_subject_reads_the_content_of_a_subject_row() -> None:
    row = {"inherits": ["a", "b"], "allow": ["GET /x"], "deny": [{"route": "* /**", "until": "1970-01-01T00:16:40Z"}]}
    subject = parse_subject(GUEST, row)
    assert subject == Subject((Permission(GUEST, Effect.ALLOW, "GET /x"), Permission(GUEST, Effect.DENY, "* /**", until=1000)), ("a", "b"))
    assert format_subject(subject) == row
    assert format_subject(parse_subject(GUEST, {})) == {}


@pytest.mark.parametrize(
    ("ref", "row", "pointers"),
    [
        (GUEST, None, [""]),
        (GUEST, {"allow": ["x"], "more": 1, "deny": [{"route": "GET /", "where": {"a": "sub"}}]}, ["/more", "/allow/0", "/deny/0/where"]),
        (EVERYONE, {"inherits": ["a"]}, ["/inherits"]),
    ],
)
def test_parse_subject_refuses(ref: PrincipalRef, row: Any, pointers: list[str]) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_subject(ref, row)
    assert [p.pointer for p in caught.value.problems] == pointers


def test_permissions_of_a_subject_are_its_own_and_its_ancestors() -> None:
    document = parse_document(
        {
            "api": "x",
            "routes": ["GET /a", "GET /b", "GET /c"],
            "everyone": {"allow": ["GET /c"]},
            "groups": {
                "top": {"inherits": ["left", "right"], "deny": ["GET /c"]},
                "left": {"inherits": ["base"]},
                "right": {"inherits": ["base"]},
                "base": {"allow": ["GET /a"]},
            },
        }
    )
    top = PrincipalRef(RefKind.GROUP, "top")
    assert document.ancestors(top) == ("base", "left", "right")
    assert [p.id for p in document.permissions(top)] == ["group/top deny GET /c", "group/base allow GET /a"]
    assert [p.id for p in document.permissions(EVERYONE)] == ["everyone allow GET /c"]
    assert document.permissions(PrincipalRef(RefKind.CLIENT, "top")) == ()
    assert document.ancestors(GUEST) == ()


def test_format_time() -> None:
    assert format_time(0) == "1970-01-01T00:00:00Z"
    assert format_time(1796083200) == "2026-12-01T00:00:00Z"
