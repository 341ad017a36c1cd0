"""Random mutants of good tokens and key sets: each ends as a good token, letter by letter, or as an error of ours that repeats nothing of it."""

import json
import os
from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authorizer.errors import TokenError, TroubleError
from authorizer.tokens.jwks import read_keys
from authorizer.tokens.verifier import bearer_token
from tests.support.issuer import b64, number, verifier
from tests.support.token_mutants import (
    JUDGES,
    OBLIGING,
    STRICT,
    TEXT_MUTATIONS,
    TRUSTED,
    US,
    VALUES,
    Judge,
    answer_of,
    frozen_now,
    good_tokens,
    mutated_bytes,
    verify_header,
)

CI = bool(os.environ.get("CI"))
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
RUNS = (
    {"spelling": 80_000, "unsigned": 40_000, "taken for signed": 80_000, "signed": 8_000}
    if CI
    else {"spelling": 800, "unsigned": 300, "taken for signed": 1_000, "signed": 100}
)
KEY_SETS = 10_000 if CI else 300

OF_THE_HEADER = {"malformed", "algorithm", "critical_header", "type", "unknown_kid", "issuer"}
OF_THE_CLAIMS = {"claim_type", "expired", "token_use", "client_id", "audience", "subject", "groups", "scope"}
SEEN = {
    "spelling": {"malformed", "signature", "too_large", "malformed_authorization", "accepted"},
    "unsigned": OF_THE_HEADER | {"signature"},
    "taken for signed": OF_THE_HEADER | OF_THE_CLAIMS | {"not_yet_valid", "issued_in_future", "too_many_refs", "too_large", "accepted"},
    "signed": OF_THE_HEADER | OF_THE_CLAIMS | {"accepted"},
}
"""How mutants end if there are enough of them."""


@pytest.mark.parametrize("kind", JUDGES)
def test_a_mutant_is_refused_or_what_it_was(kind: str) -> None:
    judge = Judge(Counter(), Counter())
    for run in range(RUNS[kind]):
        try:
            JUDGES[kind](judge, Random(f"{SEED} {kind} {run}"))
        except Exception as error:
            raise AssertionError(f"{kind}, run {run}, seed {SEED}") from error
    print(f"\n{RUNS[kind]:,} mutants, seed {SEED}: {dict(judge.counts.most_common())}")
    assert sum(judge.counts.values()) == RUNS[kind]
    assert (SEEN[kind] if CI else {"malformed"}) <= judge.counts.keys()
    # A message that held anything of a token would come in as many forms as there are tokens.
    assert len(judge.messages) <= 40


def test_there_are_enough_mutants() -> None:
    assert RUNS.keys() == JUDGES.keys()
    assert sum(RUNS.values()) >= (200_000 if CI else 2_000)


ANY_SEGMENT = st.binary(max_size=60).map(b64) | st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=True) | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
).map(lambda value: b64(json.dumps(value).encode()))


@given(st.text() | st.lists(ANY_SEGMENT, max_size=5).map(".".join))
@settings(max_examples=500 if CI else 50, deadline=None)
def test_whatever_is_sent_is_refused(value: str) -> None:
    judge = Judge(Counter(), Counter())
    for verify in (STRICT.verify, OBLIGING.verify, verify_header, lambda text: STRICT.verify(bearer_token(text))):
        assert judge.end(verify, value)[1] is None


# -- key sets -------------------------------------------------------------------------------------------------------------------------------------------

MODULUS = US.key.public_key().public_numbers().n
NUMBERS = (
    *(
        0,
        1,
        2,
        3,
        4,
        65536,
        65537,
        2**16,
        2**31,
        2**32 + 1,
        2**64 + 1,
        MODULUS,
        MODULUS - 1,
        MODULUS + 1,
        MODULUS + 2,
        MODULUS * 3,
        MODULUS >> 1,
    ),
    *(2**2047, 2**2048 - 1, 2**2048, 2**2048 + 1, 2**4095 + 1, 2**16384 + 1, 2**20000 + 1, -MODULUS % 2**2048),
)
ODD_TEXTS = ("", "A", "AQAB", "AQAB=", "====", "=", "é", "\ud800", "\x00", "+/+/", "AQ AB", "\n", "_" * 1000, "0x10001", "65537", "-1")
MEMBERS = ("kty", "use", "alg", "kid", "n", "e", "key_ops", "d", "p", "x5c", "crv", "x", "y", "k", "oth")


def _mutated_entry(chance: Random) -> Any:
    entry: dict[str, Any] = US.jwk()
    for _ in range(chance.choice((1, 1, 2, 3))):
        match chance.randrange(5):
            case 0:
                entry.pop(chance.choice(MEMBERS), None)
            case 1:
                entry[chance.choice(MEMBERS)] = chance.choice((*VALUES, *ODD_TEXTS, "EC", "oct", "sig", "enc", ["verify"], "verify"))
            case 2:
                entry[chance.choice("ne")] = number(chance.choice(NUMBERS))
            case 3:
                entry[chance.choice("ne")] = chance.choice(ODD_TEXTS)
            case _:
                name = chance.choice("ne")
                entry[name] = chance.choice(TEXT_MUTATIONS)(chance, str(entry.get(name, "")))
    return chance.choice((entry, entry, entry, entry, [entry], None, chance.choice(VALUES)))


def judge_key_set(chance: Random) -> str:
    """A key set of a mutated key, alone or with good ones: either no key set at all, or good tokens are taken or refused as ever."""
    entries = [
        _mutated_entry(chance),
        *([US.jwk()] if chance.random() < 0.2 else []),
        *([US.jwk(kid="kid-2")] if chance.random() < 0.5 else []),
    ]
    chance.shuffle(entries)
    document = json.dumps({"keys": entries}).encode()
    if chance.random() < 0.1:
        document = mutated_bytes(chance, document)
    try:
        keys = read_keys(document)
    except TroubleError:
        return "trouble"
    assert all(type(kid) is str and kid for kid in keys)
    answer = answer_of(verifier([TRUSTED], lambda _uri: document, frozen_now).verify, good_tokens()[0])
    return answer.reason if isinstance(answer, TokenError) else "accepted"


def test_a_mutant_of_a_key_set_lets_nothing_through_but_our_errors() -> None:
    counts: Counter[str] = Counter()
    for run in range(KEY_SETS):
        try:
            counts[judge_key_set(Random(f"{SEED} key set {run}"))] += 1
        except Exception as error:
            raise AssertionError(f"key set, run {run}, seed {SEED}") from error
    print(f"\n{KEY_SETS:,} key sets, seed {SEED}: {dict(counts.most_common())}")
    assert sum(counts.values()) == KEY_SETS
    assert counts.keys() == {"trouble", "unknown_kid", "signature", "accepted"}
