"""Statements that hold whatever anybody edits: which documents break them, with which counter-example."""

from typing import Any

import pytest

from admin_api.analysis.invariants import may, parse_invariants, violations
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind

DOCUMENT = parse_document(
    {
        "api": "x",
        "routes": [
            *("GET /pets", "POST /pets", "GET /pets/{id}", "DELETE /pets/{id}", "GET /owners/{id}", "GET /admin", "DELETE /admin/{job}"),
            "WS $connect",
        ],
        "everyone": {"allow": ["GET /pets"]},
        "groups": {
            "guest": {"allow": ["GET /pets/{id}"]},
            "owner": {"inherits": ["guest"], "allow": ["POST /pets", {"route": "GET /owners/{id}", "where": {"id": "sub"}}]},
            "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{id}"]},
            "on-call": {"allow": [{"route": "DELETE /admin/{job}", "until": "2030-01-01T00:00:00Z"}]},
            "twin": {"inherits": ["guest"]},
            "paused": {"allow": ["GET /pets/{id}"], "deny": [{"route": "GET /pets/{id}", "until": "2030-01-01T00:00:00Z"}]},
            "banned": {"deny": ["* /**"]},
        },
        "clients": {"batch": {"allow": ["GET /admin"]}},
        "scopes": {"chat": {"allow": ["WS $connect"]}},
    }
)


def broken(statement: dict[str, Any]) -> list[str]:
    [invariant] = parse_invariants([statement])
    found = list(violations(DOCUMENT, invariant))
    assert {violation.invariant for violation in found} <= {invariant.text}
    return [violation.message for violation in found]


@pytest.mark.parametrize(
    "statement",
    [
        "guest -> DELETE /**",
        "guest -> /admin/**",
        "guest -> GET /owners/{id}",
        "owner -> DELETE /**",
        "admin -> DELETE /pets/{id}",
        "admin -> WS $connect",
        "banned -> /**",
        "everyone -> POST /**",
        "client/batch -> DELETE /**",
        "scope/chat -> POST /**",
        "unknown -> POST /**",
        "guest -> GET /pets/{other}",
    ],
)
def test_what_never_happens(statement: str) -> None:
    assert broken({"never": statement}) == []


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ("guest -> GET /pets/*", ["group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}"]),
        ("owner -> GET /pets/*", ["group/owner may GET /pets/{id} by group/guest allow GET /pets/{id}"]),
        ("guest -> /pets", ["group/guest may GET /pets by everyone allow GET /pets"]),
        ("everyone -> GET", ["everyone may GET /pets by everyone allow GET /pets"]),
        ("admin -> DELETE /**", ["group/admin may DELETE /admin/{job} by group/admin allow * /**"]),
        ("admin -> GET /pets", ["group/admin may GET /pets by everyone allow GET /pets; group/admin allow * /**"]),
        ("owner -> /owners/**", ["group/owner may GET /owners/{id} by group/owner allow GET /owners/{id} where {id} = sub"]),
        ("on-call -> DELETE **", ["group/on-call may DELETE /admin/{job} by group/on-call allow DELETE /admin/{job} until 1893456000"]),
        ("paused -> /pets/*", ["group/paused may GET /pets/{id} by group/paused allow GET /pets/{id}"]),
        ("client/batch -> /admin", ["client/batch may GET /admin by client/batch allow GET /admin"]),
        ("scope/chat -> WS *", ["scope/chat may WS $connect by scope/chat allow WS $connect"]),
        ("group/guest -> GET /pets/{id}", ["group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}"]),
        (
            "[guest, banned, paused] -> GET /pets/{id}",
            [
                "group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}",
                "group/paused may GET /pets/{id} by group/paused allow GET /pets/{id}",
            ],
        ),
    ],
)
def test_what_happens_though_it_should_never(statement: str, messages: list[str]) -> None:
    assert broken({"never": statement}) == messages


