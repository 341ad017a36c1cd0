"""Reads the gateway's side of a deployment: the Lambda authorizer that is meant, the stage's ARN, and what a REST API says beside it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from admin_api.analysis.found_routes import FoundRoutes, Guard
from admin_api.doctor.calls import Calls, DoctorError
from admin_api.doctor.deployment import GatewayAuthorizer, RefusalResponse
from admin_api.importers.deployed_stage import DeployedStage

NEEDS = ("apigateway:GET",)

_URI = re.compile(r"arn:[^:]+:apigateway:[^:]*:lambda:path/[^/]+/functions/(.+)/invocations")
_VARIABLE = re.compile(r"\$\{stageVariables\.(\w+)\}")
_LAMBDA = ("TOKEN", "REQUEST")
_CUSTOM = "CUSTOM"
_REST_TTL = 300


def gateway_arn(at: DeployedStage, calls: Calls) -> str:
    """Return the API's ARN: `arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5`. AWS lets everybody ask who he is, so that this needs no permission.

    Where even that is not answered, the partition is the region's and the account `*`, which no ARN of AWS has.
    """
    meta = calls.client("apigateway").meta
    caller = calls.attempt("the account", "sts:GetCallerIdentity", lambda: str(calls.client("sts").get_caller_identity()["Arn"]))
    partition, account = (caller.split(":")[1], caller.split(":")[4]) if caller is not None else (meta.partition, "*")
    return f"arn:{partition}:execute-api:{meta.region_name}:{account}:{at.api_id}"


def authorizers_of_routes(at: DeployedStage, calls: Calls) -> Mapping[str, str] | None:
    """Return the id of the Lambda authorizer of each route as the gateway writes it, such as `GET /pets`. None if that could not be read.

    A REST API's are those of its methods as they are now: a deployment does not say which authorizer a method has.
    """
    return calls.attempt(f"methods and routes of API `{at.api_id}`", "apigateway:GET", lambda: dict(_named(at, calls)))


def _named(at: DeployedStage, calls: Calls) -> list[tuple[str, str]]:
    if at.is_rest:
        methods = at.method_resources(calls.client)
        return [
            (f"{verb} {path}", method["authorizerId"])
            for path, verbs in methods.items()
            for verb, method in verbs.items()
            if method.get("authorizationType") == _CUSTOM and "authorizerId" in method
        ]
    routes = at.items("get_routes", calls.client)
    return [
        (route["RouteKey"], route["AuthorizerId"])
        for route in routes
        if route.get("AuthorizationType") == _CUSTOM and "AuthorizerId" in route
    ]


def read_authorizer(at: DeployedStage, wanted: str | None, named: Mapping[str, str] | None, arn: str, calls: Calls) -> GatewayAuthorizer:
    """Return the Lambda authorizer that is meant: the one that routes name, or `wanted` by its id or its function's name.

    `named` are the authorizers of routes; all of the API count where it is None. `arn` is the API's. Raises `DoctorError`, `ClientError`.
    """
    read = [_authorizer(each, at, arn) for each in at.items("get_authorizers", calls.client)]
    known = [each for each in read if each.kind in _LAMBDA]
    if wanted is not None:
        found = [each for each in known if wanted in _names(each)]
        if not found:
            raise DoctorError(f"API `{at.api_id}` has no Lambda authorizer `{wanted}`: {_choices(known)}")
    else:
        found = [each for each in known if named is None or each.id in named.values()]
        if not found:
            raise DoctorError(
                f"API `{at.api_id}`: none of its routes has a Lambda authorizer, so that nothing asks Gatebook: attach one "
                "(docs/attaching.md) and deploy the stage"
            )
    if len(found) > 1:
        raise DoctorError(f"API `{at.api_id}` has several Lambda authorizers: name one with --authorizer; {_choices(found)}")
    return found[0]


def held_to(found: FoundRoutes, named: Mapping[str, str] | None, authorizer: GatewayAuthorizer) -> FoundRoutes:
    """Return the routes, those of another Lambda authorizer as guarded by something else: the authorizer that is judged is never asked about them."""
    others = {route for route, name in (named or {}).items() if name != authorizer.id}
    # What comes over a connection was let in by the authorizer of `$connect`.
    of_connection = found.kind == "websocket" and bool(others)
    routes = tuple(
        replace(each, guard=Guard.OTHER)
        if each.guard is Guard.AUTHORIZER and (of_connection or each.place.partition(" ")[2] in others)
        else each
        for each in found.routes
    )
    return replace(found, routes=routes)


def _authorizer(answer: Mapping[str, Any], at: DeployedStage, arn: str) -> GatewayAuthorizer:
    if at.is_rest:
        return GatewayAuthorizer(
            id=answer["id"],
            name=answer.get("name", ""),
            kind=answer["type"],
            ttl=answer.get("authorizerResultTtlInSeconds", _REST_TTL),
            sources=tuple(source.strip() for source in answer.get("identitySource", "").split(",") if source.strip()),
            function=_function(answer.get("authorizerUri", ""), at),
            role=answer.get("authorizerCredentials", ""),
            payload="",
            simple_responses=False,
            arn=f"{arn}/authorizers/{answer['id']}",
        )
    return GatewayAuthorizer(
        id=answer["AuthorizerId"],
        name=answer.get("Name", ""),
        kind=answer["AuthorizerType"],
        # Only HTTP APIs remember answers, and only where somebody says for how long ("CreateAuthorizer", API reference).
        ttl=answer.get("AuthorizerResultTtlInSeconds", 0) if at.kind == "http" else 0,
        sources=tuple(answer.get("IdentitySource", ())),
        function=_function(answer.get("AuthorizerUri", ""), at),
        role=answer.get("AuthorizerCredentialsArn", ""),
        payload=answer.get("AuthorizerPayloadFormatVersion", "") if at.kind == "http" else "",
        simple_responses=answer.get("EnableSimpleResponses", False),
        arn=f"{arn}/authorizers/{answer['AuthorizerId']}",
    )


def _function(uri: str, at: DeployedStage) -> str:
    """Return the function of an authorizer's address, its stage variables filled in. A variable that the stage lacks stays as it is written.

    `arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:123456789012:function:f:${stageVariables.alias}/invocations`
    -> `arn:aws:lambda:eu-west-1:123456789012:function:f:live`
    """
    filled = _VARIABLE.sub(lambda match: at.variables.get(match[1], match[0]), uri)
    match = _URI.fullmatch(filled)
    return match[1] if match else ""


def _names(authorizer: GatewayAuthorizer) -> Sequence[str]:
    """`arn:...:function:petstore:live` -> the authorizer's id, the ARN, `petstore:live` and `petstore`."""
    name = authorizer.function.rpartition(":function:")[2]
    return (authorizer.id, authorizer.function, name, name.partition(":")[0])


