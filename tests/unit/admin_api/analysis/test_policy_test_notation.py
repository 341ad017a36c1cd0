"""How policy tests are written: what is read, and every mistake with its place and the remedy."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from admin_api.analysis import policy_test_notation
from admin_api.analysis.policy_test_notation import parse_policy_tests
from admin_api.documents.files import read_file
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.problems import DocumentError

GUEST = {"callers": {"guest": {"groups": ["guest"]}}}


SCHEMA: dict[str, Any] = json.loads(Path(policy_test_notation.__file__).with_name("policy_tests.schema.json").read_text(encoding="utf-8"))


def of(**fields: Any) -> dict[str, Any]:
    return {"document": "dev.yaml", **GUEST, **fields}


def problems(value: object) -> list[tuple[str, str]]:
    with pytest.raises(DocumentError) as caught:
        parse_policy_tests(value)
    return [(problem.pointer, problem.message) for problem in caught.value.problems]


def one_test(**fields: Any) -> dict[str, Any]:
    return of(tests=[{"caller": "guest", "allow": ["GET /pets"], **fields}])


def test_a_suite_is_read_whole() -> None:
    suite = parse_policy_tests(
        {
            "document": "dev.yaml",
            "api": "petstore",
            "at": "2026-11-01T01:00:00+01:00",
            "callers": {
                "robot": {"client": "5abc", "scopes": ["pets/read"], "claims": {"iss": "https://x"}, "unknown": True},
                "nobody": None,
            },
            "tests": [
                {"name": "n", "caller": ["robot", "group/guest", "everyone"], "allow": ["GET /pets/7"], "at": "2027-01-01T00:00:00Z"},
                {"caller": "nobody", "deny": [{"request": "WS $connect", "reason": "no_route"}, "GET /pets"]},
            ],
            "only": {"nobody": None, "group/owner": ["* /**", "GET /owners/alice", "WS $connect"]},
            "matrix": "petstore.csv",
        }
    )
    assert (suite.document, suite.api, suite.at, suite.matrix) == ("dev.yaml", "petstore", 1793491200, "petstore.csv")
    robot = suite.callers["robot"]
    assert robot.refs == (PrincipalRef(RefKind.CLIENT, "5abc"), PrincipalRef(RefKind.SCOPE, "pets/read"))
    assert (robot.claims, robot.may_be_unknown) == ({"iss": "https://x"}, True)
    assert suite.callers["group/guest"].refs == (PrincipalRef(RefKind.GROUP, "guest"),)
    assert suite.callers["everyone"].refs == suite.callers["nobody"].refs == ()
    first, second = suite.tests
    assert (first.name, first.callers, first.at) == ("n", ("robot", "group/guest", "everyone"), 1798761600)
    assert [(str(r), r.allowed, r.reason, r.pointer) for r in (*first.requests, *second.requests)] == [
        ("GET /pets/7", True, "", "/tests/0/allow/0"),
        ("WS $connect", False, "no_route", "/tests/1/deny/0/request"),
        ("GET /pets", False, "", "/tests/1/deny/1"),
    ]
    assert [(each.caller, [text for text, _ in each.entries]) for each in suite.complete] == [
        ("nobody", []),
        ("group/owner", ["* /**", "GET /owners/alice", "WS $connect"]),
    ]


MISTAKES: list[tuple[Any, str, str]] = [
    ([], "", "must be a mapping"),
    (of(), "", "the file tests nothing: add `tests`, `only` or `matrix`"),
    ({"tests": []}, "/document", "`document`, the file that is tested, must be text, not empty"),
    (of(test=[]), "/test", "it may have `document`, `api`"),
    (of(at="tomorrow"), "/at", "write date, time and zone"),
    (of(at="2026-13-01T00:00:00Z"), "/at", "write date, time and zone"),
    (of(callers={"x": {"groups": "guest"}}), "/callers/x/groups", "must be a list"),
    (of(callers={"x": {"group": []}}), "/callers/x/group", "`group` is not a field of caller `x`"),
    (of(callers={"x": {"client": 5}}), "/callers/x/client", "must be text, not a number"),
    (of(callers={"x": {"claims": []}}), "/callers/x/claims", "must be a mapping"),
    (of(callers={"x": {"unknown": "yes"}}), "/callers/x/unknown", "must be true or false, not text"),
    (of(tests=["GET /pets"]), "/tests/0", "a test must be a mapping"),
    (of(tests=[{"caller": "guest"}]), "/tests/0", "the test asks nothing"),
    (
        one_test(caller="gest"),
        "/tests/0/caller",
        "there is no caller `gest`: the callers are `guest`; or write a subject, as in `group/gest`",
    ),
    (one_test(caller=None), "/tests/0/caller", "must be text, not empty"),
    (one_test(caller=[]), "/tests/0/caller", "name at least one of `callers`"),
    (one_test(allow=["get /pets"]), "/tests/0/allow/0", "write a method in capitals and a path"),
    (one_test(allow=["GET pets"]), "/tests/0/allow/0", "write a method in capitals and a path"),
    (one_test(allow=["WS "]), "/tests/0/allow/0", "write a method in capitals and a path"),
    (one_test(allow=["GET /pets?a=1"]), "/tests/0/allow/0", "has a query string, which decides nothing"),
    (one_test(allow=["GET /pets/{petId}"]), "/tests/0/allow/0", "is a template, and clients send paths"),
    (one_test(allow=[7]), "/tests/0/allow/0", "must be text, not a number"),
    (one_test(allow=[{"request": "GET /x", "reason": "no_route"}]), "/tests/0/allow/0/reason", "is not a field of a request"),
    (
        one_test(deny=[{"request": "GET /x", "reason": "never"}]),
        "/tests/0/deny/0/reason",
        "`never` is no reason of a denial: use `implicit_deny`",
    ),
    (of(only={"gest": []}), "/only/gest", "there is no caller `gest`"),
    (of(only={"guest": ["pets"]}), "/only/guest/0", "is no request"),
    (of(only={"guest": [1]}), "/only/guest/0", "must be text"),
    (of(callers={"x": {"unknown": None}}), "/callers/x/unknown", "must be true or false"),
    (one_test(at=7), "/tests/0/at", "must be text"),
]

# Words that only the calendar, the callers beside them or a selector's notation can judge.
SCHEMA_CANNOT_TELL = (
    of(at="2026-13-01T00:00:00Z"),
    one_test(caller="gest"),
    of(only={"gest": []}),
    of(only={"guest": ["pets"]}),
)


@pytest.mark.parametrize(("value", "pointer", "words"), MISTAKES)
def test_a_mistake_has_its_place_and_the_remedy(value: object, pointer: str, words: str) -> None:
    assert [(place, message) for place, message in problems(value) if place == pointer and words in message], problems(value)


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """What editors check policy tests by."""
    Draft202012Validator.check_schema(SCHEMA)
    return Draft202012Validator(SCHEMA)


@pytest.mark.parametrize(("value", "pointer"), [(value, pointer) for value, pointer, _ in MISTAKES])
def test_the_schema_refuses_what_the_parser_refuses_as_far_as_it_can_tell(value: Any, pointer: str, schema: Draft202012Validator) -> None:
    # With a golden file each has something to test, so that it is refused for its own mistake.
    whole = {"matrix": "m.csv", **value} if isinstance(value, dict) and value != of() else value
    assert schema.is_valid(whole) is (value in SCHEMA_CANNOT_TELL)
    if not isinstance(whole, dict) or value in (of(), {"tests": []}):
        return
    places = {"".join(f"/{each}" for each in error.absolute_path) for error in schema.iter_errors(whole)}
    assert value in SCHEMA_CANNOT_TELL or any(pointer.startswith(place) for place in places)


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[4] / "seed_data").glob("*.test.yaml")), ids=lambda path: path.name)
def test_the_schema_takes_the_tests_of_the_seeds(path: Path, schema: Draft202012Validator) -> None:
    assert path.read_text().startswith("# yaml-language-server: $schema=../admin_api/analysis/policy_tests.schema.json\n")
    sources = read_file(path, "policy tests")
    assert sources
    for source in sources:
        schema.validate(source.value)
        parse_policy_tests(source.value)


def test_the_schema_names_the_fields_and_reasons_that_there_are() -> None:
    assert set(SCHEMA["properties"]) == set(policy_test_notation.FIELDS)
    reasons = SCHEMA["$defs"]["test"]["properties"]["deny"]["items"]["anyOf"][1]["properties"]["reason"]["enum"]
    assert reasons == [*(str(each) for each in policy_test_notation.REASONS), None]


@pytest.mark.parametrize(
    "value",
    [
        of(matrix="m.csv", api=None, at=None, tests=None, only=None),
        of(only={"guest": None, "group/owner": ["* /**", "GET /owners/alice"]}, callers={"guest": None}),
        one_test(
            caller=["guest", "everyone"], at="2027-01-01t00:00:00+01:00", deny=[{"request": "WS $connect", "reason": None}, "GET  /x"]
        ),
        one_test(allow=[{"request": "GET /x"}], name=None),
        of(callers={"x": {"groups": None, "client": "5", "scopes": ["a"], "claims": {"a": [1]}, "unknown": True}}, matrix="m.csv"),
    ],
)
def test_what_the_parser_takes_the_schema_takes(value: Any, schema: Draft202012Validator) -> None:
    parse_policy_tests(value)
    schema.validate(value)


def test_all_mistakes_are_told_at_once() -> None:
    found = problems(of(at="x", tests=[{"caller": "a", "allow": ["x"]}, {"caller": "b", "deny": ["y"]}], only={"c": []}))
    assert [pointer for pointer, _ in found] == [
        "/at",
        "/tests/0/caller",
        "/tests/0/allow/0",
        "/tests/1/caller",
        "/tests/1/deny/0",
        "/only/c",
    ]


def test_no_callers_at_all_are_said_to_be_none() -> None:
    [(_, message)] = problems({"document": "d", "tests": [{"caller": "x", "allow": ["GET /"]}]})
    assert "the callers are none" in message
