"""One stack of CloudFormation: what state it is in, its change sets, and waiting until it has settled."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.deploy.changes import Change, changes_of
from infra.deploy.errors import CONFLICT, DeployError
from infra.deploy.events import Event, event_of

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

POLL_SECONDS = 3.0

_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")
_RUNS_ALREADY = ("_IN_PROGRESS state and can not be updated", "_IN_PROGRESS state and cannot be updated")


@dataclass(frozen=True, slots=True)
class Described:
    """What CloudFormation says of a stack."""

    id: str
    status: str
    reason: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def is_busy(self) -> bool:
        """Whether somebody's operation runs. A stack whose first change set waits for a review does nothing."""
        return self.status.endswith("_IN_PROGRESS") and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether the stack has a change set and nothing else."""
        return self.status == "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set that can be executed, and the stack that it was made for."""

    id: str
    stack_id: str
    creates: bool
    changes: tuple[Change, ...]


@dataclass(slots=True)
class Stack:
    """A stack by its name, asked through a client of its region. `sleep` waits for so many seconds."""

    client: "CloudFormationClient"
    name: str
    sleep: Callable[[float], None]
    poll_seconds: float = POLL_SECONDS
    _last_event: str | None = field(default=None, init=False)

    def describe(self, stack_id: str | None = None) -> Described | None:
        """Return what AWS says of the stack, None if there is none. A deleted stack is found by its id alone."""
        try:
            answer: Any = self.client.describe_stacks(StackName=stack_id or self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in _message(error):
                return None
            raise
        return Described(
            id=answer["StackId"],
            status=answer["StackStatus"],
            reason=answer.get("StackStatusReason", ""),
            outputs={each["OutputKey"]: each["OutputValue"] for each in answer.get("Outputs", ())},
            parameters={each["ParameterKey"]: each.get("ParameterValue", "") for each in answer.get("Parameters", ())},
        )

    def plan(
        self,
        name: str,
        body: Mapping[str, str],
        parameters: Mapping[str, str],
        kept: Iterable[str],
        capabilities: Iterable[str],
        *,
        creates: bool,
    ) -> ChangeSet | None:
        """Make a change set and return it when it is ready, None if there is nothing to change.

        `body` is the template, as `{"TemplateBody": ...}` or `{"TemplateURL": ...}`; the parameters in `kept` have the values that the stack has.
        Raises `DeployError` if the template or its parameters are refused, and with `CONFLICT` if somebody else works on the stack.
        """
        arguments: Any = {
            "StackName": self.name,
            "ChangeSetName": name,
            "ChangeSetType": "CREATE" if creates else "UPDATE",
            "Capabilities": list(capabilities),
            "Parameters": [
                *({"ParameterKey": key, "ParameterValue": value} for key, value in sorted(parameters.items())),
                *({"ParameterKey": key, "UsePreviousValue": True} for key in kept),
            ],
            **body,
        }
        try:
            made = self.client.create_change_set(**arguments)
        except ClientError as error:
            if any(each in _message(error) for each in _RUNS_ALREADY):
                raise _busy(self.name) from error
            if _code(error) in ("ValidationError", "InsufficientCapabilitiesException"):
                raise DeployError(f"CloudFormation refuses the change set of stack `{self.name}`: {_message(error)}") from error
            raise
        change_set, stack_id = made["Id"], made["StackId"]
        try:
            answer = self._ready(change_set)
        except KeyboardInterrupt:
            self.discard(ChangeSet(change_set, stack_id, creates, ()))
            raise
        if answer["Status"] == "FAILED":
            reason = answer.get("StatusReason", "")
            self.discard(ChangeSet(change_set, stack_id, creates, ()))
            if any(each in reason for each in _NO_CHANGES):
                return None
            raise DeployError(f"CloudFormation cannot make the change set of stack `{self.name}`: {reason}")
        return ChangeSet(change_set, stack_id, creates, tuple(changes_of(self._pages(change_set, answer))))

    def discard(self, change_set: ChangeSet) -> None:
        """Delete a change set, and the stack with it if the change set was all that there was."""
        self.client.delete_change_set(ChangeSetName=change_set.id)
        if change_set.creates:
            described = self.describe()
            if described is not None and described.is_empty and described.id == change_set.stack_id and not self._has_change_sets():
                self.client.delete_stack(StackName=change_set.stack_id)

    def execute(self, change_set: ChangeSet) -> None:
        """Begin what a change set says. Raises `DeployError` (`CONFLICT`) if the stack was changed since the change set was made."""
        self.mark()
        try:
            self.client.execute_change_set(ChangeSetName=change_set.id)
        except ClientError as error:
            with contextlib.suppress(ClientError):
                self.discard(change_set)
            if _code(error) in ("InvalidChangeSetStatus", "ChangeSetNotFound") or any(each in _message(error) for each in _RUNS_ALREADY):
                raise DeployError(
                    f"somebody has changed stack `{self.name}` since these changes were worked out ({_message(error)}): "
                    "run `gatebook deploy` again, which shows what is left to do",
                    CONFLICT,
                ) from error
            raise

    def delete(self, stack_id: str) -> None:
        """Begin to delete the stack. What the template retains stays in the account."""
        self.mark()
        self.client.delete_stack(StackName=stack_id)

    def mark(self) -> None:
        """Let `settled` and `events_since` speak of what happens from now on."""
        self._last_event = next((each.id for each in self._newest_first(self.name)), None)

    def settled(self, stack_id: str, on_event: Callable[[Event], None]) -> tuple[Described, list[Event]]:
        """Wait until the stack's operation has ended, and hand each event since the mark to `on_event`, oldest first.

        Returns what the stack is then, and those events.
        """
        seen: list[Event] = []
        while True:
            # The state first: whatever led to it is among the events that are read after it.
            described = self.describe(stack_id)
            for event in self.events_since(stack_id):
                self._last_event = event.id
                seen.append(event)
                on_event(event)
            if described is None:
                raise DeployError(f"stack `{self.name}` is gone: somebody has deleted it", CONFLICT)
            if not described.is_busy:
                return described, seen
            self.sleep(self.poll_seconds)

    def events_since(self, stack_id: str) -> list[Event]:
        """Return the events since the mark, oldest first."""
        found = []
        for event in self._newest_first(stack_id):
            if event.id == self._last_event:
                break
            found.append(event)
        return found[::-1]

    def all_events(self) -> list[Event]:
        """Return the events that CloudFormation keeps, of 90 days, oldest first."""
        return [*self._newest_first(self.name)][::-1]

    def deployed_template(self) -> str | Mapping[str, Any]:
        """Return the template that the stack was last deployed from: a text, or values if it was JSON."""
        body: Any = self.client.get_template(StackName=self.name, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else dict(body)

    def retained(self, stack_id: str) -> list[str]:
        """Return what a deleted stack has left in the account: `PermissionTable (AWS::DynamoDB::Table) gatebook-PermissionTable-1A2B`."""
        answer = self.client.describe_stack_resources(StackName=stack_id)["StackResources"]
        return [
            f"{each['LogicalResourceId']} ({each['ResourceType']}) {each.get('PhysicalResourceId', '')}".rstrip()
            for each in answer
            if each["ResourceStatus"] == "DELETE_SKIPPED"
        ]

    def _ready(self, change_set: str) -> Any:
        while True:
            answer = self.client.describe_change_set(ChangeSetName=change_set)
            if answer["Status"] in ("CREATE_COMPLETE", "FAILED"):
                return answer
            self.sleep(self.poll_seconds)

    def _pages(self, change_set: str, answer: Any) -> Iterator[Any]:
        yield from answer.get("Changes", ())
        while token := answer.get("NextToken"):
            answer = self.client.describe_change_set(ChangeSetName=change_set, NextToken=token)
            yield from answer.get("Changes", ())

    def _has_change_sets(self) -> bool:
        return bool(self.client.list_change_sets(StackName=self.name)["Summaries"])

    def _newest_first(self, stack: str) -> Iterator[Event]:
        try:
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=stack):
                for each in page["StackEvents"]:
                    yield event_of(each)
        except ClientError as error:
            if "does not exist" not in _message(error):
                raise


def _busy(name: str) -> DeployError:
    return DeployError(f"somebody else works on stack `{name}` right now: run `gatebook deploy` again when that has ended", CONFLICT)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message", ""))
