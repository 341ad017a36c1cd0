"""What an admin, and one group by itself, must still be permitted after a change to the admin API's own permissions."""

from dataclasses import replace
from typing import Any

import pytest

from admin_api.publishing.lockout import ADMIN_API, NEEDED, Actor, LockOutError, check_lock_out
from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind, TokenIds
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

NOW = 1_800_000_000
READ, WRITE = "GET /v1/apis/gatebook-admin/document", "PUT /v1/apis/gatebook-admin/document"
BACK = "POST /v1/apis/gatebook-admin/versions/{number}/rollback"
THREE = [READ, WRITE, BACK]


def document(api: str = ADMIN_API, **fields: Any) -> PermissionDocument:
    """A document of the admin API with the three routes that have to stay open, and one more."""
    return parse_document({"api": api, "routes": [*THREE, "GET /v1/apis"], **fields})


def actor(*groups: str, scopes: tuple[str, ...] | None = None) -> Actor:
    """A person in these groups, or a machine `m` with these scopes."""
    if scopes is None:
        refs: tuple[PrincipalRef, ...] = (EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in groups))
        return Actor("u1", refs, TokenIds({DenylistKind.SUB: "u1", DenylistKind.CLIENT_ID: "c1"}, None))
    refs = (EVERYONE, PrincipalRef(RefKind.CLIENT, "m"), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes))
    return Actor("m", refs, TokenIds({DenylistKind.SUB: "m", DenylistKind.CLIENT_ID: "m"}, None))


ROOT = {"root": {"allow": THREE}}

OPEN: dict[str, tuple[dict[str, Any], Actor | None]] = {
    "by one group": ({"groups": ROOT}, actor("root")),
    "by a parent": ({"groups": ROOT | {"a": {"inherits": ["root"]}}}, actor("a")),
    "by several groups, and one has all": (
        {"groups": ROOT | {"a": {"allow": [READ]}, "b": {"allow": [WRITE, BACK]}}},
        actor("a", "b"),
    ),
    "by everyone": ({"everyone": {"allow": THREE}, "groups": {"a": {}}}, actor()),
    "everyone and the group together": ({"everyone": {"allow": [READ]}, "groups": {"a": {"allow": [WRITE, BACK]}}}, actor("a")),
    "by selectors": ({"groups": {"a": {"allow": ["* /v1/apis/gatebook-admin/**"]}}}, actor("a")),
    "by the client": ({"groups": ROOT, "clients": {"m": {"allow": THREE}}}, actor(scopes=())),
    "by the scope": ({"groups": ROOT, "scopes": {"s": {"allow": THREE}}}, actor(scopes=("s",))),
    "with a deny for another group": ({"groups": ROOT | {"other": {"deny": THREE}}}, actor("root")),
    "with a deny for a machine": ({"groups": ROOT, "clients": {"c1": {"deny": THREE}}}, actor("root")),
    "with a deny that has ended": (
        {"groups": {"root": {"allow": THREE, "deny": [{"route": READ, "until": "2027-01-15T08:00:00Z"}]}}},
        actor("root"),
    ),
    "nobody asks, and one group can": ({"groups": ROOT | {"other": {}}}, None),
}

