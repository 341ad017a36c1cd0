"""From the PUT of an entry to the refusal of a token: an authorizer honours it from its next look at the table on, and takes it back as soon."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from authorizer.authorize import Authorizer
from authorizer.errors import TokenError
from authorizer.events import read_request
from authorizer.settings import read_settings
from authorizer.wiring import build_authorizer
from tests.integration.gates import KeyServer, request_event, settings_of
from tests.integration.rest.client import Client
from tests.integration.rest.conftest import Rest
from tests.support.issuer import CLIENT_ID, NOW, Issuer
from tests.support.tables import opened

API = "standing"
REFRESH = 10
PARTNER = "https://partner.example"


@pytest.fixture(scope="module")
def keys() -> Iterator[KeyServer]:
    with KeyServer(Issuer().jwks()).running() as server:
        yield server


def cold(rest: Rest, keys: KeyServer, api: str = API) -> Authorizer:
    """An authorizer that has served nobody yet, and trusts a partner beside our own issuer."""
    partner = {"name": "partner", "issuer": PARTNER, "jwks_uri": keys.uri, "client_ids": ["p1"], "token_use": "access"}
    return build_authorizer(read_settings(settings_of(keys, API=api, TRUSTED_ISSUERS=json.dumps([partner]))), opened(), rest.clock)


@pytest.fixture
def gate(rest: Rest, keys: KeyServer) -> Authorizer:
    """An authorizer of `standing` that has served already."""
    gate = cold(rest, keys)
    assert answer(gate, Issuer().access_token()) == "allow"
    return gate


def answer(gate: Authorizer, token: str) -> str:
    """The effect for `GET /pets`, which everyone may; or why the token is refused."""
    try:
        return gate.authorize(read_request(request_event(f"Bearer {token}"))).ruling.decision.effect.value
    except TokenError as error:
        return error.reason


def deny(client: Client, kind: str, value: str, **entry: str) -> None:
    body = {"reason": "stolen", "expires_at": "2030-01-01T00:00:00Z"} | entry
    name = value if value.replace("-", "").isalnum() else "~" + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
    assert client.put(f"/v1/apis/{API}/denylist/{kind}/{name}", body).status == 200


USER = Issuer().access_claims()
TOKENS = {
    "sub": ("sub", str(USER["sub"]), Issuer().access_token(), Issuer().access_token(sub="somebody")),
    "jti": ("jti", str(USER["jti"]), Issuer().access_token(), Issuer().access_token(jti="33333333-0000-4000-8000-000000000001")),
    "session": ("origin_jti", str(USER["origin_jti"]), Issuer().access_token(jti="x"), Issuer().access_token(origin_jti="y")),
    "client": ("client_id", CLIENT_ID, Issuer().access_token(), Issuer(PARTNER).access_token(client_id="p1")),
    "machine": ("client_id", CLIENT_ID, Issuer().token(Issuer().machine_claims("s")), Issuer(PARTNER).access_token(client_id="p1")),
    "partner": ("sub", "partner:u1", Issuer(PARTNER).access_token(client_id="p1", sub="u1"), Issuer().access_token(sub="u1")),
    "partner's session": (
        *("origin_jti", "partner:o1"),
        Issuer(PARTNER).access_token(client_id="p1", origin_jti="o1"),
        Issuer().access_token(origin_jti="o1"),
    ),
    "ours": ("sub", "u1", Issuer().access_token(sub="u1"), Issuer(PARTNER).access_token(client_id="p1", sub="u1")),
}


@pytest.mark.parametrize(("kind", "value", "refused", "other"), TOKENS.values(), ids=TOKENS)
def test_an_entry_bites_at_the_next_refresh_and_nobody_else(
    rest: Rest, gate: Authorizer, kind: str, value: str, refused: str, other: str
) -> None:
    assert answer(gate, refused) == "allow"
    deny(rest.client, kind, value)
    rest.clock.advance(REFRESH - 0.1)
    assert answer(gate, refused) == "allow"
    rest.clock.advance(0.1)
    assert answer(gate, refused) == "denylisted"
    assert answer(gate, other) == "allow"
    name = "~" + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=") if ":" in value else value
    assert rest.client.delete(f"/v1/apis/{API}/denylist/{kind}/{name}").status == 200
    rest.clock.advance(REFRESH)
    assert answer(gate, refused) == "allow"


def test_a_cold_authorizer_honours_it_at_once(rest: Rest, keys: KeyServer) -> None:
    deny(rest.client, "sub", str(USER["sub"]))
    assert answer(cold(rest, keys), Issuer().access_token()) == "denylisted"


def test_an_entry_ends_by_the_clock(rest: Rest, gate: Authorizer) -> None:
    """Not by DynamoDB, which deletes within days."""
    deny(rest.client, "sub", str(USER["sub"]), expires_at="2027-01-15T08:00:30Z")
    rest.clock.advance(REFRESH)
    assert answer(gate, Issuer().access_token()) == "denylisted"
    rest.clock.advance(19.9)
    assert answer(gate, Issuer().access_token()) == "denylisted"
    rest.clock.advance(0.1)
    assert answer(gate, Issuer().access_token()) == "allow"


# `auth_time` and `iat` in seconds after the moment of `issued_before`, and the answer.
SIGN_INS = [
    (-1, 100, "denylisted"),
    (0, 100, "allow"),
    (0, -100, "allow"),
    (100, 100, "allow"),
    (None, -1, "denylisted"),
    (None, 0, "allow"),
    (None, None, "denylisted"),
]


@pytest.mark.parametrize(("signed_in", "issued", "expected"), SIGN_INS)
def test_who_signs_in_again_may_come_back(rest: Rest, gate: Authorizer, signed_in: int | None, issued: int | None, expected: str) -> None:
    """A refreshed token has a new `iat` and the old `auth_time`: refreshing helps nobody who was thrown out."""
    moment = NOW - 1000
    deny(rest.client, "sub", str(USER["sub"]), issued_before="2027-01-15T07:43:20Z")
    rest.clock.advance(REFRESH)
    times: dict[str, Any] = {
        "auth_time": None if signed_in is None else moment + signed_in,
        "iat": None if issued is None else moment + issued,
    }
    assert answer(gate, Issuer().access_token(**times)) == expected


def test_other_apis_are_not_concerned(rest: Rest, shop: str, gate: Authorizer, keys: KeyServer) -> None:
    body = {"reason": "r", "expires_at": "2030-01-01T00:00:00Z"}
    rest.client.put(f"/v1/apis/{shop}/denylist/sub/{USER['sub']}", body)
    rest.clock.advance(REFRESH)
    assert answer(gate, Issuer().access_token()) == "allow"
    assert answer(cold(rest, keys, shop), Issuer().access_token()) == "denylisted"


def test_a_denylisted_admin_loses_the_admin_api_too(rest: Rest, keys: KeyServer) -> None:
    """It has an authorizer of the same kind before it, and a denylist of its own."""
    routes = ["GET /pets", "GET /v1/apis/gatebook-admin/document", "PUT /v1/apis/gatebook-admin/document"]
    routes.append("POST /v1/apis/gatebook-admin/versions/{number}/rollback")
    rest.client.publish({"api": "gatebook-admin", "routes": routes, "groups": {"gatebook-admins": {"allow": ["* /**"]}}})
    gate = cold(rest, keys, "gatebook-admin")
    assert answer(gate, Issuer().access_token("gatebook-admins")) == "allow"
    body = {"reason": "left the company", "expires_at": "2030-01-01T00:00:00Z"}
    assert rest.client.put(f"/v1/apis/gatebook-admin/denylist/sub/{USER['sub']}", body).status == 200
    rest.clock.advance(REFRESH)
    assert answer(gate, Issuer().access_token("gatebook-admins")) == "denylisted"
    assert answer(gate, Issuer().access_token("gatebook-admins", sub="another")) == "allow"
