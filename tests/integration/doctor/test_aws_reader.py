"""What doctor reads of a deployment, through AWS's own service models, and what it says of what it may not read."""

import json
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from admin_api.analysis.found_routes import Guard
from admin_api.doctor import aws_reader
from admin_api.doctor.aws_reader import NEEDS
from admin_api.doctor.calls import DoctorError
from admin_api.doctor.deployment import (
    AppClient,
    Deployment,
    Function,
    Gateway,
    GatewayAuthorizer,
    KeySet,
    Published,
    RefusalResponse,
    RolePolicy,
    Table,
    Unread,
)
from admin_api.importers.imported import ImportSourceError
from authorizer.errors import TroubleError
from tests.support.aws_calls import answer
from tests.support.deployed_stack import (
    ACCOUNT,
    API,
    FUNCTION,
    NOW,
    OWN_LOG,
    READ,
    REGION,
    DeployedStack,
    authorizer,
    guarded,
    rest_authorizer,
    uri,
)
from tests.support.deployments import published

API_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API}"
PARAMETER = "/gatebook/issuers"
ISSUERS = '[{"name": "partner", "issuer": "https://id.example", "jwks_uri": "https://id.example/keys", "token_use": "none", "audience": ["pets"]}]'


def guards(found: Deployment) -> dict[str, Guard]:
    return {str(each.route): each.guard for each in found.routes.routes}


def unread(found: Deployment) -> dict[str, str]:
    return {each.what: each.needs for each in found.unread}


def actions(text: str) -> set[str]:
    return set(re.findall(r"[a-z-]+:[A-Z]\w+", text))


# What is read.


def test_a_rest_api_is_read_with_all_that_guards_it(stack: DeployedStack) -> None:
    stack.client("lambda").add_permission(
        FunctionName="petstore-authorizer", StatementId="gateway", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    held = published()
    found = stack.read(stage="prod", holds=lambda: held)
    assert (found.api_id, found.name, found.gateway, found.stage, found.arn) == (
        API,
        "Pet Store",
        Gateway.REST,
        "prod",
        f"{API_ARN}/prod",
    )
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER, "POST /pets": Guard.AUTHORIZER}
    assert found.authorizer == GatewayAuthorizer(
        id="auth01",
        name="gatebook",
        kind="REQUEST",
        ttl=60,
        sources=("method.request.header.Authorization", "context.httpMethod", "context.resourcePath"),
        function=FUNCTION,
        role="",
        payload="",
        simple_responses=False,
        arn=f"{API_ARN}/authorizers/auth01",
    )
    assert (found.resource_policy, found.refusals, found.cors) == (None, {}, None)
    assert found.function is not None
    assert found.function.policy is not None
    [statement] = found.function.policy["Statement"]
    assert statement["Principal"] == {"Service": "apigateway.amazonaws.com"}
    assert found.function == Function(
        FUNCTION, "petstore-authorizer", 9, 512, "python3.13", stack.environment(), stack.role, found.function.policy, policy_is_known=True
    )
    assert found.role_policies == (RolePolicy("own-log", OWN_LOG), RolePolicy("read-permissions", READ))
    assert found.parameters == {}
    assert found.published is held
    assert stack.asked_for == [("permissions", "petstore")]
    [of_pool] = found.pools
    assert (of_pool.id, of_pool.self_sign_up) == (stack.pool, True)
    assert of_pool.clients == (AppClient(stack.app, ("email", "custom:tenant")),)
    assert "custom:tenant" in of_pool.fixed
    assert not of_pool.fixed & {"email", "custom:shop"}
    issuer = f"https://cognito-idp.{REGION}.amazonaws.com/{stack.pool}"
    assert found.key_sets == (KeySet(issuer, f"{issuer}/.well-known/jwks.json", ""),)
    assert stack.fetched == [f"{issuer}/.well-known/jwks.json"]
    assert (found.unread, found.read_at) == ((), NOW)


