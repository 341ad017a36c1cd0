"""How the admin API is set up: its environment, checked."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from admin_api.documents.strict_json import read_json
from authorizer.errors import SettingsError
from authorizer.policy.problems import DocumentError

_STAGE = re.compile(r"(http:)?[a-z0-9]+/[A-Za-z0-9_$-]+")

_FLUSH_ON = {"denylist": False, "publish": True}


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin API's own environment, checked. `flush_stages` names the stages of each API whose remembered answers are dropped,
    `flush_on_publish` drops them with each version, not with changes of the denylist alone."""

    table: str
    flush_stages: Mapping[str, tuple[str, ...]]
    allow_origin: str
    flush_on_publish: bool = False


def read_admin_settings(environ: Mapping[str, str] | None = None) -> AdminSettings:
    """`PERMISSIONS_TABLE`, `FLUSH_STAGES`, `FLUSH_ON` and `ALLOW_ORIGIN`. Raises `SettingsError` that names every one that is missing or wrong."""
    environ = os.environ if environ is None else environ
    problems = []
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
    if problems:
        raise SettingsError(problems)
    return AdminSettings(table, stages, environ.get("ALLOW_ORIGIN", "").strip() or "*", _FLUSH_ON[flush_on])


def _stage(name: str) -> str:
    if not _STAGE.fullmatch(name):
        raise ValueError(name)
    return name
