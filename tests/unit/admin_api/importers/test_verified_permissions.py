"""Cedar policies of Verified Permissions: a document never allows what the policies do not, and says what it leaves."""

import json
from pathlib import Path

import pytest

from admin_api.importers.cedar_text import read_policies
from admin_api.importers.imported import Imported, ImportSourceError
from admin_api.importers.verified_permissions import read_verified_permissions
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.request_path import resolve

POLICIES = """\
// Shop's policies
@id("admins")
permit(
    principal in Shop::UserGroup::"eu-west-1_abc|admin",
    action,
    resource
);
permit (principal in Shop::UserGroup::"eu-west-1_abc|guest",
        action in [Shop::Action::"get /pets", Shop::Action::"get /pets/{petId}"], resource);
forbid (principal in Shop::UserGroup::"eu-west-1_abc|admin", action == Shop::Action::"delete /pets/{petId}", resource == Shop::Application::"Shop");
permit (principal, action == Shop::Action::"get /health", resource);
"""


def read(tmp_path: Path, text: str) -> Imported:
    path = tmp_path / "shop.cedar"
    path.write_text(text)
    return read_verified_permissions(path)


def test_groups_and_actions_become_permissions(tmp_path: Path) -> None:
    imported = read(tmp_path, POLICIES)
    assert imported.document == {
        "api": "shop",
        "routes": ["GET /pets", "GET /pets/{petId}", "DELETE /pets/{petId}", "GET /health"],
        "everyone": {"allow": ["GET /health"]},
        "groups": {
            "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{petId}"]},
            "guest": {"allow": ["GET /pets", "GET /pets/{petId}"]},
        },
    }
    assert imported.not_taken == ()
    parse_document(imported.document)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        (
            'permit(principal in S::UserGroup::"p|g", action, resource) when { context.mfa == "}" };',
            "the permit is left out: it has a condition",
        ),
        ('permit(principal in S::UserGroup::"p|g", action, resource) unless { true };', "the permit is left out: it has a condition"),
        ('permit(principal == S::User::"p|u1", action, resource);', "the permit is left out: it speaks of single users"),
        ("permit(principal == ?principal, action, resource);", "the permit is left out: it speaks of single users"),
        ("permit(principal is S::User, action, resource);", "the permit is left out: it speaks of single users"),
        ('permit(principal is S::User in S::UserGroup::"p|g", action, resource);', "the permit is left out: it speaks of single users"),
        (
            'permit(principal in S::UserGroup::"p|g", action, resource == S::Pet::"7");',
            "the permit is left out: it speaks of certain resources",
        ),
        ('permit(principal in S::UserGroup::"p|g", action == S::Action::"trace /x", resource);', "API Gateway has no method `trace`"),
    ],
)
def test_what_a_permit_says_besides_leaves_it_out(tmp_path: Path, policy: str, said: str) -> None:
    imported = read(tmp_path, f'permit(principal, action == S::Action::"get /a", resource);\n{policy}')
    assert (imported.document["everyone"], "groups" in imported.document) == ({"allow": ["GET /a"]}, False)
    [left] = imported.not_taken
    assert said in left.reason
    assert left.place == "shop.cedar:2"


@pytest.mark.parametrize("ending", ["resource) when { 1 == 2 };", 'resource == S::Pet::"7");'])
def test_a_forbid_never_becomes_narrower(tmp_path: Path, ending: str) -> None:
    policies = 'permit(principal, action == S::Action::"get /a", resource);\n'
    imported = read(tmp_path, f'{policies}forbid(principal in S::UserGroup::"p|g", action == S::Action::"get /a", {ending}')
    assert imported.document["groups"] == {"g": {"deny": ["GET /a"]}}
    assert "taken as a deny that always holds" in imported.not_taken[0].reason


