"""What the authorizers of the local stack wrote last: the first thing to look at when they answer 500."""

from botocore.exceptions import ClientError

from infra.local.deploy import SAMPLE_STACK
from infra.local.emulator import Aws

_LAMBDA_S_OWN = ("START ", "END ", "REPORT ")


def last_lines(aws: Aws, count: int = 5) -> list[str]:
    """The last lines of the authorizers' log; nothing if there is none."""
    logs = aws.client("logs")
    try:
        resource = aws.cloudformation.describe_stack_resource(StackName=SAMPLE_STACK, LogicalResourceId="AuthorizerLogGroup")
        group = resource["StackResourceDetail"]["PhysicalResourceId"]
        events = logs.filter_log_events(logGroupName=group)["events"]
    except ClientError:
        return []
    lines = [str(event["message"]).rstrip() for event in sorted(events, key=lambda event: event["timestamp"])]
    # Lambda's own lines and metrics would crowd out what a person looks for.
    return [line for line in lines if line and not line.startswith(_LAMBDA_S_OWN) and '"_aws"' not in line][-count:]
