"""What patterns reach, and which route owns what they reach, in trees small enough to follow with a finger."""

from itertools import product

import pytest

from authorizer.policy.iam.pattern_coverage import (
    FRESH,
    STAR,
    Pattern,
    SymbolicPath,
    VerbRoutes,
    pattern_of,
    routes_of_verb,
    takes_in,
    with_bound,
)
from authorizer.policy.route import RouteCatalog, parse_route, parse_selector

S, F = STAR, FRESH  # read "anything but a slash too few" and "some value that is no word"


def known(*paths: str) -> VerbRoutes:
    return VerbRoutes("GET", [parse_route(f"GET {path}") for path in paths])


def named(routes: VerbRoutes, numbers: frozenset[int]) -> set[str]:
    return {routes.routes[number].path for number in numbers}


PETS = known("/", "/pets", "/pets/{id}", "/pets/mine", "/pets/{id}/toys/{toy}", "/files/{rest+}", "/{a}/{b}/c")


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ((), "/"),
        (("pets",), "/pets"),
        ((F,), None),
        (("pets", F), "/pets/{id}"),
        (("pets", "c"), "/pets/{id}"),
        (("pets", "mine"), "/pets/mine"),
        (("pets", "mine", "toys", F), "/pets/{id}/toys/{toy}"),
        (("pets", F, "c"), "/{a}/{b}/c"),
        (("pets", F, F), None),
        (("files",), None),
        (("files", F), "/files/{rest+}"),
        (("files", "c"), "/files/{rest+}"),
        (("files", F, "c"), "/files/{rest+}"),
        (("files", F, F, "toys", F), "/files/{rest+}"),
        ((F, F, "c"), "/{a}/{b}/c"),
        ((F, F, "c", F), None),
    ],
)
def test_the_most_specific_route_that_fits_owns_a_path(path: SymbolicPath, owner: str | None) -> None:
    number = PETS.owner(path)
    assert (None if number is None else PETS.routes[number].path) == owner


@pytest.mark.parametrize(
    ("pattern", "reached", "with_empty"),
    [
        ((), {"/"}, set()),
        (("pets",), {"/pets"}, set()),
        (("pets", S), {"/pets/{id}", "/pets/mine", "/pets/{id}/toys/{toy}", "/{a}/{b}/c"}, {"/pets"}),
        (("pets", S, S), {"/pets/{id}/toys/{toy}", "/{a}/{b}/c"}, {"/pets/{id}", "/pets/mine", "/pets"}),
        (("pets", S, "toys", S), {"/pets/{id}/toys/{toy}"}, {"/pets/{id}", "/{a}/{b}/c"}),
        (("pets", S, "c"), {"/pets/{id}/toys/{toy}", "/{a}/{b}/c"}, {"/pets/{id}"}),
        (("files", S), {"/files/{rest+}"}, set()),
        (("files", "pets"), {"/files/{rest+}"}, set()),
        (("files", S, "c"), {"/files/{rest+}"}, set()),
        (("x", S, "c"), {"/{a}/{b}/c"}, set()),
        (("x", S), {"/{a}/{b}/c"}, set()),
        (("x",), set(), set()),
        ((S, "c"), {"/pets/{id}", "/pets/{id}/toys/{toy}", "/files/{rest+}", "/{a}/{b}/c"}, set()),
        ((S, "mine"), {"/pets/mine", "/pets/{id}/toys/{toy}", "/files/{rest+}"}, set()),
    ],
)
def test_a_star_is_one_segment_or_more_and_a_slash_too_many_makes_it_none(
    pattern: Pattern, reached: set[str], with_empty: set[str]
) -> None:
    for _ in range(2):  # what was found out is kept
        assert named(PETS, PETS.owners(pattern)) == reached
        assert named(PETS, PETS.owners(pattern, empty_stars=True)) == reached | with_empty


def test_a_star_alone_reaches_all_but_the_root() -> None:
    everything = {route.path for route in PETS.routes}
    assert named(PETS, PETS.owners((S,))) == everything - {"/"}
    assert named(PETS, PETS.owners((S,), empty_stars=True)) == everything


@pytest.mark.parametrize(
    ("pattern", "wanted", "expected"),
    [
        (("pets", S), "/pets/{id}", {("pets", F)}),
        (("pets", S), "/pets/mine", {("pets", "mine")}),
        (("pets", S), "/pets/{id}/toys/{toy}", {("pets", F, "toys", F), ("pets", "mine", "toys", F)}),
        (("pets", S), "/files/{rest+}", set()),
        (("pets", S), "/pets", set()),
        ((S, "c"), "/{a}/{b}/c", {(F, F, "c"), ("pets", F, "c"), ("pets", "mine", "c")}),
        (("files", S), "/files/{rest+}", {("files", F)}),
        (("files", S, S), "/files/{rest+}", {("files", F, F)}),
        ((), "/", {()}),
    ],
)
def test_paths_are_found_by_the_route_that_owns_them(pattern: Pattern, wanted: str, expected: set[SymbolicPath]) -> None:
    [number] = [number for number, route in enumerate(PETS.routes) if route.path == wanted]
    found = set(PETS.paths(pattern, frozenset({number})))
    # A path stands for narrower ones too.
    assert all(any(takes_in(wide, path) for wide in found) for path in expected)
    assert bool(found) is bool(expected)
    # There may be more, as long as they are true: what another route leaves over is the greedy one's.
    assert {PETS.owner(path) for path in found} <= {number}
    assert all(takes_in(pattern, path) for path in found)


