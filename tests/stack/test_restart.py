"""What was changed survives a clean restart, and nearly everything a `kill -9`; what is broken is built anew."""

import time
from pathlib import Path

import pytest

from tests.support.local_stack import LocalStack, free_port, kill

pytestmark = pytest.mark.stack

SEED = Path(__file__).parents[2] / "seed_data" / "dev.yaml"
SAVED_AFTER_SECONDS = 8


def test_edits_survive_a_restart_and_a_kill(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path, free_port())
    changed = tmp_path / "changed.yaml"
    changed.write_text(
        SEED.read_text().replace("      - GET /pets/{petId}/photos\n", "      - GET /pets/{petId}/photos\n      - GET /owners\n")
    )
    stack.start()
    try:
        second = stack.gatebook("up", "--detach", check=False)
        assert second.returncode == 1
        assert "runs already" in second.stderr
        stack.gatebook("apply", str(changed))
        password = stack.note["users"]["guest"]["password"]
        admin_api = stack.note["apis"]["admin"]["host_header"].partition(".")[0]
        stack.client("apigateway").delete_rest_api(restApiId=admin_api)
        stack.gatebook("down")
        stack.start()
        assert stack.send("admin", "GET", "/v1/openapi.json").status == 200
        assert "nothing to change" in stack.gatebook("plan", str(changed)).stdout
        assert stack.note["users"]["guest"]["password"] == password
        stack.gatebook("apply", str(SEED))
        time.sleep(SAVED_AFTER_SECONDS)
        kill([int((tmp_path / ".gatebook" / "lock").read_text())])
        stack.start()
        assert "nothing to change" in stack.gatebook("plan", str(SEED)).stdout
        assert stack.call("rest_request", "GET", "/pets/7", f"Bearer {stack.token('guest')}").status == 200
    finally:
        stack.gatebook("down")
    assert "no local stack is running" in stack.gatebook("down").stdout
