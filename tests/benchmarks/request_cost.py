"""What a request costs, beside a bare RSA-2048 signature check and beside others who do it."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from jose import jwt

from authorizer.tokens.claims import TrustedIssuer
from tests.benchmarks.aws_sample import aws_sample
from tests.benchmarks.ratios import Ratio, side_by_side
from tests.benchmarks.setting import DOCUMENT, GROUPS, TEMPLATE, call, handler, silence, tokens
from tests.integration.gates import Context
from tests.support.iam_evaluator import evaluate
from tests.support.issuer import CLIENT_ID, NOW, Issuer, verifier
from tests.support.policies import METHOD_ARN

ROUNDS = 1_000
SAMPLE_ROUNDS = 100
BARE = "a bare RSA-2048 signature check"
