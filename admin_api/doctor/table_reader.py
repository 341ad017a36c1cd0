"""Reads the permission table's own settings."""

from admin_api.doctor.calls import Calls
from admin_api.doctor.deployment import Table

NEEDS = ("dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive", "dynamodb:DescribeContinuousBackups")


def read_table(name: str, calls: Calls) -> Table | None:
    """Return a table by its name. None if one of its settings could not be read: nobody could tell a setting that is off from one that is not known."""
    dynamodb, what = calls.client("dynamodb"), f"table `{name}`"
    table = calls.attempt(what, "dynamodb:DescribeTable", lambda: dynamodb.describe_table(TableName=name)["Table"])
    expiry = calls.attempt(
        f"expiry of {what}",
        "dynamodb:DescribeTimeToLive",
        lambda: dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
    )
    backups = calls.attempt(
        f"backups of {what}",
        "dynamodb:DescribeContinuousBackups",
        lambda: dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"],
    )
    if table is None or expiry is None or backups is None:
        return None
    return Table(
        name,
        table["TableArn"],
        expiry["AttributeName"] if expiry["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else "",
        backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED",
        table.get("DeletionProtectionEnabled", False),
    )
