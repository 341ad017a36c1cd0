"""What the pictures of the pages have in common: their ground, their words, and colours that suit a light and a dark page."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT = 860, 24, 24
BAR, STEP = 24, 33
_STYLE = """
.ground{fill:#ffffff;stroke:#8a8f98}text{font:14px system-ui,sans-serif;fill:#1c2024}.title{font-weight:600}.edge{fill:none;stroke:#1c2024}
@media (prefers-color-scheme:dark){.ground{fill:#16191d;stroke:#6b7280}text{fill:#eceef0}.edge{stroke:#eceef0}}
"""


def picture(title: str, told: str, height: float, body: Sequence[str], *, style: str = "") -> str:
    """Return an SVG of this height. `told` says in words what the picture shows, for who cannot see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(told)}</desc>",
            f"<style>{_STYLE}{style}</style>",
            f'<rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8"/>',
            *body,
            "</svg>\n",
        ]
    )


def text(left: float, base: float, words: str, kind: str = "") -> str:
    """Return words at a place."""
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{left:.1f}" y="{base:.1f}">{escape(words)}</text>'
