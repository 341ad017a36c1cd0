"""`gatebook rename-group`: all that names the group moves with it, as one version."""

import json

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.policy.document import format_document
from tests.integration.cli.conftest import Run
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

LIVE = """
api: petstore
routes: [GET /pets, POST /pets]
groups:
  guest: {allow: [GET /pets]}
  owner: {inherits: [guest], allow: [POST /pets]}
  admin: {inherits: [guest, owner]}
rules:
  - never: guest -> POST /**
"""


def test_what_names_the_group_names_it_anew(target: Table, run: Run) -> None:
    publish(LIVE)
    result = run("rename-group", "petstore", "guest", "visitor", "--yes")
    assert result.exit_code == 0, result.output
    assert "make `visitor` there and move the members of `guest`" in result.stderr
    published = PermissionService(opened(), Clock()).published("petstore")
    assert (published.head.version, published.record.reason) == (2, "rename group guest to visitor")
    assert format_document(published.document)["groups"] == {
        "admin": {"inherits": ["owner", "visitor"]},
        "owner": {"inherits": ["visitor"], "allow": ["POST /pets"]},
        "visitor": {"allow": ["GET /pets"]},
    }
    assert format_document(published.document)["rules"] == [{"never": "visitor -> POST /**"}]


@pytest.mark.parametrize(
    ("old", "new", "code", "said"),
    [
        ("nobody", "visitor", 2, "has no group `nobody`"),
        ("guest", "owner", 1, "there is a group `owner` already"),
        ("guest", "guest", 1, "there is a group `guest` already"),
        ("guest", " x", 1, "a character that nobody sees, or white space at an end"),
    ],
)
def test_what_cannot_be_renamed_stays(target: Table, run: Run, old: str, new: str, code: int, said: str) -> None:
    publish(LIVE)
    before = target.items()
    result = run("rename-group", "petstore", old, new, "--yes")
    assert (result.exit_code, said in " ".join(result.stderr.replace("│", " ").split())) == (code, True), result.stderr
    assert target.items() == before


def test_it_asks_and_answers_programs(target: Table, run: Run) -> None:
    publish(LIVE)
    assert run("rename-group", "petstore", "guest", "visitor", input="n\n").exit_code == 2
    done = json.loads(run("rename-group", "petstore", "guest", "visitor", "--yes", "--json").stdout)
    assert (done["version"], done["changed"]) == (2, True)
