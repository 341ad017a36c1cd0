"""A REST API's resource policy beside the authorizer: what it allows lets through whatever the authorizer's answer does not speak of.

In one account either Allow is enough unless there is a Deny ("How API Gateway resource policies affect authorization workflow", Table A, developer guide).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from admin_api.analysis.found_routes import FoundRoute, Guard
from admin_api.doctor.authorizer_settings import settings_of
from admin_api.doctor.cache_key import TOKEN_AUTHORIZER
from admin_api.doctor.deployment import Deployment, Gateway
from admin_api.doctor.finding import Finding, Severity
from admin_api.doctor.request_arns import may_meet, request_pattern, takes_in
from admin_api.doctor.words import named
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.document import PermissionDocument

_INVOKE = "execute-api:invoke"
_SHORT = "execute-api:/"

Statement = Mapping[str, Any]


def overruling_resource_policy(deployment: Deployment) -> Iterator[Finding]:
    """A resource policy that allows callers makes an access of the authorizer's silence: `token` scope, and `where` in `route` scope, rely on silence.

    Judged as if each condition of an Allow held for somebody, and no condition of a Deny for everybody. Callers of a route with a Lambda authorizer are nobody
    to IAM, so that what is allowed to a named principal alone lets none of them through.
    """
    if deployment.gateway is not Gateway.REST or deployment.resource_policy is None:
        return
    statements = _list_of(deployment.resource_policy.get("Statement"))
    allows = [each for each in statements if each.get("Effect") == "Allow" and _is_invoke(each)]
    denies = [each for each in statements if each.get("Effect") == "Deny" and _is_invoke(each)]
    yield from _of_allows(deployment, [each for each in allows if _is_anybody(each)])
    yield from _of_denies(deployment, [each for each in denies if _is_everybody(each) and not each.get("Condition")])
    yield from _of_open_routes(deployment, allows)


def _of_allows(deployment: Deployment, allows: list[Statement]) -> Iterator[Finding]:
    settings = settings_of(deployment)
    if settings is None:
        return
    guarded = _patterns(deployment, lambda each: each.guard is Guard.AUTHORIZER)
    for statement in allows:
        met = [route for route, pattern in guarded if _may_apply(deployment, statement, pattern)]
        if not met:
            continue
        what = f"{_named(statement)} allows callers {named(met)}"
        narrower = (
            f"allow in the resource policy only routes without an authorizer, such as `execute-api:/{deployment.stage}/OPTIONS/*`: "
            "for the others the authorizer's Allow is enough"
        )
        if settings.cache_scope is CacheScope.TOKEN:
            yield _finding(
                f"{what}, and a policy of `token` scope is silent about what the caller may not do: silence is then access",
                f"{narrower}; or `CACHE_SCOPE=route` with a REQUEST authorizer",
            )
        elif (
            settings.cache_scope is CacheScope.ROUTE and deployment.authorizer.kind != TOKEN_AUTHORIZER and deployment.published is not None
        ):
            patterns = _bound(deployment, deployment.published.document)
            bound = [route for route, pattern in patterns if _may_apply(deployment, statement, pattern)]
            if bound:
                yield _finding(
                    f"{what}, and the answer for a route with `where`, such as `{bound[0]}`, is silent about other values: silence is then access",
                    f"{narrower}; or `CACHE_SCOPE=request`, whose answers deny what they do not allow",
                )


def _of_denies(deployment: Deployment, denies: list[Statement]) -> Iterator[Finding]:
    guarded = _patterns(deployment, lambda each: each.guard is Guard.AUTHORIZER)
    for statement in denies:
        if guarded and all(_applies(deployment, statement, pattern) for _, pattern in guarded):
            yield _finding(
                f"{_named(statement)} denies every guarded route to everybody, without a condition: each request is 403 before the authorizer is asked",
                "take the statement out, or give it the condition that it is meant to have",
            )


def _of_open_routes(deployment: Deployment, allows: list[Statement]) -> Iterator[Finding]:
    """Name routes without an authorizer that no Allow meets: there the resource policy alone decides, and what it does not allow is denied."""
    is_open = _patterns(deployment, lambda each: each.guard in (Guard.NONE, Guard.OPEN))
    refused = [(route, pattern) for route, pattern in is_open if not any(_may_apply(deployment, each, pattern) for each in allows)]
    if refused:
        yield _finding(
            f"where no authorizer is asked the resource policy decides alone, and allows nobody {named(route for route, _ in refused)}: every request is 403",
            f"allow these in the resource policy, each as a Resource such as `execute-api:/{deployment.stage}{refused[0][1].removeprefix(deployment.arn)}` "
            'of `{"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke"}`',
        )


def _bound(deployment: Deployment, document: PermissionDocument) -> list[tuple[str, str]]:
    cells = {
        cell
        for subject in document.subjects.values()
        for permission in subject.permissions
        if permission.where
        for cell in document.catalog.cells_of(permission.selector, permission.excepted)
    }
    return [(str(route), request_pattern(deployment, verb, route)) for verb, route in document.catalog.cells if (verb, route) in cells]


def _patterns(deployment: Deployment, meant: Callable[[FoundRoute], bool]) -> list[tuple[str, str]]:
    return [
        (str(each.route), request_pattern(deployment, verb, each.route))
        for each in deployment.routes.routes
        if meant(each)
        for verb in each.route.verbs
    ]


def _is_invoke(statement: Statement) -> bool:
    """Return whether a statement speaks of calling the API. Actions count in any case."""
    if "Action" in statement:
        return any(may_meet(action.lower(), _INVOKE) for action in _texts_of(statement["Action"]))
    return not any(may_meet(action.lower(), _INVOKE) for action in _texts_of(statement.get("NotAction")))


def _is_everybody(statement: Statement) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, Mapping) else principal
    return "*" in _texts_of(named)


def _is_anybody(statement: Statement) -> bool:
    """Return whether callers that are nobody to IAM are among those who are meant: everybody, or everybody but some."""
    return _is_everybody(statement) or "NotPrincipal" in statement


def _may_apply(deployment: Deployment, statement: Statement, pattern: str) -> bool:
    """Return whether a statement may speak of some request of the pattern."""
    if "Resource" in statement:
        return any(may_meet(_in_full(deployment, each), pattern) for each in _texts_of(statement["Resource"]))
    return not any(takes_in(_in_full(deployment, each), pattern) for each in _texts_of(statement.get("NotResource")))


def _applies(deployment: Deployment, statement: Statement, pattern: str) -> bool:
    """Return whether a statement speaks of every request of the pattern."""
    if "Resource" in statement:
        return any(takes_in(_in_full(deployment, each), pattern) for each in _texts_of(statement["Resource"]))
    return not any(may_meet(_in_full(deployment, each), pattern) for each in _texts_of(statement.get("NotResource")))


def _in_full(deployment: Deployment, resource: str) -> str:
    """Return a Resource as an ARN: `execute-api:/prod/GET/*` stands for this API's."""
    api = deployment.arn.rpartition("/")[0]
    return f"{api}/{resource.removeprefix(_SHORT)}" if resource.startswith(_SHORT) else resource


def _texts_of(value: object) -> list[str]:
    return [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, str)]


def _list_of(value: object) -> list[Statement]:
    return [each for each in (value if isinstance(value, list | tuple) else [value]) if isinstance(each, Mapping)]


def _named(statement: Statement) -> str:
    return f"statement `{statement['Sid']}`" if statement.get("Sid") else "a statement"


def _finding(message: str, remedy: str) -> Finding:
    return Finding(Severity.ERROR, "resource policy", message, remedy)
