"""Many admins at once, some of whom die: no acknowledged edit is lost, nothing half-written is ever seen, and the history stays whole."""

import os
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from admin_api.publishing import edits
from admin_api.publishing.service import PermissionService
from admin_api.table.writer import ConflictError
from authorizer.errors import TroubleError
from authorizer.policy.document import format_subject, format_time
from authorizer.policy.permission import Permission, PrincipalRef, RefKind
from authorizer.table.cache import PermissionCache
from tests.support.aws_calls import Answer, AwsCalls, Call, error
from tests.support.chain import verify_chain
from tests.support.local_stack import LocalStack
from tests.support.tables import Table, create_table, document, open_table, opened

pytestmark = [pytest.mark.stack, pytest.mark.timeout(2700)]

CI = bool(os.environ.get("CI"))
WRITERS = 50 if CI else 6
SEED = int(os.environ.get("GATEBOOK_SEED", "7"))
GROUPS = [PrincipalRef(RefKind.GROUP, f"g{n}") for n in range(5)]
ATTEMPTS = 400
FIRST_END = 4_102_444_800  # 2100-01-01: permissions are told apart by when they end


class KilledError(BaseException):
    """The process died here."""


@dataclass(slots=True)
class Accepted:
    """Edits by how they ended: acknowledged, or with nobody left who knows."""

    acknowledged: set[int] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)


@pytest.fixture
def table(stack: LocalStack, request: pytest.FixtureRequest) -> Table:
    name = f"writers-{request.node.name.replace('_', '-')}"[:100]
    client = stack.client("dynamodb")
    create_table(client, name)
    open_table(name, stack.note["region"], stack.note["aws_endpoint"], stack.key)
    groups = ", ".join(f"{ref.name}: {{}}" for ref in GROUPS)
    service = PermissionService(opened(), time.time)
    service.apply(service.plan(document(f"{{api: petstore, routes: [GET /pets], groups: {{{groups}}}}}"), 0), author="a", reason="start")
    return Table(client, name)


def _edit(service: PermissionService, group: PrincipalRef, until: int) -> None:
    """Add a permission, known by its end, to a group, as an admin would: read, change, write."""
    published = service.published("petstore")
    held = format_subject(published.document.subjects[group])
    added = {"route": "GET /pets", "until": format_time(until)}
    changed = edits.with_subject(published.document, group, held | {"allow": [*held.get("allow", []), added]})
    service.apply(service.plan_from(published, changed, 0), author="a", reason="one more")


def _write(writer: int, accepted: Accepted, each: int) -> None:
    chance, service = random.Random(f"{SEED}{writer}"), PermissionService(opened(), time.time)
    for edit in range(each):
        group, until = GROUPS[(writer + edit) % len(GROUPS)], FIRST_END + writer * each + edit
        for attempt in range(ATTEMPTS):
            try:
                _edit(service, group, until)
            except ConflictError:
                # Nobody gets through if all try at once: who has lost often waits long.
                time.sleep(chance.uniform(0, min(30, 0.05 * WRITERS * 2**attempt)))
            except (KilledError, TroubleError):
                # Nobody was told how it ended; whoever comes next finds out by reading, and leaves this edit as it is.
                accepted.unknown.add(until)
                break
            else:
                accepted.acknowledged.add(until)
                break
        else:
            pytest.fail(f"seed {SEED}: writer {writer} did not get through in {ATTEMPTS} attempts")


def _run(targets: list[Callable[[], None]]) -> None:
    failures: list[BaseException] = []

    def guarded(target: Callable[[], None]) -> None:
        try:
            target()
        except BaseException as failure:  # noqa: BLE001  # a failure in a thread is the test's
            failures.append(failure)

    threads = [threading.Thread(target=guarded, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def _check(table: Table, accepted: Accepted) -> None:
    published = PermissionService(opened(), time.time).published("petstore")
    held = {p.until for subject in published.document.subjects.values() for p in subject.permissions if p.until is not None}
    assert accepted.acknowledged <= held, f"seed {SEED}: lost {sorted(accepted.acknowledged - held)}"
    assert held <= accepted.acknowledged | accepted.unknown, f"seed {SEED}: nobody wrote {sorted(held - accepted.acknowledged)}"
    assert published.head.version == verify_chain(table.items(), "petstore") == 1 + len(held)


def test_the_document_is_the_sum_of_the_accepted_edits(table: Table) -> None:
    accepted, each = Accepted(), 10 if CI else 4
    _run([lambda writer=writer: _write(writer, accepted, each) for writer in range(WRITERS)])  # type: ignore[misc]  # mypy infers no type for such defaults
    assert len(accepted.acknowledged) == WRITERS * each
    assert not accepted.unknown
    _check(table, accepted)


def test_writers_that_die_and_conflicts_leave_whole_versions_only(table: Table, stack: LocalStack) -> None:
    chance = random.Random(SEED)
    lock = threading.Lock()

    def rule(call: Call) -> Answer:
        with lock:
            fate = chance.random()
        if call.operation == "TransactWriteItems" and fate < 0.15:
            return error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}] * 4)
        if fate < 0.005 or (call.operation == "TransactWriteItems" and fate < 0.2):
            raise KilledError
        return None

    accepted, done = Accepted(), threading.Event()
    seen: dict[int, tuple[Permission, ...]] = {}

    def read() -> None:
        cache = PermissionCache(opened(), "petstore", now=time.time, refresh_seconds=0, max_stale_seconds=0)
        while not done.is_set():
            try:
                loaded = cache.load(GROUPS)
            except (KilledError, TroubleError):
                continue
            known = seen.setdefault(loaded.version, tuple(loaded.permissions))
            assert set(known) == set(loaded.permissions), f"seed {SEED}: version {loaded.version} was read in two ways"

    writers = [threading.Thread(target=_write, args=(writer, accepted, 4)) for writer in range(WRITERS)]
    with AwsCalls(rule=rule).installed():
        open_table(table.name, stack.note["region"], stack.note["aws_endpoint"], stack.key)
        reader = threading.Thread(target=read)
        for thread in (*writers, reader):
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        reader.join()
    open_table(table.name, stack.note["region"], stack.note["aws_endpoint"], stack.key)
    assert accepted.acknowledged
    _check(table, accepted)
    service = PermissionService(opened(), time.time)
    assert seen
    for version, permissions in sorted(seen.items())[:: max(1, len(seen) // 40)]:
        held = service.version("petstore", version).document
        assert {p for ref in GROUPS for p in held.permissions(ref)} == set(permissions), f"seed {SEED}: version {version}"
