"""gatebook import iam that asks AWS: the same document as from a folder with AWS's answers, and an error for what is not there or may not be asked."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from admin_api.cli.commands import import_permissions
from tests.integration.cli.conftest import Run
from tests.support.deployed_apis import API, PROD, method_of
from tests.support.identity_pools import CLIENT, IDENTITY_POOL, REGION, Account

STAGE = f"arn:aws:execute-api:{REGION}:123456789012:{API}/prod"
ROUTES = ("GET /pets", "POST /pets", "GET /pets/{id}", "DELETE /pets/{id}", "GET /users/{u}")
TOKEN = {"Type": "Token", "AmbiguousRoleResolution": "Deny"}


def policy(*resources: str, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": [f"{STAGE}/{each}" for each in resources]}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """Readers with an inline policy, admins with one that is attached and has two versions, and a Deny beside it."""
    account = Account()
    reader = account.role("reader", {"read": policy("GET/pets", "GET/pets/*", "GET/users/${aws:PrincipalTag/u}")}, path="/x/")
    admin = account.role("admin", {"not-seven": policy("GET/pets/7", effect="Deny")}, ("all", policy("GET/pets")))
    [attached] = account.iam.list_attached_role_policies(RoleName="admin")["AttachedPolicies"]
    account.iam.create_policy_version(PolicyArn=attached["PolicyArn"], PolicyDocument=json.dumps(policy("*")), SetAsDefault=True)
    account.group("reader", 10, reader)
    account.group("admin", 1, admin)
    monkeypatch.setattr(import_permissions, "client", account.client)
    yield account
    account.all_were_asked()


def mappings(account: Account, mapping: dict[str, Any], *clients: str) -> dict[str, Any]:
    return {"RoleMappings": {f"{account.provider}:{each}": mapping for each in clients or (CLIENT,)}}


def exported(account: Account, roles: dict[str, Any], tags: dict[str, str], folder: Path) -> None:
    """Write the folder as the page on imports says, from what AWS answers."""
    (folder / "roles").mkdir(parents=True)
    write = {
        "groups.json": account.idp.list_groups(UserPoolId=account.pool),
        "identity-pool-roles.json": roles,
        "principal-tags.json": {"PrincipalTags": tags},
    }
    for role in ("reader", "admin"):
        (folder / "roles" / role).mkdir()
        write[f"roles/{role}/role.json"] = account.iam.get_role(RoleName=role)
        for name in account.iam.list_role_policies(RoleName=role)["PolicyNames"]:
            write[f"roles/{role}/inline-{name}.json"] = account.iam.get_role_policy(RoleName=role, PolicyName=name)
        for each in account.iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
            version = account.iam.get_policy(PolicyArn=each["PolicyArn"])["Policy"]["DefaultVersionId"]
            answer = account.iam.get_policy_version(PolicyArn=each["PolicyArn"], VersionId=version)
            write[f"roles/{role}/attached-{each['PolicyName']}.json"] = answer
    for name, value in write.items():
        (folder / name).write_text(json.dumps(value, default=str))
    (folder / "routes.txt").write_text("\n".join(sorted(ROUTES, key=lambda route: (route.split()[1], route))))


def test_what_aws_says_becomes_the_document_that_the_folder_becomes(run: Run, account: Account, folder: Path) -> None:
    roles, tags = mappings(account, TOKEN), {"u": "username"}
    account.has_routes(*ROUTES)
    account.has_identity_pool(roles, tags)
    asked = run(*account.command("--stage", "prod", "--name", "petstore", "--json"))
    exported(account, roles, tags, folder / "iam")
    read = run("import", "iam", "--policies", "iam", "--api", STAGE, "--name", "petstore", "--json")
    assert (asked.exit_code, read.exit_code) == (1, 1), asked.stderr
    told = json.loads(
        read.stdout.replace("inline-not-seven.json", "inline policy not-seven").replace("attached-all.json", "attached policy all")
    )
    assert json.loads(asked.stdout) == told
    assert told["document"]["groups"] == {
        "admin": {"allow": [{"route": "* /**", "except": ["GET /pets/{id}"]}]},
        "reader": {"allow": ["GET /pets/**", {"route": "GET /users/{u}", "where": {"u": "username"}}]},
    }
    assert told["differences"]
    assert "a part only of `GET /pets/{id}`" in told["not_taken"][0]["reason"]
    assert (("cognito-idp", REGION) in account.asked, ("cognito-identity", REGION) in account.asked, ("iam", None) in account.asked) == (
        True,
    ) * 3


def test_groups_come_page_by_page(run: Run, account: Account) -> None:
    for number in range(70):
        account.group(f"team-{number}", 100, "arn:aws:iam::123456789012:role/reader")
    account.has_routes(*ROUTES)
    account.has_identity_pool(mappings(account, TOKEN), {"u": "username"})
    result = run(*account.command("--json"))
    assert len(json.loads(result.stdout)["document"]["groups"]) == 72


def test_rules_and_the_role_of_everybody_else_are_read(run: Run, account: Account) -> None:
    """The groups' own roles count for nothing then, so that nobody asks for them."""
    account.group("guest", 20, "arn:aws:iam::123456789012:role/gone")
    rule = {"Claim": "cognito:groups", "MatchType": "Contains", "Value": "guest", "RoleARN": "arn:aws:iam::123456789012:role/x/reader"}
    mapping = {"Type": "Rules", "AmbiguousRoleResolution": "AuthenticatedRole", "RulesConfiguration": {"Rules": [rule]}}
    roles = {"Roles": {"authenticated": "arn:aws:iam::123456789012:role/admin"}, **mappings(account, mapping)}
    account.has_routes(*ROUTES)
    account.has_identity_pool(roles, None)
    result = run(*account.command())
    assert result.exit_code == 1, result.stderr
    groups = yaml.safe_load(result.stdout)["groups"]
    assert groups["guest"] == {"allow": ["GET /pets/**"]}
    assert groups["reader"] == {"allow": [{"route": "* /**", "except": ["GET /pets/{id}"]}]}
    assert "whoever gets no other role has `admin`" in result.stderr
    assert "say which claim of the token it is with `--claim aws:PrincipalTag/u=CLAIM`" in result.stderr


