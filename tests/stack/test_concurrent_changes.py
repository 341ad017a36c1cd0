"""Two admins who start from one version, on a DynamoDB whose transactions are really concurrent (moto's lose updates)."""

import threading
from collections.abc import Callable

import pytest

from admin_api.publishing.service import PermissionService, Plan
from admin_api.table.writer import ConflictError
from authorizer.table.records import Head
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.local_stack import LocalStack
from tests.support.tables import Table, create_table, document, open_table, opened

pytestmark = pytest.mark.stack

ROUNDS = 10
TABLE = "concurrent"


@pytest.fixture
def table(stack: LocalStack) -> Table:
    client = stack.client("dynamodb")
    create_table(client, TABLE)
    open_table(TABLE, stack.note["region"], stack.note["aws_endpoint"], stack.key)
    return Table(client, TABLE)


def _document(round_number: int, **groups: str) -> str:
    held = ", ".join(f"{name}: {{allow: [{route}]}}" for name, route in sorted(groups.items()))
    return f"{{api: petstore, routes: [GET /pets, POST /pets, GET /r{round_number}], groups: {{{held}}}}}"


def test_of_two_applies_from_one_version_one_wins_and_nothing_is_lost(table: Table) -> None:
    service = PermissionService(opened(), Clock())
    for round_number in range(1, ROUNDS + 1):
        plans = [
            service.plan(document(_document(round_number, a="GET /pets"))),
            service.plan(document(_document(round_number, b="POST /pets"))),
        ]
        outcomes = _at_once([lambda plan=plan: _apply(service, plan) for plan in plans])  # type: ignore[misc]  # mypy infers no type for such defaults
        winners = [head for head in outcomes if isinstance(head, Head)]
        assert [type(outcome) for outcome in outcomes if outcome not in winners] == [ConflictError]
        assert [head.version for head in winners] == [round_number]
        # The table holds one of the two as it was written, and the loser's next plan shows both changes.
        won = outcomes.index(winners[0])
        published = service.published("petstore")
        assert published.document.subjects == plans[won].document.subjects
        assert {str(change.subject) for change in service.plan(plans[1 - won].document).access} == {"group/a", "group/b"}
    assert verify_chain(table.items(), "petstore") == ROUNDS


def _apply(service: PermissionService, plan: Plan) -> Head | ConflictError | None:
    try:
        return service.apply(plan, author="arn:aws:iam::111122223333:user/jane", reason="a race")
    except ConflictError as error:
        return error


def _at_once(calls: "list[Callable[[], Head | ConflictError | None]]") -> "list[Head | ConflictError | None]":
    """What the calls give when all start together."""
    results: list[Head | ConflictError | None] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int) -> None:
        barrier.wait()
        results[index] = calls[index]()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
