"""What differs between a catalogue and what is deployed, one kind after the other. Expected answers are written by hand."""

import random

import pytest

from admin_api.analysis.drift import RULES, DriftReport, Kind, Severity, drift, route_pointers
from admin_api.analysis.found_routes import FoundRoute, FoundRoutes, Guard, NotTaken
from authorizer.policy.document import parse_document
from authorizer.policy.route import parse_route

NOW = 1_790_000_000.0

AUTH, OTHER, NONE, OPEN, UNKNOWN = Guard.AUTHORIZER, Guard.OTHER, Guard.NONE, Guard.OPEN, Guard.UNKNOWN


def deployed(*routes: str | tuple[str, Guard], not_taken: tuple[NotTaken, ...] = (), notes: tuple[str, ...] = ()) -> FoundRoutes:
    """Routes with their guard, an authorizer if nothing else is said."""
    each = [(text, AUTH) if isinstance(text, str) else text for text in routes]
    found = tuple(FoundRoute(parse_route(text), guard, text, f"api/prod {text}") for text, guard in each)
    return FoundRoutes("petstore", found, not_taken, "rest", notes)


def document(*routes: object, **fields: object) -> dict[str, object]:
    """A document in which everyone may call everything, if nothing else is said."""
    return {"api": "petstore", "routes": list(routes), "everyone": {"allow": ["* /**"]}, **fields}


def report(written: dict[str, object], found: FoundRoutes) -> DriftReport:
    return drift(parse_document(written), found, NOW, written)


def told(written: dict[str, object], found: FoundRoutes) -> list[tuple[str, str, str, str]]:
    """Severity, kind, route and place in the document of each difference."""
    return [(each.severity.value, each.kind.value, each.route, each.pointer) for each in report(written, found).differences]


PUBLIC = {"route": "GET /health", "public": True}


def test_what_is_alike_differs_in_nothing() -> None:
    written = document("GET /pets", "ANY /files/{proxy+}", PUBLIC)
    found = deployed("GET /pets", "ANY /files/{proxy+}", ("GET /health", NONE), notes=("told by the source",))
    assert report(written, found) == DriftReport((), ("told by the source",), 3)


def test_a_source_that_says_nothing_of_guards_is_not_judged_by_them() -> None:
    assert told(document("GET /pets", PUBLIC), deployed(("GET /pets", UNKNOWN), ("GET /health", UNKNOWN))) == []


@pytest.mark.parametrize("text", ["GET /owners", "GET /pets/{petId}/notes", "DELETE /pets", "GET /files/{proxy+}"])
def test_a_route_that_the_catalogue_lacks_is_an_error(text: str) -> None:
    assert told(document("GET /pets", "GET /pets/{petId}"), deployed("GET /pets", "GET /pets/{petId}", text)) == [
        ("error", "unknown", text, "/routes")
    ]


def test_a_lacking_route_behind_another_guard_cannot_be_let_through() -> None:
    assert told(document("GET /pets"), deployed("GET /pets", ("GET /owners", OTHER))) == [("warning", "unknown", "GET /owners", "/routes")]


def test_verbs_that_the_catalogue_lacks_are_named() -> None:
    found = report(document("GET /pets", "POST /pets"), deployed("ANY /pets"))
    [one] = found.differences
    assert (one.severity, one.kind, one.route) == (Severity.WARNING, Kind.UNKNOWN, "ANY /pets")
    assert one.message.startswith("`ANY /pets` with HEAD OPTIONS PUT PATCH DELETE is deployed and not in the catalogue")


def test_an_any_of_which_single_verbs_are_deployed_is_a_note() -> None:
    assert report(document("ANY /pets"), deployed("GET /pets", "POST /pets")) == DriftReport(
        (), ("of ANY /pets only GET POST is deployed",), 2
    )


