"""No admin can shut the door behind everybody: each way to do it is refused, also as a dry run, and nothing is written."""

from typing import Any

import pytest

from admin_api.publishing.lockout import Actor, LockOutError
from admin_api.publishing.service import PermissionService
from authorizer.policy.denylist import DenylistKind, TokenIds
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from tests.integration.rest.client import ADMIN, OTHER_ADMIN, Caller, Client, Reply, pets
from tests.integration.rest.conftest import Rest
from tests.support.tables import opened

OWN = "/v1/apis/gatebook-admin"
DOCUMENT, ROLLBACK = f"{OWN}/document", f"{OWN}/versions/{{number}}/rollback"
MACHINE = Caller("ops", client_id="ops", scopes=("admin/all",))
DEPUTY = Caller("dora", ("deputies",))
THROUGH = Caller("jane", ("gatebook-admins",), client_id="third", consent=("admin/everything",))

ROUTES = [
    *("GET /v1/apis", "GET /v1/apis/{api}/document", "PUT /v1/apis/{api}/document"),
    *(f"{verb} {DOCUMENT}" for verb in ("GET", "PUT", "PATCH")),
    *(f"{verb} {OWN}/subjects/{{kind}}/{{name}}" for verb in ("GET", "PUT", "DELETE")),
    f"POST {ROLLBACK}",
    f"PUT {OWN}/denylist/{{kind}}/{{value}}",
]
ALL = {"allow": ["* /**"]}
BASE: dict[str, Any] = {
    "api": "gatebook-admin",
    "routes": ROUTES,
    "groups": {"gatebook-admins": ALL, "gatebook-auditors": {"allow": ["GET /**"]}, "roots": ALL, "deputies": {"inherits": ["roots"]}},
    "clients": {"ops": ALL, "third": {"delegated": True}},
    "scopes": {"admin/all": {"allow": ["GET /**"]}, "admin/everything": ALL},
}


def with_groups(**groups: Any) -> dict[str, Any]:
    """The document with these groups only."""
    return {**BASE, "groups": {name.replace("_", "-"): held for name, held in groups.items()}}


# A version that shuts everybody out, as the command with AWS credentials could have made it.
SHUT = with_groups(gatebook_admins={})


@pytest.fixture(scope="module", autouse=True)
def _admin_api(shared: Rest) -> None:
    """Version 1 opens, version 2 shuts everybody out, version 3 opens again."""
    shared.client.publish(BASE)
    service = PermissionService(opened(), shared.clock)
    for document in (SHUT, BASE):
        service.apply(service.plan(parse_document(document)), author="arn:aws:iam::1:user/jane", reason="break-glass", force=True)


def held(**fields: Any) -> dict[str, Any]:
    """What `gatebook-admins` shall hold."""
    return {"method": "PUT", "path": f"{OWN}/subjects/groups/gatebook-admins", "body": fields}


def subject(place: str, **fields: Any) -> dict[str, Any]:
    """What another subject shall hold."""
    return {"method": "PUT", "path": f"{OWN}/subjects/{place}", "body": fields}


