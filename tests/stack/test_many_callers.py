"""Many admins at once over HTTP: each edit that was acknowledged is there, and nothing else."""

import os
import random
import threading
import time
from itertools import pairwise

import pytest

from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

WRITERS, EDITS = (8, 5) if os.environ.get("CI") else (3, 2)
ATTEMPTS = 60
CROWD = "/v1/apis/crowd"


def _write(stack: LocalStack, token: str, writer: int, done: list[str]) -> None:
    chance = random.Random(writer)
    for edit in range(EDITS):
        route = f"GET /w{writer}/{edit}"
        place = f"{CROWD}/subjects/groups/g{(writer + edit) % 3}"
        for attempt in range(ATTEMPTS):
            read = stack.send("admin", "GET", place, token)
            held = read.json["held"]
            changed = held | {"allow": [*held["allow"], route]}
            answer = stack.send("admin", "PUT", place, token, changed, {"If-Match": read.headers["etag"]})
            if answer.status == 200:
                done.append(route)
                break
            assert answer.status == 412, answer
            time.sleep(chance.uniform(0, min(3.0, 0.1 * 2 ** min(attempt, 5))))
        else:
            pytest.fail(f"writer {writer} did not get through in {ATTEMPTS} attempts")


def test_the_document_is_the_sum_of_the_acknowledged_edits(stack: LocalStack, tokens: dict[str, str]) -> None:
    token = tokens["admin"]
    routes = [f"GET /w{writer}/{edit}" for writer in range(WRITERS) for edit in range(EDITS)]
    start = {"api": "crowd", "routes": routes, "groups": {f"g{n}": {} for n in range(3)}}
    created = stack.send("admin", "PUT", f"{CROWD}/document", token, start, {"If-None-Match": "*"})
    assert created.status == 201
    done: list[str] = []
    threads = [threading.Thread(target=_write, args=(stack, token, writer, done)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == sorted(routes)
    document = stack.send("admin", "GET", f"{CROWD}/document", token).json
    held = [route for group in document["groups"].values() for route in group["allow"]]
    assert sorted(held) == sorted(routes)
    versions = stack.send("admin", "GET", f"{CROWD}/versions?limit=200", token).json["versions"]
    assert [v["version"] for v in versions] == list(range(1 + len(routes), 0, -1))
    assert all(newer["parent_hash"] == older["hash"] for newer, older in pairwise(versions))
