"""What IAM roles become: whole routes that they allow, nothing that they allow in part, and a word for everything that is left."""

from typing import Any

import pytest

from admin_api.importers.iam import Group, IamSource, Pool, Role, Rule, roles_of
from admin_api.importers.iam_document import IamImport, document_of_roles
from admin_api.importers.iam_policies import parse_api_arn
from admin_api.importers.imported import FoundRoutes, ImportSourceError
from admin_api.importers.route_list import RouteList
from authorizer.policy.document import parse_document
from authorizer.policy.permission import PrincipalRef, RefKind

ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
API = f"{ARN}/prod"
ROUTES = (
    "GET /",
    "GET /x",
    "GET /x/{id}",
    "PUT /x/{id}",
    "GET /x/me",
    "DELETE /x/{id}",
    "GET /users/{userId}",
    "GET /users/{userId}/x/{id}",
)


def found(*routes: str) -> FoundRoutes:
    listed = RouteList()
    for number, text in enumerate(routes, 1):
        method, path = text.split(" ")
        listed.add(method, path, f"routes.txt:{number}")
    return FoundRoutes("pets", listed.found())


def allow(*resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [_full(r) for r in resources], **more}


def deny(*resources: str, **more: Any) -> dict[str, Any]:
    return {**allow(*resources), "Effect": "Deny", **more}


def _full(text: str) -> str:
    return text if text == "*" or text.startswith("arn:") else f"{ARN}/{text}"


def made(*statements: dict[str, Any], routes: tuple[str, ...] = ROUTES, claims: dict[str, str] | None = None, **policy: Any) -> IamImport:
    role = Role("r", (("p.json", {"Version": "2012-10-17", "Statement": list(statements), **policy}),))
    return document_of_roles(IamSource(parse_api_arn(API), (Group("g", 1, "r"),), {"r": role}, Pool(), claims or {}), found(*routes))


def allows(imported: IamImport) -> Any:
    return imported.imported.document["groups"]["g"].get("allow", [])


def granted(imported: IamImport) -> list[str]:
    """The cells that the document gives, by its own reading."""
    document = parse_document(imported.imported.document)
    held = document.permissions(PrincipalRef(RefKind.GROUP, "g"))
    return sorted({f"{verb} {route.path}" for p in held for verb, route in document.catalog.cells_of(p.selector, p.excepted)})


def left(imported: IamImport) -> str:
    return "\n".join(map(str, imported.imported.not_taken))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        ("*", ["* /**"]),
        ("prod/*", ["* /**"]),
        ("*/*/*", ["* /**"]),
        ("prod/GET/", ["GET /"]),
        ("prod/GET/x", ["GET /x"]),
        # The verb's `*` takes in `GET/users/7` too.
        ("prod/*/x/*", ["* /x/{id}", "GET /x/me", "GET /users/{userId}/x/{id}"]),
        ("prod/GET/x*", ["GET /x/**"]),
        ("prod/PUT/x/*", ["PUT /x/{id}"]),
        ("prod/GET/users/*", ["GET /users/**"]),
        # The stage is another one.
        ("dev/*", []),
        # The case counts.
        ("prod/GET/X", []),
        ("prod/get/x", []),
    ],
)
def test_a_resource_gives_the_routes_of_which_it_matches_every_request(resource: str, expected: list[str]) -> None:
    assert allows(made(allow(resource))) == expected


@pytest.mark.parametrize(
    ("resource", "words"),
    [
        ("prod/GET/x/7", "`GET /x/{id}` (`x/7`)"),
        ("prod/GET/x/a*", "`GET /x/{id}` (`x/a`)"),
        ("prod/GET/x/?", "`GET /x/{id}`"),
        ("prod/GET/x/{id}", "parameter's name"),
        ("prod/GET//*", "matches no request of any route"),
        ("prod/GET/y", "matches no request of any route"),
        ("*/GET/users/*/x/7", "`GET /users/{userId}/x/{id}`"),
        # The stage's `*` takes in `prod/GET/users`.
        ("*/7/x/*", "`GET /users/{userId}/x/{id}` (`users/7/x/0`)"),
    ],
)
def test_what_a_resource_matches_in_part_is_named_and_never_widened(resource: str, words: str) -> None:
    imported = made(allow(resource))
    assert allows(imported) == []
    assert words in left(imported)


def test_a_sibling_with_a_word_of_its_own_is_no_part_of_a_parameter() -> None:
    imported = made(allow("prod/GET/x/*"), deny("prod/GET/x/me"))
    assert allows(imported) == ["GET /x/{id}"]
    assert imported.imported.not_taken == ()


