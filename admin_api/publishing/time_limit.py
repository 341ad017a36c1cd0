"""How long one request may keep the control plane computing.

The admin function serves everybody: a request that computes for half a minute is one that holds others up, and API Gateway has given up on it by then.
The command has no limit.
"""

import math
import time
from collections.abc import Callable


class TakesTooLongError(Exception):
    """What was asked for takes longer to compute than it may. Nothing was written."""


class TimeLimit:
    """So many seconds from now on. Whoever computes for long calls `check` between pieces of work, as small as possible."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._start = clock()

    def check(self) -> None:
        """Raise `TakesTooLongError` if the time is over."""
        if self._clock() - self._start > self.seconds:
            raise TakesTooLongError(f"computing this takes longer than the {self.seconds:g} s that a request may take")

    def is_half_over(self) -> bool:
        """Return whether the rest should be left to what cannot be done without."""
        return self._clock() - self._start > self.seconds / 2


def no_limit() -> TimeLimit:
    """Return a limit that is never reached."""
    return TimeLimit(math.inf, lambda: 0.0)
