"""Who may call what, and why or why not: the matrix, the callers of a route, the routes of a caller, and the explanation of one request."""

from typing import Any

import pytest

from tests.integration.rest.client import Client
from tests.integration.rest.conftest import Rest

API = "zoo"
PATH = f"/v1/apis/{API}"

DOCUMENT = {
    "api": API,
    "routes": [
        *("GET /pets", "POST /pets", "GET /pets/{petId}", "DELETE /pets/{petId}", "GET /owners/{ownerId}/pets", "ANY /files/{proxy+}"),
        {"route": "GET /health", "public": True},
    ],
    "everyone": {"allow": ["GET /pets"]},
    "groups": {
        "guest": {"allow": ["GET /pets/{petId}"]},
        "owner": {"inherits": ["guest"], "allow": ["POST /pets", {"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]},
        "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{petId}"]},
        "on-call": {
            "allow": [
                {"route": "DELETE /pets/{petId}", "until": "2027-01-15T08:00:01Z"},
                {"route": "POST /pets", "until": "2027-01-15T08:00:00Z"},
            ]
        },
    },
    "clients": {"job": {"allow": ["POST /pets"]}},
    "scopes": {"pets/read": {"allow": ["GET /pets/{petId}"]}},
}


@pytest.fixture(scope="module", autouse=True)
def _zoo(shared: Rest) -> None:
    shared.client.publish(DOCUMENT)


def matrix_row(body: Any, subject: str) -> dict[str, str]:
    (row,) = [row for row in body["rows"] if row["subject"] == subject]
    return {cell["route"]: cell["access"] for cell in row["cells"]}


def test_the_matrix_has_every_subject_and_what_it_may(client: Client) -> None:
    reply = client.get(f"{PATH}/matrix")
    assert reply.tag == client.get(PATH).tag
    assert [row["subject"] for row in reply.body["rows"]] == [
        *("client/job", "everyone", "group/admin", "group/guest", "group/on-call", "group/owner", "scope/pets/read")
    ]
    assert matrix_row(reply.body, "everyone") == {"GET /pets": "allowed"}
    assert matrix_row(reply.body, "group/owner") == {
        "GET /pets": "allowed",
        "POST /pets": "allowed",
        "GET /pets/{petId}": "allowed",
        "GET /owners/{ownerId}/pets": "allowed where {ownerId} = sub",
    }
    admin = matrix_row(reply.body, "group/admin")
    assert admin["DELETE /pets/{petId}"] == "denied"
    assert {route for route in admin if "/files/" in route} == {
        f"{verb} /files/{{proxy+}}" for verb in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
    }
    assert reply.body["next"] is None


def test_the_matrix_comes_in_pages(client: Client) -> None:
    whole = client.get(f"{PATH}/matrix").body["rows"]
    pages = [client.get(f"{PATH}/matrix", limit="3").body]
    while pages[-1]["next"]:
        pages.append(client.get(f"{PATH}/matrix", limit="3", cursor=pages[-1]["next"]).body)
    assert [len(page["rows"]) for page in pages] == [3, 3, 1]
    assert [row for page in pages for row in page["rows"]] == whole


WHO_CAN: list[tuple[dict[str, str], list[str]]] = [
    ({"method": "GET", "path": "/pets/7"}, ["group/admin", "group/guest", "group/owner", "scope/pets/read"]),
    ({"method": "GET", "path": "pets/7"}, ["group/admin", "group/guest", "group/owner", "scope/pets/read"]),
    ({"method": "GET", "path": "/pets/7/"}, ["group/admin", "group/guest", "group/owner", "scope/pets/read"]),
    ({"method": "GET", "path": "/pets/{petId}"}, ["group/admin", "group/guest", "group/owner", "scope/pets/read"]),
    ({"route": "GET /pets/{petId}"}, ["group/admin", "group/guest", "group/owner", "scope/pets/read"]),
    ({"method": "POST", "path": "/pets"}, ["client/job", "group/admin", "group/owner"]),
    ({"method": "DELETE", "path": "/pets/7"}, ["group/on-call"]),
    ({"method": "PUT", "path": "/files/a/b/c"}, ["group/admin"]),
    ({"route": "PATCH /files/{proxy+}"}, ["group/admin"]),
    ({"method": "GET", "path": "/cats"}, []),
    ({"method": "GET", "path": "/pets/../owners/u1/pets"}, []),
    ({"method": "DELETE", "path": "/pets"}, []),
]


@pytest.mark.parametrize(("query", "subjects"), WHO_CAN)
def test_who_can_call_a_route(client: Client, query: dict[str, str], subjects: list[str]) -> None:
    body = client.get(f"{PATH}/access", **query).body
    assert sorted({access["subject"] for access in body["access"]}) == subjects
    assert body["version"] == 1


def test_who_can_tells_by_which_permissions_and_on_what_conditions(client: Client) -> None:
    found = client.get(f"{PATH}/access", method="GET", path="/owners/u1/pets").body["access"]
    assert found == [
        {
            "subject": "group/admin",
            "route": "GET /owners/{ownerId}/pets",
            "access": "allowed",
            "permissions": ["group/admin allow * /**"],
            "by_everyone": False,
            "delegated": False,
        },
        {
            "subject": "group/owner",
            "route": "GET /owners/{ownerId}/pets",
            "access": "allowed where {ownerId} = sub",
            "permissions": ["group/owner allow GET /owners/{ownerId}/pets where {ownerId} = sub"],
            "by_everyone": False,
            "delegated": False,
        },
    ]


def test_what_has_ended_is_nobodys(rest: Rest) -> None:
    def callers(method: str, path: str) -> list[str]:
        return [access["subject"] for access in rest.client.get(f"{PATH}/access", method=method, path=path).body["access"]]

    assert "group/on-call" not in callers("POST", "/pets")
    assert callers("DELETE", "/pets/7") == ["group/on-call"]
    rest.clock.advance(1)
    assert callers("DELETE", "/pets/7") == []


WHAT_CAN: list[tuple[str, list[str]]] = [
    ("everyone", ["GET /pets"]),
    ("group/guest", ["GET /pets", "GET /pets/{petId}"]),
    ("group/owner", ["GET /owners/{ownerId}/pets", "GET /pets", "POST /pets", "GET /pets/{petId}"]),
    ("group/on-call", ["GET /pets", "DELETE /pets/{petId}"]),
    ("client/job", ["GET /pets", "POST /pets"]),
    ("scope/pets/read", ["GET /pets", "GET /pets/{petId}"]),
    ("group/nobody", ["GET /pets"]),
]


@pytest.mark.parametrize(("subject", "routes"), WHAT_CAN)
def test_what_a_subject_can_call(client: Client, subject: str, routes: list[str]) -> None:
    """One that the document does not know may what everyone may."""
    found = client.get(f"{PATH}/access", subject=subject).body["access"]
    assert [access["route"] for access in found] == routes
    assert {access["subject"] for access in found} == {subject}
    assert [access["route"] for access in found if access["by_everyone"]] == ["GET /pets"]


def test_what_a_subject_can_call_comes_in_pages(client: Client) -> None:
    whole = client.get(f"{PATH}/access", subject="group/admin").body["access"]
    pages = [client.get(f"{PATH}/access", subject="group/admin", limit="5").body]
    while pages[-1]["next"]:
        pages.append(client.get(f"{PATH}/access", subject="group/admin", limit="5", cursor=pages[-1]["next"]).body)
    assert [access for page in pages for access in page["access"]] == whole
    assert [len(page["access"]) for page in pages] == [5, 5, 2]


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({}, "/query"),
        ({"method": "GET"}, "/query"),
        ({"path": "/pets"}, "/query"),
        ({"method": "GET", "path": ""}, "/query"),
        ({"method": "GET", "path": "/pets", "subject": "everyone"}, "/query"),
        ({"route": "GET /pets", "subject": "everyone"}, "/query"),
        ({"route": "GET /pets", "method": "GET"}, "/query"),
        ({"method": "get", "path": "/pets"}, "/query/method"),
        ({"method": "*", "path": "/pets"}, "/query/method"),
        ({"method": "ANY", "path": "/pets"}, "/query/method"),
        ({"method": "WS", "path": "$connect"}, "/query/method"),
        ({"method": "GET", "path": "/" + "a" * 2000}, "/query/path"),
        ({"route": "GET /pets/7"}, "/query/route"),
        ({"route": "GET /cats"}, "/query/route"),
        ({"route": "GET"}, "/query/route"),
        ({"route": "PUT /pets"}, "/query/route"),
        ({"subject": "guest"}, "/query/subject"),
        ({"subject": "group/"}, "/query/subject"),
        ({"subject": "groups/guest"}, "/query/subject"),
        ({"subject": "everyone/-"}, "/query/subject"),
        ({"subject": "group/gu\u202est"}, "/query/subject"),
    ],
)
def test_a_question_that_means_nothing_is_refused_with_its_place(client: Client, query: dict[str, str], place: str) -> None:
    reply = client.get(f"{PATH}/access", **query)
    reply.problem(422, "invalid-request")
    assert reply.pointers() == [place]


