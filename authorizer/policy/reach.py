"""Which routes a policy pattern reaches: IAM's `*` crosses `/`, so that the pattern of one route may match requests of many.

A pattern is a tuple of pieces: a text is one literal segment, `STAR` is one or more segments, as `*` between slashes. The walk goes through all symbolic
paths that some route accepts, a symbolic path being literal words and `FRESH` for a value that is no word of the catalogue. A route owns a
symbolic path if API Gateway would serve it by that route, and then it owns all values of `FRESH` that are no words.
"""

from collections.abc import Iterable, Iterator, Mapping

from authorizer.policy.route import RouteCatalog, RouteTemplate, Segment, SegmentKind, Selector

STAR = None
FRESH = None

Pattern = tuple[str | None, ...]
SymbolicPath = tuple[str | None, ...]


class _Node:
    """A level of the tree of one verb's routes. `index` makes it comparable; `route` ends here and `greedy` takes all that follows."""

    __slots__ = ("greedy", "index", "literals", "parameter", "route")

    def __init__(self, index: int) -> None:
        self.index = index
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.route: int | None = None
        self.greedy: int | None = None


# What is still possible after some segments, the most specific first: nodes, or routes that took the rest as greedy (their number, negated and less one).
_Live = tuple[int, ...]


Bound = tuple[int, RouteTemplate]
"""A route's number, and that route with marks in place of some parameters: what a bound grant amounts to for one caller."""


