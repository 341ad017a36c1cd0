"""Templates and the catalogue. Which path leads where is told in `tests/vectors/decisions`; here are the parts that others call by themselves."""

import re

import pytest

from authorizer.policy.route import RouteCatalog, RouteSyntaxError, RouteTemplate, Segment, SegmentKind, parse_path, parse_route


def catalog(*routes: str) -> RouteCatalog:
    return RouteCatalog(parse_route(route) for route in routes)


@pytest.mark.parametrize(
    "text",
    ["GET /", "ANY /pets", "DELETE /pets/{petId}", "PATCH /files/{proxy+}", "WS $connect", "WS send.message", "GET /{a}/b:c/{d.e:f_g-h+}"],
)
def test_a_template_is_written_as_it_was_read(text: str) -> None:
    route = parse_route(text)
    assert str(route) == text
    assert f"{route.method} {route.path}" == text
    assert parse_route(str(route)) == route


def test_a_template_tells_its_parts() -> None:
    route = parse_route("ANY /a/{b}/{c+}")
    assert route.segments == (Segment(SegmentKind.LITERAL, "a"), Segment(SegmentKind.PARAMETER, "b"), Segment(SegmentKind.GREEDY, "c"))
    assert route.parameters == ("b", "c")
    assert route.is_greedy
    assert not parse_route("GET /a/{b}").is_greedy
    assert not parse_route("GET /").is_greedy
    assert not route.public
    assert parse_route("GET /", public=True).public
    assert parse_route("GET /", public=True) == parse_route("GET /"), "the same route to API Gateway"


def test_a_template_serves_its_verb_or_all_seven() -> None:
    verbs = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
    anything = parse_route("ANY /")
    assert anything.verbs == verbs
    assert all(anything.serves(verb) for verb in verbs)
    assert not any(anything.serves(verb) for verb in ("ANY", "WS", "TRACE", "get", "*", ""))
    assert parse_route("GET /").verbs == ("GET",)
    assert not parse_route("GET /").serves("HEAD")
    assert parse_route("WS $connect").verbs == ("WS",)


@pytest.mark.parametrize(
    ("route", "path", "parameters"),
    [
        ("GET /", (), {}),
        ("GET /", ("a",), None),
        ("GET /a", ("a",), {}),
        ("GET /a", ("A",), None),
        ("GET /a", (), None),
        ("GET /{x}", ("1",), {"x": "1"}),
        ("GET /{x}", ("",), None),
        ("GET /{x}/b", ("1", "c"), None),
        ("GET /{x}", ("1", "2"), None),
        ("GET /a/{r+}", ("a", "1", "2"), {"r": "1/2"}),
        ("GET /a/{r+}", ("a",), None),
        ("GET /a/{r+}", ("a", ""), None),
        ("GET /{x}/{r+}", ("1", "2"), {"x": "1", "r": "2"}),
    ],
)
def test_fit(route: str, path: tuple[str, ...], parameters: dict[str, str] | None) -> None:
    assert parse_route(route).fit(path) == parameters


@pytest.mark.parametrize(
    ("verb", "path"), [("TRACE", ("a",)), ("get", ("a",)), ("ANY", ("a",)), ("GET", ("",)), ("GET", ("a", "", "b")), ("WS", ("a",))]
)
def test_no_match_for_other_verbs_and_empty_segments(verb: str, path: tuple[str, ...]) -> None:
    assert catalog("ANY /a", "ANY /{r+}", "WS a").match(verb, path) is None
    assert catalog("ANY /a", "ANY /{r+}").match("GET", ("a",)) is not None


def test_a_match_names_route_and_parameters() -> None:
    match = catalog("GET /a/{id}", "GET /a/{id}/{r+}").match("GET", ("a", "1", "2", "3"))
    assert match is not None
    assert str(match.route) == "GET /a/{id}/{r+}"
    assert match.parameters == {"id": "1", "r": "2/3"}


def test_find_goes_by_shape_and_prefers_the_verb() -> None:
    routes = catalog("ANY /a/{x}", "GET /a/{y}", "POST /b/{r+}", "WS $connect", "WS b")
    assert str(routes.find("GET", "/a/{z}")) == "GET /a/{y}"
    assert str(routes.find("POST", "/a/{z}")) == "ANY /a/{x}"
    assert str(routes.find("POST", "/b/{proxy+}")) == "POST /b/{r+}"
    assert str(routes.find("WS", "$connect")) == "WS $connect"
    for verb, path in [
        ("GET", "/a/x"),
        ("GET", "/a/{z+}"),
        ("GET", "/b/{r+}"),
        ("POST", "/b/{r}"),
        ("WS", "$default"),
        ("TRACE", "/a/{x}"),
        ("GET", "$connect"),
        ("GET", "/a//"),
    ]:
        assert routes.find(verb, path) is None, (verb, path)


