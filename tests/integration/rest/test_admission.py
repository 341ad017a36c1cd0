"""What never gets in: requests without a verified caller, and bodies that two readers could read in two ways. Nothing is written, and often nothing read."""

import base64
import json
from typing import Any

import pytest

from tests.integration.rest.client import ADMIN, OTHER_ADMIN, Caller, Client, pets, read_answer
from tests.integration.rest.conftest import Rest
from tests.support.tables import Table

MACHINE = Caller("job", client_id="job", scopes=("admin/all",))

GOOD = ADMIN.context()
BROKEN: dict[str, Any] = {
    "no context": None,
    "an empty context": {},
    "no text for a context": ["jane"],
    "no principal": {k: v for k, v in GOOD.items() if k != "principalId"},
    "an empty principal": {**GOOD, "principalId": ""},
    "a number for a principal": {**GOOD, "principalId": 7},
    "a principal of null": {**GOOD, "principalId": None},
    "no groups": {k: v for k, v in GOOD.items() if k != "groups"},
    "groups that nobody encoded": {**GOOD, "groups": "gatebook admins"},
    "a group without a name": {**GOOD, "groups": "gatebook-admins,"},
    "groups that are no UTF-8": {**GOOD, "groups": "gatebook-admins,%C3%28"},
    "groups that are one text in JSON": {**GOOD, "groups": '"gatebook-admins"'},
    "groups that are a mapping": {**GOOD, "groups": '{"gatebook-admins": 1}'},
    "groups that are no texts": {**GOOD, "groups": '["gatebook-admins", 1]'},
    "groups as API Gateway gives no list": {**GOOD, "groups": ["gatebook-admins"]},
    "scopes that are one text in JSON": {**MACHINE.context(), "scopes": '"admin/all"'},
    "scopes that nobody encoded": {**MACHINE.context(), "scopes": "admin/all"},
    "scopes of null": {**MACHINE.context(), "scopes": None},
    "scopes that are no texts": {**MACHINE.context(), "scopes": "[null]"},
    "a consent that is one text": {**ADMIN.context(), "consent": '"admin/all"'},
    "a consent that is no JSON": {**ADMIN.context(), "consent": "admin/all"},
    "a consent that is no texts": {**ADMIN.context(), "consent": "[1]"},
    "no version": {k: v for k, v in GOOD.items() if k != "version"},
    "a version that is no number": {**GOOD, "version": "one"},
    "version 0": {**GOOD, "version": "0"},
    "no client id": {k: v for k, v in GOOD.items() if k != "client_id"},
    "a client id of null": {**GOOD, "client_id": None},
}

OF_AN_API = ("/v1/apis/{}", "/v1/apis/gatebook-admin")
ROUTES = [
    *(("GET", path) for path in ("/v1/apis", "/v1/nothing", "/v1/openapi.json/", "/v1/openapi.json?", "/")),
    *(("POST", path) for path in ("/access/v1/evaluation", "/access/v1/evaluations")),
    *(
        (method, base + below)
        for base in OF_AN_API
        for method, below in [
            *(("GET", below) for below in ("", "/document", "/routes", "/subjects", "/subjects/groups/guest", "/versions", "/versions/1")),
            *(("GET", below) for below in ("/versions/1/diff", "/matrix", "/access", "/denylist", "/denylist/sub/u1")),
            *(("PUT", below) for below in ("/document", "/routes", "/subjects/groups/guest", "/denylist/sub/u1")),
            *(("DELETE", below) for below in ("/subjects/groups/guest", "/denylist/sub/u1")),
            *(("POST", below) for below in ("/versions/1/rollback", "/explain")),
            ("PATCH", "/document"),
        ]
    ),
]


def test_what_an_older_authorizer_said_is_read_as_long_as_the_gateway_remembers_it(rest: Rest, standing: str) -> None:
    context = {**ADMIN.context("GET /v1/apis"), "groups": '["gatebook-admins"]'}
    assert rest.client.call("GET", "/v1/apis", context=context).status == 200


@pytest.mark.parametrize("context", BROKEN.values(), ids=BROKEN)
def test_without_a_verified_caller_nothing_is_read(rest: Rest, standing: str, context: Any) -> None:
    rest.wire.take()
    reply = rest.client.put(f"/v1/apis/{standing}/document", pets(standing, groups={}), if_match="*", context=context)
    assert "attach the authorizer" in reply.problem(401, "unauthenticated")["detail"]
    assert reply.headers["www-authenticate"] == "Bearer"
    assert rest.wire.take() == []


@pytest.mark.parametrize("name", ["groups", "scopes", "consent"])
def test_a_caller_whose_refs_did_not_fit_into_the_context_is_not_guessed_at(rest: Rest, standing: str, name: str) -> None:
    context = {key: value for key, value in GOOD.items() if key != name} | {f"{name}_omitted": "true"}
    reply = rest.client.put(f"/v1/apis/{standing}/document", pets(standing, groups={}), if_match="*", context=context)
    assert "in more groups than the authorizer's context holds" in reply.problem(401, "unauthenticated")["detail"]


