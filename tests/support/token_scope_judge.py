"""Policies for whole callers under trial: random callers, each policy proved by the automaton and tried with requests, each refusal held to its reasons."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from random import Random
from typing import Any
from urllib.parse import unquote

from authorizer.policy.decision import Grounds, Reason, decide
from authorizer.policy.document import parse_document
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.statement import PolicyDocument
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.permission import EVERYONE, PrincipalRef, RefKind
from authorizer.policy.request_path import resolve
from tests.support.automaton import MeantRoute, Spelling, find_difference, find_overgrant
from tests.support.gateway_model import VERBS, RoutedRequest, Router
from tests.support.iam_evaluator import evaluate
from tests.support.random_apis import MOMENTS
from tests.support.token_scope_cases import Case, Meaning, random_case, random_requests

REQUESTS = 220
BUDGET = 7000
MAX_RESOURCE = 512
LAST_MOMENT = max(MOMENTS.values())
_SLASH_GUARDS = ("/*", "*//*", "*%2F*", "*%2f*")


def play(seed: int, number: int, counts: Counter[str]) -> None:
    """One round: one caller, both settings of guards. Raises `AssertionError` with the whole story."""
    random = Random(f"{seed}/{number}")
    case = random_case(random)
    try:
        _Trial(case, random, counts).run()
    except Exception as error:  # a crash needs its story as much as a wrong answer
        raise AssertionError(f"{type(error).__name__}: {error}\nGATEBOOK_SEED={seed}, round {number}: {case}") from error


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way in which a gateway may read a request: the route that it takes and the path that the ARN shows. `agree` tells that both were read alike."""

    routed: RoutedRequest
    arn_path: str
    agree: bool


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A policy, and the fast way to ask it."""

    guards: bool
    policy: PolicyDocument
    allows: Callable[[str, str], bool]


class _Trial:
    def __init__(self, case: Case, random: Random, counts: Counter[str]) -> None:
        self.case, self.random, self.counts = case, random, counts
        self.meaning = Meaning(case)
        self.meant = self.meaning.routes()
        self.spelled = self.meaning.routes(spelled=True)
        document = parse_document(case.document)
        refs = (EVERYONE, *(PrincipalRef(RefKind.GROUP, name) for name in case.groups))
        permissions = tuple(p for ref in refs for p in document.permissions(ref))
        self.grounds = Grounds(permissions, document.catalog, case.claims, case.now)
        self.arn = MethodArn.parse(f"arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/{case.stage}/GET/x")
        # A policy may leave spellings out where they are too much for it.
        self.spells = self._listing_fits(self.spelled)
        self.raw, self.decoding = (Router(case.routes, decodes=decodes, backtracks=True) for decodes in (False, True))

    def run(self) -> None:
        plain, guarded = (
            compile_token(self.arn, self.grounds, guards=guards, token_expiry=self.case.token_expiry) for guards in (False, True)
        )
        assert isinstance(plain, Refusal) or plain == guarded, "what can be said without guards needs none"
        for guards, answer in ((False, plain), (True, guarded)):
            if isinstance(answer, Refusal):
                self._judge_refusal(answer, guards=guards)
        policies = [] if isinstance(plain, Refusal) else [(False, plain)]
        if isinstance(plain, Refusal) and not isinstance(guarded, Refusal):
            policies.append((True, guarded))
        for guards, policy in policies:
            self._judge_policy(policy, guards=guards)
        if policies:
            self._try_requests(
                [_Compiled(guards, policy, _reader(self._in_force(policy, self.case.now), self.arn.prefix)) for guards, policy in policies]
            )
        self.counts["rounds"] += 1

    # -- policies -----------------------------------------------------------------------------------------------------------------------------

    def _judge_policy(self, policy: PolicyDocument, *, guards: bool) -> None:
        self._judge_limits(policy)
        in_force = self._in_force(policy, self.case.now)
        if self.case.token_expiry is not None:
            self._judge_later(policy, guards=guards)
        where = find_difference(self.meant, in_force, self.arn.prefix)
        assert where is None, f"guards={guards}: policy and permissions differ on `{where}`: {policy}"
        for spelling in (Spelling.SLASHES, *([] if guards else [Spelling.ENCODED])):
            where = find_overgrant(self._meant(spelling), in_force, self.arn.prefix, spelling)
            assert where is None, f"guards={guards}: over-grant on `{where}` ({spelling.name}): {policy}"
        naive = naive_listing(self.spelled, self.arn.prefix)
        if naive and not guards and self.case.token_expiry is None and self.random.random() < 0.2:
            self._compare_with_naive(naive, policy)
        texts = {resource for statement in policy["Statement"] if statement["Effect"] == "Allow" for resource in statement["Resource"]}
        self.counts["policies with guards" if guards else "policies"] += 1
        self.counts["policies that allow nothing"] += not texts
        self.counts["policies with wildcards over prefixes"] += bool({text.replace("?*", "*") for text in texts} - naive)
        self.counts["policies with bound values"] += any("{" not in each for each in self._bound_templates())
        self.counts["policies with values in several spellings"] += any("%40" in text or "%7C" in text for text in texts)
        self.counts["policies with conditions"] += self.case.token_expiry is not None

    def _meant(self, spelling: Spelling) -> list[MeantRoute]:
        """What is meant, as this reading of paths has to see it: where a `%` is a character like any other, a value is all of its spellings."""
        return self.spelled if spelling is Spelling.SLASHES else self.meant

    def _compare_with_naive(self, naive: set[str], policy: PolicyDocument) -> None:
        """A policy is no larger than the plain listing where that is right as well."""
        statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": sorted(naive)}
        listing = {"Version": "2012-10-17", "Statement": [statement]}
        if not any(find_overgrant(self._meant(spelling), listing, self.arn.prefix, spelling) for spelling in Spelling):
            assert len(json.dumps(policy)) <= len(json.dumps(listing)), f"larger than the plain listing, which would do: {policy}"
            self.counts["no larger than the plain listing"] += 1

    def _judge_later(self, policy: PolicyDocument, *, guards: bool) -> None:
        """With conditions, a remembered policy allows nothing whose grant has ended since."""
        later = Meaning(replace(self.case, now=max(self.case.now, LAST_MOMENT)))
        where = find_overgrant(later.routes(), self._in_force(policy, later.case.now), self.arn.prefix)
        assert where is None, f"guards={guards}: `{where}` is still allowed at {later.case.now}: {policy}"
        self.counts["policies that say when they end"] += later.case.now > self.case.now

    def _judge_limits(self, policy: PolicyDocument) -> None:
        assert len(json.dumps(policy)) <= BUDGET, "over the budget"
        for statement in policy["Statement"]:
            expiry = self.case.token_expiry
            if statement["Effect"] == "Allow" and expiry is not None:
                assert int(statement["Condition"]["NumericLessThan"]["aws:EpochTime"]) <= expiry, "outlives the token"
            else:
                assert "Condition" not in statement
            for resource in statement["Resource"]:
                assert len(resource) <= MAX_RESOURCE
                verb, _, _ = resource.removeprefix(self.arn.prefix).partition("/")
                assert resource.startswith(self.arn.prefix), resource
                assert verb in VERBS or (statement["Effect"] == "Deny" and verb == "*"), resource

    def _in_force(self, policy: PolicyDocument, now: float) -> dict[str, Any]:
        """What of the policy counts at a moment."""
        ends = [(s.get("Condition", {}).get("NumericLessThan", {}).get("aws:EpochTime"), s) for s in policy["Statement"]]
        return {"Version": policy["Version"], "Statement": [s for end, s in ends if end is None or now < int(end)]}

    def _bound_templates(self) -> Iterator[str]:
        for route in self.meant:
            for templates in route.allowed.values():
                yield from (each for each in templates if each != route.template)

    # -- requests -----------------------------------------------------------------------------------------------------------------------------

    def _try_requests(self, policies: Sequence[_Compiled]) -> None:
        says_something = any(route.allowed for route in self.meant)
        count = REQUESTS if says_something else REQUESTS // 10
        slow = self.random.randrange(count * 4)
        for place, (verbs, path, is_plain) in enumerate(random_requests(self.random, self.case.routes, count)):
            decoded = unquote(path) if "%" in path else path
            for verb in verbs:
                for reading in self._readings(verb, path, decoded):
                    self._try_request(policies, verb, reading, is_plain=is_plain)
            if place == slow:
                self._compare_with_evaluator(policies[0], verbs[0], path.removeprefix("/"))

    def _try_request(self, policies: Sequence[_Compiled], verb: str, reading: _Reading, *, is_plain: bool) -> None:
        expected = self.meaning.allows(verb, reading.routed)
        denied_by_decide = self._compare_with_decide(verb, reading, expected, is_plain=is_plain)
        for compiled in policies:
            if compiled.guards and not reading.agree:
                continue
            allowed = compiled.allows(verb, reading.arn_path)
            is_due = is_plain and ("%" not in reading.arn_path or (self.spells and not compiled.guards))
            if allowed > expected or allowed > (not denied_by_decide) or (is_due and allowed < expected):
                kind = "over-grant" if allowed > expected else "under-grant" if expected else "allowed though decide denies"
                raise AssertionError(f"{kind}: guards={compiled.guards}: {verb}, read as {reading}, by {compiled.policy}")
            self.counts["decisions"] += 1
            self.counts["plain" if is_plain else "hostile"] += 1
            self.counts["allowed" if allowed else "denied, allowed in plain spelling" if expected else "denied"] += 1

    def _readings(self, verb: str, path: str, decoded: str) -> Iterator[_Reading]:
        """Read raw by both; decoded by both; decoded by routing only. Without an escape these are one."""
        routed = self.raw.route(verb, path)
        if routed is not None:
            yield _Reading(routed, path.removeprefix("/"), agree=True)
        if decoded != path:
            routed = self.decoding.route(verb, path)
            if routed is not None:
                yield _Reading(routed, decoded.removeprefix("/"), agree=True)
                yield _Reading(routed, path.removeprefix("/"), agree=False)

    def _compare_with_decide(self, verb: str, reading: _Reading, expected: bool, *, is_plain: bool) -> bool:
        """Whether permissions, not the path's spelling, made `decide` deny. On plain paths it says what the oracle says."""
        if self.random.random() < 0.7:
            return False
        decision = decide(self.grounds, resolve(self.grounds.catalog, verb, reading.arn_path, None, exact=True))
        assert decision.allowed == expected or not is_plain, f"decide and oracle differ: {verb} {reading}"
        return decision.reason in (Reason.EXPLICIT_DENY, Reason.IMPLICIT_DENY)

    def _compare_with_evaluator(self, compiled: _Compiled, verb: str, path: str) -> None:
        arn, context = f"{self.arn.prefix}{verb}/{path}", {"aws:EpochTime": f"{self.case.now}"}
        verdict = evaluate(compiled.policy, "execute-api:Invoke", arn, context)
        assert (verdict == "Allow") == compiled.allows(verb, path), f"the test's own matcher errs on {arn}: {compiled.policy}"
        self.counts["compared with the evaluator"] += 1

    # -- refusals -----------------------------------------------------------------------------------------------------------------------------

    def _judge_refusal(self, refusal: Refusal, *, guards: bool) -> None:
        self.counts[f"refused, {refusal.reason}{' with guards' if guards else ''}"] += 1
        if refusal.reason == "inexact":
            self._judge_counterexample(refusal, guards=guards)
        elif refusal.reason == "binding":
            words = {part for route in self.case.routes for part in route.split(" ")[1].split("/")}
            bound = [(route.template, each) for route in self.meant for templates in route.allowed.values() for each in templates]
            values = {b for template, each in bound for a, b in zip(template.split("/"), each.split("/"), strict=True) if a != b}
            assert values & words, f"no bound value is a word of the catalogue: {refusal}"
        else:
            assert guards or not self._listing_fits(self.meant), f"refused though the plain listing would do: {refusal}"

    def _listing_fits(self, meant: Sequence[MeantRoute]) -> bool:
        listing = naive_listing(meant, self.arn.prefix)
        guard_texts = {f"{self.arn.prefix}{verb}/{text}" for verb in VERBS for text in _SLASH_GUARDS}
        size = sum(len(text) + 4 for text in listing | guard_texts) + 200 + 70 * (self.case.token_expiry is not None)
        return size <= BUDGET and max(map(len, listing), default=0) <= MAX_RESOURCE

    def _judge_counterexample(self, refusal: Refusal, *, guards: bool) -> None:
        proof = refusal.counterexample
        assert proof is not None, "no counterexample"
        assert proof.also_allowed is not None or not guards, "with guards it takes three paths"
        literals = "".join(part for route in self.case.routes for part in route.split(" ")[1].split("/") if not part.startswith("{"))
        assert len(proof.fresh) == 1, refusal
        assert proof.fresh not in literals + "/" + "".join(self._bound_values(proof.verb)), f"not fresh: {refusal}"
        paths = [proof.allowed, proof.denied, *([proof.also_allowed] if proof.also_allowed is not None else [])]
        for before, after in pairwise(paths):
            assert len(before) == len(after), refusal
            assert all(a in (b, proof.fresh) for a, b in zip(before, after, strict=True)), f"not by overwriting: {refusal}"
        for path, name, wanted in zip(paths, proof.routes, (True, False, True), strict=False):
            routed = self.raw.route(proof.verb, "/" + path)
            assert routed is not None, f"no route for {path}: {refusal}"
            assert self.meaning.allows(proof.verb, routed) is wanted, f"{path} is not as claimed: {refusal}"
            assert _is_named(f"{proof.verb} {routed.template}", name, routed.parameters), f"{path} is served by {routed}: {refusal}"
        assert len(paths) == len(proof.routes), refusal
        assert all(name in refusal.message for name in proof.routes), refusal
        self.counts["counterexamples of three paths" if len(paths) == 3 else "counterexamples of two paths"] += 1

    def _bound_values(self, verb: str) -> Iterator[str]:
        """The values that stand in the place of parameters, but for those that always belong to another route."""
        for route in self.meant:
            for each in route.allowed.get(verb, ()):
                routed = self.raw.route(verb, re.sub(r"{[^}]*}", "\0", each))
                if routed is not None and routed.template == route.template:
                    yield from (b for a, b in zip(route.template.split("/"), each.split("/"), strict=True) if a != b)


