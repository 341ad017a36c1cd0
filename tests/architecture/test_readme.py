"""What README and docs/ say is true: settings, commands, documents, answers, numbers and links are compared with the product."""

import ast
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from admin_api.cli.app import app
from admin_api.documents.files import read_file
from authorizer.errors import SettingsError
from authorizer.policy.decision import Grounds, Reason, decide
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import EVERYONE, RefKind
from authorizer.policy.request_path import Unroutable, resolve
from authorizer.request_log import Metric
from authorizer.settings import NAMES, read_settings
from tests.architecture.readme import DOCS, PAGES, README, ROOT, Page
from tests.architecture.sources import Source

POOL = "eu-west-1_AbCdEfGhI"
NEEDED = {"PERMISSIONS_TABLE": "gatebook", "API": "petstore", "USER_POOL_ID": POOL, "APP_CLIENT_IDS": "client-1"}

# Defaults that the table puts in words.
IN_WORDS = {("JWKS_URI", "from the pool"): f"https://cognito-idp.eu-west-1.amazonaws.com/{POOL}/.well-known/jwks.json"}

# Another value for each default that is a word, to see that the setting is not just ignored.
OTHER = {"all": "none", "request": "route", "iam": "simple", "none": "client_id", "header:Authorization": "cookie:session", "raise": "deny"}


def documented_settings() -> list[tuple[str, str]]:
    """Each setting with its default as the table of docs/settings.md has it. One default in a row of several names is that of each."""
    pairs: list[tuple[str, str]] = []
    for names, default, _ in DOCS["settings"].table("name", "default", "meaning"):
        found = re.findall(r"`([A-Z_]+)`", names)
        defaults = [value.strip(" `") for value in default.split(",")]
        pairs += zip(found, defaults * len(found) if len(defaults) == 1 else defaults, strict=True)
    return pairs


def test_the_settings_table_names_exactly_the_settings() -> None:
    assert [name for name, _ in documented_settings()] == list(dict.fromkeys(name for name, _ in documented_settings()))
    assert {name for name, _ in documented_settings()} == set(NAMES)


@pytest.mark.parametrize(("name", "default"), documented_settings())
def test_a_documented_default_is_the_true_one(name: str, default: str) -> None:
    left_out = {key: value for key, value in NEEDED.items() if key != name}
    if default == "required":
        with pytest.raises(SettingsError, match=f"`{name}` is missing"):
            read_settings(left_out)
    elif default not in ("", "-"):
        text = IN_WORDS.get((name, default), default)
        assert read_settings(NEEDED | {name: text}) == read_settings(left_out)
        other = OTHER[text] if text in OTHER else f"{text}x" if text.startswith("https:") else str(int(text) + 1)
        wanting = {"CACHE_SCOPE": "token"} if name == "TOKEN_SCOPE_GUARDS" else {}
        assert read_settings(NEEDED | wanting | {name: other}) != read_settings(left_out | wanting)


def test_defaults_in_other_places_are_the_same() -> None:
    """`POLICY_REFRESH_SECONDS` (10), also for parameters of the templates."""
    defaults = dict(documented_settings()) | _template_defaults()
    claims = [claim for page in PAGES.values() for claim in re.findall(r"`([A-Za-z_]+)` \((\d+)\)", page.prose)]
    assert {name for name, _ in claims} >= {"POLICY_REFRESH_SECONDS", "JWKS_MAX_AGE_SECONDS", "AuthorizerTtl"}
    assert [claim for claim in claims if defaults.get(claim[0]) != claim[1]] == []


def _template_defaults() -> dict[str, str]:
    found: dict[str, str] = {}
    for template in (ROOT / "infra").glob("*.yaml"):
        parameters = re.search(r"^Parameters:\n(.*?)^\S", template.read_text(), re.MULTILINE | re.DOTALL)
        found |= dict(re.findall(r"^  (\w+):\n(?:    .*\n)*?    Default: \"?([^\"\n]*)", parameters[1] if parameters else "", re.MULTILINE))
    return found


@lru_cache
def cli() -> dict[str, set[str]]:
    """The options of each subcommand; those of groups stand under both words."""

    def flat(command: Any, name: str) -> dict[str, set[str]]:
        below: dict[str, Any] = getattr(command, "commands", {})
        if not below:
            return {name: {"--help"} | {option for p in command.params for option in (*p.opts, *p.secondary_opts)}}
        return {key: value for sub, one in below.items() for key, value in flat(one, f"{name} {sub}".strip()).items()}

    return flat(typer.main.get_command(app), "")


