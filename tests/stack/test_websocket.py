"""The petstore's WebSocket API: who may connect, with the token in each of its three places, and what a connection may then send."""

from collections.abc import Sequence
from urllib.parse import unquote

import pytest

from tests.support.local_stack import LocalStack
from tests.support.websocket import RefusedError, connected

pytestmark = pytest.mark.stack

MAY_SEND = {
    "guest": {"watchPets"},
    "owner": {"watchPets", "announcePet"},
    "admin": {"watchPets", "announcePet"},
}
REFUSED = {"nobody", "auditor", "petadmin"}


def status_of(stack: LocalStack, query: str = "", headers: Sequence[tuple[str, str]] = (), protocols: Sequence[str] = ()) -> int:
    """101 for a connection that is made."""
    try:
        with connected(stack.note["apis"]["websocket"], query, headers, protocols):
            return 101
    except RefusedError as error:
        return error.status


@pytest.mark.parametrize("user", sorted(MAY_SEND))
def test_a_connection_may_send_what_was_permitted_when_it_was_made(stack: LocalStack, tokens: dict[str, str], user: str) -> None:
    headers = [("Authorization", f"Bearer {tokens[user]}")]
    with connected(stack.note["apis"]["websocket"], headers=headers) as connection:
        for action in ("watchPets", "announcePet"):
            answer = connection.ask(action=action)
            if action in MAY_SEND[user]:
                assert answer["route"] == action
                assert set(MAY_SEND[user]) < set(unquote(answer["authorizer"]["routes"]).split(","))
            else:
                assert answer == {"message": f"your permissions do not include `{action}`"}


@pytest.mark.parametrize("user", sorted(REFUSED))
def test_whoever_may_not_connect_is_refused_before_there_is_a_connection(stack: LocalStack, tokens: dict[str, str], user: str) -> None:
    assert status_of(stack, headers=[("Authorization", f"Bearer {tokens[user]}")]) == 403


def test_the_token_may_come_in_three_places_and_in_one_of_them_only(stack: LocalStack, tokens: dict[str, str]) -> None:
    token = tokens["guest"]
    header = [("Authorization", f"Bearer {token}")]
    assert status_of(stack, headers=header) == 101
    assert status_of(stack, f"?access_token={token}") == 101
    assert status_of(stack, protocols=["bearer", token]) == 101
    # MiniStack answers 500 where API Gateway would answer 401.
    assert status_of(stack, f"?access_token={token}", headers=header) in (401, 500)
    assert status_of(stack, protocols=["bearer", token], headers=header) in (401, 500)


@pytest.mark.parametrize("query", ["", "?access_token=", "?access_token=a.b.c", "?token=a.b.c"])
def test_without_a_good_token_there_is_no_connection(stack: LocalStack, query: str) -> None:
    assert status_of(stack, query) in (401, 500)
