"""Patterns of ARNs: which two have a request in common, and which takes in another whole, held against a search over short texts."""

import os
import random
from itertools import product
from re import escape, fullmatch

import pytest

from admin_api.doctor.request_arns import may_meet, path_pattern, request_pattern, takes_in
from authorizer.policy.route import parse_route
from tests.support.deployments import API, sound_rest


@pytest.mark.parametrize(
    ("route", "pattern"),
    [
        ("GET /", "GET/"),
        ("GET /pets", "GET/pets"),
        ("GET /pets/{petId}/photos", "GET/pets/*/photos"),
        ("POST /files/{proxy+}", "POST/files/*"),
    ],
)
def test_the_pattern_of_a_route(route: str, pattern: str) -> None:
    parsed = parse_route(route)
    assert path_pattern(parsed.method, parsed) == pattern
    assert request_pattern(sound_rest(), parsed.method, parsed) == f"{API}/prod/{pattern}"


MEETINGS = [
    ("GET/pets/*", "GET/pets/*/photos", True, True),
    ("GET/pets/*/photos", "GET/pets/*", True, False),
    ("GET/pets/*", "GET/owners/*", False, False),
    ("GET/pets/*", "GET/pets", False, False),
    ("*", "GET/pets", True, True),
    ("GET/p?ts", "GET/pets", True, True),
    ("GET/pets/?", "GET/pets/*", True, False),
    ("GET/pets", "GET/pets", True, True),
    ("GET/pet.", "GET/pets", False, False),
    ("", "*", True, False),
    ("a/*/c", "a/b/*", True, False),
]


@pytest.mark.parametrize(("one", "other", "meet", "within"), MEETINGS)
def test_what_two_patterns_have_in_common(one: str, other: str, *, meet: bool, within: bool) -> None:
    assert may_meet(one, other) is meet
    assert may_meet(other, one) is meet
    assert takes_in(one, other) is within


def test_any_two_patterns_agree_with_a_search_over_all_short_texts() -> None:
    seed = int(os.environ.get("GATEBOOK_SEED", random.randrange(2**32)))
    print(f"GATEBOOK_SEED={seed}")
    chance = random.Random(seed)
    texts = ["".join(letters) for length in range(6) for letters in product("ab", repeat=length)]

    def fits(pattern: str, text: str) -> bool:
        return fullmatch("".join({"*": ".*", "?": "."}.get(c, escape(c)) for c in pattern), text) is not None

    for _ in range(400):
        one, other = ("".join(chance.choices("ab*?", k=chance.randrange(5))) for _ in range(2))
        of_one, of_other = ({text for text in texts if fits(each, text)} for each in (one, other))
        assert may_meet(one, other) is bool(of_one & of_other), (one, other)
        if takes_in(one, other):
            assert of_other <= of_one, (one, other)
