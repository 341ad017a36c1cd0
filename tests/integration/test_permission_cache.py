"""The permission cache while all is well: what it gives, and what each load costs."""

import gc
import weakref
from collections import Counter
from random import Random

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.table import cache as permission_cache
from tests.integration.caches import (
    ADMIN,
    DOCUMENT,
    GAINED,
    GUEST,
    JOINED,
    LATE,
    OTHER,
    OWNER,
    REFRESH,
    REVOKED,
    ROUTED,
    Reader,
    group,
    published,
    reader,
)
from tests.support.aws_calls import Answer, AwsCalls, Call, error
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

__all__ = ["published", "reader"]

COLD = ["head", "records", "registry", "routes"]


def test_a_cold_start_reads_each_thing_once(reader: Reader) -> None:
    loaded = reader.load(EVERYONE, ADMIN)
    assert reader.cost() == [*COLD, "subject#everyone/", "subject#group/admin", "subject#group/guest", "subject#group/owner"]
    assert (loaded.version, loaded.cached, loaded.stale) == (1, False, False)
    assert sorted(p.id for p in loaded.permissions) == [
        "everyone allow GET /pets",
        "group/admin deny DELETE /pets",
        "group/owner allow POST /pets",
    ]
    assert [str(route) for route in loaded.catalog.routes] == ["GET /pets", "POST /pets", "DELETE /pets"]


def test_only_the_head_may_be_read_eventually_consistent(reader: Reader, wire: AwsCalls) -> None:
    reader.load(EVERYONE, ADMIN)
    assert [(c.operation, c.is_consistent) for c in wire.take()] == [("GetItem", False)] + [("Query", True)] * 7


def test_a_warm_load_costs_nothing(reader: Reader, clock: Clock) -> None:
    reader.load(EVERYONE, ADMIN)
    clock.advance(REFRESH - 0.001)
    loaded = reader.load(EVERYONE, ADMIN)
    assert reader.cost() == []
    assert (loaded.version, loaded.cached, loaded.stale) == (1, True, False)
    assert len(loaded.permissions) == 3


def test_subjects_are_shared_between_callers(reader: Reader) -> None:
    reader.load(EVERYONE, ADMIN)
    assert reader.held(OWNER, GUEST) == ["group/owner allow POST /pets"]
    assert reader.cost() == []


def test_another_caller_costs_only_what_is_new(reader: Reader) -> None:
    reader.load(EVERYONE, OWNER)
    loaded = reader.load(EVERYONE, ADMIN)
    assert reader.cost() == ["subject#group/admin"]
    assert not loaded.cached


def test_unknown_subjects_cost_nothing(reader: Reader) -> None:
    reader.load(EVERYONE)
    strangers = [group(f"stranger-{n}") for n in range(100)] + [PrincipalRef(RefKind.SCOPE, "owner"), PrincipalRef(RefKind.CLIENT, "owner")]
    loaded = reader.load(EVERYONE, *strangers)
    assert reader.cost() == []
    assert loaded.cached
    assert [p.id for p in loaded.permissions] == ["everyone allow GET /pets"]


def test_no_permissions_is_a_value(reader: Reader) -> None:
    assert reader.held(GUEST) == []
    assert reader.cost() == [*COLD, "subject#group/guest"]
    loaded = reader.load(GUEST)
    assert reader.cost() == []
    assert (tuple(loaded.permissions), loaded.cached) == ((), True)


def test_a_removed_subject_is_a_value_too(reader: Reader) -> None:
    publish(DOCUMENT.replace("  other: {allow: [DELETE /pets]}\n", ""))
    assert reader.held(OTHER) == []
    assert reader.cost() == [*COLD, "subject#group/other"]
    reader.load(OTHER)
    assert reader.cost() == []


def test_no_refs_at_all_hold_nothing(reader: Reader) -> None:
    assert reader.held() == []
    assert reader.cost() == COLD


def test_a_name_in_another_case_is_another_subject(reader: Reader) -> None:
    assert reader.held(group("Owner"), group("OWNER"), group("owner "), PrincipalRef(RefKind.SCOPE, "owner")) == []


def test_a_refresh_without_a_change_reads_the_head_alone(reader: Reader, clock: Clock) -> None:
    reader.load(EVERYONE, ADMIN)
    clock.advance(REFRESH)
    loaded = reader.load(EVERYONE, ADMIN)
    assert reader.cost() == ["head"]
    assert not loaded.cached
    reader.load(EVERYONE, ADMIN)
    assert reader.cost() == []


