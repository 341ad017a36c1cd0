"""No document that is made of IAM roles gives a group a request that its role refused, and what it leaves out it names."""

import os
import re
from functools import cache
from random import Random
from typing import Any

import pytest

from admin_api.importers.aws_sample import document_of_sample
from admin_api.importers.iam import Group, IamSource, Role
from admin_api.importers.iam_document import document_of_roles
from admin_api.importers.iam_policies import parse_api_arn
from admin_api.importers.imported import FoundRoute, FoundRoutes, Guard
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import parse_document
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from authorizer.policy.route import parse_route
from tests.support.iam_evaluator import UnsupportedPolicyError, evaluate, matches, tokens
from tests.support.random_apis import SAFE, VERBS, random_routes

_VARIABLE = re.compile(r"\$\{[^{}]*\}")
SEED = os.environ.get("GATEBOOK_SEED")
PARTS = 4
CI = bool(os.environ.get("CI"))
DECISIONS, PATHS = (25_500, 60) if CI else (400, 6)
ARN = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
INVOKE = "execute-api:Invoke"
VALUES = (*SAFE, "a", "b", "me", "pets", "x", "ab", "GET", "PUT", "{p0}", "a%2Fb", "prod", "aa")
CLAIMS = {"sub": "alice-1", "org": "pets7"}
VARIABLES = {"cognito-identity.amazonaws.com:sub": "sub", "aws:PrincipalTag/org": "org"}


def random_resource(random: Random, routes: list[str]) -> str:
    """Shapes that teams have, and nasty ones: stars that cross, parts of segments, other APIs, names of parameters, variables."""
    method, path = random.choice(routes).split(" ", 1)
    parts = path[1:].split("/") if path != "/" else []
    if random.random() < 0.2 and any(part.startswith("{") for part in parts):
        bound = random.choice([number for number, part in enumerate(parts) if part.startswith("{")])
        variable = "${" + random.choice(sorted(VARIABLES)) + "}"
        parts = [variable if number == bound else "*" if part.startswith("{") else part for number, part in enumerate(parts)]
        return f"{ARN}/prod/{method.replace('ANY', '*')}/{'/'.join(parts)}"
    parts = [
        (
            random.choice(
                ("*", "*", "*", part, "?", "a*", "*a", "7", "me", "${aws:PrincipalTag/org}", "${cognito-identity.amazonaws.com:sub}")
            )
        )
        if part.startswith("{") and random.random() < 0.9
        else part
        for part in parts
    ]
    kind = random.random()
    if kind < 0.25:
        parts = [*parts[: random.randint(0, len(parts))], "*"]
    elif kind < 0.3:
        parts = ["", "*"]
    elif kind < 0.35 and parts:
        parts[random.randrange(len(parts))] = random.choice(("*", "u-${aws:PrincipalTag/org}", "${aws:username}", "?*", "??*", "${*}"))
    stage = random.choice(("prod", "prod", "prod", "*", "*", "dev", "p*", "pro?"))
    verb = random.choice((*VERBS[:4], "*", "*", method.replace("ANY", "*"), method.replace("ANY", "*"), "P*", "get"))
    tail = "/".join((stage, verb, *parts) if parts else (stage, verb, ""))
    tail = random.choice((tail,) * 16 + ("*", f"{stage}/*", f"*/{'/'.join(parts)}", f"{stage}*{verb}/{'/'.join(parts)}"))
    head = random.choice(
        (ARN,) * 8
        + ("arn:aws:execute-api:*:*:a1b2c3d4e5", "arn:aws:execute-api:*:*:*", "arn:aws:execute-api:eu-west-1:111122223333:zzzz")
        + ("arn:aws:execute-api:us-east-1:111122223333:a1b2c3d4e5", "arn:*:execute-api:eu-*:111122223333:a1?2c3d4e5")
    )
    return random.choice((f"{head}/{tail}",) * 30 + ("*", "arn:aws:execute-api:*", "arn:aws:s3:::bucket/*", "arn:aws:execute-api:*:*:*"))


