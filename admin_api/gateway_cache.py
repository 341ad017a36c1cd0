"""Drops what API Gateway remembers of an authorizer's answers, so that a change bites before the TTL is over."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class GatewayCaches:
    """The stages of REST APIs that are guarded under each API's name, as `REST_API_ID/STAGE`."""

    stages: Mapping[str, tuple[str, ...]]

    def flush(self, api: str) -> tuple[str, ...]:
        """Drop what the API's stages remember, and name those for which that worked. One call for each stage.

        A stage that fails is logged and left out: the change itself is made, and bites when the TTL is over.
        """
        flushed = []
        for stage in self.stages.get(api, ()):
            rest_api_id, _, name = stage.partition("/")
            try:
                self._client.flush_stage_authorizers_cache(restApiId=rest_api_id, stageName=name)
            except (BotoCoreError, ClientError) as error:
                _LOGGER.warning("flush", extra={"api": api, "stage": stage, "detail": str(error)})
            else:
                flushed.append(stage)
        return tuple(flushed)

    @cached_property
    def _client(self) -> Any:
        config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
        return botocore.session.get_session().create_client("apigateway", config=config)