def explain(client: Client, method: str, path: str, **caller: Any) -> Any:
    reply = client.post(f"{PATH}/explain", {"method": method, "path": path, **caller})
    assert (reply.status, reply.tag) == (200, client.get(PATH).tag), reply.body
    return reply.body


def test_an_allowed_request_names_what_allows_it_and_how_the_caller_came_by_it(client: Client) -> None:
    body = explain(client, "GET", "/pets/7", groups=["owner", "strangers"])
    assert (body["allowed"], body["reason"], body["route"], body["parameters"]) == (True, "allowed", "GET /pets/{petId}", {"petId": "7"})
    assert body["determining"] == ["group/guest allow GET /pets/{petId}, through group/owner"]
    assert body["unknown"] == ["group/strangers"]
    assert (body["near_misses"], body["suggested_grant"], body["why_no_grant"]) == ([], None, None)


def test_a_denied_request_names_who_may_and_what_a_grant_would_be(client: Client) -> None:
    body = explain(client, "POST", "/pets", groups=["guest"])
    assert (body["allowed"], body["reason"], body["determining"]) == (False, "implicit_deny", [])
    assert [miss["message"] for miss in body["near_misses"]] == [
        *("would be allowed by client/job", "would be allowed by group/admin", "would be allowed by group/owner"),
    ]
    assert body["suggested_grant"]["subject"] == "group/guest"
    assert body["suggested_grant"]["entry"] == "POST /pets"
    assert "by inheritance also to group/owner" in body["suggested_grant"]["note"]


