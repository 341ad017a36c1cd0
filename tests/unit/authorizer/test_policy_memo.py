"""The policy memo: one compilation per key, forgotten in time and not before."""

from collections.abc import Callable

import pytest

from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy_memo import MAX_POLICIES, PolicyMemo


class Compiler:
    """Counts what is compiled: each result is the number of its compilation."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


NONE = CallerPermissions()


def until(*ends: int | None) -> CallerPermissions:
    return CallerPermissions.of(Permission(EVERYONE, Effect.ALLOW, "GET /pets", until=end) for end in ends)


def test_a_policy_is_compiled_once_per_key() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    assert [memo.get(key, NONE, 0, compiler) for key in ("a", "a", "b", "a", "b")] == [1, 1, 2, 1, 2]


def test_equal_keys_are_one_key() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    for _ in range(2):
        memo.get(("hash", (EVERYONE,), (("sub", "u1"),), None), NONE, 0, compiler)
    assert compiler.count == 1


def test_without_any_end_a_policy_stays() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    assert [memo.get("a", until(None), now, compiler) for now in (0, 1e12)] == [1, 1]


@pytest.mark.parametrize("ends", [(100, 200), (200, 100), (100, None), (None, 100, 100), (100, 101)])
def test_it_dies_at_the_earliest_end(ends: tuple[int | None, ...]) -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    results = [memo.get("a", until(*ends), now, compiler) for now in (0, 99.999, 100, 100.001)]
    assert results == [1, 1, 2, 2]


def test_then_it_lives_until_the_next_end() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    results = [memo.get("a", until(100, 200, None), now, compiler) for now in (0, 100, 199, 200, 300)]
    assert results == [1, 2, 2, 3, 3]


def test_what_has_ended_already_does_not_matter() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    assert [memo.get("a", until(100), now, compiler) for now in (100, 101, 1000)] == [1, 1, 1]


def test_a_clock_that_went_back_brings_no_ended_deny_to_an_end() -> None:
    """Compiled without the deny that was over: before its end it is in force again."""
    memo, compiler = PolicyMemo[int](), Compiler()
    assert memo.get("a", until(10), 11, compiler) == 1
    assert memo.get("a", until(10), 9, compiler) == 2


def test_a_deny_ends_a_policy_as_an_allow_does() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    deny = CallerPermissions.of([Permission(EVERYONE, Effect.DENY, "GET /pets", until=100)])
    assert [memo.get("a", deny, now, compiler) for now in (99, 100)] == [1, 2]


def test_one_entry_that_dies_takes_no_other_along() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    memo.get("short", until(100), 0, compiler)
    memo.get("long", until(200), 0, compiler)
    assert memo.get("long", until(200), 150, compiler) == 2
    assert memo.get("short", until(100), 150, compiler) == 3


def test_having_no_policy_is_a_value() -> None:
    memo: PolicyMemo[int | None] = PolicyMemo()
    compiled: list[int] = []

    def compile_nothing() -> None:
        compiled.append(1)

    assert [memo.get("a", NONE, 0, compile_nothing) for _ in range(2)] == [None, None]
    assert len(compiled) == 1


def test_a_failed_compilation_leaves_nothing_behind() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()

    def fail() -> int:
        raise ValueError("too large")

    with pytest.raises(ValueError, match="too large"):
        memo.get("a", NONE, 0, fail)
    assert memo.get("a", NONE, 0, compiler) == 1


def filled(memo: PolicyMemo[int], compile_policy: Callable[[], int], first: int, count: int) -> None:
    for key in range(first, first + count):
        memo.get(key, NONE, 0, compile_policy)


def test_the_least_recently_used_leaves_first() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    filled(memo, compiler, 0, MAX_POLICIES)
    memo.get(0, NONE, 0, compiler)
    assert compiler.count == MAX_POLICIES
    memo.get("new", NONE, 0, compiler)
    assert memo.get(0, NONE, 0, compiler) == 1
    assert memo.get(2, NONE, 0, compiler) == 3
    assert memo.get(1, NONE, 0, compiler) == MAX_POLICIES + 2


def test_a_policy_that_is_compiled_again_is_used_again() -> None:
    memo, compiler = PolicyMemo[int](), Compiler()
    memo.get("a", until(100), 0, compiler)
    filled(memo, compiler, 0, MAX_POLICIES - 1)
    renewed = memo.get("a", until(100, 200), 100, compiler)
    memo.get("new", NONE, 100, compiler)
    assert memo.get("a", until(100, 200), 100, compiler) == renewed


def test_it_does_not_grow_beyond_its_bound() -> None:
    """A caller chooses what stands in a key, so it must not choose how much is kept."""
    memo, compiler = PolicyMemo[int](), Compiler()
    filled(memo, compiler, 0, 3 * MAX_POLICIES)
    recompiled = Compiler()
    for key in range(3 * MAX_POLICIES - 1, -1, -1):
        memo.get(key, NONE, 0, recompiled)
    assert recompiled.count == 2 * MAX_POLICIES
