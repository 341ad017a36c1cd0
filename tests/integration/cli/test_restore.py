"""A table is lost, goes wrong or is left behind: what a backup makes of it, what authorizers serve meanwhile, and that nobody reads a part."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from admin_api.publishing import recovery
from admin_api.publishing.service import PermissionService
from admin_api.table import backup_rows
from authorizer.errors import TroubleError
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.permission import EVERYONE
from authorizer.table.cache import LoadedPermissions, PermissionCache
from authorizer.table.reader import PermissionTable
from tests.conftest import REGION
from tests.integration.caches import GUEST, OWNER, REFRESH, STALE
from tests.integration.cli.conftest import Run, parsed
from tests.support.aws_calls import Answer, AwsCalls, Call, answer, error
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.issuer import NOW
from tests.support.tables import TABLE, Table, create_table, opened, publish

OTHER = "gatebook-restored"
FILE = "a.backup"
LATER = NOW + 3600 * 24 * 3650

OPEN = """
api: petstore
routes: [GET /pets, POST /pets, DELETE /pets]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: [POST /pets]}
  owner: {allow: [POST /pets]}
  admin: {allow: ["* /**"]}
"""
GOOD = OPEN.replace("guest: {allow: [POST /pets]}", "guest: {deny: [GET /pets]}").replace("owner: {allow: [POST /pets]}", "owner: {}")
"""What stands in the backup: the newest version takes away what the first one gave."""
BAD = GOOD.replace("guest: {deny: [GET /pets]}", 'guest: {allow: ["* /**"]}') + '  late: {allow: ["* /**"]}\n'
"""What should not have been published."""

OF_GOOD = {"guest": ["everyone allow GET /pets", "group/guest deny GET /pets"], "owner": ["everyone allow GET /pets"]}
OF_BAD = {"guest": ["everyone allow GET /pets", "group/guest allow * /**"], "owner": ["everyone allow GET /pets"]}
OF_OPEN = {
    "guest": ["everyone allow GET /pets", "group/guest allow POST /pets"],
    "owner": ["everyone allow GET /pets", "group/owner allow POST /pets"],
}


class Authorizer:
    """One authorizer's memory of the petstore."""

    def __init__(self, clock: Clock, table: str = TABLE) -> None:
        self.cache = PermissionCache(
            PermissionTable(table, REGION), "petstore", now=clock, refresh_seconds=REFRESH, max_stale_seconds=STALE
        )

    def load(self) -> LoadedPermissions:
        return self.cache.load([EVERYONE, GUEST])

    def held(self) -> dict[str, list[str]]:
        return {ref.name: sorted(p.id for p in self.cache.load([EVERYONE, ref]).permissions) for ref in (GUEST, OWNER)}


def service() -> PermissionService:
    return PermissionService(opened(), Clock(), wait=lambda _: None)


def deny(value: str) -> None:
    service().add_entry("petstore", DenylistKind.SUB, value, author="jane", reason="lost", expires_at=LATER)


def in_force(clock: Clock) -> set[str]:
    return {entry.value for entry in Authorizer(clock).load().denylist.entries()}


def lose(table: Table) -> None:
    """The table is gone, and made anew."""
    table.dynamodb.delete_table(TableName=TABLE)
    create_table(table.dynamodb, TABLE)


@pytest.fixture
def history(target: Table, run: Run) -> Table:
    """Three versions, all in the backup `a.backup`."""
    publish(OPEN)
    deny("u1")
    publish(GOOD)
    assert run("backup", "--out", FILE).exit_code == 0
    return target


def restored(run: Run, *arguments: str) -> dict[str, Any]:
    [done] = parsed(run("restore", FILE, "--yes", "--json", *arguments))
    return dict(done)


