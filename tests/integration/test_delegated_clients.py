"""A third party's client that acts for people: a person's token through it is worth what the person's groups and the token's scopes both allow.

The attack is a token of an admin with consent to read alone that writes: in each wire format and cache scope, cold, warm, and right after the same admin came
through a client of ours.
"""

import json
from itertools import permutations, product
from typing import Any

import pytest
import yaml

from authorizer.errors import TroubleError
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.table.keys import number
from tests.integration.caches import REFRESH, STALE, Reader
from tests.integration.gates import Gate, KeyServer, bearer, build_gate, keys, trouble
from tests.support.aws_calls import AwsCalls, error
from tests.support.clock import Clock
from tests.support.events import Deployment, Event, http_1_event, http_2_event, rest_request_event, rest_token_event, websocket_event
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import CLIENT_ID, NOW, Issuer
from tests.support.tables import Table, publish

__all__ = ["keys"]

THIRD, OTHER = "5thirdparty", "6thirdparty"

DOCUMENT: dict[str, Any] = yaml.safe_load(f"""
api: petstore
routes: [GET /pets, POST /pets, DELETE /pets, GET /open, "GET /o/{{owner}}/pets", WS $connect, WS say, WS shout]
everyone: {{allow: [GET /open]}}
groups:
  admin: {{allow: ["* /**", WS *]}}
clients:
  {THIRD}: {{delegated: true, allow: [POST /pets], deny: [DELETE /pets]}}
  {OTHER}: {{delegated: true}}
  {CLIENT_ID}: {{allow: [GET /pets]}}
scopes:
  pets/read: {{allow: [GET /pets, DELETE /pets, {{route: "GET /o/{{owner}}/pets", where: {{owner: sub}}}}, WS $connect, WS say]}}
  pets/write: {{allow: [POST /pets]}}
""")


def through(client: str, scope: str = "openid", *groups: str, **changes: Any) -> str:
    """The Authorization value of a person who came through a client."""
    return bearer(*(groups or ("admin",)), client_id=client, scope=scope, **changes)


READS, WRITES, BOTH, NONE = "openid pets/read", "pets/write", "pets/read pets/write", "aws.cognito.signin.user.admin"
CALLERS: dict[str, tuple[str, set[str]]] = {
    "ours": (through(CLIENT_ID, READS), {"GET /pets", "POST /pets", "DELETE /pets", "GET /open"}),
    "unknown client": (through("7unknown", READS), {"GET /pets", "POST /pets", "DELETE /pets", "GET /open"}),
    "reader": (through(THIRD, READS), {"GET /pets"}),
    "writer": (through(THIRD, WRITES), {"POST /pets"}),
    "both": (through(THIRD, BOTH), {"GET /pets", "POST /pets"}),
    "without consent": (through(THIRD, NONE), set()),
    "without scopes": (through(THIRD, ""), set()),
    "reader through another": (through(OTHER, READS), {"GET /pets", "DELETE /pets"}),
    "stranger": (through(THIRD, BOTH, "stranger"), set()),
    "machine": (
        "Bearer " + Issuer().token(Issuer().machine_claims("pets/read", sub=THIRD, client_id=THIRD)),
        {"GET /pets", "POST /pets", "GET /open"},
    ),
}
"""What each may of the calls below. A machine's token of the third party is its own, and its client's allows are for that alone."""

REQUESTS = ("GET /pets", "POST /pets", "DELETE /pets", "GET /open")
HTTP = Deployment("$default", api_id="h7h7h7h7h7")


def event_of(form: str, call: str, authorization: str) -> Event:
    verb, path = call.split()
    headers = [("Authorization", authorization)]
    if form == "rest_token":
        return rest_token_event(verb, path, authorization=authorization)
    if form == "rest_request":
        return rest_request_event(verb, path, path, headers=headers)
    build, key = (http_1_event, ()) if form == "http_1" else (http_2_event, (HTTP.host,))
    return build(verb, path, call, identity_source=[*key, verb, call, path, authorization], headers=headers, deployment=HTTP)


SETTINGS: dict[str, tuple[str, dict[str, str]]] = {
    "rest token": ("rest_token", {}),
    "rest token, token scope": ("rest_token", {"CACHE_SCOPE": "token"}),
    "rest request": ("rest_request", {}),
    "rest request, route scope": ("rest_request", {"CACHE_SCOPE": "route"}),
    "rest request, token scope": ("rest_request", {"CACHE_SCOPE": "token"}),
    "http 1.0": ("http_1", {}),
    "http 1.0, route scope": ("http_1", {"CACHE_SCOPE": "route"}),
    "http 2.0": ("http_2", {}),
    "http 2.0, route scope": ("http_2", {"CACHE_SCOPE": "route"}),
    "http 2.0, simple": ("http_2", {"HTTP_API_RESPONSE": "simple"}),
}
CLIENTS = {"APP_CLIENT_IDS": f"{CLIENT_ID},7unknown,{THIRD},{OTHER}"}


