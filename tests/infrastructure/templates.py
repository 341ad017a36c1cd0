"""The two templates, as written and as CloudFormation sees them after the SAM transform."""

from collections.abc import Iterator
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
    "CodeKey": "gatebook.zip",
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
    no_managed_policies = mock.Mock(load=dict)
    with mock.patch.dict("os.environ", AWS_DEFAULT_REGION="eu-west-1"):
        result: dict[str, Any] = transform(yaml_parse(text(name)), dict(SAMPLE_PARAMETERS), no_managed_policies)
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