def test_a_deny_is_named_and_no_grant_is_offered_that_it_would_trump(client: Client) -> None:
    body = explain(client, "DELETE", "/pets/7", groups=["admin"])
    assert (body["allowed"], body["reason"]) == (False, "explicit_deny")
    assert body["determining"] == ["group/admin deny DELETE /pets/{petId}"]
    assert body["suggested_grant"] is None
    assert body["why_no_grant"].startswith("a deny always wins: first take out group/admin deny DELETE /pets/{petId}")


@pytest.mark.parametrize(
    ("claims", "allowed", "kind"),
    [
        ({"sub": "u1"}, True, ""),
        ({"sub": "u2"}, False, "claim_differs"),
        ({}, False, "claim_missing"),
        ({"sub": 5}, False, "claim_differs"),
        ({"sub": True}, False, "not_bindable"),
        ({"sub": 5.0}, False, "not_bindable"),
        ({"sub": ["u1"]}, False, "not_bindable"),
        ({"sub": None}, False, "claim_missing"),
        ({"sub": "u/1"}, False, "not_bindable"),
        ({"username": "u1"}, False, "claim_missing"),
    ],
)
def test_a_bound_grant_asks_the_claim(client: Client, claims: dict[str, Any], allowed: bool, kind: str) -> None:
    request = {"method": "GET", "path": "/owners/u1/pets", "groups": ["owner"], "claims": claims}
    reply = client.post(f"{PATH}/explain", request)
    assert (reply.status, reply.body["allowed"]) == (200, allowed)
    assert [miss["kind"] for miss in reply.body["near_misses"] if miss["kind"] != "other_subject"] == ([kind] if kind else [])


def test_a_grant_that_has_ended_is_a_near_miss(rest: Rest) -> None:
    assert explain(rest.client, "DELETE", "/pets/7", groups=["on-call"])["allowed"]
    rest.clock.advance(1)
    body = explain(rest.client, "DELETE", "/pets/7", groups=["on-call"])
    assert (body["allowed"], [miss["kind"] for miss in body["near_misses"]]) == (False, ["expired"])


