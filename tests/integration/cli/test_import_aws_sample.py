"""gatebook import aws-sample: the table of AWS's sample becomes a document that gives nobody more than the sample's answers."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError

from admin_api.cli.commands import import_permissions
from tests.integration.cli.conftest import Run
from tests.support.deployed_apis import API, PROD, StubbedGateway, method_of

TABLE = "auth-policy-store"
STAGE = f"arn:aws:execute-api:eu-west-1:123456789012:{API}/prod"
ROUTES = "GET /petstore/v1/pets\nPOST /petstore/v1/pets\nDELETE /petstore/v1/pets/{id}\nGET /petstore/v2/status\nGET /petstore/v2/pets\n"
# As the sample's own template writes them.
SAMPLE = ["arn:aws:execute-api:*:*:*/*/*/petstore/v1/*", "arn:aws:execute-api:*:*:*/*/GET/petstore/v2/status"]


def statement(*resources: str, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Action": "execute-api:Invoke", "Effect": effect, "Resource": list(resources), "Sid": "PetStore-API", **more}


class Sample:
    """The table, and the clients that the command makes."""

    def __init__(self) -> None:
        self.dynamodb: Any = boto3.client("dynamodb", region_name="eu-west-1")
        self.dynamodb.create_table(
            TableName=TABLE,
            AttributeDefinitions=[{"AttributeName": "group", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "group", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.gateway = StubbedGateway()
        self.scans = 0
        self.code = ""

    def client(self, service: str, target: object) -> Any:
        if service in ("apigateway", "apigatewayv2"):
            return self.gateway.client(service)
        made: Any = boto3.client(service, region_name="eu-west-1")  # type: ignore[call-overload]
        if service == "dynamodb":
            made.meta.events.register("provide-client-params.dynamodb.Scan", self._paged)
        return made

    def _paged(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        self.scans += 1
        if self.code:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, "Scan")
        return {**params, "Limit": 1}

    def item(self, group: str, policy: object, *statements: dict[str, Any]) -> None:
        value = {"Version": "2012-10-17", "Statement": list(statements)} if statements else policy
        serialized = TypeSerializer().serialize({"group": group, "policy": value})["M"]
        self.dynamodb.put_item(TableName=TABLE, Item=serialized)


@pytest.fixture
def sample(aws: None, monkeypatch: pytest.MonkeyPatch) -> Sample:
    sample = Sample()
    monkeypatch.setattr(import_permissions, "client", sample.client)
    return sample


@pytest.fixture(autouse=True)
def routes(folder: Path) -> None:
    (folder / "routes.txt").write_text(ROUTES)


def imported(run: Run, *more: str) -> Any:
    return run("import", "aws-sample", TABLE, "--api", STAGE, "--routes", "routes.txt", *more)


def test_the_sample_as_aws_publishes_it(run: Run, sample: Sample) -> None:
    """It is read whole, one page after the other, and what the sample allows the document allows."""
    sample.item("pet-veterinarian", None, statement(*SAMPLE))
    sample.item("guest", None, statement(f"{STAGE}/GET/petstore/v1/pets"))
    result = imported(run, "--name", "petstore")
    assert (result.exit_code, sample.scans == 2) == (0, True), result.stderr
    assert yaml.safe_load(result.stdout) == {
        "api": "petstore",
        "routes": ROUTES.splitlines(),
        "groups": {
            "guest": {"allow": ["GET /petstore/v1/pets"]},
            "pet-veterinarian": {"allow": ["* /petstore/v1/**", "GET /petstore/v2/status"]},
        },
    }
    assert "the document does not" not in result.stderr


def test_a_deny_takes_from_other_groups_as_it_does_in_the_joined_policy(run: Run, sample: Sample) -> None:
    sample.item("admin", None, statement(*SAMPLE))
    sample.item("trainee", None, statement(f"{STAGE}/DELETE/*", effect="Deny"))
    result = imported(run, "--json")
    told = json.loads(result.stdout)
    assert told["document"]["groups"]["trainee"] == {"deny": ["DELETE /petstore/v1/pets/{id}"]}
    assert (result.exit_code, told["differences"], told["not_taken"]) == (0, [], [])


def test_what_is_only_a_part_is_denied_whole_or_not_taken_and_named(run: Run, sample: Sample) -> None:
    sample.item("admin", None, statement(*SAMPLE), statement(f"{STAGE}/DELETE/petstore/v1/pets/7", effect="Deny"))
    sample.item("night", None, statement(*SAMPLE, Condition={"DateLessThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}}))
    sample.item("self", None, statement(f"{STAGE}/DELETE/petstore/v1/pets/${{aws:username}}"))
    result = imported(run, "--json")
    told = json.loads(result.stdout)
    assert told["document"]["groups"]["admin"]["deny"] == ["DELETE /petstore/v1/pets/{id}"]
    assert (told["document"]["groups"]["night"], told["document"]["groups"]["self"]) == ({}, {})
    reasons = {each["place"]: each["reason"] for each in told["not_taken"]}
    assert "are denied whole" in reasons["group admin, statement 2"]
    assert "the condition `DateLessThan`" in reasons["group night, statement 1"]
    assert "which no authorizer's answer gives a value" in reasons["group self, statement 1"]
    assert result.exit_code == 1
    assert {d["allowed_by"] for d in told["differences"]} == {"role"}
    assert "group admin: the sample allows `DELETE /petstore/v1/pets/" in "\n".join(told["notes"])


def test_the_version_of_any_item_counts_for_all(run: Run, sample: Sample) -> None:
    """The sample takes that of the item that DynamoDB answers first: `${...}` may be a variable in each."""
    old = {"Version": "2008-10-17", "Statement": [statement(f"{STAGE}/*/petstore/v1/${{x}}", effect="Deny")]}
    sample.item("old", old)
    sample.item("new", None, statement(*SAMPLE))
    told = json.loads(imported(run, "--json").stdout)
    assert told["document"]["groups"]["old"] == {"deny": ["* /petstore/v1/**"]}


def test_the_api_may_be_asked_from_aws(run: Run, sample: Sample) -> None:
    sample.item("pet-veterinarian", None, statement(*SAMPLE))
    for more, routes, code in ((("--routes", "routes.txt"), ROUTES.splitlines(), 0), ((), ["GET /petstore/v1/pets"], 1)):
        sample.gateway.is_rest(PROD)
        sample.gateway.has_deployment("d1", {"/petstore/v1/pets": {"GET": method_of("CUSTOM")}})
        result = run("import", "aws-sample", TABLE, "--api-id", API, "--stage", "prod", *more)
        assert (result.exit_code, yaml.safe_load(result.stdout)["routes"]) == (code, routes), result.stderr
    assert "matches no request of any route of the catalogue" in result.stderr


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"group": "a"}, "table auth-policy-store, group a: `policy` must be a map"),
        ({"group": "a", "policy": '{"Version": "2012-10-17", "Statement": []}'}, "must be a map"),
        ({"group": "a", "policy": {"Version": "2012-10-17", "Statement": statement("*")}}, "a list `Statement`"),
        ({"group": "a", "policy": {"Statement": [statement("*")]}}, "a text `Version`"),
        ({"group": "a", "policy": {"Version": "2012-10-17", "Statement": ["x"]}}, "group a, statement 1: it is no statement"),
        (
            {"group": "a b ", "policy": {"Version": "2012-10-17", "Statement": [statement("*")]}},
            "the document would be wrong at /groups/a b ",
        ),
    ],
)
def test_items_that_mean_nothing(run: Run, sample: Sample, item: dict[str, Any], said: str) -> None:
    sample.dynamodb.put_item(TableName=TABLE, Item=TypeSerializer().serialize(item)["M"])
    result = imported(run)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_tables_that_are_not_the_samples(run: Run, sample: Sample) -> None:
    assert "it has no items" in imported(run).stderr
    sample.dynamodb.create_table(
        TableName="other",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    sample.dynamodb.put_item(TableName="other", Item={"pk": {"S": "x"}})
    for table, said in (("other", "an item has no `group`"), ("gone", "there is no table `gone` in this account and region")):
        result = run("import", "aws-sample", table, "--api", STAGE, "--routes", "routes.txt")
        assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize(
    ("code", "said"), [("AccessDeniedException", "AWS refuses `dynamodb:Scan` on table"), ("InternalServerError", "Scan")]
)
def test_a_table_that_may_not_be_read(run: Run, sample: Sample, code: str, said: str) -> None:
    sample.code = code
    result = imported(run)
    assert (result.exit_code, said in result.stderr) == (4, True), result.stderr


def test_a_list_of_no_routes(run: Run, sample: Sample, folder: Path) -> None:
    sample.item("a", None, statement(*SAMPLE))
    (folder / "routes.txt").write_text("# none\n")
    assert "there is no route in it" in imported(run).stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the API by --api-id, or by --api"),
        (("--api", STAGE, "--api-id", API), "name the API by --api-id, or by --api"),
        (("--api", STAGE), "--api needs a file with the API's routes"),
        (("--api", STAGE, "--stage", "prod"), "--stage belongs to --api-id"),
        (("--api", STAGE, "--routes", "a", "--openapi", "b"), "--openapi and --routes both name the routes"),
        (("--api", "x", "--routes", "routes.txt"), "`x` is no stage of an API"),
    ],
)
def test_arguments_that_do_not_go_together(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run("import", "aws-sample", TABLE, *arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split()), result.stderr
