"""The kill switch: who may set it and for how long, and that no publishing and no mistake keeps it from being set."""

from typing import Any

import pytest

from tests.integration.rest.client import ADMIN, OTHER_ADMIN, Client, Reply
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import Answer, Call, error
from tests.support.chain import verify_chain
from tests.support.tables import Table

END = "2030-01-01T00:00:00Z"


def deny(client: Client, api: str, where: str = "sub/u1", **more: Any) -> Reply:
    """Put an entry on the denylist."""
    body = {"reason": "lost laptop", "expires_at": END} | more.pop("entry", {})
    return client.put(f"/v1/apis/{api}/denylist/{where}", body, **more)


def test_an_entry_is_put_read_listed_and_taken_away(rest: Rest, shop: str) -> None:
    client, path = rest.client, f"/v1/apis/{shop}/denylist/sub/u1"
    entry = {
        "kind": "sub",
        "value": "u1",
        "place": "sub/u1",
        "reason": "lost laptop",
        "author": "jane",
        "version": 2,
        "expires_at": END,
        "issued_before": "2027-01-01T00:00:00Z",
        "in_force": True,
    }
    put = deny(client, shop, entry={"issued_before": "2027-01-01T01:00:00+01:00"})
    assert (put.status, put.body["version"], put.body["entry"]) == (200, 2, entry)
    assert (put.body["flushed"], rest.flushed) == ([f"{shop}1/prod"], [shop])
    assert client.get(path).body == entry
    assert client.get(f"/v1/apis/{shop}/denylist").body == {"entries": [entry], "next": None}
    item = rest.table.get(f"api#{shop}#denylist", "sub#u1")
    assert (item["expires_at"], item["issued_before"]) == (1_893_456_000, 1_798_761_600)
    again = deny(client, shop, as_=OTHER_ADMIN)
    assert (again.body["version"], again.body["entry"]["author"], again.body["entry"]["issued_before"]) == (3, "paul", None)
    gone = client.delete(path, as_=OTHER_ADMIN, query={"reason": "found again"})
    assert (gone.status, gone.body["version"], gone.body["entry"], rest.flushed) == (200, 4, None, [shop] * 3)
    client.get(path).problem(404, "not-found")
    client.delete(path).problem(404, "not-found")
    assert client.get(f"/v1/apis/{shop}/denylist").body["entries"] == []
    assert rest.table.get(f"api#{shop}", "head")["denylist_stamp"] == 4
    assert verify_chain(rest.table.items(), shop) == 4
    newest, _, first, _ = client.get(f"/v1/apis/{shop}/versions").body["versions"]
    assert (newest["author"], newest["reason"], newest["denylist"]) == (
        "paul",
        "found again",
        {"kind": "sub", "value": "u1", "expires_at": None},
    )
    assert (first["author"], first["reason"], first["denylist"]) == (
        "jane",
        "lost laptop",
        {"kind": "sub", "value": "u1", "expires_at": END},
    )
    assert first["changes"] == ["tokens with sub u1 are refused"]


@pytest.mark.parametrize("kind", ["sub", "jti", "origin_jti", "client_id"])
def test_every_kind_of_value_can_be_denied(client: Client, shop: str, kind: str) -> None:
    assert deny(client, shop, f"{kind}/~cGFydG5lcjp1MQ").body["entry"]["value"] == "partner:u1"
    assert client.get(f"/v1/apis/{shop}/denylist/{kind}/~cGFydG5lcjp1MQ").body["place"] == f"{kind}/~cGFydG5lcjp1MQ"


@pytest.mark.parametrize("where", ["subs/u1", "group/guest", "sub/~dTE", "sub/~", "username/jane", "SUB/u1"])
def test_what_is_no_kind_or_no_value_is_404(client: Client, table: Table, standing: str, where: str) -> None:
    before = table.items()
    deny(client, standing, where).problem(404, "not-found")
    client.get(f"/v1/apis/{standing}/denylist/{where}").problem(404, "not-found")
    client.delete(f"/v1/apis/{standing}/denylist/{where}").problem(404, "not-found")
    assert table.items() == before


