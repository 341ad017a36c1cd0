"""matrix on a terminal that it does not fit: folded, at no line wider than the terminal, and it says how to see all."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from rich.cells import cell_len
from rich.console import Console

from admin_api.cli.render import output
from tests.integration.cli.conftest import Run
from tests.support.large_documents import large_document

Lines = Callable[..., list[str]]

TEAMS = ["clerks", "managers", "vets", "auditors", "drivers"]
OWN = [{"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]
WIDE = {
    "api": "wide",
    "routes": ["GET /pets", "POST /pets", "GET /owners/{ownerId}/pets"],
    "groups": {
        f"store-{number:02}-{TEAMS[number % 5]}": {
            "allow": ["GET /pets"] if number % 5 else [{"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]
        }
        | ({"deny": ["POST /pets"]} if number == 7 else {})
        for number in range(50)
    },
}


@pytest.fixture
def lines(run: Run, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Run `gatebook matrix` on a terminal of so many columns."""

    def lines(*arguments: str, width: int = 100) -> list[str]:
        monkeypatch.setattr(output, "OUT", Console(soft_wrap=True, force_terminal=True, width=width, color_system=None))
        result = run("matrix", *arguments)
        assert result.exit_code == 0, result.output
        return [line.rstrip() for line in result.stdout.splitlines()]

    return lines


def test_a_thousand_routes_and_fifty_groups_are_readable_at_a_hundred_columns(lines: Lines, folder: Path) -> None:
    (folder / "m.yaml").write_text(yaml.safe_dump(large_document(1000, 50, 60)))
    found = lines("m.yaml")
    assert found[0] == "large: 51 subjects, 1,000 routes folded into 25"
    assert len(found) < 120
    assert max(map(cell_len, found)) <= 100
    rows = [line.split() for line in found if line.startswith("team-")]
    assert {row[0] for row in rows} == {f"team-{number:03}" for number in range(50)}
    assert "".join(found[1].split()).startswith("subject…0/**…1/**")
    assert found[-3].startswith("…: /service, with which all of these names begin")
    assert found[-2] == "3/12: may call 3 of these 12 routes; *: some of these under a condition"
    assert found[-1] == "Folded: --full shows all, --route '* /service0/**' one fold, --depth N folds after N segments."
    everyone, *_ = (line.split() for line in found if line.startswith("everyone"))
    assert everyone[1:] == ["10/40", *["·"] * 12]


def test_many_groups_of_few_routes_stand_below_each_other_and_those_alike_together(lines: Lines, folder: Path) -> None:
    (folder / "m.yaml").write_text(yaml.safe_dump(WIDE))
    found = lines("m.yaml", width=80)
    assert found[0] == "wide: 51 subjects, 3 routes"
    assert any(line.startswith("alike: store-01-managers, ") for line in found)
    assert found[-1] == "if1: where {ownerId} = sub"
    assert max(map(cell_len, found)) <= 80


def test_what_fits_is_as_it_is_in_a_pipe(lines: Lines, run: Run, folder: Path) -> None:
    (folder / "m.yaml").write_text(yaml.safe_dump(WIDE))
    chosen = ["m.yaml", "--group", "store-00-clerks", "--group", "store-07-vets"]
    assert lines(*chosen, width=70) == lines(*chosen, "--full", width=70)
    assert lines(*chosen, width=69)[0] == "wide: 2 subjects, 3 routes"


def test_full_folds_nothing(lines: Lines, folder: Path) -> None:
    (folder / "m.yaml").write_text(yaml.safe_dump(large_document(200, 30, 20)))
    found = lines("m.yaml", "--full", width=1000)
    assert sum("/service" in line for line in found) == 200
    assert not any(line.startswith("Folded") for line in found)


def test_a_depth_folds_in_a_pipe_too(run: Run, folder: Path) -> None:
    (folder / "m.yaml").write_text(
        "api: x\nroutes: [GET /a/b, GET /a/c, {route: GET /d, public: true}]\ngroups: {g: {allow: [GET /a/b]}}\n"
    )
    assert run("matrix", "m.yaml", "--depth", "1").stdout.splitlines() == [
        "x: 2 subjects, 3 routes folded into 2",
        "route            everyone  g",
        "/a/**  2 routes  ·         1/2",
        "GET /d (public)  ·         ·",
        "3/12: may call 3 of these 12 routes",
        "Folded: --full shows all, --route '* /a/**' one fold, --depth N folds after N",
        "segments.",
    ]
    result = run("matrix", "m.yaml", "--depth", "1", "--full")
    assert (result.exit_code, "choose one" in result.stderr) == (2, True)


def test_a_flat_catalogue_shows_its_largest_folds_and_the_others_as_one(lines: Lines, folder: Path) -> None:
    routes = [
        f"{verb} /thing{number}/{{id}}" for number in range(300) for verb in (("GET", "PUT", "POST") if number < 5 else ("GET", "PUT"))
    ]
    groups = {f"g{number}": {"allow": [f"GET /thing{(7 * number * each) % 300}/**" for each in range(1, 40)]} for number in range(1, 20)}
    (folder / "m.yaml").write_text(yaml.safe_dump({"api": "flat", "routes": routes, "groups": groups}))
    found = lines("m.yaml")
    assert len(found) < 70
    [last] = [line.split()[-1] for line in found if line.startswith("g1 ") and "/5" in line]
    kept = int(found[0].rsplit(" ", 1)[1]) - 1
    assert int(last.partition("/")[2]) == 605 - 3 * 5 - 2 * (kept - 5)


@pytest.mark.parametrize("width", [40, 64, 100])
def test_long_names_are_cut_with_a_mark(lines: Lines, folder: Path, width: int) -> None:
    route = f"/{'a' * 90}/{{id}}/{'b' * 60}"
    clients = "clients: {third: {delegated: true, allow: [GET /x]}}\nscopes: {s: {}}"
    group = f"{'g' * 90}: {{allow: ['GET {route}'], deny: [{{route: GET /x, until: 2030-01-01T00:00:00Z}}]}}"
    (folder / "m.yaml").write_text(
        f"api: x\nroutes: ['GET {route}', GET /x]\ngroups: {{everyone: {{}}, client/x: {{}}, {group}}}\n{clients}\n"
    )
    found = lines("m.yaml", width=width)
    assert max(map(cell_len, found)) <= width
    text = " ".join(found)
    assert "g…g" in text.replace(" ", "")
    assert "a…b" in text
    assert "until 2030-01-01T00:00:00Z" in text
    assert "delegated: what the client" in " ".join(text.split())


def test_many_conditions_are_told_by_full(lines: Lines, folder: Path) -> None:
    allows = "".join(f"  g{n}: {{allow: [{{route: GET /a, until: 2030-01-{n + 1:02}T00:00:00Z}}]}}\n" for n in range(12))
    (folder / "m.yaml").write_text(f"api: x\nroutes: [GET /a]\ngroups:\n{allows}")
    found = lines("m.yaml")
    assert found[-1] == "if: under a condition, which --full tells"
    assert sum(line.split().count("if") for line in found) == 12


def test_a_document_without_routes_or_subjects_is_shown_all_the_same(lines: Lines, folder: Path) -> None:
    (folder / "m.yaml").write_text("api: x\nroutes: [GET /a]\ngroups: {g: {}}\n---\napi: y\nroutes: [GET /a]\n")
    found = lines("m.yaml", "--group", "g", "--depth", "0")
    assert found[0] == "x: 1 subject, 1 route"
    assert "y" in found
