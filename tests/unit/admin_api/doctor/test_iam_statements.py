"""Statements of IAM policies: which actions and resources they are about, and which patterns take in which."""

import os
from random import Random
from typing import Any

import pytest

from admin_api.doctor.iam_statements import Statement, covers, fits, statements_of

SEED = int(os.environ.get("GATEBOOK_SEED", "20261128"))
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/permissions"


def only(**fields: Any) -> Statement:
    [statement] = statements_of({"Statement": {"Effect": "Allow"} | fields})
    return statement


@pytest.mark.parametrize(
    ("fields", "action", "resource", "speaks"),
    [
        ({"Action": "dynamodb:GetItem", "Resource": TABLE}, "dynamodb:GetItem", TABLE, True),
        ({"Action": ["dynamodb:Query", "dynamodb:GetItem"], "Resource": [TABLE]}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:GetItem", "Resource": ["arn:other", TABLE]}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:GetItem", "NotResource": ["arn:other", TABLE]}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "DynamoDB:getitem", "Resource": TABLE}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:*", "Resource": "*"}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "*", "Resource": "*"}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:Ge?Item", "Resource": TABLE[:-1] + "?"}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:Ge?tItem", "Resource": TABLE}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb:Get", "Resource": TABLE}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb:GetItem", "Resource": TABLE + "/index/*"}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb:GetItem", "Resource": TABLE.upper()}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb.GetItem", "Resource": TABLE}, "dynamodb:GetItem", TABLE, False),
        ({"NotAction": "dynamodb:PutItem", "Resource": TABLE}, "dynamodb:GetItem", TABLE, True),
        ({"NotAction": "dynamodb:*", "Resource": TABLE}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb:GetItem", "NotResource": TABLE}, "dynamodb:GetItem", TABLE, False),
        ({"Action": "dynamodb:GetItem", "NotResource": "arn:aws:s3:::*"}, "dynamodb:GetItem", TABLE, True),
        ({"NotAction": "s3:*", "NotResource": "arn:aws:s3:::*"}, "dynamodb:GetItem", TABLE, True),
        ({"Action": "dynamodb:GetItem"}, "dynamodb:GetItem", TABLE, True),
        ({"Resource": TABLE}, "dynamodb:GetItem", TABLE, False),
    ],
)
def test_what_a_statement_is_about(fields: dict[str, Any], action: str, resource: str, speaks: bool) -> None:
    assert only(**fields).speaks_of(action, resource) is speaks


def test_who_and_under_which_conditions() -> None:
    statement = only(
        Sid="one",
        Principal={"Service": "apigateway.amazonaws.com", "AWS": ["1", "2"]},
        Condition={"ArnLike": {"AWS:SourceArn": ["a", "b"]}, "Bool": {"aws:SecureTransport": False}},
    )
    assert statement.sid == "one"
    assert not statement.is_deny
    assert statement.principals == (("Service", "apigateway.amazonaws.com"), ("AWS", "1"), ("AWS", "2"))
    assert statement.conditions == (("ArnLike", "aws:sourcearn", ("a", "b")), ("Bool", "aws:securetransport", ("false",)))


def test_everybody_is_written_in_two_ways() -> None:
    assert only(Principal="*").principals == only(Principal={"AWS": "*"}).principals == (("AWS", "*"),)
    assert only().principals == ()


def test_statements_without_a_name_have_their_number() -> None:
    allow, deny = statements_of({"Statement": [{"Effect": "Allow"}, {"Effect": "Deny", "Sid": ""}]})
    assert (allow.sid, allow.is_deny, deny.sid, deny.is_deny) == ("number 1", False, "number 2", True)
    assert list(statements_of({})) == []


def test_a_pattern_that_covers_another_fits_all_that_it_fits() -> None:
    print(f"\nGATEBOOK_SEED={SEED}")
    chance = Random(SEED)
    covered = 0
    for _ in range(4000):
        wide, narrow = ("".join(chance.choices("ab*?", k=chance.randint(0, 4))) for _ in range(2))
        if covers(wide, narrow):
            covered += 1
            for _ in range(20):
                text = "".join(chance.choice("ab") * (1 if c == "?" else chance.randint(0, 2)) if c in "*?" else c for c in narrow)
                assert fits(narrow, text)
                assert fits(wide, text), (wide, narrow, text)
    assert covered > 100


@pytest.mark.parametrize(
    ("wide", "pattern", "does"),
    [
        ("*", "*", True),
        ("*", "a*", True),
        ("a*", "*", False),
        ("a?", "a*", False),
        ("a?", "a?", True),
        ("a?", "ab", True),
        ("a", "a", True),
        ("a", "?", False),
    ],
)
def test_which_pattern_takes_in_which(wide: str, pattern: str, does: bool) -> None:
    assert covers(wide, pattern) is does