def test_no_route_answers_without_a_verified_caller(rest: Rest) -> None:
    """The body is broken as well: the caller is looked for first."""
    for method, path in ROUTES:
        rest.client.call(method, path.format("shop"), raw="{", if_match="*", as_=None).problem(401, "unauthenticated")
    assert rest.wire.take() == []
    assert len(ROUTES) == 7 + 2 * 21


def test_the_description_of_the_api_is_for_everybody(rest: Rest) -> None:
    reply = rest.client.call("GET", "/v1/openapi.json", as_=None)
    assert (reply.status, reply.body["openapi"], reply.headers["content-type"]) == (200, "3.1.0", "application/json")
    assert rest.wire.take() == []


def test_who_calls_is_not_taken_from_headers_query_or_body(rest: Rest, shop: str) -> None:
    forged = {"principalId": "mallory", "X-Amzn-Authorizer": json.dumps(GOOD), "Authorization": "Bearer x.y.z", "x-principalid": "mallory"}
    rest.client.put(f"/v1/apis/{shop}/subjects/groups/guest", {}, if_match="*", headers=forged, as_=OTHER_ADMIN)
    assert rest.client.get(f"/v1/apis/{shop}").body["author"] == "paul"
    for more in ({"author": "mallory"}, {"actor": "mallory"}, {"principalId": "mallory"}, {"requestContext": {"authorizer": GOOD}}):
        reply = rest.client.put(f"/v1/apis/{shop}/document", pets(shop) | more, if_match="*")
        assert reply.problem(422, "invalid-document")["problems"][0]["pointer"] == f"/{next(iter(more))}"
        reply = rest.client.put(f"/v1/apis/{shop}/document", pets(shop), if_match="*", query=dict.fromkeys(more, "mallory"))
        reply.problem(422, "invalid-request")
    assert rest.client.get(f"/v1/apis/{shop}").body["version"] == 2


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


# A body as it is sent, whether it is said to be base64, and the status, type and places of the answer.
BODIES: dict[str, tuple[str, bool, int, str, list[str] | None]] = {
    "cut off": ('{"allow": [', False, 400, "bad-request", [""]),
    "not JSON": ("allow: []", False, 400, "bad-request", [""]),
    "two values": ("{} {}", False, 400, "bad-request", [""]),
    "white space": (" ", False, 400, "bad-request", [""]),
    "a byte order mark": ("\ufeff{}", False, 400, "bad-request", [""]),
    "a name twice": ('{"allow": [], "allow": ["GET /pets"]}', False, 400, "bad-request", [""]),
    "a name twice further in": ('{"allow": [{"route": "GET /pets", "route": "POST /pets"}]}', False, 400, "bad-request", [""]),
    "a name twice in two spellings": ('{"allow": [], "\\u0061llow": []}', False, 400, "bad-request", [""]),
    "NaN": ('{"allow": [NaN]}', False, 400, "bad-request", [""]),
    "infinite": ('{"allow": [-Infinity]}', False, 400, "bad-request", [""]),
    "a number too long": ('{"allow": [%s]}' % ("9" * 5000), False, 400, "bad-request", [""]),
    "a number too large": ('{"allow": [1e999]}', False, 422, "invalid-document", ["/allow/0"]),
    "nested 51 levels": (f'{{"allow": {nested(50)}}}', False, 400, "bad-request", [""]),
    "nested 980 levels": (nested(980), False, 400, "bad-request", [""]),
    "nested 100,000 levels": (nested(100_000, '{"a":', "}"), False, 400, "bad-request", [""]),
    "never closed": ("[" * 100_000, False, 400, "bad-request", [""]),
    "nested 50 levels": (f'{{"allow": {nested(49)}}}', False, 422, "invalid-document", ["/allow/0"]),
    "base64 that is none": ("{}", True, 400, "bad-request", None),
    "not UTF-8": (base64_of(b'{"allow": ["\xff"]}'), True, 400, "bad-request", None),
    "UTF-16": (base64_of("{}".encode("utf-16")), True, 400, "bad-request", None),
    "half of a pair as it is": ('{"allow": ["\ud800"]}', False, 400, "bad-request", None),
    "5 MB and a byte": ("[" + " " * 4_999_999 + "]", False, 413, "body-too-large", None),
    "10 MB": (" " * 10_000_000, False, 413, "body-too-large", None),
    "10 MB in base64": (base64_of(b" " * 10_000_000), True, 413, "body-too-large", None),
    "5 MB in base64": (base64_of(b" " * 5_000_001), True, 413, "body-too-large", None),
    "5 MB of wide characters": ('"%s"' % ("\u4e2d" * 1_700_000), False, 413, "body-too-large", None),
    "null": ("null", False, 400, "bad-request", [""]),
    "a list": ("[]", False, 400, "bad-request", [""]),
    "a text": ('"GET /pets"', False, 400, "bad-request", [""]),
    "an unknown field": ('{"alow": []}', False, 422, "invalid-document", ["/alow"]),
    "a field of the document": ('{"api": "shop"}', False, 422, "invalid-document", ["/api"]),
}


