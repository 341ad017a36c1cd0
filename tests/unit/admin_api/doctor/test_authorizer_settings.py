"""The function's settings, read as the authorizer reads them."""

from typing import Any

import pytest

from admin_api.doctor.authorizer_settings import settings_of, unusable_settings
from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Finding, Severity
from tests.support.deployments import environment, sound_function, sound_http, sound_rest

ISSUERS = '[{"name": "partner", "issuer": "https://id.example", "jwks_uri": "https://id.example/keys", "audience": ["petstore"], "token_use": "none"}]'


def with_settings(parameters: dict[str, str] | None = None, /, **changes: str) -> Deployment:
    return sound_rest(function=sound_function(environment=environment(**changes)), parameters={} if parameters is None else parameters)


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        with_settings(TRUSTED_ISSUERS=ISSUERS),
        with_settings({"/gatebook/issuers": ISSUERS}, TRUSTED_ISSUERS="ssm:/gatebook/issuers"),
        sound_rest(function=None),
        sound_rest(parameters=None),
        # What its parameter holds is not known.
        sound_rest(function=sound_function(environment=environment(TRUSTED_ISSUERS="ssm:/other", API="")), parameters={}),
    ],
)
def test_nothing_is_said_of_usable_settings_nor_of_what_was_not_read(deployment: Deployment) -> None:
    assert list(unusable_settings(deployment)) == []


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        ({"API": ""}, ["`API` is missing"]),
        ({"API": "", "USER_POOL_ID": "nonsense"}, ["`API` is missing", "`USER_POOL_ID` is `nonsense`"]),
        ({"CACHE_SCOPE": "rout"}, ["`CACHE_SCOPE` is `rout`"]),
        ({"POLICY_REFRESH": "3"}, ["`POLICY_REFRESH` is no setting"]),
        ({"REPORT_ONLY": "1"}, ["`REPORT_ONLY` is `1`"]),
    ],
)
def test_each_mistake_is_an_error(changes: dict[str, str], problems: list[str]) -> None:
    found = list(unusable_settings(with_settings(**changes)))
    assert [f.message.startswith(p) for f, p in zip(found, problems, strict=True)] == [True] * len(problems)
    assert {(f.severity, f.about) for f in found} == {(Severity.ERROR, "function petstore-authorizer")}
    assert all(f.message.endswith("the function stops at its start, so that every request is answered with 500") for f in found)
    assert settings_of(with_settings(**changes)) is None


def test_a_mistake_in_a_parameter_is_the_functions() -> None:
    [found] = unusable_settings(with_settings({"/gatebook/issuers": "no list"}, TRUSTED_ISSUERS="ssm:/gatebook/issuers"))
    assert "`TRUSTED_ISSUERS` is not JSON" in found.message
    assert isinstance(found, Finding)


@pytest.mark.parametrize(("changes", "issuers"), [({}, [""]), ({"TRUSTED_ISSUERS": ISSUERS}, ["", "partner"])])
def test_checks_see_what_the_function_sees(changes: dict[str, Any], issuers: list[str]) -> None:
    settings = settings_of(with_settings(**changes))
    assert settings is not None
    assert settings.api == "petstore"
    assert [issuer.name for issuer in settings.issuers] == issuers


def test_what_was_not_read_has_no_settings() -> None:
    assert settings_of(sound_rest(function=None)) is None
    assert settings_of(sound_rest(parameters=None)) is None
