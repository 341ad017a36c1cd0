"""What was made for a caller, kept for whoever would get the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from authorizer.policy.permission_index import CallerPermissions

MAX_POLICIES = 500

_Made = TypeVar("_Made")


class PolicyMemo(Generic[_Made]):
    """What was made for a key, until the next of the caller's permissions ends. The least recently used leave first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, float, _Made]] = OrderedDict()

    def get(self, key: Hashable, permissions: CallerPermissions, now: float, make: Callable[[], _Made]) -> _Made:
        """Return what is kept for the key and still holds at `now`, or what `make` makes."""
        kept = self._kept.get(key)
        # A clock that went back may be before an end that was already past when this was made.
        if kept is not None and kept[0] <= now < kept[1]:
            self._kept.move_to_end(key)
            return kept[2]
        made = make()
        self._kept[key] = now, permissions.next_end(now), made
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_POLICIES:
            self._kept.popitem(last=False)
        return made
