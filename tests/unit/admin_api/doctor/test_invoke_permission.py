"""Who may invoke the authorizer's function: API Gateway for this authorizer, and nobody else."""

from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.doctor.invoke_permission import strangers_invoke, uninvokable_function
from tests.support.deployments import (
    ACCOUNT,
    API,
    AUTHORIZER_ID,
    FUNCTION,
    function_policy,
    sound_authorizer,
    sound_function,
    sound_http,
    sound_rest,
)

SOURCE = f"{API}/authorizers/{AUTHORIZER_ID}"
OTHER = "999999999999"
OTHER_API = API.replace(ACCOUNT, OTHER)
ALIAS = f"{FUNCTION}:live"
GATEWAY_ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"


def letting(*policies: dict[str, Any] | None, **authorizer: Any) -> Deployment:
    """The function's policy has the statements of all of these."""
    statements = [statement for policy in policies if policy for statement in policy["Statement"]]
    return sound_rest(
        function=sound_function(policy={"Version": "2012-10-17", "Statement": statements} if statements else None),
        authorizer=sound_authorizer(**authorizer),
    )


def under(*conditions: tuple[str, str, str | list[str]], **changes: Any) -> dict[str, Any]:
    merged: dict[str, dict[str, Any]] = {}
    for operator, key, value in conditions:
        merged.setdefault(operator, {})[key] = value
    return function_policy(Condition=merged, **changes)


BY_ANY: dict[str, Any] = {"Principal": {"AWS": "*"}}
NOWHERE = function_policy(f"{API}/*/GET/pets")


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_rest(function=None),
        letting(function_policy(f"{API}/authorizers/*")),
        letting(function_policy(f"{API}/*")),
        letting(function_policy(f"{API}/*/*")),
        letting(function_policy(f"arn:aws:execute-api:*:{ACCOUNT}:*")),
        letting(under()),
        letting(under(("ArnEquals", "aws:SourceArn", SOURCE))),
        letting(under(("StringLike", "AWS:SourceArn", "arn:aws:execute-api:*/authorizers/*"))),
        letting(under(("StringEquals", "AWS:SourceArn", SOURCE))),
        letting(under(("ArnLikeIfExists", "AWS:SourceArn", SOURCE))),
        letting(under(("StringEquals", "AWS:SourceArn", [f"{API}/authorizers/other", SOURCE]))),
        letting(under(("StringLike", "AWS:SourceArn", [f"{API}/authorizers/other", SOURCE]))),
        letting(under(("ArnLike", "AWS:SourceArn", [f"{OTHER_API}/*", SOURCE]))),
        letting(under(("ArnLike", "AWS:SourceArn", ["arn:aws:execute-api:*", SOURCE]))),
        letting(under(("StringEquals", "AWS:SourceAccount", ACCOUNT))),
        letting(under(("ArnLike", "AWS:SourceArn", SOURCE), ("StringEquals", "AWS:SourceAccount", ACCOUNT))),
        letting(NOWHERE, function_policy()),
        letting(under(("Bool", "aws:SecureTransport", "true")), function_policy()),
        letting(function_policy(Action="lambda:*")),
        letting(function_policy(Action="lambda:invokefunction")),
        letting(function_policy(**BY_ANY)),
        letting(function_policy(Principal="*")),
        letting(function_policy(Principal={"Service": ["events.amazonaws.com", "apigateway.amazonaws.com"]})),
        letting(function_policy(Resource=ALIAS), function=ALIAS),
        letting(function_policy(), function=f"{FUNCTION}:$LATEST"),
        # What a stage variable led to is the function that was read.
        letting(function_policy(), function="arn:aws:lambda:eu-west-1:123456789012:function:${stageVariables.authorizer}"),
        letting(function_policy(), function=""),
        letting(function_policy(), function_policy(f"{API}/authorizers/other", Effect="Deny")),
        letting(function_policy(), under(("Bool", "aws:SecureTransport", "false"), Effect="Deny")),
        # A role of the gateway's own needs nothing of the function.
        letting(None, role=GATEWAY_ROLE),
        letting(NOWHERE, role=GATEWAY_ROLE),
        sound_rest(function=sound_function(policy=None, policy_is_known=False)),
    ],
)
def test_nothing_is_said_of_a_function_that_the_gateway_may_invoke(deployment: Deployment) -> None:
    assert list(uninvokable_function(deployment)) == []


