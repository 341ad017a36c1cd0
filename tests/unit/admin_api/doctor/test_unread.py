"""What was not read is not taken for missing."""

from admin_api.doctor.deployment import Unread
from admin_api.doctor.unread import was_not_read
from tests.support.deployments import sound_rest


def test_a_permission_that_was_missing_is_found_among_all() -> None:
    deployment = sound_rest(
        unread=(Unread("policy", "denied", "lambda:GetPolicy"), Unread("rows", "denied", "dynamodb:GetItem and dynamodb:Query"))
    )
    assert was_not_read(deployment, "lambda:GetPolicy")
    assert was_not_read(deployment, "iam:GetRolePolicy", "dynamodb:Query")
    assert not was_not_read(deployment, "iam:GetRolePolicy")
    assert not was_not_read(sound_rest(), "lambda:GetPolicy")