def test_a_deny_takes_from_its_own_role_only() -> None:
    roles = {
        "wide": Role("wide", (("p", {"Version": "2012-10-17", "Statement": [allow("prod/*"), deny("prod/DELETE/*", "prod/*/users/*")]}),)),
        "other": Role("other", (("p", {"Version": "2012-10-17", "Statement": allow("prod/DELETE/*")}),)),
    }
    source = IamSource(parse_api_arn(API), (Group("a", 2, "wide"), Group("b", 1, "other")), roles)
    imported = document_of_roles(source, found(*ROUTES))
    groups = imported.imported.document["groups"]
    assert groups["a"] == {"allow": [{"route": "* /**", "except": ["GET /users/**", "DELETE /x/{id}"]}]}
    assert groups["b"] == {"allow": ["DELETE /x/{id}"]}
    # Who has both had the one role of `b`.
    assert "groups a + b" in left(imported)
    assert {(d.groups, d.wider) for d in imported.differences} == {(("a", "b"), True)}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (deny("prod/GET/x/7"), ["GET /x", "GET /x/me"]),
        (deny("prod/GET/x/*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), ["GET /x"]),
        ({"Effect": "Deny", "NotAction": "s3:*", "Resource": _full("prod/GET/x/{id}")}, ["GET /x", "GET /x/me"]),
        ({"Effect": "Deny", "Action": "*", "NotResource": _full("prod/GET/x")}, ["GET /x"]),
        (deny("arn:aws:execute-api:*"), []),
        (deny("prod/GET/x/${aws:username}"), ["GET /x"]),
        ({**deny("prod/GET/x/*"), "Principal": "*"}, ["GET /x"]),
    ],
)
def test_a_deny_that_is_not_exact_takes_whole_routes_and_says_so(statement: dict[str, Any], expected: list[str]) -> None:
    imported = made(allow("prod/GET/x*"), statement)
    assert granted(imported) == expected
    assert "left out whole" in left(imported)
    assert not any(d.wider for d in imported.differences)


@pytest.mark.parametrize(
    "statement",
    [
        deny("dev/*"),
        deny("arn:aws:execute-api:eu-west-1:111122223333:zzzzzzzzzz/*"),
        deny("arn:aws:execute-api:eu-west-1:999999999999:*"),
        deny("*", Action="execute-api:ManageConnections"),
        deny("*", Action="s3:*"),
        {"Effect": "Deny", "NotAction": ["execute-api:*"], "Resource": "*"},
    ],
)
def test_a_deny_of_something_else_takes_nothing(statement: dict[str, Any]) -> None:
    assert allows(made(allow("prod/GET/x*"), statement)) == ["GET /x/**"]


@pytest.mark.parametrize(
    "action", ["execute-api:Invoke", "execute-api:*", "execute-api:I*", "*", "EXECUTE-API:invoke", "execute-api:?nvoke"]
)
def test_actions_that_are_invoke(action: str) -> None:
    assert allows(made(allow("prod/GET/x", Action=["s3:GetObject", action]))) == ["GET /x"]


@pytest.mark.parametrize(
    "statement",
    [
        allow("prod/*", Condition={"StringEquals": {"aws:PrincipalTag/x": "y"}}),
        {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"},
        {"Effect": "Allow", "Action": "*", "NotResource": _full("prod/GET/x")},
        allow("arn:aws:execute-api:*"),
        allow("arn:aws:execute-api:*:*"),
        allow("prod/GET/users/${cognito-identity.amazonaws.com:sub}"),
        allow("prod/GET/users/u-${aws:PrincipalTag/org}"),
        {**allow("prod/*"), "Principal": "*"},
    ],
)
def test_an_allow_that_is_not_exact_gives_nothing_and_is_named(statement: dict[str, Any]) -> None:
    imported = made(statement)
    assert allows(imported) == []
    assert "statement 1" in left(imported)


def test_a_variable_that_is_a_claim_becomes_where() -> None:
    claims = {"aws:PrincipalTag/org": "custom:org", "cognito-identity.amazonaws.com:sub": "sub"}
    imported = made(
        allow("prod/GET/users/${cognito-identity.amazonaws.com:sub}", "prod/GET/users/${aws:PrincipalTag/org}/x/*"), claims=claims
    )
    assert allows(imported) == [
        {"route": "GET /users/{userId}", "where": {"userId": "sub"}},
        {"route": "GET /users/{userId}/x/{id}", "where": {"userId": "custom:org"}},
    ]
    assert imported.imported.not_taken == ()


def test_a_question_mark_is_one_character_and_no_claims_value() -> None:
    assert allows(made(allow("prod/GET/users/?"), allow("prod/GET/users/${v}/x/?"), claims={"v": "sub"})) == []


def test_a_policy_of_2008_has_no_variables() -> None:
    imported = made(allow("prod/GET/users/${v}"), claims={"v": "sub"}, Version="2008-10-17")
    assert allows(imported) == []


def test_escapes_are_plain_characters() -> None:
    assert allows(made(allow("prod/GET/x/${*}"))) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [(("a",), {"A"}), (("a", "b"), {"B"}), (("a", "same"), {"auth"}), (("a", "none"), {"A"}), (("none",), {"auth"}), ((), {"auth"})],
)
def test_the_token_says_the_role_of_the_lowest_precedence(names: tuple[str, ...], expected: set[str]) -> None:
    groups = (Group("a", 2, "A"), Group("b", 1, "B"), Group("same", 2, "S"), Group("none", 3, None))
    assert roles_of(IamSource(parse_api_arn(API), groups, {}, Pool(fallback="auth")), names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("admin",), {"ADMIN"}),
        (("reader", "admin"), {"ADMIN"}),
        (("superadmin",), {"ADMIN", "auth"}),
        (("exact",), {"EXACT"}),
        (("exact", "z"), {"EXACT", "auth"}),
        (("z",), {"auth"}),
    ],
)
def test_rules_choose_the_role_in_turn(names: tuple[str, ...], expected: set[str]) -> None:
    rules = (Rule("cognito:groups", "Contains", "admin", "ADMIN"), Rule("cognito:groups", "Equals", "exact", "EXACT"))
    assert roles_of(IamSource(parse_api_arn(API), (), {}, Pool(rules, by_rules=True, fallback="auth")), names) == expected


