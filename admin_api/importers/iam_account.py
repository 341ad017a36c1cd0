"""Asks AWS for what the folder of `gatebook import iam` has: groups, policies of their roles, the identity pool's choice, and the routes of the API.

The answers are read by the functions that read them from files, so that both ways give the same document. Needs `cognito-idp:ListGroups`,
`cognito-identity:DescribeIdentityPool`, `GetIdentityPoolRoles` and `GetPrincipalTagAttributeMap`, `iam:GetRole`, `ListRolePolicies`, `GetRolePolicy`,
`ListAttachedRolePolicies`, `GetPolicy` and `GetPolicyVersion`, and what `importers.apigateway` needs.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from admin_api.importers.apigateway import read_deployed
from admin_api.importers.aws_permissions import error_code, needs
from admin_api.importers.iam import Group, IamSource, Pool, Role
from admin_api.importers.iam_files import boundary_of, groups_of, policy_of, pool_of, tags_of
from admin_api.importers.iam_policies import ApiArn, parse_api_arn
from admin_api.importers.imported import FoundRoutes, ImportSourceError

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_USER_POOL = re.compile(rf"({_REGION})_[0-9A-Za-z]+")
_IDENTITY_POOL = re.compile(rf"({_REGION}):[0-9a-f-]+")
_MISSING = ("ResourceNotFoundException", "NoSuchEntity")

Clients = Callable[[str, str | None], Any]
"""Makes a client of a service in a region, None for that of the API: `cognito-idp` and `eu-west-1`."""


@dataclass(frozen=True, slots=True)
class PoolIds:
    """Which pools an import reads. `client_id` is the app client whose sign-ins count; it may be left out where all have the same roles."""

    user_pool: str
    identity_pool: str
    client_id: str | None = None


def read_account(pools: PoolIds, api_id: str, stage: str | None, clients: Clients) -> tuple[IamSource, FoundRoutes]:
    """Return groups, roles and identity pool as a source, and the routes that the stage serves. Raises `ImportSourceError`, `PermissionMissingError`,
    `ClientError`.

    Pools are asked in the region that their ids begin with: `eu-west-1_AbCdEfGhI`, `eu-west-1:1f2e3d4c-...`.
    """
    regions = [
        _region_of(pattern, text, option)
        for pattern, text, option in (
            (_USER_POOL, pools.user_pool, "--user-pool-id"),
            (_IDENTITY_POOL, pools.identity_pool, "--identity-pool-id"),
        )
    ]
    api, found = deployed_stage(api_id, stage, clients)
    groups = _groups(clients("cognito-idp", regions[0]), pools.user_pool)
    identity = clients("cognito-identity", regions[1])
    provider = _Provider(identity, pools)
    pool, tags = provider.pool(), provider.tags()
    iam = clients("iam", None)
    roles = {name: _role(iam, name) for name in sorted(_named(groups, pool))}
    return IamSource(api, groups, roles, pool, tags), found


def deployed_stage(api_id: str, stage: str | None, clients: Clients) -> tuple[ApiArn, FoundRoutes]:
    """Return the ARN of an API's stage in the account that asks, and its routes. Raises as `read_deployed` does, and `PermissionMissingError`."""
    with needs("apigateway:GET", f"API {api_id}"):
        found = read_deployed(api_id, stage, lambda service: clients(service, None))
    caller = clients("sts", None).get_caller_identity()
    partition = caller["Arn"].split(":")[1]
    region = clients("apigateway", None).meta.region_name
    return parse_api_arn(f"arn:{partition}:execute-api:{region}:{caller['Account']}:{api_id}/{found.stage}"), found


def _region_of(pattern: re.Pattern[str], text: str, option: str) -> str:
    match = pattern.fullmatch(text)
    if match is None:
        example = "eu-west-1_AbCdEfGhI" if pattern is _USER_POOL else "eu-west-1:1f2e3d4c-5b6a-7980-1a2b-3c4d5e6f7a8b"
        raise ImportSourceError(f"{option}: `{text}` is no id of a pool: write it as in `{example}`")
    return match[1]


def _ask(permission: str, what: str, missing: str, call: Callable[[], Any]) -> Any:
    """Return AWS's answer. Raises `ImportSourceError` with `missing` where AWS knows no such thing."""
    try:
        with needs(permission, what):
            return call()
    except ClientError as error:
        if error_code(error) in _MISSING:
            raise ImportSourceError(missing) from None
        raise


def _groups(client: Any, pool: str) -> tuple[Group, ...]:
    place = f"user pool {pool}"
    pages = _ask(
        "cognito-idp:ListGroups",
        place,
        f"there is no user pool `{pool}` in this account: correct --user-pool-id, or ask with another account's identity",
        lambda: list(client.get_paginator("list_groups").paginate(UserPoolId=pool)),
    )
    listed = [each for page in pages for each in page["Groups"]]
    if not listed:
        raise ImportSourceError(f"{place}: it has no groups, so that there is nothing to import: correct --user-pool-id")
    return groups_of(listed, place)


