"""A new build, and a changed parameter, reach what callers call: the alias of each authorizer and the stage of each API."""

import re
from typing import Any

import pytest

from tests.infrastructure.templates import BASE, SAMPLE, authorizer, expanded, expanded_with, function, resources, values, written

AUTHORIZERS = [
    (BASE, "AdminAuthorizer"),
    *((SAMPLE, name) for name in ("RequestAuthorizer", "TokenAuthorizer", "HttpAuthorizer", "WebSocketAuthorizer")),
]
APIS = [(BASE, "AdminApi", "AdminAuthorizer"), (SAMPLE, "RequestApi", "RequestAuthorizer"), (SAMPLE, "TokenApi", "TokenAuthorizer")]
# Lambda keeps these beside the versions, or they are the transform's own.
NOT_OF_A_VERSION = {"ReservedConcurrency"}


def version_of(template: dict[str, Any], name: str) -> str:
    versions = [
        key
        for key, value in template["Resources"].items()
        if value["Type"] == "AWS::Lambda::Version" and value["Properties"]["FunctionName"] == {"Ref": name}
    ]
    (version,) = map(str, versions)
    alias = template["Resources"][f"{name}Aliaslive"]["Properties"]
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    return version


def deployment_of(template: dict[str, Any], api: str) -> str:
    stages = [value["Properties"] for value in template["Resources"].values() if value["Type"] == "AWS::ApiGateway::Stage"]
    (stage,) = [stage for stage in stages if stage["RestApiId"] == {"Ref": api}]
    return str(stage["DeploymentId"]["Ref"])


def referred(tree: object, name: str) -> set[str]:
    """Parameters that a tree refers to, those of its conditions among them."""
    template = expanded(name)
    found: set[str] = set()
    for node in values(tree):
        if isinstance(node, dict):
            if isinstance(node.get("Ref"), str):
                found.add(node["Ref"])
            if "Fn::If" in node:
                found |= referred(template["Conditions"][node["Fn::If"][0]], name)
            if isinstance(node.get("Condition"), str):
                found |= referred(template["Conditions"][node["Condition"]], name)
            if isinstance(node.get("Fn::Sub"), str):
                found |= {parameter for parameter in template["Parameters"] if "${" + parameter + "}" in node["Fn::Sub"]}
    return found & set(template["Parameters"])


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_whatever_an_authorizer_depends_on_makes_a_version(name: str, logical_id: str) -> None:
    # As written: the transform puts values in the place of some parameters.
    properties = written(name)["Resources"][logical_id]["Properties"]
    of_the_transform = ("AutoPublishAlias", "DeploymentPreference", "VersionDescription", "CodeUri")
    shared = written(name)["Globals"]["Function"]
    depended = referred([value for key, value in (shared | properties).items() if key not in of_the_transform], name) - NOT_OF_A_VERSION
    assert {"PolicyRefreshSeconds", "JwksUri", "TrustedIssuers", "Architecture", "SnapStart", "VpcSubnetIds"} <= depended
    before = version_of(expanded(name), logical_id)
    for parameter in depended | {"CodeBucket", "AuthorizerCodeKey"}:
        assert version_of(expanded_with(name, **{parameter: "9"}), logical_id) != before, parameter


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_no_version_is_asked_for_where_the_function_stays_as_it_is(name: str, logical_id: str) -> None:
    # Lambda refuses to publish the same function twice, and the stack would go back.
    select = written(name)["Resources"][logical_id]["Properties"]["CodeUri"]["Key"]["Fn::Select"]
    assert select[0] == 0
    assert select[1][0] == {"Ref": "AuthorizerCodeKey"}
    properties = {key: value for key, value in function(name, logical_id).items() if key != "Code"}
    written_properties = written(name)["Resources"][logical_id]["Properties"]
    listed = {entry["Ref"] for entry in select[1]} | {"CodeBucket"}
    assert listed <= referred([properties, written_properties["Environment"], written(name)["Globals"]], name)
    assert {"AuthorizerCodeKey", "CodeBucket"} <= referred(properties["Description"], name)


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_descriptions_fit_into_what_lambda_takes(name: str, logical_id: str) -> None:
    longest = {key: "x" * value["MaxLength"] for key, value in written(name)["Parameters"].items() if "MaxLength" in value} | {
        "CodeBucket": "x" * 63
    }
    version = written(name)["Resources"][logical_id]["Properties"]["VersionDescription"]["Fn::Sub"]
    for text in (function(name, logical_id)["Description"]["Fn::Sub"], version):
        resolved = re.sub(r"\$\{(\w+)\}", lambda found: longest[found[1]], text)
        assert len(resolved) <= 256


