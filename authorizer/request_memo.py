"""What was made for a request, kept for whoever asks the same and rests on the same."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from authorizer.answering import Caller
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.route import RouteCatalog

MAX_REQUESTS = 200
"""An answer has up to 8 KB as text, and some times that in memory."""

_Made = TypeVar("_Made")


class _Kept(NamedTuple, Generic[_Made]):
    """What was asked and by what it was decided, what came of it, and from when until when no permission of the caller ends."""

    asked: tuple[object, ...]
    same: object
    permissions: CallerPermissions
    catalog: RouteCatalog
    since: float
    until: float
    made: _Made

    def serves(self, asked: tuple[object, ...], same: object, caller: Caller) -> bool:
        """Return whether all that it was made of is what it was: the question, the permissions at hand, and which of them are in force."""
        return (
            self.same is same
            and self.permissions is caller.loaded.permissions
            and self.catalog is caller.loaded.catalog
            and self.since <= caller.grounds.now < self.until
            and self.asked == asked
        )


class RequestMemo(Generic[_Made]):
    """What was made for requests. The least recently used leave first."""

    def __init__(self) -> None:
        # What an entry holds on to keeps its `id` from being given again.
        self._kept: OrderedDict[tuple[object, ...], _Kept[_Made]] = OrderedDict()

    def get(self, request: AuthorizationRequest, caller: Caller, make: Callable[[], _Made], *, same: object, equal: Hashable) -> _Made:
        """Return what is kept for this request, or what `make` makes. What `make` raises is kept by nobody.

        `same` is what it depends on besides the request and the permissions and must be the very same object, `equal` what need only be equal.
        """
        key, asked, loaded = (id(same), equal, request.method_arn), request.apart_from_the_token, caller.loaded
        known = self._kept.get(key)
        if known is not None and known.serves(asked, same, caller):
            self._kept.move_to_end(key)
            return known.made
        made, now = make(), caller.grounds.now
        self._kept[key] = _Kept(asked, same, loaded.permissions, loaded.catalog, now, loaded.permissions.next_end(now), made)
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_REQUESTS:
            self._kept.popitem(last=False)
        return made
