"""What the function's role may: all that an authorizer needs, no writes, and little else."""

from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment, RolePolicy
from admin_api.doctor.finding import Severity
from admin_api.doctor.role import missing_rights, needless_rights, rights_to_write
from tests.support.deployments import (
    ACCOUNT,
    FUNCTION,
    REGION,
    ROLE,
    ROLE_POLICIES,
    TABLE,
    environment,
    sound_function,
    sound_http,
    sound_rest,
)

READS = ["dynamodb:GetItem", "dynamodb:Query"]
PARAMETER = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/gatebook/issuers"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
IN_A_PARAMETER = sound_function(environment=environment(TRUSTED_ISSUERS="ssm:/gatebook/issuers"))
CONDITION = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["api#petstore#*"]}}


def allow(action: Any, resource: Any = TABLE, **changes: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | changes


def deny(action: Any, resource: Any = TABLE, **changes: Any) -> dict[str, Any]:
    return allow(action, resource, Effect="Deny") | changes


def without_action(**fields: Any) -> dict[str, Any]:
    return {"Effect": "Allow"} | fields


def role(*statements: dict[str, Any], name: str = "own", **changes: Any) -> Deployment:
    """The role has these statements in one policy and nothing else."""
    return sound_rest(role_policies=(RolePolicy(name, {"Statement": list(statements)}),), **changes)


def besides(*statements: dict[str, Any], **changes: Any) -> Deployment:
    """The role has these statements beside the sound ones."""
    return sound_rest(role_policies=(*ROLE_POLICIES, RolePolicy("own", {"Statement": list(statements)})), **changes)


AWS_XRAY_DAEMON_WRITE_ACCESS = [
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    "xray:GetSamplingStatisticSummaries",
]
AWS_LAMBDA_VPC_ACCESS_EXECUTION_ROLE = [
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"),
    *("ec2:DescribeSubnets", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
]
"""What the managed policies of these names allow ("AWS Managed Policy Reference Guide")."""

UNREAD = [
    sound_rest(function=None),
    sound_rest(role_policies=None),
    role(allow("dynamodb:PutItem"), allow("s3:GetObject"), function=None),
]


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        *UNREAD,
        role(allow(READS)),
        role(allow(READS[0]), allow(READS[1])),
        role(allow("dynamodb:*")),
        role(allow("*", "*")),
        role(allow("dynamodb:getitem"), allow("dynamodb:QUERY")),
        role(allow(READS, [f"{TABLE}/index/*", TABLE])),
        role(allow(READS, f"arn:aws:dynamodb:*:{ACCOUNT}:table/perm*")),
        role(without_action(NotAction="iam:*", Resource="*")),
        role(allow(READS, Condition=CONDITION)),
        role(allow(READS), deny("dynamodb:PutItem")),
        role(allow(READS), deny(READS, "arn:aws:dynamodb:*:*:table/other")),
        # Whether the condition is met is not known here. Most are about how the call came.
        role(allow(READS), deny("*", "*", Condition={"Bool": {"aws:SecureTransport": "false"}})),
        role(allow(READS), table=None),
        role(allow(READS), table=None, function=sound_function(environment=environment(PERMISSIONS_TABLE=TABLE))),
        role(allow(READS), function=sound_function(arn=f"{FUNCTION}:live"), table=None),
        role(allow(READS), allow("ssm:GetParameter", PARAMETER), function=IN_A_PARAMETER),
        role(allow(READS), allow("ssm:Get*", "*"), function=IN_A_PARAMETER),
        role(
            allow(READS),
            allow("ssm:GetParameter", PARAMETER),
            function=sound_function(environment=environment(TRUSTED_ISSUERS=f"ssm:{PARAMETER}")),
        ),
    ],
)
def test_nothing_is_said_of_a_role_that_may_what_is_needed(deployment: Deployment) -> None:
    assert list(missing_rights(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "missing"),
    [
        (sound_rest(role_policies=()), READS),
        (role(), READS),
        (role(allow("dynamodb:GetItem")), ["dynamodb:Query"]),
        (role(allow("dynamodb:Query")), ["dynamodb:GetItem"]),
        (role(allow(["dynamodb:Get*", "dynamodb:Scan"])), ["dynamodb:Query"]),
        (role(allow(READS, f"{TABLE}/*")), READS),
        (role(allow(READS, TABLE.replace(REGION, "eu-west-2"))), READS),
        (role(allow(READS), deny("dynamodb:Query")), ["dynamodb:Query"]),
        (role(allow(READS), without_action(Effect="Deny", NotAction="dynamodb:Query", Resource="*")), ["dynamodb:GetItem"]),
        (role(without_action(Action="*", NotResource=TABLE)), READS),
        (role(allow(READS), function=sound_function(environment=environment(PERMISSIONS_TABLE="other")), table=None), READS),
        (role(allow(READS), function=IN_A_PARAMETER), ["ssm:GetParameter"]),
        (role(allow(READS), allow("ssm:GetParameter", f"{PARAMETER}/eu"), function=IN_A_PARAMETER), ["ssm:GetParameter"]),
        (role(allow(READS), allow("ssm:GetParameters", PARAMETER), function=IN_A_PARAMETER), ["ssm:GetParameter"]),
    ],
)
def test_each_right_that_is_missing_is_named(deployment: Deployment, missing: list[str]) -> None:
    found = list(missing_rights(deployment))
    assert [f.message.split("`")[1] for f in found] == missing
    assert {(f.severity, f.about) for f in found} == {(Severity.ERROR, f"role {ROLE}")}
    assert all(f.message.endswith("so that every request is answered with 500") for f in found)