@pytest.mark.parametrize(("name", "api", "logical_id"), APIS)
def test_another_origin_reaches_the_stage(name: str, api: str, logical_id: str) -> None:
    before = deployment_of(expanded(name), api)
    assert deployment_of(expanded_with(name), api) == before
    assert deployment_of(expanded_with(name, AllowOrigin="https://shop.example"), api) != before


@pytest.mark.parametrize(("name", "api", "logical_id"), APIS)
def test_a_rest_api_asks_the_alias_and_may(name: str, api: str, logical_id: str) -> None:
    uri = authorizer(name, api)["authorizerUri"]["Fn::Sub"][1]["__FunctionArn__"]
    permission = resources(name, "AWS::Lambda::Permission")[f"{api}GatebookAuthorizerPermission"]
    for asked in (uri, permission["FunctionName"]):
        index, choices = asked["Fn::Select"]
        assert choices[index] == {"Ref": f"{logical_id}Aliaslive"}


@pytest.mark.parametrize("api", ["Http", "WebSocket"])
def test_the_newer_apis_ask_the_alias_and_may(api: str) -> None:
    uri = resources(SAMPLE, "AWS::ApiGatewayV2::Authorizer")[f"{api}Gatebook"]["AuthorizerUri"]["Fn::Sub"]
    assert f"/functions/${{{api}AuthorizerAliaslive}}/invocations" in uri
    assert resources(SAMPLE, "AWS::Lambda::Permission")[f"{api}AuthorizerInvoked"]["FunctionName"] == {"Ref": f"{api}AuthorizerAliaslive"}


@pytest.mark.parametrize("name", [BASE, SAMPLE])
def test_callers_pass_to_a_version_as_was_asked(name: str) -> None:
    parameter = written(name)["Parameters"]["RollOut"]
    assert parameter["Default"] == "AllAtOnce"
    assert set(parameter["AllowedValues"]) == set(written(name)["Mappings"]["CodeDeploy"]["Enabled"])
    for kind in parameter["AllowedValues"]:
        groups = {
            key: value["Properties"]
            for key, value in expanded_with(name, RollOut=kind)["Resources"].items()
            if value["Type"] == "AWS::CodeDeploy::DeploymentGroup"
        }
        guarded = {f"{logical_id}DeploymentGroup" for template, logical_id in AUTHORIZERS if template == name}
        assert set(groups) == (set() if kind == "AllAtOnce" else guarded)
        for group in groups.values():
            assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": kind}
            assert group["AutoRollbackConfiguration"]["Enabled"] is True
            alarms = {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]}
            assert alarms
            assert alarms <= set(resources(name, "AWS::CloudWatch::Alarm"))


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_a_snapshot_and_reserved_concurrency_are_asked_for(name: str, logical_id: str) -> None:
    properties = function(name, logical_id)
    assert properties["SnapStart"] == {"ApplyOn": {"Ref": "SnapStart"}}
    assert written(name)["Parameters"]["SnapStart"]["Default"] == "None"
    assert properties["ReservedConcurrentExecutions"] == {
        "Fn::If": ["ReservesConcurrency", {"Ref": "ReservedConcurrency"}, {"Ref": "AWS::NoValue"}]
    }
    assert written(name)["Parameters"]["ReservedConcurrency"]["Default"] == ""
