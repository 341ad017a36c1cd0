"""An admin API that knows the issuers: explanations and AuthZEN answer as the authorizer does, and writes say what never applies."""

import json
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.settings import read_admin_settings
from tests.integration.rest.client import Client
from tests.integration.rest.conftest import Rest
from tests.support.tables import opened

API = "zoo"
PATH = f"/v1/apis/{API}"
POOL = "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI"
PARTNER = "https://id.partner.example"
ISSUERS = [
    {
        "name": "partner",
        "issuer": PARTNER,
        "jwks_uri": f"{PARTNER}/keys",
        "audience": ["api"],
        "token_use": "none",
        "groups_claim": "/realm_access/roles",
        "binding_claims": ["account"],
        "client_claim": "azp",
    }
]
SETTINGS = {
    "PERMISSIONS_TABLE": "t",
    "USER_POOL_ID": "eu-west-1_AbCdEfGhI",
    "APP_CLIENT_IDS": "app1",
    "TRUSTED_ISSUERS": json.dumps(ISSUERS),
}
STAFF = {
    "allow": [
        {"route": "GET /t/{tenant}", "where": {"tenant": "tenant_id"}},
        {"route": "GET /a/{account}", "where": {"account": "account"}},
    ]
}
DOCUMENT = {
    "api": API,
    "routes": ["GET /t/{tenant}", "GET /a/{account}", "GET /j/{job}"],
    "groups": {"staff": STAFF, "partner:staff": STAFF},
    "clients": {"partner:job": {"allow": ["GET /j/{job}", {"route": "GET /a/{account}", "where": {"account": "sub"}}]}},
}
UNLISTED = "`tenant_id` of issuer `partner` may not be bound: list it in its `binding_claims`"
PERMISSION = "group/partner:staff allow GET /t/{tenant} where {tenant} = tenant_id"


@pytest.fixture
def client(rest: Rest) -> Client:
    """The admin API with the authorizers' own settings."""
    service = PermissionService(opened(), rest.clock, rest.waits.append, read_admin_settings(SETTINGS).issuers)
    return Client(AdminApi(service, now=rest.clock, flush=lambda _: (), clock=rest.clock))


@pytest.fixture(autouse=True)
def _zoo(rest: Rest) -> None:
    rest.client.publish(DOCUMENT)


def token(issuer: str, *groups: str, **claims: Any) -> dict[str, Any]:
    """The claims of a person's token, groups under what either issuer calls them."""
    return {"iss": issuer, "sub": "u1", "cognito:groups": list(groups), "realm_access": {"roles": list(groups)}, **claims}


ANSWERS: list[tuple[dict[str, Any], str, bool]] = [
    ({"claims": token(POOL, "staff", tenant_id="t1")}, "/t/t1", True),
    ({"claims": token(POOL, "staff", tenant_id=7)}, "/t/7", True),
    ({"claims": token(POOL, "staff", tenant_id=True)}, "/t/True", False),
    ({"claims": token(PARTNER, "staff", tenant_id="t1")}, "/t/t1", False),
    ({"claims": token(PARTNER, "staff", account="a1")}, "/a/a1", True),
    ({"claims": token(PARTNER, account="a1")}, "/a/a1", False),
    ({"groups": ["partner:staff"], "claims": {"tenant_id": "t1"}}, "/t/t1", False),
    ({"groups": ["partner:staff"], "claims": {"account": "a1"}}, "/a/a1", True),
    ({"groups": ["staff"], "claims": {"tenant_id": "t1"}}, "/t/t1", True),
]


@pytest.mark.parametrize(("caller", "path", "allowed"), ANSWERS)
def test_an_explanation_is_the_authorizers_answer(client: Client, caller: dict[str, Any], path: str, allowed: bool) -> None:
    reply = client.post(f"{PATH}/explain", {"method": "GET", "path": path, **caller})
    assert (reply.status, reply.body["allowed"], reply.body["notes"]) == (200, allowed, [])


def test_what_may_not_be_bound_is_told(client: Client) -> None:
    claims = token(PARTNER, "staff", tenant_id="t1")
    near = client.post(f"{PATH}/explain", {"method": "GET", "path": "/t/t1", "claims": claims}).body["near_misses"]
    assert {"kind": "not_listed", "message": f"{PERMISSION}: {UNLISTED}"} in near


@pytest.mark.parametrize(
    ("caller", "pointer", "words"),
    [
        ({"claims": {"iss": "https://evil.example"}}, "/claims/iss", "refused with 401: the issuers are `partner` and one's own pool"),
        ({"claims": {"iss": PARTNER}, "groups": ["staff"]}, "/claims", "no token of issuer `partner` has group/staff"),
        ({"groups": ["staff", "partner:staff"]}, "/claims", "no token of one's own pool has group/partner:staff"),
    ],
)
def test_a_token_that_nobody_accepts_has_no_explanation(client: Client, caller: dict[str, Any], pointer: str, words: str) -> None:
    reply = client.post(f"{PATH}/explain", {"method": "GET", "path": "/t/t1", **caller})
    assert words in reply.problem(422, "invalid-request")["detail"]
    assert reply.pointers() == [pointer]