def test_a_table_with_its_safeguards_and_one_without(stack: DeployedStack) -> None:
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/permissions"
    assert stack.read().table == Table("permissions", arn, "", point_in_time_recovery=False, deletion_protection=False)
    dynamodb = stack.client("dynamodb")
    dynamodb.update_time_to_live(TableName="permissions", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})
    dynamodb.update_continuous_backups(TableName="permissions", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    dynamodb.update_table(TableName="permissions", DeletionProtectionEnabled=True)
    assert stack.read().table == Table("permissions", arn, "expires_at", point_in_time_recovery=True, deletion_protection=True)


@pytest.mark.parametrize(("status", "attribute"), [("ENABLING", "expires_at"), ("DISABLING", ""), ("DISABLED", "")])
def test_expiry_counts_from_the_moment_it_is_switched(stack: DeployedStack, status: str, attribute: str) -> None:
    told = {"TimeToLiveDescription": {"TimeToLiveStatus": status, "AttributeName": "expires_at"}}
    stack.answers["dynamodb.DescribeTimeToLive"] = lambda: answer(told)
    table = stack.read().table
    assert table is not None
    assert table.expiry_attribute == attribute


def test_a_token_authorizer_remembers_for_five_minutes_unless_it_says_otherwise(stack: DeployedStack) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/invoker"
    stack.rest(
        rest_authorizer(
            type="TOKEN",
            identitySource="method.request.header.Authorization",
            authorizerResultTtlInSeconds=None,
            authorizerCredentials=role,
        )
    )
    found = stack.read().authorizer
    assert (found.kind, found.ttl, found.sources, found.role) == ("TOKEN", 300, ("method.request.header.Authorization",), role)


def test_an_authorizer_without_identity_sources_has_none(stack: DeployedStack) -> None:
    stack.rest(rest_authorizer(identitySource=None, name=None, authorizerResultTtlInSeconds=0))
    found = stack.read().authorizer
    assert (found.sources, found.name, found.ttl) == ((), "", 0)


def test_an_http_api_is_read(stack: DeployedStack) -> None:
    cors = {"allowOrigins": ["https://pets.example"], "allowMethods": ["GET"]}
    routes = {
        "GET /pets": guarded(),
        "GET /health": {"authorizationType": "NONE"},
        "GET /me": {"authorizationType": "JWT", "authorizerId": "jwt01"},
    }
    stack.newer(
        "HTTP",
        authorizer(authorizerId="jwt01", authorizerType="JWT", authorizerUri=None),
        authorizer(
            authorizerResultTtlInSeconds=30, enableSimpleResponses=True, authorizerCredentialsArn="arn:aws:iam::123456789012:role/r"
        ),
        routes=routes,
        corsConfiguration=cors,
    )
    found = stack.read()
    assert (found.gateway, found.name, found.stage, found.arn) == (Gateway.HTTP, "Pet Store", "$default", f"{API_ARN}/$default")
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER, "GET /health": Guard.NONE, "GET /me": Guard.OTHER}
    assert found.authorizer == GatewayAuthorizer(
        id="auth01",
        name="gatebook",
        kind="REQUEST",
        ttl=30,
        sources=("$request.header.Authorization", "$context.routeKey"),
        function=FUNCTION,
        role="arn:aws:iam::123456789012:role/r",
        payload="2.0",
        simple_responses=True,
        arn=f"{API_ARN}/authorizers/auth01",
    )
    assert found.cors == {"AllowOrigins": ["https://pets.example"], "AllowMethods": ["GET"]}
    assert (found.resource_policy, found.refusals, found.unread) == (None, None, ())
    assert found.function is not None


def test_an_http_api_remembers_nothing_unless_it_says_so(stack: DeployedStack) -> None:
    stack.newer("HTTP", authorizer(authorizerPayloadFormatVersion="1.0", identitySource=None))
    found = stack.read()
    assert (found.authorizer.ttl, found.authorizer.payload, found.authorizer.sources) == (0, "1.0", ())
    assert (found.authorizer.simple_responses, found.authorizer.role, found.cors) == (False, "", None)


def test_a_websocket_api_remembers_nothing_and_has_no_payload_format(stack: DeployedStack) -> None:
    stack.newer("WEBSOCKET", authorizer(authorizerResultTtlInSeconds=300, authorizerPayloadFormatVersion="1.0"))
    found = stack.read()
    assert (found.gateway, found.authorizer.ttl, found.authorizer.payload) == (Gateway.WEBSOCKET, 0, "")
    assert guards(found) == {"WS $connect": Guard.AUTHORIZER, "WS $default": Guard.AUTHORIZER}


def test_a_missing_api_or_stage_ends_it(stack: DeployedStack) -> None:
    with pytest.raises(ImportSourceError, match="has no stage `test`: its stages are `prod`"):
        stack.read(stage="test")
    stack.pages.clear()
    with pytest.raises(ImportSourceError, match=f"there is no API `{API}`"):
        stack.read()


# Which authorizer.

OTHER = "arn:aws:lambda:eu-west-1:123456789012:function:of-partners:live"


def two(stack: DeployedStack) -> None:
    """One API with two Lambda authorizers, a Cognito one, and a Lambda authorizer that no method names."""
    stack.rest(
        rest_authorizer(id="cognito", type="COGNITO_USER_POOLS"),
        rest_authorizer(id="auth02", authorizerUri=uri(OTHER)),
        rest_authorizer(),
        rest_authorizer(id="auth03", authorizerUri=uri(f"{FUNCTION}-old")),
        methods={
            "/pets": {"GET": guarded(), "POST": guarded("auth02"), "PUT": guarded("cognito", "COGNITO_USER_POOLS")},
            "/partners": {"GET": guarded("auth02"), "OPTIONS": {"authorizationType": "NONE"}},
        },
    )


