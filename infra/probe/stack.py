"""The probe's stack: made before the questions, deleted after them whatever happens."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, WaiterError

_HERE = Path(__file__).parent
_CAPABILITIES = ["CAPABILITY_IAM"]


class StackError(Exception):
    """The stack could not be made or deleted; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ProbeStack:
    """A stack that stands: its name, what it gave out, and the key that orders answers."""

    name: str
    outputs: Mapping[str, str]
    key: str


@contextmanager
def probe_stack(cloudformation: Any, say: Callable[[str], None], *, emulated: bool = False, keep: bool = False) -> Iterator[ProbeStack]:
    """Make the stack and delete it at the end, unless it is to be kept. Raises `StackError`, `ClientError`.

    `emulated` is whether an emulator stands for AWS.
    """
    delay = 0.2 if emulated else 5.0
    name, key = f"gatebook-probe-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(2)}", secrets.token_urlsafe(24)
    say(f"creating stack {name}")
    parameters = {"Code": (_HERE / "function.py").read_text(encoding="utf-8"), "Key": key, "Emulated": str(emulated).lower()}
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=(_HERE / "probe.yaml").read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": each, "ParameterValue": value} for each, value in parameters.items()],
        Capabilities=_CAPABILITIES,
        OnFailure="DO_NOTHING",
        Tags=[{"Key": "gatebook", "Value": "probe"}],
    )
    try:
        _wait(cloudformation, "stack_create_complete", name, delay)
        described = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        yield ProbeStack(name, {each["OutputKey"]: each["OutputValue"] for each in described.get("Outputs", ())}, key)
    finally:
        if keep:
            say(f"stack {name} is kept: `aws cloudformation delete-stack --stack-name {name}` deletes it")
        else:
            say(f"deleting stack {name}")
            cloudformation.delete_stack(StackName=name)
            _wait(cloudformation, "stack_delete_complete", name, delay)


def _wait(cloudformation: Any, until: str, name: str, delay: float) -> None:
    try:
        cloudformation.get_waiter(until).wait(StackName=name, WaiterConfig={"Delay": delay, "MaxAttempts": 240})
    except WaiterError as error:
        raise StackError(
            f"stack `{name}`: {_first_failure(cloudformation, name)}; `aws cloudformation delete-stack --stack-name {name}` deletes what is left of it"
        ) from error


def _first_failure(cloudformation: Any, name: str) -> str:
    """Return what failed first, with AWS's reason: `Function: ...`. What fails after it fails because of it."""
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except ClientError as error:
        return str(error)
    failed = [each for each in events if each.get("ResourceStatus", "").endswith("_FAILED")]
    if not failed:
        return "no resource failed, and it did not come to an end"
    first = min(failed, key=lambda each: each["Timestamp"])
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason', 'AWS gives no reason')}"
