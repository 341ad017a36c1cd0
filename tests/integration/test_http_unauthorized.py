"""A bad token at an HTTP API with `HTTP_API_UNAUTHORIZED=deny`: a refusal where whatever the gateway remembers of it stays true, an exception elsewhere."""

from collections.abc import Callable
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from authorizer.errors import TokenError, TroubleError
from authorizer.events import read_request, write_response
from authorizer.policy.denylist import DenylistKind
from authorizer.unauthorized import unauthorized_answer
from tests.integration.gates import Gate, KeyServer, bearer, build_gate, is_401, keys, published, request_event, token_event
from tests.support.clock import Clock
from tests.support.events import Event, http_1_event, http_2_event, websocket_event
from tests.support.http_gateway_model import HttpGateway, HttpRouter
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import NOW, Issuer, rsa_key, sign
from tests.support.tables import Table, opened

__all__ = ["keys", "published"]

US = Issuer()
GONE = {
    "expired": bearer("guest", exp=NOW),
    "malformed": "Bearer garbage-from-somewhere",
    "malformed_authorization": f"Basic {US.access_token('guest')}",
    "issuer": f"Bearer {Issuer(issuer='https://id.other.example').access_token('guest')}",
    "client_id": bearer("guest", client_id="another"),
    "too_many_refs": "Bearer " + US.token(US.machine_claims(*(f"s{number}" for number in range(101)))),
    "signature": "Bearer " + sign(rsa_key("forger"), {"alg": "RS256", "kid": US.kid}, US.access_claims("guest")),
}
"""Tokens that are bad whatever happens, by the reason that the log gives."""
NOT_YET = {
    "not_yet_valid": bearer("guest", nbf=NOW + 500),
    "issued_in_future": bearer("guest", iat=NOW + 500, auth_time=NOW + 500),
    "unknown_kid": f"Bearer {Issuer(kid='made-up', key_name='forger').access_token('guest')}",
    "missing_token": "",
}
"""Tokens that may be good a moment later, and a place that a token may come into."""
WRITTEN = {"1.0": http_1_event, "2.0": http_2_event}
TENANT = ("X-Tenant", "acme")
KEY = ("GET", "GET /pets/{petId}")

Build = Callable[..., Gate]


@pytest.fixture
def build(published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str]) -> Build:
    """Return a cold authorizer that refuses bad tokens."""
    return lambda **settings: build_gate(keys, clock, capsys, **{"HTTP_API_UNAUTHORIZED": "deny"} | settings)


def asked(payload: str, authorization: str, *, sources: tuple[str, ...] | None = None, path: str = "/pets/7") -> Event:
    """A request whose cache key holds the token, method and route, or these values."""
    headers = [("Authorization", authorization), TENANT]
    key = (*KEY, authorization) if sources is None else sources
    return WRITTEN[payload]("GET", path, "GET /pets/{petId}", identity_source=key or None, headers=headers)


def arn_of(event: Event) -> str:
    return str(event.get("methodArn") or event["routeArn"])


