"""Documents, catalogues and subjects: read and written from one version to the next, by whom and why, and never over somebody else's change."""

from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from tests.integration.rest.client import ADMIN, OTHER_ADMIN, Caller, Client, Reply, pets
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import Answer, Call
from tests.support.tables import Table, opened


def test_a_document_is_created_read_and_replaced(client: Client, name: str) -> None:
    path = f"/v1/apis/{name}/document"
    created = client.put(path, pets(name), if_none_match="*")
    assert (created.status, created.body["version"], created.body["parts"], created.body["changed"]) == (201, 1, 1, True)
    assert created.tag == f'"1-{created.body["hash"][:8]}"'
    read = client.get(path)
    assert (read.status, read.tag, read.headers["content-type"]) == (200, created.tag, "application/json")
    assert read.body == pets(name, routes=["GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"])
    replaced = client.put(path, pets(name, scopes={}, clients={}), if_match=read.tag)
    assert (replaced.status, replaced.body["version"]) == (200, 2)
    assert replaced.body["rows"] == ["client/job: removed", "scope/pets/read: removed"]
    assert [change["sentence"] for change in replaced.body["access"]] == [
        "client/job loses POST /pets",
        "scope/pets/read loses GET /pets/{petId}",
    ]
    assert client.get(path).tag == replaced.tag != created.tag


def test_the_same_document_again_changes_nothing(rest: Rest, shop: str) -> None:
    tag = rest.client.get(f"/v1/apis/{shop}").tag
    before = rest.table.items()
    for reply in (
        rest.client.put(f"/v1/apis/{shop}/document", pets(shop), if_match="*"),
        rest.client.put(f"/v1/apis/{shop}/document", pets(shop), if_match=tag, query={"dry_run": "true"}),
        rest.client.patch(f"/v1/apis/{shop}/document", {}, if_match=tag),
        rest.client.put(f"/v1/apis/{shop}/routes", {"routes": pets(shop)["routes"]}, if_match=tag),
        rest.client.put(f"/v1/apis/{shop}/subjects/clients/job", {"allow": ["POST /pets"], "deny": []}, if_match=tag),
        rest.client.post(f"/v1/apis/{shop}/versions/1/rollback", if_match=tag),
    ):
        assert (reply.status, reply.body["changed"], reply.body["version"], reply.body["parts"]) == (200, False, 1, 0)
        assert reply.body["hash"][:8] in tag
    assert rest.table.items() == before


class Preconditions:
    """Each row: what `If-Match` and `If-None-Match` say, and the answer. `{}` is the tag of what is published."""

    THERE: tuple[tuple[str | None, str | None, int, str], ...] = (
        (None, None, 428, "precondition-required"),
        ("", None, 428, "precondition-required"),
        (None, "*", 412, "exists"),
        ("{}", "*", 412, "exists"),
        ('"2-00000000"', None, 412, "stale-version"),
        ('"1-00000000"', None, 412, "stale-version"),
        ("W/{}", None, 412, "stale-version"),
        ("1", None, 412, "stale-version"),
        ("{}x", None, 412, "stale-version"),
        ('"x", "y"', None, 412, "stale-version"),
    )
    ABSENT: tuple[tuple[str | None, str | None, int, str], ...] = (
        (None, None, 428, "precondition-required"),
        (None, '"1-00000000"', 428, "precondition-required"),
        ("*", None, 412, "stale-version"),
        ('"1-00000000"', "*", 412, "stale-version"),
    )


@pytest.mark.parametrize(("if_match", "if_none_match", "status", "problem"), Preconditions.THERE)
def test_a_change_must_start_from_what_is_published(
    rest: Rest, standing: str, if_match: str | None, if_none_match: str | None, status: int, problem: str
) -> None:
    tag = rest.client.get(f"/v1/apis/{standing}").tag
    before = rest.table.items()
    given = None if if_match is None else if_match.format(tag)
    body = pets(standing, groups={})
    reply = rest.client.put(f"/v1/apis/{standing}/document", body, if_match=given, if_none_match=if_none_match)
    reply.problem(status, problem)
    assert reply.tag == tag
    assert status == 428 or reply.body["current_version"] == 1
    assert rest.table.items() == before


