"""The web console's sources: they ask for what the admin API has, make no markup out of text, load nothing from elsewhere, stay small, and keep their types."""

import gzip
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.rest.console import Console, ConsoleConfig
from authorizer.table.reader import PermissionTable
from tests.architecture.sources import ROOT
from tests.support.node import node

CONSOLE = ROOT / "admin_api/console"
TESTS = ROOT / "tests/console"
SCHEMA = "document.schema.json"
"""Served beside the console's files: it stands in the policy's folder, once."""

FILES = {
    SCHEMA: (ROOT / "authorizer/policy" / SCHEMA).read_text(encoding="utf-8"),
    **{
        path.relative_to(CONSOLE).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(CONSOLE.rglob("*"))
        if path.is_file() and not path.name.endswith(".d.ts")
    },
}
"""All that is served. What is vendored is held against its manifest (`test_console_vendor.py`), and the rest is the console's own."""

VENDORED = {"vendor/codemirror.js", "vendor/yaml.js"}
SOURCES = {name: text for name, text in FILES.items() if not name.startswith("vendor/") and name != SCHEMA}
MODULES = {name: text for name, text in SOURCES.items() if name.endswith(".js")}

MOST_BYTES = 200 * 1024
"""Of all files, each compressed with gzip by itself, as they are sent."""

SVG = "http://www.w3.org/2000/svg"

FORBIDDEN = {
    "markup": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTMLUnsafe|DOMParser|\.srcdoc",
    "code from text": r"\beval\s*\(|\bnew\s+Function\b|set(?:Timeout|Interval)\(\s*[\"'`]|javascript:",
    "inline style": r"<[^>]*\sstyle\s*=|\bstyle\s*:\s*[\"'`]|setAttribute\(\s*[\"'`]style",
    "inline listener": r"<[^>]*\son\w+\s*=",
    "address": r"https?://|[\"'`(]//\w",
    "lasting storage": r"localStorage|indexedDB|document\.cookie",
}

COMMENTS = re.compile(r"^\s*\*.*$|(?:^|\s)//.*$|/\*\*.*?\*/", re.MULTILINE)
IN_COMMENTS = {"address", "inline listener"}
"""What may stand in a comment, as an example."""

SESSION_STORAGE = {"session/managed_login.js", "views/matrix/matrix_view.js", "views/explain/explain_view.js"}
"""What is kept for the tab: the PKCE verifier while somebody is at the managed login, and staged changes."""


def operations(text: str) -> dict[str, tuple[str, str]]:
    """Return what the module that talks to the API asks for, by name."""
    [body] = re.findall(r"export const OPERATIONS = \{\n(.*?)\n\};", text, re.DOTALL)
    found = {name: (method, path) for name, method, path in re.findall(r'^  (\w+): \["([A-Z]+)", "([^"]+)"\],$', body, re.MULTILINE)}
    assert len(found) == len(body.splitlines())
    return found


def breaches(name: str, text: str) -> Iterator[str]:
    """Yield what a file has that none may have."""
    for what, pattern in FORBIDDEN.items():
        searched = text.replace(SVG, "")
        if what in IN_COMMENTS and name.endswith(".js"):
            searched = COMMENTS.sub("", searched)
        yield from (f"{name}: {what}: {found}" for found in re.findall(pattern, searched))
    if "sessionStorage" in text and name not in SESSION_STORAGE:
        yield f"{name}: sessionStorage"


def imported(name: str) -> Iterator[str]:
    """Yield the modules that a module imports, at once or when they are needed, as paths below the console's folder."""
    for path in re.findall(r"(?:^(?:import|export) [^;]*?from |\bawait import\()\"([^\"]+)\"", MODULES[name], re.MULTILINE):
        assert path.startswith("."), f"{name} imports {path}: the console is made of its own files alone"
        yield Path(os.path.normpath(Path(name).parent / path)).as_posix()


@pytest.fixture(scope="session")
def typescript() -> Path:
    """The compiler, installed once for each lock file."""
    npm = node("npm")
    lock = TESTS / "package-lock.json"
    home = ROOT / "build/console-types" / sha256(lock.read_bytes()).hexdigest()[:12]
    compiler = home / "node_modules/.bin/tsc"
    if not compiler.exists():
        # Several workers may come here at once: each installs for itself, and the first one's stays.
        own = home.with_name(f"{home.name}-{os.getpid()}")
        own.mkdir(parents=True)
        for file in (TESTS / "package.json", lock):
            shutil.copy(file, own)
        installed = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=own, capture_output=True, text=True, check=False
        )
        assert installed.returncode == 0, installed.stderr[-2000:]
        try:
            own.rename(home)
        except OSError:
            shutil.rmtree(own)
    return compiler


