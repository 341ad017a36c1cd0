"""Real sign-up and sign-in with client id and secret, and a dozen tokens that must be refused, over HTTP."""

import base64
import json
import time
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from admin_api.cli.commands.local import secret_hash
from authorizer.policy.permission import RefKind
from authorizer.settings import read_settings
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.tokens.verifier import TokenVerifier
from tests.support.issuer import b64, rsa_key, sign
from tests.support.local_stack import LocalStack
from tests.support.websocket import RefusedError, connected

pytestmark = pytest.mark.stack

PASSWORD = "Correct-Horse-7"


def segments(token: str) -> tuple[dict[str, object], dict[str, object], str]:
    header, payload, signature = token.split(".")
    decoded = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in (header, payload)]
    return decoded[0], decoded[1], signature


def test_signing_up_and_in_takes_the_client_secret(stack: LocalStack) -> None:
    cognito, note = stack.client("cognito-idp"), stack.note
    arguments = {"ClientId": note["client_id"], "Username": "newcomer", "Password": PASSWORD}
    attributes = [{"Name": "email", "Value": "newcomer@example.com"}]
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.sign_up(**arguments, SecretHash="wrong", UserAttributes=attributes)
    right = secret_hash("newcomer", note["client_id"], note["client_secret"])
    cognito.sign_up(**arguments, SecretHash=right, UserAttributes=attributes)
    cognito.admin_confirm_sign_up(UserPoolId=note["user_pool_id"], Username="newcomer")
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        stack.sign_in("newcomer", PASSWORD, secret="not the secret")
    token = stack.sign_in("newcomer", PASSWORD)["AccessToken"]
    # Without a group there is what everyone holds, and a new group comes with the next token.
    assert stack.call("rest_token", "GET", "/pets", f"Bearer {token}").status == 200
    assert stack.call("rest_token", "GET", "/pets/7", f"Bearer {token}").status == 403
    cognito.admin_add_user_to_group(UserPoolId=note["user_pool_id"], Username="newcomer", GroupName="guest")
    token = stack.sign_in("newcomer", PASSWORD)["AccessToken"]
    assert stack.call("rest_token", "GET", "/pets/7", f"Bearer {token}").status == 200


def test_bad_tokens_are_401(stack: LocalStack, tokens: dict[str, str]) -> None:
    note = stack.note
    good = tokens["guest"]
    header, claims, signature = segments(good)
    kid = str(header["kid"])
    forger = rsa_key("forger")
    admin = claims | {"cognito:groups": ["admin"]}
    other = _other_pool_token(stack)
    bad = {
        "garbage": "Bearer garbage",
        "empty bearer": "Bearer ",
        "other scheme": f"Basic {good}",
        "two tokens": f"Bearer {good}, Bearer {good}",
        "tampered payload": f"Bearer {good.split('.')[0]}.{b64(json.dumps(admin).encode())}.{signature}",
        "no signature": f"Bearer {good.rsplit('.', 1)[0]}.",
        "alg none": f"Bearer {b64(json.dumps({'alg': 'none', 'kid': kid}).encode())}.{b64(json.dumps(admin).encode())}.{signature}",
        "forged with another key": f"Bearer {sign(forger, {'alg': 'RS256', 'kid': kid}, admin)}",
        "unknown kid": f"Bearer {sign(forger, {'alg': 'RS256', 'kid': 'made-up'}, admin)}",
        "expired and forged": f"Bearer {sign(forger, {'alg': 'RS256', 'kid': kid}, admin | {'exp': 1})}",
        "id token": f"Bearer {stack.sign_in('guest', note['users']['guest']['password'])['IdToken']}",
        "another client of the pool": f"Bearer {_other_client_token(stack)}",
        "another pool": f"Bearer {other}",
    }
    answers = {name: stack.call("rest_token", "GET", "/pets", value).status for name, value in bad.items()}
    assert answers == dict.fromkeys(bad, 401)
    # The REQUEST authorizer is told every header: one token sent twice is refused, and so is none.
    assert stack.call("rest_request", "GET", "/pets").status == 401
    assert stack.call("rest_request", "GET", "/pets", f"Bearer {good}").status == 200


REFUSALS = {
    "rest_request": {"without a token": 401, "with a bad token": 401, "denied": 403},
    "rest_token": {"without a token": 401, "with a bad token": 401, "denied": 403},
    # The emulator knows of no exception that makes a 401 here, and AWS documents none.
    "http": {"without a token": 401, "with a bad token": 500, "denied": 403},
    "websocket": {"without a token": 500, "with a bad token": 500, "denied": 403},
}
COLUMNS = {"rest_request": 0, "rest_token": 0, "http": 1, "websocket": 2}


