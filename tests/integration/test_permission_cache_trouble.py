"""The permission cache in trouble: late rows, restored tables, a DynamoDB that is down, and clocks that jump."""

from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError

from admin_api.publishing.service import PermissionService
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.permission import EVERYONE
from authorizer.table import cache as permission_cache
from tests.integration.caches import (
    ADMIN,
    DOCUMENT,
    GAINED,
    JOINED,
    LATE,
    OTHER,
    OWNER,
    REFRESH,
    REVOKED,
    STALE,
    Reader,
    published,
    reader,
)
from tests.integration.publications import API, V1, V2
from tests.support.aws_calls import Answer, AwsCalls, Call, answer, error
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

__all__ = ["published", "reader"]

HELD = ["group/owner allow POST /pets"]
OWNER_KEY = "api#petstore#subject#group/owner"

DOWN: list[Answer] = [
    ReadTimeoutError(endpoint_url="https://dynamodb.test/"),
    ConnectTimeoutError(endpoint_url="https://dynamodb.test/"),
    EndpointConnectionError(endpoint_url="https://dynamodb.test/"),
    error("InternalServerError", 500),
    error("ThrottlingException"),
    error("ProvisionedThroughputExceededException"),
    error("AccessDeniedException"),
    error("ResourceNotFoundException"),
    error("ExpiredTokenException"),
]
DOWN_NAMES = ["silence", "no connection", "no endpoint", "500", "throttled", "throughput", "denied", "no table", "expired credentials"]


@pytest.fixture(params=DOWN, ids=DOWN_NAMES)
def down(request: pytest.FixtureRequest) -> Answer:
    answer: Answer = request.param
    return answer


def test_nothing_published_is_trouble(table: Table, wire: AwsCalls, clock: Clock) -> None:
    with pytest.raises(TroubleError) as caught:
        Reader(wire, clock).load(EVERYONE)
    assert caught.value.reason == "nothing_published"


def test_a_cold_start_without_dynamodb_is_trouble(published: Table, wire: AwsCalls, clock: Clock, down: Answer) -> None:
    reader = Reader(wire, clock)
    wire.rule = lambda _: down
    with pytest.raises(TroubleError) as caught:
        reader.load(EVERYONE)
    assert caught.value.reason == "dynamodb_unavailable"
    wire.rule = None
    assert reader.held(EVERYONE) == ["everyone allow GET /pets"]


def test_what_was_loaded_serves_within_the_bound_and_not_after(reader: Reader, clock: Clock, wire: AwsCalls, down: Answer) -> None:
    reader.load(OWNER)
    wire.rule = lambda _: down
    clock.advance(STALE)
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale, loaded.cached) == (1, True, False)
    clock.advance(1)
    with pytest.raises(TroubleError):
        reader.load(OWNER)
    wire.rule = None
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale) == (1, False)