class VerbRoutes:
    """The routes that serve one verb, and what patterns over them reach. Routes are numbered in the order of `routes`, the bound ones after the others.

    Whatever a walk finds out is kept, since it does not depend on who asks: the catalogue of one version is asked for by every caller.
    """

    def __init__(self, verb: str, routes: Iterable[RouteTemplate], bound: Iterable[Bound] = ()) -> None:
        self.verb = verb
        plain, marked = tuple(routes), tuple(bound)
        self.routes = (*plain, *(route for _, route in marked))
        self._numbers: dict[tuple[Segment | None, ...], int] = {route.segments: number for number, route in enumerate(plain)}
        self._selected: dict[Selector, tuple[int, ...]] = {}
        self._nodes: list[_Node] = []
        root = self._new_node()
        for number, route in enumerate(plain):
            self._insert(root, number, route)
        self._origin = {number: number for number in range(len(plain))}
        for number, (origin, route) in enumerate(marked, len(plain)):
            self._origin[number] = origin
            self._insert_bound(root, number, route.segments)
        self._steps: dict[tuple[_Live, str | None], _Live] = {}
        self._depth = max((len(route.segments) for route in self.routes), default=0)
        found = ((number, self._pattern(number)) for number in range(len(self.routes)))
        self.patterns: Mapping[int, Pattern] = {number: pattern for number, pattern in found if pattern is not None}
        """By number. A route that never takes a path, because others take them all, has none."""
        self._owners: dict[tuple[_Live, Pattern, bool, bool], frozenset[int]] = {}

    def selected(self, selector: Selector) -> tuple[int, ...]:
        """The numbers of the routes that a selector means for this verb."""
        known = self._selected.get(selector)
        if known is None:
            known = self._selected[selector] = tuple(self._select(selector))
        return known

    def _select(self, selector: Selector) -> Iterator[int]:
        if self.verb not in selector.verbs:
            return
        if selector.open_ended or None in selector.pattern:
            yield from (number for number, route in enumerate(self.routes) if selector.matches(self.verb, route))
        elif selector.pattern in self._numbers:
            yield self._numbers[selector.pattern]

    def owners(self, pattern: Pattern, *, empty_stars: bool = False) -> frozenset[int]:
        """The routes that own a path which the pattern reaches. With `empty_stars` a `STAR` may also stand for no segment at all."""
        return self._reach((0,), pattern, False, empty_stars)

    def paths(self, pattern: Pattern, wanted: frozenset[int]) -> Iterator[SymbolicPath]:
        """The symbolic paths that the pattern reaches and one of the wanted routes owns, found as they are asked for."""
        yield from self._paths((0,), pattern, False, (), wanted)

    def owner(self, path: SymbolicPath) -> int | None:
        """The route that API Gateway would choose for a symbolic path."""
        live: _Live = (0,)
        for segment in path:
            live = self._step(live, segment)
        return self._accepted(live)

    def _pattern(self, number: int) -> Pattern | None:
        """The pattern of a route. A greedy parameter takes as many segments at least as are needed to come to a path that no other route takes.

        Beside `/x/{y}` no path of one segment below `/x` belongs to `/x/{rest+}`, so that `x/*/*` is all that it needs. None if others take every path.
        """
        pattern = pattern_of(self.routes[number])
        reached: set[_Live] = {(0,)}
        for piece in pattern:
            reached = self._all_steps(reached, piece)
        while all(self._accepted(live) != number for live in reached):
            # Deeper than the deepest template nothing changes any more.
            if len(pattern) > self._depth or not self.routes[number].is_greedy:
                return None
            reached = self._all_steps(reached, STAR)
            pattern = (*pattern, STAR)
        return pattern

    def _all_steps(self, reached: set[_Live], piece: str | None) -> set[_Live]:
        """Where one segment leads to from any of these: a literal, or whatever stands for a parameter."""
        return {self._step(live, word) for live in reached for word in (self._words(live) if piece is STAR else (piece,))} - {()}

    def _new_node(self) -> _Node:
        node = _Node(len(self._nodes))
        self._nodes.append(node)
        return node

    def _insert(self, node: _Node, number: int, route: RouteTemplate) -> None:
        for segment in route.segments:
            if segment.kind is SegmentKind.GREEDY:
                node.greedy = number
                return
            if segment.kind is SegmentKind.PARAMETER:
                node.parameter = node.parameter or self._new_node()
                node = node.parameter
            else:
                if segment.text not in node.literals:
                    node.literals[segment.text] = self._new_node()
                node = node.literals[segment.text]
        node.route = number

    def _insert_bound(self, node: _Node, number: int, segments: tuple[Segment, ...]) -> None:
        """Let the bound route take the paths that its origin takes with these marks in their places, and no others.

        A mark stands for a value, so it is no more specific than the parameter: what follows it is a copy of what follows the parameter. As a literal
        it would outrank a sibling such as `/{a}/words`, which API Gateway prefers to `/{a}/{b}` whatever the value of `{a}` is.
        """
        origin = self._origin[number]
        if not segments:
            if node.route is None or self._origin[node.route] == origin:
                node.route = number
            return
        segment, rest = segments[0], segments[1:]
        if segment.kind is SegmentKind.GREEDY:
            node.greedy = number
        elif segment.kind is SegmentKind.PARAMETER:
            marked = [child for word, child in node.literals.items() if is_mark(word)]
            for follower in filter(None, (node.parameter, *marked)):
                self._insert_bound(follower, number, rest)
        else:
            if is_mark(segment.text) and segment.text not in node.literals:
                node.literals[segment.text] = self._copy(node.parameter)
            self._insert_bound(node.literals[segment.text], number, rest)

    def _copy(self, node: _Node | None) -> _Node:
        copy = self._new_node()
        if node is not None:
            copy.route, copy.greedy = node.route, node.greedy
            copy.literals = {word: self._copy(child) for word, child in node.literals.items()}
            copy.parameter = None if node.parameter is None else self._copy(node.parameter)
        return copy

    def _step(self, live: _Live, segment: str | None) -> _Live:
        key = live, segment
        known = self._steps.get(key)
        if known is None:
            known = self._steps[key] = tuple(self._stepped(live, segment))
        return known

    def _stepped(self, live: _Live, segment: str | None) -> Iterator[int]:
        for entry in live:
            if entry < 0:
                yield entry
                continue
            node = self._nodes[entry]
            if segment is not FRESH and segment in node.literals:
                yield node.literals[segment].index
            if node.parameter is not None:
                yield node.parameter.index
            if node.greedy is not None:
                yield -node.greedy - 1

    def _accepted(self, live: _Live) -> int | None:
        for entry in live:
            route = -entry - 1 if entry < 0 else self._nodes[entry].route
            if route is not None:
                return route
        return None

    def _words(self, live: _Live) -> list[str | None]:
        """The segments that lead to different routes from here; any other value does what `FRESH` does."""
        words = {word for entry in live if entry >= 0 for word in self._nodes[entry].literals}
        return [FRESH, *sorted(words)]

    def _moves(self, live: _Live, pattern: Pattern, in_star: bool) -> Iterator[tuple[_Live, Pattern, bool, str | None]]:
        """What may come next: the state after one segment, and the segment. `in_star` tells that the piece before is a `STAR` that may go on."""
        only_greedy = all(entry < 0 for entry in live)
        if in_star and not only_greedy:
            # With nothing but greedy routes left, a longer path is owned by the same route.
            for word in self._words(live):
                yield self._step(live, word), pattern, True, word
        if not pattern:
            return
        piece, rest = pattern[0], pattern[1:]
        if piece is not STAR:
            yield self._step(live, piece), rest, False, piece
        else:
            for word in self._words(live):
                yield self._step(live, word), rest, True, word

    def _reach(self, live: _Live, pattern: Pattern, in_star: bool, empty_stars: bool) -> frozenset[int]:
        key = live, pattern, in_star, empty_stars
        known = self._owners.get(key)
        if known is not None:
            return known
        found: set[int] = set()
        if not pattern and (accepted := self._accepted(live)) is not None:
            found.add(accepted)
        if empty_stars and pattern and pattern[0] is STAR:
            found |= self._reach(live, pattern[1:], in_star, True)
        for after, rest, star, _ in self._moves(live, pattern, in_star):
            if after:
                found |= self._reach(after, rest, star, empty_stars)
        result = self._owners[key] = frozenset(found)
        return result

    def _paths(self, live: _Live, pattern: Pattern, in_star: bool, path: SymbolicPath, wanted: frozenset[int]) -> Iterator[SymbolicPath]:
        if self._reach(live, pattern, in_star, False).isdisjoint(wanted):
            return
        if not pattern and self._accepted(live) in wanted:
            yield path
        for after, rest, star, segment in self._moves(live, pattern, in_star):
            if after:
                yield from self._paths(after, rest, star, (*path, segment), wanted)