@pytest.mark.parametrize(("raw", "encoded", "status", "name", "places"), BODIES.values(), ids=BODIES)
def test_a_body_that_cannot_be_read_is_told_and_nothing_is_written(
    rest: Rest, standing: str, raw: str, encoded: bool, status: int, name: str, places: list[str] | None
) -> None:
    before = rest.table.items()
    rest.wire.take()
    reply = rest.client.put(f"/v1/apis/{standing}/subjects/groups/guest", raw=raw, encoded=encoded, if_match="*")
    problem = reply.problem(status, name)
    assert [place["pointer"] for place in problem.get("problems", [])] == (places or [])
    assert status == 422 or rest.wire.take() == []
    assert rest.table.items() == before


def test_a_body_in_base64_is_read(client: Client, shop: str) -> None:
    reply = client.put(f"/v1/apis/{shop}/subjects/groups/guest", raw=base64_of(b'{"allow": ["GET /pets"]}'), encoded=True, if_match="*")
    assert (reply.status, reply.body["version"]) == (200, 2)


@pytest.mark.parametrize("below", ["/document", "/routes", "/subjects/groups/guest", "/denylist/sub/u1", "/explain"])
def test_a_body_is_demanded(client: Client, table: Table, standing: str, below: str) -> None:
    before = table.items()
    method = "POST" if below == "/explain" else "PUT"
    reply = client.call(method, f"/v1/apis/{standing}{below}", if_match="*")
    assert reply.status in (400, 422), reply.body
    assert table.items() == before


@pytest.mark.parametrize("kind", ["text/plain", "application/yaml", "application/x-www-form-urlencoded", "application/jsonx", "json", ""])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_body_of_another_type_is_refused(client: Client, table: Table, standing: str, method: str, kind: str) -> None:
    before = table.items()
    reply = client.call(method, f"/v1/apis/{standing}/document", {}, if_match="*", headers={"Content-Type": kind})
    assert "send `application/json`" in reply.problem(415, "unsupported-media-type")["detail"]
    assert table.items() == before


@pytest.mark.parametrize(
    ("method", "kind", "status"),
    [
        ("PUT", "Application/JSON; charset=utf-8", 200),
        ("PATCH", "application/merge-patch+json", 200),
        ("PATCH", "application/json", 200),
        ("PUT", "application/merge-patch+json", 415),
    ],
)
def test_json_has_a_type_and_a_merge_patch_another(client: Client, shop: str, method: str, kind: str, status: int) -> None:
    body = pets(shop, scopes={}) if method == "PUT" else {"scopes": None}
    reply = client.call(method, f"/v1/apis/{shop}/document", body, if_match="*", headers={"Content-Type": kind})
    assert reply.status == status
    assert status != 200 or reply.body["changed"]


def test_what_comes_with_a_get_means_nothing(client: Client, standing: str) -> None:
    reply = client.call("GET", f"/v1/apis/{standing}/document", raw="\0 no JSON", headers={"Content-Type": "text/plain"})
    assert reply.status == 200


@pytest.mark.parametrize("value", [None, [], [{}], [{"allow": []}, {"deny": []}], "x", 5, True])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("PUT", f"/v1/apis/standing/{below}")
            for below in ("document", "routes", "subjects/everyone/-", "subjects/clients/job", "denylist/sub/u1")
        ),
        ("PATCH", "/v1/apis/standing/document"),
        *(("POST", path) for path in ("/v1/apis/standing/explain", "/access/v1/evaluation", "/access/v1/evaluations")),
    ],
)
def test_every_body_is_one_object(client: Client, table: Table, method: str, path: str, value: Any) -> None:
    """No list of which the first entry is taken for the whole, and no null that would remove a subject."""
    before = table.items()
    reply = client.call(method, path, value, if_match="*")
    reply.problem(400, "bad-request")
    assert reply.pointers() == [""]
    assert table.items() == before


@pytest.mark.parametrize("base", ["/admin", "/teams/pets", "/v1", "/v1/apis"])
def test_the_api_is_served_behind_any_mapping_of_a_custom_domain(rest: Rest, standing: str, base: str) -> None:
    """`path` of the event carries the mapping; the public route, the guarded ones and problems are the same there."""
    for path, context, status in (
        ("/v1/openapi.json", None, 200),
        (f"/v1/apis/{standing}/document", GOOD, 200),
        (f"/v1/apis/{standing}/document", None, 401),
        ("/v1/apis/nothing/document", GOOD, 404),
    ):
        plain = rest.client.call("GET", path, context=context)
        event = {**rest.client.sent, "path": base + rest.client.sent["path"]}
        mapped = read_answer(rest.client.api(event, None))
        assert (plain.status, mapped.status) == (status, status)
        assert (mapped.body, mapped.headers) == (plain.body, plain.headers)
