"""What the functions of the local stack wrote last: the first thing to look at when they answer 500."""

from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from infra.local.deploy import BASE_STACK, SAMPLE_STACK
from infra.local.emulator import Aws

_GROUPS = ((SAMPLE_STACK, "AuthorizerLogGroup"), (BASE_STACK, "AdminAuthorizerLogGroup"), (BASE_STACK, "AdminLogGroup"))
_LAMBDA_S_OWN = ("START ", "END ", "REPORT ")


def last_lines(aws: Aws, count: int = 8) -> list[str]:
    """The last lines of the functions' logs together; nothing if there are none."""
    events = sorted(_events(aws), key=lambda event: event["timestamp"])
    lines = [str(event["message"]).rstrip() for event in events]
    # Lambda's own lines and mere metrics would crowd out what a person looks for.
    return [line for line in lines if line and not line.startswith(_LAMBDA_S_OWN) and not _is_mere_metrics(line)][-count:]


def _is_mere_metrics(line: str) -> bool:
    return '"_aws"' in line and '"message"' not in line


def _events(aws: Aws) -> Iterator[dict[str, Any]]:
    logs = aws.client("logs")
    for stack, group in _GROUPS:
        try:
            resource = aws.cloudformation.describe_stack_resource(StackName=stack, LogicalResourceId=group)
            yield from logs.filter_log_events(logGroupName=resource["StackResourceDetail"]["PhysicalResourceId"])["events"]
        except ClientError:
            continue
