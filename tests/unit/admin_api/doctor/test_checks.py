"""The list of checks, and what examining a deployment gives."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import Any

import admin_api.doctor.checks
from admin_api.doctor.checks import CHECKS, examine
from admin_api.doctor.deployment import Deployment
from tests.support.deployments import sound_function, sound_http, sound_rest


def test_nothing_is_wrong_with_sound_deployments() -> None:
    for deployment in (sound_rest(), sound_http()):
        examined = examine(deployment)
        assert [each.name for each in examined] == [each.name for each in CHECKS]
        assert [each.looks_at for each in examined] == [each.looks_at for each in CHECKS]
        assert [each.findings for each in examined] == [()] * len(CHECKS)


def test_nothing_is_said_of_what_could_not_be_read() -> None:
    sound = sound_rest()
    bare = Deployment(sound.api_id, sound.name, sound.gateway, sound.stage, sound.arn, sound.routes, sound.authorizer)
    # Without a document no route is public, which needs nothing that could not be read.
    assert [each.name for each in examine(bare) if each.findings] == ["unguarded routes"]
    for field in ("function", "role_policies", "parameters", "table", "published", "key_sets"):
        expected = ["unguarded routes", "published document"] if field == "published" else []
        unread: dict[str, Any] = {field: None}
        assert [each.name for each in examine(replace(sound, **unread)) if each.findings] == expected, field
    assert [each.name for each in examine(replace(sound, pools=())) if each.findings] == []


def test_findings_stand_with_the_check_that_found_them() -> None:
    found = {each.name: each.findings for each in examine(sound_rest(function=sound_function(timeout=3, policy=None))) if each.findings}
    assert list(found) == ["invoke permission", "function limits"]
    assert found["function limits"][0].message.startswith("its timeout is 3 s")


def test_names_are_unique_and_what_a_check_looks_at_is_a_sentence() -> None:
    assert len({each.name for each in CHECKS}) == len({each.check for each in CHECKS}) == len(CHECKS)
    assert all(each.looks_at[0].isupper() and each.looks_at.endswith(".") and each.looks_at.count(".") == 1 for each in CHECKS)


def test_every_check_of_the_package_is_listed() -> None:
    folder = Path(admin_api.doctor.checks.__file__).parent
    written = {
        node.name
        for file in folder.glob("*.py")
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.returns is not None and ast.unparse(node.returns) == "Iterator[Finding]"
        if not node.name.startswith("_")
    }
    assert written == {each.check.__name__ for each in CHECKS}
