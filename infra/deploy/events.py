"""What a stack's events say: how far it is, and of a failure the cause instead of what followed from it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_STACK = "AWS::CloudFormation::Stack"
_CANCELLED = re.compile(r"Resource (creation|update|deletion|import) cancelled", re.IGNORECASE)

_REMEDIES = (
    (
        re.compile(r"not authorized to perform:? (?P<what>[\w:*-]+)", re.IGNORECASE),
        "allow {what} to whoever deploys, and run `gatebook deploy` again",
    ),
    (re.compile(r"S3 Error Code: PermanentRedirect"), "the bucket for code must be in the stack's region: name another one as `bucket`"),
    (
        re.compile(r"S3 Error Code: (NoSuchKey|NoSuchBucket)"),
        "the zip is gone from the bucket for code: run `gatebook deploy` again, which uploads it",
    ),
    (re.compile(r"already exists"), "delete what has that name if nobody needs it, or give the stack another name with `stack`"),
    (
        re.compile(r"limit ?exceeded|exceeds? (the )?(quota|limit)|maximum .* reached", re.IGNORECASE),
        "ask for a higher quota with Service Quotas, or free some",
    ),
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stack. `reason` is empty where nothing went wrong."""

    id: str
    time: str
    logical_id: str
    kind: str
    status: str
    reason: str
    is_of_stack: bool

    @property
    def is_failure(self) -> bool:
        """Whether a resource, or the stack, could not be made, changed or deleted."""
        return self.status.endswith("_FAILED")

    @property
    def is_settled(self) -> bool:
        """Whether the resource is done, one way or the other."""
        return not self.status.endswith("_IN_PROGRESS")

    @property
    def is_cascade(self) -> bool:
        """Whether a resource failed only because another one had failed before."""
        return _CANCELLED.search(self.reason) is not None


def event_of(answer: Mapping[str, Any]) -> Event:
    """Return an event of DescribeStackEvents."""
    kind = answer.get("ResourceType", "")
    return Event(
        id=answer["EventId"],
        time=answer["Timestamp"].strftime("%H:%M:%S"),
        logical_id=answer.get("LogicalResourceId", ""),
        kind=kind,
        status=answer.get("ResourceStatus", ""),
        reason=answer.get("ResourceStatusReason", ""),
        is_of_stack=kind == _STACK and answer.get("PhysicalResourceId") == answer["StackId"],
    )


def first_cause(events: Sequence[Event]) -> str:
    """Return why a deployment failed, from its events, oldest first, with what helps if that is known.

    `[FunctionA failed: no such key, FunctionB failed: Resource creation cancelled]` -> `FunctionA (AWS::Lambda::Function): no such key`
    """
    failures = [each for each in events if each.is_failure and not each.is_cascade]
    # What the stack says of itself lists the resources that failed, and is all there is where a macro failed before any resource.
    of_resources = [each for each in failures if not each.is_of_stack]
    of_stack = [each for each in events if each.is_of_stack and each.reason and not each.status.startswith(("CREATE_IN", "UPDATE_IN"))]
    found = of_resources or failures or of_stack
    if not found:
        return "no event says why"
    cause = found[0]
    told = f"{cause.logical_id} ({cause.kind}): {cause.reason or cause.status}"
    help_ = remedy(cause.reason)
    return f"{told}\n{help_}" if help_ else told


def failed_in_rollback(events: Sequence[Event]) -> list[Event]:
    """Return the resources that the last rollback among these events, oldest first, could not bring back."""
    starts = [number for number, each in enumerate(events) if each.is_of_stack and each.status == "UPDATE_ROLLBACK_IN_PROGRESS"]
    since: Iterable[Event] = events[starts[-1] :] if starts else events
    return [each for each in since if each.is_failure and not each.is_of_stack and not each.is_cascade]


def remedy(reason: str) -> str | None:
    """Return what helps against a reason that AWS gives, None if that is not known.

    `not authorized to perform: iam:CreateRole` -> `allow iam:CreateRole to whoever deploys, ...`
    """
    for pattern, words in _REMEDIES:
        if found := pattern.search(reason):
            return words.format(**found.groupdict())
    return None
