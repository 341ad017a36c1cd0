"""AWS's sample of an authorizer with groups in DynamoDB, as far as it can be measured here: its file is the user's to fetch.

It is `custom-auth/lambda.py` of the repository `aws-samples/amazon-cognito-api-gateway`. Its HTTP is answered within the process.
"""

import importlib.util
import io
import json
import os
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tests.conftest import REGION
from tests.support.issuer import CLIENT_ID, Issuer
from tests.support.tables import TABLE

SampleHandler = Callable[[Mapping[str, Any], object], dict[str, Any]]


@contextmanager
def aws_sample(file: Path, issuer: Issuer, resources: Mapping[str, Sequence[str]]) -> Iterator[SampleHandler]:
    """The sample's handler, whose groups may call these resources (ARNs)."""
    pool = issuer.issuer.rsplit("/", 1)[1]
    environment = {"TABLE_NAME": TABLE, "AWS_REGION": REGION, "COGNITO_USER_POOL_ID": pool, "COGNITO_APP_CLIENT_ID": CLIENT_ID}
    rows = {group: _row(group, names) for group, names in resources.items()}
    spec = importlib.util.spec_from_file_location("aws_sample_authorizer", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    session = boto3.Session()
    events: Any = session.events
    events.register("before-send.dynamodb.BatchGetItem", lambda request, **_: _found(request.body, rows))
    with (
        mock.patch.dict(os.environ, environment),
        mock.patch.object(urllib.request, "urlopen", return_value=io.BytesIO(issuer.jwks())),
        mock.patch.object(boto3, "DEFAULT_SESSION", session),
    ):
        spec.loader.exec_module(module)
        yield module.handler


def _row(group: str, resources: Sequence[str]) -> dict[str, Any]:
    texts = {"L": [{"S": resource} for resource in resources]}
    statement = {"Action": {"S": "execute-api:Invoke"}, "Effect": {"S": "Allow"}, "Resource": texts}
    return {"group": {"S": group}, "policy": {"M": {"Version": {"S": "2012-10-17"}, "Statement": {"L": [{"M": statement}]}}}}


def _found(body: bytes, rows: Mapping[str, Any]) -> AWSResponse:
    wanted = [key["group"]["S"] for key in json.loads(body)["RequestItems"][TABLE]["Keys"]]
    answer = {"Responses": {TABLE: [rows[group] for group in wanted]}, "UnprocessedKeys": {}}
    return AWSResponse("https://dynamodb", 200, HTTPHeaders(), _Raw(json.dumps(answer).encode()))


class _Raw(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        """As botocore reads an answer."""
        yield self.getvalue()
