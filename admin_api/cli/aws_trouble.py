"""Trouble with AWS or the local stack, told with the next step: which option, variable or command helps."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import boto3
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  # botocore's word
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidRegionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)

from admin_api.cli.settings import AWS, LOCAL_STATE, Target
from authorizer.errors import TroubleError

_CREDENTIALS = "run `aws configure`, or name a profile that has some with AWS_PROFILE"
_SIGN_IN = "sign in again, as with `aws sso login`, or name another profile with AWS_PROFILE"
_START_ANEW = "stop it with `gatebook down` and start it with `gatebook up`"

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_UNKNOWN_KEY = (
    *("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException", "SignatureDoesNotMatch"),
    *("IncompleteSignatureException", "MissingAuthenticationTokenException", "InvalidAccessKeyId", "AuthFailure"),
)
_REFUSED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
_THROTTLED = (
    *("ProvisionedThroughputExceededException", "ThrottlingException", "Throttling", "ThrottledException", "RequestLimitExceeded"),
    *(
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ),
)
_NO_TABLE = ("ResourceNotFoundException",)

_WORKS_ON: ContextVar[Target] = ContextVar("works_on", default=AWS)


def works_on(target: Target) -> None:
    """Keep which table or stack the command at hand works on, so that trouble with it is told by its name."""
    _WORKS_ON.set(target)


@contextmanager
def nothing_named() -> Iterator[None]:
    """Run a command: whatever it names with `works_on` is forgotten at its end."""
    token = _WORKS_ON.set(AWS)
    try:
        yield
    finally:
        _WORKS_ON.reset(token)


def told(error: Exception) -> str:
    """Return an error of a command in words that name the next step. What is no trouble with AWS is told by its own message.

    `EndpointConnectionError` of a local stack -> `the local stack is not running: start it with gatebook up`
    """
    target = _WORKS_ON.get()
    cause = next(_aws_errors(error), None) if isinstance(error, TroubleError | BotoCoreError | ClientError) else None
    words = None if cause is None else _words(cause, target, of_table=isinstance(error, TroubleError))
    if words is None:
        return str(error)
    if isinstance(error, TroubleError) and error.reason == "outcome_unknown":
        # Whether it was written is what matters most, and no remedy says so.
        return f"{error}. {words[0].upper()}{words[1:]}"
    return words


def _aws_errors(error: BaseException | None) -> Iterator[BotoCoreError | ClientError]:
    """Yield the errors of the AWS SDK behind an error. PynamoDB keeps them under `cause`, Python under `__cause__`."""
    while error is not None:
        if isinstance(error, BotoCoreError | ClientError):
            yield error
        error = getattr(error, "cause", None) or error.__cause__


def _words(error: BotoCoreError | ClientError, target: Target, *, of_table: bool) -> str | None:
    if isinstance(error, ClientError):
        return _refusal_of_credentials(error, target) or (_refusal_of_table(error, target) if of_table else _refusal(error, target))
    if isinstance(error, ConnectionError | HTTPClientError):
        return _unreachable(error, target)
    return _configuration(error)


def _unreachable(error: BotoCoreError, target: Target) -> str:
    if target.access_key is not None:
        if isinstance(error, EndpointConnectionError):
            return "the local stack is not running: start it with gatebook up"
        return f"the local stack at {target.endpoint} does not answer ({type(error).__name__}): {_START_ANEW}"
    url = error.kwargs.get("endpoint_url") or target.endpoint or "AWS"
    if target.is_local:
        return f"nothing answers at {url}: start what AWS_ENDPOINT_URL names, or unset the variable"
    return f"no answer from {url} ({type(error).__name__}): look at the network and at the region, which --region names"


def _configuration(error: BotoCoreError) -> str | None:
    return next((words(error) for kind, words in _CONFIGURATION.items() if isinstance(error, kind)), None)


_CONFIGURATION: dict[type[BotoCoreError], Callable[[BotoCoreError], str]] = {
    NoRegionError: lambda _: "no AWS region is configured: give --region, set AWS_REGION, or run `aws configure`",
    InvalidRegionError: lambda error: (
        f"`{error.kwargs['region_name']}` is no AWS region: give --region as in `--region eu-west-1`, or set AWS_REGION"
    ),
    NoCredentialsError: lambda _: f"there are no AWS credentials: {_CREDENTIALS}",
    PartialCredentialsError: lambda error: f"the AWS credentials are incomplete, {error.kwargs['cred_var']} is missing: {_CREDENTIALS}",
    ProfileNotFound: lambda error: (
        f"the AWS configuration has no profile `{error.kwargs['profile']}`, which AWS_PROFILE names: `aws configure list-profiles` shows those that it has"
    ),
    SSOError: lambda error: f"the AWS sign-in has ended ({type(error).__name__}): {_SIGN_IN}",
    TokenRetrievalError: lambda error: f"the AWS sign-in has ended ({type(error).__name__}): {_SIGN_IN}",
    CredentialRetrievalError: lambda error: f"the AWS credentials cannot be had ({type(error).__name__}): {_CREDENTIALS}",
}
"""What is wrong with the AWS configuration, and what helps: `NoRegionError` -> `no AWS region is configured: give --region, ...`."""


def _refusal_of_credentials(error: ClientError, target: Target) -> str | None:
    code, message = _code(error), error.response.get("Error", {}).get("Message", "")
    if code in _EXPIRED:
        return f"the AWS session has ended ({code}): {_SIGN_IN}"
    if code in _UNKNOWN_KEY:
        if target.access_key is not None:
            return f"the stack at {target.endpoint} does not take the key of {LOCAL_STATE / 'local.json'} ({code}): {_START_ANEW}"
        return f"AWS does not take these credentials ({code}): {_CREDENTIALS}"
    if code in _REFUSED:
        return f"AWS refuses {error.operation_name} to these credentials ({code}): {message}; `aws sts get-caller-identity` says whose they are"
    return None


def _refusal_of_table(error: ClientError, target: Target) -> str | None:
    # A transaction that is cancelled has a reason for each of its items, which PynamoDB keeps beside the response.
    codes = {_code(error), *(reason.code for reason in getattr(error, "cancellation_reasons", ()) if reason is not None)}
    slow = sorted(codes.intersection(_THROTTLED))
    if slow:
        return f"DynamoDB throttles table `{target.table}` ({slow[0]}): run the command again in a moment, and raise the table's limits if that goes on"
    if codes.isdisjoint(_NO_TABLE):
        return None
    if target.access_key is not None:
        return f"the local stack at {target.endpoint} has no table `{target.table}`: {_START_ANEW}"
    place = f"at {target.endpoint}" if target.endpoint else f"in region {_region(target)}"
    return f"there is no table `{target.table}` {place}: name another one with --table or --region, or make it with `gatebook init`"


def _refusal(error: ClientError, target: Target) -> str | None:
    code, operation = _code(error), error.operation_name
    if code in _THROTTLED:
        return f"AWS throttles {operation} ({code}): run the command again in a moment"
    if code == "ResourceInUseException" and operation == "CreateTable":
        return f"table `{target.table}` exists already: fill it with `gatebook apply FILE`"
    if code == "ResourceNotFoundException" and operation == "GetFunctionConfiguration":
        return f"AWS knows no such function in region {_region(target)}: name another one with --authorizer, or its region with AWS_REGION"
    return None


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _region(target: Target) -> str:
    return target.region or boto3.Session().region_name or "of the AWS configuration"
