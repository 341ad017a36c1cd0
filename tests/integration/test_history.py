"""Looking back: what interrupts a large change, and what an altered table shows."""

import json

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.table import history
from admin_api.table.writer import ConflictError
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistKind
from tests.integration.publications import API, FIRST, GUEST, ROUTES, SECOND, many_groups
from tests.support.aws_calls import AwsCalls, Call
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Table, document, opened, publish

LATER = 2_000_000_000


@pytest.fixture
def service() -> PermissionService:
    return PermissionService(opened(), Clock(), wait=lambda _: None)


def deny(service: PermissionService, value: str = "u1") -> None:
    service.add_entry("petstore", DenylistKind.SUB, value, author="a", reason="stolen", expires_at=LATER)


def before_second_part(wire: AwsCalls, act: object) -> None:
    """Let something happen once, right before the second part of a series is written."""
    writes = iter(range(100))
    todo = [act]

    def rule(call: Call) -> None:
        if call.operation == "TransactWriteItems" and todo and next(writes) == 1:
            todo.pop()()  # type: ignore[operator]  # the one act

    wire.rule = rule


def test_the_kill_switch_does_not_stop_a_large_change(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    publish(FIRST)
    plan = service.plan(document(many_groups(150)), 0)
    before_second_part(wire, lambda: deny(service))
    head = service.apply(plan, author="a", reason="large")
    wire.rule = None
    assert head is not None
    published = service.published("petstore")
    assert published.head == head
    assert published.document.subjects == document(many_groups(150)).subjects
    assert service.denylist("petstore").get(DenylistKind.SUB, "u1") is not None
    assert verify_chain(table.items(), "petstore") == head.version == 1 + len(plan.steps) + 1


def test_another_document_does(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    publish(FIRST)
    plan = service.plan(document(many_groups(150)), 0)
    before_second_part(wire, lambda: publish(many_groups(3)))
    with pytest.raises(ConflictError):
        service.apply(plan, author="a", reason="large")
    wire.rule = None
    assert service.published("petstore").document.subjects == document(many_groups(3)).subjects


def test_a_change_that_stopped_is_still_shown_after_the_kill_switch(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    publish(FIRST)
    plan = service.plan(document(many_groups(150)), 0)

    def die() -> None:
        raise KeyboardInterrupt

    before_second_part(wire, die)
    with pytest.raises(KeyboardInterrupt):
        service.apply(plan, author="a", reason="large")
    wire.rule = None
    deny(service)
    unfinished = service.plan(document(FIRST)).unfinished
    assert unfinished is not None
    assert (unfinished.number, unfinished.base) == (1, 1)
    for middle in (2, 3):
        with pytest.raises(history.NotPublishedError, match="go back to version 1 before it"):
            service.rollback_target("petstore", middle)


def damage(now: float = 0) -> list[str]:
    written = history.Written()
    stored = history.History(opened())
    head = stored.require_head("petstore")
    found: list[str] = []
    for record in stored.read_records("petstore", head):
        written.add(record)
        found += stored.damaged_items(record)
    return [*found, *stored.unrecorded_items("petstore", head, written, now)]


def test_an_untouched_table_is_intact(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    deny(service, "u2")
    service.remove_entry("petstore", DenylistKind.SUB, "u2", author="a", reason="mistake")
    assert damage() == []


def test_a_row_that_no_version_wrote_is_found(table: Table, service: PermissionService) -> None:
    """It is the newest row for a reader that starts cold, and widens what guests may."""
    publish(FIRST)
    deny(service)
    table.put(table.get(GUEST, "000000000001") | {"sk": "000000000002"})
    assert damage() == [f"{GUEST} 000000000002"]


def test_a_row_that_was_altered_or_removed_is_found(table: Table) -> None:
    publish(FIRST)
    table.change(GUEST, "000000000001", content='{"ancestors":[],"held":{"allow":["* /**"]}}')
    assert damage() == [f"{GUEST} 000000000001"]
    table.delete(GUEST, "000000000001")
    assert f"{GUEST} 000000000001" in damage()


def test_an_entry_of_the_denylist_that_was_ended_or_removed_is_found(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    place = f"{API}#denylist"
    table.change(place, "sub#u1", expires_at=1)
    assert damage() == [f"{place} sub#u1"]
    table.delete(place, "sub#u1")
    assert damage() == [f"{place} sub#u1"]
    # Once it has ended, DynamoDB may have deleted it.
    assert damage(LATER) == []


def test_an_entry_that_no_version_wrote_is_found(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    table.put(table.get(f"{API}#denylist", "sub#u1") | {"sk": "sub#u9", "value": "u9"})
    assert damage() == [f"{API}#denylist sub#u9"]


def test_an_entry_that_was_altered_is_found(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    for name, value in (("reason", "another"), ("issued_before", 1), ("author", "nobody")):
        good = table.get(f"{API}#denylist", "sub#u1")
        table.put(good | {name: value})
        assert damage() == [f"{API}#denylist sub#u1"], name
        table.put(good)
    assert damage() == []


@pytest.mark.parametrize("number", ["000000000002", "000000000003", "000000000009"])
def test_a_row_of_any_version_that_no_version_wrote_is_found(table: Table, number: str) -> None:
    """One behind the newest shows to whoever asks for an old version, one ahead will show once the history gets there."""
    publish(FIRST)
    publish(SECOND)
    publish(FIRST)
    publish(SECOND)
    planted = [(key, number) for key in (GUEST, ROUTES) if (key, number) not in table.items()]
    for key, _ in planted:
        table.put(table.get(key, "000000000001") | {"sk": number})
    assert planted
    assert damage() == [f"{key} {number}" for key, _ in sorted(planted, key=lambda place: place[0] == GUEST)]


def test_what_else_is_planted_beside_the_history_is_found(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    record = table.get(API, "version#000000000001")
    table.put(record | {"sk": "version#000000000007"})
    table.put(table.get(API, "subject#group/guest") | {"sk": "subject#group/planted", "name": "planted"})
    table.change(API, "head", denylist_stamp=0)
    assert sorted(damage()) == sorted(
        [
            f"{API} subject#group/planted",
            f"{API} version#000000000007",
            f"{API} head: it says that version 0 changed the denylist last, and version 2 did",
        ]
    )


@pytest.mark.parametrize("place", [GUEST, ROUTES])
def test_a_row_that_differs_from_the_record_at_hand_stops_the_control_plane(table: Table, service: PermissionService, place: str) -> None:
    publish(FIRST)
    good = table.get(place, "000000000001")["content"]
    for content in (good.replace("/pets", "/pest"), good + " "):
        table.change(place, "000000000001", content=content)
        with pytest.raises(TroubleError, match=f"`{place}` does not hold what version 1 wrote") as caught:
            service.published("petstore")
        assert caught.value.reason == "altered_row"
    table.change(place, "000000000001", content=good)
    service.published("petstore")


def versions(table: Table) -> list[str]:
    return sorted(sk for pk, sk in table.items() if pk == API and sk.startswith("version#"))


def test_an_origin_that_was_altered_is_found(table: Table, service: PermissionService) -> None:
    """No hash covers it: it is held against the records themselves."""
    publish(FIRST)
    deny(service)
    deny(service, "u2")
    service.apply(service.plan(document(many_groups(3)), 0), author="a", reason="r", from_file=True)
    deny(service, "u3")
    head = service.head("petstore")
    assert service.verify("petstore", head, expected=None).damaged == ()
    for number in versions(table):
        good = table.get(API, number)["origin"]
        for name, value in (("document", 7), ("document_hash", "0" * 64), ("file", 1)):
            said = json.loads(good)
            if number.endswith("1") and name == "document_hash":
                continue
            table.change(API, number, origin=json.dumps(said | {name: value if said[name] != value else 0}))
            damaged = service.verify("petstore", head, expected=None).damaged
            assert damaged, (number, name)
            assert all("origin" in each for each in damaged)
        table.change(API, number, origin=good)
    assert service.verify("petstore", head, expected=None).damaged == ()


def test_a_history_that_an_earlier_release_wrote_is_read_and_goes_on(table: Table, service: PermissionService, wire: AwsCalls) -> None:
    """Its versions have no origin. Where the document changed last is found by walking, until the document changes again."""
    publish(FIRST)
    deny(service)
    deny(service, "u2")
    for number in versions(table):
        table.change(API, number, origin=None)
    published = service.published("petstore")
    assert service.document_version(published).version == 1
    deny(service, "u3")
    assert "origin" not in table.get(API, versions(table)[-1])
    service.apply(service.plan(document(many_groups(3)), 0), author="a", reason="r")
    deny(service, "u4")
    wire.take()
    head = service.head("petstore")
    assert service.unfinished("petstore", head, service.newest_record("petstore", head)) is None
    assert wire.operations() == ["GetItem", "Query", "Query"]
    assert service.verify("petstore", head, expected=None).damaged == ()
    assert verify_chain(table.items(), "petstore") == 6


def test_the_kill_switch_works_although_the_newest_record_was_altered(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    table.change(API, "version#000000000001", reason="another")
    deny(service)
    assert service.denylist("petstore").get(DenylistKind.SUB, "u1") is not None


def test_a_version_that_a_denial_names_wrongly_is_trouble(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    deny(service)
    second = table.get(API, "version#000000000002")
    table.change(API, "version#000000000002", origin=second["origin"].replace('"document":1', '"document":9'))
    with pytest.raises(TroubleError, match="version 9 of `petstore` is not the one that version 2 names"):
        service.document_version(service.published("petstore"))