def test_every_path_that_is_wanted_is_found_whoever_owns_it() -> None:
    nested = known("/{p+}", "/a/{x}", "/a/{x}/{q+}")
    wanted = frozenset(range(3))
    found = set(nested.paths((S,), wanted))
    assert all(any(takes_in(wide, path) for wide in found) for path in [(F,), ("a",), ("a", F), ("a", F, F)])
    assert {nested.owner(path) for path in nested.paths((S,), wanted)} == wanted


@pytest.mark.parametrize(
    "pattern", [(S,), ("pets", S), (S, S), (S, "c"), ("pets", S, "toys", S), ("files", S), (S, "toys", S), ("x", S, "c")]
)
def test_no_short_path_is_missed(pattern: Pattern) -> None:
    """For every path of up to four segments, each a word or none, `owners` and `paths` say what asking for it alone says."""
    short = [
        path for length in range(5) for path in product((F, "c", "mine", "pets", "toys", "x"), repeat=length) if takes_in(pattern, path)
    ]
    owned = {path: owner for path in short if (owner := PETS.owner(path)) is not None}
    assert set(owned.values()) <= PETS.owners(pattern)
    for wanted in range(len(PETS.routes)):
        found = set(PETS.paths(pattern, frozenset({wanted})))
        # What has a word where any value would do, or goes on where a greedy route takes the rest, is taken care of by a path that was found.
        missed = [p for p, owner in owned.items() if owner == wanted and not any(is_the_same_to_routing(p, other) for other in found)]
        assert not missed


def is_the_same_to_routing(path: SymbolicPath, other: SymbolicPath) -> bool:
    return len(path) >= len(other) and all(b in (a, F) for a, b in zip(path, other, strict=False))


def test_nothing_is_looked_for_where_nothing_is_wanted() -> None:
    assert list(PETS.paths((S,), frozenset())) == []


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", ()),
        ("/pets", ("pets",)),
        ("/pets/{id}", ("pets", S)),
        ("/pets/{id}/toys", ("pets", S, "toys")),
        ("/files/{rest+}", ("files", S)),
        ("/{a}/{b+}", (S, S)),
    ],
)
def test_the_pattern_of_a_route_has_a_star_for_each_parameter(path: str, pattern: Pattern) -> None:
    assert pattern_of(parse_route(f"GET {path}")) == pattern


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ((), (), True),
        ((), ("a",), False),
        (("a",), (), False),
        (("a",), ("a",), True),
        (("a",), ("b",), False),
        (("a",), (F,), False),
        ((S,), (), False),
        ((S,), (F,), True),
        ((S,), ("a",), True),
        ((S,), ("a", F, "b"), True),
        ((S, S), (F,), False),
        ((S, S), (F, F, F), True),
        (("a", S), ("a",), False),
        (("a", S), ("a", F), True),
        (("a", S, "b"), ("a", "b"), False),
        (("a", S, "b"), ("a", F, "b"), True),
        (("a", S, "b"), ("a", "b", "b"), True),
        (("a", S, "b"), ("a", F, "b", F), False),
        (("a", S, "b"), ("a", F, "b", F, "b"), True),
        ((S, "b", S), ("b", "b", "b"), True),
        ((S, "b", S), ("b", F, "b"), False),
    ],
)
def test_a_pattern_takes_in_whole_paths(pattern: Pattern, path: SymbolicPath, expected: bool) -> None:
    assert takes_in(pattern, path) is expected


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("/o/{id}", {"id": "al"}, "/o/al"),
        ("/o/{id}/{x}", {"x": "al"}, "/o/{id}/al"),
        ("/f/{rest+}", {"rest": "al"}, "/f/al"),
        ("/id/{x}", {"id": "al"}, "/id/{x}"),
        ("/o/{id}", {}, "/o/{id}"),
    ],
)
def test_a_bound_route_has_values_in_place_of_parameters(path: str, values: dict[str, str], expected: str) -> None:
    assert with_bound(parse_route(f"PUT {path}"), values) == parse_route(f"PUT {expected}")


def test_a_bound_route_is_more_specific_than_the_one_that_it_came_from() -> None:
    route = parse_route("GET /o/{id}")
    both = VerbRoutes("GET", [route], [(0, with_bound(route, {"id": "\0"}))])
    assert (both.owner(("o", "\0")), both.owner(("o", F))) == (1, 0)
    assert both.owners(("o", S)) == {0, 1}
    assert both.owners(("o", "\0")) == {1}


def test_a_verb_is_served_by_any_only_where_it_has_no_route_of_its_own() -> None:
    catalog = RouteCatalog(map(parse_route, ["ANY /a/{x}", "GET /a/{y}", "ANY /b", "POST /c", "WS $connect"]))
    assert {str(route) for route in routes_of_verb(catalog, "GET")} == {"GET /a/{y}", "ANY /b"}
    assert {str(route) for route in routes_of_verb(catalog, "POST")} == {"ANY /a/{x}", "ANY /b", "POST /c"}
    assert {str(route) for route in routes_of_verb(catalog, "HEAD")} == {"ANY /a/{x}", "ANY /b"}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("GET /pets", {"/pets"}),
        ("* /pets/{id}", {"/pets/{id}"}),
        ("GET /pets/*", {"/pets/{id}", "/pets/mine"}),
        ("GET /pets/**", {"/pets", "/pets/{id}", "/pets/mine", "/pets/{id}/toys/{toy}"}),
        ("ANY /**", {route.path for route in PETS.routes}),
        ("POST /pets", set()),
        ("POST /**", set()),
        ("GET /pets/{other}", set()),
        ("GET /nowhere", set()),
        ("WS *", set()),
    ],
)
def test_selectors_mean_routes_of_the_verb(selector: str, expected: set[str]) -> None:
    for _ in range(2):
        assert {PETS.routes[number].path for number in PETS.selected(parse_selector(selector))} == expected
