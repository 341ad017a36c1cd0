"""The issuers' keys."""

import json

import pytest

from admin_api.doctor.deployment import Deployment, KeySet
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.key_sets import unusable_keys
from tests.support.deployments import POOL, REGION, environment, sound_function, sound_http, sound_rest

OURS = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
PARTNER = {
    "name": "partner",
    "issuer": "https://id.example",
    "jwks_uri": "https://id.example/keys",
    "audience": ["petstore"],
    "token_use": "none",
}
SOUND = KeySet(OURS, f"{OURS}/.well-known/jwks.json", "")
BROKEN = KeySet("https://id.example", "https://id.example/keys", "status 404")
WAY_OUT = "and see that the function reaches it: in a VPC it needs a NAT gateway or another way out"


def holding(*key_sets: KeySet) -> Deployment:
    return sound_rest(function=sound_function(environment=environment(TRUSTED_ISSUERS=json.dumps([PARTNER]))), key_sets=key_sets)


@pytest.mark.parametrize("deployment", [sound_rest(), sound_http(), sound_rest(key_sets=None), holding(), holding(SOUND)])
def test_nothing_is_said_of_keys_that_can_be_used(deployment: Deployment) -> None:
    assert list(unusable_keys(deployment)) == []


def test_each_set_without_a_usable_key_is_named_with_the_setting_that_says_where_it_is() -> None:
    assert list(unusable_keys(holding(SOUND, BROKEN))) == [
        Finding(
            Severity.ERROR,
            "issuer https://id.example",
            "https://id.example/keys: status 404; without a usable key nobody with its tokens gets in",
            f"set `jwks_uri` of `partner` in `TRUSTED_ISSUERS` to the address that `gatebook issuer https://id.example` prints, {WAY_OUT}",
        )
    ]


@pytest.mark.parametrize("function", [sound_function(), None])
def test_the_pool_has_a_setting_of_its_own(function: object) -> None:
    [found] = unusable_keys(sound_rest(function=function, key_sets=(KeySet(OURS, SOUND.url, "timed out"),)))
    assert found.remedy.startswith("set `JWKS_URI`, or `jwks_uri` of the pool's entry in `TRUSTED_ISSUERS`, to the address")
