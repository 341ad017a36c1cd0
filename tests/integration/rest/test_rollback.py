"""Going back, once: a rollback is a new version, and with an `Idempotency-Key` it is made once however often it is sent and whatever is lost on the way."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from tests.integration.rest.client import ADMIN, OTHER_ADMIN, Client, Reply, pets
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import Answer, Call, error
from tests.support.chain import verify_chain

SILENCE = ReadTimeoutError(endpoint_url="https://dynamodb.test/")


@pytest.fixture
def past(client: Client, shop: str) -> str:
    """A shop whose version 2 has no groups and another catalogue."""
    reply = client.put(f"/v1/apis/{shop}/document", pets(shop, routes=["GET /pets", "POST /pets"], groups={}, scopes={}), if_match="*")
    assert reply.body["version"] == 2
    return shop


def back(client: Client, api: str, to: int = 1, **more: Any) -> Reply:
    """Roll back."""
    return client.post(f"/v1/apis/{api}/versions/{to}/rollback", **{"if_match": "*", **more})


def test_going_back_is_a_new_version_with_the_old_document(rest: Rest, past: str) -> None:
    client = rest.client
    tag = client.get(f"/v1/apis/{past}").tag
    reply = back(client, past, if_match=tag, as_=OTHER_ADMIN)
    assert (reply.status, reply.body["version"], reply.body["changed"]) == (200, 3, True)
    assert client.get(f"/v1/apis/{past}/versions/3").body["document"] == client.get(f"/v1/apis/{past}/versions/1").body["document"]
    newest = client.get(f"/v1/apis/{past}/versions").body["versions"][0]
    assert (newest["version"], newest["author"], newest["reason"]) == (3, "paul", "roll back to version 1")
    again = back(client, past, 2, query={"reason": "forth again"})
    assert (again.body["version"], "idempotency-replayed" in again.headers) == (4, False)
    assert client.get(f"/v1/apis/{past}").body["reason"] == "forth again"
    assert verify_chain(rest.table.items(), past) == 4


def test_the_answer_is_stored_in_the_transaction_of_the_change(rest: Rest, past: str) -> None:
    rest.wire.take()
    back(rest.client, past, key="k1")
    (write,) = [call for call in rest.wire.take() if call.operation not in ("GetItem", "Query")]
    assert write.operation == "TransactWriteItems"
    stored = [item["Put"]["Item"]["pk"]["S"] for item in write.body["TransactItems"] if "Put" in item]
    assert f"api#{past}#idempotency" in stored
    item = rest.table.get(f"api#{past}#idempotency", "k1")
    assert item["expires_at"] == rest.clock() + 24 * 3600
    assert verify_chain(rest.table.items(), past) == 3


def test_the_same_request_again_gets_the_same_answer_and_makes_no_second_version(rest: Rest, past: str) -> None:
    client = rest.client
    tag = client.get(f"/v1/apis/{past}").tag
    first = back(client, past, if_match=tag, key="k1", query={"reason": "oops"})
    client.put(f"/v1/apis/{past}/subjects/clients/job", {}, if_match="*", as_=OTHER_ADMIN)
    before = rest.table.items()
    # The version that it starts from is stale by now, and no part of what is asked for.
    for again in (tag, "*", None, '"9-00000000"'):
        reply = back(client, past, if_match=again, key="k1", query={"reason": "oops"})
        assert (reply.status, reply.body, reply.tag) == (first.status, first.body, first.tag)
        assert (reply.headers["idempotency-replayed"], first.headers.get("idempotency-replayed")) == ("true", None)
    assert rest.table.items() == before


@pytest.mark.parametrize(
    ("to", "more"),
    [
        (2, {}),
        (1, {"as_": OTHER_ADMIN}),
        (1, {"query": {"reason": "another"}}),
        (1, {"query": {"dry_run": "false"}}),
        (1, {"body": {}}),
        (1, {"body": {"reason": "r"}}),
    ],
)
def test_a_key_belongs_to_one_request(rest: Rest, past: str, to: int, more: dict[str, Any]) -> None:
    """One caller, path, query and body."""
    back(rest.client, past, key="k1")
    before = rest.table.items()
    reply = back(rest.client, past, to, key="k1", **more)
    assert "make up a new one" in reply.problem(409, "idempotency-mismatch")["detail"]
    assert rest.table.items() == before


def test_a_key_belongs_to_one_api_and_is_compared_exactly(client: Client, past: str, standing: str) -> None:
    client.put(f"/v1/apis/{standing}/subjects/clients/job", {}, if_match="*")
    assert back(client, past, key="k/1").body["version"] == 3
    assert back(client, standing, key="k/1").body["version"] == 3
    assert back(client, past, 2, key="k%2F1").body["version"] == 4
    assert back(client, past, 1, key="K/1").body["version"] == 5


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 201, "k\u00fc", "k\n", "\x7f"])
def test_a_key_is_plain_text(rest: Rest, past: str, key: str) -> None:
    before = rest.table.items()
    back(rest.client, past, key=key).problem(422, "invalid-request")
    assert rest.table.items() == before


def test_a_key_is_forgotten_after_a_day(rest: Rest, past: str) -> None:
    client = rest.client
    back(client, past, key="k1")
    client.put(f"/v1/apis/{past}/subjects/clients/job", {}, if_match="*")
    rest.clock.advance(24 * 3600 - 1)
    assert back(client, past, key="k1").body["version"] == 3
    rest.clock.advance(1)
    # DynamoDB may take days to delete the item; it is in the way of nothing.
    assert f"api#{past}#idempotency" in {pk for pk, _ in rest.table.items()}
    done = back(client, past, key="k1")
    assert (done.body["version"], done.body["changed"]) == (5, True)
    assert back(client, past, key="k1").body["version"] == 5


def test_a_rollback_that_had_nothing_to_do_does_nothing_when_it_is_sent_again_later(rest: Rest, past: str) -> None:
    """Whoever lost the first answer must not undo what others did after it."""
    client = rest.client
    first = back(client, past, 2, key="k1")
    assert (first.status, first.body["changed"], first.body["version"]) == (200, False, 2)
    assert "idempotency-replayed" not in first.headers
    client.put(f"/v1/apis/{past}/subjects/clients/job", {}, if_match="*", as_=OTHER_ADMIN)
    before = rest.table.items()
    again = back(client, past, 2, key="k1")
    assert (again.status, again.body, again.tag, again.headers["idempotency-replayed"]) == (200, first.body, first.tag, "true")
    assert rest.table.items() == before


def test_a_dry_run_of_a_request_that_was_carried_out_is_a_dry_run(rest: Rest, past: str) -> None:
    back(rest.client, past, key="k1")
    again = back(rest.client, past, 2, key="k1", query={"dry_run": "true"})
    assert (again.status, again.body["version"], again.body["dry_run"]) == (200, 4, True)


def test_a_stored_answer_without_its_end_is_damaged(rest: Rest, past: str) -> None:
    back(rest.client, past, key="k1")
    rest.table.change(f"api#{past}#idempotency", "k1", expires_at=None)
    before = rest.table.items()
    back(rest.client, past, key="k1").problem(500, "damaged")
    assert rest.table.items() == before


def test_a_dry_run_uses_up_no_key(rest: Rest, past: str) -> None:
    before = rest.table.items()
    assert back(rest.client, past, key="k1", query={"dry_run": "true"}).body["version"] == 3
    assert rest.table.items() == before
    assert back(rest.client, past, key="k1").body["version"] == 3


@pytest.mark.parametrize(
    ("more", "status", "name"),
    [
        ({"if_match": None}, 428, "precondition-required"),
        ({"if_match": '"1-00000000"'}, 412, "stale-version"),
        ({"to": 9}, 404, "not-found"),
        ({"query": {"dryrun": "true"}}, 422, "invalid-request"),
    ],
)
def test_what_is_refused_uses_up_no_key(rest: Rest, past: str, more: dict[str, Any], status: int, name: str) -> None:
    before = rest.table.items()
    back(rest.client, past, key="k1", **more).problem(status, name)
    assert rest.table.items() == before
    assert back(rest.client, past, key="k1").body["changed"]


class LostAnswers:
    """DynamoDB carries out each transaction and its answer never comes."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.arrived: list[Call] = []

    def __call__(self, call: Call) -> Answer:
        if call.operation != "TransactWriteItems":
            return None
        # DynamoDB carries out a request token once.
        if call.body["ClientRequestToken"] not in {known.body["ClientRequestToken"] for known in self.arrived}:
            self._rest.table.dynamodb.transact_write_items(TransactItems=call.body["TransactItems"])
        self.arrived.append(call)
        return SILENCE