def test_claims_and_routes_of_a_file(run: Run, account: Account, folder: Path) -> None:
    """As for an application behind one proxy route."""
    (folder / "routes.txt").write_text("\n".join(ROUTES))
    account.has_routes("ANY /{proxy+}")
    account.has_identity_pool(mappings(account, TOKEN), None)
    result = run(*account.command("--routes", "routes.txt", "--claim", "aws:PrincipalTag/u=sub"))
    document = yaml.safe_load(result.stdout)
    assert document["groups"]["reader"]["allow"][1] == {"route": "GET /users/{u}", "where": {"u": "sub"}}
    assert document["routes"] == list(ROUTES)


def test_a_permissions_boundary_counts(run: Run, account: Account) -> None:
    edge = account.iam.create_policy(PolicyName="edge", PolicyDocument=json.dumps(policy("*")))["Policy"]["Arn"]
    account.iam.put_role_permissions_boundary(RoleName="admin", PermissionsBoundary=edge)
    account.has_routes(*ROUTES)
    account.has_identity_pool(mappings(account, TOKEN), {"u": "sub"})
    result = run(*account.command())
    assert yaml.safe_load(result.stdout)["groups"]["admin"] == {}
    assert f"its permissions boundary `{edge}` may take away anything" in result.stderr


def test_routes_that_nothing_guards_are_told(run: Run, account: Account) -> None:
    account.gateway.is_rest(PROD)
    account.gateway.has_deployment("d1", {"/pets": {"GET": method_of("NONE")}})
    account.has_identity_pool(mappings(account, TOKEN), {"u": "sub"})
    assert "no authorizer is asked for GET /pets" in run(*account.command()).stderr


def test_app_clients_with_the_same_roles_are_one(run: Run, account: Account) -> None:
    account.has_routes(*ROUTES)
    account.has_identity_pool(mappings(account, TOKEN, "5web", "5app"), {"u": "sub"}, "5web", "5app")
    assert run(*account.command()).stdout


def test_app_clients_with_other_roles_are_told_apart(run: Run, account: Account) -> None:
    roles = mappings(account, TOKEN, "5web")
    for _ in range(3):
        account.has_routes(*ROUTES)
    account.has_identity_pool(roles, {"u": "sub"}, "5web", "5app")
    assert "reader" in yaml.safe_load(run(*account.command("--client-id", "5web")).stdout)["groups"]
    account.stub.assert_no_pending_responses()
    for more, said in (
        ((), "it maps roles in different ways for the app clients 5app, 5web: name one with --client-id"),
        (("--client-id", "5other"), "the app client `5other` does not sign in through it: its clients are 5app, 5web"),
    ):
        account.describes([{"ProviderName": account.provider, "ClientId": each} for each in ("5web", "5app")])
        account.stub.add_response("get_identity_pool_roles", {"IdentityPoolId": IDENTITY_POOL, **roles}, {"IdentityPoolId": IDENTITY_POOL})
        result = run(*account.command(*more))
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("providers", "said"),
    [
        ([], "(it has no user pool)"),
        ([{"ProviderName": "cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other", "ClientId": "5x"}], "eu-west-1_Other`)"),
    ],
)
def test_an_identity_pool_of_other_people(run: Run, account: Account, providers: list[dict[str, str]], said: str) -> None:
    account.has_routes(*ROUTES)
    account.describes(providers)
    result = run(*account.command())
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"the user pool `{account.pool}` is none of its identity providers" in result.stderr
    assert said in result.stderr


