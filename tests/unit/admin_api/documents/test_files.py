"""Files of permission documents: read without losing or guessing anything. A bad file gives problems with places, never a traceback or a hang."""

import json
from pathlib import Path

import pytest

from admin_api.documents.files import FileDocument, read_file
from admin_api.documents.strict_json import MAX_BYTES
from authorizer.policy.problems import DocumentError


def read(folder: Path, text: str | bytes, name: str = "seed.yaml") -> list[FileDocument]:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_file(file)


def problems(folder: Path, text: str | bytes, name: str = "seed.yaml") -> list[tuple[int, str, str]]:
    """Line, pointer and message of everything that is wrong, whenever it is noticed."""
    found = []
    try:
        for one in read(folder, text, name):
            try:
                one.parse()
            except DocumentError as error:
                found += [(one.line(p.pointer), p.pointer, p.message) for p in error.problems]
    except DocumentError as error:
        return [(0, p.pointer, p.message) for p in error.problems]
    return found


def only(folder: Path, text: str | bytes, name: str = "seed.yaml") -> tuple[int, str, str]:
    (problem,) = problems(folder, text, name)
    return problem


START = "api: petstore\nroutes: [GET /pets]\n"


def test_a_file_of_two_documents(tmp_path: Path) -> None:
    documents = read(tmp_path, f"# seeds\n---\n{START}---\n{START.replace('petstore', 'admin')}...\n")
    assert [one.parse().api for one in documents] == ["petstore", "admin"]


def test_empty_documents_between_others_do_not_count(tmp_path: Path) -> None:
    assert len(read(tmp_path, f"---\n---\n{START}---\n# nothing\n---\n")) == 1


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    (yaml_one,) = read(tmp_path, START + "groups: {guest: {allow: [GET /pets]}}\n")
    (json_one,) = read(tmp_path, json.dumps(yaml_one.value), "seed.json")
    assert yaml_one.value == json_one.value


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + START.encode())[0].parse().api == "petstore"


@pytest.mark.parametrize("text", ["", " \n", "# only a comment\n", "---\n", "---\n---\n", "null\n", "~", "\ufeff"])
def test_an_empty_file_is_said(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_json_file_is_said(tmp_path: Path, text: str) -> None:
    assert "cannot be read" in only(tmp_path, text, "seed.json")[2]


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", "api: é".encode("latin-1"), "api: a".encode("utf-16"), b"api: \xc3", b"api: \xed\xa0\x80"]
)
@pytest.mark.parametrize("name", ["seed.yaml", "seed.json"])
def test_what_is_not_utf_8(tmp_path: Path, data: bytes, name: str) -> None:
    assert "not UTF-8" in only(tmp_path, data, name)[2]


@pytest.mark.parametrize(
    "text", ["api: [", "api: 'a", "\tapi: a", "api: a\n b: c: d", "api: \x00", "{]", "%YAML 9.9\n---\napi: a\nx: y: z", "- &a [*a"]
)
def test_what_is_no_yaml(tmp_path: Path, text: str) -> None:
    message = only(tmp_path, text)[2]
    assert "\n" not in message


@pytest.mark.parametrize("text", ["{", "[1,]", '{"a": 1,}', "{'a': 1}", '{"a": 1} {"b": 2}', '{"api": ' + "9" * 5000 + "}"])
def test_what_is_no_json(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text, "seed.json")


def test_a_list_is_no_document(tmp_path: Path) -> None:
    assert problems(tmp_path, "- api: petstore\n")[0] == (1, "", "the document must be a mapping, not a list")


def test_duplicate_names_are_told_with_both_lines(tmp_path: Path) -> None:
    line, pointer, message = only(tmp_path, START + "groups:\n  a: {}\n  b: {}\n  a: {allow: [GET /pets]}\n")
    assert (line, pointer) == (4, "/groups/a")
    assert "line 6" in message


def test_duplicate_names_in_one_line(tmp_path: Path) -> None:
    assert only(tmp_path, START + "groups: {a: {}, a: {}}\n")[:2] == (3, "/groups/a")


def test_a_name_in_quotes_is_the_same_name(tmp_path: Path) -> None:
    assert only(tmp_path, START + "groups:\n  a: {}\n  'a': {}\n")[1] == "/groups/a"


def test_every_duplicate_is_told(tmp_path: Path) -> None:
    found = problems(tmp_path, START + "groups:\n  a: {}\n  a: {}\n  a: {}\napi: b\n")
    assert sorted(pointer for _, pointer, _ in found) == ["/api", "/groups/a", "/groups/a"]


def test_duplicate_names_in_json(tmp_path: Path) -> None:
    text = '{"api": "petstore", "routes": ["GET /pets"], "groups": {"a": {"deny": ["GET /pets"]}, "a": {}}}'
    assert "`a`" in only(tmp_path, text, "seed.json")[2]


@pytest.mark.parametrize(
    ("name", "shown"), [("on", "True"), ("no", "False"), ("123", "123"), ("1.5", "1.5"), ("0x1F", "31"), ("~", "None"), ("0777", "511")]
)
def test_names_that_yaml_takes_for_something_else(tmp_path: Path, name: str, shown: str) -> None:
    line, _, message = only(tmp_path, f"{START}groups:\n  {name}: {{}}\n")
    assert line == 4
    assert shown in message
    assert "quotes" in message