def test_several_authorizers_are_listed(stack: DeployedStack) -> None:
    two(stack)
    with pytest.raises(DoctorError) as caught:
        stack.read()
    assert str(caught.value) == (
        f"API `{API}` has several Lambda authorizers: name one with --authorizer; its Lambda authorizers are "
        "`auth01` (function `petstore-authorizer`), `auth02` (function `of-partners:live`)"
    )


@pytest.mark.parametrize("name", ["auth02", "of-partners", "of-partners:live", OTHER])
def test_one_is_named_by_its_id_or_by_its_function(stack: DeployedStack, name: str) -> None:
    two(stack)
    found = stack.read(authorizer=name)
    assert (found.authorizer.id, found.authorizer.function) == ("auth02", OTHER)
    # What another one guards is no route of this one.
    assert guards(found) == {
        "GET /pets": Guard.OTHER,
        "POST /pets": Guard.AUTHORIZER,
        "PUT /pets": Guard.OTHER,
        "GET /partners": Guard.AUTHORIZER,
        "OPTIONS /partners": Guard.OPEN,
    }


def test_one_that_no_route_names_may_be_named(stack: DeployedStack) -> None:
    two(stack)
    found = stack.read(authorizer="auth03")
    assert found.authorizer.id == "auth03"
    assert Guard.AUTHORIZER not in guards(found).values()


def test_a_name_that_is_none_of_them(stack: DeployedStack) -> None:
    two(stack)
    with pytest.raises(DoctorError, match=r"has no Lambda authorizer `cognito`: its Lambda authorizers are `auth01` .*`auth02` .*`auth03`"):
        stack.read(authorizer="cognito")
    stack.rest(rest_authorizer(id="cognito", type="COGNITO_USER_POOLS"))
    with pytest.raises(DoctorError, match="has no Lambda authorizer `cognito`: it has none: attach one"):
        stack.read(authorizer="cognito")


def test_a_function_of_two_authorizers_is_not_enough(stack: DeployedStack) -> None:
    stack.rest(rest_authorizer(), rest_authorizer(id="auth02"))
    assert stack.read().authorizer.id == "auth01"
    with pytest.raises(DoctorError, match=r"several Lambda authorizers: name one .*`auth01` .*`auth02`"):
        stack.read(authorizer="petstore-authorizer")


@pytest.mark.parametrize("kind", ["NONE", "AWS_IAM", "COGNITO_USER_POOLS"])
def test_an_api_whose_routes_name_no_lambda_authorizer(stack: DeployedStack, kind: str) -> None:
    stack.rest(methods={"/pets": {"GET": {"authorizationType": kind}}})
    with pytest.raises(DoctorError, match=r"none of its routes has a Lambda authorizer.*docs/attaching.md"):
        stack.read()


def test_an_authorizer_that_a_route_kept_from_before_guards_nothing(stack: DeployedStack) -> None:
    stack.rest(rest_authorizer(), rest_authorizer(id="auth02"), methods={"/pets": {"GET": guarded(), "PUT": guarded("auth02", "AWS_IAM")}})
    assert stack.read().authorizer.id == "auth01"
    stack.newer(
        "HTTP", authorizer(), authorizer(authorizerId="auth02"), routes={"GET /pets": guarded(), "GET /me": guarded("auth02", "NONE")}
    )
    assert stack.read().authorizer.id == "auth01"


def test_a_method_that_is_deployed_without_its_authorizer_stays_open(stack: DeployedStack) -> None:
    two(stack)
    stack.pages["api-gateway.GetDeployment"] = [
        {"id": "d1", "apiSummary": {"/partners": {"GET": {"authorizationType": "NONE"}}, "/pets": {"GET": guarded()}}}
    ]
    assert guards(stack.read(authorizer="auth01")) == {"GET /partners": Guard.NONE, "GET /pets": Guard.AUTHORIZER}


def test_several_authorizers_of_an_http_api(stack: DeployedStack) -> None:
    routes = {"GET /pets": guarded(), "$default": guarded("auth02"), "GET /owners": {"authorizationType": "CUSTOM"}}
    stack.newer("HTTP", authorizer(), authorizer(authorizerId="auth02", authorizerUri=uri(OTHER)), routes=routes)
    with pytest.raises(DoctorError, match=r"`auth01` .*`auth02`"):
        stack.read()
    found = stack.read(authorizer="auth01")
    # A route that says no authorizer is nobody else's.
    assert guards(found) == {
        "GET /pets": Guard.AUTHORIZER,
        "ANY /": Guard.OTHER,
        "ANY /{proxy+}": Guard.OTHER,
        "GET /owners": Guard.AUTHORIZER,
    }