def subject(kind: str, id: str, **properties: Any) -> dict[str, Any]:  # noqa: A002  # the field's name
    return {"type": kind, "id": id, "properties": properties}


@pytest.mark.parametrize(
    ("who", "path", "decision", "reason"),
    [
        (subject("user", "u1", groups=["partner:staff"], claims={"tenant_id": "t1"}), "/t/t1", False, "implicit_deny"),
        (subject("user", "u1", groups=["staff"], claims={"tenant_id": "t1"}), "/t/t1", True, "allowed"),
        (subject("user", "u1", claims=token(PARTNER, "staff", account=5)), "/a/5", True, "allowed"),
        (subject("user", "u1", claims=token(PARTNER, "staff", tenant_id="t1")), "/t/t1", False, "implicit_deny"),
        (subject("user", "u1", claims={"iss": "https://evil.example"}), "/t/t1", False, "refused_token"),
        (subject("user", "u1", groups=["staff", "partner:staff"]), "/t/t1", False, "refused_token"),
        (subject("group", "partner:staff", claims={"account": "a1"}), "/a/a1", True, "allowed"),
        (subject("client", "partner:job"), "/j/1", True, "allowed"),
        (subject("client", "partner:job"), "/a/partner:job", False, "implicit_deny"),
        (subject("client", "job"), "/j/1", False, "implicit_deny"),
        (subject("client", "x:job"), "/j/1", False, "implicit_deny"),
    ],
)
def test_a_decision_is_the_authorizers(client: Client, who: dict[str, Any], path: str, decision: bool, reason: str) -> None:
    asked = {"subject": who, "action": {"name": "GET"}, "resource": {"type": "route", "id": path, "properties": {"api": API}}}
    reply = client.post("/access/v1/evaluation", asked)
    assert (reply.status, reply.body["decision"], reply.body["context"]["reason"]) == (200, decision, reason)
    assert "notes" not in reply.body["context"]


def test_a_machines_sub_is_its_id_without_the_issuers_name(rest: Rest) -> None:
    """As in the token. The issuer may bind `sub` here."""
    settings = {**SETTINGS, "TRUSTED_ISSUERS": json.dumps([{**ISSUERS[0], "binding_claims": ["sub"]}])}
    service = PermissionService(opened(), rest.clock, rest.waits.append, read_admin_settings(settings).issuers)
    client = Client(AdminApi(service, now=rest.clock, flush=lambda _: (), clock=rest.clock))
    asked = {"subject": subject("client", "partner:job"), "action": {"name": "GET"}}
    resource = {"type": "route", "properties": {"api": API}}
    assert client.post("/access/v1/evaluation", {**asked, "resource": {**resource, "id": "/a/job"}}).body["decision"] is True


def test_without_issuers_an_allow_that_rests_on_claims_says_what_it_takes_for_granted(rest: Rest) -> None:
    who = subject("user", "u1", groups=["partner:staff"], claims={"tenant_id": "t1"})
    asked = {"subject": who, "action": {"name": "GET"}, "resource": {"type": "route", "id": "/t/t1", "properties": {"api": API}}}
    answer = rest.client.post("/access/v1/evaluation", asked).body
    assert (answer["decision"], len(answer["context"]["notes"])) == (True, 1)
    assert answer["context"]["notes"][0].startswith("if `partner` is the name of an issuer, the authorizer allows this only if")
    explained = rest.client.post(
        f"{PATH}/explain", {"method": "GET", "path": "/t/t1", "groups": ["partner:staff"], "claims": {"tenant_id": "t1"}}
    )
    assert explained.body["notes"] == answer["context"]["notes"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_write_says_what_never_applies_and_is_carried_out(client: Client, dry_run: str) -> None:
    document = {**DOCUMENT, "groups": {"partner:staff": STAFF, "parter:x": {"allow": ["GET /j/{job}"]}}}
    reply = client.put(f"{PATH}/document", document, if_match="*", query={"dry_run": dry_run})
    assert (reply.status, reply.body["changed"]) == (200, True)
    assert sorted(finding["kind"] for finding in reply.body["findings"]) == ["no_issuer", "unbound", "unbound"]
    assert {"kind": "unbound", "message": f"{PERMISSION}: never applies: {UNLISTED}"} in reply.body["findings"]
    assert reply.body["findings_in_all"] == 3


def test_of_very_many_findings_the_beginning_is_told(client: Client) -> None:
    groups = {f"parter:{number}": {"allow": ["GET /j/{job}"]} for number in range(60)}
    body = client.put(f"{PATH}/document", {**DOCUMENT, "groups": groups}, if_match="*", query={"dry_run": "true"}).body
    assert (len(body["findings"]), body["findings_in_all"]) == (50, 61)
