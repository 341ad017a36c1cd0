"""The pages as a site: each has its place, says whom it is for, and the site asks no other host."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.architecture.readme import DOCS, ROOT, Page
from tests.tools import site

HTML = re.compile(
    r"""<(script|link|img|iframe|source|video|audio|embed|object|use)\b[^>]*?\s(?:src|href|data|srcset)\s*=\s*["']?([^"'\s>]+)"""
)


class _Loader(yaml.SafeLoader):
    """Reads the tags for Python's functions as nothing."""


_LOADER: Any = _Loader
_LOADER.add_multi_constructor("tag:yaml.org,2002:python/", lambda *_: None)


def nav_files(nav: list[dict[str, Any]]) -> Iterator[str]:
    for entry in nav:
        for value in entry.values():
            yield from nav_files(value) if isinstance(value, list) else [value]


NAV = list(nav_files(yaml.load((ROOT / "mkdocs.yml").read_text(), _Loader)["nav"]))  # noqa: S506  # a safe loader that skips tags


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    result = site.build(folder)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder / "site"


@pytest.mark.parametrize("name", site.pages().values())
def test_every_page_has_its_place_in_the_navigation(name: str) -> None:
    file = next(path for path, page in site.pages().items() if page == name)
    [title] = re.findall(r"\A# (.+)$", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    line = f"`- {title}: {name}`"
    assert NAV.count(name) == 1, f"{file} stands {NAV.count(name)} times in mkdocs.yml: have one line {line} in the fitting part of `nav`"


def test_the_navigation_leads_to_pages_only() -> None:
    assert set(NAV) - set(site.pages().values()) == set()


@pytest.mark.parametrize("name", DOCS)
def test_every_page_says_first_whom_it_is_for(name: str) -> None:
    opening = DOCS[name].text.split("\n\n")[:2]
    assert re.fullmatch(r"# \S.*", opening[0]), f"docs/{name}.md does not begin with its title"
    assert re.fullmatch(r"For: \S.*\S\.", opening[1]), (
        f"docs/{name}.md lacks a line under its title, such as `For: whoever deploys an API.`"
    )


def test_the_site_builds_without_a_warning_and_has_every_page(built: Path) -> None:
    made = {path.relative_to(built).as_posix() for path in built.rglob("*.html")}
    assert made - {"404.html"} == {name.replace(".md", ".html") for name in NAV}


def foreign(html: str) -> list[str]:
    """What a browser would fetch from another host."""
    fetched = [target for tag, target in HTML.findall(html) if tag != "link" or not re.search(r"rel=[\"']?canonical", html)]
    styles = re.findall(r"(?:url\(|@import\s+)[\"']?([^\"')\s]+)", html)
    return [target for target in [*fetched, *styles] if re.match(r"(?:[a-z]+:)?//", target)]


def test_no_page_takes_anything_from_another_host(built: Path) -> None:
    assert {path.name: found for path in built.rglob("*.html") if (found := foreign(path.read_text(encoding="utf-8")))} == {}
    assert [
        path.name
        for path in built.rglob("*.css")
        if re.search(r"(?:url\(|@import\s+)[\"']?(?:https?:)?//", path.read_text(encoding="utf-8"))
    ] == []


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.example/x.js"></script>',
        "<link rel=stylesheet href=//fonts.example/css>",
        '<img alt="x" src="http://i.example/a.png">',
        "<style>@import 'https://fonts.example/css'</style>",
    ],
)
def test_a_foreign_asset_is_noticed(html: str) -> None:
    assert len(foreign(html)) == 1
    assert foreign('<a href="https://example.com">x</a><script src="assets/x.js"></script>') == []


def test_nothing_of_a_page_makes_the_theme_fetch_a_renderer(built: Path) -> None:
    """Its script takes Mermaid from a CDN as soon as a page has an element of that class."""
    assert [
        path.name
        for path in built.rglob("*.html")
        if re.search(r"class=\"[^\"]*\b(?:mermaid|glightbox|pyodide)", path.read_text(encoding="utf-8"))
    ] == []
    assert len(Page((ROOT / "docs/architecture.md").read_text()).blocks("mermaid")) == len(list(built.glob("architecture-*.svg")))


def test_the_search_index_has_every_page(built: Path) -> None:
    index = (built / "search.json").read_text(encoding="utf-8")
    assert [name for name in NAV if name != "index.md" and name.replace(".md", ".html") not in index] == []


def test_links_lead_to_pages_of_the_site_or_are_names_of_files() -> None:
    def text(path: str, prose: str) -> str:
        return site.page_text(path, prose, {})

    assert text("README.md", "[a](docs/drift.md#hooks)") == "[a](drift.md#hooks)"
    assert text("docs/gateways.md", "[`c`](../authorizer/caller.py) [d](#x) [e](https://e.example)") == "`c` [d](#x) [e](https://e.example)"
    assert text("README.md", "![p](docs/request.svg)") == "![p](request.svg)"
    assert text("docs/security.md", "[r](../SECURITY.md)") == "[r](reporting.md)"
    assert text("README.md", "```\n[a](docs/drift.md)\n```\n") == "```\n[a](docs/drift.md)\n```\n"
    assert text("docs/drift.md", "# D\n\nFor: x.\n\nFor: y.\n") == "# D\n\nFor: x.\n{ .for }\n\nFor: y.\n"
