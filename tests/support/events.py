"""The events that API Gateway sends to a Lambda authorizer, as an emulator of it would have to write them.

Shapes from the API Gateway Developer Guide, "Input to an API Gateway Lambda authorizer", and from recordings of real REST
APIs: a map without entries is null, a repeated name shows its last value in the single-value map and all of them in the
multi-value map, `requestContext.path` begins with the stage, nothing is percent-decoded, there is no body. Those of HTTP APIs
are from "Working with AWS Lambda authorizers for HTTP APIs" and "Working with AWS Lambda proxy integrations for HTTP APIs".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

Event = dict[str, Any]

AUTHORIZATION = "Bearer not.a.token"
EMPTY_IDENTITY = (
    *("accessKey", "accountId", "apiKey", "caller", "cognitoAuthenticationProvider", "cognitoAuthenticationType"),
    *("cognitoIdentityId", "cognitoIdentityPoolId", "principalOrgId", "user", "userArn"),
)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where an API is deployed: what stands before the verb in each of its ARNs."""

    stage: str = "prod"
    partition: str = "aws"
    region: str = "eu-west-1"
    account: str = "111122223333"
    api_id: str = "a1b2c3d4e5"

    @property
    def host(self) -> str:
        """The name of the default endpoint."""
        domain = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{self.api_id}.execute-api.{self.region}.{domain}"

    def method_arn(self, verb: str, path: str) -> str:
        """The ARN of one request. Of a path's leading slashes exactly one is the ARN's own separator."""
        api = f"arn:{self.partition}:execute-api:{self.region}:{self.account}:{self.api_id}"
        return f"{api}/{self.stage}/{verb}/{path.removeprefix('/')}"


def rest_token_event(
    verb: str = "GET",
    path: str = "/orders/42/lines",
    *,
    authorization: str = AUTHORIZATION,
    deployment: Deployment = Deployment(),
) -> Event:
    """REST API, TOKEN authorizer: the header's whole value and the ARN, nothing else. `path` is spelled as the ARN spells it."""
    return {"type": "TOKEN", "methodArn": deployment.method_arn(verb, path), "authorizationToken": authorization}


