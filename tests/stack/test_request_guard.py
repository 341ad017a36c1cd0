"""Nobody but its developer drives the local stack: not a web page, not another user of the machine."""

import hashlib
import http.client
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from tests.support.local_stack import LocalStack
from tests.support.websocket import RefusedError, connected

pytestmark = pytest.mark.stack

# What could run code, read what is stored, or take the stack apart.
CALLS = (
    ("lambda", "list_functions"),
    ("cloudformation", "list_stacks"),
    ("s3", "list_buckets"),
    ("dynamodb", "list_tables"),
    ("iam", "list_users"),
    ("sts", "get_caller_identity"),
    ("logs", "describe_log_groups"),
    ("apigateway", "get_rest_apis"),
    ("codebuild", "list_projects"),
    ("stepfunctions", "list_state_machines"),
    ("secretsmanager", "list_secrets"),
)


def client(stack: LocalStack, service: str, key: str, secret: str, session: str | None = None) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=stack.note["aws_endpoint"],
        region_name=stack.note["region"],
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=session,
        config=Config(retries={"total_max_attempts": 1}),
    )


def ask(stack: LocalStack, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        assert response.headers.get("Access-Control-Allow-Origin") is None or response.status != 403
        return response.status
    finally:
        connection.close()


def wrong_keys(stack: LocalStack) -> Iterator[tuple[str, str, str | None]]:
    key, secret = stack.key
    yield key, "test", None
    yield key, secret[::-1], None
    yield "test", "test", None
    yield "test", secret, None
    yield "000000000000", secret, None
    yield "ASIA" + "A" * 16, secret, "token"


def test_no_key_but_the_stacks_own_opens_anything(stack: LocalStack) -> None:
    for service, operation in CALLS:
        getattr(client(stack, service, *stack.key), operation)()
        for key in wrong_keys(stack):
            with pytest.raises((ClientError, ResponseParserError)):
                getattr(client(stack, service, *key), operation)()


def test_the_keys_of_functions_cannot_be_worked_out_from_their_names(stack: LocalStack) -> None:
    functions = client(stack, "lambda", *stack.key).list_functions()["Functions"]
    assert functions
    for function in functions:
        digest = hashlib.sha256(f"{function['FunctionArn']}:{function['Role']}".encode()).hexdigest()
        secret, session = (hashlib.sha256(f"{word}:{digest}".encode()).hexdigest() for word in ("secret", "token"))
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client(stack, "sts", f"ASIA{digest[:16].upper()}", secret, session).get_caller_identity()


def test_a_page_of_another_origin_reaches_neither_emulator_nor_apis(stack: LocalStack) -> None:
    own, api = f"127.0.0.1:{stack.port}", stack.note["apis"]["admin"]["host_header"]
    assert ask(stack, "GET", "/admin/v1/openapi.json", {"Host": api}) == 200
    assert ask(stack, "GET", "/admin/v1/openapi.json", {"Host": api, "Origin": f"http://{api}", "Sec-Fetch-Site": "same-origin"}) == 200
    for page in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        for method in ("GET", "POST", "OPTIONS"):
            assert ask(stack, method, "/admin/v1/openapi.json", {"Host": api, **page}) == 403
            assert ask(stack, method, "/2015-03-31/functions", {"Host": own, **page}) == 403
        with pytest.raises(RefusedError, match="403"), connected(stack.note["apis"]["websocket"], headers=[*page.items()]):
            pass


def test_a_name_that_leads_here_from_elsewhere_is_not_answered(stack: LocalStack) -> None:
    for host in (f"evil.example:{stack.port}", f"localhost.evil.example:{stack.port}", "127.0.0.1"):
        assert ask(stack, "GET", "/_ministack/health", {"Host": host}) == 403


def test_the_emulators_own_doors_are_closed(stack: LocalStack) -> None:
    for host in (f"127.0.0.1:{stack.port}", stack.note["apis"]["admin"]["host_header"]):
        for path in ("/_ministack/reset", "/_ministack/config", "/_localstack/health", "/_aws/ses"):
            assert ask(stack, "POST", path, {"Host": host}) == 403
    assert ask(stack, "GET", "/_ministack/health", {"Host": f"127.0.0.1:{stack.port}"}) == 200