def test_a_route_that_is_not_deployed_is_gone() -> None:
    assert told(document("GET /pets", "POST /pets", {"route": "GET /old", "public": True}), deployed("GET /pets")) == [
        ("warning", "gone", "GET /old", "/routes/2"),
        ("warning", "gone", "POST /pets", "/routes/1"),
    ]


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("GET /v1/pets/{petId}", "GET /v2/pets/{petId}"),
        ("GET /pets/{petId}/note", "GET /pets/{petId}/notes"),
        ("GET /user", "GET /users"),
        ("ANY /files/{proxy+}", "ANY /file/{proxy+}"),
    ],
)
def test_a_route_with_another_word_in_one_place_was_renamed(was: str, now: str) -> None:
    [one] = report(document("GET /health", was), deployed("GET /health", now)).differences
    assert (one.severity, one.kind, one.route, one.pointer, one.place) == (
        Severity.ERROR,
        Kind.RENAMED,
        was,
        "/routes/1",
        f"api/prod {now}",
    )
    assert now in one.message


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("GET /users", "GET /orders"),  # nothing is shared
        ("GET /pets", "POST /pets"),  # another method
        ("GET /v1/pets", "POST /v2/pets"),
        ("GET /pets/list", "GET /pets/{petId}"),  # no word in place of a word
        ("GET /a/b/c", "GET /a/x/y"),  # two places
        ("GET /a/b", "GET /a/b/c"),
    ],
)
def test_two_routes_that_share_too_little_are_two_differences(was: str, now: str) -> None:
    found = told(document("GET /health", was), deployed("GET /health", now))
    assert found == [("error", "unknown", now, "/routes"), ("warning", "gone", was, "/routes/1")]


def test_a_route_that_takes_requests_of_another_is_no_new_name() -> None:
    found = told(document("GET /v1/pets", "GET /{version}/pets"), deployed("GET /v2/pets", "GET /{version}/pets"))
    assert found == [("error", "shadowed", "GET /v2/pets", "/routes"), ("warning", "gone", "GET /v1/pets", "/routes/0")]


def test_a_renamed_route_has_one_candidate() -> None:
    found = told(document("GET /v1/pets"), deployed("GET /v2/pets", "GET /v3/pets"))
    assert [kind for _, kind, _, _ in found] == ["unknown", "unknown", "gone"]
    found = told(document("GET /v1/pets", "GET /v2/pets"), deployed("GET /v3/pets"))
    assert [kind for _, kind, _, _ in found] == ["unknown", "gone", "gone"]


def test_an_unguarded_route_is_no_new_name_for_a_guarded_one() -> None:
    found = told(document("GET /v1/pets"), deployed(("GET /v2/pets", NONE)))
    assert [kind for _, kind, _, _ in found] == ["unguarded", "gone"]