SHUT: dict[str, tuple[dict[str, Any], Actor | None, str]] = {
    **{
        f"no {missing}": (
            {"groups": ROOT | {"a": {"allow": [route for route in THREE if route != missing]}}},
            actor("a"),
            "you could no longer",
        )
        for missing in THREE
    },
    "of no group": ({"groups": ROOT}, actor(), "you could no longer"),
    "of an unknown group": ({"groups": ROOT}, actor("nobody"), "you could no longer"),
    "an empty group": ({"groups": ROOT | {"a": {}}}, actor("a"), "you could no longer"),
    "a deny in one of two groups": ({"groups": ROOT | {"a": {"deny": [WRITE]}}}, actor("root", "a"), "you could no longer PUT"),
    "a deny in a parent": (
        {"groups": ROOT | {"p": {"deny": [BACK]}, "a": {"inherits": ["p", "root"]}}},
        actor("a"),
        "you could no longer POST",
    ),
    "a deny for everyone": ({"groups": ROOT, "everyone": {"deny": [READ]}}, actor("root"), "you could no longer GET"),
    "a deny for the client": (
        {"groups": ROOT, "clients": {"m": {"deny": [READ]}}, "scopes": {"s": {"allow": THREE}}},
        actor(scopes=("s",)),
        "GET",
    ),
    "a deny for the scope": (
        {"groups": ROOT, "clients": {"m": {"allow": THREE}}, "scopes": {"s": {"deny": [READ]}}},
        actor(scopes=("s",)),
        "GET",
    ),
    "a grant that ends": (
        {"groups": ROOT | {"a": {"allow": [READ, WRITE, {"route": BACK, "until": "9999-12-31T23:59:59Z"}]}}},
        actor("a"),
        "you could no longer POST",
    ),
    "a grant of some versions": (
        {"groups": ROOT | {"a": {"allow": [READ, WRITE, {"route": BACK, "where": {"number": "sub"}}]}}},
        actor("a"),
        "you could no longer POST",
    ),
    "no group by itself": (
        {"groups": {"a": {"allow": [READ]}, "b": {"allow": [WRITE, BACK]}}},
        actor("a", "b"),
        "no group could mend",
    ),
    "no group but a machine": ({"clients": {"m": {"allow": THREE}}}, actor(scopes=()), "no group could mend"),
    "nobody asks, and no group can": ({"groups": {"a": {"allow": [READ, WRITE]}}}, None, "no group could mend"),
    "nobody asks, and there is no group": ({"everyone": {"allow": THREE}}, None, "no group could mend"),
    "every group denied by everyone": ({"groups": ROOT, "everyone": {"deny": THREE}}, None, "no group could mend"),
}


@pytest.mark.parametrize(("fields", "who"), OPEN.values(), ids=OPEN)
def test_a_document_by_which_it_can_be_mended_passes(fields: dict[str, Any], who: Actor | None) -> None:
    check_lock_out(document(**fields), Denylist(), who, NOW)


@pytest.mark.parametrize(("fields", "who", "words"), SHUT.values(), ids=SHUT)
def test_a_document_by_which_it_could_not_is_refused(fields: dict[str, Any], who: Actor | None, words: str) -> None:
    with pytest.raises(LockOutError, match=words):
        check_lock_out(document(**fields), Denylist(), who, NOW)


@pytest.mark.parametrize(("fields", "who", "words"), SHUT.values(), ids=SHUT)
def test_documents_of_other_apis_pass(fields: dict[str, Any], who: Actor | None, words: str) -> None:
    refuse_all = Denylist([entry(DenylistKind.SUB, "u1")])
    check_lock_out(document("gatebook-admin2", **fields), refuse_all, who, NOW)


@pytest.mark.parametrize("gone", THREE)
def test_a_route_that_is_gone_is_open_to_nobody(gone: str) -> None:
    routes = [route for route in THREE if route != gone]
    shut = parse_document({"api": ADMIN_API, "routes": [*routes, "GET /v1/apis"], "groups": {"root": {"allow": ["* /**"]}}})
    with pytest.raises(LockOutError, match="you could no longer"):
        check_lock_out(shut, Denylist(), actor("root"), NOW)
    with pytest.raises(LockOutError, match="no group could mend"):
        check_lock_out(shut, Denylist(), None, NOW)


def test_what_matters_is_where_the_request_goes() -> None:
    """Under a greedy route that is allowed it still arrives; under a parameter that is denied it does not."""
    greedy = {"api": ADMIN_API, "routes": ["ANY /v1/{proxy+}"], "groups": {"root": {"allow": ["* /**"]}}}
    check_lock_out(parse_document(greedy), Denylist(), actor("root"), NOW)
    routes = [READ, BACK, "PUT /v1/apis/{api}/document"]
    other = {"api": ADMIN_API, "routes": routes, "groups": {"root": {"allow": ["* /**"], "deny": ["PUT /v1/apis/{api}/document"]}}}
    with pytest.raises(LockOutError, match="you could no longer PUT"):
        check_lock_out(parse_document(other), Denylist(), actor("root"), NOW)


