"""Policy tests: what passes and what fails by hand-made documents, what is said of a failure, and what counts as asked and as needed."""

from typing import Any

import pytest

from admin_api.analysis.policy_test_notation import parse_policy_tests
from admin_api.analysis.policy_tests import Case, SuiteResult, coverage, format_matrix, percent_of, problems_beside, run_suite
from admin_api.analysis.trusted_issuers import TrustedIssuers
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.tokens.claims import OUR_ISSUER

NOW = 1_790_000_000.0

PETSTORE: dict[str, Any] = {
    "api": "petstore",
    "routes": [
        *("GET /pets", "GET /pets/{petId}", "DELETE /pets/{petId}", "GET /owners/{ownerId}", "GET /files/{proxy+}"),
        {"route": "GET /health", "public": True},
    ],
    "everyone": {"allow": ["GET /pets"]},
    "groups": {
        "guest": {"allow": ["GET /pets/{petId}"]},
        "owner": {"inherits": ["guest"], "allow": [{"route": "GET /owners/{ownerId}", "where": {"ownerId": "sub"}}, "GET /files/{proxy+}"]},
        "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{petId}"]},
    },
    "clients": {"5abc": {"allow": ["GET /pets/{petId}"]}, "7third": {"delegated": True}},
    "scopes": {"pets/read": {"allow": ["GET /pets/{petId}"]}},
}
CALLERS = {
    "nobody": {},
    "guest": {"groups": ["guest"]},
    "alice": {"groups": ["owner"], "claims": {"sub": "alice"}},
    "admin": {"groups": ["admin"]},
    "robot": {"client": "5abc"},
    "visitor": {"groups": ["owner"], "client": "7third", "scopes": ["pets/read"], "claims": {"sub": "alice"}},
}


def document(**changes: Any) -> PermissionDocument:
    return parse_document({**PETSTORE, **changes})


def result_of(of: PermissionDocument, golden: str | None = None, **fields: Any) -> SuiteResult:
    suite = parse_policy_tests({"document": "d", "callers": CALLERS, **fields})
    assert problems_beside(suite, of) == []
    return run_suite(suite, of, NOW, golden)


def asked(caller: str, of: PermissionDocument | None = None, **lists: Any) -> list[Case]:
    return list(result_of(of or document(), tests=[{"caller": caller, **lists}]).cases)


def only(caller: str, *entries: str, of: PermissionDocument | None = None) -> list[str]:
    """What fails of a complete list, each as request, expectation and answer."""
    found = result_of(of or document(), only={caller: list(entries)}).failures
    return [f"{case.request}: {case.expected} but {case.got}" for case in found]


@pytest.mark.parametrize(
    ("caller", "request_", "got"),
    [
        ("nobody", "GET /pets", "allow"),
        ("nobody", "GET /pets/7", "deny (implicit_deny)"),
        ("guest", "GET /pets/7", "allow"),
        ("alice", "GET /pets/7", "allow"),
        ("alice", "GET /owners/alice", "allow"),
        ("alice", "GET /owners/bob", "deny (implicit_deny)"),
        ("admin", "DELETE /pets/7", "deny (explicit_deny)"),
        ("robot", "GET /pets/7", "allow"),
        ("visitor", "GET /pets/7", "allow"),
        ("visitor", "GET /owners/alice", "deny (not_consented)"),
    ],
)
def test_a_request_gets_what_the_document_says(caller: str, request_: str, got: str) -> None:
    allowed = got == "allow"
    [as_allowed] = asked(caller, allow=[request_])
    [as_denied] = asked(caller, deny=[request_])
    assert (as_allowed.got, as_allowed.passed, as_denied.got, as_denied.passed) == (got, allowed, got, not allowed)
    assert (as_denied if allowed else as_allowed).details != ()
    assert (as_allowed if allowed else as_denied).details == ()


