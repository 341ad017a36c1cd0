"""One local stack for all end-to-end tests of a run."""

from collections.abc import Iterator

import pytest

from tests.support.local_stack import LocalStack, free_port


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    running = LocalStack(tmp_path_factory.mktemp("stack"), free_port())
    running.start()
    try:
        yield running
    finally:
        running.gatebook("down")


@pytest.fixture(scope="session")
def tokens(stack: LocalStack) -> dict[str, str]:
    """An access token of each user, by real sign-in."""
    return {user: stack.token(user) for user in stack.note["users"]}
