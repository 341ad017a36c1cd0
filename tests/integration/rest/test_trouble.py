"""A DynamoDB that refuses, stumbles or falls silent, and changes that it cannot hold: 503 and when to come again, or what to do; nothing half-done."""

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from tests.integration.rest.client import Client, pets
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import Answer, Call, error

TIMEOUT = ConnectTimeoutError(endpoint_url="https://dynamodb.test/")
DOWN: dict[str, Answer] = {
    "throttled": error("ProvisionedThroughputExceededException"),
    "throttled on demand": error("ThrottlingException"),
    "not permitted": error("AccessDeniedException"),
    "no table": error("ResourceNotFoundException"),
    "unreachable": TIMEOUT,
    "failing": error("InternalServerError", 500),
}


@pytest.mark.parametrize("said", DOWN.values(), ids=DOWN)
@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_when_dynamodb_cannot_be_read_the_caller_is_asked_to_come_again(rest: Rest, standing: str, operation: str, said: Answer) -> None:
    before = rest.table.items()
    rest.wire.rule = lambda call: said if call.operation == operation else None
    for reply in (
        rest.client.get(f"/v1/apis/{standing}/document"),
        rest.client.put(f"/v1/apis/{standing}/document", pets(standing, groups={}), if_match="*"),
        rest.client.post(f"/v1/apis/{standing}/versions/1/rollback", if_match="*", key="k1"),
    ):
        reply.problem(503, "unavailable")
        assert reply.headers["retry-after"] == "2"
    rest.wire.rule = None
    assert rest.table.items() == before


def cancelled(*codes: str) -> Answer:
    return error("TransactionCanceledException", CancellationReasons=[{"Code": code, "Message": code} for code in codes])


REFUSED: dict[str, tuple[Answer, str]] = {
    "throttled": (cancelled("None", "ThrottlingError"), "refused the change"),
    "throughput": (error("ProvisionedThroughputExceededException"), "refused the change"),
    "not permitted": (error("AccessDeniedException"), "refused the change"),
    "silent": (ReadTimeoutError(endpoint_url="https://dynamodb.test/"), "may be written or not"),
    "unreachable": (TIMEOUT, "may be written or not"),
    "failing": (error("InternalServerError", 500), "may be written or not"),
}


@pytest.mark.parametrize(("said", "words"), REFUSED.values(), ids=REFUSED)
def test_when_dynamodb_does_not_write_the_caller_is_told_what_is_known(rest: Rest, standing: str, said: Answer, words: str) -> None:
    before = rest.table.items()
    rest.wire.rule = lambda call: said if call.operation == "TransactWriteItems" else None
    entry = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
    for reply in (
        rest.client.put(f"/v1/apis/{standing}/document", pets(standing, groups={}), if_match="*"),
        rest.client.put(f"/v1/apis/{standing}/denylist/sub/u1", entry),
    ):
        assert words in reply.problem(503, "unavailable")["detail"]
        assert reply.headers["retry-after"] == "2"
    rest.wire.rule = None
    assert rest.table.items() == before


def test_a_large_change_that_stops_halfway_says_so_and_goes_on_when_sent_again(rest: Rest, shop: str) -> None:
    large = pets(shop, groups={f"g{n:03}": {"allow": ["GET /pets"]} for n in range(50)})
    writes: list[Call] = []

    def rule(call: Call) -> Answer:
        if call.operation != "TransactWriteItems":
            return None
        writes.append(call)
        return TIMEOUT if len(writes) > 1 else None

    rest.wire.rule = rule
    rest.client.put(f"/v1/apis/{shop}/document", large, if_match="*").problem(503, "unavailable")
    rest.wire.rule = None
    detail = rest.client.get(f"/v1/apis/{shop}").body
    assert detail["version"] == 2
    assert detail["unfinished"]["base_version"] == 1
    reply = rest.client.put(f"/v1/apis/{shop}/document", large, if_match="*")
    assert (reply.status, reply.body["changed"]) == (200, True)
    assert rest.client.get(f"/v1/apis/{shop}").body["unfinished"] is None
    for group in ("g000", "g049"):
        assert rest.client.get(f"/v1/apis/{shop}/subjects/groups/{group}").body["held"]["allow"] == ["GET /pets"]


def test_a_large_change_is_one_entry_of_the_history(client: Client, shop: str) -> None:
    client.put(f"/v1/apis/{shop}/subjects/clients/job", {}, if_match="*")
    large = pets(shop, groups={f"g{n:03}": {"allow": ["GET /pets"]} for n in range(50)})
    parts = client.put(f"/v1/apis/{shop}/document", large, if_match="*", query={"reason": "many"}).body
    assert (parts["parts"], parts["version"]) == (2, 4)
    client.put(f"/v1/apis/{shop}/subjects/clients/job", {}, if_match="*")
    entries = client.get(f"/v1/apis/{shop}/versions").body["versions"]
    assert [entry["version"] for entry in entries] == [5, 4, 2, 1]
    many = entries[1]
    assert many["series"] == {"id": many["series"]["id"], "parts": 2, "first_version": 3, "base_version": 2, "finished": True}
    assert (many["reason"], many["parent_hash"]) == ("many", entries[2]["hash"])
    assert entries[0]["parent_hash"] == many["hash"]
    pages = [client.get(f"/v1/apis/{shop}/versions", limit="1").body]
    while pages[-1]["next"]:
        pages.append(client.get(f"/v1/apis/{shop}/versions", limit="1", cursor=pages[-1]["next"]).body)
    assert [page["versions"] for page in pages] == [[entry] for entry in entries]
    reply = client.post(f"/v1/apis/{shop}/versions/3/rollback", if_match="*")
    assert "is part 1 of 2 of one change" in reply.problem(404, "not-found")["detail"]


def test_a_row_that_no_item_can_hold_is_refused_with_the_remedy(rest: Rest, standing: str) -> None:
    before = rest.table.items()
    times = [{"route": "GET /pets", "until": f"2030-01-01T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}Z"} for n in range(7500)]
    reply = rest.client.put(f"/v1/apis/{standing}/subjects/groups/guest", {"allow": times}, if_match="*")
    assert "use selectors" in reply.problem(422, "change-too-large")["detail"]
    assert rest.table.items() == before
