"""Which routes a policy pattern reaches: IAM's `*` crosses `/`, so that the pattern of one route may match requests of many.

A pattern is a tuple of pieces: a text is one literal segment, `STAR` is one or more segments, as `*` between slashes. A symbolic path is literal words and
`FRESH` for a value that is no word of the catalogue. A route owns a symbolic path if API Gateway would serve it by that route, and then it owns all
values of `FRESH` that are no words.

Whole levels of the tree of routes are walked at once: sets of nodes are integers, and the nodes are numbered so that what is below a node follows it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, lru_cache

from authorizer.policy.route import MAX_KEPT, RouteCatalog, RouteTemplate, Segment, SegmentKind, Selector

STAR = None
FRESH = None

Pattern = tuple[str | None, ...]
SymbolicPath = tuple[str | None, ...]


class _Node:
    """A level of the tree of one verb's routes. `route` ends here and `greedy` takes all that follows."""

    __slots__ = ("greedy", "literals", "parameter", "route")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.parameter: _Node | None = None
        self.route: int | None = None
        self.greedy: int | None = None


MAX_BYTES = 16 * 1024 * 1024
"""What the bound grants of callers may take in memory, and the patterns of one verb."""

_NODE_BYTES, _WALK_BYTES = 700, 150
"""Measured with `tracemalloc` on catalogues of 100 to 3,000 routes."""

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
        self._plain = plain
        self._selected: dict[Selector, tuple[int, ...]] = {}
        self._root = _Node()
        for number, route in enumerate(plain):
            self._insert(self._root, number, route)
        self._origin = {number: number for number in range(len(plain))}
        for number, (origin, route) in enumerate(marked, len(plain)):
            self._origin[number] = origin
            self._insert_bound(self._root, number, route.segments)
        self._number_nodes()
        found = ((number, self._pattern(number)) for number in range(len(self.routes)))
        self.patterns: Mapping[int, Pattern] = {number: pattern for number, pattern in found if pattern is not None}
        """By number. A route that never takes a path, because others take them all, has none."""
        self._walks: dict[tuple[Pattern, bool, bool], int] = {}
        self._owners: dict[tuple[Pattern, bool], int] = {}

    @cached_property
    def _numbers(self) -> dict[tuple[Segment | None, ...], int]:
        return {route.segments: number for number, route in enumerate(self._plain)}

    @property
    def size(self) -> int:
        """Bytes in memory, roughly: nodes of the tree, and a set of nodes for each pattern that was asked for."""
        nodes = len(self._templates)
        return nodes * _NODE_BYTES + (len(self._walks) + len(self._owners)) * (_WALK_BYTES + nodes // 8)

    def forget_patterns(self) -> None:
        """Drop what was found out about patterns."""
        self._walks.clear()
        self._owners.clear()

    def selected(self, selector: Selector) -> tuple[int, ...]:
        """Return the numbers of the routes that a selector means for this verb."""
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

    def mask(self, numbers: Iterable[int]) -> int:
        """These routes as `within` wants them."""
        result = 0
        for number in numbers:
            result |= self._bits[number]
        return result

    def within(self, pattern: Pattern, routes: int, *, empty_stars: bool = False) -> bool:
        """Return whether no routes but these own a path which the pattern reaches."""
        # Most often no other template fits at all, and who owns which path need not be asked.
        return not self._fitting(pattern, empty_stars) & ~routes or not self._owning(pattern, empty_stars) & ~routes

    def owners(self, pattern: Pattern, *, empty_stars: bool = False) -> frozenset[int]:
        """Return the routes that own a path which the pattern reaches. With `empty_stars` a `STAR` may also stand for no segment at all."""
        return frozenset(self._owner_of[index] for index in _members(self._owning(pattern, empty_stars)))

    def paths(self, pattern: Pattern, wanted: frozenset[int]) -> Iterator[SymbolicPath]:
        """Yield the widest symbolic paths that the pattern reaches and one of the wanted routes owns, found as they are asked for."""
        for index in _members(self._fitting(pattern, False) & self.mask(wanted)):
            yield from self._owned(pattern, index, False)

    def owner(self, path: SymbolicPath) -> int | None:
        """Return the route that API Gateway would choose for a symbolic path."""
        return _descend(self._root, path, 0)

    def _pattern(self, number: int) -> Pattern | None:
        """Return the pattern of a route. A greedy parameter takes as many segments at least as are needed to come to a path that no other route takes.

        Beside `/x/{y}` no path of one segment below `/x` belongs to `/x/{rest+}`, so that `x/*/*` is all that it needs. None if others take every path.
        """
        pattern = pattern_of(self.routes[number])
        if not self.routes[number].is_greedy:
            # With `FRESH` for each parameter such a route has its path for itself, if it has a place at all.
            return pattern if self._bits[number] else None
        ends = [self._templates[index] for index in _members(self._bits[number])]
        # Deeper than the deepest template nothing changes any more.
        for more in range(len(self._levels) + 1):
            if any(self.owner((*template, *(FRESH,) * more)) == number for template in ends):
                return (*pattern, *(STAR,) * more)
        return None

    def _number_nodes(self) -> None:
        self._templates: list[Pattern] = []
        self._owner_of: dict[int, int] = {}
        self._children: list[dict[str | None, int]] = []
        self._greedy_child: dict[int, int] = {}
        self._levels: list[int] = []
        self._with: dict[str | None, int] = {}
        self._with_greedy = self._greedy = self._ends = 0
        self._bits = [0] * len(self.routes)
        self._number(self._root, ())
        everything = (1 << len(self._templates)) - 1
        self._deeper, shallow = [], 0
        for level in self._levels:
            shallow |= level
            self._deeper.append(everything & ~shallow)

    def _number(self, node: _Node, template: Pattern) -> int:
        """Number a node and all below it, so that its parameter follows it at once and all that is below it in one run."""
        index = self._new_index(template, node.route)
        children: dict[str | None, _Node] = {} if node.parameter is None else {STAR: node.parameter}
        for word, child in (children | node.literals).items():
            self._with[word] = self._with.get(word, 0) | 1 << index
            self._children[index][word] = self._number(child, (*template, word))
        if node.greedy is not None:
            self._with_greedy |= 1 << index
            self._greedy_child[index] = self._new_index((*template, STAR), node.greedy)
            self._greedy |= 1 << self._greedy_child[index]
        return index

    def _new_index(self, template: Pattern, route: int | None) -> int:
        index = len(self._templates)
        self._templates.append(template)
        self._children.append({})
        if len(template) == len(self._levels):
            self._levels.append(0)
        self._levels[len(template)] |= 1 << index
        if route is not None:
            self._owner_of[index] = route
            self._bits[route] |= 1 << index
            self._ends |= 1 << index
        return index

    def _fitting(self, pattern: Pattern, empty_stars: bool) -> int:
        """Return the templates that the pattern fits, whoever owns the paths."""
        return self._walk(pattern, empty_stars, True) & self._ends

    def _owning(self, pattern: Pattern, empty_stars: bool) -> int:
        """Return the templates with a path of their own that the pattern reaches."""
        known = self._owners.get((pattern, empty_stars))
        if known is None:
            # With `FRESH` for each parameter a template has its path for itself: whatever is more specific wants a word there. Not so for greedy ones.
            known = self._walk(pattern, empty_stars, False) & self._ends & ~self._greedy
            for index in _members(self._fitting(pattern, empty_stars) & ~known):
                known |= any(True for _ in self._owned(pattern, index, empty_stars)) << index
            self._owners[pattern, empty_stars] = known
        return known

    def _walk(self, pattern: Pattern, empty_stars: bool, loose: bool) -> int:
        """Return the nodes that a pattern leads to. `loose` lets its words stand in place of parameters."""
        if not pattern:
            return 1
        key = pattern, empty_stars, loose
        known = self._walks.get(key)
        if known is None:
            before, piece = self._walk(pattern[:-1], empty_stars, loose), pattern[-1]
            known = before & self._greedy
            if piece is STAR:
                known |= self._below(before) | (before if empty_stars else 0)
            else:
                for index in _members(before & self._with.get(piece, 0)):
                    known |= 1 << self._children[index][piece]
                if loose:
                    known |= (before & self._with.get(STAR, 0)) << 1
                    for index in _members(before & self._with_greedy):
                        known |= 1 << self._greedy_child[index]
            self._walks[key] = known
        return known

    def _below(self, roots: int) -> int:
        """Return all nodes below these."""
        result = 0
        for level, deeper in zip(self._levels, self._deeper, strict=True):
            # What is below a node is the run of deeper ones that follows it: adding its first carries through to the run's end.
            first = (roots & level) << 1 & deeper
            result |= (deeper + first ^ deeper) & deeper if first else 0
        return result

    def _owned(self, pattern: Pattern, index: int, empty_stars: bool) -> Iterator[SymbolicPath]:
        """Yield the widest paths of a template that the pattern reaches, without those that others own."""
        template = self._templates[index]
        longest = len(self._levels) + len(pattern) if self._greedy >> index & 1 else len(template)
        known: dict[tuple[Pattern, Pattern], dict[SymbolicPath, None]] = {}
        for more in range(longest - len(template) + 1):
            for path in _meetings(pattern, (*template, *(STAR,) * more), empty_stars, known):
                if self.owner(path) == self._owner_of[index]:
                    yield path

    def _insert(self, node: _Node, number: int, route: RouteTemplate) -> None:
        for segment in route.segments:
            if segment.kind is SegmentKind.GREEDY:
                node.greedy = number
                return
            if segment.kind is SegmentKind.PARAMETER:
                node.parameter = node.parameter or _Node()
                node = node.parameter
            else:
                if segment.text not in node.literals:
                    node.literals[segment.text] = _Node()
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
        copy = _Node()
        if node is not None:
            copy.route, copy.greedy = node.route, node.greedy
            copy.literals = {word: self._copy(child) for word, child in node.literals.items()}
            copy.parameter = None if node.parameter is None else self._copy(node.parameter)
        return copy


class CatalogReach:
    """What was found out about the routes of one catalogue, for all of its callers.

    Callers differ in which grants of theirs are bound to values, and whoever gives out groups can make up as many combinations as there are sets of them: the
    least recently used ones leave first.
    """

    def __init__(self, catalog: RouteCatalog) -> None:
        self._catalog = catalog
        self._plain: dict[str, VerbRoutes] = {}
        self._bound: OrderedDict[tuple[str, tuple[Bound, ...]], VerbRoutes] = OrderedDict()

    def routes(self, verb: str) -> VerbRoutes:
        """Return the routes of a verb as they are."""
        known = self._plain.get(verb)
        if known is None:
            known = self._plain[verb] = VerbRoutes(verb, routes_of_verb(self._catalog, verb))
        elif known.size > MAX_BYTES:
            known.forget_patterns()
        return known

    def with_bound(self, verb: str, bound: tuple[Bound, ...]) -> VerbRoutes:
        """Return the routes of a verb together with these bound ones."""
        if not bound:
            return self.routes(verb)
        known = self._bound.get((verb, bound))
        if known is None:
            known = self._bound[verb, bound] = VerbRoutes(verb, self.routes(verb).routes, bound)
        self._bound.move_to_end((verb, bound))
        while self.size > MAX_BYTES and len(self._bound) > 1:
            self._bound.popitem(last=False)
        if known.size > MAX_BYTES:
            known.forget_patterns()
        return known

    @property
    def size(self) -> int:
        """Bytes that the bound grants take in memory, roughly."""
        return sum(known.size for known in self._bound.values())


def reach_of(catalog: RouteCatalog) -> CatalogReach:
    """Return what was found out about a catalogue, which keeps it."""
    known = catalog.reach.get(CatalogReach)
    if known is None:
        known = catalog.reach[CatalogReach] = CatalogReach(catalog)
    return known


def _descend(node: _Node, path: SymbolicPath, depth: int) -> int | None:
    if depth == len(path):
        return node.route
    word = path[depth]
    for child in (None if word is FRESH else node.literals.get(word), node.parameter):
        route = None if child is None else _descend(child, path, depth + 1)
        if route is not None:
            return route
    return node.greedy


def _members(mask: int) -> Iterator[int]:
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _meetings(
    pattern: Pattern, template: Pattern, empty_stars: bool, known: dict[tuple[Pattern, Pattern], dict[SymbolicPath, None]]
) -> dict[SymbolicPath, None]:
    """Return the paths that fit both, in order, with a word in place of a parameter of the template only where the pattern says so."""
    found = known.get((pattern, template))
    if found is not None:
        return found
    found = known[pattern, template] = {}
    if not pattern:
        found |= {} if template else {(): None}
        return found
    piece, rest = pattern[0], pattern[1:]
    if piece is STAR and empty_stars:
        found |= _meetings(rest, template, empty_stars, known)
    if template and piece is STAR:
        for after in (rest, pattern):
            found |= {(template[0], *path): None for path in _meetings(after, template[1:], empty_stars, known)}
    elif template and template[0] in (STAR, piece):
        found |= {(piece, *path): None for path in _meetings(rest, template[1:], empty_stars, known)}
    return found


@lru_cache(maxsize=MAX_KEPT)
def pattern_of(route: RouteTemplate) -> Pattern:
    """Return the pattern of a route: its parameters, the greedy one too, as `STAR`."""
    return tuple(segment.text if segment.kind is SegmentKind.LITERAL else STAR for segment in route.segments)


def takes_in(pattern: Pattern, path: SymbolicPath) -> bool:
    """Return whether a pattern takes in a whole symbolic path, segment by segment, each `STAR` one or more of them."""
    if not pattern or not path:
        return not pattern and not path
    if pattern[0] is STAR:
        return takes_in(pattern[1:], path[1:]) or takes_in(pattern, path[1:])
    return pattern[0] == path[0] and takes_in(pattern[1:], path[1:])


def mark_of(number: int) -> str:
    """Return a stand-in for a claim's value: no literal of a catalogue has such a character."""
    return f"\0{number}"


def is_mark(word: str) -> bool:
    """Return whether a word of a pattern or path stands for a claim's value."""
    return word.startswith("\0")


def with_bound(route: RouteTemplate, values: Mapping[str, str]) -> RouteTemplate:
    """Return the route with words, marks as a rule, in place of some parameters."""
    segments = tuple(
        Segment(SegmentKind.LITERAL, values[s.text]) if s.kind is not SegmentKind.LITERAL and s.text in values else s
        for s in route.segments
    )
    return RouteTemplate(route.method, segments)


def routes_of_verb(catalog: RouteCatalog, verb: str) -> list[RouteTemplate]:
    """Return the routes that serve a verb: of `ANY` only those without a route of that verb in the same place."""
    return [route for route in catalog.routes if route.serves(verb) and catalog.find(verb, route.path) is route]
