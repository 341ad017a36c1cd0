"""A large document and a long history: what a read costs depends on what it shows, never on how much there is besides."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from admin_api.rest.paging import write_cursor
from admin_api.service import PermissionService
from admin_api.store import _version_item
from admin_api.version_record import Authorship, new_record
from authorizer import table_keys as keys
from authorizer.permission_table import SCHEMA, Head, HeadItem, RowItem, TableItem, subject_content
from authorizer.policy.document import Subject
from authorizer.policy.permission import PrincipalRef, RefKind
from tests.integration.rest.client import Client, Reply, pets
from tests.integration.rest.conftest import EmulatedTable, Rest

pytestmark = pytest.mark.timeout(900)
FULL = bool(os.environ.get("CI"))
GROUPS, ROUTES = (500, 300) if FULL else (60, 40)
VERSIONS = 10_000 if FULL else 500
LAMBDA_ANSWER_BYTES = 6 * 1024 * 1024
LARGE = "/v1/apis/large"
JOB = PrincipalRef(RefKind.CLIENT, "job")


def large_document() -> dict[str, Any]:
    """Every tenth group is a parent of the nine after it."""
    routes = [f"{method} /r{number}/{{id}}" for number in range(ROUTES // 2) for method in ("GET", "POST")]
    groups = {
        f"g{number:03}": {"allow": [routes[number % ROUTES], routes[number * 7 % ROUTES]]}
        | ({} if number % 10 == 0 else {"inherits": [f"g{number // 10 * 10:03}"]})
        for number in range(GROUPS)
    }
    return {"api": "large", "routes": routes, "groups": groups}


@pytest.fixture(scope="module")
def large(shared: Rest) -> Rest:
    """The document, published over the API: too large for one version."""
    reply = shared.client.put(f"{LARGE}/document", large_document(), if_none_match="*")
    assert (reply.status, reply.body["parts"] > 1) == (201, True)
    return shared


@pytest.fixture(autouse=True)
def _only_what_the_test_does(shared: Rest) -> None:
    shared.wire.take()


def calls(rest: Rest, reply: Reply) -> Counter[str]:
    """What the reply cost, none of it a Scan."""
    assert reply.status == 200, reply.body
    counted = Counter(rest.wire.operations())
    assert set(counted) <= {"GetItem", "Query", "TransactWriteItems"}
    return counted


def pages(client: Client, path: str, limit: int) -> Iterator[Reply]:
    cursor: Mapping[str, str] = {}
    while True:
        reply = client.get(path, limit=str(limit), **cursor)
        yield reply
        if reply.body["next"] is None:
            return
        cursor = {"cursor": reply.body["next"]}


def test_subjects_come_in_pages_each_once_and_each_page_costs_by_its_size(large: Rest) -> None:
    seen: list[str] = []
    for reply in pages(large.client, f"{LARGE}/subjects", 50):
        found = [entry["name"] for entry in reply.body["subjects"]]
        cost = calls(large, reply)
        assert cost["Query"] <= 50 + 2
        assert cost["GetItem"] == 1
        seen += found
    assert sorted(seen) == [f"g{number:03}" for number in range(GROUPS)]


@pytest.mark.parametrize("path", ["/subjects/groups/g007", "/routes", ""])
def test_what_is_small_stays_cheap(large: Rest, path: str) -> None:
    assert calls(large, large.client.get(f"{LARGE}{path}")).total() <= 3


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/document", {}),
        ("/matrix", {}),
        ("/access", {"method": "GET", "path": "/r3/7"}),
        ("/access", {"subject": "group/g007"}),
        ("/versions/2", {}),
    ],
)
def test_what_needs_the_whole_document_reads_each_row_once_and_fits_into_an_answer(large: Rest, path: str, query: dict[str, str]) -> None:
    reply = large.client.get(f"{LARGE}{path}", **query)
    cost = calls(large, reply)
    assert cost["GetItem"] <= 2
    assert cost["Query"] <= GROUPS + 4
    assert len(str(reply.body)) < LAMBDA_ANSWER_BYTES


def test_the_document_is_what_was_sent(large: Rest) -> None:
    groups = large.client.get(f"{LARGE}/document").body["groups"]
    assert {name: sorted(held["allow"]) for name, held in groups.items()} == {
        name: sorted(set(held["allow"])) for name, held in large_document()["groups"].items()
    }


# --- a long history ---


def plant(table: EmulatedTable, api: str, versions: int, head: Head) -> None:
    """Versions of one client each, with their records chained, written without asking what is there."""
    items: list[TableItem] = []
    for version in range(head.version + 1, versions + 1):
        content = subject_content(Subject(), ())
        row = RowItem(pk=keys.subject_key(api, JOB), sk=keys.number(version), schema=SCHEMA, content=content)
        record = new_record(api, head, [row], Authorship("jane", f"edit {version}"), (), 1_800_000_000 + version)
        items += [row, _version_item(api, record)]
        head = Head(version, record.hash, head.denylist_stamp)
    table.fill(items)
    stored = HeadItem.get(keys.api_key(api), keys.HEAD)
    stored.update(actions=[HeadItem.version.set(head.version), HeadItem.hash.set(head.hash)])


@pytest.fixture(scope="module")
def histories(shared: Rest) -> dict[str, int]:
    """Two APIs that differ in the length of their history alone."""
    lengths = {"short": 60, "long": VERSIONS}
    for api, versions in lengths.items():
        shared.client.publish(pets(api))
        written = shared.client.put(f"/v1/apis/{api}/subjects/clients/job", {}, if_match="*")
        assert written.status == 200
        stored = HeadItem.get(keys.api_key(api), keys.HEAD)
        plant(shared.table, api, versions, Head(int(stored.version), stored.hash))
    return lengths


REQUESTS: dict[str, Any] = {
    "one API": lambda client, path, newest: client.get(path),
    "the document": lambda client, path, newest: client.get(f"{path}/document"),
    "a page of the history": lambda client, path, newest: client.get(f"{path}/versions", limit="50"),
    "a page in the middle": lambda client, path, newest: client.get(f"{path}/versions", limit="20", cursor=write_cursor(newest // 2)),
    "the last page": lambda client, path, newest: client.get(f"{path}/versions", limit="20", cursor=write_cursor(10)),
    "one version": lambda client, path, newest: client.get(f"{path}/versions/{newest // 2}"),
    "the first against the last": lambda client, path, newest: client.get(f"{path}/versions/1/diff", to=str(newest)),
    "an edit": lambda client, path, newest: client.put(f"{path}/subjects/groups/guest", {}, if_match="*"),
    "a rollback": lambda client, path, newest: client.post(f"{path}/versions/1/rollback", if_match="*"),
    "an entry of the denylist": lambda client, path, newest: client.put(
        f"{path}/denylist/sub/u1", {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
    ),
}


def test_the_whole_history_costs_a_query_for_each_fifty_versions(shared: Rest, histories: dict[str, int]) -> None:
    for api, versions in histories.items():
        shared.wire.take()
        records = list(PermissionService(shared.clock).history(api))
        assert [record.version for record in records] == list(range(versions, 0, -1))
        assert Counter(shared.wire.operations()) == {"GetItem": 1, "Query": -(-versions // 50)}


@pytest.mark.parametrize("name", REQUESTS)
def test_what_a_request_costs_does_not_grow_with_the_history(shared: Rest, histories: dict[str, int], name: str) -> None:
    costs = {}
    for api in histories:
        newest = shared.client.get(f"/v1/apis/{api}").body["version"]
        shared.wire.take()
        costs[api] = calls(shared, REQUESTS[name](shared.client, f"/v1/apis/{api}", newest))
    assert costs["long"] == costs["short"]


def test_a_record_that_was_altered_shows_wherever_it_is_read(shared: Rest, histories: dict[str, int]) -> None:
    shared.table.change("api#long", f"version#{VERSIONS // 2:012}", reason="another")
    path = "/v1/apis/long"
    shared.client.get(f"{path}/versions", limit="20", cursor=write_cursor(VERSIONS // 2)).problem(500, "damaged")
    shared.client.get(f"{path}/versions/{VERSIONS // 2}").problem(500, "damaged")
    assert shared.client.get(f"{path}/versions", limit="20").status == 200