def test_a_failure_says_what_decided() -> None:
    [case] = asked("alice", deny=["GET /pets/7"])
    assert case.details == ("GET /pets/7 is allowed by group/guest allow GET /pets/{petId}, through group/owner",)
    [case] = asked("alice", allow=["GET /owners/bob"])
    assert case.details[0] == "GET /owners/bob is denied: nothing that everyone and group/owner has allows GET /owners/{ownerId}"
    assert any("sub" in text for text in case.details[1:])
    assert case.details[-1].startswith("to allow it: add `GET /owners/{ownerId}`")
    [case] = asked("admin", allow=["DELETE /pets/7"])
    assert case.details[0] == "DELETE /pets/7 is denied by group/admin deny DELETE /pets/{petId}"
    [case] = asked("visitor", allow=["GET /owners/alice"])
    assert "client/7third is delegated: the person's permissions allow this, the token's scopes allow nothing here" in case.details


def test_a_reason_is_part_of_the_expectation() -> None:
    request = "DELETE /pets/7"
    for reason, passed in [("explicit_deny", True), ("implicit_deny", False), ("no_route", False)]:
        [case] = asked("admin", deny=[{"request": request, "reason": reason}])
        assert (case.expected, case.passed) == (f"deny ({reason})", passed)


@pytest.mark.parametrize(
    ("request_", "reason"), [("GET /cars", "no_route"), ("POST /pets", "no_route"), ("GET /pets/%2e%2e", "unsafe_path")]
)
def test_a_denial_without_a_route_proves_nothing(request_: str, reason: str) -> None:
    [case] = asked("nobody", deny=[request_])
    assert (case.passed, case.got) == (False, f"deny ({reason})")
    assert f"reason: {reason}" in case.details[1]
    [meant] = asked("nobody", deny=[{"request": request_, "reason": reason}])
    assert meant.passed
    [wanted] = asked("nobody", allow=[request_])
    assert not wanted.passed


def test_nobody_can_be_denied_a_public_route() -> None:
    [allowed, denied] = asked("nobody", allow=["GET /health"], deny=["GET /health"])
    assert (allowed.got, allowed.passed, denied.passed) == ("public", True, False)
    assert "asks no authorizer" in denied.details[0]


def test_each_caller_of_a_test_is_asked() -> None:
    cases = result_of(document(), tests=[{"caller": ["guest", "nobody"], "allow": ["GET /pets/7"]}]).cases
    assert [(case.caller, case.passed) for case in cases] == [("guest", True), ("nobody", False)]


def test_a_moment_is_of_the_test_else_of_the_file_else_now() -> None:
    ending = document(everyone={"allow": [{"route": "GET /pets", "until": "2026-12-01T00:00:00Z"}]})
    before, after = "2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z"
    test = {"caller": "nobody", "allow": ["GET /pets"]}
    cases: list[tuple[dict[str, Any], bool]] = [
        ({"tests": [test]}, True),
        ({"tests": [test], "at": after}, False),
        ({"tests": [{**test, "at": before}], "at": after}, True),
        ({"tests": [{**test, "at": after}]}, False),
        ({"only": {"nobody": ["GET /pets"]}, "at": after}, False),
    ]
    for fields, passed in cases:
        assert all(case.passed for case in result_of(ending, **fields).cases) is passed


def test_a_complete_list_holds() -> None:
    assert only("nobody", "GET /pets") == []
    assert only("nobody", "GET /pets/") == []
    assert only("guest", "GET /pets", "GET /pets/{petId}") == []
    assert only("alice", "GET /pets", "GET /pets/{petId}", "GET /files/**", "GET /owners/alice") == []
    assert only("admin", "GET /**") == []
    # Everyone may `GET /pets`, and the scopes of the token allow nothing there.
    assert only("visitor", "GET /pets/{petId}") == []


def test_a_complete_list_tells_what_is_missing_and_what_is_too_much() -> None:
    assert only("guest", "GET /pets") == ["GET /pets/any-petId: deny but allow"]
    assert only("guest", "GET /pets", "GET /pets/7") == ["GET /pets/any-petId: deny but allow"]
    assert only("guest") == ["GET /pets: deny but allow", "GET /pets/any-petId: deny but allow"]
    assert only("nobody", "GET /pets", "GET /files/{proxy+}") == ["GET /files/any-proxy/and/more: allow but deny (implicit_deny)"]


