"""OpenID AuthZEN Authorization API 1.0: decisions over HTTP that mean what the authorizer's mean, and the errors that the specification asks for."""

from typing import Any

import pytest

from tests.integration.rest.client import Client, Reply
from tests.integration.rest.conftest import Rest
from tests.support.aws_calls import error

ONE, SEVERAL = "/access/v1/evaluation", "/access/v1/evaluations"

API = "zoo"


@pytest.fixture(scope="module", autouse=True)
def _zoo(shared: Rest) -> None:
    shared.client.publish(
        {
            "api": API,
            "routes": ["GET /pets", "POST /pets", "DELETE /pets/{petId}", "GET /owners/{ownerId}/pets"],
            "everyone": {"allow": ["GET /pets"]},
            "groups": {
                "owner": {"allow": ["POST /pets", {"route": "GET /owners/{ownerId}/pets", "where": {"ownerId": "sub"}}]},
                "admin": {"allow": ["* /**"], "deny": ["DELETE /pets/{petId}"]},
            },
            "clients": {"job": {"allow": ["POST /pets"]}, "third": {"delegated": True}},
            "scopes": {"pets/all": {"allow": ["DELETE /pets/{petId}"]}},
        }
    )


def user(*groups: str, id: str = "u1", **properties: Any) -> dict[str, Any]:  # noqa: A002  # the field's name
    return {"type": "user", "id": id, "properties": {"groups": list(groups), **properties}}


def route(path: str, api: Any = API) -> dict[str, Any]:
    return {"type": "route", "id": path, "properties": {"api": api}}


def action(name: str) -> dict[str, Any]:
    return {"name": name}


def question(subject: Any, method: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"subject": subject, "action": action(method), "resource": resource, **more}


DECISIONS: list[tuple[dict[str, Any], str, str, bool, str]] = [
    (user(), "GET", "/pets", True, "allowed"),
    (user("owner"), "POST", "/pets", True, "allowed"),
    (user("nobody"), "POST", "/pets", False, "implicit_deny"),
    (user("admin", "owner"), "DELETE", "/pets/7", False, "explicit_deny"),
    (user("owner"), "GET", "/owners/u1/pets", True, "allowed"),
    (user("owner"), "GET", "/owners/u2/pets", False, "implicit_deny"),
    (user("owner", claims={"sub": "u2"}), "GET", "/owners/u2/pets", False, "implicit_deny"),
    (user("admin"), "GET", "/cats", False, "no_route"),
    (user("admin"), "GET", "/pets/../cats", False, "unsafe_path"),
    (user("admin"), "get", "/pets", False, "no_route"),
    ({"type": "group", "id": "owner"}, "POST", "/pets", True, "allowed"),
    ({"type": "group", "id": "owner"}, "GET", "/owners/owner/pets", False, "implicit_deny"),
    ({"type": "client", "id": "job"}, "POST", "/pets", True, "allowed"),
    ({"type": "client", "id": "x", "properties": {"scopes": ["pets/all"]}}, "DELETE", "/pets/7", True, "allowed"),
    ({"type": "client", "id": "x", "properties": {"groups": ["admin"]}}, "POST", "/pets", False, "implicit_deny"),
    (user("nobody", scopes=["pets/all"]), "DELETE", "/pets/7", False, "implicit_deny"),
    ({"type": "user", "id": "job"}, "POST", "/pets", False, "implicit_deny"),
    (user("owner", claims={"client_id": "third", "scope": "openid"}), "POST", "/pets", False, "not_consented"),
    (user("admin", claims={"client_id": "third", "scope": "pets/all"}), "POST", "/pets", False, "not_consented"),
    (user("owner", claims={"client_id": "job", "scope": "openid"}), "POST", "/pets", True, "allowed"),
    ({"type": "client", "id": "third", "properties": {"scopes": ["pets/all"]}}, "DELETE", "/pets/7", True, "allowed"),
]


@pytest.mark.parametrize(("subject", "method", "path", "decision", "reason"), DECISIONS)
def test_a_decision_is_the_authorizers(
    client: Client, subject: dict[str, Any], method: str, path: str, decision: bool, reason: str
) -> None:
    """A deny is an answer, and no error."""
    reply = client.post(ONE, question(subject, method, route(path)))
    assert (reply.status, reply.headers["content-type"], reply.headers["cache-control"]) == (200, "application/json", "no-store")
    assert (reply.body["decision"], reply.body["context"]["reason"]) == (decision, reason)
    assert reply.body["context"]["version"] == 1
    assert reply.body.keys() == {"decision", "context"}


