"""What a sandbox remembers is bounded by numbers of entries, and what it says by numbers of lines and bytes, whoever calls."""

import json

import pytest

from authorizer import events, policy_memo, request_memo
from authorizer.settings import read_settings
from authorizer.table import cache
from authorizer.table.reader import PermissionTable
from authorizer.tokens import verifier
from authorizer.wiring import build_authorizer
from tests.conftest import REGION
from tests.integration.gates import KeyServer, bearer, build_gate, keys, published, request_event, settings_of, token_event
from tests.support.clock import Clock
from tests.support.issuer import Issuer
from tests.support.tables import TABLE, Table

__all__ = ["keys", "published"]

BOUNDS = {
    (request_memo, "MAX_REQUESTS"): 20,
    (policy_memo, "MAX_POLICIES"): 30,
    (verifier, "MAX_REMEMBERED"): 40,
    (cache, "MAX_CALLERS"): 25,
}
CALLERS = 60


@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_each_memo_holds_so_many_and_no_more(
    published: Table, keys: KeyServer, clock: Clock, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    for (module, name), bound in BOUNDS.items():
        monkeypatch.setattr(module, name, bound)
    settings = settings_of(keys, CACHE_SCOPE=scope)
    authorizer = build_authorizer(read_settings(settings), PermissionTable(TABLE, REGION), clock)
    for number in range(CALLERS):
        # Groups that nobody gave anything make another caller all the same.
        token = Issuer().access_token("guest", f"team{number}", sub=f"u{number}")
        event = request_event(f"Bearer {token}", path="/pets/7")
        outcome = authorizer.authorize(events.read_request(event | {"methodArn": event["methodArn"].replace("/pets/7", f"/pets/{number}")}))
        assert outcome.ruling.decision.allowed
    permissions = authorizer._permissions._state
    assert permissions is not None
    held = {
        "tokens": len(authorizer._verifier._verified),
        "callers": len(permissions.callers),
        "rulings": len(authorizer._rulings._kept),
        "answers": len(authorizer._outcomes._kept),
        "policies": len(authorizer._answering._route_policies._kept) + len(authorizer._answering._token_policies._kept),
    }
    assert held == {"tokens": 40, "callers": 25, "rulings": 20, "answers": 20, "policies": 0 if scope == "request" else 30}


@pytest.mark.parametrize("scope", ["request", "route", "token"])
def test_a_request_leaves_one_line_and_an_answer_of_so_many_bytes(
    published: Table, keys: KeyServer, clock: Clock, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    gate = build_gate(keys, clock, capsys, CACHE_SCOPE=scope)
    for group in ("guest", "admin", "stranger"):
        for event in (request_event(bearer(group)), token_event(bearer(group))):
            for _ in range(2):
                answer = gate.call(event)
                [line] = gate.printed
                assert len(line) < 1_000
                assert len(json.dumps(answer)) < 1_300