def test_a_lost_table_is_restored_and_authorizers_follow(run: Run, history: Table, clock: Clock) -> None:
    """The one that holds a version which the backup does not have follows too, although the number of the restored one is lower."""
    before = history.items()
    same = Authorizer(clock)
    assert same.held() == OF_GOOD
    publish(BAD)
    publish(OPEN)
    publish(BAD)
    newer = [Authorizer(clock) for _ in range(4)]
    assert [each.held() for each in newer] == [OF_BAD] * 4
    lose(history)
    clock.advance(REFRESH)
    # Within the bound what was loaded serves, and who starts finds no API.
    assert [each.load().stale for each in (same, *newer)] == [True] * 5
    with pytest.raises(TroubleError, match="no permissions"):
        Authorizer(clock).load()
    assert restored(run) | {"hash": ""} == {"api": "petstore", "way": "new", "version": 3, "hash": "", "dry_run": False, "denials": 0}
    assert history.items() == before
    clock.advance(REFRESH)
    followed = newer[0].load()
    assert (followed.version, followed.stale, newer[0].held()) == (3, False, OF_GOOD)
    assert (same.load().version, same.load().stale, same.held()) == (3, False, OF_GOOD)
    assert {entry.value for entry in followed.denylist.entries()} == {"u1"}
    # The history goes on from there. One who has slept since meets the same numbers of another lineage, or higher ones.
    for number, version in enumerate((4, 5, 6, 7)):
        publish(OPEN if version % 2 == 0 else GOOD)
        clock.advance(REFRESH)
        wanted = OF_OPEN if version % 2 == 0 else OF_GOOD
        assert (newer[number].load().version, newer[number].held()) == (version, wanted)
    assert verify_chain(history.items(), "petstore") == 7


def test_point_in_time_recovery_makes_another_table_that_functions_are_pointed_at(
    run: Run, history: Table, clock: Clock, folder: Path
) -> None:
    publish(BAD)
    dynamodb = history.dynamodb
    dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    dynamodb.restore_table_to_point_in_time(SourceTableName=TABLE, TargetTableName="gatebook-of-noon", UseLatestRestorableTime=True)
    noon = Table(dynamodb, "gatebook-of-noon")
    # Some of a version that was being published then: DynamoDB restores items, not transactions.
    noon.put({"pk": "api#petstore#subject#group/guest", "sk": "000000000005", "schema": 1, "content": '{"held":{},"ancestors":[]}'})
    assert run("log", "petstore", "--verify", "--table", noon.name).exit_code == 1
    create_table(dynamodb, OTHER)
    piped = run("backup", "--table", noon.name, "--out", "-").stdout_bytes
    assert run("restore", "-", "--table", OTHER, "--yes", input=piped).exit_code == 0
    assert run("log", "petstore", "--verify", "--table", OTHER).exit_code == 0
    assert Table(dynamodb, OTHER).items() == history.items()
    assert Authorizer(clock, OTHER).held() == OF_BAD


def stopping(wire: AwsCalls, number: int) -> None:
    """Let so many writes pass, and none after."""
    writes = iter(range(number))

    def rule(call: Call) -> Answer:
        if call.operation in ("GetItem", "Query", "GetCallerIdentity"):
            return None
        return None if next(writes, None) is not None else error("InternalServerError", 500)

    wire.rule = rule


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_rows, "_BATCH_ITEMS", 4)


def interruptions(run: Run, wire: AwsCalls, *arguments: str) -> Iterator[int]:
    """Restore again and again, each time stopped one write later, until it is done."""
    for number in range(40):
        stopping(wire, number)
        result = run("restore", FILE, "--yes", *arguments)
        wire.rule = None
        if result.exit_code == 0:
            return
        assert result.exit_code == 4, result.output
        yield number
    raise AssertionError("never done")


def test_a_restoration_that_is_interrupted_anywhere_is_read_by_nobody_and_goes_on(
    run: Run, history: Table, clock: Clock, wire: AwsCalls, small_batches: None
) -> None:
    before = history.items()
    publish(BAD)
    warm = Authorizer(clock)
    assert warm.held() == OF_BAD
    lose(history)
    count = 0
    for count, _ in enumerate(interruptions(run, wire), 1):
        clock.advance(REFRESH)
        assert (warm.load().version, warm.load().stale) == (4, True)
        with pytest.raises(TroubleError, match="no permissions"):
            Authorizer(clock).load()
        assert run("export", "petstore").exit_code == 2
        if count > 1:
            # The first record is there, so that nobody publishes between the rows.
            with pytest.raises(TroubleError, match="gatebook restore"):
                publish(OPEN)
    assert count > len(before) // 4
    assert history.items() == before
    clock.advance(REFRESH)
    assert (warm.load().version, warm.held()) == (3, OF_GOOD)


def test_rows_are_written_the_newest_first(run: Run, history: Table, wire: AwsCalls, small_batches: None) -> None:
    """Whoever reads a partition of which a part is there reads no permission that a later row took away."""
    lose(history)
    wire.take()
    restored(run)
    puts = [
        put["PutRequest"]["Item"] for call in wire.take() if call.operation == "BatchWriteItem" for put in call.body["RequestItems"][TABLE]
    ]
    rows = [(item["pk"]["S"], item["sk"]["S"]) for item in puts if item["pk"]["S"] == "api#petstore#subject#group/guest"]
    assert [sk for _, sk in rows] == ["000000000003", "000000000001"]
    assert {"head"}.isdisjoint(item["sk"]["S"] for item in puts)