def _choices(authorizers: Sequence[GatewayAuthorizer]) -> str:
    if not authorizers:
        return "it has none: attach one (docs/attaching.md)"
    told = ", ".join(f"`{each.id}` (function `{_names(each)[2]}`)" for each in sorted(authorizers, key=lambda each: each.id))
    return f"its Lambda authorizers are {told}"


def read_resource_policy(at: DeployedStage, calls: Calls) -> Mapping[str, Any] | None:
    """Return a REST API's resource policy, None for none. GetRestApi writes it as the inside of a JSON string: `{\\"Version\\":\\"2012-10-17\\"}`."""
    text = at.api.get("policy", "") if at.is_rest else ""
    if not text:
        return None
    try:
        policy = _json(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        calls.note(f"resource policy of API `{at.api_id}`", "what AWS answers is no JSON object", "a look at it in the console")
        return None
    return policy


def _json(text: str) -> object:
    try:
        # Emulators give it as it was put.
        return json.loads(text)
    except ValueError:
        return json.loads(json.loads(f'"{text}"', strict=False))


def read_refusals(at: DeployedStage, calls: Calls) -> Mapping[str, RefusalResponse] | None:
    """Return the gateway responses of a REST API that were changed, by their type. None for other APIs, which have none."""
    if not at.is_rest:
        return None
    what = f"gateway responses of API `{at.api_id}`"
    found = calls.attempt(what, "apigateway:GET", lambda: at.items("get_gateway_responses", calls.client))
    if found is None:
        return None
    return {each["responseType"]: _refusal(each) for each in found if not each.get("defaultResponse", False)}


def _refusal(answer: Mapping[str, Any]) -> RefusalResponse:
    headers = {name.lower(): value for name, value in answer.get("responseParameters", {}).items()}
    return RefusalResponse(answer["responseType"], str(answer.get("statusCode") or ""), headers)
