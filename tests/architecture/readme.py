"""README and the pages of docs/ taken apart: sections, tables, blocks of code, pieces of code in sentences, links."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """One Markdown file, or a part of one."""

    text: str

    @property
    def prose(self) -> str:
        """Everything but the blocks of code."""
        return _BLOCK.sub("", self.text)

    def section(self, title: str) -> "Page":
        """What stands under a heading, with the headings below it."""
        # Comments in code look like headings.
        blank = _BLOCK.sub(lambda block: "." * len(block[0]), self.text)
        heading = re.search(rf"^(#+) {re.escape(title)}$", blank, re.MULTILINE)
        assert heading, f"no section `{title}`"
        end = re.compile(rf"^#{{1,{len(heading[1])}}} ", re.MULTILINE).search(blank, heading.end())
        return Page(self.text[heading.end() : end.start() if end else None])

    def blocks(self, *languages: str) -> list[str]:
        """The blocks of code in these languages, of all if none is named."""
        return [text for _, language, text in _BLOCK.findall(self.text) if language in languages or not languages]

    def spans(self) -> list[str]:
        """The pieces of code within sentences and tables. A table writes `|` as `\\|`."""
        return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", self.prose)]

    def tables(self) -> list[list[list[str]]]:
        """Each table as rows of cells, the heading first."""
        found: list[list[list[str]]] = []
        for lines in re.findall(r"(?:^\|.*\|\n?)+", self.prose, re.MULTILINE):
            rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines.splitlines()]
            found.append([rows[0], *rows[2:]])
        return found

    def table(self, *heading: str) -> list[list[str]]:
        """The rows of all tables with this heading. Never none."""
        found = [row for first, *rows in self.tables() if first == list(heading) for row in rows]
        assert found, f"no table {heading}"
        return found

    def links(self) -> list[str]:
        """The targets of links and pictures."""
        return re.findall(r"\]\(([^)\s]+)(?: \"[^\"]*\")?\)", self.prose)

    def anchors(self) -> set[str]:
        """What `#...` may point to: headings as GitHub names them."""
        titles = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        # A title may hold a link, of which the text counts.
        titles = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def commands(self, program: str) -> list[str]:
        """Every call of a program in the code, with what follows it in its line or piece of code."""
        lines = [line for block in self.blocks() for line in block.replace("\\\n", " ").splitlines()]
        pieces = [piece for line in lines for piece in re.split(r"[|;&()]", re.split(r"\s#", line)[0])] + self.spans()
        return [found[1].strip() for piece in pieces if (found := re.search(rf"(?:^|[\s/$(\"]){re.escape(program)} +(\S.*)", piece))]


README = Page((ROOT / "README.md").read_text())
DOCS = {
    str(path.relative_to(ROOT / "docs").with_suffix("")): Page(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "docs").rglob("*.md"))
}
"""The pages of docs/ by their names: `settings`, `attach/sam`."""

PAGES = {"README": README} | DOCS
