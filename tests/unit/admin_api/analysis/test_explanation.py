"""Explanations of decisions, as an admin reads them."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from admin_api.analysis.explanation import Explanation, explain, explain_to
from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers, bearer_of
from authorizer.policy.decision import Reason
from authorizer.policy.document import PermissionDocument, format_document, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.request_path import Unroutable
from authorizer.tokens.claims import OUR_ISSUER, TrustedIssuer
from tests.support.random_apis import OWNER, START, Oracle, random_document, random_request

PETSTORE = parse_document(
    {
        "api": "petstore",
        "routes": [
            *("GET /", "GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}"),
            *("GET /owners/{ownerId}/pets", "ANY /files/{proxy+}", "WS $connect"),
            {"route": "GET /health", "public": True},
        ],
        "everyone": {"allow": ["GET /pets"]},
        "groups": {
            "guest": {"allow": ["GET /pets/{petId}"]},
            "owner": {"inherits": ["guest"], "allow": ["POST /pets", {"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]},
            "breeder": {"inherits": ["owner"]},
            "admin": {"allow": ["* /**", "WS *"], "deny": ["DELETE /pets/{petId}"]},
            "clerk": {"deny": ["DELETE /pets/{petId}", "* /files/**"]},
            "empty": {},
        },
        "clients": {"robot": {"allow": ["POST /pets"]}},
    }
)


def group(name: str) -> PrincipalRef:
    return PrincipalRef(RefKind.GROUP, name)


def explained(groups: str, request: str, claims: Mapping[str, str] | None = None, document: PermissionDocument = PETSTORE) -> Explanation:
    method, path = request.split(" ", 1)
    return explain(document, [group(name) for name in groups.split()], claims or {}, method, path, now=0)


@pytest.mark.parametrize(
    ("groups", "request_line", "sentence"),
    [
        ("", "GET /pets", "GET /pets is allowed by everyone allow GET /pets"),
        ("", "GET pets", "GET /pets is allowed by everyone allow GET /pets"),
        ("guest", "GET /pets/7", "GET /pets/7 is allowed by group/guest allow GET /pets/{petId}"),
        ("owner", "GET /pets/7", "GET /pets/7 is allowed by group/guest allow GET /pets/{petId}, through group/owner"),
        (
            "breeder owner",
            "GET /pets/7",
            "GET /pets/7 is allowed by group/guest allow GET /pets/{petId}, through group/breeder and group/owner",
        ),
        ("owner guest", "GET /pets/7", "GET /pets/7 is allowed by group/guest allow GET /pets/{petId}"),
        ("admin guest", "GET /pets/7", "GET /pets/7 is allowed by group/admin allow * /** and group/guest allow GET /pets/{petId}"),
        ("admin guest", "DELETE /pets/7", "DELETE /pets/7 is denied by group/admin deny DELETE /pets/{petId}"),
        ("guest", "POST /pets", "POST /pets is denied: nothing that everyone and group/guest has allows POST /pets"),
        ("", "PUT /files/a/b", "PUT /files/a/b is denied: nothing that everyone has allows PUT /files/{proxy+}"),
        ("guest", "GET /cats", "GET /cats is denied: it belongs to no route of the catalogue"),
        ("guest", "GET /pets/../health", "GET /pets/../health is denied: the path is unsafe"),
        ("guest", "get /pets", "get /pets is denied: it belongs to no route of the catalogue"),
        ("", "GET /", "GET / is denied: nothing that everyone has allows GET /"),
        ("admin", "WS $connect", "WS $connect is allowed by group/admin allow WS *"),
        ("guest", "WS $connect", "WS $connect is denied: nothing that everyone and group/guest has allows WS $connect"),
        ("admin", "WS sendMessage", "WS sendMessage is denied: it belongs to no route of the catalogue"),
    ],
)
def test_the_sentence_tells_the_decision_and_its_cause(groups: str, request_line: str, sentence: str) -> None:
    assert str(explained(groups, request_line)) == sentence


@pytest.mark.parametrize(
    ("groups", "request_line", "reason", "route", "parameters"),
    [
        ("guest", "GET /pets/7", Reason.ALLOWED, "GET /pets/{petId}", {"petId": "7"}),
        ("admin", "DELETE /pets/7", Reason.EXPLICIT_DENY, "DELETE /pets/{petId}", {"petId": "7"}),
        ("", "PATCH /files/a/b", Reason.IMPLICIT_DENY, "ANY /files/{proxy+}", {"proxy": "a/b"}),
        ("admin", "GET /cats", Unroutable.NO_ROUTE, None, {}),
        ("admin", "GET //pets", Unroutable.UNSAFE_PATH, None, {}),
        ("admin", "WS sendMessage", Unroutable.NO_ROUTE, None, {}),
    ],
)
def test_route_and_parameters_are_those_that_the_authorizer_finds(
    groups: str, request_line: str, reason: object, route: str | None, parameters: dict[str, str]
) -> None:
    explanation = explained(groups, request_line)
    found = explanation.decision.route
    assert (explanation.decision.reason, found and str(found), explanation.parameters) == (reason, route, parameters)


def test_refs_that_the_document_does_not_know_are_told_apart() -> None:
    ghost, robot = group("ghost"), PrincipalRef(RefKind.CLIENT, "robot")
    explanation = explain(PETSTORE, iter([ghost, robot, EVERYONE, robot, group("guest")]), {}, "POST", "pets", now=0)
    assert explanation.refs == (EVERYONE, robot, group("guest"))
    assert explanation.unknown_refs == (ghost,)
    assert [str(held) for held in explanation.determining] == ["client/robot allow POST /pets"]


def test_everyone_is_a_known_ref_of_a_document_that_gives_it_nothing() -> None:
    document = parse_document({"api": "x", "routes": ["GET /a"]})
    explanation = explain(document, [EVERYONE], {}, "GET", "a", now=0)
    assert (explanation.refs, explanation.unknown_refs) == ((EVERYONE,), ())
    assert str(explanation.suggested_grant) == "add `GET /a` to `allow` of everyone: it goes to every verified token"


def test_an_allowed_request_has_nothing_more_to_say() -> None:
    explanation = explained("owner", "GET /pets/7")
    assert (explanation.near_misses, explanation.more_subjects) == ((), 0)
    assert (explanation.suggested_grant, explanation.why_no_grant) == (None, None)


@pytest.mark.parametrize(
    ("groups", "request_line", "suggestion"),
    [
        ("empty", "POST /pets", "add `POST /pets` to `allow` of group/empty: it goes to all that have group/empty"),
        ("", "POST /pets", "add `POST /pets` to `allow` of everyone: it goes to every verified token"),
        (
            "guest",
            "POST /pets",
            (
                "add `POST /pets` to `allow` of group/guest: it goes to all that have group/guest; by inheritance also to "
                "group/breeder and group/owner"
            ),
        ),
        (
            "ghost guest",
            "POST /pets",
            "add `POST /pets` to `allow` of group/ghost: it goes to all that have group/ghost; the document has no group/ghost yet",
        ),
        (
            "empty",
            "PUT /files/a/b",
            (
                "add `PUT /files/{proxy+}` to `allow` of group/empty: it goes to all that have group/empty; "
                "it holds for all values of `proxy`, unless `where` binds them to claims"
            ),
        ),
        (
            "empty",
            "GET /health",
            (
                "add `GET /health` to `allow` of group/empty: it goes to all that have group/empty; "
                "the catalogue has the route as public, so that it should need no grant"
            ),
        ),
        ("empty", "WS $connect", "add `WS $connect` to `allow` of group/empty: it goes to all that have group/empty"),
    ],
)
def test_a_grant_is_suggested_with_what_it_does_besides(groups: str, request_line: str, suggestion: str) -> None:
    explanation = explained(groups, request_line)
    assert str(explanation.suggested_grant) == suggestion
    assert explanation.why_no_grant is None


def test_a_grant_is_suggested_to_the_first_ref_that_is_not_everyone() -> None:
    scope = PrincipalRef(RefKind.SCOPE, "pets/write")
    suggested = explain(PETSTORE, [EVERYONE, scope, group("guest")], {}, "POST", "pets", now=0).suggested_grant
    assert suggested is not None
    assert suggested.subject == scope


@pytest.mark.parametrize(
    ("groups", "request_line", "why"),
    [
        ("admin", "DELETE /pets/7", "a deny always wins: first take out group/admin deny DELETE /pets/{petId}"),
        (
            "clerk",
            "DELETE /pets/7",
            "a deny always wins: first take out group/clerk deny DELETE /pets/{petId}, then grant the route as well",
        ),
        (
            "admin clerk",
            "DELETE /pets/7",
            "a deny always wins: first take out group/admin deny DELETE /pets/{petId} and group/clerk deny DELETE /pets/{petId}",
        ),
        ("admin", "GET /cats", "no grant can help a request that belongs to no route"),
        ("admin", "GET /pets%2F7", "no grant can help a request that belongs to no route"),
    ],
)
def test_where_no_grant_can_help_it_says_what_has_to_go_first(groups: str, request_line: str, why: str) -> None:
    explanation = explained(groups, request_line)
    assert (explanation.suggested_grant, explanation.why_no_grant) == (None, why)


def test_ten_other_subjects_are_named_and_the_rest_counted() -> None:
    groups: dict[str, Any] = {f"g{number:02}": {"allow": ["GET /a"]} for number in range(13)}
    document = parse_document({"api": "x", "routes": ["GET /a"], "groups": groups})
    explanation = explained("", "GET /a", document=document)
    assert [str(near.subject) for near in explanation.near_misses] == [f"group/g{number:02}" for number in range(10)]
    assert explanation.more_subjects == 3
    assert explained("", "GET /a", document=parse_document({"api": "x", "routes": ["GET /a"]})).more_subjects == 0


def test_decisions_agree_with_a_literal_reading_of_the_document_and_suggested_grants_do_what_they_promise() -> None:
    random, judged, granted = Random(5), 0, 0
    for _ in range(150):
        source = random_document(random)
        document = parse_document(source)
        for _ in range(8):
            verb, path, canonical = random_request(random, source["routes"])
            groups = random.sample(["g1", "g2"], random.randint(0, 2))
            claims = {"sub": random.choice((OWNER, "7", "me"))}
            refs = [group(name) for name in groups]
            explanation = explain(document, refs, claims, verb, path, START)
            route = explanation.decision.route
            if canonical and route is not None:
                judged += 1
                expected = Oracle(source).allows(groups, claims, str(route), verb, dict(explanation.parameters), START)
                assert explanation.decision.allowed == expected
            suggested = explanation.suggested_grant
            assert (suggested is not None) == (explanation.decision.reason is Reason.IMPLICIT_DENY)
            if suggested is not None:
                granted += 1
                after = parse_document(_with_grant(format_document(document), suggested.subject, suggested.entry))
                assert explain(after, refs, claims, verb, path, START).decision.allowed
    assert min(judged, granted) > 200


def _with_grant(document: dict[str, Any], subject: PrincipalRef, entry: str) -> dict[str, Any]:
    section = document.setdefault("everyone", {}) if subject == EVERYONE else document["groups"][subject.name]
    section["allow"] = [*section.get("allow", []), entry]
    return document


THIRD_PARTY = parse_document(
    {
        "api": "petstore",
        "routes": ["GET /pets", "POST /pets", "DELETE /pets", "PUT /pets", "GET /open", "GET /o/{owner}"],
        "everyone": {"allow": ["GET /open"]},
        "groups": {"owner": {"allow": ["GET /pets", "POST /pets", "DELETE /pets", "GET /o/{owner}"]}, "admin": {"allow": ["* /**"]}},
        "clients": {"third": {"delegated": True, "allow": ["* /**"], "deny": ["DELETE /pets"]}, "ours": {"allow": ["POST /pets"]}},
        "scopes": {
            "pets/read": {"allow": ["GET /pets", "DELETE /pets", "PUT /pets", {"route": "GET /o/{owner}", "where": {"owner": "sub"}}]},
            "pets/write": {"allow": ["POST /pets"]},
        },
    }
)


def through(request: str, *scopes: str, client: str = "third", groups: tuple[str, ...] = ("owner",)) -> Explanation:
    method, path = request.split(" ", 1)
    consent = [PrincipalRef(RefKind.CLIENT, client), *(PrincipalRef(RefKind.SCOPE, name) for name in scopes)]
    refs = [*(group(name) for name in groups), *consent]
    return explain(THIRD_PARTY, refs, {"sub": "u1"}, method, path, 0, consent)


@pytest.mark.parametrize(
    ("request_line", "scopes", "sentence", "delegation"),
    [
        (
            "GET /pets",
            ("openid", "pets/read"),
            "GET /pets is allowed by group/owner allow GET /pets and scope/pets/read allow GET /pets",
            "the person's permissions and the token's scopes both allow this",
        ),
        (
            "POST /pets",
            ("pets/read",),
            "POST /pets is denied: client/third is delegated, and the token's scopes allow nothing here",
            "the person's permissions allow this, the token's scopes allow nothing here",
        ),
        (
            "GET /open",
            (),
            "GET /open is denied: client/third is delegated, and the token's scopes allow nothing here",
            "the person's permissions allow this, the token's scopes allow nothing here",
        ),
        (
            "PUT /pets",
            ("pets/read",),
            "PUT /pets is denied: nothing that everyone and group/owner has allows PUT /pets",
            "the token's scopes allow this, the person's permissions do not",
        ),
        (
            "PUT /pets",
            (),
            "PUT /pets is denied: nothing that everyone and group/owner has allows PUT /pets",
            "neither the person's permissions nor the token's scopes allow this",
        ),
        (
            "DELETE /pets",
            ("pets/read",),
            "DELETE /pets is denied by client/third deny DELETE /pets",
            "the person's permissions allow this, the token's scopes allow nothing here",
        ),
    ],
)
def test_an_explanation_tells_which_side_lacks(request_line: str, scopes: tuple[str, ...], sentence: str, delegation: str) -> None:
    found = through(request_line, *scopes)
    assert str(found) == sentence
    assert str(found.delegation) == f"client/third is delegated: {delegation}"
    assert found.unknown_refs == tuple(PrincipalRef(RefKind.SCOPE, name) for name in scopes if name == "openid")


def test_what_the_scopes_lack_can_be_granted_to_a_scope() -> None:
    found = through("POST /pets", "pets/read")
    assert [str(miss) for miss in found.near_misses] == ["would be allowed by scope/pets/write"]
    assert found.suggested_grant is not None
    assert (str(found.suggested_grant.subject), found.suggested_grant.entry) == ("scope/pets/read", "POST /pets")
    assert found.suggested_grant.note == "it goes to all that have scope/pets/read"


def test_a_token_without_scopes_has_none_to_grant_to() -> None:
    found = through("POST /pets")
    assert (found.suggested_grant, found.why_no_grant) == (None, "the token has no scope that a grant could be given to: sign in with one")


def test_what_the_person_lacks_is_granted_to_the_group_and_the_scopes_are_not_forgotten() -> None:
    found = through("PUT /pets", "pets/write")
    assert [str(miss) for miss in found.near_misses] == ["would be allowed by group/admin"]
    assert found.suggested_grant is not None
    assert str(found.suggested_grant.subject) == "group/owner"
    assert "the token's scopes have to allow it as well, since client/third is delegated" in found.suggested_grant.note
    found = through("PUT /pets", "pets/read")
    assert found.suggested_grant is not None
    assert "as well" not in found.suggested_grant.note


def test_what_a_consent_nearly_allows_is_told() -> None:
    found = through("GET /o/u2", "pets/read")
    assert (found.decision.reason, [miss.kind.value for miss in found.near_misses]) == (Reason.NOT_CONSENTED, ["claim_differs"])


def test_a_request_without_a_route_has_no_sides() -> None:
    assert through("GET /nowhere", "pets/read").delegation is None


def test_through_a_client_that_is_not_delegated_nothing_changes() -> None:
    found = through("GET /pets", "pets/write", client="ours")
    assert found == explain(
        THIRD_PARTY, [group("owner"), *through("GET /pets", "pets/write", client="ours").refs[2:]], {"sub": "u1"}, "GET", "/pets", 0
    )
    assert found.delegation is None
    assert str(through("GET /open", client="ours")) == "GET /open is allowed by everyone allow GET /open"


TENANTS = parse_document(
    {
        "api": "x",
        "routes": ["GET /t/{a}/{b}", "GET /free"],
        "everyone": {"allow": ["GET /free"]},
        "groups": {
            "partner:staff": {"allow": [{"route": "GET /t/{a}/{b}", "where": {"a": "tenant", "b": "account"}}, "GET /free"]},
            "staff": {"allow": [{"route": "GET /t/{a}/{b}", "where": {"a": "tenant"}}]},
        },
    }
)
PARTNER = TrustedIssuer(
    "partner", "https://a.example", "https://a.example/k", frozenset(), frozenset({"x"}), "none", "roles", ("tenant", "account")
)
KNOWN = TrustedIssuers((OUR_ISSUER, PARTNER), are_known=True)


@pytest.mark.parametrize(
    ("groups", "path", "trusted", "noted"),
    [
        ("partner:staff", "t/1/2", NOT_KNOWN, True),
        ("partner:staff unknown:x", "t/1/2", NOT_KNOWN, True),
        ("partner:staff", "t/1/2", KNOWN, False),
        ("partner:staff", "t/1/3", NOT_KNOWN, False),
        ("partner:staff", "free", NOT_KNOWN, False),
        ("staff", "t/1/2", NOT_KNOWN, False),
        ("staff unknown:x", "t/1/2", NOT_KNOWN, False),
    ],
)
def test_an_allow_by_claims_of_an_issuer_that_may_have_a_name_says_what_it_takes_for_granted(
    groups: str, path: str, trusted: TrustedIssuers, noted: bool
) -> None:
    """What allows without claims, and what denies, takes nothing for granted."""
    bearer = bearer_of({"tenant": "1", "account": "2"}, [group(name) for name in groups.split()], trusted)
    found = explain_to(bearer, TENANTS, "GET", path, now=0)
    assert found.decision.allowed is (path != "t/1/3")
    words = (
        "if `partner` is the name of an issuer, the authorizer allows this only if the issuer's `binding_claims` list "
        "`account` and `tenant`: which issuers are trusted is not known here"
    )
    assert found.notes == ((words,) if noted else ())