def test_what_only_a_claim_opens_is_found_too() -> None:
    rest = ("GET /pets", "GET /pets/{petId}", "GET /files/{proxy+}")
    assert only("alice", *rest) == ["GET /owners/alice: deny but allow"]
    assert only("alice", *rest, "GET /owners/bob") == [
        "GET /owners/bob: allow but deny (implicit_deny)",
        "GET /owners/alice: deny but allow",
    ]
    assert only("alice", *rest, "GET /owners/{ownerId}") == ["GET /owners/any-ownerId: allow but deny (implicit_deny)"]
    # Spelt otherwise it is the same request.
    assert only("alice", *rest, "GET /owners/%61lice") == []


def test_values_that_mean_nothing_are_not_what_a_claim_says() -> None:
    named = {"groups": ["owner"], "claims": {"sub": "any-ownerId"}}
    suite = parse_policy_tests(
        {
            "document": "d",
            "callers": {"any": named},
            "only": {"any": ["GET /pets", "GET /pets/{petId}", "GET /files/{proxy+}", "GET /owners/any-ownerId"]},
        }
    )
    assert run_suite(suite, document(), NOW).failures == ()


def test_a_list_speaks_of_a_route_whatever_stands_beside_it() -> None:
    """A greedy route beside one that takes the same paths is asked about all the same."""
    beside = parse_document(
        {
            "api": "a",
            "routes": ["GET /{proxy+}", "GET /{a}", "GET /any-a", "GET /x/y"],
            "groups": {"guest": {"allow": ["GET /{proxy+}", "GET /{a}"]}},
        }
    )
    suite = parse_policy_tests({"document": "d", "only": {"group/guest": ["GET /{a}"]}})
    assert [case.request for case in run_suite(suite, beside, NOW).failures] == ["GET /any-proxy/and/more"]


def test_websocket_routes_are_named_by_their_keys() -> None:
    live = parse_document({"api": "live", "routes": ["WS $connect", "WS watch"], "groups": {"guest": {"allow": ["WS watch"]}}})
    suite = parse_policy_tests(
        {
            "document": "d",
            "tests": [{"caller": "group/guest", "allow": ["WS watch"], "deny": ["WS $connect"]}],
            "only": {"group/guest": ["WS watch"], "everyone": []},
        }
    )
    result = run_suite(suite, live, NOW)
    assert (len(result.cases), result.failures) == (6, ())


def test_callers_that_the_document_does_not_know_are_a_mistake() -> None:
    suite = parse_policy_tests(
        {
            "document": "d",
            "callers": {
                "typo": {"groups": ["guest", "gest"]},
                "robot": {"client": "5abd", "scopes": ["pets/write"]},
                "scoped": {"client": "5abd", "scopes": ["pets/read"]},
                "meant": {"groups": ["gest"], "unknown": True},
                "person": {"groups": ["guest"], "client": "web", "scopes": ["openid"]},
            },
            "only": {"meant": ["GET /pets"]},
        }
    )
    assert [(problem.pointer, problem.message) for problem in problems_beside(suite, document())] == [
        ("/callers/typo", "caller `typo`: the document has no group/gest; `unknown: true` says that this is meant"),
        (
            "/callers/robot",
            "caller `robot`: the document has none of client/5abd, scope/pets/write; `unknown: true` says that this is meant",
        ),
    ]


def test_callers_that_no_token_can_be_of_are_a_mistake() -> None:
    suite = parse_policy_tests(
        {"document": "d", "callers": {"x": {"groups": ["guest"], "claims": {"iss": "https://login.example.org"}}}, "only": {"x": []}}
    )
    [problem] = problems_beside(suite, document(), TrustedIssuers((OUR_ISSUER,), are_known=True))
    assert problem.pointer == "/callers/x"
    assert "refused with 401" in problem.message


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("GET /cars", "add the route under `routes` or correct the entry"),
        ("GET /cars/**", "`GET /cars/**` means no route of the catalogue"),
        ("POST /pets", "the catalogue has GET /pets, not POST"),
        ("* /cars", "means no route"),
    ],
)
def test_an_entry_of_no_route_is_a_mistake(entry: str, words: str) -> None:
    suite = parse_policy_tests({"document": "d", "only": {"everyone": [entry]}})
    [problem] = problems_beside(suite, document())
    assert problem.pointer == "/only/everyone/0"
    assert words in problem.message


