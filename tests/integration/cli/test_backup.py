"""`gatebook backup` and `restore`: whole histories out of a table and into one, checked on both ways, never readable by halves."""

import gzip
import hashlib
import json
import stat
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind
from tests.integration.cli.conftest import Run, parsed
from tests.support.aws_calls import AwsCalls, Call
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.issuer import NOW
from tests.support.tables import TABLE, Item, Table, create_table, opened, publish

OTHER = "gatebook-restored"

FIRST = """
api: petstore
routes: [GET /pets, POST /pets]
everyone: {allow: [GET /pets]}
groups: {guest: {allow: [POST /pets]}, old: {allow: [GET /pets]}}
rules: [{never: "guest -> DELETE /**"}]
"""
SECOND = FIRST.replace(", old: {allow: [GET /pets]}", "").replace("guest: {allow: [POST /pets]}", "guest: {deny: [POST /pets]}")
THIRD = SECOND.replace('rules: [{never: "guest -> DELETE /**"}]\n', "")
TOYS = "{api: to.ys, routes: [GET /toys], groups: {'a b/ü': {allow: [GET /toys]}}}"
FILE = "a.backup"


def deny(value: str, api: str = "petstore", hours: int = 24 * 3650) -> None:
    # Commands go by the clock of the machine.
    PermissionService(opened(), Clock()).add_entry(
        api, DenylistKind.SUB, value, author="jane", reason="lost", expires_at=NOW + hours * 3600, issued_before=NOW
    )


def undeny(value: str) -> None:
    PermissionService(opened(), Clock()).remove_entry("petstore", DenylistKind.SUB, value, author="jane", reason="found")


def items_of(table: Table, api: str = "petstore") -> dict[tuple[str, str], Item]:
    """What a table holds of an API, apart from answers to requests."""
    own = f"api#{api}"
    found = {key: item for key, item in table.items().items() if (key[0] + "#").startswith(own + "#") or key == ("apis", api)}
    return {key: item for key, item in found.items() if key[0] != f"{own}#idempotency"}


@pytest.fixture
def filled(target: Table) -> Table:
    """A history with what a history may have: changes, rules that come and go, a subject removed, entries of the denylist, one removed."""
    publish(FIRST)
    deny("u1")
    publish(SECOND)
    deny("u2")
    undeny("u2")
    publish(THIRD)
    publish(TOYS)
    return target


@pytest.fixture
def other(filled: Table) -> Table:
    """A table with nothing in it, which later commands work on."""
    create_table(filled.dynamodb, OTHER)
    return Table(filled.dynamodb, OTHER)


@pytest.fixture
def lines(run: Run, filled: Table, folder: Path) -> list[dict[str, Any]]:
    """The lines of a backup of the filled table."""
    assert run("backup", "--out", FILE).exit_code == 0
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]


def sealed(lines: list[dict[str, Any]]) -> str:
    """The text of a backup with these lines, its end right: what somebody would write who alters a backup and knows its format."""
    body = "".join(json.dumps(line) + "\n" for line in lines)
    return body + json.dumps({"lines": len(lines), "sha256": hashlib.sha256(body.encode()).hexdigest()}) + "\n"


def restored(run: Run, *arguments: str) -> Any:
    return parsed(run("restore", FILE, "--table", OTHER, "--yes", "--json", *arguments))


def test_what_was_backed_up_is_what_is_restored(run: Run, filled: Table, other: Table, folder: Path) -> None:
    done = parsed(run("backup", "--out", FILE, "--json"))
    assert [(each["api"], each["version"]) for each in done] == [("petstore", 6), ("to.ys", 1)]
    assert {each["hash"] for each in done} == {filled.get(f"api#{api}", "head")["hash"] for api in ("petstore", "to.ys")}
    assert [each["items"] for each in done] == [len(items_of(filled)), len(items_of(filled, "to.ys"))]
    assert stat.S_IMODE((folder / FILE).stat().st_mode) == 0o600
    assert [(each["api"], each["way"], each["version"]) for each in restored(run)] == [("petstore", "new", 6), ("to.ys", "new", 1)]
    assert other.items() == filled.items()
    assert verify_chain(other.items(), "petstore") == 6
    assert run("log", "petstore", "--verify", "--table", OTHER).exit_code == 0


