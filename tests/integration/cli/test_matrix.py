"""matrix: every route against every subject, for people and for programs."""

from pathlib import Path

from tests.integration.cli.conftest import Run, parsed

MATRIX = """\
api: petstore
routes: [GET /pets, "GET /pets/{petId}", ANY /b, "GET /b", {route: GET /health, public: true}]
everyone: {allow: [GET /pets]}
groups:
  guest: {allow: [{route: "GET /pets/{petId}", where: {petId: sub}}]}
  "[bold]": {inherits: [guest], allow: ["PUT /b"], deny: [GET /pets]}
clients: {batch: {allow: [{route: "GET /pets/{petId}", until: 2030-01-01T00:00:00Z}]}}
scopes: {b: {allow: [ANY /b]}}
"""


def test_a_matrix_shows_every_route_against_every_subject(run: Run, folder: Path) -> None:
    (folder / "m.yaml").write_text(MATRIX)
    result = run("matrix", "m.yaml")
    assert result.exit_code == 0, result.stderr
    title, header, *rows = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in result.stdout.splitlines()]
    assert title == ["petstore"]
    assert header == ["route", "everyone", "client/batch", "group/[bold]", "group/guest", "scope/b"]
    table = {row[0]: dict(zip(header[1:], row[1:], strict=True)) for row in rows}
    assert len(table) == len(rows)
    nobody = dict.fromkeys(["everyone", "client/batch", "group/[bold]", "group/guest", "scope/b"], "·")
    own = "where {petId} = sub"
    assert table == {
        **{f"{verb} /b": nobody | {"scope/b": "yes"} for verb in ("GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE")},
        "PUT /b": nobody | {"scope/b": "yes", "group/[bold]": "yes"},
        "GET /health (public)": nobody,
        "GET /pets": dict.fromkeys(nobody, "yes") | {"group/[bold]": "denied"},
        "GET /pets/{petId}": nobody | {"client/batch": "until 2030-01-01T00:00:00Z", "group/[bold]": own, "group/guest": own},
    }


def test_a_matrix_as_json_has_what_there_is(run: Run, folder: Path) -> None:
    (folder / "m.yaml").write_text(MATRIX)
    [one] = parsed(run("matrix", "m.yaml", "--json"))
    assert one["api"] == "petstore"
    assert one["rows"][0]["subject"] == "everyone"
    cells = [(row["subject"], cell["route"], cell["access"]) for row in one["rows"] for cell in row["cells"]]
    access = {(subject, route): words for subject, route, words in cells}
    assert len(access) == len(cells)
    own = "allowed where {petId} = sub"
    verbs = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
    assert access == {
        ("everyone", "GET /pets"): "allowed",
        ("client/batch", "GET /pets"): "allowed",
        ("client/batch", "GET /pets/{petId}"): "allowed until 2030-01-01T00:00:00Z",
        ("group/[bold]", "GET /pets"): "denied",
        ("group/[bold]", "GET /pets/{petId}"): own,
        ("group/[bold]", "PUT /b"): "allowed",
        ("group/guest", "GET /pets"): "allowed",
        ("group/guest", "GET /pets/{petId}"): own,
        ("scope/b", "GET /pets"): "allowed",
        **{("scope/b", f"{verb} /b"): "allowed" for verb in verbs},
    }


def test_a_route_for_any_verb_is_one_row_where_all_verbs_are_alike(run: Run, folder: Path) -> None:
    (folder / "m.yaml").write_text("api: x\nroutes: [ANY /b]\neveryone: {allow: [ANY /b]}\n")
    assert [" ".join(line.split()) for line in run("matrix", "m.yaml").stdout.splitlines()] == ["x", "route everyone", "ANY /b yes"]


def test_delegated_clients_are_marked_with_a_legend(run: Run, folder: Path) -> None:
    clients = "clients: {third: {delegated: true, allow: [GET /a]}, ours: {allow: [GET /a]}}"
    (folder / "m.yaml").write_text(f"api: x\nroutes: [GET /a]\n{clients}\n")
    lines = [" ".join(line.split()) for line in run("matrix", "m.yaml").stdout.splitlines()]
    assert lines[1] == "route everyone client/ours client/third (delegated)"
    assert lines[-1].startswith("delegated: what the client may by its own tokens; people through it need the consent")
    [one] = parsed(run("matrix", "m.yaml", "--json"))
    assert {row["subject"]: row["delegated"] for row in one["rows"]} == {"everyone": False, "client/ours": False, "client/third": True}
