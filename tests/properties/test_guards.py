"""Guards change a policy only where routes cannot be told apart without them, so that nobody has to compile it twice to know what they would do."""

import os
from collections import Counter
from random import Random

import pytest

from authorizer.policy.decision import Grounds
from authorizer.policy.document import parse_document
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.token_policy import Refusal, RefusalReason, compile_token
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from tests.support.large_documents import large_document
from tests.support.random_apis import START, random_document

TRIES = 180 if os.environ.get("CI") else 45
SEED = os.environ.get("GATEBOOK_SEED")
ARN = MethodArn("aws", "eu-west-1", "111122223333", "a1b2c3d4e5", "prod", "GET", "")


@pytest.mark.parametrize("number", range(10))
def test_without_need_guards_change_nothing(number: int) -> None:
    seed = f"{SEED or 'guards'} {number}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    outcomes = Counter[str]()
    for turn in range(TRIES):
        routes = random.randint(180, 300)
        # Every third allows each group too much for a policy, as a rule.
        document = parse_document(random_document(random) if turn % 3 else large_document(routes, 2, random.randint(80, routes // 2)))
        refs = [EVERYONE, *(ref for ref in sorted(document.subjects) if ref.kind is RefKind.GROUP and random.random() < 0.7)]
        # `a`, the word of a route, may be the value of a claim as well.
        claims = {"sub": random.choice(("alice-1", "a")), "username": "bob-2"}
        permissions = [p for ref in refs for p in document.permissions(PrincipalRef(ref.kind, ref.name))]
        grounds = Grounds(tuple(dict.fromkeys(permissions)), document.catalog, claims, START)
        plain, guarded = (compile_token(ARN, grounds, guards=guards) for guards in (False, True))
        reason = plain.reason if isinstance(plain, Refusal) else None
        outcomes[reason or "policy"] += 1
        assert reason is RefusalReason.INEXACT or guarded == plain, document
    # Else nothing was compared.
    assert outcomes["policy"]
    assert outcomes[RefusalReason.TOO_LARGE]
