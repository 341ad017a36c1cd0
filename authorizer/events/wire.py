"""What all wire formats have in common: what a request is once it is read, and the answer before it is written."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from authorizer.errors import TroubleError
from authorizer.policy.compiler import PolicyDocument
from authorizer.policy.method_arn import MethodArn, MethodArnError

MAX_ANSWER_BYTES = 8000
"""Budget of a whole answer: WebSocket APIs take 8 KB ("WebSocket quotas", API Gateway developer guide), and no kind of API is given more here."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One request. `authorization` holds every value that the Authorization header has; `told_path` the gateway's path template, if it told it."""

    format: str
    method_arn: MethodArn
    authorization: tuple[str, ...]
    told_path: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What API Gateway is told: about whom, the policy, and flat values for the backend."""

    principal_id: str
    policy_document: PolicyDocument
    context: Mapping[str, str]


class PolicyResponse(TypedDict):
    """The IAM form of an answer ("Output from an API Gateway Lambda authorizer", developer guide)."""

    principalId: str
    policyDocument: PolicyDocument
    context: NotRequired[dict[str, str]]


def read_method_arn(text: object) -> MethodArn:
    """The ARN of an event. Raises `TroubleError` if API Gateway cannot have sent it."""
    try:
        return MethodArn.parse(text if isinstance(text, str) else "")
    except MethodArnError as error:
        raise TroubleError("unreadable_event", f"the event's method ARN cannot be read: {error}") from None


def write_policy_response(answer: Answer) -> PolicyResponse:
    """The IAM form, within the budget. Groups leave the context first, marked by `groups_omitted`. Raises `TroubleError` if even that is too much."""
    response: PolicyResponse = {
        "principalId": answer.principal_id,
        "policyDocument": answer.policy_document,
        "context": dict(answer.context),
    }
    if _size(response) > MAX_ANSWER_BYTES:
        kept = {key: value for key, value in answer.context.items() if key != "groups"}
        response["context"] = kept | {"groups_omitted": "true"}
    if _size(response) > MAX_ANSWER_BYTES:
        raise TroubleError("answer_too_large", f"the answer has {_size(response)} bytes, more than {MAX_ANSWER_BYTES}")
    return response


def _size(response: PolicyResponse) -> int:
    return len(json.dumps(response).encode())
