"""Reads a deployment from AWS for `gatebook doctor`: the gateway, the authorizer's function and role, the table, the user pools and the issuers' keys.

Nothing is written. Only the gateway must be readable; whatever else is refused or gone stands in `Deployment.unread`. It needs, of the deployment's own:

- `apigateway:GET` on `/restapis/{id}`, `/restapis/{id}/*`, `/apis/{id}` and `/apis/{id}/*`
- `lambda:GetFunctionConfiguration` and `lambda:GetPolicy` on the function, and `kms:Decrypt` where its environment is under a key of one's own
- `iam:ListRolePolicies`, `iam:GetRolePolicy` and `iam:ListAttachedRolePolicies` on its role, `iam:GetPolicy` and `iam:GetPolicyVersion` on what is attached
- `ssm:GetParameter` where `TRUSTED_ISSUERS` names a parameter, and `kms:Decrypt` where that is under a key of one's own
- `dynamodb:DescribeTable`, `dynamodb:DescribeTimeToLive`, `dynamodb:DescribeContinuousBackups`, `dynamodb:GetItem` and `dynamodb:Query` on the table
- `cognito-idp:DescribeUserPool`, `cognito-idp:DescribeUserPoolClient` and `cognito-idp:ListUserPoolClients` on the user pool, and on the pools of
  issuers with a name whose attributes are believed
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from admin_api.doctor import function_reader, gateway_reader, pool_reader, table_reader
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.calls import Calls
from admin_api.doctor.deployment import Deployment, Function, Gateway, Published
from admin_api.doctor.key_set_reader import read_key_sets
from admin_api.importers.apigateway import routes_of
from admin_api.importers.deployed_stage import find_stage
from authorizer.errors import TroubleError
from authorizer.tokens.claims import OUR_ISSUER, TrustedIssuer

_ROWS = ("dynamodb:GetItem", "dynamodb:Query")

NEEDS = (*gateway_reader.NEEDS, *function_reader.NEEDS, *table_reader.NEEDS, *_ROWS, *pool_reader.NEEDS)
"""Every permission that is needed to read all of a deployment. To ask who one is (`sts:GetCallerIdentity`) needs none."""


def read_deployment(
    api_id: str,
    stage: str | None,
    authorizer: str | None,
    client: Callable[[str], Any],
    published: Callable[[str, str], Published | None],
    fetch: Callable[[str], bytes],
    now: float,
) -> Deployment:
    """Return a stage of an API with all that guards it. `stage` may be left out where the API has one alone, or `$default`.

    `authorizer` is an authorizer's id or its function's name, and may be left out where the routes name one alone. `client` makes a client of an AWS service
    such as `lambda`. `published` returns what a table holds for an API, by both names, and may raise `TroubleError`, `ClientError`. `fetch` returns what an
    address answers, or raises `TroubleError`, `ImportSourceError`, `OSError`. `now` is in seconds since 1970.

    Raises `DoctorError` where it is not clear which authorizer is meant or there is none, `ImportSourceError` where there is no such API or stage, and
    `ClientError`, `BotoCoreError` where the API itself cannot be read.
    """
    at, calls = find_stage(api_id, stage, client), Calls(client)
    arn, named = gateway_reader.gateway_arn(at, calls), gateway_reader.authorizers_of_routes(at, calls)
    meant = gateway_reader.read_authorizer(at, authorizer, named, arn, calls)
    routes = gateway_reader.held_to(routes_of(at, client), named, meant)
    bare = Deployment(
        api_id=api_id,
        name=at.api_name,
        gateway=Gateway(at.kind),
        stage=at.name,
        arn=f"{arn}/{at.name}",
        routes=routes,
        authorizer=meant,
        resource_policy=gateway_reader.read_resource_policy(at, calls),
        refusals=gateway_reader.read_refusals(at, calls),
        cors=at.api.get("CorsConfiguration"),
        function=function_reader.read_function(meant, calls),
        read_at=now,
    )
    if bare.function is None:
        return replace(bare, unread=tuple(calls.unread))
    found = _with_function(bare, bare.function, calls, published)
    settings = settings_of(found)
    if found.parameters is not None:
        found = replace(found, key_sets=read_key_sets(settings.issuers, fetch) if settings is not None else ())
    own = bare.function.environment.get("USER_POOL_ID", "").strip()
    found = replace(
        found, pools=pool_reader.read_pools(settings.issuers if settings is not None else _shorthand(bare.function), own, calls)
    )
    return replace(found, unread=tuple(calls.unread))


def _with_function(bare: Deployment, function: Function, calls: Calls, published: Callable[[str, str], Published | None]) -> Deployment:
    """Return the deployment with what the function's settings and its role lead to."""

    def setting(name: str) -> str:
        return function.environment.get(name, "").strip()

    table, api = setting("PERMISSIONS_TABLE"), setting("API")
    return replace(
        bare,
        role_policies=function_reader.read_role(function.role, calls),
        parameters=function_reader.read_parameters(function.environment, calls),
        table=table_reader.read_table(table, calls) if table else None,
        published=_published(table, api, published, calls) if table and api else None,
    )


def _shorthand(function: Function) -> tuple[TrustedIssuer, ...]:
    """Return one's own pool with its clients, which can be looked at though the settings as a whole cannot be used; none where nobody names it."""
    clients = frozenset(each.strip() for each in function.environment.get("APP_CLIENT_IDS", "").split(",") if each.strip())
    return (replace(OUR_ISSUER, client_ids=clients),)


def _published(table: str, api: str, published: Callable[[str, str], Published | None], calls: Calls) -> Published | None:
    what, needs = f"document of `{api}`", " and ".join(_ROWS)
    try:
        found = calls.attempt(what, needs, lambda: (published(table, api),))
    except TroubleError as error:
        calls.note(what, str(error), f"{needs} on table `{table}`")
        return None
    return found[0] if found is not None else None
