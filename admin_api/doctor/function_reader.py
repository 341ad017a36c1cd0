"""Reads the authorizer's function: its configuration, its resource policy, its role's policies and the parameters that its settings name."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from admin_api.doctor.calls import Calls, code_of
from admin_api.doctor.deployment import Function, GatewayAuthorizer, RolePolicy

NEEDS = (
    *("lambda:GetFunctionConfiguration", "lambda:GetPolicy", "kms:Decrypt", "ssm:GetParameter"),
    *("iam:ListRolePolicies", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:GetPolicy", "iam:GetPolicyVersion"),
)

_ARN = re.compile(r"(arn:[^:]+:lambda:[^:]+:\d+:function:[^:]+)(?::([^:]+))?")
_NO_POLICY = "ResourceNotFoundException"
_PARAMETER = "ssm:"


def read_function(authorizer: GatewayAuthorizer, calls: Calls) -> Function | None:
    """Return the function that the gateway invokes. Behind an alias it is the version of the alias, and the policy is the alias's own.

    An environment under a key of one's own is told to those only who may decrypt it: without it there is no function to judge.
    """
    arn = authorizer.function
    if not arn or "${" in arn:
        reason = f"its address names a stage variable that the stage lacks: {arn}" if arn else "its address names no function"
        calls.note(f"function of authorizer `{authorizer.id}`", reason, "an address with the function's ARN, and its stage variables set")
        return None
    what, where, client = f"function `{_name(arn)}`", _place(arn), calls.client("lambda")
    found = calls.attempt(what, "lambda:GetFunctionConfiguration", lambda: dict(client.get_function_configuration(**where)))
    policy = calls.attempt(f"resource policy of {what}", "lambda:GetPolicy", lambda: _resource_policy(client, where))
    if found is None:
        return None
    environment = found.get("Environment", {})
    if "Error" in environment:
        code = environment["Error"].get("ErrorCode", "")
        calls.note(f"environment of {what}", f"it is refused ({code})", "kms:Decrypt on the key that it is under")
        return None
    return Function(
        # As the gateway names it: AWS answers with the alias that it is asked for, emulators with the alias's version.
        arn=arn if _ARN.fullmatch(arn) else found["FunctionArn"],
        name=found["FunctionName"],
        timeout=found["Timeout"],
        memory=found["MemorySize"],
        # A container image has none.
        runtime=found.get("Runtime", ""),
        environment=dict(environment.get("Variables", {})),
        role=found["Role"],
        policy=policy or None,
        policy_is_known=policy is not None,
    )


def read_role(role: str, calls: Calls) -> tuple[RolePolicy, ...] | None:
    """Return all policies of a role by its ARN, inline and attached. None if one could not be read: what is granted there cannot be told."""
    name = role.rpartition("/")[2]
    what, iam = f"role `{name}`", calls.client("iam")
    inline = calls.attempt(
        f"inline policies of {what}",
        "iam:ListRolePolicies",
        lambda: [each for page in iam.get_paginator("list_role_policies").paginate(RoleName=name) for each in page["PolicyNames"]],
    )
    attached = calls.attempt(
        f"attached policies of {what}",
        "iam:ListAttachedRolePolicies",
        lambda: [
            each for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=name) for each in page["AttachedPolicies"]
        ],
    )
    found = [_inline(iam, name, each, calls) for each in inline or ()]
    found += [_attached(iam, each, calls) for each in attached or ()]
    policies = tuple(each for each in found if each is not None)
    return policies if inline is not None and attached is not None and len(policies) == len(found) else None


def read_parameters(environment: Mapping[str, str], calls: Calls) -> Mapping[str, str] | None:
    """Return the parameters of Systems Manager that the settings name, by their name: `TRUSTED_ISSUERS=ssm:/gatebook/issuers`. None if one is not read."""
    text = environment.get("TRUSTED_ISSUERS", "").strip()
    if not text.startswith(_PARAMETER):
        return {}
    name = text.removeprefix(_PARAMETER)
    value = calls.attempt(
        f"parameter `{name}`",
        "ssm:GetParameter, and kms:Decrypt if it is under a key of your own",
        lambda: str(calls.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]),
    )
    return None if value is None else {name: value}


def _name(arn: str) -> str:
    """`arn:aws:lambda:eu-west-1:123456789012:function:petstore:live` -> `petstore:live`."""
    return arn.rpartition(":function:")[2]


def _place(arn: str) -> dict[str, str]:
    """Return how Lambda is asked about a function or its alias: by its own ARN, since it may be another account's, and a qualifier of its own."""
    match = _ARN.fullmatch(arn)
    if match is None or match[2] is None:
        return {"FunctionName": arn}
    return {"FunctionName": match[1], "Qualifier": match[2]}


def _resource_policy(client: Any, where: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a function's resource policy, an empty one for none."""
    try:
        policy: Mapping[str, Any] = json.loads(client.get_policy(**where)["Policy"])
    except ClientError as error:
        if code_of(error) != _NO_POLICY:
            raise
        return {}
    return policy


def _inline(iam: Any, role: str, name: str, calls: Calls) -> RolePolicy | None:
    return _policy(name, role, "iam:GetRolePolicy", calls, lambda: iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])


def _attached(iam: Any, attached: Mapping[str, str], calls: Calls) -> RolePolicy | None:
    name, arn = attached["PolicyName"], attached["PolicyArn"]
    version = calls.attempt(f"policy `{name}`", "iam:GetPolicy", lambda: str(iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]))
    if version is None:
        return None
    where = {"PolicyArn": arn, "VersionId": version}
    return _policy(name, "", "iam:GetPolicyVersion", calls, lambda: iam.get_policy_version(**where)["PolicyVersion"]["Document"])


def _policy(name: str, role: str, needs: str, calls: Calls, ask: Callable[[], Mapping[str, Any]]) -> RolePolicy | None:
    document = calls.attempt(f"policy `{name}`" + (f" of role `{role}`" if role else ""), needs, ask)
    return None if document is None else RolePolicy(name, document)
