"""What a template for production says: why a wildcard is one, what an access log holds, how fast a stage may be asked, which tokens start an authorizer."""

import json
import os
import re
from itertools import product
from random import Random
from typing import Any

import pytest

from admin_api.settings import read_admin_settings
from authorizer.errors import SettingsError, TokenError
from authorizer.settings import read_settings
from authorizer.tokens.verifier import bearer_token
from tests.infrastructure.templates import BASE, SAMPLE, authorizer, environment, expanded, function, resources, text, values, written

SEED = int(os.environ.get("GATEBOOK_SEED") or Random().randrange(2**32))
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_0"
TEMPLATES = [BASE, SAMPLE]


# Wildcards


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_wildcard_of_a_policy_has_its_reason_beside_it(name: str) -> None:
    lines = text(name).splitlines()
    found = 0
    for number, line in enumerate(lines):
        is_resource = re.search(r"^\s*(?:Resource:|- !Sub arn:).*\*", line)
        is_action = re.search(r"^\s*(?:Action:|-) *\"?[a-z0-9]+:\w*\*", line)
        if is_resource or is_action:
            found += 1
            statement = max(row for row in range(number) if re.match(r"\s*- (?:Sid|Effect): ", lines[row]))
            assert any(row.strip().startswith("#") for row in lines[statement - 1 : number]), f"{name}:{number + 1} says not why"
    wild = [
        node
        for node in values(written(name))
        if isinstance(node, dict) and "Effect" in node and "*" in json.dumps([node.get("Action"), node.get("Resource")])
    ]
    assert found >= len(wild) > 0
    assert all(node["Action"] != "*" for node in wild)


@pytest.mark.parametrize("name", TEMPLATES)
def test_what_checkov_is_told_to_skip_has_a_reason(name: str) -> None:
    skips = [
        skip for resource in written(name)["Resources"].values() for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", [])
    ]
    assert skips
    for skip in skips:
        assert re.fullmatch(r"CKV_AWS_\d+", skip["id"])
        assert len(skip["comment"]) >= 8


# Stages

STAGES = [("AWS::ApiGateway::Stage", "AccessLogSetting"), ("AWS::ApiGatewayV2::Stage", "AccessLogSettings")]


