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

DATA_PLANE_NEEDS = ("aws_lambda_powertools", "jose", "pynamodb", "cryptography.hazmat.bindings._rust")
# What comes with these, where one module needs more of it than they give.
DATA_PLANE_NEEDS_IN = {
    "authorizer.parameters": ("botocore",),
    "authorizer.tokens.jwks": ("cryptography.exceptions", "cryptography.hazmat.primitives"),
}
CONTROL_PLANE_MAY_USE = (
    "authorizer.log_json",
    "authorizer.runtime",
    CORE,
    "authorizer.table",
    "authorizer.tokens.claims",
    "authorizer.tokens.issuer_entries",
    "authorizer.events.token_places",
    "authorizer.caller",
    "authorizer.errors",
)
# Only who judges a deployed function has to see what it sees.
DOCTOR, DOCTOR_MAY_USE = "admin_api.doctor", ("authorizer.settings",)

CLAIMS = ("authorizer.tokens.claims", "authorizer.errors")

TABLES = ("authorizer.table", "admin_api.table")
FACES = ("admin_api.rest", "admin_api.cli", "admin_api.console")
HTTP_AND_TERMINALS = ("aws_lambda_powertools", "pydantic", "http", "urllib", "typer", "rich", "click")


def core_is_pure(source: Source) -> list[str]:
    """Only the standard library and itself, and of the library only what computes."""
    return impure(source, CORE)


def analysis_is_pure(source: Source) -> list[str]:
    """What documents mean is computed from documents: no clock, no table, no face."""
    return impure(source, CORE, "admin_api.analysis", *CLAIMS)


def claims_are_pure(source: Source) -> list[str]:
    """What a token's claims mean is computed from them, so that `analysis` may judge by the same functions."""
    others = lies_in(source.name, "authorizer.tokens") and source.name not in CLAIMS
    return [] if others else impure(source, CORE, *CLAIMS)


def impure(source: Source, *allowed: str) -> list[str]:
    foreign = [
        module
        for module in source.imports()
        if not lies_in(module, *allowed, *PURE_ALL_THE_SAME)
        and (lies_in(module, *IMPURE) or module.partition(".")[0] not in sys.stdlib_module_names)
    ]
    return foreign + called(source, IMPURE_CALLS)


def meaning_knows_no_encoding(source: Source) -> list[str]:
    """What permissions mean is read without IAM: `policy/iam` writes decisions down and makes none."""
    encoding = f"{CORE}.iam"
    return [] if lies_in(source.name, encoding) else imported(source, encoding)


def items_stay_in_the_tables(source: Source) -> list[str]:
    """Everything outside works with frozen values that were parsed once."""
    return [] if lies_in(source.name, *TABLES) else imported(source, "pynamodb")


def token_library_stays_with_tokens(source: Source) -> list[str]:
    """Its defaults are not enough (see the README on tokens), so one package knows how to call it."""
    return [] if lies_in(source.name, "authorizer.tokens") else imported(source, "jose")


def faces_use_the_one_door(source: Source) -> list[str]:
    """What is published is reached through `publishing`, so that no face sees or writes what another does not."""
    return imported(source, *TABLES)


def publishing_knows_no_face(source: Source) -> list[str]:
    """The table is handed in, and HTTP and terminals are others' business."""
    return imported(source, *FACES, *HTTP_AND_TERMINALS, "pynamodb", "boto3", "botocore")


def faces_know_no_other_face(source: Source) -> list[str]:
    """What two faces share stands in `schemas`, `analysis` or `publishing`."""
    own = [face for face in FACES if lies_in(source.name, face)]
    return imported(source, *(face for face in FACES if face not in own))


def no_test_is_imported(source: Source) -> list[str]:
    """What tests share stands in `tests/support` or a `conftest`; a test module that is imported runs its fixtures twice."""
    return [m for m in source.imports() if lies_in(m, "tests") and any(part.startswith("test_") for part in m.split(".")[:-1])]


def imported(source: Source, *packages: str) -> list[str]:
    return [module for module in source.imports() if lies_in(module, *packages)]


def data_plane_stands_alone(source: Source) -> list[str]:
    """Itself, the standard library, the three packages that the artefact is built with, and what these bring along."""
    needs = DATA_PLANE_NEEDS + DATA_PLANE_NEEDS_IN.get(source.name, ())
    return [
        module
        for module in source.imports()
        if not lies_in(module, "authorizer", *needs) and module.partition(".")[0] not in sys.stdlib_module_names
    ]


