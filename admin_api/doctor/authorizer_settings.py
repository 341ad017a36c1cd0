"""The deployed function's settings, read by the authorizer's own reader: a check sees what the function sees."""

from collections.abc import Iterator

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Finding, Severity
from authorizer.errors import SettingsError
from authorizer.settings import Settings, read_settings


def settings_of(deployment: Deployment) -> Settings | None:
    """Return the settings, None where the function or a parameter that it names could not be read, or where it would not start with them."""
    try:
        return _read(deployment)
    except SettingsError:
        return None


def unusable_settings(deployment: Deployment) -> Iterator[Finding]:
    """A function does not start with settings that are wrong, and every request is answered with 500."""
    try:
        _read(deployment)
    except SettingsError as error:
        about = f"function {deployment.function.name}" if deployment.function is not None else "function"
        for problem in error.problems:
            yield Finding(
                Severity.ERROR,
                about,
                f"{problem}: the function stops at its start, so that every request is answered with 500",
                "correct the function's environment in the template that it is made of, and deploy that",
            )


def _read(deployment: Deployment) -> Settings | None:
    if deployment.function is None or deployment.parameters is None:
        return None
    try:
        return read_settings(deployment.function.environment, deployment.parameters.__getitem__)
    except KeyError:
        # A parameter that nobody read, so that what it holds is as unknown as if none had been.
        return None
