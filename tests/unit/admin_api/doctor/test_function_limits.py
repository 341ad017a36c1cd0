"""Timeout, memory and runtime of the authorizer's function."""

from typing import Any

import pytest

from admin_api.doctor.deployment import Deployment
from admin_api.doctor.finding import Severity
from admin_api.doctor.function_limits import unsuitable_limits
from tests.support.deployments import sound_function, sound_http, sound_rest


def with_function(**changes: Any) -> Deployment:
    return sound_rest(function=sound_function(**changes))


@pytest.mark.parametrize(
    "deployment",
    [
        sound_rest(),
        sound_http(),
        sound_rest(function=None),
        with_function(timeout=9),
        with_function(timeout=10),
        with_function(memory=256),
        with_function(memory=10240),
        with_function(runtime="python3.11"),
        with_function(runtime="python3.14"),
        # A container's image.
        with_function(runtime=""),
    ],
)
def test_nothing_is_said_of_limits_that_suit(deployment: Deployment) -> None:
    assert list(unsuitable_limits(deployment)) == []


@pytest.mark.parametrize(
    ("changes", "message", "option"),
    [
        ({"timeout": 11}, "its timeout is 11 s, and API Gateway gives up after 10 s", "--timeout 9"),
        ({"timeout": 900}, "its timeout is 900 s, and API Gateway gives up after 10 s", "--timeout 9"),
        ({"timeout": 8}, "its timeout is 8 s, and the slowest failure takes 8.5 s", "--timeout 9"),
        ({"timeout": 4}, "its timeout is 4 s, and the slowest failure takes 8.5 s", "--timeout 9"),
        ({"timeout": 3}, "its timeout is 3 s: a cold start", "--timeout 9"),
        ({"timeout": 1}, "its timeout is 1 s: a cold start", "--timeout 9"),
        ({"memory": 255}, "its memory is 255 MB", "--memory-size 512"),
        ({"memory": 128}, "its memory is 128 MB", "--memory-size 512"),
        ({"runtime": "python3.10"}, "its runtime is python3.10: the authorizer needs Python 3.11 or newer", "--runtime python3.13"),
        ({"runtime": "python2.7"}, "its runtime is python2.7: the authorizer needs Python 3.11 or newer", "--runtime python3.13"),
        ({"runtime": "nodejs22.x"}, "its runtime is nodejs22.x: the authorizer is Python", "--runtime python3.13"),
        ({"runtime": "provided.al2023"}, "its runtime is provided.al2023: the authorizer is Python", "--runtime python3.13"),
    ],
)
def test_each_limit_that_does_not_suit_is_named(changes: dict[str, Any], message: str, option: str) -> None:
    [found] = unsuitable_limits(with_function(**changes))
    assert (found.severity, found.about) == (Severity.WARNING, "function petstore-authorizer")
    assert found.message.startswith(message)
    assert found.remedy.startswith(f"`aws lambda update-function-configuration --function-name petstore-authorizer {option}`")


def test_all_of_them_are_named_at_once() -> None:
    found = unsuitable_limits(with_function(timeout=3, memory=128, runtime="python3.9"))
    assert [each.message.split()[1] for each in found] == ["timeout", "memory", "runtime"]