def test_an_api_that_the_table_has_is_not_touched_unless_that_is_asked_for(run: Run, history: Table) -> None:
    assert restored(run)["way"] == "present"
    publish(BAD)
    before = history.items()
    result = run("restore", FILE, "--yes")
    told = " ".join(result.stderr.split())
    assert (result.exit_code, "at version 4" in told, "the backup has version 3" in told, "`--replace`" in told) == (1, True, True, True)
    assert history.items() == before


def test_the_table_went_on_what_the_backup_says_is_its_next_version(run: Run, history: Table, clock: Clock) -> None:
    old, slow = Authorizer(clock), Authorizer(clock)
    assert slow.held() == OF_GOOD
    publish(BAD)
    deny("u2")
    service().remove_entry("petstore", DenylistKind.SUB, "u1", author="jane", reason="found")
    assert old.held() == OF_BAD
    before = history.items()
    told = run("restore", FILE, "--replace", "--dry-run")
    assert (told.exit_code, history.items() == before) == (0, True), told.output
    assert "loses" in told.stdout
    assert "1 entries of the denylist are put back" in " ".join(told.stdout.split())
    assert parsed(run("restore", FILE, "--replace", "--dry-run", "--json"))[0] | {"hash": None} == {
        "api": "petstore", "way": "published", "version": 6, "hash": None, "dry_run": True, "denials": 1,
    }  # fmt: skip
    done = restored(run, "--replace", "--reason", "the review")
    assert (done["way"], done["version"], done["denials"]) == ("published", 8, 1)
    clock.advance(REFRESH)
    for authorizer in (old, slow, Authorizer(clock)):
        assert (authorizer.load().version, authorizer.held()) == (8, OF_GOOD)
    # What either refuses is refused.
    assert in_force(clock) == {"u1", "u2"}
    assert before.items() <= {**history.items(), ("api#petstore", "head"): before["api#petstore", "head"]}.items()
    assert verify_chain(history.items(), "petstore") == 8
    record = history.get("api#petstore", "version#000000000007")
    assert (record["reason"], record["author"]) == ("the review", "arn:aws:sts::123456789012:user/moto")
    # Once more changes nothing.
    assert restored(run, "--replace")["version"] == 8


@pytest.mark.parametrize("others", [[BAD], [BAD, OPEN, BAD], [BAD, OPEN, BAD, OPEN, BAD]], ids=len)
def test_another_history_under_the_same_name_stays_and_takes_over_the_document(
    run: Run, history: Table, clock: Clock, others: list[str]
) -> None:
    """Whether its head is below the backup's, the same number, or above."""
    lose(history)
    for other in others:
        publish(other)
    old = Authorizer(clock)
    assert old.held() == OF_BAD
    before = history.items()
    done = restored(run, "--replace")
    assert (done["way"], done["version"]) == ("published", len(others) + 2)
    clock.advance(REFRESH)
    assert (old.load().version, old.held()) == (len(others) + 2, OF_GOOD)
    assert in_force(clock) == {"u1"}
    assert verify_chain(history.items(), "petstore") == len(others) + 2
    head = ("api#petstore", "head")
    assert before.items() <= {**history.items(), head: before[head]}.items()
    # A document that cannot be read is no base for the next.
    history.change("api#petstore#subject#group/guest", f"{len(others) + 1:012d}", content="{}")
    told = run("restore", FILE, "--replace", "--dry-run")
    assert (told.exit_code, "entries of the denylist" in told.stdout) == (4, False), told.output


def test_what_was_deleted_behind_the_products_back_is_put_back(run: Run, history: Table, clock: Clock) -> None:
    whole = history.items()
    damages = [
        ("api#petstore#subject#group/guest", "000000000003"),
        ("api#petstore#routes", "000000000001"),
        ("api#petstore", "version#000000000001"),
        ("api#petstore", "version#000000000003"),
        ("api#petstore", "subject#group/owner"),
        ("apis", "petstore"),
    ]
    for key in damages:
        history.delete(*key)
    history.change("api#petstore#subject#group/owner", "000000000003", content='{"held":{"allow":["* /**"]},"ancestors":[]}')
    assert restored(run, "--replace") | {"hash": ""} == {
        "api": "petstore", "way": "present", "version": 3, "hash": "", "dry_run": False, "denials": 0,
    }  # fmt: skip
    assert history.items() == whole
    # Also where the table went on since.
    publish(BAD)
    for key in damages[:-1]:
        history.delete(*key)
    assert "can be told once the table is put right" in " ".join(run("restore", FILE, "--replace", "--dry-run").output.split())
    assert restored(run, "--replace")["version"] == 5
    assert Authorizer(clock).held() == OF_GOOD
    assert verify_chain(history.items(), "petstore") == 5