@pytest.mark.parametrize(
    "deployment",
    [
        letting(None),
        letting(NOWHERE),
        letting(function_policy(f"{API}/authorizers/other")),
        letting(function_policy(SOURCE.replace("a1b2c3d4e5", "*z"))),
        letting(function_policy(f"{OTHER_API}/authorizers/{AUTHORIZER_ID}")),
        letting(under(("StringEquals", "AWS:SourceArn", f"{API}/authorizers/*"))),
        letting(under(("StringEquals", "AWS:SourceAccount", OTHER))),
        letting(under(("ArnLike", "AWS:SourceArn", SOURCE), ("StringEquals", "AWS:SourceAccount", OTHER))),
        letting(under(("StringEquals", "AWS:SourceAccount", OTHER), ("Bool", "aws:SecureTransport", "true"))),
        letting(function_policy(Action="lambda:GetFunction")),
        letting(function_policy(Principal={"Service": "events.amazonaws.com"})),
        letting(function_policy(Principal={"AWS": ACCOUNT})),
        letting(function_policy(Resource=ALIAS)),
        letting(function_policy(), function=ALIAS),
        letting(function_policy(Effect="Deny")),
        letting(function_policy(), function_policy(Effect="Deny")),
        letting(NOWHERE, under(("Bool", "aws:SecureTransport", "false"), Effect="Deny")),
    ],
)
def test_a_function_that_the_gateway_may_not_invoke_answers_everybody_with_500(deployment: Deployment) -> None:
    [found] = uninvokable_function(deployment)
    assert (found.severity, found.about) == (Severity.ERROR, "function petstore-authorizer")
    assert found.message.endswith("so that every request is answered with 500")


@pytest.mark.parametrize(
    "condition",
    [
        ("Bool", "aws:SecureTransport", "true"),
        ("StringNotEquals", "AWS:SourceArn", "arn:x"),
        ("StringLike", "aws:PrincipalOrgID", "*"),
        ("ArnLike", "AWS:SourceArn", "arn:aws:execute-api:*"),
        ("ArnLike", "AWS:SourceArn", [f"{API}/authorizers/other", "*"]),
    ],
)
def test_conditions_that_are_not_judged_are_named(condition: tuple[str, str, str]) -> None:
    [found] = uninvokable_function(letting(NOWHERE, under(condition, Sid="never", Effect="Deny"), under(condition, Sid="guess")))
    assert found.severity is Severity.WARNING
    assert found.message.startswith("statement `guess` of its policy lets API Gateway in under conditions that are not judged here")
    assert "aws lambda add-permission" in found.remedy


def test_the_remedy_is_the_permission_that_is_missing() -> None:
    [found] = uninvokable_function(letting(None, function=ALIAS))
    assert found.message.startswith(f"its policy does not let API Gateway invoke `{ALIAS}` for authorizer {AUTHORIZER_ID}")
    assert found.remedy == (
        f"`aws lambda add-permission --function-name {ALIAS} --statement-id gatebook-{AUTHORIZER_ID} --action lambda:InvokeFunction "
        f"--principal apigateway.amazonaws.com --source-arn {SOURCE}`"
    )


def test_a_deny_is_named() -> None:
    [found] = uninvokable_function(letting(function_policy(), function_policy(Sid="stop", Effect="Deny")))
    assert found.message.startswith("statement `stop` of its policy denies")


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_rest(function=None),
        letting(None),
        letting(function_policy(f"{API}/*")),
        letting(function_policy(), function_policy(f"{API.replace('a1b2c3d4e5', 'f6g7h8i9j0')}/authorizers/*")),
        letting(
            under(("ArnLike", "AWS:SourceArn", f"arn:aws:execute-api:*:*:{API[-10:]}/*"), ("StringEquals", "AWS:SourceAccount", ACCOUNT))
        ),
        letting(under(Effect="Deny", Principal="*")),
        letting(function_policy(Principal="*")),
        letting(under(("StringEquals", "aws:PrincipalAccount", ACCOUNT), ("ArnLike", "aws:SourceArn", SOURCE), **BY_ANY)),
        letting(under(("StringEquals", "aws:PrincipalAccount", ACCOUNT), **BY_ANY)),
        letting(under(("StringEquals", "aws:PrincipalAccount", ACCOUNT), ("StringEquals", "aws:PrincipalOrgID", "o-1"), **BY_ANY)),
        letting(under(("ArnLikeIfExists", "AWS:SourceArn", SOURCE))),
        letting(under(Principal={"AWS": ACCOUNT})),
        letting(under(Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/warmer"})),
        letting(under(Principal={"AWS": "AROAEXAMPLEID"})),
        letting(under(Principal={"Service": "events.amazonaws.com"})),
        letting(under(Principal="*", Action="lambda:GetFunction")),
        letting(under(Principal="*", Resource=ALIAS)),
        # The API is in another account than its authorizer's function.
        letting(function_policy(f"{OTHER_API}/authorizers/{AUTHORIZER_ID}"), arn=f"{OTHER_API}/authorizers/{AUTHORIZER_ID}"),
    ],
)
def test_nothing_is_said_of_a_function_that_nobody_else_may_invoke(deployment: Deployment) -> None:
    assert list(strangers_invoke(deployment)) == []


