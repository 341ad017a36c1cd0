"""Builds the control plane's one door on a table: the only place besides the Lambda handler that knows both."""

import time
from collections.abc import Callable

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.publishing.recovery import Recovery
from admin_api.publishing.service import PermissionService
from authorizer.policy.document import PermissionDocument
from authorizer.table.reader import PermissionTable


def open_service(
    table: str,
    region: str | None = None,
    endpoint: str | None = None,
    access_key: tuple[str, str] | None = None,
    issuers: TrustedIssuers = NOT_KNOWN,
    on_document: Callable[[PermissionDocument], object] = lambda _: None,
) -> PermissionService:
    """Return the service on a table. What is not given follows the AWS SDK's own environment variables. `on_document` is shown each newest document."""
    return PermissionService(PermissionTable(table, region, endpoint, access_key), time.time, issuers=issuers, on_document=on_document)


def open_recovery(
    table: str, region: str | None = None, endpoint: str | None = None, access_key: tuple[str, str] | None = None
) -> Recovery:
    """Return what backs up and restores the APIs of a table. What is not given follows the AWS SDK's own environment variables."""
    permissions = PermissionTable(table, region, endpoint, access_key)
    return Recovery(permissions, PermissionService(permissions, time.time), time.time)
