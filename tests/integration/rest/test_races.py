"""Writers at once: a precondition is decided by the write itself, so that of all who start from one version one gets through and the others are told.

The races are scheduled, not left to chance: a rival's whole request runs just before a chosen call of a writer's own to DynamoDB.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from tests.integration.rest.client import ADMIN, Client, Reply, pets
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import Answer, Call, error
from tests.support.chain import verify_chain
from tests.support.tables import opened

Request = Callable[[Client], Reply]


@dataclass
class Race:
    """Requests that meet. `contenders` are those that have begun, so that a rival's own calls start no third one."""

    rest: Rest
    calls: int = 0
    rivals: list[Request] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def run(self, writer: Request, rivals: list[Request], before: Callable[[Call, int], bool]) -> Reply:
        """Return what the writer is answered. The next rival runs before each call, its number in the writer's request, that `before` chooses."""
        self.rivals, number = list(rivals), 0

        def rule(call: Call) -> Answer:
            nonlocal number
            number += 1
            if self.rivals and before(call, number):
                rival, mine = self.rivals.pop(0), number
                number = 0
                with another_request():
                    self.replies.append(rival(self.another_client()))
                number = mine
            return None

        self.rest.wire.rule = rule
        try:
            reply = writer(self.rest.client)
        finally:
            self.rest.wire.rule = None
        self.calls = number
        self.replies.append(reply)
        return reply

    def start(self, saved: Any) -> None:
        """Begin again from a saved table."""
        self.rest.table.restore(copy.deepcopy(saved))
        self.replies.clear()

    def another_client(self) -> Client:
        """Another process' admin API on the same table."""
        clock = self.rest.clock
        return Client(AdminApi(PermissionService(opened(), clock, lambda _: None), now=clock, flush=lambda _: (), clock=clock))


@contextmanager
def another_request() -> Iterator[None]:
    # Powertools keeps the request that is served in its class, since Lambda serves one at a time.
    served = BaseRouter.current_event
    try:
        yield
    finally:
        BaseRouter.current_event = served


@pytest.fixture
def race(rest: Rest) -> Race:
    return Race(rest)


def allow(route: str) -> dict[str, Any]:
    return {"allow": [route]}


def replaced(api: str, number: int) -> dict[str, Any]:
    return pets(api, groups={"guest": {}, "owner": {"inherits": ["guest"]}, f"writer-{number}": allow("GET /pets")})


# What each kind of write sends, as the writer of this number; all start from the same version.
WRITES: dict[str, Callable[[str, str, int], Request]] = {
    "document": lambda api, tag, n: lambda c: c.put(f"/v1/apis/{api}/document", replaced(api, n), if_match=tag),
    "patch": lambda api, tag, n: (
        lambda c: c.patch(f"/v1/apis/{api}/document", {"groups": {f"writer-{n}": allow("GET /pets")}}, if_match=tag)
    ),
    "subject": lambda api, tag, n: lambda c: c.put(f"/v1/apis/{api}/subjects/groups/writer-{n}", allow("GET /pets"), if_match=tag),
    "same subject": lambda api, tag, n: (
        lambda c: c.put(f"/v1/apis/{api}/subjects/groups/guest", allow("GET /pets" if n % 2 else "POST /pets"), if_match=tag)
    ),
    "removal": lambda api, tag, n: (
        lambda c: c.delete(f"/v1/apis/{api}/subjects/{'clients/job' if n % 2 else 'groups/owner'}", if_match=tag)
    ),
    "same removal": lambda api, tag, n: lambda c: c.delete(f"/v1/apis/{api}/subjects/clients/job", if_match=tag),
    "routes": lambda api, tag, n: (
        lambda c: c.put(f"/v1/apis/{api}/routes", {"routes": [*pets(api)["routes"], f"GET /writer-{n}"]}, if_match=tag)
    ),
    "rollback": lambda api, tag, n: lambda c: c.post(f"/v1/apis/{api}/versions/1/rollback", if_match=tag),
    "rollback with keys": lambda api, tag, n: lambda c: c.post(f"/v1/apis/{api}/versions/1/rollback", if_match=tag, key=f"k{n}"),
}


@pytest.fixture
def changed(rest: Rest, shop: str) -> tuple[str, str]:
    """An API at version 2, which a rollback to 1 changes, and its entity tag."""
    return shop, rest.client.put(f"/v1/apis/{shop}/subjects/groups/guest", allow("DELETE /pets/{petId}"), if_match="*").tag