def test_what_another_authorizer_let_connect_is_its_own(stack: DeployedStack) -> None:
    stack.newer("WEBSOCKET", authorizer(), authorizer(authorizerId="auth02"))
    assert set(guards(stack.read(authorizer="auth02")).values()) == {Guard.OTHER}


def test_methods_that_cannot_be_read_leave_all_authorizers(stack: DeployedStack) -> None:
    stack.refused = {"apigateway:GetResources"}
    found = stack.read()
    assert unread(found) == {f"methods and routes of API `{API}`": "apigateway:GET"}
    assert guards(found) == {"GET /pets": Guard.AUTHORIZER, "POST /pets": Guard.AUTHORIZER}
    two(stack)
    with pytest.raises(DoctorError, match=r"`auth01` .*`auth02` .*`auth03`"):
        stack.read()


# Its function.


def test_stage_variables_and_an_alias_lead_to_the_function(stack: DeployedStack) -> None:
    lambdas = stack.client("lambda")
    version = lambdas.publish_version(FunctionName="petstore-authorizer")["Version"]
    lambdas.create_alias(FunctionName="petstore-authorizer", Name="live", FunctionVersion=version)
    stack.has_environment(API="not-released")
    written = FUNCTION.replace("petstore-authorizer", "${stageVariables.fn}-authorizer:${stageVariables.alias}")
    stack.rest(rest_authorizer(authorizerUri=uri(written)))
    stack.pages["api-gateway.GetStages"] = [
        {"item": [{"stageName": "prod", "deploymentId": "d1", "variables": {"fn": "petstore", "alias": "live"}}]}
    ]
    found = stack.read()
    assert found.authorizer.function == f"{FUNCTION}:live"
    assert found.function is not None
    assert (found.function.arn, found.function.environment["API"]) == (f"{FUNCTION}:live", "petstore")
    asked = {call.operation: parse_qs(urlsplit(call.url).query) for call in stack.wire.take() if call.service == "lambda"}
    assert asked == {"GetFunctionConfiguration": {"Qualifier": ["live"]}, "GetPolicy": {"Qualifier": ["live"]}}


def test_stage_variables_of_an_http_api(stack: DeployedStack) -> None:
    stack.newer("HTTP", authorizer(authorizerUri=uri("${stageVariables.arn}")))
    [stages] = stack.pages["apigatewayv2.GetStages"]
    stages["items"][0]["stageVariables"] = {"arn": FUNCTION}
    assert stack.read().authorizer.function == FUNCTION


def test_a_function_that_a_stage_variable_names_without_its_arn(stack: DeployedStack) -> None:
    stack.rest(rest_authorizer(authorizerUri=uri("petstore-authorizer")))
    found = stack.read()
    assert found.function is not None
    assert found.function.arn == FUNCTION


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (uri("${stageVariables.fn}"), "its address names a stage variable that the stage lacks: ${stageVariables.fn}"),
        (None, "its address names no function"),
        ("https://pets.example/authorize", "its address names no function"),
    ],
)
def test_an_address_that_leads_to_no_function(stack: DeployedStack, address: str | None, reason: str) -> None:
    stack.rest(rest_authorizer(authorizerUri=address))
    found = stack.read()
    assert (found.function, found.role_policies, found.parameters, found.key_sets) == (None, None, None, None)
    needs = "an address with the function's ARN, and its stage variables set"
    assert found.unread == (Unread("function of authorizer `auth01`", reason, needs),)


def test_a_container_image_has_no_runtime(stack: DeployedStack) -> None:
    told = {"FunctionName": "f", "FunctionArn": FUNCTION, "Timeout": 3, "MemorySize": 128, "Role": stack.role, "PackageType": "Image"}
    stack.answers["lambda.GetFunctionConfiguration"] = lambda: answer(told)
    found = stack.read()
    assert found.function == Function(FUNCTION, "f", 3, 128, "", {}, stack.role, None)
    # Settings that name nothing lead nowhere, and are no trouble of the reader's.
    assert (found.table, found.published, found.pools, found.parameters, found.key_sets, found.unread) == (None, None, (), {}, (), ())


def test_an_environment_that_only_others_may_decrypt(stack: DeployedStack) -> None:
    told = {"FunctionName": "f", "FunctionArn": FUNCTION, "Timeout": 3, "MemorySize": 128, "Role": stack.role}
    error = {"ErrorCode": "AccessDeniedException", "Message": "Lambda was unable to decrypt"}
    stack.answers["lambda.GetFunctionConfiguration"] = lambda: answer(told | {"Environment": {"Error": error}})
    found = stack.read()
    assert found.function is None
    what, reason = "environment of function `petstore-authorizer`", "it is refused (AccessDeniedException)"
    assert found.unread == (Unread(what, reason, "kms:Decrypt on the key that it is under"),)


