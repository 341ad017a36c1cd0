"""The templates hand the list of trusted issuers to every authorizer, as text or by a parameter that its role may read."""

import json
import re

import pytest

from admin_api.settings import read_admin_settings
from authorizer.settings import read_settings
from tests.infrastructure.templates import BASE, SAMPLE, environment, expanded, function, resources, values, written
from tests.support.issuer_shapes import read_issuers_of

ROLES = {BASE: ("AdminAuthorizerRole", "IssuersPolicy", ["AdminRole"]), SAMPLE: ("AuthorizerRole", "AuthorizerIssuersPolicy", [])}
AUTHORIZERS = [
    (BASE, "AdminAuthorizer"),
    *((SAMPLE, name) for name in ("RequestAuthorizer", "TokenAuthorizer", "HttpAuthorizer", "WebSocketAuthorizer")),
]
LIST = json.dumps(read_issuers_of("keycloak").issuers)
PARAMETER = "/gatebook/issuers"


def test_these_are_all_authorizers() -> None:
    found = [
        (name, logical_id)
        for name in (BASE, SAMPLE)
        for logical_id, properties in resources(name, "AWS::Lambda::Function").items()
        if properties["Handler"] == "authorizer.handler.handler"
    ]
    assert sorted(found) == sorted(AUTHORIZERS)


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_without_either_parameter_there_is_no_such_setting(name: str, logical_id: str) -> None:
    assert "TRUSTED_ISSUERS" not in environment(name, logical_id)


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_a_list_reaches_the_authorizer_as_it_is(name: str, logical_id: str) -> None:
    variables = environment(name, logical_id, {"HasTrustedIssuers": True}, TrustedIssuers=LIST)
    assert variables["TRUSTED_ISSUERS"] == LIST
    assert [issuer.name for issuer in read_settings(variables).issuers] == ["", "keycloak"]


@pytest.mark.parametrize(("name", "logical_id"), AUTHORIZERS)
def test_a_parameter_reaches_the_authorizer_by_its_name(name: str, logical_id: str) -> None:
    variables = environment(name, logical_id, {"HasTrustedIssuersParameter": True}, TrustedIssuersParameter=PARAMETER)
    assert variables["TRUSTED_ISSUERS"] == f"ssm:{PARAMETER}"
    asked: list[str] = []

    def parameter(wanted: str) -> str:
        asked.append(wanted)
        return LIST

    assert [issuer.name for issuer in read_settings(variables, parameter).issuers] == ["", "keycloak"]
    assert asked == [PARAMETER]


@pytest.mark.parametrize(
    ("conditions", "parameters"),
    [
        ({}, {}),
        ({"HasTrustedIssuers": True}, {"TrustedIssuers": LIST}),
        ({"HasTrustedIssuersParameter": True}, {"TrustedIssuersParameter": PARAMETER}),
    ],
)
def test_the_admin_api_judges_by_the_issuers_of_its_authorizer(conditions: dict[str, bool], parameters: dict[str, str]) -> None:
    admin, authorizer = (environment(BASE, name, conditions, **parameters) for name in ("AdminFunction", "AdminAuthorizer"))
    names = ("USER_POOL_ID", "APP_CLIENT_IDS", "JWKS_URI", "TRUSTED_ISSUERS")
    assert [admin.get(name) for name in names] == [authorizer.get(name) for name in names]
    found = read_admin_settings(admin, lambda _name: LIST).issuers
    assert found.issuers == read_settings(authorizer, lambda _name: LIST).issuers
    assert found.are_known


@pytest.mark.parametrize("name", ROLES)
def test_the_authorizers_role_may_read_that_parameter_and_no_other(name: str) -> None:
    role, policy_name, others = ROLES[name]
    assert {function(name, logical_id)["Role"]["Fn::GetAtt"][0] for template, logical_id in AUTHORIZERS if template == name} == {role}
    policy = expanded(name)["Resources"][policy_name]
    assert policy["Condition"] == "HasTrustedIssuersParameter"
    assert policy["Properties"]["Roles"] == [{"Ref": each} for each in (role, *others)]
    [statement] = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Allow", "ssm:GetParameter")
    arn = statement["Resource"]["Fn::Sub"].replace("${TrustedIssuersParameter}", PARAMETER)
    assert arn == "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter/gatebook/issuers"
    assert [value for value in values(expanded(name)) if isinstance(value, str) and value.startswith("ssm:") and value[4] != "$"] == [
        "ssm:GetParameter"
    ]


@pytest.mark.parametrize("name", ROLES)
def test_a_parameters_name_names_one_parameter(name: str) -> None:
    """The ARN is made of it: a `*` would grant more."""
    pattern = re.compile(written(name)["Parameters"]["TrustedIssuersParameter"]["AllowedPattern"])
    assert [text for text in ("", PARAMETER, "/a/b.c-d_e") if not pattern.fullmatch(text)] == []
    assert [text for text in ("gatebook", "/gatebook/*", "*", "/a?", "/", "//a", "/a/", "/a b", "/a,b") if pattern.fullmatch(text)] == []


@pytest.mark.parametrize("name", ROLES)
def test_the_list_stands_in_one_place(name: str) -> None:
    rule = written(name)["Rules"]["TrustedIssuersStandInOnePlace"]
    assert rule["RuleCondition"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "TrustedIssuers"}, ""]}]}
    [assertion] = rule["Assertions"]
    assert assertion["Assert"] == {"Fn::Equals": [{"Ref": "TrustedIssuersParameter"}, ""]}


@pytest.mark.parametrize("name", ROLES)
@pytest.mark.parametrize("parameter", ["TrustedIssuers", "TrustedIssuersParameter"])
def test_the_conditions_are_those_of_the_parameters(name: str, parameter: str) -> None:
    assert written(name)["Conditions"][f"Has{parameter}"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": parameter}, ""]}]}
    assert written(name)["Parameters"][parameter]["Default"] == ""
