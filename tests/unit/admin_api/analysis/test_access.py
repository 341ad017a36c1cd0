"""Who may call what, as an admin asks it."""

from typing import Any

import pytest

from admin_api.analysis.access import groups_can, route_of_request, what_can, who_can
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.route import parse_route

NOW = 1_000_000_000
PAST, SOON, LATER = "2001-09-09T01:46:40Z", "2001-09-09T01:46:41Z", "2030-01-01T00:00:00Z"
ROUTES = ["GET /a", "ANY /b", "GET /b", "GET /o/{id}", "WS $connect"]


def document(groups: dict[str, Any], **more: Any) -> PermissionDocument:
    return parse_document({"api": "x", "routes": ROUTES, "groups": groups, **more})


def who(groups: dict[str, Any], request: str, **more: Any) -> list[str]:
    verb, path = request.split(" ", 1)
    held = document(groups, **more)
    route = held.catalog.find(verb, path)
    assert route is not None
    return [str(access) for access in who_can(held, verb, route, NOW)]


def own(**more: str) -> dict[str, Any]:
    return {"route": "GET /o/{id}", "where": {"id": "sub"}, **more}


@pytest.mark.parametrize(
    ("verb", "path", "route"),
    [
        ("GET", "/a", "GET /a"),
        ("GET", "/a/", "GET /a"),
        ("GET", "/b", "GET /b"),
        ("POST", "/b", "ANY /b"),
        ("GET", "/o/7", "GET /o/{id}"),
        ("GET", "/o/{id}", "GET /o/{id}"),
        ("WS", "$connect", "WS $connect"),
        ("GET", "/nowhere", None),
        ("POST", "/a", None),
        ("GET", "//a", None),
    ],
)
def test_the_route_of_a_request_is_the_one_that_people_mean(verb: str, path: str, route: str | None) -> None:
    found = route_of_request(document({}), verb, path)
    assert (None if found is None else str(found)) == route


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({}, []),
        ({"allow": ["GET /a"]}, []),
        ({"allow": ["GET /o/{id}", "* /**"]}, ["group/g may GET /o/{id} by group/g allow * /**; group/g allow GET /o/{id}"]),
        ({"allow": ["* /**"], "deny": ["* /o/*"]}, []),
        ({"allow": ["* /**"], "deny": [{"route": "* /o/*", "until": SOON}]}, []),
        ({"allow": ["* /**"], "deny": [{"route": "* /o/*", "until": PAST}]}, ["group/g may GET /o/{id} by group/g allow * /**"]),
        ({"allow": [own(until=PAST)]}, []),
        ({"allow": [own()]}, ["group/g may GET /o/{id} where {id} = sub by group/g allow GET /o/{id} where {id} = sub"]),
        (
            {"allow": [own(until=SOON)]},
            [
                f"group/g may GET /o/{{id}} where {{id}} = sub until {SOON} by group/g allow GET /o/{{id}} where {{id}} = sub until {NOW + 1}"
            ],
        ),
        (
            {"allow": [own(), {"route": "GET /o/*", "until": PAST}]},
            ["group/g may GET /o/{id} where {id} = sub by group/g allow GET /o/{id} where {id} = sub"],
        ),
    ],
)
def test_who_may_under_which_conditions_and_by_what(held: dict[str, Any], expected: list[str]) -> None:
    assert who({"g": held}, "GET /o/{id}") == expected


def test_all_kinds_of_subjects_are_asked_everyone_and_heirs_included() -> None:
    groups = {"heir": {"inherits": ["base"]}, "base": {"allow": ["GET /a"]}, "none": {}}
    scopes = {"read": {"allow": ["* /a"]}}
    clients = {"robot": {"allow": ["GET /a"]}, "idle": {}}
    assert who(groups, "GET /a", scopes=scopes, clients=clients) == [
        "client/robot may GET /a by client/robot allow GET /a",
        "group/base may GET /a by group/base allow GET /a",
        "group/heir may GET /a by group/base allow GET /a",
        "scope/read may GET /a by scope/read allow * /a",
    ]


def test_what_everyone_may_is_said_to_be_nothing_of_ones_own() -> None:
    assert who({"g": {}, "h": {"allow": ["GET /a"]}}, "GET /a", everyone={"allow": ["GET /a"]}) == [
        "everyone may GET /a by everyone allow GET /a",
        "group/g may GET /a by everyone allow GET /a, as everyone may",
        "group/h may GET /a by everyone allow GET /a; group/h allow GET /a, as everyone may",
    ]


def test_a_deny_of_everyone_or_of_the_subject_takes_away_what_the_other_allows() -> None:
    assert who({"g": {"allow": ["GET /a"]}}, "GET /a", everyone={"deny": ["* /a"]}) == []
    refused = who_can(document({"g": {"deny": ["GET /a"]}}, everyone={"allow": ["* /a"]}), "GET", parse_route("GET /a"), NOW)
    assert [access.subject for access in refused] == [EVERYONE]