def denial(place: str, **more: Any) -> dict[str, Any]:
    """An entry of the denylist."""
    return {"method": "PUT", "path": f"{OWN}/denylist/{place}", "body": {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"} | more}


def document(value: dict[str, Any]) -> dict[str, Any]:
    """The whole document."""
    return {"method": "PUT", "path": DOCUMENT, "body": value}


WRITING = (f"PUT {DOCUMENT}", "PUT /v1/apis/{api}/document")
READS_AND_WRITES = [f"GET {DOCUMENT}", f"PUT {DOCUMENT}"]
LATER = "2099-01-01T00:00:00Z"

HOLES: dict[str, tuple[Caller, dict[str, Any]]] = {
    "empty group": (ADMIN, held()),
    "group without the reading": (ADMIN, held(allow=[f"PUT {DOCUMENT}", f"POST {ROLLBACK}"])),
    "group without the writing": (ADMIN, held(allow=["GET /**", "PATCH /**", f"POST {ROLLBACK}"])),
    "group without the rollback": (ADMIN, held(allow=READS_AND_WRITES)),
    "group with the others' routes only": (ADMIN, held(allow=["* /v1/apis/{api}/**"])),
    "group removed": (ADMIN, {"method": "DELETE", "path": f"{OWN}/subjects/groups/gatebook-admins"}),
    "group removed by a patch": (ADMIN, {"method": "PATCH", "path": DOCUMENT, "body": {"groups": {"gatebook-admins": None}}}),
    "all groups removed": (ADMIN, {"method": "PATCH", "path": DOCUMENT, "body": {"groups": None}}),
    "group renamed": (ADMIN, document(with_groups(admins=ALL, roots=ALL))),
    "deny for the group": (ADMIN, held(allow=["* /**"], deny=[f"PUT {DOCUMENT}"])),
    "deny of everything": (ADMIN, held(allow=["* /**"], deny=["* /**"])),
    "deny for a time": (ADMIN, held(allow=["* /**"], deny=[{"route": f"GET {DOCUMENT}", "until": "2027-01-15T08:00:01Z"}])),
    "deny for everyone": (ADMIN, subject("everyone/-", deny=[f"POST {ROLLBACK}"])),
    "deny for everyone in the document": (ADMIN, document({**BASE, "everyone": {"deny": ["PUT /**"]}})),
    "grant that ends": (ADMIN, held(allow=[{"route": "* /**", "until": LATER}])),
    "one grant that ends": (ADMIN, held(allow=[*READS_AND_WRITES, {"route": f"POST {ROLLBACK}", "until": LATER}])),
    "grant of some versions": (ADMIN, held(allow=[*READS_AND_WRITES, {"route": f"POST {ROLLBACK}", "where": {"number": "sub"}}])),
    "document route dropped": (
        ADMIN,
        {"method": "PUT", "path": f"{OWN}/routes", "body": {"routes": [r for r in ROUTES if r not in WRITING]}},
    ),
    "rollback route dropped": (ADMIN, document({**BASE, "routes": [route for route in ROUTES if "rollback" not in route]})),
    "rollback to a shut version": (ADMIN, {"method": "POST", "path": f"{OWN}/versions/2/rollback"}),
    "own sub denied": (ADMIN, denial("sub/jane")),
    "own sub denied for a second": (ADMIN, denial("sub/jane", expires_at="2027-01-15T08:00:01Z")),
    "own earlier sign-ins denied": (ADMIN, denial("sub/jane", issued_before="2027-01-01T00:00:00Z")),
    "shared client denied": (ADMIN, denial("client_id/app1")),
    "parent emptied": (DEPUTY, subject("groups/roots")),
    "inheritance ended": (DEPUTY, subject("groups/deputies", inherits=[])),
    "parent denied": (DEPUTY, subject("groups/roots", allow=["* /**"], deny=[f"GET {DOCUMENT}"])),
    "own client made delegated": (ADMIN, subject("clients/app1", delegated=True)),
    "delegated client, consent taken back": (THROUGH, subject("scopes/~YWRtaW4vZXZlcnl0aGluZw", allow=["GET /**"])),
    "delegated client, one that denies": (THROUGH, subject("clients/third", delegated=True, deny=[f"PUT {DOCUMENT}"])),
    "machine: deny for the client": (MACHINE, subject("clients/ops", allow=["* /**"], deny=[f"PUT {DOCUMENT}"])),
    "machine: client removed": (MACHINE, {"method": "DELETE", "path": f"{OWN}/subjects/clients/ops"}),
    "machine: deny for the scope": (MACHINE, subject("scopes/~YWRtaW4vYWxs", deny=[f"PUT {DOCUMENT}"])),
    "machine: client denylisted": (MACHINE, denial("client_id/ops")),
    "machine: sub denylisted": (MACHINE, denial("sub/ops")),
    "machine: no group is left": (MACHINE, document({**BASE, "groups": {"gatebook-auditors": {"allow": ["GET /**"]}}})),
    "machine: no group by itself": (
        MACHINE,
        document(with_groups(readers={"allow": READS_AND_WRITES}, undoers={"allow": [f"POST {ROLLBACK}"]})),
    ),
}


def send(client: Client, caller: Caller, request: dict[str, Any], dry_run: str = "false") -> Reply:
    """Carry out one of the requests above."""
    more = {"body": request["body"]} if "body" in request else {}
    return client.call(request["method"], request["path"], as_=caller, if_match="*", query={"dry_run": dry_run}, **more)


@pytest.mark.parametrize(("caller", "request_"), HOLES.values(), ids=HOLES)
def test_a_change_that_shuts_out_who_makes_it_or_everybody_is_refused(rest: Rest, caller: Caller, request_: dict[str, Any]) -> None:
    before = rest.table.items()
    for dry_run in ("true", "false"):
        send(rest.client, caller, request_, dry_run).problem(409, "lock-out")
    assert rest.table.items() == before
    assert rest.flushed == []


def test_the_refusal_says_what_would_be_lost_and_what_to_keep(client: Client) -> None:
    detail = send(client, *HOLES["grant that ends"]).body["detail"]
    assert detail == f"you could no longer GET {DOCUMENT}: keep it allowed to one of your groups, without `where` or `until`"
    detail = send(client, *HOLES["machine: no group is left"]).body["detail"]
    assert detail.startswith(
        f"no group could mend the admin API's permissions any more: allow one `GET {DOCUMENT}`, `PUT {DOCUMENT}`, `POST "
    )
    assert send(client, *HOLES["own sub denied"]).body["detail"] == "the denylist would refuse your own token by sub `jane`"


@pytest.mark.parametrize(
    ("gone", "message"),
    [
        (
            f"PUT {DOCUMENT}",
            f"`PUT /v1/apis/{{api}}/document` would also serve `gatebook-admin`, which is granted apart: add `PUT {DOCUMENT}`",
        ),
        (
            f"GET {DOCUMENT}",
            f"`GET /v1/apis/{{api}}/document` would also serve `gatebook-admin`, which is granted apart: add `GET {DOCUMENT}`",
        ),
    ],
)
def test_a_route_for_any_api_never_takes_the_admin_apis_own_requests(client: Client, rest: Rest, gone: str, message: str) -> None:
    """Otherwise whoever may edit every other API could make admins, once the literal route is out of the catalogue."""
    before = rest.table.items()
    routes = {"routes": [route for route in ROUTES if route != gone]}
    for dry_run in ("true", "false"):
        reply = client.put(f"{OWN}/routes", routes, if_match="*", query={"dry_run": dry_run})
        problem = reply.problem(422, "invalid-document")
        assert problem["problems"] == [{"pointer": "/routes", "message": message}]
    assert rest.table.items() == before


HARMLESS: dict[str, tuple[Caller, dict[str, Any]]] = {
    "another group": (ADMIN, subject("groups/gatebook-auditors", deny=["* /**"])),
    "just what is needed": (ADMIN, held(allow=[*READS_AND_WRITES, f"POST {ROLLBACK}"])),
    "a deny that has ended": (ADMIN, held(allow=["* /**"], deny=[{"route": "* /**", "until": "2027-01-15T08:00:00Z"}])),
    "a deny of something else": (ADMIN, held(allow=["* /**"], deny=[f"PATCH {DOCUMENT}"])),
    "a grant that ends beside one that lasts": (ADMIN, held(allow=["* /**", {"route": "GET /**", "until": LATER}])),
    "a machine's client": (ADMIN, subject("clients/ops", deny=["* /**"])),
    "another admin": (ADMIN, denial("sub/paul")),
    "another client": (ADMIN, denial("client_id/app2")),
    "a session": (ADMIN, denial("jti/j1")),
    "a deputy": (DEPUTY, {"method": "DELETE", "path": f"{OWN}/subjects/groups/gatebook-admins"}),
    "another client made delegated": (ADMIN, {"method": "PATCH", "path": DOCUMENT, "body": {"clients": {"app2": {"delegated": True}}}}),
    "a delegated client with the consent": (THROUGH, subject("clients/third", delegated=True, allow=["GET /**"])),
    "a delegated client that is so no more": (THROUGH, subject("clients/third")),
    "a machine that leaves one group": (MACHINE, document(with_groups(roots=ALL))),
    "back to an open version": (ADMIN, {"method": "POST", "path": f"{OWN}/versions/1/rollback"}),
}


@pytest.mark.parametrize(("caller", "request_"), HARMLESS.values(), ids=HARMLESS)
def test_a_change_that_leaves_the_door_open_is_made(client: Client, caller: Caller, request_: dict[str, Any]) -> None:
    tried = send(client, caller, request_, "true")
    done = send(client, caller, request_)
    assert (tried.status, done.status) == (200, 200), (tried.body, done.body)
    assert tried.body["changed"] == done.body["changed"]


def test_the_first_document_of_the_admin_api_must_open_it_as_well(rest: Rest) -> None:
    for key in [key for key in rest.table.items() if key[0].startswith("api#gatebook-admin")]:
        rest.table.delete(*key)
    before = rest.table.items()
    for shut in (SHUT, with_groups(roots=ALL)):
        rest.client.put(DOCUMENT, shut, if_none_match="*").problem(409, "lock-out")
    assert rest.table.items() == before
    assert rest.client.put(DOCUMENT, BASE, if_none_match="*").status == 201


def test_documents_of_other_apis_are_their_owners_business(rest: Rest, shop: str) -> None:
    client = rest.client
    assert client.put(f"/v1/apis/{shop}/document", pets(shop, everyone={"deny": ["* /**"]}, groups={}), if_match="*").status == 200
    for place in ("sub/jane", "client_id/app1"):
        entry = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
        assert client.put(f"/v1/apis/{shop}/denylist/{place}", entry).status == 200


def test_what_is_there_already_is_no_change_that_shuts_out(rest: Rest) -> None:
    """A dry run of it says so too: it would change nothing."""
    service = PermissionService(opened(), rest.clock)
    service.apply(service.plan(parse_document(SHUT)), author="a", reason="r", force=True)
    for dry_run in ("true", "false"):
        reply = send(rest.client, OTHER_ADMIN, document(SHUT), dry_run)
        assert (reply.status, reply.body["changed"]) == (200, False)


def jane() -> Actor:
    """The admin, as the service knows her."""
    refs = (EVERYONE, PrincipalRef(RefKind.GROUP, "gatebook-admins"))
    return Actor("jane", refs, TokenIds({DenylistKind.SUB: "jane"}, None))


def test_only_force_gets_past_the_guard(rest: Rest) -> None:
    """Which no request has: it is the command's, with AWS credentials."""
    service = PermissionService(opened(), rest.clock)
    plan = service.plan(parse_document(SHUT))
    before = rest.table.items()
    with pytest.raises(LockOutError, match="no group could"):
        service.apply(plan, author="arn", reason="r")
    with pytest.raises(LockOutError, match="you could no longer"):
        service.apply(plan, author="jane", reason="r", actor=jane())
    entry: dict[str, Any] = {"author": "jane", "reason": "r", "expires_at": 1_900_000_000, "actor": jane()}
    with pytest.raises(LockOutError, match="your own token"):
        service.add_entry("gatebook-admin", DenylistKind.SUB, "jane", **entry)
    assert rest.table.items() == before
    assert rest.client.put(DOCUMENT, SHUT, if_match="*", query={"force": "true"}).status == 422
    assert service.apply(plan, author="arn", reason="r", force=True) is not None
    assert service.add_entry("gatebook-admin", DenylistKind.SUB, "jane", **entry, force=True).version == 5
