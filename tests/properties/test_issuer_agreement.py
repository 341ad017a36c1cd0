"""What `explain` answers is what the authorizer answers for a token with these claims, whoever issued it; and what `check` says never applies never does."""

import json
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from admin_api.analysis.bindings import judge_bindings
from admin_api.analysis.explanation import explain_to
from admin_api.analysis.near_miss import NearMissKind
from admin_api.analysis.trusted_issuers import RefusedTokenError, TrustedIssuers, bearer_of
from authorizer.errors import TokenError
from authorizer.policy.decision import Decision, Grounds, decide
from authorizer.policy.document import PermissionDocument, parse_document
from authorizer.policy.permission import EVERYONE, Permission, PrincipalRef
from authorizer.policy.request_path import resolve
from authorizer.tokens.claims import check_claims
from authorizer.tokens.issuer_entries import OwnPool, read_issuers

NOW = 1_800_000_000
POOL = "eu-west-1_AbCdEfGhI"
CLAIMS = ("sub", "tenant_id", "account", "cognito:groups", "iss")
ROUTES = ("GET /t/{tenant}", "GET /t/{tenant}/u/{user}", "GET /t/me")
GROUPS = ("staff", "base", "partner:staff", "partner:base", "lax:staff", "nobody:staff")
VALUES: tuple[Any, ...] = ("v", "v", "v", "v", "v", "w", "me", "a/b", "", 7, True, 1.5, ["v"], None)
SEGMENTS = ("v", "v", "v", "v", "w", "7", "me", "a%2Fb", "True")


def random_issuers(random: Random) -> TrustedIssuers:
    """As the authorizer reads them from its settings."""
    listed = [
        {
            "name": name,
            "issuer": f"https://{name}.example",
            "jwks_uri": f"https://{name}.example/keys",
            "audience": ["api"],
            "token_use": "none",
            "groups_claim": random.choice(["roles", "cognito:groups", "/realm/roles"]),
            "client_claim": random.choice(["azp", "client_id"]),
            "binding_claims": random.sample(CLAIMS, random.randint(0, 3)),
        }
        for name in random.sample(["partner", "lax", "other"], random.randint(0, 3))
    ]
    own = OwnPool(POOL, frozenset({"app"})) if not listed or random.random() < 0.7 else None
    problems: list[str] = []
    issuers = read_issuers(json.dumps(listed) if listed else "", own, problems)
    assert problems == []
    return TrustedIssuers(issuers, are_known=True)


def random_entry(random: Random) -> Any:
    route = random.choice(ROUTES)
    names = [name for name in ("tenant", "user") if f"{{{name}}}" in route]
    where = {name: random.choice(CLAIMS) for name in names if random.random() < 0.8}
    return {"route": route, "where": where} if where else route


def random_document(random: Random) -> PermissionDocument:
    def held() -> dict[str, Any]:
        fields: dict[str, Any] = {"allow": [random_entry(random) for _ in range(random.randint(1, 4))]}
        return fields | ({"deny": [random.choice(ROUTES)]} if random.random() < 0.05 else {})

    chosen = random.sample(GROUPS, random.randint(1, 5))
    groups = {name: held() for name in chosen}
    for number, name in enumerate(chosen):
        if number and random.random() < 0.4:
            groups[name]["inherits"] = [random.choice(chosen[:number])]
    subjects = {"clients": {"app": held(), "partner:app": held()}, "scopes": {"lax:read": held()}}
    return parse_document({"api": "x", "routes": list(ROUTES), "everyone": held(), "groups": groups, **subjects})


def random_claims(random: Random, address: str) -> dict[str, Any]:
    """A token that is good in all that no explanation asks about."""
    claims: dict[str, Any] = {"iss": address, "sub": random.choice(["v", "v", "app"]), "exp": NOW + 60, "aud": ["api"]}
    claims |= {"token_use": "access", "client_id": "app", "azp": random.choice(["app", "x"])}
    claims |= {name: random.choice(VALUES) for name in ("tenant_id", "account") if random.random() < 0.9}
    for name in ("roles", "cognito:groups"):
        if random.random() < 0.6:
            claims[name] = random.choice([*(random.sample(["staff", "base"], n) for n in (1, 2)), "staff", None, random.choice([5, []])])
    if random.random() < 0.3:
        claims["realm"] = {"roles": ["staff", "base"]}
    return claims | ({"scope": "read"} if random.random() < 0.3 else {})


