"""Statements that hold whatever anybody edits: which documents break them, with which counter-example, and which statements are none."""

from typing import Any

import pytest
import yaml

from authorizer.policy.document import parse_document
from authorizer.policy.invariants import KINDS, cells, may, parse_invariants, violations
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

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


@pytest.mark.parametrize(
    ("statement", "messages"),
    [
        ("[admin] -> DELETE /pets/{id}", []),
        ("[admin, batch-group, client/batch, on-call] -> /admin/**", []),
        ("admin, on-call, client/batch -> /admin/**", []),
        ("scope/chat -> WS *", []),
        ({"subjects": ["admin", "owner"], "routes": "POST /pets"}, []),
        ({"subjects": [], "routes": "DELETE /pets/*"}, []),
        ({"subjects": [], "routes": "DELETE /admin/*"}, ["group/admin", "group/on-call"]),
        ("[admin] -> /admin/**", ["client/batch", "group/on-call"]),
        ("[batch, admin, on-call] -> /admin", ["client/batch"]),
        ("admin -> GET /pets", ["everyone", "client/batch", "group/guest", "group/on-call", "group/owner", "group/paused", "scope/chat"]),
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
        (["guest", "paused"], []),
        ("guest, paused", []),
        ("[guest, paused]", []),
        (["guest", "guest"], []),
        (["unknown", "everyone"], []),
        ("[guest, owner] -> GET /pets/**", []),
        (["guest", "everyone"], ["group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}, and everyone may not"]),
        (["everyone", "guest"], ["group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}, and everyone may not"]),
        ("[guest, owner] -> POST /**", ["group/owner may POST /pets by group/owner allow POST /pets, and group/guest may not"]),
        (
            {"subjects": ["guest", "owner", "banned"], "routes": "/pets/*"},
            ["group/guest may GET /pets/{id} by group/guest allow GET /pets/{id}, and group/banned may not"],
        ),
        (["banned", "everyone"], ["everyone may GET /pets by everyone allow GET /pets, and group/banned may not"]),
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
        ("[owner, admin] -> POST /**", ["group/owner and group/admin all may POST /pets"]),
        (["on-call", "client/batch"], ["group/on-call and client/batch all may GET /pets"]),
        ("[guest, owner, admin] -> GET /pets/**", ["GET /pets", "GET /pets/{id}"]),
    ],
)
def test_disjoint_subjects_have_no_route_in_common(statement: Any, messages: list[str]) -> None:
    found = broken({"disjoint": statement})
    assert len(found) == len(messages)
    assert all(message.endswith(expected) for message, expected in zip(sorted(found), messages, strict=True)), found


def test_a_violation_names_its_statement() -> None:
    for statement, text in (
        ({"never": "guest -> GET /pets"}, "never: guest -> GET /pets"),
        ({"equal": ["guest", "owner"]}, "equal: ['guest', 'owner']"),
        ({"only": {"subjects": ["admin"], "routes": "/pets"}}, "only: ['admin'] -> /pets"),
    ):
        [invariant] = parse_invariants([statement])
        assert next(violations(DOCUMENT, invariant)).invariant == text


FORMS = """\
- never: guest -> DELETE /**
- never: guest, owner -> DELETE
- only: "[admin] -> /admin/**"
- only: '[ admin , on-call ]->/admin/**'
- only: {subjects: [admin], routes: /admin/**}
- only: {subjects: admin, routes: "* /admin/**"}
- implies: POST /pets -> GET /pets/{id}
- equal: [guest, client/a/b]
- equal: "[guest, everyone]"
- disjoint: [guest, owner]
- disjoint: "[guest, scope/pets/read] -> /**"
"""
READ = [
    ("never", "group/guest", "DELETE /admin/{job}"),
    ("never", "group/guest group/owner", "DELETE /admin/{job}"),
    ("only", "group/admin", "GET /admin"),
    ("only", "group/admin group/on-call", "GET /admin"),
    ("only", "group/admin", "DELETE /admin/{job}"),
    ("only", "group/admin", "GET /admin"),
    ("implies", "", "POST /pets"),
    ("equal", "group/guest client/a/b", None),
    ("equal", "group/guest everyone", None),
    ("disjoint", "group/guest group/owner", None),
    ("disjoint", "group/guest scope/pets/read", "GET /pets"),
]


def test_the_forms_in_which_a_statement_may_be_written() -> None:
    read = parse_invariants(yaml.safe_load(FORMS))
    assert len(read) == len(READ)
    for invariant, (kind, refs, route) in zip(read, READ, strict=True):
        assert (invariant.kind, " ".join(map(str, invariant.refs))) == (kind, refs)
        selected = {
            f"{verb} {template.path}" for verb, template in cells(DOCUMENT) if any(s.matches(verb, template) for s in invariant.selectors)
        }
        assert (route in selected) if route is not None else not invariant.selectors


