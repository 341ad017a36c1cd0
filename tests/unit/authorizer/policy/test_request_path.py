"""What `resolve` says besides the answer that decisions show: parameters as they stand in the path, and what the answer is about."""

import pytest

from authorizer.policy.request_path import Unroutable, resolve, resolve_route_key
from authorizer.policy.route import RouteCatalog, parse_route

CATALOG = RouteCatalog(parse_route(text) for text in ["GET /a/{id}", "GET /a/me", "GET /f/{x}/{rest+}", "WS $connect"])


@pytest.mark.parametrize("told", [None, "/a/{id}", "/a/{other}"])
@pytest.mark.parametrize("exact", [True, False])
def test_parameters_are_the_text_as_sent_under_the_names_of_the_catalogue(told: str | None, exact: bool) -> None:
    target = resolve(CATALOG, "GET", "a/x%20y/", told, exact=exact)
    assert target.problem is None
    assert str(target.route) == "GET /a/{id}"
    assert target.parameters == {"id": "x%20y"}
    assert not target.only_requested


def test_a_greedy_parameter_holds_the_rest() -> None:
    target = resolve(CATALOG, "GET", "f/1/2/3%2F4", "/f/{x}/{rest+}", exact=False)
    assert target.parameters == {"x": "1", "rest": "2/3%2F4"}


def test_a_path_that_does_not_fit_the_told_route_is_still_about_that_route() -> None:
    target = resolve(CATALOG, "GET", "a/1/2", "/a/{id}", exact=False)
    assert (target.problem, str(target.route), target.parameters) == (Unroutable.PATH_MISMATCH, "GET /a/{id}", {})


@pytest.mark.parametrize("path", ["a/..", "a//1", "a/%2A"])
def test_an_unsafe_path_is_about_no_route_unless_one_was_told(path: str) -> None:
    assert resolve(CATALOG, "GET", path, None, exact=True).route is None
    told = resolve(CATALOG, "GET", path, "/a/{id}", exact=True)
    assert (told.problem, str(told.route)) == (Unroutable.UNSAFE_PATH, "GET /a/{id}")


def test_an_unknown_verb_comes_before_everything() -> None:
    target = resolve(CATALOG, "BREW", "a/..", "/nowhere", exact=True)
    assert (target.verb, target.route, target.problem) == ("BREW", None, Unroutable.NO_ROUTE)


def test_reason_codes_are_stable() -> None:
    assert [str(reason) for reason in Unroutable] == ["no_route", "catalogue_drift", "path_mismatch", "unsafe_path", "path_too_long"]


def test_a_route_key_is_a_route_or_the_catalogue_lacks_it() -> None:
    catalog = RouteCatalog([parse_route("WS $connect"), parse_route("WS sendMessage"), parse_route("GET /sendMessage")])
    target = resolve_route_key(catalog, "sendMessage")
    assert (str(target.route), target.verb, target.problem) == ("WS sendMessage", "WS", None)
    for key in ("", "$default", "sendmessage", "sendMessage ", "/sendMessage", "*"):
        target = resolve_route_key(catalog, key)
        assert (target.route, target.problem) == (None, Unroutable.CATALOGUE_DRIFT)


SLASHED = RouteCatalog(list(map(parse_route, ["GET /pets", "GET /o/{id}", "GET /files/{rest+}", "GET /"])))


@pytest.mark.parametrize(
    ("path", "told", "route", "parameters", "problem"),
    [
        # The gateway says that it is this route: the slash is dropped, or part of the value at the end.
        ("pets/", "/pets", "GET /pets", {}, None),
        ("o/u1/", "/o/{id}", "GET /o/{id}", {"id": "u1/"}, None),
        ("files/a/", "/files/{rest+}", "GET /files/{rest+}", {"rest": "a/"}, None),
        # It says that something else takes in the rest, or nothing.
        ("pets/", "/{all+}", None, {}, Unroutable.UNSAFE_PATH),
        ("pets/", None, None, {}, Unroutable.UNSAFE_PATH),
        ("o/u1/", "/{all+}", None, {}, Unroutable.UNSAFE_PATH),
        ("o/u1/", None, None, {}, Unroutable.UNSAFE_PATH),
        ("files/a/", None, "GET /files/{rest+}", {"rest": "a/"}, None),
        # What has no route, or is unsafe anyhow, stays what it is.
        ("nowhere/", None, None, {}, Unroutable.NO_ROUTE),
        ("o/%2E%2E/", "/o/{id}", "GET /o/{id}", {}, Unroutable.UNSAFE_PATH),
        ("/", "/", "GET /", {}, None),
        # Two slashes are not the root, unless the gateway takes them for it.
        ("/", None, None, {}, Unroutable.UNSAFE_PATH),
        ("/", "/{all+}", None, {}, Unroutable.UNSAFE_PATH),
    ],
)
def test_where_a_slash_at_the_end_may_count_it_leads_past_no_route(
    path: str, told: str | None, route: str | None, parameters: dict[str, str], problem: Unroutable | None
) -> None:
    target = resolve(SLASHED, "GET", path, told, exact=True, http=True)
    assert (target.route and str(target.route), target.parameters, target.problem) == (route, parameters, problem)
    plain = resolve(SLASHED, "GET", path.removesuffix("/"), told, exact=True, http=True)
    assert plain == resolve(SLASHED, "GET", path.removesuffix("/"), told, exact=True)
    if path != "/":
        assert "/" not in "".join(resolve(SLASHED, "GET", path, told, exact=True).parameters.values())


CROSSED = RouteCatalog(map(parse_route, ["GET /a/{rest+}", "GET /{id}/b"]))


@pytest.mark.parametrize(
    ("path", "told", "rest", "http"),
    [
        ("a/b", "/{id}/b", Unroutable.PATH_MISMATCH, {"id": "a"}),
        ("%61/b", "/{id}/b", Unroutable.UNSAFE_PATH, {"id": "%61"}),
        ("a/b", "/a/{rest+}", {"rest": "b"}, {"rest": "b"}),
        # The told route must take every spelling.
        ("a%2Fb/b", "/{id}/b", Unroutable.UNSAFE_PATH, Unroutable.UNSAFE_PATH),
        ("a/x", "/{id}/b", Unroutable.PATH_MISMATCH, Unroutable.PATH_MISMATCH),
    ],
)
def test_an_http_api_may_prefer_a_full_match_to_a_greedy_one(path: str, told: str, rest: object, http: object) -> None:
    for expected, is_http in ((rest, False), (http, True)):
        target = resolve(CROSSED, "GET", path, told, exact=True, http=is_http)
        assert (target.problem or target.parameters) == expected
        assert target.route == CROSSED.find("GET", told) or target.problem is not None