def test_a_matrix_has_every_cell() -> None:
    text = format_matrix(document())
    lines = dict(line.split(",", 1) for line in text.splitlines())
    columns = lines["route"].split(",")
    assert columns == [
        "everyone",
        "client/5abc",
        "client/7third (delegated)",
        "group/admin",
        "group/guest",
        "group/owner",
        "scope/pets/read",
    ]
    rows = {name: dict(zip(columns, row.split(","), strict=True)) for name, row in lines.items() if name != "route"}
    assert len(rows) == 6
    assert set(rows["GET /health"].values()) == {"public"}
    assert rows["GET /owners/{ownerId}"]["group/owner"] == "allowed where {ownerId} = sub"
    assert rows["DELETE /pets/{petId}"]["group/admin"] == "denied"
    assert rows["GET /pets"]["client/7third (delegated)"] == "allowed"


def test_a_golden_file_that_says_the_same_passes() -> None:
    result = result_of(document(), format_matrix(document()), matrix="m.csv")
    assert [(case.passed, case.got) for case in result.cases] == [(True, "6 routes")]
    found = coverage(document(), [result])
    assert (found.unasked, found.unneeded, found.percent) == ((), (), 100.0)


def test_a_golden_file_that_is_missing_fails() -> None:
    [case] = result_of(document(), None, matrix="m.csv").cases
    assert not case.passed
    assert "--update" in case.details[0]


def test_a_difference_names_the_cell_and_its_line() -> None:
    golden = format_matrix(document())
    number, line = next((number, line) for number, line in enumerate(golden.splitlines(), 1) if line.startswith("DELETE /pets/{petId}"))
    result = result_of(document(), golden.replace(line, line.replace("denied", "allowed")), matrix="m.csv")
    [case] = result.cases
    assert (case.caller, case.request, case.expected, case.got, case.matrix_line) == (
        "group/admin",
        "DELETE /pets/{petId}",
        "allowed",
        "denied",
        number,
    )
    assert result.needed == frozenset()


def test_lines_and_columns_too_many_or_too_few_are_differences() -> None:
    golden = format_matrix(document())
    without_line = "".join(line for line in golden.splitlines(keepends=True) if not line.startswith("GET /files"))
    [case] = result_of(document(), without_line, matrix="m.csv").cases
    assert (case.request, case.expected) == ("GET /files/{proxy+}", "no such line")
    [case] = result_of(document(), golden + "GET /cars,nothing\n\n", matrix="m.csv").cases
    assert (case.request, case.got, case.matrix_line) == ("GET /cars", "no route of the catalogue", 8)
    renamed = golden.replace("group/guest", "group/gast", 1)
    assert {(case.caller, case.got) for case in result_of(document(), renamed, matrix="m.csv").cases} == {
        ("group/gast", "no such subject"),
        ("group/guest", "a subject of the document"),
    }
    cut = "\n".join(line.rsplit(",", 1)[0] if line.startswith("GET /files") else line for line in golden.splitlines())
    [case] = result_of(document(), cut, matrix="m.csv").cases
    assert case.expected == "an empty cell"
    assert not any(case.passed for case in result_of(document(), "", matrix="m.csv").cases)


def test_a_matrix_keeps_names_with_commas_and_quotes() -> None:
    odd = document(groups={'a,"b"': {"allow": ["GET /pets"]}})
    suite = parse_policy_tests({"document": "d", "matrix": "m.csv"})
    assert 'group/a,""b""' in format_matrix(odd)
    assert run_suite(suite, odd, NOW, format_matrix(odd)).failures == ()