@pytest.mark.parametrize(
    ("operation", "list_of", "item"),
    [
        ("ListRolePolicies", "PolicyNames", "<member>own-log</member>"),
        (
            "ListAttachedRolePolicies",
            "AttachedPolicies",
            f"<member><PolicyName>read-permissions</PolicyName><PolicyArn>arn:aws:iam::{ACCOUNT}:policy/read-permissions</PolicyArn></member>",
        ),
    ],
)
def test_policies_of_a_role_are_read_from_all_pages(stack: DeployedStack, operation: str, list_of: str, item: str) -> None:
    first = f"<{list_of}/><IsTruncated>true</IsTruncated><Marker>m1</Marker>"
    pages = [first, f"<{list_of}>{item}</{list_of}><IsTruncated>false</IsTruncated>"]
    texts = iter(f"<{operation}Response><{operation}Result>{page}</{operation}Result></{operation}Response>" for page in pages)
    stack.answers[f"iam.{operation}"] = lambda: answer(next(texts).encode())
    found = stack.read()
    assert found.role_policies is not None
    assert [each.name for each in found.role_policies] == ["own-log", "read-permissions"]


def test_issuers_in_a_parameter(stack: DeployedStack) -> None:
    stack.client("ssm").put_parameter(Name=PARAMETER, Value=ISSUERS, Type="SecureString")
    stack.has_environment(TRUSTED_ISSUERS=f" ssm:{PARAMETER}")
    found = stack.read()
    assert found.parameters == {PARAMETER: ISSUERS}
    assert found.key_sets is not None
    assert [each.url for each in found.key_sets][1:] == ["https://id.example/keys"]
    [call] = [call for call in stack.wire.take() if call.operation == "GetParameter"]
    assert call.body == {"Name": PARAMETER, "WithDecryption": True}


def test_settings_that_cannot_be_used_lead_to_no_issuer(stack: DeployedStack) -> None:
    stack.has_environment(APP_CLIENT_IDS="")
    found = stack.read()
    assert (found.key_sets, stack.fetched, found.unread) == ((), [], ())
    [of_pool] = found.pools
    assert [each.id for each in of_pool.clients] == [stack.app]


# What it stands on.


def test_every_client_of_the_pool_is_read_whether_its_tokens_count_or_not(stack: DeployedStack) -> None:
    cognito = stack.client("cognito-idp")
    other = cognito.create_user_pool_client(UserPoolId=stack.pool, ClientName="other", WriteAttributes=["custom:shop"])
    found = stack.read()
    [of_pool] = found.pools
    assert {each.id: each.writable for each in of_pool.clients} == {
        stack.app: ("email", "custom:tenant"),
        other["UserPoolClient"]["ClientId"]: ("custom:shop",),
    }


