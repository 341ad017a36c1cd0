"""What every test has: no environment but its own, no network but loopback; what tests against a table share; one local stack."""

import os
import socket
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import boto3
import botocore.session
import pytest
from moto import mock_aws

from tests.support.aws_calls import AwsCalls
from tests.support.clock import Clock
from tests.support.local_stack import LocalStack, free_port
from tests.support.tables import TABLE, Table, create_table, open_table

REGION = "eu-west-1"

_FOREIGN = ("AWS_", "POWERTOOLS_", "PYNAMODB_", "POLICY_", "JWKS_", "GITHUB_", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "LOG_LEVEL")
_OURS = {
    *("PERMISSIONS_TABLE", "API", "USER_POOL_ID", "APP_CLIENT_IDS", "TRUSTED_ISSUERS", "CACHE_SCOPE", "TOKEN_SCOPE_GUARDS"),
    *("EXPIRY_CONDITIONS", "HTTP_API_RESPONSE", "HTTP_API_UNAUTHORIZED", "GATEWAY_TTL", "SHADOW_API", "REPORT_ONLY", "TOKEN_FROM"),
    "LOG_ALLOWED",
}


def pytest_configure() -> None:
    """Nothing of the user's AWS account, of a deployed function or of CI may decide how a test ends."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN) or name in _OURS]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A folder that nobody can write to: no test leaves names in the user's own.
        "XDG_CACHE_HOME": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
    }


@pytest.fixture(scope="session", autouse=True)
def _one_loader() -> Iterator[None]:
    """botocore reads its descriptions of AWS once per session of its own: 0.3 s for each test with a table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", lru_cache(botocore.session.create_loader))
        yield


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def checked_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test reached out to {address}")
        connect(self, address)

    def checked_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("127.0.0.1", "::1", "localhost", b"localhost", None):
            raise AssertionError(f"a test asked where {host} is")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", checked_connect)
    monkeypatch.setattr(socket, "getaddrinfo", checked_getaddrinfo)


@pytest.fixture
def clock() -> Clock:
    """The time, which stands still until a test moves it."""
    return Clock()


@pytest.fixture
def aws() -> Iterator[None]:
    """An empty AWS account in this process."""
    with mock_aws():
        yield


@pytest.fixture
def dynamodb(aws: None) -> Any:
    """A DynamoDB client that no `AwsCalls` sees: for what a test looks up or spoils by itself."""
    return boto3.Session().client("dynamodb", region_name=REGION)


@pytest.fixture
def wire(dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsCalls]:
    """Every call of every AWS client that is made from here on."""
    # The emulator of DynamoDB answers at once; so shall a second attempt.
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with AwsCalls().installed() as wire:
        yield wire


@pytest.fixture
def table(dynamodb: Any, wire: AwsCalls) -> Table:
    """An empty permission table, which the item classes are bound to."""
    create_table(dynamodb, TABLE)
    open_table(TABLE, REGION)
    return Table(dynamodb)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One local stack for all end-to-end tests of a run."""
    running = LocalStack(tmp_path_factory.mktemp("stack"), free_port())
    running.start()
    try:
        yield running
    finally:
        running.gatebook("down")


@pytest.fixture(scope="session")
def tokens(stack: LocalStack) -> dict[str, str]:
    """An access token of each user, by real sign-in."""
    return {user: stack.sign_in(user, held["password"])["AccessToken"] for user, held in stack.note["users"].items()}
