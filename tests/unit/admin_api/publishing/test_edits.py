"""One part of a document changed: what comes out, what is left as it was, and where the mistakes are said to be."""

from typing import Any

import pytest

from admin_api.publishing.edits import merge_patch, patched, with_routes, with_subject, without_subject
from authorizer.policy.document import MAX_ANCESTORS, PermissionDocument, format_document, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError, Problem

SOURCE: dict[str, Any] = {
    "api": "petstore",
    "enforced": ["route"],
    "routes": ["GET /pets", "POST /pets", "GET /pets/{petId}"],
    "everyone": {"allow": ["GET /pets"]},
    "groups": {"a/b~c": {"deny": ["POST /pets"]}, "guest": {"allow": ["GET /pets/{petId}"]}, "owner": {"inherits": ["guest"]}},
    "clients": {"job": {"allow": ["POST /pets"]}},
    "scopes": {"pets/read": {"allow": ["GET /pets"]}},
}


def document() -> PermissionDocument:
    return parse_document(SOURCE)


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


JOB, SCOPE = PrincipalRef(RefKind.CLIENT, "job"), PrincipalRef(RefKind.SCOPE, "pets/read")


def pointers(error: pytest.ExceptionInfo[DocumentError]) -> list[str]:
    return [problem.pointer for problem in error.value.problems]


def expected(section: str, **held: Any) -> dict[str, Any]:
    """The source with some subjects of a section replaced, or left out where they are None."""
    subjects = {name: value for name, value in (SOURCE[section] | held).items() if value is not None}
    result = {**SOURCE, section: subjects}
    return result if subjects else {name: value for name, value in result.items() if name != section}


def test_a_subject_is_replaced_as_a_whole_and_nobody_else_changes() -> None:
    after = with_subject(document(), group("guest"), {"deny": ["GET /pets/{petId}"]})
    assert format_document(after) == expected("groups", guest={"deny": ["GET /pets/{petId}"]})
    assert format_document(document()) == SOURCE


@pytest.mark.parametrize(
    ("ref", "section", "name"),
    [
        (group("new"), "groups", "new"),
        (group("~/"), "groups", "~/"),
        (PrincipalRef(RefKind.CLIENT, "new"), "clients", "new"),
        (PrincipalRef(RefKind.SCOPE, "https://x/y"), "scopes", "https://x/y"),
    ],
)
def test_a_subject_is_added(ref: PrincipalRef, section: str, name: str) -> None:
    assert format_document(with_subject(document(), ref, {"allow": ["GET /pets"]})) == expected(section, **{name: {"allow": ["GET /pets"]}})


def test_the_first_of_its_kind_is_added_too() -> None:
    small = parse_document({"api": "petstore", "routes": ["GET /pets"]})
    assert format_document(with_subject(small, JOB, {}))["clients"] == {"job": {}}
    assert format_document(with_subject(small, EVERYONE, {"allow": ["GET /pets"]}))["everyone"] == {"allow": ["GET /pets"]}


@pytest.mark.parametrize(
    ("ref", "held", "places"),
    [
        (group("guest"), {"allow": ["GET /cats"], "alow": []}, ["/alow", "/allow/0"]),
        (group("guest"), {"allow": [{"route": "GET /pets/{petId}", "until": "soon"}]}, ["/allow/0/until"]),
        (group("a/b~c"), {"deny": ["FETCH /pets"]}, ["/deny/0"]),
        (group("a/b~c"), [], [""]),
        (group("a/b~c"), "GET /pets", [""]),
        (JOB, {"inherits": ["guest"]}, ["/inherits"]),
        (SCOPE, {"allow": {}}, ["/allow"]),
        (EVERYONE, {"allow": [1]}, ["/allow/0"]),
        (EVERYONE, 5, [""]),
        (group("a\u200bb"), {}, [""]),
        (group("x" * 257), {}, [""]),
    ],
)
def test_mistakes_in_a_subject_have_their_places_in_what_was_sent(ref: PrincipalRef, held: Any, places: list[str]) -> None:
    with pytest.raises(DocumentError) as error:
        with_subject(document(), ref, held)
    assert pointers(error) == places


def test_a_mistake_that_a_subject_makes_elsewhere_keeps_its_place_in_the_document() -> None:
    """The circle is told at its first group, which was not sent."""
    with pytest.raises(DocumentError) as error:
        with_subject(parse_document({**SOURCE, "groups": {"a": {"inherits": ["b"]}, "b": {}}}), group("b"), {"inherits": ["a"]})
    assert pointers(error) == ["/groups/a/inherits"]


