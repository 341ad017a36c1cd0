"""Two who publish at once, and a DynamoDB that refuses, stumbles or falls silent: nothing is lost, and what is said is true."""

import json
from typing import Any

import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from admin_api.publishing.service import PermissionService
from admin_api.table.writer import ConflictError
from authorizer.errors import TroubleError
from tests.integration.publications import API, FIRST, SECOND
from tests.support.aws_calls import Answer, AwsCalls, Call, error
from tests.support.chain import verify_chain
from tests.support.clock import Clock
from tests.support.tables import Table, document, opened, publish

OTHER = SECOND.replace("owner", "admin")


@pytest.fixture
def service() -> PermissionService:
    return PermissionService(opened(), Clock())


def test_the_second_of_two_from_one_version_is_told(table: Table, service: PermissionService) -> None:
    publish(FIRST)
    ours, theirs = service.plan(document(SECOND)), service.plan(document(OTHER))
    service.apply(theirs, author="them", reason="r")
    before = table.items()
    with pytest.raises(ConflictError, match="`petstore`"):
        service.apply(ours, author="us", reason="r")
    assert table.items() == before
    service.apply(service.plan(document(SECOND)), author="us", reason="r")
    assert verify_chain(table.items(), "petstore") == 3


def test_the_second_of_two_first_versions_is_told(table: Table, service: PermissionService) -> None:
    ours, theirs = service.plan(document(FIRST)), service.plan(document(SECOND))
    service.apply(theirs, author="them", reason="r")
    before = table.items()
    with pytest.raises(ConflictError):
        service.apply(ours, author="us", reason="r")
    assert table.items() == before


def test_a_plan_from_a_version_of_a_table_that_was_restored_is_refused(table: Table, service: PermissionService) -> None:
    """The number is the same, the history is not."""
    publish(FIRST)
    plan = service.plan(document(SECOND))
    table.change(API, "head", hash="0" * 64)
    before = table.items()
    with pytest.raises(ConflictError):
        service.apply(plan, author="us", reason="r")
    assert table.items() == before


def test_a_plan_for_nothing_there_is_refused_once_there_is_something(table: Table, service: PermissionService) -> None:
    plan = service.plan(document(FIRST))
    publish(FIRST)
    with pytest.raises(ConflictError):
        service.apply(plan, author="us", reason="r")


def refuse_writes(wire: AwsCalls, *answers: Answer) -> list[Call]:
    """Answer the writes with these in turn, the last one again and again; the calls are noted in the list that is returned."""
    todo, seen = list(answers), []

    def rule(call: Call) -> Answer:
        if call.operation != "TransactWriteItems":
            return None
        seen.append(call)
        return todo.pop(0) if len(todo) > 1 else todo[0]

    wire.rule = rule
    return seen


def cancelled(*codes: str) -> Answer:
    reasons = [{"Code": code, "Message": code} for code in codes]
    return error("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(
    "said",
    [
        cancelled("None", "None", "None", "ConditionalCheckFailed"),
        cancelled("None", "TransactionConflict", "None", "None"),
        cancelled("TransactionConflict", "None", "None", "ThrottlingError"),
        error("TransactionConflictException"),
    ],
)
def test_whatever_aws_calls_it_a_lost_race_is_one(table: Table, wire: AwsCalls, service: PermissionService, said: Answer) -> None:
    plan = service.plan(document(FIRST))
    calls = refuse_writes(wire, said)
    with pytest.raises(ConflictError):
        service.apply(plan, author="us", reason="r")
    assert len(calls) == 1
    assert table.items() == {}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (cancelled("None", "ThrottlingError"), "ThrottlingError"),
        (cancelled("ItemCollectionSizeLimitExceeded", "None"), "ItemCollectionSizeLimitExceeded"),
        (cancelled("ValidationError"), "ValidationError"),
        (error("ProvisionedThroughputExceededException"), "ProvisionedThroughputExceededException"),
        (error("ThrottlingException"), "ThrottlingException"),
        (error("RequestLimitExceeded"), "RequestLimitExceeded"),
        (error("AccessDeniedException"), "AccessDeniedException"),
        (error("ValidationException"), "ValidationException"),
    ],
)
def test_what_dynamodb_refuses_is_trouble_and_nothing_is_written(
    table: Table, wire: AwsCalls, service: PermissionService, said: Answer, code: str
) -> None:
    plan = service.plan(document(FIRST))
    refuse_writes(wire, said)
    with pytest.raises(TroubleError, match=code) as caught:
        service.apply(plan, author="us", reason="r")
    assert caught.value.reason == "dynamodb_unavailable"


