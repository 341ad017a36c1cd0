"""The variables of a Serverless Framework file, as far as the file tells what they stand for: `${self:custom.base}`, `${opt:stage, 'dev'}`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from admin_api.importers.imported import ImportSourceError
from admin_api.importers.template_text import Block, read_blocks
from admin_api.importers.template_values import MAX_TEXT, UnknownValueError

MAX_NESTED = 30
MAX_STEPS = 10_000
"""Variables that one file may need: `a: ${self:b}${self:b}`, with the same again in `b`, would double them at each step."""

_INNERMOST = re.compile(r"\$\{([^{}$]*)\}")
_FILE = re.compile(r"file\(([^()]*)\)(?::(.+))?")


class Variables:
    """Resolves the variables of one file."""

    def __init__(self, root: Block, folder: Path, given: Mapping[str, str]) -> None:
        self.root = root
        self.folder = folder
        self.given = given
        self.notes: list[str] = []
        self._files: dict[Path, Block] = {}
        self._open: list[str] = []
        self._steps = 0

    def text(self, value: Any) -> str:
        """Return a value as text. Raises `UnknownValueError`."""
        result = self.value(value)
        if isinstance(result, bool) or not isinstance(result, str | int):
            raise UnknownValueError("a text is needed here")
        return str(result)

    def value(self, value: Any) -> Any:
        """Return a value with its variables replaced. A text that is one variable becomes whatever that stands for. Raises `UnknownValueError`."""
        while isinstance(value, str) and (found := _INNERMOST.search(value)):
            inner = self._variable(found[1].strip())
            if found[0] == value:
                return inner
            if isinstance(inner, bool) or not isinstance(inner, str | int):
                raise UnknownValueError(f"`{found[0]}` is no text, which is needed within one")
            value = value[: found.start()] + str(inner) + value[found.end() :]
            if len(value) > MAX_TEXT:
                raise UnknownValueError(f"a text of more than {MAX_TEXT:,} characters: shorten it in the file")
        return value

    def _variable(self, text: str) -> Any:
        self._steps += 1
        if text in self._open or len(self._open) >= MAX_NESTED or self._steps > MAX_STEPS:
            raise UnknownValueError(f"`${{{text}}}` depends on itself, or on too many others: correct it in the file")
        self._open.append(text)
        try:
            for source in text.split(","):
                known, value = self._source(source.strip())
                if known:
                    if text.startswith("env:") and not source.strip().startswith("env:"):
                        self.notes.append(
                            f"`${{{text}}}` is taken as its fallback; give `--parameter {text.partition(',')[0]}=VALUE` for another"
                        )
                    return value
        finally:
            self._open.pop()
        first = text.split(",", maxsplit=1)[0].strip()
        if first.startswith(("self:", "file(")):
            raise UnknownValueError(f"`${{{text}}}` stands for nothing in this file or its folder: write the value out")
        raise UnknownValueError(f"`${{{text}}}` is known only to the deployment: give `--parameter {first}=VALUE`")

    def _source(self, source: str) -> tuple[bool, Any]:
        """Return whether one of the alternatives of a variable is known, and its value."""
        if source in self.given:
            return True, self.given[source]
        if (len(source) > 1 and source[0] == source[-1] and source[0] in "'\"") or source.isdecimal():
            return True, source.strip("'\"")
        if source.startswith("self:"):
            return self._at(self.root, source.removeprefix("self:"))
        if source == "sls:stage":
            known, value = self._source("opt:stage")
            return (True, value) if known else self._at(self.root, "provider.stage", "dev")
        if found := _FILE.fullmatch(source):
            return self._at(self._file(found[1].strip()), found[2] or "")
        return False, None

    def _at(self, value: Any, path: str, otherwise: Any = None) -> tuple[bool, Any]:
        for key in path.split(".") if path else ():
            value = self.value(value)
            if isinstance(value, list) and key.isdecimal() and int(key[:9]) < len(value):
                value = value[int(key[:9])]
            else:
                value = value.get(key) if isinstance(value, Mapping) else None
        value = self.value(value)
        return (True, value) if value is not None else (otherwise is not None, otherwise)

    def _file(self, name: str) -> Block:
        """Read another file: one beside the first or below it, and never one elsewhere."""
        path = self.folder / name
        if Path(name).is_absolute() or not path.resolve().is_relative_to(self.folder.resolve()):
            raise UnknownValueError(f"`${{file({name})}}` lies outside the folder of the file: copy it there")
        if path.suffix not in (".yml", ".yaml", ".json") or not path.is_file():
            raise UnknownValueError(f"`${{file({name})}}` is no YAML or JSON file there: write out what it gives")
        if path not in self._files:
            try:
                self._files[path] = read_blocks(path)
            except ImportSourceError as error:
                raise UnknownValueError(str(error)) from None
        return self._files[path]