def test_a_decision_names_the_permissions_that_made_it(client: Client) -> None:
    context = client.post(ONE, question(user("admin"), "DELETE", route("/pets/7"))).body["context"]
    assert context["determining"] == ["group/admin deny DELETE /pets/{petId}"]
    assert context["sentence"] == "DELETE /pets/7 is denied by group/admin deny DELETE /pets/{petId}"


@pytest.mark.parametrize(
    ("subject", "resource", "reason"),
    [
        (user("admin"), route("/pets", "nowhere"), "unknown_api"),
        (user("admin"), route("/pets", "../zoo"), "unknown_api"),
        (user("admin"), route("/pets", "a" * 5000), "unknown_api"),
        (user("admin"), route("/pets", "\ud800"), "unknown_api"),
        (user("admin"), route("/pets", "gatebook-admin"), "unknown_api"),
        (user("admin"), {"type": "route", "id": "/pets"}, "unknown_resource"),
        (user("admin"), route("/pets", 5), "unknown_resource"),
        (user("admin"), {**route("/pets"), "type": "record"}, "unknown_resource"),
        ({"type": "robot", "id": "r2"}, route("/pets"), "unknown_subject"),
        ({"type": "user", "id": "u", "properties": {"groups": "admin"}}, route("/pets"), "unknown_subject"),
        ({"type": "user", "id": "u", "properties": {"groups": [1]}}, route("/pets"), "unknown_subject"),
        (user("admin", claims={"client_id": 7}), route("/pets"), "refused_token"),
    ],
)
def test_what_nobody_can_grant_is_denied_and_says_so(client: Client, subject: Any, resource: Any, reason: str) -> None:
    """The admin API itself is asked about at its own routes only."""
    reply = client.post(ONE, question(subject, "GET", resource))
    assert (reply.status, reply.body["decision"], reply.body["context"]["reason"]) == (200, False, reason)


def test_what_is_not_known_is_passed_over(client: Client) -> None:
    """Section 10.1.1, for the sake of later versions."""
    asked = question(
        {**user("owner"), "tenant": 5},
        "POST",
        {**route("/pets"), "labels": []},
        context={"time": "now", "more": [1]},
        options={"x": 1},
        trace=None,
    )
    assert client.post(ONE, asked).body["decision"] is True
    reply = client.post(SEVERAL, {**asked, "evaluations": [{"x": 1}], "options": {"evaluations_semantic": "execute_all", "y": 2}})
    assert [found["decision"] for found in reply.body["evaluations"]] == [True]


GOOD = question(user("owner"), "POST", route("/pets"))
BAD: dict[str, tuple[Any, list[str]]] = {
    "no subject": ({k: v for k, v in GOOD.items() if k != "subject"}, ["/subject"]),
    "no action": ({k: v for k, v in GOOD.items() if k != "action"}, ["/action"]),
    "no resource": ({k: v for k, v in GOOD.items() if k != "resource"}, ["/resource"]),
    "nothing": ({}, ["/subject", "/action", "/resource"]),
    "a subject without type": ({**GOOD, "subject": {"id": "u"}}, ["/subject/type"]),
    "a subject without id": ({**GOOD, "subject": {"type": "user"}}, ["/subject/id"]),
    "an action without name": ({**GOOD, "action": {}}, ["/action/name"]),
    "a resource without type": ({**GOOD, "resource": {"id": "/pets"}}, ["/resource/type"]),
    "a resource without id": ({**GOOD, "resource": {"type": "route"}}, ["/resource/id"]),
    "a number for an id": ({**GOOD, "subject": {"type": "user", "id": 5}}, ["/subject/id"]),
    "a text for an action": ({**GOOD, "action": "POST"}, ["/action"]),
    "a list for a context": ({**GOOD, "context": []}, ["/context"]),
    "null for a subject": ({**GOOD, "subject": None}, ["/subject"]),
    "half of a pair": ({**GOOD, "action": {"name": "\ud800"}}, ["/action/name"]),
    "a path without end": ({**GOOD, "resource": route("/" * 2001)}, ["/resource/id"]),
    "a list": ([GOOD], [""]),
    "a text": ("x", [""]),
}