def control_plane_uses_the_shared_part(source: Source) -> list[str]:
    """Of the data plane only what both must agree on; nothing of the templates and the tests."""
    usable = CONTROL_PLANE_MAY_USE + (DOCTOR_MAY_USE if lies_in(source.name, DOCTOR) else ())
    return [
        module
        for module in source.imports()
        if lies_in(module, "infra", "tests") or (lies_in(module, "authorizer") and not lies_in(module, *usable))
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
    (analysis_is_pure, ("admin_api/analysis",)),
    (claims_are_pure, ("authorizer/tokens",)),
    (meaning_knows_no_encoding, ("authorizer/policy",)),
    (items_stay_in_the_tables, ("authorizer", "admin_api", "infra")),
    (token_library_stays_with_tokens, ("authorizer", "admin_api")),
    (data_plane_stands_alone, ("authorizer",)),
    (control_plane_uses_the_shared_part, ("admin_api",)),
    (faces_use_the_one_door, ("admin_api/rest", "admin_api/cli")),
    (publishing_knows_no_face, ("admin_api/publishing",)),
    (faces_know_no_other_face, ("admin_api/rest", "admin_api/cli")),
    (nothing_is_imported_by_text, ("authorizer", "admin_api")),
    (environment_is_read_in_settings, ("authorizer", "admin_api")),
    (no_test_is_imported, ("tests",)),
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
        (core_is_pure, "from ..caller import Caller"),
        (core_is_pure, "from .. import settings"),
        (core_is_pure, "def f():\n    import time"),
        (core_is_pure, "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from authorizer.tokens.claims import Principal"),
        (core_is_pure, "from datetime import datetime\nx = datetime.now()"),
        (core_is_pure, "open('a')"),
        (analysis_is_pure, "from admin_api.publishing.service import Plan"),
        (analysis_is_pure, "from authorizer.table.records import Head"),
        (analysis_is_pure, "import time"),
        (analysis_is_pure, "import yaml"),
        (analysis_is_pure, "from authorizer.tokens.verifier import TokenVerifier"),
        (claims_are_pure, "from authorizer.tokens.jwks import KeySet"),
        (claims_are_pure, "import time"),
        (meaning_knows_no_encoding, "from authorizer.policy.iam.statement import allow"),
        (meaning_knows_no_encoding, "from authorizer.policy import iam"),
        (meaning_knows_no_encoding, "from .iam import method_arn"),
        (items_stay_in_the_tables, "from pynamodb.models import Model"),
        (items_stay_in_the_tables, "import pynamodb"),
        (token_library_stays_with_tokens, "from jose import jwt"),
        (faces_use_the_one_door, "from authorizer.table.reader import PermissionTable"),
        (faces_use_the_one_door, "from admin_api.table import history"),
        (faces_use_the_one_door, "from admin_api import table"),
        (publishing_knows_no_face, "from admin_api.schemas import models\nimport pydantic"),
        (publishing_knows_no_face, "from admin_api.rest.problems import ProblemError"),
        (publishing_knows_no_face, "import typer"),
        (publishing_knows_no_face, "import boto3"),
        (faces_know_no_other_face, "from admin_api.rest.names import ref_of"),
        (faces_know_no_other_face, "from admin_api.cli.render import output"),
        (no_test_is_imported, "from tests.unit.authorizer.tokens.test_claims import claims"),
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
            "from authorizer.table import keys, reader\nfrom authorizer.policy import route\nfrom authorizer.caller import Caller",
        ),
        (control_plane_uses_the_shared_part, "from authorizer.tokens.claims import Principal\nimport boto3"),
        (analysis_is_pure, "from admin_api.analysis.access import who_can\nfrom authorizer.policy.iam.method_arn import MethodArn"),
        (analysis_is_pure, "from authorizer.tokens.claims import TrustedIssuer\nfrom authorizer.errors import TokenError"),
        (faces_use_the_one_door, "from admin_api.publishing.service import Head\nfrom rich.table import Table"),
        (publishing_knows_no_face, "from admin_api.table.history import History\nfrom authorizer.table.reader import PermissionTable"),
        (no_test_is_imported, "from tests.support.tables import test_table"),
        (environment_is_read_in_settings, "import os\nos.kill(1, 0)\nenviron = {}\nx = environ['A']"),
    ],
)
def test_what_is_no_breach_passes(rule: Callable[[Source], list[str]], text: str) -> None:
    assert rule(Source("authorizer.policy.new", ast.parse(text))) == []


def test_the_settings_are_the_places_that_read_the_environment() -> None:
    readers = {source.name for package in ("authorizer", "admin_api") for source in sources(package) if source.reads_environment()}
    assert readers == {"authorizer.settings", "admin_api.settings", "admin_api.cli.settings"}


def test_no_modules_need_each_other_in_a_circle() -> None:
    """They could only be understood, tested and imported all together."""
    modules = {source.name: source.imports() for package in ("authorizer", "admin_api") for source in sources(package)}
    # `from a import b` is an import of `a.b` if that is a module, and else of `a`.
    graph = {name: {m if m in modules else m.rpartition(".")[0] for m in imports} & modules.keys() for name, imports in modules.items()}
    assert any(graph.values())
    graphlib.TopologicalSorter(graph).prepare()
