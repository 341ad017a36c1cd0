"""Draws `docs/dashboard.svg`: the widgets of `infra/monitoring.yaml` with an hour of made-up data, in whose last eight minutes the table is gone.

Run `python -m tests.infrastructure.dashboard` to renew it.
"""

import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tests.infrastructure.templates import written

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "dashboard.svg"

_MINUTES, _UNIT_X, _UNIT_Y, _GAP = 60, 46, 32, 8
_GONE = range(52, 60)
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")
_SHOWN = {
    "Api": "petstore",
    "FunctionName": "petstore-authorizer",
    "RunbookUrl": "https://wiki.example/runbook",
    "MetricNamespace": "Gatebook",
}
_REASONS = {"denied": ("implicit_deny", "no_route", "explicit_deny"), "unauthorized": ("expired", "missing_token", "unknown_kid")}
_RINGING = ("Trouble", "Errors")

Series = tuple[str, str, Sequence[float]]


def widgets() -> list[dict[str, Any]]:
    """Return the template's widgets, with the names of a sample in place of parameters."""
    text: str = written("monitoring.yaml")["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    told = re.sub(r"\$\{(\w+)(?:\.Arn|)\}", lambda found: _SHOWN.get(found[1], found[1]), text.replace("${AWS::Region}", "eu-west-1"))
    found: list[dict[str, Any]] = json.loads(told.replace("${!", "${"))["widgets"]
    return found


def sample(name: str, statistic: str) -> list[float]:
    """Return a value for each minute of the hour. It is the same each time."""
    noise = random.Random(f"{name} {statistic}")  # a picture, no secret
    calm, gone = _LEVELS.get(f"{name} {statistic}", _LEVELS.get(name, (0, 0)))
    values = []
    for minute in range(_MINUTES):
        level = gone if minute in _GONE else calm
        wave = 1 + 0.12 * math.sin(minute / 9)
        values.append(max(0.0, level * wave * noise.uniform(0.85, 1.15)))
    if name == "head_age":
        return [60.0 * (minute - _GONE.start) + 40 if minute in _GONE[:5] else 0.0 for minute in range(_MINUTES)]
    if name == "stale":
        return [value if minute in _GONE[:5] else 0.0 for minute, value in enumerate(values)]
    if name in ("trouble", "Errors"):
        failing = [value if minute in _GONE[5:] else 0.0 for minute, value in enumerate(sample("failing", "Sum"))]
        return [a + b for a, b in zip(failing, sample("unauthorized", "Sum"), strict=True)] if name == "Errors" else failing
    if name in ("key_fetches", "cold_starts"):
        return [float(noise.random() < calm) + float(noise.random() < calm / 2) for _ in range(_MINUTES)]
    return [value if minute not in _GONE[5:] or name not in ("allowed", "denied") else value * 0.08 for minute, value in enumerate(values)]


_LEVELS: dict[str, tuple[float, float]] = {
    "allowed": (820, 800),
    "denied": (42, 40),
    "unauthorized": (28, 28),
    "failing": (0, 700),
    "stale": (0, 820),
    "implicit_deny": (31, 30),
    "no_route": (8, 8),
    "explicit_deny": (3, 3),
    "expired": (19, 19),
    "missing_token": (7, 7),
    "unknown_kid": (2, 2),
    "Invocations": (890, 880),
    "Duration p50": (2.2, 2.2),
    "Duration p99": (19, 240),
    "latency p99": (24, 310),
    "needs_narrower_scope": (12, 12),
    "ConcurrentExecutions": (6, 9),
    "key_fetches": (0.12, 0.12),
    "cold_starts": (0.15, 0.15),
}


def picture() -> str:
    """Return the dashboard as SVG."""
    found = widgets()
    width = 24 * _UNIT_X + 2 * _GAP
    height = max(widget["y"] + widget["height"] for widget in found) * _UNIT_Y + 2 * _GAP
    parts = [_widget(widget) for widget in found]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="Helvetica,Arial,sans-serif" font-size="11" role="img" aria-label="The dashboard with sample data">\n'
        f'<rect width="{width}" height="{height}" fill="#f2f3f3"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _widget(widget: Mapping[str, Any]) -> str:
    x, y = widget["x"] * _UNIT_X + _GAP, widget["y"] * _UNIT_Y + _GAP
    width, height = widget["width"] * _UNIT_X - _GAP, widget["height"] * _UNIT_Y - _GAP
    told = widget["properties"]
    frame = f'<rect width="{width}" height="{height}" rx="4" fill="#ffffff" stroke="#d5dbdb"/>'
    if widget["type"] == "text":
        title, _, text = told["markdown"].partition("\n")
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "")
        inner = f'<text x="12" y="23" font-size="16" font-weight="bold">{escape(title.lstrip("# "))}</text><text x="12" y="43">{escape(plain)}</text>'
    else:
        inner = f'<text x="10" y="18" font-size="12" font-weight="bold">{escape(told["title"])}</text>'
        inner += _alarms(told["alarms"]) if widget["type"] == "alarm" else _chart(_series(told), width, height, stacked=told["stacked"])
    return f'<g transform="translate({x},{y})">{frame}{inner}</g>'