@pytest.mark.parametrize(("body", "places"), BAD.values(), ids=BAD)
def test_a_request_without_what_is_required_is_a_bad_request(client: Client, body: Any, places: list[str]) -> None:
    """Section 10.1.2 has 400 for it, and no 422."""
    reply = client.post(ONE, body)
    reply.problem(400, "bad-request")
    assert reply.pointers() == places


def test_a_single_question_at_the_wrong_place_is_held_to_the_same(client: Client) -> None:
    for name in ("no subject", "no action", "no resource", "nothing"):
        body, places = BAD[name]
        reply = client.post(SEVERAL, body)
        reply.problem(400, "bad-request")
        assert reply.pointers() == places


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        ("{", "application/json"),
        ("", "application/json"),
        ('{"subject":1,"subject":2}', "application/json"),
        ("{}", "text/plain"),
        ("a=b", ""),
    ],
)
@pytest.mark.parametrize("path", [ONE, SEVERAL])
def test_what_is_no_json_is_a_bad_request(client: Client, path: str, raw: str, kind: str) -> None:
    client.post(path, raw=raw, headers={"Content-Type": kind}).problem(400, "bad-request")


@pytest.mark.parametrize(
    "body",
    [
        {**GOOD, "evaluations": {}},
        {**GOOD, "evaluations": [5]},
        {**GOOD, "evaluations": [[]]},
        {**GOOD, "evaluations": [{}] * 101},
        {**GOOD, "evaluations": [{}], "options": []},
        {**GOOD, "evaluations": [{}], "options": {"evaluations_semantic": "deny_on_last_deny"}},
        {**GOOD, "evaluations": [{}], "options": {"evaluations_semantic": 1}},
        {**GOOD, "evaluations": [{}], "subject": {"type": "user"}},
    ],
)
def test_what_is_wrong_with_the_whole_request_is_a_bad_request(client: Client, body: Any) -> None:
    client.post(SEVERAL, body).problem(400, "bad-request")


def test_errors_of_the_transport_are_told_by_status(rest: Rest) -> None:
    rest.client.post(ONE, GOOD, as_=None).problem(401, "unauthenticated")
    rest.client.post(ONE, raw=" " * 5_000_001).problem(413, "body-too-large")
    rest.wire.rule = lambda call: error("ThrottlingException")
    rest.client.post(ONE, GOOD).problem(503, "unavailable")
    rest.client.post(SEVERAL, {**GOOD, "evaluations": [{}]}).problem(503, "unavailable")


def decisions(reply: Reply) -> list[bool]:
    assert reply.status == 200, reply.body
    assert (reply.body.get("decision"), reply.body.get("context")) == (None, None)
    return [found["decision"] for found in reply.body["evaluations"]]


def test_what_an_evaluation_lacks_comes_from_around_it(client: Client) -> None:
    """And what it has takes the place of what is around it as a whole, not part by part."""
    body = {
        "subject": user("owner"),
        "action": action("POST"),
        "resource": route("/pets"),
        "evaluations": [
            {},
            {"subject": user()},
            {"action": action("DELETE"), "resource": route("/pets/7")},
            {"action": action("GET"), "resource": route("/owners/u1/pets")},
            {"subject": user("owner", id="u2"), "action": action("GET"), "resource": route("/owners/u1/pets")},
            {"subject": {"type": "user", "id": "u1"}},
            {"resource": {"type": "route", "id": "/pets"}},
        ],
    }
    assert decisions(client.post(SEVERAL, body)) == [True, False, False, True, False, False, False]


def test_defaults_may_be_missing_where_nobody_needs_them(client: Client) -> None:
    whole = {"subject": user(), "action": action("GET"), "resource": route("/pets")}
    assert decisions(client.post(SEVERAL, {"evaluations": [whole, {**whole, "action": action("POST")}]})) == [True, False]


def test_without_evaluations_it_is_a_single_question(client: Client) -> None:
    for body in (GOOD, {**GOOD, "evaluations": []}):
        reply = client.post(SEVERAL, body)
        assert (reply.status, reply.body["decision"], reply.body["context"]["reason"]) == (200, True, "allowed")
        assert reply.body.get("evaluations") is None


