"""The libraries that the console brings: each file is what its manifest says, made of the packages of the lock file, with their licences."""

import json
import re
from hashlib import sha256
from typing import Any

import pytest

from tests.architecture.sources import ROOT

VENDOR = ROOT / "admin_api/console/vendor"
TOOL = ROOT / "tests/tools/vendor_console"
TYPES = ROOT / "tests/console"
MANIFEST: dict[str, Any] = json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))
PACKAGES = {name: facts for entry in MANIFEST.values() for name, facts in entry["packages"].items()}

PERMISSIVE = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}


def lock(folder: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    return found


def test_the_manifest_names_all_that_is_there() -> None:
    assert {path.name for path in VENDOR.iterdir()} == {
        *MANIFEST,
        *(f"{name.removesuffix('.js')}.d.ts" for name in MANIFEST),
        "manifest.json",
        "LICENSES.txt",
    }


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_file_is_what_the_manifest_says(name: str) -> None:
    assert sha256((VENDOR / name).read_bytes()).hexdigest() == MANIFEST[name]["sha256"], "run `npm run build` in tests/tools/vendor_console"


def test_each_package_has_its_licence_beside_it() -> None:
    text = (VENDOR / "LICENSES.txt").read_text(encoding="utf-8")
    headed = {name for line in re.findall(r"^((?:@?[a-z0-9/.-]+(?:, )?)+)$", text, re.MULTILINE) for name in line.split(", ")}
    assert headed == set(PACKAGES)
    assert {facts["licence"] for facts in PACKAGES.values()} <= PERMISSIVE
    assert text.count("Copyright") >= len(set(re.findall(r"Copyright.*", text)))


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_file_says_what_it_is_made_of(name: str) -> None:
    [head] = (VENDOR / name).read_text(encoding="utf-8").splitlines()[:1]
    packages = ", ".join(f"{package} {facts['version']}" for package, facts in MANIFEST[name]["packages"].items())
    assert head == f"/* {packages}: LICENSES.txt */"


def test_the_files_and_their_types_are_of_the_versions_that_are_pinned() -> None:
    wanted = json.loads((TOOL / "package.json").read_text(encoding="utf-8"))
    typed = json.loads((TYPES / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    assert wanted["dependencies"].items() <= typed.items()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for each in ("dependencies", "devDependencies") for version in wanted[each].values())
    for folder in (TOOL, TYPES):
        locked = lock(folder)
        assert {name: locked[f"node_modules/{name}"]["version"] for name in PACKAGES} == {
            name: facts["version"] for name, facts in PACKAGES.items()
        }


def test_the_lock_names_no_host() -> None:
    others = {name: entry for name, entry in lock(TOOL).items() if name}
    assert {name for name, entry in others.items() if "resolved" in entry or not entry["integrity"].startswith("sha512-")} == set()


FORBIDDEN = (
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\s*\(|\bnew\s+Function\b"
    r"|\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket\(|import\(|Storage\b|\.cookie\b"
)


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_file_makes_no_markup_or_code_of_text_and_asks_nobody(name: str) -> None:
    text = (VENDOR / name).read_text(encoding="utf-8")
    assert re.findall(FORBIDDEN, text) == []
    # The name of a kind of markup, which nobody asks for.
    assert set(re.findall(r"https?://[^\"'`\s]*", text)) <= {"http://www.w3.org/2000/svg"}