def test_a_file_is_json_lines_with_a_header_and_an_end(lines: list[dict[str, Any]], filled: Table) -> None:
    head = filled.get("api#petstore", "head")
    assert lines[0]["gatebook_backup"] == 1
    assert (lines[0]["table"], lines[0]["apis"][0]) == (TABLE, {"api": "petstore", "version": 6, "hash": head["hash"]})
    assert lines[0].keys() == {"gatebook_backup", "table", "region", "taken_at", "release", "apis"}
    assert lines[-1].keys() == {"lines", "sha256"}
    assert lines[-1]["lines"] == len(lines) - 1 == 1 + len(filled.items())
    mine = [line for line in lines if line.get("pk") == "api#petstore"]
    assert [line["sk"] for line in mine][-1] == "head"


def test_a_name_in_gz_is_packed_and_pipes_work(run: Run, filled: Table, other: Table, folder: Path) -> None:
    assert run("backup", "petstore", "--out", "a.gz").exit_code == 0
    packed = (folder / "a.gz").read_bytes()
    plain = run("backup", "petstore", "--out", "-")
    assert plain.exit_code == 0
    assert gzip.decompress(packed).splitlines()[1:-1] == plain.stdout_bytes.splitlines()[1:-1]
    assert "backed up petstore" in plain.stderr
    assert "standard output" in run("backup", "--out", "-", "--json").output
    asked = run("restore", "-", "--table", OTHER, input=packed)
    assert (asked.exit_code, "give --yes" in asked.output, other.items()) == (2, True, {})
    assert run("restore", "-", "--table", OTHER, "--yes", input=plain.stdout_bytes).exit_code == 0
    assert other.items() == items_of(filled)
    assert "present" in run("restore", "-", "--table", OTHER, "--dry-run", "--json", input=packed).output


def test_only_what_is_named_is_taken(run: Run, filled: Table, other: Table, folder: Path) -> None:
    assert run("backup", "--out", FILE).exit_code == 0
    assert [each["api"] for each in restored(run, "to.ys")] == ["to.ys"]
    assert other.items() == items_of(filled, "to.ys")
    assert "no API `pets`" in run("restore", FILE, "pets", "--table", OTHER, "--yes").output
    missing = run("backup", "pets", "--out", "b")
    assert (missing.exit_code, "nothing published" in missing.output, (folder / "b").exists()) == (2, True, False)


def test_an_empty_table_makes_an_empty_backup(run: Run, target: Table) -> None:
    result = run("backup", "--out", FILE)
    assert (result.exit_code, "empty" in result.stdout) == (0, True)
    assert parsed(run("restore", FILE, "--yes", "--json")) == []


def test_answers_to_requests_are_left_out_and_so_is_what_was_never_published(run: Run, filled: Table, other: Table) -> None:
    """As point-in-time recovery of DynamoDB may leave them: some items of a transaction, and not its others."""
    before = filled.items()
    filled.put({"pk": "api#petstore#idempotency", "sk": "k", "schema": 1, "fingerprint": "f", "answer": "{}", "expires_at": NOW * 2})
    filled.put({"pk": "api#petstore#routes", "sk": "000000000007", "schema": 1, "content": "{}"})
    filled.put({"pk": "api#petstore", "sk": "version#000000000007", "schema": 1})
    filled.put({"pk": "api#petstore", "sk": "subject#group/late", "schema": 1, "kind": "group", "name": "late"})
    assert run("backup", "--out", FILE).exit_code == 0
    restored(run)
    assert other.items() == before


def test_a_dry_run_checks_and_writes_nothing(run: Run, filled: Table, other: Table, wire: AwsCalls) -> None:
    assert run("backup", "--out", FILE).exit_code == 0
    wire.take()
    result = run("restore", FILE, "--table", OTHER, "--dry-run")
    assert result.exit_code == 0
    assert "petstore: new in the table; version 6 of the backup" in result.stdout
    assert "nothing was written" in result.stdout
    assert {call.operation for call in wire.take()} <= {"GetItem", "Query"}
    assert other.items() == {}


def test_it_asks_before_it_writes(run: Run, filled: Table, other: Table) -> None:
    assert run("backup", "--out", FILE).exit_code == 0
    assert run("restore", FILE, "--table", OTHER, input="n\n").exit_code == 2
    assert other.items() == {}


