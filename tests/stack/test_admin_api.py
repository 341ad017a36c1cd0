"""The admin API over HTTP: who may do what there, and that no spelling of a path gets around it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.local_stack import Answer, LocalStack, until

pytestmark = pytest.mark.stack

ORDERS = {
    "api": "orders",
    "routes": ["GET /orders", "POST /orders"],
    "groups": {"clerk": {"allow": ["GET /orders"]}, "spare": {"allow": ["POST /orders"]}},
}
ENTRY = {"reason": "a test", "expires_at": "2099-01-01T00:00:00Z"}

# Every write below an API: method, path in the OpenAPI document, path as called, body or the read that gives it, status for who may. `{spare}` is a
# group that nothing else leans on.
WRITES: list[tuple[str, str, str, object, int]] = [
    ("PUT", "/document", "/document", "read", 200),
    ("PATCH", "/document", "/document", {}, 200),
    ("PUT", "/routes", "/routes", "read", 200),
    ("PUT", "/subjects/{kind}/{name}", "/subjects/groups/{spare}", {}, 200),
    ("DELETE", "/subjects/{kind}/{name}", "/subjects/groups/{spare}", None, 200),
    ("POST", "/versions/{number}/rollback", "/versions/1/rollback", None, 200),
    ("PUT", "/denylist/{kind}/{value}", "/denylist/sub/nobody", ENTRY, 200),
    ("DELETE", "/denylist/{kind}/{value}", "/denylist/sub/nobody", None, 404),
]
# Every read: path in the OpenAPI document, path as called, status for who may.
READS: list[tuple[str, str, int]] = [
    ("", "", 200),
    ("/document", "/document", 200),
    ("/routes", "/routes", 200),
    ("/subjects", "/subjects", 200),
    ("/subjects/{kind}/{name}", "/subjects/groups/{spare}", 200),
    ("/versions", "/versions", 200),
    ("/versions/{number}", "/versions/1", 200),
    ("/versions/{number}/diff", "/versions/1/diff?to=1", 200),
    ("/matrix", "/matrix", 200),
    ("/access", "/access?subject=everyone", 200),
    ("/denylist", "/denylist", 200),
    ("/denylist/{kind}/{value}", "/denylist/sub/nobody", 404),
]
EXPLAIN = {"method": "GET", "path": "/orders", "groups": ["clerk"]}
EVALUATION = {
    "subject": {"type": "user", "id": "u1", "properties": {"groups": ["clerk"]}},
    "action": {"name": "GET"},
    "resource": {"type": "route", "id": "/orders", "properties": {"api": "orders"}},
}
SPARE = {"orders": "spare", "petstore": "admin", "gatebook-admin": "petstore-admins"}


@pytest.fixture(scope="module")
def orders(stack: LocalStack, tokens: dict[str, str]) -> str:
    """An API that only its permissions exist of: no literal route of the catalogue speaks of it."""
    created = stack.send("admin", "PUT", "/v1/apis/orders/document", tokens["admin"], ORDERS, {"If-None-Match": "*"})
    assert (created.status, created.json["version"], created.headers["etag"][:3]) == (201, 1, '"1-')
    return "orders"


def head(stack: LocalStack, tokens: dict[str, str], api: str) -> str:
    return stack.send("admin", "GET", f"/v1/apis/{api}", tokens["admin"]).headers["etag"]


@pytest.mark.parametrize("api", ["orders", "petstore", "gatebook-admin"])
@pytest.mark.usefixtures("orders")
def test_admins_write_and_nobody_else_does(stack: LocalStack, tokens: dict[str, str], api: str) -> None:
    before, wrong = head(stack, tokens, api), []
    for method, _, path, body, status in WRITES:
        place = f"/v1/apis/{api}{path.format(spare=SPARE[api])}"
        sent = stack.send("admin", "GET", place, tokens["admin"]).json if body == "read" else body
        writers = {"admin", "petadmin"} if api == "petstore" else {"admin"}
        for user in ("admin", "petadmin", "auditor", "guest"):
            # Whoever may is asked what would happen; whoever may not tries in earnest.
            query, expected = ("?dry_run=true", status) if user in writers else ("", 403)
            answer = stack.send("admin", method, place + query, tokens[user], sent, {"If-Match": "*"})
            if answer.status != expected:
                wrong.append(f"{user} {method} {place}: {answer.status} instead of {expected}: {answer.body}")
    assert not wrong, "\n".join(wrong)
    assert head(stack, tokens, api) == before


@pytest.mark.parametrize("api", ["orders", "gatebook-admin"])
@pytest.mark.usefixtures("orders")
def test_auditors_read_everything(stack: LocalStack, tokens: dict[str, str], api: str) -> None:
    reads: list[tuple[str, str, object, int]] = [
        ("GET", f"/v1/apis/{api}{path.format(spare=SPARE[api])}", None, status) for _, path, status in READS
    ]
    reads += [
        ("POST", f"/v1/apis/{api}/explain", EXPLAIN, 200),
        ("GET", "/v1/apis", None, 200),
        ("GET", "/v1/users?begins_with=gu", None, 200),
    ]
    reads += [("POST", f"/access/v1/{what}", EVALUATION, 200) for what in ("evaluation", "evaluations")]
    wrong = []
    for method, path, body, status in reads:
        for user, expected in (("admin", status), ("auditor", status), ("guest", 403), ("petadmin", 403)):
            answer = stack.send("admin", method, path, tokens[user], body)
            if answer.status != expected:
                wrong.append(f"{user} {method} {path}: {answer.status} instead of {expected}: {answer.body}")
    assert not wrong, "\n".join(wrong)


def test_without_a_token_there_is_nothing_but_the_description(stack: LocalStack) -> None:
    described = stack.send("admin", "GET", "/v1/openapi.json")
    assert (described.status, described.json["openapi"]) == (200, "3.1.0")
    calls = [
        ("GET", "/v1/apis"),
        ("GET", "/v1/users?begins_with=gu"),
        ("POST", "/access/v1/evaluation"),
        ("GET", "/v1/openapi.json/"),
        ("PUT", "/v1/apis/gatebook-admin/document"),
    ]
    calls += [(method, f"/v1/apis/orders{path.format(spare='spare')}") for method, _, path, _, _ in WRITES]

    def call(route: tuple[str, str]) -> int:
        return stack.send("admin", *route, body={}, headers={"If-Match": "*"}).status

    # All at once: to the emulator a 401 is a crash of the authorizer, which then has to start anew.
    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(calls, pool.map(call, calls), strict=True))
    assert answers == dict.fromkeys(calls, 401)


def test_the_tables_above_name_every_route(stack: LocalStack) -> None:
    described = stack.send("admin", "GET", "/v1/openapi.json").json["paths"]
    routes = {(method.upper(), path) for path, operations in described.items() for method in operations}
    below = [(method, path) for method, path, _, _, _ in WRITES] + [("GET", path) for path, _, _ in READS] + [("POST", "/explain")]
    others = {("GET", "/v1/apis"), ("GET", "/v1/users"), ("POST", "/access/v1/evaluation"), ("POST", "/access/v1/evaluations")}
    assert routes == others | {(method, f"/v1/apis/{api}{path}") for api in ("{api}", "gatebook-admin") for method, path in below}


@pytest.fixture(scope="module")
def everywhere_but_here(stack: LocalStack, tokens: dict[str, str]) -> str:
    """The token of one who may edit every `{api}`, and thereby not the admin API itself."""
    held = {"allow": ["* /v1/apis/{api}/**"]}
    place = "/v1/apis/gatebook-admin/subjects/groups/api-admins"
    assert stack.send("admin", "PUT", place, tokens["admin"], held, {"If-Match": "*"}).status == 201
    return stack.new_user("api-admin", "api-admins")


@pytest.mark.usefixtures("orders")
def test_an_admin_of_all_other_apis_cannot_make_admins(stack: LocalStack, tokens: dict[str, str], everywhere_but_here: str) -> None:
    place = "/v1/apis/orders/document"
    # The admin API's own authorizer has to hear of the new group first.
    answer, _ = until(200, lambda: stack.send("admin", "GET", place, everywhere_but_here))
    assert answer.json["api"] == "orders"
    before = head(stack, tokens, "gatebook-admin")
    spellings = [
        *("gatebook-admin", "gatebook%2Dadmin", "gatebook%2dadmin", "gatebook%252Dadmin", "%67atebook-admin", "gatebook-admin%20", "Gatebook-Admin"),
        *("gatebook-admin%00", "gatebook-admin%2F", "gatebook-admin;x", "./gatebook-admin", "orders/../gatebook-admin", "orders%2F..%2Fgatebook-admin"),
        *("/gatebook-admin", "%2Fgatebook-admin", "gatebook%E2%80%90admin", "gatebook-admin%3F", "*", "{api}"),
    ]  # fmt: skip
    escalation = {"allow": ["* /**"]}
    wrong = []
    for token in (everywhere_but_here, tokens["petadmin"]):
        for spelling in spellings:
            for method, below, body in (("GET", "document", None), ("PUT", "subjects/groups/api-admins", escalation)):
                path = f"/v1/apis/{spelling}/{below}"
                answer = stack.send("admin", method, path, token, body, {"If-Match": "*"})
                if answer.status not in (403, 404):
                    wrong.append(f"{method} {path}: {answer.status} {answer.body}")
    assert not wrong, "\n".join(wrong)
    # The path is allowed, and the body speaks of the other API.
    smuggled: dict[str, Any] = ORDERS | {"api": "gatebook-admin"}
    refused = stack.send("admin", "PUT", place, everywhere_but_here, smuggled, {"If-Match": "*"})
    assert (refused.status, [p["pointer"] for p in refused.json["problems"]]) == (422, ["/api"])
    assert head(stack, tokens, "gatebook-admin") == before


def test_a_browser_is_told_which_origin_may_read_the_answer(stack: LocalStack, tokens: dict[str, str]) -> None:
    answer: Answer = stack.send(
        "admin", "GET", "/v1/apis/petstore", tokens["auditor"], headers={"Origin": f"http://{stack.note['apis']['admin']['host_header']}"}
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
