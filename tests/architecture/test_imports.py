"""Who may import whom. The data plane never depends on the control plane: a broken admin release can never deny traffic."""

import ast
import graphlib
import sys
from collections.abc import Callable

import pytest

from tests.architecture.sources import Source, lies_in, sources

CORE = "authorizer.policy"

# What would make the core depend on more than its arguments: clocks, chance, environment, files, network, processes, loggers.
IMPURE = (
    *("os", "sys", "time", "zoneinfo", "random", "secrets", "uuid", "locale", "platform", "getpass"),
    *(
        "socket",
        "ssl",
        "http",
        "urllib",
        "asyncio",
        "select",
        "selectors",
        "subprocess",
        "threading",
        "multiprocessing",
        "concurrent",
        "signal",
    ),
    *("logging", "warnings", "pathlib", "io", "tempfile", "shutil", "glob", "sqlite3", "importlib", "ctypes", "builtins", "gc", "inspect"),
)
PURE_ALL_THE_SAME = ("urllib.parse",)
CLOCKS = ("now", "today", "utcnow")
DYNAMIC = ("__import__", "import_module", "run_module", "run_path", "exec", "eval")
IMPURE_CALLS = ("open", "print", "input", "breakpoint", "globals", *CLOCKS, *DYNAMIC)

DATA_PLANE_NEEDS = ("aws_lambda_powertools", "jose", "pynamodb")
CONTROL_PLANE_MAY_USE = (CORE, "authorizer.tokens.claims", "authorizer.table.reader", "authorizer.errors", "authorizer.table.keys")


def core_is_pure(source: Source) -> list[str]:
    """Only the standard library and itself, and of the library only what computes."""
    foreign = [
        module
        for module in source.imports()
        if not lies_in(module, CORE, *PURE_ALL_THE_SAME)
        and (lies_in(module, *IMPURE) or module.partition(".")[0] not in sys.stdlib_module_names)
    ]
    return foreign + called(source, IMPURE_CALLS)


def data_plane_stands_alone(source: Source) -> list[str]:
    """Itself, the standard library, and the three packages that the artefact is built with."""
    return [
        module
        for module in source.imports()
        if not lies_in(module, "authorizer", *DATA_PLANE_NEEDS) and module.partition(".")[0] not in sys.stdlib_module_names
    ]


def control_plane_uses_the_shared_part(source: Source) -> list[str]:
    """Of the data plane only what both must agree on; nothing of the templates and the tests."""
    return [
        module
        for module in source.imports()
        if lies_in(module, "infra", "tests") or (lies_in(module, "authorizer") and not lies_in(module, *CONTROL_PLANE_MAY_USE))
    ]


def nothing_is_imported_by_text(source: Source) -> list[str]:
    """An import that the text does not show would get around every rule here."""
    return called(source, DYNAMIC)


def called(source: Source, names: tuple[str, ...]) -> list[str]:
    return [f"{text}()" for text in source.calls() if text.rpartition(".")[2] in names]


def environment_is_read_in_settings(source: Source) -> list[str]:
    """Settings that are read elsewhere are neither checked nor documented."""
    return [source.name] if source.reads_environment() and source.name.rpartition(".")[2] != "settings" else []


RULES: list[tuple[Callable[[Source], list[str]], tuple[str, ...]]] = [
    (core_is_pure, ("authorizer/policy",)),
    (data_plane_stands_alone, ("authorizer",)),
    (control_plane_uses_the_shared_part, ("admin_api",)),
    (nothing_is_imported_by_text, ("authorizer", "admin_api")),
    (environment_is_read_in_settings, ("authorizer", "admin_api")),
]