def test_the_bound_holds_between_two_attempts_as_well(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    wire.rule = lambda _: DOWN[3]
    clock.advance(STALE - 1)
    assert reader.load(OWNER).stale
    clock.advance(2)
    with pytest.raises(TroubleError):
        reader.load(OWNER)


def test_a_stale_load_asks_once_per_interval(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    wire.rule = lambda _: DOWN[6]
    clock.advance(REFRESH)
    reader.load(OWNER)
    assert wire.operations() == ["GetItem"]
    for _ in range(3):
        loaded = reader.load(OWNER)
        assert (loaded.stale, loaded.cached) == (True, True)
        assert wire.operations() == []
    clock.advance(REFRESH)
    reader.load(OWNER)
    assert wire.operations() == ["GetItem"]


def test_one_retry_and_no_more(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    """Two attempts of 1 s to connect and 1.5 s to read fit into the 10 s that API Gateway waits, beside a fetch of keys."""
    reader.load(OWNER)
    wire.rule = lambda _: DOWN[0]
    clock.advance(REFRESH)
    reader.load(OWNER)
    assert wire.operations() == ["GetItem", "GetItem"]


def test_the_bound_starts_at_the_last_confirmation(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    clock.advance(STALE)
    assert not reader.load(OWNER).stale
    wire.rule = lambda _: DOWN[3]
    clock.advance(STALE)
    assert reader.load(OWNER).stale


def test_subjects_that_are_not_here_cannot_be_served_stale(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    wire.rule = lambda _: DOWN[3]
    with pytest.raises(TroubleError):
        reader.load(OWNER, OTHER)
    assert reader.held(OWNER) == HELD
    wire.rule = None
    assert reader.held(OTHER) == ["group/other allow DELETE /pets"]


def test_a_bound_of_nothing_serves_nothing_stale(published: Table, wire: AwsCalls, clock: Clock) -> None:
    reader = Reader(wire, clock, refresh=0, stale=0)
    reader.load(OWNER)
    clock.advance(1)
    wire.rule = lambda _: DOWN[3]
    with pytest.raises(TroubleError):
        reader.load(OWNER)


def test_with_an_interval_of_nothing_each_load_asks(published: Table, wire: AwsCalls, clock: Clock) -> None:
    reader = Reader(wire, clock, refresh=0)
    reader.load(OWNER)
    reader.load(OWNER)
    assert reader.cost() == ["head"]


@pytest.mark.parametrize("back", [1, 1000, 100_000])
def test_a_clock_that_goes_back_asks_again(reader: Reader, clock: Clock, back: float) -> None:
    reader.load(OWNER)
    publish(REVOKED)
    clock.advance(-back)
    assert reader.held(OWNER) == []
    clock.advance(1)
    reader.load(OWNER)
    assert reader.cost() == []


def test_a_clock_that_goes_back_does_not_stretch_the_bound(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    wire.rule = lambda _: DOWN[3]
    clock.advance(-1000)
    with pytest.raises(TroubleError):
        reader.load(OWNER)


def older_row(table: Table, pk: str, sk: str) -> Answer:
    return answer({"Items": [table.raw(pk, sk)], "Count": 1, "ScannedCount": 1})


def lag(wire: AwsCalls, pk: str, instead: Answer, *, operation: str = "Query", containing: str = "") -> None:
    def rule(call: Call) -> Answer:
        hit = call.operation == operation and pk in call.partition.split() and containing in str(call.body)
        return instead if hit else None

    wire.rule = rule


def test_an_older_row_is_not_filed_under_a_newer_version(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    publish(REVOKED)
    lag(wire, OWNER_KEY, older_row(published, OWNER_KEY, V1))
    clock.advance(REFRESH)
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale) == (1, True)
    clock.advance(STALE)
    with pytest.raises(TroubleError) as caught:
        reader.load(OWNER)
    assert caught.value.reason == "lagging_row"
    wire.rule = None
    assert reader.held(OWNER) == []


def test_a_row_that_does_not_show_yet_is_not_filed_either(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    publish(REVOKED)
    lag(wire, OWNER_KEY, answer({"Items": [], "Count": 0, "ScannedCount": 0}))
    clock.advance(REFRESH)
    assert (reader.load(OWNER).version, reader.load(OWNER).stale) == (1, True)


def test_an_older_row_is_noticed_on_a_later_first_read(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    reader.load(EVERYONE)
    publish(REVOKED)
    clock.advance(REFRESH)
    reader.load(EVERYONE)
    lag(wire, OWNER_KEY, older_row(published, OWNER_KEY, V1))
    with pytest.raises(TroubleError, match="version 1, but its newest record names 2"):
        reader.load(OWNER)


def test_a_cold_reader_checks_what_the_newest_record_names(published: Table, wire: AwsCalls, clock: Clock) -> None:
    publish(REVOKED)
    lag(wire, OWNER_KEY, older_row(published, OWNER_KEY, V1))
    with pytest.raises(TroubleError, match="names 2"):
        Reader(wire, clock).load(OWNER)


def test_older_routes_are_noticed(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    publish(DOCUMENT.replace("DELETE /pets]\nev", "DELETE /pets, GET /new]\nev"))
    lag(wire, "api#petstore#routes", older_row(published, "api#petstore#routes", V1))
    clock.advance(REFRESH)
    assert (reader.load(OWNER).version, reader.load(OWNER).stale) == (1, True)


def test_a_record_that_does_not_show_yet(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    publish(REVOKED)
    publish(JOINED)
    item = published.get(API, f"version#{V2}")
    published.delete(API, f"version#{V2}")
    clock.advance(REFRESH)
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale) == (1, True)
    clock.advance(STALE)
    with pytest.raises(TroubleError):
        reader.load(OWNER)
    published.put(item)
    assert reader.load(OWNER).version == 3


def test_a_head_that_lags_changes_nothing(reader: Reader, published: Table, clock: Clock, wire: AwsCalls) -> None:
    """The head alone is read eventually consistent: an older one is confirmed before anything is dropped."""
    before = {"Item": published.raw(API, "head")}
    publish(REVOKED)
    assert reader.held(OWNER) == []
    wire.rule = lambda call: answer(before) if call.operation == "GetItem" and not call.is_consistent else None
    clock.advance(REFRESH)
    assert reader.held(OWNER) == []
    assert reader.cost() == ["head", "head, consistent"]


def test_a_head_that_does_not_show_yet_changes_nothing(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    reader.load(OWNER)
    wire.rule = lambda call: answer({}) if call.operation == "GetItem" and not call.is_consistent else None
    clock.advance(REFRESH)
    assert reader.held(OWNER) == HELD
    assert reader.cost() == ["head", "head, consistent"]


def restore(table: Table, items: dict[tuple[str, str], Any]) -> None:
    """What the table holds is now this."""
    for key in table.items():
        table.delete(*key)
    for item in items.values():
        table.put(item)


def wipe(table: Table) -> None:
    restore(table, {})


def test_a_table_restored_to_a_lower_version(reader: Reader, published: Table, clock: Clock) -> None:
    first = published.items()
    publish(GAINED)
    assert reader.held(OWNER) == ["group/guest allow DELETE /pets", *HELD]
    restore(published, first)
    clock.advance(REFRESH)
    assert reader.held(OWNER) == HELD
    assert reader.load(OWNER).version == 1


def test_a_table_restored_to_an_equal_version_of_another_history(reader: Reader, published: Table, clock: Clock) -> None:
    reader.load(OWNER)
    wipe(published)
    publish(REVOKED, author="somebody else")
    clock.advance(REFRESH)
    assert reader.held(OWNER) == []
    clock.advance(REFRESH)
    reader.load(OWNER)
    assert reader.cost() == ["head"]


def test_a_table_restored_to_a_higher_version_of_another_history(reader: Reader, published: Table, clock: Clock) -> None:
    """Only the record's parent tells: nothing that the new record names is what the old version was."""
    reader.load(OWNER)
    wipe(published)
    publish(REVOKED, author="somebody else")
    publish(REVOKED.replace("guest: {}", "guest: {allow: [GET /pets]}"))
    clock.advance(REFRESH)
    assert reader.held(OWNER) == ["group/guest allow GET /pets"]
    assert reader.load(OWNER).version == 2


def test_a_table_that_was_emptied_serves_within_the_bound(reader: Reader, published: Table, clock: Clock) -> None:
    reader.load(OWNER)
    wipe(published)
    clock.advance(REFRESH)
    assert reader.load(OWNER).stale
    clock.advance(STALE)
    with pytest.raises(TroubleError) as caught:
        reader.load(OWNER)
    assert caught.value.reason == "nothing_published"


def test_a_subject_whose_rows_are_lost_is_not_taken_for_one_that_holds_nothing(published: Table, wire: AwsCalls, clock: Clock) -> None:
    """What it held may be the deny: `admin` denies what `other` allows. The newest record, which is held against what is read, does not speak of it."""
    publish(REVOKED)
    reader = Reader(wire, clock)
    assert reader.held(OTHER) == ["group/other allow DELETE /pets"]
    wipe(published)
    for _ in range(2):
        with pytest.raises(TroubleError, match="`group/admin`, and the table has no row of it") as caught:
            reader.load(OTHER, ADMIN)
        assert caught.value.reason == "lagging_row"
    clock.advance(REFRESH)
    with pytest.raises(TroubleError):
        reader.load(OTHER, ADMIN)


def test_a_subject_that_a_later_version_brings_holds_nothing_yet(published: Table, wire: AwsCalls, clock: Clock) -> None:
    """The registry is read after the head, and may be newer: its rows all come later."""
    reader = Reader(wire, clock)
    done: list[str] = []

    def publish_before_the_registry(call: Call) -> None:
        if call.operation == "Query" and "'subject#'" in str(call.body) and not done:
            done.append(JOINED)
            publish(JOINED)

    wire.rule = publish_before_the_registry

    assert reader.held(LATE) == []
    assert done == [JOINED]
    clock.advance(REFRESH)
    assert reader.held(LATE) == ["group/late allow POST /pets"]


def test_another_history_with_a_row_missing_is_not_half_adopted(reader: Reader, published: Table, clock: Clock) -> None:
    reader.load(OWNER)
    wipe(published)
    publish(REVOKED, author="somebody else")
    published.delete("api#petstore#routes", V1)
    clock.advance(REFRESH)
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale) == (1, True)
    assert len(loaded.catalog.routes) == 3


@pytest.mark.parametrize(("behind", "reads"), [(3, ["head", "records"]), (4, ["head", "head, consistent", "head, consistent", "records"])])
def test_a_reader_far_behind_starts_again(
    reader: Reader, clock: Clock, monkeypatch: pytest.MonkeyPatch, behind: int, reads: list[str]
) -> None:
    monkeypatch.setattr(permission_cache, "MAX_VERSIONS_TO_FOLLOW", 3)
    reader.load(OTHER)
    for number in range(behind):
        publish(DOCUMENT.replace("guest: {}", f"guest: {{allow: [GET /pets], deny: [{('POST', 'DELETE')[number % 2]} /pets]}}"))
    clock.advance(REFRESH)
    assert reader.held(OTHER) == ["group/other allow DELETE /pets"]
    cost = reader.cost()
    assert cost[: len(reads)] == reads
    assert reader.load(OTHER).version == behind + 1


def test_more_than_a_hundred_versions_behind(reader: Reader, published: Table, clock: Clock) -> None:
    reader.load(OWNER)
    for number in range(101):
        publish(DOCUMENT if number % 2 else REVOKED)
    clock.advance(REFRESH)
    assert reader.held(OWNER) == []
    assert reader.load(OWNER).version == 102


WIDER = '{"ancestors":["guest"],"held":{"allow":["* /**"],"inherits":["guest"]}}'


def test_a_row_that_was_altered_is_not_served_where_its_record_is_at_hand(reader: Reader, published: Table) -> None:
    """Cold: the newest record is read, and names the row."""
    published.change(OWNER_KEY, V1, content=WIDER)
    with pytest.raises(TroubleError, match=f"`{OWNER_KEY}` does not hold what version 1 wrote") as caught:
        reader.load(OWNER)
    assert caught.value.reason == "altered_row"
    published.change("api#petstore#routes", V1, content='{"routes":["GET /pets","POST /pets","DELETE /pets","GET /secret"]}')
    with pytest.raises(TroubleError, match="routes` does not hold what version 1 wrote"):
        Reader(reader.wire, Clock()).load(EVERYONE)


def test_a_new_row_that_was_altered_is_not_taken_for_what_was_published(reader: Reader, published: Table, clock: Clock) -> None:
    """Warm: what was loaded serves on within the bound, and nothing after it."""
    assert reader.held(OWNER) == HELD
    publish(REVOKED)
    published.change(OWNER_KEY, V2, content=WIDER)
    clock.advance(REFRESH)
    loaded = reader.load(OWNER)
    assert (loaded.version, loaded.stale, [p.id for p in loaded.permissions]) == (1, True, HELD)
    clock.advance(STALE + 1)
    with pytest.raises(TroubleError) as caught:
        reader.load(OWNER)
    assert caught.value.reason == "altered_row"


def test_a_removed_row_that_was_brought_back_is_not_taken_for_removed(reader: Reader, published: Table, clock: Clock) -> None:
    publish(DOCUMENT.replace("  other: {allow: [DELETE /pets]}\n", ""))
    published.change("api#petstore#subject#group/other", V2, content='{"ancestors":[],"held":{"allow":["* /**"]}}')
    with pytest.raises(TroubleError, match="other` does not hold what version 2 wrote"):
        reader.load(OTHER)


@pytest.mark.parametrize(("name", "value"), [("issued_before", 1), ("expires_at", 1_999_999_999), ("reason", "another")])
def test_an_entry_of_the_denylist_that_was_altered_is_trouble(
    reader: Reader, published: Table, clock: Clock, name: str, value: object
) -> None:
    service = PermissionService(opened(), clock)
    service.add_entry("petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=2_000_000_000)
    entry = published.get("api#petstore#denylist", "sub#u1")
    published.put(entry | {name: value})
    with pytest.raises(TroubleError, match="does not hold what version 2 wrote") as caught:
        reader.load(EVERYONE)
    assert caught.value.reason == "altered_row"
    published.put(entry)
    assert reader.load(EVERYONE).denylist.get(DenylistKind.SUB, "u1") is not None


def test_an_entry_of_the_registry_that_names_another_is_trouble(reader: Reader, published: Table) -> None:
    published.change(API, "subject#group/admin", name="nobody")
    with pytest.raises(TroubleError, match="it names `group/nobody`") as caught:
        reader.load(EVERYONE)
    assert caught.value.reason == "unreadable_row"
