"""plan, apply, promote and rollback of a change that nobody could read whole: who gains and loses how much, then what to look at first."""

import copy
import re
from pathlib import Path

import yaml

from tests.integration.cli.conftest import Run, parsed
from tests.support.tables import Table, publish

SMALL = {"api": "petstore", "routes": [f"GET /r{n}" for n in range(40)], "groups": {"g": {"allow": ["GET /r0"]}, "h": {}}}


def test_what_everyone_and_then_who_loses_comes_first(target: Table, run: Run, folder: Path) -> None:
    publish(yaml.safe_dump(SMALL))
    after = copy.deepcopy(SMALL) | {"everyone": {"allow": ["GET /r39"]}}
    after["groups"] = {"g": {"allow": ["GET /r1"]}, "h": {"allow": ["* /**"], "deny": []}}
    (folder / "after.yaml").write_text(yaml.safe_dump(after))
    lines = [" ".join(line.split()) for line in run("plan", "after.yaml").stdout.splitlines()]
    assert lines[1:4] == ["everyone gains 1 route", "group/h gains 40 routes", "group/g gains 1 route, loses 1"]
    assert lines[5:8] == [
        "+ gains everyone GET /r39 nothing allowed",
        "- loses group/g GET /r0 allowed nothing",
        "+ gains group/g GET /r1 nothing allowed",
    ]
    assert lines[25] == "... and 23 more: --full shows them"
    assert run("apply", "after.yaml", "--yes", "--overwrite").stdout.splitlines()[25] == lines[25]
    full = run("rollback", "petstore", "1", "--yes", "--full").stdout
    assert ("... and" in full, sum(bool(re.match(r"[-+~] ", line)) for line in full.splitlines())) == (False, 43)
    publish(yaml.safe_dump(after | {"api": "next"}))
    assert lines[25] in run("promote", "next", "petstore", "--yes").stdout
    assert "... and 23 more: --full shows them" in run("rollback", "petstore", "1", "--yes").stdout
    assert parsed(run("plan", "after.yaml", "--json")) == parsed(run("plan", "after.yaml", "--json", "--full"))


def test_one_more_is_shown_and_one_change_is_its_own_summary(target: Table, run: Run, folder: Path) -> None:
    publish(yaml.safe_dump(SMALL))
    for count, left in ((1, 0), (21, 0), (22, 2)):
        after = copy.deepcopy(SMALL)
        after["groups"] = {"g": {"allow": ["GET /r0"]}, "h": {"allow": [f"GET /r{n}" for n in range(count)]}}
        (folder / "after.yaml").write_text(yaml.safe_dump(after))
        lines = [" ".join(line.split()) for line in run("plan", "after.yaml").stdout.splitlines()]
        assert sum(line.startswith("+ gains") for line in lines) == count - left
        assert (f"... and {left} more: --full shows them" in lines) is bool(left)
        assert (f"group/h gains {count} routes" in lines) is (count > 1)
        assert ("group/h gains 1 route" in lines) is False