ENTRIES: list[tuple[dict[str, Any], list[str]]] = [
    ({"expires_at": "2027-01-15T08:00:00Z"}, ["/expires_at"]),
    ({"expires_at": "2026-01-01T00:00:00Z"}, ["/expires_at"]),
    ({"expires_at": "2030-01-01"}, ["/expires_at"]),
    ({"expires_at": "2030-01-01T00:00:00"}, ["/expires_at"]),
    ({"expires_at": "2030-13-01T00:00:00Z"}, ["/expires_at"]),
    ({"expires_at": "9999-12-31T23:59:59-14:00"}, ["/expires_at"]),
    ({"expires_at": "0001-01-01T00:00:00+14:00"}, ["/expires_at"]),
    ({"expires_at": 1_893_456_000}, ["/expires_at"]),
    ({"expires_at": "1893456000"}, ["/expires_at"]),
    ({"expires_at": None}, ["/expires_at"]),
    ({"expires_at": "in a week"}, ["/expires_at"]),
    ({"issued_before": "yesterday"}, ["/issued_before"]),
    ({"issued_before": 0}, ["/issued_before"]),
    ({"issued_before": "1969-12-31T23:59:59Z"}, ["/issued_before"]),
    ({"reason": ""}, ["/reason"]),
    ({"reason": None}, ["/reason"]),
    ({"reason": 5}, ["/reason"]),
    ({"reason": "r" * 501}, ["/reason"]),
    ({"author": "mallory"}, ["/author"]),
    ({"version": 1, "reason": "\0"}, ["/reason", "/version"]),
]


@pytest.mark.parametrize(("entry", "places"), ENTRIES)
def test_an_entry_with_mistakes_is_refused_with_their_places(
    client: Client, table: Table, standing: str, entry: dict[str, Any], places: list[str]
) -> None:
    """Among them an entry without an end, and one that has ended already: either would be another mistake a year later."""
    before = table.items()
    for query in ({}, {"dry_run": "true"}):
        reply = deny(client, standing, entry=entry, query=query)
        reply.problem(422, "invalid-request")
        assert reply.pointers() == places
    assert table.items() == before


def test_an_entry_needs_its_reason_and_its_end(client: Client, table: Table, standing: str) -> None:
    before = table.items()
    reply = client.put(f"/v1/apis/{standing}/denylist/sub/u1", {})
    reply.problem(422, "invalid-request")
    assert reply.pointers() == ["/reason", "/expires_at"]
    assert table.items() == before


def test_what_has_ended_is_shown_as_ended_until_dynamodb_deletes_it(rest: Rest, shop: str) -> None:
    deny(rest.client, shop, entry={"expires_at": "2027-01-15T08:00:05Z"})
    path = f"/v1/apis/{shop}/denylist/sub/u1"
    rest.clock.advance(4.9)
    assert rest.client.get(path).body["in_force"] is True
    rest.clock.advance(0.1)
    assert rest.client.get(path).body["in_force"] is False
    rest.table.delete(f"api#{shop}#denylist", "sub#u1")
    rest.client.get(path).problem(404, "not-found")
    assert rest.client.get(f"/v1/apis/{shop}/versions").status == 200