def test_the_resource_that_is_needed_is_named_and_where_the_role_may_instead() -> None:
    other = TABLE.replace("permissions", "others")
    first, second = missing_rights(
        role(
            allow(READS, other),
            allow("dynamodb:Get*", "arn:x"),
            without_action(NotAction=["s3:*", "dynamodb:*"], Resource="arn:y"),
            deny(READS, "arn:z"),
        )
    )
    assert first.message == f"it may not `dynamodb:GetItem` on `{TABLE}`, so that every request is answered with 500"
    assert first.remedy == f"attach `AuthorizerReadPolicy` of infra/template.yaml; the role may on `{other}`, `arn:x`"
    assert second.remedy == f"attach `AuthorizerReadPolicy` of infra/template.yaml; the role may on `{other}`"


def test_a_deny_is_named_since_no_allow_outweighs_it() -> None:
    others = deny(READS, Condition=CONDITION), deny("dynamodb:PutItem")
    [found] = missing_rights(role(allow(READS), *others, deny("dynamodb:Query", Sid="stop")))
    assert found.remedy == "take it out of the Deny `stop`, which no Allow outweighs"


def test_a_parameter_is_named_by_its_arn() -> None:
    [found] = missing_rights(role(allow(READS), function=IN_A_PARAMETER))
    assert (found.message.split("`")[3], found.remedy) == (PARAMETER, "allow it in a policy of the role")
    # A name without a slash has one in its ARN.
    [found] = missing_rights(role(allow(READS), function=sound_function(environment=environment(TRUSTED_ISSUERS=" ssm:issuers "))))
    assert found.message.split("`")[3] == f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/issuers"


def test_another_partition_has_its_own_arns() -> None:
    arn = FUNCTION.replace("arn:aws:", "arn:aws-cn:")
    found = list(missing_rights(role(function=sound_function(arn=arn), table=None)))
    assert [f.message.split("`")[3] for f in found] == [TABLE.replace("arn:aws:", "arn:aws-cn:")] * 2


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        *UNREAD,
        besides(allow("dynamodb:PutItem", f"{TABLE}-of-others")),
        besides(allow("dynamodb:*", f"{TABLE}/index/*")),
        besides(allow(["dynamodb:Scan", "dynamodb:BatchGetItem", "s3:PutObject"], "*")),
        besides(deny("dynamodb:PutItem")),
        besides(
            allow("dynamodb:*"), deny(["dynamodb:*Item", "dynamodb:*Table*", "dynamodb:PartiQL*", "dynamodb:Update*", "dynamodb:*Policy"])
        ),
        besides(without_action(NotAction="dynamodb:*", Resource="*")),
        besides(without_action(Action="dynamodb:PutItem", NotResource=TABLE)),
    ],
)
def test_nothing_is_said_of_a_role_that_writes_nothing(deployment: Deployment) -> None:
    assert list(rights_to_write(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        (besides(allow("dynamodb:PutItem")), "`dynamodb:PutItem`"),
        (besides(allow("DYNAMODB:putitem", "*")), "`dynamodb:PutItem`"),
        (
            besides(allow(["dynamodb:Update*"])),
            "`dynamodb:UpdateItem`, `dynamodb:UpdateTable`, `dynamodb:UpdateTimeToLive`, `dynamodb:UpdateContinuousBackups`",
        ),
        (besides(allow("dynamodb:DeleteItem", Condition=CONDITION)), "`dynamodb:DeleteItem`"),
        (besides(allow("dynamodb:PartiQLInsert")), "`dynamodb:PartiQLInsert`"),
        (besides(allow("dynamodb:PutResourcePolicy")), "`dynamodb:PutResourcePolicy`"),
        (
            besides(allow("dynamodb:*")),
            "`dynamodb:PutItem`, `dynamodb:UpdateItem`, `dynamodb:DeleteItem`, `dynamodb:BatchWriteItem`, `dynamodb:PartiQLInsert` and 8 more",
        ),
        (
            besides(allow("*", "*"), deny("dynamodb:*Item")),
            "`dynamodb:PartiQLInsert`, `dynamodb:PartiQLUpdate`, `dynamodb:PartiQLDelete`, `dynamodb:UpdateTable`, `dynamodb:DeleteTable` and 4 more",
        ),
        (
            besides(without_action(NotAction=["dynamodb:[a-z]*", "dynamodb:Update*", "dynamodb:Delete*", "dynamodb:P*"], Resource="*")),
            "`dynamodb:BatchWriteItem`",
        ),
        (besides(allow("dynamodb:PutItem"), deny("dynamodb:PutItem", Condition=CONDITION)), "`dynamodb:PutItem`"),
        (besides(allow("dynamodb:PutItem"), table=None), "`dynamodb:PutItem`"),
    ],
)
def test_a_role_that_writes_permissions_is_an_error(deployment: Deployment, told: str) -> None:
    [found] = rights_to_write(deployment)
    assert (found.severity, found.about) == (Severity.ERROR, f"role {ROLE}")
    assert found.message == f"its policy `own` lets the authorizer write permissions: {told} on `{TABLE}`"