def allowed(gate: Gate, event: Event) -> bool:
    response = gate.call(event)
    if "isAuthorized" in response:
        return response["isAuthorized"] is True
    return evaluate(response["policyDocument"], "execute-api:Invoke", str(event.get("methodArn") or event["routeArn"])) == "Allow"


@pytest.fixture
def third_parties(table: Table) -> Table:
    publish(DOCUMENT)
    return table


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("turn", range(3))
def test_a_consent_to_read_does_not_write(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], name: str, turn: int
) -> None:
    """Whoever came before. Of all orders of the callers three, each of which is asked twice, cold and warm."""
    form, settings = SETTINGS[name]
    gate = build_gate(keys, clock, capsys, **settings, **CLIENTS)
    order = list(CALLERS) if turn == 0 else list(reversed(CALLERS)) if turn == 1 else sorted(CALLERS)
    for who, call in [*product(order, REQUESTS), *((who, call) for call in REQUESTS for who in order)]:
        authorization, may = CALLERS[who]
        assert allowed(gate, event_of(form, call, authorization)) is (call in may), (who, call, gate.line)
        if settings.get("CACHE_SCOPE"):
            assert gate.line["scope"] == settings["CACHE_SCOPE"] or form.startswith("http"), gate.line


@pytest.mark.parametrize("first", list(permutations(("ours", "reader", "writer"), 2)), ids=str)
@pytest.mark.parametrize("scope", ["route", "token"])
def test_one_policy_is_not_given_to_another_consent(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], scope: str, first: tuple[str, str]
) -> None:
    """What the gateway remembers of an answer is judged: each of the caller's calls against the whole policy."""
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope, **CLIENTS)
    for who in (*first, *first):
        authorization, may = CALLERS[who]
        for call in ("GET /pets", "POST /pets"):
            policy = gate.call(event_of("rest_request", call, authorization))["policyDocument"]
            for other in REQUESTS if scope == "token" else [call]:
                arn = event_of("rest_request", other, authorization)["methodArn"]
                assert (evaluate(policy, "execute-api:Invoke", arn) == "Allow") is (other in may), (who, call, other)


