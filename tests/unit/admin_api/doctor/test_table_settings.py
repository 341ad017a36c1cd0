"""The permission table's own settings."""

from dataclasses import replace
from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.doctor.table_settings import EXPIRY_ATTRIBUTE, unprotected_table
from authorizer.table.items import DenylistItem
from tests.support.deployments import sound_http, sound_rest


def with_table(**changes: Any) -> Deployment:
    sound = sound_rest()
    assert sound.table is not None
    return replace(sound, table=replace(sound.table, **changes))


@pytest.mark.parametrize("deployment", [sound_rest(), sound_http(), sound_rest(table=None)])
def test_nothing_is_said_of_a_table_that_is_kept(deployment: Deployment) -> None:
    assert list(unprotected_table(deployment)) == []


TTL = "`aws dynamodb update-time-to-live --table-name permissions --time-to-live-specification"


@pytest.mark.parametrize(
    ("changes", "message", "remedy"),
    [
        ({"expiry_attribute": ""}, "it has no TTL attribute", f"{TTL} Enabled=true,AttributeName=expires_at`"),
        (
            {"expiry_attribute": "ttl"},
            "its TTL attribute is `ttl` in place of `expires_at`",
            f"{TTL} Enabled=false,AttributeName=ttl`, and an hour later {TTL} Enabled=true,AttributeName=expires_at`",
        ),
        (
            {"point_in_time_recovery": False},
            "point-in-time recovery is off",
            "`aws dynamodb update-continuous-backups --table-name permissions --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`",
        ),
        (
            {"deletion_protection": False},
            "deletion protection is off",
            "`aws dynamodb update-table --table-name permissions --deletion-protection-enabled`",
        ),
    ],
)
def test_each_setting_that_is_off_is_a_warning_with_its_command(changes: dict[str, Any], message: str, remedy: str) -> None:
    [found] = unprotected_table(with_table(**changes))
    assert (found.severity, found.about, found.message.partition(":")[0], found.remedy) == (
        Severity.WARNING,
        "table permissions",
        message,
        remedy,
    )


def test_all_of_them_are_named_at_once() -> None:
    assert len(list(unprotected_table(with_table(expiry_attribute="", point_in_time_recovery=False, deletion_protection=False)))) == 3


def test_the_attribute_is_the_one_that_entries_of_the_denylist_carry() -> None:
    assert EXPIRY_ATTRIBUTE in DenylistItem.get_attributes()
