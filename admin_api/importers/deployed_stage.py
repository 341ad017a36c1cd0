"""Finds an API of API Gateway by its id, and the stage of it that is meant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from admin_api.importers.imported import ImportSourceError
from authorizer.policy.route import DEFAULT_ROUTE

_NOT_FOUND = "NotFoundException"

Client = Callable[[str], Any]
"""Makes a client of a service, `apigateway` or `apigatewayv2`."""


@dataclass(frozen=True, slots=True)
class DeployedStage:
    """A stage of an API. `kind` is `rest`, `http` or `websocket`; `api` and `settings` are what AWS answers of the API and of the stage."""

    api_id: str
    kind: str
    api: Mapping[str, Any]
    settings: Mapping[str, Any]

    @property
    def is_rest(self) -> bool:
        """Whether it is a REST API's, of which the service `apigateway` tells, and `apigatewayv2` of all others."""
        return self.kind == "rest"

    @property
    def name(self) -> str:
        """The stage's name, such as `prod` or `$default`."""
        return str(self.settings["stageName" if self.is_rest else "StageName"])

    @property
    def api_name(self) -> str:
        """What its owner calls the API, or its id."""
        return str(self.api.get("name" if self.is_rest else "Name", self.api_id))

    @property
    def variables(self) -> Mapping[str, str]:
        """The stage variables by their names."""
        return dict(self.settings.get("variables" if self.is_rest else "StageVariables") or {})

    def method_resources(self, client: Client) -> dict[str, Mapping[str, Any]]:
        """Return the methods of a REST API by path and verb, as they are now, deployed or not. Raises `ClientError`."""
        pages = client("apigateway").get_paginator("get_resources").paginate(restApiId=self.api_id, embed=["methods"])
        return {each["path"]: each.get("resourceMethods", {}) for page in pages for each in page["items"]}

    def items(self, operation: str, client: Client) -> list[Mapping[str, Any]]:
        """Return all pages of an operation such as `get_routes`, or `get_authorizers` of either service. Raises `ClientError`."""
        if self.is_rest:
            pages = client("apigateway").get_paginator(operation).paginate(restApiId=self.api_id)
            return [each for page in pages for each in page.get("items", [])]
        return _items(client("apigatewayv2"), operation, self.api_id)


def find_stage(api_id: str, stage: str | None, client: Client) -> DeployedStage:
    """Return a stage of an API. `stage` may be left out where the API has one alone, or `$default`. Raises `ImportSourceError`, `ClientError`.

    One id belongs to one kind of API: HTTP and WebSocket APIs are asked for first (`GetApi`), then REST APIs (`GetRestApi`).
    """
    newer = client("apigatewayv2")
    api = _found(lambda: newer.get_api(ApiId=api_id))
    if api is not None:
        stages = {each["StageName"]: each for each in _items(newer, "get_stages", api_id)}
        return DeployedStage(api_id, str(api["ProtocolType"]).lower(), api, _chosen(stages, stage, api_id))
    older = client("apigateway")
    api = _found(lambda: older.get_rest_api(restApiId=api_id))
    if api is None:
        raise ImportSourceError(f"there is no API `{api_id}` in this account and region: correct the id, or give --region")
    stages = {each["stageName"]: each for each in older.get_stages(restApiId=api_id)["item"]}
    return DeployedStage(api_id, "rest", api, _chosen(stages, stage, api_id))


def _items(client: Any, operation: str, api_id: str) -> list[Mapping[str, Any]]:
    return [each for page in client.get_paginator(operation).paginate(ApiId=api_id) for each in page["Items"]]


def _found(ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
    try:
        return ask()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == _NOT_FOUND:
            return None
        raise


def _chosen(stages: Mapping[str, Mapping[str, Any]], stage: str | None, api_id: str) -> Mapping[str, Any]:
    """Return the stage that is meant."""
    names = ", ".join(f"`{name}`" for name in sorted(stages))
    if not stages:
        raise ImportSourceError(
            f"API `{api_id}` has no stage, so that nothing of it is deployed: deploy it, or import the file that it is made of"
        )
    if stage is not None:
        if stage not in stages:
            raise ImportSourceError(f"API `{api_id}` has no stage `{stage}`: its stages are {names}")
        return stages[stage]
    if len(stages) == 1:
        return next(iter(stages.values()))
    if DEFAULT_ROUTE in stages:
        return stages[DEFAULT_ROUTE]
    raise ImportSourceError(f"API `{api_id}` has several stages: name one with --stage, its stages are {names}")
