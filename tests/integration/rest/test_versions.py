"""Looking back: the history in pages with its chain of hashes, any version, what differs between two of them; and what is damaged is never shown as sound."""

import base64
import json
from collections import Counter
from typing import Any

import pytest

from admin_api.table.history import History
from admin_api.table.version_record import Authorship, record_hash
from admin_api.table.writer import Change, TableWriter
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.table import keys
from tests.integration.rest.client import Client, pets
from tests.integration.rest.conftest import Rest
from tests.support.chain import verify_chain
from tests.support.tables import Table, opened

LONG = "long"
VERSIONS = 65
PATH = f"/v1/apis/{LONG}/versions"
JOB = keys.subject_key(LONG, PrincipalRef(RefKind.CLIENT, "job"))


@pytest.fixture(scope="module", autouse=True)
def _long_history(shared: Rest) -> None:
    """An API of 65 versions: `client/job` may look at pets and add them in turn."""
    shared.client.publish(pets(LONG))
    base = History(opened()).read_base(LONG)
    for number in range(2, VERSIONS + 1):
        shared.clock.advance(60)
        allow = "POST /pets" if number % 2 else "GET /pets"
        rows = {JOB: f'{{"ancestors":[],"held":{{"allow":["{allow}"]}}}}'}
        by = Authorship("paul", f"change {number}")
        base = TableWriter(opened()).publish(Change(LONG, base, rows, frozenset(), by, (f"sentence {number}",)), shared.clock())


def test_the_history_comes_newest_first_in_pages(client: Client, table: Table) -> None:
    first = client.get(PATH).body
    assert [entry["version"] for entry in first["versions"]] == list(range(65, 15, -1))
    second = client.get(PATH, cursor=first["next"]).body
    assert [entry["version"] for entry in second["versions"]] == list(range(15, 0, -1))
    assert second["next"] is None
    assert (first["verified_down_to"], second["verified_down_to"]) == (16, 1)
    entries = first["versions"] + second["versions"]
    assert entries[-1]["parent_hash"] == ""
    assert [entry["parent_hash"] for entry in entries[:-1]] == [entry["hash"] for entry in entries[1:]]
    assert entries[3] == {
        "version": 62,
        "time": "2027-01-15T09:01:00Z",
        "author": "paul",
        "on_behalf_of": None,
        "reason": "change 62",
        "changes": ["sentence 62"],
        "hash": table.get(f"api#{LONG}", "version#000000000062")["hash"],
        "parent_hash": table.get(f"api#{LONG}", "version#000000000061")["hash"],
        "series": None,
        "denylist": None,
    }
    assert verify_chain(table.items(), LONG) == 65


