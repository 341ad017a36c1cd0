"""The admin API in `infra/template.yaml`: its gateway guards everything but the description, and its functions may do no more than they need."""

import json
import re
from fnmatch import fnmatchcase

import pytest

from admin_api.publishing.lockout import ADMIN_API
from admin_api.rest.authentication import PUBLIC_PATHS
from admin_api.rest.console import CONFIG_PATH, PATH, Console
from admin_api.settings import read_admin_settings
from authorizer.errors import SettingsError
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.settings import NAMES
from authorizer.table import keys
from tests.infrastructure.templates import (
    BASE,
    READ_WITH_THE_KEY,
    assert_a_browser_can_use,
    assert_hears,
    authorizer,
    body,
    emitted_trouble,
    environment,
    expanded,
    function,
    methods,
    resources,
    run_in,
    statements,
    written,
)

API, AUTHORIZER, FUNCTION = "AdminApi", "AdminAuthorizer", "AdminFunction"
GUARDED = {
    *("GET /v1/{proxy+}", "PUT /v1/{proxy+}", "PATCH /v1/{proxy+}", "POST /v1/{proxy+}", "DELETE /v1/{proxy+}"),
    "POST /access/v1/{proxy+}",
}
PUBLIC = {"GET /v1/openapi.json", "GET /console", "GET /console/{proxy+}"}


def test_every_route_is_guarded_but_the_description_and_the_preflight() -> None:
    found = methods(BASE, API)
    assert {route for route in found if not route.startswith("OPTIONS ")} == GUARDED | PUBLIC
    for route, method in found.items():
        if route.startswith("OPTIONS "):
            assert "security" not in method, route
            assert method["x-amazon-apigateway-integration"]["type"] == "mock"
        else:
            assert method["security"] == [{"NONE" if route in PUBLIC else "Gatebook": []}], route
    paths = {route.partition(" ")[2] for route in PUBLIC}
    assert {path for path in paths if not Console.has(path)} == PUBLIC_PATHS


def test_nothing_is_remembered_for_routes_that_the_gateway_cannot_tell_apart() -> None:
    guard = authorizer(BASE, API)
    assert (guard["type"], guard["authorizerResultTtlInSeconds"]) == ("request", 0)
    assert guard["identitySource"] == "method.request.header.Authorization"
    assert environment(BASE, AUTHORIZER)["CACHE_SCOPE"] == "request"


def test_the_authorizer_judges_by_the_admin_apis_own_document() -> None:
    variables = environment(BASE, AUTHORIZER)
    assert variables["API"] == ADMIN_API
    assert set(function(BASE, AUTHORIZER)["Environment"]["Variables"]) <= set(NAMES)
    run_in(variables, "import authorizer.handler")


@pytest.mark.parametrize(
    ("conditions", "parameters", "expected"),
    [
        ({}, {}, ("", "https://cognito-idp.eu-west-1.amazonaws.com", "")),
        ({"HasConsoleClient": True}, {"ConsoleClientId": "client2"}, ("client2", "https://cognito-idp.eu-west-1.amazonaws.com", "")),
        (
            {"HasConsoleClient": True, "HasConsoleLogin": True},
            {"ConsoleClientId": "client2", "ConsoleLoginUrl": "https://shop.example", "ConsoleUrl": "https://a.example/admin/console"},
            ("client2", "https://cognito-idp.eu-west-1.amazonaws.com", "https://shop.example"),
        ),
        ({"HasPoolUrl": True}, {"PoolUrl": "http://127.0.0.1:4599"}, ("", "http://127.0.0.1:4599", "")),
    ],
)
def test_the_console_is_told_how_people_sign_in(
    conditions: dict[str, bool], parameters: dict[str, str], expected: tuple[str, str, str]
) -> None:
    settings = read_admin_settings(environment(BASE, FUNCTION, conditions, **parameters))
    assert (settings.console_client_id, settings.console_pool_url, settings.console_login_url) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CONSOLE_LOGIN_URL", "http://shop.example"),
        ("CONSOLE_LOGIN_URL", "https://shop.example/login"),
        ("CONSOLE_LOGIN_URL", "shop.example"),
        ("CONSOLE_POOL_URL", "http://127.0.0.1.evil.example"),
        ("CONSOLE_POOL_URL", "https://a.example; script-src *"),
    ],
)
def test_an_address_that_the_pages_policy_could_not_name_stops_the_start(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"`{name}` is"):
        read_admin_settings(environment(BASE, FUNCTION) | {name: text})


def test_a_client_without_its_pool_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="`CONSOLE_CLIENT_ID` is set without `USER_POOL_ID`"):
        read_admin_settings({"PERMISSIONS_TABLE": "permissions", "CONSOLE_CLIENT_ID": "client2"})


