"""What the console is told that a caller may change."""

import pytest

from admin_api.publishing.lockout import Actor
from admin_api.publishing.own_rights import may_edit
from authorizer.policy.denylist import TokenIds
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

DOCUMENT = parse_document(
    {
        "api": "gatebook-admin",
        "routes": [
            "GET /v1/apis/{api}/document",
            "PATCH /v1/apis/{api}/document",
            "PATCH /v1/apis/petstore/document",
            "PATCH /v1/apis/gatebook-admin/document",
        ],
        "groups": {
            "admins": {"allow": ["* /**"]},
            "auditors": {"allow": ["GET /**"]},
            "petstore-admins": {"allow": ["* /v1/apis/petstore/**"]},
            "some": {"allow": [{"route": "PATCH /v1/apis/{api}/document", "where": {"api": "sub"}}]},
            "over": {"allow": [{"route": "* /**", "until": "2026-01-01T00:00:00Z"}]},
        },
    }
)
NOW = 1_790_000_000.0


def actor(*groups: str) -> Actor:
    return Actor("jane", (EVERYONE, *(PrincipalRef(RefKind.GROUP, group) for group in groups)), TokenIds({}, None))


@pytest.mark.parametrize(
    ("groups", "api", "expected"),
    [
        (("admins",), "petstore", True),
        (("admins",), "shop", True),
        (("admins",), "gatebook-admin", True),
        (("auditors",), "petstore", False),
        (("petstore-admins",), "petstore", True),
        (("petstore-admins",), "shop", False),
        (("petstore-admins", "auditors"), "gatebook-admin", False),
        (("some",), "shop", False),
        (("over",), "shop", False),
        ((), "petstore", False),
    ],
)
def test_who_may_change_what(groups: tuple[str, ...], api: str, expected: bool) -> None:
    assert may_edit(DOCUMENT, actor(*groups), api, NOW) is expected


def test_a_catalogue_without_the_route_lets_nobody_change_anything() -> None:
    bare = parse_document({"api": "gatebook-admin", "routes": ["GET /v1/apis"], "groups": {"admins": {"allow": ["* /**"]}}})
    assert not may_edit(bare, actor("admins"), "petstore", NOW)
