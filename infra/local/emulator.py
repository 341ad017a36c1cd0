"""Starts and stops the emulator, a child process on loopback, and hands out AWS clients that talk to it and to nothing else."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra.local.state import AccessKey, LocalStackError, StateFolder
from infra.package import ROOT

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient
    from types_boto3_cognito_idp import CognitoIdentityProviderClient
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client

REGION = "us-east-1"
START_SECONDS = 60.0
STOP_SECONDS = 15.0
# Enough for a browser and a test run side by side; each function that runs or waits for its next call is a Python process of some 40 MB.
CONCURRENT_FUNCTIONS = 24


@dataclass(frozen=True)
class Aws:
    """Clients for the emulator on `port`, signing with its access key."""

    port: int
    key: AccessKey

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self._session.client("cloudformation", endpoint_url=self.endpoint, config=self._config)

    @cached_property
    def cognito(self) -> "CognitoIdentityProviderClient":
        return self._session.client("cognito-idp", endpoint_url=self.endpoint, config=self._config)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self._session.client("dynamodb", endpoint_url=self.endpoint, config=self._config)

    @cached_property
    def s3(self) -> "S3Client":
        return self._session.client("s3", endpoint_url=self.endpoint, config=self._config)

    def client(self, service: str) -> Any:
        """Any other service, untyped."""
        untyped: Any = self._session
        return untyped.client(service, endpoint_url=self.endpoint, config=self._config)

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(aws_access_key_id=self.key.id, aws_secret_access_key=self.key.secret, region_name=REGION)

    @cached_property
    def _config(self) -> Config:
        # No proxies: the user's own would be asked for 127.0.0.1.
        return Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 2}, proxies={})

    def environment(self) -> dict[str, str]:
        """Return the environment for programs that are to use the emulator: without a trace of the user's own AWS settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.key.id,
            "AWS_SECRET_ACCESS_KEY": self.key.secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
        }


class Emulator:
    """A running emulator."""

    def __init__(self, process: subprocess.Popen[bytes], folder: StateFolder, aws: Aws) -> None:
        self._process = process
        self._folder = folder
        self.aws = aws

    def check_alive(self) -> None:
        """Raises LocalStackError if the emulator has ended."""
        code = self._process.poll()
        if code is not None:
            raise LocalStackError(f"the emulator ended by itself (exit code {code}); its last words are in `{self._folder.emulator_log}`")

    def wait_until_healthy(self) -> None:
        """Raises LocalStackError if it does not answer in time."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check_alive()
            connection = http.client.HTTPConnection("127.0.0.1", self.aws.port, timeout=2)
            with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
                connection.request("GET", "/_ministack/health")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.1)
        raise LocalStackError(f"the emulator did not answer within {START_SECONDS:.0f} s; see `{self._folder.emulator_log}`")

    def stop(self) -> None:
        """Ends it, saved, and with it the processes of its functions."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Functions would end by themselves, but not before we say that all is stopped. The group is the emulator's own.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


@contextlib.contextmanager
def running(folder: StateFolder, aws: Aws, lock: int) -> Iterator[Emulator]:
    """A healthy emulator on loopback that holds `lock` as long as it lives, stopped at the end. Raises LocalStackError."""
    _check_port_is_free(aws.port)
    shutil.rmtree(folder.scratch, ignore_errors=True)
    for path in (folder.scratch, folder.emulator):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    with folder.emulator_log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "infra.local.serve"],
            cwd=ROOT,
            env=_settings(folder, aws),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(lock,),
            start_new_session=True,  # Ctrl-C is for us; we stop the emulator in order
        )
    emulator = Emulator(process, folder, aws)
    try:
        emulator.wait_until_healthy()
        yield emulator
    finally:
        emulator.stop()


def _settings(folder: StateFolder, aws: Aws) -> dict[str, str]:
    # Functions inherit this environment: nothing of the user's may be in it that a real function would not see.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {
        "GATEWAY_PORT": str(aws.port),
        # The emulator checks signatures against these; its usual key `test` and every account number as a key want the same secret.
        "AWS_ACCESS_KEY_ID": aws.key.id,
        "AWS_SECRET_ACCESS_KEY": aws.key.secret,
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "localhost",
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder.emulator.resolve()),
        "TMPDIR": str(folder.scratch.resolve()),
        "AUTH": "true",  # secret hashes, confirmation codes and IAM policies count
        "IOT_MTLS_ENABLED": "0",  # would listen on all interfaces
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent/gatebook-uses-no-docker",  # it would tidy up containers that are not ours
        "LAMBDA_ACCOUNT_CONCURRENCY": str(CONCURRENT_FUNCTIONS),
        "PYTHONUNBUFFERED": "1",
    }


def _check_port_is_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalStackError(f"port {port} cannot be used ({error.strerror}); choose another with `--port {port + 1}`") from None
