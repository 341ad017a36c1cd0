"""How a statement may be written, and which statements are none."""

from typing import Any

import pytest
import yaml

from admin_api.analysis.invariant_notation import KINDS, parse_invariants
from authorizer.policy.problems import DocumentError
from authorizer.policy.route import RouteCatalog, parse_route

PETS = ("GET /pets", "POST /pets", "GET /pets/{id}", "DELETE /pets/{id}")
CATALOG = RouteCatalog(map(parse_route, (*PETS, "GET /admin", "DELETE /admin/{job}", "WS $connect")))


def selected(*selectors: str) -> set[str]:
    return {f"{verb} {route.path}" for selector in selectors for verb, route in CATALOG.cells_of(selector)}


FORMS = """\
- never: guest -> DELETE /**
- never: guest, owner -> DELETE
- only: "[admin] -> /admin/**"
- only: '[ admin , on-call ]->/admin/**'
- only: admin, on-call -> /admin/**
- only: {subjects: [admin], routes: /admin/**}
- only: {subjects: admin, routes: "* /admin/**"}
- implies: POST /pets -> GET /pets/{id}
- equal: [guest, client/a/b]
- equal: "[guest, everyone]"
- equal: guest, group/client/a
- disjoint: [guest, "[owner]"]
- disjoint: "[guest, scope/pets/read] -> /**"
"""
READ = [
    ("never", "group/guest", "DELETE /admin/{job}"),
    ("never", "group/guest group/owner", "DELETE /admin/{job}"),
    ("only", "group/admin", "GET /admin"),
    ("only", "group/admin group/on-call", "GET /admin"),
    ("only", "group/admin group/on-call", "GET /admin"),
    ("only", "group/admin", "DELETE /admin/{job}"),
    ("only", "group/admin", "GET /admin"),
    ("implies", "", "POST /pets"),
    ("equal", "group/guest client/a/b", None),
    ("equal", "group/guest everyone", None),
    ("equal", "group/guest group/client/a", None),
    ("disjoint", "group/guest group/[owner]", None),
    ("disjoint", "group/guest scope/pets/read", "GET /pets"),
]


def test_the_forms_in_which_a_statement_may_be_written() -> None:
    read = parse_invariants(yaml.safe_load(FORMS))
    assert len(read) == len(READ)
    for invariant, (kind, refs, route) in zip(read, READ, strict=True):
        assert (invariant.kind, " ".join(map(str, invariant.refs))) == (kind, refs)
        assert (route in selected(*invariant.selectors)) if route is not None else not invariant.selectors


def test_a_method_may_be_left_out_and_so_may_a_path() -> None:
    def meant(text: str) -> set[str]:
        [invariant] = parse_invariants([{"never": f"guest -> {text}"}])
        return selected(*invariant.selectors)

    everything = {*PETS, "GET /admin", "DELETE /admin/{job}"}
    assert meant("/**") == meant("* /**") == meant("ANY /**") == meant("**") == meant("* **") == everything
    assert meant("/pets") == meant("*  /pets") == {"GET /pets", "POST /pets"}
    assert meant("DELETE") == meant("DELETE **") == {"DELETE /pets/{id}", "DELETE /admin/{job}"}
    assert meant("*") == {"GET /pets", "POST /pets", "GET /admin"}
    assert meant("GET pets/*") == {"GET /pets/{id}"}
    assert meant("pets/*") == {"GET /pets/{id}", "DELETE /pets/{id}"}
    assert meant("WS $connect") == meant("WS *") == meant("WS") == {"WS $connect"}


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
        ([{"only": ["admin"]}], {"/0/only": "`only` is written as in `only: admin -> /admin/**`"}),
        ([{"equal": ["guest"]}], {"/0/equal": "`equal` is written as in `equal: guest, partner`"}),
        ([{"disjoint": "guest -> /**"}], {"/0/disjoint": "`disjoint` is written as in `disjoint: guest, auditor -> /**`"}),
        ([{"never": None}], {"/0/never": "`never` is written as in"}),
        ([{"never": "[] -> /x"}], {"/0/never": "`never` is written as in"}),
        ([{"implies": "POST /pets"}], {"/0/implies": "`implies` is written as in `implies: POST /pets -> GET /pets`"}),
        ([{"implies": ["POST /pets", "GET /pets"]}], {"/0/implies": "`implies` is written as in"}),
        ([{"implies": {"subjects": 5, "routes": "/x"}}], {"/0/implies/subjects": "a route must be text, not a number"}),
        ([{"implies": "-> /x"}], {"/0/implies": "a route is missing beside the arrow"}),
        ([{"implies": "/x ->"}], {"/0/implies": "a route is missing beside the arrow"}),
        ([{"never": "guest ->"}], {"/0/never": "a route is missing beside the arrow"}),
        ([{"equal": "guest, owner ->"}], {"/0/equal": "a route is missing beside the arrow"}),
        ([{"never": {"subjects": ["guest"], "routes": ["/x"]}}], {"/0/never/routes": "a route must be text, not a list"}),
        ([{"equal": ["guest", 5]}], {"/0/equal/1": "a subject must be text, not a number: write it in quotes"}),
        ([{"never": "-> DELETE /**"}], {"/0/never": "`` is no subject"}),
        ([{"only": "-> DELETE /**"}], {"/0/only": "`` is no subject"}),
        ([{"never": "guest, -> /x"}], {"/0/never": "`` is no subject: write a group's name, `everyone`, `client/NAME` or `scope/NAME`"}),
        ([{"never": "client/ -> /x"}], {"/0/never": "`client/` is no subject"}),
        ([{"never": "everyone/foo -> /x"}], {"/0/never": "`everyone/foo` is no subject"}),
        ([{"only": {"subjects": ["a", "group/"], "routes": "/x"}}], {"/0/only/subjects/1": "`group/` is no subject"}),
        ([{"never": "guest"}, {"only": "admin"}], {"/0/never": "`never` is written as in", "/1/only": "`only` is written as in"}),
        ([{"sometimes": 1}, {"equal": "guest"}], {"/0/sometimes": "is not a field", "/1/equal": "`equal` is written as in"}),
        ([{"never": "guest -> /x -> /y"}], {"/0/never": "method `/x`"}),
        ([{"never": "guest -> pets"}], {"/0/never": "method `pets`"}),
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
        with pytest.raises(DocumentError, match="/0/never: `never` is written as in"):
            parse_invariants([{"never": body}])
        with pytest.raises(DocumentError, match="/0/equal: the subjects must be a list"):
            parse_invariants([{"equal": body}])


def test_no_statement_is_no_invariant() -> None:
    assert parse_invariants(None) == parse_invariants([]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_in_a_message_is_a_statement_itself(kind: str) -> None:
    with pytest.raises(DocumentError) as caught:
        parse_invariants([{kind: "x"}])
    [problem] = caught.value.problems
    [read] = parse_invariants(yaml.safe_load(f"- {problem.message.split('`')[3]}"))
    assert read.kind == kind
