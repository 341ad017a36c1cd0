"""The function's resource policy: whether API Gateway may invoke the function for this authorizer, and who else may."""

from collections.abc import Iterator
from enum import Enum

from admin_api.doctor.deployment import Deployment, Function, GatewayAuthorizer
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.iam_statements import Statement, fits, statements_of

_INVOKE = "lambda:InvokeFunction"
_INVOKES = (_INVOKE, "lambda:InvokeFunctionUrl")
_GATEWAY = "apigateway.amazonaws.com"

_ARN_LIKE = ("arnlike", "arnequals")
_OF_THE_CALL = ("aws:sourcearn", "aws:sourceaccount")
"""Condition keys that the gateway fills in ("Condition keys for AWS Lambda", Lambda developer guide)."""

_OF_THE_CALLER = (*_OF_THE_CALL, "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths")
"""Condition keys by which a permission for everybody is one for somebody."""


class _Meets(Enum):
    """Whether an invocation by this authorizer meets the conditions of a statement."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


def uninvokable_function(deployment: Deployment) -> Iterator[Finding]:
    """API Gateway invokes an authorizer by a role, or because the function's policy lets it in for this authorizer: without either all requests get 500."""
    function, authorizer = deployment.function, deployment.authorizer
    if function is None or authorizer.role or not function.policy_is_known:
        return
    invoked = _invoked(function, authorizer)
    told = [statement for statement in statements_of(function.policy or {}) if _is_about_the_gateway(statement, invoked)]
    met = {statement: _meets(statement, authorizer.arn) for statement in told}
    denied = [statement for statement in told if statement.is_deny and met[statement] is _Meets.YES]
    allowed = {met[statement] for statement in told if not statement.is_deny}
    about = f"function {function.name}"
    remedy = _add_permission(invoked, authorizer)
    if denied:
        yield Finding(
            Severity.ERROR,
            about,
            f"statement `{denied[0].sid}` of its policy denies API Gateway to invoke it, so that every request is answered with 500",
            "take the statement out of the function's policy",
        )
    elif _Meets.YES not in allowed and _Meets.UNKNOWN in allowed:
        unclear = next(statement for statement in told if met[statement] is _Meets.UNKNOWN and not statement.is_deny)
        yield Finding(
            Severity.WARNING,
            about,
            f"statement `{unclear.sid}` of its policy lets API Gateway in under conditions that are not judged here: where they are not met, requests get 500",
            f"name the authorizer in place of the condition: {remedy}",
        )
    elif _Meets.YES not in allowed:
        yield Finding(
            Severity.ERROR,
            about,
            f"its policy does not let API Gateway invoke `{invoked}` for authorizer {authorizer.id}, so that every request is answered with 500",
            remedy,
        )


def strangers_invoke(deployment: Deployment) -> Iterator[Finding]:
    """Whoever may invoke the function asks it about any request, and reads in its answers who may call what."""
    function = deployment.function
    if function is None:
        return
    # A gateway may have its authorizer in another account.
    ours = frozenset((_account(function.arn), _account(deployment.authorizer.arn)))
    invoked = (function.arn, _invoked(function, deployment.authorizer))
    for statement in statements_of(function.policy or {}):
        if statement.is_deny or not any(statement.speaks_of(action, resource) for action in _INVOKES for resource in invoked):
            continue
        remedy = f"`aws lambda remove-permission --function-name {' '.join(statement.resources)} --statement-id {statement.sid}`"
        found = _of_strangers(statement, ours) or _of_other_apis(statement, ours)
        if found:
            severity, message = found
            yield Finding(
                severity, f"function {function.name}", f"statement `{statement.sid}` of its policy lets {message} invoke it", remedy
            )


def _invoked(function: Function, authorizer: GatewayAuthorizer) -> str:
    """Return the ARN that the gateway invokes. `$LATEST` is the function without a version, and has no policy of its own."""
    # A stage variable stands for a part of the ARN: then what was read is what it led to.
    arn = function.arn if "${" in authorizer.function or not authorizer.function else authorizer.function
    return arn.removesuffix(":$LATEST")


def _is_about_the_gateway(statement: Statement, invoked: str) -> bool:
    return _names_the_gateway(statement) and statement.speaks_of(_INVOKE, invoked)


def _names_the_gateway(statement: Statement) -> bool:
    return ("Service", _GATEWAY) in statement.principals or ("AWS", "*") in statement.principals


