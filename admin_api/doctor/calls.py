"""Calls of AWS of which each may fail for itself: what cannot be read is noted, and the next one is made all the same."""

from collections.abc import Callable
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from admin_api.doctor.deployment import Unread

_Answer = TypeVar("_Answer")

_REFUSED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorizedException")
_MISSING = ("ResourceNotFoundException", "NotFoundException", "NoSuchEntity", "ParameterNotFound", "TableNotFoundException")


class DoctorError(Exception):
    """There is nothing to judge: it is not clear which authorizer is meant, or there is none. The message says the remedy."""


class Calls:
    """The clients of one run, and what could not be read by them. `client` makes a client of an AWS service by its name, such as `lambda`."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.client = client
        self.unread: list[Unread] = []

    def attempt(self, what: str, needs: str, ask: Callable[[], _Answer]) -> _Answer | None:
        """Return what `ask` returns. Where AWS refuses or does not answer, note that `what` is unread and return None.

        `needs` is the permission, such as `lambda:GetPolicy`.
        """
        try:
            return ask()
        except ClientError as error:
            code = code_of(error)
            if code in _MISSING:
                self.note(what, f"there is none in this account and region ({code})", "the right name where it is named, or --region")
            else:
                self.note(what, f"it is refused ({code})" if code in _REFUSED else f"AWS answers {code}", needs)
        except BotoCoreError as error:
            self.note(what, f"AWS cannot be asked: {error}", f"a way to AWS, and {needs}")
        return None

    def note(self, what: str, reason: str, needs: str) -> None:
        """Note that something could not be read."""
        self.unread.append(Unread(what, reason, needs))


def code_of(error: ClientError) -> str:
    """Return the code of an error: `AccessDeniedException`."""
    return str(error.response.get("Error", {}).get("Code", ""))
