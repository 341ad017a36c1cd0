"""What each route costs at DynamoDB: its docstring says so, and it is counted. Nothing ever reads through the table."""

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.integration.rest.client import Client, Reply, pets
from tests.integration.rest.conftest import Rest

REST = Path(__file__).parents[3] / "admin_api" / "rest"
PATH = "/v1/apis/standing"

# `pets` has five subjects; the record, the registry and the catalogue come besides.
DOCUMENT = {"GetItem": 1, "Query": 9}
SINCE = "One Query more if the newest version changed the denylist."
WHOLE = "One GetItem, and one Query each for the record, the registry, the routes, the rules and every subject that ever was."
READING = "What reading the document costs."


def times(factor: int, cost: dict[str, int], **more: int) -> dict[str, int]:
    return {name: factor * count for name, count in cost.items()} | more


class Cost(NamedTuple):
    """A route's function, what its docstring says, a request, and the calls that it takes."""

    function: str
    words: str
    method: str
    path: str
    calls: dict[str, int]
    query: Mapping[str, str] = MappingProxyType({})
    body: Any = None


QUESTION = {"subject": {"type": "group", "id": "guest"}, "action": {"name": "GET"}}
PETS = {"resource": {"type": "route", "id": "/pets", "properties": {"api": "standing"}}}
ENTRY = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
HISTORY = "One GetItem, and one Query for each 50 records, the first of the next page included. One more of both for a page with a cursor."
WRITING = f"What reading costs, and one transaction for each of `parts`. {SINCE}"
PARTLY = f"What reading the document costs, and one transaction for each of `parts`. {SINCE}"
KEYED = "With a key one GetItem more, and one PutItem if nothing changed."
ROLLBACK = f"Twice what reading the document costs, and one transaction for each of `parts`. {KEYED} {SINCE}"
DENIAL = "One GetItem, two Queries and one transaction; for the admin API what reading its document costs besides."
SUBJECTS = "One GetItem, one Query for the registry, and one for each subject of the page."
# The admin API's own document is not there: asking for it takes one GetItem.
ABOUT = "One GetItem and two Queries, and what reading the admin API's own document takes."
FINDING = "Nothing at DynamoDB. ListUsers once to three times, and AdminListGroupsForUser for each user found."
DECIDING = "What reading the document of the API costs. Writes nothing."
DECIDING_ALL = "What reading the document costs, once for each API. Writes nothing."
ONE_EACH = {"GetItem": 1, "Query": 1}
WRITTEN = {**DOCUMENT, "TransactWriteItems": 1}
AGAIN = {"GetItem": 1, "Query": 2, "TransactWriteItems": 1}

COSTS = [
    Cost("list_apis", "One Query, and one GetItem for each API of the page.", "GET", "/v1/apis", {"Query": 1, "GetItem": 2}),
    Cost("read_api", f"{ABOUT} {SINCE}", "GET", PATH, {"GetItem": 2, "Query": 2}),
    Cost("read_document", WHOLE, "GET", f"{PATH}/document", DOCUMENT),
    Cost("read_catalogue", "One GetItem and one Query.", "GET", f"{PATH}/routes", ONE_EACH),
    Cost("list_subjects", SUBJECTS, "GET", f"{PATH}/subjects", {"GetItem": 1, "Query": 6}),
    Cost("read_one_subject", "One GetItem and one Query.", "GET", f"{PATH}/subjects/groups/guest", ONE_EACH),
    Cost("list_versions", HISTORY, "GET", f"{PATH}/versions", ONE_EACH),
    Cost("list_versions", HISTORY, "GET", f"{PATH}/versions", {"GetItem": 2, "Query": 2}, {"cursor": "MQ"}),
    Cost("read_one_version", "What reading the document costs, of then.", "GET", f"{PATH}/versions/1", DOCUMENT),
    Cost("compare_versions", "Twice what reading a version costs.", "GET", f"{PATH}/versions/1/diff", times(2, DOCUMENT), {"to": "3"}),
    Cost("read_matrix", "What reading the document costs. A page has `limit` subjects.", "GET", f"{PATH}/matrix", DOCUMENT),
    Cost("read_access", READING, "GET", f"{PATH}/access", DOCUMENT, {"method": "GET", "path": "/pets"}),
    Cost("read_access", READING, "GET", f"{PATH}/access", DOCUMENT, {"subject": "everyone"}),
    Cost("explain_request", f"{READING} Writes nothing.", "POST", f"{PATH}/explain", DOCUMENT, body={"method": "GET", "path": "/pets"}),
    Cost("list_denylist", "One GetItem and one Query.", "GET", f"{PATH}/denylist", ONE_EACH),
    Cost("read_denylist_entry", "One GetItem and one Query.", "GET", f"{PATH}/denylist/sub/u1", ONE_EACH),
    Cost("find_users", FINDING, "GET", "/v1/users", {"ListUsers": 3, "AdminListGroupsForUser": 1}, {"begins_with": "ali"}),
    Cost("find_users", FINDING, "GET", "/v1/users", {"ListUsers": 1}, {"sub": "none"}),
    Cost("evaluate", DECIDING, "POST", "/access/v1/evaluation", DOCUMENT, body=QUESTION | PETS),
    Cost("evaluate_several", DECIDING_ALL, "POST", "/access/v1/evaluations", DOCUMENT, body={**QUESTION, "evaluations": [PETS] * 3}),
    Cost("write_document", WRITING, "PUT", f"{PATH}/document", WRITTEN, body=pets("standing", groups={})),
    Cost("patch_document", WRITING, "PATCH", f"{PATH}/document", WRITTEN, body={"groups": None}),
    Cost("write_catalogue", PARTLY, "PUT", f"{PATH}/routes", WRITTEN, body={"routes": [*pets("x")["routes"], "GET /new"]}),
    Cost("write_subject", PARTLY, "PUT", f"{PATH}/subjects/groups/guest", WRITTEN, body={}),
    Cost("write_subject", PARTLY, "PUT", f"{PATH}/subjects/groups/guest", DOCUMENT, {"dry_run": "true"}, {}),
    Cost("delete_subject", PARTLY, "DELETE", f"{PATH}/subjects/groups/owner", WRITTEN),
    Cost("roll_back", ROLLBACK, "POST", f"{PATH}/versions/1/rollback", times(2, DOCUMENT, TransactWriteItems=1)),
    Cost("write_denylist_entry", DENIAL, "PUT", f"{PATH}/denylist/sub/u2", AGAIN, body=ENTRY),
    Cost("delete_denylist_entry", "One GetItem, two Queries and one transaction.", "DELETE", f"{PATH}/denylist/sub/u1", AGAIN),
]


