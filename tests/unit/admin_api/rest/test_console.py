"""What the console's page and its files are served with, and that nothing else is."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from admin_api.rest.console import CONFIG_PATH, PATH, Console, ConsoleConfig

CONFIG = ConsoleConfig(
    "1h57kf5cpq17m0eml12EXAMPLE", "eu-west-1_AbCdEfGhI", "https://cognito-idp.eu-west-1.amazonaws.com", "https://shop.example"
)
FOLDER = Path(__file__).resolve().parents[4] / "admin_api" / "console"


def served(path: str, console: Console | None = None) -> Any:
    answer = (console or Console(CONFIG)).answer("GET", path)
    assert answer is not None, path
    return answer


def policy(console: Console) -> dict[str, list[str]]:
    """The page's Content-Security-Policy by its directives."""
    text = str(served(PATH, console).headers["Content-Security-Policy"])
    return {words[0]: words[1:] for part in text.split(";") if (words := part.split())}


def test_the_page_names_files_that_are_served_for_good() -> None:
    console = Console(CONFIG)
    page = served(PATH, console)
    assert page.headers["Cache-Control"] == "no-cache"
    named = re.findall(r'(?:src|href)="(console/[^"]+)"', page.body)
    assert len(named) >= 3
    for name in named:
        file = served(f"/{name}", console)
        assert file.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("main.js", "text/javascript"), ("console.css", "text/css"), ("icon.svg", "image/svg+xml"), ("vendor/LICENSES.txt", "text/plain")],
)
def test_each_file_says_what_it_is(name: str, kind: str) -> None:
    console = Console(CONFIG)
    file = served(f"{PATH}/{console.version}/{name}", console)
    assert file.content_type.partition(";")[0] == kind
    assert file.body == (FOLDER / name).read_text(encoding="utf-8")


def test_the_schema_of_documents_is_the_one_that_the_command_knows() -> None:
    console = Console(CONFIG)
    file = served(f"{PATH}/{console.version}/document.schema.json", console)
    assert file.content_type == "application/json"
    assert file.body == (FOLDER.parents[1] / "authorizer/policy/document.schema.json").read_text(encoding="utf-8")


def test_every_module_is_served() -> None:
    console = Console(CONFIG)
    modules = [path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js")]
    assert len(modules) > 10
    for module in modules:
        assert served(f"{PATH}/{console.version}/{module}", console).body


@pytest.mark.parametrize(
    "path",
    [
        "{version}/index.html",
        "{version}/nothing.js",
        "{version}/../handler.py",
        "{version}/",
        "/",
        "{version}",
        "0123456789ab/main.js",
        "../v1/apis",
        "main.js",
    ],
)
def test_nothing_else_is_served(path: str) -> None:
    console = Console(CONFIG)
    assert console.answer("GET", f"{PATH}/{path.format(version=console.version)}") is None


@pytest.mark.parametrize(
    "base", ["https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com/admin", "https://admin.example", "https://example.com/a/b"]
)
def test_a_slash_at_the_end_leads_to_the_page(base: str) -> None:
    answer = served(f"{PATH}/")
    assert answer.status_code == 308
    assert urljoin(f"{base}{PATH}/", str(answer.headers["Location"])) == f"{base}{PATH}"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_files_are_read_only(method: str) -> None:
    assert Console(CONFIG).answer(method, PATH) is None


def test_the_page_runs_its_own_scripts_and_asks_the_pool_alone() -> None:
    directives = policy(Console(CONFIG))
    assert directives["default-src"] == ["'none'"]
    assert directives["script-src"] == directives["style-src"] == ["'self'"]
    assert directives["connect-src"] == ["'self'", "https://cognito-idp.eu-west-1.amazonaws.com", "https://shop.example"]
    assert directives["frame-ancestors"] == directives["base-uri"] == directives["form-action"] == ["'none'"]
    assert directives["require-trusted-types-for"] == ["'script'"]
    assert not any("unsafe" in source for sources in directives.values() for source in sources)


def test_without_a_pool_it_asks_the_admin_api_alone() -> None:
    assert policy(Console(ConsoleConfig()))["connect-src"] == ["'self'"]


def test_the_page_holds_no_script_and_no_style_of_its_own() -> None:
    page = served(PATH).body
    assert "<style" not in page
    assert " style=" not in page
    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"\son\w+=", page) == []


def test_config_tells_how_to_sign_in() -> None:
    answer = served(CONFIG_PATH)
    assert json.loads(answer.body) == {
        "client_id": "1h57kf5cpq17m0eml12EXAMPLE",
        "pool_id": "eu-west-1_AbCdEfGhI",
        "pool_url": "https://cognito-idp.eu-west-1.amazonaws.com",
        "login_url": "https://shop.example",
        "user_directory": False,
    }
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "is_console"),
    [("/console", True), ("/console/", True), ("/console/x", True), ("/consoles", False), ("/v1/console", False), ("/", False)],
)
def test_which_paths_are_public(path: str, is_console: bool) -> None:
    assert Console.has(path) is is_console
