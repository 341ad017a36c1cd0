"""Policies for whole callers: the Resources that they have, or why there can be none.

An answer of a vector may have its own `refs`, `claims`, `now`, `guards` and `token_expiry`. Resources and requests stand without what all of them begin
with. `allow` and `deny` are all Resources of the policy, `allow_until` those that carry a condition, by its second. `allows` and `refuses` are requests
as an IAM evaluator of our own judges them. A `refusal` has a reason, words that it `says`, and, if it has a counterexample, the `routes` that this names and
the catalogue's routes that its paths are `served_by`, where these are written differently.
"""

from itertools import pairwise
from typing import Any

import pytest

from authorizer.policy.decision import Grounds, decide
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.statement import PolicyDocument
from authorizer.policy.iam.token_policy import Refusal, compile_token
from authorizer.policy.request_path import resolve
from tests.conformance.vectors import grounds, names, read
from tests.support.iam_evaluator import evaluate

PREFIX = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/"
ARN = MethodArn.parse(f"{PREFIX}GET/x")


@pytest.mark.parametrize("name", names("token_policies"))
def test_policy_for_a_whole_caller(name: str) -> None:
    vector = read("token_policies", name)
    for number, answer in enumerate(vector["answers"]):
        here = grounds(vector | {key: answer[key] for key in ("refs", "claims", "now") if key in answer})
        story = f"answer {number} of {name}: {answer}"
        result = compile_token(ARN, here, guards=answer.get("guards", False), token_expiry=answer.get("token_expiry"))
        if "refusal" in answer:
            assert isinstance(result, Refusal), story
            _check_refusal(result, answer["refusal"], here)
        else:
            assert not isinstance(result, Refusal), (story, result)
            assert _resources(result) == _expected(answer), story
            _check_requests(result, answer, here, story)


def _resources(policy: PolicyDocument) -> dict[tuple[str, str | None], list[str]]:
    """All Resources by effect and end. No effect and end stands twice, and nothing else is in the policy."""
    assert policy["Version"] == "2012-10-17"
    found: dict[tuple[str, str | None], list[str]] = {}
    for statement in policy["Statement"]:
        assert statement["Action"] == "execute-api:Invoke"
        assert all(resource.startswith(PREFIX) for resource in statement["Resource"])
        condition = statement.get("Condition")
        end = None if condition is None else condition["NumericLessThan"]["aws:EpochTime"]
        assert condition in (None, {"NumericLessThan": {"aws:EpochTime": end}})
        key = statement["Effect"], end
        assert key not in found
        found[key] = sorted(resource.removeprefix(PREFIX) for resource in statement["Resource"])
    return found


def _expected(answer: dict[str, Any]) -> dict[tuple[str, str | None], list[str]]:
    allows = {None: answer["allow"]} if "allow" in answer else answer.get("allow_until", {})
    expected: dict[tuple[str, str | None], list[str]] = {("Allow", end): sorted(resources) for end, resources in allows.items()}
    return expected | ({("Deny", None): sorted(answer["deny"])} if "deny" in answer else {})


def _check_requests(policy: PolicyDocument, answer: dict[str, Any], here: Grounds, story: str) -> None:
    context = {"aws:EpochTime": str(here.now)}
    for request in answer.get("allows", []):
        assert evaluate(policy, "execute-api:Invoke", PREFIX + request, context) == "Allow", (request, story)
        verb, _, path = request.partition("/")
        assert decide(here, resolve(here.catalog, verb, path, None, exact=True)).allowed, (request, story)
    for request in answer.get("refuses", []):
        verdict = evaluate(policy, "execute-api:Invoke", PREFIX + request, context)
        assert verdict != "Allow", (request, story)
        assert verdict == "ExplicitDeny" or answer.get("deny") != ["*"], "silence may be an allow of someone else's"


def _check_refusal(refusal: Refusal, expected: dict[str, Any], here: Grounds) -> None:
    assert refusal.reason == expected["reason"]
    assert expected.get("says", "") in refusal.message
    proof = refusal.counterexample
    if "routes" not in expected:
        assert proof is None
        return
    assert proof is not None
    assert list(proof.routes) == expected["routes"]
    paths = [path for path in (proof.allowed, proof.denied, proof.also_allowed) if path is not None]
    assert len(paths) == len(proof.routes)
    for before, after in pairwise(paths):
        assert before != after
        assert all(old in (new, proof.fresh) for old, new in zip(before, after, strict=True)), f"{after} does not overwrite {before}"
    # The claims' values are words of the caller's policy as the literals are words of the catalogue.
    literals = [*(str(segment) for route in here.catalog.routes for segment in route.segments), *here.claims.values()]
    assert proof.fresh not in "".join(literal for literal in literals if not literal.startswith("{"))
    decisions = [decide(here, resolve(here.catalog, proof.verb, path, None, exact=True)) for path in paths]
    assert [decision.allowed for decision in decisions] == [True, False, True][: len(paths)]
    assert [str(decision.route) for decision in decisions] == expected.get("served_by", expected["routes"])
    remedies = "use `route` scope, or one authorizer per path depth" + (", or guards" if len(paths) == 2 else "")
    assert refusal.message == f"{proof}; {remedies}"
