"""Compares a document that was made of IAM roles with the roles: request by request, group by group, and for people in two groups.

It evaluates the policies as they stand, by regular expressions over whole ARNs, and shares nothing with the translation that it judges.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, islice
from typing import Any

from admin_api.importers.iam import IamSource, Role, role_of, roles_of
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.document import PermissionDocument
from authorizer.policy.permission import PrincipalRef, RefKind
from authorizer.policy.request_path import Target, resolve
from authorizer.policy.route import WEBSOCKET, RouteCatalog, RouteTemplate, SegmentKind

_VALUES = ("7", "a.b~c", "PUT", "a%2Fb", "{id}")
_MAX_WORDS = 20

MAX_PAIRS = 1000
"""Pairs of groups that are compared if nobody names them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A request for a route, and who makes it. `claims` are the token's."""

    verb: str
    route: RouteTemplate
    path: str
    target: Target
    claims: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.verb} {self.path}" if self.verb == WEBSOCKET else f"{self.verb} /{self.path}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A request about which the roles and the document do not agree: `wider` if only the document allows it. `roles` are those that the pool may give."""

    groups: tuple[str, ...]
    roles: tuple[str, ...]
    route: str
    request: str
    wider: bool


def samples(source: IamSource, catalog: RouteCatalog) -> list[Sample]:
    """Return requests for each route with each verb: usual values, words of sibling routes and of the policies, encoded slashes, and claims."""
    texts = [text for role in source.roles.values() for _, policy in role.policies for text in _texts(policy)]
    words = sorted({part for text in texts for part in re.split(r"[/:]", text) if part and not set(part) & set("*?$\\")})[:_MAX_WORDS]
    claims = {claim: f"claim-{number}" for number, claim in enumerate(sorted(set(source.claims.values())))}
    found = []
    for verb, route in catalog.cells:
        if verb == WEBSOCKET:
            found.append(Sample(verb, route, route.path, Target(verb, route), claims))
            continue
        siblings = sorted({word for listed in catalog.reserved_words(route).values() for word in listed})[:_MAX_WORDS]
        for path in dict.fromkeys(_paths(route, [*_VALUES, *claims.values(), *siblings, *words])):
            target = resolve(catalog, verb, path, None, exact=True)
            # What belongs to a sibling is a sample of that, and what is unsafe is denied.
            if target.route is route and target.problem is None:
                found.append(Sample(verb, route, path, target, claims))
    return found


def _paths(route: RouteTemplate, values: Sequence[str]) -> Iterator[str]:
    for value in values:
        yield "/".join(s.text if s.kind is SegmentKind.LITERAL else value for s in route.segments)
        for name in route.parameters:
            yield "/".join(s.text if s.kind is SegmentKind.LITERAL else value if s.text == name else values[0] for s in route.segments)
        if route.is_greedy:
            for tail in (f"{value}/{values[0]}", f"{values[0]}/{value}"):
                yield "/".join(
                    s.text if s.kind is SegmentKind.LITERAL else tail if s.kind is SegmentKind.GREEDY else values[0] for s in route.segments
                )


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def differences(source: IamSource, document: PermissionDocument, pairs: Iterable[tuple[str, ...]] | None = None) -> list[Difference]:
    """Return where roles and document differ, one request for each route: for each group either way, for people in several only where they get more."""
    asked = samples(source, document.catalog)
    judge = _Judge(source)
    found = []
    for group in source.groups:
        found += _compare(judge, document, (group.name,), roles_of(source, (group.name,)), asked, only_wider=False)
    for names in _pairs(source) if pairs is None else pairs:
        # Two groups of one role have no other access together than each has.
        if any(roles_of(source, names) != roles_of(source, (name,)) for name in names):
            found += _compare(judge, document, names, roles_of(source, names), asked, only_wider=True)
    return found


def merged_differences(source: IamSource, document: PermissionDocument) -> list[Difference]:
    """Return the same where nobody chooses among roles: a person has the statements of all groups at once, each group's those of the role of its name."""
    asked = samples(source, document.catalog)
    found = []
    for names in [*((group.name,) for group in source.groups), *_pairs(source)]:
        name = " + ".join(names)
        merged = Role(name, tuple(policy for each in names for policy in role_of(source, each).policies))
        judge = _Judge(replace(source, roles={name: merged}))
        found += _compare(judge, document, names, (name,), asked, only_wider=len(names) > 1)
    return found


def _pairs(source: IamSource) -> Sequence[tuple[str, ...]]:
    return list(islice(combinations([group.name for group in source.groups], 2), MAX_PAIRS))


