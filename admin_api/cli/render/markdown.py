"""Findings as Markdown for a comment on a pull request. Names come from files that its author wrote: none may become markup or call people."""

import itertools
import re

from admin_api.cli.render.drift_report import DriftOutcome

MARK = "<!-- gatebook-drift -->"
"""The first line, by which a workflow finds its comment again."""

_MAX_CELL = 400

_MAX_COMMENT = 60_000
"""Characters; GitHub takes 65,536 in one comment."""

# What GitHub Flavored Markdown and what GitHub adds to it give a meaning: markup, tables, HTML, addresses, mentions, numbers of issues.
_MARKUP = re.compile(r"[\\`|*_{}\[\]<>()#!@&~:.^$\"'+=-]")


def text(value: str) -> str:
    """Return text that is shown as it is: no markup, one line, no mention, no link. `@team` and `#7` keep an unseen space after their sign."""
    # A mention is looked for after entities were read, so that an entity alone would not hide it.
    return _escaped(value).replace("&#64;", "&#64;&#8203;").replace("&#35;", "&#35;&#8203;")


def code(value: str) -> str:
    """Return a name in the type of code, where neither mentions nor numbers of issues are looked for. A code span would end at a backtick."""
    return f"<code>{_escaped(value)}</code>"


def _escaped(value: str) -> str:
    value = value if len(value) <= _MAX_CELL else value[: _MAX_CELL - 1] + "…"
    line = "".join(c if c.isprintable() else " " if c.isspace() else c.encode("unicode_escape").decode("ascii") for c in value)
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", line)


def drift_as_markdown(outcome: DriftOutcome) -> str:
    """Return a comment for a pull request. What does not fit into one is counted."""
    differences = outcome.report.differences
    lines = [MARK, f"**Gatebook**, {code(outcome.api)}: {text(outcome.headline)}.", ""]
    if differences:
        lines += ["| line | difference | route | what |", "|---|---|---|---|"]
        rows = [
            f"| {outcome.line(each)} | {text(each.kind.value)} ({each.severity.value}) | {code(each.route)} | {text(each.message)} |"
            for each in differences
        ]
        lines += _as_many_as_fit(rows, "\n{} more: run `gatebook drift` for all")
        lines.append("")
    lines += _as_many_as_fit([f"- {text(note)}" for note in outcome.report.notes], "- {} more")
    return "\n".join(lines).rstrip("\n") + "\n"


def _as_many_as_fit(rows: list[str], more: str) -> list[str]:
    sizes = itertools.accumulate(len(row) + 1 for row in rows)
    kept = [row for row, size in zip(rows, sizes, strict=True) if size <= _MAX_COMMENT // 2]
    return kept + ([more.format(len(rows) - len(kept))] if len(kept) < len(rows) else [])