@pytest.mark.parametrize(("rule", "packages"), RULES, ids=lambda value: getattr(value, "__name__", ""))
def test_each_module_keeps_the_rule(rule: Callable[[Source], list[str]], packages: tuple[str, ...]) -> None:
    broken = {source.name: rule(source) for package in packages for source in sources(package)}
    assert {name: why for name, why in broken.items() if why} == {}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        *((core_is_pure, f"import {name}") for name in ("os", "time", "socket", "logging", "urllib.request", "os.path", "random", "sys")),
        (core_is_pure, "from urllib import request"),
        (core_is_pure, "import pynamodb"),
        (core_is_pure, "from authorizer.errors import TokenError"),
        (core_is_pure, "from ..claims import Principal"),
        (core_is_pure, "from .. import settings"),
        (core_is_pure, "def f():\n    import time"),
        (core_is_pure, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from authorizer.tokens.claims import Principal"),
        (core_is_pure, "from datetime import datetime\nx = datetime.now()"),
        (core_is_pure, "open('a')"),
        (data_plane_stands_alone, "from admin_api import store"),
        (data_plane_stands_alone, "import admin_api.table.writer as s"),
        (data_plane_stands_alone, "import infra.petstore"),
        (data_plane_stands_alone, "from tests.support import clock"),
        (data_plane_stands_alone, "import boto3"),
        (data_plane_stands_alone, "try:\n    import yaml\nexcept ImportError:\n    pass"),
        (control_plane_uses_the_shared_part, "from authorizer.wiring import build_handler"),
        (control_plane_uses_the_shared_part, "from authorizer import wiring"),
        (control_plane_uses_the_shared_part, "from authorizer import permission_cache as cache"),
        (control_plane_uses_the_shared_part, "import authorizer"),
        (control_plane_uses_the_shared_part, "from authorizer import *"),
        (control_plane_uses_the_shared_part, "import authorizer.claims_of_others"),
        (control_plane_uses_the_shared_part, "from infra.local import stack"),
        (control_plane_uses_the_shared_part, "import tests"),
        (nothing_is_imported_by_text, "import importlib\nimportlib.import_module('admin_api')"),
        (nothing_is_imported_by_text, "__import__('admin_api')"),
        (environment_is_read_in_settings, "import os\nx = os.environ['A']"),
        (environment_is_read_in_settings, "import os as o\nx = o.getenv('A')"),
        (environment_is_read_in_settings, "import os.path\nx = os.environ"),
        (environment_is_read_in_settings, "from os import environ"),
        (environment_is_read_in_settings, "from os import getenv as g"),
        (environment_is_read_in_settings, "from os import *"),
        (environment_is_read_in_settings, "import typer\nx = typer.Option(envvar='A')"),
    ],
)
def test_a_breach_is_noticed(rule: Callable[[Source], list[str]], text: str) -> None:
    assert rule(Source("authorizer.policy.new", ast.parse(text))) != []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (core_is_pure, "from urllib.parse import unquote_to_bytes\nimport urllib.parse"),
        (core_is_pure, "import json, re\nfrom collections.abc import Mapping\nfrom authorizer.policy.route import RouteCatalog"),
        (core_is_pure, "from . import route\nfrom .route import RouteCatalog"),
        (core_is_pure, "now = grounds.now"),
        (data_plane_stands_alone, "from pynamodb.models import Model\nfrom authorizer import claims\nimport os"),
        (
            control_plane_uses_the_shared_part,
            "from authorizer import permission_table as table, table_keys\nfrom authorizer.policy import route",
        ),
        (control_plane_uses_the_shared_part, "from authorizer.tokens.claims import Principal\nimport boto3"),
        (environment_is_read_in_settings, "import os\nos.kill(1, 0)\nenviron = {}\nx = environ['A']"),
    ],
)
def test_what_is_no_breach_passes(rule: Callable[[Source], list[str]], text: str) -> None:
    assert rule(Source("authorizer.policy.new", ast.parse(text))) == []


def test_the_settings_are_the_two_places_that_read_the_environment() -> None:
    readers = {source.name for package in ("authorizer", "admin_api") for source in sources(package) if source.reads_environment()}
    assert readers == {"authorizer.settings", "admin_api.settings"}


def test_no_modules_need_each_other_in_a_circle() -> None:
    """They could only be understood, tested and imported all together."""
    modules = {source.name: source.imports() for package in ("authorizer", "admin_api") for source in sources(package)}
    # `from a import b` is an import of `a.b` if that is a module, and else of `a`.
    graph = {name: {m if m in modules else m.rpartition(".")[0] for m in imports} & modules.keys() for name, imports in modules.items()}
    assert any(graph.values())
    graphlib.TopologicalSorter(graph).prepare()
