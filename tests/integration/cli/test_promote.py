"""`gatebook promote`: the candidate's document becomes the live one, as one version, with what that changes shown before."""

import json

from admin_api.publishing.service import PermissionService
from tests.integration.cli.conftest import Run
from tests.support.clock import Clock
from tests.support.tables import Table, opened, publish

LIVE = """
api: petstore
routes: [GET /pets, POST /pets]
groups:
  guest: {allow: [GET /pets]}
  old: {allow: [POST /pets]}
"""
NEXT = LIVE.replace("api: petstore", "api: petstore-next").replace("old: {allow: [POST /pets]}", "owner: {allow: [POST /pets]}")


def test_the_candidate_becomes_the_live_document_in_one_version(target: Table, run: Run) -> None:
    publish(LIVE)
    publish(NEXT)
    result = run("promote", "petstore-next", "petstore", "--yes")
    assert result.exit_code == 0, result.output
    words = [line.split() for line in result.stdout.splitlines()]
    assert [line[:5] for line in words if line[:1] in (["-"], ["+"])] == [
        ["-", "loses", "group/old", "POST", "/pets"],
        ["+", "gains", "group/owner", "POST", "/pets"],
    ]
    assert "published petstore version 2" in result.stdout
    service = PermissionService(opened(), Clock())
    live, candidate = service.published("petstore"), service.published("petstore-next")
    assert (live.head.version, live.record.reason) == (2, "promote petstore-next version 1")
    assert (live.document.api, live.document.subjects, live.document.catalog.routes) == (
        "petstore",
        candidate.document.subjects,
        candidate.document.catalog.routes,
    )
    assert candidate.head.version == 1
    again = json.loads(run("promote", "petstore-next", "petstore", "--yes", "--json").stdout)
    assert (again["changed"], again["version"]) == (False, 2)


def test_an_api_without_a_document_gets_its_first(target: Table, run: Run) -> None:
    publish(NEXT)
    done = json.loads(run("promote", "petstore-next", "petstore", "--yes", "--json", "--reason", "first").stdout)
    assert done["version"] == 1
    assert PermissionService(opened(), Clock()).published("petstore").record.reason == "first"


def test_it_asks_before_it_writes(target: Table, run: Run) -> None:
    publish(LIVE)
    publish(NEXT)
    before = target.items()
    assert run("promote", "petstore-next", "petstore", input="n\n").exit_code == 2
    assert target.items() == before


def test_mistakes_are_told(target: Table, run: Run) -> None:
    publish(LIVE)
    before = target.items()
    assert "name of its own" in run("promote", "petstore", "petstore", "--yes").output
    missing = run("promote", "petstore-next", "petstore", "--yes")
    assert (missing.exit_code, "`petstore-next` has nothing published" in missing.output) == (2, True)
    assert target.items() == before
