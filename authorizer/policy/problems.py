"""Mistakes in a document, gathered so that one run shows all of them, each with its place and the remedy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake: where it is (a JSON Pointer, RFC 6901), and what is wrong and how to mend it."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer or '/'}: {self.message}"


class DocumentError(ValueError):
    """A document cannot be used. `problems` are all of its mistakes."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


def child(pointer: str, key: object) -> str:
    """Return the JSON Pointer one step below another (RFC 6901 section 3)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def kind_of(value: object) -> str:
    """Return what a parsed value is, in the words of somebody who writes YAML."""
    names = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list", dict: "a mapping"}
    return "empty" if value is None else names.get(type(value), "something else")


class ProblemList:
    """Reads parts of a document and keeps a list of what is wrong with them. What does not fit is reported and left out of the result."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.places: dict[object, str] = {}
        """The pointers of things that were read, for checks that come later."""

    def report(self, pointer: str, message: str) -> None:
        """Add a problem."""
        self.problems.append(Problem(pointer, message))

    def raise_if_any(self) -> None:
        """Raise `DocumentError` with all that was reported."""
        if self.problems:
            raise DocumentError(self.problems)

    def mapping(self, value: object, pointer: str, what: str, fields: Sequence[str] | None = None) -> dict[str, Any]:
        """Return a mapping with text keys, and with known ones only if `fields` lists them."""
        if not isinstance(value, dict):
            self.report(pointer, f"{what} must be a mapping, not {kind_of(value)}")
            return {}
        result: dict[str, Any] = {}
        for key, item in value.items():
            place = child(pointer, key)
            if not isinstance(key, str):
                self.report(place, f"the name {key!r} is not text: write it in quotes")
            elif fields is not None and key not in fields:
                self.report(place, f"`{key}` is not a field of {what}: it may have {', '.join(f'`{f}`' for f in fields)}")
            else:
                result[key] = item
        return result

    def items(self, value: object, pointer: str, what: str) -> list[tuple[str, Any]]:
        """Return the entries of a list, each with its pointer. A field that was left empty has none."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.report(pointer, f"{what} must be a list, not {kind_of(value)}: put `- ` before each entry")
            return []
        return [(child(pointer, index), item) for index, item in enumerate(value)]

    def text(self, value: object, pointer: str, what: str) -> str | None:
        """Return a text."""
        if isinstance(value, str):
            return value
        self.report(pointer, f"{what} must be text, not {kind_of(value)}" + ("" if value is None else ": write it in quotes"))
        return None

    def parsed(self, parse: Callable[[str], _Parsed], value: object, pointer: str, what: str) -> _Parsed | None:
        """Return what a parser makes of a text; its `ValueError` becomes a problem."""
        text = self.text(value, pointer, what)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.report(pointer, str(error))
            return None