@pytest.fixture(scope="module", autouse=True)
def _second_version(shared: Rest) -> None:
    """Version 2 of `standing` has an entry of the denylist, version 3 another client; and there is a second API."""
    shared.client.put(f"{PATH}/denylist/sub/u1", ENTRY)
    shared.client.put(f"{PATH}/subjects/clients/job", {}, if_match="*")
    shared.client.publish(pets("other"))


def send(client: Client, cost: Cost, **more: Any) -> Reply:
    body = {} if cost.body is None else {"body": cost.body}
    return client.call(cost.method, cost.path, query=cost.query, if_match="*", **body, **more)


@pytest.mark.parametrize("cost", COSTS, ids=lambda cost: f"{cost.function} {cost.query}")
def test_a_route_costs_what_it_says(rest: Rest, cost: Cost) -> None:
    rest.wire.take()
    reply = send(rest.client, cost)
    assert reply.status in (200, 201), reply.body
    calls = rest.wire.take()
    assert Counter(call.operation for call in calls) == cost.calls
    assert [call.operation for call in calls if call.operation in ("GetItem", "Query") and not call.is_consistent] == []


def functions() -> Iterator[tuple[str, str]]:
    """Every function that serves a route, and its docstring."""
    for path in sorted(REST.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any("endpoints.add" in ast.unparse(d) for d in node.decorator_list):
                yield node.name, " ".join((ast.get_docstring(node) or "").split())


def test_every_route_says_what_it_costs() -> None:
    assert sorted(functions()) == sorted({(cost.function, cost.words) for cost in COSTS})


def test_a_key_costs_a_read_more(rest: Rest) -> None:
    (cost,) = [cost for cost in COSTS if cost.function == "roll_back"]
    rest.wire.take()
    send(rest.client, cost, key="k1")
    assert Counter(rest.wire.operations()) == times(2, DOCUMENT, GetItem=3, TransactWriteItems=1)
    send(rest.client, cost, key="k1")
    assert rest.wire.operations() == ["GetItem"]
    send(rest.client, cost, key="k2")
    assert Counter(rest.wire.operations()) == times(2, DOCUMENT, GetItem=3, PutItem=1)


@pytest.mark.parametrize(
    ("path", "query", "calls"),
    [
        ("/v1/apis", {"limit": "1"}, {"Query": 1, "GetItem": 1}),
        (f"{PATH}/subjects", {"limit": "2"}, {"GetItem": 1, "Query": 3}),
        (f"{PATH}/versions", {"limit": "1"}, ONE_EACH),
        (f"{PATH}/matrix", {"limit": "1"}, DOCUMENT),
        (f"{PATH}/denylist", {"limit": "1"}, ONE_EACH),
    ],
)
def test_a_page_costs_by_its_size(rest: Rest, path: str, query: dict[str, str], calls: dict[str, int]) -> None:
    rest.wire.take()
    reply = rest.client.get(path, **query)
    assert reply.status == 200
    assert Counter(rest.wire.operations()) == calls


@pytest.mark.parametrize("changes", [1, 3, 70])
def test_however_many_changes_of_the_denylist_cost_one_query_until_the_document_changes(rest: Rest, changes: int) -> None:
    for number in range(changes):
        rest.client.put(f"/v1/apis/other/denylist/sub/u{number}", ENTRY)
    assert cost_of(rest, "/document") == DOCUMENT
    rest.client.put("/v1/apis/other/subjects/groups/guest", {"deny": ["GET /pets"]}, if_match="*", query={"dry_run": "true"})
    assert Counter(rest.wire.operations()) == {**DOCUMENT, "Query": 10}
    assert cost_of(rest, "") == {"GetItem": 2, "Query": 3}
    rest.client.put("/v1/apis/other/subjects/groups/guest", {}, if_match="*")
    assert cost_of(rest, "/document") == DOCUMENT
    assert cost_of(rest, "") == {"GetItem": 2, "Query": 2}


def cost_of(rest: Rest, below: str, **query: str) -> Counter[str]:
    rest.wire.take()
    assert rest.client.get(f"/v1/apis/other{below}", **query).status == 200
    return Counter(rest.wire.operations())


def test_the_admin_apis_kill_switch_reads_its_document_first(rest: Rest) -> None:
    own = ["GET /v1/apis/gatebook-admin/document", "PUT /v1/apis/gatebook-admin/document"]
    routes = [*own, "POST /v1/apis/gatebook-admin/versions/{number}/rollback"]
    rest.client.publish({"api": "gatebook-admin", "routes": routes, "groups": {"gatebook-admins": {"allow": ["* /**"]}}})
    rest.wire.take()
    assert rest.client.put("/v1/apis/gatebook-admin/denylist/sub/u1", ENTRY).status == 200
    assert Counter(rest.wire.operations()) == {"GetItem": 2, "Query": 7, "TransactWriteItems": 1}
