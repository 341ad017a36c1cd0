"""Markdown of the pages that scripts write."""

from collections.abc import Iterable, Sequence
from textwrap import fill


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in cells)} |" for cells in (head, ["---"] * len(head), *rows))


def prose(text: str) -> str:
    """Return a paragraph in lines of the width that the other pages have."""
    return fill(" ".join(text.split()), 160, break_long_words=False, break_on_hyphens=False)


def points(*texts: str) -> str:
    """Return a list of paragraphs."""
    return "\n".join(prose(f"- {text}").replace("\n", "\n  ") for text in texts)
