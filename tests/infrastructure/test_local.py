"""Parts of the local stack that need no emulator."""

import stat
from pathlib import Path
from typing import cast

import pytest

from infra.local import seeds
from infra.local.state import AccessKey, Local, LocalStackError, StateFolder
from infra.local.tour import version_of
from infra.local.users import AppClient

TWO_DOCUMENTS = """\
# seeds
api: one
groups:
  on-call:
    allow: [{route: GET /a, until: 2026-12-01T00:00:00Z}]
--- # the second
api: two
"""


def test_documents_are_kept_apart_by_api(tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text(TWO_DOCUMENTS)
    assert list(seeds.read_documents(file)) == ["one", "two"]


@pytest.mark.parametrize(("text", "message"), [("- a list", "names no `api`"), ("{", "is not YAML"), (None, "cannot be read")])
def test_a_bad_seed_file_is_named(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "dev.yaml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(LocalStackError, match=message):
        seeds.read_documents(file)


def test_a_version_is_read_from_its_entity_tag() -> None:
    assert version_of('"12-1c5ff00a"') == "12"


def test_secret_hash_is_cognitos() -> None:
    # Independent: printf %s jdoe1example23456789 | openssl dgst -sha256 -hmac 9example87654321 -binary | base64
    client = AppClient(cognito=None, user_pool_id="", client_id="1example23456789", secret="9example87654321")  # type: ignore[arg-type]
    assert client.secret_hash("jdoe") == "v6tOSbrNF2JJFKb+nl7A7cR+mnMH3gRmYFcF3CP6Q+k="


def test_the_local_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = StateFolder(tmp_path)
    key = {"access_key_id": "AKIAEXAMPLE", "secret_access_key": "kept"}
    names = ("aws_endpoint", "region", "table", "user_pool_id", "client_id", "client_secret", "issuer", "jwks_uri")
    local = cast("Local", {**key, **dict.fromkeys(names, ""), "apis": {}, "users": {}})
    folder.local_file.write_text("of an older run")
    folder.local_file.chmod(0o644)
    folder.write_local(local)
    assert stat.S_IMODE(folder.local_file.stat().st_mode) == 0o600
    assert folder.read_local() == local
    assert folder.access_key() == AccessKey("AKIAEXAMPLE", "kept")


@pytest.mark.parametrize("text", [None, "{", '{"table": "of an older release"}'])
def test_a_stack_without_a_key_gets_one_of_its_own(tmp_path: Path, text: str | None) -> None:
    folder = StateFolder(tmp_path)
    if text is not None:
        folder.local_file.write_text(text)
    first, second = folder.access_key(), folder.access_key()
    assert first.id != second.id
    assert first.secret != second.secret
    assert first.secret not in repr(first)


def test_a_second_stack_is_told_who_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.state.LOCK_PATIENCE_SECONDS", 0.0)
    folder = StateFolder(tmp_path / "state")
    with folder.locked(), pytest.raises(LocalStackError, match=r"runs already \(process \d+\)"), folder.locked():
        pass
    with folder.locked():
        pass
