"""What was made for a request is given again only where all that it depends on is what it was."""

from dataclasses import dataclass
from typing import Any

import pytest

from authorizer.answering import Caller
from authorizer.events.wire import AuthorizationRequest
from authorizer.policy.cache_scope import KeyPart
from authorizer.policy.decision import Grounds
from authorizer.policy.denylist import Denylist
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.permission import EVERYONE, Effect, Permission
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.route import RouteCatalog, parse_route
from authorizer.request_memo import RequestMemo
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
    """Makes things and counts them."""

    count: int = 0

    def __call__(self) -> int:
        self.count += 1
        return self.count


def ask(
    memo: RequestMemo[int], deciding: Deciding, asked_by: Caller, request: AuthorizationRequest = REQUEST, equal: str = ""
) -> tuple[int, int]:
    """How many things were made, and the one that came."""
    before = deciding.count
    made = memo.get(request, asked_by, deciding, same=asked_by.principal, equal=equal)
    return deciding.count - before, made


def test_the_same_again_is_answered_from_memory() -> None:
    memo, deciding, who = RequestMemo[int](), Deciding(), principal()
    made, first = ask(memo, deciding, caller(who))
    assert made == 1
    # The last moment before the permission ends. The table was looked at meanwhile, and held nothing new.
    for again in (caller(who), caller(who, LOADED._replace(denylist=Denylist())), caller(who, now=END - 0.5)):
        assert ask(memo, deciding, again) == (0, first)


@pytest.mark.parametrize("name", [name for name in AuthorizationRequest._fields if name != "authorization"])
def test_whatever_is_asked_otherwise_is_decided_anew(name: str) -> None:
    memo, deciding, asked_by = RequestMemo[int](), Deciding(), caller(principal())
    ask(memo, deciding, asked_by)
    assert ask(memo, deciding, asked_by, REQUEST._replace(**{name: OTHERS[name]}))[0] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"permissions": permissions()},
        {"catalog": RouteCatalog([parse_route("GET /pets/{id}")])},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_other_permissions_decide_anew(changes: dict[str, Any]) -> None:
    memo, deciding, who = RequestMemo[int](), Deciding(), principal()
    ask(memo, deciding, caller(who))
    assert ask(memo, deciding, caller(who, LOADED._replace(**changes)))[0] == 1


def test_what_should_be_equal_and_is_not_decides_anew() -> None:
    memo, deciding, asked_by = RequestMemo[int](), Deciding(), caller(principal())
    assert [ask(memo, deciding, asked_by, equal=equal)[0] for equal in ("u1", "u2", "u1", "u2")] == [1, 1, 0, 0]


@pytest.mark.parametrize("now", [NOW - 0.5, END, END + 100.0])
def test_an_end_decides_anew_and_so_does_a_clock_that_went_back(now: float) -> None:
    memo, deciding, who = RequestMemo[int](), Deciding(), principal()
    ask(memo, deciding, caller(who))
    assert ask(memo, deciding, caller(who, now=now))[0] == 1


def test_another_bearer_is_not_taken_for_the_first_even_in_its_place_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.request_memo.id", lambda _: 1, raising=False)
    memo, deciding = RequestMemo[int](), Deciding()
    ask(memo, deciding, caller(principal()))
    assert ask(memo, deciding, caller(principal()))[0] == 1


def test_what_cannot_be_decided_is_not_remembered() -> None:
    memo, asked_by = RequestMemo[int](), caller(principal())

    def fail() -> int:
        raise ValueError("cannot be decided")

    for _ in range(2):
        with pytest.raises(ValueError, match="cannot be decided"):
            memo.get(REQUEST, asked_by, fail, same=asked_by.principal, equal="")


def test_the_least_recently_used_leave_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authorizer.request_memo.MAX_REQUESTS", 2)
    memo, deciding = RequestMemo[int](), Deciding()
    one, two, three = (caller(principal()) for _ in range(3))
    made = [ask(memo, deciding, asked_by)[0] for asked_by in (one, two, one, three, one, two)]
    assert made == [1, 1, 0, 1, 0, 1]