@pytest.mark.parametrize(
    "names", [("1", "true"), ("1", "1.0"), ("0", "false"), ("0x1", "1"), ("yes", "on"), ('"1"', "1"), ("~", "null"), ("1", '"1"')]
)
def test_names_that_are_equal_to_python_are_told_and_nothing_falls_over(tmp_path: Path, names: tuple[str, str]) -> None:
    assert problems(tmp_path, f"{START}groups:\n  {names[0]}: {{}}\n  {names[1]}: {{}}\n")


@pytest.mark.parametrize("value", ["on", "123", "1.5", "~", "", "2026-12-01", "[a]", "{a: b}"])
def test_an_api_name_that_is_not_text(tmp_path: Path, value: str) -> None:
    found = problems(tmp_path, START.replace("petstore", value))
    assert [pointer for _, pointer, _ in found] == ([] if value == "2026-12-01" else ["/api"])


def test_moments_stay_as_they_were_written(tmp_path: Path) -> None:
    text = START + "groups: {a: {allow: [{route: GET /pets, until: 2026-12-01T00:00:00+02:00}]}}"
    (one,) = read(tmp_path, text)
    assert isinstance(one.value, dict)
    assert one.value["groups"]["a"]["allow"][0]["until"] == "2026-12-01T00:00:00+02:00"
    assert one.parse().api == "petstore"


@pytest.mark.parametrize(
    "text",
    [
        "groups: &all {a: {}}\nclients: *all\n",
        "groups: {a: &x {allow: [GET /pets]}, b: *x}\n",
        "groups: {a: &x {allow: [GET /pets]}, b: {<<: *x}}\n",
    ],
)
def test_an_alias_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    message = only(tmp_path, START + text)[2]
    assert "alias" in message
    assert f"line {2 + text.count(chr(10))}" in message


def test_a_billion_laughs_are_not_laughed(tmp_path: Path) -> None:
    lines = ["a: &a [x, x]", *(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]" for n in range(24))]
    assert "alias" in only(tmp_path, "\n".join(lines))[2]


@pytest.mark.parametrize(
    "tagged",
    [
        "!!python/object/apply:os.system ['true']",
        "!!python/name:os.system",
        "!custom x",
        "!!binary aGk=",
        "!!set {a}",
        "!!omap [a: b]",
        "!<x> y",
    ],
)
def test_a_tag_is_told_and_does_nothing(tmp_path: Path, tagged: str) -> None:
    found = problems(tmp_path, f"{START}everyone: {tagged}\n")
    assert any("tag" in message for _, _, message in found)


@pytest.mark.parametrize(
    "scalar",
    [
        "!!int x",
        "!!int ''",
        "!!int '_'",
        "!!float ''",
        "!!float x",
        "!!bool x",
        "!!bool ''",
        "!!int " + "9" * 5000,
        "!!timestamp x",
        "!!null x",
    ],
)
@pytest.mark.parametrize("place", ["everyone: {}", "{}: {{}}"])
def test_a_tag_that_its_value_does_not_bear_is_a_problem(tmp_path: Path, scalar: str, place: str) -> None:
    assert problems(tmp_path, START + place.format(scalar) + "\n")


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: ", "a:\n"])
def test_nesting_ends_at_a_limit_and_soon(tmp_path: Path, opening: str) -> None:
    """Without a limit PyYAML takes minutes for 20 KB of brackets."""
    text = "\n".join(" " * n + "a:" for n in range(500)) if opening == "a:\n" else opening * 10_000
    assert problems(tmp_path, text)


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_in_json_ends_at_a_limit(tmp_path: Path, opening: str) -> None:
    assert problems(tmp_path, opening * 100_000, "seed.json")
    closing = "]" if opening == "[" else "}"
    assert problems(tmp_path, opening * 900 + "1" + closing * 900, "seed.json")


def test_a_file_that_is_too_large_is_not_parsed(tmp_path: Path) -> None:
    assert f"more than {MAX_BYTES}" in only(tmp_path, b"#" * (MAX_BYTES + 1))[2]


@pytest.mark.parametrize("key", ["[a, b]", "{a: b}", "? [a]\n"])
def test_a_name_that_is_a_list_or_mapping(tmp_path: Path, key: str) -> None:
    assert (
        "must be text"
        in problems(tmp_path, f"{START}groups:\n  {key}: {{}}\n" if "?" not in key else f"{START}groups:\n  {key}  : {{}}\n")[0][2]
    )


def test_problems_come_in_the_order_of_lines(tmp_path: Path) -> None:
    found = problems(tmp_path, "api: 1\nroutes: [GET pets]\ngroups:\n  b: {allow: 1}\n  a: {more: 1}\n  a: {}\n")
    assert [line for line, _, _ in found] == sorted(line for line, _, _ in found)
    assert len(found) >= 4


def test_problems_of_text_and_meaning_come_together(tmp_path: Path) -> None:
    found = problems(tmp_path, START + "everyone: {allow: [GET /owners]}\ngroups:\n  a: {}\n  a: {}\n")
    assert {pointer for _, pointer, _ in found} == {"/everyone/allow/0", "/groups/a"}


def test_a_name_with_a_slash_is_one_step_of_the_pointer(tmp_path: Path) -> None:
    line, pointer, _ = only(tmp_path, START + "scopes:\n  ok: {}\n  pets/re~ad: {allow: [GET /owners]}\n")
    assert (line, pointer) == (5, "/scopes/pets~1re~0ad/allow/0")


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "none.yaml")
