"""Keys of the permission table: no two names meet in one key, and none is too long for DynamoDB."""

import hashlib
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.table import keys

# "Service, account, and table quotas", DynamoDB developer guide.
MAX_PARTITION_KEY, MAX_SORT_KEY = 2048, 1024

# Names that are drawn to collide: what keys are made of, what escapes are made of, and what Unicode takes for the same.
NAMES = st.text(st.sampled_from("aA#/%2Fs-_.~ äé\u0301\ud800\U0001f98a")) | st.text(st.characters(exclude_categories=()))
REFS = st.builds(PrincipalRef, st.sampled_from(RefKind), NAMES)


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("Az09._-", "Az09._-"),
        ("", ""),
        ("a#b", "a%23b"),
        ("a/b", "a%2Fb"),
        ("%", "%25"),
        ("%2F", "%252F"),
        ("partner:admins", "partner%3Aadmins"),
        ("~", "%7E"),
        ("a b\n", "a%20b%0A"),
        ("é", "%C3%A9"),
        ("🦊", "%F0%9F%A6%8A"),
        ("\ud800", "%ED%A0%80"),
        ("%sha256%", "%25sha256%25"),
    ],
)
def test_everything_but_plain_characters_is_escaped(name: str, escaped: str) -> None:
    assert keys.escape(name) == escaped


@given(NAMES, NAMES)
def test_two_names_never_share_a_key(one: str, other: str) -> None:
    assume(one != other)
    assert keys.escape(one) != keys.escape(other)


def test_names_that_look_alike_never_share_a_key() -> None:
    alike = [
        *("guest", "Guest", "guest ", " guest", "guest\u200b", "\uff47uest", "gu%65st", "gues"),
        *("\u00e9", "e\u0301", "%C3%A9", "%c3%a9", "a#b", "a%23b", "a/b", "a%2Fb", "a%2fb"),
        *("x" * 900, "x" * 901, "x" * 902, "%" * 300, "%" * 301),
    ]
    alike += [keys.escape("x" * 901), hashlib.sha256(b"x" * 901).hexdigest()]
    assert [pair for pair in combinations(alike, 2) if keys.escape(pair[0]) == keys.escape(pair[1])] == []


@pytest.mark.parametrize(("name", "size"), [("x" * 900, 900), ("%" * 300, 900), ("é" * 150, 900)])
def test_a_name_of_900_bytes_stands_as_it_is(name: str, size: int) -> None:
    assert len(keys.escape(name)) == size
    assert "sha256" not in keys.escape(name)


@pytest.mark.parametrize("name", ["x" * 901, "%" * 300 + "x", "é" * 151, "x" * 100_000])
def test_a_longer_name_is_its_digest(name: str) -> None:
    assert keys.escape(name) == "%sha256%" + hashlib.sha256(name.encode()).hexdigest()


@given(NAMES, REFS, NAMES, REFS)
def test_two_subjects_never_share_a_partition(api: str, ref: PrincipalRef, other_api: str, other_ref: PrincipalRef) -> None:
    assume((api, ref) != (other_api, other_ref))
    assert keys.subject_key(api, ref) != keys.subject_key(other_api, other_ref)


@given(NAMES, REFS, NAMES)
def test_partitions_of_different_kinds_never_meet(api: str, ref: PrincipalRef, other: str) -> None:
    """A subject that is named like a catalogue would be read as one."""
    partitions = {keys.api_key(api), keys.routes_key(api), keys.subject_key(api, ref)}
    assert len(partitions) == 3
    assert other == api or partitions.isdisjoint({keys.api_key(other), keys.routes_key(other), keys.subject_key(other, ref)})


def test_keys_are_written_as_documented() -> None:
    """They are in customers' tables: another spelling would lose every permission."""
    owner = PrincipalRef(RefKind.GROUP, "pet owner")
    assert keys.api_key("petstore") == "api#petstore"
    assert keys.routes_key("petstore") == "api#petstore#routes"
    assert keys.subject_key("petstore", owner) == "api#petstore#subject#group/pet%20owner"
    assert keys.subject_key("a#b", EVERYONE) == "api#a%23b#subject#everyone/"
    assert keys.registry_sort_key(owner) == "subject#group/pet%20owner"
    assert (keys.HEAD, keys.VERSION_PREFIX, keys.REGISTRY_PREFIX) == ("head", "version#", "subject#")


@pytest.mark.parametrize("kind", RefKind)
def test_the_longest_names_fit_into_keys(kind: RefKind) -> None:
    longest = "%" * 300
    ref = PrincipalRef(kind, longest)
    assert len(keys.subject_key(longest, ref).encode()) <= MAX_PARTITION_KEY
    assert len(keys.registry_sort_key(ref).encode()) <= MAX_SORT_KEY


def test_versions_sort_as_numbers_do() -> None:
    versions = [0, 1, 2, 9, 10, 11, 99, 100, 12_345, 999_999_999_999]
    assert [keys.number(version) for version in versions] == sorted(keys.number(version) for version in versions)
    assert keys.number(7) == "000000000007"
