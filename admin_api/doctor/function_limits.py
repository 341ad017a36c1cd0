"""The function's timeout, memory and runtime: whether a cold start and the slowest failure fit."""

import re
from collections.abc import Iterator

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Finding, Severity

_GATEWAY_SECONDS = 10
"""When an HTTP API gives up on an authorizer ("Quotas for HTTP APIs", API Gateway developer guide). Of REST and WebSocket APIs none is published."""

_SLOWEST_SECONDS = 8.5
"""How long the authorizer waits for an issuer and one read of the table at their slowest: docs/failures.md."""

_COLD_SECONDS = 4
"""What is more than Lambda's default of 3 s, in which a cold start with its fetch of keys and its reads need not end."""

_TIMEOUT, _MEMORY, _LEAST_MEMORY = 9, 512, 256

_OLDEST = (3, 11)


def unsuitable_limits(deployment: Deployment) -> Iterator[Finding]:
    """Lambda ends a call at its timeout and gives CPU by memory: too little of either makes failures of cold starts."""
    function = deployment.function
    if function is None:
        return
    change = f"aws lambda update-function-configuration --function-name {function.name}"
    for setting, message, remedy in (
        ("timeout", _about_timeout(function.timeout), f"`{change} --timeout {_TIMEOUT}`"),
        ("memory", _about_memory(function.memory), f"`{change} --memory-size {_MEMORY}`"),
        (
            "runtime",
            _about_runtime(function.runtime),
            f"`{change} --runtime python3.13`, with a zip that `python -m infra.package` built for it",
        ),
    ):
        if message:
            yield Finding(Severity.WARNING, f"function {function.name}", f"its {setting} is {message}", remedy)


def _about_timeout(seconds: int) -> str:
    if seconds > _GATEWAY_SECONDS:
        return (
            f"{seconds} s, and API Gateway gives up after {_GATEWAY_SECONDS} s: what takes longer is paid for, and nobody gets its answer"
        )
    if seconds < _COLD_SECONDS:
        return f"{seconds} s: a cold start that has to wait for keys or the table is cut off, and its caller gets 500"
    if seconds < _SLOWEST_SECONDS:
        return (
            f"{seconds} s, and the slowest failure takes {_SLOWEST_SECONDS} s: it is cut off before it is logged and counted as `trouble`"
        )
    return ""


def _about_memory(megabytes: int) -> str:
    return f"{megabytes} MB: Lambda gives CPU by memory, so that cold starts take seconds" if megabytes < _LEAST_MEMORY else ""


def _about_runtime(name: str) -> str:
    # The image of a container says its own.
    if not name:
        return ""
    version = re.fullmatch(r"python(\d+)\.(\d+)", name)
    if version is None:
        return f"{name}: the authorizer is Python, so this is another program or does not start"
    if (int(version[1]), int(version[2])) < _OLDEST:
        return f"{name}: the authorizer needs Python {_OLDEST[0]}.{_OLDEST[1]} or newer"
    return ""