def rest_request_event(
    verb: str = "GET",
    path: str = "/orders/42/lines",
    template: str = "/orders/{orderId}/lines",
    *,
    path_parameters: Mapping[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (("Authorization", AUTHORIZATION),),
    query: Sequence[tuple[str, str]] = (),
    stage_variables: Mapping[str, str] | None = None,
    arn_path: str | None = None,
    source_ip: str = "203.0.113.7",
    epoch: float = 1_795_398_612,
    deployment: Deployment = Deployment(),
) -> Event:
    """REST API, REQUEST authorizer. `path` is the raw path; the ARN holds `arn_path` where that is spelled differently."""
    all_headers = [("Host", deployment.host), ("User-Agent", "curl/8.9.1"), ("X-Forwarded-For", source_ip), *headers]
    return {
        "type": "REQUEST",
        "methodArn": deployment.method_arn(verb, path if arn_path is None else arn_path),
        "resource": template,
        "path": path,
        "httpMethod": verb,
        "headers": _last_values(all_headers),
        "multiValueHeaders": _all_values(all_headers),
        "queryStringParameters": _last_values(query),
        "multiValueQueryStringParameters": _all_values(query),
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": dict(stage_variables) if stage_variables else None,
        "requestContext": {
            "accountId": deployment.account,
            "apiId": deployment.api_id,
            "deploymentId": "d0d0d0",
            "domainName": deployment.host,
            "domainPrefix": deployment.api_id,
            "extendedRequestId": "ZyXwVu=",
            "httpMethod": verb,
            "identity": {**dict.fromkeys(EMPTY_IDENTITY), "sourceIp": source_ip, "userAgent": "curl/8.9.1"},
            "path": f"/{deployment.stage}{path}",
            "protocol": "HTTP/1.1",
            "requestId": "8f1c6b9e-0000-4000-8000-000000000001",
            "requestTime": datetime.fromtimestamp(epoch, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": int(epoch * 1000),
            "resourceId": "9xk2pq",
            "resourcePath": template,
            "stage": deployment.stage,
        },
    }


def http_1_event(
    verb: str = "GET",
    path: str = "/orders/42",
    route_key: str = "GET /orders/{orderId}",
    *,
    identity_source: Sequence[str] | None = (AUTHORIZATION,),
    path_parameters: Mapping[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (("Authorization", AUTHORIZATION),),
    query: Sequence[tuple[str, str]] = (),
    stage_variables: Mapping[str, str] | None = None,
    arn_path: str | None = None,
    context_path: str | None = None,
    source_ip: str = "203.0.113.7",
    epoch: float = 1_795_398_612,
    deployment: Deployment = Deployment("$default"),
) -> Event:
    """HTTP API, payload format 1.0: the REST form, with the values of the identity sources joined by commas, under two names.

    `path` is spelled as the event spells it, without the stage: percent-encoded. ARN and context hold `arn_path` and `context_path` where they spell it
    differently.
    """
    template = route_key.partition(" ")[2] or route_key
    all_headers = _http_headers(headers, source_ip, deployment)
    joined = None if identity_source is None else ",".join(identity_source)
    gateway_template = _below_stage(path, deployment)
    return {
        "version": "1.0",
        "type": "REQUEST",
        "methodArn": deployment.method_arn(verb, path if arn_path is None else arn_path),
        "identitySource": joined,
        "authorizationToken": joined,
        "resource": template,
        "path": gateway_template,
        "httpMethod": verb,
        "headers": _last_values(all_headers),
        "multiValueHeaders": _all_values(all_headers),
        "queryStringParameters": _last_values(query),
        "multiValueQueryStringParameters": _all_values(query),
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": dict(stage_variables) if stage_variables else None,
        "requestContext": {
            "accountId": deployment.account,
            "apiId": deployment.api_id,
            "domainName": deployment.host,
            "domainPrefix": deployment.api_id,
            "extendedRequestId": "QwErTy=",
            "httpMethod": verb,
            "identity": {"sourceIp": source_ip, "userAgent": "curl/8.9.1"},
            "path": gateway_template if context_path is None else _below_stage(context_path, deployment),
            "protocol": "HTTP/1.1",
            "requestId": "QwErTy=",
            "requestTime": _moment(epoch),
            "requestTimeEpoch": int(epoch * 1000),
            "resourceId": route_key,
            "resourcePath": template,
            "stage": deployment.stage,
        },
    }


def http_2_event(
    verb: str = "GET",
    path: str = "/orders/42",
    route_key: str = "GET /orders/{orderId}",
    *,
    identity_source: Sequence[str] | None = (AUTHORIZATION,),
    path_parameters: Mapping[str, str] | None = None,
    headers: Sequence[tuple[str, str]] = (("Authorization", AUTHORIZATION),),
    query: Sequence[tuple[str, str]] = (),
    stage_variables: Mapping[str, str] | None = None,
    arn_path: str | None = None,
    source_ip: str = "203.0.113.7",
    epoch: float = 1_795_398_612,
    deployment: Deployment = Deployment("$default"),
) -> Event:
    """HTTP API, payload format 2.0: no map of many values, so that what is repeated is joined by commas; cookies stand apart from the headers.

    `path` is spelled as the event spells it, without the stage; the ARN holds `arn_path` where that is spelled differently.
    """
    all_headers = _http_headers(headers, source_ip, deployment)
    gateway_template = _below_stage(path, deployment)
    optional = {
        "cookies": [cookie for name, value in all_headers if name == "cookie" for cookie in value.split("; ")],
        "queryStringParameters": _joined_values(query),
        "pathParameters": dict(path_parameters or {}),
        "stageVariables": dict(stage_variables or {}),
    }
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": deployment.method_arn(verb, path if arn_path is None else arn_path),
        "identitySource": None if identity_source is None else list(identity_source),
        "routeKey": route_key,
        "rawPath": gateway_template,
        "rawQueryString": urlencode(query),
        "headers": _joined_values([pair for pair in all_headers if pair[0] != "cookie"]),
        "requestContext": {
            "accountId": deployment.account,
            "apiId": deployment.api_id,
            "domainName": deployment.host,
            "domainPrefix": deployment.api_id,
            "http": {"method": verb, "path": gateway_template, "protocol": "HTTP/1.1", "sourceIp": source_ip, "userAgent": "curl/8.9.1"},
            "requestId": "QwErTy=",
            "routeKey": route_key,
            "stage": deployment.stage,
            "time": _moment(epoch),
            "timeEpoch": int(epoch * 1000),
        },
        # What a request lacks is left out.
        **{name: value for name, value in optional.items() if value},
    }


def websocket_event(
    *,
    headers: Sequence[tuple[str, str]] = (),
    query: Sequence[tuple[str, str]] = (("access_token", "not.a.token"),),
    stage_variables: Mapping[str, str] | None = None,
    source_ip: str = "203.0.113.7",
    epoch: float = 1_795_398_612,
    deployment: Deployment = Deployment(),
) -> Event:
    """WebSocket API, `$connect`: no verb in the ARN, no path, no template. Browsers cannot set headers there."""
    handshake = [("Connection", "upgrade"), ("Host", deployment.host), ("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")]
    all_headers = [*handshake, ("X-Forwarded-For", source_ip), *headers]
    return {
        "type": "REQUEST",
        "methodArn": deployment.method_arn("$connect", "").removesuffix("/"),
        "headers": _last_values(all_headers),
        "multiValueHeaders": _all_values(all_headers),
        "queryStringParameters": _last_values(query) or {},
        "multiValueQueryStringParameters": _all_values(query) or {},
        "stageVariables": dict(stage_variables or {}),
        "requestContext": {
            "apiId": deployment.api_id,
            "connectedAt": int(epoch * 1000),
            "connectionId": "Zz1=",
            "domainName": deployment.host,
            "eventType": "CONNECT",
            "extendedRequestId": "Zz1=",
            "identity": {"sourceIp": source_ip},
            "messageDirection": "IN",
            "requestId": "Zz1=",
            "requestTime": _moment(epoch),
            "requestTimeEpoch": int(epoch * 1000),
            "routeKey": "$connect",
            "stage": deployment.stage,
        },
    }


def _http_headers(headers: Sequence[tuple[str, str]], source_ip: str, deployment: Deployment) -> list[tuple[str, str]]:
    """HTTP APIs tell header names in lower case."""
    own = [("host", deployment.host), ("user-agent", "curl/8.9.1"), ("x-forwarded-for", source_ip)]
    return own + [(name.lower(), value) for name, value in headers]


def _below_stage(path: str, deployment: Deployment) -> str:
    """Of all stages `$default` alone does not show in paths."""
    return path if deployment.stage == "$default" else f"/{deployment.stage}{path}"


def _moment(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")


def _joined_values(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    return {name: ",".join(values) for name, values in (_all_values(pairs) or {}).items()}


def _last_values(pairs: Sequence[tuple[str, str]]) -> dict[str, str] | None:
    return dict(pairs) or None


def _all_values(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]] | None:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values or None