@pytest.mark.parametrize("name", PAGES)
def test_every_subcommand_that_a_page_shows_exists_and_takes_the_options_shown(name: str) -> None:
    # A group is named by its word alone: `gatebook import`.
    groups = {command.partition(" ")[0] for command in cli() if " " in command}
    shown = [call for call in PAGES[name].commands("gatebook") if re.match(r"[a-z]", call) and call not in groups]
    assert len(shown) > {"README": 4, "changing": 20, "permissions": 9, "importing": 10}.get(name, -1)
    wrong = []
    for call in shown:
        names = [name for name in cli() if f"{call} ".startswith(f"{name} ")]
        if not names or set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", call)) - cli()[max(names, key=len)]:
            wrong.append(call)
    assert wrong == []


def test_every_option_that_stands_alone_exists() -> None:
    shown = {
        span
        for name in ("README", "changing", "permissions", "importing")
        for span in PAGES[name].spans()
        if re.fullmatch(r"--[a-z][a-z-]*", span)
    }
    assert len(shown) > 10
    assert shown - set().union(*cli().values()) == set()


def test_every_make_target_that_a_page_shows_exists() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = {call.split()[0] for page in PAGES.values() for call in page.commands("make")}
    assert {"run", "test"} <= shown
    assert shown - targets == set()


# Pages whose YAML blocks are whole documents where they name an API.
WITH_DOCUMENTS = ("README", "permissions")


def documents(page: Page, folder: Path) -> list[PermissionDocument]:
    """Every YAML block that is a permission document."""
    found = []
    for text in page.blocks("yaml", "yml"):
        if re.search(r"^api:", text, re.MULTILINE):
            file = folder / "block.yaml"
            file.write_text(text)
            found += [one.parse() for one in read_file(file)]
    return found


@pytest.mark.parametrize("name", WITH_DOCUMENTS)
def test_every_document_that_a_page_shows_is_one(tmp_path: Path, name: str) -> None:
    assert documents(PAGES[name], tmp_path) != []


NOW = 1_790_000_000  # before the moments that the documents name

ANSWERS = [(name, *row) for name in WITH_DOCUMENTS for row in PAGES[name].table("caller", "request", "answer", "because")]


@pytest.mark.parametrize("row", ANSWERS, ids=[f"{name} {caller} {request}" for name, caller, request, *_ in ANSWERS])
def test_what_a_page_says_is_answered(tmp_path: Path, row: tuple[str, ...]) -> None:
    """The caller's words name groups of the page's first document and claims (`sub` is `u1`); the reason names the permissions that decide."""
    name, caller, request, answer, because = row
    if "without a token" in request:
        assert answer == "401"
        return
    document = documents(PAGES[name], tmp_path)[0]
    groups = [ref for ref in document.subjects if ref.kind is RefKind.GROUP and ref.name.replace("-", " ") in caller]
    claims = dict(re.findall(r"`(\w+)` is `([^`]+)`", caller))
    assert groups or "anybody" in caller, f"nobody knows who `{caller}` is"
    [(verb, path)] = re.findall(r"`([A-Z]+) /(\S*)`", request)
    permissions = tuple(p for ref in [EVERYONE, *groups] for p in document.permissions(ref))
    decision = decide(Grounds(permissions, document.catalog, claims, NOW), resolve(document.catalog, verb, path, None, exact=True))
    assert answer == ("200" if decision.allowed else "403")
    assert [permission.id for permission in decision.determining] == re.findall(r"`([^`]+)`", because)


@pytest.mark.parametrize("name", WITH_DOCUMENTS)
def test_the_answers_of_a_page_show_each_kind_of_answer(name: str) -> None:
    assert {answer for page, _, _, answer, _ in ANSWERS if page == name} == {"200", "401", "403"}


def test_the_ratios_of_readme_are_those_that_were_measured() -> None:
    measured = {(what, ratio, to) for what, ratio, _, to in DOCS["performance"].table("what", "ratio", "spread", "to")}
    quoted = README.section("What it costs").table("what", "ratio", "to")
    assert len(quoted) >= 3
    assert {tuple(row) for row in quoted} - measured == set()