def is_refused(gate: Gate, event: Event, reason: str) -> dict[str, Any]:
    """The answer, which must be a refusal of this request alone, with the line and the metric of every bad token."""
    response = gate.call(event)
    assert (gate.line["message"], gate.line["level"], gate.line["reason"]) == ("unauthorized", "INFO", reason)
    assert gate.counted == {"unauthorized": 1}
    if "isAuthorized" in response:
        assert response == {"isAuthorized": False, "context": {}}
    else:
        arn = arn_of(event)
        statement = {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": [arn]}
        assert response == {
            "principalId": "unauthorized",
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": {},
        }
        assert evaluate(response["policyDocument"], "execute-api:Invoke", arn) == "ExplicitDeny"
    return response


def is_raised(gate: Gate, event: Event, reason: str) -> None:
    assert is_401(gate.fail(event))
    assert (gate.line["message"], gate.line["reason"]) == ("unauthorized", reason)
    assert gate.counted == {"unauthorized": 1}


@pytest.mark.parametrize("payload", WRITTEN)
@pytest.mark.parametrize("settings", [{}, {"CACHE_SCOPE": "route"}, {"GATEWAY_TTL": "60"}, {"GATEWAY_TTL": "0"}])
def test_a_token_that_is_bad_for_good_is_refused(build: Build, payload: str, settings: dict[str, str]) -> None:
    gate = build(**settings)
    for reason, authorization in GONE.items():
        assert "policyDocument" in is_refused(gate, asked(payload, authorization), reason)
    good = asked(payload, bearer("guest"))
    assert evaluate(gate.call(good)["policyDocument"], "execute-api:Invoke", arn_of(good)) == "Allow"


def test_with_simple_responses_the_refusal_is_one_word(build: Build) -> None:
    gate = build(HTTP_API_RESPONSE="simple")
    for reason, authorization in GONE.items():
        assert "isAuthorized" in is_refused(gate, asked("2.0", authorization), reason)
    # Payload 1.0 has no such word.
    assert "policyDocument" in is_refused(gate, asked("1.0", GONE["expired"]), "expired")
    for payload, word in (("1.0", None), ("2.0", False)):
        answer = unauthorized_answer(
            read_request(asked(payload, GONE["expired"])), TokenError("expired", ""), simple_responses=True, nothing_cached=False
        )
        assert answer is not None
        assert answer.is_authorized is word


@pytest.mark.parametrize("payload", WRITTEN)
def test_what_may_become_good_is_not_refused_where_that_is_remembered(build: Build, payload: str) -> None:
    gate = build(GATEWAY_TTL="60")
    for reason, authorization in NOT_YET.items():
        is_raised(gate, asked(payload, authorization), reason)
    forgetful = build(GATEWAY_TTL="0")
    for reason, authorization in NOT_YET.items():
        is_refused(forgetful, asked(payload, authorization), reason)


@pytest.mark.parametrize("payload", WRITTEN)
def test_under_a_key_without_the_token_nobody_is_refused_for_it(build: Build, payload: str) -> None:
    """Everybody of the tenant would be."""
    for sources in (("acme",), ("acme", *KEY)):
        is_raised(build(), asked(payload, GONE["expired"], sources=sources), "expired")
        is_refused(build(GATEWAY_TTL="0"), asked(payload, GONE["expired"], sources=sources), "expired")
    # Without identity sources nothing is remembered.
    is_refused(build(), asked(payload, GONE["expired"], sources=()), "expired")


@pytest.mark.parametrize("payload", WRITTEN)
def test_one_of_two_tokens_is_not_refused_for_the_other(build: Build, payload: str) -> None:
    """The gateway may remember under the first value: whoever sends that one alone has a good token."""
    good = bearer("guest")
    event = asked(payload, good)
    event["headers"] |= {"AUTHORIZATION": good}
    if payload == "1.0":
        event["multiValueHeaders"] |= {"AUTHORIZATION": [good]}
    is_raised(build(), event, "several_authorization_values")


@pytest.mark.parametrize("payload", WRITTEN)
def test_a_cookie_is_refused_under_the_key_of_its_header(build: Build, payload: str) -> None:
    event = WRITTEN[payload](
        "GET", "/pets/7", "GET /pets/{petId}", identity_source=(*KEY, "a=b; session=x"), headers=[("Cookie", "a=b; session=x")]
    )
    is_refused(build(TOKEN_FROM="cookie:session"), event, "malformed")
    is_raised(build(TOKEN_FROM="cookie:session"), event | {"identitySource": "x" if payload == "1.0" else ["x"]}, "malformed")


def test_other_gateways_promise_401_and_get_the_exception(build: Build) -> None:
    gate = build(GATEWAY_TTL="0")
    for reason, authorization in GONE.items():
        is_raised(gate, token_event(authorization), reason)
        is_raised(gate, request_event(authorization), reason)
        is_raised(gate, websocket_event(headers=[("Authorization", authorization)], query=()), reason)


@pytest.mark.parametrize("payload", WRITTEN)
@pytest.mark.parametrize("settings", [{"HTTP_API_UNAUTHORIZED": ""}, {"HTTP_API_UNAUTHORIZED": "raise"}])
def test_nobody_is_refused_unless_that_is_asked_for(build: Build, payload: str, settings: dict[str, str]) -> None:
    for reason, authorization in GONE.items():
        is_raised(build(**settings), asked(payload, authorization), reason)


@pytest.mark.parametrize("payload", WRITTEN)
def test_trouble_is_never_a_refusal(build: Build, keys: KeyServer, payload: str) -> None:
    keys.status = 503
    gate = build(GATEWAY_TTL="0")
    raised = gate.fail(asked(payload, bearer("guest")))
    assert isinstance(raised, TroubleError)
    assert gate.line["message"] == "trouble"
    assert isinstance(build(GATEWAY_TTL="0").fail(asked(payload, GONE["expired"]) | {"requestContext": 7}), TroubleError)


@pytest.mark.parametrize("payload", WRITTEN)
def test_a_denylisted_bearer_is_refused(build: Build, clock: Clock, payload: str) -> None:
    """Who is taken off the list waits for the gateway's time, as who is given a permission does."""
    service = PermissionService(opened(), clock)
    service.add_entry("petstore", DenylistKind.SUB, "u1", author="a", reason="stolen", expires_at=2_000_000_000)
    is_refused(build(), asked(payload, bearer("guest")), "denylisted")


@pytest.mark.parametrize("payload", WRITTEN)
@pytest.mark.parametrize("path", ["/pets/*", "/pets/${x}", "/pets/?", "/pets/" + "x" * 600])
def test_an_odd_path_is_refused_safely(payload: str, path: str) -> None:
    request = read_request(asked(payload, GONE["expired"], path=path))
    answer = unauthorized_answer(request, TokenError("expired", ""), simple_responses=False, nothing_cached=False)
    assert answer is not None
    document: Any = dict(write_response(request, answer))["policyDocument"]
    [resource] = document["Statement"][0]["Resource"]
    assert evaluate(document, "execute-api:Invoke", str(request.method_arn)) == "ExplicitDeny"
    assert len(resource) <= 512
    assert resource.startswith(request.method_arn.prefix)
    assert "${" not in resource


@pytest.mark.parametrize("payload", WRITTEN)
def test_a_gateway_that_remembers_lets_a_token_in_as_soon_as_it_is_valid(build: Build, clock: Clock, payload: Any) -> None:
    """And refuses an expired one from memory, on every route of the entry."""
    gate = build(CACHE_SCOPE="route")
    gateway = HttpGateway(
        HttpRouter(["GET /pets", "GET /pets/{petId}"]),
        gate.call,
        payload=payload,
        identity=["$context.httpMethod", "$request.header.Authorization"],
        ttl=300,
        clock=clock,
    )

    def status(authorization: str, path: str = "/pets/7") -> tuple[int, bool]:
        response = gateway.request("GET", path, headers=[("Authorization", authorization)])
        return response.status, response.invoked

    early = bearer("guest", nbf=NOW + 100, exp=NOW + 3600)
    assert [status(early), status(early)] == [(401, True), (401, True)]
    clock.advance(100)
    assert status(early) == (200, True)
    late = bearer("guest", exp=NOW)
    assert [status(late), status(late), status(late, "/pets")] == [(403, True), (403, False), (403, False)]
    clock.advance(300)
    assert status(late, "/pets") == (403, True)