def at(moment: int) -> Callable[[Call, int], bool]:
    """Choose the call of this number, from 1."""
    return lambda _, number: number == moment


def number_of_calls(race: Race, write: Request) -> int:
    """How many calls the write makes alone, for a schedule at each of them."""
    saved = race.rest.table.save()
    race.run(write, [], lambda *_: False)
    race.start(saved)
    return race.calls


@pytest.mark.parametrize("kind", WRITES)
def test_of_two_writers_from_one_version_one_is_told_at_whichever_call_they_meet(race: Race, changed: tuple[str, str], kind: str) -> None:
    api, tag = changed
    ours, theirs = (WRITES[kind](api, tag, number) for number in (1, 2))
    saved = race.rest.table.save()
    for moment in range(1, number_of_calls(race, ours) + 1):
        race.start(saved)
        race.run(ours, [theirs], at(moment))
        first, second = race.replies
        assert (first.status, first.body["version"]) in ((200, 3), (201, 3)), first.body
        assert second.problem(412, "stale-version")["current_version"] == 3
        assert verify_chain(race.rest.table.items(), api) == 3


@pytest.mark.parametrize("kind", WRITES)
def test_of_eight_writers_that_all_have_read_one_gets_through(race: Race, changed: tuple[str, str], kind: str) -> None:
    """Each has looked, found its version published, and is about to write when the next one comes."""
    api, tag = changed
    ours, *others = (WRITES[kind](api, tag, number) for number in range(8))
    race.run(ours, others, lambda call, _: call.operation == "TransactWriteItems")
    winners = [reply for reply in race.replies if reply.status in (200, 201)]
    assert [reply.body["version"] for reply in winners] == [3]
    for reply in race.replies:
        assert reply in winners or reply.problem(412, "stale-version")["current_version"] == 3
    assert len(race.replies) == 8
    assert verify_chain(race.rest.table.items(), api) == 3


def create(api: str, number: int) -> Request:
    return lambda client: client.put(f"/v1/apis/{api}/document", replaced(api, number), if_none_match="*")


def test_of_two_who_create_one_is_told_at_whichever_call_they_meet(race: Race, name: str) -> None:
    saved = race.rest.table.save()
    for moment in range(1, number_of_calls(race, create(name, 1)) + 1):
        race.start(saved)
        race.run(create(name, 1), [create(name, 2)], at(moment))
        first, second = race.replies
        assert (first.status, first.body["version"]) == (201, 1)
        assert second.problem(412, "exists")["current_version"] == 1
        assert second.tag == first.tag
        assert "writer-2" in race.rest.client.get(f"/v1/apis/{name}/document").body["groups"]
        assert verify_chain(race.rest.table.items(), name) == 1


def test_of_eight_who_create_one_gets_through(race: Race, name: str) -> None:
    race.run(create(name, 0), [create(name, n) for n in range(1, 8)], lambda call, _: call.operation == "TransactWriteItems")
    assert sorted(reply.status for reply in race.replies) == [201] + [412] * 7
    assert verify_chain(race.rest.table.items(), name) == 1


def test_a_dry_run_that_creates_reads_once(race: Race, name: str) -> None:
    """What came after it looked must not be told as if this document would replace it."""

    def dry(client: Client) -> Reply:
        return client.put(f"/v1/apis/{name}/document", replaced(name, 1), if_none_match="*", query={"dry_run": "true"})

    assert number_of_calls(race, dry) == 1


def test_whoever_removes_and_adds_again_does_not_undo_what_came_between(race: Race, changed: tuple[str, str]) -> None:
    api, tag = changed
    subject = f"/v1/apis/{api}/subjects/clients/job"
    removed = race.rest.client.delete(subject, if_match=tag)
    # The tag that the removal was answered with is no longer that of the subject which somebody else has added meanwhile.
    added = race.rest.client.put(subject, allow("GET /pets"), if_match=removed.tag)
    assert (removed.status, added.status) == (200, 201)
    race.rest.client.put(subject, allow("POST /pets"), if_match=removed.tag).problem(412, "stale-version")
    assert race.rest.client.get(subject).body["held"]["allow"] == ["GET /pets"]