def _meets(statement: Statement, source: str) -> _Meets:
    """Return whether the gateway meets all conditions when it invokes for an authorizer with this ARN."""
    known = {"aws:sourcearn": source, "aws:sourceaccount": _account(source)}
    each = {_holds(operator, values, known.get(key, "")) for operator, key, values in statement.conditions}
    return next((met for met in (_Meets.NO, _Meets.UNKNOWN) if met in each), _Meets.YES)


def _holds(operator: str, values: tuple[str, ...], told: str) -> _Meets:
    """Return whether what the gateway tells fits one of the values, `UNKNOWN` where it is not known what it tells, or what the operator makes of it."""
    plain = operator.lower().removesuffix("ifexists")
    if not told or plain not in (*_ARN_LIKE, "stringlike", "stringequals"):
        return _Meets.UNKNOWN
    if plain in _ARN_LIKE:
        # "Each of the six colon-delimited components of the ARN is checked separately" (IAM user guide, "ARN condition operators").
        pairs = [(value.split(":", 5), told.split(":", 5)) for value in values]
        if any(len(pattern) == len(arn) and all(map(fits, pattern, arn)) for pattern, arn in pairs):
            return _Meets.YES
        return _Meets.NO if all(len(pattern) == len(arn) for pattern, arn in pairs) else _Meets.UNKNOWN
    does = any(value == told if plain == "stringequals" else fits(value, told) for value in values)
    return _Meets.YES if does else _Meets.NO


def _of_strangers(statement: Statement, ours: frozenset[str]) -> tuple[Severity, str] | None:
    """Return who of other accounts may invoke the function by a statement, in words."""
    named = [name for kind, name in statement.principals if kind == "AWS"]
    # Who calls directly has no source, which is why a condition on it that only counts if it exists lets everybody in.
    narrowing = [(key, values) for operator, key, values in _narrowing(statement) if not operator.endswith("ifexists")]
    if "*" in named and not any(key in _OF_THE_CALLER for key, _ in narrowing):
        return Severity.ERROR, "everybody"
    confined = any(key in _OF_THE_CALL or (key == "aws:principalaccount" and ours.issuperset(values)) for key, values in narrowing)
    if "*" in named and not confined:
        return Severity.WARNING, "whoever meets its conditions"
    other = next((account for account in map(_account_of_principal, named) if account.isdecimal() and account not in ours), "")
    return (Severity.ERROR, f"account {other}") if other else None


def _of_other_apis(statement: Statement, ours: frozenset[str]) -> tuple[Severity, str] | None:
    """Return which gateways besides those of APIs that are named may invoke the function by a statement, in words."""
    sources = [value for _, key, values in _narrowing(statement) if key == "aws:sourcearn" for value in values]
    accounts = [value for _, key, values in _narrowing(statement) if key == "aws:sourceaccount" for value in values]
    # Of everybody only who has a source is a gateway.
    if ("Service", _GATEWAY) not in statement.principals and not (_names_the_gateway(statement) and (sources or accounts)):
        return None
    of_sources = [_account(arn) for arn in sources]
    other = next((account for account in (*of_sources, *accounts) if account.isdecimal() and account not in ours), "")
    if other:
        return Severity.ERROR, f"APIs of account {other}"
    if not any(named and ours.issuperset(named) for named in (of_sources, accounts)):
        return Severity.WARNING, "APIs of any account"
    if not sources or any(_is_open(_api(arn)) for arn in sources):
        return Severity.WARNING, "every API of the account"
    return None


def _narrowing(statement: Statement) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return the conditions that name who may: operator in lower case, key, values. One that names who may not leaves the others, and some ask for nothing."""
    lowered = [(operator.lower(), key, values) for operator, key, values in statement.conditions]
    return [each for each in lowered if "not" not in each[0] and not each[0].startswith(("null", "forallvalues:"))]


def _account(arn: str) -> str:
    """`arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/authorizers/z9y8x7` -> `123456789012`, "" where the ARN says none."""
    return "".join(arn.split(":")[4:5])


def _api(arn: str) -> str:
    return "".join(arn.split(":", 5)[5:]).partition("/")[0]


def _is_open(api: str) -> bool:
    return not api or "*" in api or "?" in api


def _account_of_principal(name: str) -> str:
    """`123456789012` and `arn:aws:iam::123456789012:role/warmer` -> `123456789012`; the id of a role that is gone has none."""
    return _account(name) or name


def _add_permission(invoked: str, authorizer: GatewayAuthorizer) -> str:
    return (
        f"`aws lambda add-permission --function-name {invoked} --statement-id gatebook-{authorizer.id} --action {_INVOKE} "
        f"--principal {_GATEWAY} --source-arn {authorizer.arn}`"
    )