def test_a_table_that_is_behind_goes_on_to_the_backup(
    run: Run, history: Table, clock: Clock, wire: AwsCalls, small_batches: None, folder: Path
) -> None:
    old = (folder / FILE).read_bytes()
    publish(BAD)
    deny("u2")
    service().remove_entry("petstore", DenylistKind.SUB, "u1", author="jane", reason="found")
    publish(OPEN)
    newest = history.items()
    assert run("backup", "--out", "new.backup").exit_code == 0
    lose(history)
    restored(run)
    warm = Authorizer(clock)
    assert warm.held() == OF_GOOD
    (folder / FILE).write_bytes((folder / "new.backup").read_bytes())
    told = run("restore", FILE, "--replace", "--dry-run")
    assert "the table is at version 3, and goes on to version 7 of the backup" in told.stdout
    stops = 0
    for stops, _ in enumerate(interruptions(run, wire, "--replace"), 1):
        clock.advance(REFRESH)
        cold = Authorizer(clock)
        assert [(each.load().version, each.load().stale, each.held()) for each in (warm, cold)] == [(3, False, OF_GOOD)] * 2
        if stops > 1:
            with pytest.raises(TroubleError, match="gatebook restore"):
                publish(BAD)
            with pytest.raises(TroubleError, match="gatebook restore"):
                deny("u3")
    assert stops > 5
    assert history.items() == newest
    clock.advance(REFRESH)
    assert (warm.load().version, warm.held()) == (7, OF_OPEN)
    assert in_force(clock) == {"u2"}
    assert verify_chain(history.items(), "petstore") == 7
    (folder / FILE).write_bytes(old)
    assert run("restore", FILE, "--yes").exit_code == 1


def test_what_another_history_left_is_not_made_readable(run: Run, history: Table) -> None:
    """Rows below the head would be served, and rows above it be in the way of the next version."""
    lose(history)
    for key in (
        ("api#petstore#subject#group/guest", "000000000002"),
        ("api#petstore#subject#group/late", "000000000001"),
        ("api#petstore#routes", "000000000004"),
        ("api#petstore", "version#000000000004"),
        ("api#petstore#denylist", "sub#u9"),
    ):
        more = {"content": "{}"} if key[1][0] == "0" else {}
        history.put({"pk": key[0], "sk": key[1], "schema": 1, **more})
        history.put({"pk": "api#petstore", "sk": "subject#group/late", "schema": 1, "kind": "group", "name": "late"})
        before = history.items()
        result = run("restore", FILE, "--yes")
        assert (result.exit_code, " ".join(key) in " ".join(result.stderr.split())) == (1, True), result.output
        assert "another table" in result.stderr
        assert history.items() == before
        history.delete(*key)
    history.delete("api#petstore", "subject#group/late")
    assert restored(run)["way"] == "new"