def authorizer_says(document: PermissionDocument, claims: Mapping[str, Any], trusted: TrustedIssuers, path: str) -> Decision | None:
    """What the authorizer does after the signature: None where it answers 401."""
    issuer = {issuer.issuer: issuer for issuer in trusted.issuers}.get(claims["iss"])
    if issuer is None:
        return None
    try:
        principal = check_claims(claims, issuer, NOW)
    except TokenError:
        return None
    permissions = tuple(dict.fromkeys(p for ref in principal.refs for p in document.permissions(ref)))
    return decide(Grounds(permissions, document.catalog, principal.claims, NOW), resolve(document.catalog, "GET", path, None, exact=True))


@pytest.mark.parametrize("seed", range(4))
def test_an_explanation_is_the_authorizers_answer(seed: int) -> None:
    print("seed", seed)
    random, seen = Random(seed), {"401": 0, "allowed": 0, "bound": 0, "denied": 0, "not listed": 0}
    for _ in range(150):
        trusted, document = random_issuers(random), random_document(random)
        unbound = {finding.message.partition(": never applies")[0] for finding in judge_bindings(document, trusted).findings}
        for _ in range(10):
            address = random.choice([*(issuer.issuer for issuer in trusted.issuers)] * 3 + ["https://evil.example"])
            claims, path = (
                random_claims(random, address),
                "t/" + random.choice(SEGMENTS) + random.choice(["", "/u/" + random.choice(SEGMENTS)]),
            )
            expected = authorizer_says(document, claims, trusted, path)
            try:
                found = explain_to(bearer_of(claims, (), trusted), document, "GET", path, NOW)
            except RefusedTokenError:
                assert expected is None, (claims, trusted)
                seen["401"] += 1
                continue
            assert expected is not None, (claims, trusted)
            assert (found.decision.effect, found.decision.reason, set(found.decision.determining)) == (
                expected.effect,
                expected.reason,
                set(expected.determining),
            ), (claims, path, trusted)
            assert found.notes == ()
            assert unbound.isdisjoint(permission.id for permission in expected.determining)
            seen["allowed" if expected.allowed else "denied"] += 1
            seen["bound"] += expected.allowed and all(permission.where for permission in expected.determining)
            seen["not listed"] += any(miss.kind is NearMissKind.NOT_LISTED for miss in found.near_misses)
    assert min(seen.values()) >= 25, seen


def every_way_to_hold(document: PermissionDocument, permission: Permission) -> list[PrincipalRef]:
    return [ref for ref in (*document.subjects, EVERYONE) if permission in document.permissions(ref)]


@pytest.mark.parametrize("seed", range(4))
def test_what_never_applies_is_told_and_nothing_else(seed: int) -> None:
    """Held against tokens of every issuer in which every claim is the word of the path: what none of them is allowed by, none is ever."""
    print("seed", seed)
    random, told = Random(seed), 0
    for _ in range(150):
        trusted, document = random_issuers(random), random_document(random)
        found = {f.message.partition(": never applies")[0] for f in judge_bindings(document, trusted).findings if f.kind == "unbound"}
        told += len(found)
        for ref in document.subjects:
            for permission in document.subjects[ref].permissions:
                if not permission.where or any(binding.claim in ("iss", "cognito:groups") for binding in permission.where):
                    continue
                ways = [
                    (holder, issuer)
                    for holder in every_way_to_hold(document, permission)
                    for issuer in trusted.issuers
                    if holder == EVERYONE or _gives(issuer.name, holder, {i.name for i in trusted.issuers})
                ]
                never = bool(ways) and not any(_passes(document, permission, issuer) for _, issuer in ways)
                assert (permission.id in found) is never, (permission.id, trusted)
    assert told >= 20


def _gives(name: str, holder: PrincipalRef, names: set[str]) -> bool:
    """Whether tokens of the issuer have such a ref, written down a second time: `partner` gives `partner:x`, one's own pool all else."""
    owner = next((each for each in sorted(names) if each and holder.name.startswith(f"{each}:")), "")
    return name == owner


def _passes(document: PermissionDocument, permission: Permission, issuer: Any) -> bool:
    values = {binding.claim: "v" for binding in permission.where}
    claims = {"exp": NOW + 60, "aud": ["api"], "token_use": "access", "client_id": "app", "sub": "v", **values, "iss": issuer.issuer}
    principal = check_claims(claims, issuer, NOW)
    path = permission.selector.partition(" ")[2].removeprefix("/").replace("{tenant}", "v").replace("{user}", "v")
    grounds = Grounds((permission,), document.catalog, principal.claims, NOW)
    return decide(grounds, resolve(document.catalog, "GET", path, None, exact=True)).allowed
