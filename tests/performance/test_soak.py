"""A sandbox that lives for long keeps its memory: the soak in small, with bounds to match. `make soak` plays a hundred thousand callers."""

import logging
import tracemalloc

import pytest

from tests.performance.soak import MOST_GROWTH, SCOPES, soak


@pytest.mark.parametrize("scope", SCOPES)
def test_memory_stays_whoever_calls(monkeypatch: pytest.MonkeyPatch, scope: str) -> None:
    for bound in ("request_memo.MAX_REQUESTS", "policy_memo.MAX_POLICIES", "tokens.verifier.MAX_REMEMBERED", "table.cache.MAX_CALLERS"):
        monkeypatch.setattr(f"authorizer.{bound}", 30)
    monkeypatch.setattr("authorizer.policy.iam.pattern_coverage.MAX_BYTES", 1024 * 1024)
    # pytest keeps each log record.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    tracemalloc.start()
    try:
        early, late = soak(scope, callers=400, groups=30, held=lambda: tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert late < MOST_GROWTH * early, f"{early:,} bytes after 80 callers, {late:,} after 400"