def test_whoever_publishes_first_is_not_overwritten(run: Run, history: Table, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(history)

    def publishing_at(operation: str) -> None:
        def rule(call: Call) -> Answer:
            if call.operation == operation:
                wire.rule = None
                publish(BAD)
            return None

        wire.rule = rule

    # Before the claim: its record of version 1 is another's.
    publishing_at("PutItem")
    result = run("restore", FILE, "--yes")
    assert (result.exit_code, history.get("api#petstore", "head")["version"]) == (3, 1), result.output
    assert verify_chain(history.items(), "petstore") == 1
    # After the table was looked at, as one who restores another backup of the same history does.
    lose(history)
    finish = backup_rows.BackupWriter.finish

    def late(self: backup_rows.BackupWriter, *arguments: Any) -> Any:
        monkeypatch.undo()
        history.put({"pk": "api#petstore", "sk": "head", "schema": 1, "version": 2, "hash": "h", "updated_at": "t"})
        return finish(self, *arguments)

    monkeypatch.setattr(backup_rows.BackupWriter, "finish", late)
    monkeypatch.setenv("PERMISSIONS_TABLE", TABLE)
    result = run("restore", FILE, "--yes", "--table", TABLE)
    assert (result.exit_code, history.get("api#petstore", "head")["hash"]) == (3, "h"), result.output


def test_a_head_that_moves_before_the_claim_is_a_conflict(history: Table, run: Run, wire: AwsCalls) -> None:
    """Somebody restores the same: both may claim, one of them moves the head."""
    lose(history)

    def rule(call: Call) -> Answer:
        if call.operation == "PutItem":
            wire.rule = None
            assert run("restore", FILE, "--yes").exit_code == 0
        return None

    wire.rule = rule
    assert run("restore", FILE, "--yes").exit_code == 3
    assert verify_chain(history.items(), "petstore") == 3


def test_who_publishes_before_the_claim_keeps_what_was_published(run: Run, history: Table, wire: AwsCalls, folder: Path) -> None:
    """Also if the first version that follows is the one of the backup, and the next is another."""
    publish(BAD)
    publish(OPEN)
    assert run("backup", "--out", "new.backup").exit_code == 0
    lose(history)
    restored(run)
    (folder / FILE).write_bytes((folder / "new.backup").read_bytes())

    def rule(call: Call) -> Answer:
        if call.operation == "PutItem":
            wire.rule = None
            publish(BAD)
            publish(GOOD)
        return None

    wire.rule = rule
    result = run("restore", FILE, "--replace", "--yes")
    assert (result.exit_code, "in the meantime" in result.stderr) == (3, True), result.output
    assert verify_chain(history.items(), "petstore") == 5


def test_a_throttled_table_is_waited_for(run: Run, history: Table, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    before = history.items()
    lose(history)
    waited: list[float] = []
    monkeypatch.setattr(recovery.Recovery.__init__, "__defaults__", (waited.append,))
    left = iter([True, True])

    def rule(call: Call) -> Answer:
        if call.operation == "BatchWriteItem" and next(left, False):
            return answer({"UnprocessedItems": call.body["RequestItems"]})
        return None

    wire.rule = rule
    restored(run)
    assert waited[:2] == [0.05, 0.1]
    assert history.items() == before
    lose(history)
    wire.rule = lambda call: answer({"UnprocessedItems": call.body["RequestItems"]}) if call.operation == "BatchWriteItem" else None
    result = run("restore", FILE, "--yes")
    assert (result.exit_code, "takes no more" in result.stderr) == (4, True)


def test_a_table_that_is_not_there_is_told(run: Run, history: Table, wire: AwsCalls) -> None:
    assert "nowhere" in run("backup", "--table", "nowhere", "--out", "b").stderr
    assert run("restore", FILE, "--table", "nowhere", "--yes").exit_code == 4
    lose(history)
    wire.rule = lambda call: error("ResourceNotFoundException") if call.operation == "BatchWriteItem" else None
    result = run("restore", FILE, "--yes")
    assert (result.exit_code, "gatebook init" in result.stderr) == (4, True), result.stderr
    wire.rule = lambda call: error("ResourceNotFoundException") if call.operation == "TransactWriteItems" else None
    assert run("restore", FILE, "--yes").exit_code == 4


def test_large_rows_are_sent_in_small_batches(run: Run, history: Table, wire: AwsCalls, monkeypatch: pytest.MonkeyPatch) -> None:
    lose(history)
    monkeypatch.setattr(backup_rows, "_BATCH_BYTES", 1)
    wire.take()
    restored(run)
    counts = [len(call.body["RequestItems"][TABLE]) for call in wire.take() if call.operation == "BatchWriteItem"]
    assert set(counts) == {1}


def test_many_entries_that_were_removed_are_removed(run: Run, history: Table, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the transaction has room for: some go before the head moves."""
    monkeypatch.setattr(backup_rows, "_MOST_DELETED", 1)
    old = (folder / FILE).read_bytes()
    deny("u2")
    deny("u3")
    assert run("backup", "--out", FILE).exit_code == 0
    new = (folder / FILE).read_bytes()
    for value in ("u1", "u2", "u3"):
        service().remove_entry("petstore", DenylistKind.SUB, value, author="jane", reason="found")
    newest = history.items()
    assert run("backup", "--out", "newest").exit_code == 0
    lose(history)
    (folder / FILE).write_bytes(new)
    restored(run)
    (folder / FILE).write_bytes((folder / "newest").read_bytes())
    assert restored(run, "--replace")["way"] == "continued"
    assert history.items() == newest
    assert old != new
