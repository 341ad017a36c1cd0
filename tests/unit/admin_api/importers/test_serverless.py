"""Files of the Serverless Framework: which routes they declare, what guards them, and what is said of the rest."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from admin_api.cli.app import app
from admin_api.importers.imported import FoundRoutes, ImportSourceError
from admin_api.importers.serverless import read_serverless

FILE = Path(__file__).parents[3] / "vectors/imports/serverless/serverless.yml"


def guards(found: FoundRoutes) -> dict[str, str]:
    return {str(each.route): each.guard.value for each in found.routes}


def test_each_kind_of_event() -> None:
    apis = read_serverless(FILE).apis
    assert guards(apis["http"]) == {
        "GET /pets/{id}": "none",
        "POST /pets": "authorizer",
        "ANY /files/{proxy+}": "other",
        "GET /trial": "other",
        "GET /users": "other",
        "GET /more": "none",
    }
    assert guards(apis["httpApi"]) == {"ANY /": "none", "ANY /{proxy+}": "none", "GET /orders": "authorizer", "ANY /orders/{id}": "other"}
    assert guards(apis["websocket"]) == {"WS $connect": "authorizer", "WS sendMessage": "none"}
    assert [each.name for each in apis.values()] == ["pet-shop rest", "pet-shop http", "pet-shop websocket"]
    assert apis["http"].routes[0].place == "serverless.yml:16"
    assert apis["http"].routes[-1].place == "function.yml:4"
    assert [str(each) for each in apis["http"].not_taken] == [
        "serverless.yml:20: `http`: `${ssm:/base}` is known only to the deployment: give `--parameter ssm:/base=VALUE`"
    ]


def test_what_is_given_counts() -> None:
    found = read_serverless(FILE, {"opt:stage": "prod", "ssm:/base": "known"}).apis["http"]
    assert {"GET /shop", "GET /known"} <= {*guards(found)}
    assert not found.not_taken


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("${self:custom.a}", "depends on itself"),
        ("${self:custom.none}", "stands for nothing"),
        ("${file(../outside.yml):x}", "lies outside"),
        ("${file(/etc/hostname.yml):x}", "lies outside"),
        ("${file(app.js):x}", "no YAML or JSON"),
        ("x${self:custom}", "needed within"),
        ("${env:BASE}", "--parameter env:BASE=VALUE"),
        ("${self:custom.d0}", "too many"),
    ],
)
def test_what_nobody_can_know_is_named_with_its_remedy(tmp_path: Path, path: str, says: str) -> None:
    (tmp_path / "outside.yml").write_text("x: secret\n")
    folder = tmp_path / "service"
    folder.mkdir()
    doubled = "".join(f"  d{n}: '${{self:custom.d{n + 1}}}${{self:custom.d{n + 1}}}'\n" for n in range(25)) + "  d25: ''\n"
    (folder / "s.yml").write_text(
        f"custom:\n  a: '${{self:custom.b}}'\n  b: '${{self:custom.a}}'\n{doubled}functions: {{f: {{events: [http: {{method: get, path: '{path}'}}]}}}}\n"
    )
    found = read_serverless(folder / "s.yml").apis["http"]
    assert not found.routes
    assert says in str(found.not_taken[0])


def test_a_link_does_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text("x: secret\n")
    folder = tmp_path / "service"
    folder.mkdir()
    (folder / "in.yml").symlink_to(tmp_path / "outside.yml")
    (folder / "s.yml").write_text("functions: {f: {events: [http: 'GET ${file(in.yml):x}']}}\n")
    assert "lies outside" in str(read_serverless(folder / "s.yml").apis["http"].not_taken[0])


def test_functions_as_a_list_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("one: {events: [http: GET /one]}\n")
    (tmp_path / "s.yml").write_text(
        "service: x\nfunctions:\n  - ${file(a.yml)}\n  - two: {events: [http: '${env:V, ''GET''} two']}\n  - ${file(none.yml)}\n"
    )
    found = read_serverless(tmp_path / "s.yml")
    assert guards(found.apis["http"]) == {"GET /one": "none", "GET /two": "none"}
    assert "none.yml" in str(found.not_taken[0])
    assert "taken as its fallback" in found.notes[0]


@pytest.mark.parametrize(("text", "says"), [("provider: google\n", "only that of `aws`"), ("service: x\n", "no `functions`")])
def test_another_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "s.yml").write_text(text)
    with pytest.raises(ImportSourceError, match=says):
        read_serverless(tmp_path / "s.yml")


def test_the_command_exits_with_1_for_what_is_not_taken() -> None:
    result = CliRunner().invoke(app, ["import", "serverless", str(FILE), "--api", "http"])
    assert result.exit_code == 1
    assert result.stdout.startswith("api: pet-shop-rest\nroutes:\n- GET /pets/{id}\n")
    assert "${ssm:/base}" in result.stderr
