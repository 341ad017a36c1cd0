"""Drops what API Gateway remembers of an authorizer's answers, so that a change bites before the TTL is over."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_LOGGER = logging.getLogger(__name__)

HTTP_PREFIX = "http:"
"""Stands before a stage of an HTTP API: its cache is reset by another call than that of a REST API."""


def _client(service: str) -> Any:
    config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
    return botocore.session.get_session().create_client(service, config=config)


@dataclass(frozen=True)
class GatewayCaches:
    """The stages that are guarded under each API's name: `REST_API_ID/STAGE`, as in `a1b2c3d4e5/prod`, or `http:API_ID/STAGE` of an HTTP API."""

    stages: Mapping[str, tuple[str, ...]]
    client: Callable[[str], Any] = _client
    _clients: dict[str, Any] = field(default_factory=dict)

    def flush(self, api: str) -> tuple[str, ...]:
        """Drop what the API's stages remember, and name those for which that worked. One call for each stage.

        FlushStageAuthorizersCache of REST APIs and ResetAuthorizersCache of HTTP APIs (API references). A stage that fails is logged and left out: the
        change itself is made, and bites when the TTL is over.
        """
        flushed = []
        for stage in self.stages.get(api, ()):
            try:
                self._flush(stage)
            except (BotoCoreError, ClientError) as error:
                _LOGGER.warning("flush", extra={"api": api, "stage": stage, "detail": str(error)})
            else:
                flushed.append(stage)
        return tuple(flushed)

    def _flush(self, stage: str) -> None:
        api_id, _, name = stage.removeprefix(HTTP_PREFIX).partition("/")
        if stage.startswith(HTTP_PREFIX):
            self._called("apigatewayv2").reset_authorizers_cache(ApiId=api_id, StageName=name)
        else:
            self._called("apigateway").flush_stage_authorizers_cache(restApiId=api_id, stageName=name)

    def _called(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self.client(service)
        return self._clients[service]
