"""Permissions: equal when they mean the same, named in words, in force until a second."""

import pytest

from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission, PrincipalRef, RefKind, is_bindable

GUEST = PrincipalRef(RefKind.GROUP, "guest")


def test_the_order_of_bindings_makes_no_difference() -> None:
    one, two = Binding("a", "sub"), Binding("b", "username")
    permission = Permission(GUEST, Effect.ALLOW, "GET /{a}/{b}", (two, one, two))
    assert permission == Permission(GUEST, Effect.ALLOW, "GET /{a}/{b}", (one, two))
    assert hash(permission) == hash(Permission(GUEST, Effect.ALLOW, "GET /{a}/{b}", (one, two)))
    assert permission.where == (one, two)


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        (Permission(GUEST, Effect.ALLOW, "GET /pets"), "group/guest allow GET /pets"),
        (Permission(EVERYONE, Effect.DENY, "* /**"), "everyone deny * /**"),
        (Permission(PrincipalRef(RefKind.SCOPE, "pets/read"), Effect.ALLOW, "GET /"), "scope/pets/read allow GET /"),
        (Permission(PrincipalRef(RefKind.CLIENT, "c"), Effect.ALLOW, "GET /", until=0), "client/c allow GET / until 0"),
        (
            Permission(GUEST, Effect.ALLOW, "GET /{a}/{b}", (Binding("b", "username"), Binding("a", "sub")), 1000),
            "group/guest allow GET /{a}/{b} where {a} = sub, {b} = username until 1000",
        ),
    ],
)
def test_id(permission: Permission, words: str) -> None:
    assert permission.id == words


@pytest.mark.parametrize(
    ("until", "now", "expected"), [(None, 9e9, True), (1000, 999.999, True), (1000, 1000, False), (1000, 1001, False), (0, 0, False)]
)
def test_in_force(until: int | None, now: float, expected: bool) -> None:
    assert Permission(GUEST, Effect.ALLOW, "GET /", until=until).in_force(now) is expected


@pytest.mark.parametrize("value", ["a", "Alice-1", "...", "..a", "a.b_c~d-e", "0", "x" * 128])
def test_bindable(value: str) -> None:
    assert is_bindable(value)


@pytest.mark.parametrize(
    "value", ["", ".", "..", "a b", "a/b", "*", "a?", "${a}", "a%20b", "a:b", "a\n", "é", "x" * 129, None, 7, True, ["a"]]
)
def test_not_bindable(value: object) -> None:
    assert not is_bindable(value)
