"""What a check says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from admin_api.doctor.deployment import Deployment


class Severity(StrEnum):
    """`error` where somebody may get what the document denies, or nobody gets what it allows; `warning` where one day or one caller away from that."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `about` names it in AWS's words, such as `authorizer z9y8x7`; `message` says what it leads to; `remedy` what to do, as a command
    or a line of a template where there is one."""

    severity: Severity
    about: str
    message: str
    remedy: str


Check = Callable[[Deployment], Iterator[Finding]]
"""Judges a deployment. Yields nothing where all is well, and where what it needs could not be read."""