def test_a_deny_counts_in_whichever_policy_it_stands() -> None:
    writes, denies = (
        RolePolicy("writes", {"Statement": allow("dynamodb:PutItem")}),
        RolePolicy("denies", {"Statement": deny("dynamodb:PutItem")}),
    )
    assert list(rights_to_write(sound_rest(role_policies=(*ROLE_POLICIES, writes, denies)))) == []
    assert len(list(rights_to_write(sound_rest(role_policies=(*ROLE_POLICIES, writes))))) == 1


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        *UNREAD,
        besides(allow("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:authorizer:*")),
        besides(allow(AWS_XRAY_DAEMON_WRITE_ACCESS, ["*"])),
        besides(allow(AWS_LAMBDA_VPC_ACCESS_EXECUTION_ROLE, "*")),
        besides(allow("ssm:GetParameter", PARAMETER), function=IN_A_PARAMETER),
        besides(allow("kms:Decrypt", KEY)),
        besides(allow("DynamoDB:getitem", TABLE)),
        besides(deny(["s3:GetObject", "*"], "*")),
        # The other check names what writes.
        besides(allow("dynamodb:PutItem", "*")),
        besides(allow("*", "*")),
    ],
)
def test_nothing_is_said_of_a_role_that_may_little_else(deployment: Deployment) -> None:
    assert list(needless_rights(deployment)) == []


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        (besides(allow("dynamodb:Scan")), f"`dynamodb:Scan on {TABLE}`"),
        (besides(allow("dynamodb:Get*")), f"`dynamodb:Get* on {TABLE}`"),
        (besides(allow(READS, f"{TABLE}/index/*")), f"`dynamodb:GetItem on {TABLE}/index/*`, `dynamodb:Query on {TABLE}/index/*`"),
        (besides(allow("dynamodb:GetItem", [TABLE, "*"])), "`dynamodb:GetItem on *`"),
        (besides(allow("dynamodb:GetItem", ["arn:a", "arn:b"])), "`dynamodb:GetItem on arn:a, arn:b`"),
        (besides(allow("dynamodb:PutItem", f"{TABLE}-of-others")), f"`dynamodb:PutItem on {TABLE}-of-others`"),
        (besides(allow("logs:*", "*")), "`logs:* on *`"),
        (besides(allow("iam:PassRole", "*")), "`iam:PassRole on *`"),
        (besides(allow("ssm:GetParameter", PARAMETER)), f"`ssm:GetParameter on {PARAMETER}`"),
        (besides(allow("ssm:GetParameter", f"{PARAMETER}/*"), function=IN_A_PARAMETER), f"`ssm:GetParameter on {PARAMETER}/*`"),
        (besides(allow("kms:Decrypt", "*")), "`kms:Decrypt on *`"),
        (besides(allow("kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*")), f"`kms:Decrypt on arn:aws:kms:{REGION}:{ACCOUNT}:key/*`"),
        (besides(allow("kms:Encrypt", KEY)), f"`kms:Encrypt on {KEY}`"),
        (besides(without_action(NotAction=["iam:*", "dynamodb:*"], Resource="*")), "`everything but iam:*, dynamodb:*`"),
        (besides(without_action(Action="dynamodb:GetItem", NotResource="arn:other")), "`dynamodb:GetItem on everything but arn:other`"),
        (besides(allow("s3:GetObject", "arn:s"), allow("s3:GetObject", "arn:s")), "`s3:GetObject on arn:s`"),
        (besides(allow([f"s3:{n}" for n in "abcde"], "*")), "`s3:a on *`, `s3:b on *`, `s3:c on *`, `s3:d on *`, `s3:e on *`"),
        (besides(allow([f"s3:{n}" for n in "abcdefg"], "*")), "`s3:a on *`, `s3:b on *`, `s3:c on *`, `s3:d on *`, `s3:e on *` and 2 more"),
    ],
)
def test_what_no_authorizer_needs_is_named_with_its_policy(deployment: Deployment, told: str) -> None:
    [found] = needless_rights(deployment)
    assert (found.severity, found.about) == (Severity.WARNING, f"role {ROLE}")
    assert found.message == f"its policy `own` allows what no authorizer needs: {told}"


def test_each_policy_is_named_by_itself() -> None:
    wide = tuple(RolePolicy(name, {"Statement": allow("s3:GetObject", "*")}) for name in ("one", "two"))
    found = needless_rights(sound_rest(role_policies=(*ROLE_POLICIES, *wide)))
    assert [each.message.split("`")[1] for each in found] == ["one", "two"]