@pytest.mark.parametrize(
    ("everyone", "group", "adds"),
    [
        ("GET /o/{id}", "GET /o/*", False),
        ("GET /o/{id}", own(), False),
        ("GET /o/{id}", own(until=SOON), False),
        (own(), "GET /o/{id}", True),
        (own(), own(), False),
        (own(), own(until=SOON), False),
        (own(until=SOON), own(), True),
        (own(until=SOON), own(until=LATER), True),
        (own(until=LATER), own(until=SOON), False),
        (own(until=LATER), own(until=LATER), False),
        (own(), {"route": "GET /o/{id}", "where": {"id": "username"}}, True),
        ({"route": "GET /o/{id}", "until": LATER}, own(until=SOON), False),
        ({"route": "GET /o/{id}", "until": LATER}, own(), True),
    ],
)
def test_a_subject_adds_what_everyone_may_not_under_the_same_conditions(everyone: Any, group: Any, adds: bool) -> None:
    held = document({"g": {"allow": [group]}}, everyone={"allow": [everyone]})
    first, second = who_can(held, "GET", parse_route("GET /o/{id}"), NOW)
    assert (first.subject, first.by_everyone) == (EVERYONE, True)
    assert (str(second.subject), second.by_everyone) == ("group/g", not adds)


@pytest.mark.parametrize(("verb", "path"), [("GET", "ANY /b"), ("POST", "GET /b"), ("GET", "GET /gone"), ("GET", "WS $connect")])
def test_nobody_may_by_a_route_that_no_request_with_this_verb_is_served_by(verb: str, path: str) -> None:
    assert who_can(document({"g": {"allow": ["* /**", "WS *"]}}), verb, parse_route(path), NOW) == ()


def test_what_a_subject_may_is_told_by_verb_and_route_in_the_order_of_the_catalogue() -> None:
    held = document({"base": {"allow": ["* /b", "WS *"], "deny": ["PUT /b"]}, "g": {"inherits": ["base"], "allow": [own()]}})
    found = what_can(held, PrincipalRef(RefKind.GROUP, "g"), NOW)
    assert [(access.verb, str(access.route), access.words) for access in found] == [
        ("GET", "GET /b", "allowed"),
        ("HEAD", "ANY /b", "allowed"),
        ("OPTIONS", "ANY /b", "allowed"),
        ("POST", "ANY /b", "allowed"),
        ("PATCH", "ANY /b", "allowed"),
        ("DELETE", "ANY /b", "allowed"),
        ("GET", "GET /o/{id}", "allowed where {id} = sub"),
        ("WS", "WS $connect", "allowed"),
    ]
    assert {access.subject for access in found} == {PrincipalRef(RefKind.GROUP, "g")}
    assert found[0].permissions == ("group/base allow * /b",)


@pytest.mark.parametrize("ref", [EVERYONE, PrincipalRef(RefKind.CLIENT, "ghost")])
def test_an_unknown_subject_may_what_everyone_may(ref: PrincipalRef) -> None:
    held = document({"g": {"allow": ["* /**"]}}, everyone={"allow": ["GET /a", {"route": "GET /b", "until": PAST}]})
    [access] = what_can(held, ref, NOW)
    assert (access.subject, str(access.route), access.permissions, access.by_everyone) == (ref, "GET /a", ("everyone allow GET /a",), True)


def test_what_a_delegated_client_may_is_marked() -> None:
    held = document({}, clients={"third": {"delegated": True, "allow": ["GET /a"]}, "ours": {"allow": ["GET /a"]}})
    route = parse_route("GET /a")
    found = who_can(held, "GET", route, NOW)
    assert [(str(access.subject), access.delegated) for access in found] == [("client/ours", False), ("client/third", True)]
    assert str(found[1]) == "client/third may GET /a by client/third allow GET /a, by its own tokens"
    [access] = what_can(held, PrincipalRef(RefKind.CLIENT, "third"), NOW)
    assert access.delegated


def groups(*names: str) -> list[PrincipalRef]:
    return [PrincipalRef(RefKind.GROUP, name) for name in names]


def test_what_a_caller_in_several_groups_may_is_one_answer() -> None:
    held = document(
        {
            "base": {"allow": ["GET /a"]},
            "g": {"inherits": ["base"], "allow": ["* /b", own()]},
            "h": {
                "inherits": ["base"],
                "allow": ["GET /o/{id}"],
                "deny": ["PUT /b", "POST /b", "PATCH /b", "DELETE /b", "HEAD /b", "OPTIONS /b"],
            },
        }
    )
    assert [str(access) for access in groups_can(held, groups("g", "h", "ghost", "g"), NOW)] == [
        "group/g + group/h + group/ghost may GET /a by group/base allow GET /a",
        "group/g + group/h + group/ghost may GET /b by group/g allow * /b",
        "group/g + group/h + group/ghost may GET /o/{id} by group/g allow GET /o/{id} where {id} = sub; group/h allow GET /o/{id}",
    ]


def test_several_groups_may_what_everyone_may_and_one_group_what_it_may_by_itself() -> None:
    held = document({"g": {"allow": ["GET /b"]}}, everyone={"allow": ["GET /a"]})
    assert [(access.verb, access.by_everyone) for access in groups_can(held, groups("g", "ghost"), NOW)] == [("GET", True), ("GET", False)]
    assert groups_can(held, groups("g"), NOW) == what_can(held, groups("g")[0], NOW)
