"""How the admin API is set up: its environment, checked."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from admin_api.analysis.trusted_issuers import NOT_KNOWN, TrustedIssuers
from admin_api.documents.strict_json import read_json
from admin_api.issuers import issuers_of_settings, read_parameter
from authorizer.errors import SettingsError
from authorizer.policy.problems import DocumentError

_STAGE = re.compile(r"(http:)?[a-z0-9]+/[A-Za-z0-9_$-]+")

_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|([a-z0-9-]+\.)*localhost)(:\d+)?")

_SWITCH = {"": False, "false": False, "true": True}

_FLUSH_ON = {"denylist": False, "publish": True}


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin API's own environment, checked. `flush_stages` names the stages of each API whose remembered answers are dropped,
    `flush_on_publish` drops them with each version, not with changes of the denylist alone. `issuers` are those that the guarded APIs trust.

    `user_directory` tells whether admins may look people up in the pool `user_pool_id`.

    People sign in to the console through `console_client_id`, `""` where it is not set up: at `console_pool_url`, or at `console_login_url` (managed login)."""

    table: str
    flush_stages: Mapping[str, tuple[str, ...]]
    allow_origin: str
    flush_on_publish: bool = False
    issuers: TrustedIssuers = NOT_KNOWN
    console_client_id: str = ""
    user_pool_id: str = ""
    console_pool_url: str = ""
    console_login_url: str = ""
    user_directory: bool = False


def read_admin_settings(environ: Mapping[str, str] | None = None, parameter: Callable[[str], str] = read_parameter) -> AdminSettings:
    """Read `PERMISSIONS_TABLE`, `FLUSH_STAGES`, `FLUSH_ON`, `ALLOW_ORIGIN`, `CONSOLE_CLIENT_ID`, `CONSOLE_POOL_URL`, `CONSOLE_LOGIN_URL` and `USER_DIRECTORY`;
    `USER_POOL_ID`, `APP_CLIENT_IDS`, `JWKS_URI` and `TRUSTED_ISSUERS` as the authorizers have them. Raises `SettingsError` that names every one that is
    missing or wrong.

    `parameter` reads a parameter of Systems Manager."""
    environ = os.environ if environ is None else environ
    problems: list[str] = []
    table = environ.get("PERMISSIONS_TABLE", "").strip()
    if not table:
        problems.append("`PERMISSIONS_TABLE` is missing")
    stages: dict[str, tuple[str, ...]] = {}
    try:
        for api, names in read_json(environ.get("FLUSH_STAGES", "").strip() or "{}").items():
            stages[api] = tuple(_stage(name) for name in names)
    except (DocumentError, ValueError, TypeError, AttributeError):
        problems.append('`FLUSH_STAGES` must be JSON such as `{"petstore": ["a1b2c3d4e5/prod", "http:h7h7h7h7h7/$default"]}`')
    flush_on = environ.get("FLUSH_ON", "").strip() or "denylist"
    if flush_on not in _FLUSH_ON:
        problems.append(f"`FLUSH_ON` is `{flush_on}`: it may be {' or '.join(f'`{word}`' for word in _FLUSH_ON)}")
    issuers = issuers_of_settings(environ, parameter, problems)
    origin, client, pool = (environ.get(name, "").strip() for name in ("ALLOW_ORIGIN", "CONSOLE_CLIENT_ID", "USER_POOL_ID"))
    region = pool.partition("_")[0]
    pool_url = _address(environ, "CONSOLE_POOL_URL", problems) or (f"https://cognito-idp.{region}.amazonaws.com" if pool else "")
    login_url = _address(environ, "CONSOLE_LOGIN_URL", problems)
    if client and not pool:
        problems.append("`CONSOLE_CLIENT_ID` is set without `USER_POOL_ID`, whose client it is")
    directory = environ.get("USER_DIRECTORY", "").strip()
    if directory not in _SWITCH:
        problems.append(f"`USER_DIRECTORY` is `{directory}`: it may be `true` or `false`")
    elif _SWITCH[directory] and not pool:
        problems.append("`USER_DIRECTORY` is `true` without `USER_POOL_ID`, whose users it is about")
    if problems:
        raise SettingsError(problems)
    return AdminSettings(table, stages, origin or "*", _FLUSH_ON[flush_on], issuers, client, pool, pool_url, login_url, _SWITCH[directory])


def _address(environ: Mapping[str, str], name: str, problems: list[str]) -> str:
    """Return the address of a server, `https://login.example`; http only for this machine, as a local stack has it."""
    text = environ.get(name, "").strip().rstrip("/")
    if text and not _ADDRESS.fullmatch(text):
        problems.append(
            f"`{name}` is `{text}`: it must be the address of a server, such as `https://shop.auth.eu-west-1.amazoncognito.com`"
        )
    return text


def _stage(name: str) -> str:
    if not _STAGE.fullmatch(name):
        raise ValueError(name)
    return name
