"""Tokens as moto's Cognito issues them: another hand than the one that wrote the verifier put them together."""

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import moto.cognitoidp
import pytest
from moto import mock_aws

from authorizer.errors import TokenError
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.settings import read_settings
from authorizer.tokens.claims import Principal
from authorizer.tokens.jwks import KeySet
from authorizer.tokens.jwks_fetch import fetch_jwks
from authorizer.tokens.verifier import TokenVerifier
from tests.integration.gates import KeyServer

REGION = "eu-west-1"
KEYS = Path(moto.cognitoidp.__file__).parent / "resources" / "jwks-public.json.gz"
PASSWORD = "Made-up-for-moto-1"


@pytest.fixture(scope="module")
def signed_in() -> Iterator[tuple[str, str, dict[str, str]]]:
    """A pool, its client, and the tokens of a user who is in two of its groups."""
    with mock_aws():
        cognito: Any = boto3.client("cognito-idp", region_name=REGION)
        pool = cognito.create_user_pool(PoolName="pets")["UserPool"]["Id"]
        flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
        client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)["UserPoolClient"]["ClientId"]
        cognito.admin_create_user(UserPoolId=pool, Username="jane", MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username="jane", Password=PASSWORD, Permanent=True)
        for group in ("guest", "owner", "admin"):
            cognito.create_group(UserPoolId=pool, GroupName=group)
        for group in ("guest", "owner"):
            cognito.admin_add_user_to_group(UserPoolId=pool, Username="jane", GroupName=group)
        answer = cognito.admin_initiate_auth(
            UserPoolId=pool,
            ClientId=client,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "jane", "PASSWORD": PASSWORD},
        )
        yield pool, client, answer["AuthenticationResult"]


def verify(pool: str, client: str, token: str) -> Principal:
    """By the settings of an authorizer for this pool and client."""
    with KeyServer(gzip.decompress(KEYS.read_bytes())).running() as keys:
        environment = {"PERMISSIONS_TABLE": "t", "API": "petstore", "USER_POOL_ID": pool, "APP_CLIENT_IDS": client, "JWKS_URI": keys.uri}
        issuers = read_settings(environment).issuers
        key_sets = {
            issuer.issuer: KeySet(issuer.jwks_uri, fetch=fetch_jwks, now=time.time, max_age=3600, max_stale=3600) for issuer in issuers
        }
        return TokenVerifier(issuers, key_sets, time.time).verify(token)


def test_an_access_token_stands_for_its_user_and_groups(signed_in: tuple[str, str, dict[str, str]]) -> None:
    pool, client, tokens = signed_in
    principal = verify(pool, client, tokens["AccessToken"])
    assert principal.refs == (EVERYONE, PrincipalRef(RefKind.GROUP, "guest"), PrincipalRef(RefKind.GROUP, "owner"))
    assert (principal.client_id, principal.is_machine) == (client, False)


@pytest.mark.parametrize(("kind", "reason"), [("IdToken", "token_use"), ("RefreshToken", "malformed")])
def test_the_other_tokens_of_a_sign_in_are_refused(signed_in: tuple[str, str, dict[str, str]], kind: str, reason: str) -> None:
    pool, client, tokens = signed_in
    with pytest.raises(TokenError) as caught:
        verify(pool, client, tokens[kind])
    assert caught.value.reason == reason


def test_a_token_of_another_pool_or_client_is_refused(signed_in: tuple[str, str, dict[str, str]]) -> None:
    pool, client, tokens = signed_in
    for of_pool, of_client, reason in ((f"{REGION}_Another1", client, "issuer"), (pool, "another", "client_id")):
        with pytest.raises(TokenError) as caught:
            verify(of_pool, of_client, tokens["AccessToken"])
        assert caught.value.reason == reason
