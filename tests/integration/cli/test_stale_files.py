"""Files are not blind: applying one never takes back, unseen, what somebody else has published since it was made."""

import json
import re
from pathlib import Path

import pytest
import yaml

from admin_api.publishing import edits
from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind
from authorizer.policy.permission import PrincipalRef, RefKind
from tests.integration.cli.conftest import Run, parsed
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

SEED = """api: petstore
routes: [GET /pets, POST /pets, "DELETE /pets/{petId}", {route: GET /health, public: true}]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: [{route: POST /pets, until: "2030-01-01T00:00:00Z"}]}
  owner: {inherits: [guest], deny: ["DELETE /pets/{petId}"]}
"""


@pytest.fixture
def seeded(target: Table, run: Run, folder: Path) -> Path:
    """A table that was filled from this file, version 1."""
    seed = folder / "seed.yaml"
    seed.write_text(SEED)
    assert run("apply", "seed.yaml", "--yes").exit_code == 0
    return seed


def admin(group: str, **held: list[str]) -> int:
    """An admin's edit through the admin API; the version that it became."""
    service = PermissionService(opened(), Clock())
    published = service.published("petstore")
    document = edits.with_subject(published.document, PrincipalRef(RefKind.GROUP, group), held)
    head = service.apply(service.plan_from(published, document), author="jane", reason="by hand")
    assert head is not None
    return head.version


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def groups_of(run: Run) -> set[str]:
    return set(parsed(run("export", "petstore", "--json"))["groups"])


def exported(run: Run, file: Path) -> Path:
    file.write_text(run("export", "petstore").stdout)
    return file


def test_of_two_copies_of_an_export_the_second_is_refused(run: Run, seeded: Path, folder: Path) -> None:
    first, second = exported(run, folder / "a.yaml"), exported(run, folder / "b.yaml")
    edit(first, "groups:\n", "groups:\n  auditor: {allow: [GET /pets]}\n")
    edit(second, "groups:\n", "groups:\n  buyer: {allow: [POST /pets]}\n")
    assert run("plan", "b.yaml").exit_code == 0
    assert run("apply", "a.yaml", "--yes").exit_code == 0
    refused = run("apply", "b.yaml", "--yes")
    assert refused.exit_code == 3
    assert "made from version 1" in refused.stderr
    assert "groups/auditor: `allow GET /pets` was added since" in refused.stderr
    assert "--overwrite" in refused.stderr
    assert groups_of(run) == {"guest", "owner", "auditor"}
    assert run("apply", "b.yaml", "--yes", "--overwrite").exit_code == 0
    assert groups_of(run) == {"guest", "owner", "buyer"}


def test_that_a_client_was_marked_as_delegated_is_told_before_it_is_taken_back(run: Run, seeded: Path, folder: Path) -> None:
    first, second = exported(run, folder / "a.yaml"), exported(run, folder / "b.yaml")
    edit(first, "groups:\n", "clients: {third: {delegated: true}}\ngroups:\n")
    edit(second, "groups:\n", "groups:\n  buyer: {allow: [POST /pets]}\n")
    assert run("apply", "a.yaml", "--yes").exit_code == 0
    refused = run("apply", "b.yaml", "--yes")
    assert refused.exit_code == 3
    assert "clients/third: `delegated` was added since" in refused.stderr


def test_an_exported_file_may_be_edited_and_applied_again_and_again(run: Run, seeded: Path, folder: Path) -> None:
    """It was made from version 1, and knows of all that came from itself."""
    mine = exported(run, folder / "mine.yaml")
    for number in range(3):
        edit(mine, "groups:\n", f"groups:\n  team-{number}: {{}}\n")
        assert run("apply", "mine.yaml", "--yes").exit_code == 0
    assert groups_of(run) == {"guest", "owner", "team-0", "team-1", "team-2"}


