"""Nothing is known against what the lock files pin, and the audit would say so if there were."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from infra.supply_chain import advisories
from infra.supply_chain.advisories import Advisories, AdvisoriesError, Advisory, audit, find_advisories, read_advisories, read_database
from infra.supply_chain.pins import pins_of

ONE = canonicalize_name("one")


def test_nothing_is_known_against_what_is_pinned() -> None:
    assert [str(each) for each in audit(pins_of(*advisories.LOCK_FILES), read_advisories())] == []


def test_the_advisories_are_of_this_database() -> None:
    """Of the packages that the functions import, some have had advisories: a file without any is one that nobody filled."""
    known = read_advisories()
    assert sum(map(len, known.packages.values())) > 20
    assert {"python-jose", "cryptography", "urllib3"} <= {name for name, entries in known.packages.items() if entries}


def test_what_a_lock_file_pins(tmp_path: Path) -> None:
    lock = tmp_path / "a.lock"
    lock.write_text("# two==9\nOne.Thing[extra]==1.0 \\\n    --hash=sha256:00\n    # via two==3\nthree==2.0.post1 ; python_version < '4'\n")
    assert pins_of(lock) == {"one-thing": {Version("1.0")}, "three": {Version("2.0.post1")}}


def record(*events: dict[str, str], versions: tuple[str, ...] = (), name: str = "One", **more: Any) -> dict[str, Any]:
    affected = {"package": {"ecosystem": "PyPI", "name": name}, "versions": list(versions)}
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}, {"type": "GIT", "events": [{"introduced": "0"}]}]
    return {
        "id": "PYSEC-1",
        "aliases": ["CVE-1"],
        "modified": "2026-01-02T03:04:05Z",
        "details": "Bad.\nVery.",
        "affected": [affected | {"ranges": ranges}],
        **more,
    }


def affected_versions(of: dict[str, Any], *versions: str, accepted: dict[str, str] | None = None) -> list[str]:
    known = find_advisories([ONE], [of], accepted or {})
    return [each.version for each in audit({ONE: {Version(version) for version in versions}}, known)]


@pytest.mark.parametrize(
    ("events", "versions", "bad"),
    [
        (({"introduced": "0"}, {"fixed": "2.0"}), (), ["1.0", "1.9.9"]),
        (({"introduced": "1.5"}, {"fixed": "2.0"}), ("1.0",), ["1.9.9"]),
        (({"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "2.0"}), (), ["1.0", "2.0", "10.0"]),
        (({"introduced": "0"}, {"last_affected": "1.0"}), ("1.0",), ["1.0"]),
        # Without a list nobody knows where a range ends.
        (({"introduced": "0"}, {"last_affected": "1.0"}), (), ["1.0", "1.9.9", "2.0", "10.0"]),
        ((), ("1.9.9",), ["1.9.9"]),
        ((), ("of no form",), ["1.0", "1.9.9", "2.0", "10.0"]),
    ],
)
def test_which_versions_an_advisory_is_about(events: tuple[dict[str, str], ...], versions: tuple[str, ...], bad: list[str]) -> None:
    assert affected_versions(record(*events, versions=versions), "1.0", "1.9.9", "2.0", "10.0") == bad


def test_what_does_not_count() -> None:
    all_versions = {"introduced": "0"}
    assert affected_versions(record(all_versions), "1.0") == ["1.0"]
    assert affected_versions(record(all_versions, name="other"), "1.0") == []
    assert affected_versions(record(all_versions, withdrawn="2026-01-02T03:04:05Z"), "1.0") == []
    assert affected_versions(record(all_versions), "1.0", accepted={"PYSEC-1": "nothing calls it"}) == []
    assert affected_versions(record(all_versions), "1.0", accepted={"CVE-1": "nothing calls it"}) == []
    elsewhere = record(all_versions)
    elsewhere["affected"][0]["package"]["ecosystem"] = "npm"
    assert affected_versions(elsewhere, "1.0") == []


def test_what_is_said_of_an_affected_pin() -> None:
    known = find_advisories([ONE], [record({"introduced": "0"}, {"fixed": "2.0"})], {})
    [bad, unknown] = audit({ONE: {Version("1.0")}, canonicalize_name("two"): {Version("3")}}, known)
    assert str(bad).startswith("one 1.0: PYSEC-1, CVE-1: Bad. (fixed in 2.0: renew the lock files")
    assert str(unknown) == "two 3: nobody has looked up its advisories: `make advisories` does"
    open_end = Advisories({ONE: (Advisory("PYSEC-2", (), "Worse.", (("0", None),), ()),)}, {}, "")
    assert "no version is without it" in str(next(audit({ONE: {Version("1.0")}}, open_end)))


def test_a_file_written_is_the_file_read(tmp_path: Path) -> None:
    known = find_advisories([ONE], [record({"introduced": "0"}, versions=("1.0",))], {"PYSEC-9": "why"})
    file = tmp_path / "advisories.json"
    advisories.write_advisories(known, file)
    assert read_advisories(file) == known
    assert known.newest == "2026-01-02T03:04:05Z"
    for damage in ("{}", "[", '{"newest": "", "accepted": {}, "packages": {"one": [{}]}}', '{"packages": 3}'):
        file.write_text(damage)
        with pytest.raises(AdvisoriesError, match="writes it anew"):
            read_advisories(file)


def test_a_database_is_a_zip_or_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    (folder / "one").mkdir(parents=True)
    (folder / "one" / "PYSEC-1.yaml").write_text("id: PYSEC-1\naffected: []\n")
    (folder / "GHSA-1.json").write_text('{"id": "GHSA-1", "affected": []}')
    (folder / "README.md").write_text("no record")
    (folder / "schema.json").write_text('{"title": "no record"}')
    assert [each["id"] for each in read_database(str(folder))] == ["GHSA-1", "PYSEC-1"]
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(folder / "GHSA-1.json", "GHSA-1.json")
    assert [each["id"] for each in read_database(str(tmp_path / "all.zip"))] == ["GHSA-1"]


@pytest.mark.parametrize(("where", "said"), [("gone.zip", "cannot be read"), ("http://osv.example/all.zip", "no https address")])
def test_a_database_that_cannot_be_read(where: str, said: str) -> None:
    with pytest.raises(AdvisoriesError, match=said):
        list(read_database(where))


def test_a_database_without_records_is_not_taken_for_good_news() -> None:
    with pytest.raises(AdvisoriesError, match="no record"):
        find_advisories([ONE], [], {})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lock file of its own, and advisories that accept one."""
    (tmp_path / "a.lock").write_text("one==1.0\n")
    file = tmp_path / "advisories.json"
    file.write_text(json.dumps({"newest": "", "accepted": {"PYSEC-9": "why"}, "packages": {}}))
    monkeypatch.setattr(advisories, "LOCK_FILES", (tmp_path / "a.lock",))
    monkeypatch.setattr(advisories, "read_advisories", lambda: read_advisories(file))
    monkeypatch.setattr(advisories, "write_advisories", lambda known, write=advisories.write_advisories: write(known, file))
    (tmp_path / "database").mkdir()
    return tmp_path


def test_the_command_renews_audits_and_keeps_what_was_accepted(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert advisories.main([]) == 1
    assert "nobody has looked up" in capsys.readouterr().out
    (here / "database" / "a.json").write_text(json.dumps(record({"introduced": "0"}, {"fixed": "1.0"})))
    assert advisories.main(["--renew", "--database", str(here / "database")]) == 0
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "1 packages against advisories up to 2026-01-02: none to look at\n")
    assert json.loads((here / "advisories.json").read_text())["accepted"] == {"PYSEC-9": "why"}
    (here / "database" / "a.json").write_text(json.dumps(record({"introduced": "0"})))
    assert advisories.main(["--renew", "--database", str(here / "database")]) == 1
    assert advisories.main(["--renew", "--database", str(here / "gone")]) == 2
    assert "--database" in capsys.readouterr().err
