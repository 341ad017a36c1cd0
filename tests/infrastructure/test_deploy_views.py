"""What a change set and a stack's events say to people: the table, the cause of a failure, and how far it is."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from infra.deploy.changes import Change, Replacement, changes_of
from infra.deploy.events import Event, event_of, failed_in_rollback, first_cause, remedy
from infra.deploy.next_steps import ADMINS, first_admin
from infra.deploy.talk import Talk
from tests.infrastructure.templates import BASE, INFRA, written

STACK_ID = "arn:aws:cloudformation:eu-west-1:111122223333:stack/gatebook-dev/1"


def resource(action: str, name: str, kind: str = "AWS::Lambda::Function", **more: str) -> dict[str, Any]:
    return {"Type": "Resource", "ResourceChange": {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}}


def event(status: str, name: str = "", reason: str = "", kind: str = "AWS::Lambda::Function") -> Event:
    answer = {
        "EventId": f"{name}-{status}",
        "StackId": STACK_ID,
        "Timestamp": datetime(2026, 11, 28, 12, 5, tzinfo=UTC),
        "ResourceStatus": status,
    }
    told = {"LogicalResourceId": name, "ResourceType": kind, "PhysicalResourceId": "p", "ResourceStatusReason": reason}
    own = {
        "LogicalResourceId": "gatebook-dev",
        "ResourceType": "AWS::CloudFormation::Stack",
        "PhysicalResourceId": STACK_ID,
        "ResourceStatusReason": reason,
    }
    return event_of(answer | (told if name else own))


CHANGES = changes_of(
    [
        resource("Add", "New"),
        resource("Modify", "Function", Replacement="False"),
        resource("Modify", "Role", "AWS::IAM::Role", Replacement="True", PolicyAction="ReplaceAndDelete"),
        resource("Remove", "Alarm", "AWS::CloudWatch::Alarm", PolicyAction="Delete"),
        resource("Modify", "UserPool", "AWS::Cognito::UserPool", Replacement="Conditional", PolicyAction="ReplaceAndRetain"),
        resource("Remove", "PermissionTable", "AWS::DynamoDB::Table", PolicyAction="Retain"),
        resource("Add", "OtherTable", "AWS::DynamoDB::Table"),
        resource("Modify", "OldTable", "AWS::DynamoDB::GlobalTable", Replacement="False"),
        {"Type": "Hook"},
    ]
)


def test_what_endangers_data_stands_first_and_then_what_goes() -> None:
    assert [each.logical_id for each in CHANGES] == [
        "PermissionTable",
        "UserPool",
        "Alarm",
        "Role",
        "Function",
        "OldTable",
        "New",
        "OtherTable",
    ]
    assert [each.logical_id for each in CHANGES if each.endangers_data] == ["PermissionTable", "UserPool"]
    assert [each.logical_id for each in CHANGES if each.takes_away] == ["PermissionTable", "UserPool", "Alarm", "Role"]
    assert CHANGES[0] == Change("Remove", "PermissionTable", "AWS::DynamoDB::Table", Replacement.NO, "", is_kept=True)


def shown(*, terminal: bool = False, width: int = 40) -> tuple[Talk, io.StringIO]:
    text = io.StringIO()
    return Talk(
        Console(file=text, force_terminal=terminal, width=width, color_system="standard" if terminal else None), is_interactive=False
    ), text


def test_changes_are_shown_as_a_table_with_words_besides_colours() -> None:
    talk, text = shown()
    talk.show_changes(CHANGES)
    assert [" ".join(line.split()) for line in text.getvalue().splitlines()] == [
        "action resource type replacement",
        "! Remove PermissionTable AWS::DynamoDB::Table leaves the stack, and is kept",
        "! Modify UserPool AWS::Cognito::UserPool perhaps made anew, and the old one is kept",
        "Remove Alarm AWS::CloudWatch::Alarm is deleted",
        "Modify Role AWS::IAM::Role made anew",
        "Modify Function AWS::Lambda::Function -",
        "Modify OldTable AWS::DynamoDB::GlobalTable -",
        "Add New AWS::Lambda::Function -",
        "Add OtherTable AWS::DynamoDB::Table -",
    ]
    talk, text = shown(terminal=True, width=120)
    talk.show_changes(CHANGES)
    assert "\x1b[1;31mPermissionTable\x1b[0m" in text.getvalue()
    talk, text = shown(terminal=True, width=50)
    talk.show_changes(CHANGES)
    assert "…" not in text.getvalue()


def test_what_aws_says_is_no_markup_and_obeyed_by_no_terminal() -> None:
    talk, text = shown(width=20)
    talk.say("[red]a\x1b[2J\n" + "long " * 20, "bold")
    talk.show_values({"A": "[b]", "Long": "x" * 50})
    assert text.getvalue() == "[red]a\\x1b[2J\n" + "long " * 20 + f"\n  A     [b]\n  Long  {'x' * 50}\n"


def test_progress_names_what_is_done_and_what_failed() -> None:
    events = [
        event("UPDATE_IN_PROGRESS"),
        event("CREATE_IN_PROGRESS", "A"),
        event("CREATE_COMPLETE", "A"),
        event("CREATE_FAILED", "B", "no [such] key"),
    ]
    talk, text = shown()
    with talk.progress("updating", 2) as on_event:
        for each in events:
            on_event(each)
    assert text.getvalue().splitlines() == [
        "12:05:00 UPDATE_IN_PROGRESS   gatebook-dev AWS::CloudFormation::Stack",
        "12:05:00 CREATE_COMPLETE      A AWS::Lambda::Function",
        "12:05:00 CREATE_FAILED        B AWS::Lambda::Function: no [such] key",
    ]
    talk, text = shown(terminal=True, width=120)
    with talk.progress("updating", 2) as on_event:
        for each in events:
            on_event(each)
    assert "updating 2 of 2: B CREATE_FAILED" in text.getvalue()
    talk, text = shown(terminal=True, width=120)
    with talk.progress("deleting") as on_event:
        on_event(event("DELETE_COMPLETE", "A"))
    assert "deleting: A DELETE_COMPLETE" in text.getvalue()


CANCELLED = event("CREATE_FAILED", "Early", "Resource creation cancelled")
KEY = event(
    "CREATE_FAILED",
    "Function",
    "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist.",
)
STACK_FAILED = event("ROLLBACK_IN_PROGRESS", reason="The following resource(s) failed to create: [Function, Early]. ")


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (
            [CANCELLED, KEY, event("CREATE_FAILED", "Late", "another"), STACK_FAILED],
            "Function (AWS::Lambda::Function): Error occurred while GetObject.",
        ),
        (
            [event("UPDATE_FAILED", "A", "Resource update cancelled"), event("UPDATE_FAILED", "B")],
            "B (AWS::Lambda::Function): UPDATE_FAILED",
        ),
        (
            [event("CREATE_IN_PROGRESS", reason="User Initiated"), STACK_FAILED],
            "gatebook-dev (AWS::CloudFormation::Stack): The following resource(s)",
        ),
        ([event("CREATE_FAILED", reason="Transform failed")], "gatebook-dev (AWS::CloudFormation::Stack): Transform failed"),
        ([event("CREATE_FAILED", reason="the stack"), KEY], "Function (AWS::Lambda::Function): Error"),
        ([event("CREATE_IN_PROGRESS", reason="User Initiated"), event("CREATE_COMPLETE", "A")], "no event says why"),
    ],
)
def test_the_first_failure_is_the_cause_and_not_what_followed(events: list[Event], told: str) -> None:
    assert first_cause(events).startswith(told)


def test_a_cause_that_is_known_comes_with_what_helps() -> None:
    assert first_cause([KEY]).endswith("the zip is gone from the bucket for code: run `gatebook deploy` again, which uploads it")


@pytest.mark.parametrize(
    ("reason", "helps"),
    [
        (
            "User: arn:aws:iam::1:user/a is not authorized to perform: iam:CreateRole on resource: arn",
            "allow iam:CreateRole to whoever deploys",
        ),
        ("Error occurred while GetObject. S3 Error Code: PermanentRedirect.", "the bucket for code must be in the stack's region"),
        ("Resource of type 'AWS::Logs::LogGroup' with identifier '/aws/x' already exists.", "give the stack another name"),
        ("LimitExceededException: Cannot exceed quota for PoliciesPerRole: 10", "ask for a higher quota"),
        ("Maximum number of APIs reached", "ask for a higher quota"),
    ],
)
def test_a_reason_of_aws_has_a_remedy(reason: str, helps: str) -> None:
    assert helps in (remedy(reason) or "")


def test_other_reasons_have_none() -> None:
    assert remedy("Internal Failure") is None


def test_what_a_rollback_could_not_bring_back_is_of_the_last_rollback() -> None:
    old = [event("UPDATE_ROLLBACK_IN_PROGRESS"), event("UPDATE_FAILED", "Old", "then")]
    new = [
        event("UPDATE_FAILED", "Cause", "x"),
        event("UPDATE_ROLLBACK_IN_PROGRESS"),
        event("UPDATE_FAILED", "Role", "gone"),
        event("UPDATE_FAILED", "B", "Resource update cancelled"),
    ]
    assert [each.logical_id for each in failed_in_rollback([*old, *new, event("UPDATE_ROLLBACK_FAILED", reason="x")])] == ["Role"]
    assert [each.logical_id for each in failed_in_rollback(new[2:])] == ["Role"]


def test_the_first_admin_is_of_the_group_that_template_and_seeds_name() -> None:
    assert written(BASE)["Resources"]["GatebookAdminsGroup"]["Properties"]["GroupName"] == ADMINS
    for seed in ("dev", "staging", "prod"):
        assert f"{ADMINS}:" in (INFRA.parent / "seed_data" / f"{seed}.yaml").read_text()
    made, given = (first_admin({"UserPoolId": "eu-west-1_A"}, "eu-west-1", makes_group=each) for each in (False, True))
    assert given == [f"aws cognito-idp create-group --region eu-west-1 --user-pool-id eu-west-1_A --group-name {ADMINS}", *made]
    assert (
        made[1]
        == f"aws cognito-idp admin-add-user-to-group --region eu-west-1 --user-pool-id eu-west-1_A --username you@example.com --group-name {ADMINS}"
    )
