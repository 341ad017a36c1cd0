"""The bars of `docs/costs.svg`. Parts differ by letter and by hatching, not by colour alone, and the picture brings its own background."""

from collections.abc import Iterable, Sequence

from tests.benchmarks.bills import Bill, Part, Way
from tests.benchmarks.svg import BAR, LEFT, RIGHT, STEP, WIDTH, picture, text

LETTERS = {Part.REQUESTS: "R", Part.TIME: "T", Part.TABLE: "D", Part.PLATFORM: "L", Part.DECISIONS: "G", Part.SERVICE: "V"}
NAMES = {
    Way.GATEBOOK: "Gatebook",
    Way.QUIET: "Gatebook, decisions not logged",
    Way.VERIFIED_PERMISSIONS: "Verified Permissions",
    Way.PLAIN: "plain Lambda authorizer",
}
_HATCHES = {
    Part.REQUESTS: "",
    Part.TIME: '<circle cx="4" cy="4" r="1.6"/>',
    Part.TABLE: '<path d="M0 4H8M4 0V8"/>',
    Part.PLATFORM: '<path d="M-2 2L2 -2M0 8L8 0M6 10L10 6"/>',
    Part.DECISIONS: '<path d="M-2 6L2 10M0 0L8 8M6 -2L10 2"/>',
    Part.SERVICE: '<path d="M0 2H8M0 6H8"/>',
}
_STYLE = """
.letter{font-weight:700;text-anchor:middle}.plate{fill:#ffffff}path{fill:none;stroke:#1c2024}circle{fill:#1c2024}
.R{fill:#c9d6ea}.T{fill:#d9ecd2}.D{fill:#f4d9ec}.L{fill:#fbe0c3}.G{fill:#f3c19a}.V{fill:#dcd6f2}
@media (prefers-color-scheme:dark){.plate{fill:#16191d}path{stroke:#eceef0}circle{fill:#eceef0}
.R{fill:#31476b}.T{fill:#2f5427}.D{fill:#63305a}.L{fill:#6b4618}.G{fill:#8a4a1b}.V{fill:#43397a}}
"""


def chart(bills: Sequence[Bill]) -> str:
    """Return the picture: one wide bar with the shares of Gatebook's bill, and a bar for each bill, all of them on one scale of dollars."""
    shares, top = bills[0], 46
    body = [
        text(LEFT, top - 14, f"What a dollar for Gatebook is spent on: {_percent(shares.logs)} for log lines (L and G)", "title"),
        *_bar(shares, LEFT, top, (WIDTH - LEFT - RIGHT) / shares.total, shares=True),
    ]
    top += 80
    label = 250
    scale = (WIDTH - LEFT - RIGHT - label - 70) / max(each.total for each in bills)
    for hit_rate in dict.fromkeys(each.hit_rate for each in bills):
        body.append(text(LEFT, top - 12, f"A million requests, {_percent(hit_rate)} of them answered from the gateway's cache", "title"))
        for each in (one for one in bills if one.hit_rate == hit_rate):
            body.append(text(LEFT, top + 17, NAMES[each.way]))
            body += _bar(each, LEFT + label, top, scale)
            body.append(text(LEFT + label + each.total * scale + 8, top + 17, f"${each.total:.2f}"))
            top += STEP
        top += 36
    body += _legend(top)
    height = top + 62
    patterns = ["<defs>", *(_pattern(part) for part in Part), "</defs>"]
    return picture("What a million API requests cost, by part", _described(bills), height, [*patterns, *body], style=_STYLE)


def _described(bills: Iterable[Bill]) -> str:
    return "; ".join(f"{NAMES[each.way]} at {_percent(each.hit_rate)} cache hits ${each.total:.2f}" for each in bills)


def _pattern(part: Part) -> str:
    return (
        f'<pattern id="{LETTERS[part]}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect class="{LETTERS[part]}" width="8" height="8"/><g opacity="0.35">{_HATCHES[part]}</g></pattern>'
    )


def _bar(each: Bill, left: float, top: float, scale: float, *, shares: bool = False) -> list[str]:
    drawn, at = [], left
    for part in Part:
        wide = each.parts.get(part, 0.0) * scale
        if wide <= 0:
            continue
        drawn.append(f'<rect fill="url(#{LETTERS[part]})" x="{at:.1f}" y="{top}" width="{wide:.1f}" height="{BAR}"/>')
        drawn.append(f'<rect class="edge" x="{at:.1f}" y="{top}" width="{wide:.1f}" height="{BAR}"/>')
        if wide >= 16:
            share = each.parts[part] / each.total
            drawn += _letter(f"{LETTERS[part]} {_percent(share)}" if shares and wide >= 60 else LETTERS[part], at + wide / 2, top)
        at += wide
    return drawn


def _letter(words: str, middle: float, top: float) -> list[str]:
    """Draw a letter on a plate, so that no hatch runs through it."""
    wide = 6 + 9 * len(words)
    return [
        f'<rect class="plate" x="{middle - wide / 2:.1f}" y="{top + 4:.1f}" width="{wide}" height="16" rx="3"/>',
        f'<text class="letter" x="{middle:.1f}" y="{top + 17:.1f}">{words}</text>',
    ]


def _legend(top: float) -> list[str]:
    drawn = []
    for number, part in enumerate(Part):
        left, down = LEFT + number % 3 * 270, top + number // 3 * 28 - 16
        drawn.append(f'<rect fill="url(#{LETTERS[part]})" x="{left}" y="{down}" width="34" height="{BAR - 4}"/>')
        drawn.append(f'<rect class="edge" x="{left}" y="{down}" width="34" height="{BAR - 4}"/>')
        drawn += _letter(LETTERS[part], left + 17, down - 2)
        drawn.append(text(left + 44, down + 15, part.value))
    return drawn


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"
