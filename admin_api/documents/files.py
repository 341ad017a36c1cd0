"""Permission documents in files, YAML or JSON: read without losing or guessing anything, with the line of every value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from admin_api.documents.strict_json import MAX_BYTES, parse_json
from admin_api.documents.yaml_text import line_of, read_nodes
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.problems import DocumentError, Problem, child

_TAGS: dict[type[yaml.Node], tuple[str, ...]] = {
    yaml.ScalarNode: ("str", "int", "float", "bool", "null", "timestamp", "value", "merge"),
    yaml.SequenceNode: ("seq",),
    yaml.MappingNode: ("map",),
}


_NULLS = ("", "~", "null", "Null", "NULL")


_BASE_LINE = re.compile(
    r"^# gatebook-base: (?P<api>[A-Za-z0-9._-]{1,64}) version (?P<version>[1-9]\d{0,11}) hash (?P<hash>[0-9a-f]{8,64})\s*$", re.MULTILINE
)


def base_line(api: str, version: int, hash_: str) -> str:
    """Return the comment that tells which version a file was made from: `# gatebook-base: petstore version 7 hash 3f9a01bc...`."""
    return f"# gatebook-base: {api} version {version} hash {hash_}\n"


@dataclass(slots=True)
class FileDocument:
    """One document of a file as plain values. `lines` gives the line of each JSON Pointer, `problems` what is wrong with the text itself.

    `bases` are the versions that the file says its documents were made from, with their hashes, by API.
    """

    path: Path
    value: object
    bases: dict[str, tuple[int, str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def parse(self) -> PermissionDocument:
        """Return the permission document. Raises `DocumentError` with the problems of the text and of its meaning together."""
        problems = list(self.problems)
        try:
            document = parse_document(self.value)
        except DocumentError as error:
            problems += error.problems
        if problems:
            raise DocumentError(sorted(problems, key=lambda p: (self.line(p.pointer), p)))
        return document

    def line(self, pointer: str) -> int:
        """Return the line of a place, or of the nearest thing around it."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 1)


def read_file(path: Path, what: str = "a permission document") -> list[FileDocument]:
    """Return every document of a file; one that holds none is told to hold `what`.

    Raises `DocumentError` if it is no YAML or JSON at all, `OSError` if it cannot be read.
    """
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise DocumentError([Problem("", f"the file has {len(data)} bytes, more than {MAX_BYTES}")])
    try:
        text = data.decode("utf-8-sig")
        documents = [_read_json(path, text)] if path.suffix == ".json" else list(_read_yaml(path, text))
    except UnicodeDecodeError as error:
        raise DocumentError([Problem("", f"the file is not UTF-8: {error}")]) from error
    except (yaml.YAMLError, ValueError) as error:
        raise DocumentError([Problem("", f"the file cannot be read: {' '.join(str(error).split())}")]) from error
    except RecursionError as error:
        raise DocumentError([Problem("", "the file is nested too deeply")]) from error
    if not documents:
        raise DocumentError([Problem("", f"the file is empty: it must hold {what}")])
    return documents


def _read_json(path: Path, text: str) -> FileDocument:
    value, problems = parse_json(text)
    return FileDocument(path, value, problems=problems)


def _bases(text: str) -> dict[str, tuple[int, str]]:
    return {found["api"]: (int(found["version"]), found["hash"]) for found in _BASE_LINE.finditer(text)}


def _read_yaml(path: Path, text: str) -> Iterator[FileDocument]:
    for node in read_nodes(text):
        if isinstance(node, yaml.ScalarNode) and node.value == "":
            continue
        document = FileDocument(path, None, _bases(text))
        document.value = _value(document, node, "")
        yield document


def _value(document: FileDocument, node: yaml.Node, pointer: str) -> Any:
    document.lines.setdefault(pointer, line_of(node))
    if isinstance(node, yaml.MappingNode):
        _check_tag(document, node, pointer)
        return _mapping(document, node, pointer)
    if isinstance(node, yaml.SequenceNode):
        _check_tag(document, node, pointer)
        return [_value(document, item, child(pointer, index)) for index, item in enumerate(node.value)]
    return _scalar(document, node, pointer) if isinstance(node, yaml.ScalarNode) else None


def _check_tag(document: FileDocument, node: yaml.Node, pointer: str) -> None:
    if node.tag not in [f"tag:yaml.org,2002:{name}" for name in _TAGS[type(node)]]:
        document.problems.append(Problem(pointer, f"the tag `{node.tag}` means nothing here: take it out"))


def _mapping(document: FileDocument, node: yaml.MappingNode, pointer: str) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            document.problems.append(Problem(pointer, f"line {line_of(key_node)} has a list or mapping for a name: a name must be text"))
            continue
        key = _scalar(document, key_node, pointer)
        place = child(pointer, key)
        if key in result:
            line = line_of(key_node)
            first = document.lines.get(place, line)  # `1` and `true` are equal, but are written differently
            document.problems.append(
                Problem(place, f"`{key}` stands here and again in line {line}: YAML would silently keep the last, so join them")
                if first != line
                else Problem(place, f"`{key}` stands twice: keep one")
            )
            continue
        document.lines[place] = line_of(key_node)
        result[key] = _value(document, value_node, place)
    return result


def _scalar(document: FileDocument, node: yaml.ScalarNode, pointer: str) -> Any:
    """The value of a scalar. Moments stay the text that was written; what YAML 1.1 takes for a number or a truth value is one, to be refused as a name."""
    _check_tag(document, node, pointer)
    kind = node.tag.rpartition(":")[2]
    if kind in ("null", "bool", "int", "float"):
        try:
            value = yaml.SafeLoader("").construct_object(node)
        except (ValueError, LookupError, OverflowError):
            value = node.value
        if isinstance(value, str) or (kind == "null" and node.value not in _NULLS):
            document.problems.append(Problem(pointer, f"`{node.value}` cannot be read as `{kind}`: write it in quotes, without a tag"))
        return value
    return node.value
