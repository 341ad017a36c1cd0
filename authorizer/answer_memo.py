"""Whole answers, kept for a caller who asks the same again with the same token."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from authorizer.answering import Caller, Outcome
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.iam.method_arn import MethodArn

MAX_ANSWERS = 200
"""An answer has up to 8 KB as text, and some times that in memory."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """What was asked, what came of it, and from when until when no permission of the caller ends."""

    asked: tuple[object, ...]
    outcome: Outcome
    since: float
    until: float

    def answers(self, asked: tuple[object, ...], caller: Caller) -> bool:
        """Return whether all that the outcome depends on is what it was: the question, the bearer, the permissions at hand, and which of them are in force."""
        before, loaded = self.outcome.loaded, caller.loaded
        return (
            self.outcome.principal is caller.principal
            and before.permissions is loaded.permissions
            and before.catalog is loaded.catalog
            and self.since <= caller.grounds.now < self.until
            and (before.version, before.hash, before.cached, before.stale) == (loaded.version, loaded.hash, loaded.cached, loaded.stale)
            and self.asked == asked
        )


class AnswerMemo:
    """Answers that were given. The least recently used leave first."""

    def __init__(self) -> None:
        # The principal in an entry keeps its `id` from being given again.
        self._answered: OrderedDict[tuple[int, MethodArn], _Answered] = OrderedDict()

    def get(self, request: AuthorizationRequest, caller: Caller, make: Callable[[], Outcome]) -> Outcome:
        """Return the outcome that is kept for this request of this caller, or what `make` makes. What `make` raises is kept by nobody."""
        key, asked = (id(caller.principal), request.method_arn), request.apart_from_the_token
        known = self._answered.get(key)
        if known is not None and known.answers(asked, caller):
            self._answered.move_to_end(key)
            return known.outcome
        outcome, now = make(), caller.grounds.now
        self._answered[key] = _Answered(asked, outcome, now, caller.loaded.permissions.next_end(now))
        self._answered.move_to_end(key)
        if len(self._answered) > MAX_ANSWERS:
            self._answered.popitem(last=False)
        return outcome
