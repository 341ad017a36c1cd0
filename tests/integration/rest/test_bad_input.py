"""Names, reasons, parameters and paths that mean something else than they show, or nothing: told with their places, and nothing is written."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.rest.client import ADMIN, Client, pets
from tests.integration.rest.conftest import Rest
from tests.support.tables import Table

NAMES = {"NUL": "a\0b", "bidi": "gu\u202etse", "isolate": "a\u2066b", "mark": "a\u200fb", "half of a pair": "a\ud800b", "line end": "a\nb"}


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_what_no_eye_sees_cannot_stand_in_a_name(rest: Rest, standing: str, text: str) -> None:
    """As a group, a parent, a client, a scope, a route, an API, a field; each told with its place."""
    before = rest.table.items()
    subjects = {"groups": {text: {}, "guest": {"inherits": [f"{text}!"]}}, "clients": {text: {}}, "scopes": {text: {}}}
    more = {"everyone": {"allow": [f"GET /{text}"]}, "api": text, text: {}}
    reply = rest.client.patch(f"/v1/apis/{standing}/document", subjects | more, if_match="*")
    reply.problem(422, "invalid-document")
    here = ("/groups/", "/groups/guest/inherits", "/clients/", "/scopes/", "/everyone/allow/0", "/api", f"/{text}")
    assert sorted(reply.pointers()) == sorted(place + (text if place.endswith("s/") else "") for place in here)
    reply = rest.client.patch(f"/v1/apis/{standing}/document", {"routes": [f"GET /{text}"]}, if_match="*")
    reply.problem(422, "invalid-document")
    assert reply.pointers()[0] == "/routes/0"
    assert rest.table.items() == before


@pytest.mark.parametrize("text", NAMES.values(), ids=NAMES)
def test_what_no_eye_sees_cannot_stand_in_a_reason(rest: Rest, standing: str, text: str) -> None:
    before = rest.table.items()
    writes: list[Callable[[], Any]] = [
        lambda: rest.client.put(f"/v1/apis/{standing}/subjects/groups/guest", {}, if_match="*", query={"reason": text}),
        lambda: rest.client.delete(f"/v1/apis/{standing}/subjects/groups/owner", if_match="*", query={"reason": text}),
        lambda: rest.client.post(f"/v1/apis/{standing}/versions/1/rollback", if_match="*", query={"reason": text}),
        lambda: rest.client.put(f"/v1/apis/{standing}/denylist/sub/u1", {"reason": text, "expires_at": "2030-01-01T00:00:00Z"}),
    ]
    for write in writes:
        reply = write()
        reply.problem(422, "invalid-request")
        assert reply.pointers() in (["/query/reason"], ["/reason"])
    assert rest.table.items() == before


@pytest.mark.parametrize("text", [text for text in NAMES.values() if "\ud800" not in text])
def test_what_no_eye_sees_cannot_be_denylisted(rest: Rest, standing: str, text: str) -> None:
    before = rest.table.items()
    place = "~" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    body: dict[str, Any] = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
    reply = rest.client.put(f"/v1/apis/{standing}/denylist/sub/{place}", body)
    reply.problem(422, "invalid-request")
    assert reply.pointers() == ["/path/value"]
    assert rest.table.items() == before


@pytest.mark.parametrize(
    ("method", "below", "query", "place"),
    [
        ("PUT", "/subjects/groups/guest", {"dryrun": "true"}, "/query/dryrun"),
        ("PUT", "/subjects/groups/guest", {"dry-run": "true"}, "/query/dry-run"),
        ("PUT", "/subjects/groups/guest", {"dry_run": "True"}, "/query/dry_run"),
        ("PUT", "/subjects/groups/guest", {"dry_run": "1"}, "/query/dry_run"),
        ("PUT", "/subjects/groups/guest", {"dry_run": ""}, "/query/dry_run"),
        ("PUT", "/subjects/groups/guest", {"dry_run": ["true", "false"]}, "/query/dry_run"),
        ("PUT", "/subjects/groups/guest", {"dry_run": ["false", "false"]}, "/query/dry_run"),
        ("PUT", "/subjects/groups/guest", {"reason": ""}, "/query/reason"),
        ("PUT", "/subjects/groups/guest", {"reason": "r" * 501}, "/query/reason"),
        ("DELETE", "/subjects/groups/owner", {"dryRun": "true"}, "/query/dryRun"),
        ("POST", "/versions/1/rollback", {"dry_run": "yes"}, "/query/dry_run"),
        ("PUT", "/denylist/sub/u1", {"reason": "r"}, "/query/reason"),
        ("DELETE", "/denylist/sub/u1", {"dry_run": "TRUE"}, "/query/dry_run"),
        ("GET", "/subjects", {"limit": "0"}, "/query/limit"),
        ("GET", "/subjects", {"limit": "201"}, "/query/limit"),
        ("GET", "/versions", {"cursor": "%"}, "/query/cursor"),
        ("GET", "/document", {"version": "1"}, "/query/version"),
    ],
)
def test_a_parameter_that_is_not_meant_so_does_nothing(
    rest: Rest, standing: str, method: str, below: str, query: dict[str, Any], place: str
) -> None:
    """Least of all does a misspelt `dry_run` write."""
    before = rest.table.items()
    body: dict[str, Any] = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"} if "denylist" in below else {"allow": []}
    raw = json.dumps(body) if method == "PUT" else None
    reply = rest.client.call(method, f"/v1/apis/{standing}{below}", raw=raw, if_match="*", query=query)
    reply.problem(422, "invalid-request")
    assert reply.pointers() == [place]
    assert rest.table.items() == before


@pytest.mark.parametrize(
    "path",
    [
        *("/v1/apis/{}x/document", "/v1/apis/{}/documents", "/v1/apis/a%2Fb/document", "/v1/apis/gatebook%2Dadmin/document"),
        *("/v1//apis", "/v2/apis", f"/v1/apis/{'a' * 65}/document"),
        *("/v1/apis/{}/subjects/group/guest", "/v1/apis/{}/subjects/groups/nobody", "/v1/apis/{}/versions/2"),
    ],
)
def test_what_is_not_there_is_404(client: Client, standing: str, path: str) -> None:
    client.get(path.format(standing)).problem(404, "not-found")


def test_no_spelling_of_the_admin_api_leads_past_its_own_routes(client: Client, table: Table) -> None:
    """Whoever may edit every `{api}` must not get to `gatebook-admin` thereby."""
    before = table.items()
    for spelling in (
        "gatebook%2Dadmin",
        "gatebook%2dadmin",
        "%67atebook-admin",
        "gatebook-admin%20",
        "./gatebook-admin",
        "gatebook-admin;x",
    ):
        reply = client.put(f"/v1/apis/{spelling}/document", pets("gatebook-admin"), if_none_match="*")
        reply.problem(404, "not-found")
    reply = client.put("/v1/apis/other/document", pets("gatebook-admin"), if_none_match="*")
    reply.problem(422, "invalid-document")
    assert reply.pointers() == ["/api"]
    assert table.items() == before


def test_an_answer_shows_no_more_mistakes_than_a_reader_can_use(client: Client, standing: str) -> None:
    doubled = "{" + ",".join(f'"k{n}":1,"k{n}":2' for n in range(3000)) + "}"
    reply = client.put(f"/v1/apis/{standing}/document", raw=doubled, if_match="*")
    assert len(reply.problem(400, "bad-request")["problems"]) == 100
    reply = client.put(f"/v1/apis/{standing}/document", pets(standing, routes=["x" * 1_000_000] * 6), if_match="*", raw=None)
    reply.problem(413, "body-too-large")
    reply = client.put(f"/v1/apis/{standing}/document", pets(standing, routes=["x" * 1000] * 3000), if_match="*")
    problem = reply.problem(422, "invalid-document")
    assert (len(problem["problems"]), problem["detail"][:45]) == (100, "3000 mistakes: the first 100 are in `problems")
    reply = client.put(f"/v1/apis/{standing}/document", pets(standing, routes=["x" * 1_000_000]), if_match="*")
    assert len(json.dumps(reply.problem(422, "invalid-document"))) < 2000


@pytest.mark.parametrize(
    ("sent", "given"), [("f-1", "f-1"), ("x" * 200, "x" * 200), ("x" * 201, None), ("a\r\nSet-Cookie: b", None), ("\u00e9", None)]
)
def test_a_request_keeps_the_name_that_its_caller_gave_it(client: Client, sent: str, given: str | None) -> None:
    for path, caller in (("/v1/apis", ADMIN), ("/v1/nothing", ADMIN), ("/v1/apis", None)):
        reply = client.call("GET", path, headers={"X-Request-ID": sent}, as_=caller)
        assert reply.headers.get("x-request-id") == given