def _alarms(names: Sequence[str]) -> str:
    lines = []
    for row, name in enumerate(names):
        colour, word = ("#d62728", "In alarm") if name in _RINGING else ("#1d8102", "OK")
        y = 36 + row * 13.5
        lines.append(f'<circle cx="16" cy="{y - 4:g}" r="4" fill="{colour}"/><text x="26" y="{y:g}">{escape(name)}</text>')
        lines.append(f'<text x="255" y="{y:g}" text-anchor="end" fill="{colour}">{word}</text>')
    return "".join(lines)


def _series(told: Mapping[str, Any]) -> list[Series]:
    """Return label, colour and values of what a widget shows. What is searched for stands for its commonest reasons."""
    found: list[Series] = []
    for metric in told["metrics"]:
        options = metric[-1] if isinstance(metric[-1], dict) else {}
        colour = options.get("color", _COLOURS[len(found)])
        if "SEARCH" in options.get("expression", ""):
            [name] = re.findall(r'MetricName="(\w+)"', options["expression"])
            found += [(reason, _COLOURS[number], sample(reason, "Sum")) for number, reason in enumerate(_REASONS[name])]
        elif "expression" in options:
            ours = [max(0.0, a - b) for a, b in zip(sample("Errors", "Sum"), sample("unauthorized", "Sum"), strict=True)]
            found.append((options["label"], colour, ours))
        elif options.get("visible", True):
            found.append((options["label"], colour, sample(metric[1], options.get("stat", told["stat"]))))
    return found


def _chart(series: Sequence[Series], width: int, height: int, *, stacked: bool) -> str:
    left, right, top, bottom = 40, width - 12, 28, height - 40
    tops = (
        [sum(values) for values in zip(*(values for _, _, values in series), strict=True)]
        if stacked
        else [v for _, _, vs in series for v in vs]
    )
    most = _round(max(*tops, 1.0))

    def at(minute: int, value: float) -> str:
        return f"{left + (right - left) * minute / (_MINUTES - 1):.1f},{bottom - (bottom - top) * value / most:.1f}"

    parts = []
    for share in (0, 0.5, 1):
        y = bottom - (bottom - top) * share
        parts.append(f'<path d="M{left} {y:g}H{right}" stroke="#e4e7e7"/>')
        parts.append(f'<text x="{left - 5}" y="{y + 4:g}" text-anchor="end" fill="#545b64" font-size="10">{most * share:,g}</text>')
    for hour, minute in (("09:00", 0), ("09:30", 30), ("10:00", _MINUTES - 1)):
        anchor = "start" if minute == 0 else "end" if minute == _MINUTES - 1 else "middle"
        x = left + (right - left) * minute / (_MINUTES - 1)
        parts.append(f'<text x="{x:.1f}" y="{bottom + 13}" text-anchor="{anchor}" fill="#545b64" font-size="10">{hour}</text>')
    below, x = [0.0] * _MINUTES, float(left)
    for label, colour, values in series:
        above = [b + v for b, v in zip(below, values, strict=True)] if stacked else values
        line = " ".join(at(minute, value) for minute, value in enumerate(above))
        if stacked:
            back = " ".join(at(minute, below[minute]) for minute in reversed(range(_MINUTES)))
            parts.append(f'<polygon points="{line} {back}" fill="{colour}" fill-opacity="0.75"/>')
            below = list(above)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        parts.append(f'<rect x="{x:g}" y="{height - 19}" width="9" height="9" fill="{colour}"/>')
        parts.append(f'<text x="{x + 13:g}" y="{height - 11}">{escape(label)}</text>')
        x += 22 + 5.5 * len(label)
    return "".join(parts)


def _round(most: float) -> float:
    """Return the next number that an axis may end with: `830` -> `1000`, `47` -> `50`."""
    size = 10.0 ** math.floor(math.log10(most))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= most)


if __name__ == "__main__":
    PICTURE.write_text(picture(), "utf-8")