def test_two_requests_with_one_key_are_one_request_at_whichever_call_they_meet(race: Race, changed: tuple[str, str]) -> None:
    api, tag = changed

    def again(client: Client) -> Reply:
        return client.post(f"/v1/apis/{api}/versions/1/rollback", if_match=tag, key="once")

    saved = race.rest.table.save()
    for moment in range(1, number_of_calls(race, again) + 1):
        race.start(saved)
        race.run(again, [again], at(moment))
        first, second = race.replies
        assert (first.status, second.status) == (200, 200), (first.body, second.body)
        assert first.body == second.body
        assert second.headers["idempotency-replayed"] == "true"
        assert verify_chain(race.rest.table.items(), api) == 3


@pytest.mark.parametrize("removed", [False, True])
def test_no_entry_of_the_denylist_is_lost(race: Race, shop: str, removed: bool) -> None:
    """An entry starts from no version: whoever meets others tries again."""

    def deny(number: int) -> Request:
        body = {"reason": "stolen", "expires_at": "2030-01-01T00:00:00Z"}
        return lambda client: client.put(f"/v1/apis/{shop}/denylist/sub/u{number}", body)

    def undeny(number: int) -> Request:
        return lambda client: client.delete(f"/v1/apis/{shop}/denylist/sub/u{number}")

    if removed:
        for number in range(8):
            assert deny(number)(race.rest.client).status == 200
    write = undeny if removed else deny
    race.run(write(0), [write(n) for n in range(1, 8)], lambda call, _: call.operation == "TransactWriteItems")
    assert [reply.status for reply in race.replies] == [200] * 8
    assert sorted(reply.body["version"] for reply in race.replies) == list(range(10, 18) if removed else range(2, 10))
    entries = race.rest.client.get(f"/v1/apis/{shop}/denylist").body["entries"]
    assert len(entries) == (0 if removed else 8)
    verify_chain(race.rest.table.items(), shop)


def test_an_entry_is_removed_once(race: Race, shop: str) -> None:
    body = {"reason": "stolen", "expires_at": "2030-01-01T00:00:00Z"}
    assert race.rest.client.put(f"/v1/apis/{shop}/denylist/sub/u1", body).status == 200

    def undeny(client: Client) -> Reply:
        return client.delete(f"/v1/apis/{shop}/denylist/sub/u1")

    race.run(undeny, [undeny], lambda call, _: call.operation == "TransactWriteItems")
    assert [reply.status for reply in race.replies] == [200, 404]


@pytest.mark.parametrize("kind", ["create", "change"])
def test_two_that_both_came_to_nothing_are_told_to_try_again(rest: Rest, shop: str, name: str, kind: str) -> None:
    """DynamoDB may cancel both transactions for each other's sake. Then nobody published first, and no version is stale."""

    def rule(call: Call) -> Answer:
        lost = [{"Code": "TransactionConflict", "Message": "x"}]
        return error("TransactionCanceledException", CancellationReasons=lost) if call.operation == "TransactWriteItems" else None

    rest.wire.rule = rule
    tag = rest.client.get(f"/v1/apis/{shop}").tag
    write = create(f"{name}-new", 1) if kind == "create" else WRITES["subject"](shop, tag, 1)
    reply = write(rest.client)
    assert "send the request again" in reply.problem(503, "unavailable")["detail"]
    assert reply.headers["retry-after"]


def test_the_admin_apis_own_routes_ask_which_route_was_allowed(rest: Rest) -> None:
    """An authorizer in `route` or `token` scope does not say: then it may have allowed `/v1/apis/{api}/document`, and nothing is served."""
    own = "/v1/apis/gatebook-admin/document"
    for context in (ADMIN.context(), ADMIN.context(""), {**ADMIN.context(), "route": None}, {**ADMIN.context(), "route": ["GET"]}):
        rest.wire.take()
        problem = rest.client.call("GET", own, context=context).problem(403, "reserved-api")
        assert "`CACHE_SCOPE=request`" in problem["detail"]
        assert rest.wire.take() == []
    for route in (
        "GET /v1/apis/{api}/document",
        "GET /v1/apis/gatebook-admins/document",
        "GET /x/v1/apis/gatebook-admin",
        "gatebook-admin",
    ):
        rest.client.call("GET", own, context=ADMIN.context(route)).problem(403, "reserved-api")
    assert rest.client.call("GET", own, context=ADMIN.context(f"GET {own}")).status == 404
