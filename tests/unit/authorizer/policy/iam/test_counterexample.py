"""Proofs that no policy can be exact: each path is the one before it with nothing but fresh characters overwritten."""

import string
from itertools import pairwise

import pytest

from authorizer.policy.iam.counterexample import Counterexample, spell_counterexample, words_of
from authorizer.policy.iam.pattern_coverage import Pattern, SymbolicPath
from authorizer.policy.route import RouteTemplate, parse_route

S = F = None
TWO = [parse_route("GET /a/{x}"), parse_route("GET /a/{x}/{y}")]


def certified(words: list[str], *patterns: Pattern, routes: list[RouteTemplate] | None = None) -> Counterexample:
    first, second, third = (*patterns, None)[:3]
    assert first is not None
    assert second is not None
    return spell_counterexample("GET", TWO if routes is None else routes, words, (first, second, third))


def is_overwritten(before: str, after: str, fresh: str) -> bool:
    """Whether `after` comes from `before` by putting other characters in place of fresh ones: then every pattern without the fresh one that
    matches `before` also matches `after`."""
    return len(before) == len(after) and all(old in (new, fresh) for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("words", "patterns", "paths"),
    [
        pytest.param(["a"], [("a", S), ("a", F, F)], ["a/bbb", "a/b/b"], id="one level deeper"),
        pytest.param(["x"], [(S,), ("x", F)], ["aaa", "x/a"], id="a word and a value"),
        pytest.param(["o", "me"], [("o", S), ("o", "me")], ["o/aa", "o/me"], id="a word in place of a value"),
        pytest.param(
            ["a"], [("a", S), ("a", F, F), ("a", F, F, F)], ["a/bbbbb", "a/b/bbb", "a/b/b/b"], id="the last star takes what is left"
        ),
        pytest.param(["a"], [(S,), ("a", F), ("a", F, F)], ["bbbbb", "a/bbb", "a/b/b"], id="back to the first route"),
        pytest.param(
            ["c", "d", "t"], [("c", S), ("c", F, "d"), ("c", F, "t", "d")], ["c/aaaaa", "c/aaa/d", "c/a/t/d"], id="a word at the end"
        ),
        pytest.param(["y", "z"], [(S, S), ("y", F), ("y", "z")], ["a/a", "y/a", "y/z"], id="no longer than it must be"),
        pytest.param(["k"], [("k", S, S), ("k", F, F, F), ("k", "k", "k", "k")], ["k/a/aaa", "k/a/a/a", "k/k/k/k"], id="words as values"),
    ],
)
def test_each_path_comes_from_the_one_before_by_overwriting(words: list[str], patterns: list[Pattern], paths: list[str]) -> None:
    proof = certified(words, *patterns)
    assert [proof.allowed, proof.denied, *([proof.also_allowed] if proof.also_allowed is not None else [])] == paths
    for before, after in pairwise(paths):
        assert before != after
        assert is_overwritten(before, after, proof.fresh)
    assert proof.fresh not in "".join(words)


@pytest.mark.parametrize(
    ("used", "fresh"),
    [
        ("", "a"),
        ("ab", "c"),
        (string.ascii_lowercase, "0"),
        (string.ascii_lowercase + string.digits, "A"),
        (string.ascii_letters + string.digits, "_"),
        (string.ascii_letters + string.digits + "_", "~"),
        (string.ascii_letters + string.digits + "_~.-:,@$=+!'();&", "\u00f8"),
    ],
)
def test_the_fresh_character_is_in_no_word(used: str, fresh: str) -> None:
    """In the last case the words have every character that a literal or a claim's value may have."""
    proof = certified([used[::2], used[1::2]], (S,), (F, F))
    assert (proof.fresh, proof.denied) == (fresh, f"{fresh}/{fresh}")


def test_two_paths_in_words() -> None:
    assert str(certified(["a"], ("a", S), ("a", F, F))) == (
        "allowing `GET /a/{x}` and not `GET /a/{x}/{y}` cannot be said by Allows alone in one cached policy: "
        "`*` crosses `/`, so that what allows `/a/bbb` also allows `/a/b/b`"
    )


def test_three_paths_in_words() -> None:
    proof = certified(["a"], ("a", S), ("a", F, F), ("a", F, F, F), routes=[*TWO, parse_route("ANY /a/{x}/{y}/{z}")])
    assert proof.routes == ("GET /a/{x}", "GET /a/{x}/{y}", "GET /a/{x}/{y}/{z}"), (
        "the verb that was asked for, also where the route is `ANY`"
    )
    assert str(proof) == (
        "allowing `GET /a/{x}` and `GET /a/{x}/{y}/{z}` and not `GET /a/{x}/{y}` cannot be said in one cached policy: "
        "`*` crosses `/`, so that what allows `/a/bbbbb` also allows `/a/b/bbb`, and what denies that also denies `/a/b/b/b`"
    )


@pytest.mark.parametrize(
    ("before", "after", "fresh", "expected"),
    [("a/bbb", "a/b/b", "b", True), ("a/bbb", "a/b/b", "a", False), ("a/bb", "a/b/b", "b", False), ("a/b", "c/b", "b", False)],
)
def test_this_file_knows_what_overwriting_is(before: str, after: str, fresh: str, expected: bool) -> None:
    assert is_overwritten(before, after, fresh) is expected


def test_words_are_all_literals() -> None:
    paths: list[SymbolicPath] = [("a", "b"), ("c",)]
    assert words_of([parse_route("GET /a/{x}/b"), parse_route("ANY /c/{p+}"), parse_route("GET /")]) == [w for path in paths for w in path]
