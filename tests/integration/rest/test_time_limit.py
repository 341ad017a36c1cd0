"""No request keeps the admin function computing: each stops in time, says so, and has written nothing."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from admin_api.publishing.service import PermissionService
from admin_api.publishing.time_limit import TakesTooLongError, TimeLimit
from admin_api.rest.app import COMPUTING_SECONDS, AdminApi
from tests.integration.rest.client import Client, pets
from tests.integration.rest.conftest import Rest
from tests.support.tables import opened

GROUPS = {f"g{number}": {"allow": ["GET /pets"]} for number in range(40)}


class Seconds:
    """A clock that goes `step` seconds further with each look at it."""

    def __init__(self) -> None:
        self.step = 0.0
        self._looks: Iterator[int] = count()

    def __call__(self) -> float:
        return next(self._looks) * self.step


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def slow(rest: Rest, seconds: Seconds) -> Client:
    """A client of an admin API on which `big` is published with forty groups."""
    service = PermissionService(opened(), rest.clock, lambda _: None)
    client = Client(AdminApi(service, now=rest.clock, flush=lambda _: (), clock=seconds))
    client.publish(pets("big", groups=GROUPS, clients={}, scopes={}))
    return client


OTHER = {name: {"allow": ["POST /pets"]} for name in GROUPS}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/apis/big/matrix?limit=100", None),
        ("GET", "/v1/apis/big/access?route=GET /pets", None),
        ("GET", "/v1/apis/big/versions/1/diff?to=2", None),
        ("PUT", "/v1/apis/big/document", pets("big", groups=OTHER, clients={}, scopes={})),
        ("PUT", "/v1/apis/big/document?dry_run=true", pets("big", groups=OTHER, clients={}, scopes={})),
        ("PUT", "/v1/apis/big/subjects/groups/g1?dry_run=true", {"allow": ["GET /pets"]}),
        ("POST", "/v1/apis/big/versions/1/rollback", None),
    ],
)
def test_what_takes_too_long_is_refused_and_writes_nothing(
    rest: Rest, slow: Client, seconds: Seconds, method: str, path: str, body: Any
) -> None:
    slow.put("/v1/apis/big/document", pets("big", groups=OTHER | {"one-more": {}}, clients={}, scopes={}), if_match="*")
    before = rest.table.items()
    seconds.step = COMPUTING_SECONDS / 10
    plain, _, query = path.partition("?")
    asked = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
    sent = {} if body is None else {"body": body}
    found = slow.call(method, plain, query=asked, if_match=None if method == "GET" else "*", **sent).problem(422, "takes-too-long")
    assert "command line" in found["detail"]
    assert rest.table.items() == before
    seconds.step = 0.0
    assert slow.call(method, plain, query=asked, if_match=None if method == "GET" else "*", **sent).status == 200


def test_a_dry_run_leaves_out_combinations_before_it_fails(slow: Client, seconds: Seconds) -> None:
    path = "/v1/apis/big/subjects/groups/g1"
    whole = slow.put(path, {"allow": ["POST /pets"]}, if_match="*", query={"dry_run": "true"}).body
    assert len(whole["token_scope"]) == whole["token_scope_in_all"] == 50
    seconds.step = COMPUTING_SECONDS / 95
    part = slow.put(path, {"allow": ["POST /pets"]}, if_match="*", query={"dry_run": "true"}).body
    assert 40 < len(part["token_scope"]) < part["token_scope_in_all"] == 50
    assert part["access"] == whole["access"]


def test_what_is_enforced_is_judged_whole_or_not_published(rest: Rest, slow: Client, seconds: Seconds) -> None:
    enforced = pets("big", groups=GROUPS, clients={}, scopes={}, enforced=["token"])
    before = rest.table.items()
    seconds.step = COMPUTING_SECONDS / 20
    slow.put("/v1/apis/big/document", enforced, if_match="*").problem(422, "takes-too-long")
    assert rest.table.items() == before
    seconds.step = 0.0
    assert slow.put("/v1/apis/big/document", enforced, if_match="*").status == 200


def test_whoever_comes_second_hears_of_that_first(slow: Client, seconds: Seconds) -> None:
    stale = slow.get("/v1/apis/big").tag
    slow.put("/v1/apis/big/document", pets("big", groups=OTHER, clients={}, scopes={}), if_match="*")
    seconds.step = COMPUTING_SECONDS
    found = slow.put("/v1/apis/big/subjects/groups/g1", {"allow": ["POST /pets"]}, if_match=stale).problem(412, "stale-version")
    assert found["changes"] == ["more than there is time to work out: read the versions since"]


def test_a_limit_counts_from_its_start() -> None:
    now = iter([100.0, 105.0, 105.1, 110.0, 110.1])
    limit = TimeLimit(10, lambda: next(now))
    assert not limit.is_half_over()
    assert limit.is_half_over()
    limit.check()
    with pytest.raises(TakesTooLongError, match="longer than the 10 s"):
        limit.check()
