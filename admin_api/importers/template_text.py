"""Templates as plain values that know their lines: YAML with the short forms of CloudFormation (`!Ref X` is `{"Ref": "X"}`), and JSON.

A text from outside is never constructed by YAML tags, may not be nested deeply, and may not grow through its aliases: `&a [*b, *b]` over and over.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.resolver import Resolver

from admin_api.documents.yaml_text import line_of
from admin_api.importers.imported import ImportSourceError

MAX_BYTES = 10_000_000
MAX_DEPTH = 60
"""As deep as a template with an OpenAPI body and intrinsic functions within it goes, and more."""

MAX_VALUES = 1_000_000
"""Values of a text, with everything that its aliases stand for."""

_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_RESOLVER: Any = Resolver()
_TAG = "tag:yaml.org,2002:"


class Block(dict[str, Any]):
    """A mapping that knows where it and each of its values stand."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {}

    def place(self, key: str = "") -> str:
        """Return where the value of a key stands, or the mapping itself: `template.yaml:12`."""
        return f"{self.file}:{self.lines.get(key, self.line)}"


def place_of(value: Any, otherwise: str) -> str:
    """Return where a value stands, as far as it knows."""
    return value.place() if isinstance(value, Block) else otherwise


def read_blocks(path: Path) -> Block:
    """Return the mapping that a YAML or JSON file holds. Raises `ImportSourceError`, `OSError`."""
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ImportSourceError(f"{path}: the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ImportSourceError(f"{path}: the file is not UTF-8: {error}") from None
    return blocks_of(text, path.name)


def blocks_of(text: str, file: str) -> Block:
    """Return the mapping that a text holds. `file` is what places are called by. Raises `ImportSourceError`."""
    if text.lstrip().startswith("{"):
        # JSON may be indented with tabs, which YAML does not take; within a JSON string no tab stands as itself.
        text = text.replace("\t", " ")
    try:
        value = _Builder(file, yaml.parse(text, Loader=_LOADER)).root()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark is not None else ""
        raise ImportSourceError(f"{file}{line}: neither YAML nor JSON: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(value, Block):
        raise ImportSourceError(f"{file}: the file must hold a mapping, as in `Resources: ...`")
    return value


@dataclass(frozen=True, slots=True)
class _Built:
    """A value, and how many values it is with everything within."""

    value: Any
    size: int


class _Builder:
    """Makes values of the events of a text."""

    def __init__(self, file: str, events: Iterator[yaml.Event]) -> None:
        self.file = file
        self.events = events
        self.anchors: dict[str, _Built] = {}

    def root(self) -> Any:
        """Return the value of the first document that holds one."""
        for event in self.events:
            if isinstance(event, yaml.NodeEvent):
                return self._built(event, 0).value
        return None

    def _error(self, event: yaml.Event, text: str) -> ImportSourceError:
        return ImportSourceError(f"{self.file}:{line_of(event)}: {text}")

    def _built(self, event: yaml.Event, depth: int) -> _Built:
        if isinstance(event, yaml.AliasEvent):
            known = self.anchors.get(event.anchor or "")
            if known is None:
                raise self._error(event, f"the alias `*{event.anchor}` stands for nothing that ends before it")
            return known
        if depth > MAX_DEPTH:
            raise self._error(event, f"nested more than {MAX_DEPTH} deep")
        if isinstance(event, yaml.ScalarEvent):
            built = _Built(_scalar(event), 1)
        elif isinstance(event, yaml.SequenceStartEvent):
            built = self._list(event, depth)
        else:
            built = self._block(event, depth)
        if built.size > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES:,} values, those that its aliases stand for included")
        tag = getattr(event, "tag", None)
        if isinstance(tag, str) and tag.startswith("!") and len(tag) > 1:
            built = _Built(self._short_form(tag[1:], built.value, line_of(event)), built.size + 1)
        anchor = getattr(event, "anchor", None)
        if anchor:
            self.anchors[anchor] = built
        return built

    def _list(self, start: yaml.Event, depth: int) -> _Built:
        items = []
        size = 1
        for event in itertools.takewhile(lambda each: not isinstance(each, yaml.SequenceEndEvent), self.events):
            built = self._built(event, depth + 1)
            items.append(built.value)
            size += built.size
            self._bound(start, size)
        return _Built(items, size)

    def _block(self, start: yaml.Event, depth: int) -> _Built:
        block = Block(self.file, line_of(start))
        merged: list[Any] = []
        size = 1
        for event in itertools.takewhile(lambda each: not isinstance(each, yaml.MappingEndEvent), self.events):
            if not isinstance(event, yaml.ScalarEvent):
                raise self._error(event, "a key must be a text")
            built = self._built(next(self.events), depth + 1)
            size += built.size
            self._bound(start, size)
            if event.value == "<<" and event.implicit[0]:
                merged += built.value if isinstance(built.value, list) else [built.value]
                continue
            if event.value in block:
                raise self._error(event, f"the key `{event.value}` stands here twice: take one of the two out")
            block[event.value] = built.value
            block.lines[event.value] = line_of(event)
        for other in merged:
            if isinstance(other, Block):
                for key, value in other.items():
                    if key not in block:
                        block[key] = value
                        block.lines[key] = other.lines.get(key, other.line)
        return _Built(block, size)

    def _bound(self, event: yaml.Event, size: int) -> None:
        if size > MAX_VALUES:
            raise self._error(event, f"more than {MAX_VALUES:,} values, those that its aliases stand for included")

    def _short_form(self, name: str, value: Any, line: int) -> Block:
        block = Block(self.file, line)
        key = name if name in ("Ref", "Condition") else f"Fn::{name}"
        block[key] = value.split(".", 1) if key == "Fn::GetAtt" and isinstance(value, str) else value
        return block


def _scalar(event: yaml.ScalarEvent) -> Any:
    """Return a text, a whole number, a truth value or None. A moment or a fraction stays as it is written: a version is `2010-09-09`."""
    if not event.implicit[0]:
        return event.value
    tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
    if tag == f"{_TAG}null":
        return None
    if tag == f"{_TAG}bool":
        return event.value.lower() in ("true", "yes", "on")
    if tag == f"{_TAG}int" and str(event.value).isdecimal() and str(int(event.value[:18])) == event.value:
        return int(event.value)
    return event.value