HOLDERS_OF_GET_PETS = ("client/batch", "group/guest", "group/on-call", "group/owner", "group/paused", "group/twin", "scope/chat")


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ("[admin] -> DELETE /pets/{id}", []),
        ("[admin, batch-group, client/batch, on-call] -> /admin/**", []),
        ("admin, on-call, client/batch -> /admin/**", []),
        ("scope/chat -> WS *", []),
        ({"subjects": ["admin", "owner"], "routes": "POST /pets"}, []),
        ({"subjects": [], "routes": "DELETE /pets/*"}, []),
        ("[] -> DELETE /pets/*", []),
        ("[ ] -> DELETE /admin/*", ["group/admin", "group/on-call"]),
        ({"subjects": [], "routes": "DELETE /admin/*"}, ["group/admin", "group/on-call"]),
        ("[admin] -> /admin/**", ["client/batch", "group/on-call"]),
        ("[batch, admin, on-call] -> /admin", ["client/batch"]),
        ("admin -> GET /pets", ["everyone", *HOLDERS_OF_GET_PETS]),
        ("everyone, admin, owner -> POST /**", []),
    ],
)
def test_only_those_may(statement: Any, messages: list[str]) -> None:
    """`messages` are those who may as well."""
    assert sorted(message.partition(" may ")[0] for message in broken({"only": statement})) == sorted(messages)


def test_who_may_besides_those_is_told_with_route_and_permission() -> None:
    assert broken({"only": "[admin] -> /admin/**"}) == [
        "client/batch may GET /admin by client/batch allow GET /admin",
        "group/on-call may DELETE /admin/{job} by group/on-call allow DELETE /admin/{job} until 1893456000",
    ]


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ("POST /pets -> GET /pets", []),
        ("POST /pets -> GET /pets/{id}", []),
        ("DELETE /pets/{id} -> GET /admin", []),
        ("GET /pets -> GET /nowhere", []),
        (
            "/admin/** -> GET /pets/{id}",
            [
                "client/batch may GET /admin by client/batch allow GET /admin, but not GET /pets/{id}",
                "group/on-call may DELETE /admin/{job} by group/on-call allow DELETE /admin/{job} until 1893456000, but not GET /pets/{id}",
            ],
        ),
        (
            "POST /pets -> /owners/**",
            [],
        ),
        (
            "POST /pets -> DELETE /**",
            [
                "group/admin may POST /pets by group/admin allow * /**, but not DELETE /pets/{id}",
                "group/owner may POST /pets by group/owner allow POST /pets, but not DELETE /admin/{job}",
                "group/owner may POST /pets by group/owner allow POST /pets, but not DELETE /pets/{id}",
            ],
        ),
        ("WS $connect -> POST /pets", ["scope/chat may WS $connect by scope/chat allow WS $connect, but not POST /pets"]),
        ({"subjects": "POST /pets", "routes": "GET /pets"}, []),
    ],
)
def test_who_may_the_first_may_the_second(statement: Any, messages: list[str]) -> None:
    assert sorted(broken({"implies": statement})) == messages


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        (["guest", "twin"], []),
        ("guest, twin", []),
        ("[guest, twin]", []),
        (["guest", "guest"], []),
        (["unknown", "everyone"], []),
        ("guest, owner -> GET /pets/**", []),
        ("banned, client/batch -> DELETE", []),
        (["guest", "everyone"], ["GET /pets/{id}: group/guest is allowed by group/guest allow GET /pets/{id}, everyone is not"]),
        (["everyone", "guest"], ["GET /pets/{id}: everyone is not, group/guest is allowed by group/guest allow GET /pets/{id}"]),
        ("[guest, owner] -> POST /**", ["POST /pets: group/guest is not, group/owner is allowed by group/owner allow POST /pets"]),
        (
            {"subjects": ["guest", "owner", "banned"], "routes": "/pets/*"},
            ["GET /pets/{id}: group/guest is allowed by group/guest allow GET /pets/{id}, group/banned is not"],
        ),
        (["banned", "everyone"], ["GET /pets: group/banned is not, everyone is allowed by everyone allow GET /pets"]),
        (
            ["guest", "paused"],
            [
                (
                    "GET /pets/{id}: group/guest is allowed by group/guest allow GET /pets/{id}, "
                    "group/paused is allowed or denied until 2030-01-01T00:00:00Z by group/paused allow GET /pets/{id}"
                )
            ],
        ),
        (
            "admin, owner -> GET /owners/**",
            [
                (
                    "GET /owners/{id}: group/admin is allowed by group/admin allow * /**, "
                    "group/owner is allowed where {id} = sub by group/owner allow GET /owners/{id} where {id} = sub"
                )
            ],
        ),
        (
            "client/batch, guest -> GET /admin",
            ["GET /admin: client/batch is allowed by client/batch allow GET /admin, group/guest is not"],
        ),
    ],
)
def test_equals(statement: Any, messages: list[str]) -> None:
    assert broken({"equal": statement}) == messages


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ("[guest, owner] -> POST /**", []),
        ("[guest, admin] -> DELETE /**", []),
        ("[banned, admin]", []),
        ("[guest, owner, admin] -> POST /**", []),
        (
            "owner, admin -> POST /**",
            ["group/owner and group/admin both may POST /pets by group/owner allow POST /pets; group/admin allow * /**"],
        ),
        (["on-call", "client/batch"], ["group/on-call and client/batch both may GET /pets by everyone allow GET /pets"]),
        (
            "guest, owner, admin -> GET /pets/**",
            [
                "group/guest, group/owner and group/admin all may GET /pets by everyone allow GET /pets; group/admin allow * /**",
                "group/guest, group/owner and group/admin all may GET /pets/{id} by group/guest allow GET /pets/{id}; group/admin allow * /**",
            ],
        ),
    ],
)
def test_disjoint_subjects_have_no_route_in_common(statement: Any, messages: list[str]) -> None:
    assert broken({"disjoint": statement}) == messages


