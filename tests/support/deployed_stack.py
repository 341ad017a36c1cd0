"""A deployed authorizer with all that it stands on: API Gateway as it answers over the wire, and the rest of AWS emulated."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from admin_api.doctor.aws_reader import read_deployment
from admin_api.doctor.deployment import Deployment, Published
from tests.support.aws_calls import Answer, AwsCalls, Call, answer
from tests.support.deployments import published
from tests.support.issuer import Issuer
from tests.support.tables import create_table

REGION, ACCOUNT, API, NOW = "eu-west-1", "123456789012", "a1b2c3d4e5", 1_800_000_000.0
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:petstore-authorizer"

_PREFIXES = {"api-gateway": "apigateway", "cognito-identity-provider": "cognito-idp"}
_GATEWAYS = ("api-gateway", "apigatewayv2")


def uri(function: str = FUNCTION) -> str:
    """The address under which a gateway invokes a function."""
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function}/invocations"


def rest_authorizer(**changes: Any) -> dict[str, Any]:
    """A Lambda authorizer as `apigateway` tells of it; None takes a field out."""
    fields = {
        "id": "auth01",
        "name": "gatebook",
        "type": "REQUEST",
        "authorizerUri": uri(),
        "identitySource": "method.request.header.Authorization, context.httpMethod,context.resourcePath",
        "authorizerResultTtlInSeconds": 60,
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def authorizer(**changes: Any) -> dict[str, Any]:
    """A Lambda authorizer as `apigatewayv2` tells of it; None takes a field out."""
    fields = {
        "authorizerId": "auth01",
        "name": "gatebook",
        "authorizerType": "REQUEST",
        "authorizerUri": uri(),
        "identitySource": ["$request.header.Authorization", "$context.routeKey"],
        "authorizerPayloadFormatVersion": "2.0",
    }
    return {name: value for name, value in (fields | changes).items() if value is not None}


def guarded(name: str = "auth01", kind: str = "CUSTOM") -> dict[str, Any]:
    """A method or a route with an authorizer."""
    return {"authorizationType": kind, "authorizerId": name, "apiKeyRequired": False}


class DeployedStack:
    """An account. `pages` are what API Gateway answers to each operation, page by page; `refused` are the actions that nobody may do,
    and `answers` say what is answered to a call, such as `lambda.GetPolicy`, in place of the emulator."""

    def __init__(self, wire: AwsCalls) -> None:
        self.wire = wire
        self.pages: dict[str, list[dict[str, Any]]] = {}
        self.refused: set[str] = set()
        self.answers: dict[str, Callable[[], Answer]] = {}
        self.fetched: list[str] = []
        self.asked_for: list[tuple[str, str]] = []
        self.issuer = Issuer()
        self.client: Callable[[str], Any] = lru_cache(lambda service: boto3.client(service, region_name=REGION))
        wire.rule = self._rule
        self.table = "permissions"
        create_table(self.client("dynamodb"), self.table)
        self.pool = self.client("cognito-idp").create_user_pool(PoolName="pets", Schema=_SCHEMA)["UserPool"]["Id"]
        self.app = self._app("web", ["email", "custom:tenant"])
        self.role = self._role()
        self.function = self._function()
        wire.take()

    def environment(self, **changes: str) -> dict[str, str]:
        """What the function's settings are; an empty one is left out."""
        settings = {"PERMISSIONS_TABLE": self.table, "API": "petstore", "USER_POOL_ID": self.pool, "APP_CLIENT_IDS": self.app}
        return {name: value for name, value in (settings | changes).items() if value}

    def has_environment(self, **changes: str) -> None:
        """Change the function's settings."""
        variables = self.environment(**changes)
        self.client("lambda").update_function_configuration(FunctionName="petstore-authorizer", Environment={"Variables": variables})
        self.wire.take()

    def rest(self, *authorizers: dict[str, Any], methods: dict[str, Any] | None = None, **api: Any) -> None:
        """Have a REST API. `methods` are by path and verb."""
        resources = methods or {"/pets": {"GET": guarded(), "POST": guarded()}}
        self.pages |= {
            "api-gateway.GetRestApi": [{"id": API, "name": "Pet Store"} | api],
            "api-gateway.GetStages": [{"item": [{"stageName": "prod", "deploymentId": "d1"}]}],
            "api-gateway.GetDeployment": [{"id": "d1", "apiSummary": resources}],
            "api-gateway.GetResources": [{"item": [{"path": path, "resourceMethods": verbs}]} for path, verbs in resources.items()],
            "api-gateway.GetAuthorizers": [{"item": [each]} for each in authorizers or (rest_authorizer(),)],
            "api-gateway.GetGatewayResponses": [{"item": []}],
        }

    def newer(self, protocol: str, *authorizers: dict[str, Any], routes: dict[str, Any] | None = None, **api: Any) -> None:
        """Have an HTTP or a WebSocket API. `routes` are by their keys."""
        default: dict[str, Any] = {"$connect": guarded(), "$default": {}} if protocol == "WEBSOCKET" else {"GET /pets": guarded()}
        self.pages |= {
            "apigatewayv2.GetApi": [{"apiId": API, "name": "Pet Store", "protocolType": protocol} | api],
            "apigatewayv2.GetStages": [{"items": [{"stageName": "$default", "autoDeploy": True}]}],
            "apigatewayv2.GetRoutes": [{"items": [{"routeKey": key} | each]} for key, each in (routes or default).items()],
            "apigatewayv2.GetAuthorizers": [{"items": [each]} for each in authorizers or (authorizer(),)],
        }

    def read(
        self,
        stage: str | None = None,
        authorizer: str | None = None,
        holds: Callable[[], Published | None] = published,
        keys: Callable[[str], bytes] | None = None,
    ) -> Deployment:
        """Read what is deployed."""

        def ask(table: str, api: str) -> Published | None:
            self.asked_for.append((table, api))
            return holds()

        def fetch(url: str) -> bytes:
            self.fetched.append(url)
            return self.issuer.jwks()

        return read_deployment(API, stage, authorizer, self.client, ask, keys or fetch, NOW)

    def _rule(self, call: Call) -> Answer:
        name = f"{call.service}.{call.operation}"
        action = f"{_PREFIXES.get(call.service, call.service)}:{call.operation}"
        if action in self.refused:
            return refusal(call)
        if name in self.answers:
            return self.answers[name]()
        if call.service not in _GATEWAYS:
            return None
        if name not in self.pages:
            return answer({"__type": "NotFoundException", "message": "Invalid API identifier"}, 404)
        query = parse_qs(urlsplit(call.url).query)
        [number] = query.get("position", query.get("nextToken", ["0"]))
        more = str(int(number) + 1)
        told = {"position": more, "nextToken": more} if int(more) < len(self.pages[name]) else {}
        return answer(self.pages[name][int(number)] | told)

    def _app(self, name: str, writable: list[str]) -> str:
        client = self.client("cognito-idp").create_user_pool_client(UserPoolId=self.pool, ClientName=name, WriteAttributes=writable)
        return str(client["UserPoolClient"]["ClientId"])

    def _role(self) -> str:
        iam = self.client("iam")
        role = iam.create_role(RoleName="authorizer", Path="/service/", AssumeRolePolicyDocument="{}")["Role"]
        iam.put_role_policy(RoleName="authorizer", PolicyName="own-log", PolicyDocument=json.dumps(OWN_LOG))
        policy = iam.create_policy(PolicyName="read-permissions", PolicyDocument=json.dumps(READ))["Policy"]
        iam.attach_role_policy(RoleName="authorizer", PolicyArn=policy["Arn"])
        return str(role["Arn"])

    def _function(self) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("authorizer.py", "")
        made = self.client("lambda").create_function(
            FunctionName="petstore-authorizer",
            Role=self.role,
            Handler="authorizer.handler",
            Runtime="python3.13",
            Code={"ZipFile": code.getvalue()},
            Environment={"Variables": self.environment()},
            Timeout=9,
            MemorySize=512,
        )
        return str(made["FunctionArn"])


_SCHEMA: Any = [{"Name": "tenant", "AttributeDataType": "String", "Mutable": False}, {"Name": "shop", "AttributeDataType": "String"}]

OWN_LOG = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}]}
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query"], "Resource": "*"}]}


def refusal(call: Call) -> Answer:
    """What AWS answers to somebody who may not do this, in the service's own protocol."""
    if call.service in ("iam", "sts"):
        text = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        return answer(text.encode(), 403)
    return answer({"__type": "AccessDeniedException", "message": "no"}, 403 if call.service in _GATEWAYS else 400)