def test_a_tokens_claims_tell_the_groups_or_the_client_and_scopes(client: Client) -> None:
    person = {"sub": "u1", "username": "u1", "cognito:groups": ["owner"], "scope": "pets/read"}
    assert explain(client, "GET", "/owners/u1/pets", claims=person)["allowed"]
    machine = {"sub": "job", "client_id": "job", "scope": "pets/read other"}
    body = explain(client, "POST", "/pets", claims=machine)
    assert (body["determining"], body["unknown"]) == (["client/job allow POST /pets"], ["scope/other"])
    assert explain(client, "POST", "/pets", clients=["job"])["allowed"]
    assert explain(client, "GET", "/pets/7", scopes=["pets/read"])["allowed"]


MACHINE = {"sub": "job", "client_id": "job"}


@pytest.mark.parametrize(
    "claims",
    [{"cognito:groups": 7}, {"cognito:groups": [1]}, {"cognito:groups": {}}, {**MACHINE, "scope": 1}, {**MACHINE, "scope": ["s"] * 101}],
)
def test_claims_that_no_token_has_are_refused(client: Client, claims: Any) -> None:
    reply = client.post(f"{PATH}/explain", {"method": "GET", "path": "/pets", "claims": claims})
    reply.problem(422, "invalid-request")
    assert reply.pointers() == ["/claims"]


@pytest.mark.parametrize(
    ("method", "path", "reason"),
    [("GET", "/cats", "no_route"), ("GET", "/pets/%2e%2e/x", "unsafe_path"), ("get", "/pets", "no_route"), ("GET", "", "no_route")],
)
def test_what_belongs_to_no_route_can_be_granted_to_nobody(client: Client, method: str, path: str, reason: str) -> None:
    body = explain(client, method, path, groups=["admin"])
    assert (body["allowed"], body["reason"], body["route"], body["suggested_grant"]) == (False, reason, None, None)
    assert body["why_no_grant"]


@pytest.mark.parametrize(
    ("request_body", "places"),
    [
        ({}, ["/method", "/path"]),
        ({"method": "GET", "path": "/pets", "group": ["guest"]}, ["/group"]),
        ({"method": "GET", "path": "/pets", "groups": "guest"}, ["/groups"]),
        ({"method": "GET", "path": "/pets", "groups": [1, ""]}, ["/groups/0", "/groups/1"]),
        ({"method": "GET", "path": "/pets", "groups": ["g"] * 101}, ["/groups"]),
        ({"method": "GET", "path": 5, "claims": []}, ["/path", "/claims"]),
        ({"method": "", "path": "/" * 2001}, ["/method", "/path"]),
    ],
)
def test_a_question_with_mistakes_is_told_all_of_them(client: Client, request_body: Any, places: list[str]) -> None:
    reply = client.post(f"{PATH}/explain", request_body)
    reply.problem(422, "invalid-request")
    assert reply.pointers() == places


def test_a_document_of_another_version_answers_for_that_version(client: Client, shop: str) -> None:
    """What is asked right after a change is answered by the change."""
    client.put(f"/v1/apis/{shop}/subjects/groups/guest", {"allow": ["DELETE /pets/{petId}"]}, if_match="*")
    body = client.post(f"/v1/apis/{shop}/explain", {"method": "DELETE", "path": "/pets/7", "groups": ["guest"]}).body
    assert (body["version"], body["allowed"]) == (2, True)
    assert client.get(f"/v1/apis/{shop}/matrix").body["version"] == 2


THIRD_PARTY = {
    "api": "third",
    "routes": ["GET /pets", "POST /pets"],
    "groups": {"owner": {"allow": ["* /**"]}},
    "clients": {"5thirdparty": {"delegated": True, "allow": ["POST /pets"]}, "job": {"allow": ["POST /pets"]}},
    "scopes": {"pets/read": {"allow": ["GET /pets"]}},
}
PERSON = {"sub": "u1", "username": "jane", "cognito:groups": ["owner"], "client_id": "5thirdparty"}


@pytest.fixture(scope="module")
def third(shared: Rest) -> str:
    shared.client.publish(THIRD_PARTY)
    return "/v1/apis/third"


