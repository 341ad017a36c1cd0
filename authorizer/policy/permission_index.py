"""Finds the permissions that speak of one route, however many there are.

The selectors of a subject are kept as a tree of their segments, so that a route leads to those that mean it: `GET /pets/{petId}` to `GET /pets/{petId}`,
`* /pets/*` and `GET /**`. Looking at every permission, as `decide` does for a plain list, says the same and takes time by their number.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from itertools import chain
from math import inf

from authorizer.policy.permission import Permission
from authorizer.policy.route import WEBSOCKET, RouteTemplate

MAX_KEPT = 64
"""Routes of which a caller's permissions remember what speaks of them."""

_ANY = "*"


class _Node:
    """Selectors that have led here, as the places of their permissions: of `ends` they mean routes that end here, of `open` all that lie below too."""

    __slots__ = ("children", "ends", "open")

    def __init__(self) -> None:
        self.children: dict[str, _Node] | None = None
        self.ends: list[int] | None = None
        self.open: list[int] | None = None


class PermissionIndex:
    """The permissions of one subject. The tree is made when it is first asked for: many rows are read only to be kept."""

    __slots__ = ("_root", "permissions")

    def __init__(self, permissions: tuple[Permission, ...] = ()) -> None:
        self.permissions = permissions
        self._root: _Node | None = None

    def matching(self, verb: str, route: RouteTemplate) -> list[Permission]:
        """Return the permissions whose selector means this verb of this route, in their order."""
        if self._root is None:
            self._root = _tree_of(self.permissions)
        if not route.serves(verb):
            return []
        found: list[int] = []
        nodes, last = [self._root], len(route.parts) - 1
        for depth, part in enumerate(route.parts):
            # `*` stands for one segment, and no greedy parameter is one.
            words = (part,) if depth == last and route.is_greedy else (part, _ANY)
            following = []
            for node in nodes:
                found += node.open or ()
                if node.children is not None:
                    following += [node.children[word] for word in words if word in node.children]
            nodes = following
        for node in nodes:
            found += node.ends or ()
            found += node.open or ()
        methods = (verb,) if verb == WEBSOCKET else (verb, _ANY, "ANY")
        meant = (self.permissions[place] for place in sorted(found))
        return [p for p in meant if p.selector.partition(" ")[0] in methods and not p.leaves_out(verb, route)]


class CallerPermissions(Collection[Permission]):
    """All that a caller holds, of several subjects. Made once for each set of subjects, and asked by every request of such a caller.

    `consent` is there for a caller through a delegated client, and may be empty: what the scopes of the token allow, without which the caller's own allows
    are worth nothing. As a collection these are the permissions of both sides.
    """

    def __init__(self, indexes: Iterable[PermissionIndex] = (), consent: Iterable[PermissionIndex] | None = None) -> None:
        self._indexes = tuple(index for index in indexes if index.permissions)
        self.consent = None if consent is None else CallerPermissions(consent)
        self._matching: dict[tuple[str, RouteTemplate], tuple[Permission, ...]] = {}

    @classmethod
    def of(cls, permissions: Iterable[Permission], consent: Iterable[Permission] | None = None) -> "CallerPermissions":
        """Return these permissions, whoever holds them."""
        return cls([PermissionIndex(tuple(permissions))], None if consent is None else [PermissionIndex(tuple(consent))])

    @cached_property
    def own(self) -> tuple[Permission, ...]:
        """The permissions without those of the consent."""
        return tuple(chain.from_iterable(index.permissions for index in self._indexes))

    def matching(self, verb: str, route: RouteTemplate) -> tuple[Permission, ...]:
        """Return the caller's own permissions whose selector means this verb of this route, in their order. The consent is asked for itself."""
        key = verb, route
        known = self._matching.get(key)
        if known is None:
            known = tuple(permission for index in self._indexes for permission in index.matching(verb, route))
            if len(self._matching) < MAX_KEPT:
                self._matching[key] = known
        return known

    @cached_property
    def bound_claims(self) -> tuple[str, ...]:
        """The claims that any of their bindings compares a parameter with, sorted."""
        return tuple(sorted({binding.claim for permission in self for binding in permission.where}))

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(sorted({permission.until for permission in self if permission.until is not None}))

    def next_end(self, now: float) -> float:
        """Return the first second after `now` (epoch seconds) at which a permission ends, infinity if none does: until then they say what they say now."""
        later = bisect_right(self._ends, now)
        return self._ends[later] if later < len(self._ends) else inf

    def __iter__(self) -> Iterator[Permission]:
        return chain.from_iterable(index.permissions for index in self._all_indexes)

    def __len__(self) -> int:
        return sum(len(index.permissions) for index in self._all_indexes)

    def __contains__(self, permission: object) -> bool:
        return any(permission in index.permissions for index in self._all_indexes)

    @property
    def _all_indexes(self) -> tuple[PermissionIndex, ...]:
        return self._indexes if self.consent is None else self._indexes + self.consent._indexes


def _tree_of(permissions: Iterable[Permission]) -> _Node:
    root = _Node()
    for place, permission in enumerate(permissions):
        words, is_open = _words(permission.selector)
        node = root
        for word in words:
            if node.children is None:
                node.children = {}
            if word not in node.children:
                node.children[word] = _Node()
            node = node.children[word]
        if is_open:
            node.open = node.open or []
            node.open.append(place)
        else:
            node.ends = node.ends or []
            node.ends.append(place)
    return root


def _words(selector: str) -> tuple[list[str], bool]:
    """Return the segments of a selector as they are written, which are those of `RouteTemplate.parts`, and whether it goes on below: `* /a/**` -> `a`, yes.

    What is no selector was refused when its row was read, so that nothing has to be parsed here.
    """
    method, _, path = selector.partition(" ")
    if method == WEBSOCKET:
        return [path], False
    words = path[1:].split("/") if path != "/" else []
    return (words[:-1], True) if words[-1:] == ["**"] else (words, False)
