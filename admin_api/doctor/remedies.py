"""Remedies that several checks name: AWS CLI commands, and the lines of a template that stand for them.

A change of a REST API's authorizer is served once the stage is deployed again ("Deploying a REST API", developer guide). A function's environment is written
as a line of its template: `update-function-configuration` would replace all the rest of it.
"""

import json
from collections.abc import Sequence

from admin_api.doctor.deployment import Deployment, Gateway

_PREFIX = "context."


def with_sources(deployment: Deployment, sources: Sequence[str]) -> str:
    """Return how to give the authorizer these identity sources, as a command."""
    authorizer = deployment.authorizer
    if deployment.gateway is Gateway.REST:
        return f"{_patched(deployment, '/identitySource', ','.join(sources))}; in a template {_identity(sources)}"
    named = " ".join(f"'{source}'" for source in sources or ["[]"])
    command = f"aws apigatewayv2 update-authorizer --api-id {deployment.api_id} --authorizer-id {authorizer.id} --identity-source {named}"
    return f"`{command}`; in a template `IdentitySource: [{', '.join(sources)}]`"


def with_ttl(deployment: Deployment, seconds: int) -> str:
    """Return how to let the gateway remember answers for so long, as a command."""
    authorizer = deployment.authorizer
    if deployment.gateway is Gateway.REST:
        return (
            f"{_patched(deployment, '/authorizerResultTtlInSeconds', str(seconds))}; in a template `Identity.ReauthorizeEvery: {seconds}`"
        )
    command = f"aws apigatewayv2 update-authorizer --api-id {deployment.api_id} --authorizer-id {authorizer.id}"
    return f"`{command} --authorizer-result-ttl-in-seconds {seconds}`; in a template `AuthorizerResultTtlInSeconds: {seconds}`"


def with_setting(name: str, value: str) -> str:
    """Return the line of a template that sets a variable of the function."""
    return f'`{name}: "{value}"` under the function\'s `Environment.Variables`'


def _patched(deployment: Deployment, path: str, value: str) -> str:
    operation = json.dumps([{"op": "replace", "path": path, "value": value}])
    of = f"--rest-api-id {deployment.api_id}"
    return (
        f"`aws apigateway update-authorizer {of} --authorizer-id {deployment.authorizer.id} --patch-operations '{operation}'`, "
        f"then `aws apigateway create-deployment {of} --stage-name {deployment.stage}`"
    )


def _identity(sources: Sequence[str]) -> str:
    """`Identity: {Headers: [Authorization], Context: [httpMethod]}`, as AWS::Serverless::Api writes it."""
    fields = {"Headers": "method.request.header.", "QueryStrings": "method.request.querystring.", "Context": _PREFIX}
    named = {field: [s.removeprefix(prefix) for s in sources if s.startswith(prefix)] for field, prefix in fields.items()}
    written = ", ".join(f"{field}: [{', '.join(names)}]" for field, names in named.items() if names)
    return f"`Identity: {{{written or 'ReauthorizeEvery: 0'}}}`"