def test_a_refresh_reads_only_what_was_touched_and_is_held(reader: Reader, clock: Clock) -> None:
    reader.load(EVERYONE, OWNER)
    publish(DOCUMENT.replace("guest: {}", "guest: {allow: [DELETE /pets]}").replace("deny: [DELETE /pets]", ""))
    clock.advance(REFRESH)
    assert reader.held(EVERYONE, OWNER) == ["everyone allow GET /pets", "group/guest allow DELETE /pets", "group/owner allow POST /pets"]
    assert reader.cost() == ["head", "records", "subject#group/guest"]
    assert reader.held(ADMIN) == ["group/guest allow DELETE /pets", "group/owner allow POST /pets"]
    assert reader.cost() == ["subject#group/admin"]


def test_a_revoked_permission_is_gone_after_a_refresh_and_not_before(reader: Reader, clock: Clock) -> None:
    reader.load(OWNER)
    publish(REVOKED)
    clock.advance(REFRESH - 1)
    assert reader.held(OWNER) == ["group/owner allow POST /pets"]
    assert reader.cost() == []
    clock.advance(1)
    assert reader.held(OWNER) == []
    assert reader.load(OWNER).version == 2


def test_what_was_not_read_yet_is_of_the_version_that_is_served(reader: Reader, clock: Clock) -> None:
    """Half of one version and half of another would be a document that nobody wrote."""
    reader.load(EVERYONE)
    publish(REVOKED)
    assert reader.held(OWNER) == ["group/owner allow POST /pets"]
    clock.advance(REFRESH)
    assert reader.held(OWNER) == []


def test_new_routes_are_read(reader: Reader, clock: Clock) -> None:
    reader.load(OWNER)
    publish(ROUTED)
    clock.advance(REFRESH)
    assert "GET /new" in map(str, reader.load(OWNER).catalog.routes)
    assert reader.cost() == ["head", "records", "routes"]


def test_a_new_subject_is_noticed(reader: Reader, clock: Clock) -> None:
    assert reader.held(LATE) == []
    publish(JOINED)
    assert reader.held(LATE) == []
    clock.advance(REFRESH)
    assert reader.held(LATE) == ["group/late allow POST /pets"]


def test_only_a_new_subject_makes_the_registry_be_read_again(reader: Reader, clock: Clock) -> None:
    reader.load(OTHER)
    publish(JOINED)
    clock.advance(REFRESH)
    reader.load(OTHER)
    assert reader.cost() == ["head", "records", "registry"]
    publish(JOINED.replace("guest: {}", "guest: {allow: [GET /pets]}"))
    clock.advance(REFRESH)
    reader.load(OTHER)
    assert reader.cost() == ["head", "records"]


def test_a_subject_that_returns_is_noticed(reader: Reader, clock: Clock) -> None:
    publish(DOCUMENT.replace("  other: {allow: [DELETE /pets]}\n", ""))
    assert reader.held(OTHER) == []
    publish(DOCUMENT)
    clock.advance(REFRESH)
    assert reader.held(OTHER) == ["group/other allow DELETE /pets"]


def test_several_versions_at_once(reader: Reader, clock: Clock) -> None:
    reader.load(EVERYONE, OWNER)
    for text in (GAINED, JOINED, REVOKED, ROUTED):
        publish(text)
    clock.advance(REFRESH)
    loaded = reader.load(EVERYONE, OWNER)
    assert loaded.version == 5
    assert sorted(p.id for p in loaded.permissions) == ["everyone allow GET /pets", "group/owner allow POST /pets"]
    assert sorted(reader.cost()) == ["head", "records", "registry", "routes", "subject#group/guest", "subject#group/owner"]


def test_a_change_of_inheritance_reaches_descendants(reader: Reader, clock: Clock) -> None:
    reader.load(ADMIN)
    publish(DOCUMENT.replace("guest: {}", "guest: {inherits: [other]}"))
    clock.advance(REFRESH)
    assert "group/other allow DELETE /pets" in reader.held(ADMIN)


def test_a_permission_that_was_there_twice_comes_once(reader: Reader) -> None:
    assert reader.held(OWNER, OWNER, ADMIN) == ["group/admin deny DELETE /pets", "group/owner allow POST /pets"]


def test_the_least_recently_used_subjects_leave_first(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_cache, "MAX_BYTES", 6_000)
    reader.load(GUEST)
    reader.load(OTHER)
    reader.load(GUEST)
    reader.load(EVERYONE)
    assert reader.cost() == ["subject#everyone/"]
    reader.load(GUEST, EVERYONE)
    assert reader.cost() == []
    reader.load(OTHER)
    assert reader.cost() == ["subject#group/other"]


