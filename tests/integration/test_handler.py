"""The handler end to end: what a caller is answered, and the log line and the metrics that each answer leaves."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from authorizer.errors import TroubleError
from tests.integration.gates import (
    Context,
    Gate,
    KeyServer,
    bearer,
    build_gate,
    gate,
    keys,
    published,
    request_event,
    route_gate,
    token_event,
)
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event
from tests.support.issuer import CLIENT_ID, Issuer
from tests.support.tables import Table, publish

__all__ = ["gate", "keys", "published", "route_gate"]

STAGE = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod"
KINDS: dict[str, Callable[..., Event]] = {"rest_token": token_event, "rest_request": request_event}


def policy(*statements: tuple[str, list[str]]) -> dict[str, Any]:
    """An IAM policy: effects, and resources below the stage."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Action": "execute-api:Invoke", "Effect": effect, "Resource": [f"{STAGE}/{resource}" for resource in resources]}
            for effect, resources in statements
        ],
    }


# Groups of a caller whose `sub` is u1, the request, the answer, and the permissions that made it.
DECISIONS: list[tuple[str, str, str, str, str, list[str]]] = [
    ("", "GET", "/pets", "allow", "allowed", ["everyone allow GET /pets"]),
    ("guest", "GET", "/pets/7", "allow", "allowed", ["group/guest allow GET /pets/{petId}"]),
    ("guest", "POST", "/pets", "deny", "implicit_deny", []),
    ("owner", "POST", "/pets", "allow", "allowed", ["group/owner allow POST /pets"]),
    ("owner", "GET", "/pets/7", "allow", "allowed", ["group/guest allow GET /pets/{petId}"]),
    ("owner", "GET", "/owners/u1/pets", "allow", "allowed", ["group/owner allow GET /owners/{ownerId}/pets where {ownerId} = sub"]),
    ("owner", "GET", "/owners/u2/pets", "deny", "implicit_deny", []),
    ("admin", "DELETE", "/pets/7", "deny", "explicit_deny", ["group/admin deny DELETE /pets/{petId}"]),
    ("stranger", "GET", "/pets/7", "deny", "implicit_deny", []),
]


@pytest.mark.parametrize(("groups", "verb", "path", "effect", "reason", "determining"), DECISIONS)
def test_the_requested_arn_is_answered(
    gate: Gate, groups: str, verb: str, path: str, effect: str, reason: str, determining: list[str]
) -> None:
    for kind, event in KINDS.items():
        response = gate.call(event(bearer(*groups.split()), verb=verb, path=path))
        assert response["principalId"] == "u1"
        assert response["policyDocument"] == policy((effect.capitalize(), [verb + path]))
        line = gate.line
        assert (line["effect"], line["reason"], line["determining"]) == (effect, reason, determining)
        assert (line["scope"], line["format"]) == ("request", kind)
        assert gate.counted == {"allowed" if effect == "allow" else "denied": 1}


@pytest.mark.parametrize(
    ("groups", "verb", "path", "reason", "statements"),
    [
        ("", "GET", "/pets", "allowed", [("Allow", ["GET/pets", "GET/pets/"])]),
        ("guest", "GET", "/pets/7", "allowed", [("Allow", ["GET/pets/*"]), ("Deny", ["GET/*/*/?*"])]),
        ("guest", "POST", "/pets", "implicit_deny", [("Deny", ["POST/*"])]),
        ("admin", "DELETE", "/pets/7", "explicit_deny", [("Deny", ["DELETE/*"])]),
        ("owner", "GET", "/owners/u1/pets", "allowed", [("Allow", ["GET/owners/u1/pets", "GET/owners/u1/pets/"])]),
        # The entry answers for the route: another owner's value is denied by silence.
        ("owner", "GET", "/owners/u2/pets", "implicit_deny", [("Allow", ["GET/owners/u1/pets", "GET/owners/u1/pets/"])]),
        ("owner", "POST", "/files/a/b", "allowed", [("Allow", ["POST/files/*"])]),
    ],
)
def test_the_whole_route_is_answered(
    route_gate: Gate, groups: str, verb: str, path: str, reason: str, statements: list[tuple[str, list[str]]]
) -> None:
    response = route_gate.call(request_event(bearer(*groups.split()), verb=verb, path=path))
    assert response["policyDocument"] == policy(*statements)
    assert (route_gate.line["reason"], route_gate.line["scope"]) == (reason, "route")
    assert route_gate.counted == {"allowed" if reason == "allowed" else "denied": 1}


