"""Subjects as people write them."""

import pytest

from admin_api.analysis.subjects import SubjectSyntaxError, held_by, parse_subject_ref
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from tests.support.tables import document

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets]
everyone: {allow: [GET /pets]}
groups: {owner: {allow: [POST /pets]}}
"""


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("everyone", EVERYONE),
        ("group/guest", PrincipalRef(RefKind.GROUP, "guest")),
        ("group/a/b", PrincipalRef(RefKind.GROUP, "a/b")),
        ("client/5example", PrincipalRef(RefKind.CLIENT, "5example")),
        ("scope/pets/read", PrincipalRef(RefKind.SCOPE, "pets/read")),
    ],
)
def test_a_subject_is_read(text: str, ref: PrincipalRef) -> None:
    assert parse_subject_ref(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize("text", ["", "guest", "group/", "group", "everyone/", "everyone/foo", "Group/guest", "user/jane", "/guest"])
def test_what_names_no_subject_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(SubjectSyntaxError, match="write `everyone`, `group/NAME`, `client/NAME` or `scope/NAME`"):
        parse_subject_ref(text)


def test_a_subject_holds_what_everyone_holds_and_its_own() -> None:
    held = held_by(document(DOCUMENT), PrincipalRef(RefKind.GROUP, "owner"))
    assert [permission.selector for permission in held] == ["GET /pets", "POST /pets"]
    assert [permission.selector for permission in held_by(document(DOCUMENT), EVERYONE)] == ["GET /pets"]
