"""People of the user pool by the beginning of a name: who is found, with what, who is not, and what nobody is told."""

import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.user_directory import MAX_USERS, UserDirectory, filter_of
from authorizer.table.reader import PermissionTable
from tests.conftest import REGION
from tests.integration.rest.client import Client, Reply
from tests.support.aws_calls import AwsCalls, Call, answer, error
from tests.support.pools import create_pool

USERS = {
    "alice": ["owner", "guest"],
    "alina": [],
    "Alistair": ["guest"],
    "bob": ["owner"],
    **{f"many{number:02}": [] for number in range(12)},
}
ATTRIBUTES = {
    "alice": {"email": "wonder@example.com", "phone_number": "+4420", "name": "Alice Liddell", "preferred_username": "Alice in W."},
    "bob": {"email": "zeta@example.com"},
}
QUERY = "begins_with"


@pytest.fixture(scope="module")
def pool() -> Iterator[tuple[str, AwsCalls]]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch, AwsCalls().installed() as wire:
        patch.setattr("botocore.endpoint.time.sleep", lambda _: None)
        yield create_pool(USERS, ATTRIBUTES), wire


@pytest.fixture
def wire(pool: tuple[str, AwsCalls]) -> Iterator[AwsCalls]:
    """The calls of one test."""
    pool[1].take()
    yield pool[1]
    pool[1].rule = None


def client_of(users: UserDirectory | None) -> Client:
    return Client(AdminApi(PermissionService(PermissionTable("none", REGION), time.time), now=time.time, flush=lambda _: (), users=users))


@pytest.fixture
def client(pool: tuple[str, AwsCalls], wire: AwsCalls) -> Client:
    return client_of(UserDirectory(pool[0]))


def names(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [user["name"] for user in reply.body["users"]]


def test_users_are_found_by_the_beginning_of_a_name_with_their_groups(client: Client) -> None:
    reply = client.get("/v1/users", begins_with="ali")
    assert reply.body == {
        "users": [
            {"name": "alice", "display_name": "Alice in W.", "status": "FORCE_CHANGE_PASSWORD", "groups": ["guest", "owner"]},
            {"name": "alina", "display_name": None, "status": "FORCE_CHANGE_PASSWORD", "groups": []},
        ],
        "more": False,
    }
    assert reply.headers["cache-control"] == "no-store"


def test_an_address_is_told_to_whoever_knew_its_beginning(client: Client) -> None:
    (bob,) = client.get("/v1/users", begins_with="zeta@").body["users"]
    assert (bob["name"], bob["display_name"], bob["groups"]) == ("bob", "zeta@example.com", ["owner"])
    (bob,) = client.get("/v1/users", begins_with="bob").body["users"]
    assert bob["display_name"] is None


def test_a_preferred_user_name_is_looked_at_too(client: Client) -> None:
    assert names(client.get("/v1/users", begins_with="Alice in")) == ["alice"]


def test_no_other_attribute_leaves_the_api(client: Client) -> None:
    told = json.dumps(client.get("/v1/users", begins_with="ali").body)
    assert not [text for text in ("wonder@example.com", "+4420", "Liddell") if text in told]


def test_ten_are_told_and_that_there_are_more(client: Client) -> None:
    reply = client.get("/v1/users", begins_with="many")
    assert names(reply) == [f"many{number:02}" for number in range(MAX_USERS)]
    assert reply.body["more"] is True
    assert client.get("/v1/users", begins_with="many1").body["more"] is False


def test_a_user_is_found_by_the_sub_of_its_tokens(client: Client, wire: AwsCalls) -> None:
    cognito = UserDirectory("x").client(REGION)
    client.get("/v1/users", begins_with="bob")
    pool_id = wire.take()[0].body["UserPoolId"]
    user = cognito.admin_get_user(UserPoolId=pool_id, Username="bob")
    sub = next(each["Value"] for each in user["UserAttributes"] if each["Name"] == "sub")
    assert names(client.get("/v1/users", sub=sub)) == ["bob"]
    assert names(client.get("/v1/users", sub=sub[:-1])) == []


def test_a_disabled_user_is_told_as_such(client: Client, wire: AwsCalls) -> None:
    client.get("/v1/users", begins_with="bob")
    pool_id = wire.take()[0].body["UserPoolId"]
    cognito = UserDirectory("x").client(REGION)
    cognito.admin_disable_user(UserPoolId=pool_id, Username="bob")
    try:
        assert client.get("/v1/users", begins_with="bob").body["users"][0]["status"] == "DISABLED"
    finally:
        cognito.admin_enable_user(UserPoolId=pool_id, Username="bob")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ali", 'username ^= "ali"'),
        ('x" or username ^= "', 'username ^= "x\\" or username ^= \\""'),
        ("x\\", 'username ^= "x\\\\"'),
        ('x\\"', 'username ^= "x\\\\\\""'),
    ],
)
def test_what_is_asked_for_stays_within_the_filters_quotes(client: Client, wire: AwsCalls, text: str, expected: str) -> None:
    client.get("/v1/users", begins_with=text)
    assert filter_of("username", "^=", text) == expected
    asked = [call.body["Filter"] for call in wire.take() if call.operation == "ListUsers"]
    assert asked == [expected.replace("username ^= ", f"{name} ^= ", 1) for name in ("username", "preferred_username", "email")]