@pytest.mark.parametrize(
    ("asked", "get", "post"),
    [
        ({"claims": {**PERSON, "scope": "openid pets/read"}}, "allowed", "not_consented"),
        ({"claims": {**PERSON, "scope": ["pets/read"]}}, "allowed", "not_consented"),
        ({"claims": PERSON}, "not_consented", "not_consented"),
        ({"claims": {"sub": "u1", "username": "jane", "client_id": "5thirdparty", "scope": "pets/read"}}, "implicit_deny", "implicit_deny"),
        ({"groups": ["owner"], "clients": ["5thirdparty"], "scopes": ["pets/read"]}, "allowed", "not_consented"),
        ({"claims": {"username": "jane"}, "clients": ["5thirdparty"], "scopes": ["pets/read"]}, "implicit_deny", "implicit_deny"),
        ({"claims": {**PERSON, "client_id": "job"}}, "allowed", "allowed"),
        ({"groups": ["owner"], "clients": ["job"]}, "allowed", "allowed"),
        ({"clients": ["5thirdparty"], "scopes": ["pets/read"]}, "allowed", "allowed"),
        ({"claims": {"sub": "5thirdparty", "client_id": "5thirdparty", "scope": "pets/read"}}, "allowed", "allowed"),
    ],
)
def test_a_person_through_a_delegated_client_needs_both(client: Client, third: str, asked: dict[str, Any], get: str, post: str) -> None:
    """The last two are the client's own tokens, to which its allows belong."""
    reasons = []
    for method in ("GET", "POST"):
        body = client.post(f"{third}/explain", {"method": method, "path": "/pets", **asked}).body
        reasons.append(body["reason"])
        assert body["allowed"] is (body["reason"] == "allowed")
    assert reasons == [get, post]


def test_an_explanation_tells_what_each_side_says(client: Client, third: str) -> None:
    asked = {"method": "POST", "path": "/pets", "claims": {**PERSON, "scope": "pets/read"}}
    body = client.post(f"{third}/explain", asked).body
    assert body["delegation"] == {
        "client": "client/5thirdparty",
        "person_allows": True,
        "consent_allows": False,
        "sentence": "client/5thirdparty is delegated: the person's permissions allow this, the token's scopes allow nothing here",
    }
    assert body["suggested_grant"]["subject"] == "scope/pets/read"
    assert client.post(f"{third}/explain", {**asked, "claims": {**PERSON, "client_id": "job"}}).body["delegation"] is None


def test_delegated_clients_are_marked_among_who_can_and_in_the_matrix(client: Client, third: str) -> None:
    found = client.get(f"{third}/access", method="POST", path="/pets").body["access"]
    assert {access["subject"]: access["delegated"] for access in found} == {
        "client/5thirdparty": True,
        "client/job": False,
        "group/owner": False,
    }
    rows = client.get(f"{third}/matrix").body["rows"]
    assert [row["subject"] for row in rows if row["delegated"]] == ["client/5thirdparty"]


def test_a_dry_run_and_the_history_say_that_a_client_is_marked(client: Client, third: str) -> None:
    clients = {"5thirdparty": {"allow": ["POST /pets"]}, "job": {"allow": ["POST /pets"]}}
    tried = client.put(f"{third}/document", {**THIRD_PARTY, "clients": clients}, if_match="*", query={"dry_run": "true"})
    sentence = "client/5thirdparty gains whatever people through it may beyond the scopes of their tokens: it is delegated no more"
    assert [change["sentence"] for change in tried.body["access"]] == [sentence]
    assert (tried.body["access"][0]["before"], tried.body["access"][0]["after"]) == ("delegated", "not delegated")
    [version] = client.get(f"{third}/versions").body["versions"]
    assert (
        "client/5thirdparty loses whatever people through it may beyond the scopes of their tokens: it is delegated now"
        in version["changes"]
    )


def test_a_delegated_client_is_read_as_it_is_written(client: Client, third: str) -> None:
    path = f"{third}/subjects/clients/5thirdparty"
    assert client.get(path).body["held"] == {"delegated": True, "inherits": [], "allow": ["POST /pets"], "deny": []}
    assert "delegated" not in client.get(f"{third}/subjects/clients/job").body["held"]
    tried = client.put(path, {"delegated": False}, if_match="*", query={"dry_run": "true"})
    assert "client/5thirdparty loses POST /pets" in [change["sentence"] for change in tried.body["access"]]
    client.put(path, {"delegated": 1}, if_match="*").problem(422, "invalid-document")
