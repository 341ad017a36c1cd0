"""Compiled policies kept for callers who would get the same one."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from authorizer.policy.permission import Permission

MAX_POLICIES = 500

_Compiled = TypeVar("_Compiled")


class PolicyMemo(Generic[_Compiled]):
    """What was compiled for a key, until the earliest `until` among the permissions that it was compiled from. The least recently used leave first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[float, float, _Compiled]] = OrderedDict()

    def get(self, key: Hashable, permissions: Iterable[Permission], now: float, compile_policy: Callable[[], _Compiled]) -> _Compiled:
        """Return what is kept for the key and still holds at `now`, or what `compile_policy` makes."""
        kept = self._kept.get(key)
        # A clock that went back may be before an end that was already past when this was compiled.
        if kept is not None and kept[0] <= now < kept[1]:
            self._kept.move_to_end(key)
            return kept[2]
        ends = [p.until for p in permissions if p.until is not None and p.until > now]
        compiled = compile_policy()
        self._kept[key] = now, min(ends, default=float("inf")), compiled
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_POLICIES:
            self._kept.popitem(last=False)
        return compiled
