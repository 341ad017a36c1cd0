"""Says which permission an import lacks when AWS refuses a call."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

# IAM, the Cognito services and DynamoDB do not agree on the word.
_DENIED = ("AccessDenied", "AccessDeniedException", "NotAuthorizedException", "UnauthorizedOperation")


class PermissionMissingError(Exception):
    """AWS refuses a call. The message names the permission and what it is needed for."""


@contextmanager
def needs(permission: str, what: str) -> Iterator[None]:
    """Turn a refusal of the calls within into `PermissionMissingError`: `iam:GetRole` and `role reader` name what to allow. Other errors pass."""
    try:
        yield
    except ClientError as error:
        if error_code(error) not in _DENIED:
            raise
        raise PermissionMissingError(
            f"AWS refuses `{permission}` on {what}: allow it to the identity that imports, or have somebody import who may"
        ) from None


def error_code(error: ClientError) -> str:
    """Return AWS's code of an error, `NoSuchEntity`."""
    return str(error.response.get("Error", {}).get("Code", ""))
