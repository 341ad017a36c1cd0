"""An answer is given again only where all that it depends on is what it was."""

from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from authorizer.answer_memo import AnswerMemo
from authorizer.answering import Caller, Outcome
from authorizer.events.wire import Answer, AuthorizationRequest
from authorizer.policy.cache_scope import CacheScope, KeyPart
from authorizer.policy.decision import Decision, Grounds, Reason
from authorizer.policy.denylist import Denylist
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.route import RouteCatalog, parse_route
from authorizer.table.cache import LoadedPermissions
from authorizer.tokens.claims import Principal

NOW, END = 1_000.0, 2_000
ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod"
REQUEST = AuthorizationRequest("rest_request", MethodArn.parse(f"{ARN}/GET/pets/7"), ("Bearer x",), "/pets/{id}", None, {"id": "7"})
OTHERS: dict[str, Any] = {
    "format": "rest_token",
    "method_arn": MethodArn.parse(f"{ARN}/GET/pets/8"),
    "gateway_template": "/{proxy+}",
    "cache_key_parts": frozenset({KeyPart.TOKEN}),
    "path_parameters": {"id": "8"},
}


def principal() -> Principal:
    """A bearer: two are equal, and yet two."""
    return Principal("u1", (EVERYONE,), {}, (), "https://issuer.example", None, None, None, None, None, END)


def permissions() -> CallerPermissions:
    return CallerPermissions.of([Permission(EVERYONE, Effect.ALLOW, "GET /pets/{id}", until=END)])


LOADED = LoadedPermissions(
    version=7,
    hash="a",
    catalog=RouteCatalog([parse_route("GET /pets/{id}")]),
    permissions=permissions(),
    cached=True,
    stale=False,
    denylist=Denylist(),
)


def caller(who: Principal, loaded: LoadedPermissions = LOADED, now: float = NOW) -> Caller:
    return Caller(who, loaded, Grounds(loaded.permissions, loaded.catalog, who.claims, now))


@dataclass
class Deciding:
    """Makes outcomes and counts them."""

    count: int = 0

    def __call__(self, asked_by: Caller) -> Outcome:
        self.count += 1
        return Outcome(
            Answer("u1", {"Version": "2012-10-17", "Statement": []}, {}),
            asked_by.principal,
            Decision(Effect.DENY, Reason.IMPLICIT_DENY, None),
            asked_by.loaded,
            CacheScope.REQUEST,
        )


def ask(memo: AnswerMemo, deciding: Deciding, asked_by: Caller, request: AuthorizationRequest = REQUEST) -> tuple[int, Outcome]:
    """How many outcomes were made, and the one that came."""
    before = deciding.count
    outcome = memo.get(request, asked_by, lambda: deciding(asked_by))
    return deciding.count - before, outcome


def test_the_same_again_is_answered_from_memory() -> None:
    memo, deciding, who = AnswerMemo(), Deciding(), principal()
    made, first = ask(memo, deciding, caller(who))
    assert made == 1
    # The last moment before the permission ends. The table was looked at meanwhile, and held nothing new.
    for again in (caller(who), caller(who, replace(LOADED, denylist=Denylist())), caller(who, now=END - 0.5)):
        assert ask(memo, deciding, again) == (0, first)


@pytest.mark.parametrize("name", [field.name for field in fields(AuthorizationRequest) if field.name != "authorization"])
def test_whatever_is_asked_otherwise_is_decided_anew(name: str) -> None:
    memo, deciding, asked_by = AnswerMemo(), Deciding(), caller(principal())
    ask(memo, deciding, asked_by)
    assert ask(memo, deciding, asked_by, replace(REQUEST, **{name: OTHERS[name]}))[0] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 8},
        {"hash": "b"},
        {"cached": False},
        {"stale": True},
        {"permissions": permissions()},
        {"catalog": RouteCatalog([parse_route("GET /pets/{id}")])},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_permissions_decide_anew(changes: dict[str, Any]) -> None:
    memo, deciding, who = AnswerMemo(), Deciding(), principal()
    ask(memo, deciding, caller(who))
    made, outcome = ask(memo, deciding, caller(who, replace(LOADED, **changes)))
    assert (made, outcome.loaded) == (1, replace(LOADED, **changes))


@pytest.mark.parametrize("now", [NOW - 0.5, END, END + 100.0])
def test_an_end_decides_anew_and_so_does_a_clock_that_went_back(now: float) -> None:
    memo, deciding, who = AnswerMemo(), Deciding(), principal()
    ask(memo, deciding, caller(who))
    assert ask(memo, deciding, caller(who, now=now))[0] == 1


def test_another_bearer_is_not_taken_for_the_first_even_in_its_place_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.answer_memo.id", lambda _: 1, raising=False)
    memo, deciding = AnswerMemo(), Deciding()
    ask(memo, deciding, caller(principal()))
    assert ask(memo, deciding, caller(principal()))[0] == 1


def test_what_cannot_be_decided_is_not_remembered() -> None:
    memo, asked_by = AnswerMemo(), caller(principal())

    def fail() -> Outcome:
        raise ValueError("cannot be decided")

    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be decided"):
            memo.get(REQUEST, asked_by, fail)


def test_the_least_recently_used_leave_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.answer_memo.MAX_ANSWERS", 2)
    memo, deciding = AnswerMemo(), Deciding()
    one, two, three = (caller(principal()) for _ in range(3))
    made = [ask(memo, deciding, asked_by)[0] for asked_by in (one, two, one, three, one, two)]
    assert made == [1, 1, 0, 1, 0, 1]
