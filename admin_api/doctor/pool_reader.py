"""Reads the user pools whose tokens count, and their app clients."""

from collections.abc import Iterable, Mapping
from typing import Any

from admin_api.doctor.calls import Calls
from admin_api.doctor.deployment import AppClient, UserPool
from authorizer.tokens.claims import GROUPS_CLAIM, TrustedIssuer
from authorizer.tokens.issuer_entries import pool_id_of

NEEDS = ("cognito-idp:DescribeUserPool", "cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClients")


def read_pools(issuers: Iterable[TrustedIssuer], own: str, calls: Calls) -> tuple[UserPool, ...]:
    """Return the user pools among the issuers, each once. `own` is the id of one's own pool where the settings name it, else `""`.

    One's own pool is read always, and that of a named issuer where something is believed that its users might write: it may be in another account.
    """
    names: dict[str, set[str]] = {}
    clients: dict[str, list[str]] = {}
    for issuer in issuers:
        pool = (own if not issuer.name else "") or pool_id_of(issuer.issuer)
        if pool and (not issuer.name or _believes_attributes(issuer)):
            names.setdefault(pool, set()).add(issuer.name)
            clients.setdefault(pool, []).extend(sorted(issuer.client_ids))
    found = (_pool(pool, frozenset(names[pool]), clients[pool], calls) for pool in names)
    return tuple(each for each in found if each is not None)


def _believes_attributes(issuer: TrustedIssuer) -> bool:
    """Return whether anything is read of the issuer's tokens but what Cognito alone writes."""
    return issuer.groups_claim != GROUPS_CLAIM or bool(issuer.binding_claims) or issuer.machine is not None


def _pool(pool_id: str, issuers: frozenset[str], client_ids: list[str], calls: Calls) -> UserPool | None:
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
        issuers=issuers,
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