@pytest.mark.parametrize(("if_match", "if_none_match", "status", "problem"), Preconditions.ABSENT)
def test_what_is_not_there_is_created_only_by_who_means_to(
    rest: Rest, name: str, if_match: str | None, if_none_match: str | None, status: int, problem: str
) -> None:
    before = rest.table.items()
    reply = rest.client.put(f"/v1/apis/{name}/document", pets(name), if_match=if_match, if_none_match=if_none_match)
    assert "If-None-Match: *" in reply.problem(status, problem)["detail"]
    assert rest.table.items() == before


@pytest.mark.parametrize(
    ("method", "below"),
    [
        *(("PUT", below) for below in ("/document", "/routes", "/subjects/groups/guest", "/subjects/groups/new", "/subjects/everyone/-")),
        ("PATCH", "/document"),
        ("DELETE", "/subjects/clients/job"),
        ("DELETE", "/subjects/groups/nobody"),
        ("POST", "/versions/1/rollback"),
    ],
)
def test_every_write_demands_a_precondition_and_holds_to_it(rest: Rest, standing: str, method: str, below: str) -> None:
    """Also a dry run: it tells what the change would do now."""
    before = rest.table.items()
    more: dict[str, Any] = {"body": {}} if method in ("PUT", "PATCH") else {}
    for query in ({}, {"dry_run": "true"}):
        path = f"/v1/apis/{standing}{below}"
        rest.client.call(method, path, query=query, **more).problem(428, "precondition-required")
        rest.client.call(method, path, query=query, if_match='"9-00000000"', **more).problem(412, "stale-version")
    assert rest.table.items() == before


@pytest.mark.parametrize("form", ["{}", "*", '"1-00000000", {}', "{},W/{}"])
def test_any_of_several_tags_may_be_the_one(client: Client, shop: str, form: str) -> None:
    tag = client.get(f"/v1/apis/{shop}").tag
    assert client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match=form.replace("{}", tag)).status == 200


def test_who_comes_late_is_told_what_has_changed_since(client: Client, shop: str) -> None:
    tag = client.get(f"/v1/apis/{shop}").tag
    client.put(f"/v1/apis/{shop}/subjects/groups/guest", {"allow": ["POST /pets"]}, if_match=tag, as_=OTHER_ADMIN)
    client.put(f"/v1/apis/{shop}/subjects/clients/job", {}, if_match="*", as_=OTHER_ADMIN)
    reply = client.put(f"/v1/apis/{shop}/document", pets(shop, groups={}), if_match=tag)
    problem = reply.problem(412, "stale-version")
    assert problem["current_version"] == 3
    assert problem["changes"] == [
        "client/job loses POST /pets",
        "group/guest loses GET /pets/{petId}",
        "group/guest gains POST /pets",
        "group/owner loses GET /pets/{petId}",
    ]
    assert client.put(f"/v1/apis/{shop}/document", pets(shop, groups={}), if_match=reply.tag).status == 200


def test_a_tag_of_another_history_tells_nothing_of_this_one(client: Client, shop: str) -> None:
    client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match="*")
    reply = client.put(f"/v1/apis/{shop}/document", pets(shop), if_match='"1-00000000"')
    assert reply.problem(412, "stale-version")["changes"] == []


def test_who_is_overtaken_between_reading_and_writing_is_told_the_same(rest: Rest, shop: str) -> None:
    theirs: list[Call] = []

    def catch(call: Call) -> Answer:
        if call.operation == "TransactWriteItems" and not theirs:
            theirs.append(call)
        return None

    tag = rest.client.get(f"/v1/apis/{shop}").tag
    rest.wire.rule = catch
    rest.client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match=tag, as_=OTHER_ADMIN)
    before = rest.table.items()
    # The head is as it was: the transaction above comes again, while ours is on its way.
    undo(rest.table, before, shop)
    written = theirs[0].body["TransactItems"]

    def overtake(call: Call) -> Answer:
        if call.operation == "TransactWriteItems" and written:
            rest.table.dynamodb.transact_write_items(TransactItems=list(written))
            written.clear()
        return None

    rest.wire.rule = overtake
    reply = rest.client.put(f"/v1/apis/{shop}/subjects/clients/job", {}, if_match=tag)
    problem = reply.problem(412, "stale-version")
    assert problem["current_version"] == 2
    assert problem["changes"] == ["group/guest loses GET /pets/{petId}", "group/owner loses GET /pets/{petId}"]
    assert reply.tag == rest.client.get(f"/v1/apis/{shop}").tag
    assert rest.table.items() == before


