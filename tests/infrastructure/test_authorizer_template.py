"""`infra/authorizer.yaml`: the authorizer of one API, from what the base stack leaves in Systems Manager."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from authorizer.settings import NAMES, read_settings
from tests.infrastructure.templates import BASE, INFRA, SAMPLE, function, text

TEMPLATE = "authorizer.yaml"
GIVEN = {"Api": "pets", "CodeBucket": "code", "AuthorizerCodeKey": "authorizer.zip"}


@cache
def parsed() -> dict[str, Any]:
    template: dict[str, Any] = yaml_parse(text(TEMPLATE))
    return template


def expanded(**given: str) -> dict[str, dict[str, Any]]:
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        result: dict[str, Any] = transform(yaml_parse(text(TEMPLATE)), {**GIVEN, **given}, mock.Mock(load=dict))
    resources: dict[str, dict[str, Any]] = result["Resources"]
    return resources


def of_kind(resources: dict[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in resources.items() if each["Type"] == kind}


def test_cfn_lint_finds_nothing() -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", str(INFRA / TEMPLATE)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert [(each["Rule"]["Id"], each["Message"]) for each in json.loads(result.stdout or "[]")] == []


def test_its_parameters_are_what_the_base_stack_leaves() -> None:
    left = {
        each["Properties"]["Name"]["Fn::Sub"].replace("${AWS::StackName}", "gatebook")
        for each in yaml_parse(text(BASE))["Resources"].values()
        if each["Type"] == "AWS::SSM::Parameter"
    }
    read = {each["Default"] for each in parsed()["Parameters"].values() if each["Type"].startswith("AWS::SSM::Parameter::Value")}
    assert len(read) == 4
    assert read <= left


def test_the_functions_settings_are_ones_that_it_starts_with() -> None:
    variables = parsed()["Resources"]["Authorizer"]["Properties"]["Environment"]["Variables"]
    assert set(variables) <= set(NAMES)
    defaults = {name: str(each.get("Default", "")) for name, each in parsed()["Parameters"].items()} | {
        "TableName": "permissions",
        "Api": "pets",
        "UserPoolId": "eu-west-1_AbCdEfGhI",
        "AppClientIds": "client1,client2",
    }
    for scope in parsed()["Parameters"]["CacheScope"]["AllowedValues"]:
        plain = {name: (defaults | {"CacheScope": scope})[value["Ref"]] for name, value in variables.items() if "Ref" in value}
        settings = read_settings(plain)
        assert (settings.cache_scope.value, settings.api, settings.gateway_ttl) == (scope, "pets", 60)
    assert {name for name, value in variables.items() if "Fn::If" in value} == {"TRUSTED_ISSUERS", "JWKS_URI"}


def test_it_is_the_function_of_the_sample() -> None:
    ours, theirs = parsed()["Resources"]["Authorizer"]["Properties"], function(SAMPLE, "HttpAuthorizer")
    for name in ("Handler", "Timeout", "MemorySize"):
        assert ours[name] == theirs[name], name
    assert ours["Timeout"] < 10, "REST APIs wait ten seconds"


@pytest.mark.parametrize(
    "change",
    [
        {"AuthorizerCodeKey": "another.zip"},
        {"CacheScope": "request"},
        {"AuthorizerTtl": "0"},
        {"PolicyRefreshSeconds": "1"},
        {"TrustedIssuersParameter": "/gatebook/issuers"},
        {"JwksUri": "https://keys.example"},
        {"Architecture": "x86_64"},
    ],
)
def test_each_change_of_what_runs_publishes_a_version(change: dict[str, str]) -> None:
    """The alias would point to the version of before."""
    assert set(of_kind(expanded(), "AWS::Lambda::Version")) != set(of_kind(expanded(**change), "AWS::Lambda::Version"))


def test_it_is_invoked_by_its_alias_as_an_authorizer_of_this_account() -> None:
    resources = expanded()
    [permission] = of_kind(resources, "AWS::Lambda::Permission").values()
    properties = permission["Properties"]
    assert properties["FunctionName"] == {"Ref": "AuthorizerAliaslive"}
    assert properties["SourceArn"] == {
        "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${ApiId}/authorizers/*"
    }
    left = {
        each["Properties"]["Name"]["Fn::Sub"]: each["Properties"]["Value"] for each in of_kind(resources, "AWS::SSM::Parameter").values()
    }
    assert left["/gatebook/${Api}/authorizer-arn"] == {"Ref": "AuthorizerAliaslive"}
    assert "${AuthorizerAliaslive}/invocations" in left["/gatebook/${Api}/authorizer-uri"]["Fn::Sub"]


def test_its_role_may_read_the_table_and_write_its_log_and_nothing_else() -> None:
    properties = parsed()["Resources"]["AuthorizerRole"]["Properties"]
    assert properties["ManagedPolicyArns"] == [{"Ref": "AuthorizerReadPolicyArn"}]
    [policy] = properties["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == {"Fn::GetAtt": ["AuthorizerLogGroup", "Arn"]}
    assert not re.search(r'(?:Action|Resource): ?"?\*', text(TEMPLATE))


def test_its_log_outlives_it() -> None:
    log = parsed()["Resources"]["AuthorizerLogGroup"]
    assert log["DeletionPolicy"] == log["UpdateReplacePolicy"] == "Retain"
