"""The two Lambda entry points, as a cold start imports them: in a process of their own, with nothing but settings."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]

# Where nothing listens: neither entry point may ask anybody before the first request does.
NOWHERE = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_METRICS_NAMESPACE": "Gatebook",
}
AUTHORIZER = {"PERMISSIONS_TABLE": "nothing", "API": "petstore", "USER_POOL_ID": "eu-west-1_Example12", "APP_CLIENT_IDS": "app1"}


def run(code: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter, at the root of the tree."""
    environ = os.environ | NOWHERE | settings
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)


def test_the_authorizers() -> None:
    code = """
from authorizer.handler import handler
try:
    handler({"type": "TOKEN", "methodArn": "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/pets", "authorizationToken": "x"}, None)
except Exception as error:
    print(repr(error))
"""
    result = run(code, **AUTHORIZER)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "UnauthorizedError('Unauthorized')"


def admin(event: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the admin API's entry point answers, and its log line."""
    code = f"import json\nfrom admin_api.handler import handler\nprint(json.dumps(handler({event!r}, None)))"
    result = run(code, PERMISSIONS_TABLE="nothing")
    assert result.returncode == 0, result.stderr
    [*_, line, answer] = result.stdout.splitlines()
    return json.loads(answer), json.loads(line)


def test_the_admin_apis() -> None:
    answer, line = admin({"httpMethod": "GET", "path": "/v1/openapi.json", "headers": {}, "requestContext": {}})
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["openapi"].startswith("3.")
    assert (line["message"], line["method"], line["path"], line["status"], line.get("subject")) == (
        "request",
        "GET",
        "/v1/openapi.json",
        200,
        None,
    )


def test_the_admin_api_judges_by_the_issuers_of_its_settings() -> None:
    code = """
from admin_api import wiring
service, open_service = [], wiring.open_service
wiring.open_service = lambda *given, **named: service.append(open_service(*given, **named)) or service[0]
import admin_api.handler
print([issuer.issuer for issuer in service[0].issuers.issuers], service[0].issuers.are_known)
"""
    result = run(code, PERMISSIONS_TABLE="nothing", USER_POOL_ID="eu-west-1_AbCdEfGhI", APP_CLIENT_IDS="app1")
    assert result.stdout.splitlines()[-1] == "['https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI'] True", result.stderr


def test_the_admin_api_serves_nobody_without_a_caller() -> None:
    answer, line = admin({"httpMethod": "GET", "path": "/v1/apis", "headers": {}, "requestContext": None})
    assert (answer["statusCode"], line["status"]) == (401, 401)


@pytest.mark.parametrize(
    ("settings", "named"), [({}, "PERMISSIONS_TABLE"), ({"PERMISSIONS_TABLE": "x", "FLUSH_STAGES": "["}, "FLUSH_STAGES")]
)
def test_a_mistake_in_the_admin_apis_settings_stops_its_cold_start(settings: dict[str, str], named: str) -> None:
    result = run("import admin_api.handler", **settings)
    assert result.returncode == 1
    assert f"`{named}`" in result.stderr.splitlines()[-1]
