"""A person's token through a delegated client, over random documents: what both sides allow, and nothing more, in decisions, policies and remembered answers.

The judge asks the oracle for each side by itself, and so knows nothing of how the product joins them.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import pytest

from authorizer import events
from authorizer.answering import AnswerOptions
from authorizer.authorize import Authorizer
from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.route_policy import compile_route
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.permission import EVERYONE, Effect, PrincipalRef, RefKind
from authorizer.policy.permission_index import CallerPermissions
from authorizer.policy.request_path import resolve
from authorizer.table.cache import LoadedPermissions, PermissionCache
from authorizer.tokens.claims import Principal
from authorizer.tokens.verifier import TokenVerifier
from tests.support.gateway_model import Gateway, Router
from tests.support.iam_evaluator import evaluate
from tests.support.random_apis import OWNER, START, Oracle, random_document, random_request

ROUNDS = 150 if os.environ.get("CI") else 60
SEED = int(os.environ.get("GATEBOOK_SEED", "20240601"))
PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"
NOTHING: dict[str, Any] = {"allow": [], "deny": []}
CLAIMS = {"sub": OWNER, "username": "7"}


@dataclass(frozen=True, slots=True)
class Token:
    """A person's: in these groups, through this client, with these scopes."""

    groups: tuple[str, ...]
    client: str
    scopes: tuple[str, ...] = ()

    @property
    def refs(self) -> tuple[PrincipalRef, ...]:
        return (EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in self.groups))

    @property
    def consent(self) -> tuple[PrincipalRef, ...]:
        return (PrincipalRef(RefKind.CLIENT, self.client), *(PrincipalRef(RefKind.SCOPE, name) for name in self.scopes))


TOKENS = {
    f"{'-'.join(groups) or 'nobody'}.{client}.{'-'.join(scopes)}": Token(groups, client, scopes)
    for groups in (("g1",), ("g2",), ())
    for client in ("third", "ours")
    for scopes in (("s1",), ("s2",), ("s1", "s2"), ())
}


def document_of(random: Random, routes: list[str] | None = None) -> dict[str, Any]:
    """A random document in which `third` is delegated and `ours` is not, each with permissions that people must not get."""
    document = random_document(random, routes)
    others = random_document(random, document["routes"])["groups"]
    scopes = {
        "s1": {name: others["g1"][name] for name in ("allow", "deny")},
        "s2": {name: others["g2"][name] for name in ("allow", "deny")},
    }
    scopes["s2"]["allow"] += ["* /**"] if random.random() < 0.4 else []
    document["everyone"]["allow"] += ["* /**"] if random.random() < 0.3 else []
    deny = random_document(random, document["routes"])["everyone"]["deny"]
    document["clients"] = {"third": {"delegated": True, "allow": ["* /**"], "deny": deny}, "ours": {"allow": ["* /**"], "deny": ["* /**"]}}
    document["scopes"] = scopes
    return document


def may(document: dict[str, Any], token: Token, route: str, verb: str, parameters: dict[str, str], now: float) -> bool:
    """Each side for itself, by the oracle: any deny of it denies. The client's denies are asked for beside an allow of all."""

    def side(everyone: dict[str, Any], subjects: dict[str, Any], names: tuple[str, ...]) -> bool:
        asked = {"routes": document["routes"], "everyone": everyone, "groups": subjects}
        return Oracle(asked).allows(list(names), CLAIMS, route, verb, parameters, now)

    person = side(document["everyone"], document["groups"], token.groups)
    if token.client != "third":
        return person
    return (
        person
        and side(NOTHING, document["scopes"], token.scopes)
        and side({"allow": ["* /**"], "deny": document["clients"]["third"]["deny"]}, {}, ())
    )


def permissions_of(document: PermissionDocument, token: Token) -> CallerPermissions:
    own = [p for ref in token.refs for p in document.permissions(ref)]
    client, *scopes = token.consent
    if not document.is_delegated(client):
        return CallerPermissions.of(own)
    denies = [p for p in document.permissions(client) if p.effect is Effect.DENY]
    return CallerPermissions.of(own, [*denies, *(p for ref in scopes for p in document.permissions(ref))])


def test_decisions_and_policies_allow_what_both_sides_do() -> None:
    """A policy for a route or a caller allows nothing that the decision denies, and every plain spelling of what it allows."""
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        random = Random(f"{SEED}policies{number}")
        value = document_of(random)
        document = parse_document(value)
        now = START + random.choice((0, 20, 40))
        for name, token in TOKENS.items():
            grounds = Grounds(permissions_of(document, token), document.catalog, CLAIMS, now)
            whole = compile_token(MethodArn.parse(f"{PREFIX}GET/x"), grounds, token_expiry=START + 1000)
            for _ in range(6):
                verb, path, canonical = random_request(random, value["routes"])
                target = resolve(document.catalog, verb, path.removeprefix("/"), None, exact=True)
                decision = decide(grounds, target)
                story = f"seed {SEED}, round {number}, {verb} {path} {name} -> {decision}, {value}"
                if target.route is None or target.problem is not None:
                    assert not decision.allowed, story
                    continue
                expected = may(value, token, str(target.route), verb, dict(target.parameters), now)
                # A bound value that is spelled in another way is met by nothing, though it means the same.
                assert decision.allowed is expected or (expected and not canonical), story
                arn, moment = f"{PREFIX}{verb}/{path.removeprefix('/')}", {"aws:EpochTime": str(int(now))}
                if not isinstance(whole, Refusal) and canonical:
                    assert (evaluate(whole, "execute-api:Invoke", arn, moment) == "Allow") is expected, f"{whole} {story}"
                    seen["token"] += 1
                policy = compile_route(MethodArn.parse(arn), grounds, target.route, token_expiry=START + 1000)
                if policy is not None and canonical:
                    assert (evaluate(policy, "execute-api:Invoke", arn, moment) == "Allow") is expected, f"{policy} {story}"
                    seen["route"] += 1
                # Nothing begins with time: what is denied later and was not before has ended on one side, and the policy says when.
                for later in (START + 25, START + 35):
                    still = may(value, token, str(target.route), verb, dict(target.parameters), later)
                    ended = {"aws:EpochTime": str(later)}
                    if policy is not None and canonical and later > now and not still:
                        assert evaluate(policy, "execute-api:Invoke", arn, ended) != "Allow", f"at {later} {policy} {story}"
                        seen["ended"] += 1
                seen["allowed" if expected else decision.reason.value] += 1
    assert min(seen[what] for what in ("allowed", "not_consented", "implicit_deny", "explicit_deny", "token", "route")) > ROUNDS, seen
    assert seen["ended"] > ROUNDS, seen