def test_whatever_the_console_asks_for_is_there() -> None:
    api = AdminApi(PermissionService(PermissionTable("none", "eu-west-1"), time.time), now=time.time, flush=lambda _: ())
    described = {(method.upper(), path) for path, methods in api.openapi()["paths"].items() for method in methods}
    asked = operations(MODULES["api_client.js"])
    assert len(asked) > 10
    assert {name: each for name, each in asked.items() if each not in described} == {}


def test_only_one_module_talks_to_the_api() -> None:
    names = operations(MODULES["api_client.js"])
    used = {name for text in MODULES.values() for name in re.findall(r"\.(?:ask|all)\(\s*\"(\w+)\"", text)}
    assert len(used) > 10
    assert used <= set(names)
    # Beside it, what is needed before anybody is signed in: the page's configuration, and the user pool. And one of the console's own files.
    assert {
        name for name, text in MODULES.items() if re.search(r"\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket\(|EventSource\(", text)
    } == {
        "api_client.js",
        "main.js",
        "session/managed_login.js",
        "session/user_pool.js",
        "views/document/document_schema.js",
    }


def test_what_is_kept_for_the_tab_is_kept_in_few_places() -> None:
    assert {name for name, text in MODULES.items() if "sessionStorage" in text} == SESSION_STORAGE


def test_no_source_makes_markup_or_code_of_text_or_reaches_elsewhere() -> None:
    assert [breach for name, text in SOURCES.items() for breach in breaches(name, text)] == []


@pytest.mark.parametrize(
    "planted",
    [
        "element.innerHTML = name;",
        "element.insertAdjacentHTML('beforeend', name);",
        "document.write(name);",
        "eval(text);",
        "new Function(text)();",
        'setTimeout("work()", 1);',
        'h("p", { style: "color: red" });',
        'element.setAttribute("style", text);',
        '<p style="color: red">',
        '<button onclick="work()">',
        'import "https://cdn.example/x.js";',
        'fetch("http://a.example/");',
        'fetch("//a.example/");',
        'localStorage.setItem("a", "b");',
        'sessionStorage.setItem("a", "b");',
    ],
)
def test_a_planted_breach_is_noticed(planted: str) -> None:
    assert list(breaches("views/some/view.js", planted)) != []


def test_all_modules_belong_to_the_page() -> None:
    reached: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [] if name in VENDORED else imported(name)
    assert reached == set(MODULES) | VENDORED


def test_all_files_are_served() -> None:
    console = Console(ConsoleConfig())
    served = {name for name in FILES if console.answer("GET", f"/console/{console.version}/{name}") is not None}
    assert served == set(FILES) - {"index.html"}


def test_what_is_for_developers_is_not_served() -> None:
    console = Console(ConsoleConfig())
    assert [*CONSOLE.rglob("*.d.ts")] != []
    for file in CONSOLE.rglob("*.d.ts"):
        assert console.answer("GET", f"/console/{console.version}/{file.relative_to(CONSOLE).as_posix()}") is None


def test_the_console_is_small() -> None:
    sizes = {name: len(gzip.compress(text.encode(), mtime=0)) for name, text in FILES.items()}
    print(f"the console has {sum(sizes.values()):,} bytes in {len(sizes)} files, compressed")
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda each: -each[1])[:5]


def test_the_types_are_pinned_and_name_no_host() -> None:
    package = json.loads((TESTS / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((TESTS / "package-lock.json").read_text(encoding="utf-8"))
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    others = {name: entry for name, entry in lock["packages"].items() if name}
    assert {name for name, entry in others.items() if "resolved" in entry or not entry["integrity"].startswith("sha512-")} == set()


def test_the_console_keeps_its_types(typescript: Path) -> None:
    # The packages lie where the compiler does: paths of a configuration are relative to it.
    home = typescript.parents[2]
    paths = json.loads((TESTS / "tsconfig.json").read_text(encoding="utf-8"))["compilerOptions"]["paths"]
    configuration = home / "tsconfig.json"
    configuration.write_text(json.dumps({"extends": str(TESTS / "tsconfig.json"), "compilerOptions": {"paths": paths}}), encoding="utf-8")
    checked = subprocess.run([typescript, "-p", configuration], capture_output=True, text=True, check=False)
    assert (checked.stdout + checked.stderr, checked.returncode) == ("", 0)


@pytest.mark.parametrize("file", sorted(TESTS.glob("*.test.mjs")), ids=lambda file: file.name.removesuffix(".test.mjs"))
def test_a_module_does_what_its_own_tests_say(file: Path) -> None:
    ran = subprocess.run([node(), "--test", "--test-reporter=tap", file], capture_output=True, text=True, check=False)
    passed = re.search(r"^# pass (\d+)$", ran.stdout, re.MULTILINE)
    assert ran.returncode == 0, "\n".join(line for line in ran.stdout.splitlines() if not line.lstrip().startswith("#"))[-3000:]
    assert passed is not None
    assert int(passed[1]) > 0