def test_in_route_scope_nothing_of_the_request_is_in_the_answer(route_gate: Gate) -> None:
    """The gateway gives it to later requests that share the entry."""
    first, second = (
        route_gate.call(request_event(bearer("guest"), path=path, template="/pets/{petId}")) for path in ("/pets/7", "/pets/8")
    )
    assert first == second
    assert {"reason", "route"}.isdisjoint(first["context"])


def test_in_request_scope_the_backend_is_told_the_reason(gate: Gate) -> None:
    told = {"version": "1", "groups": "guest,owner", "reason": "allowed", "route": "GET /pets/{petId}"}
    context = gate.call(request_event(bearer("guest", "owner"), path="/pets/7"))["context"]
    assert told.items() <= context.items()
    assert all(isinstance(value, str) for value in context.values())


def test_a_token_event_in_route_scope_is_answered_for_its_arn(route_gate: Gate) -> None:
    """It is not told the template, so that its cache key holds no route."""
    response = route_gate.call(token_event(bearer("guest"), path="/pets/7"))
    assert response["policyDocument"] == policy(("Allow", ["GET/pets/7"]))
    assert route_gate.line["scope"] == "request"


def test_a_greedy_route_above_others_is_narrowed_and_said(route_gate: Gate) -> None:
    response = route_gate.call(request_event(bearer("owner"), path="/files/a/b"))
    assert response["policyDocument"] == policy(("Allow", ["GET/files/a/b"]))
    assert (route_gate.line["scope"], route_gate.line["narrowed"]) == ("request", "greedy_route")
    assert route_gate.counted == {"allowed": 1, "needs_narrower_scope": 1}


def test_a_route_whose_bound_value_no_pattern_can_hold_is_answered_for_the_request(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """`rooms/*/u1/*` would also let `/rooms/a/u2/u1/x` through."""
    bound = "{route: 'GET /rooms/{room}/{owner}/{path+}', where: {owner: sub}}"
    publish(f"{{api: petstore, routes: ['GET /rooms/{{room}}/{{owner}}/{{path+}}'], groups: {{guest: {{allow: [{bound}]}}}}}}")
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="route")
    event = request_event(bearer("guest"), path="/rooms/a/u1/x", template="/rooms/{room}/{owner}/{path+}")
    assert gate.call(event)["policyDocument"] == policy(("Allow", ["GET/rooms/a/u1/x"]))
    assert (gate.line["scope"], gate.line["narrowed"]) == ("request", "binding")


