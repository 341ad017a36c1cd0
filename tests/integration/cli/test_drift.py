"""drift and import apigateway: what they print and write, and how they end. What is deployed is what stubs of AWS say."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from admin_api.cli.commands import import_
from admin_api.cli.settings import AWS
from tests.integration.cli.conftest import Run, parsed
from tests.support.deployed_apis import API, DEFAULT, PROD, StubbedGateway, method_of, route_of

DOCUMENT = """\
api: petstore
routes:
  - GET /pets
  - POST /pets
  - route: GET /health
    public: true
everyone: {allow: [GET /pets]}
"""
OTHER = "---\napi: shop\nroutes: [GET /news]\neveryone: {allow: [GET /news]}\n"
ROUTES = "GET /pets\nPOST /pets\nGET /health\nget owners/{ownerId}\n"
SAID = [("unknown", "GET /owners/{ownerId}", 2, "error"), ("uncovered", "POST /pets", 4, "warning")]


@pytest.fixture(autouse=True)
def files(folder: Path) -> Path:
    for name, text in {
        "p.yaml": DOCUMENT,
        "two.yaml": DOCUMENT + OTHER,
        "routes.txt": ROUTES,
        "bad.yaml": "api: x\nroutes: [pets]\n",
    }.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> StubbedGateway:
    stubbed = StubbedGateway()
    monkeypatch.setattr(import_, "client", stubbed.client)
    return stubbed


def said(result: Any, exit_code: int = 1) -> list[tuple[str, str, int, str]]:
    assert result.exit_code == exit_code, result.stderr
    return [(each["kind"], each["route"], each["line"], each["severity"]) for each in json.loads(result.stdout)["differences"]]


def test_differences_have_the_lines_of_the_document(run: Run) -> None:
    result = run("drift", "p.yaml", "--routes", "routes.txt", "--json")
    assert said(result) == SAID
    told = json.loads(result.stdout)
    assert (told["api"], told["source"], told["compared"], told["notes"]) == ("petstore", "routes.txt", 4, [])
    assert told["differences"][0]["place"] == "routes.txt:4"


def test_people_get_a_table(run: Run) -> None:
    result = run("drift", "p.yaml", "--routes", "routes.txt")
    assert result.exit_code == 1
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "line difference route what"
    assert lines[1].startswith("p.yaml:2 unknown GET /owners/{ownerId} `GET /owners/{ownerId}` is deployed and not in the catalogue")
    assert lines[2].startswith("p.yaml:4 uncovered POST /pets")
    assert lines[3:] == ["petstore: 2 differences between p.yaml and routes.txt, 4 routes"]


def test_no_difference_is_no_finding(run: Run, folder: Path) -> None:
    (folder / "routes.txt").write_text("GET /news\n")
    result = run("drift", "two.yaml", "--api", "shop", "--routes", "routes.txt")
    assert (result.exit_code, result.stdout) == (0, "shop: nothing differs between two.yaml and routes.txt, 1 route\n")


def test_every_format_is_written_beside_the_table(run: Run, folder: Path) -> None:
    result = run("drift", "p.yaml", "--routes", "routes.txt", "--sarif", "d.sarif", "--junit", "d.xml", "--markdown", "d.md")
    assert result.exit_code == 1
    results = json.loads((folder / "d.sarif").read_text())["runs"][0]["results"]
    places = [each["locations"][0]["physicalLocation"] for each in results]
    assert [(place["artifactLocation"]["uri"], place["region"]["startLine"]) for place in places] == [("p.yaml", 2), ("p.yaml", 4)]
    assert 'failures="2"' in (folder / "d.xml").read_text()
    assert (folder / "d.md").read_text().startswith("<!-- gatebook-drift -->\n")
    assert "difference" in result.stdout


def test_markdown_takes_the_place_of_the_table(run: Run) -> None:
    result = run("drift", "p.yaml", "--routes", "routes.txt", "--markdown", "-")
    assert result.exit_code == 1
    assert result.stdout.startswith("<!-- gatebook-drift -->\n**Gatebook**")
    assert "p.yaml:2" not in result.stdout


def test_lines_of_a_json_document_are_not_known(run: Run, folder: Path) -> None:
    (folder / "p.json").write_text(json.dumps({"api": "petstore", "routes": ["GET /pets"], "everyone": {"allow": ["GET /pets"]}}))
    (folder / "routes.txt").write_text("GET /owners\nGET /pets\n")
    assert said(run("drift", "p.json", "--routes", "routes.txt", "--json")) == [("unknown", "GET /owners", 1, "error")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("p.yaml",), "name one source"),
        (("p.yaml", "--routes", "routes.txt", "--api-id", "a1b2c3d4e5"), "name one source"),
        (("p.yaml", "--routes", "routes.txt", "--stage", "prod"), "--stage belongs to --api-id"),
        (("p.yaml", "--routes", "routes.txt", "--json", "--markdown", "-"), "--json and --markdown - both print"),
        (("two.yaml", "--routes", "routes.txt"), "choose one with --api"),
        (("p.yaml", "--api", "shop", "--routes", "routes.txt"), "no document of API"),
        (("p.yaml", "--routes", "absent.txt"), "absent.txt: No such file or directory"),
        (("absent.yaml", "--routes", "routes.txt"), "absent.yaml: No such file or directory"),
    ],
)
def test_what_is_asked_wrongly_is_a_usage_error(run: Run, arguments: tuple[str, ...], message: str) -> None:
    result = run("drift", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_document_with_problems_is_not_compared(run: Run) -> None:
    result = run("drift", "bad.yaml", "--routes", "routes.txt")
    assert result.exit_code == 1
    assert "bad.yaml:2 /routes/0" in result.stderr
    assert "nothing was compared" in result.stderr


def is_http(gateway: StubbedGateway) -> None:
    health, post = route_of("GET /health", "NONE"), route_of("POST /pets", "NONE")
    gateway.has_routes("HTTP", [DEFAULT], [route_of("GET /pets"), post], [health, route_of("GET /owners/{ownerId}")])


def test_what_is_deployed_is_compared(run: Run, gateway: StubbedGateway) -> None:
    is_http(gateway)
    assert said(run("drift", "p.yaml", "--api-id", API, "--region", "eu-west-1", "--json")) == [
        ("unguarded", "POST /pets", 4, "error"),
        SAID[0],
    ]
    assert gateway.told == (replace(AWS, region="eu-west-1"),)


def test_what_is_deployed_is_imported(run: Run, gateway: StubbedGateway) -> None:
    gateway.is_rest(PROD, PROD | {"stageName": "dev"})
    gateway.has_deployment("d1", {"/pets": {"GET": method_of("CUSTOM"), "OPTIONS": method_of("NONE")}})
    told = parsed(run("import", "apigateway", "--api-id", API, "--stage", "prod", "--region", "eu-west-1", "--json"))
    assert told["document"] == {"api": "pet-store", "routes": ["GET /pets", {"route": "OPTIONS /pets", "public": True}]}


def test_routes_without_an_authorizer_are_told(run: Run, gateway: StubbedGateway) -> None:
    is_http(gateway)
    result = run("import", "apigateway", "--api-id", API, "--region", "eu-west-1", "--name", "pets")
    assert result.exit_code == 0
    assert result.stdout.startswith("api: pets\nroutes:\n- GET /health\n")
    assert "note no authorizer is asked for GET /health, POST /pets" in result.stderr


@pytest.mark.parametrize("command", [("import", "apigateway"), ("drift", "p.yaml")])
def test_an_api_that_is_not_there_is_a_usage_error(run: Run, gateway: StubbedGateway, command: tuple[str, ...]) -> None:
    gateway.is_nothing()
    result = run(*command, "--api-id", API, "--region", "eu-west-1")
    assert result.exit_code == 2
    assert "there is no API `a1b2c3d4e5` in this account and region" in result.stderr


def test_trouble_with_aws_is_no_difference(run: Run, gateway: StubbedGateway) -> None:
    gateway.stubs["apigatewayv2"].add_client_error("get_api", "AccessDeniedException", "no", 403)
    result = run("drift", "p.yaml", "--api-id", API, "--region", "eu-west-1")
    assert (result.exit_code, result.stdout) == (4, "")