def stages(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each stage with its throttling."""
    return [
        *((stage, stage["MethodSettings"][0]) for stage in resources(name, "AWS::ApiGateway::Stage").values()),
        *((stage, stage["DefaultRouteSettings"]) for stage in resources(name, "AWS::ApiGatewayV2::Stage").values()),
    ]


@pytest.mark.parametrize(("name", "count"), [(BASE, 1), (SAMPLE, 4)])
def test_each_stage_is_throttled(name: str, count: int) -> None:
    assert len(stages(name)) == count
    for _, throttling in stages(name):
        assert (throttling["ThrottlingRateLimit"], throttling["ThrottlingBurstLimit"]) == (
            {"Ref": "ThrottleRate"},
            {"Ref": "ThrottleBurst"},
        )
        assert (throttling.get("ResourcePath", "/*"), throttling.get("HttpMethod", "*")) == ("/*", "*")


@pytest.mark.parametrize(("name", "group"), [(BASE, "AdminAccessLogGroup"), (SAMPLE, "AccessLogGroup")])
def test_an_access_log_names_caller_version_and_request_and_no_token(name: str, group: str) -> None:
    for stage, _ in stages(name):
        condition, setting, otherwise = (stage.get("AccessLogSetting") or stage["AccessLogSettings"])["Fn::If"]
        assert (condition, otherwise) == ("WritesAccessLogs", {"Ref": "AWS::NoValue"})
        assert setting["DestinationArn"] == {"Fn::GetAtt": [group, "Arn"]}
        fields = set(json.loads(setting["Format"]).values())
        assert {"$context.requestId", "$context.authorizer.principalId", "$context.authorizer.version"} <= fields
        # Headers and query strings may hold the token; of what names a path only that of the template is taken.
        for told in " ".join(fields).split():
            assert re.fullmatch(
                r"\$context\.(?:requestId|requestTime|identity\.sourceIp|httpMethod|resourcePath|routeKey|status|connectionId|error\.responseType"
                r"|authorizer\.(?:requestId|principalId|version|reason|error))",
                told,
            ), told


def test_a_web_acl_stands_before_each_rest_stage() -> None:
    for name in TEMPLATES:
        guarded = {key: value for key, value in expanded(name)["Resources"].items() if value["Type"] == "AWS::WAFv2::WebACLAssociation"}
        assert len(guarded) == len(resources(name, "AWS::ApiGateway::Stage"))
        assert {value["Condition"] for value in guarded.values()} == {"HasWebAcl"}
        of_stages = {value["Properties"]["ResourceArn"]["Fn::Sub"][1]["Stage"]["Ref"] for value in guarded.values()}
        assert of_stages == set(resources(name, "AWS::ApiGateway::Stage"))


# Functions


@pytest.mark.parametrize(
    ("name", "logical_id"),
    [
        (BASE, "AdminAuthorizer"),
        *((SAMPLE, name) for name in ("RequestAuthorizer", "TokenAuthorizer", "HttpAuthorizer", "WebSocketAuthorizer")),
    ],
)
def test_an_authorizer_has_all_settings_that_it_needs_and_none_that_it_does_not_know(name: str, logical_id: str) -> None:
    variables = environment(name, logical_id)
    settings = read_settings(variables)
    assert settings.cache_scope.value == variables["CACHE_SCOPE"]
    for needed in ("PERMISSIONS_TABLE", "API", "USER_POOL_ID", "APP_CLIENT_IDS"):
        with pytest.raises(SettingsError, match=needed):
            read_settings({key: value for key, value in variables.items() if key != needed})


def test_the_admin_function_is_given_what_its_settings_read_and_nothing_else() -> None:
    asked: set[str] = set()

    class Recording(dict[str, str]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.add(key)
            return super().get(key, default)

    read_admin_settings(Recording(environment(BASE, "AdminFunction")))
    given = set(function(BASE, "AdminFunction")["Environment"]["Variables"])
    assert given <= asked


# Users


def test_a_second_factor_and_the_case_of_names_are_asked_for() -> None:
    pool = resources(BASE, "AWS::Cognito::UserPool")["UserPool"]
    nothing = {"Ref": "AWS::NoValue"}
    assert pool["MfaConfiguration"] == {"Ref": "Mfa"}
    assert pool["EnabledMfas"] == {"Fn::If": ["UsesMfa", ["SOFTWARE_TOKEN_MFA"], nothing]}
    assert written(BASE)["Parameters"]["Mfa"]["AllowedValues"] == ["OFF", "OPTIONAL", "ON"]
    assert pool["UsernameConfiguration"] == {"Fn::If": ["NamesInAnyCase", {"CaseSensitive": False}, nothing]}


# What another stack attaches to


def test_other_stacks_find_what_they_need_by_export_and_by_parameter() -> None:
    outputs = written(BASE)["Outputs"]
    exported = {key: value["Export"]["Name"]["Fn::Sub"] for key, value in outputs.items() if "Export" in value}
    assert exported == {key: "${AWS::StackName}-" + key for key in ("TableName", "AuthorizerReadPolicyArn", "UserPoolId", "AppClientIds")}
    parameters = {value["Name"]["Fn::Sub"]: value["Value"] for value in resources(BASE, "AWS::SSM::Parameter").values()}
    prefix = "/gatebook/${AWS::StackName}/"
    assert {key.removeprefix(prefix) for key in parameters} == {
        *("table-name", "authorizer-read-policy-arn", "user-pool-id", "app-client-ids", "code-bucket", "authorizer-code-key"),
    }
    for output, name in (("TableName", "table-name"), ("UserPoolId", "user-pool-id"), ("AppClientIds", "app-client-ids")):
        assert parameters[prefix + name] == outputs[output]["Value"]


# Which values start the TOKEN authorizer


def expression() -> re.Pattern[str]:
    return re.compile(authorizer(SAMPLE, "TokenApi")["identityValidationExpression"])


@pytest.mark.parametrize(
    "value",
    [f"Bearer {JWT}", JWT, f"bearer {JWT}", f"BEARER   {JWT}", f"Bearer\t{JWT}", f" Bearer {JWT} ", f"Bearer\u00a0{JWT}", "Bearer a.b.c"],
)
def test_a_token_in_each_form_starts_the_authorizer(value: str) -> None:
    assert expression().fullmatch(value)
    assert bearer_token(value)


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer a.b", "Bearer a.b.c.d", "Bearer a..c", f"Token {JWT}", f"Bearer {JWT}="),
        *(f"Bearer {JWT}, Bearer {JWT}", f"Bearer Bearer {JWT}", f"Bearer{JWT} x", f'Bearer "{JWT}"'),
    ],
)
def test_junk_does_not(value: str) -> None:
    assert not expression().fullmatch(value)


def test_the_gateway_refuses_nothing_that_the_authorizer_would_take() -> None:
    chance = Random(SEED)
    segment = re.compile(r"[A-Za-z0-9_-]+")
    spaces = [chr(code) for code in range(0x3001) if chr(code).isspace()]
    schemes = ["".join(word) for word in product("bB", "eE", "aA", "rR", "eE", "rR")]
    pieces = [*spaces, *schemes, JWT, "Basic", "a", ".", "a.b.c", ",", "=", "é"]
    taken = 0
    for _ in range(20_000):
        value = "".join(chance.choice(pieces if chance.random() < 0.5 else (" ", "Bearer", JWT)) for _ in range(chance.randrange(1, 6)))
        try:
            token = bearer_token(value)
        except TokenError:
            continue
        if len(parts := token.split(".")) == 3 and all(map(segment.fullmatch, parts)):
            taken += 1
            assert expression().fullmatch(value), f"{value!r}, GATEBOOK_SEED={SEED}"
    assert taken > 500, f"GATEBOOK_SEED={SEED}"
