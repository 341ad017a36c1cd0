"""The two templates, as written and as CloudFormation sees them after the SAM transform, and how their functions start."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).resolve().parents[2] / "infra"
BASE, SAMPLE = "template.yaml", "sample_api.yaml"
SAMPLE_PARAMETERS = {
    "TableName": "permissions",
    "AuthorizerReadPolicyArn": "arn:aws:iam::123456789012:policy/read",
    "UserPoolId": "eu-west-1_AbCdEfGhI",
    "AppClientIds": "client1,client2",
    "CodeBucket": "code",
    "AuthorizerCodeKey": "authorizer.zip",
    "AdminCodeKey": "admin.zip",
}

# How the conditions of both templates come out with these parameters.
CONDITIONS = {
    "CreatesUserPool": False,
    "HasJwksUri": False,
    "HasTrustedIssuers": False,
    "HasTrustedIssuersParameter": False,
    "FlushesStages": False,
    "HasConsoleLogin": False,
    "HasConsoleClient": False,
    "HasPoolUrl": False,
}

# What a reader of a table with a customer's key needs besides, and only through DynamoDB.
READ_WITH_THE_KEY = {
    "Fn::If": [
        "HasKmsKey",
        {
            "Sid": "ReadWithTheTablesKey",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": {"Ref": "KmsKeyArn"},
            "Condition": {"StringEquals": {"kms:ViaService": {"Fn::Sub": "dynamodb.${AWS::Region}.amazonaws.com"}}},
        },
        {"Ref": "AWS::NoValue"},
    ]
}


def text(name: str) -> str:
    return (INFRA / name).read_text(encoding="utf-8")


@cache
def written(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = yaml_parse(text(name))
    return parsed


@cache
def expanded(name: str) -> dict[str, Any]:
    """After the transform; parameters without a default as in SAMPLE_PARAMETERS."""
    return expanded_with(name)


@cache
def expanded_with(name: str, **given: str) -> dict[str, Any]:
    """After the transform, with these parameters besides those of SAMPLE_PARAMETERS."""
    no_managed_policies = mock.Mock(load=dict)
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        result: dict[str, Any] = transform(yaml_parse(text(name)), SAMPLE_PARAMETERS | given, no_managed_policies)
    return result


def resources(name: str, kind: str) -> dict[str, dict[str, Any]]:
    """Properties of the expanded resources of one type."""
    return {key: value["Properties"] for key, value in expanded(name)["Resources"].items() if value["Type"] == kind}


def values(tree: object) -> Iterator[object]:
    """Every node of a parsed template."""
    yield tree
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in children:
        yield from values(child)


def body(name: str, api: str) -> dict[str, Any]:
    """The OpenAPI document of a REST API."""
    result: dict[str, Any] = resources(name, "AWS::ApiGateway::RestApi")[api]["Body"]
    return result


def methods(name: str, api: str) -> dict[str, dict[str, Any]]:
    """A REST API's methods by verb and path."""
    return {f"{verb.upper()} {path}": method for path, verbs in body(name, api)["paths"].items() for verb, method in verbs.items()}


def authorizer(name: str, api: str) -> dict[str, Any]:
    result: dict[str, Any] = body(name, api)["components"]["securitySchemes"]["Gatebook"]["x-amazon-apigateway-authorizer"]
    return result


def function(name: str, logical_id: str) -> dict[str, Any]:
    return resources(name, "AWS::Lambda::Function")[logical_id]


def environment(name: str, logical_id: str, conditions: Mapping[str, bool] | None = None, **given: str) -> dict[str, str]:
    """What a function gets with these parameters and conditions; without any, if no optional parameter is given. A resource is its logical id."""
    defaults = {key: str(value["Default"]) for key, value in expanded(name)["Parameters"].items() if "Default" in value}
    parameters = defaults | SAMPLE_PARAMETERS | given
    outcomes = CONDITIONS | dict(conditions or {})

    def resolved(value: Any) -> str | None:
        if not isinstance(value, dict):
            return str(value)
        if "Fn::If" in value:
            condition, then, otherwise = value["Fn::If"]
            return resolved(then if outcomes[condition] else otherwise)
        if "Fn::Sub" in value:
            return re.sub(r"\$\{(\w+)\}", lambda found: parameters[found[1]], value["Fn::Sub"])
        reference: str = value["Ref"]
        return None if reference == "AWS::NoValue" else parameters.get(reference, reference)

    variables = {key: resolved(value) for key, value in function(name, logical_id)["Environment"]["Variables"].items()}
    return {key: value for key, value in variables.items() if value is not None}


def statements(role: dict[str, Any]) -> list[dict[str, Any]]:
    """The statements of a role's own policies, those under a condition left out."""
    policies = [policy for policy in role["Policies"] if "Fn::If" not in policy]
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def run_in(variables: dict[str, str], script: str) -> str:
    """Runs Python with an environment like a function's, and returns what it printed."""
    # Powertools would speak to X-Ray's daemon and warn about a missing region otherwise.
    base = {"PATH": os.environ["PATH"], "PYTHONPATH": str(INFRA.parent), "AWS_REGION": "eu-west-1", "LAMBDA_TASK_ROOT": "/var/task"}
    result = subprocess.run([sys.executable, "-c", script], env=base | variables, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def assert_a_browser_can_use(name: str, api: str) -> None:
    """It can ask first, and can read a refusal."""
    for path in body(name, api)["paths"]:
        headers = methods(name, api)[f"OPTIONS {path}"]["responses"]["200"]["headers"]
        assert {"Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Access-Control-Allow-Methods"} <= set(headers)
    refusals = body(name, api)["x-amazon-apigateway-gateway-responses"]
    assert {"UNAUTHORIZED", "DEFAULT_4XX", "DEFAULT_5XX"} <= set(refusals)
    for refusal in refusals.values():
        assert "gatewayresponse.header.Access-Control-Allow-Origin" in refusal["responseParameters"]


def emitted_trouble(variables: dict[str, str]) -> dict[str, Any]:
    """The metric that an authorizer emits when it cannot decide, in CloudWatch's embedded format."""
    script = "import authorizer.handler as h\ntry: h.handler({}, None)\nexcept Exception: pass\nelse: raise SystemExit('no trouble')"
    lines = [json.loads(line) for line in run_in(variables, script).splitlines() if line.startswith("{")]
    (emitted,) = [line for line in lines if "trouble" in line and "_aws" in line]
    return dict(emitted)


def assert_hears(alarm: dict[str, Any], emitted: dict[str, Any]) -> None:
    """An alarm watches what was emitted."""
    description, *_ = emitted["_aws"]["CloudWatchMetrics"]
    assert alarm["Namespace"] == description["Namespace"]
    assert alarm["MetricName"] in {metric["Name"] for metric in description["Metrics"]}
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert {name: emitted[name] for name in dimensions} == dimensions
    assert sorted(dimensions) in [sorted(names) for names in description["Dimensions"]]