def test_an_answer_that_is_lost_after_the_change_cannot_make_it_happen_twice(rest: Rest, past: str) -> None:
    tag = rest.client.get(f"/v1/apis/{past}").tag
    rest.wire.rule = lost = LostAnswers(rest)
    reply = back(rest.client, past, if_match=tag, key="k1")
    assert "may be written or not" in reply.problem(503, "unavailable")["detail"]
    assert (reply.headers["retry-after"], len(lost.arrived)) == ("2", 2)
    rest.wire.rule = None
    after = rest.table.items()
    again = back(rest.client, past, if_match=tag, key="k1")
    assert (again.status, again.body["version"], again.headers["idempotency-replayed"]) == (200, 3, "true")
    assert again.tag == rest.client.get(f"/v1/apis/{past}").tag
    assert rest.table.items() == after
    assert verify_chain(after, past) == 3


def test_without_a_key_the_version_keeps_it_from_happening_twice(rest: Rest, past: str) -> None:
    tag = rest.client.get(f"/v1/apis/{past}").tag
    rest.wire.rule = LostAnswers(rest)
    back(rest.client, past, if_match=tag).problem(503, "unavailable")
    rest.wire.rule = None
    assert back(rest.client, past, if_match=tag).problem(412, "stale-version")["current_version"] == 3


