"""Settings with which the authorizer starts and lets more pass."""

import json
from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.doctor.settings_that_open import settings_that_open
from tests.support.deployments import DOCUMENT, environment, published, sound_function, sound_http, sound_rest


def with_settings(**changes: str) -> Deployment:
    return sound_rest(function=sound_function(environment=environment(**changes)))


def trusting(**entry: Any) -> Deployment:
    issuer = {
        "name": "partner",
        "issuer": "https://id.example",
        "jwks_uri": "https://id.example/keys",
        "token_use": "none",
        "client_ids": ["shop"],
    }
    return with_settings(TRUSTED_ISSUERS=json.dumps([issuer | entry]))


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_rest(published=None),
        sound_rest(function=None),
        with_settings(REPORT_ONLY="0", TOKEN_SCOPE_GUARDS="0", EXPIRY_CONDITIONS="0"),
        # Settings that do not start are another check's.
        with_settings(API="", CACHE_SCOPE="request", REPORT_ONLY="1"),
        trusting(audience=["petstore"]),
        trusting(token_use="access"),
        # The pool's ID tokens name their client elsewhere, so that its clients are enough.
        with_settings(TRUSTED_ISSUERS=json.dumps([{"token_use": "none"}])),
    ],
)
def test_nothing_is_said_of_settings_that_hold_to_the_document(deployment: Deployment) -> None:
    assert list(settings_that_open(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "severity", "message"),
    [
        (with_settings(CACHE_SCOPE="request", REPORT_ONLY="1"), Severity.WARNING, "`REPORT_ONLY` is `1`"),
        (with_settings(CACHE_SCOPE="token", TOKEN_SCOPE_GUARDS="1"), Severity.WARNING, "`TOKEN_SCOPE_GUARDS` is `1`"),
        (with_settings(EXPIRY_CONDITIONS="1"), Severity.WARNING, "`EXPIRY_CONDITIONS` is `1`"),
        (with_settings(API="petstor"), Severity.ERROR, "`API` is `petstor`"),
        (sound_rest(published=published(DOCUMENT | {"api": "shop"})), Severity.ERROR, "`API` is `petstore`"),
        (trusting(), Severity.WARNING, "issuer `partner` is trusted by its clients alone"),
    ],
)
def test_each_setting_that_opens_is_named(deployment: Deployment, severity: Severity, message: str) -> None:
    [found] = settings_that_open(deployment)
    assert (found.severity, found.about, found.message.startswith(message)) == (severity, "function petstore-authorizer", True)


def test_the_document_that_decides_is_named_with_the_other() -> None:
    [found] = settings_that_open(with_settings(API="petstor"))
    assert "not by the one of `petstore`" in found.message
    assert found.remedy == "set `API` to `petstore`, or look at `petstor`"