YES, NO = {"resource": route("/pets")}, {"resource": route("/pets/7")}
BROKEN: dict[str, Any] = {"resource": {"type": "route"}}
SEMANTICS = [
    (None, [YES, NO, YES, NO], [True, False, True, False]),
    ("execute_all", [YES, NO, YES, NO], [True, False, True, False]),
    ("deny_on_first_deny", [YES, NO, YES, NO], [True, False]),
    ("deny_on_first_deny", [YES, YES], [True, True]),
    ("deny_on_first_deny", [YES, BROKEN, YES], [True, False]),
    ("permit_on_first_permit", [NO, YES, NO], [False, True]),
    ("permit_on_first_permit", [NO, BROKEN, NO], [False, False, False]),
    ("execute_all", [BROKEN, YES], [False, True]),
]


@pytest.mark.parametrize(("semantic", "parts", "expected"), SEMANTICS)
def test_the_semantic_says_when_to_stop(client: Client, semantic: str | None, parts: list[Any], expected: list[bool]) -> None:
    options = {} if semantic is None else {"options": {"evaluations_semantic": semantic}}
    body = {"subject": user("owner"), "action": action("POST"), "evaluations": parts, **options}
    assert decisions(client.post(SEVERAL, body)) == expected


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ({"resource": {"type": "route"}}, "id"),
        ({"action": {"name": 5}}, "name"),
        ({"subject": "u1"}, "subject"),
        ({"context": 5}, "context"),
    ],
)
def test_what_is_wrong_with_one_evaluation_is_an_answer_to_that_one(client: Client, part: Any, word: str) -> None:
    """Section 7.2.1: decisions default to closed, and the context tells why."""
    found = client.post(SEVERAL, {**GOOD, "evaluations": [{}, part, {}]}).body["evaluations"]
    assert [each["decision"] for each in found] == [True, False, True]
    assert found[1]["context"]["error"]["status"] == 400
    assert word in found[1]["context"]["error"]["message"]


def test_one_evaluation_that_lacks_something_leaves_the_others_alone(client: Client) -> None:
    body = {"subject": user("owner"), "action": action("POST"), "evaluations": [{"resource": route("/pets")}, {}]}
    found = client.post(SEVERAL, body).body["evaluations"]
    assert [each["decision"] for each in found] == [True, False]
    assert "/resource: it is missing" in found[1]["context"]["error"]["message"]


def test_all_answers_of_a_request_are_of_one_version_of_each_api(rest: Rest, shop: str) -> None:
    """And cost one reading of each."""
    rest.wire.take()
    parts = [{"resource": route("/pets", api)} for api in (API, shop, API, shop, "nowhere", "nowhere")]
    reply = rest.client.post(SEVERAL, {"subject": user("owner"), "action": action("POST"), "evaluations": parts})
    assert decisions(reply) == [True, True, True, True, False, False]
    heads = [call.partition for call in rest.wire.take() if call.operation == "GetItem"]
    assert heads == [f"api#{API} head", f"api#{shop} head", "api#nowhere head"]


def test_a_hundred_evaluations_fit(client: Client) -> None:
    assert decisions(client.post(SEVERAL, {**GOOD, "evaluations": [{}] * 100})) == [True] * 100


def test_a_request_keeps_its_name(rest: Rest) -> None:
    """Section 10.1.3: also in answers that are errors."""
    name = {"X-Request-ID": "bfe9eb29-ab87-4ca3-be83-a1d5d8305716"}
    for path, body in ((ONE, GOOD), (SEVERAL, {**GOOD, "evaluations": [{}]}), (ONE, {}), (SEVERAL, [])):
        assert rest.client.post(path, body, headers=name).headers["x-request-id"] == name["X-Request-ID"]
        assert "x-request-id" not in rest.client.post(path, body).headers
    assert rest.client.post(ONE, GOOD, headers=name, as_=None).headers["x-request-id"] == name["X-Request-ID"]


def test_nothing_is_written(rest: Rest) -> None:
    before = rest.table.items()
    rest.wire.take()
    rest.client.post(ONE, GOOD)
    assert set(rest.wire.operations()) == {"GetItem", "Query"}
    assert rest.table.items() == before