def test_a_route_that_is_too_long_for_a_resource_is_trouble(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Publishing leaves room for the ARN of any API that AWS makes; these two have longer names than AWS gives."""
    path = "/" + "x" * 299
    publish(f"{{api: petstore, routes: ['GET {path}'], everyone: {{allow: ['GET {path}']}}}}")
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="route")
    event = request_event(bearer("guest"), path=path, template=path)
    raised = gate.fail(event | {"methodArn": event["methodArn"].replace("a1b2c3d4e5/prod/", f"{'a' * 120}/{'s' * 120}/")})
    assert isinstance(raised, TroubleError)
    assert raised.reason == "answer_too_large"


def test_a_route_that_the_catalogue_lacks_is_denied_and_said(gate: Gate, route_gate: Gate) -> None:
    event = request_event(bearer("admin"), path="/new", template="/new")
    assert gate.call(event)["policyDocument"] == policy(("Deny", ["GET/new"]))
    assert gate.counted == {"denied": 1, "catalogue_drift": 1}
    assert route_gate.call(event)["policyDocument"] == policy(("Deny", ["GET/*"]))
    assert route_gate.counted == {"denied": 1, "catalogue_drift": 1}


@pytest.mark.parametrize("stage", ["null", "ESTestInvoke-stage"])
def test_the_consoles_test_of_an_authorizer_raises_no_alarm(gate: Gate, stage: str) -> None:
    event = request_event(bearer("admin"), path="/new", template="/new")
    gate.call(event | {"methodArn": event["methodArn"].replace("/prod/", f"/{stage}/")})
    assert (gate.line["reason"], gate.counted) == ("catalogue_drift", {"denied": 1})


def test_in_token_scope_a_route_that_the_catalogue_lacks_is_denied_by_its_arn(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """`GET/pets/*` takes it in. What the entry says of all other requests stays as it is."""
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="token")
    known = gate.call(token_event(bearer("guest"), path="/pets/7"))["policyDocument"]
    for path in ("/pets/7/photos", "/pets/7/photos/1"):
        answered = gate.call(token_event(bearer("guest"), path=path))["policyDocument"]
        assert answered["Statement"] == [*known["Statement"], *policy(("Deny", [f"GET{path}"]))["Statement"]]
        assert (gate.line["effect"], gate.line["reason"], gate.line["scope"]) == ("deny", "catalogue_drift", "token")
        assert gate.counted == {"denied": 1, "catalogue_drift": 1}
    nowhere = gate.call(token_event(bearer("guest"), path="/nowhere"))["policyDocument"]
    assert (nowhere, gate.line["reason"]) == (known, "no_route")


def test_in_token_scope_a_slash_at_the_end_is_the_same_route(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="token")
    known = gate.call(token_event(bearer(), path="/pets"))["policyDocument"]
    answered = gate.call(token_event(bearer(), path="/pets/"))["policyDocument"]
    assert answered["Statement"] == [*known["Statement"], *policy(("Allow", ["GET/pets/"]))["Statement"]]
    assert (gate.line["effect"], gate.line["scope"]) == ("allow", "token")


def test_a_path_that_two_readers_could_read_differently_is_denied(gate: Gate) -> None:
    response = gate.call(token_event(bearer("admin"), path="/pets/a%2Fb"))
    assert response["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert gate.line["reason"] == "unsafe_path"


def test_the_decision_line_says_what_was_decided_and_why(gate: Gate) -> None:
    gate.call(request_event(bearer("guest"), path="/pets/7"))
    gate.call(request_event(bearer("guest"), path="/pets/7"))
    line = gate.line
    assert line.pop("timestamp")
    assert line.pop("location")
    assert line.pop("_aws")
    assert line == {
        "allowed": [1.0],
        "level": "INFO",
        "message": "decision",
        "service": "gatebook",
        "api": "petstore",
        "request_id": Context.aws_request_id,
        "requestId": "8f1c6b9e-0000-4000-8000-000000000001",
        "extendedRequestId": "ZyXwVu=",
        "subject": "u1",
        "method_arn": f"{STAGE}/GET/pets/7",
        "format": "rest_request",
        "effect": "allow",
        "reason": "allowed",
        "route": "GET /pets/{petId}",
        "determining": ["group/guest allow GET /pets/{petId}"],
        "scope": "request",
        "version": 1,
        "cached": True,
        "stale": False,
        "stale_keys": False,
        "function_name": "unknown",
    }


@pytest.mark.parametrize(
    "groups", [(), ("guest",), ("guest", "Domain Admins", "nobody-knows-it"), tuple(f"g{number}" for number in range(250))], ids=len
)
def test_the_line_of_a_403_says_which_groups_the_token_gave(gate: Gate, groups: tuple[str, ...]) -> None:
    """Or that it gave none: the commonest reason of a 403 is a person who is in another group than somebody thinks."""
    authorization = bearer(*groups)
    gate.call(request_event(authorization, verb="POST"))
    assert (gate.line["effect"], gate.line["groups"]) == ("deny", list(groups))
    assert "scopes" not in gate.line
    assert authorization.removeprefix("Bearer ") not in json.dumps(gate.line)


def test_the_line_of_a_machines_403_says_its_client_and_its_scopes(gate: Gate) -> None:
    issuer = Issuer()
    gate.call(request_event("Bearer " + issuer.token(issuer.machine_claims("pets/read", "a/b", now=gate.clock.now)), verb="POST"))
    assert (gate.line["groups"], gate.line["client_id"], gate.line["scopes"]) == ([], CLIENT_ID, ["a/b", "pets/read"])


@pytest.mark.parametrize("path", ["/pets/\ud800", "/pets/\udfff\ud800x", "/pets/\U0001f415", "/pets/\x00", '/pets/"}{'])
def test_no_decision_line_is_lost_for_what_it_holds(gate: Gate, path: str) -> None:
    gate.call(request_event(bearer("guest"), path=path, template="/pets/{petId}"))
    assert gate.line["message"] == "decision"
    assert gate.line["method_arn"].endswith(path)
    assert all(line.encode() for line in gate.printed)


def test_no_trouble_and_no_refusal_is_lost_for_what_it_holds(gate: Gate) -> None:
    gate.fail({"type": "TOKEN", "methodArn": "arn:\ud800", "authorizationToken": "x"})
    assert gate.line["message"] == "trouble"
    gate.fail(token_event("Bearer \ud800"))
    assert gate.line["message"] == "unauthorized"


def test_the_metrics_are_in_cloudwatchs_embedded_format(gate: Gate) -> None:
    for _ in range(2):
        gate.call(request_event(bearer("guest")))
    [line] = gate.metrics
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Gatebook"
    assert directive["Metrics"] == [{"Name": "allowed", "Unit": "Count"}]
    assert directive["Dimensions"] == [["api", "service"], ["api", "function_name"]]
    assert (line["api"], line["service"], line["message"]) == ("petstore", "gatebook", "decision")


def test_each_call_counts_itself_alone(gate: Gate) -> None:
    gate.call(request_event(bearer("guest")))
    gate.fail(request_event())
    gate.call(request_event(bearer("guest"), verb="POST"))
    assert gate.counted == {"denied": 1}


def test_what_is_loaded_already_is_said(gate: Gate) -> None:
    gate.call(request_event(bearer("guest")))
    gate.call(request_event(bearer("guest"), path="/pets/7"))
    assert gate.line["cached"] is True


def test_a_new_version_decides_after_the_refresh_interval(gate: Gate, clock: Clock) -> None:
    event = request_event(bearer("guest"), verb="POST")
    assert gate.call(event)["policyDocument"] == policy(("Deny", ["POST/pets"]))
    publish("{api: petstore, routes: [POST /pets], groups: {guest: {allow: [POST /pets]}}}")
    clock.advance(9.9)
    gate.call(event)
    assert (gate.line["effect"], gate.line["version"]) == ("deny", 1)
    clock.advance(0.1)
    assert gate.call(event)["policyDocument"] == policy(("Allow", ["POST/pets"]))
    assert gate.line["version"] == 2


def test_a_permission_ends_with_its_moment_also_where_policies_are_kept(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.now = 1_798_761_590  # ten seconds before 2027
    ends = "{route: GET /pets, until: '2027-01-01T00:00:00Z'}"
    publish(f"{{api: petstore, routes: [GET /pets], groups: {{guest: {{allow: [{ends}]}}}}}}")
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="route")
    event = request_event("Bearer " + Issuer().access_token("guest", now=clock.now))
    for seconds, effect in ((0, "Allow"), (9.5, "Allow"), (0.5, "Deny")):
        clock.advance(seconds)
        assert gate.call(event)["policyDocument"]["Statement"][0]["Effect"] == effect


@pytest.mark.parametrize("scope", ["request", "route"])
@pytest.mark.parametrize(
    ("arn_path", "owner", "effect"),
    [
        ("/users/u1/f", "u1", "Allow"),
        # What an ARN of a decoded path would hold, and what the backend would be told.
        ("/users/u1/../u2/f", "u1/../u2", "Deny"),
        ("/users/u1/x/f", "u1/x", "Deny"),
        ("/users/u1/f", "u2", "Deny"),
        ("/users/u1/f", None, "Deny"),
    ],
)
def test_a_bound_value_before_a_greedy_tail_is_the_one_that_the_backend_is_told(
    table: Table,
    keys: KeyServer,
    clock: Clock,
    capsys: pytest.CaptureFixture[str],
    arn_path: str,
    owner: str | None,
    effect: str,
    scope: str,
) -> None:
    bound = "{route: 'GET /users/{owner}/{path+}', where: {owner: sub}}"
    publish(f"{{api: petstore, routes: ['GET /users/{{owner}}/{{path+}}'], groups: {{guest: {{allow: [{bound}]}}}}}}")
    gate, token = build_gate(keys, clock, capsys, CACHE_SCOPE=scope), bearer("guest")
    told = {"path": "f"} | ({} if owner is None else {"owner": owner})
    for build_event in (http_1_event, http_2_event):
        event = build_event(
            "GET",
            "/users/x/f",
            "GET /users/{owner}/{path+}",
            path_parameters=told,
            arn_path=arn_path,
            headers=[("Authorization", token)],
            identity_source=("GET", "GET /users/{owner}/{path+}", token),
        )
        response = gate.call(event)
        [statement] = response["policyDocument"]["Statement"]
        assert (statement["Effect"], gate.line["effect"]) == (effect, effect.lower())
        # Under a key of the route another tail must not be answered by this: the answer speaks of the ARN alone.
        assert statement["Resource"] == [event.get("methodArn") or event["routeArn"]]
        assert gate.line["scope"] == "request"
        if scope == "route":
            assert gate.line["narrowed"] == "binding"


@pytest.mark.parametrize("template", ["/{proxy+}", "/{p}/{p}/{proxy+}"])
def test_parameters_of_a_template_that_is_not_the_routes_tell_nothing(gate: Gate, template: str) -> None:
    """A greedy route before the application names its own, and what cannot be read as a template names none."""
    event = request_event(bearer("owner"), path="/owners/u1/pets", template=template) | {"pathParameters": {"proxy": "x", "ownerId": "u2"}}
    gate.call(event)
    assert (gate.line["effect"], gate.line["route"]) == ("allow", "GET /owners/{ownerId}/pets")


def test_a_parameter_that_is_no_text_did_not_come_from_the_gateway(gate: Gate) -> None:
    raised = gate.fail(request_event(bearer("guest"), path="/pets/7") | {"pathParameters": {"petId": 7}})
    assert isinstance(raised, TroubleError)
    assert raised.reason == "unreadable_event"


def test_a_spelling_that_a_deny_takes_in_is_logged_as_denied(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever may see each pet and not the list of them has a policy with a Deny for `/pets/` and what decodes to a slash."""
    publish("{api: petstore, routes: [GET /pets, 'GET /pets/{petId}'], groups: {guest: {allow: ['GET /pets/{petId}']}}}")
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE="token")
    for path, effect, reason in (("/pets/7", "allow", "allowed"), ("/pets/a%2Fb", "deny", "unsafe_path")):
        gate.call(request_event(bearer("guest"), path=path, template="/pets/{petId}"))
        assert (gate.line["effect"], gate.line["reason"], gate.line["scope"]) == (effect, reason, "token")