@pytest.mark.parametrize(
    ("action", "names"),
    [
        ('action in MyApi::Action::"group"', "`group`"),
        ('action in [MyApi::Action::"group"]', "`group`"),
        ('action == MyApi::Action::"group"', "`group`"),
        ('action in [MyApi::Action::"get /a", MyApi::Action::"writers", MyApi::Action::"trace /a"]', "`writers`, `trace /a`"),
    ],
)
def test_a_forbid_of_a_group_of_actions_denies_every_route(tmp_path: Path, action: str, names: str) -> None:
    """Nobody can tell which actions are in it, so that the stricter reading counts: the permit of everyone decides nothing for its members."""
    policies = 'permit(principal, action in [MyApi::Action::"get /a", MyApi::Action::"post /b"], resource);\n'
    imported = read(tmp_path, f'{policies}forbid(principal in MyApi::UserGroup::"p|g", {action}, resource);')
    assert imported.document["groups"] == {"g": {"deny": ["* /**"]}}
    [told] = imported.not_taken
    reason = f"the forbid is taken as a deny of every route: {names} is no route, and may be a group of actions: narrow it by hand"
    assert (told.place, told.reason) == ("shop.cedar:2", reason)
    document = parse_document(imported.document)
    held = (*document.permissions(EVERYONE), *document.permissions(PrincipalRef(RefKind.GROUP, "g")))
    for verb, path in (("GET", "a"), ("POST", "b")):
        target = resolve(document.catalog, verb, path, None, exact=True)
        assert decide(Grounds(document.permissions(EVERYONE), document.catalog, {}, 0), target).allowed
        assert not decide(Grounds(held, document.catalog, {}, 0), target).allowed


def test_a_forbid_of_a_type_of_actions_and_one_of_none(tmp_path: Path) -> None:
    policies = 'permit(principal, action == S::Action::"get /a", resource);\n'
    imported = read(tmp_path, f'{policies}forbid(principal in S::UserGroup::"p|g", action is S::Action, resource);')
    assert imported.document["groups"] == {"g": {"deny": ["* /**"]}}
    assert "taken as a deny that always holds: its action is neither a route" in imported.not_taken[0].reason
    imported = read(tmp_path, f'{policies}forbid(principal in S::UserGroup::"p|g", action in [], resource);')
    assert ("groups" in imported.document, imported.not_taken) == (False, ())
    imported = read(tmp_path, f'{policies}forbid(principal in S::UserGroup::"p|g", action, resource);')
    assert (imported.document["groups"], imported.not_taken) == ({"g": {"deny": ["* /**"]}}, ())


def test_a_forbid_of_one_user_is_said_to_be_missing(tmp_path: Path) -> None:
    imported = read(
        tmp_path, 'permit(principal, action == S::Action::"get /a", resource);forbid(principal == S::User::"x", action, resource);'
    )
    assert "the forbid is NOT taken, so that the document is wider there" in imported.not_taken[0].reason


def test_json_as_aws_prints_it(tmp_path: Path) -> None:
    path = tmp_path / "store.json"
    policy = {"policyId": "1", "definition": {"static": {"description": "", "statement": POLICIES.split(";", maxsplit=1)[0] + ";"}}}
    schema = {"schema": json.dumps({"Shop": {"actions": {"get /pets": {}, "post /pets": {}}, "entityTypes": {}}})}
    path.write_text(json.dumps([policy, schema]))
    imported = read_verified_permissions(path, "pets")
    assert imported.document == {
        "api": "pets",
        "routes": ["GET /pets", "POST /pets"],
        "groups": {"admin": {"allow": ["* /**"]}},
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no policy is in it"),
        ("{}", "no policy is in it"),
        ("{", "the file is no JSON"),
        ("permit(principal, action, resource);", "names an action such as"),
        ("permit(principal, action, resource)", "cut off"),
        ("permit(principal, action);", "stands where `,` is expected"),
        ("allow(principal, action, resource);", "`allow` stands where `permit` or `forbid` is expected"),
        ("permit(principal in , action, resource);", "is expected"),
        ("permit(principal, action, resource) when { {", "cut off"),
        ("p, admin, /pets, GET #", "is no Cedar"),
        ('@id("x")', "cut off"),
    ],
)
def test_what_is_no_store_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ImportSourceError, match=r"shop\.cedar|no policy") as caught:
        read(tmp_path, text)
    assert said in str(caught.value)


def test_groups_of_two_pools_are_not_taken_for_one(tmp_path: Path) -> None:
    policies = "".join(
        f'permit(principal in S::UserGroup::"{pool}|admin", action == S::Action::"get /a", resource);' for pool in ("p1", "p2")
    )
    with pytest.raises(ImportSourceError, match="several user pools"):
        read(tmp_path, policies)


def test_strings_hold_what_would_be_signs() -> None:
    [policy] = read_policies('permit(principal in G::"a|b \\"}; // x", action, resource) when { "}" == "{" };', "x")
    assert policy.principal.entities[0].id == 'a|b "}; // x'
    assert policy.is_conditional


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.cedar").write_bytes(b"\xff")
    with pytest.raises(ImportSourceError, match="not UTF-8"):
        read_verified_permissions(tmp_path / "x.cedar")
