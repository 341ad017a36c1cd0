"""A candidate document judged beside the live one: what would change for real requests if it were published. It never changes an answer.

Judging happens in a thread that a request waits for only so long: the candidate's rows may have to be read, and its table may be slow or down.
"""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import NamedTuple

from authorizer.policy.decision import Decision
from authorizer.policy.permission import PrincipalRef
from authorizer.table.cache import LoadedPermissions, PermissionCache

WAIT_SECONDS = 0.05
"""By how much a request may take longer. What is not judged by then is left out; a thread that is late ends by itself, and until it has none is added."""


class Judgement(NamedTuple):
    """What the candidate says of a request, at which version of it; or why nothing is known: `trouble` is its reason, else there was no time."""

    decision: Decision | None = None
    version: int | None = None
    trouble: str | None = None


class Shadow:
    """Judges requests by the candidate's permissions. After a failure it rests for `rest_seconds`."""

    def __init__(
        self, permissions: PermissionCache, *, now: Callable[[], float], rest_seconds: float, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._permissions = permissions
        self._now = now
        self._rest_seconds = rest_seconds
        self._wait_seconds = wait_seconds
        self._working: Thread | None = None
        self._failed: tuple[float, str] | None = None

    def judge(
        self, refs: Iterable[PrincipalRef], consent: tuple[PrincipalRef, ...], decide_by: Callable[[LoadedPermissions], Decision]
    ) -> Judgement:
        """Return what the candidate says, decided by `decide_by` from what these refs hold in it. Raises nothing, and waits `wait_seconds` at most.

        It is for the candidate to say whether the client is delegated, and so whether the `consent` counts.
        """
        if self._working is not None and self._working.is_alive():
            return Judgement()
        now = self._now()
        if self._failed is not None and 0 <= now - self._failed[0] < self._rest_seconds:
            return Judgement(trouble=self._failed[1])
        found: list[Judgement] = []

        def work() -> None:
            try:
                loaded = self._permissions.load(refs, consent)
                found.append(Judgement(decide_by(loaded), loaded.version))
                self._failed = None
            except Exception as error:  # noqa: BLE001  # whatever is the matter with a candidate, requests are answered
                reason = getattr(error, "reason", type(error).__name__)
                # From now on, and not from when it was asked: a failure may take as long as the rest.
                self._failed = self._now(), reason
                found.append(Judgement(trouble=reason))

        try:
            self._working = Thread(target=work, name="shadow", daemon=True)
            self._working.start()
        except RuntimeError as error:
            self._working = None
            return Judgement(trouble=type(error).__name__)
        self._working.join(self._wait_seconds)
        return found[0] if found else Judgement()