def undo(table: Table, items: dict[tuple[str, str], Any], api: str) -> None:
    """Take version 2 of an API away as if it had never been."""
    first = items[f"api#{api}", "version#000000000001"]
    for pk, sk in [key for key in items if key[0].startswith(f"api#{api}") and key[1].endswith("000000000002")]:
        table.delete(pk, sk)
    table.change(f"api#{api}", "head", version=1, hash=first["hash"], updated_at=first["time"])


def test_a_change_is_made_by_who_the_authorizer_says_and_for_the_reason_that_is_given(client: Client, shop: str) -> None:
    client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match="*", query={"reason": "Gäste raus \u2764"}, as_=OTHER_ADMIN)
    client.delete(f"/v1/apis/{shop}/subjects/clients/job", if_match="*", as_=ADMIN)
    newest, before, first = client.get(f"/v1/apis/{shop}/versions").body["versions"]
    assert (before["author"], before["reason"], before["on_behalf_of"]) == ("paul", "Gäste raus \u2764", None)
    assert (newest["author"], newest["reason"]) == ("jane", f"DELETE /v1/apis/{shop}/subjects/clients/job")
    assert (first["author"], first["reason"]) == ("jane", f"PUT /v1/apis/{shop}/document")


def test_a_patch_merges_null_removes_and_lists_are_replaced(client: Client, shop: str) -> None:
    patch = {
        "scopes": None,
        "groups": {"owner": {"inherits": None}, "guest": {"allow": ["POST /pets"]}, "new": {}},
        "clients": {"job": None},
    }
    reply = client.patch(f"/v1/apis/{shop}/document", patch, if_match="*")
    assert (reply.status, reply.body["version"]) == (200, 2)
    left = client.get(f"/v1/apis/{shop}/document").body
    assert left.keys() == {"api", "routes", "everyone", "groups"}
    assert left["groups"] == {"guest": {"allow": ["POST /pets"]}, "new": {}, "owner": {"allow": ["POST /pets"]}}


@pytest.mark.parametrize(
    ("patch", "places"),
    [
        ({"api": "another"}, ["/api"]),
        ({"api": None}, ["/api"]),
        ({"routes": None}, ["/routes"]),
        ({"groups": {"guest": None}}, ["/groups/owner/inherits"]),
        ({"groups": {"guest": {"inherits": ["owner"]}}}, ["/groups/guest/inherits"]),
        ({"everyone": {"allow": ["GET /cats"]}}, ["/everyone/allow/0"]),
        ({"groups": {"a/b~c": {"alow": []}}}, ["/groups/a~1b~0c/alow"]),
    ],
)
def test_a_patch_that_leaves_a_broken_document_is_refused_with_the_places(
    client: Client, table: Table, standing: str, patch: Any, places: list[str]
) -> None:
    before = table.items()
    reply = client.patch(f"/v1/apis/{standing}/document", patch, if_match="*")
    reply.problem(422, "invalid-document")
    assert [pointer for pointer in reply.pointers() if pointer in places] == places
    assert table.items() == before


def test_a_document_goes_to_the_api_that_it_names_or_nowhere(client: Client, table: Table, standing: str) -> None:
    before = table.items()
    for reply in (
        client.put(f"/v1/apis/{standing}/document", pets("another"), if_match="*"),
        client.put("/v1/apis/another/document", pets(standing), if_none_match="*"),
        client.put("/v1/apis/gatebook-admin/document", pets(standing), if_none_match="*"),
    ):
        reply.problem(422, "invalid-document")
        assert reply.pointers() == ["/api"]
    assert table.items() == before


