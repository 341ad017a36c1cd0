"""The function's role: what the authorizer needs and lacks, what it holds and needs not, and whether it could write permissions.

A permissions boundary, a policy of the organization and a policy of the table itself are not looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from admin_api.doctor.deployment import Deployment, Function
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.iam_statements import Statement, covers, statements_of
from admin_api.doctor.words import named

_READS = ("dynamodb:GetItem", "dynamodb:Query")

_WRITES = (
    *("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"),
    *("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate", "dynamodb:PartiQLDelete"),
    *("dynamodb:UpdateTable", "dynamodb:DeleteTable", "dynamodb:UpdateTimeToLive", "dynamodb:UpdateContinuousBackups"),
    *("dynamodb:PutResourcePolicy", "dynamodb:DeleteResourcePolicy"),
)
"""What changes the table's items, the table itself, or who else may ("Actions, resources, and condition keys for Amazon DynamoDB", IAM reference)."""

_HARMLESS = (
    *("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    *("xray:PutTraceSegments", "xray:PutTelemetryRecords"),
    *("xray:GetSamplingRules", "xray:GetSamplingTargets", "xray:GetSamplingStatisticSummaries"),
    *("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:DeleteNetworkInterface"),
    *("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses"),
)
"""What Lambda needs of any function's role for its log, its traces and a VPC, on every resource: AWS's own managed policies say it so."""

_DECRYPT = "kms:Decrypt"
_READ_PARAMETER = "ssm:GetParameter"
_PARAMETER = "ssm:"


@dataclass(frozen=True, slots=True)
class _Grant:
    """One action on one resource, of which the resource may be a pattern."""

    action: str
    resource: str


def missing_rights(deployment: Deployment) -> Iterator[Finding]:
    """The authorizer reads the table, and the parameter that its settings name: without either it decides nothing and answers 500."""
    function, policies = deployment.function, deployment.role_policies
    if function is None or policies is None:
        return
    statements = [statement for policy in policies for statement in statements_of(policy.document)]
    for grant in _needed(deployment, function):
        if not _allows(statements, grant):
            yield Finding(
                Severity.ERROR,
                f"role {function.role}",
                f"it may not `{grant.action}` on `{grant.resource}`, so that every request is answered with 500",
                _remedy(grant, statements),
            )


def rights_to_write(deployment: Deployment) -> Iterator[Finding]:
    """An authorizer reads. One that may write turns whoever gets hold of its role into an admin, whom no history names."""
    function, policies = deployment.function, deployment.role_policies
    if function is None or policies is None:
        return
    table = _table(deployment, function)
    denies = [s for policy in policies for s in statements_of(policy.document) if s.is_deny]
    for policy in policies:
        statements = [*statements_of(policy.document), *denies]
        actions = [action for action in _WRITES if _allows(statements, _Grant(action, table))]
        if actions:
            yield Finding(
                Severity.ERROR,
                f"role {function.role}",
                f"its policy `{policy.name}` lets the authorizer write permissions: {named(actions)} on `{table}`",
                f"allow {' and '.join(f'`{action}`' for action in _READS)} alone, as `AuthorizerReadPolicy` of infra/template.yaml does",
            )


def needless_rights(deployment: Deployment) -> Iterator[Finding]:
    """What the authorizer has no use for is of use to somebody else only."""
    function, policies = deployment.function, deployment.role_policies
    if function is None or policies is None:
        return
    table = _table(deployment, function)
    useful = (*_needed(deployment, function), *(_Grant(action, "*") for action in _HARMLESS))
    for policy in policies:
        needless = list(
            dict.fromkeys(text for s in statements_of(policy.document) if not s.is_deny for text in _needless(s, table, useful))
        )
        if needless:
            yield Finding(
                Severity.WARNING,
                f"role {function.role}",
                f"its policy `{policy.name}` allows what no authorizer needs: {named(needless)}",
                "take it out, or take the policy off the role if another one says the rest",
            )


def _needed(deployment: Deployment, function: Function) -> Iterator[_Grant]:
    table = _table(deployment, function)
    yield from (_Grant(action, table) for action in _READS)
    issuers = function.environment.get("TRUSTED_ISSUERS", "").strip()
    if issuers.startswith(_PARAMETER):
        yield _Grant(_READ_PARAMETER, _parameter(function, issuers.removeprefix(_PARAMETER)))


def _table(deployment: Deployment, function: Function) -> str:
    """Return the table's ARN, that of the name in the function's settings where the table could not be read."""
    if deployment.table is not None:
        return deployment.table.arn
    name = function.environment.get("PERMISSIONS_TABLE", "").strip()
    return name if name.startswith("arn:") else _sibling(function, "dynamodb", f"table/{name}")


def _parameter(function: Function, name: str) -> str:
    """`/gatebook/issuers` -> `arn:aws:ssm:eu-west-1:123456789012:parameter/gatebook/issuers`."""
    return name if name.startswith("arn:") else _sibling(function, "ssm", f"parameter/{name.removeprefix('/')}")


def _sibling(function: Function, service: str, resource: str) -> str:
    """Return the ARN of a resource in the function's account and region."""
    partition, _, region, account = function.arn.split(":")[1:5]
    return f"arn:{partition}:{service}:{region}:{account}:{resource}"


def _allows(statements: list[Statement], grant: _Grant) -> bool:
    """Return whether a statement allows it and none denies it. Conditions narrow an Allow, and what they ask for is taken to be so; a Deny with some is not."""
    about = [statement for statement in statements if statement.speaks_of(grant.action, grant.resource)]
    return any(not s.is_deny for s in about) and not any(s.is_deny and not s.conditions for s in about)


def _remedy(grant: _Grant, statements: list[Statement]) -> str:
    denied = next((s for s in statements if s.is_deny and not s.conditions and s.speaks_of(grant.action, grant.resource)), None)
    if denied is not None:
        return f"take it out of the Deny `{denied.sid}`, which no Allow outweighs"
    elsewhere = sorted({r for s in statements if not s.is_deny and _names(s, grant.action) for r in s.resources})
    told = f"; the role may on {named(elsewhere)}" if elsewhere else ""
    policy = "attach `AuthorizerReadPolicy` of infra/template.yaml" if grant.action in _READS else "allow it in a policy of the role"
    return f"{policy}{told}"


def _names(statement: Statement, action: str) -> bool:
    return not statement.other_actions and any(covers(pattern.lower(), action.lower()) for pattern in statement.actions)


def _needless(statement: Statement, table: str, useful: tuple[_Grant, ...]) -> Iterator[str]:
    """Yield in words what of an Allow goes beyond the useful grants. What would write to the table is told by itself."""
    if statement.other_actions:
        yield f"everything but {', '.join(statement.actions)}"
        return
    for action in statement.actions:
        if any(replace(statement, actions=(action,)).speaks_of(write, table) for write in _WRITES):
            continue
        wide = [resource for resource in statement.resources if not _is_useful(action, resource, useful)]
        if statement.other_resources:
            yield f"{action} on everything but {', '.join(statement.resources)}"
        elif wide:
            yield f"{action} on {', '.join(wide)}"


def _is_useful(action: str, resource: str, useful: tuple[_Grant, ...]) -> bool:
    # A key of one's own encrypts the parameter or the table. Which one is not known here, that it is a certain one is.
    if action.lower() == _DECRYPT.lower():
        return ":key/" in resource and not resource.endswith("/*")
    return any(action.lower() == grant.action.lower() and covers(grant.resource, resource) for grant in useful)
