"""The index of a caller's permissions finds what looking at each permission finds, in the same order, and `decide` says the same with either."""

import os
from random import Random

import pytest

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import parse_document
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions, PermissionIndex
from authorizer.policy.request_path import Target
from authorizer.policy.route import parse_route
from tests.support.random_apis import START, random_document

TRIES = 300 if os.environ.get("CI") else 80
SEED = os.environ.get("GATEBOOK_SEED")
VERBS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "WS", "TRACE")


@pytest.mark.parametrize("number", range(TRIES))
def test_the_index_finds_what_looking_at_each_permission_finds(number: int) -> None:
    seed = f"{SEED or 'index'} {number}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    value = random_document(random)
    value["routes"] += ["WS $connect", "WS a"]
    value["everyone"].setdefault("allow", []).append(random.choice(("WS *", "WS a", "* /**")))
    document = parse_document(value)
    refs = (EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in ("g1", "g2")))
    plain: tuple[Permission, ...] = tuple(p for ref in refs for p in document.subjects[ref].permissions)
    indexed = CallerPermissions(PermissionIndex(document.subjects[ref].permissions) for ref in refs)
    assert tuple(indexed) == plain
    assert len(indexed) == len(plain)
    assert indexed.bound_claims == tuple(sorted({binding.claim for p in plain for binding in p.where}))
    for route in (*document.catalog.routes, parse_route("GET /nowhere/{at+}"), parse_route("GET /")):
        for verb in VERBS:
            expected = tuple(p for p in plain if p.means(verb, route))
            for _ in range(2):
                assert indexed.matching(verb, route) == expected, (verb, str(route))
            values = {name: random.choice(("alice-1", "bob-2")) for name in route.parameters}
            target = Target(verb, route, values)
            claims = {"sub": "alice-1", "username": "bob-2"}
            said = [
                decide(Grounds(held, document.catalog, claims, START), target) for held in (plain, indexed, CallerPermissions.of(plain))
            ]
            assert said[0] == said[1] == said[2]