def random_statement(random: Random, routes: list[str]) -> dict[str, Any]:
    resources = [random_resource(random, routes) for _ in range(random.randint(1, 3))]
    action = random.choice(
        (INVOKE,) * 6 + ("execute-api:*", "execute-api:I*", "*", "EXECUTE-API:invoke", "s3:*", "execute-api:ManageConnections")
    )
    statement: dict[str, Any] = {"Effect": random.choice(("Allow",) * 3 + ("Deny",)), "Action": action, "Resource": resources}
    odd = random.random()
    if odd < 0.04:
        statement["Condition"] = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    elif odd < 0.07:
        statement["NotAction"] = statement.pop("Action")
    elif odd < 0.10:
        statement["NotResource"] = statement.pop("Resource")
    return statement


class Judge:
    """What a role surely gives, by the evaluator of the tests, one statement and one resource at a time. It answers None where that evaluator does not know."""

    def __init__(self, policy: dict[str, Any]) -> None:
        self.policy = policy

    def verdict(self, arn: str) -> tuple[bool, bool]:
        """Whether the request is allowed for certain, and whether it may be."""
        certain, possible = {"Allow": False, "Deny": False}, {"Allow": False, "Deny": False}
        for statement in self.policy["Statement"]:
            actions = self._any([self._action(statement.get("Action", statement.get("NotAction")))])
            actions = not actions if "NotAction" in statement else actions
            texts = self._with_claims(statement.get("Resource", statement.get("NotResource")))
            resources = self._asked(texts, arn) if actions else False
            if resources is None:
                resources = self._any([self._asked([text], arn) for text in texts])
            if "NotResource" in statement and resources is not None:
                resources = not resources
            applies: bool | None = resources if actions else False
            if applies and not set(statement) <= {"Effect", "Action", "Resource"}:
                applies = None
            certain[statement["Effect"]] |= applies is True
            possible[statement["Effect"]] |= applies is not False
        return certain["Allow"] and not possible["Deny"], possible["Allow"] and not certain["Deny"]

    @staticmethod
    def _any(found: list[bool | None]) -> bool | None:
        return True if True in found else None if None in found else False

    @staticmethod
    @cache
    def _action(text: str) -> bool:
        policy = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": text, "Resource": "*"}}
        return evaluate(policy, INVOKE, "arn:aws:x:::y") == "Allow"

    @staticmethod
    def _with_claims(texts: list[str]) -> list[str]:
        for name, claim in VARIABLES.items():
            texts = [text.replace("${" + name + "}", CLAIMS[claim]) for text in texts]
        return texts

    def _asked(self, texts: list[str], arn: str) -> bool | None:
        statement = {"Effect": "Allow", "Action": INVOKE, "Resource": texts}
        try:
            return evaluate({"Version": self.policy["Version"], "Statement": statement}, INVOKE, arn) == "Allow"
        except UnsupportedPolicyError:
            pass
        # What does not match whatever a variable is, and whatever crosses colons, does not match for certain.
        widest = [_VARIABLE.sub("*", text) for text in texts]
        return None if any(_may_match(text, arn) for text in widest) else False


def _may_match(text: str, arn: str) -> bool:
    return text.count(":") < 5 or matches(list(tokens(text, variables=False)), arn)


def random_paths(random: Random, route: str) -> list[str]:
    found = []
    for _ in range(PATHS):
        parts = [p for p in route.split(" ", 1)[1].split("/") if p]
        values = ["/".join(random.choices(VALUES, k=random.randint(1, 3))) if p.endswith("+}") else random.choice(VALUES) for p in parts]
        found.append("/".join(v if p.startswith("{") else p for p, v in zip(parts, values, strict=True)))
    return found


