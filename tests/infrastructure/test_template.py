"""`infra/template.yaml`: the table keeps what it holds, authorizers may only read it, and no secret leaves the stack."""

import json
import re

import pytest
from cfnlint.api import lint_file

from authorizer.table.items import TableItem
from tests.infrastructure.templates import BASE, INFRA, READ_WITH_THE_KEY, SAMPLE, expanded, resources, text, values, written


@pytest.mark.parametrize("name", [BASE, SAMPLE])
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    assert [str(match) for match in lint_file(INFRA / name)] == []


@pytest.mark.parametrize("name", [BASE, SAMPLE])
def test_every_partition_is_served(name: str) -> None:
    # The service principals are the same in every partition; of issuers elsewhere no page says otherwise, and `settings` spells them alike.
    alike = {"lambda.amazonaws.com", "apigateway.amazonaws.com", ".amazonaws.com"}
    assert "arn:aws:" not in text(name)
    assert set(re.findall(r"[\w.-]*amazonaws\.com[\w.]*", text(name))) <= alike


@pytest.mark.parametrize("name", [BASE, SAMPLE])
def test_fits_into_one_request_to_cloudformation(name: str) -> None:
    assert len(text(name).encode()) <= 51_200


def test_the_keys_are_those_of_the_items() -> None:
    table = resources(BASE, "AWS::DynamoDB::Table")["PermissionTable"]
    assert table["KeySchema"] == [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]
    keys = {name: attribute for name, attribute in TableItem.get_attributes().items() if attribute.is_hash_key or attribute.is_range_key}
    assert {name: (attribute.is_hash_key, attribute.attr_type) for name, attribute in keys.items()} == {
        "pk": (True, "S"),
        "sk": (False, "S"),
    }


def test_the_table_is_not_lost_by_accident() -> None:
    table = expanded(BASE)["Resources"]["PermissionTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")
    properties = table["Properties"]
    assert properties["DeletionProtectionEnabled"] is True
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    nothing = {"Ref": "AWS::NoValue"}
    assert properties["SSESpecification"] == {
        "SSEEnabled": True,
        "SSEType": {"Fn::If": ["HasKmsKey", "KMS", nothing]},
        "KMSMasterKeyId": {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, nothing]},
    }
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


KEPT = (
    "AWS::DynamoDB::Table",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::Cognito::UserPoolGroup",
    "AWS::Logs::LogGroup",
)


@pytest.mark.parametrize("name", [BASE, SAMPLE])
def test_what_nobody_can_make_again_outlives_its_stack(name: str) -> None:
    # A group that is deleted takes its memberships along, a client its secret and id, a log group what it says of decisions.
    held = {
        key: value
        for key, value in expanded(name)["Resources"].items()
        if value["Type"] in KEPT or value["Type"].startswith("AWS::Cognito::")
    }
    assert held
    for key, resource in held.items():
        assert (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) == ("Retain", "Retain"), key


def test_an_authorizer_may_read_this_table_and_nothing_else() -> None:
    (policy,) = resources(BASE, "AWS::IAM::ManagedPolicy").values()
    statement, decryption = policy["PolicyDocument"]["Statement"]
    assert decryption == READ_WITH_THE_KEY
    assert statement["Effect"] == "Allow"
    assert sorted(statement["Action"]) == ["dynamodb:GetItem", "dynamodb:Query"]
    assert statement["Resource"] == {"Fn::GetAtt": ["PermissionTable", "Arn"]}


def test_users_are_created_only_where_no_pool_is_given() -> None:
    cognito = {key: value for key, value in written(BASE)["Resources"].items() if value["Type"].startswith("AWS::Cognito::")}
    assert {value.get("Condition") for value in cognito.values()} == {"CreatesUserPool"}
    groups = {properties["GroupName"] for properties in resources(BASE, "AWS::Cognito::UserPoolGroup").values()}
    assert groups == {"admin", "owner", "guest", "gatebook-admins", "gatebook-auditors"}


def test_the_app_client_has_a_secret_and_nobody_is_told() -> None:
    client = resources(BASE, "AWS::Cognito::UserPoolClient")["AppClient"]
    assert client["GenerateSecret"] is True
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    for name in (BASE, SAMPLE):
        assert "secret" not in json.dumps(written(name)["Outputs"]).lower()


def test_strangers_register_only_where_that_was_asked_for() -> None:
    assert written(BASE)["Parameters"]["SelfSignUp"]["Default"] == "false"
    config = resources(BASE, "AWS::Cognito::UserPool")["UserPool"]["AdminCreateUserConfig"]
    assert config == {"AllowAdminCreateUserOnly": {"Fn::If": ["AllowsSelfSignUp", False, True]}}


def test_the_outputs_are_what_the_sample_takes() -> None:
    needed = {name for name, parameter in written(SAMPLE)["Parameters"].items() if "Default" not in parameter}
    assert needed - set(written(BASE)["Outputs"]) == {"CodeBucket", "AuthorizerCodeKey", "AdminCodeKey"}


def test_the_issuer_is_spelled_out() -> None:
    assert ["UserPool", "ProviderURL"] not in values(written(BASE))
    assert "https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}" in values(written(BASE))
