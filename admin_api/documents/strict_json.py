"""JSON that every reader takes for the same: names stand once, numbers are numbers, and nesting has an end."""

import json
from collections import Counter
from typing import Any

from authorizer.policy.problems import DocumentError, Problem

MAX_BYTES = 5_000_000
"""What a document may have, in a file or in the body of a request."""

MAX_DEPTH = 50
"""How deep lists and mappings may be nested. A document needs seven levels; PyYAML takes minutes for a few thousand brackets."""


def read_json(text: str) -> Any:
    """Return what a JSON text says. Raises `DocumentError` if it is none, is nested too deeply, or has a name twice in one object."""
    try:
        value, problems = parse_json(text)
    except ValueError as error:
        problems = [Problem("", f"it cannot be read: {' '.join(str(error).split())}")]
    except RecursionError:
        problems = [Problem("", "it is nested too deeply")]
    if problems:
        raise DocumentError(problems)
    return value


def parse_json(text: str) -> tuple[Any, list[Problem]]:
    """Return what a JSON text says, and which names stand twice in one object. Raises `ValueError` or `RecursionError` for a text that is none."""
    problems: list[Problem] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = Counter(name for name, _ in items)
        problems.extend(Problem("", f"the name `{name}` stands twice in one object: keep one") for name in sorted(names) if names[name] > 1)
        return dict(items)

    def refuse(constant: str) -> Any:
        raise ValueError(f"`{constant}` is not JSON")

    return json.loads(text, object_pairs_hook=pairs, parse_constant=refuse), problems
