"""YAML and JSON that other tools wrote, as plain values that know their lines. No value is built from a tag, and an alias costs no more than its own text."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from admin_api.importers.download import MAX_BYTES, download, file_name, is_address
from admin_api.importers.imported import ImportSourceError

MAX_DEPTH = 200
"""How deep lists and mappings may be nested. Schemas of large definitions have about forty levels."""

MAX_MERGED = 1_000_000
"""How many names all `<<` of a text together may bring along: those of a chain of them would grow with its square."""

_MAX_NOTES = 10

_NULLS = ("", "~", "null", "Null", "NULL")

_SURROGATES = re.compile(r"\\u[dD][89a-fA-F]")


class LinedMapping(dict[str, Any]):
    """A mapping that knows the line at which each of its names stands."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class ForeignText:
    """A text of another tool. `name` is that of its file, as places begin with."""

    name: str
    text: str


@dataclass(slots=True)
class ForeignValue:
    """What a text says. Of YAML every scalar is text as it was written, `3.0` and `yes` too; nothing at all is None. `notes` tell of names that stand twice."""

    name: str
    value: Any
    notes: list[str] = field(default_factory=list)

    def place(self, mapping: Mapping[str, Any], key: str, pointer: str) -> str:
        """Return where a name stands: `swagger.yaml:12`, and for JSON its pointer."""
        line = mapping.lines.get(key) if isinstance(mapping, LinedMapping) else None
        return f"{self.name}:{line}" if line is not None else pointer


def read_foreign(where: str) -> ForeignText:
    """Return the text of a file or of an https address. Raises `ImportSourceError`, `OSError`."""
    if is_address(where):
        name, data = file_name(where), download(where)
    else:
        path = Path(where)
        name = path.name
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImportSourceError(f"{name}: it has more than {MAX_BYTES} bytes: name a smaller file")
    try:
        return ForeignText(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ImportSourceError(f"{name}: it is not UTF-8 ({error}): save it as UTF-8") from None


def parse_foreign(source: ForeignText) -> ForeignValue:
    """Return what a text says, of several YAML documents the first. Raises `ImportSourceError`."""
    result = ForeignValue(source.name, None)
    refused = ""
    try:
        if source.text.lstrip().startswith(("{", "[")):
            try:
                result.value = _read_json(source.text, result.notes)
            except ValueError as error:
                # It may be YAML between braces, as JSON with comments is.
                refused = str(error)
                result.notes.clear()
            else:
                return result
        result.value = _YamlReader(result).read(source.text)
    except RecursionError:
        raise ImportSourceError(f"{source.name}: it is nested too deeply: no definition needs that") from None
    except yaml.YAMLError as error:
        raise ImportSourceError(f"{source.name}: it cannot be read: {refused or ' '.join(str(error).split())}") from None
    return result


def text_of(value: object) -> str:
    """Return a text or a number as text, and nothing for everything else."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else ""


def mapping_of(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for everything else."""
    return value if isinstance(value, dict) else {}


def _read_json(text: str, notes: list[str]) -> Any:
    # Half of a pair of escapes can be in no output.
    mended = _SURROGATES.search(text) is not None

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for written, value in items:
            name = text_of(written) if mended else written
            if name in result and len(notes) < _MAX_NOTES:
                notes.append(f"`{name}` stands twice in one object: the last counts")
            result[name] = value
        return result

    return json.loads(text, object_pairs_hook=pairs)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read. `key` is the name whose value comes next, None where a name does."""

    container: list[Any] | LinedMapping
    line: int
    key: str | None = None
    is_merge: bool = False
    merged: list[Any] = field(default_factory=list)


class _YamlReader:
    """Makes values of events, level by level without recursion. An alias is the very value of its anchor, so that aliases of aliases do not grow."""

    def __init__(self, result: ForeignValue) -> None:
        self._name = result.name
        self._notes = result.notes
        self._anchors: dict[str, Any] = {}
        self._open: list[_Open] = []
        self._merged = 0
        self._root: Any = None

    def read(self, text: str) -> Any:
        """Return the value of the first document. Raises `ImportSourceError`, `yaml.YAMLError`."""
        loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        ended = False
        for event in yaml.parse(text, Loader=loader):
            if ended and isinstance(event, yaml.DocumentStartEvent):
                self._note("there are several documents: the first is read")
                break
            ended = ended or isinstance(event, yaml.DocumentEndEvent)
            self._take(event)
        return self._root

    def _take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark is not None else 1
        if isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise ImportSourceError(f"{self._name}:{line}: it is nested too deeply: no definition needs that")
            container: list[Any] | LinedMapping = LinedMapping() if isinstance(event, yaml.MappingStartEvent) else []
            # The anchor may be used within, so that it is known before it is complete.
            if event.anchor is not None:
                self._anchors[event.anchor] = container
            self._open.append(_Open(container, line))
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self._open.pop()
            self._merge(closed)
            self._put(closed.container, closed.line)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise ImportSourceError(f"{self._name}:{line}: the alias `*{event.anchor}` has no anchor before it: write the text out")
            self._put(self._anchors[event.anchor], line)
        elif isinstance(event, yaml.ScalarEvent):
            value = None if event.implicit[0] and event.value in _NULLS else event.value
            if event.anchor is not None:
                self._anchors[event.anchor] = value
            self._put(value, line, written=event.value, is_plain=event.implicit[0])

    def _put(self, value: Any, line: int, *, written: str | None = None, is_plain: bool = False) -> None:
        if not self._open:
            self._root = value
            return
        around = self._open[-1]
        if isinstance(around.container, list):
            around.container.append(value)
        elif around.is_merge:
            around.merged += value if isinstance(value, list) else [value]
            around.is_merge = False
        elif around.key is None:
            self._name_next(around, value if written is None else written, line, is_merge=is_plain and written == "<<")
        else:
            around.container[around.key] = value
            around.key = None

    def _name_next(self, around: _Open, key: Any, line: int, *, is_merge: bool) -> None:
        if not isinstance(key, str):
            raise ImportSourceError(f"{self._name}:{line}: a list or mapping stands for a name: a name must be text")
        if is_merge:
            around.is_merge = True
            return
        lines = around.container.lines if isinstance(around.container, LinedMapping) else {}
        if key in lines:
            self._note(f"`{key}` stands in line {lines[key]} and again in line {line}: the last counts")
        lines[key] = line
        around.key = key

    def _merge(self, closed: _Open) -> None:
        """Add what `<<` brings along: names that the mapping has not itself, each from the first that has it."""
        for each in closed.merged:
            if not isinstance(each, LinedMapping) or not isinstance(closed.container, LinedMapping) or each is closed.container:
                continue
            self._merged += len(each)
            if self._merged > MAX_MERGED:
                raise ImportSourceError(f"{self._name}:{closed.line}: `<<` brings more than {MAX_MERGED} names along: write the text out")
            for name, value in each.items():
                if name not in closed.container:
                    closed.container[name] = value
                    closed.container.lines[name] = each.lines[name]

    def _note(self, text: str) -> None:
        if len(self._notes) < _MAX_NOTES:
            self._notes.append(text)