def test_the_list_comes_in_pages(client: Client, shop: str) -> None:
    for where in ("sub/b", "sub/a", "jti/z", "client_id/c", "sub/~YSBi"):
        deny(client, shop, where)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get(f"/v1/apis/{shop}/denylist", limit="2", **cursor).body
        assert len(page["entries"]) <= 2
        seen += [entry["place"] for entry in page["entries"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
        # What is taken away between two pages takes nobody else with it.
        if seen[-1] == "jti/z":
            client.delete(f"/v1/apis/{shop}/denylist/jti/z")
    assert seen == ["client_id/c", "jti/z", "sub/a", "sub/~YSBi", "sub/b"]


def test_a_dry_run_tells_what_would_be_and_writes_and_flushes_nothing(rest: Rest, shop: str) -> None:
    before = rest.table.items()
    tried = deny(rest.client, shop, query={"dry_run": "true"})
    assert (tried.status, tried.body["version"], tried.body["dry_run"], tried.body["flushed"]) == (200, 2, True, [])
    assert rest.table.items() == before
    done = deny(rest.client, shop, query={"dry_run": "false"})
    assert tried.body["entry"] == done.body["entry"]
    before = rest.table.items()
    path = f"/v1/apis/{shop}/denylist/sub/u1"
    assert rest.client.delete(path, query={"dry_run": "true"}).body["version"] == 3
    rest.client.delete(f"{path}2", query={"dry_run": "true"}).problem(404, "not-found")
    assert rest.table.items() == before
    assert rest.flushed == [shop]


def test_no_precondition_stands_between_an_admin_and_the_kill_switch(client: Client, shop: str) -> None:
    assert deny(client, shop, if_match='"9-00000000"').status == 200
    assert client.delete(f"/v1/apis/{shop}/denylist/sub/u1").status == 200


def conflicts(rest: Rest, times: int) -> list[Call]:
    """Let so many transactions lose their race, and note them all."""
    seen: list[Call] = []

    def rule(call: Call) -> Answer:
        if call.operation != "TransactWriteItems":
            return None
        seen.append(call)
        lost = error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict", "Message": "x"}])
        return lost if len(seen) <= times else None

    rest.wire.rule = rule
    return seen


@pytest.mark.parametrize("removed", [False, True])
def test_an_entry_is_written_although_others_publish_all_the_time(rest: Rest, shop: str, removed: bool) -> None:
    deny(rest.client, shop)
    seen = conflicts(rest, 7)
    reply = rest.client.delete(f"/v1/apis/{shop}/denylist/sub/u1") if removed else deny(rest.client, shop, as_=OTHER_ADMIN)
    assert (reply.status, reply.body["version"], len(seen)) == (200, 3, 8)
    # Full jitter below a ceiling that doubles, so that no wait is long and no two collide again and again.
    assert len(rest.waits) == 7
    assert all(0 <= wait <= 0.05 * 2 ** min(number, 5) for number, wait in enumerate(rest.waits))
    rest.wire.rule = None
    assert verify_chain(rest.table.items(), shop) == 3


def test_who_loses_every_race_is_asked_to_come_again(rest: Rest, shop: str) -> None:
    seen = conflicts(rest, 1000)
    before = rest.table.items()
    reply = deny(rest.client, shop)
    assert "others kept publishing" in reply.problem(503, "unavailable")["detail"]
    assert (reply.headers["retry-after"], len(seen), rest.flushed) == ("2", 11, [])
    assert rest.table.items() == before


def test_an_entry_survives_what_is_published_later(rest: Rest, shop: str) -> None:
    deny(rest.client, shop)
    rest.client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match="*", as_=ADMIN)
    rest.client.post(f"/v1/apis/{shop}/versions/1/rollback", if_match="*")
    assert rest.client.get(f"/v1/apis/{shop}/denylist/sub/u1").body["version"] == 2
    assert verify_chain(rest.table.items(), shop) == 4


def test_the_kill_switch_works_whatever_is_the_matter_with_the_document(rest: Rest, shop: str) -> None:
    rest.table.change(f"api#{shop}#subject#client/job", "000000000001", content="{")
    rest.client.get(f"/v1/apis/{shop}/document").problem(500, "damaged")
    assert deny(rest.client, shop, query={"dry_run": "true"}).status == 200
    assert deny(rest.client, shop).status == 200
    assert rest.client.delete(f"/v1/apis/{shop}/denylist/sub/u1").status == 200


@pytest.fixture
def small_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for two entries, and for one whole caller more."""
    monkeypatch.setattr("admin_api.publishing.service.MAX_DENYLIST", 2)
    monkeypatch.setattr("admin_api.publishing.service.DENYLIST_RESERVE", 1)


@pytest.mark.usefixtures("small_list")
def test_a_full_list_takes_no_new_entry_and_a_dry_run_says_so_too(rest: Rest, shop: str) -> None:
    assert [deny(rest.client, shop, f"jti/{n}").status for n in range(2)] == [200, 200]
    before = rest.table.items()
    for query in ({}, {"dry_run": "true"}):
        detail = deny(rest.client, shop, "jti/3", query=query).problem(409, "denylist-full")["detail"]
        assert "remove some first" in detail
        assert "a whole user or client still has 1 places" in detail
    assert rest.table.items() == before
    assert deny(rest.client, shop, "jti/1", entry={"reason": "found out more"}).status == 200


@pytest.mark.usefixtures("small_list")
def test_a_list_full_of_tokens_has_room_for_a_whole_user(rest: Rest, shop: str) -> None:
    for n in range(2):
        deny(rest.client, shop, f"origin_jti/{n}")
    assert deny(rest.client, shop, "sub/u1").status == 200
    assert "remove some first" in deny(rest.client, shop, "client_id/c1").problem(409, "denylist-full")["detail"]
    deny(rest.client, shop, "jti/2").problem(409, "denylist-full")
    for where in ("sub/u1", "origin_jti/1"):
        assert deny(rest.client, shop, where, entry={"reason": "found out more"}).status == 200


@pytest.mark.usefixtures("small_list")
def test_what_has_ended_takes_no_room_however_late_dynamodb_deletes_it(rest: Rest, shop: str) -> None:
    ends = {"expires_at": "2027-01-15T08:01:00Z"}
    for n in range(2):
        assert deny(rest.client, shop, f"jti/{n}", entry=ends).status == 200
    deny(rest.client, shop, "jti/2").problem(409, "denylist-full")
    rest.clock.advance(61)
    assert deny(rest.client, shop, "jti/2").status == 200
    # An ended entry is written over like any other, and counts again from then on.
    assert deny(rest.client, shop, "jti/0").status == 200
    deny(rest.client, shop, "jti/1").problem(409, "denylist-full")
