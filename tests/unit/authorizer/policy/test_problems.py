"""How mistakes are told."""

from datetime import UTC, datetime

import pytest

from authorizer.policy.problems import DocumentError, Problem, ProblemList, child, kind_of


@pytest.mark.parametrize(
    ("key", "pointer"),
    [("a", "/x/a"), (0, "/x/0"), ("a/b", "/x/a~1b"), ("a~b", "/x/a~0b"), ("~1", "/x/~01"), ("", "/x/"), (None, "/x/None")],
)
def test_pointers_follow_rfc_6901(key: object, pointer: str) -> None:
    assert child("/x", key) == pointer


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "empty"),
        (True, "true or false"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "text"),
        ([], "a list"),
        ({}, "a mapping"),
        (datetime.now(UTC), "something else"),
    ],
)
def test_kind_of(value: object, words: str) -> None:
    assert kind_of(value) == words


def test_an_error_tells_every_problem_on_a_line_of_its_own() -> None:
    problems = [Problem("/b", "is wrong"), Problem("", "is no good")]
    error = DocumentError(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "/b: is wrong\n/: is no good"
    assert isinstance(error, ValueError)
    assert sorted(problems) == [problems[1], problems[0]]


def test_nothing_is_raised_without_problems() -> None:
    reader = ProblemList()
    reader.raise_if_any()
    reader.report("/a", "is wrong")
    with pytest.raises(DocumentError, match=r"^/a: is wrong$"):
        reader.raise_if_any()


def test_what_fits_is_kept_and_what_does_not_is_left_out() -> None:
    reader = ProblemList()
    assert reader.mapping({"a": 1, 2: 3, "c": 4}, "", "it", ["a"]) == {"a": 1}
    assert reader.mapping({"a": 1, 2: 3, "c": 4}, "", "it") == {"a": 1, "c": 4}
    assert reader.items(["x"], "/l", "it") == [("/l/0", "x")]
    assert reader.items(None, "/l", "it") == []
    assert reader.items({}, "/l", "it") == []
    assert reader.text("", "/t", "it") == ""
    assert reader.text(None, "/t", "it") is None
    assert reader.parsed(str.upper, "x", "/p", "it") == "X"
    assert reader.parsed(int, "x", "/p", "it") is None
    assert reader.parsed(int, 7, "/p", "it") is None
    assert [p.pointer for p in reader.problems] == ["/2", "/c", "/2", "/l", "/t", "/p", "/p"]
    assert reader.problems[4].message == "it must be text, not empty"
    assert reader.problems[6].message == "it must be text, not a number: write it in quotes"
