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