class _Provider:
    """A user pool as one of an identity pool's identity providers."""

    def __init__(self, client: Any, pools: PoolIds) -> None:
        self._client = client
        self._pools = pools
        self._place = f"identity pool {pools.identity_pool}"
        described = self._ask("DescribeIdentityPool", lambda: client.describe_identity_pool(IdentityPoolId=pools.identity_pool))
        ours = [each for each in described.get("CognitoIdentityProviders", ()) if each["ProviderName"].endswith(f"/{pools.user_pool}")]
        if not ours:
            others = ", ".join(sorted({f"`{each['ProviderName']}`" for each in described.get("CognitoIdentityProviders", ())}))
            raise ImportSourceError(
                f"{self._place}: the user pool `{pools.user_pool}` is none of its identity providers ({others or 'it has no user pool'}), "
                "so that it gives its groups no role: correct one of the ids"
            )
        self._name: str = ours[0]["ProviderName"]
        self._client_ids = sorted(each["ClientId"] for each in ours)

    def _ask(self, operation: str, call: Callable[[], Any]) -> Any:
        missing = f"there is no identity pool `{self._pools.identity_pool}` in this account: correct --identity-pool-id"
        return _ask(f"cognito-identity:{operation}", self._place, missing, call)

    def pool(self) -> Pool:
        """Return how the identity pool chooses roles for sign-ins through this user pool."""
        answer = self._ask("GetIdentityPoolRoles", lambda: self._client.get_identity_pool_roles(IdentityPoolId=self._pools.identity_pool))
        mappings = answer.get("RoleMappings") or {}
        chosen = self._client_ids
        if self._pools.client_id is not None:
            if self._pools.client_id not in chosen:
                raise ImportSourceError(
                    f"{self._place}: the app client `{self._pools.client_id}` does not sign in through it: its clients are {', '.join(chosen)}"
                )
            chosen = [self._pools.client_id]
        pools = [self._pool_of(client_id, answer, mappings) for client_id in chosen]
        if any(pool != pools[0] for pool in pools):
            raise ImportSourceError(
                f"{self._place}: it maps roles in different ways for the app clients {', '.join(chosen)}: name one with --client-id"
            )
        return pools[0]

    def _pool_of(self, client_id: str, answer: Mapping[str, Any], mappings: Mapping[str, Any]) -> Pool:
        key = f"{self._name}:{client_id}"
        return pool_of({"Roles": answer.get("Roles"), "RoleMappings": {key: mappings[key]} if key in mappings else {}}, self._place)

    def tags(self) -> dict[str, str]:
        """Return the policy variables that the identity pool fills from claims, none where it maps none."""
        try:
            with needs("cognito-identity:GetPrincipalTagAttributeMap", self._place):
                answer = self._client.get_principal_tag_attribute_map(
                    IdentityPoolId=self._pools.identity_pool, IdentityProviderName=self._name
                )
        except ClientError as error:
            if error_code(error) in _MISSING:
                return {}
            raise
        return tags_of({"PrincipalTags": answer.get("PrincipalTags") or {}}, self._place)


def _named(groups: tuple[Group, ...], pool: Pool) -> set[str]:
    """Return the roles that the identity pool may give to anybody."""
    by = {rule.role for rule in pool.rules} if pool.by_rules else {group.role for group in groups if group.role}
    return by | ({pool.fallback} if pool.fallback else set())


def _role(client: Any, name: str) -> Role:
    place = f"role {name}"
    missing = f"there is no role `{name}`, which a group or the identity pool names: give it a role that exists, or take it away"
    told = _ask("iam:GetRole", place, missing, lambda: client.get_role(RoleName=name))
    return Role(name, (*_attached(client, name, place), *_inline(client, name, place)), boundary_of(told))


def _attached(client: Any, role: str, place: str) -> Iterator[tuple[str, Any]]:
    """Yield the managed policies of a role, each in the version that counts."""
    with needs("iam:ListAttachedRolePolicies", place):
        pages = list(client.get_paginator("list_attached_role_policies").paginate(RoleName=role))
    for arn in sorted(each["PolicyArn"] for page in pages for each in page["AttachedPolicies"]):
        at = f"policy {arn}"
        with needs("iam:GetPolicy", at):
            version = client.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        with needs("iam:GetPolicyVersion", at):
            answer = client.get_policy_version(PolicyArn=arn, VersionId=version)
        yield f"attached policy {arn.rpartition('/')[2]}", policy_of(answer, at)


def _inline(client: Any, role: str, place: str) -> Iterator[tuple[str, Any]]:
    with needs("iam:ListRolePolicies", place):
        pages = list(client.get_paginator("list_role_policies").paginate(RoleName=role))
    for name in sorted(each for page in pages for each in page["PolicyNames"]):
        with needs("iam:GetRolePolicy", place):
            answer = client.get_role_policy(RoleName=role, PolicyName=name)
        yield f"inline policy {name}", policy_of(answer, f"{place}, inline policy {name}")
