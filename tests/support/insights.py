"""The part of CloudWatch Logs Insights' query language that the queries of `docs/observability.md` use, run over lines of a log.

Commands: `fields` (names, `concat`, `as`), `filter` (`=`, `!=`, `like /regex/`, `ispresent`, `and` before `or`), `stats` (`count(*)`, `count_distinct`,
by names, `bin(5m)`), `sort`, `limit`. One command a line. Whatever else stands in a query is an error.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

Row = dict[str, Any]


def record(line: str, at: float = 0) -> Row:
    """Return a log event as Insights discovers its fields: `{"a": {"b": [1]}}` -> `a.b.0`. `at` is its time in seconds."""
    return {"@message": line, "@timestamp": at, **dict(_flat("", json.loads(line)))}


def _flat(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict | list):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in entries:
            yield from _flat(f"{name}.{key}" if name else str(key), entry)
    else:
        yield name, int(value) if isinstance(value, bool) else value


def run(query: str, records: Iterable[Row]) -> list[Row]:
    """Return the rows that a query finds. Raises `AssertionError` for what is not understood."""
    rows = list(records)
    for line in query.strip().splitlines():
        command, _, rest = line.strip().removeprefix("| ").partition(" ")
        rows = _COMMANDS[command](rest, rows)
    return rows


def _fields(text: str, rows: list[Row]) -> list[Row]:
    named = [_named(part) for part in _parts(text)]
    # Fields that were there stay to be filtered and counted by; what is shown is what was named.
    return [row | {name: value for name, expression in named if (value := _value(expression, row)) is not None} for row in rows]


def _filter(text: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if any(all(_holds(test, row) for test in re.split(r" and ", either)) for either in re.split(r" or ", text))]


def _stats(text: str, rows: list[Row]) -> list[Row]:
    told, _, by = text.partition(" by ")
    keys, counts = _parts(by), [_named(part) for part in _parts(told)]
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(_value(key, row) for key in keys), []).append(row)
    return [dict(zip(keys, key, strict=True)) | {name: _counted(what, found) for name, what in counts} for key, found in groups.items()]


def _counted(what: str, rows: list[Row]) -> Any:
    if what == "count(*)":
        return len(rows)
    found = re.fullmatch(r"count_distinct\((.+)\)", what)
    assert found, f"unknown count: {what}"
    return len({value for row in rows if (value := _value(found[1], row)) is not None})


def _sort(text: str, rows: list[Row]) -> list[Row]:
    name, _, order = text.partition(" ")
    assert order in ("", "asc", "desc"), order
    return sorted(rows, key=lambda row: row.get(name, 0), reverse=order == "desc")


def _limit(text: str, rows: list[Row]) -> list[Row]:
    return rows[: int(text)]


_COMMANDS = {"fields": _fields, "filter": _filter, "stats": _stats, "sort": _sort, "limit": _limit}


def _parts(text: str) -> list[str]:
    """Split at commas that stand in no brackets."""
    return [part.strip() for part in re.split(r",(?![^()]*\))", text) if part.strip()]


def _named(part: str) -> tuple[str, str]:
    expression, _, name = part.partition(" as ")
    return name or expression, expression


def _value(expression: str, row: Mapping[str, Any]) -> Any:
    if expression.startswith("concat("):
        pieces = [piece[1:-1] if piece.startswith('"') else row.get(piece, "") for piece in _parts(expression[7:-1])]
        return "".join(map(str, pieces))
    if bins := re.fullmatch(r"bin\((\d+)m\)", expression):
        return row["@timestamp"] // (60 * int(bins[1])) * 60 * int(bins[1])
    assert re.fullmatch(r"[@\w.]+", expression), f"unknown expression: {expression}"
    return row.get(expression)


def _holds(test: str, row: Mapping[str, Any]) -> bool:
    if found := re.fullmatch(r"ispresent\(([@\w.]+)\)", test.strip()):
        return found[1] in row
    if found := re.fullmatch(r"([@\w.]+) like /(.+)/", test.strip()):
        return re.search(found[2], str(row.get(found[1], ""))) is not None
    found = re.fullmatch(r'([@\w.]+) (=|!=) "?([^"]*)"?', test.strip())
    assert found, f"unknown condition: {test}"
    return (str(row.get(found[1])) == found[3]) is (found[2] == "=")
