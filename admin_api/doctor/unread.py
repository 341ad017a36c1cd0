"""What could not be read, asked by checks that would take it for something that is not there."""

from admin_api.doctor.deployment import Deployment


def was_not_read(deployment: Deployment, *permissions: str) -> bool:
    """Return whether something is missing from what was read for want of one of these permissions, such as `lambda:GetPolicy`."""
    return any(permission in unread.needs for unread in deployment.unread for permission in permissions)
