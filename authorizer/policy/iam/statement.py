"""The parts of an IAM policy that API Gateway takes from an authorizer, and nothing of what decides them."""

import json
from typing import Literal, NotRequired, TypedDict

MAX_POLICY_BYTES = 7000
"""Budget of a policy, so that it fits into the 8 KB of an answer beside the caller's context."""


class Statement(TypedDict):
    """One IAM statement. A `Condition` stands on Allows that shall not outlive their reason."""

    Action: Literal["execute-api:Invoke"]
    Effect: Literal["Allow", "Deny"]
    Resource: list[str]
    Condition: NotRequired[dict[str, dict[str, str]]]


class PolicyDocument(TypedDict):
    """What API Gateway wants as `policyDocument`."""

    Version: Literal["2012-10-17"]
    Statement: list[Statement]


class PolicyTooLargeError(Exception):
    """An answer would pass API Gateway's limits. Publishing refuses the documents that could lead here."""


def end_of(until: float, token_expiry: int | None) -> int | None:
    """Return the second at which what holds until then ends, with the token at the latest; None if policies shall not say."""
    return None if token_expiry is None else token_expiry if until >= token_expiry else int(until)


def allow(resources: list[str], end: int | None) -> Statement:
    """Return a statement that allows, until `end` if that is said."""
    statement: Statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resources}
    if end is not None:
        statement["Condition"] = {"NumericLessThan": {"aws:EpochTime": str(end)}}
    return statement


def deny(*resources: str) -> Statement:
    """Return a statement that denies."""
    return {"Action": "execute-api:Invoke", "Effect": "Deny", "Resource": list(resources)}


def policy(*statements: Statement) -> PolicyDocument:
    """Return the document around statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def size_of(document: PolicyDocument) -> int:
    """Return the bytes of a policy as JSON."""
    return len(json.dumps(document))


def copied(document: PolicyDocument) -> PolicyDocument:
    """Return the same policy in objects of its own, for whoever may change it."""
    return {**document, "Statement": [_copied(statement) for statement in document["Statement"]]}


def _copied(statement: Statement) -> Statement:
    result: Statement = {**statement, "Resource": list(statement["Resource"])}
    if "Condition" in result:
        result["Condition"] = {operator: dict(tests) for operator, tests in result["Condition"].items()}
    return result


def allows(document: PolicyDocument, resource: str) -> bool:
    """Return whether API Gateway, which evaluates the policy again for each request, lets a request for this ARN pass.

    `GET/pets/*` takes in `GET/pets/7/photos`, since `*` crosses `/`, and `?` stands for one character ("IAM JSON policy elements: Resource", IAM user guide).
    Conditions are taken as met: the ones that are written here are met as long as the token is good.
    """
    effects = {s["Effect"] for s in document["Statement"] if any(_takes_in(pattern, resource) for pattern in s["Resource"])}
    return effects == {"Allow"}


def _takes_in(pattern: str, text: str) -> bool:
    first, *others = pattern.split("*")
    if not others:
        return len(first) == len(text) and _is_at(first, text, 0)
    if not _is_at(first, text, 0):
        return False
    *middle, last = others
    at = len(first)
    for piece in middle:
        # The first place leaves the most for the others.
        found = next((start for start in range(at, len(text) - len(piece) + 1) if _is_at(piece, text, start)), None)
        if found is None:
            return False
        at = found + len(piece)
    return len(text) - len(last) >= at and _is_at(last, text, len(text) - len(last))


def _is_at(piece: str, text: str, start: int) -> bool:
    """Return whether a piece without `*` stands in the text at this place."""
    if "?" not in piece:
        return text.startswith(piece, start)
    return len(text) - start >= len(piece) and all(wanted in ("?", text[start + at]) for at, wanted in enumerate(piece))
