"""Looks people up in the user pool, for admins who know a name and not the groups. It reads that one pool, keeps nothing and logs no name."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_LOGGER = logging.getLogger(__name__)

MAX_USERS = 10
"""Users that one search finds."""

_SEARCHED = ("username", "preferred_username", "email")

_BUSY = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "LimitExceededException", "InternalErrorException", "ServiceUnavailableException"}
)


class DirectoryRefusedError(Exception):
    """Cognito refuses: the function may not ask, or the pool is gone. Asking again does not help."""


class DirectoryUnavailableError(Exception):
    """Cognito does not answer, or has been asked too often: asking again may help."""


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """One user. `display_name` is the preferred user name, or the address where nothing else tells who it is; `status` is Cognito's, or `DISABLED`."""

    name: str
    display_name: str | None
    status: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FoundUsers:
    """What a search found, by name. `more` tells that others begin with the same text."""

    users: tuple[DirectoryUser, ...]
    more: bool


def _client(region: str) -> Any:
    config = Config(connect_timeout=1, read_timeout=3, retries={"total_max_attempts": 2})
    return botocore.session.get_session().create_client("cognito-idp", region_name=region, config=config)


@dataclass(frozen=True)
class UserDirectory:
    """The users of one pool, `eu-west-1_AbCdEfGhI`. `client` makes the client of Cognito in the pool's region, `eu-west-1`."""

    pool_id: str
    client: Callable[[str], Any] = _client
    _clients: list[Any] = field(default_factory=list)

    def beginning_with(self, text: str, check: Callable[[], object] = lambda: None) -> FoundUsers:
        """Return up to `MAX_USERS` users whose user name, preferred user name or email begins with a text, each with all groups.

        ListUsers once to three times, AdminListGroupsForUser for each user found. `check` is called before each. Raises `DirectoryRefusedError` and
        `DirectoryUnavailableError`.
        """
        found: dict[str, DirectoryUser] = {}
        more = False
        for attribute in _SEARCHED:
            check()
            users, has_next = self._listed(filter_of(attribute, "^=", text))
            # What the filter says is said once more here: whatever a text might do to it, nobody else's name is told.
            fitting = [user for user in users if _value(user, attribute).casefold().startswith(text.casefold())]
            more |= has_next
            for user in fitting:
                more |= len(found) >= MAX_USERS and user["Username"] not in found
                if len(found) < MAX_USERS and user["Username"] not in found:
                    found |= self._read(user, attribute, check)
            if len(found) >= MAX_USERS and more:
                break
        return FoundUsers(tuple(sorted(found.values(), key=lambda user: user.name)), more)

    def with_sub(self, sub: str, check: Callable[[], object] = lambda: None) -> FoundUsers:
        """Return the user whose tokens carry a `sub`, if the pool has one. Costs and raises as `beginning_with` does, for one search."""
        check()
        users, _ = self._listed(filter_of("sub", "=", sub))
        found: dict[str, DirectoryUser] = {}
        for user in users:
            if _value(user, "sub") == sub:
                found |= self._read(user, "sub", check)
        return FoundUsers(tuple(found.values()), more=False)

    def _listed(self, condition: str) -> tuple[list[Mapping[str, Any]], bool]:
        # Without `AttributesToGet`: it is an error where a user has no value of one of them ("ListUsers", API reference).
        page = self._ask("list_users", Filter=condition, Limit=MAX_USERS)
        # An emulator may pass the limit over.
        users = page.get("Users", [])
        return users, bool(page.get("PaginationToken"))

    def _read(self, user: Mapping[str, Any], found_by: str, check: Callable[[], object]) -> dict[str, DirectoryUser]:
        name = user["Username"]
        try:
            groups = tuple(sorted(self._groups(name, check)))
        except _GoneError:
            return {}
        status = str(user.get("UserStatus", "UNKNOWN")) if user.get("Enabled", True) else "DISABLED"
        return {name: DirectoryUser(name, _display_name(user, found_by), status, groups)}

    def _groups(self, name: str, check: Callable[[], object]) -> Iterator[str]:
        following: dict[str, str] = {}
        while True:
            check()
            page = self._ask("admin_list_groups_for_user", Username=name, **following)
            yield from (group["GroupName"] for group in page.get("Groups", []))
            if not page.get("NextToken"):
                return
            following = {"NextToken": page["NextToken"]}

    def _ask(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        try:
            if not self._clients:
                self._clients.append(self.client(self.pool_id.partition("_")[0]))
            answer: Mapping[str, Any] = getattr(self._clients[0], operation)(UserPoolId=self.pool_id, **parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code == "UserNotFoundException":
                raise _GoneError from None
            # The words of Cognito may hold the text that was looked for.
            _LOGGER.warning("user_directory", extra={"operation": operation, "reason": code})
            if code in _BUSY:
                raise DirectoryUnavailableError(f"the user pool cannot answer now ({code}): ask again in a moment") from None
            raise DirectoryRefusedError(
                f"Cognito refuses to look users up in `{self.pool_id}` ({code}): allow the admin function `cognito-idp:ListUsers` and "
                "`cognito-idp:AdminListGroupsForUser` on that pool, or set `USER_DIRECTORY` to `false`"
            ) from None
        except BotoCoreError as error:
            _LOGGER.warning("user_directory", extra={"operation": operation, "reason": type(error).__name__})
            raise DirectoryUnavailableError("the user pool does not answer: ask again in a moment") from None
        return answer


class _GoneError(Exception):
    """The user was deleted between two calls."""


def filter_of(attribute: str, comparison: str, value: str) -> str:
    r"""Return a filter of ListUsers, its value escaped: `username`, `^=`, `a"b\` -> `username ^= "a\"b\\"`."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{attribute} {comparison} "{escaped}"'


def _value(user: Mapping[str, Any], attribute: str) -> str:
    if attribute == "username":
        return str(user["Username"])
    return next((str(each.get("Value", "")) for each in user.get("Attributes", []) if each["Name"] == attribute), "")


def _display_name(user: Mapping[str, Any], found_by: str) -> str | None:
    """Return what an admin knows a user by, None where the user name is that. An address is told to those alone who knew its beginning, or where the
    user name is the `sub`, as in pools in which people sign in with their address."""
    name, preferred, email = user["Username"], _value(user, "preferred_username"), _value(user, "email")
    shown = email if found_by == "email" or (name == _value(user, "sub") and not preferred) else preferred
    return shown if shown and shown != name else None