def test_a_pool_where_admins_make_users_and_clients_that_say_nothing(stack: DeployedStack) -> None:
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="closed", AdminCreateUserConfig={"AllowAdminCreateUserOnly": True})["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    stack.has_environment(USER_POOL_ID=pool, APP_CLIENT_IDS=f" {app} ,, {app}")
    found = stack.read()
    [of_pool] = found.pools
    assert (of_pool.id, of_pool.self_sign_up, of_pool.clients) == (pool, False, (AppClient(app, None),))


def test_a_pool_that_only_the_list_of_issuers_names(stack: DeployedStack) -> None:
    """Its settings have no `USER_POOL_ID`: the address tells which pool it is."""
    entry = {"issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{stack.pool}", "client_ids": [stack.app]}
    stack.has_environment(USER_POOL_ID="", APP_CLIENT_IDS="", TRUSTED_ISSUERS=json.dumps([entry]))
    [pool] = stack.read().pools
    assert (pool.id, [each.id for each in pool.clients], pool.issuers) == (stack.pool, [stack.app], frozenset({""}))
    # Both addresses of a pool are one pool, read once.
    other = entry | {"issuer": f"https://issuer-cognito-idp.{REGION}.amazonaws.com/{stack.pool}"}
    stack.has_environment(USER_POOL_ID="", APP_CLIENT_IDS="", TRUSTED_ISSUERS=json.dumps([entry, other]))
    assert [each.id for each in stack.read().pools] == [stack.pool]


@pytest.mark.parametrize(
    ("believed", "is_read"),
    [
        ({}, False),
        ({"groups_claim": "custom:roles"}, True),
        ({"binding_claims": ["email"]}, True),
        ({"machine": {"claim": "custom:kind"}}, True),
    ],
)
def test_a_named_pool_is_read_where_its_attributes_are_believed(stack: DeployedStack, believed: dict[str, object], is_read: bool) -> None:
    cognito = stack.client("cognito-idp")
    partner = cognito.create_user_pool(PoolName="partner")["UserPool"]["Id"]
    app = cognito.create_user_pool_client(UserPoolId=partner, ClientName="web")["UserPoolClient"]["ClientId"]
    entry = {"name": "partner", "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{partner}", "client_ids": [app]} | believed
    stack.has_environment(TRUSTED_ISSUERS=json.dumps([entry]))
    expected = [(stack.pool, frozenset({""}))] + [(partner, frozenset({"partner"}))] * is_read
    assert [(each.id, each.issuers) for each in stack.read().pools] == expected


def test_a_pool_of_another_account_is_not_passed_over(stack: DeployedStack) -> None:
    entry = {
        "name": "partner",
        "issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_Theirs",
        "client_ids": ["c"],
        "binding_claims": ["email"],
    }
    stack.has_environment(TRUSTED_ISSUERS=json.dumps([entry]))
    found = stack.read()
    assert [each.id for each in found.pools] == [stack.pool]
    [told] = found.unread
    assert told.what == f"user pool `{REGION}_Theirs`"


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (b'{"keys": []}', "it has no RSA key for RS256 signatures with a `kid` of its own, and of 2048 bits at least if it is an RSA key"),
        (b"<html>", "what it answers is no JSON"),
        (TroubleError("jwks_unavailable", "no route"), "it does not answer from here: no route"),
        (ImportSourceError("https://x: status 404"), "it does not answer from here: https://x: status 404"),
        (TimeoutError("timed out"), "it does not answer from here: timed out"),
    ],
)
def test_an_issuer_without_keys(stack: DeployedStack, keys: bytes | Exception, problem: str) -> None:
    def fetch(url: str) -> bytes:
        if isinstance(keys, Exception):
            raise keys
        return keys

    found = stack.read(keys=fetch)
    assert found.key_sets is not None
    assert [each.problem for each in found.key_sets] == [problem]
    assert found.unread == ()


def trouble() -> Published:
    raise TroubleError("unreadable_row", "row `x` cannot be read")


def refused() -> Published:
    raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Query")


@pytest.mark.parametrize(
    ("holds", "reason", "needs"),
    [
        (trouble, "row `x` cannot be read", "dynamodb:GetItem and dynamodb:Query on table `permissions`"),
        (refused, "it is refused (AccessDeniedException)", "dynamodb:GetItem and dynamodb:Query"),
    ],
)
def test_a_document_that_cannot_be_read(stack: DeployedStack, holds: Callable[[], Published | None], reason: str, needs: str) -> None:
    found = stack.read(holds=holds)
    assert (found.published, found.unread) == (None, (Unread("document of `petstore`", reason, needs),))
    assert found.table is not None


def test_a_document_that_is_not_there_is_for_the_checks_to_tell(stack: DeployedStack) -> None:
    found = stack.read(holds=lambda: None)
    assert (found.published, found.unread) == (None, ())


# What a REST API says beside it.

POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Resource": 'execute-api:/*/GET/a"b', "Action": "x"}],
}


@pytest.mark.parametrize(
    "text",
    [
        r"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Resource\":\"execute-api:\/*\/GET\/a\\\"b\",\"Action\":\"x\"}]}",
        r'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Resource":"execute-api:/*/GET/a\"b","Action":"x"}]}',
        (
            '{\n\\"Version\\": \\"2012-10-17\\",\n\\"Statement\\": [{\\"Effect\\": \\"Allow\\", \\"Principal\\": \\"*\\", '
            '\\"Resource\\": \\"execute-api:/*/GET/a\\\\\\"b\\", \\"Action\\": \\"x\\"}]}'
        ),
    ],
)
def test_a_resource_policy_is_read_out_of_its_escapes(stack: DeployedStack, text: str) -> None:
    stack.rest(policy=text)
    found = stack.read()
    assert (found.resource_policy, found.unread) == (POLICY, ())


@pytest.mark.parametrize("text", ["{", '{\\"Version', "[]", '"x"'])
def test_a_resource_policy_that_is_none(stack: DeployedStack, text: str) -> None:
    stack.rest(policy=text)
    found = stack.read()
    assert found.resource_policy is None
    assert [each.what for each in found.unread] == [f"resource policy of API `{API}`"]
    assert found.function is not None