def test_where_the_role_is_uncertain_only_what_all_allow_is_taken() -> None:
    rules = (Rule("custom:x", "Equals", "y", "A"),)
    roles = {
        name: Role(name, (("p", {"Version": "2012-10-17", "Statement": allow(*resources)}),))
        for name, resources in {"A": ("prod/GET/x", "prod/GET/"), "auth": ("prod/GET/x", "prod/GET/x/*")}.items()
    }
    imported = document_of_roles(IamSource(parse_api_arn(API), (Group("g", 1, "A"),), roles, Pool(rules, True, "auth")), found(*ROUTES))
    assert allows(imported) == ["GET /x"]
    assert "may be each of `A`, `auth`" in left(imported)
    assert not any(d.wider for d in imported.differences)


def test_a_permissions_boundary_may_take_anything() -> None:
    role = Role("r", (("p", {"Version": "2012-10-17", "Statement": allow("*")}),), boundary="arn:aws:iam::1:policy/b")
    imported = document_of_roles(IamSource(parse_api_arn(API), (Group("g", 1, "r"),), {"r": role}), found(*ROUTES))
    assert allows(imported) == []
    assert "boundary" in left(imported)


def test_greedy_routes_are_taken_whole_or_not_at_all() -> None:
    routes = ("ANY /f/{rest+}", "GET /f/a")
    assert allows(made(allow("prod/*/f/*"), routes=routes)) == ["* /**"]
    imported = made(allow("prod/GET/f/*/*"), routes=routes)
    assert allows(imported) == []
    assert "`GET /f/{rest+}`" in left(imported)
    # `f/a` is a route of its own, `f/a/b` is not.
    assert allows(made(allow("prod/POST/f/*"), deny("prod/POST/f/a"), routes=routes)) == []


def test_two_allows_may_cover_a_route_together() -> None:
    assert allows(made(allow("prod/GET/x/?", "prod/GET/x/??*"))) == ["GET /x/me", "GET /x/{id}"]


def test_websocket_routes_have_a_key_only() -> None:
    assert allows(made(allow("prod/$connect"), routes=("WS $connect", "WS send"))) == ["WS $connect"]


@pytest.mark.parametrize(
    "api", ["a1b2c3d4e5", f"{ARN}", f"{ARN}/*", "arn:aws:execute-api:*:111122223333:a1b2c3d4e5/prod", "arn:aws:s3:eu-west-1:1:a/b"]
)
def test_the_api_is_named_in_full(api: str) -> None:
    with pytest.raises(ImportSourceError, match="arn:aws:execute-api:REGION"):
        parse_api_arn(api)


@pytest.mark.parametrize(
    "policy",
    [[], {}, {"Statement": "x"}, {"Statement": [{"Effect": "allow"}]}, {"Statement": {"Effect": "Allow", "Action": 1, "Resource": "*"}}],
)
def test_what_is_no_policy_is_an_error(policy: Any) -> None:
    source = IamSource(parse_api_arn(API), (Group("g", 1, "r"),), {"r": Role("r", (("p.json", policy),))})
    with pytest.raises(ImportSourceError, match=r"p\.json"):
        document_of_roles(source, found(*ROUTES))


def test_a_group_whose_role_has_no_policies_is_an_error() -> None:
    with pytest.raises(ImportSourceError, match="roles/r/"):
        document_of_roles(IamSource(parse_api_arn(API), (Group("g", 1, "r"),), {}), found(*ROUTES))


def test_an_import_needs_routes() -> None:
    with pytest.raises(ImportSourceError, match="no route"):
        document_of_roles(IamSource(parse_api_arn(API), (), {}), found())
