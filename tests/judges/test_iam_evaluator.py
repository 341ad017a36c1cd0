"""The IAM evaluator against the IAM User Guide: each table names the page that its expected answers come from."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.iam_evaluator import UnsupportedPolicyError, evaluate, matches, tokens

API = "arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5"
INVOKE = "execute-api:Invoke"
NEW, OLD = "2012-10-17", "2008-10-17"


def statement(resource: object, effect: str = "Allow", action: object = INVOKE, **more: object) -> dict[str, object]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


def document(*statements: object, version: str = NEW) -> dict[str, object]:
    return {"Version": version, "Statement": list(statements)}


RESOURCES = [
    # "Resource": `*` is any combination of characters, `/` and none included; `?` is any single character.
    (f"{API}/prod/GET/pets", f"{API}/prod/GET/pets", True),
    (f"{API}/prod/GET/pets", f"{API}/prod/GET/pets/", False),
    (f"{API}/prod/GET/pets", f"{API}/prod/GET/pet", False),
    (f"{API}/prod/GET/pets/*", f"{API}/prod/GET/pets/1", True),
    (f"{API}/prod/GET/pets/*", f"{API}/prod/GET/pets/1/toys", True),
    (f"{API}/prod/GET/pets/*", f"{API}/prod/GET/pets/", True),
    (f"{API}/prod/GET/pets/*", f"{API}/prod/GET/pets", False),
    (f"{API}/prod/GET/*/toys", f"{API}/prod/GET/1///2/toys", True),
    (f"{API}/prod/GET/*/toys", f"{API}/prod/GET/1/toys/2", False),
    (f"{API}/*/GET/public/*", f"{API}/prod/DELETE/x/GET/public/y", True),
    (f"{API}/prod/*", f"{API}/prod/GET/", True),
    (f"{API}/prod/GET/**", f"{API}/prod/GET/a", True),
    (f"{API}/prod/GET/ab*b", f"{API}/prod/GET/ab", False),
    (f"{API}/prod/GET/ab*b", f"{API}/prod/GET/abb", True),
    (f"{API}/prod/GET/pets/?", f"{API}/prod/GET/pets/1", True),
    (f"{API}/prod/GET/pets/?", f"{API}/prod/GET/pets/", False),
    (f"{API}/prod/GET/pets/?", f"{API}/prod/GET/pets/12", False),
    (f"{API}/prod/GET/a?b", f"{API}/prod/GET/a/b", True),
    (f"{API}/prod/GET/?*", f"{API}/prod/GET/", False),
    (f"{API}/prod/GET/?*", f"{API}/prod/GET/ab", True),
    (f"{API}/prod/GET/?", f"{API}/prod/GET/\u2615", True),
    # ... upper and lower case differ.
    (f"{API}/prod/GET/Pets", f"{API}/prod/GET/pets", False),
    # ... wildcards stand within the parts separated by colons; the last part of an ARN may itself hold colons ("IAM ARNs").
    ("*", f"{API}/prod/GET/urn:a:b", True),
    (f"{API}/prod/GET/t/*", f"{API}/prod/GET/t/01:50:12/x", True),
    (f"{API}/prod/GET/t/01:50", f"{API}/prod/GET/t/01:50", True),
    (f"{API}/prod/GET/t/01:50", f"{API}/prod/GET/t/01", False),
    (f"{API}/prod/GET/t/01", f"{API}/prod/GET/t/01:50", False),
    (f"{API}/prod/GET/t/a?b", f"{API}/prod/GET/t/a:b", True),
    ("arn:aws:execute-api:*:*:*", f"{API}/prod/GET/pets", True),
    ("arn:aws:execute-api:eu-*:111122223333:*/prod/GET/pets", f"{API}/prod/GET/pets", True),
    ("arn:aws:execute-api:us-*:111122223333:*/prod/GET/pets", f"{API}/prod/GET/pets", False),
    ("arn:aws:execute-api:eu-west-?:111122223333:*", f"{API}/prod/GET/pets", True),
    ("arn:aws-cn:execute-api:eu-west-1:111122223333:*", f"{API}/prod/GET/pets", False),
    ("arn:aws:execute-api:e*1:111122223333:x", "arn:aws:execute-api:e:1:111122223333:x", False),
    ("arn:aws:execute-api:e*1:111122223333:x*", "arn:aws:execute-api:e:1:111122223333:x", False),
    ("arn:aws:execute-api:e?1:111122223333:x", "arn:aws:execute-api:e:1:111122223333:x", False),
    # "Variables and tags": `${*}`, `${?}` and `${$}` are those characters; `$` without a brace is one already.
    (f"{API}/prod/GET/a${{*}}b", f"{API}/prod/GET/a*b", True),
    (f"{API}/prod/GET/a${{*}}b", f"{API}/prod/GET/axb", False),
    (f"{API}/prod/GET/a${{?}}b", f"{API}/prod/GET/a?b", True),
    (f"{API}/prod/GET/a${{?}}b", f"{API}/prod/GET/axb", False),
    (f"{API}/prod/GET/${{$}}{{*}}", f"{API}/prod/GET/${{any}}", True),
    (f"{API}/prod/GET/${{$}}", f"{API}/prod/GET/$", True),
    (f"{API}/$default/GET/pets", f"{API}/$default/GET/pets", True),
    (f"{API}/prod/GET/.", f"{API}/prod/GET/x", False),
    (f"{API}/prod/GET/[ab]", f"{API}/prod/GET/a", False),
]


@pytest.mark.parametrize(("pattern", "resource", "fits"), RESOURCES)
def test_resource(pattern: str, resource: str, fits: bool) -> None:
    assert evaluate(document(statement(pattern)), INVOKE, resource) == ("Allow" if fits else "ImplicitDeny")


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [("${$}", "${$}", True), ("${$}", "$", False), ("a${*}b", "a${*}b", True), ("a${*}b", "a${xy}b", True), ("a${*}b", "a*b", False)],
)
def test_an_older_language_has_no_escapes(pattern: str, path: str, fits: bool) -> None:
    """ "Version": before 2012-10-17 a variable is literal text; the wildcard inside the braces is still a wildcard."""
    verdict = evaluate(document(statement(f"{API}/prod/GET/{pattern}"), version=OLD), INVOKE, f"{API}/prod/GET/{path}")
    assert verdict == ("Allow" if fits else "ImplicitDeny")


@pytest.mark.parametrize(
    ("listed", "action", "fits"),
    [
        ("execute-api:Invoke", "execute-api:Invoke", True),
        ("EXECUTE-API:invoke", "execute-api:Invoke", True),
        ("execute-api:Invoke", "EXECUTE-api:INVOKE", True),
        ("execute-api:*", "execute-api:ManageConnections", True),
        ("execute-api:Inv*", "execute-api:InvalidateCache", True),
        ("execute-api:Inv?ke", "execute-api:Invoke", True),
        ("execute-api:Inv?ke", "execute-api:Invke", False),
        ("*", "execute-api:Invoke", True),
        ("s3:*", "execute-api:Invoke", False),
        (["s3:GetObject", "execute-api:Invoke"], "execute-api:Invoke", True),
        (["s3:GetObject", "execute-api:InvalidateCache"], "execute-api:Invoke", False),
    ],
)
def test_action(listed: object, action: str, fits: bool) -> None:
    """ "Action": a string or a list, wildcards, and no difference between upper and lower case."""
    assert evaluate(document(statement("*", action=listed)), action, f"{API}/prod/GET/") == ("Allow" if fits else "ImplicitDeny")


ALLOW_ALL, DENY_ALL = statement("*"), statement("*", "Deny")
ELSEWHERE = statement(f"{API}/prod/GET/elsewhere", "Deny")


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([ALLOW_ALL], "Allow"),
        ([DENY_ALL], "ExplicitDeny"),
        ([ALLOW_ALL, DENY_ALL], "ExplicitDeny"),
        ([DENY_ALL, ALLOW_ALL], "ExplicitDeny"),
        ([ALLOW_ALL, ELSEWHERE], "Allow"),
        ([ELSEWHERE, ALLOW_ALL], "Allow"),
        ([ELSEWHERE], "ImplicitDeny"),
        ([statement(f"{API}/prod/GET/elsewhere")], "ImplicitDeny"),
        ([statement([f"{API}/prod/GET/elsewhere", f"{API}/prod/GET/pets"])], "Allow"),
    ],
)
def test_effects(statements: list[object], verdict: str) -> None:
    """ "Policy evaluation logic": deny by default, an explicit deny overrides any allow, in whatever order they stand."""
    assert evaluate(document(*statements), INVOKE, f"{API}/prod/GET/pets") == verdict


def test_one_statement_may_stand_without_a_list() -> None:
    """ "Statement": a single statement or an array of them; Id and Sid say nothing about access."""
    alone = {"Version": NEW, "Id": "gate", "Statement": statement("*", Sid="one")}
    assert evaluate(alone, INVOKE, f"{API}/prod/GET/") == "Allow"


BEFORE_1000 = {"NumericLessThan": {"aws:EpochTime": "1000"}}
DECEMBER = {"DateLessThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}}


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        (BEFORE_1000, {"aws:EpochTime": "999"}, True),
        (BEFORE_1000, {"aws:EpochTime": "1000"}, False),
        (BEFORE_1000, {"aws:EpochTime": "1001"}, False),
        (BEFORE_1000, {"aws:EpochTime": "999.5"}, True),
        (BEFORE_1000, {"AWS:epochtime": "999"}, True),
        (BEFORE_1000, {}, False),
        (BEFORE_1000, None, False),
        ({"NumericLessThan": {"aws:epochTime": 1000}}, {"aws:EpochTime": "999"}, True),
        ({"NumericLessThan": {"aws:EpochTime": ["10", "1000"]}}, {"aws:EpochTime": "999"}, True),
        ({"NumericLessThanEquals": {"aws:EpochTime": "1000"}}, {"aws:EpochTime": "1000"}, True),
        ({"NumericLessThanEquals": {"aws:EpochTime": "1000"}}, {"aws:EpochTime": "1001"}, False),
        (DECEMBER, {"aws:CurrentTime": "2026-11-30T23:59:59Z"}, True),
        (DECEMBER, {"aws:CurrentTime": "2026-12-01T00:00:00Z"}, False),
        (DECEMBER, {"aws:EpochTime": "1"}, False),
        ({**BEFORE_1000, **DECEMBER}, {"aws:EpochTime": "1", "aws:CurrentTime": "2026-01-01T00:00:00Z"}, True),
        ({**BEFORE_1000, **DECEMBER}, {"aws:EpochTime": "1", "aws:CurrentTime": "2027-01-01T00:00:00Z"}, False),
        ({**BEFORE_1000, **DECEMBER}, {"aws:EpochTime": "1001", "aws:CurrentTime": "2026-01-01T00:00:00Z"}, False),
    ],
)
def test_condition(condition: object, context: Mapping[str, str] | None, holds: bool) -> None:
    """ "Condition" and "Condition operators": all operators must hold, any value may; an absent key is false; key names have no case.

    The same condition on a Deny: where it does not hold, the Deny does not speak.
    """
    allow, deny = statement("*", Condition=condition), statement("*", "Deny", Condition=condition)
    assert evaluate(document(allow), INVOKE, f"{API}/prod/GET/", context) == ("Allow" if holds else "ImplicitDeny")
    assert evaluate(document(ALLOW_ALL, deny), INVOKE, f"{API}/prod/GET/", context) == ("ExplicitDeny" if holds else "Allow")


def without(element: str) -> dict[str, object]:
    return {name: value for name, value in ALLOW_ALL.items() if name != element}


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"Statement": [ALLOW_ALL]},
        {"Version": "2012-10-18", "Statement": [ALLOW_ALL]},
        {"Version": NEW},
        {"Version": NEW, "Statement": "Allow"},
        {"Version": NEW, "Statement": 1},
        {"Version": NEW, "Statement": [ALLOW_ALL], "Permissions": []},
        document(),
        document("Allow"),
        document("Sid"),
        document(ALLOW_ALL, [ALLOW_ALL]),
        document(statement("*", Sid="one"), statement("*", Sid="one")),
        document(ALLOW_ALL, {**without("Resource"), "NotResource": "*"}),
        document(ALLOW_ALL, {**without("Action"), "NotAction": "*"}),
        document(ALLOW_ALL, statement("*", Principal="*")),
        document(ALLOW_ALL, statement("*", NotPrincipal="*")),
        document(without("Effect")),
        document(without("Action")),
        document(without("Resource")),
        document(statement("*", "allow")),
        document(statement("*", "DENY")),
        document(statement("*", action=[])),
        document(statement("*", action="")),
        document(statement("*", action="Invoke")),
        document(statement("*", action=":Invoke")),
        document(statement("*", action="*:Invoke")),
        document(statement("*", action={"execute-api:Invoke": "*"})),
        document(statement("*", action="execute-api:")),
        document(statement("*", action="execute-api:Invoke:x")),
        document(statement("*", action="execute-api:${*}")),
        document(statement([])),
        document(statement(None)),
        document(statement([f"{API}/prod/GET/", 1])),
        document(statement({"Ref": "x"})),
        document(statement("")),
        document(statement("**")),
        document(statement("arn:aws:execute-api:eu-west-1:111122223333")),
        document(statement("arn:aws:execute-api:*")),
        document(statement("urn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/")),
        document(statement("arn:aws:execute-*:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/")),
        document(statement("arn:aws:execute-ap?:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/")),
        document(statement("arn:aws:execute-api:${*}:111122223333:a1b2c3d4e5/prod/GET/")),
        document(statement(f"{API}/prod/GET/${{aws:username}}")),
        document(statement(f"{API}/prod/GET/${{*")),
        document(statement(f"{API}/prod/GET/${{}}")),
        document(statement(f"{API}/prod/GET/${{")),
        document(statement("*", Condition={})),
        document(statement("*", Condition=None)),
        document(statement("*", Condition="never")),
        document(statement("*", Condition={"NumericLessThan": {}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:EpochTime": []}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:EpochTime": True}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:EpochTime": "soon"}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:EpochTime": "1_000"}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:EpochTime": 1e3}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:MultiFactorAuthAge": "1000"}})),
        document(statement("*", Condition={"NumericLessThan": {"aws:CurrentTime": "1000"}})),
        document(statement("*", Condition={"NumericLessThanIfExists": {"aws:EpochTime": "1000"}})),
        document(statement("*", Condition={"NumericGreaterThan": {"aws:EpochTime": "1000"}})),
        document(statement("*", Condition={"DateLessThan": {"aws:CurrentTime": "2026-12-01"}})),
        document(statement("*", Condition={"DateLessThan": {"aws:CurrentTime": "2026-12-1T00:00:00Z"}})),
        document(statement("*", Condition={"DateLessThan": {"aws:CurrentTime": "2026-13-01T00:00:00Z"}})),
        document(statement("*", Condition={"DateGreaterThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}})),
        document(statement("*", Condition={"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})),
    ],
)
def test_what_it_does_not_know_it_refuses(policy: Mapping[str, Any]) -> None:
    """In whichever statement it stands, and whether or not that statement would have spoken about the request."""
    with pytest.raises(UnsupportedPolicyError):
        evaluate(policy, INVOKE, f"{API}/prod/GET/pets")


def test_a_wildcard_that_may_or_may_not_run_over_a_colon_is_refused() -> None:
    """ "Resource": a `*` that ends a part "can expand to match beyond the colon boundaries". Only where it matters."""
    policy = document(statement("arn:aws:execute-api:eu-*:111122223333:x"))
    assert evaluate(policy, INVOKE, "arn:aws:execute-api:eu-west-1:111122223333:x") == "Allow"
    assert evaluate(policy, INVOKE, "arn:aws:execute-api:us-east-1:111122223333:x") == "ImplicitDeny"
    with pytest.raises(UnsupportedPolicyError):
        evaluate(policy, INVOKE, "arn:aws:execute-api:eu-west-1:444455556666:111122223333:x")


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("Invoke", f"{API}/prod/GET/"),
        ("execute-api:*", f"{API}/prod/GET/"),
        ("execute-api:Invok?", f"{API}/prod/GET/"),
        (INVOKE, "*"),
        (INVOKE, "arn:aws:execute-api:eu-west-1:111122223333"),
        (INVOKE, "urn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/"),
    ],
)
def test_a_request_is_one_action_on_one_resource(action: str, resource: str) -> None:
    with pytest.raises(ValueError, match="not "):
        evaluate(document(ALLOW_ALL), action, resource)


def as_regex(pattern: str) -> str:
    """A second opinion by another technique: the pattern as a regular expression."""
    pieces = re.split(r"(\$\{[*?$]\}|[*?])", pattern)
    meaning = {"*": "(?s:.*)", "?": "(?s:.)"}
    return "".join(re.escape(piece[2]) if piece.startswith("${") else meaning.get(piece, re.escape(piece)) for piece in pieces)


def test_matching_agrees_with_regular_expressions_on_everything_small() -> None:
    """Every pattern and every text of up to four characters."""
    texts = ["".join(each) for length in range(5) for each in itertools.product("ab", repeat=length)]
    patterns = ["".join(each) for length in range(5) for each in itertools.product("ab*?", repeat=length)]
    for pattern in patterns:
        expected = [bool(re.fullmatch(as_regex(pattern), text)) for text in texts]
        assert [matches(list(tokens(pattern, variables=True)), text) for text in texts] == expected


PIECES = st.sampled_from(["a", "b", "/", ":", ".", "\n", "*", "?", "${*}", "${?}", "${$}", "{", "}"])
TEXTS = st.text("ab/:.\n*?${}", max_size=8)


@given(st.lists(PIECES, max_size=8).map("".join), TEXTS)
def test_matching_agrees_with_regular_expressions(pattern: str, text: str) -> None:
    assert matches(list(tokens(pattern, variables=True)), text) == bool(re.fullmatch(as_regex(pattern), text))


@given(st.data(), TEXTS)
def test_a_text_fits_itself_with_wildcards_put_in(data: st.DataObject, text: str) -> None:
    """So that the agreement above is also about patterns that fit."""
    escaped = ["${" + each + "}" if each in "*?$" else each for each in text]
    pattern = "".join(data.draw(st.sampled_from([each, "?", "*", each + "*"])) for each in escaped)
    assert matches(list(tokens(pattern, variables=True)), text)
    assert re.fullmatch(as_regex(pattern), text)