def entry(kind: DenylistKind, value: str, ends: int = NOW + 1, issued_before: int | None = None) -> DenylistEntry:
    return DenylistEntry(kind, value, "r", "a", 7, ends, issued_before)


@pytest.mark.parametrize(
    ("denied", "refused"),
    [
        (entry(DenylistKind.SUB, "u1"), True),
        (entry(DenylistKind.CLIENT_ID, "c1"), True),
        (entry(DenylistKind.SUB, "u1", issued_before=NOW - 10**6), True),
        (entry(DenylistKind.SUB, "u1", ends=NOW), False),
        (entry(DenylistKind.SUB, "u2"), False),
        (entry(DenylistKind.CLIENT_ID, "u1"), False),
        (entry(DenylistKind.JTI, "u1"), False),
    ],
)
def test_the_denylist_must_not_refuse_who_changes_it(denied: DenylistEntry, refused: bool) -> None:
    """When the caller signed in is not told, so that an entry for earlier sign-ins counts."""
    if not refused:
        check_lock_out(document(groups=ROOT), Denylist([denied]), actor("root"), NOW)
        return
    with pytest.raises(LockOutError, match=f"refuse your own token by {denied.kind} `{denied.value}`"):
        check_lock_out(document(groups=ROOT), Denylist([denied]), actor("root"), NOW)


def test_who_has_no_token_is_not_looked_for_on_the_denylist() -> None:
    check_lock_out(document(groups=ROOT), Denylist([entry(DenylistKind.SUB, "u1")]), None, NOW)


def test_what_is_needed_is_to_read_to_write_and_to_go_back() -> None:
    assert [f"{verb} /{path}" for verb, path in NEEDED] == [READ, WRITE, BACK.replace("{number}", "1")]


SCOPED: dict[str, Any] = {
    "scopes": {
        "admin/all": {"allow": THREE},
        "admin/soon": {"allow": [{"route": route, "until": "2099-01-01T00:00:00Z"} for route in THREE]},
    }
}


def came_through(client: str, *scopes: str) -> Actor:
    """A person in the group `root`, through a client."""
    consent = (PrincipalRef(RefKind.CLIENT, client), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes))
    return replace(actor("root"), consent=consent)


@pytest.mark.parametrize(
    ("client", "held", "who", "shuts"),
    [
        ("c1", {"delegated": True}, came_through("c1"), True),
        ("c1", {"delegated": True}, came_through("c1", "openid"), True),
        ("c1", {"delegated": True}, came_through("c1", "admin/soon"), True),
        ("c1", {"delegated": True, "deny": [READ]}, came_through("c1", "admin/all"), True),
        ("c1", {"delegated": True, "allow": THREE}, came_through("c1"), True),
        ("c1", {"delegated": True}, came_through("c1", "admin/all"), False),
        ("c1", {"delegated": True}, came_through("c2"), False),
        ("c1", {"allow": [READ]}, came_through("c1"), False),
        ("c1", {"delegated": True}, None, False),
    ],
)
def test_a_client_that_becomes_delegated_must_not_shut_out_who_came_through_it(
    client: str, held: dict[str, Any], who: Actor | None, shuts: bool
) -> None:
    changed = document(groups=ROOT, clients={client: held}, **SCOPED)
    if not shuts:
        check_lock_out(changed, Denylist(), who, NOW)
        return
    with pytest.raises(LockOutError, match="since client/c1, through which you came, is delegated"):
        check_lock_out(changed, Denylist(), who, NOW)


def test_a_consent_does_not_replace_what_the_person_must_be_allowed() -> None:
    changed = document(groups={**ROOT, "other": {}}, clients={"c1": {"delegated": True}}, **SCOPED)
    with pytest.raises(LockOutError, match="keep it allowed to one of your groups"):
        check_lock_out(changed, Denylist(), replace(came_through("c1", "admin/all"), refs=(EVERYONE,)), NOW)