def test_what_both_have_changed_alike_is_nobodys_loss(run: Run, seeded: Path, folder: Path) -> None:
    mine = exported(run, folder / "mine.yaml")
    admin("guest", allow=["GET /pets"])
    edit(mine, "groups:\n", "groups:\n  buyer: {}\n")
    document = yaml.safe_load(mine.read_text())
    document["groups"]["guest"] = {"allow": ["GET /pets"]}
    mine.write_text(mine.read_text().splitlines()[0] + "\n" + yaml.safe_dump(document))
    result = run("apply", "mine.yaml", "--yes")
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("removal", [False, True])
def test_a_pipelines_file_does_not_revert_an_admin(run: Run, seeded: Path, removal: bool) -> None:
    admin("guest", **({} if removal else {"allow": ["POST /pets", "DELETE /pets/{petId}"]}))
    edit(seeded, "everyone: {allow: [GET /pets]}", "everyone: {allow: [GET /pets, POST /pets]}")
    refused = run("apply", "seed.yaml", "--yes")
    assert refused.exit_code == 3
    assert "since version 1, the newest that came from a file" in refused.stderr
    # What the file says and an admin took out, and what an admin added and the file lacks.
    assert "groups/guest: `allow POST /pets, until: 2030-01-01T00:00:00Z` was taken out since" in refused.stderr
    assert ("groups/guest: `allow DELETE /pets/{petId}` was added since" in refused.stderr) is not removal
    assert parsed(run("log", "petstore", "--json"))[0]["version"] == 2
    assert run("apply", "seed.yaml", "--yes", "--overwrite").exit_code == 0
    # Now files know of everything again.
    edit(seeded, "everyone: {allow: [GET /pets, POST /pets]}", "everyone: {}")
    assert run("apply", "seed.yaml", "--yes").exit_code == 0


def test_a_rollback_is_not_undone_by_the_next_run_of_the_pipeline(run: Run, seeded: Path) -> None:
    edit(seeded, "allow: [GET /pets]}", "allow: [GET /pets, 'DELETE /pets/{petId}']}")
    assert run("apply", "seed.yaml", "--yes").exit_code == 0
    assert run("rollback", "petstore", "1", "--yes").exit_code == 0
    refused = run("apply", "seed.yaml", "--yes")
    assert refused.exit_code == 3
    assert "everyone: `allow DELETE /pets/{petId}` was taken out since" in refused.stderr


def test_what_only_adds_to_a_table_that_files_never_filled_is_no_loss(run: Run, target: Table, folder: Path) -> None:

    publish(yaml.safe_load(SEED))
    (folder / "more.yaml").write_text(SEED + "  buyer: {allow: [POST /pets]}\n")
    assert run("apply", "more.yaml", "--yes").exit_code == 0
    (folder / "less.yaml").write_text(SEED.replace("everyone: {allow: [GET /pets]}", "everyone: {}") + "  buyer: {allow: [POST /pets]}\n")
    assert run("apply", "less.yaml", "--yes").exit_code == 0


def test_a_first_file_that_takes_away_from_a_table_that_files_never_filled_is_refused(run: Run, target: Table, folder: Path) -> None:

    publish(yaml.safe_load(SEED))
    (folder / "less.yaml").write_text(SEED.replace("everyone: {allow: [GET /pets]}", "everyone: {}"))
    refused = run("apply", "less.yaml", "--yes")
    assert refused.exit_code == 3
    assert "changed since any file was applied" in refused.stderr
    assert "everyone: `allow GET /pets` was added since" in refused.stderr


def test_changes_of_the_denylist_are_in_no_file_and_in_nobodys_way(run: Run, seeded: Path, folder: Path) -> None:
    kept = folder / "kept.json"
    edit(seeded, "groups:\n", "groups:\n  buyer: {}\n")
    assert run("plan", "seed.yaml", "--out", "kept.json").exit_code == 0
    service = PermissionService(opened(), Clock())
    for number in range(60):
        service.add_entry("petstore", DenylistKind.SUB, f"u{number}", author="jane", reason="r", expires_at=4_000_000_000)
    result = run("apply", str(kept), "--yes")
    assert result.exit_code == 0, result.stderr
    edit(seeded, "  buyer: {}\n", "")
    service.add_entry("petstore", DenylistKind.SUB, "u", author="jane", reason="r", expires_at=4_000_000_000)
    assert run("apply", "seed.yaml", "--yes").exit_code == 0
    assert run("log", "petstore", "--verify").exit_code == 0


def test_a_kept_plan_is_what_is_applied_whatever_becomes_of_the_file(run: Run, seeded: Path, folder: Path) -> None:
    edit(seeded, "groups:\n", "groups:\n  buyer: {allow: [POST /pets]}\n")
    planned = run("plan", "seed.yaml", "--out", "kept.json")
    assert "`gatebook apply kept.json` does that" in planned.stdout
    edit(seeded, "  buyer: {allow: [POST /pets]}\n", "  thief: {allow: ['DELETE /pets/{petId}']}\n")
    assert run("apply", "kept.json", "--yes").exit_code == 0
    assert groups_of(run) == {"guest", "owner", "buyer"}
    # It was made from version 1, and version 2 is its own.
    assert run("apply", "kept.json", "--yes").exit_code == 3


def test_a_kept_plan_is_refused_once_somebody_has_published(run: Run, seeded: Path, folder: Path) -> None:
    edit(seeded, "groups:\n", "groups:\n  buyer: {}\n")
    run("plan", "seed.yaml", "--out", "kept.json")
    admin("auditor", allow=["GET /pets"])
    refused = run("apply", "kept.json", "--yes")
    assert refused.exit_code == 3
    assert "made from version 1 of `petstore`, and version 2 is published now" in refused.stderr
    assert groups_of(run) == {"guest", "owner", "auditor"}