def test_a_name_that_begins_with_another_is_not_taken_for_it() -> None:
    """`ge` inherits from one group too many only because `g` now inherits from as many as it may."""
    many = [f"p{n}" for n in range(MAX_ANCESTORS)]
    source = {**SOURCE, "groups": {"g": {}, "ge": {"inherits": ["g"]}, **{name: {} for name in many}}}
    with pytest.raises(DocumentError) as error:
        with_subject(parse_document(source), group("g"), {"inherits": many})
    assert pointers(error) == ["/groups/ge/inherits"]


@pytest.mark.parametrize(
    ("ref", "section", "name"),
    [(group("owner"), "groups", "owner"), (group("a/b~c"), "groups", "a/b~c"), (JOB, "clients", "job"), (SCOPE, "scopes", "pets/read")],
)
def test_a_subject_is_removed(ref: PrincipalRef, section: str, name: str) -> None:
    assert format_document(without_subject(document(), ref)) == expected(section, **{name: None})


def test_everyone_is_removed() -> None:
    assert format_document(without_subject(document(), EVERYONE)) == {k: v for k, v in SOURCE.items() if k != "everyone"}


def test_a_group_that_others_inherit_from_is_not_removed() -> None:
    with pytest.raises(DocumentError, match="there is no group `guest` to inherit from") as error:
        without_subject(document(), group("guest"))
    assert pointers(error) == ["/groups/owner/inherits"]


@pytest.mark.parametrize("ref", [group("nobody"), PrincipalRef(RefKind.CLIENT, "guest"), PrincipalRef(RefKind.SCOPE, "job")])
def test_what_is_not_there_is_not_removed(ref: PrincipalRef) -> None:
    with pytest.raises(KeyError):
        without_subject(document(), ref)


def test_the_catalogue_is_replaced_as_a_whole() -> None:
    after = with_routes(document(), {"routes": [*SOURCE["routes"], {"route": "GET /health", "public": True}]})
    routes = ["GET /health", "GET /pets", "POST /pets", "GET /pets/{petId}"]
    assert sorted(str(route) for route in after.catalog.routes) == sorted(routes)
    assert after.enforced == ()
    assert after.subjects == document().subjects


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ({"routes": ["GET /pets", "POST /pets"]}, ["/groups/guest/allow/0"]),
        ({"routes": []}, ["/routes"]),
        ({}, ["/routes"]),
        ({"enforced": ["route"]}, ["/routes"]),
        ({"routes": None}, ["/routes"]),
        ({"routes": SOURCE["routes"], "enforced": ["rout"]}, ["/enforced/0"]),
        ({"routes": SOURCE["routes"], "groups": {}}, ["/groups"]),
        ({"routes": SOURCE["routes"], "api": "other"}, ["/api"]),
        ([], [""]),
        (None, [""]),
        ("GET /pets", [""]),
    ],
)
def test_a_catalogue_with_mistakes_is_refused(value: Any, places: list[str]) -> None:
    """Also one that takes away a route that somebody is permitted, and a part of the document that is no catalogue."""
    with pytest.raises(DocumentError) as error:
        with_routes(document(), value)
    assert pointers(error) == places


# RFC 7396, appendix A: target, patch, result.
MERGES: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), MERGES)
def test_a_merge_patch_does_what_the_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_a_merge_leaves_both_sides_as_they_were() -> None:
    target, patch = {"a": {"b": 1}}, {"a": {"c": {"d": None}}}
    assert merge_patch(target, patch) == {"a": {"b": 1, "c": {}}}
    assert (target, patch) == ({"a": {"b": 1}}, {"a": {"c": {"d": None}}})


def test_a_document_is_patched() -> None:
    patch: dict[str, Any] = {"clients": None, "groups": {"owner": {"inherits": None, "allow": ["GET /pets"]}, "new": {}}, "enforced": []}
    after = format_document(patched(document(), patch))
    groups = {**SOURCE["groups"], "owner": {"allow": ["GET /pets"]}, "new": {}}
    assert after == {name: value for name, value in (SOURCE | {"groups": groups}).items() if name not in ("clients", "enforced")}


@pytest.mark.parametrize(
    ("patch", "problem"),
    [
        ([], Problem("", "the document must be a mapping, not a list")),
        (None, Problem("", "the document must be a mapping, not empty")),
        (
            {"groups": {"guest": None}},
            Problem("/groups/owner/inherits", "there is no group `guest` to inherit from: add it under `groups` or take it out"),
        ),
        (
            {"clients": {"job": {"inherits": []}}},
            Problem("/clients/job/inherits", "`inherits` is not a field of `client/job`: it may have `delegated`, `allow`, `deny`"),
        ),
    ],
)
def test_a_patch_that_leaves_a_broken_document_is_refused(patch: Any, problem: Problem) -> None:
    with pytest.raises(DocumentError) as error:
        patched(document(), patch)
    assert problem in error.value.problems
