"""Other tools' YAML and JSON: what they say, with lines, and no text that takes long, builds objects or grows without bound."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from admin_api.importers import foreign_text
from admin_api.importers.foreign_text import MAX_DEPTH, ForeignText, LinedMapping, parse_foreign, read_foreign, text_of
from admin_api.importers.imported import ImportSourceError


def value(text: str) -> Any:
    return parse_foreign(ForeignText("a.yaml", text)).value


def notes(text: str) -> list[str]:
    return parse_foreign(ForeignText("a.yaml", text)).notes


@pytest.fixture(params=[True, False], ids=["libyaml", "pyyaml"])
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyYAML may have been installed without libyaml."""
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param and yaml.__with_libyaml__)


@pytest.mark.usefixtures("either_parser")
def test_values_stay_the_text_that_was_written() -> None:
    said = value("openapi: 3.10\non: yes\n200: !!int 7\nnothing: ~\nempty:\nquoted: '~'\n? plain\n: x\nlist: [1, {a: b}]\n")
    assert said == {
        "openapi": "3.10",
        "on": "yes",
        "200": "7",
        "nothing": None,
        "empty": None,
        "quoted": "~",
        "plain": "x",
        "list": ["1", {"a": "b"}],
    }
    assert isinstance(said, LinedMapping)
    assert said.lines == {"openapi": 1, "on": 2, "200": 3, "nothing": 4, "empty": 5, "quoted": 6, "plain": 7, "list": 9}


@pytest.mark.usefixtures("either_parser")
def test_anchors_and_merges() -> None:
    said = value("a: &a {x: 1, y: 2}\nb: *a\nc: {<<: *a, y: 3}\nd: {<<: [{y: 4}, *a]}\ne: {'<<': 1}\nf: &t text\n*t : key\n")
    assert said["b"] is said["a"]
    assert (said["c"], said["d"], said["e"], said["text"]) == ({"x": "1", "y": "3"}, {"x": "1", "y": "4"}, {"<<": "1"}, "key")
    assert said["c"].lines == {"y": 3, "x": 1}


def test_no_tag_builds_anything() -> None:
    said = value("a: !!python/object/apply:os.system [exit]\nb: !Ref x\nc: !<tag:x> {d: !!binary aGk=}\n")
    assert said == {"a": ["exit"], "b": "x", "c": {"d": "aGk="}}


def test_aliases_of_aliases_cost_no_more_than_their_text() -> None:
    """Written out, this has 10^30 values."""
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 31))]
    started = time.monotonic()
    assert len(value("\n".join(lines))) == 31
    assert time.monotonic() - started < 30


def test_an_alias_of_what_it_stands_in() -> None:
    said = value("a: &a\n  b: *a\n  <<: *a\n")
    assert said["a"]["b"] is said["a"]


def test_merges_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_text, "MAX_MERGED", 1000)
    names = ", ".join(f"n{number}: 1" for number in range(100))
    with pytest.raises(ImportSourceError, match=r"a\.yaml:12: `<<` brings more"):
        value("\n".join([f"a: &a {{{names}}}", *(f"b{n}: {{<<: *a}}" for n in range(20))]))


@pytest.mark.usefixtures("either_parser")
@pytest.mark.parametrize(
    "text", ["a: " + "[" * 10_000, "a: " + "{a: " * 10_000, "[" * 10_000 + "]" * 10_000, "- " * 10_000, '{"a":' * 100_000, "[" * 1_000_000]
)
def test_what_is_nested_too_deeply_is_refused_at_once(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(ImportSourceError, match=r"a\.yaml.*(nested too deeply|cannot be read)"):
        value(text)
    assert time.monotonic() - started < 30


def test_what_definitions_need_is_not_too_deep() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert value(text) == value(f"# yaml\n{text}") == json.loads(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "cannot be read"),
        ('{"a": }\n]', "Expecting value"),
        ("a: *b", "a.yaml:1: the alias `\\*b`"),
        ("? [a]\n: b", "a.yaml:1: a list or mapping"),
        ("a: &a {}\n*a : b", "a.yaml:2: a list or mapping"),
        ("a: \x00", "cannot be read"),
        ("a: 1\n\tb: 2", "cannot be read"),
    ],
)
def test_what_cannot_be_read_says_where(text: str, words: str) -> None:
    with pytest.raises(ImportSourceError, match=words):
        value(text)


def test_json_with_comments_is_read_as_yaml() -> None:
    assert value('{\n  "a": 1, # one\n  "b": [x,],\n}') == {"a": "1", "b": ["x"]}


def test_names_that_stand_twice_are_told() -> None:
    assert notes("a: 1\nb: 2\na: 3\n") == ["`a` stands in line 1 and again in line 3: the last counts"]
    assert notes('{"a": {"b": 1, "b": 2}}') == ["`b` stands twice in one object: the last counts"]
    assert len(notes("\n".join(["a: 1"] * 1000))) == 10
    assert notes("a: 1\n---\nb: 2\n") == ["there are several documents: the first is read"]
    assert value("a: 1\n---\nb: 2\n") == {"a": "1"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~"])
def test_nothing_is_nothing(text: str) -> None:
    assert value(text) is None


def test_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1")
    assert read_foreign(str(file)) == ForeignText("x.yaml", "a: 1")
    file.write_bytes(b"\xff\xfea")
    with pytest.raises(ImportSourceError, match=r"x\.yaml: it is not UTF-8"):
        read_foreign(str(file))
    monkeypatch.setattr(foreign_text, "MAX_BYTES", 10)
    with pytest.raises(ImportSourceError, match=r"zero: it has more than 10 bytes"):
        read_foreign("/dev/zero")
    with pytest.raises(OSError, match="none"):
        read_foreign(str(tmp_path / "none"))


def test_only_texts_and_numbers_are_text() -> None:
    values: tuple[object, ...] = ("a", 3, 3.0, True, None, [], {}, "\ud800")
    assert [text_of(each) for each in values] == ["a", "3", "3.0", "", "", "", "", "?"]