@pytest.mark.parametrize(("limit", "pages"), [("1", 65), ("16", 5), ("64", 2), ("65", 1)])
def test_pages_of_any_size_join_without_a_gap(client: Client, limit: str, pages: int) -> None:
    seen: list[int] = []
    cursor: dict[str, str] = {}
    if pages == 65:
        cursor, seen = {"cursor": client.get(PATH, limit="62").body["next"]}, list(range(65, 3, -1))
    while cursor is not None:
        page = client.get(PATH, limit=limit, **cursor).body
        seen += [entry["version"] for entry in page["versions"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == list(range(65, 0, -1))


@pytest.mark.parametrize(("limit", "queries"), [("1", 1), ("49", 1), ("50", 2), ("200", 2)])
def test_a_page_costs_by_its_size(rest: Rest, limit: str, queries: int) -> None:
    """Fifty records a Query, the first of the next page included."""
    rest.wire.take()
    assert rest.client.get(PATH, limit=limit).status == 200
    assert Counter(rest.wire.operations()) == {"GetItem": 1, "Query": queries}


def cursor_of(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor", ["", "x", "?", cursor_of("5"), cursor_of(0), cursor_of(-1), cursor_of(True), cursor_of(5.0), cursor_of([5]), cursor_of({})]
)
def test_a_cursor_that_no_page_gave_is_refused(client: Client, cursor: str) -> None:
    reply = client.get(PATH, cursor=cursor)
    reply.problem(422, "invalid-request")
    assert reply.pointers() == ["/query/cursor"]


@pytest.mark.parametrize("below", ["/v1/apis", "/v1/apis/{}/subjects", "/v1/apis/{}/matrix", "/v1/apis/{}/access", "/v1/apis/{}/denylist"])
def test_no_list_takes_a_made_up_cursor(client: Client, standing: str, below: str) -> None:
    query = {"subject": "group/guest"} if below.endswith("access") else {}
    client.put(f"/v1/apis/{standing}/denylist/sub/u1", {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"})
    for cursor in (cursor_of(5), cursor_of([1, 2])):
        client.get(below.format(standing), cursor=cursor, **query).problem(422, "invalid-request")


def test_a_cursor_beyond_the_newest_version_starts_at_the_newest(client: Client) -> None:
    assert client.get(PATH, cursor=cursor_of(10**15), limit="1").body["versions"][0]["version"] == 65


def test_any_version_is_shown_with_its_document(client: Client) -> None:
    for number, allow in ((1, "POST /pets"), (2, "GET /pets")):
        body = client.get(f"{PATH}/{number}").body
        assert (body["version"], body["author"]) == (number, "jane" if number == 1 else "paul")
        assert body["document"] == pets(
            LONG, routes=sorted(pets(LONG)["routes"], key=_catalogue_order), clients={"job": {"allow": [allow]}}
        )


def _catalogue_order(route: str) -> int:
    return ["GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"].index(route)


@pytest.mark.parametrize(
    ("number", "status"), [("66", 404), ("999999999999", 404), ("0", 422), ("-1", 422), ("1000000000000", 422), ("one", 422)]
)
def test_a_version_that_is_not_there_is_told(client: Client, number: str, status: int) -> None:
    name = "not-found" if status == 404 else "invalid-request"
    client.get(f"{PATH}/{number}").problem(status, name)
    client.get(f"{PATH}/{number}/diff", to="1").problem(status, name)
    client.get(f"{PATH}/1/diff", to=number).problem(status, name)
    client.post(f"{PATH}/{number}/rollback", if_match="*").problem(status, name)


def test_two_versions_are_compared_in_both_directions(client: Client) -> None:
    forth = client.get(f"{PATH}/3/diff", to="4").body
    assert (forth["from"], forth["to"]) == (3, 4)
    assert [change["sentence"] for change in forth["access"]] == ["client/job gains GET /pets", "client/job loses POST /pets"]
    back = client.get(f"{PATH}/4/diff", to="3").body["access"]
    assert back[1] == {
        "subject": "client/job",
        "route": "POST /pets",
        "before": "nothing",
        "after": "allowed",
        "sentence": "client/job gains POST /pets",
    }
    assert client.get(f"{PATH}/3/diff", to="65").body["access"] == []
    client.get(f"{PATH}/3/diff").problem(422, "invalid-request")


def test_differences_come_in_pages(client: Client) -> None:
    whole = client.get(f"{PATH}/3/diff", to="4").body
    first = client.get(f"{PATH}/3/diff", to="4", limit="1").body
    second = client.get(f"{PATH}/3/diff", to="4", limit="1", cursor=first["next"]).body
    assert first["access"] + second["access"] == whole["access"]
    assert (len(first["access"]), second["next"], whole["next"]) == (1, None, None)
    for cursor in ("x", cursor_of("a"), cursor_of([1, 2])):
        client.get(f"{PATH}/3/diff", to="4", cursor=cursor).problem(422, "invalid-request")


def rehashed(table: Table, number: int, **changes: Any) -> None:
    """Change a record as somebody would who knows how hashes are made, but cannot change the records after it."""
    sk = f"version#{number:012}"
    table.change(f"api#{LONG}", sk, **changes)
    (record,) = History(opened()).unverified_records(LONG, number - 1, number)
    table.change(f"api#{LONG}", sk, hash=record_hash(LONG, record))


SPOILED = {
    "an author": lambda table: table.change(f"api#{LONG}", "version#000000000010", author="nobody"),
    "a reason": lambda table: table.change(f"api#{LONG}", "version#000000000010", reason="nothing"),
    "a sentence": lambda table: table.change(f"api#{LONG}", "version#000000000010", changes='["all is well"]'),
    "a record with a new hash": lambda table: rehashed(table, 10, author="nobody"),
    "the first record of a page with a new hash": lambda table: rehashed(table, 35, author="nobody"),
    "a record that is gone": lambda table: table.delete(f"api#{LONG}", "version#000000000010"),
    "a record that is no record": lambda table: table.change(f"api#{LONG}", "version#000000000010", touched="{"),
    "another schema": lambda table: table.change(f"api#{LONG}", "version#000000000010", schema=9),
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_history_that_somebody_edited_is_not_shown(client: Client, table: Table, spoil: Any) -> None:
    page = client.get(PATH, limit="30").body
    assert page["versions"][-1]["version"] == 36
    spoil(table)
    assert client.get(PATH, limit="29").status == 200, "what is newer is sound"
    client.get(PATH, cursor=page["next"]).problem(500, "damaged")


def test_the_newest_record_must_be_the_one_that_the_head_names(client: Client, table: Table) -> None:
    before = table.items()
    table.change(f"api#{LONG}", "head", hash="0" * 64)
    for reply in (
        client.get(PATH),
        client.get(f"/v1/apis/{LONG}"),
        client.get(f"/v1/apis/{LONG}/document"),
        client.put(f"/v1/apis/{LONG}/document", pets(LONG), if_match="*"),
    ):
        assert "not the one" in reply.problem(500, "damaged")["detail"]
        assert "retry-after" not in reply.headers
    table.change(f"api#{LONG}", "head", hash=before[f"api#{LONG}", "head"]["hash"])
    assert table.items() == before


def test_a_version_with_an_edited_record_is_not_shown(client: Client, table: Table) -> None:
    table.change(f"api#{LONG}", "version#000000000010", author="nobody")
    for reply in (client.get(f"{PATH}/10"), client.get(f"{PATH}/9/diff", to="10"), client.post(f"{PATH}/10/rollback", if_match="*")):
        assert "somebody edited it" in reply.problem(500, "damaged")["detail"]
    assert client.get(f"{PATH}/9").status == 200
