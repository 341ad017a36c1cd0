"""What all wire formats have in common: what a request is once it is read, and the answer before it is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple, NotRequired, TypedDict

from authorizer.errors import TroubleError
from authorizer.policy.cache_scope import KeyPart
from authorizer.policy.iam.method_arn import MethodArn, MethodArnError
from authorizer.policy.iam.statement import PolicyDocument, copied

MAX_ANSWER_BYTES = 8000
"""Budget of a whole answer: WebSocket APIs take 8 KB ("WebSocket quotas", API Gateway developer guide), and no kind of API is given more here."""

_MAY_BE_OMITTED = ("groups", "scopes", "consent", "routes")
_AROUND_POLICY = len('"policyDocument": , ')


class AuthorizationRequest(NamedTuple):
    """One request. `authorization` holds every value that may be the token; `gateway_template` the gateway's path template, if it told it.

    `cache_key_parts` is what the gateway's cache key holds; None if the event does not show it. `path_parameters` are the values of the template's parameters
    as the gateway tells them, to the backend as well; empty if it told none.
    """

    format: str
    method_arn: MethodArn
    authorization: tuple[str, ...]
    gateway_template: str | None = None
    cache_key_parts: frozenset[KeyPart] | None = None
    path_parameters: Mapping[str, str] = MappingProxyType({})

    @property
    def apart_from_the_token(self) -> tuple[object, ...]:
        """All that was asked. Who asks is known from the token, which nothing should keep."""
        return self.format, self.method_arn, self.gateway_template, self.cache_key_parts, self.path_parameters


@dataclass(frozen=True)
class Answer:
    """What API Gateway is told: about whom, the policy, and flat values for the backend.

    `is_authorized` is set where the answer shall be that one word instead of the policy. `usage_key` names the API key whose usage plan counts the request.
    `policy_bytes` is the size of the policy as JSON, for whoever knows it already.
    An answer may be given many times: what it takes to write it is found out once.
    """

    principal_id: str
    policy_document: PolicyDocument
    context: Mapping[str, str]
    is_authorized: bool | None = None
    usage_key: str | None = None
    policy_bytes: int | None = None

    @cached_property
    def policy_response(self) -> "PolicyResponse":
        """The IAM form, within the budget. Raises `TroubleError` if that is impossible."""
        others: dict[str, str] = {"principalId": self.principal_id}
        if self.usage_key is not None:
            others["usageIdentifierKey"] = self.usage_key
        size = len(json.dumps(self.policy_document)) if self.policy_bytes is None else self.policy_bytes
        context = _fitting_context(self.context, others, _AROUND_POLICY + size)
        response: PolicyResponse = {"principalId": self.principal_id, "policyDocument": self.policy_document, "context": context}
        if self.usage_key is not None:
            response["usageIdentifierKey"] = self.usage_key
        return response


class PolicyResponse(TypedDict):
    """The IAM form of an answer ("Output from an API Gateway Lambda authorizer", developer guide)."""

    principalId: str
    policyDocument: PolicyDocument
    context: dict[str, str]
    usageIdentifierKey: NotRequired[str]


class SimpleResponse(TypedDict):
    """The one word for an HTTP API that has simple responses enabled ("AWS Lambda authorizers for HTTP APIs", developer guide)."""

    isAuthorized: bool
    context: dict[str, str]


# Callers come back to the same resources.
_parse_arn = lru_cache(maxsize=256)(MethodArn.parse)


def read_method_arn(text: object) -> MethodArn:
    """Return the ARN of an event. Raises `TroubleError` if API Gateway cannot have sent it."""
    try:
        return _parse_arn(text if isinstance(text, str) else "")
    except MethodArnError as error:
        raise TroubleError("unreadable_event", f"the event's method ARN cannot be read: {error}") from None


def write_policy_response(answer: Answer) -> PolicyResponse:
    """Return the IAM form, within the budget, to whoever may change it. Raises `TroubleError` if that is impossible."""
    response = answer.policy_response
    return {**response, "policyDocument": copied(response["policyDocument"]), "context": dict(response["context"])}


def write_simple_response(answer: Answer, *, is_authorized: bool) -> SimpleResponse:
    """Return the one word, within the budget. Raises `TroubleError` if that is impossible."""
    return {"isAuthorized": is_authorized, "context": _fitting_context(answer.context, {"isAuthorized": is_authorized}, 0)}


def _fitting_context(told: Mapping[str, str], others: Mapping[str, object], besides: int) -> dict[str, str]:
    """Return the context, less what would make the answer too large: lists leave it one by one, each marked by its name and `_omitted`.

    `others` are the answer's other fields, as far as they are not among `besides`, the bytes that are known. Raises `TroubleError` if even that is too much.
    """
    context = dict(told)
    leaving = (name for name in _MAY_BE_OMITTED if name in told)
    while (size := len(json.dumps({**others, "context": context})) + besides) > MAX_ANSWER_BYTES:
        name = next(leaving, None)
        if name is None:
            raise TroubleError("answer_too_large", f"the answer has {size} bytes, more than {MAX_ANSWER_BYTES}")
        del context[name]
        context[f"{name}_omitted"] = "true"
    return context