def naive_listing(meant: Sequence[MeantRoute], prefix: str) -> set[str]:
    """A Resource for each allowed route, its parameters as `*`."""
    pairs = ((verb, each) for route in meant for verb, templates in route.allowed.items() for each in templates)
    return {f"{prefix}{verb}{re.sub(r'{[^}]*}', '*', each)}" for verb, each in pairs}


def _is_named(route: str, name: str, parameters: Mapping[str, str]) -> bool:
    """Whether the name is that of the route, bound parameters perhaps replaced by their values."""
    pairs = [*zip(route.split("/"), name.split("/"), strict=False)]
    return route.count("/") == name.count("/") and all(a == b or parameters.get(a.strip("{+}")) == b for a, b in pairs)


def _reader(policy: Mapping[str, Any], prefix: str) -> Callable[[str, str], bool]:
    """Whether the policy allows a verb and a path of an ARN: many times faster than the evaluator."""
    texts = [(s["Effect"], resource.removeprefix(prefix)) for s in policy["Statement"] for resource in s["Resource"]]
    matchers = {
        verb: tuple(
            _matcher(
                tuple(sorted({text.removeprefix(f"{verb}/") for e, text in texts if e == effect and text.startswith((f"{verb}/", "*"))}))
            )
            for effect in ("Allow", "Deny")
        )
        for verb in VERBS
    }
    return lambda verb, path: bool(matchers[verb][0](path)) and not matchers[verb][1](path)


@lru_cache(maxsize=4096)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    alternatives = [re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".") for pattern in patterns]
    return re.compile("|".join(alternatives) if alternatives else r"(?!)", re.DOTALL).fullmatch
