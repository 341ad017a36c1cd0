"""Random YAML of the kind that libyaml is given: well-formed documents, lines that do not go together, and real texts with mistakes in them."""

from collections.abc import Sequence
from random import Random

_WORDS = (
    *(
        "a",
        "b",
        "GET",
        "/pets",
        "/pets/{petId}",
        "{id}",
        "x:y",
        "12",
        "1.5",
        "1e3",
        "0x1F",
        "017",
        "1:30",
        "true",
        "yes",
        "No",
        "null",
        "~",
        "-",
    ),
    *(
        "--",
        "---",
        "...",
        "=",
        "<<",
        "y",
        "/",
        "/**",
        "*",
        "**",
        "2026-12-01T00:00:00Z",
        "2026-12-01",
        "@x",
        "a(b)",
        "b)",
        "+1",
        "-1",
        ".5",
        ".inf",
    ),
    *("_", "$x", "a$", "a-", "-a", "0b1", "1_000", "9:59:59"),
)
_ENDS = ("", " ", "#x", " #x", ": ", ",", "[", "{", "}")
_CHARACTERS = "ab:# -'\"[]{},/*{}12.\n  \n&!|>%@?~=\t"
_COMMENTS = (" # c", "  #", "   # a: b", " #")


def random_yaml(random: Random, texts: Sequence[str]) -> str:
    """Return a text that may be YAML; some are parts of `texts` with a few mistakes."""
    kind = random.random()
    if kind < 0.25:
        lines = random.choice(texts).split("\n")
        start = random.randrange(len(lines))
        return _mutated(random, lines[start : start + random.randrange(1, 25)])
    lines = [_line(random) for _ in range(random.randrange(1, 9))] if kind < 0.6 else _block(random, 0, 0)
    return _mutated(random, lines) if random.random() < 0.3 else "\n".join(lines) + random.choice(("", "\n", "\n\n"))


def _scalar(random: Random) -> str:
    kind = random.random()
    if kind < 0.6:
        return _words(random, 1)
    quote, other = ('"', "'") if kind < 0.8 else ("'", '"')
    return quote + _words(random, 0) + random.choice((*_ENDS, other)) + quote


def _words(random: Random, least: int) -> str:
    return " ".join(random.choice(_WORDS) for _ in range(random.randint(least, 3)))


def _value(random: Random, depth: int = 0) -> str:
    kind = random.random()
    if kind < 0.6 or depth > 3:
        return _scalar(random)
    if kind < 0.8:
        return "[" + ", ".join(_value(random, depth + 1) for _ in range(random.randrange(4))) + "]"
    return "{" + ", ".join(f"{_scalar(random)}: {_value(random, depth + 1)}" for _ in range(random.randrange(3))) + "}"


def _line(random: Random) -> str:
    """Return a line without looking at those around it."""
    kind = random.random()
    indent = " " * random.choice((0, 0, 0, 2, 2, 2, 4, 4, 1, 3, 6))
    if kind < 0.08:
        return random.choice(("", indent))
    if kind < 0.14:
        return indent + "#" + random.choice(("", " c", "- a", "a: b", "!x"))
    if kind < 0.17:
        return "---"
    start = indent + "- " * random.choice((0, 0, 0, 1, 1, 1, 2, 3))
    entry = random.choice((f"{_scalar(random)}:", f"{_scalar(random)}: {_value(random)}", _value(random)))
    return start + entry + (random.choice(_COMMENTS) if random.random() < 0.1 else "")


def _block(random: Random, indent: int, depth: int) -> list[str]:
    """Return the lines of a mapping or a list that is as well-formed as its scalars are."""
    lines = []
    start, is_mapping = " " * indent, random.random() < 0.5
    for _ in range(random.randrange(1, 4)):
        is_short = random.random() < 0.55 or depth > 4
        if is_mapping and is_short:
            lines.append(f"{start}{_scalar(random)}: {_value(random)}")
        elif is_mapping:
            lines += [f"{start}{_scalar(random)}:", *_block(random, indent + random.choice((2, 2, 2, 4, 1, 0)), depth + 1)]
        elif is_short:
            lines.append(f"{start}- {_value(random)}")
        else:
            first, *rest = _block(random, indent + 2, depth + 1)
            lines += [f"{start}- {first.lstrip(' ')}", *rest]
        if random.random() < 0.15:
            lines.append(" " * random.randrange(9) + random.choice(("", "# c")))
    return lines


def _mutated(random: Random, lines: list[str]) -> str:
    for _ in range(random.randrange(1, 5)):
        at = random.randrange(len(lines))
        changed = {
            "indented": [" " * random.randrange(6) + lines[at].lstrip(" ")],
            "gone": [],
            "twice": [lines[at], random.choice(lines)],
            "another": [_line(random), lines[at]],
            "longer": [lines[at] + random.choice((" # c", ":", ": x", " y", ""))],
            "shorter": [lines[at][: random.randrange(len(lines[at]) + 1)]],
        }
        lines = [*lines[:at], *changed[random.choice(sorted(changed))], *lines[at + 1 :]] or ["a: b"]
    text = "\n".join(lines)
    for _ in range(random.randrange(3)):
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice(_CHARACTERS) + text[at + random.randrange(2) :]
    return text