def test_what_was_asked_is_counted_for_the_callers_own_subjects() -> None:
    small = parse_document(
        {"api": "a", "routes": ["GET /a", "GET /b"], "everyone": {"allow": ["GET /a"]}, "groups": {"guest": {"allow": ["GET /b"]}}}
    )
    suite = parse_policy_tests(
        {"document": "d", "tests": [{"caller": "group/guest", "allow": ["GET /a"]}, {"caller": "everyone", "deny": ["GET /b"]}]}
    )
    found = coverage(small, [run_suite(suite, small, NOW)])
    assert (found.cells, found.unasked, found.percent) == (4, ("everyone GET /a", "group/guest GET /b"), 50.0)
    assert found.unneeded == ("group/guest allow GET /b",)


def test_suites_of_one_document_are_counted_together() -> None:
    first = result_of(document(), only={"guest": ["GET /pets", "GET /pets/{petId}"]})
    second = result_of(document(), only={"nobody": ["GET /pets"]})
    assert len(coverage(document(), [first, second]).unasked) < len(coverage(document(), [first]).unasked)


def needed(of: PermissionDocument, **fields: Any) -> set[str]:
    return {permission.id for permission in result_of(of, **fields).needed}


def test_a_permission_is_needed_if_a_test_fails_without_it() -> None:
    assert needed(document(), tests=[{"caller": "guest", "allow": ["GET /pets/7"]}]) == {"group/guest allow GET /pets/{petId}"}
    # Another allows the same.
    assert needed(document(), tests=[{"caller": "admin", "allow": ["GET /pets"]}]) == set()
    deny = "group/admin deny DELETE /pets/{petId}"
    assert needed(document(), tests=[{"caller": "admin", "deny": ["DELETE /pets/7"]}]) == {deny}
    # Without the deny it would still be denied, for another reason.
    denied = document(groups={**PETSTORE["groups"], "guest": {"allow": ["GET /pets/{petId}"], "deny": ["DELETE /pets/{petId}"]}})
    assert needed(denied, tests=[{"caller": "guest", "deny": ["DELETE /pets/7"]}]) == set()
    assert needed(denied, tests=[{"caller": "guest", "deny": [{"request": "DELETE /pets/7", "reason": "explicit_deny"}]}]) == {
        "group/guest deny DELETE /pets/{petId}"
    }
    # Two denies: the other would do.
    twice = document(groups={**PETSTORE["groups"], "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{petId}", "DELETE /**"]}})
    assert needed(twice, tests=[{"caller": "admin", "deny": ["DELETE /pets/7"]}]) == set()
    # What fails proves nothing, with one permission behind it or with two.
    assert needed(document(), tests=[{"caller": "admin", "deny": ["GET /pets"]}]) == set()
    assert needed(document(), tests=[{"caller": "guest", "deny": ["GET /pets/7"]}]) == set()
    assert needed(document(), tests=[{"caller": "nobody", "deny": [{"request": "GET /cars", "reason": "no_route"}]}]) == set()


def test_through_a_delegated_client_both_sides_are_needed() -> None:
    assert needed(document(), tests=[{"caller": "visitor", "allow": ["GET /pets/7"]}]) == {
        "group/guest allow GET /pets/{petId}",
        "scope/pets/read allow GET /pets/{petId}",
    }


def test_what_another_permission_says_again_is_not_needed_by_a_matrix() -> None:
    again = document(groups={**PETSTORE["groups"], "guest": {"allow": ["GET /pets/{petId}", "GET /pets/*", "GET /pets"]}})
    result = result_of(again, format_matrix(again), matrix="m.csv")
    assert set(coverage(again, [result]).unneeded) == {
        *("group/guest allow GET /pets/{petId}", "group/guest allow GET /pets/*", "group/guest allow GET /pets")
    }


def test_a_permission_for_a_public_route_is_needed_by_nothing() -> None:
    idle = document(everyone={"allow": ["GET /pets", "GET /health"]})
    result = result_of(idle, format_matrix(idle), matrix="m.csv", tests=[{"caller": "nobody", "allow": ["GET /health"]}])
    assert coverage(idle, [result]).unneeded == ("everyone allow GET /health",)


def test_percent() -> None:
    assert (percent_of(1, 4), percent_of(0, 0)) == (25.0, 100.0)
