"""The Lambda entry point of the admin API, `admin_api.handler.handler`. A mistake in the settings stops the cold start."""

import time
from collections.abc import Mapping
from typing import Any

from authorizer.runtime import check_runtime

check_runtime()

# What comes with the wrong zip would fail in here, with an error that names anything but the cause.
from aws_lambda_powertools import Logger  # noqa: E402
from aws_lambda_powertools.logging import utils  # noqa: E402

from admin_api.gateway_cache import GatewayCaches  # noqa: E402
from admin_api.rest.app import AdminApi  # noqa: E402
from admin_api.rest.console import ConsoleConfig  # noqa: E402
from admin_api.settings import AdminSettings, read_admin_settings  # noqa: E402
from admin_api.user_directory import UserDirectory  # noqa: E402
from admin_api.wiring import open_service  # noqa: E402
from authorizer.log_json import log_json  # noqa: E402


def build_handler(settings: AdminSettings) -> Any:
    """Return the handler: one log line for each request, with who asked for what and how it ended, and no body."""
    logger = Logger(service="gatebook-admin", json_serializer=log_json)
    utils.copy_config_to_registered_loggers(logger, include={"admin_api"})
    caches = GatewayCaches(settings.flush_stages)
    api = AdminApi(
        open_service(settings.table, issuers=settings.issuers),
        now=time.time,
        flush=caches.flush,
        flush_on_publish=settings.flush_on_publish,
        allow_origin=settings.allow_origin,
        console=ConsoleConfig(
            settings.console_client_id,
            settings.user_pool_id,
            settings.console_pool_url,
            settings.console_login_url,
            user_directory=settings.user_directory,
        ),
        users=UserDirectory(settings.user_pool_id) if settings.user_directory else None,
    )

    def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        answer = api(event, context)
        caller = ((event.get("requestContext") or {}).get("authorizer") or {}).get("principalId")
        logger.info(
            "request",
            method=event.get("httpMethod"),
            path=event.get("path"),
            status=answer["statusCode"],
            subject=caller,
            request_id=getattr(context, "aws_request_id", ""),
        )
        return answer

    return handle


handler = build_handler(read_admin_settings())