def test_a_version_that_is_published_during_a_backup_is_not_in_it(run: Run, filled: Table, other: Table, wire: AwsCalls) -> None:
    """The file is of one version, whatever happens while the rows are read."""
    before = items_of(filled)

    def meanwhile(call: Call) -> None:
        if call.operation == "Query" and call.partition == "api#petstore#routes":
            wire.rule = None
            publish(FIRST)
            deny("u3")

    wire.rule = meanwhile
    assert run("backup", "petstore", "--out", FILE).exit_code == 0
    assert filled.get("api#petstore", "head")["version"] == 8
    restored(run)
    assert other.items() == before


def test_a_denylist_that_changes_while_it_is_read_is_read_again(run: Run, filled: Table, other: Table, wire: AwsCalls) -> None:
    reads = []

    def meanwhile(call: Call) -> None:
        if call.operation == "Query" and call.partition == "api#petstore#denylist":
            reads.append(call)
            if len(reads) <= 2:
                wire.rule = None
                deny(f"late-{len(reads)}")
                wire.rule = meanwhile

    wire.rule = meanwhile
    assert run("backup", "petstore", "--out", FILE).exit_code == 0
    # Each entry that is written is a read of the denylist too.
    restored(run)
    assert other.items() == items_of(filled)
    assert ("api#petstore#denylist", "sub#late-2") in other.items()


def test_a_denylist_that_never_rests_is_told(run: Run, filled: Table, wire: AwsCalls, folder: Path) -> None:
    stamps = iter(range(100, 200))

    def meanwhile(call: Call) -> None:
        if call.operation == "Query" and call.partition == "api#petstore#denylist":
            filled.change("api#petstore", "head", denylist_stamp=next(stamps))

    wire.rule = meanwhile
    result = run("backup", "petstore", "--out", FILE)
    assert (result.exit_code, "try again" in result.output, (folder / FILE).exists()) == (3, True, False)


DAMAGES: list[tuple[Callable[[Table], None], str]] = [
    (lambda t: t.change("api#petstore#subject#group/guest", "000000000001", content=None), "version 1"),
    (lambda t: t.delete("api#petstore#rules", "000000000001"), "missing"),
    (lambda t: t.delete("api#petstore", "version#000000000002"), "records between"),
    (lambda t: t.put({"pk": "api#petstore#routes", "sk": "000000000002", "schema": 1, "content": "{}"}), "000000000002"),
    (lambda t: t.delete("api#petstore#denylist", "sub#u1"), "sub#u1"),
    (lambda t: t.change("api#petstore", "head", updated_at="2020-01-01T00:00:00Z"), "another time"),
    (lambda t: t.change("api#petstore", "version#000000000003", schema=9), "schema 9"),
]


def test_a_history_that_was_altered_is_not_backed_up(run: Run, filled: Table, folder: Path) -> None:
    before = filled.items()
    for damage, place in DAMAGES:
        damage(filled)
        result = run("backup", "--out", FILE)
        assert (result.exit_code in (1, 4), place in " ".join(result.output.split())) == (True, True), result.output
        assert list(folder.iterdir()) == []
        for pk, sk in filled.items().keys() - before.keys():
            filled.delete(pk, sk)
        for item in before.values():
            filled.put(item)
    assert run("backup", "--out", FILE).exit_code == 0