def test_refusals_that_were_changed_are_read_from_all_pages(stack: DeployedStack) -> None:
    stack.pages["api-gateway.GetGatewayResponses"] = [
        {"item": [{"responseType": "DEFAULT_5XX", "defaultResponse": True, "responseParameters": {}}]},
        {
            "item": [
                {
                    "responseType": "UNAUTHORIZED",
                    "statusCode": "401",
                    "defaultResponse": False,
                    "responseParameters": {"gatewayresponse.header.WWW-Authenticate": "'Bearer'"},
                },
                {"responseType": "DEFAULT_4XX", "defaultResponse": False},
            ]
        },
        {"item": [{"responseType": "QUOTA_EXCEEDED", "statusCode": "429"}]},
    ]
    assert stack.read().refusals == {
        "UNAUTHORIZED": RefusalResponse("UNAUTHORIZED", "401", {"gatewayresponse.header.www-authenticate": "'Bearer'"}),
        "DEFAULT_4XX": RefusalResponse("DEFAULT_4XX", "", {}),
        "QUOTA_EXCEEDED": RefusalResponse("QUOTA_EXCEEDED", "429", {}),
    }


def test_a_list_that_is_left_out_is_empty(stack: DeployedStack) -> None:
    stack.pages["api-gateway.GetGatewayResponses"] = [{}]
    found = stack.read()
    assert (found.refusals, found.unread) == ({}, ())


# What may not be read.

OPTIONAL = {
    "apigateway:GetGatewayResponses": ("refusals",),
    "lambda:GetPolicy": (),
    "iam:ListRolePolicies": ("role_policies",),
    "iam:GetRolePolicy": ("role_policies",),
    "iam:ListAttachedRolePolicies": ("role_policies",),
    "iam:GetPolicy": ("role_policies",),
    "iam:GetPolicyVersion": ("role_policies",),
    "ssm:GetParameter": ("parameters", "key_sets"),
    "dynamodb:DescribeTable": ("table",),
    "dynamodb:DescribeTimeToLive": ("table",),
    "dynamodb:DescribeContinuousBackups": ("table",),
    "cognito-idp:DescribeUserPool": ("pools",),
    "cognito-idp:DescribeUserPoolClient": (),
    "cognito-idp:ListUserPoolClients": (),
    "lambda:GetFunctionConfiguration": ("function", "role_policies", "parameters", "table", "published", "pools", "key_sets"),
}
"""What is missing of the deployment without each permission."""

FIELDS = ("refusals", "function", "role_policies", "parameters", "table", "published", "pools", "key_sets")


def with_parameter(stack: DeployedStack) -> None:
    stack.client("ssm").put_parameter(Name=PARAMETER, Value=ISSUERS, Type="String")
    stack.has_environment(TRUSTED_ISSUERS=f"ssm:{PARAMETER}")


@pytest.mark.parametrize("action", OPTIONAL)
def test_what_is_refused_is_named_and_all_else_is_read(stack: DeployedStack, action: str) -> None:
    with_parameter(stack)
    stack.refused = {action}
    found = stack.read()
    assert [field for field in FIELDS if getattr(found, field) in (None, ())] == sorted(OPTIONAL[action], key=FIELDS.index)
    [told] = found.unread
    service = action.partition(":")[0]
    assert told.needs.startswith("apigateway:GET" if service == "apigateway" else action)
    assert actions(told.needs) <= set(NEEDS)
    assert told.reason == f"it is refused ({'AccessDenied' if service == 'iam' else 'AccessDeniedException'})"


def test_a_policy_that_is_refused_is_not_taken_for_none(stack: DeployedStack) -> None:
    assert [each.policy_is_known for each in [stack.read().function] if each is not None] == [True]
    stack.refused = {"lambda:GetPolicy"}
    assert [(each.policy, each.policy_is_known) for each in [stack.read().function] if each is not None] == [(None, False)]


def test_an_app_client_that_cannot_be_read_is_left_out(stack: DeployedStack) -> None:
    gone = "0client0that0is0gone"
    stack.has_environment(APP_CLIENT_IDS=f"{gone},{stack.app}")
    found = stack.read()
    [of_pool] = found.pools
    assert [each.id for each in of_pool.clients] == [stack.app]
    [told] = found.unread
    assert told.what == f"app client `{gone}` of user pool `{stack.pool}`"
    assert told.reason == "there is none in this account and region (ResourceNotFoundException)"


def test_everything_optional_may_be_refused_at_once(stack: DeployedStack) -> None:
    with_parameter(stack)
    stack.refused = {*OPTIONAL, "sts:GetCallerIdentity", "apigateway:GetResources"} - {"lambda:GetFunctionConfiguration"}
    found = stack.read()
    assert (found.authorizer.id, guards(found)) == ("auth01", {"GET /pets": Guard.AUTHORIZER, "POST /pets": Guard.AUTHORIZER})
    assert found.function is not None
    assert found.published is not None
    assert len(found.unread) == len({each.what for each in found.unread}) == 11
    assert set().union(*(actions(each.needs) for each in found.unread)) - {"sts:GetCallerIdentity"} <= set(NEEDS)


