"""Sequences of requests that share one cache entry under the token alone, judged by an oracle of their own.

One entry serves every route of the caller while versions come and go. What it lets through must be allowed by the version and at the time that it was made
from; what was allowed there and is sent in the canonical spelling must pass if the answer was one for the whole caller.
"""

import os
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest

from authorizer import events
from authorizer.answering import AnswerOptions, Outcome
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.table.cache import LoadedPermissions, PermissionCache
from authorizer.tokens.claims import Principal
from authorizer.tokens.verifier import TokenVerifier
from tests.support.gateway_model import Gateway, RoutedRequest, Router
from tests.support.random_apis import OWNER, START, random_document
from tests.support.token_scope_cases import Case, Meaning, random_catalogue, random_requests

ROUNDS = 300 if os.environ.get("CI") else 40
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
TTL = 300
EXPIRY = START + 50

USERS: dict[str, tuple[list[str], dict[str, str]]] = {
    "t1": (["g1"], {"sub": OWNER, "username": "bob-2"}),
    "t2": (["g2"], {"sub": "bob-2", "username": "me"}),
    "t3": ([], {"sub": "a/b", "username": OWNER}),
    "t4": (["g1", "g2", "unknown"], {"sub": "7"}),
}

# How the gateway may read paths: with guards, routing and ARN have to agree.
READINGS = {
    "read as sent": {"decodes": False, "arn_decoded": False},
    "decoded": {"decodes": True, "arn_decoded": True},
    "decoded by routing only": {"decodes": True, "arn_decoded": False},
}
WORLDS = [(guards, reading) for guards in (False, True) for reading in READINGS if not guards or "only" not in reading]


@dataclass(slots=True)
class World:
    """What the stand-ins of verifier and permission cache serve from: the newest document and the time. `outcome` is the last one."""

    now: float = START
    outcome: Outcome | None = None
    documents: list[dict[str, Any]] = field(default_factory=list)
    parsed: list[PermissionDocument] = field(default_factory=list)

    def publish(self, document: dict[str, Any]) -> None:
        self.documents.append(document)
        self.parsed.append(parse_document(document))

    def verify(self, token: str) -> Principal:
        groups, claims = USERS[token]
        return Principal(
            subject=claims["sub"],
            refs=(EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in groups)),
            claims=claims,
            groups=tuple(groups),
            issuer="https://issuer.example",
            client_id="client",
            jti=None,
            origin_jti=None,
            issued_at=None,
            auth_time=None,
            expires_at=EXPIRY,
        )

    def load(self, refs: tuple[PrincipalRef, ...], _consent: tuple[PrincipalRef, ...] = ()) -> LoadedPermissions:
        version, document = len(self.parsed) - 1, self.parsed[-1]
        permissions = CallerPermissions.of(p for ref in refs for p in document.permissions(ref))
        return LoadedPermissions(version, str(version), document.catalog, permissions, cached=True, stale=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """What an entry of the gateway's cache was made from."""

    meaning: Meaning
    scope: CacheScope
    route: str


def _gateway(world: World, router: Router, *, guards: bool, conditions: bool) -> Gateway:
    authorizer = Authorizer(
        cast(TokenVerifier, world),
        cast(PermissionCache, world),
        AnswerOptions(CacheScope.TOKEN, token_scope_guards=guards, expiry_conditions=conditions),
        now=lambda: world.now,
    )

    def invoke(event: dict[str, Any]) -> object:
        request = events.read_request(event)
        world.outcome = authorizer.authorize(request)
        return events.write_response(request, world.outcome.answer)

    return Gateway(router, invoke, kind="TOKEN", identity=("header.Authorization",), ttl=TTL, clock=lambda: world.now)


def _entry(world: World, token: str, route: str) -> Entry:
    groups, claims = USERS[token]
    assert world.outcome is not None
    return Entry(Meaning(Case(world.documents[-1], groups, claims, world.now, None, "prod")), world.outcome.ruling.scope, route)


@pytest.mark.parametrize(("guards", "reading"), WORLDS)
def test_an_entry_for_the_token_serves_every_route_as_its_version_says(guards: bool, reading: str) -> None:
    random = Random(f"{SEED}{guards}{reading}")
    seen: Counter[str] = Counter()
    for round_number in range(ROUNDS):
        world = World()
        routes = random_catalogue(random)
        world.publish(random_document(random, routes))
        conditions = random.random() < 0.3
        router = Router(routes, backtracks=random.random() < 0.5, **READINGS[reading])
        gateway = _gateway(world, router, guards=guards, conditions=conditions)
        entries: dict[Any, Entry] = {}
        for verbs, path, is_plain in random_requests(random, routes, 20):
            if random.random() < 0.1:
                world.publish(random_document(random, routes))
            world.now += random.choice((0, 0, 1, 20))
            token, verb = random.choice(sorted(USERS)), verbs[0]
            routed = router.route(verb, path)
            if routed is None:
                continue
            response = gateway.request(verb, path, token)
            if response.status == 414:
                seen["too long"] += 1
                continue
            assert response.status in (200, 403), (SEED, round_number, verb, path, token, response)
            if response.invoked:
                entries[response.key] = _entry(world, token, _name(verb, routed))
            entry = entries[response.key]
            expected = entry.meaning.allows(verb, routed)
            story = (
                f"GATEBOOK_SEED={SEED}, round {round_number}, guards={guards}, conditions={conditions}, {reading}: {verb} {path} as {token}, "
                f"routed as {routed} -> {response} from an entry for {entry.scope}, made from {entry.meaning.case}"
            )
            if response.status == 200:
                assert expected, f"over-grant: {story}"
                assert not conditions or world.now < EXPIRY, f"outlived its token: {story}"
                seen["allowed"] += 1
                seen["allowed by an entry made for another route"] += entry.route != _name(verb, routed)
            else:
                is_due = is_plain and expected and entry.scope is CacheScope.TOKEN
                still = not conditions or (response.invoked and world.now < EXPIRY)
                assert not (is_due and still), f"under-grant: {story}"
                seen["denied"] += 1
            seen[f"by an entry for {entry.scope}"] += 1
            seen["from cache"] += not response.invoked
            seen["by an entry of an old version"] += entry.meaning.case.document is not world.documents[-1]
    for kind in ("allowed", "denied", "by an entry for token", "from cache", "by an entry of an old version"):
        assert seen[kind] > ROUNDS, (SEED, seen)
    assert min(seen["allowed by an entry made for another route"], seen["by an entry for request"]) > ROUNDS / 4, (SEED, seen)


def _name(verb: str, routed: RoutedRequest) -> str:
    return f"{verb} {routed.template}"