@pytest.mark.parametrize(
    ("policy", "severity", "who"),
    [
        (under(Principal="*"), Severity.ERROR, "everybody"),
        (under(**BY_ANY), Severity.ERROR, "everybody"),
        (under(Principal="*", Action="lambda:InvokeFunctionUrl"), Severity.ERROR, "everybody"),
        (
            under(("StringEquals", "lambda:FunctionUrlAuthType", "NONE"), Principal="*", Action="lambda:InvokeFunctionUrl"),
            Severity.ERROR,
            "everybody",
        ),
        (under(("ArnLikeIfExists", "AWS:SourceArn", SOURCE), **BY_ANY), Severity.ERROR, "everybody"),
        (under(("StringNotEquals", "aws:PrincipalAccount", OTHER), **BY_ANY), Severity.ERROR, "everybody"),
        (under(("Null", "aws:PrincipalArn", "false"), **BY_ANY), Severity.ERROR, "everybody"),
        (under(("ForAllValues:StringEquals", "aws:PrincipalAccount", ACCOUNT), **BY_ANY), Severity.ERROR, "everybody"),
        (under(("ArnNotLike", "AWS:SourceArn", SOURCE)), Severity.WARNING, "APIs of any account"),
        (function_policy(f"arn:aws:execute-api:eu-west-1:{ACCOUNT}"), Severity.WARNING, "every API of the account"),
        (under(("StringEquals", "aws:PrincipalOrgID", "o-1"), **BY_ANY), Severity.WARNING, "whoever meets its conditions"),
        (under(("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/warmer"), **BY_ANY), Severity.WARNING, "whoever meets its conditions"),
        (under(("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", "o-1/*"), **BY_ANY), Severity.WARNING, "whoever meets its conditions"),
        (under(("StringEquals", "AWS:SourceAccount", ACCOUNT), **BY_ANY), Severity.WARNING, "every API of the account"),
        (under(("StringEquals", "aws:PrincipalAccount", [ACCOUNT, OTHER]), **BY_ANY), Severity.WARNING, "whoever meets its conditions"),
        (under(Principal={"AWS": OTHER}), Severity.ERROR, f"account {OTHER}"),
        (under(Principal={"AWS": [ACCOUNT, f"arn:aws:iam::{OTHER}:root"]}), Severity.ERROR, f"account {OTHER}"),
        (function_policy(f"{OTHER_API}/*"), Severity.ERROR, f"APIs of account {OTHER}"),
        (under(("ArnLike", "AWS:SourceArn", [SOURCE, f"{OTHER_API}/*"])), Severity.ERROR, f"APIs of account {OTHER}"),
        (under(("StringEquals", "AWS:SourceAccount", OTHER)), Severity.ERROR, f"APIs of account {OTHER}"),
        (under(), Severity.WARNING, "APIs of any account"),
        (function_policy(f"arn:aws:execute-api:eu-west-1:*:{API[-10:]}/*"), Severity.WARNING, "APIs of any account"),
        (function_policy("*"), Severity.WARNING, "APIs of any account"),
        (under(("ArnLike", "AWS:SourceArn", [SOURCE, "*"])), Severity.WARNING, "APIs of any account"),
        (function_policy(f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:*"), Severity.WARNING, "every API of the account"),
        (function_policy(f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:*/authorizers/*"), Severity.WARNING, "every API of the account"),
        (function_policy(f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a?/*"), Severity.WARNING, "every API of the account"),
        (
            under(("ArnLike", "AWS:SourceArn", [SOURCE, f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:*"])),
            Severity.WARNING,
            "every API of the account",
        ),
        (under(("StringEquals", "AWS:SourceAccount", ACCOUNT)), Severity.WARNING, "every API of the account"),
        (
            under(("ArnLike", "AWS:SourceArn", f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:*"), Principal="*"),
            Severity.WARNING,
            "every API of the account",
        ),
    ],
)
def test_each_stranger_is_named(policy: dict[str, Any], severity: Severity, who: str) -> None:
    [found] = strangers_invoke(letting(function_policy(), policy))
    assert (found.severity, found.message) == (severity, f"statement `gateway` of its policy lets {who} invoke it")
    assert found.remedy == f"`aws lambda remove-permission --function-name {FUNCTION} --statement-id gateway`"


def test_what_the_gateway_invokes_is_looked_at_too() -> None:
    [found] = strangers_invoke(letting(function_policy(Sid="open", Resource=ALIAS, Principal="*", Condition={}), function=ALIAS))
    assert found.remedy.endswith(f"--function-name {ALIAS} --statement-id open`")
