"""Compiled policies: the golden one, and what an IAM evaluator of our own makes of it for the ARNs under `allows` and `refuses`.

An answer of a vector may have its own `claims` and `now`, and `as_sent: false` if the gateway's ARNs may be decoded. `token_expiry` asks for conditions.
Where there is no policy `raises` stands, or `policy: null` if the answer has to cover the requested ARN only.
"""

from typing import Any

import pytest

from authorizer.policy.cache_scope import CacheScope
from authorizer.policy.decision import Grounds, decide
from authorizer.policy.iam.method_arn import MethodArn
from authorizer.policy.iam.route_policy import compile_request, compile_route
from authorizer.policy.iam.statement import PolicyDocument, PolicyTooLargeError
from authorizer.policy.request_path import resolve
from tests.conformance.vectors import grounds, names, read
from tests.support.iam_evaluator import evaluate

INVOKE = "execute-api:Invoke"


def _compile(grounds: Grounds, answer: dict[str, Any]) -> PolicyDocument | None:
    arn = MethodArn.parse(answer["arn"])
    request_scope = CacheScope(answer["scope"]) is CacheScope.REQUEST
    target = resolve(grounds.catalog, arn.verb or "", arn.path, answer.get("told"), exact=request_scope)
    expiry = answer.get("token_expiry")
    if request_scope or target.only_requested:
        return compile_request(arn, decide(grounds, target), token_expiry=expiry)
    return compile_route(arn, grounds, target.route, token_expiry=expiry, as_sent=answer.get("as_sent", True))


@pytest.mark.parametrize("name", names("compiled"))
def test_compiled_policy(name: str) -> None:
    vector = read("compiled", name)
    for_all = grounds(vector)
    for answer in vector["answers"]:
        here = for_all._replace(claims=answer.get("claims", for_all.claims), now=answer.get("now", for_all.now))
        if "raises" in answer:
            with pytest.raises(PolicyTooLargeError) as caught:
                _compile(here, answer)
            assert answer["raises"] in str(caught.value)
            continue
        policy = _compile(here, answer)
        assert policy == answer["policy"], answer["arn"]
        if policy is None:
            continue
        assert all(len(resource) <= 512 for statement in policy["Statement"] for resource in statement["Resource"])
        context = {"aws:EpochTime": str(here.now)}
        assert {arn: evaluate(policy, INVOKE, arn, context) for arn in answer.get("allows", [])} == dict.fromkeys(
            answer.get("allows", []), "Allow"
        )
        assert "Allow" not in {arn: evaluate(policy, INVOKE, arn, context) for arn in answer.get("refuses", [])}.values()
        if answer["policy"]["Statement"][0]["Effect"] == "Deny":
            assert evaluate(policy, INVOKE, answer["arn"], context) == "ExplicitDeny", "silence may be an allow of someone else's"


def test_a_policy_never_allows_text_that_iam_reads_as_a_pattern() -> None:
    vector = read("compiled", "request")
    allowed = decide(grounds(vector), resolve(grounds(vector).catalog, "GET", "pets", None, exact=True))
    assert allowed.allowed
    arn = MethodArn.parse("arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/pets/*")
    [statement] = compile_request(arn, allowed)["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", [f"{arn.prefix}GET/pets/?"])