def test_the_consoles_client_keeps_no_secret_and_takes_no_plain_password() -> None:
    client = resources(BASE, "AWS::Cognito::UserPoolClient")["ConsoleClient"]
    assert client["GenerateSecret"] is False
    assert client["ExplicitAuthFlows"] == ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    # The managed login sends people back to the page that sent them, also after it ended its session.
    console = {"Fn::If": ["HasConsoleLogin", [{"Ref": "ConsoleUrl"}], {"Ref": "AWS::NoValue"}]}
    assert (client["CallbackURLs"], client["LogoutURLs"]) == (console, console)


def test_the_deployed_function_serves_the_console_without_a_caller() -> None:
    for path in (PATH, CONFIG_PATH):
        event = {"httpMethod": "GET", "path": path, "headers": {}, "requestContext": {}}
        script = f"import json, admin_api.handler as h\nprint('status', h.handler(json.loads({json.dumps(json.dumps(event))}), None)['statusCode'])"
        assert "status 200" in run_in(environment(BASE, FUNCTION), script)


def test_the_admin_function_starts_with_the_settings_it_is_given() -> None:
    variables = environment(BASE, FUNCTION)
    settings = read_admin_settings(variables)
    assert (settings.table, settings.flush_stages, settings.allow_origin) == ("PermissionTable", {}, "*")
    assert function(BASE, FUNCTION)["Handler"] == "admin_api.handler.handler"
    event = {"httpMethod": "GET", "path": "/v1/apis", "headers": {}, "requestContext": {}}
    script = (
        f"import json, admin_api.handler as h\nprint('status', h.handler(json.loads({json.dumps(json.dumps(event))}), None)['statusCode'])"
    )
    assert "status 401" in run_in(variables, script)


def test_the_example_of_stages_to_flush_is_one() -> None:
    parameter = written(BASE)["Parameters"]["FlushStages"]
    (example,) = re.findall(r"{.*}", parameter["Description"])
    assert read_admin_settings({"PERMISSIONS_TABLE": "t", "FLUSH_STAGES": example}).flush_stages == {
        "petstore": ("a1b2c3d4e5/v1", "http:h7h7h7h7h7/$default")
    }


@pytest.mark.parametrize(("name", "gives_up"), [(AUTHORIZER, 10), (FUNCTION, 29)])
def test_a_function_answers_before_the_gateway_gives_up(name: str, gives_up: int) -> None:
    properties = function(BASE, name)
    assert properties["Timeout"] < gives_up
    assert (properties["Runtime"], properties["Architectures"]) == ("python3.13", [{"Ref": "Architecture"}])


def test_the_authorizer_may_read_the_table_and_write_its_log() -> None:
    assert function(BASE, AUTHORIZER)["Role"] == {"Fn::GetAtt": ["AdminAuthorizerRole", "Arn"]}
    assert resources(BASE, "AWS::IAM::Role")["AdminAuthorizerRole"]["ManagedPolicyArns"] == [{"Ref": "AuthorizerReadPolicy"}]
    assert [(s["Action"], s["Resource"]) for s in statements(resources(BASE, "AWS::IAM::Role")["AdminAuthorizerRole"])] == [
        (["logs:CreateLogStream", "logs:PutLogEvents"], {"Fn::GetAtt": ["AdminAuthorizerLogGroup", "Arn"]})
    ]


