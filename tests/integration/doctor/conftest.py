"""An account with a deployed authorizer."""

import pytest

from tests.support.aws_calls import AwsCalls
from tests.support.deployed_stack import DeployedStack


@pytest.fixture
def stack(wire: AwsCalls) -> DeployedStack:
    """A REST API before a function with its role, its table and its user pool."""
    stack = DeployedStack(wire)
    stack.rest()
    return stack