def test_a_request_with_more_subjects_than_are_kept_is_served(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_cache, "MAX_BYTES", 1)
    for _ in range(2):
        assert len(reader.held(EVERYONE, ADMIN, OTHER)) == 4


# -- many groups ---------------------------------------------------------------------------------------------------------------------------------


def test_what_callers_hold_is_remembered_for_so_many_sets_of_subjects(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission_cache, "MAX_CALLERS", 2)
    first = reader.load(OWNER).permissions
    assert reader.load(OWNER).permissions is first
    reader.load(GUEST)
    reader.load(OWNER)
    reader.load(OTHER)
    assert reader.load(OWNER).permissions is first, "the one that was asked for last stays"
    reader.load(GUEST)
    reader.load(ADMIN)
    again = reader.load(OWNER)
    assert again.permissions is not first
    assert tuple(again.permissions) == tuple(first)
    assert again.cached


def teams(count: int, held: str) -> str:
    groups = "".join(f"  team-{n}: {{inherits: [base], allow: [{held}]}}\n" for n in range(count))
    return f"api: petstore\nroutes: [GET /pets, POST /pets]\neveryone: {{allow: [GET /pets]}}\ngroups:\n  base: {{}}\n{groups}"


def in_sequence(wire: AwsCalls) -> int:
    """How many calls had to wait for each other: those of the main thread, and of the busiest other thread of each wave as if there was one."""
    calls = wire.take()
    count = Counter(call.thread for call in calls)
    return max(count.values(), default=0)


