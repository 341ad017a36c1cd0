"""What the tools cost for large documents, in seconds: meaningful beside the machine's name only. `python -m tests.benchmarks.tools` prints them.

The table is the local stack's emulator, a process of its own on this machine: AWS answers later, and more at once.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.table import Table

from admin_api.documents.files import read_file
from admin_api.publishing.service import PermissionService
from admin_api.rest.app import AdminApi
from admin_api.wiring import open_service
from infra.local.emulator import Aws, running
from infra.local.state import StateFolder
from tests.benchmarks.ratios import machine
from tests.conftest import pytest_configure
from tests.integration.rest.client import Client
from tests.support.large_documents import large_document
from tests.support.local_stack import GATEBOOK, free_port
from tests.support.tables import TABLE, create_table

ROUNDS = 3

FEW = "1,000 routes x 50 groups of 300"
MANY = "1,000 routes x 200 groups of 60"

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Seconds:
    """What something takes: `wall` until it is done, `cpu` of this machine for it, the emulator's apart. Medians."""

    what: str
    wall: float
    cpu: float


def tool_seconds() -> list[Seconds]:
    """Measure. About a minute."""
    with tempfile.TemporaryDirectory() as name, _table(Path(name)) as (aws, service):
        folder = Path(name)
        few, many = _file(folder, "few", large_document(1000, 50, 300, "few")), _file(folder, "many", large_document(1000, 200, 60, "many"))
        for file in (few, many):
            # The history says what a file knows of: without `from_file` applying the file would be looked into.
            document = read_file(file)[0].parse()
            service.apply(service.plan(document, 0), author="bench", reason="bench", from_file=True)
        client = Client(AdminApi(service, now=time.time, flush=lambda _: ()))

        def command(*arguments: str) -> Callable[[], object]:
            environment = aws.environment() | {"PERMISSIONS_TABLE": TABLE, "PYTHONPATH": str(_ROOT)}
            return lambda: subprocess.run([*GATEBOOK, *arguments], cwd=folder, env=environment, check=True, capture_output=True)

        def dry_run() -> None:
            held = {"allow": ["GET /service0/**"]}
            reply = client.put("/v1/apis/many/subjects/groups/team-001", held, if_match="*", query={"dry_run": "true"})
            assert reply.status == 200, reply.body

        def parse() -> None:
            read_file(few)[0].parse()

        return [
            _measured(f"read and check a file, {FEW}", parse),
            _measured(f"`gatebook plan` without a change, {FEW}", command("plan", str(few))),
            _measured(f"`gatebook apply` without a change, {FEW}", command("apply", "--yes", str(few))),
            _measured(f"PUT of one subject with `dry_run`, {MANY}", dry_run),
            _measured(f"`gatebook matrix`, {MANY}", command("matrix", str(many))),
            _measured("`gatebook --help`", command("--help")),
        ]


def _file(folder: Path, name: str, document: dict[str, Any]) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


@contextmanager
def _table(folder: Path) -> Iterator[tuple[Aws, PermissionService]]:
    """An empty table in an emulator of its own."""
    state = StateFolder(folder / "state")
    state.root.mkdir()
    aws = Aws(free_port(), state.access_key())
    with state.locked() as lock, running(state, aws, lock):
        create_table(aws.dynamodb, TABLE)
        yield aws, open_service(TABLE, "us-east-1", aws.endpoint, (aws.key.id, aws.key.secret))


def _measured(what: str, work: Callable[[], object]) -> Seconds:
    walls, cpus = [], []
    for _ in range(ROUNDS):
        wall, cpu = time.perf_counter(), _cpu()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(_cpu() - cpu)
    return Seconds(what, statistics.median(walls), statistics.median(cpus))


def _cpu() -> float:
    """Seconds of CPU of this process and of those that it has waited for."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> int:
    """Measure and print."""
    pytest_configure()
    console = Console()
    table = Table("what", "seconds", "of CPU", title=machine())
    with console.status("measuring the tools"):
        for one in tool_seconds():
            table.add_row(one.what, f"{one.wall:.2f}", f"{one.cpu:.2f}")
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())