@pytest.mark.parametrize("refused", ["apigateway:GetRestApi", "apigateway:GetAuthorizers", "apigateway:GetDeployment"])
def test_without_the_gateway_there_is_nothing_to_judge(stack: DeployedStack, refused: str) -> None:
    stack.refused = {refused}
    with pytest.raises(ClientError, match="AccessDeniedException"):
        stack.read()


def test_what_the_settings_name_and_nobody_has(stack: DeployedStack) -> None:
    stack.has_environment(PERMISSIONS_TABLE="gone", USER_POOL_ID=f"{REGION}_Gone", TRUSTED_ISSUERS="ssm:/gone")
    stack.client("iam").detach_role_policy(RoleName="authorizer", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/read-permissions")
    stack.client("iam").delete_role_policy(RoleName="authorizer", PolicyName="own-log")
    stack.client("iam").delete_role(RoleName="authorizer")
    found = stack.read(holds=trouble)
    assert (found.table, found.pools, found.role_policies, found.parameters, found.key_sets) == (None, (), None, None, None)
    reasons = {each.what: each.reason for each in found.unread}
    for what, code in {
        "table `gone`": "ResourceNotFoundException",
        f"user pool `{REGION}_Gone`": "ResourceNotFoundException",
        "parameter `/gone`": "ParameterNotFound",
        "inline policies of role `authorizer`": "NoSuchEntity",
    }.items():
        assert reasons[what] == f"there is none in this account and region ({code})"
    assert unread(found)["table `gone`"] == "the right name where it is named, or --region"


def test_a_function_that_is_gone(stack: DeployedStack) -> None:
    stack.client("lambda").delete_function(FunctionName="petstore-authorizer")
    found = stack.read()
    what, reason = "function `petstore-authorizer`", "there is none in this account and region (ResourceNotFoundException)"
    assert (found.function, found.unread) == (None, (Unread(what, reason, "the right name where it is named, or --region"),))


def test_a_service_that_does_not_answer(stack: DeployedStack) -> None:
    stack.answers["dynamodb.DescribeTable"] = lambda: EndpointConnectionError(endpoint_url="https://dynamodb.test/")
    stack.answers["lambda.GetPolicy"] = lambda: answer({"__type": "TooManyRequestsException"}, 429)
    found = stack.read()
    assert found.table is None
    assert found.unread == (
        Unread("resource policy of function `petstore-authorizer`", "AWS answers TooManyRequestsException", "lambda:GetPolicy"),
        Unread(
            "table `permissions`",
            'AWS cannot be asked: Could not connect to the endpoint URL: "https://dynamodb.test/"',
            "a way to AWS, and dynamodb:DescribeTable",
        ),
    )


# Whose it is.


@pytest.mark.parametrize(("region", "partition"), [("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")])
@pytest.mark.parametrize("knows_account", [True, False])
def test_other_partitions(stack: DeployedStack, region: str, partition: str, knows_account: bool) -> None:
    function = f"arn:{partition}:lambda:{region}:{ACCOUNT}:function:f"
    address = f"arn:{partition}:apigateway:{region}:lambda:path/2015-03-31/functions/{function}:live/invocations"
    stack.client = lru_cache(lambda service: boto3.client(service, region_name=region))
    stack.rest(rest_authorizer(authorizerUri=address))
    stack.refused = set() if knows_account else {"sts:GetCallerIdentity"}
    found = stack.read()
    account = ACCOUNT if knows_account else "*"
    assert found.arn == f"arn:{partition}:execute-api:{region}:{account}:{API}/prod"
    assert found.authorizer.arn == f"arn:{partition}:execute-api:{region}:{account}:{API}/authorizers/auth01"
    assert found.authorizer.function == f"{function}:live"


def test_what_is_needed_is_written_down() -> None:
    assert len(NEEDS) == len(set(NEEDS))
    assert actions(aws_reader.__doc__ or "") == set(NEEDS)


def test_nothing_is_written_and_nothing_else_is_asked(stack: DeployedStack) -> None:
    """A permission that the list lacks would be found out by somebody's refusal."""
    with_parameter(stack)
    stack.read()
    prefixes = {"cognito-identity-provider": "cognito-idp"}
    asked = {f"{prefixes.get(call.service, call.service)}:{call.operation}" for call in stack.wire.take()}
    others = {each for each in asked if not each.startswith(("api-gateway:", "apigatewayv2:"))}
    assert others - {"sts:GetCallerIdentity"} == set(NEEDS) - {"apigateway:GET", "kms:Decrypt", "dynamodb:GetItem", "dynamodb:Query"}
    assert all(each.partition(":")[2].startswith("Get") for each in asked - others)