SPOILT: dict[str, tuple[Callable[[list[dict[str, Any]]], object], str]] = {
    "row": (lambda ls: of(ls, "#group/guest", "000000000001").update(content="{}"), "version 1: api#petstore#subject#group/guest"),
    "record": (lambda ls: of(ls, "petstore", "version#000000000003").update(author="mallory"), "version 3 of `petstore` does not hash"),
    "record gone": (lambda ls: ls.remove(of(ls, "petstore", "version#000000000003")), "records between versions 1 and 6"),
    "row gone": (lambda ls: ls.remove(of(ls, "#group/guest", "000000000003")), "(missing)"),
    "row added": (lambda ls: ls.insert(2, of(ls, "#group/guest", "000000000003") | {"sk": "000000000004"}), "(line 3)"),
    "row twice": (lambda ls: ls.insert(2, dict(of(ls, "#group/guest", "000000000003"))), "stands in line 3 already"),
    "attribute": (lambda ls: of(ls, "#group/guest", "000000000001").update(expires_at=1), "attribute `expires_at`"),
    "text for a number": (lambda ls: of(ls, "petstore", "head").update(version="6"), "attribute `version`"),
    "schema": (lambda ls: of(ls, "petstore", "head").update(schema=2), "schema 2"),
    "head": (lambda ls: of(ls, "petstore", "head").update(version=5), "version 5"),
    "head gone": (lambda ls: ls.remove(of(ls, "petstore", "head")), "has no head"),
    "time": (lambda ls: of(ls, "petstore", "head").update(updated_at="2020-01-01T00:00:00Z"), "another time"),
    "stamp": (lambda ls: of(ls, "petstore", "head").update(denylist_stamp=2), "changed the denylist last"),
    "denylist": (lambda ls: of(ls, "#denylist", "sub#u1").update(reason="x"), "sub#u1"),
    "denylist gone": (lambda ls: ls.remove(of(ls, "#denylist", "sub#u1")), "sub#u1"),
    "name gone": (lambda ls: ls.remove(of(ls, "apis", "petstore")), "no API"),
    "name": (lambda ls: of(ls, "apis", "petstore").update(name="other"), "no API"),
    "other API's": (lambda ls: ls.insert(3, of(ls, "to.ys#routes", "000000000001")), "no item of API `petstore`"),
    "key": (lambda ls: of(ls, "petstore#routes", "000000000001").update(pk="api#petstore#other"), "no item of API"),
    "version in the header": (lambda ls: ls[0]["apis"][0].update(version=5), "names another version"),
    "API in the header": (lambda ls: ls[0]["apis"].append({"api": "x", "version": 1, "hash": "h"}), "API `x`"),
    "no time": (lambda ls: ls[0].update(taken_at="yesterday"), "line 1 is no header"),
    "format": (lambda ls: ls[0].update(gatebook_backup=2), "has format 2"),
    "no header": (lambda ls: ls.pop(0), "this is no backup"),
    "no item": (lambda ls: ls.insert(2, {"pk": 1}), "line 3 is no item"),
}
"""What is done to a backup, and what refuses it."""


def of(lines: list[dict[str, Any]], pk: str, sk: str) -> dict[str, Any]:
    """The line of an item."""
    [found] = [line for line in lines if str(line.get("pk")).endswith(pk) and line.get("sk") == sk]
    return found


def test_an_altered_backup_is_refused_with_the_place(
    run: Run, lines: list[dict[str, Any]], other: Table, folder: Path, wire: AwsCalls
) -> None:
    """Also one whose count and digest were made right: the chain of hashes shows it, before anything is written."""
    for name, (spoil, told) in SPOILT.items():
        spoilt = deepcopy(lines[:-1])
        spoil(spoilt)
        (folder / FILE).write_text(sealed(spoilt))
        wire.take()
        result = run("restore", FILE, "--table", OTHER, "--yes")
        assert (name, result.exit_code, told in " ".join(result.stderr.split())) == (name, 1, True), result.stderr
        assert (name, wire.take()) == (name, [])


def test_a_backup_that_was_cut_off_or_touched_is_refused(run: Run, filled: Table, other: Table, folder: Path) -> None:
    assert run("backup", "--out", FILE).exit_code == 0
    whole = (folder / FILE).read_bytes()
    rows = whole.splitlines(keepends=True)
    packed = gzip.compress(whole)
    for text, told in (
        (b"".join(rows[:-1]), "was cut off"),
        (whole[:-10], "no JSON"),
        (b"".join(rows[:-2] + rows[-1:]), "another count or digest"),
        (whole.replace(b"jane", b"joan", 1), "another count or digest"),
        (whole + rows[1], "behind the end"),
        (b"", "empty"),
        (packed[:-30], "damaged or was cut off"),
        (packed[:40] + b"xxxx" + packed[44:], "damaged or was cut off"),
        (b"api: petstore\n", "this is no backup"),
        (b"[]\n", "this is no backup"),
        (rows[0] + b"[]\n", "was cut off"),
        (sealed([json.loads(rows[0])]).encode().replace(b'{"lines"', b'[]\n{"lines"'), "another count"),
    ):
        (folder / FILE).write_bytes(text)
        result = run("restore", FILE, "--table", OTHER, "--yes")
        assert (result.exit_code, told in " ".join(result.stderr.split())) == (1, True), (told, result.output)
        assert other.items() == {}
    assert run("restore", "nowhere", "--yes").exit_code == 2