def test_a_change_that_never_arrived_is_made_when_it_is_sent_again(rest: Rest, past: str) -> None:
    before = rest.table.items()
    rest.wire.rule = lambda call: SILENCE if call.operation == "TransactWriteItems" else None
    back(rest.client, past, key="k1").problem(503, "unavailable")
    assert rest.table.items() == before
    rest.wire.rule = None
    done = back(rest.client, past, key="k1")
    assert (done.body["version"], done.body["changed"], done.headers.get("idempotency-replayed")) == (3, True, None)


def transaction_of(rest: Rest, api: str, **more: Any) -> list[Any]:
    """What a rollback would send, without sending it: the clock stands, so that the same request sends the same."""
    caught: list[Call] = []

    def catch(call: Call) -> Answer:
        if call.operation != "TransactWriteItems":
            return None
        caught.append(call)
        return error("ThrottlingException")

    rest.wire.rule = catch
    back(rest.client, api, **more).problem(503, "unavailable")
    rest.wire.rule = None
    items: list[Any] = caught[0].body["TransactItems"]
    return items


# The moment at which the twin comes first: before our transaction, or between our look at stored answers and at the version.
MOMENTS = {
    "at the write": lambda call, before: call.operation == "TransactWriteItems",
    "after the look at stored answers": lambda call, before: any("idempotency" in known.partition for known in before),
}


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
@pytest.mark.parametrize("exact", [True, False])
def test_of_two_at_once_one_makes_the_change_and_both_get_its_answer(rest: Rest, past: str, moment: Any, exact: bool) -> None:
    """Whether they name the version that they start from or any."""
    tag = rest.client.get(f"/v1/apis/{past}").tag if exact else "*"
    twin = transaction_of(rest, past, if_match=tag, key="k1")
    seen: list[Call] = []

    def rule(call: Call) -> Answer:
        if twin and moment(call, seen):
            rest.table.dynamodb.transact_write_items(TransactItems=list(twin))
            twin.clear()
        seen.append(call)
        return None

    rest.wire.rule = rule
    reply = back(rest.client, past, if_match=tag, key="k1")
    rest.wire.rule = None
    assert not twin
    assert (reply.status, reply.body["version"], reply.body["changed"]) == (200, 3, True)
    assert reply.headers["idempotency-replayed"] == "true"
    assert verify_chain(rest.table.items(), past) == 3


def test_who_loses_to_another_request_with_the_same_key_is_told(rest: Rest, past: str) -> None:
    other = transaction_of(rest, past, key="k1", as_=OTHER_ADMIN)

    def rule(call: Call) -> Answer:
        if other and call.operation == "TransactWriteItems":
            rest.table.dynamodb.transact_write_items(TransactItems=list(other))
            other.clear()
        return None

    rest.wire.rule = rule
    back(rest.client, past, key="k1", as_=ADMIN).problem(409, "idempotency-mismatch")
    rest.wire.rule = None
    assert verify_chain(rest.table.items(), past) == 3
