"""Real sign-up and sign-in with client id and secret, and a dozen tokens that must be refused, over HTTP."""

import base64
import json

import pytest

from admin_api.cli.local import secret_hash
from tests.support.issuer import b64, rsa_key, sign
from tests.support.local_stack import LocalStack

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
