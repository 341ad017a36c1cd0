"""Reads a parameter of AWS Systems Manager, for settings that are too long for a function's environment."""

import re
from typing import Any

from authorizer.errors import SettingsError

_NAME = re.compile(r"(?:arn:[a-z-]+:ssm:[a-z0-9-]+:\d+:parameter/)?[A-Za-z0-9_.\-/]{1,1011}")
_SECONDS = 2


def read_parameter(name: str) -> str:
    """Return the text of a parameter, decrypted if need be ("GetParameter", Systems Manager API reference). Raises `SettingsError` if it cannot be read."""
    if not _NAME.fullmatch(name):
        raise SettingsError(["what stands behind `ssm:` is no parameter's name, such as `/gatebook/issuers`"])
    # Only who needs it pays for this import and for a second client.
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    config = Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"total_max_attempts": 2, "mode": "standard"})
    try:
        client: Any = get_session().create_client("ssm", config=config)
        answer = client.get_parameter(Name=name, WithDecryption=True)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise SettingsError(
            [f"the parameter cannot be read ({code}): it must be there, and the function needs `ssm:GetParameter` on it"]
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise SettingsError([f"the parameter cannot be read: {error}"]) from error
    return str(answer["Parameter"]["Value"]).strip()