@dataclass(slots=True)
class World:
    """Stands for verifier and permission cache; as in the cache, callers who hold the same have the same object."""

    now: float = START
    narrowed: str | None = None
    value: dict[str, Any] = field(default_factory=dict)
    document: PermissionDocument = field(default_factory=lambda: parse_document({"api": "x", "routes": ["GET /"]}))
    version: int = 0
    made: dict[Any, CallerPermissions] = field(default_factory=dict)

    def publish(self, value: dict[str, Any]) -> None:
        self.value, self.document, self.version, self.made = value, parse_document(value), self.version + 1, {}

    def verify(self, name: str) -> Principal:
        token = TOKENS[name]
        return Principal(
            OWNER,
            token.refs,
            CLAIMS,
            token.groups,
            "https://issuer.example",
            token.client,
            None,
            None,
            None,
            None,
            START + 50,
            consent=token.consent,
        )

    def load(self, refs: tuple[PrincipalRef, ...], consent: tuple[PrincipalRef, ...]) -> LoadedPermissions:
        [token] = [token for token in TOKENS.values() if (token.refs, token.consent) == (refs, consent)]
        key = refs, consent if self.document.is_delegated(consent[0]) else None
        permissions = self.made.setdefault(key, permissions_of(self.document, token))
        return LoadedPermissions(self.version, str(self.version), self.document.catalog, permissions, cached=True, stale=False)


def _clock(world: World) -> Callable[[], float]:
    return lambda: world.now


@pytest.mark.parametrize("scope", [CacheScope.REQUEST, CacheScope.ROUTE, CacheScope.TOKEN])
def test_no_memory_mixes_consents(scope: CacheScope) -> None:
    """Callers with the same groups and other consents take turns at one authorizer, behind a gateway that remembers its answers."""
    seen: Counter[str] = Counter()
    for number in range(ROUNDS):
        random = Random(f"{SEED}{scope}{number}")
        world = World()
        world.publish(document_of(random))
        options = AnswerOptions(scope, expiry_conditions=random.random() < 0.3)
        authorizer = Authorizer(cast(TokenVerifier, world), cast(PermissionCache, world), options, now=_clock(world))

        def invoke(event: dict[str, Any], authorizer: Authorizer = authorizer, world: World = world) -> object:
            request = events.read_request(event)
            outcome = authorizer.authorize(request)
            world.narrowed = outcome.ruling.scope_fallback
            return events.write_response(request, outcome.answer)

        router = Router(world.value["routes"], decodes=False, backtracks=True, arn_decoded=False)
        kind = "TOKEN" if scope is CacheScope.TOKEN else "REQUEST"
        wide = ("header.Authorization", "context.httpMethod", "context.resourcePath", "context.stage")
        identity = wide[:1] if kind == "TOKEN" else wide if scope is CacheScope.ROUTE else (*wide, "context.path")
        gateway = Gateway(router, invoke, kind=cast(Any, kind), identity=identity, ttl=30, clock=_clock(world))
        made_from: dict[Any, tuple[dict[str, Any], float, str | None]] = {}
        asked = [random_request(random, world.value["routes"]) for _ in range(4)]
        for _ in range(40):
            if random.random() < 0.05:
                world.publish(document_of(random, world.value["routes"]))
            world.now += random.choice((0, 0, 0, 0, 5))
            name, (verb, path, canonical) = random.choice(sorted(TOKENS)), random.choice(asked)
            response = gateway.request(verb, path, name)
            routed = router.route(verb, path)
            if routed is None:
                continue
            if response.invoked or response.key is None:
                made_from[response.key] = world.value, world.now, world.narrowed
            value, made_at, narrowed = made_from[response.key]
            expected = may(value, TOKENS[name], f"{routed.method_template} {routed.template}", verb, dict(routed.parameters), made_at)
            story = f"seed {SEED}, round {number}, {scope}, {verb} {path} {name} -> {response}, {value}"
            if response.status == 200:
                assert expected, f"over-grant: {story}"
                seen["allowed"] += 1
            elif canonical and expected and not narrowed and response.invoked and world.now < START + 50:
                pytest.fail(f"under-grant: {story}")
            seen["from cache"] += not response.invoked
            seen["delegated"] += "third" in name
    assert min(seen[what] for what in ("allowed", "from cache", "delegated")) > ROUNDS, seen
