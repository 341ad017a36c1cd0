"""Builds `build/site` from README and the pages of `docs/`: `python -m tests.tools.site` (`make docs`).

Zensical makes the site, with a search that runs in the browser. It is given copies, in which links that leave `docs/` lead to the site's own pages, or are
names of files where the site has none, and in which each Mermaid diagram is a picture: the site asks no other host, nor a CDN for a renderer.
"""

import os
import posixpath
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mmdr

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"

ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "tests/README.md": "tests.md",
}
"""Pages that do not stand in `docs/`, and what the site calls them."""

_BLOCK = re.compile(r"^```(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def pages() -> dict[str, str]:
    """Return the site's name of each page by its path in the tree: `docs/attach/sam.md` -> `attach/sam.md`, `docs/attach/README.md` -> `attach/index.md`."""
    docs = ROOT / "docs"
    names = (path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md")))
    return {f"docs/{name}": re.sub(r"(^|/)README\.md$", r"\1index.md", name) for name in names} | ELSEWHERE


def page_text(path: str, text: str, pictures: dict[str, str]) -> str:
    """Return a page as the site has it; pictures of its diagrams are put into `pictures` by their names.

    In CHANGELOG.md `[drift](docs/drift.md#hooks)` -> `[drift](drift.md#hooks)`; in docs/gateways.md `[caller](../authorizer/caller.py)` -> `caller`.
    """
    parts, end = [], 0
    for block in _BLOCK.finditer(text):
        parts.append(_links(path, text[end : block.start()]))
        parts.append(_picture(path, block[0], pictures) if block[1] == "mermaid" else block[0])
        end = block.end()
    whole = "".join([*parts, _links(path, text[end:])])
    return re.sub(r"\A(# .+\n\nFor: .+)\n", r"\1\n{ .for }\n", whole)


def _links(path: str, prose: str) -> str:
    names = pages()

    def changed(link: re.Match[str]) -> str:
        mark, words, target = link.groups()
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not file:
            return link[0]
        there = posixpath.normpath(posixpath.join(posixpath.dirname(path), file))
        here = posixpath.dirname(names[path])
        if there in names:
            return f"[{words}]({posixpath.relpath(names[there], here or '.')}{'#' + anchor if anchor else ''})"
        if there.startswith("docs/") and (ROOT / there).is_file():
            return f"{mark}[{words}]({posixpath.relpath(there.removeprefix('docs/'), here or '.')})"
        return words

    return _LINK.sub(changed, prose)


def _picture(path: str, block: str, pictures: dict[str, str]) -> str:
    name = f"{Path(path).stem}-{len(pictures) + 1}.svg"
    source = block.removeprefix("```mermaid\n").removesuffix("```")
    pictures[name] = mmdr.render(source).svg()
    return f"![Sequence diagram: what calls what, in order]({name}){{ .diagram }}"


def build(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Write copies of the pages to `folder`/docs and the site to `folder`/site. What is returned has an exit code that is not 0 if Zensical warns."""
    sources = folder / "docs"
    for old in (sources, folder / "site"):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(ROOT / "docs", sources)
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for path, name in pages().items():
        pictures: dict[str, str] = {}
        if path.startswith("docs/") and path != f"docs/{name}":
            (sources / path.removeprefix("docs/")).unlink()
        (sources / name).write_text(page_text(path, (ROOT / path).read_text(encoding="utf-8"), pictures), encoding="utf-8")
        for picture, svg in pictures.items():
            (sources / picture).write_text(svg, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    return subprocess.run(command, cwd=folder, env=os.environ | {"NO_COLOR": "1"}, capture_output=True, text=True, check=False)


def main() -> int:
    """Build the site. 1 if a page is not as it should be: a link or an anchor that leads nowhere, a page without a place in `nav`."""
    BUILD.mkdir(exist_ok=True)
    result = build(BUILD)
    if result.returncode:
        print(result.stdout, *(line for line in result.stderr.splitlines() if "Traceback" not in line), sep="\n", file=sys.stderr)
        return 1
    print(f"{BUILD / 'site'}: python3 -m http.server --bind 127.0.0.1 --directory {BUILD / 'site'} 8000 shows it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
