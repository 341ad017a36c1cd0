"""Where the tools learn which issuers are trusted: a file, the settings of a deployed authorizer, one's own settings; and what is wrong there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.issuers import IssuersError, issuers_of_file, issuers_of_function, issuers_of_settings, read_parameter
from admin_api.settings import read_admin_settings
from authorizer.errors import SettingsError
from authorizer.settings import read_settings
from authorizer.tokens.claims import OUR_ISSUER

PARTNER = {
    "name": "partner",
    "issuer": "https://id.partner.example",
    "jwks_uri": "https://id.partner.example/keys",
    "audience": ["api"],
    "binding_claims": ["account"],
}
POOL = "eu-west-1_AbCdEfGhI"
OWN = {"USER_POOL_ID": POOL, "APP_CLIENT_IDS": "app1, app2"}
SETTINGS: list[dict[str, str]] = [
    OWN,
    {**OWN, "JWKS_URI": "http://localhost:4566/keys"},
    {**OWN, "TRUSTED_ISSUERS": json.dumps([PARTNER])},
    {**OWN, "TRUSTED_ISSUERS": json.dumps([PARTNER, {"groups_claim": "custom:roles"}])},
    {"TRUSTED_ISSUERS": json.dumps([PARTNER])},
    {**OWN, "TRUSTED_ISSUERS": "ssm:/gatebook/issuers"},
]


def parameter(name: str) -> str:
    assert name == "/gatebook/issuers"
    return f" {json.dumps([PARTNER])}\n"


def of_settings(environ: dict[str, str]) -> tuple[TrustedIssuers, list[str]]:
    problems: list[str] = []
    return issuers_of_settings(environ, parameter, problems), problems


@pytest.mark.parametrize("environ", SETTINGS)
def test_the_issuers_are_those_that_the_authorizer_reads(environ: dict[str, str]) -> None:
    trusted, problems = of_settings(environ)
    read = read_settings({"PERMISSIONS_TABLE": "t", "API": "x", **environ}, parameter)
    assert (trusted.issuers, trusted.are_known, problems) == (read.issuers, True, [])
    assert read_admin_settings({"PERMISSIONS_TABLE": "t", **environ}, parameter).issuers == trusted


@pytest.mark.parametrize("environ", [{}, {"USER_POOL_ID": " ", "TRUSTED_ISSUERS": ""}])
def test_without_settings_nothing_is_known(environ: dict[str, str]) -> None:
    assert of_settings(environ) == (NOT_KNOWN, [])
    assert read_admin_settings({"PERMISSIONS_TABLE": "t", **environ}).issuers is NOT_KNOWN


WRONG: list[dict[str, str]] = [
    {"APP_CLIENT_IDS": "app1", "JWKS_URI": "https://a.example"},
    {"USER_POOL_ID": POOL},
    {"USER_POOL_ID": "nonsense", "APP_CLIENT_IDS": "app1"},
    {**OWN, "TRUSTED_ISSUERS": "{"},
    {**OWN, "TRUSTED_ISSUERS": "[]"},
    {"TRUSTED_ISSUERS": json.dumps([{**PARTNER, "bindingclaims": []}])},
]


@pytest.mark.parametrize("environ", WRONG)
def test_what_the_authorizer_refuses_is_refused_in_its_words(environ: dict[str, str]) -> None:
    _, problems = of_settings(environ)
    with pytest.raises(SettingsError) as caught:
        read_settings({"PERMISSIONS_TABLE": "t", "API": "x", **environ})
    theirs = [problem for problem in caught.value.problems if not problem.startswith("`USER_POOL_ID` is missing")]
    assert problems == theirs != []
    with pytest.raises(SettingsError) as ours:
        read_admin_settings({"PERMISSIONS_TABLE": "t", **environ})
    assert ours.value.problems == problems


# -- files ----------------------------------------------------------------------------------------------------------------------------------


def test_a_file_has_the_text_of_the_setting_and_ones_own_pool_is_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "issuers.json"
    path.write_text(json.dumps([PARTNER]))
    trusted = issuers_of_file(path)
    assert ([issuer.name for issuer in trusted.issuers], trusted.are_known) == (["partner", ""], True)
    assert trusted.issuers[0].binding_claims == ("account",)
    assert trusted.issuers[1] is OUR_ISSUER


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "issuers.json is not JSON: "),
        ("", "issuers.json is an empty list: name an issuer or take the setting out"),
        (json.dumps([{**PARTNER, "audience": []}]), "issuers.json entry 0: `client_ids` or `audience` must name whose tokens are accepted"),
        (
            json.dumps([{"groups_claim": "roles"}]),
            "what an entry leaves to `USER_POOL_ID` is not in this file: write `issuer` and `client_ids` out",
        ),
        (b"\xff", "issuers.json is not UTF-8: "),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("issuers.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(IssuersError) as caught:
        issuers_of_file(Path("issuers.json"))
    assert any(each.startswith(problem) for each in caught.value.problems), caught.value.problems
    assert str(caught.value).startswith("the issuers cannot be read: ")


# -- a deployed function ----------------------------------------------------------------------------------------------------------------------


class Function:
    """A client of Lambda that knows one function. The emulator wants code and a role for it."""

    def __init__(self, **variables: str) -> None:
        self.variables = variables

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803  # AWS's word
        assert FunctionName == "guard"
        return {"Environment": {"Variables": self.variables}} if self.variables else {}


@pytest.fixture
def ssm() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ssm")


def clients(function: Function, ssm: Any) -> Any:
    return lambda service: {"lambda": function, "ssm": ssm}[service]


@pytest.mark.parametrize("kind", ["String", "SecureString"])
def test_the_issuers_of_a_function_with_its_parameter(ssm: Any, kind: str) -> None:
    ssm.put_parameter(Name="/gatebook/issuers", Value=json.dumps([PARTNER]), Type=kind)
    function = Function(API="x", PERMISSIONS_TABLE="t", TRUSTED_ISSUERS="ssm:/gatebook/issuers", **OWN)
    trusted = issuers_of_function("guard", clients(function, ssm))
    assert [issuer.name for issuer in trusted.issuers] == ["", "partner"]
    assert read_parameter("/gatebook/issuers") == json.dumps([PARTNER])


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({}, "function `guard`: `USER_POOL_ID` and `TRUSTED_ISSUERS` are missing: name the function that authorizes"),
        ({"API": "x"}, "function `guard`: `USER_POOL_ID` and `TRUSTED_ISSUERS` are missing: name the function that authorizes"),
        (
            {"USER_POOL_ID": POOL},
            "function `guard`: `APP_CLIENT_IDS` is missing: name the app clients whose tokens are accepted, comma separated",
        ),
        (
            {"TRUSTED_ISSUERS": "ssm:/gone"},
            (
                "function `guard`: `TRUSTED_ISSUERS` is `ssm:/gone`: the parameter cannot be read (ParameterNotFound): "
                "it must be there, and whoever reads needs `ssm:GetParameter` on it"
            ),
        ),
    ],
)
def test_a_function_whose_issuers_cannot_be_read_is_named(ssm: Any, variables: dict[str, str], problem: str) -> None:
    with pytest.raises(IssuersError) as caught:
        issuers_of_function("guard", clients(Function(**variables), ssm))
    assert caught.value.problems == [problem]


def test_a_parameter_without_credentials_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(SettingsError, match="`TRUSTED_ISSUERS` is `ssm:/gatebook/issuers`: the parameter cannot be read: Unable to locate"):
        read_admin_settings({"PERMISSIONS_TABLE": "t", "TRUSTED_ISSUERS": "ssm:/gatebook/issuers"})


def test_an_empty_parameter_is_a_mistake() -> None:
    problems: list[str] = []
    issuers_of_settings({"TRUSTED_ISSUERS": "ssm:/gatebook/issuers"}, lambda _: " ", problems)
    assert problems == ["`TRUSTED_ISSUERS` is an empty list: name an issuer or take the setting out"]