def test_below_a_greedy_route_is_whatever_it_would_take_in() -> None:
    routes = catalog("GET /", "GET /f", "GET /f/{r+}", "POST /f/a", "ANY /f/b", "GET /{x}/c", "GET /g/{x}", "WS f")
    assert list(map(str, routes.below("/f/{proxy+}", "GET"))) == ["ANY /f/b", "GET /{x}/c"]
    assert list(map(str, routes.below("/f/{proxy+}", "POST"))) == ["POST /f/a", "ANY /f/b"]
    assert list(map(str, routes.below("/{proxy+}", "POST"))) == ["POST /f/a", "ANY /f/b"]
    assert routes.below("/f/{proxy+}/more", "GET") == ()
    assert routes.below("{proxy+}", "GET") == ()
    for path, verb in (("/f/{proxy+}", "GET"), ("/f/{proxy+}", "PUT"), ("/g/{proxy+}", "GET"), ("/g/{proxy+}", "PUT"), ("{proxy+}", "GET")):
        for _ in range(2):
            assert routes.covers_others(path, verb) is bool(routes.below(path, verb)), (path, verb)
    assert not routes.covers_others("/f/{proxy+}", "MADEUP")


def test_what_is_remembered_of_greedy_routes_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.policy.route.MAX_KEPT", 1)
    routes = catalog("ANY /{proxy+}", "GET /a")
    for _ in range(2):
        assert routes.covers_others("/{proxy+}", "GET")
        assert not routes.covers_others("/{proxy+}", "PUT")
        assert str(routes.find("GET", "/a")) == "GET /a"
        assert str(routes.find("GET", "/{other+}")) == "ANY /{proxy+}"
        assert routes.find("GET", "/b") is None
    assert (len(routes._covers_others), len(routes._found)) == (1, 1)


def test_reserved_words_are_the_literals_of_siblings() -> None:
    routes = catalog(
        "GET /o/{id}", "POST /o/me", "GET /o/all/of", "GET /{any}/it", "GET /p/not", "GET /o/{id}/p/{q}", "WS o", "GET /{any}/{id}/p/deep"
    )
    find = {str(route): route for route in routes.routes}
    assert routes.reserved_words(find["GET /o/{id}"]) == {"id": {"me", "all", "it"}}
    assert routes.reserved_words(find["GET /{any}/it"]) == {"any": {"o", "p"}}
    assert routes.reserved_words(find["GET /o/{id}/p/{q}"]) == {"id": {"me", "all", "it"}, "q": {"deep"}}
    assert routes.reserved_words(find["POST /o/me"]) == {}
    assert routes.reserved_words(find["GET /o/{id}"]) == {"id": {"me", "all", "it"}}, "the same when asked again"


def test_routes_are_in_a_fixed_order_and_once() -> None:
    texts = ["GET /", "POST /", "ANY /", "GET /a", "GET /a/b", "GET /b", "GET /{x}", "WS a"]
    assert list(map(str, catalog(*reversed(texts), *texts).routes)) == texts


@pytest.mark.parametrize(("one", "other"), [("GET /a/{x}", "GET /a/{y}"), ("GET /{x+}", "GET /{y+}")])
def test_one_route_under_two_names_is_refused(one: str, other: str) -> None:
    with pytest.raises(RouteSyntaxError, match=re.escape(f"`{other}` and `{one}` are one route to API Gateway")):
        catalog(one, other)


def test_a_level_that_lacks_the_verb_gives_way_to_a_wider_one() -> None:
    match = catalog("GET /a/b", "ANY /a/{x}", "POST /{r+}").match("POST", ("a", "b"))
    assert match is not None
    assert str(match.route) == "ANY /a/{x}"


def test_matching_is_not_slowed_by_many_ways_to_fail() -> None:
    depth = 40
    routes = RouteCatalog(
        RouteTemplate("GET", tuple(Segment(kind, "a" if kind is SegmentKind.LITERAL else f"p{n}") for n in range(depth)))
        for kind in (SegmentKind.LITERAL, SegmentKind.PARAMETER)
    )
    assert routes.match("GET", ("a",) * (depth - 1)) is None
    assert routes.match("GET", ("a",) * (depth - 1) + ("b",)) is not None


def test_parse_path() -> None:
    assert parse_path("/") == ()
    with pytest.raises(RouteSyntaxError, match="must start with `/`"):
        parse_path("")


@pytest.mark.parametrize(
    ("route", "path", "expected"),
    [
        ("GET /pets/{id}", "pets/a", True),
        ("GET /pets/{id}", "pets/a/b/c", True),
        ("GET /pets/{id}", "pets", False),
        ("GET /pets/{id}", "cats/a", False),
        ("GET /{a}/x/{b}", "1/x/x/2", True),
        ("GET /{a}/x/{b}", "1/2/3/x", False),
        ("GET /{a}/x", "1/x/2/x", True),
        ("GET /{a}/x/{rest+}", "1/2/x/y", True),
        ("GET /{a}/{b}", "1", False),
        ("GET /pets", "pets", True),
        ("GET /pets", "pets/a", False),
    ],
)
def test_what_a_path_may_have_been_before_it_was_decoded(route: str, path: str, *, expected: bool) -> None:
    found = catalog(route).match_decoded("GET", tuple(path.split("/")))
    assert [*map(str, found)] == ([route] if expected else [])


def test_long_paths_cost_little() -> None:
    routes = catalog("GET /" + "/".join(f"{{p{n}}}" for n in range(30)) + "/end")
    assert not [*routes.match_decoded("GET", ("a",) * 4000)]
