"""What a cold start imports: each module costs time before the first answer, and some cost more than all the rest."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "AWS_REGION": "eu-west-1",
    "PERMISSIONS_TABLE": "gatebook",
    "API": "petstore",
    "USER_POOL_ID": "eu-west-1_AbCdEfGhI",
    "APP_CLIENT_IDS": "client-1",
}

TOO_HEAVY = (
    *("boto3", "s3transfer", "pydantic", "requests", "aws_xray_sdk"),
    *("aws_lambda_powertools.event_handler", "aws_lambda_powertools.utilities.parser"),
)
NOT_OURS_TO_NEED = ("admin_api", "infra", "tests", "yaml", "typer", "rich", "moto", "pytest", "unittest", "asyncio")

# Of the packages that are installed, what the three dependencies bring along. A new name here is a decision.
THIRD_PARTY = {
    *("aws_lambda_powertools", "jmespath", "typing_extensions"),
    *("pynamodb", "botocore", "urllib3", "dateutil", "six"),
    "certifi",  # botocore takes it where it is installed, as by the test tools, and does without in the artefact
    *("jose", "cryptography", "_cffi_backend"),
}


@pytest.fixture(scope="module")
def imported() -> dict[str, str | None]:
    """Each module that importing the handler leaves behind, and its file."""
    script = (
        "import json, sys; before = set(sys.modules); import authorizer.handler; "
        "print(json.dumps({name: getattr(module, '__file__', None) for name, module in list(sys.modules.items()) if name not in before}))"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    modules: dict[str, str | None] = json.loads(result.stdout)
    return modules


def test_the_handler_is_what_was_imported(imported: dict[str, str | None]) -> None:
    """Otherwise the tests below would prove nothing."""
    assert {"authorizer.handler", "authorizer.policy.decision", "botocore", "pynamodb", "jose", "aws_lambda_powertools"} <= imported.keys()
    assert imported["authorizer.handler"] == str(ROOT / "authorizer" / "handler.py")


@pytest.mark.parametrize("name", TOO_HEAVY + NOT_OURS_TO_NEED)
def test_a_cold_start_does_without(imported: dict[str, str | None], name: str) -> None:
    assert [module for module in imported if module == name or module.startswith(f"{name}.")] == []


def test_nothing_else_that_is_installed_is_imported(imported: dict[str, str | None]) -> None:
    installed = {name.partition(".")[0] for name, file in imported.items() if file is not None and "site-packages" in file}
    assert installed - THIRD_PARTY == set()