@pytest.mark.parametrize("scope", ["request", "route", "token"])
@pytest.mark.parametrize("path", ["/owners/u1/pets", "/owners/u1/more/pets", "/owners/u1", "/pets/7"])
def test_parameters_are_told_apart_by_their_places(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], path: str, scope: str
) -> None:
    """The gateway may have other names than the catalogue, and tell parameters of a path that does not fit."""
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope)
    fits = path == "/owners/u1/pets"
    for told, allowed in (({"who": "u1"}, fits), ({"who": "u2"}, False), ({"ownerId": "u1"}, False), ({}, fits)):
        event = request_event(bearer("owner"), path=path, template="/owners/{who}/pets") | {"pathParameters": told}
        gate.call(event)
        assert gate.line["effect"] == ("allow" if allowed else "deny"), told


@pytest.mark.parametrize("build_event", [http_1_event, http_2_event])
def test_an_allow_is_not_given_where_another_route_may_share_its_arn(
    table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], build_event: Callable[..., Event]
) -> None:
    """If ARNs hold decoded paths, `/rooms/a/b` is also what `/rooms/a%2Fb` was, which goes to a route that guests may not call."""
    routes = "['GET /rooms/{room}', 'GET /rooms/{room}/{bed}']"
    publish(f"{{api: petstore, routes: {routes}, groups: {{guest: {{allow: ['GET /rooms/{{room}}/{{bed}}']}}}}}}")
    gate, token = build_gate(keys, clock, capsys), bearer("guest")
    asked = ("GET", "/rooms/a/b", "GET /rooms/{room}/{bed}")
    without_route = build_event(*asked, identity_source=("GET", "/rooms/a/b", token), headers=[("Authorization", token)])
    raised = gate.fail(without_route)
    assert isinstance(raised, TroubleError)
    assert raised.reason == "route_not_keyed"
    with_route = build_event(*asked, identity_source=(*asked, token), headers=[("Authorization", token)])
    assert gate.call(with_route)["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def test_policies_are_not_shared_between_stages_or_callers(route_gate: Gate) -> None:
    event = request_event(bearer("owner"), path="/owners/u1/pets")
    other_stage = event | {"methodArn": event["methodArn"].replace("/prod/", "/dev/")}
    other_caller = request_event(bearer("owner", sub="u3"), path="/owners/u1/pets")
    resources = [route_gate.call(e)["policyDocument"]["Statement"][0]["Resource"][0] for e in (event, other_stage, other_caller)]
    assert resources == [f"{STAGE}/GET/owners/u1/pets", f"{STAGE[:-4]}dev/GET/owners/u1/pets", f"{STAGE}/GET/owners/u3/pets"]


def test_a_machine_has_its_client_and_scopes(table: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    publish(
        f"{{api: petstore, routes: [GET /pets, POST /pets, DELETE /pets], "
        f"clients: {{{CLIENT_ID}: {{allow: [GET /pets]}}}}, scopes: {{pets/write: {{allow: [POST /pets]}}}}}}"
    )
    gate = build_gate(keys, clock, capsys)
    machine = "Bearer " + Issuer().token(Issuer().machine_claims("pets/write"))
    person = bearer(sub=CLIENT_ID, scope="pets/write")
    answers = {
        (who, verb): gate.call(request_event(token, verb=verb))["policyDocument"]["Statement"][0]["Effect"]
        for who, token in (("machine", machine), ("person", person))
        for verb in ("GET", "POST", "DELETE")
    }
    assert [key for key, effect in answers.items() if effect == "Allow"] == [("machine", "GET"), ("machine", "POST")]


def test_groups_that_do_not_fit_are_left_out_and_missed(gate: Gate) -> None:
    groups = [f"{n:03}".ljust(80, "x") for n in range(100)]
    response = gate.call(request_event(bearer(*groups)))
    assert response["context"]["groups_omitted"] == "true"
    assert "groups" not in response["context"]
    assert len(json.dumps(response)) <= 8000


def test_a_cold_start_with_mistakes_stops_and_names_them_all() -> None:
    environ = {"PATH": os.environ["PATH"], "AWS_REGION": "eu-west-1", "API": "petstore", "CACHE_SCOPE": "all", "JWKS_URL": "x"}
    result = subprocess.run(
        [sys.executable, "-c", "import authorizer.handler"],
        cwd=Path(__file__).parents[2],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    message = result.stderr.splitlines()[-1]
    assert message.startswith("authorizer.errors.SettingsError: ")
    assert [name for name in ("PERMISSIONS_TABLE", "USER_POOL_ID", "CACHE_SCOPE", "JWKS_URL") if f"`{name}`" not in message] == []


def test_whoever_wants_no_decision_lines_keeps_the_metrics(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("gatebook"), "level", logging.WARNING)
    gate.call(request_event(bearer("guest")))
    assert gate.counted == {"allowed": 1}
    assert [line for line in gate.metrics if "message" in line] == []


def test_no_request_passes_without_its_line(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be told is not answered either: it ends as 500, which the gateway does not remember."""
    event = request_event(bearer("admin"))
    gate.call(event)

    def fail(_text: str) -> int:
        raise OSError("no space is left")

    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "write", fail)
        assert isinstance(gate.fail(event), OSError)
    assert gate.call(event)["policyDocument"]["Statement"][0]["Effect"] == "Allow"