def test_the_admin_function_may_change_this_table_and_nothing_else() -> None:
    assert function(BASE, FUNCTION)["Role"] == {"Fn::GetAtt": ["AdminRole", "Arn"]}
    assert "ManagedPolicyArns" not in resources(BASE, "AWS::IAM::Role")["AdminRole"]
    table, heads, denylist, decryption, log = statements(resources(BASE, "AWS::IAM::Role")["AdminRole"])
    assert decryption == READ_WITH_THE_KEY
    assert set(table["Action"]) == {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}
    assert heads["Action"] == "dynamodb:UpdateItem"
    assert heads["Condition"] == {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["api#*#*"]}}
    # Of all partitions, heads are in those that this pattern does not take in.
    others = [
        keys.routes_key("a"),
        keys.denylist_key("a"),
        keys.subject_key("a", PrincipalRef(RefKind.GROUP, "g")),
        keys.idempotency_key("a"),
    ]
    assert [fnmatchcase(key, "api#*#*") for key in (keys.api_key("a#b"), *others)] == [False, True, True, True, True]
    assert denylist["Action"] == "dynamodb:DeleteItem"
    assert denylist["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["api#*#denylist"]}}
    for statement in (table, heads, denylist):
        assert statement["Resource"] == {"Fn::GetAtt": ["PermissionTable", "Arn"]}
    assert (log["Action"], log["Resource"]) == (
        ["logs:CreateLogStream", "logs:PutLogEvents"],
        {"Fn::GetAtt": ["AdminLogGroup", "Arn"]},
    )


def test_caches_may_be_flushed_only_where_stages_are_named_and_stages_never_deleted() -> None:
    policy = expanded(BASE)["Resources"]["AdminFlushPolicy"]
    assert policy["Condition"] == "FlushesStages"
    assert policy["Properties"]["Roles"] == [{"Ref": "AdminRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "apigateway:DELETE"
    assert [resource["Fn::Sub"].partition("::/")[2] for resource in statement["Resource"]] == [
        "restapis/*/stages/*/cache/authorizers",
        "apis/*/stages/*/cache/authorizers",
    ]
    # Nothing else is attached from outside, but what lets both functions read the list of issuers.
    assert sorted(resources(BASE, "AWS::IAM::Policy")) == ["AdminFlushPolicy", "AdminUsersPolicy", "IssuersPolicy"]


def test_people_may_be_looked_up_in_the_one_pool_and_only_where_that_is_asked_for() -> None:
    template = expanded(BASE)
    policy = template["Resources"]["AdminUsersPolicy"]
    assert policy["Condition"] == "LooksUsersUp"
    assert template["Conditions"]["LooksUsersUp"] == {"Fn::Equals": [{"Ref": "UserDirectory"}, "true"]}
    assert policy["Properties"]["Roles"] == [{"Ref": "AdminRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["cognito-idp:ListUsers", "cognito-idp:AdminListGroupsForUser"]
    condition, created, given = statement["Resource"]["Fn::If"]
    assert (condition, created) == ("CreatesUserPool", {"Fn::GetAtt": ["UserPool", "Arn"]})
    arn, names = given["Fn::Sub"]
    assert arn == "arn:${AWS::Partition}:cognito-idp:${Region}:${AWS::AccountId}:userpool/${UserPoolId}"
    assert names == {"Region": {"Fn::Select": [0, {"Fn::Split": ["_", {"Ref": "UserPoolId"}]}]}}


@pytest.mark.parametrize(("given", "expected"), [(None, False), ("false", False), ("true", True)])
def test_people_are_looked_up_only_where_that_is_asked_for(given: str | None, *, expected: bool) -> None:
    parameters = {} if given is None else {"UserDirectory": given}
    assert read_admin_settings(environment(BASE, FUNCTION, {}, **parameters)).user_directory is expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"USER_DIRECTORY": "yes"}, "`USER_DIRECTORY` is `yes`: it may be `true` or `false`"),
        ({"USER_DIRECTORY": "true"}, "`USER_DIRECTORY` is `true` without `USER_POOL_ID`, whose users it is about"),
    ],
)
def test_a_directory_without_a_pool_stops_the_start(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read_admin_settings({"PERMISSIONS_TABLE": "permissions", **given})


def test_only_this_gateway_may_invoke_the_function_and_its_policy_stays_small() -> None:
    permissions = [p for p in resources(BASE, "AWS::Lambda::Permission").values() if p["FunctionName"] == {"Ref": FUNCTION}]
    # Lambda stores some 500 bytes for each, and takes 20 KB.
    assert len(permissions) == len(GUARDED | PUBLIC) <= 40
    for permission in permissions:
        assert permission["Principal"] == "apigateway.amazonaws.com"
        assert permission["SourceArn"]["Fn::Sub"][1]["__ApiId__"] == {"Ref": API}


def test_a_browser_can_use_it_with_all_headers_that_it_takes() -> None:
    assert_a_browser_can_use(BASE, API)
    for path in body(BASE, API)["paths"]:
        answer = methods(BASE, API)[f"OPTIONS {path}"]["x-amazon-apigateway-integration"]["responses"]["default"]["responseParameters"]
        allowed = set(answer["method.response.header.Access-Control-Allow-Headers"].strip("'").split(","))
        assert allowed == {"Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID"}
        assert set(answer["method.response.header.Access-Control-Allow-Methods"].strip("'").split(",")) == {
            *("GET", "PUT", "PATCH", "POST", "DELETE", "OPTIONS"),
        }


def test_alarms_ring_for_trouble_and_for_failures_and_not_for_a_401() -> None:
    alarms = resources(BASE, "AWS::CloudWatch::Alarm")
    assert set(alarms) == {"AdminAuthorizerTrouble", "AdminApiFailed"}
    assert_hears(alarms["AdminAuthorizerTrouble"], emitted_trouble(environment(BASE, AUTHORIZER)))
    failed = alarms["AdminApiFailed"]
    assert (failed["Namespace"], failed["MetricName"]) == ("AWS/ApiGateway", "5XXError")
    assert {d["Name"]: d["Value"] for d in failed["Dimensions"]} == {
        "ApiName": resources(BASE, "AWS::ApiGateway::RestApi")[API]["Name"],
        "Stage": "admin",
    }


def test_logs_end() -> None:
    groups = resources(BASE, "AWS::Logs::LogGroup")
    for name in (AUTHORIZER, FUNCTION):
        assert "RetentionInDays" in groups[function(BASE, name)["LoggingConfig"]["LogGroup"]["Ref"]]