SILENCE = ReadTimeoutError(endpoint_url="https://dynamodb.test/")


@pytest.mark.parametrize(
    "said",
    [
        SILENCE,
        ConnectTimeoutError(endpoint_url="https://dynamodb.test/"),
        error("InternalServerError", 500),
        error("ServiceUnavailable", 503),
        error("TransactionInProgressException"),
    ],
    ids=["no answer", "no connection", "InternalServerError", "ServiceUnavailable", "TransactionInProgress"],
)
def test_when_nobody_knows_whether_it_was_written_that_is_said(
    table: Table, wire: AwsCalls, service: PermissionService, said: Answer
) -> None:
    plan = service.plan(document(FIRST))
    refuse_writes(wire, said)
    with pytest.raises(TroubleError, match="may be written or not") as caught:
        service.apply(plan, author="us", reason="r")
    assert caught.value.reason == "outcome_unknown"


def test_a_second_attempt_is_the_same_request(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    """DynamoDB carries out a request token once: an answer that was lost on its way must not look like somebody else's change."""
    plan = service.plan(document(FIRST))
    calls = refuse_writes(wire, SILENCE, None)
    assert service.apply(plan, author="us", reason="r") is not None
    tokens: set[Any] = {call.body["ClientRequestToken"] for call in calls}
    assert (len(calls), len(tokens)) == (2, 1)
    assert verify_chain(table.items(), "petstore") == 1


def test_after_an_answer_that_was_lost_a_new_plan_tells(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    plan = service.plan(document(FIRST))
    calls = refuse_writes(wire, SILENCE)
    with pytest.raises(TroubleError, match="plan again"):
        service.apply(plan, author="us", reason="r")
    wire.rule = None
    table.dynamodb.transact_write_items(TransactItems=calls[0].body["TransactItems"])  # it had arrived after all
    assert service.plan(document(FIRST)).is_empty
    with pytest.raises(ConflictError):
        service.apply(plan, author="us", reason="r")
    assert verify_chain(table.items(), "petstore") == 1


def test_each_change_is_one_transaction(table: Table, wire: AwsCalls, service: PermissionService) -> None:
    publish(FIRST)
    plan = service.plan(document(SECOND))
    wire.take()
    service.apply(plan, author="us", reason="r")
    (call,) = wire.take()
    assert call.operation == "TransactWriteItems"
    items = call.body["TransactItems"]
    assert [list(item) for item in items] == [["Put"], ["Put"], ["Put"], ["Update"]]
    unconditional = [item["Put"]["Item"]["sk"]["S"] for item in items if "Put" in item and "ConditionExpression" not in item["Put"]]
    assert unconditional == ["subject#group/owner"]
    assert "ConditionExpression" in items[-1]["Update"]
    # Never put: a head that is put would lose what a change of the denylist notes in it.
    assert not [item for item in items if json.dumps(item).find('"head"') >= 0 and "Put" in item]


def test_an_attribute_of_the_head_that_is_not_ours_survives(table: Table) -> None:
    publish(FIRST)
    table.change(API, "head", denylist_stamp=1)
    publish(SECOND)
    assert table.get(API, "head")["denylist_stamp"] == 1


def test_a_table_that_is_not_there_is_named(table: Table, service: PermissionService) -> None:
    plan = service.plan(document(FIRST))
    table.dynamodb.delete_table(TableName=table.name)
    with pytest.raises(TroubleError, match="gatebook-test"):
        service.apply(plan, author="us", reason="r")
    with pytest.raises(TroubleError, match="gatebook-test"):
        service.plan(document(FIRST))