def test_the_log_says_what_lacks_and_the_backend_is_told_the_consent(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = build_gate(keys, clock, capsys, **CLIENTS)
    answer = gate.call(event_of("rest_request", "POST /pets", CALLERS["reader"][0]))
    assert (gate.line["effect"], gate.line["reason"], gate.line["determining"]) == ("deny", "not_consented", [])
    assert (answer["context"]["reason"], answer["context"]["consent"]) == ("not_consented", "openid,pets%2Fread")
    assert "scopes" not in answer["context"]
    gate.call(event_of("rest_request", "GET /pets", CALLERS["reader"][0]))
    assert gate.line["determining"] == ["group/admin allow * /**", "scope/pets/read allow GET /pets"]
    gate.call(event_of("rest_request", "GET /pets", CALLERS["stranger"][0]))
    assert gate.line["reason"] == "implicit_deny"
    gate.call(event_of("rest_request", "DELETE /pets", CALLERS["reader"][0]))
    assert (gate.line["reason"], gate.line["determining"]) == ("explicit_deny", [f"client/{THIRD} deny DELETE /pets"])
    answer = gate.call(event_of("rest_request", "POST /pets", CALLERS["ours"][0]))
    assert gate.line["determining"] == ["group/admin allow * /**"]
    assert "consent" not in answer["context"]


@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_a_binding_of_the_consent_holds_each_person_to_their_own(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    """Their rulings rest on a claim that no permission of the person's own looks at."""
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope, **CLIENTS)
    for owner, sub in [("u1", "u2"), ("u1", "u1"), ("u2", "u1"), ("u2", "u2"), ("u1", "u2")]:
        headers = [("Authorization", through(THIRD, READS, sub=sub))]
        event = rest_request_event("GET", f"/o/{owner}/pets", "/o/{owner}/pets", headers=headers)
        assert allowed(gate, event) is (owner == sub), gate.line
        ours = rest_request_event(
            "GET", f"/o/{owner}/pets", "/o/{owner}/pets", headers=[("Authorization", through(CLIENT_ID, READS, sub=sub))]
        )
        assert allowed(gate, ours)


def test_a_connection_is_told_the_messages_that_both_allow(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = build_gate(keys, clock, capsys, **CLIENTS)
    told = {}
    for who in ("ours", "reader", "writer", "ours"):
        event = websocket_event(headers=[("Authorization", CALLERS[who][0])], query=())
        answer = gate.call(event)
        told[who] = gate.line["effect"], answer["context"]["routes"].split(",")
    assert told == {"ours": ("allow", ["%24connect", "say", "shout"]), "reader": ("allow", ["%24connect", "say"]), "writer": ("deny", [""])}


def test_report_only_lets_pass_and_tells(third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    gate = build_gate(keys, clock, capsys, REPORT_ONLY="1", EXPIRY_CONDITIONS="1", **CLIENTS)
    answer = gate.call(event_of("rest_request", "POST /pets", CALLERS["reader"][0]))
    [statement] = answer["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Allow", {"NumericLessThan": {"aws:EpochTime": str(NOW + 3590)}})
    assert (gate.line["reason"], gate.counted) == ("not_consented", {"would_be_denied": 1})


@pytest.mark.parametrize(("live", "candidate"), [(True, False), (False, True)])
def test_the_candidates_document_says_whether_a_client_is_delegated(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], live: bool, candidate: bool
) -> None:
    publish(with_client(delegated=live))
    publish(with_client(delegated=candidate) | {"api": "petstore-next"})
    gate = build_gate(keys, clock, capsys, SHADOW_API="petstore-next", **CLIENTS)
    event = event_of("rest_request", "POST /pets", CALLERS["reader"][0])
    for _ in range(200):
        gate.call(event)
        if "shadow_judged" in gate.counted:
            break
    [difference] = [line for line in map(json.loads, gate.printed) if line.get("message") == "shadow_difference"]
    told = difference["reason"], difference["candidate_reason"], difference["candidate_determining"]
    everything = ["group/admin allow * /**"]
    assert told == (("not_consented", "allowed", everything) if live else ("allowed", "not_consented", []))


# -- versions, rows and what they cost -----------------------------------------------------------------------------------------------------------


def with_client(**held: Any) -> dict[str, Any]:
    """The document in which the third party's client holds this; nothing at all if it is not delegated and holds nothing."""
    others = {name: client for name, client in DOCUMENT["clients"].items() if name != THIRD}
    return DOCUMENT | {"clients": others | ({THIRD: held} if held else {})}


def test_a_client_that_becomes_delegated_is_so_from_the_next_look_on(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Named for the first time, changed, and changed back: as any other permission, at once, for callers who are loaded."""
    publish(with_client(), clock=clock)
    gate = build_gate(keys, clock, capsys, **CLIENTS)
    event = event_of("rest_request", "POST /pets", CALLERS["reader"][0])
    steps: list[tuple[dict[str, Any], bool]] = [
        ({"delegated": True}, False),
        ({"allow": ["GET /pets"]}, True),
        ({"delegated": True}, False),
        ({}, True),
    ]
    for held, expected in steps:
        assert allowed(gate, event) is not expected
        publish(with_client(**held), clock=clock)
        assert allowed(gate, event) is not expected, "not before the interval is over"
        clock.advance(REFRESH)
        assert allowed(gate, event) is expected, held


def test_a_consent_that_is_taken_back_is_gone_at_the_next_look(
    third_parties: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = build_gate(keys, clock, capsys, **CLIENTS)
    event = event_of("rest_request", "GET /pets", CALLERS["reader"][0])
    assert allowed(gate, event)
    publish(DOCUMENT | {"scopes": {"pets/write": {"allow": ["POST /pets"]}}})
    clock.advance(REFRESH)
    assert not allowed(gate, event)


ADMIN = PrincipalRef(RefKind.GROUP, "admin")
REFS = (EVERYONE, ADMIN)


def consent(client: str, *scopes: str) -> tuple[PrincipalRef, ...]:
    return (PrincipalRef(RefKind.CLIENT, client), *(PrincipalRef(RefKind.SCOPE, scope) for scope in scopes))


@pytest.fixture
def reader(third_parties: Table, wire: AwsCalls, clock: Clock) -> Reader:
    return Reader(wire, clock)


def test_rows_are_read_for_delegated_clients_only(reader: Reader) -> None:
    cache, cold = reader.cache, ["head", "records", "registry", "routes"]
    reader.wire.take()
    plain = cache.load(REFS, consent("7unknown", "pets/read"))
    assert sorted(reader.cost()) == sorted([*cold, "subject#everyone/", "subject#group/admin"])
    assert plain.permissions.consent is None
    assert cache.load(REFS).permissions is plain.permissions, "whoever came through a client that no document names is one caller"
    assert reader.cost() == []
    ours = cache.load(REFS, consent(CLIENT_ID, "pets/read"))
    assert reader.cost() == [f"subject#client/{CLIENT_ID}"]
    assert (ours.permissions is plain.permissions, ours.cached) == (True, False)
    third = cache.load(REFS, consent(THIRD, "openid", "pets/read"))
    assert reader.cost() == [f"subject#client/{THIRD}", "subject#scope/pets%2Fread"]
    assert third.permissions.consent is not None
    assert sorted(p.id for p in third.permissions.consent if "deny" in p.id or "/pets/read" in p.id) == sorted(
        p.id for p in third.permissions.consent
    )
    assert f"client/{THIRD} allow POST /pets" not in {p.id for p in third.permissions}
    for refs in (
        consent("7unknown", "x"),
        consent(CLIENT_ID, "pets/read"),
        consent(CLIENT_ID, "pets/write"),
        consent(THIRD, "openid", "pets/read"),
    ):
        assert cache.load(REFS, refs).cached
    assert reader.cost() == []
    assert cache.load(REFS, consent(THIRD, "openid", "pets/read")).permissions is third.permissions
    assert cache.load(REFS, consent(THIRD)).permissions.consent is not None
    assert len(cache.load(REFS, consent(OTHER)).permissions.consent or ()) == 0


def test_a_client_whose_row_cannot_be_read_is_not_taken_for_one_that_is_not_delegated(reader: Reader, wire: AwsCalls) -> None:
    cache = reader.cache
    cache.load(REFS)
    wire.rule = lambda call: error("InternalServerError") if f"client/{THIRD}" in str(call.body) else None
    with pytest.raises(TroubleError):
        cache.load(REFS, consent(THIRD, "pets/read"))
    wire.rule = lambda call: error("InternalServerError") if "scope/pets%2Fread" in str(call.body) else None
    with pytest.raises(TroubleError):
        cache.load(REFS, consent(THIRD, "pets/read"))
    wire.rule = None
    assert cache.load(REFS, consent(THIRD, "pets/read")).permissions.consent is not None


def test_a_client_whose_row_is_gone_is_trouble(
    third_parties: Table, reader: Reader, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody deleted the item. Its record of version 1 is at hand, and names it."""
    third_parties.delete(f"api#petstore#subject#client/{THIRD}", number(1))
    gate = build_gate(keys, clock, capsys, **CLIENTS)
    assert trouble(gate, event_of("rest_request", "GET /pets", CALLERS["reader"][0]))["reason"] == "lagging_row"
    assert allowed(gate, event_of("rest_request", "POST /pets", CALLERS["ours"][0]))


def test_what_is_loaded_serves_stale_with_its_consent(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    """The version that takes the consent back cannot be read: the one before serves within the bound, and after it nothing does."""
    cache = reader.cache
    cache.load(REFS, consent(THIRD, "pets/read"))
    cache.load(REFS, consent(THIRD, "pets/write"))
    publish(with_client(delegated=True, deny=["GET /pets"]))
    clock.advance(REFRESH)
    wire.rule = lambda call: error("InternalServerError") if f"client/{THIRD}" in str(call.body) else None
    loaded = cache.load(REFS, consent(THIRD, "pets/read"))
    assert (loaded.version, loaded.stale, loaded.permissions.consent is not None) == (1, True, True)
    assert cache.load(REFS).version == 1, "a version whose rows of the caller at hand cannot be read is not taken"
    # One who came through no client of this name takes the new version, which the others cannot have yet.
    clock.advance(REFRESH)
    assert cache.load(REFS).version == 2
    loaded = cache.load(REFS, consent(THIRD, "pets/write"))
    assert (loaded.version, loaded.stale, loaded.permissions.consent is not None) == (1, True, True)
    clock.advance(STALE)
    with pytest.raises(TroubleError):
        cache.load(REFS, consent(THIRD, "pets/read"))


def test_the_version_before_does_not_serve_a_client_whose_row_it_never_read(reader: Reader, clock: Clock, wire: AwsCalls) -> None:
    """The group's new row cannot be read and the old one is at hand, but not what the client was then."""
    cache = reader.cache
    cache.load(REFS)
    publish(DOCUMENT | {"groups": {"admin": {"allow": ["* /**"]}}})
    clock.advance(REFRESH)
    # The client's new row is at hand, so that the group's is all that is missing.
    assert cache.load((EVERYONE,), consent(THIRD)).version == 2
    wire.rule = lambda call: error("InternalServerError") if "group/admin" in str(call.body) else None
    with pytest.raises(TroubleError):
        cache.load(REFS, consent(THIRD, "pets/read"))
    loaded = cache.load(REFS, consent("7unknown", "pets/read"))
    assert (loaded.version, loaded.stale) == (1, True)


def test_scopes_of_clients_that_no_document_names_take_nobodys_place(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.table.cache.MAX_CALLERS", 2)
    everyone = reader.cache.load((EVERYONE,)).permissions
    for scope in "abcde":
        reader.cache.load(REFS, consent("7unknown", scope))
    assert reader.cache.load((EVERYONE,)).permissions is everyone
