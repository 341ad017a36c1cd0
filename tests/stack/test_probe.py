"""The probe asks the local stack's emulator, whose differences to AWS are rows of its table."""

import json

import pytest

from infra.probe.questions import QUESTIONS
from tests.support.local_stack import LocalStack

pytestmark = pytest.mark.stack

SLOW = {"rest-timeout", *(each.name for each in QUESTIONS if each.name.endswith("time-condition-remembered"))}
"""What takes ten seconds and more each, and says no more of the probe than the others."""


def test_the_emulator_answers_every_question_as_it_is_known_to(stack: LocalStack) -> None:
    chosen = [each.name for each in QUESTIONS if each.name not in SLOW]
    before = names_of_stacks(stack)
    result = stack.gatebook("probe", "--local", "--json", *(word for name in chosen for word in ("--only", name)), check=False)
    report = json.loads(result.stdout)
    told = {each["name"]: (each["outcome"], each["verdict"], each["statuses"]) for each in report["questions"] if not each["expected"]}
    assert (told, result.returncode) == ({}, 0), result.stderr
    assert [each["name"] for each in report["questions"]] == chosen
    assert report["settings"] == {}
    assert names_of_stacks(stack) == before, "the probe leaves nothing"


def names_of_stacks(stack: LocalStack) -> set[str]:
    listed = stack.client("cloudformation").describe_stacks()["Stacks"]
    return {each["StackName"] for each in listed if each["StackStatus"] != "DELETE_COMPLETE"}