@pytest.mark.parametrize(("groups", "cold", "sequence"), [(1, 7, 7), (10, 16, 8), (100, 106, 16)])
def test_the_budget_of_one_request(table: Table, wire: AwsCalls, clock: Clock, groups: int, cold: int, sequence: int) -> None:
    """Cold, warm, and after a publish that touched every group: in reads, and in how many of them come one after the other."""
    publish(teams(150, "GET /pets"))
    refs = [EVERYONE, *(group(f"team-{n}") for n in range(groups))]
    reader = Reader(wire, clock)
    reader.load(*refs)
    calls = len(wire.calls)
    assert (calls, in_sequence(wire)) == (cold, sequence)
    reader.load(*refs)
    assert wire.take() == []
    publish(teams(150, "POST /pets"))
    clock.advance(REFRESH)
    assert {p.id for p in reader.load(*refs).permissions} == {"everyone allow GET /pets", *(f"{ref} allow POST /pets" for ref in refs[1:])}
    # The head, the records, and the caller's own rows: the others cost nobody anything until somebody needs them.
    assert len(wire.calls) == 2 + groups
    assert in_sequence(wire) <= 2 + max(min(groups, 3), groups // 10)
    reader.load(*refs)
    assert wire.take() == []


def test_callers_in_a_hundred_of_ten_thousand_groups_read_nothing_once_all_are_here(
    table: Table, wire: AwsCalls, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fortieth of it in rows and in bytes."""
    monkeypatch.setattr(permission_cache, "MAX_BYTES", permission_cache.MAX_BYTES // 40)
    publish(teams(250, "GET /pets, POST /pets, {route: GET /pets, until: '2030-01-01T00:00:00Z'}"))
    reader = Reader(wire, clock)
    everybody = [group(f"team-{n}") for n in range(250)]
    for start in range(0, 250, 50):
        reader.load(EVERYONE, *everybody[start : start + 50])
    for seed in range(50):
        reader.load(EVERYONE, *Random(seed).sample(everybody, 100))
        assert wire.take() == []


def test_an_error_that_is_none_of_ours_reaches_the_caller_from_any_thread(table: Table, wire: AwsCalls, clock: Clock) -> None:
    publish(teams(30, "GET /pets"))
    reader = Reader(wire, clock)

    def fail(call: Call) -> Answer:
        if "team-29" in call.partition:
            raise ZeroDivisionError
        return None

    wire.rule = fail
    with pytest.raises(ZeroDivisionError):
        reader.load(EVERYONE, *(group(f"team-{n}") for n in range(30)))


def test_those_whose_new_rows_cannot_be_read_are_served_by_the_version_before(reader: Reader, wire: AwsCalls, clock: Clock) -> None:
    """Others have moved on already. It lasts as long as what was confirmed last may serve."""
    reader.load(EVERYONE, OWNER)
    publish(REVOKED)
    clock.advance(REFRESH)
    assert reader.load(EVERYONE).version == 2
    wire.rule = lambda call: error("InternalServerError", 500) if "owner" in call.partition else None
    for seconds in (0, 5, 300 - REFRESH - 5):
        clock.advance(seconds)
        loaded = reader.load(EVERYONE, OWNER)
        assert (loaded.version, loaded.stale, loaded.cached) == (1, True, False)
        assert "group/owner allow POST /pets" in {p.id for p in loaded.permissions}
        assert (reader.load(EVERYONE).version, reader.load(EVERYONE).stale) == (2, False)
    clock.advance(1)
    with pytest.raises(TroubleError):
        reader.load(EVERYONE, OWNER)
    wire.rule = None
    assert reader.held(OWNER) == []


def test_a_clock_that_ran_ahead_while_the_denylist_was_read_loses_no_entry(reader: Reader, published: Table, clock: Clock) -> None:
    """By less than a day: with more of it no token is verified, so that nobody asks."""
    service = PermissionService(opened(), clock)
    service.add_entry("petstore", DenylistKind.SUB, "u1", author="a", reason="r", expires_at=int(clock()) + 600)
    clock.advance(80_000)
    reader.load(EVERYONE)
    clock.advance(-80_000)
    assert [entry.value for entry in reader.load(EVERYONE).denylist.entries()] == ["u1"]


def test_the_version_before_is_let_go_when_it_may_serve_nobody_any_more(reader: Reader, wire: AwsCalls, clock: Clock) -> None:
    """A process that lives for days must not keep the rows of a version twice."""
    reader.load(EVERYONE, OWNER)
    old = weakref.ref(reader.load(EVERYONE).catalog)
    publish(ROUTED)
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    gc.collect()
    assert old() is not None
    clock.advance(300 - REFRESH)
    reader.load(EVERYONE)
    assert old() is not None
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    gc.collect()
    assert old() is None


def test_whoever_is_served_by_the_version_before_is_refused_by_the_newest_denylist(reader: Reader, wire: AwsCalls, clock: Clock) -> None:
    """An entry that is known must not wait for a row that cannot be read."""
    reader.load(EVERYONE, OWNER)
    publish(REVOKED)
    PermissionService(opened(), clock).add_entry(
        "petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=int(clock()) + 10_000
    )
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    wire.rule = lambda call: error("InternalServerError", 500) if "owner" in call.partition else None
    loaded = reader.load(EVERYONE, OWNER)
    assert (loaded.version, loaded.stale) == (1, True)
    assert loaded.denylist.get(DenylistKind.SUB, "u1") is not None


def test_a_row_that_cannot_be_read_is_tried_once_per_interval_while_the_version_before_serves(
    reader: Reader, wire: AwsCalls, clock: Clock
) -> None:
    """Each attempt may wait for the table's timeout, and the caller with it."""
    reader.load(EVERYONE, OWNER)
    publish(REVOKED)
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    wire.rule = lambda call: error("InternalServerError", 500) if "owner" in call.partition else None
    clock.advance(1)
    tries = []
    for seconds in (0, 1, REFRESH - 1.5, 0.5, 1):
        clock.advance(seconds)
        assert reader.load(EVERYONE, OWNER).version == 1
        tries.append(sum("owner" in call.partition for call in wire.take()) > 0)
    assert tries == [True, False, False, True, False]
    wire.rule = None
    assert reader.load(EVERYONE, OWNER).version == 1
    clock.advance(REFRESH)
    assert reader.load(EVERYONE, OWNER).version == 2


def test_the_version_before_serves_nobody_by_halves(reader: Reader, wire: AwsCalls, clock: Clock) -> None:
    """It was never asked for what another subject of the caller held then, and half of two versions is a document that nobody wrote."""
    reader.load(EVERYONE, OWNER)
    publish(REVOKED)
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    wire.rule = lambda call: error("InternalServerError", 500) if "owner" in call.partition else None
    with pytest.raises(TroubleError):
        reader.load(EVERYONE, OTHER, OWNER)


def test_two_apis_do_not_meet(reader: Reader) -> None:
    publish(DOCUMENT.replace("petstore", "petstore2").replace("POST /pets]}", "GET /pets]}"))
    assert reader.held(OWNER) == ["group/owner allow POST /pets"]


def test_entries_of_the_denylist_that_have_ended_are_not_even_sent(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    """DynamoDB deletes them days late."""
    service = PermissionService(opened(), clock)
    day = 86_400
    for number, lasts in enumerate((5, 5, 2 * day)):
        service.add_entry("petstore", DenylistKind.SUB, f"u{number}", author="a", reason="r", expires_at=int(clock()) + lasts)
    clock.advance(day + 6)
    assert [entry.value for entry in reader.load(EVERYONE).denylist.entries()] == ["u2"]
    assert "denylist" in reader.cost()
