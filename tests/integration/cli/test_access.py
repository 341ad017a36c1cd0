"""explain, who-can and what-can: what they print for people and for programs, and what they refuse."""

from typing import Any

import pytest

from tests.integration.cli.conftest import Run, parsed
from tests.support.aws_calls import AwsCalls
from tests.support.tables import Table, create_table, publish

DOCUMENT = """
api: petstore
routes: [GET /pets, POST /pets, "GET /owners/{ownerId}/pets", "WS $connect"]
everyone: {allow: [GET /pets]}
groups:
  owner:
    allow:
      - POST /pets
      - {route: "GET /owners/{ownerId}/pets", where: {ownerId: sub}}
"""


@pytest.fixture(autouse=True)
def published(target: Table) -> Table:
    publish(DOCUMENT)
    return target


def test_what_a_subject_can_call_comes_with_what_everyone_can(run: Run) -> None:
    assert [access["route"] for access in parsed(run("what-can", "petstore", "group/owner", "--json"))["access"]] == [
        "GET /owners/{ownerId}/pets",
        "GET /pets",
        "POST /pets",
    ]
    shown = run("what-can", "petstore", "everyone").stdout
    assert "GET /pets" in shown
    assert "POST" not in shown


@pytest.mark.parametrize("subject", ["owner", "everyone/foo", "group/", "user/jane"])
def test_what_is_no_subject_is_refused_with_how_to_write_one(run: Run, subject: str) -> None:
    result = run("what-can", "petstore", subject)
    assert result.exit_code == 2
    assert "is no subject" in " ".join(result.stderr.split())


TOYS = {
    "api": "toys",
    "routes": ["GET /toys", "POST /toys"],
    "groups": {"owner": {"allow": ["* /**"]}, "guest": {"allow": ["GET /toys"], "deny": ["POST /toys"]}},
}


def test_what_somebody_may_in_all_apis_is_grouped_by_api(run: Run) -> None:
    publish(TOYS)
    found = parsed(run("what-can", "--all-apis", "group/owner", "group/guest", "--json"))
    assert found["subjects"] == ["group/owner", "group/guest"]
    assert [(each["api"], each["version"], [access["route"] for access in each["access"]]) for each in found["apis"]] == [
        ("petstore", 1, ["GET /owners/{ownerId}/pets", "GET /pets", "POST /pets"]),
        ("toys", 1, ["GET /toys"]),
    ]
    assert {access["subject"] for each in found["apis"] for access in each["access"]} == {"group/owner + group/guest"}
    shown = run("what-can", "--all-apis", "group/stranger").stdout
    assert "petstore: group/stranger" in shown
    assert "toys: group/stranger: nobody and nothing" in shown


def test_all_apis_and_one_say_the_same(run: Run) -> None:
    publish(TOYS)
    for subjects in (["group/guest"], ["group/guest", "group/owner"], ["everyone"]):
        [toys] = [each for each in parsed(run("what-can", "--all-apis", *subjects, "--json"))["apis"] if each["api"] == "toys"]
        one = parsed(run("what-can", "toys", *subjects, "--json"))
        assert (toys["version"], toys["access"]) == (one["version"], one["access"])


def test_a_table_without_apis_says_how_to_get_one(run: Run, dynamodb: Any) -> None:
    create_table(dynamodb, "empty")
    result = run("what-can", "--all-apis", "everyone", "--table", "empty")
    assert (result.exit_code, "gatebook apply FILE" in result.stdout) == (0, True)
    assert parsed(run("what-can", "--all-apis", "everyone", "--table", "empty", "--json")) == {"subjects": ["everyone"], "apis": []}


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ([], "or give --all-apis for all of them"),
        (["group/guest"], "or give --all-apis for all of them"),
        (["everyone"], "or give --all-apis for all of them"),
        (["petstore"], "name a subject"),
        (["--all-apis"], "name a subject"),
        (["--all-apis", "petstore"], "leave one of the two out"),
        (["petstore", "group/guest", "--all-apis"], "leave one of the two out"),
        (["petstore", "group/guest", "scope/pets"], "must be groups"),
        (["--all-apis", "group/guest", "everyone"], "must be groups"),
        (["--all-apis", "user/jane"], "is no subject"),
    ],
)
def test_one_api_or_all_of_them_and_a_caller(run: Run, wire: AwsCalls, arguments: list[str], remedy: str) -> None:
    wire.take()
    result = run("what-can", *arguments)
    assert result.exit_code == 2
    assert remedy in " ".join(result.stderr.replace("│", "").split())
    assert wire.calls == []