def test_a_kept_plan_for_a_first_version(run: Run, target: Table, folder: Path) -> None:
    (folder / "seed.yaml").write_text(SEED)
    run("plan", "seed.yaml", "--out", "kept.json")
    assert json.loads((folder / "kept.json").read_text())["plans"][0]["base"] == {"version": 0, "hash": ""}
    assert run("apply", "kept.json", "--yes").exit_code == 0
    assert run("apply", "kept.json", "--yes").exit_code == 3


def test_a_plan_of_a_table_that_was_restored_is_refused(run: Run, seeded: Path, folder: Path) -> None:
    edit(seeded, "groups:\n", "groups:\n  buyer: {}\n")
    run("plan", "seed.yaml", "--out", "kept.json")
    kept = folder / "kept.json"
    kept.write_text(re.sub(r'"hash": "[0-9a-f]{8}', '"hash": "00000000', kept.read_text()))
    assert run("apply", "kept.json", "--yes").exit_code == 3
    mine = exported(run, folder / "mine.yaml")
    mine.write_text(re.sub(r"hash [0-9a-f]{8}", "hash 00000000", mine.read_text()).replace("groups:\n", "groups:\n  buyer: {}\n"))
    refused = run("apply", "mine.yaml", "--yes")
    assert refused.exit_code == 3
    assert "another table, or it was restored" in refused.stderr


@pytest.mark.parametrize(("base", "code"), [("1", 3), ("2", 0), ("3", 3)])
def test_a_base_on_the_command_line_is_exact(run: Run, seeded: Path, base: str, code: int) -> None:
    admin("auditor", allow=["GET /pets"])
    edit(seeded, "groups:\n", "groups:\n  auditor: {allow: [GET /pets]}\n  buyer: {}\n")
    assert run("apply", "seed.yaml", "--base", base, "--yes").exit_code == code


def test_a_base_is_for_one_document(run: Run, seeded: Path, folder: Path) -> None:
    (folder / "two.yaml").write_text(f"{SEED}---\n{SEED.replace('petstore', 'shop')}")
    refused = run("apply", "two.yaml", "--base", "1", "--yes")
    assert refused.exit_code == 2
    assert "these files have 2 documents" in " ".join(re.sub(r"[│╭╮╰╯─]", " ", refused.stderr).split())


def test_of_several_documents_none_is_written_if_one_is_refused(run: Run, seeded: Path, folder: Path) -> None:
    admin("auditor", allow=["GET /pets"])
    (folder / "two.yaml").write_text(f"{SEED.replace('petstore', 'shop')}---\n{SEED}")
    assert run("apply", "two.yaml", "--yes").exit_code == 3
    assert run("export", "shop").exit_code != 0


def test_a_plan_tells_by_its_exit_code_if_asked(run: Run, seeded: Path) -> None:
    assert run("plan", "seed.yaml", "--detailed-exitcode").exit_code == 0
    edit(seeded, "groups:\n", "groups:\n  buyer: {}\n")
    assert (run("plan", "seed.yaml").exit_code, run("plan", "seed.yaml", "--detailed-exitcode").exit_code) == (0, 5)
    admin("auditor", allow=["GET /pets"])
    shown = run("plan", "seed.yaml", "--detailed-exitcode")
    assert shown.exit_code == 3
    assert "`gatebook apply` would refuse this" in shown.stderr
    assert "`gatebook apply` would refuse this" in run("plan", "seed.yaml", "--json").stderr
    assert run("plan", "seed.yaml").exit_code == 0


@pytest.mark.parametrize(
    "text", ['{"gatebook_plan": 2, "plans": []}', '{"gatebook_plan": 1}', '{"gatebook_plan": 1, "plans": [{"document": {}}]}']
)
def test_what_is_no_plan_is_refused(run: Run, target: Table, folder: Path, text: str) -> None:
    (folder / "kept.json").write_text(text)
    refused = run("apply", "kept.json", "--yes")
    assert refused.exit_code == 1
    assert "gatebook plan --out" in refused.stderr


def test_a_document_in_a_plan_is_read_like_any_other(run: Run, target: Table, folder: Path) -> None:
    plan = {"gatebook_plan": 1, "plans": [{"base": {"version": 0, "hash": ""}, "document": {"api": "x", "routes": ["GET"]}}]}
    (folder / "kept.json").write_text(json.dumps(plan))
    refused = run("apply", "kept.json", "--yes")
    assert refused.exit_code == 1
    assert "/plans/0/document/routes/0" in refused.stderr
