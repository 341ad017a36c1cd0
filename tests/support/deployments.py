"""Deployments in which nothing is wrong, for tests that break one thing: a REST API in `route` scope, as `infra/sample_api.yaml` makes it, and an HTTP API."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from admin_api.analysis.found_routes import FoundRoute, FoundRoutes, Guard
from admin_api.doctor.deployment import (
    AppClient,
    Deployment,
    Function,
    Gateway,
    GatewayAuthorizer,
    KeySet,
    Published,
    RefusalResponse,
    RolePolicy,
    Table,
    UserPool,
)
from admin_api.doctor.finding import Finding
from authorizer.policy.document import parse_document
from authorizer.policy.route import parse_route

ACCOUNT, REGION, API_ID, AUTHORIZER_ID = "123456789012", "eu-west-1", "a1b2c3d4e5", "z9y8x7"
POOL = "eu-west-1_AbCdEfGhI"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:petstore-authorizer"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/petstore-authorizer"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/permissions"
API = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}"

CORS = {"gatewayresponse.header.access-control-allow-origin": "'*'"}

DOCUMENT: dict[str, Any] = {
    "api": "petstore",
    "routes": ["GET /pets", "POST /pets", "GET /pets/{petId}", {"route": "GET /health", "public": True}],
    "groups": {"admin": {"allow": ["* /**"]}, "guest": {"allow": ["GET /pets", "GET /pets/{petId}"]}},
}


def routes(*texts: str | tuple[str, Guard], kind: str = "rest") -> FoundRoutes:
    """Deployed routes with their guard, an authorizer if nothing else is said."""
    each = [(text, Guard.AUTHORIZER) if isinstance(text, str) else text for text in texts]
    found = tuple(FoundRoute(parse_route(text), guard, text, f"{API_ID}/prod {text}") for text, guard in each)
    return FoundRoutes("petstore", found, (), kind)


def published(document: dict[str, Any] | None = None, version: int = 3, *damage: str) -> Published:
    """What the table holds."""
    return Published(parse_document(document or DOCUMENT), version, damage)


def environment(**changes: str) -> dict[str, str]:
    """The authorizer's environment: names as it reads them, an empty value to leave one out."""
    settings = {
        "PERMISSIONS_TABLE": "permissions",
        "API": "petstore",
        "USER_POOL_ID": POOL,
        "APP_CLIENT_IDS": "1h57kf5cpq17m0eml12EXAMPLE",
        "CACHE_SCOPE": "route",
        "POWERTOOLS_SERVICE_NAME": "authorizer",
    }
    return {name: value for name, value in (settings | changes).items() if value}


def function_policy(source: str = f"{API}/authorizers/{AUTHORIZER_ID}", **changes: Any) -> dict[str, Any]:
    """The function's resource policy: API Gateway may invoke it for this authorizer."""
    statement = {
        "Sid": "gateway",
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": FUNCTION,
        "Condition": {"ArnLike": {"AWS:SourceArn": source}},
    }
    return {"Version": "2012-10-17", "Id": "default", "Statement": [statement | changes]}


ROLE_POLICIES = (
    RolePolicy(
        "AuthorizerReadPolicy",
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": TABLE}],
        },
    ),
    RolePolicy(
        "AWSLambdaBasicExecutionRole",
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}
            ],
        },
    ),
)


def sound_function(**changes: Any) -> Function:
    """The authorizer's function as the sample template makes it."""
    sound = Function(FUNCTION, "petstore-authorizer", 9, 512, "python3.13", environment(), ROLE, function_policy())
    return replace(sound, **changes)


def sound_authorizer(**changes: Any) -> GatewayAuthorizer:
    """A REQUEST authorizer whose key fits `route` scope."""
    sources = ("method.request.header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage")
    arn = f"{API}/authorizers/{AUTHORIZER_ID}"
    sound = GatewayAuthorizer(AUTHORIZER_ID, "gatebook", "REQUEST", 60, sources, FUNCTION, "", "", simple_responses=False, arn=arn)
    return replace(sound, **changes)


def sound_rest(**changes: Any) -> Deployment:
    """A REST API in which nothing is wrong, but for what is changed."""
    pool = UserPool(POOL, (AppClient("1h57kf5cpq17m0eml12EXAMPLE", ("email", "name")),), frozenset(), self_sign_up=False)
    sound = Deployment(
        API_ID,
        "petstore",
        Gateway.REST,
        "prod",
        f"{API}/prod",
        routes("GET /pets", "POST /pets", "GET /pets/{petId}", ("GET /health", Guard.NONE), ("OPTIONS /pets", Guard.OPEN)),
        sound_authorizer(),
        resource_policy=None,
        refusals={name: RefusalResponse(name, status, dict(CORS)) for name, status in (("DEFAULT_4XX", ""), ("DEFAULT_5XX", ""))},
        function=sound_function(),
        role_policies=ROLE_POLICIES,
        parameters={},
        table=Table("permissions", TABLE, "expires_at", point_in_time_recovery=True, deletion_protection=True),
        published=published(),
        pools=(pool,),
        key_sets=(KeySet(f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}", "https://keys.example/jwks.json", ""),),
    )
    return replace(sound, **changes)


def sound_http(**changes: Any) -> Deployment:
    """An HTTP API in which nothing is wrong, but for what is changed."""
    sources = ("$request.header.Authorization", "$context.httpMethod", "$context.routeKey", "$context.stage")
    sound = sound_rest(
        gateway=Gateway.HTTP,
        stage="$default",
        arn=f"{API}/$default",
        routes=routes("GET /pets", "POST /pets", "GET /pets/{petId}", ("GET /health", Guard.NONE), kind="http"),
        authorizer=sound_authorizer(sources=sources, payload="2.0"),
        refusals=None,
        cors={"AllowOrigins": ["*"], "AllowMethods": ["*"], "AllowHeaders": ["authorization"]},
    )
    return replace(sound, **changes)


def sound_token(**changes: Any) -> Deployment:
    """A REST API with a TOKEN authorizer in `token` scope in which nothing is wrong, but for what is changed."""
    sound = sound_rest(
        authorizer=sound_authorizer(kind="TOKEN", sources=("method.request.header.Authorization",)),
        function=sound_function(environment=environment(CACHE_SCOPE="token")),
    )
    return replace(sound, **changes)


def sound_websocket(**changes: Any) -> Deployment:
    """A WebSocket API in which nothing is wrong, but for what is changed."""
    names = ["WS $connect", "WS sendMessage"]
    sound = sound_rest(
        gateway=Gateway.WEBSOCKET,
        routes=routes(*names, kind="websocket"),
        authorizer=sound_authorizer(sources=(), ttl=0),
        refusals=None,
        function=sound_function(environment=environment(CACHE_SCOPE="request")),
        published=published({"api": "petstore", "routes": names, "everyone": {"allow": names}}),
    )
    return replace(sound, **changes)


def with_settings(deployment: Deployment, **changes: str) -> Deployment:
    """The deployment with other settings of its function; an empty value takes one out."""
    assert deployment.function is not None
    function = deployment.function
    settings = {**function.environment, **changes}
    return replace(deployment, function=replace(function, environment={name: value for name, value in settings.items() if value}))


def with_authorizer(deployment: Deployment, **changes: Any) -> Deployment:
    """The deployment with another authorizer."""
    return replace(deployment, authorizer=replace(deployment.authorizer, **changes))


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    """Severity and message of each finding. Each names what it is about, and a remedy."""
    listed = list(findings)
    assert all(each.about and each.remedy and each.message[-1] != "." for each in listed)
    return [(each.severity.value, each.message) for each in listed]