@pytest.mark.parametrize("part", range(PARTS))
def test_a_document_gives_no_group_more_than_its_role(part: int) -> None:
    seed = f"{SEED or 'iam'} {part}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    decisions = allowed = narrower = bound = excepted = 0
    # Where nothing is allowed nothing was compared.
    while decisions < DECISIONS or not allowed:
        routes = random_routes(random)
        groups, roles = [], {}
        for number in range(random.randint(1, 3)):
            statements = [random_statement(random, routes) for _ in range(random.randint(1, 4))]
            policy = {"Version": "2012-10-17", "Statement": statements}
            roles[f"r{number}"] = Role(f"r{number}", (("p.json", policy),))
            groups.append(Group(f"g{number}", random.choice((None, 1, 2, 3)), f"r{number}"))
        found = FoundRoutes("x", tuple(FoundRoute(parse_route(text), Guard.UNKNOWN, text, "") for text in routes))
        claims = {name: claim for name, claim in VARIABLES.items() if random.random() < 0.8}
        made = document_of_roles(IamSource(parse_api_arn(f"{ARN}/prod"), tuple(groups), roles, claims=claims), found)
        text = str(made.imported.document)
        bound, excepted = bound + ("'where'" in text), excepted + ("'except'" in text)
        document = parse_document(made.imported.document)
        assert not any(d.wider and len(d.groups) == 1 for d in made.differences), made
        named = {(d.groups[0], d.route) for d in made.differences if not d.wider}
        said = "\n".join(map(str, made.imported.not_taken))
        for group in groups:
            judge = Judge(roles[group.role or ""].policies[0][1])
            permissions = document.permissions(PrincipalRef(RefKind.GROUP, group.name))
            for verb, route in document.catalog.cells:
                for path in random_paths(random, str(route)):
                    target = resolve(document.catalog, verb, path, None, exact=True)
                    if target.route is not route or target.problem is not None:
                        continue
                    decisions += 1
                    passes = decide(Grounds(permissions, document.catalog, CLAIMS, 0), target).allowed
                    allowed += passes
                    # What is refused is judged now and then: nothing is wider there.
                    if not passes and random.random() < 0.8:
                        continue
                    surely, maybe = judge.verdict(f"{ARN}/prod/{verb}/{path}")
                    what = f"{group.name} {verb} /{path} of {route}: {judge.policy} -> {text}"
                    assert surely or not passes, what
                    if surely and not passes:
                        narrower += 1
                        assert (group.name, f"{verb} {route.path}") in named or re.search(rf"^role {group.role},", said, re.MULTILINE), what
                    assert maybe or not surely
    print(f"{decisions} decisions, {allowed} allowed, {narrower} narrower; documents with where {bound}, with except {excepted}")


@pytest.mark.parametrize("part", range(PARTS))
def test_a_document_of_the_sample_gives_nobody_more_than_the_joined_policies(part: int) -> None:
    """People have some of the groups; the sample joins the statements of all of them."""
    seed = f"{SEED or 'sample'} {part}"
    print(f"GATEBOOK_SEED={seed}")
    random = Random(seed)
    decisions = allowed = 0
    while decisions < DECISIONS or not allowed:
        routes = random_routes(random)
        policies = {
            f"g{number}": {
                "Version": random.choice(("2012-10-17", "2012-10-17", "2008-10-17")),
                "Statement": [random_statement(random, routes) for _ in range(random.randint(1, 3))],
            }
            for number in range(random.randint(1, 3))
        }
        found = FoundRoutes("x", tuple(FoundRoute(parse_route(text), Guard.UNKNOWN, text, "") for text in routes))
        made = document_of_sample(policies, parse_api_arn(f"{ARN}/prod"), found)
        assert not any(d.wider for d in made.differences), made
        document = parse_document(made.imported.document)
        names = random.sample(sorted(policies), random.randint(1, len(policies)))
        joined = [statement for name in names for statement in policies[name]["Statement"]]
        # The version is that of whichever item comes first.
        judges = [Judge({"Version": policies[name]["Version"], "Statement": joined}) for name in names]
        permissions = [p for name in names for p in document.permissions(PrincipalRef(RefKind.GROUP, name))]
        for verb, route in document.catalog.cells:
            for path in random_paths(random, str(route)):
                target = resolve(document.catalog, verb, path, None, exact=True)
                if target.route is not route or target.problem is not None:
                    continue
                decisions += 1
                decision = decide(Grounds(permissions, document.catalog, CLAIMS, 0), target)
                allowed += decision.allowed
                if decision.allowed:
                    what = f"{names} {verb} /{path} of {route}: {policies} -> {made.imported.document}"
                    assert all(judge.verdict(f"{ARN}/prod/{verb}/{path}")[0] for judge in judges), what
    print(f"{decisions} decisions, {allowed} allowed")
