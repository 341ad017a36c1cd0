"""docs/choosing.md: its prices and ratios are those of the pages that work them out, and what it says of Powertools is so."""

import re

import pytest
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import APIGatewayAuthorizerResponse, parse_api_gateway_arn

from tests.architecture.readme import DOCS

PAGE = DOCS["choosing"]
COSTS = {row[1]: row[-2].strip("*") for row in DOCS["costs"].section("What a million requests cost").tables()[0] if row[0] == "0 %"}


def test_the_prices_are_those_of_the_page_on_costs() -> None:
    [row] = [row for row in PAGE.section("Side by side").tables()[0] if row[0].startswith("price of a million")]
    own, gatebook, permissions = (
        COSTS[way] for way in ("a plain Lambda authorizer", "Gatebook", "Verified Permissions behind a Lambda authorizer")
    )
    assert row[-3:] == [permissions, own, gatebook]
    prices = {name.strip("`"): dollars for name, dollars, *_ in DOCS["costs"].section("Prices").tables()[0]}
    [each] = re.findall(r"(\d+) dollars per million decisions", PAGE.prose)
    assert each == prices["verified_permissions_request"]


def test_the_ratios_are_those_that_were_measured() -> None:
    claim = r"By (\d+) rules a decision of pycasbin takes (\d+) times .*?, and one of cedarpy, parsed beforehand, (\d+) times"
    [(rules, casbin, cedar)] = re.findall(claim, PAGE.prose)
    measured = {
        (what, to): ratio for what, ratio, _, to in DOCS["performance"].section("Beside others").table("what", "ratio", "spread", "to")
    }
    assert measured[f"a decision by {rules} rules", "pycasbin"] == f"**1/{casbin}**"
    assert measured[f"a decision by {rules} rules", "cedarpy, parsed beforehand"] == f"**1/{cedar}**"


def test_powertools_loses_partition_and_colon() -> None:
    arn = "arn:aws-cn:execute-api:cn-north-1:111122223333:a1b2c3d4e5/prod/GET/items/12:30/x"
    assert parse_api_gateway_arn(arn).resource == "items/12"
    answer = APIGatewayAuthorizerResponse.from_route_arn(arn, principal_id="u")
    answer.allow_route("GET", "/items")
    assert answer.asdict()["policyDocument"]["Statement"][0]["Resource"][0].startswith("arn:aws:")


@pytest.mark.parametrize("character", re.findall(r"`(.)`", re.findall(r"allow a path with (.*?), which it refuses", PAGE.prose)[0]))
def test_powertools_refuses_these_characters(character: str) -> None:
    with pytest.raises(ValueError, match="Invalid resource path"):
        APIGatewayAuthorizerResponse("u", "eu-west-1", "111122223333", "a1b2c3d4e5", "prod").allow_route("GET", f"/a{character}b")