def test_the_catalogue_is_read_and_replaced(client: Client, shop: str) -> None:
    path = f"/v1/apis/{shop}/routes"
    routes = [*pets(shop)["routes"], {"route": "GET /health", "public": True}]
    reply = client.put(path, {"enforced": ["route"], "routes": routes}, if_match="*")
    assert (reply.status, reply.body["rows"]) == (200, ["routes: changed"])
    read = client.get(path)
    assert read.tag == reply.tag
    assert read.body["enforced"] == ["route"]
    assert {"route": "GET /health", "public": True} in read.body["routes"]
    assert len(read.body["routes"]) == 5
    # What is not sent is not kept: PUT replaces.
    client.put(path, {"routes": routes}, if_match="*")
    assert client.get(path).body["enforced"] == []


@pytest.mark.parametrize(
    ("catalogue", "places"),
    [
        ({"routes": ["GET /pets"]}, ["/groups/guest/allow/0"]),
        ({"routes": []}, ["/routes"]),
        ({"enforced": ["route"]}, ["/routes"]),
        ({"routes": ["GET /pets", "GET  /pets"]}, ["/routes/1"]),
        ({"routes": ["GET /pets/{a}", "GET /pets/{b}"]}, ["/routes/1"]),
        ({"routes": ["GET /pets"], "groups": {}}, ["/groups"]),
        ({"routes": ["GET /pets"], "enforced": ["rout"]}, ["/enforced/0"]),
    ],
)
def test_a_catalogue_that_breaks_the_document_is_refused(
    client: Client, table: Table, standing: str, catalogue: Any, places: list[str]
) -> None:
    """A route that goes while somebody is permitted it, among others."""
    before = table.items()
    reply = client.put(f"/v1/apis/{standing}/routes", catalogue, if_match="*")
    reply.problem(422, "invalid-document")
    assert [pointer for pointer in reply.pointers() if pointer in places] == places
    assert table.items() == before


DRY: list[tuple[str, str, Any]] = [
    ("PUT", "/document", {"groups": {"guest": {}}}),
    ("PATCH", "/document", {"groups": {"guest": {"allow": ["POST /pets"]}}}),
    ("PUT", "/routes", {"routes": ["GET /pets", "POST /pets", "DELETE /pets/{petId}", "GET /pets/{petId}", "GET /new"]}),
    ("PUT", "/subjects/groups/new", {"allow": ["GET /pets"]}),
    ("PUT", "/subjects/groups/guest", {"deny": ["GET /pets"]}),
    ("DELETE", "/subjects/groups/owner", None),
    ("POST", "/versions/1/rollback", None),
]


@pytest.mark.parametrize(("method", "below", "body"), DRY)
def test_a_dry_run_answers_as_the_change_does_and_writes_nothing(rest: Rest, shop: str, method: str, below: str, body: Any) -> None:
    if "rollback" in below:
        rest.client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match="*")
    sent = {} if body is None else {"body": pets(shop) | body if (method, below) == ("PUT", "/document") else body}
    if (method, below) == ("PUT", "/document"):
        sent["body"]["groups"] = {"guest": {}}

    def send(dry_run: str) -> Reply:
        return rest.client.call(method, f"/v1/apis/{shop}{below}", if_match="*", query={"dry_run": dry_run}, **sent)

    before = rest.table.items()
    rest.wire.take()
    tried = send("true")
    assert {call.operation for call in rest.wire.take()} <= {"GetItem", "Query"}
    assert rest.table.items() == before
    done = send("false")
    assert tried.status == done.status
    same = ("api", "version", "changed", "parts", "rows", "access")
    assert {field: tried.body[field] for field in same} == {field: done.body[field] for field in same}
    assert (tried.body["dry_run"], tried.body["hash"], done.body["dry_run"], done.body["token_scope"]) == (True, None, False, None)
    assert done.body["changed"]
    assert rest.table.items() != before
    assert {tuple(verdict["callers_in"]) for verdict in tried.body["token_scope"]} >= {()}