def test_pools_that_are_not_there(run: Run, account: Account) -> None:
    account.has_routes(*ROUTES)
    result = run("import", "iam", "--user-pool-id", "eu-west-1_Gone", "--identity-pool-id", IDENTITY_POOL, "--api-id", API)
    assert (result.exit_code, "there is no user pool `eu-west-1_Gone`" in result.stderr) == (2, True), result.stderr
    account.has_routes(*ROUTES)
    account.stub.add_client_error("describe_identity_pool", "ResourceNotFoundException", "gone", 404)
    result = run(*account.command())
    assert (result.exit_code, f"there is no identity pool `{IDENTITY_POOL}`" in result.stderr) == (2, True), result.stderr
    account.has_routes(*ROUTES)
    empty = account.idp.create_user_pool(PoolName="nobody")["UserPool"]["Id"]
    result = run("import", "iam", "--user-pool-id", empty, "--identity-pool-id", IDENTITY_POOL, "--api-id", API)
    assert (result.exit_code, "it has no groups" in result.stderr) == (2, True), result.stderr


def test_a_role_that_is_not_there(run: Run, account: Account) -> None:
    account.group("guest", 20, "arn:aws:iam::123456789012:role/gone")
    account.has_routes(*ROUTES)
    account.has_identity_pool(mappings(account, TOKEN), {"u": "sub"})
    result = run(*account.command())
    assert (result.exit_code, "there is no role `gone`" in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ("GetRole", "AWS refuses `iam:GetRole` on role admin: allow it to the identity that imports"),
        ("ListRolePolicies", "`iam:ListRolePolicies` on role admin"),
        ("GetRolePolicy", "`iam:GetRolePolicy` on role admin"),
        ("ListAttachedRolePolicies", "`iam:ListAttachedRolePolicies` on role admin"),
        ("GetPolicy", "`iam:GetPolicy` on policy arn:aws:iam::123456789012:policy/all"),
        ("GetPolicyVersion", "`iam:GetPolicyVersion` on policy arn:aws:iam::123456789012:policy/all"),
    ],
)
def test_a_permission_that_is_missing_is_named(run: Run, account: Account, operation: str, said: str) -> None:
    account.has_routes(*ROUTES)
    account.has_identity_pool(mappings(account, TOKEN), {"u": "sub"})
    account.refused.add(operation)
    result = run(*account.command())
    assert (result.exit_code, said in result.stderr, result.stdout) == (4, True, ""), result.stderr


@pytest.mark.parametrize(
    ("operation", "code"), [("describe_identity_pool", "AccessDeniedException"), ("get_identity_pool_roles", "NotAuthorizedException")]
)
def test_a_missing_permission_on_an_identity_pool(run: Run, account: Account, operation: str, code: str) -> None:
    account.has_routes(*ROUTES)
    if operation != "describe_identity_pool":
        account.describes([{"ProviderName": account.provider, "ClientId": CLIENT}])
    account.stub.add_client_error(operation, code, "no", 400)
    result = run(*account.command())
    assert result.exit_code == 4
    assert f"`cognito-identity:{''.join(word.title() for word in operation.split('_'))}` on identity pool {IDENTITY_POOL}" in result.stderr


def test_other_trouble_stays_what_aws_says(run: Run, account: Account) -> None:
    account.has_routes(*ROUTES)
    account.stub.add_client_error("describe_identity_pool", "InternalErrorException", "an ill day", 500)
    result = run(*account.command())
    assert (result.exit_code, "an ill day" in result.stderr) == (4, True)
    account.has_routes(*ROUTES)
    account.describes([{"ProviderName": account.provider, "ClientId": CLIENT}])
    answer = {"IdentityPoolId": IDENTITY_POOL, **mappings(account, TOKEN)}
    account.stub.add_response("get_identity_pool_roles", answer, {"IdentityPoolId": IDENTITY_POOL})
    account.stub.add_client_error("get_principal_tag_attribute_map", "InternalErrorException", "an ill day", 500)
    result = run(*account.command())
    assert (result.exit_code, "an ill day" in result.stderr) == (4, True)


def test_a_gateway_that_may_not_be_asked(run: Run, account: Account) -> None:
    account.gateway.stubs["apigatewayv2"].add_client_error("get_api", "AccessDeniedException", "no", 403)
    result = run(*account.command())
    assert (result.exit_code, f"AWS refuses `apigateway:GET` on API {API}" in result.stderr) == (4, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--user-pool-id, --identity-pool-id, --api-id missing"),
        (("--api-id", API), "--user-pool-id, --identity-pool-id missing"),
        (("--policies", "iam"), "--api is missing"),
        (("--api", STAGE), "--policies is missing"),
        (("--policies", "iam", "--api", STAGE, "--stage", "prod"), "--stage asks AWS, --policies belongs to a folder"),
        (("--api", STAGE, "--api-id", API), "--api-id asks AWS, --api belongs to a folder"),
        (("--user-pool-id", "people", "--identity-pool-id", IDENTITY_POOL, "--api-id", API), "`people` is no id of a pool"),
        (("--user-pool-id", "eu-west-1_a", "--identity-pool-id", "x", "--api-id", API), "--identity-pool-id: `x` is no id of a pool"),
    ],
)
def test_arguments_that_do_not_go_together(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("import", "iam", *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split()), result.stderr
