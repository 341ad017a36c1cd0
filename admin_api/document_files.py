"""Permission documents in files, YAML or JSON: read without losing or guessing anything, with the line of every value."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.problems import DocumentError, Problem, child

MAX_BYTES = 5_000_000

_SAFE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map", "value", "merge")}


@dataclass(slots=True)
class FileDocument:
    """One document of a file as plain values. `lines` gives the line of each JSON Pointer, `problems` what is wrong with the text itself."""

    path: Path
    value: object
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def parse(self) -> PermissionDocument:
        """The permission document. Raises `DocumentError` with the problems of the text and of its meaning together."""
        problems = list(self.problems)
        try:
            document = parse_document(self.value)
        except DocumentError as error:
            problems += error.problems
        if problems:
            raise DocumentError(sorted(problems, key=lambda p: (self.line(p.pointer), p)))
        return document

    def line(self, pointer: str) -> int:
        """The line of a place, or of the nearest thing around it."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read_file(path: Path) -> list[FileDocument]:
    """Every document of a file. Raises `DocumentError` if it is no YAML or JSON at all, `OSError` if it cannot be read."""
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise DocumentError([Problem("", f"the file has {len(data)} bytes, more than {MAX_BYTES}")])
    try:
        text = data.decode("utf-8-sig")
        documents = [_read_json(path, text)] if path.suffix == ".json" else list(_read_yaml(path, text))
    except UnicodeDecodeError as error:
        raise DocumentError([Problem("", f"the file is not UTF-8: {error}")]) from error
    except (yaml.YAMLError, json.JSONDecodeError) as error:
        raise DocumentError([Problem("", f"the file cannot be read: {' '.join(str(error).split())}")]) from error
    except RecursionError as error:
        raise DocumentError([Problem("", "the file is nested too deeply")]) from error
    if not documents:
        raise DocumentError([Problem("", "the file is empty: it must hold a permission document")])
    return documents


def _read_json(path: Path, text: str) -> FileDocument:
    document = FileDocument(path, None)

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in items]
        document.problems += [
            Problem("", f"the name `{name}` stands twice in one object: keep one") for name in sorted(set(names)) if names.count(name) > 1
        ]
        return dict(items)

    document.value = json.loads(text, object_pairs_hook=pairs)
    return document


def _read_yaml(path: Path, text: str) -> Iterator[FileDocument]:
    # Aliases are looked for in the events, before anything follows them: nested ones would grow without bound.
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise DocumentError([Problem("", f"line {_line(event)} uses the alias `*{event.anchor}`: write the text out")])
    for node in yaml.compose_all(text, Loader=yaml.SafeLoader):
        if isinstance(node, yaml.ScalarNode) and node.value == "":
            continue
        document = FileDocument(path, None)
        document.value = _value(document, node, "")
        yield document


def _value(document: FileDocument, node: yaml.Node, pointer: str) -> Any:
    document.lines.setdefault(pointer, _line(node))
    if node.tag not in _SAFE_TAGS:
        document.problems.append(Problem(pointer, f"the tag `{node.tag}` means nothing here: take it out"))
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, pointer)
    if isinstance(node, yaml.SequenceNode):
        return [_value(document, item, child(pointer, index)) for index, item in enumerate(node.value)]
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _line(place: yaml.Node | yaml.Event) -> int:
    return place.start_mark.line + 1 if place.start_mark is not None else 1


def _mapping(document: FileDocument, node: yaml.MappingNode, pointer: str) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(Problem(pointer, f"line {_line(key_node)} has a list or mapping for a name: a name must be text"))
            continue
        key = _scalar(key_node)
        place = child(pointer, key)
        if key in result:
            line, first = _line(key_node), document.lines[place]
            document.problems.append(
                Problem(place, f"`{key}` stands here and again in line {line}: YAML would silently keep the last, so join them")
                if first != line
                else Problem(place, f"`{key}` stands twice: keep one")
            )
            continue
        document.lines[place] = _line(key_node)
        result[key] = _value(document, value_node, place)
    return result


def _scalar(node: yaml.ScalarNode) -> Any:
    """The value of a scalar. Moments stay the text that was written; what YAML 1.1 takes for a number or a truth value is one, to be refused as a name."""
    kind = node.tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind in ("bool", "int", "float"):
        try:
            return yaml.SafeLoader("").construct_object(node)
        except ValueError:
            return node.value
    return node.value