def test_a_violation_names_its_statement() -> None:
    for statement, text in (
        ({"never": "guest -> GET /pets"}, "never: guest -> GET /pets"),
        ({"equal": ["guest", "owner"]}, "equal: [guest, owner]"),
        ({"never": "guest->/pets"}, "never: guest -> /pets"),
        ({"only": {"subjects": ["admin"], "routes": "/pets"}}, "only: [admin] -> /pets"),
    ):
        [invariant] = parse_invariants([statement])
        assert next(violations(DOCUMENT, invariant)).invariant == text


def test_what_a_subject_may_is_what_it_and_everyone_and_its_ancestors_hold() -> None:
    owner = PrincipalRef(RefKind.GROUP, "owner")
    held = {f"{verb} {route.path}": behind for (verb, route), behind in may(DOCUMENT, owner).items()}
    assert held == {
        "GET /pets": ("everyone allow GET /pets",),
        "POST /pets": ("group/owner allow POST /pets",),
        "GET /pets/{id}": ("group/guest allow GET /pets/{id}",),
        "GET /owners/{id}": ("group/owner allow GET /owners/{id} where {id} = sub",),
    }
    assert {f"{verb} {route.path}" for verb, route in may(DOCUMENT, EVERYONE)} == {"GET /pets"}


def test_what_is_over_does_not_count_at_a_moment() -> None:
    paused, on_call = (PrincipalRef(RefKind.GROUP, name) for name in ("paused", "on-call"))
    assert "DELETE /admin/{job}" in {f"{verb} {route.path}" for verb, route in may(DOCUMENT, on_call, now=1893455999)}
    assert "DELETE /admin/{job}" not in {f"{verb} {route.path}" for verb, route in may(DOCUMENT, on_call, now=1893456000)}
    assert {f"{verb} {route.path}" for verb, route in may(DOCUMENT, paused, now=0)} == {"GET /pets", "GET /pets/{id}"}
