"""The measurements say what can be worked out by hand, policies are no larger than a listing that is right, and work grows as promised, in calls."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.performance import token_scope_tables as tables
from tests.performance.permission_sets import KINDS, Api, PermissionSet, api_of, by_depth, permission_sets, read_apis, subtrees, tags
from tests.performance.plain_reach import PlainReach
from tests.performance.token_scope_measures import Measure, Part, answer, catalog_of, grounds_of, listing, measure, measures
from tests.performance.token_scope_report import main, report
from tests.performance.token_scope_scaling import Series, calls_of, one_stem, per_doubling, resources

SANDWICH = ("GET /repos/{repo}", "GET /repos/{repo}/{issue}", "GET /repos/{repo}/{issue}/{comment}")
PETS = ("GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}", "GET /pets/{petId}/owner")
FLAT = ("GET /a", "POST /a", "GET /b", "POST /b")
ME = ("GET /users/me", "GET /users/{id}")
EXCEPTIONS = ("GET /{y}/{z}", "GET /a/{x}", "GET /a/b")
REST = ("GET /x/{y}", "GET /x/{rest+}")
FILES = ("GET /files/{path+}", "GET /files/{id}/meta")


def measured(routes: Iterable[str], allowed: Iterable[str]) -> Measure:
    api = Api("x", tuple(routes))
    parts = [Part(part) for part in by_depth(routes).values()]
    return measure(api, Part(routes), parts, PermissionSet("single route", frozenset(allowed)))


@pytest.mark.parametrize(
    ("routes", "allowed", "allows", "guards", "opened", "by_depth_allows", "by_depth_guards"),
    [
        (SANDWICH, [0], False, True, 2, True, True),
        (SANDWICH, [1], False, True, 1, True, True),
        (SANDWICH, [2], True, True, 0, True, True),
        (SANDWICH, [0, 1], False, True, 1, True, True),
        (SANDWICH, [0, 2], False, False, 1, True, True),
        (SANDWICH, [1, 2], True, True, 0, True, True),
        (SANDWICH, [0, 1, 2], True, True, 0, True, True),
        (PETS, [2], False, True, 1, True, True),
        (PETS, [2, 4], True, True, 0, True, True),
        (PETS, [1, 3], True, True, 0, True, True),
        (FLAT, [0, 3], True, True, 0, True, True),
        (ME, [0], True, True, 0, True, True),
        (ME, [1], False, True, 1, False, True),
        (EXCEPTIONS, [0], False, True, 2, False, True),
        (EXCEPTIONS, [0, 2], False, False, 1, False, False),
        (FILES, [0], False, False, 1, True, True),
        (FILES, [1], False, True, 1, True, True),
        (REST, [1], True, True, 1, True, True),
        (REST, [0], False, True, 1, True, True),
    ],
)
def test_what_can_be_said_and_what_the_listing_opens_is_what_one_finds_by_hand(
    routes: tuple[str, ...],
    allowed: list[int],
    allows: bool,
    guards: bool,
    opened: int,
    by_depth_allows: bool,
    by_depth_guards: bool,
) -> None:
    found = measured(routes, [routes[number] for number in allowed])

    assert (found.whole.allows_do, found.whole.guards_do, found.whole.opened) == (allows, guards, opened)
    assert all(part.allows_do for part in found.parts) == by_depth_allows
    assert all(part.guards_do for part in found.parts) == by_depth_guards


def test_a_verb_is_its_own_world() -> None:
    assert measured(("GET /a/{x}", "POST /a/{x}/b"), ["GET /a/{x}"]).whole.opened == 0


def test_a_listing_that_a_slash_too_many_gets_past_is_not_right() -> None:
    # `GET/pets/*` matches `GET/pets/`, which a REST API serves by `GET /pets`.
    assert not measured(PETS, [PETS[2], PETS[4]]).whole.is_listing_right
    assert measured(PETS, [PETS[0], PETS[2], PETS[4]]).whole.is_listing_right
    assert measured(PETS, [PETS[3]]).whole.is_listing_right


def test_the_listing_has_one_resource_for_each_route_and_a_star_for_each_parameter() -> None:
    prefix = "arn:aws:execute-api:eu-central-1:123456789012:a1b2c3d4e5/prod/"
    resources_of_two = [f"{prefix}DELETE/pets/*", f"{prefix}GET/files/*/meta"]
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources_of_two}

    found = measured(FILES + PETS, [FILES[1], PETS[3]])

    assert listing([FILES[1], PETS[3]]) == {"Version": "2012-10-17", "Statement": [statement]}
    assert found.listing_bytes == len(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))


def test_where_the_listing_is_right_the_policy_is_the_listing() -> None:
    found = measured(PETS, [PETS[0], PETS[3]])

    assert found.our_bytes == found.listing_bytes


def test_where_both_are_right_and_much_is_allowed_the_policy_is_smaller() -> None:
    routes = resources(30)
    found = measured(routes, [route for route in routes if route.startswith("GET ")])

    assert found.our_bytes is not None
    assert found.our_bytes < found.listing_bytes / 50


@pytest.mark.parametrize(
    ("pattern", "opened"),
    [
        (("a", "*"), {"/a/{x}", "/a/b", "/a/{x}/c", "/a/b/{y}", "/{rest+}"}),
        (("a", "b"), {"/a/b"}),
        (("*", "c"), {"/a/{x}", "/a/{x}/c", "/a/b/{y}", "/{rest+}"}),
        (("a", "v"), {"/a/{x}"}),
        (("z",), {"/{rest+}"}),
        (("*",), {"/a/{x}", "/a/b", "/a/{x}/c", "/a/b/{y}", "/{rest+}"}),
    ],
)
def test_a_pattern_opens_the_routes_that_serve_what_it_matches(pattern: tuple[str, ...], opened: set[str]) -> None:
    paths = ["/a/{x}", "/a/b", "/a/{x}/c", "/a/b/{y}", "/{rest+}"]
    found = PlainReach(paths).opened(pattern)

    assert {path for number, path in enumerate(paths) if found >> number & 1} == opened


def test_the_rows_of_the_tables_are_shares_of_sets() -> None:
    found = list(measures(Api("x", SANDWICH)))

    # One of three routes can be allowed by itself, and the others open 2 of 2 and 1 of 2 routes: 66.7 % of the sets, 50 % on average.
    assert "| single route | 3 | 33.3 % | 100.0 % | 100.0 % | 100.0 % |" in tables.expressible(found).splitlines()
    assert "| single route | 3 | 66.7 % | 50.0 % | 0.0 % |" in tables.opened(found).splitlines()
    # The only prefix that not all routes have is that of the second and third: together they can be said, the first alone cannot.
    assert "| prefix subtree | 1 | 100.0 % | 100.0 % | 100.0 % | 100.0 % |" in tables.expressible(found).splitlines()
    assert "| all but a subtree | 1 | 0.0 % | 100.0 % | 100.0 % | 100.0 % |" in tables.expressible(found).splitlines()
    assert "| all but a subtree | 1 | 100.0 % | 100.0 % | 0.0 % |" in tables.opened(found).splitlines()


def test_sets_are_the_same_in_every_run_and_of_every_kind() -> None:
    api = Api("x", tuple(resources(4)))

    assert list(permission_sets(api)) == list(permission_sets(api))
    assert {found.kind for found in permission_sets(api)} == {*KINDS}


def test_a_tag_is_the_first_word_after_what_all_paths_start_with() -> None:
    words = ("pets", "pets/{id}", "pets/{id}/owner", "owners", "{any}/log")
    routes = [f"GET /api/v1/{word}" for word in words]

    assert {tag: len(found) for tag, found in tags(routes).items()} == {"pets": 3, "owners": 1, "log": 1}


def test_a_subtree_has_more_than_one_route_and_not_all() -> None:
    assert subtrees(PETS) == {("pets", "{}"): frozenset(PETS[2:])}


def test_a_route_that_api_gateway_could_not_have_is_left_out_and_named() -> None:
    assert api_of("x", [("GET", "/a"), ("GET", "/a.{format}")]) == Api("x", ("GET /a",), ("GET /a.{format}",))


def calls_for(routes: list[str], left_out: str = "") -> int:
    """The calls of one answer about a new catalogue, with all routes allowed that are reads and not left out."""
    grounds = grounds_of(catalog_of(routes), [route for route in routes if route.startswith("GET ") and route != left_out])
    answer(grounds_of(catalog_of(routes), [p.selector for p in grounds.permissions]))  # so that texts are parsed already
    return calls_of(lambda: answer(grounds))


def test_work_on_a_well_kept_api_grows_with_its_routes() -> None:
    few, many = resources(30), resources(120)
    assert (len(few), len(many)) == (300, 1200)

    assert per_doubling((300, calls_for(few)), (1200, calls_for(many))) < 2.2


def test_work_on_routes_that_all_meet_grows_with_the_square_at_most() -> None:
    assert per_doubling((12, calls_for(one_stem(12), "GET /apart")), (48, calls_for(one_stem(48), "GET /apart"))) < 4.2


def test_a_known_catalogue_costs_a_fraction_of_a_new_one() -> None:
    routes = resources(30)
    grounds = grounds_of(catalog_of(routes), routes)
    new = calls_of(lambda: answer(grounds))

    assert calls_of(lambda: answer(grounds)) < new / 2


def test_the_page_holds_what_was_measured_and_nothing_of_the_machine(tmp_path: Path) -> None:
    apis = [Api("sandwich", SANDWICH), Api("pets", PETS, ("GET /a.{format}",))]
    series = Series("small", "everything", lambda size, _: (resources(size // 10), resources(size // 10)), sizes=(10, 20, 300), samples=1)

    page = report(apis, [found for api in apis for found in measures(api)], [(series, list(series.points()))])

    assert "over 2 public APIs\n(sandwich, pets; 8 routes)" in page
    assert "Left out, since API Gateway could not have it: `GET /a.{format}` of pets." in page
    assert page.count("\n| --- |") == 8
    assert "- small, everything: " in page
    assert str(Path.cwd()) not in page


def test_without_catalogues_there_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--catalogues", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "no catalogues: name a folder with --catalogues or GATEBOOK_CATALOGS\n"


def test_over_real_apis_compiler_and_search_agree_and_no_policy_is_larger_than_a_listing_that_is_right() -> None:
    folder = Path(os.environ.get("GATEBOOK_CATALOGS", ""))
    apis = read_apis(folder) if "GATEBOOK_CATALOGS" in os.environ and folder.is_dir() else []
    if not apis:
        pytest.skip("GATEBOOK_CATALOGS names no folder with catalogues")  # they are not part of the repository

    # `measures` itself raises where compiler and search differ.
    found = [one for api in apis for one in measures(api, most=1)]

    right = [one for one in found if one.whole.is_listing_right and one.our_bytes is not None]
    assert len(right) > 2 * len(apis)
    assert [(one.api, one.kind) for one in right if (one.our_bytes or 0) > one.listing_bytes] == []
