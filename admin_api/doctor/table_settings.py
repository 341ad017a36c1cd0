"""The permission table's own settings: whether entries that have ended are deleted, and whether the history survives a mistake."""

from collections.abc import Iterator

from admin_api.doctor.deployment import Deployment, Table
from admin_api.doctor.finding import Finding, Severity

EXPIRY_ATTRIBUTE = "expires_at"
"""The attribute of denylist and idempotency items that says, in epoch seconds, from when on they count for nothing."""

_KEPT = "entries of the denylist that have ended are kept and read for ever"


def unprotected_table(deployment: Deployment) -> Iterator[Finding]:
    """The table is the only place that holds the permissions and their history. Nothing here changes a decision today."""
    table = deployment.table
    if table is None:
        return
    about = f"table {table.name}"
    if table.expiry_attribute != EXPIRY_ATTRIBUTE:
        yield Finding(Severity.WARNING, about, _about_expiry(table), _expiry_remedy(table))
    if not table.point_in_time_recovery:
        yield Finding(
            Severity.WARNING,
            about,
            "point-in-time recovery is off: what is overwritten or deleted by mistake is gone with its history",
            f"`aws dynamodb update-continuous-backups --table-name {table.name} "
            "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`",
        )
    if not table.deletion_protection:
        yield Finding(
            Severity.WARNING,
            about,
            "deletion protection is off: one call, or a stack that is deleted, takes all permissions and their history",
            f"`aws dynamodb update-table --table-name {table.name} --deletion-protection-enabled`",
        )


def _about_expiry(table: Table) -> str:
    if not table.expiry_attribute:
        return f"it has no TTL attribute: {_KEPT}"
    return f"its TTL attribute is `{table.expiry_attribute}` in place of `{EXPIRY_ATTRIBUTE}`: {_KEPT}"


def _expiry_remedy(table: Table) -> str:
    change = f"`aws dynamodb update-time-to-live --table-name {table.name} --time-to-live-specification"
    enable = f"{change} Enabled=true,AttributeName={EXPIRY_ATTRIBUTE}`"
    if not table.expiry_attribute:
        return enable
    return f"{change} Enabled=false,AttributeName={table.expiry_attribute}`, and an hour later {enable}"
