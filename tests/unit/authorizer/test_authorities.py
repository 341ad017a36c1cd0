"""Which hosts a zip's own five authorities are trusted for, and that every other host keeps the bundle."""

from pathlib import Path

import botocore.session
import pytest

from authorizer.authorities import AUTHORITIES, aws_authorities, vouch_for_host, vouch_for_region


def regions(partition: str) -> list[str]:
    """Every region of a partition in which the AWS SDK knows DynamoDB."""
    return botocore.session.get_session().get_available_regions("dynamodb", partition, allow_non_regional=False)


def test_where_nothing_was_packed_there_are_none(tmp_path: Path) -> None:
    assert aws_authorities(tmp_path) is None
    assert aws_authorities() is None


def test_a_zip_has_them_beside_the_module(tmp_path: Path) -> None:
    (tmp_path / AUTHORITIES).write_text("")
    assert aws_authorities(tmp_path) == str(tmp_path / AUTHORITIES)


def test_they_vouch_in_all_public_regions() -> None:
    public = regions("aws")
    assert "eu-west-1" in public
    assert [region for region in public if not vouch_for_region(region)] == []
    assert [region for region in public if not vouch_for_host(f"cognito-idp.{region}.amazonaws.com")] == []
    assert vouch_for_host("issuer-cognito-idp.eu-west-1.amazonaws.com")


def test_they_vouch_in_no_other_partition() -> None:
    partitions = set(botocore.session.get_session().get_available_partitions()) - {"aws"}
    others = {region for partition in partitions for region in regions(partition)}
    assert {"cn-north-1", "us-gov-west-1"} <= others
    assert [region for region in others if vouch_for_region(region) or vouch_for_host(f"cognito-idp.{region}.amazonaws.com")] == []


@pytest.mark.parametrize(
    "host",
    [
        *("", "login.example.com", "tenant.eu.auth0.com", "cognito-idp.eu-west-1.amazonaws.com.cn", "cognito-idp.eu-west-1.amazonaws.com."),
        *("cognito-idp.eu-west-1.amazonaws.com.example.com", "x.cognito-idp.eu-west-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com"),
        *("cognito-idp.eu-west-1.amazonaws.com\n", "cognito-idp.eu-west-1xamazonaws.com", "cognito-idp..amazonaws.com", "127.0.0.1"),
    ],
)
def test_they_vouch_for_nobody_elses_host(host: str) -> None:
    assert not vouch_for_host(host)


@pytest.mark.parametrize("region", ["", "local", "eu-west-1\n", "eu-west", "EU-WEST-1", "cn-north-1"])
def test_they_vouch_for_no_made_up_region(region: str) -> None:
    assert not vouch_for_region(region)
