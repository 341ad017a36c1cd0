"""What the authorizer costs, as ratios that mean the same on any machine: `python -m tests.benchmarks.bench` (`make bench`).

A request is measured beside a bare RSA signature check by `cryptography`, one after the other in each round, and the medians are divided; a decision for many
permissions beside one for ten; a cold start with bytecode beside one without. Nothing here fails: budgets that fail count calls and steps, in
`tests/performance`.
"""

import io
import logging
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from moto import mock_aws
from rich.console import Console
from rich.table import Table

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import Target
from authorizer.policy.route import RouteCatalog, parse_route
from authorizer.request_loop import Handler
from authorizer.runtime import PYTHON
from authorizer.settings import read_settings
from authorizer.wiring import build_handler
from infra import package
from tests.conftest import REGION, pytest_configure
from tests.integration.gates import Context, KeyServer, settings_of
from tests.support.events import rest_request_event
from tests.support.issuer import NOW, Issuer
from tests.support.tables import TABLE, create_table, open_table, publish

ROUNDS = 500
COLD_ROUNDS = 9
ROUTES = [f"{verb} /service{n // 10}/resource{n}/{{id}}" for n in range(75) for verb in ("GET", "POST", "PUT", "DELETE")]
DOCUMENT = {"api": "petstore", "routes": ROUTES, "groups": {f"team{n}": {"allow": ROUTES[n::3]} for n in range(3)}}


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


def seconds(work: Callable[[], object]) -> float:
    """How long some work takes, once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def handler(scope: str, issuer: Issuer) -> Iterator[Handler]:
    """A handler on 300 routes in three groups, which says what it says to nobody."""
    with KeyServer(issuer.jwks()).running() as keys, mock_aws(), redirect_stdout(_Nowhere()) as nowhere:
        create_table(boto3.Session().client("dynamodb", region_name=REGION), TABLE)
        open_table(TABLE, REGION)
        publish(DOCUMENT)
        handle = build_handler(read_settings(settings_of(keys, CACHE_SCOPE=scope, POLICY_REFRESH_SECONDS="3600")), lambda: NOW)
        for log_handler in logging.getLogger("gatebook").handlers:
            assert isinstance(log_handler, logging.StreamHandler)
            log_handler.stream = nowhere
        yield handle


def requests(scope: str) -> tuple[float, float]:
    """Return what a request with a token costs that was never seen, and with one that comes again, both in bare signature checks."""
    issuer = Issuer()
    message = b"x" * 900
    signature, public = issuer.key.sign(message, PKCS1v15(), SHA256()), issuer.key.public_key()
    tokens = [issuer.access_token("team0", "team1", "team2", jti=f"jti{number}") for number in range(ROUNDS + 1)]
    events = [
        rest_request_event("GET", "/service3/resource33/7", "/service3/resource33/{id}", headers=[("Authorization", f"Bearer {token}")])
        for token in tokens
    ]
    bare, first, again = [], [], []
    with handler(scope, issuer) as handle:
        handle(events[0], Context())
        for event in events[1:]:
            bare.append(seconds(partial(public.verify, signature, message, PKCS1v15(), SHA256())))
            first.append(seconds(partial(handle, event, Context())))
            again.append(seconds(partial(handle, event, Context())))
    return statistics.median(first) / statistics.median(bare), statistics.median(again) / statistics.median(bare)


def decision(count: int) -> float:
    """Return how many microseconds a decision takes for a caller with so many permissions."""
    route = "GET /service0/resource0/{id}"
    selectors = [f"GET /service{n // 10}/resource{n}/{{id}}" for n in range(count)]
    catalog = RouteCatalog([parse_route(route)])
    grounds = Grounds(CallerPermissions.of(Permission(EVERYONE, Effect.ALLOW, s) for s in selectors), catalog, {}, NOW)
    target = Target("GET", catalog.routes[0], {"id": "7"})
    assert decide(grounds, target).allowed
    # The least: what is above it is another program's.
    return min(seconds(lambda: decide(grounds, target)) for _ in range(10 * ROUNDS)) * 1e6


def cold_start(folder: Path) -> tuple[float, float] | None:
    """Return the seconds of CPU that importing the authorizer's zip takes with and without its bytecode, None where the functions' Python is not installed."""
    python = package.find_interpreter()
    if python is None:
        return None
    archive = package.build(package.AUTHORIZER, folder, arch="arm64" if os.uname().machine == "aarch64" else "x86_64")
    tasks = folder / "with", folder / "without"
    for task in tasks:
        with zipfile.ZipFile(archive) as content:
            content.extractall(task)
    for compiled in tasks[1].rglob("*.pyc"):
        compiled.unlink()
    taken: dict[Path, list[float]] = {task: [] for task in tasks}
    for _ in range(COLD_ROUNDS):
        for task in tasks:
            taken[task].append(
                _cpu([python, "-I", "-S", "-B", "-c", f"import sys; sys.path.insert(0, {str(task)!r}); import authorizer.handler"])
            )
    return statistics.median(taken[tasks[0]]), statistics.median(taken[tasks[1]])


def _cpu(command: list[str]) -> float:
    settings = {"PERMISSIONS_TABLE": "t", "API": "a", "USER_POOL_ID": "eu-west-1_AbCdEfGhI", "APP_CLIENT_IDS": "c"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=settings | dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure and print."""
    pytest_configure()
    console = Console()
    table = Table("what", "ratio", "to")
    with console.status("measuring requests"):
        for scope in ("request", "route", "token"):
            first, again = requests(scope)
            table.add_row(f"a request in {scope} scope, 300 routes, its token never seen before", f"{first:.1f}", "a bare RSA check")
            table.add_row("the same request again", f"{again:.1f}", "a bare RSA check")
    with console.status("measuring decisions"):
        ten = decision(10)
        for count in (1_000, 100_000):
            table.add_row(f"a decision for a caller with {count:,} permissions", f"{decision(count) / ten:.2f}", "one with 10")
    with console.status("measuring cold starts"), tempfile.TemporaryDirectory() as folder:
        cold: Any = cold_start(Path(folder))
    if cold is None:
        table.add_row("importing the authorizer's zip", "not measured", f"needs python{PYTHON}")
    else:
        table.add_row("importing the authorizer's zip without its bytecode, CPU", f"{cold[1] / cold[0]:.1f}", "with it")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
