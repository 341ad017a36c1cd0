"""The parts of an IAM policy that API Gateway takes from an authorizer, and nothing of what decides them."""

from collections.abc import Iterable
from typing import Literal, NotRequired, TypedDict

from authorizer.policy.permission import Permission


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


def end_of(permissions: Iterable[Permission], token_expiry: int | None) -> int | None:
    """Return the second at which the last of these allows ends, with the token at the latest; None if policies shall not say."""
    if token_expiry is None:
        return None
    return max(token_expiry if p.until is None else min(token_expiry, p.until) for p in permissions)


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
