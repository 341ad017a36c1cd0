"""The kill switch: which tokens an entry refuses, and until when."""

import pytest

from authorizer.policy.denylist import Denylist, DenylistEntry, DenylistKind, TokenIds

END = 1000
TOKEN = TokenIds(
    {DenylistKind.SUB: "u1", DenylistKind.CLIENT_ID: "c1", DenylistKind.JTI: "j1", DenylistKind.ORIGIN_JTI: "o1"}, signed_in_at=500
)


def entry(kind: DenylistKind = DenylistKind.SUB, value: str = "u1", issued_before: int | None = None) -> DenylistEntry:
    return DenylistEntry(kind, value, "lost", "jane", version=3, expires_at=END, issued_before=issued_before)


@pytest.mark.parametrize(("kind", "value"), TOKEN.values.items())
def test_each_id_of_a_token_may_be_refused(kind: DenylistKind, value: str) -> None:
    assert Denylist([entry(kind, value)]).refusing(TOKEN, 0) == entry(kind, value)


def test_an_id_counts_for_its_own_kind_only() -> None:
    assert Denylist([entry(DenylistKind.CLIENT_ID, "u1"), entry(DenylistKind.SUB, "u2")]).refusing(TOKEN, 0) is None
    assert Denylist().refusing(TOKEN, 0) is None


@pytest.mark.parametrize(("now", "refused"), [(END - 0.001, True), (END, False), (END + 1, False)])
def test_an_entry_ends_at_its_moment(now: float, refused: bool) -> None:
    assert (Denylist([entry()]).refusing(TOKEN, now) is not None) is refused


def test_an_entry_that_ended_hides_no_other() -> None:
    lasting = DenylistEntry(DenylistKind.JTI, "j1", "lost", "jane", version=4, expires_at=END + 10)
    assert Denylist([entry(), lasting]).refusing(TOKEN, END) == lasting


@pytest.mark.parametrize(
    ("issued_before", "signed_in_at", "refused"), [(500, 499, True), (500, 500, False), (500, 501, False), (500, None, True), (0, 0, False)]
)
def test_whoever_signed_in_later_may_come_back(issued_before: int, signed_in_at: int | None, refused: bool) -> None:
    assert entry(issued_before=issued_before).refuses(signed_in_at, 0) is refused


def test_what_is_on_it_is_told_in_a_fixed_order() -> None:
    denylist = Denylist([entry(value="u2"), entry(DenylistKind.CLIENT_ID, "c1"), entry(value="u1")])
    assert [(e.kind, e.value) for e in denylist.entries()] == [("client_id", "c1"), ("sub", "u1"), ("sub", "u2")]
    assert (denylist.in_force(END - 1), denylist.in_force(END)) == (3, 0)
    assert denylist.get(DenylistKind.SUB, "u2") == entry(value="u2")
    assert denylist.get(DenylistKind.SUB, "u3") is None
