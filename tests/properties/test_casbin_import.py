"""No document that is made of a Casbin policy gives a role a request that the policy refuses."""

import os
import re
from pathlib import Path
from random import Random

import pytest

from admin_api.importers.casbin import document_of_casbin, read_policy_file
from admin_api.importers.casbin_model import CasbinModel
from admin_api.importers.imported import FoundRoute, FoundRoutes, Guard
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import parse_document
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from authorizer.policy.route import VERBS, parse_route
from tests.support.random_apis import SAFE, random_routes

SEED = os.environ.get("GATEBOOK_SEED")
DECISIONS = 20_000 if os.environ.get("CI") else 3_000
ROLES = ("r0", "r1", "r2")
ACTIONS = (*VERBS[:5], "*", ".*", "(GET)|(POST)", "GET|PUT", "^P", "read", "(?!GET)")
VALUES = (*SAFE, "a", "b", "me", "pets", "x", *("7",) * 8)


def random_line(random: Random, routes: list[str]) -> str:
    path = random.choice(routes).split(" ", 1)[1]
    parts = [random.choice((":p", ":p", "7", "*")) if part.startswith("{") else part for part in path[1:].split("/")]
    kind = random.random()
    if kind < 0.2:
        parts = [*parts[: random.randint(0, len(parts) - 1)], "*"]
    elif kind < 0.25:
        parts[-1] = random.choice(("m.", "a*", "(a|b)", "x:p"))
    found = "*" if kind > 0.97 else "/" + "/".join(parts)
    return f"p, {random.choice(ROLES)}, {found}, {random.choice(ACTIONS)}, {random.choice(('allow',) * 3 + ('deny',))}"


def enforced(lines: list[str], held: set[str], path: str, verb: str) -> bool:
    """What Casbin answers with `keyMatch2`, `regexMatch` and denies that win, by its documentation. A deny that means nothing to it counts here."""
    effects = set()
    for line in lines:
        _, role, pattern, action, effect = line.split(", ")
        expression = "^" + re.sub(r":[^/]+", "[^/]+", pattern.replace("/*", "/.*")) + "$"
        path_fits = pattern == "*" or re.search(expression, path) is not None
        if role in held and path_fits and (action == "*" or re.search(action, verb) is not None):
            effects.add(effect)
    return effects == {"allow"}


@pytest.mark.parametrize("part", range(2))
def test_a_document_gives_no_role_more_than_the_policy(part: int, tmp_path: Path) -> None:
    seed = f"{SEED or 'casbin'} {part}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    decisions = allowed = 0
    while decisions < DECISIONS or not allowed:
        routes = random_routes(random)
        lines = [random_line(random, routes) for _ in range(random.randint(1, 6))]
        inherited = [(a, b) for a in ROLES for b in ROLES if a != b and random.random() < 0.15]
        file = tmp_path / "policy.csv"
        file.write_text("\n".join([*lines, *(f"g, someone, {role}" for role in ROLES), *(f"g, {a}, {b}" for a, b in inherited)]))
        found = FoundRoutes("x", tuple(FoundRoute(parse_route(text), Guard.UNKNOWN, text, "") for text in routes))
        made = document_of_casbin(read_policy_file(file, CasbinModel()), CasbinModel(), found)
        document = parse_document(made.document)
        for role in ROLES:
            held = {role}
            for _ in ROLES:
                held |= {b for a, b in inherited if a in held}
            permissions = document.permissions(PrincipalRef(RefKind.GROUP, role))
            for verb, route in document.catalog.cells:
                for _ in range(5):
                    path = "/".join((random.choice(VALUES) if s.text != str(s) else s.text) for s in route.segments)
                    target = resolve(document.catalog, verb, path, None, exact=True)
                    if target.route is not route or target.problem is not None:
                        continue
                    decisions += 1
                    passes = decide(Grounds(permissions, document.catalog, {}, 0), target).allowed
                    allowed += passes
                    assert not passes or enforced(lines, held, f"/{path}", verb), (role, verb, path, lines, inherited, made.document)
    print(f"{decisions} decisions, {allowed} allowed")