def test_a_method_may_be_left_out_and_so_may_a_path() -> None:
    def selected(selector: str) -> set[str]:
        [invariant] = parse_invariants([{"never": f"guest -> {selector}"}])
        return {f"{verb} {route.path}" for verb, route in cells(DOCUMENT) if invariant.selectors[0].matches(verb, route)}

    everything = {f"{verb} {route.path}" for verb, route in cells(DOCUMENT)} - {"WS $connect"}
    assert selected("/**") == selected("* /**") == selected("ANY /**") == selected("**") == selected("* **") == everything
    assert selected("/pets") == {"GET /pets", "POST /pets"}
    assert selected("DELETE") == selected("DELETE **") == {"DELETE /pets/{id}", "DELETE /admin/{job}"}
    assert selected("*") == {"GET /pets", "POST /pets", "GET /admin"}
    assert selected("GET pets/*") == {"GET /pets/{id}"}
    assert selected("WS $connect") == selected("WS *") == {"WS $connect"}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        ("x", {"": "the invariants must be a list, not text"}),
        ({"never": "a -> /x"}, {"": "the invariants must be a list, not a mapping: put `- ` before each entry"}),
        (["x"], {"/0": "an invariant must be a mapping, not text"}),
        ([{}], {"/0": "an invariant is one of `never`, `only`, `implies`, `equal`, `disjoint`"}),
        ([{"never": "a -> /x", "only": "b -> /x"}], {"/0": "put each behind a `- ` of its own"}),
        ([{"sometimes": "a -> /x"}], {"/0/sometimes": "`sometimes` is not a field of an invariant"}),
        ([{"never": "guest"}], {"/0/never": "`never` is written as in `never: guest -> DELETE /**`"}),
        ([{"only": ["admin"]}], {"/0/only": "`only` is written as in `only: [admin] -> /admin/**`"}),
        ([{"equal": ["guest"]}], {"/0/equal": "`equal` is written as in `equal: [guest, partner]`"}),
        ([{"disjoint": "guest -> /**"}], {"/0/disjoint": "`disjoint` is written as in `disjoint: [guest, auditor] -> /**`"}),
        ([{"never": None}], {"/0/never": "`never` is written as in"}),
        ([{"implies": "POST /pets"}], {"/0/implies": "a selector must be text, not empty"}),
        ([{"never": {"subjects": ["guest"], "routes": ["/x"]}}], {"/0/never": "a selector must be text, not a list"}),
        ([{"never": "guest -> BREW /x"}], {"/0/never": "method `BREW` of `BREW /x` is none of"}),
        ([{"never": "guest -> GET /x/*/**/y"}], {"/0/never": "`**` must be the last segment"}),
        ([{"never": "guest -> GET /{x"}], {"/0/never": "segment `{x`"}),
        (
            [{"implies": "GET x{ -> /y}"}, {"never": "a -> /x"}, {"implies": "/y -> BREW"}],
            {"/0/implies": "segment", "/2/implies": "method `BREW`"},
        ),
    ],
)
def test_a_statement_that_is_none_is_refused_with_its_place(value: Any, problems: dict[str, str]) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_invariants(value)
    assert {problem.pointer for problem in caught.value.problems} == set(problems)
    for pointer, words in problems.items():
        assert any(words in problem.message for problem in caught.value.problems if problem.pointer == pointer), caught.value


def test_a_body_that_is_neither_text_nor_list_is_refused() -> None:
    for body in (5, {"subjects": ["guest"]}, {"subjects": ["guest"], "routes": "/x", "more": 1}, True):
        with pytest.raises(DocumentError, match="the subjects must be a list"):
            parse_invariants([{"never": body}])


def test_no_statement_is_no_invariant() -> None:
    assert parse_invariants(None) == parse_invariants([]) == []


def test_the_examples_in_messages_are_statements_themselves() -> None:
    for kind in KINDS:
        with pytest.raises(DocumentError) as caught:
            parse_invariants([{kind: [] if kind != "implies" else "x{ -> y}"}])
        messages = [problem.message for problem in caught.value.problems if "is written as in" in problem.message]
        for message in messages:
            example = message.split("`")[3]
            name, _, body = example.partition(": ")
            [read] = parse_invariants([{name: body}])
            assert read.kind == kind


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


def test_cells_are_verbs_of_the_routes_that_serve_them() -> None:
    document = parse_document({"api": "x", "routes": ["ANY /b", "GET /b", "WS $connect"]})
    found = [(verb, str(route)) for verb, route in cells(document)]
    any_verbs = [(verb, "ANY /b") for verb in ("DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")]
    assert sorted(found) == sorted([*any_verbs, ("GET", "GET /b"), ("WS", "WS $connect")])