def test_a_dry_run_creates_nothing_and_tells_the_parts_of_a_large_change(client: Client, table: Table, name: str) -> None:
    before = table.items()
    large = pets(name, groups={f"g{n:03}": {"allow": ["GET /pets"]} for n in range(50)})
    reply = client.put(f"/v1/apis/{name}/document", large, if_none_match="*", query={"dry_run": "true"})
    assert (reply.status, reply.body["parts"], reply.body["version"]) == (201, 2, 2)
    client.get(f"/v1/apis/{name}/document").problem(404, "not-found")
    assert table.items() == before


@pytest.mark.parametrize("below", ["/document", "/routes", "/subjects/groups/guest"])
def test_a_dry_run_refuses_what_the_change_would_refuse(client: Client, table: Table, standing: str, below: str) -> None:
    before = table.items()
    reply = client.put(f"/v1/apis/{standing}{below}", {"allow": ["GET /cats"]}, if_match="*", query={"dry_run": "true"})
    reply.problem(422, "invalid-document")
    assert table.items() == before


def test_apis_are_listed_with_their_versions(client: Client, shop: str) -> None:
    listed = client.get("/v1/apis").body["apis"]
    mine = next(api for api in listed if api["name"] == shop)
    detail = client.get(f"/v1/apis/{shop}").body
    assert mine == {"name": shop, "version": 1, "hash": detail["hash"]}
    assert [api["name"] for api in listed] == sorted(api["name"] for api in listed)
    assert detail == {
        "name": shop,
        "version": 1,
        "hash": mine["hash"],
        "updated_at": "2027-01-15T08:00:00Z",
        "author": "jane",
        "reason": f"PUT /v1/apis/{shop}/document",
        "enforced": [],
        "routes": 4,
        "unfinished": None,
        "writable": False,
    }
    page = client.get("/v1/apis", limit="1").body
    assert [api["name"] for api in page["apis"]] == [listed[0]["name"]]
    assert client.get("/v1/apis", limit="1", cursor=page["next"]).body["apis"][0] == listed[1]


def test_an_api_tells_whether_its_caller_may_change_it(rest: Rest, shop: str) -> None:
    needed = ("GET .../document", "PUT .../document", "PATCH .../document", "POST .../versions/{number}/rollback")
    routes = ["PATCH /v1/apis/{api}/document", *(each.replace("...", "/v1/apis/gatebook-admin") for each in needed)]
    groups = {"gatebook-admins": {"allow": ["* /**"]}, "gatebook-auditors": {"allow": ["GET /**"]}}
    rest.client.publish({"api": "gatebook-admin", "routes": routes, "groups": groups})
    auditor = Caller("ann", ("gatebook-auditors",))
    for name in (shop, "gatebook-admin"):
        assert rest.client.get(f"/v1/apis/{name}").body["writable"] is True
        assert rest.client.get(f"/v1/apis/{name}", as_=auditor).body["writable"] is False


@pytest.mark.parametrize("on_publish", [False, True])
def test_what_the_gateway_remembers_is_dropped_with_each_version_where_that_is_asked_for(rest: Rest, shop: str, on_publish: bool) -> None:
    def flush(api: str) -> tuple[str, ...]:
        rest.flushed.append(api)
        return ("a1b2c3d4e5/prod",)

    service = PermissionService(opened(), rest.clock, lambda _: None)
    client = Client(AdminApi(service, now=rest.clock, flush=flush, flush_on_publish=on_publish, clock=rest.clock))
    path, flushed = f"/v1/apis/{shop}", ["a1b2c3d4e5/prod"] if on_publish else []
    tried = client.put(f"{path}/subjects/groups/guest", {}, if_match="*", query={"dry_run": "true"})
    assert (tried.body["flushed"], rest.flushed) == ([], [])
    assert client.put(f"{path}/subjects/groups/guest", {}, if_match="*").body["flushed"] == flushed
    assert client.put(f"{path}/subjects/groups/guest", {}, if_match="*").body["flushed"] == []
    assert rest.flushed == [shop] * on_publish
    first, again = (client.post(f"{path}/versions/1/rollback", if_match="*", key="once") for _ in range(2))
    assert first.body == again.body
    assert first.body["flushed"] == flushed
    assert rest.flushed == [shop] * 3 * on_publish