def test_another_name_of_a_parameter_is_a_warning() -> None:
    """The authorizer compares parameters by their places."""
    written = document(
        "GET /owners/{ownerId}/pets", everyone={"allow": [{"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]}
    )
    assert told(written, deployed("GET /owners/{id}/pets")) == [("warning", "renamed", "GET /owners/{ownerId}/pets", "/routes/0")]


@pytest.mark.parametrize(("bound", "severity"), [("ownerId", "error"), ("petId", "error"), (None, "warning")])
def test_a_bound_parameter_in_another_place_is_an_error(bound: str | None, severity: str) -> None:
    """`where: {ownerId: sub}` would compare the pet."""
    text = "GET /x/{ownerId}/{petId}"
    allow: object = {"route": text, "where": {bound: "sub"}} if bound else text
    written = document(text, everyone={"allow": [allow]})
    assert told(written, deployed("GET /x/{petId}/{ownerId}")) == [(severity, "renamed", text, "/routes/0")]


def test_a_bound_parameter_in_its_own_place_does_not_count() -> None:
    text = "GET /x/{ownerId}/{petId}/{noteId}"
    written = document(text, everyone={"allow": [{"route": text, "where": {"noteId": "sub"}}]})
    assert told(written, deployed("GET /x/{petId}/{ownerId}/{noteId}")) == [("warning", "renamed", text, "/routes/0")]


def test_a_binding_of_another_route_does_not_count() -> None:
    routes = ("GET /x/{a}/{b}", "GET /y/{a}/{b}")
    written = document(*routes, everyone={"allow": [routes[0], {"route": routes[1], "where": {"a": "sub"}}]})
    assert told(written, deployed("GET /x/{b}/{a}", routes[1])) == [("warning", "renamed", routes[0], "/routes/0")]


def test_a_deployed_route_that_nobody_may_call_is_uncovered() -> None:
    written = document("GET /pets", "POST /pets", "GET /gone", groups={"a": {"allow": ["GET /pets"]}}, everyone=None)
    assert told(written, deployed("GET /pets", "POST /pets")) == [
        ("warning", "gone", "GET /gone", "/routes/2"),
        ("warning", "uncovered", "POST /pets", "/routes/1"),
    ]


@pytest.mark.parametrize(
    ("route", "guard", "kind"),
    [("GET /pets", NONE, "unguarded"), ("GET /pets", OPEN, "unguarded"), (PUBLIC, AUTH, "guarded_public"), (PUBLIC, NONE, None)],
)
def test_what_anybody_may_call_is_not_uncovered(route: object, guard: Guard, kind: str | None) -> None:
    text = route["route"] if isinstance(route, dict) else route
    found = told(document(route, everyone=None), deployed((str(text), guard)))
    assert [each[1] for each in found] == ([kind] if kind else [])


def test_what_ended_covers_nothing() -> None:
    written = document("GET /pets", everyone={"allow": [{"route": "GET /pets", "until": "2020-01-01T00:00:00Z"}]})
    assert told(written, deployed("GET /pets")) == [("warning", "uncovered", "GET /pets", "/routes/0")]


@pytest.mark.parametrize(
    ("wide", "narrow", "shadowed"),
    [
        ("ANY /files/{proxy+}", "GET /files/list", True),
        ("GET /pets/{petId}", "GET /pets/export", True),
        ("ANY /{proxy+}", "GET /a/{b}/{c+}", True),
        ("GET /pets/{petId}", "GET /pets/{proxy+}", False),  # it takes more than the other
        ("GET /pets/{petId}/{noteId}", "GET /pets/{proxy+}", False),
        ("GET /pets/{petId}", "POST /pets/export", False),
        ("GET /pets/export", "GET /pets/{petId}", False),  # the catalogue has the more specific one
    ],
)
def test_a_more_specific_route_takes_requests_of_a_wider_one(wide: str, narrow: str, shadowed: bool) -> None:
    found = told(document(wide), deployed(wide, narrow))
    assert found == [("error", "shadowed" if shadowed else "unknown", narrow, "/routes")]


def test_a_catalogue_finer_than_the_gateway_is_served_by_its_greedy_route() -> None:
    """So it is with one route before a whole application. The greedy route itself is worth listing, and no more."""
    found = report(document("GET /pets", "GET /pets/{petId}"), deployed("ANY /{proxy+}"))
    assert [(each.severity, each.kind, each.route) for each in found.differences] == [(Severity.WARNING, Kind.UNKNOWN, "ANY /{proxy+}")]
    assert found.notes == (
        "served by a greedy route, as GET /pets by ANY /{proxy+}: GET /pets, GET /pets/{petId}; such an API needs `request` scope",
    )
    assert told(document("GET /pets", "ANY /{proxy+}"), deployed("ANY /{proxy+}")) == []


@pytest.mark.parametrize(
    ("route", "guard", "expected"),
    [
        ("GET /pets", NONE, [("error", "unguarded")]),
        ("GET /pets", OPEN, [("error", "unguarded")]),
        ("GET /pets", OTHER, [("warning", "unguarded")]),
        ("GET /pets", UNKNOWN, []),
        (PUBLIC, NONE, []),
        (PUBLIC, OPEN, []),
        (PUBLIC, AUTH, [("warning", "guarded_public")]),
        (PUBLIC, OTHER, [("warning", "guarded_public")]),
    ],
)
def test_the_guard_agrees_with_the_document(route: object, guard: Guard, expected: list[tuple[str, str]]) -> None:
    text = route["route"] if isinstance(route, dict) else route
    assert told(document(route), deployed((str(text), guard))) == [(*each, text, "/routes/0") for each in expected]


def test_an_unguarded_route_that_the_catalogue_lacks_is_one_error() -> None:
    assert told(document("GET /pets"), deployed("GET /pets", ("GET /admin", NONE))) == [("error", "unguarded", "GET /admin", "/routes")]


@pytest.mark.parametrize("guard", [NONE, OPEN])
def test_preflights_are_a_note(guard: Guard) -> None:
    found = deployed("GET /pets", ("OPTIONS /pets", guard), ("OPTIONS /{proxy+}", guard))
    notes = ("taken for a browser's preflight, which nobody guards: OPTIONS /pets, OPTIONS /{proxy+}",)
    assert report(document("GET /pets"), found) == DriftReport((), notes, 3)


def test_an_options_route_behind_the_authorizer_is_no_preflight() -> None:
    assert told(document("GET /pets"), deployed("GET /pets", "OPTIONS /pets")) == [("error", "unknown", "OPTIONS /pets", "/routes")]


def test_a_preflight_beside_any_is_one_too() -> None:
    assert told(document("ANY /pets"), deployed("ANY /pets", ("OPTIONS /pets", NONE))) == []


def test_an_options_route_that_the_document_guards_is_no_preflight() -> None:
    assert told(document("OPTIONS /pets"), deployed(("OPTIONS /pets", NONE))) == [("error", "unguarded", "OPTIONS /pets", "/routes/0")]


def test_what_nothing_was_compared_with_is_a_difference() -> None:
    """Else a source that cannot be read would differ in nothing."""
    left = NotTaken("api/prod GET /a%2Fb", "`GET /a%2Fb`: no literal")
    assert told(document("GET /pets"), deployed("GET /pets", not_taken=(left,))) == [("warning", "unread", left.place, "/routes")]


def test_websocket_routes_are_compared_by_their_keys() -> None:
    written = document("WS $connect", "WS old", everyone={"allow": ["WS *"]})
    assert told(written, deployed("WS $connect", "WS sendMessage")) == [
        ("error", "unknown", "WS sendMessage", "/routes"),
        ("warning", "gone", "WS old", "/routes/1"),
    ]


def test_an_api_without_routes_has_lost_all() -> None:
    assert told(document("GET /pets"), deployed()) == [("warning", "gone", "GET /pets", "/routes/0")]


def test_places_are_those_of_the_written_document() -> None:
    written = document("GET /z", {"route": "GET /a/{b}"}, "nonsense", 7, None, "GET /a/{c}")
    shapes = {f"{method} {len(shape)}": pointer for (method, shape), pointer in route_pointers(written).items() if isinstance(shape, tuple)}
    assert shapes == {"GET 1": "/routes/0", "GET 2": "/routes/1"}


@pytest.mark.parametrize("written", [None, [], {}, {"routes": "GET /pets"}])
def test_what_is_no_document_has_no_places(written: object) -> None:
    assert route_pointers(written) == {}


def test_every_kind_is_explained() -> None:
    assert set(RULES) == set(Kind)


def test_only_equal_catalogues_differ_in_nothing() -> None:
    """Of any two random sets of guarded routes, each route that one side lacks is in some difference, and nothing else is."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    pool = [f"{verb} {path}" for verb in ("GET", "POST") for path in ("/a", "/b", "/a/{x}", "/a/b", "/c/{x}/d", "/c/{x+}", "/{x+}")]
    for _ in range(300):
        here, there = (sorted(chance.sample(pool, chance.randint(1, 5))) for _ in range(2))
        found = report(document(*here), deployed(*there))
        named = {each.route for each in found.differences} | {each.place.removeprefix("api/prod ") for each in found.differences}
        assert set(there) - set(here) <= named, (here, there)
        assert named - {""} <= set(there) ^ set(here), (here, there)
        gone = {each.route for each in found.differences if each.kind in (Kind.GONE, Kind.RENAMED)}
        within = {text for note in found.notes if note.startswith("served") for text in note.split(": ")[1].split(";")[0].split(", ")}
        assert gone | within == set(here) - set(there), (here, there)