def test_the_price_of_readme_is_that_of_the_page_on_costs() -> None:
    [(price, hits)] = re.findall(r"\*\*([\d.]+)\*\* dollars, where the gateway answers (\d+ %)", README.section("What it costs").prose)
    [row] = [row for row in DOCS["costs"].section("What a million requests cost").tables()[0] if row[:2] == [hits, "Gatebook"]]
    assert row[-2] == f"**{price}**"


MARKDOWN = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "tests/README.md"])


@pytest.mark.parametrize("file", MARKDOWN, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_to_a_heading_of_it(file: Path) -> None:
    page = Page(file.read_text(encoding="utf-8"))
    wrong = []
    for link in page.links():
        if not re.match(r"[a-z]+:", link):
            path, _, anchor = link.partition("#")
            target = file.parent / path if path else file
            if not target.exists() or (anchor and anchor not in Page(target.read_text(encoding="utf-8")).anchors()):
                wrong.append(link)
    assert wrong == []


def test_readme_leads_to_every_folder_of_the_tree_that_a_newcomer_needs() -> None:
    assert {"docs/choosing.md", "docs/security.md", "docs/assurance.md", "docs/architecture.md", "CONTRIBUTING.md"} <= set(README.links())


def test_the_hooks_are_the_linters_of_make_lint() -> None:
    hooks = [hook["entry"] for repo in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"] for hook in repo["hooks"]]
    lint = re.findall(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[0]
    assert [line.strip().replace("$(BIN)", ".venv/bin").removesuffix(" .") for line in lint.splitlines()] == hooks


def test_hosted_ci_runs_the_script_that_decides() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    assert [step["run"] for step in workflow["jobs"]["ci"]["steps"] if "run" in step] == ["bash .ci/run"]


def test_every_folder_of_tests_is_told_what_it_proves() -> None:
    told = set(re.findall(r"^\| `(\w+)/`", (ROOT / "tests/README.md").read_text(), re.MULTILINE))
    assert told == {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}


def test_the_glossary_has_each_word_once_and_in_order() -> None:
    words = re.findall(r"^\| ([a-zA-Z][^|]*?) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)[1:]
    assert words == sorted(set(words), key=str.lower)
    assert len(words) >= 30


def test_every_reason_of_a_403_is_explained() -> None:
    codes = {str(reason) for reason in (*Reason, *Unroutable)} - {"allowed"}
    assert codes - set(DOCS["errors"].spans()) == set()


def test_every_metric_is_named_and_no_other() -> None:
    [sentence] = re.findall(r"Metrics \(namespace [^)]*\): ([^.]*)\.", DOCS["errors"].text)
    assert set(re.findall(r"`(\w+)`", sentence)) == {metric.value for metric in Metric}


def test_every_metric_is_counted_somewhere() -> None:
    tree = Source.read(ROOT / "authorizer" / "request_log.py").tree
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "Metric"}
    assert used == {metric.name for metric in Metric}


PAGE = Page(
    "# One\n\nSay `make a`, [see](b.md).\n\n```yaml\napi: x # make b\n# One\n```\n\n## Two `it`\n\n| a | b |\n|---|---|\n| `1 \\| 2` | |\n\n# Three\n\n"
    "```console\n$ .venv/bin/gatebook up --detach  # not gatebook down\n$ x --stack-name gatebook --yes && make c \\\n  d\n```\n"
)


def test_readme_is_taken_apart_as_it_is_written() -> None:
    """A reader of README that sees nothing would find nothing wrong."""
    assert PAGE.blocks("yaml") == ["api: x # make b\n# One\n"]
    assert PAGE.tables() == [[["a", "b"], ["`1 \\| 2`", ""]]]
    assert PAGE.spans() == ["make a", "it", "1 | 2"]
    assert PAGE.links() == ["b.md"]
    assert PAGE.anchors() == {"one", "two-it", "three"}
    assert PAGE.section("One").blocks() == ["api: x # make b\n# One\n"]
    assert "Three" not in PAGE.section("One").text
    assert PAGE.section("Two `it`").tables() == PAGE.tables()
    assert PAGE.commands("gatebook") == ["up --detach", "--yes"]
    assert PAGE.commands("make") == ["c    d", "a"]