@pytest.mark.parametrize("gateway", REFUSALS)
def test_each_gateway_refuses_as_it_is_told_of(stack: LocalStack, tokens: dict[str, str], gateway: str) -> None:
    sent = {"without a token": [], "with a bad token": ["Bearer a.b.c"], "denied": [f"Bearer {tokens['nobody']}"]}
    if gateway == "websocket":
        answers = {case: _handshake(stack, [("Authorization", value) for value in values]) for case, values in sent.items()}
    else:
        answers = {case: stack.call(gateway, "GET", "/admin/reports", *values).status for case, values in sent.items()}
    assert answers == REFUSALS[gateway]


def _handshake(stack: LocalStack, headers: list[tuple[str, str]]) -> int:
    try:
        with connected(stack.note["apis"]["websocket"], headers=headers):
            return 101
    except RefusedError as error:
        return error.status


@pytest.mark.parametrize("gateway", REFUSALS)
def test_the_page_on_gateways_says_the_same(gateway: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "gateways.md").read_text()
    for case, status in REFUSALS[gateway].items():
        [row] = [line for line in page.splitlines() if line.startswith(f"| the local stack, {case} |")]
        assert row.strip("|").split("|")[1 + COLUMNS[gateway]].strip().partition(":")[0] == str(status)


def test_a_program_is_known_by_its_client_and_scopes(stack: LocalStack) -> None:
    """The sample's authorizers accept one client only, so this token is shown to one in this process."""
    cognito, note = stack.client("cognito-idp"), stack.note
    pool = note["user_pool_id"]
    cognito.create_resource_server(
        UserPoolId=pool, Identifier="pets", Name="pets", Scopes=[{"ScopeName": "read", "ScopeDescription": "read pets"}]
    )
    client = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="nightly-report",
        GenerateSecret=True,
        AllowedOAuthFlows=["client_credentials"],
        AllowedOAuthScopes=["pets/read"],
        AllowedOAuthFlowsUserPoolClient=True,
    )["UserPoolClient"]
    token = _client_credentials_token(note["aws_endpoint"], client["ClientId"], client["ClientSecret"], "pets/read")
    environment = {"PERMISSIONS_TABLE": note["table"], "API": "petstore", "USER_POOL_ID": pool, "JWKS_URI": note["jwks_uri"]}
    issuers = read_settings(environment | {"APP_CLIENT_IDS": client["ClientId"]}).issuers
    keys = {i.issuer: KeySet(i.jwks_uri, fetch=fetch_jwks, now=time.time, max_age=60, max_stale=60) for i in issuers}
    principal = TokenVerifier(issuers, keys, time.time).verify(token)
    named = {(ref.kind, ref.name) for ref in principal.refs}
    assert named == {(RefKind.EVERYONE, ""), (RefKind.CLIENT, client["ClientId"]), (RefKind.SCOPE, "pets/read")}
    assert (principal.is_machine, principal.groups) == (True, ())
    assert stack.call("rest_token", "GET", "/pets", f"Bearer {token}").status == 401


def _client_credentials_token(endpoint: str, client: str, secret: str, scope: str) -> str:
    """RFC 6749 section 4.4."""
    basic = base64.b64encode(f"{client}:{secret}".encode()).decode("ascii")
    body = urlencode({"grant_type": "client_credentials", "scope": scope}).encode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    with urlopen(Request(f"{endpoint}/oauth2/token", body, headers)) as response:  # noqa: S310  # the emulator on loopback
        answer: dict[str, str] = json.load(response)
    return answer["access_token"]


def _other_client_token(stack: LocalStack) -> str:
    cognito, note = stack.client("cognito-idp"), stack.note
    client = cognito.create_user_pool_client(
        UserPoolId=note["user_pool_id"], ClientName="other", GenerateSecret=True, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]
    tokens = stack.sign_in("guest", note["users"]["guest"]["password"], client["ClientId"], client["ClientSecret"])
    return tokens["AccessToken"]


def _other_pool_token(stack: LocalStack) -> str:
    cognito = stack.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="other", GenerateSecret=True, ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]
    cognito.admin_create_user(UserPoolId=pool, Username="guest", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="guest", Password=PASSWORD, Permanent=True)
    return stack.sign_in("guest", PASSWORD, client["ClientId"], client["ClientSecret"])["AccessToken"]