def pattern_of(route: RouteTemplate) -> Pattern:
    """The pattern of a route: its parameters, the greedy one too, as `STAR`."""
    return tuple(segment.text if segment.kind is SegmentKind.LITERAL else STAR for segment in route.segments)


def takes_in(pattern: Pattern, path: SymbolicPath) -> bool:
    """Whether a pattern takes in a whole symbolic path, segment by segment, each `STAR` one or more of them."""
    if not pattern or not path:
        return not pattern and not path
    if pattern[0] is STAR:
        return takes_in(pattern[1:], path[1:]) or takes_in(pattern, path[1:])
    return pattern[0] == path[0] and takes_in(pattern[1:], path[1:])


def mark_of(number: int) -> str:
    """A stand-in for a claim's value: no literal of a catalogue has such a character."""
    return f"\0{number}"


def is_mark(word: str) -> bool:
    """Whether a word of a pattern or path stands for a claim's value."""
    return word.startswith("\0")


def with_bound(route: RouteTemplate, values: Mapping[str, str]) -> RouteTemplate:
    """The route with words, marks as a rule, in place of some parameters."""
    segments = tuple(
        Segment(SegmentKind.LITERAL, values[s.text]) if s.kind is not SegmentKind.LITERAL and s.text in values else s
        for s in route.segments
    )
    return RouteTemplate(route.method, segments)


def routes_of_verb(catalog: RouteCatalog, verb: str) -> list[RouteTemplate]:
    """The routes that serve a verb: of `ANY` only those without a route of that verb in the same place."""
    return [route for route in catalog.routes if route.serves(verb) and catalog.find(verb, route.path) is route]