@pytest.mark.parametrize("path", ["/owners/7/pets", "/owners/{ownerId}/pets"])
def test_who_can_takes_a_path_as_sent_and_a_template(run: Run, path: str) -> None:
    [found] = parsed(run("who-can", "petstore", "get", path, "--json"))["access"]
    assert (found["subject"], found["access"]) == ("group/owner", "allowed where {ownerId} = sub")


def test_nobody_is_an_answer_too(run: Run) -> None:
    assert "nobody and nothing" in run("who-can", "petstore", "WS", "$connect").stdout


def test_a_path_without_a_route_is_refused(run: Run) -> None:
    result = run("who-can", "petstore", "GET", "/nowhere")
    assert result.exit_code == 2
    assert "belongs to no route" in " ".join(result.stderr.split())


def test_explain_says_what_decides_and_what_would_allow_it(run: Run) -> None:
    owned = parsed(run("explain", "petstore", "GET", "/owners/u1/pets", "--group", "owner", "--claim", "sub=u1", "--json"))
    assert (owned["allowed"], owned["reason"], owned["version"]) == (True, "allowed", 1)
    refused = run("explain", "petstore", "POST", "/pets", "--group", "guest")
    assert refused.exit_code == 0
    assert "not in the document: group/guest" in refused.stdout
    assert "to allow it:" in refused.stdout


@pytest.mark.parametrize("claim", ["sub", "=u1"])
def test_what_is_no_claim_is_refused(run: Run, claim: str) -> None:
    result = run("explain", "petstore", "GET", "/pets", "--claim", claim)
    assert result.exit_code == 2
    assert "is no claim" in result.stderr


THIRD_PARTY = {
    "api": "third",
    "routes": ["GET /pets", "POST /pets"],
    "groups": {"owner": {"allow": ["* /**"]}},
    "clients": {"5thirdparty": {"delegated": True, "allow": ["POST /pets"]}},
    "scopes": {"pets/read": {"allow": ["GET /pets"]}},
}


def test_explain_tells_which_side_of_a_delegation_lacks(run: Run) -> None:
    publish(THIRD_PARTY)
    through = ("--client", "5thirdparty", "--scope", "pets/read")
    refused = run("explain", "third", "POST", "/pets", "--group", "owner", *through)
    assert "POST /pets is denied: client/5thirdparty is delegated, and the token's scopes allow nothing here" in refused.stdout
    assert "the person's permissions allow this, the token's scopes allow nothing here" in refused.stdout
    assert parsed(run("explain", "third", "GET", "/pets", "--group", "owner", *through, "--json"))["delegation"]["consent_allows"]
    jane = parsed(run("explain", "third", "GET", "/pets", "--claim", "username=jane", *through, "--json"))
    assert (jane["reason"], jane["delegation"]["person_allows"]) == ("implicit_deny", False)
    machine = run("explain", "third", "POST", "/pets", *through)
    assert "is allowed by client/5thirdparty allow POST /pets" in machine.stdout
    assert "delegated" not in machine.stdout


def test_a_delegated_client_is_marked_with_a_legend(run: Run) -> None:
    publish(THIRD_PARTY)
    shown = run("who-can", "third", "POST", "/pets").stdout
    assert "client/5thirdparty (delegated)" in shown
    assert shown.splitlines()[-1].startswith("delegated: what the client may by its own tokens")
    assert "delegated" not in run("who-can", "third", "GET", "/pets").stdout