def _compare(
    judge: "_Judge",
    document: PermissionDocument,
    names: tuple[str, ...],
    possible: Iterable[str | None],
    asked: Sequence[Sample],
    *,
    only_wider: bool,
) -> list[Difference]:
    roles = sorted(possible, key=str)
    permissions = [p for name in names for p in document.permissions(PrincipalRef(RefKind.GROUP, name))]
    found: dict[tuple[str, str, bool], Difference] = {}
    for sample in asked:
        key = (sample.verb, sample.route.path)
        allowed = decide(Grounds(permissions, document.catalog, sample.claims, 0), sample.target).allowed
        if (*key, allowed) in found or (only_wider and not allowed):
            continue
        verdicts = [judge.verdict(role, sample) for role in roles]
        if (allowed and not all(least for least, _ in verdicts)) or (not allowed and any(most for _, most in verdicts)):
            shown = tuple(role or "none" for role in roles)
            found[*key, allowed] = Difference(names, shown, f"{sample.verb} {sample.route.path}", str(sample), allowed)
    return list(found.values())


class _Judge:
    """Evaluates policies, each request of a role once."""

    def __init__(self, source: IamSource) -> None:
        self.source = source
        self._known: dict[tuple[str | None, str, str], tuple[bool, bool]] = {}

    def verdict(self, role: str | None, sample: Sample) -> tuple[bool, bool]:
        """Return whether the role allows the request for certain, and whether it may allow it."""
        key = role, sample.verb, sample.path
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (False, False) if role is None else self._evaluate(role, sample)
        return known

    def _evaluate(self, name: str, sample: Sample) -> tuple[bool, bool]:
        role = role_of(self.source, name)
        arn = self.source.api.request(sample.verb, sample.path)
        values = {variable: sample.claims[claim] for variable, claim in self.source.claims.items()}
        certain = {"Allow": False, "Deny": False}
        possible = {"Allow": False, "Deny": bool(role.boundary)}
        for _, policy in role.policies:
            has_variables = policy.get("Version", "2008-10-17") != "2008-10-17"
            listed = policy["Statement"]
            for statement in listed if isinstance(listed, list) else [listed]:
                surely, maybe = statement_applies(statement, arn, values if has_variables else None)
                certain[statement["Effect"]] |= surely
                possible[statement["Effect"]] |= surely or maybe
        return certain["Allow"] and not possible["Deny"], possible["Allow"] and not certain["Deny"]


def statement_applies(statement: Mapping[str, Any], arn: str, values: Mapping[str, str] | None) -> tuple[bool, bool]:
    """Return whether a statement surely speaks of invoking an ARN, and whether it may. `values` are those of variables, None where they are plain text."""
    actions = [_fits(text.lower(), "execute-api:invoke", None) for text in _listed(statement.get("Action", statement.get("NotAction")))]
    if any(actions) is ("NotAction" in statement):
        return False, False
    matched = [_resource_fits(text, arn, values) for text in _listed(statement.get("Resource", statement.get("NotResource")))]
    surely, maybe = any(s for s, _ in matched), any(m for _, m in matched)
    if "NotResource" in statement:
        surely, maybe = not maybe, not surely
    plain = not statement.get("Condition") and set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
    return surely and plain, maybe


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _resource_fits(text: str, arn: str, values: Mapping[str, str] | None) -> tuple[bool, bool]:
    if text == "*":
        return True, True
    if text.count(":") < 5:
        return False, True
    fields, actual = text.split(":", 5), arn.split(":", 5)
    known = values is None or all(name in values or name in ("*", "?", "$") for name in re.findall(r"\$\{([^{}]*)\}", text))
    surely = known and "${" not in "".join(fields[:5]) and all(_fits(one, other, values) for one, other in zip(fields, actual, strict=True))
    return surely, surely or _fits(text, arn, values)


def _fits(pattern: str, text: str, values: Mapping[str, str] | None) -> bool:
    """Return whether a whole text fits a pattern. A variable without a value is any text."""
    return _expression(pattern, None if values is None else tuple(sorted(values.items()))).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _expression(pattern: str, values: tuple[tuple[str, str], ...] | None) -> re.Pattern[str]:
    known = dict(values or ()) | {name: name for name in "*?$"}
    parts = []
    for part in re.findall(r"\$\{[^{}]*\}|.", pattern, re.DOTALL) if values is not None else pattern:
        if len(part) > 1:
            value = known.get(part[2:-1])
            parts.append(".*" if value is None else re.escape(value))
        else:
            parts.append({"*": ".*", "?": "."}.get(part, re.escape(part)))
    return re.compile("".join(parts), re.DOTALL)
