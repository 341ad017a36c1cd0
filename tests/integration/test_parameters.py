"""A parameter of Systems Manager that holds a setting: read as AWS holds it, and told in words where it cannot be."""

import json
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from authorizer.errors import SettingsError
from authorizer.parameters import read_parameter
from authorizer.settings import read_settings

ENTRIES = [{"name": "partner", "issuer": "https://id.partner.example", "jwks_uri": "https://id.partner.example/keys", "audience": ["api"]}]
ENVIRONMENT = {"PERMISSIONS_TABLE": "t", "API": "petstore", "TRUSTED_ISSUERS": "ssm:/gatebook/issuers"}


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def put(name: str, value: str, kind: str = "String") -> str:
    client = boto3.client("ssm")
    client.put_parameter(Name=name, Value=value, Type=kind)
    return str(client.get_parameter(Name=name)["Parameter"]["ARN"])


@pytest.mark.parametrize("kind", ["String", "SecureString"])
def test_the_issuers_stand_in_a_parameter(kind: str) -> None:
    put("/gatebook/issuers", json.dumps(ENTRIES), kind)
    assert [issuer.name for issuer in read_settings(ENVIRONMENT).issuers] == ["partner"]


def test_a_parameter_is_named_by_its_arn_too() -> None:
    assert read_parameter(put("/gatebook/x", " text ")) == "text"


def test_a_parameter_that_is_not_there_stops_the_cold_start_with_the_remedy() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(ENVIRONMENT)
    [problem] = caught.value.problems
    assert problem.startswith("`TRUSTED_ISSUERS` is `ssm:/gatebook/issuers`: the parameter cannot be read (ParameterNotFound)")
    assert "the function needs `ssm:GetParameter` on it" in problem


@pytest.mark.parametrize("name", ["", " ", "a b", "a:b", "arn:aws:s3:::x", "x" * 1012, "ä"])
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(SettingsError, match="is no parameter's name"):
        read_parameter(name)


def test_an_address_that_is_none_is_told_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "no address")
    with pytest.raises(SettingsError, match="the parameter cannot be read: Invalid endpoint"):
        read_parameter("/gatebook/issuers")


def test_without_credentials_the_cold_start_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(SettingsError, match="the parameter cannot be read"):
        read_parameter("/gatebook/issuers")
