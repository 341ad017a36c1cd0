"""The judge of a candidate: it waits for a moment only, rests after a failure, and never fails a request."""

import threading
import time
from collections.abc import Callable
from typing import cast

import pytest

from authorizer.errors import TroubleError
from authorizer.policy.decision import Decision, Reason
from authorizer.policy.permission import EVERYONE, Effect, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.route import RouteCatalog
from authorizer.shadow import Judgement, Shadow
from authorizer.table.cache import LoadedPermissions, PermissionCache
from tests.support.clock import Clock

LOADED = LoadedPermissions(7, "h", RouteCatalog([]), CallerPermissions(), cached=True, stale=False)
DENIED = Decision(Effect.DENY, Reason.IMPLICIT_DENY, None)
CONSENT = (PrincipalRef(RefKind.CLIENT, "c"), PrincipalRef(RefKind.SCOPE, "pets/read"))


class Candidate:
    """Stands for the candidate's permissions: what loading them does, and how often it was done."""

    def __init__(self, act: Callable[[], None] = lambda: None) -> None:
        self.act = act
        self.loads = 0

    def load(self, *asked: object) -> LoadedPermissions:
        """What the cache would do."""
        self.asked = asked
        self.loads += 1
        self.act()
        return LOADED


def shadow_of(candidate: Candidate, clock: Clock, wait_seconds: float = 5) -> Shadow:
    return Shadow(cast(PermissionCache, candidate), now=clock, rest_seconds=10, wait_seconds=wait_seconds)


def judge(shadow: Shadow, decide_by: Callable[[LoadedPermissions], Decision] = lambda _loaded: DENIED) -> Judgement:
    return shadow.judge((EVERYONE,), CONSENT, decide_by)


def test_the_candidates_decision_comes_with_its_version(clock: Clock) -> None:
    seen: list[LoadedPermissions] = []

    def decide_by(loaded: LoadedPermissions) -> Decision:
        seen.append(loaded)
        return DENIED

    candidate = Candidate()
    assert judge(shadow_of(candidate, clock), decide_by) == Judgement(DENIED, 7)
    assert seen == [LOADED]
    assert candidate.asked == ((EVERYONE,), CONSENT), "the candidate's own document says whether the client is delegated"


def fail(error: Exception) -> Callable[[], None]:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "reason"),
    [(TroubleError("no_table", "it is gone"), "no_table"), (KeyError("bug"), "KeyError"), (MemoryError(), "MemoryError")],
)
def test_a_failure_is_told_and_rested_from(clock: Clock, error: Exception, reason: str) -> None:
    candidate = Candidate(fail(error))
    shadow = shadow_of(candidate, clock)
    for _ in range(1000):
        assert judge(shadow) == Judgement(trouble=reason)
    assert candidate.loads == 1
    clock.advance(10)
    candidate.act = lambda: None
    assert judge(shadow) == Judgement(DENIED, 7)
    assert judge(shadow) == Judgement(DENIED, 7)


def test_a_clock_that_goes_back_does_not_make_the_rest_longer(clock: Clock) -> None:
    candidate = Candidate(fail(TroubleError("no_table", "it is gone")))
    shadow = shadow_of(candidate, clock)
    judge(shadow)
    clock.advance(-3600)
    candidate.act = lambda: None
    assert judge(shadow) == Judgement(DENIED, 7)


def test_a_decision_that_fails_is_a_failure_too(clock: Clock) -> None:
    def decide_by(_loaded: LoadedPermissions) -> Decision:
        raise RecursionError

    assert judge(shadow_of(Candidate(), clock), decide_by) == Judgement(trouble="RecursionError")


def test_nobody_waits_longer_than_a_moment_and_no_second_thread_waits_beside_the_first(clock: Clock) -> None:
    release = threading.Event()
    candidate = Candidate(lambda: cast(None, release.wait(20)))
    shadow = shadow_of(candidate, clock, wait_seconds=0.05)
    started = time.monotonic()
    assert judge(shadow) == Judgement()
    assert time.monotonic() - started < 5
    for _ in range(100):
        assert judge(shadow) == Judgement()
    assert candidate.loads == 1
    release.set()
    while (found := judge(shadow)) == Judgement():
        time.sleep(0.01)
    assert found == Judgement(DENIED, 7)


def test_where_no_thread_can_be_had_there_is_no_judgement(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    shadow = shadow_of(Candidate(), clock)
    assert judge(shadow) == judge(shadow) == Judgement(trouble="RuntimeError")
