"""Five hundred groups on three hundred routes, and ten thousand versions: what a request costs depends on what it shows, never on how much there is besides."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, cast

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.rest.paging import write_cursor
from admin_api.table.history import History
from admin_api.table.version_record import record_hash
from authorizer.errors import TroubleError
from authorizer.table.records import Touched
from tests.integration.rest.client import Client, Reply, pets
from tests.integration.rest.conftest import Rest
from tests.support.chain import sha256, verify_chain
from tests.support.large_tables import LargeTable
from tests.support.tables import TABLE, Item, opened

FULL = bool(os.environ.get("CI"))
GROUPS, PATHS = 500, 150
LARGE = "/v1/apis/large"
WHOLE = {"GetItem": 1, "Query": 4 + 1 + GROUPS}
"""The head; the record, the registry, the catalogue, the rules, `everyone`, and each group."""

PARTS = -(-(1 + GROUPS + 2 * (GROUPS + 1)) // 96)

LAMBDA_ANSWER_BYTES = 6_291_556
"""What a function may answer with, all told, as Lambda's own error message has it."""

ENTRY = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}


@dataclass(slots=True)
class Measured:
    """The admin API, and the bytes that Lambda would carry for its last answer."""

    api: AdminApi
    size: int = 0

    def __call__(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        answer = self.api(event, context)
        self.size = len(json.dumps(answer).encode())
        return answer


@dataclass(slots=True)
class Asked:
    """A reply and what it cost: calls by operation, the partitions that were queried, and items that came back."""

    reply: Reply
    calls: Counter[str]
    partitions: Counter[str]
    items: int

    @property
    def body(self) -> Any:
        return self.reply.body


@dataclass(slots=True)
class Scale:
    """The table with many items, and who asks."""

    rest: Rest
    table: LargeTable
    measured: Measured

    def ask(self, method: str, path: str, **more: Any) -> Asked:
        """Ask, and see that the table was read consistently, in places, and that Lambda can carry the answer."""
        self.rest.wire.take()
        self.table.items_read = 0
        reply = Client(cast(AdminApi, self.measured)).call(method, path, **more)
        assert reply.status in (200, 201), reply.body
        assert self.measured.size < LAMBDA_ANSWER_BYTES
        made = self.rest.wire.take()
        assert {call.operation for call in made} <= {"GetItem", "Query", "TransactWriteItems"}, "nothing looks through the table"
        reads = [call for call in made if call.operation != "TransactWriteItems"]
        assert all(call.is_consistent for call in reads)
        queried = Counter(call.partition for call in reads if call.operation == "Query")
        return Asked(reply, Counter(call.operation for call in made), queried, self.table.items_read)

    def get(self, path: str, /, **query: str) -> Asked:
        """Ask with GET."""
        return self.ask("GET", path, query=query)

    def pages(self, path: str, /, **query: str) -> Iterator[Asked]:
        """All pages, each by the cursor of the one before."""
        while True:
            page = self.get(path, **query)
            yield page
            if page.body["next"] is None:
                return
            query["cursor"] = page.body["next"]


@pytest.fixture(scope="module")
def scale(shared: Rest) -> Iterator[Scale]:
    """What the tests of this module share."""
    table = LargeTable(TABLE)
    shared.wire.rule = table
    yield Scale(shared, table, Measured(shared.client.api))
    shared.wire.rule = None


@pytest.fixture
def _put_back(scale: Scale) -> Iterator[None]:
    """Nothing is left of what the test writes."""
    saved = scale.table.save()
    yield
    scale.table.restore(saved)


def test_reads_are_answered_as_the_emulator_answers_them(scale: Scale) -> None:
    paths = ("/v1/apis", *(f"/v1/apis/standing{below}" for below in ("", "/document", "/versions", "/denylist", "/subjects")))
    quick = [scale.get(path).body for path in paths]
    scale.rest.wire.rule = None
    try:
        assert [scale.get(path).body for path in paths] == quick
    finally:
        scale.rest.wire.rule = scale.table


# --- a large document ---


def get(number: int) -> str:
    return f"GET /area{number % PATHS % 10}/things{number % PATHS}/{{id}}"


def post(number: int) -> str:
    return get(number).replace("GET", "POST")


def group(number: int) -> str:
    return f"team-{number:03}"


def parents(number: int) -> list[int]:
    """Nine of ten inherit from the tenth, one of them by way of another."""
    return [] if number % 10 == 0 else [number - 1] if number % 10 == 9 else [number // 10 * 10]


def ancestors(number: int) -> set[int]:
    return {ancestor for parent in parents(number) for ancestor in {parent, *ancestors(parent)}}


def large_document() -> dict[str, Any]:
    groups = {
        group(number): {
            **({"inherits": [group(parent) for parent in parents(number)]} if parents(number) else {}),
            "allow": [post(number), post(7 * number + 3), {"route": post(11 * number + 5), "where": {"id": "sub"}}],
            "deny": [get(13 * number + 1)],
        }
        for number in range(GROUPS)
    }
    routes = [method(number) for number in range(PATHS) for method in (get, post)]
    return {"api": "large", "routes": routes, "everyone": {"allow": ["GET /**"]}, "groups": groups}


def cells(number: int) -> dict[str, str]:
    """What a group may do by itself and by inheritance, without `everyone`: worked out from the pattern of the document above."""
    holders = [number, *ancestors(number)]
    return (
        {post(11 * holder + 5): "allowed where {id} = sub" for holder in holders}
        | {post(factor * holder + more): "allowed" for holder in holders for factor, more in ((1, 0), (7, 3))}
        | {get(13 * holder + 1): "denied" for holder in holders}
    )


OPEN = {get(number): "allowed" for number in range(PATHS)}


@pytest.fixture(scope="module")
def large(scale: Scale) -> Scale:
    """The document, published over the API: the catalogue, the denies of each group, 501 subjects, and 501 entries of the registry, 96 in a version."""
    made = scale.ask("PUT", f"{LARGE}/document", body=large_document(), if_none_match="*")
    assert made.body["parts"] == made.calls["TransactWriteItems"] == PARTS
    assert made.calls["Query"] == 0
    return scale


def plainly(held: Mapping[str, Any]) -> dict[str, Any]:
    """What a subject holds, without the order of its permissions."""
    return {name: sorted(entries, key=str) for name, entries in held.items()}


def test_it_is_published_as_a_chain_of_versions_and_read_row_by_row(large: Scale) -> None:
    sent, read = large_document(), large.get(f"{LARGE}/document")
    assert read.calls == WHOLE
    subjects = ("everyone/", *(f"group/{group(number)}" for number in range(GROUPS)))
    rows = {key for key in read.partitions if key.startswith("api#large#subject#")}
    assert len(rows) == len(subjects)
    assert set(read.partitions.values()) <= {1, 2}
    assert read.partitions["api#large"] == 2, "the record and the registry"
    assert sorted(read.body["routes"]) == sorted(sent["routes"])
    assert {name: plainly(held) for name, held in read.body["groups"].items()} == {n: plainly(held) for n, held in sent["groups"].items()}
    assert verify_chain(large.rest.table.items(), "large") == PARTS


@pytest.mark.parametrize("limit", [1, 100])
def test_subjects_come_in_pages_that_cost_by_their_size(large: Scale, limit: int) -> None:
    seen: list[str] = []
    for page in large.pages(f"{LARGE}/subjects", limit=str(limit)) if limit > 1 else [large.get(f"{LARGE}/subjects", limit="1")]:
        shown = [entry["name"] for entry in page.body["subjects"]]
        assert page.calls == {"GetItem": 1, "Query": 1 + len(shown)}
        assert len(shown) <= limit
        seen += shown
    assert seen == ["", *map(group, range(GROUPS))][: None if limit > 1 else 1]


@pytest.mark.parametrize("below", ["/subjects/groups/team-499", "/subjects/everyone/-", "/routes"])
def test_one_row_costs_one_row(large: Scale, below: str) -> None:
    assert large.get(f"{LARGE}{below}").calls == {"GetItem": 1, "Query": 1}


def test_the_matrix_has_each_subject_once_and_each_page_reads_the_document_once(large: Scale) -> None:
    rows: list[dict[str, Any]] = []
    for page in large.pages(f"{LARGE}/matrix", limit="200"):
        assert page.calls == WHOLE
        assert len(page.body["rows"]) <= 200
        rows += page.body["rows"]
    shown = [(row["subject"], {cell["route"]: cell["access"] for cell in row["cells"]}) for row in rows]
    assert shown == [("everyone", OPEN), *((f"group/{group(number)}", OPEN | cells(number)) for number in range(GROUPS))]


def test_who_can_call_a_route_comes_in_pages_with_each_subject_once(large: Scale) -> None:
    expected = {f"group/{group(number)}": cells(number)[post(14)] for number in range(GROUPS) if post(14) in cells(number)}
    limit = len(expected) // 2 + 1
    seen: list[tuple[str, str]] = []
    for page in large.pages(f"{LARGE}/access", method="POST", path="/area4/things14/7", limit=str(limit)):
        assert page.calls == WHOLE
        assert len(page.body["access"]) <= limit
        seen += [(entry["subject"], entry["access"]) for entry in page.body["access"]]
    assert seen == sorted(expected.items())
    assert len(seen) > limit, "there is more than one page"


def test_what_a_subject_can_call_reads_the_document_once(large: Scale) -> None:
    what = large.get(f"{LARGE}/access", subject="group/team-499", limit="200")
    assert what.calls == WHOLE
    assert {entry["route"]: entry["access"] for entry in what.body["access"]} == {
        route: words for route, words in (OPEN | cells(499)).items() if words != "denied"
    }


def test_an_explanation_reads_the_document_once_and_stays_short(large: Scale) -> None:
    """Everyone may look at this path, `team-007` may not; it could be told of five hundred groups that make no difference."""
    path = get(13 * 7 + 1).removeprefix("GET ").replace("{id}", "1")
    asked = large.ask("POST", f"{LARGE}/explain", body={"method": "GET", "path": path, "groups": ["team-007"]})
    assert asked.calls == WHOLE
    assert asked.body["allowed"] is False
    assert len(json.dumps(asked.body)) < 5_000


def test_a_large_change_is_one_entry_of_the_history_and_costs_a_page(large: Scale) -> None:
    page = large.get(f"{LARGE}/versions", limit="50")
    assert page.calls == {"GetItem": 1, "Query": 1}
    (entry,) = page.body["versions"]
    assert (entry["version"], entry["series"]["parts"], entry["series"]["finished"]) == (PARTS, PARTS, True)


def test_an_old_version_costs_its_document_and_a_diff_costs_two(large: Scale) -> None:
    """In the first version there are some groups already, with nothing but their denies; its registry is the one of now."""
    then = large.get(f"{LARGE}/versions/1")
    assert then.calls == WHOLE
    there = then.body["document"]["groups"]
    assert 0 < len(there) < GROUPS
    gained = {("everyone", route): words for route, words in OPEN.items()} | {
        (f"group/{group(number)}", route): words
        for number in range(GROUPS)
        for route, words in cells(number).items()
        if group(number) not in there or words != "denied"
    }
    for start in (0, 1, len(gained) // 2, len(gained) - 100):
        before = sorted(gained)[start - 1]
        diff = large.get(f"{LARGE}/versions/1/diff", to=str(PARTS), limit="200", **({"cursor": write_cursor([*before])} if start else {}))
        assert diff.calls == {name: 2 * count for name, count in WHOLE.items()}
        assert {change["before"] for change in diff.body["access"]} == {"nothing"}
        told = [((change["subject"], change["route"]), change["after"]) for change in diff.body["access"]]
        assert told == sorted(gained.items())[start : start + 200]
        assert ("next" in diff.body and diff.body["next"] is not None) == (start + 200 < len(gained))


@pytest.mark.usefixtures("_put_back")
def test_an_edit_of_one_group_writes_one_version(large: Scale) -> None:
    made = large.ask("PUT", f"{LARGE}/subjects/groups/team-490", body={"allow": [post(0)]}, if_match="*")
    assert made.calls == {**WHOLE, "TransactWriteItems": 1}
    # All that inherit from it hold their ancestors' names, not their permissions: their rows stay.
    assert made.body["rows"] == ["group/team-490: changed"]


@pytest.mark.usefixtures("_put_back")
def test_a_full_denylist_comes_in_pages_with_each_entry_once(large: Scale) -> None:
    values = [f"user-{number:04}" for number in range(2000 if FULL else 600)]
    common = {"pk": "api#large#denylist", "schema": 1, "kind": "sub", "reason": "r", "author": "jane", "version": 1}
    large.table.plant({**common, "sk": f"sub#{value}", "value": value, "expires_at": 1_900_000_000} for value in values)
    seen: list[str] = []
    for page in large.pages(f"{LARGE}/denylist", limit="200"):
        assert page.calls == {"GetItem": 1, "Query": 1}
        assert len(page.body["entries"]) <= 200
        seen += [entry["value"] for entry in page.body["entries"]]
    assert seen == values


@pytest.mark.usefixtures("_put_back")
def test_apis_come_in_pages_with_each_one_once(scale: Scale) -> None:
    names = [f"shop-{number:03}" for number in range(300)]
    head = {"sk": "head", "schema": 1, "version": 1, "hash": "0" * 64, "updated_at": "2027-01-15T08:00:00Z"}
    scale.table.plant({"pk": "apis", "sk": name, "schema": 1, "name": name} for name in names)
    scale.table.plant({**head, "pk": f"api#{name}"} for name in names)
    seen: list[str] = []
    for page in scale.pages("/v1/apis", limit="50"):
        shown = [entry["name"] for entry in page.body["apis"]]
        assert page.calls == {"Query": 1, "GetItem": len(shown)}
        assert len(shown) <= 50
        seen += shown
    assert [name for name in seen if name in set(names)] == names
    assert len(seen) == len(set(seen))


def test_an_answer_that_lambda_cannot_carry_is_not_tried(scale: Scale, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a page of the matrix of 200 groups that may call any of 93 routes of seven verbs."""
    row = {"subject": "group/g100", "cells": [{"route": f"DELETE /r{number}", "access": "allowed"} for number in range(93 * 7)]}
    body = json.dumps({"version": 5, "rows": [row] * 188, "next": None}, separators=(",", ":"))
    whole = {"statusCode": 200, "body": body, "isBase64Encoded": False, "multiValueHeaders": {"Content-Type": ["application/json"]}}
    monkeypatch.setattr(scale.measured.api._resolver, "resolve", lambda *_: whole)
    Client(cast(AdminApi, scale.measured)).get(f"{LARGE}/matrix", limit="200")
    assert scale.measured.size < LAMBDA_ANSWER_BYTES


# --- a long history ---

VERSIONS = 10_000
WALKED = VERSIONS if FULL else 2_000
PATH = "/v1/apis/long"
LENGTHS = {"short": 10, "long": VERSIONS}
JOB = "subject#client/job"


def plant_history(scale: Scale, api: str, versions: int) -> None:
    """Versions 2 and 3 again and again, up to `versions`: `client/job` may look at pets, and add them, in turn.

    Only the chain is made here, every item besides is as the API wrote it.
    """
    job = f"api#{api}#{JOB}"
    items = scale.rest.table.items()
    parent = items[f"api#{api}", "version#000000000003"]["hash"]
    patterns = History(opened()).unverified_records(api, 1, 3)
    planted: list[Item] = []
    for version in range(4, versions + 1):
        pattern = patterns[version % 2]
        row = items[job, f"{pattern.version:012}"] | {"sk": f"{version:012}"}
        touched = Touched(job, row["sk"], sha256(row | {"schema": int(row["schema"])}))
        record = replace(pattern, version=version, reason=f"edit {version}", touched=(touched,), parent_hash=parent)
        record = replace(record, hash=record_hash(api, record))
        item = items[f"api#{api}", f"version#{pattern.version:012}"] | {"sk": f"version#{version:012}", "reason": record.reason}
        item |= {"touched": json.dumps([[touched.pk, touched.sk, touched.sha256]]), "parent_hash": parent, "hash": record.hash}
        planted += [row, item]
        parent = record.hash
    scale.table.plant([*planted, items[f"api#{api}", "head"] | {"version": versions, "hash": parent}])


@pytest.fixture(scope="module")
def histories(scale: Scale) -> Scale:
    """Two APIs that differ in the length of their history alone."""
    for api, versions in LENGTHS.items():
        scale.ask("PUT", f"/v1/apis/{api}/document", body=pets(api), if_none_match="*")
        for allow in ("GET /pets", "POST /pets"):
            scale.ask("PUT", f"/v1/apis/{api}/subjects/clients/job", body={"allow": [allow]}, if_match="*")
        plant_history(scale, api, versions)
    return scale


def test_the_histories_are_sound(histories: Scale) -> None:
    items = histories.rest.table.items()
    assert {api: verify_chain(items, api) for api in LENGTHS} == LENGTHS


Request = Callable[[Scale, str, int], Asked]

DOCUMENT = {"GetItem": 1, "Query": 9}
"""`pets` has five subjects; the record, the registry and the catalogue come besides."""
TWICE = {name: 2 * count for name, count in DOCUMENT.items()}
WRITTEN = {"TransactWriteItems": 1}


def versions(limit: int, cursor: Callable[[int], int] | None = None) -> Request:
    """A page of the history that begins at the version that `cursor` makes of the newest, or at that one."""

    def request(scale: Scale, path: str, newest: int) -> Asked:
        return scale.get(f"{path}/versions", limit=str(limit), **({"cursor": write_cursor(cursor(newest))} if cursor else {}))

    return request


REQUESTS: dict[str, tuple[Request, dict[str, int]]] = {
    "one API": (lambda s, path, _: s.get(path), {"GetItem": 2, "Query": 2}),
    "the document": (lambda s, path, _: s.get(f"{path}/document"), DOCUMENT),
    "the subject of all edits": (lambda s, path, _: s.get(f"{path}/subjects/clients/job"), {"GetItem": 1, "Query": 1}),
    "the first version": (lambda s, path, _: s.get(f"{path}/versions/1"), DOCUMENT),
    "a version in the middle": (lambda s, path, newest: s.get(f"{path}/versions/{newest // 2}"), DOCUMENT),
    "the newest version": (lambda s, path, newest: s.get(f"{path}/versions/{newest}"), DOCUMENT),
    "the first against the last": (lambda s, path, newest: s.get(f"{path}/versions/1/diff", to=str(newest)), TWICE),
    "the first page": (versions(5), {"GetItem": 1, "Query": 1}),
    "a page in the middle": (versions(3, lambda newest: newest // 2), {"GetItem": 2, "Query": 2}),
    "the last page": (versions(5, lambda _: 5), {"GetItem": 2, "Query": 2}),
    "an edit": (lambda s, path, _: s.ask("PUT", f"{path}/subjects/groups/guest", body={}, if_match="*"), DOCUMENT | WRITTEN),
    "a rollback": (lambda s, path, _: s.ask("POST", f"{path}/versions/1/rollback", if_match="*"), TWICE | WRITTEN),
    "an entry of the denylist": (
        lambda s, path, _: s.ask("PUT", f"{path}/denylist/sub/u1", body=ENTRY),
        {"GetItem": 1, "Query": 2, "TransactWriteItems": 1},
    ),
}


@pytest.mark.usefixtures("_put_back")
@pytest.mark.parametrize("name", REQUESTS)
def test_what_a_request_costs_does_not_grow_with_the_history(histories: Scale, name: str) -> None:
    request, calls = REQUESTS[name]
    short, long = (request(histories, f"/v1/apis/{api}", newest) for api, newest in LENGTHS.items())
    assert short.calls == long.calls == calls
    assert long.items <= short.items + 50, "no more than one page of records"


@pytest.mark.parametrize(
    ("newest", "calls"),
    [(VERSIONS, {"GetItem": 1, "Query": 2}), (VERSIONS // 2, {"GetItem": 2, "Query": 3}), (50, {"GetItem": 2, "Query": 3})],
)
def test_a_page_of_fifty_costs_the_same_wherever_it_begins(histories: Scale, newest: int, calls: dict[str, int]) -> None:
    """The first entry of the next page is read to know that there is one; with a cursor, the record before it, too, which names its hash."""
    page = versions(50, (lambda _: newest) if newest < VERSIONS else None)(histories, "/v1/apis/long", VERSIONS)
    assert page.calls == calls
    assert [entry["version"] for entry in page.body["versions"]] == list(range(newest, newest - 50, -1))


def test_the_whole_history_in_pages_costs_by_its_length_and_has_each_version_once(histories: Scale) -> None:
    entries: list[dict[str, Any]] = []
    for page in histories.pages(f"{PATH}/versions", limit="200", cursor=write_cursor(WALKED)):
        assert page.calls["GetItem"] <= 2
        assert page.calls["Query"] <= 200 // 50 + 2
        entries += page.body["versions"]
    assert [entry["version"] for entry in entries] == list(range(WALKED, 0, -1))
    assert [entry["parent_hash"] for entry in entries] == [*(entry["hash"] for entry in entries[1:]), ""]


@pytest.mark.parametrize(("shown", "queries"), [(20, 1), (50, 1), (51, 2), (WALKED, WALKED // 50)])
def test_the_log_costs_a_query_for_each_fifty_versions_that_it_shows(histories: Scale, shown: int, queries: int) -> None:
    histories.rest.wire.take()
    records = list(islice(PermissionService(opened(), histories.rest.clock).history("long"), shown))
    assert [record.version for record in records] == list(range(VERSIONS, VERSIONS - shown, -1))
    assert Counter(histories.rest.wire.operations()) == {"GetItem": 1, "Query": queries}


# --- a long history that somebody has been at ---

MIDDLE = VERSIONS // 2


def altered(scale: Scale, version: int, **changes: str) -> None:
    key = f"version#{version:012}"
    scale.table.plant([scale.table.item("api#long", key) | changes])


def rehashed(scale: Scale, version: int) -> None:
    """As somebody would alter a record who knows how hashes are made, but cannot alter the records after it."""
    altered(scale, version, reason="another")
    (record,) = History(opened()).unverified_records("long", version - 1, version)
    altered(scale, version, hash=record_hash("long", record))


SPOILED: dict[str, Callable[[Scale, int], None]] = {
    "altered": lambda scale, version: altered(scale, version, reason="another"),
    "altered with a new hash": rehashed,
    "gone": lambda scale, version: scale.rest.table.delete("api#long", f"version#{version:012}"),
}


@pytest.mark.usefixtures("_put_back")
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_record_in_the_middle_is_never_shown_in_a_page_and_troubles_nobody_else(
    histories: Scale, spoil: Callable[[Scale, int], None]
) -> None:
    spoil(histories, MIDDLE)
    client = histories.rest.client
    for newest in (MIDDLE, MIDDLE + 1, MIDDLE + 40):
        client.get(f"{PATH}/versions", limit="50", cursor=write_cursor(newest)).problem(500, "damaged")
    with pytest.raises(TroubleError, match="long"):
        list(islice(PermissionService(opened(), histories.rest.clock).history("long", MIDDLE + 40), 50))
    histories.get(f"{PATH}/versions", limit="50")
    histories.get(f"{PATH}/versions/1/diff", to=str(VERSIONS))
    histories.ask("PUT", f"{PATH}/subjects/groups/guest", body={}, if_match="*")
    histories.ask("POST", f"{PATH}/versions/1/rollback", if_match="*")


@pytest.mark.usefixtures("_put_back")
@pytest.mark.parametrize("version", [1, MIDDLE, VERSIONS])
def test_an_altered_version_is_neither_shown_nor_compared_nor_gone_back_to(histories: Scale, version: int) -> None:
    altered(histories, version, reason="another")
    client, other = histories.rest.client, 2
    client.get(f"{PATH}/versions/{version}").problem(500, "damaged")
    client.get(f"{PATH}/versions/{other}/diff", to=str(version)).problem(500, "damaged")
    client.get(f"{PATH}/versions/{version}/diff", to=str(other)).problem(500, "damaged")
    histories.rest.wire.take()
    client.post(f"{PATH}/versions/{version}/rollback", if_match="*").problem(500, "damaged")
    assert "TransactWriteItems" not in histories.rest.wire.operations()


@pytest.mark.usefixtures("_put_back")
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_newest_record_stops_reads_and_writes_of_the_document(histories: Scale, spoil: Callable[[Scale, int], None]) -> None:
    spoil(histories, VERSIONS)
    client = histories.rest.client
    for below in ("", "/document", "/versions", "/matrix"):
        client.get(f"{PATH}{below}").problem(500, "damaged")
    client.put(f"{PATH}/subjects/groups/guest", {}, if_match="*").problem(500, "damaged")
