"""Permissions: equal when they mean the same, named in words, in force until a second."""

import pytest

from authorizer.policy.permission import EVERYONE, Binding, Effect, Permission, PrincipalRef, RefKind, bindable_text, decoded_segment

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


@pytest.mark.parametrize(
    "value",
    [
        *("a", "Alice-1", "...", "..a", "a.b_c~d-e", "0", "x" * 128, "042", "-1"),
        *("alice@x.com", "alice+pets@x.com", "auth0|1", "eu-west-1:9a1b2c3d-0000-4000-8000-000000000001", "a+b=c", "!#&'(),;<>[]^"),
    ],
)
def test_bindable(value: str) -> None:
    assert bindable_text(value) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(42, "42"), (0, "0"), (-7, "-7"), (10**20, "1" + "0" * 20), (10**128 - 1, "9" * 128), (-(10**127) + 1, "-" + "9" * 127)],
)
def test_a_whole_number_is_bound_by_its_decimal_text(value: int, text: str) -> None:
    assert bindable_text(value) == text


@pytest.mark.parametrize(
    "value",
    [
        *("", ".", "..", "a/b", "x" * 129, "é", "\uff20", "\u200b", "a\x7f", "a\ud800", "a\x00"),
        *(f"a{c}b" for c in '*?${}/\\%"`'),
        *(f"a{c}b" for c in " \t\n\r\v\f\x1c\x85\xa0\u2028"),
        *("a\n", "\na", " a", "a ", "a%20b", "%61", "${a}"),
        *(None, True, False, 7.0, 4.2, 1e30, float("nan"), float("inf"), ["a"], {"a": 1}, (), b"a", 10**128, -(10**127), 10**4000),
    ],
)
def test_not_bindable(value: object) -> None:
    assert bindable_text(value) is None


@pytest.mark.parametrize(
    ("segment", "says"),
    [
        ("alice@x.com", "alice@x.com"),
        ("alice%40x.com", "alice@x.com"),
        ("%61lice%40x%2ecom", "alice@x.com"),
        ("alice%2540x.com", "alice%40x.com"),
        ("a+b", "a+b"),
        ("a%2bb", "a+b"),
        ("a%20b", "a b"),
        ("%zz%4", "%zz%4"),
        ("%C0%AE", "\ufffd\ufffd"),
        ("a%00", "a\x00"),
        ("", ""),
    ],
)
def test_a_segment_is_decoded_once(segment: str, says: str) -> None:
    assert decoded_segment(segment) == says
