"""How the admin API is set up: its environment, checked."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from admin_api.documents.strict_json import read_json
from authorizer.errors import SettingsError
from authorizer.policy.problems import DocumentError

_STAGE = re.compile(r"[a-z0-9]+/[A-Za-z0-9_$-]+")


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The admin API's own environment, checked. `flush_stages` names the stages of each API whose remembered answers are dropped."""

    table: str
    flush_stages: Mapping[str, tuple[str, ...]]
    allow_origin: str


def read_admin_settings(environ: Mapping[str, str] | None = None) -> AdminSettings:
    """`PERMISSIONS_TABLE`, `FLUSH_STAGES` and `ALLOW_ORIGIN`. Raises `SettingsError` that names every one that is missing or wrong."""
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
        problems.append('`FLUSH_STAGES` must be JSON such as `{"petstore": ["a1b2c3d4e5/prod"]}`')
    if problems:
        raise SettingsError(problems)
    return AdminSettings(table, stages, environ.get("ALLOW_ORIGIN", "").strip() or "*")


def _stage(name: str) -> str:
    if not _STAGE.fullmatch(name):
        raise ValueError(name)
    return name
