"""Reads the user pool whose tokens count, and its app clients."""

from collections.abc import Mapping
from typing import Any

from admin_api.doctor.calls import Calls
from admin_api.doctor.deployment import AppClient, UserPool

NEEDS = ("cognito-idp:DescribeUserPool", "cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClients")


def read_pool(pool_id: str, client_ids: tuple[str, ...], calls: Calls) -> UserPool | None:
    """Return a user pool with those of its app clients that could be read, None if the pool could not. `client_ids` are those whose tokens count.

    All clients matter: what a user writes through one stands in the tokens of every other.
    """
    cognito, what = calls.client("cognito-idp"), f"user pool `{pool_id}`"
    pool = calls.attempt(what, "cognito-idp:DescribeUserPool", lambda: cognito.describe_user_pool(UserPoolId=pool_id)["UserPool"])
    if pool is None:
        return None
    listed = calls.attempt(f"app clients of {what}", "cognito-idp:ListUserPoolClients", lambda: _listed(cognito, pool_id))
    clients = [_client(cognito, pool_id, each, calls) for each in dict.fromkeys((*client_ids, *(listed or ())))]
    return UserPool(
        pool_id,
        tuple(each for each in clients if each is not None),
        frozenset(each["Name"] for each in pool.get("SchemaAttributes", ()) if not each.get("Mutable", True)),
        self_sign_up=not pool.get("AdminCreateUserConfig", {}).get("AllowAdminCreateUserOnly", False),
    )


def _listed(cognito: Any, pool_id: str) -> list[str]:
    pages = cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool_id)
    return [each["ClientId"] for page in pages for each in page["UserPoolClients"]]


def _client(cognito: Any, pool_id: str, client_id: str, calls: Calls) -> AppClient | None:
    answer: Mapping[str, Any] | None = calls.attempt(
        f"app client `{client_id}` of user pool `{pool_id}`",
        "cognito-idp:DescribeUserPoolClient",
        lambda: cognito.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)["UserPoolClient"],
    )
    if answer is None:
        return None
    # Whoever names no attribute gives all standard ones ("UserPoolClientType", API reference).
    return AppClient(client_id, tuple(answer.get("WriteAttributes", ())) or None)