@pytest.mark.parametrize("text", ['"', '" ^= ""', 'a"', "\\", '\\"', 'nobody" or "a'])
def test_a_filter_that_is_passed_over_shows_nobody_else(client: Client, wire: AwsCalls, text: str) -> None:
    everybody = {"Users": [{"Username": name, "Attributes": []} for name in USERS]}

    def passes_the_filter_over(call: Call) -> Any:
        return answer(everybody) if call.operation == "ListUsers" else None

    wire.rule = passes_the_filter_over
    assert names(client.get("/v1/users", begins_with=text)) == []
    assert names(client.get("/v1/users", begins_with="ali")) == ["Alistair", "alice", "alina"]
    assert names(client.get("/v1/users", sub=text)) == []


def test_all_groups_of_a_user_are_read(client: Client, wire: AwsCalls) -> None:
    def pages(call: Call) -> Any:
        if call.operation != "AdminListGroupsForUser":
            return None
        is_first = "NextToken" not in call.body
        return answer({"Groups": [{"GroupName": "b" if is_first else "a"}], **({"NextToken": "n"} if is_first else {})})

    wire.rule = pages
    assert client.get("/v1/users", begins_with="bob").body["users"][0]["groups"] == ["a", "b"]


def test_a_user_who_is_deleted_meanwhile_is_left_out(client: Client, wire: AwsCalls) -> None:
    wire.rule = lambda call: error("UserNotFoundException") if call.operation == "AdminListGroupsForUser" else None
    assert names(client.get("/v1/users", begins_with="bob")) == []


@pytest.mark.parametrize("operation", ["ListUsers", "AdminListGroupsForUser"])
def test_a_refusal_of_aws_names_what_to_allow(client: Client, wire: AwsCalls, operation: str) -> None:
    wire.rule = lambda call: error("AccessDeniedException") if call.operation == operation else None
    detail = client.get("/v1/users", begins_with="bob").problem(502, "users-refused")["detail"]
    assert "`cognito-idp:ListUsers` and `cognito-idp:AdminListGroupsForUser`" in detail
    assert "(AccessDeniedException)" in detail


@pytest.mark.parametrize("trouble", [error("TooManyRequestsException"), EndpointConnectionError(endpoint_url="https://nobody.example")])
def test_a_pool_that_does_not_answer_may_be_asked_again(client: Client, wire: AwsCalls, trouble: Any) -> None:
    wire.rule = lambda _: trouble
    reply = client.get("/v1/users", begins_with="bob")
    reply.problem(503, "unavailable")
    assert reply.headers["retry-after"] == "2"


def test_neither_what_is_asked_for_nor_what_is_found_is_logged(client: Client, wire: AwsCalls, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client.get("/v1/users", begins_with="ali")
    wire.rule = lambda _: error("AccessDeniedException", message="alice is not for you")
    client.get("/v1/users", begins_with="ali")
    ours = [record for record in caplog.records if record.name.startswith("admin_api")]
    assert [record.getMessage() for record in ours] == ["user_directory"]
    assert "ali" not in json.dumps([{k: str(v) for k, v in record.__dict__.items()} for record in ours]).replace("validat", "")


def test_where_it_is_off_the_answer_says_how_to_turn_it_on() -> None:
    detail = client_of(None).get("/v1/users", begins_with="ali").problem(404, "no-users")["detail"]
    assert "UserDirectory=true" in detail


@pytest.mark.parametrize(
    "query", [{}, {"begins_with": "a", "sub": "b"}, {"begins_with": ""}, {"begins_with": "x" * 257}, {"begins_with": "a\u202eb"}]
)
def test_a_search_for_nothing_or_for_two_things_is_a_mistake(client: Client, wire: AwsCalls, query: dict[str, str]) -> None:
    client.get("/v1/users", **query).problem(422, "invalid-request")
    assert wire.take() == []


def test_nobody_searches_without_a_caller(client: Client, wire: AwsCalls) -> None:
    client.call("GET", "/v1/users", query={"begins_with": "ali"}, as_=None).problem(401, "unauthenticated")
    assert wire.take() == []
