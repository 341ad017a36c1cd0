"""The text and the picture of `docs/performance.md`, from what was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.benchmarks.markdown import prose, table
from tests.benchmarks.ratios import Ratio
from tests.benchmarks.scale import SAMPLED, TOKENS, Held
from tests.benchmarks.svg import BAR, LEFT, RIGHT, STEP, WIDTH, picture, text

_STYLE = ".bar{fill:#c9d6ea}.spread{stroke:#1c2024;stroke-width:1.5}@media (prefers-color-scheme:dark){.bar{fill:#31476b}.spread{stroke:#eceef0}}"
_LABEL = 430


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the page tells. `charted` are ratios to one and the same yardstick."""

    charted: Sequence[Ratio]
    tables: Sequence[tuple[str, str, Sequence[Ratio]]]
    """Each with its heading and what to know of it."""
    held: Held
    sizes: Sequence[tuple[str, str]]
    tools: Sequence[tuple[str, str]]


def page(measured: Measured, here: str, today: date) -> str:
    """Return the page as Markdown."""
    first = measured.charted[0]
    blocks = [
        "# Performance",
        "For: whoever asks what an authorizer on every request costs.",
        prose(f"""
            `make bench` measures all of this on your machine and writes this page, whole.
            Here it was measured on {today.isoformat()} on {here}.
        """),
        prose("""
            An absolute time says much about a machine and little about a program. So a time is told as a ratio to that of something else, which was
            measured beside it: in each round both are done, the ratio is the median of the rounds, and half of the rounds lie within the spread.
        """),
        "![What a request costs](performance.svg)",
        _ratios(measured.charted),
        prose(f"""
            A bare check is what no authorizer can do without: `cryptography` checks one signature of a text as long as a token.
            So {first.what} takes {number(first.value)} times as long.
        """),
        *(block for heading, told, ratios in measured.tables for block in (f"## {heading}", prose(told), _ratios(ratios))),
        "## Memory and size",
        table(("what", "size"), [*measured.sizes, *_held(measured.held)]),
        "## The command on large documents",
        prose("Seconds on the machine that is named above."),
        table(("what", "seconds"), measured.tools),
        "## What is held to",
        prose("""
            Times fail no test. What no machine changes does, in `tests/performance`: calls to the table and the key set, modules that a cold start
            imports, lines of log per request, bytes of answers and zips, entries of each memo, and lines run at two sizes for all that the tables
            above call flat.
        """),
        prose("""
            What it costs in dollars, and what a load asks of an account, is in [Costs and capacity](costs.md); what the local stack answers to many at once, in
            [The local stack under load](local-load.md).
        """),
    ]
    return "\n\n".join(blocks) + "\n"


def _held(held: Held) -> list[tuple[str, str]]:
    mib = 1024 * 1024
    return [
        (f"what a process holds more after {SAMPLED:,} distinct tokens than after {SAMPLED // 5:,}", f"{held.added / mib:.1f} MiB"),
        (f"what {TOKENS:,} would add, if each further one adds as much", f"{held.extrapolated / mib:.0f} MiB"),
    ]


def _ratios(ratios: Sequence[Ratio]) -> str:
    rows = [(r.what, f"**{number(r.value)}**", f"{number(r.low)} to {number(r.high)}", r.to) for r in ratios]
    return table(("what", "ratio", "spread", "to"), rows)


def number(value: float) -> str:
    """Return a ratio with two digits that count, as a fraction of one where it is small: 5.1, 0.95, 1/60, 1/5,000."""
    if value >= 10:
        return f"{value:.0f}"
    if value >= 0.5:
        return f"{value:.2f}" if value < 0.995 else f"{value:.1f}"
    whole = 1 / value if value else 0
    digits = max(0, len(str(int(whole))) - 2)
    return f"1/{round(whole, -digits):,.0f}"


def chart(measured: Measured) -> str:
    """Return the picture: a bar for each ratio with its spread, and the yardstick as one."""
    ratios = measured.charted
    scale = (WIDTH - LEFT - RIGHT - _LABEL - 50) / max(ratio.high for ratio in ratios)
    top = 34
    body = [text(LEFT, top - 8, f"In units of {ratios[0].to}", "title")]
    top += 6
    for ratio in ratios:
        wide, middle = ratio.value * scale, top + BAR / 2
        body += [
            text(LEFT, top + 17, ratio.what.replace("`", "")),
            f'<rect class="bar" x="{LEFT + _LABEL}" y="{top}" width="{wide:.1f}" height="{BAR}"/>',
            f'<rect class="edge" x="{LEFT + _LABEL}" y="{top}" width="{wide:.1f}" height="{BAR}"/>',
            f'<line class="spread" x1="{LEFT + _LABEL + ratio.low * scale:.1f}" x2="{LEFT + _LABEL + ratio.high * scale:.1f}" y1="{middle}" y2="{middle}"/>',
            text(LEFT + _LABEL + ratio.high * scale + 8, top + 17, number(ratio.value)),
        ]
        top += STEP
    one = LEFT + _LABEL + scale
    body.append(f'<line class="spread" stroke-dasharray="4 3" x1="{one:.1f}" x2="{one:.1f}" y1="34" y2="{top}"/>')
    told = "; ".join(f"{ratio.what.replace('`', '')}: {number(ratio.value)}" for ratio in ratios)
    return picture(f"What a request costs, in units of {ratios[0].to}", told, top + 14, body, style=_STYLE)
