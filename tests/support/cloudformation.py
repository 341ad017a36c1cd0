"""CloudFormation in memory, for what no emulator here plays: rollbacks that fail, stacks that others work on, change sets that are overtaken.

It is a thin fake of the API that `infra.deploy` calls, written from the API reference and the user guide ("Stack status codes", "Updating stacks using change
sets", "View stack events"): states, events and errors have AWS's names and words. It evaluates no functions: a change is a resource whose text differs. A stack
takes one step each time somebody sleeps, so that tests wait for nothing.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from admin_api.importers.template_text import blocks_of

STACK = "AWS::CloudFormation::Stack"
BEGAN = datetime(2026, 11, 28, 12, tzinfo=UTC)
UPDATABLE = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE")
PAGE = 3

Steps = Iterator[None]


def error(operation: str, code: str, message: str, status: int = 400) -> ClientError:
    """What AWS would answer."""
    return ClientError({"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]


@dataclass(slots=True)
class FakeStack:
    """A stack with its events, oldest first."""

    name: str
    id: str
    status: str
    resources: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    template: str = "{}"
    events: list[dict[str, Any]] = field(default_factory=list)
    retained: dict[str, str] = field(default_factory=dict)
    """Resources that a deletion left, with their types."""


@dataclass(slots=True)
class FakeCloudFormation:
    """A client. The fields say how the next operations go."""

    fails: dict[str, str] = field(default_factory=dict)
    """Resources that cannot be created or updated, with the reason."""
    rollback_fails: dict[str, str] = field(default_factory=dict)
    changes_outputs: bool = False
    """Whether what changes are outputs alone, which no change set lists."""
    replaced: dict[str, str] = field(default_factory=dict)
    """Resources whose change is a replacement: `True` or `Conditional`."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """By the stack's name, what a stack that is deployed gives out."""
    refuses: dict[str, ClientError] = field(default_factory=dict)
    """By operation, such as `execute_change_set`, the error that answers it."""
    stacks: list[FakeStack] = field(default_factory=list)
    change_sets: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    on_sleep: Callable[[], None] = lambda: None
    _running: dict[str, Steps] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def sleep(self, _seconds: float) -> None:
        """Let each stack take a step."""
        self.on_sleep()
        for stack_id, steps in list(self._running.items()):
            if next(steps, "ended") == "ended":
                self._running.pop(stack_id, None)

    def stack(self, name: str, status: str = "CREATE_COMPLETE", template: str = "{}", **parameters: str) -> FakeStack:
        """A stack that is there already."""
        made = FakeStack(
            name, f"arn:aws:cloudformation:eu-west-1:111122223333:stack/{name}/{next(self._numbers)}", status, parameters=parameters
        )
        made.template, made.resources = template, dict(blocks_of(template, "template").get("Resources", {}))
        made.outputs = self.outputs.get(name, {})
        self.stacks.append(made)
        self.event(made, status)
        return made

    def somebody_updates(self, stack: FakeStack, becomes: str = "UPDATE_COMPLETE", steps: int = 2) -> None:
        """Somebody else's update, which ends after so many steps."""

        def run() -> Steps:
            for _ in range(steps):
                yield
            self.event(stack, becomes)

        self.event(stack, "UPDATE_IN_PROGRESS", reason="User Initiated")
        self._running[stack.id] = run()

    def event(self, stack: FakeStack, status: str, logical_id: str | None = None, kind: str = STACK, reason: str = "") -> None:
        """An event; one of the stack itself changes its status."""
        number = next(self._numbers)
        is_of_stack = logical_id is None
        stack.status = status if is_of_stack else stack.status
        entry = {
            "EventId": f"event-{number}",
            "StackId": stack.id,
            "StackName": stack.name,
            "LogicalResourceId": logical_id or stack.name,
            "PhysicalResourceId": stack.id if is_of_stack else f"{stack.name}-{logical_id}",
            "ResourceType": kind,
            "Timestamp": BEGAN + timedelta(seconds=number),
            "ResourceStatus": status,
        }
        stack.events.append(entry | ({"ResourceStatusReason": reason} if reason else {}))

    # The API, by its operations' names.

    def describe_stacks(self, StackName: str) -> Any:  # noqa: N803  # AWS's word
        stack = self._found("describe_stacks", StackName)
        return {
            "Stacks": [
                {
                    "StackId": stack.id,
                    "StackName": stack.name,
                    "StackStatus": stack.status,
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()],
                    "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in stack.parameters.items()],
                }
            ]
        }

    def create_change_set(self, **asked: Any) -> Any:
        self._called("create_change_set")
        name, body = asked["StackName"], asked.get("TemplateBody", "{}")
        held = self._by_name(name)
        if asked["ChangeSetType"] == "CREATE":
            if held is not None and held.status != "REVIEW_IN_PROGRESS":
                raise error(
                    "CreateChangeSet",
                    "AlreadyExistsException",
                    f"Stack [{name}] already exists and cannot be created again with the changeSet",
                )
            stack = held or self.stack(name, "REVIEW_IN_PROGRESS")
        elif held is None:
            raise error("CreateChangeSet", "ValidationError", f"Stack [{name}] does not exist")
        elif held.status not in UPDATABLE:
            raise error("CreateChangeSet", "ValidationError", f"Stack:{held.id} is in {held.status} state and can not be updated.")
        else:
            stack = held
        resources = dict(blocks_of(body, "template").get("Resources", {}))
        given = asked["Parameters"]
        parameters = {each["ParameterKey"]: each.get("ParameterValue", stack.parameters.get(each["ParameterKey"], "")) for each in given}
        changes = self._changes(stack.resources, resources, parameters != stack.parameters)
        made: dict[str, Any] = {
            "Id": f"arn:aws:cloudformation:eu-west-1:111122223333:changeSet/{asked['ChangeSetName']}/{next(self._numbers)}",
            "StackId": stack.id,
            "asked": asked,
            "Changes": changes,
            "pending": 1,
            "resources": resources,
            "parameters": parameters,
        }
        self.change_sets[made["Id"]] = made
        return made

    def describe_change_set(self, ChangeSetName: str, NextToken: str = "0") -> Any:  # noqa: N803
        self._called("describe_change_set")
        held = self.change_sets[ChangeSetName]
        if held["pending"]:
            held["pending"] -= 1
            return {"Status": "CREATE_PENDING", "ExecutionStatus": "UNAVAILABLE"}
        if "StatusReason" in held:
            return {"Status": "FAILED", "StatusReason": held["StatusReason"], "ExecutionStatus": "UNAVAILABLE"}
        if not held["Changes"] and not self.changes_outputs:
            reason = "The submitted information didn't contain changes. Submit different information to create a change set."
            return {"Status": "FAILED", "StatusReason": reason, "ExecutionStatus": "UNAVAILABLE"}
        first, beyond = int(NextToken), int(NextToken) + PAGE
        more = {"NextToken": str(beyond)} if beyond < len(held["Changes"]) else {}
        return {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "Changes": held["Changes"][first:beyond], **more}

    def delete_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        self._called("delete_change_set")
        self.change_sets.pop(ChangeSetName, None)

    def list_change_sets(self, StackName: str) -> Any:  # noqa: N803
        stack = self._found("list_change_sets", StackName)
        return {"Summaries": [each for each in self.change_sets.values() if each["StackId"] == stack.id]}

    def execute_change_set(self, ChangeSetName: str) -> None:  # noqa: N803
        self._called("execute_change_set")
        held = self.change_sets[ChangeSetName]
        stack = self._found("execute_change_set", held["StackId"])
        creates = stack.status == "REVIEW_IN_PROGRESS"
        self.event(stack, "CREATE_IN_PROGRESS" if creates else "UPDATE_IN_PROGRESS", reason="User Initiated")
        self._running[stack.id] = self._deploy(stack, held, "CREATE" if creates else "UPDATE")
        # With its execution every change set of the stack is deleted.
        self.change_sets = {key: each for key, each in self.change_sets.items() if each["StackId"] != stack.id}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        stack = self._found("delete_stack", StackName)
        if stack.status == "REVIEW_IN_PROGRESS":
            self.event(stack, "DELETE_COMPLETE")
            return
        self.event(stack, "DELETE_IN_PROGRESS", reason="User Initiated")

        def run() -> Steps:
            yield
            for name, kind in stack.retained.items():
                self.event(stack, "DELETE_SKIPPED", name, kind)
            self.event(stack, "DELETE_COMPLETE")

        self._running[stack.id] = run()

    def get_template(self, StackName: str, TemplateStage: str) -> Any:  # noqa: N803
        assert TemplateStage == "Original"
        text = self._found("get_template", StackName).template
        # What was JSON comes back as values.
        return {"TemplateBody": json.loads(text) if text.startswith("{") else text}

    def describe_stack_resources(self, StackName: str) -> Any:  # noqa: N803
        stack = self._found("describe_stack_resources", StackName)
        return {
            "StackResources": [
                {
                    "LogicalResourceId": name,
                    "ResourceType": kind,
                    "PhysicalResourceId": f"{stack.name}-{name}",
                    "ResourceStatus": "DELETE_SKIPPED",
                }
                for name, kind in stack.retained.items()
            ]
        }

    def get_paginator(self, operation: str) -> Any:
        assert operation == "describe_stack_events"
        return self

    def paginate(self, StackName: str) -> Iterator[Any]:  # noqa: N803
        newest_first = self._found("describe_stack_events", StackName).events[::-1]
        for first in range(0, len(newest_first), PAGE):
            yield {"StackEvents": newest_first[first : first + PAGE]}

    # How operations go.

    def _deploy(self, stack: FakeStack, change_set: Mapping[str, Any], verb: str) -> Steps:
        yield
        changes = [each["ResourceChange"] for each in change_set["Changes"]]
        failed = [each for each in changes if each["LogicalResourceId"] in self.fails]
        for each in changes:
            self.event(stack, f"{verb}_IN_PROGRESS", each["LogicalResourceId"], each["ResourceType"])
        yield
        for each in failed:
            self.event(stack, f"{verb}_FAILED", each["LogicalResourceId"], each["ResourceType"], self.fails[each["LogicalResourceId"]])
        for each in [one for one in changes if one not in failed]:
            reason = f"Resource {'creation' if verb == 'CREATE' else 'update'} cancelled" if failed else ""
            self.event(stack, f"{verb}_{'FAILED' if failed else 'COMPLETE'}", each["LogicalResourceId"], each["ResourceType"], reason)
        if failed:
            yield from self._roll_back(stack, [each["LogicalResourceId"] for each in changes], verb)
            return
        stack.resources, stack.parameters = change_set["resources"], change_set["parameters"]
        stack.template = change_set["asked"].get("TemplateBody", "{}")
        stack.outputs = self.outputs.get(stack.name, {})
        if verb == "UPDATE":
            self.event(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            yield
        self.event(stack, f"{verb}_COMPLETE")

    def _roll_back(self, stack: FakeStack, names: list[str], verb: str) -> Steps:
        prefix = "ROLLBACK" if verb == "CREATE" else "UPDATE_ROLLBACK"
        self.event(stack, f"{prefix}_IN_PROGRESS", reason=f"The following resource(s) failed to {verb.lower()}: [{', '.join(names)}]. ")
        yield
        for name, reason in self.rollback_fails.items():
            self.event(stack, "UPDATE_FAILED" if verb == "UPDATE" else "DELETE_FAILED", name, "AWS::Test::Thing", reason)
        self.event(stack, f"{prefix}_{'FAILED' if self.rollback_fails else 'COMPLETE'}")

    def _changes(self, before: Mapping[str, Any], after: Mapping[str, Any], new_parameters: bool) -> list[Any]:
        found = []
        for name in sorted(before.keys() | after.keys()):
            change = {"LogicalResourceId": name, "ResourceType": (after.get(name) or before[name])["Type"], "Action": "Add"}
            if name not in after:
                retained = before[name].get("DeletionPolicy") == "Retain"
                change |= {"Action": "Remove", "PhysicalResourceId": f"old-{name}", "PolicyAction": "Retain" if retained else "Delete"}
            elif name in before and (before[name] != after[name] or (new_parameters and name in self.replaced)):
                change |= {"Action": "Modify", "PhysicalResourceId": f"old-{name}", "Replacement": self.replaced.get(name, "False")}
            elif name in before:
                continue
            found.append({"Type": "Resource", "ResourceChange": change})
        return found

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if operation in self.refuses:
            raise self.refuses[operation]

    def _by_name(self, name: str) -> FakeStack | None:
        return next((each for each in self.stacks if name == each.name and each.status != "DELETE_COMPLETE"), None)

    def _found(self, operation: str, name: str) -> FakeStack:
        """By name what is not deleted, by id any stack of the last 90 days."""
        self._called(operation)
        found = self._by_name(name) or next((each for each in self.stacks if each.id == name), None)
        if found is None:
            raise error(operation, "ValidationError", f"Stack with id {name} does not exist")
        return found
