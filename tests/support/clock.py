"""A clock that a test moves."""


class Clock:
    """Epoch seconds, as `time.time` gives them."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass, or go backwards."""
        self.now += seconds
